//! The ranks against the reference implementation (`tests/data/percentile_ref.py`), case by case, and against the
//! definition written the slow way.

use domain::{Cents, Distribution, Percentile};
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

const CASES: &str = include_str!("../data/percentile_cases.json");

/// A list by its recipe, and what the reference says of it; `tests/data/percentile_cases.py` explains the fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    kind: String,
    n: usize,
    seed: u64,
    ranks: Option<Vec<u8>>,
    counts: Option<Vec<u64>>,
    checksum: u64,
    rows: Vec<(i64, u64, u64, u8)>,
}

impl Case {
    /// The values, by the generator of `percentile_cases.py`.
    fn values(&self) -> Vec<i64> {
        let mut state = self.seed;
        let mut value = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = i64::try_from(state >> 33).unwrap();
            match self.kind.as_str() {
                "spread" => draw % 1_000_000_007,
                "ties" => draw % 7 * 1000,
                "zeros" if draw % 10 < 3 => 0,
                "zeros" => draw % 100_000,
                "negatives" => draw % 20_000 - 10_000,
                "top_heavy" if draw % 10 == 0 => 99_999,
                "top_heavy" => draw % 99_999,
                "flat" => 4200,
                other => panic!("the kind {other} is new"),
            }
        };
        (0..self.n).map(|_| value()).collect()
    }

    fn check(&self) {
        let name = format!("{} of {}, seed {}", self.n, self.kind, self.seed);
        let values = self.values();
        let distribution = Distribution::new(values.clone()).unwrap();
        let sketch = distribution.sketch();
        let rows: Vec<_> =
            sketch.rows.iter().map(|row| (row.value.0, row.below, row.at, row.exact.get())).collect();
        assert_eq!((rows, sketch.n), (self.rows.clone(), self.n as u64), "{name}");

        let ranks: Vec<u8> = values.iter().map(|value| sketch.percentile_of(Cents(*value)).get()).collect();
        // A long list is searched at ten thousand places; a short one at all.
        for at in (0..self.n).step_by(self.n.div_ceil(10_000)) {
            let exact = distribution.percentile_of(Cents(values[at])).get();
            assert_eq!(exact, ranks[at], "{name}: the sketch loses the rank at {at}");
        }
        let checksum = (1_u64..)
            .zip(&ranks)
            .fold(0_u64, |sum, (place, rank)| sum.wrapping_add(place.wrapping_mul(u64::from(*rank))));
        assert_eq!(checksum, self.checksum, "{name}");
        match (&self.ranks, &self.counts) {
            (Some(expected), None) => assert_eq!(ranks, *expected, "{name}"),
            (None, Some(expected)) => {
                let mut counts = vec![0; 101];
                ranks.iter().for_each(|rank| counts[usize::from(*rank)] += 1);
                assert_eq!(counts, *expected, "{name}");
            }
            _ => panic!("{name}: ranks or their counts must be given"),
        }
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(CASES).unwrap()
}

#[test]
fn every_case_has_exactly_the_ranks_and_rows_of_the_reference() {
    cases().iter().for_each(Case::check);
}

#[test]
fn the_cases_are_of_every_size_with_ties_zeros_and_negatives() {
    let mut sizes: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        sizes.entry(case.n).or_default().insert(case.kind);
    }
    for size in [1, 2, 3, 100, 101, 2357, 1_000_000] {
        let kinds: Vec<&str> = sizes[&size].iter().map(String::as_str).collect();
        assert_eq!(kinds, ["flat", "negatives", "spread", "ties", "top_heavy", "zeros"], "{size}");
    }
    assert!(cases().len() >= 100);
}

/// The definition: `ceil(100 * below / (n - 1))`; the maximum gets 100; where all are equal everybody gets 50.
fn by_definition(values: &[i64], value: i64) -> u8 {
    let (min, max) = (values.iter().min().unwrap(), values.iter().max().unwrap());
    if min == max {
        return 50;
    }
    if value == *max {
        return 100;
    }
    let below = values.iter().filter(|other| **other < value).count();
    u8::try_from((100 * below).div_ceil(values.len() - 1)).unwrap()
}

/// Lists with ties, zeros and negatives, of a few values or of amounts as far apart as they can be.
fn lists() -> impl Strategy<Value = Vec<i64>> {
    let value = prop_oneof![
        2 => Just(0_i64),
        3 => -5_i64..5,
        3 => -10_000_i64..1_000_000,
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MIN + 1, -1, 1, i64::MAX - 1, i64::MAX]),
    ];
    prop_oneof![
        prop::collection::vec(value, 1..320),
        prop::collection::vec(-3_i64..3, 1..320),
        (any::<i64>(), 1_usize..320).prop_map(|(value, n)| vec![value; n]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn ranks_are_those_of_the_definition_whatever_the_list(values in lists()) {
        let distribution = Distribution::new(values.clone()).unwrap();
        let sketch = distribution.sketch();
        prop_assert!(sketch.rows.len() <= 101);
        for value in &values {
            let expected = by_definition(&values, *value);
            prop_assert_eq!(distribution.percentile_of(Cents(*value)).get(), expected);
            prop_assert_eq!(sketch.percentile_of(Cents(*value)).get(), expected);
        }
        for (at, row) in sketch.rows.iter().enumerate() {
            prop_assert_eq!(row.below, values.iter().filter(|value| **value < row.value.0).count() as u64, "row {}", at);
            prop_assert_eq!(row.at, values.iter().filter(|value| **value == row.value.0).count() as u64, "row {}", at);
        }
    }

    #[test]
    fn the_statistics_count_everybody_once(values in lists()) {
        let stats = Distribution::new(values.clone()).unwrap().stats(0);
        prop_assert_eq!(stats.count, values.len() as u64);
        prop_assert_eq!(stats.distribution.iter().sum::<u64>(), stats.count);
        prop_assert_eq!(stats.top + stats.middle + stats.bottom, stats.count);
        // Sums that fit are exact; those that do not are cut off at the greatest amount.
        if values.iter().all(|value| value.unsigned_abs() < 1 << 50) {
            prop_assert_eq!(stats.value_per_decile.iter().map(|cents| cents.0).sum::<i64>(), values.iter().sum::<i64>());
        }
        let mut ranges = [None::<(i64, i64)>; 10];
        for value in &values {
            let decile = Percentile::new(by_definition(&values, *value)).unwrap().decile();
            let (from, to) = ranges[decile].unwrap_or((*value, *value));
            ranges[decile] = Some((from.min(*value), to.max(*value)));
        }
        prop_assert_eq!(stats.range_per_decile.map(|range| range.map(|range| (range.from.0, range.to.0))), ranges);
    }

    #[test]
    fn only_ranks_within_the_tolerance_pass_the_check(values in lists(), row in any::<prop::sample::Index>(), by in -120_i64..120) {
        let sketch = Distribution::new(values).unwrap().sketch();
        let exact: Vec<i64> = sketch.rows.iter().map(|row| i64::from(row.exact.get())).collect();
        prop_assert_eq!(sketch.verify(&exact, 0).unwrap().max_deviation, 0);
        let mut changed = exact.clone();
        changed[row.index(exact.len())] += by;
        prop_assert_eq!(sketch.verify(&changed, 0).is_ok(), by == 0);
        match sketch.verify(&changed, 1) {
            Ok(verified) => prop_assert_eq!(i64::from(verified.max_deviation), by.abs()),
            Err(problems) => prop_assert!(by != 0 && !problems.is_empty()),
        }
        if by.abs() > 1 {
            prop_assert!(sketch.verify(&changed, 1).is_err());
        }
    }
}
