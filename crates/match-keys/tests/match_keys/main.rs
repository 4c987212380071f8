//! Match keys against Meta's printed hashes, the numbering plans of the world, messy contacts and nasty text.

#![expect(
    clippy::expect_used,
    reason = "a test may end at once; clippy knows only `#[test]` functions as tests"
)]

mod contacts;
mod corpus;
mod messy;
mod nasty;
mod phones;
mod promises;
mod properties;
mod vectors;

use chrono::NaiveDate;
use match_keys::{CountryCode, Encoder, country};

/// A country that the test names itself.
fn country(code: &str) -> Option<CountryCode> {
    if code.is_empty() { None } else { Some(country::read(code).expect("a country code of the test")) }
}

/// An encoder for a location in this country, on the day that every test takes for today.
fn encoder(location: Option<CountryCode>) -> Encoder {
    Encoder::new(location, today())
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 15).expect("a date")
}
