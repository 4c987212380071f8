//! Percentile ranks from 0 to 100: the exact definition, the sketch that is sent away to be ranked, and its check.
//!
//! `p(v) = ceil(100 * below / (n - 1))` with `below` = number of values smaller than `v`; every value equal to the
//! maximum gets 100; when all values are equal (or there is one) everybody gets 50. Integers only.

use crate::money::Cents;
use crate::run::{NormalizationStats, ValueRange};
use serde::{Deserialize, Serialize};

/// A rank from 0 (lowest) to 100 (highest).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Percentile(u8);

impl Percentile {
    /// The rank everybody gets when all values are equal.
    pub const MIDDLE: Self = Self(50);

    /// `None` when the number is above 100.
    pub fn new(rank: u8) -> Option<Self> {
        (rank <= 100).then_some(Self(rank))
    }

    /// 0 to 100.
    pub fn get(self) -> u8 {
        self.0
    }

    /// Index of the upper-closed decile: 0-10, 11-20, … 91-100.
    pub fn decile(self) -> usize {
        usize::from(self.0.max(1) - 1) / 10
    }

    /// The value sent to Meta, which refuses zero: at least 1.
    pub fn value_for_meta(self) -> u8 {
        self.0.max(1)
    }

    /// Top 10 %, middle or bottom 40 %.
    pub fn segment(self) -> Segment {
        match self.0 {
            91.. => Segment::Top,
            41.. => Segment::Middle,
            _ => Segment::Bottom,
        }
    }
}

/// The three groups of the e-mail report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    /// Rank above 90.
    Top,
    /// Rank of 41 to 90.
    Middle,
    /// Rank of at most 40.
    Bottom,
}

/// All values of a list, sorted. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution(Vec<i64>);

impl Distribution {
    /// Sorts the values (cents). `None` when there are none.
    pub fn new(mut cents: Vec<i64>) -> Option<Self> {
        cents.sort_unstable();
        (!cents.is_empty()).then_some(Self(cents))
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Smallest value.
    pub fn min(&self) -> Cents {
        Cents(self.0.first().copied().unwrap_or_default())
    }

    /// Largest value.
    pub fn max(&self) -> Cents {
        Cents(self.0.last().copied().unwrap_or_default())
    }

    /// Whether all values are equal, so that nothing can be ranked.
    pub fn is_flat(&self) -> bool {
        self.min() == self.max()
    }

    /// Middle value; the mean of the two middle ones, rounded half away from zero, for an even count.
    pub fn median(&self) -> Cents {
        let upper = self.0.len() / 2;
        let lower = (self.0.len() - 1) / 2;
        let sum = i128::from(self.0[lower]) + i128::from(self.0[upper]);
        let half = (sum + sum.signum()) / 2;
        Cents(i64::try_from(half).unwrap_or_default())
    }

    /// The smallest value that at least `percent` of 100 values do not exceed (nearest rank).
    pub fn value_at(&self, percent: u8) -> Cents {
        let rank = (self.0.len() as u128 * u128::from(percent.min(100))).div_ceil(100).max(1) - 1;
        Cents(usize::try_from(rank).ok().and_then(|rank| self.0.get(rank)).copied().unwrap_or_default())
    }

    /// The exact rank of a value.
    pub fn percentile_of(&self, value: Cents) -> Percentile {
        if self.is_flat() {
            return Percentile::MIDDLE;
        }
        self.rank(value, self.0.partition_point(|v| *v < value.0))
    }

    /// `below` of the `n` values are smaller than `value`; not all values are equal.
    fn rank(&self, value: Cents, below: usize) -> Percentile {
        if value >= self.max() {
            return Percentile(100);
        }
        let n = self.0.len();
        let rank = (100 * below as u128 + n as u128 - 2) / (n as u128 - 1);
        Percentile(u8::try_from(rank).unwrap_or(100).min(100))
    }

    /// At most 101 rows from which every contact's rank follows exactly: the largest distinct value of each occupied rank.
    pub fn sketch(&self) -> Sketch {
        let values = &self.0;
        let mut rows: Vec<SketchRow> = Vec::new();
        let mut start = 0;
        while start < values.len() {
            let value = Cents(values[start]);
            let end = start + values[start..].partition_point(|v| *v <= value.0);
            let exact = if self.is_flat() { Percentile::MIDDLE } else { self.rank(value, start) };
            let row = SketchRow { value, below: start as u64, at: (end - start) as u64, exact };
            match rows.last_mut() {
                Some(last) if last.exact == exact => *last = row,
                _ => rows.push(row),
            }
            start = end;
        }
        Sketch { rows, n: self.count() }
    }

    /// What the run reports of the distribution. `ambiguous` values are counted by the reader.
    pub fn stats(&self, ambiguous: u64) -> NormalizationStats {
        let mut stats = NormalizationStats {
            count: self.count(),
            min: self.min(),
            median: self.median(),
            max: self.max(),
            distribution: [0; 10],
            value_per_decile: [Cents(0); 10],
            range_per_decile: [None; 10],
            top: 0,
            middle: 0,
            bottom: 0,
            ambiguous,
        };
        let mut sums = [0_i128; 10];
        let mut start = 0;
        while start < self.0.len() {
            let value = self.0[start];
            let end = start + self.0[start..].partition_point(|v| *v <= value);
            let count = (end - start) as u64;
            let percentile = if self.is_flat() { Percentile::MIDDLE } else { self.rank(Cents(value), start) };
            stats.distribution[percentile.decile()] += count;
            sums[percentile.decile()] += i128::from(value) * i128::from(count);
            // The values ascend: the first of a decile is its smallest, the latest its largest.
            let range = &mut stats.range_per_decile[percentile.decile()];
            let from = range.map_or(Cents(value), |range| range.from);
            *range = Some(ValueRange { from, to: Cents(value) });
            match percentile.segment() {
                Segment::Top => stats.top += count,
                Segment::Middle => stats.middle += count,
                Segment::Bottom => stats.bottom += count,
            }
            start = end;
        }
        for (sum, cents) in sums.iter().zip(&mut stats.value_per_decile) {
            // Sums beyond i64 (92 quadrillion) are shown as the largest amount rather than wrapped.
            cents.0 = i64::try_from(*sum).unwrap_or(if *sum < 0 { i64::MIN } else { i64::MAX });
        }
        stats
    }
}

/// One row of the sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SketchRow {
    /// The value.
    pub value: Cents,
    /// How many values are smaller.
    pub below: u64,
    /// How many values are equal.
    pub at: u64,
    /// The exact rank.
    pub exact: Percentile,
}

