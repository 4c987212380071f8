//! Real and messy data against their published expectations (sources and licences stand beside the data files), and what
//! holds for any lifetime value.
#![cfg(test)]

mod corpus;
mod percentiles;
mod promises;
mod properties;

use domain::ltv::{DecimalMark, LtvReading, read_ltv};
use domain::{Cents, Distribution, RawLtv};

const MESSY: &str = include_str!("../../../match-keys/tests/data/contacts_messy.csv");
const CDNOW: &str = include_str!("../data/ltv_cdnow_expected.csv");

/// `1234.50` as cents; the expectations are always written with two decimals.
fn cents(text: &str) -> i64 {
    text.replace('.', "").parse().unwrap()
}

#[test]
fn every_messy_value_is_read_as_expected() {
    let mut rows = 0;
    for row in csv::Reader::from_reader(MESSY.as_bytes()).into_records() {
        let row = row.unwrap();
        let (raw, expected, bucket) = (&row[10], &row[11], &row[13]);
        let reading = read_ltv(&RawLtv::Text(raw.to_owned()), DecimalMark::Point);
        let fits = match reading {
            LtvReading::Value { amount, .. } => bucket == "ok" && amount == Cents(cents(expected)),
            LtvReading::NoLtv => bucket == "no_ltv",
            LtvReading::BadLtv(_) => bucket == "bad_ltv",
        };
        assert!(fits, "{}: `{raw}` was read as {reading:?}, expected {bucket} {expected}", &row[0]);
        rows += 1;
    }
    assert_eq!(rows, 5000);
}

#[test]
fn every_real_customer_has_the_published_percentile() {
    let rows: Vec<(i64, u8)> = csv::Reader::from_reader(CDNOW.as_bytes())
        .into_records()
        .map(|row| {
            let row = row.unwrap();
            (row[1].parse().unwrap(), row[2].parse().unwrap())
        })
        .collect();
    assert_eq!(rows.len(), 2357);
    let distribution = Distribution::new(rows.iter().map(|(value, _)| *value).collect()).unwrap();
    let sketch = distribution.sketch();
    for (value, percentile) in rows {
        assert_eq!(distribution.percentile_of(Cents(value)).get(), percentile);
        assert_eq!(sketch.percentile_of(Cents(value)).get(), percentile);
    }
}
