//! The ranks of all lifetime values, as the at most 101 values at which the rank steps up.

use std::io;

use crate::sorter::Sorter;

/// Collects the values.
pub(super) struct Unranked {
    values: Sorter<8>,
    count: u64,
}

impl Unranked {
    pub(super) fn new() -> Self {
        Self { values: Sorter::new(), count: 0 }
    }

    /// Adds a value.
    ///
    /// # Errors
    /// A temporary file that can not be written.
    pub(super) fn push(&mut self, cents: i64) -> io::Result<()> {
        self.count += 1;
        // With the sign bit turned, negative values come first byte by byte too.
        self.values.push((cents ^ i64::MIN).to_be_bytes())
    }

    /// Ranks them: `ceil(100 * less / (n - 1))`; the maximum is 100; all equal is 50.
    ///
    /// # Errors
    /// A temporary file that can not be read.
    pub(super) fn ranked(self) -> io::Result<Percentiles> {
        let mut steps: Vec<(i64, u8)> = Vec::new();
        let mut last = None;
        for (less, value) in (0..).zip(self.values.sorted()?) {
            let cents = i64::from_be_bytes(value?) ^ i64::MIN;
            if last.replace(cents) == Some(cents) {
                continue;
            }
            let percentile = u64::div_ceil(100 * less, (self.count - 1).max(1)).min(100) as u8;
            if steps.last().is_none_or(|(_, held)| *held != percentile) {
                steps.push((cents, percentile));
            }
        }
        let all_equal = steps.len() == 1 && steps.first().map(|(first, _)| *first) == last;
        match (steps.last_mut(), last) {
            (Some((highest, percentile)), Some(last)) if *highest == last => {
                *percentile = if all_equal { 50 } else { 100 };
            }
            (Some((_, percentile)), Some(last)) if *percentile < 100 => steps.push((last, 100)),
            _ => {}
        }
        Ok(Percentiles(steps))
    }
}

/// The lowest value of each rank, ascending.
#[derive(Debug)]
pub(super) struct Percentiles(Vec<(i64, u8)>);

impl Percentiles {
    /// The rank of a value that is among them.
    pub(super) fn of(&self, cents: i64) -> Option<u8> {
        let above = self.0.partition_point(|(lowest, _)| *lowest <= cents);
        self.0.get(above.checked_sub(1)?).map(|(_, percentile)| *percentile)
    }
}

#[cfg(test)]
mod tests {
    use super::Unranked;
    use crate::people::mix;

    fn ranks(values: &[i64]) -> Vec<u8> {
        let mut unranked = Unranked::new();
        for value in values {
            unranked.push(*value).unwrap();
        }
        let percentiles = unranked.ranked().unwrap();
        values.iter().map(|value| percentiles.of(*value).unwrap()).collect()
    }

    #[test]
    fn the_highest_is_100_one_value_is_50_and_ties_share_a_rank() {
        assert_eq!(ranks(&[7]), [50]);
        assert_eq!(ranks(&[7, 7, 7]), [50, 50, 50]);
        assert_eq!(ranks(&[-5, 3]), [0, 100]);
        assert_eq!(ranks(&[9, 9, -1]), [100, 100, 0]);
        assert_eq!(ranks(&[30, 10, 20, 20, 0]), [100, 25, 50, 50, 0]);
    }

    #[test]
    fn every_rank_is_that_of_the_formula() {
        for count in [2_usize, 3, 99, 100, 101, 102, 777, 5000] {
            let values: Vec<i64> = (0..count as u64).map(|n| (mix(n) % 2000) as i64 - 300).collect();
            let max = values.iter().max().unwrap();
            let formula = |value: &i64| {
                let less = values.iter().filter(|other| *other < value).count();
                if value == max { 100 } else { (100 * less).div_ceil(count - 1) as u8 }
            };
            assert_eq!(ranks(&values), values.iter().map(formula).collect::<Vec<_>>(), "{count} values");
        }
    }
}