/// The rows that are sent to be ranked, ascending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sketch {
    /// At most 101.
    pub rows: Vec<SketchRow>,
    /// How many values stand behind them.
    pub n: u64,
}

/// An answer that passed the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Largest difference to the exact rank.
    pub max_deviation: u8,
}

impl Sketch {
    /// Checks ranks given for the rows, in row order. They must be whole numbers from 0 to 100 that never decrease, lie
    /// within `tolerance` of the exact rank, begin with 0 or 1 and end with 100 (a single row must be 50).
    ///
    /// # Errors
    /// Every problem as a phrase that can be quoted back to whoever ranked.
    pub fn verify(&self, ranks: &[i64], tolerance: u8) -> Result<Verified, Vec<String>> {
        if ranks.len() != self.rows.len() {
            return Err(vec![format!("expected {} rows, got {}", self.rows.len(), ranks.len())]);
        }
        let mut problems: Vec<String> = ranks
            .iter()
            .enumerate()
            .filter(|(_, rank)| !(0..=100).contains(*rank))
            .map(|(i, rank)| format!("row {i}: {rank} is not an integer from 0 to 100"))
            .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut max_deviation = 0;
        let mut previous = None;
        for (i, (row, rank)) in self.rows.iter().zip(ranks).enumerate() {
            let exact = i64::from(row.exact.get());
            if let Some(previous) = previous.filter(|previous| rank < previous) {
                problems.push(format!("row {i}: {rank} is lower than the previous row ({previous})"));
            }
            let deviation = u8::try_from((rank - exact).abs()).unwrap_or(u8::MAX);
            if deviation > tolerance {
                problems.push(format!(
                    "row {i}: {} of {} customers are below {}, expected {exact}, got {rank}",
                    row.below, self.n, row.value
                ));
            }
            max_deviation = max_deviation.max(deviation);
            previous = Some(*rank);
        }
        if self.rows.len() > 1 {
            if ranks.last() != Some(&100) {
                problems.push("the highest row must be 100".to_owned());
            }
            if ranks.first().is_some_and(|rank| *rank > 1) {
                problems.push("the lowest row must be 0 or 1".to_owned());
            }
        }
        if problems.is_empty() { Ok(Verified { max_deviation }) } else { Err(problems) }
    }

    /// The rank of a value of the list, by the exact ranks of the rows.
    pub fn percentile_of(&self, value: Cents) -> Percentile {
        let at = self.rows.partition_point(|row| row.value < value);
        self.rows.get(at).or(self.rows.last()).map_or(Percentile::MIDDLE, |row| row.exact)
    }
}

#[cfg(test)]
mod tests {
    use super::{Distribution, Percentile, Segment};
    use crate::money::Cents;

    #[test]
    fn wrong_answers_are_refused() {
        let sketch = Distribution::new((0..2357).map(|i| i * i).collect()).unwrap().sketch();
        let exact: Vec<i64> = sketch.rows.iter().map(|row| i64::from(row.exact.get())).collect();
        assert_eq!(exact.len(), 101);
        let refused = |change: &dyn Fn(&mut Vec<i64>)| {
            let mut ranks = exact.clone();
            change(&mut ranks);
            sketch.verify(&ranks, 1).is_err()
        };
        assert!(refused(&|r| r.truncate(100)));
        assert!(refused(&|r| r.push(100)));
        assert!(refused(&|r| r.reverse()));
        assert!(refused(&|r| r.iter_mut().for_each(|p| *p = (*p + 2).min(100))));
        assert!(refused(&|r| r[100] = 99));
        assert!(refused(&|r| r[100] = 101));
        assert!(refused(&|r| r[0] = 2));
        assert!(refused(&|r| r[50] = -1));
        assert!(refused(&|r| r.swap(40, 41)), "a decrease");
        let mut off_by_one = exact.clone();
        off_by_one[50] += 1;
        assert!(sketch.verify(&off_by_one, 0).is_err());
        assert_eq!(sketch.verify(&off_by_one, 1).unwrap().max_deviation, 1);
    }

    #[test]
    fn problems_are_told_in_words() {
        let sketch = Distribution::new(vec![100, 200, 300]).unwrap().sketch();
        assert_eq!(
            sketch.verify(&[0, 20, 100], 1).unwrap_err(),
            ["row 1: 1 of 3 customers are below 2.00, expected 50, got 20"]
        );
        assert_eq!(sketch.verify(&[0], 1).unwrap_err(), ["expected 3 rows, got 1"]);
    }

    #[test]
    fn one_value_or_equal_values_are_in_the_middle() {
        for values in [vec![7], vec![7; 12]] {
            let distribution = Distribution::new(values).unwrap();
            assert!(distribution.is_flat());
            assert_eq!(distribution.percentile_of(Cents(7)), Percentile::MIDDLE);
            assert_eq!(distribution.sketch().rows.len(), 1);
        }
        assert!(Distribution::new(Vec::new()).is_none());
    }

    #[test]
    fn the_value_at_a_percentage_is_one_of_the_list() {
        let at = |n: i64, percent| Distribution::new((1..=n).collect()).unwrap().value_at(percent).0;
        assert_eq!([at(1, 99), at(2, 99), at(100, 99), at(101, 99), at(200, 99)], [1, 2, 99, 100, 198]);
        assert_eq!([at(100, 0), at(100, 100), at(3, 50)], [1, 100, 2]);
    }

    #[test]
    fn medians_deciles_and_segments() {
        let median = |values: &[i64]| Distribution::new(values.to_vec()).unwrap().median().0;
        assert_eq!(
            (
                median(&[3, 1, 2]),
                median(&[1, 2]),
                median(&[-1, -2]),
                median(&[-1, 2]),
                median(&[i64::MAX, i64::MAX])
            ),
            (2, 2, -2, 1, i64::MAX)
        );
        let decile = |rank| Percentile::new(rank).unwrap().decile();
        assert_eq!([0, 1, 10, 11, 20, 90, 91, 100].map(decile), [0, 0, 0, 1, 1, 8, 9, 9]);
        let segment = |rank| Percentile::new(rank).unwrap().segment();
        assert_eq!(
            [0, 40, 41, 90, 91, 100].map(segment),
            [Segment::Bottom, Segment::Bottom, Segment::Middle, Segment::Middle, Segment::Top, Segment::Top]
        );
        assert_eq!(Percentile::new(101), None);
        assert_eq!(Percentile::new(0).unwrap().value_for_meta(), 1);
    }
}
