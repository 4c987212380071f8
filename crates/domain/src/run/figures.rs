//! The figures of a run: what Meta reported of matches, who came and went, how the values are spread.

use crate::money::Cents;
use serde::{Deserialize, Serialize};

/// What Meta reported of how many people it matched. Every part may be missing; nothing is ever estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Matched {
    /// `num_matched` of the upload session.
    pub exact: Option<u64>,
    /// Lower bound of the audience size, rounded by Meta.
    pub lower: Option<u64>,
    /// Upper bound of the audience size, rounded by Meta.
    pub upper: Option<u64>,
}

impl Matched {
    /// The bounds of how many of the `sent` contacts Meta matched. Meta's upper bound may lie above what was sent, because
    /// it is rounded and "below 1000" for every small audience; all of them is the most that can be matched. A lower bound
    /// above it is the size of an audience that holds others too, or one person's two accounts, and says nothing of those sent.
    pub fn range(&self, sent: u64) -> Option<(u64, u64)> {
        let (lower, upper) = (self.lower?, self.upper?.min(sent));
        (sent > 0 && lower <= upper).then_some((lower, upper))
    }

    /// The count of `sent` contacts for people: a number, a rounded range, or `not reported by Meta`.
    pub fn count_text(&self, sent: u64) -> String {
        match (self.exact, self.range(sent)) {
            (Some(exact), _) => exact.to_string(),
            (None, Some((lower, upper))) => format!("between {lower} and {upper}"),
            _ => "not reported by Meta".to_owned(),
        }
    }

    /// The exact share of those sent, in tenths of a percent, rounded; `None` when Meta did not report it.
    pub fn exact_tenths(&self, sent: u64) -> Option<u128> {
        let exact = self.exact.filter(|_| sent > 0)?;
        Some((u128::from(exact) * 2000 / u128::from(sent)).div_ceil(2))
    }

    /// The share of `sent` for people: `72.4%`, `between 49 % and 51 %`, or `not reported by Meta`. Meta rounds the bounds of
    /// a range, so it has whole percents that enclose it. An exact number is Meta's own and capped at nothing.
    pub fn rate_text(&self, sent: u64) -> String {
        let hundredfold = |count: u64| u128::from(count) * 100;
        let whole = u128::from(sent);
        match (self.exact_tenths(sent), self.range(sent)) {
            (Some(tenths), _) => format!("{}.{}%", tenths / 10, tenths % 10),
            (None, Some((lower, upper))) => {
                let (from, to) = (hundredfold(lower) / whole, hundredfold(upper).div_ceil(whole));
                format!("between {from} % and {to} %")
            }
            _ => "not reported by Meta".to_owned(),
        }
    }
}

/// Contacts that came and went since the last success of the same list and field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Sent now, not sent then.
    pub added: u64,
    /// Sent then, not sent now.
    pub removed: u64,
}

/// From the smallest to the largest of some values, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueRange {
    /// The smallest.
    pub from: Cents,
    /// The largest.
    pub to: Cents,
}

/// The distribution of values and ranks over all distinct contacts with a valid value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NormalizationStats {
    /// Contacts ranked.
    pub count: u64,
    /// Smallest value.
    pub min: Cents,
    /// Middle value; the mean of the two middle ones, rounded half away from zero, for an even count.
    pub median: Cents,
    /// Largest value.
    pub max: Cents,
    /// Contacts per decile of the rank: 0-10, 11-20, … 91-100.
    pub distribution: [u64; 10],
    /// Sum of the values per decile, in cents.
    pub value_per_decile: [Cents; 10],
    /// Smallest and largest value of each decile; `None` for one without contacts, and for runs recorded before this was.
    #[serde(default)]
    pub range_per_decile: [Option<ValueRange>; 10],
    /// Contacts with a rank above 90.
    pub top: u64,
    /// Contacts with a rank of 41 to 90.
    pub middle: u64,
    /// Contacts with a rank of at most 40.
    pub bottom: u64,
    /// Values that another locale would read differently.
    pub ambiguous: u64,
}

#[cfg(test)]
mod tests {
    use super::Matched;

    #[test]
    fn unknown_matches_are_never_a_number() {
        let unknown = Matched::default();
        assert_eq!(unknown.count_text(100), "not reported by Meta");
        assert_eq!(unknown.rate_text(100), "not reported by Meta");
        let range = Matched { lower: Some(4900), upper: Some(5100), ..unknown };
        assert_eq!(range.count_text(10_000), "between 4900 and 5100");
        assert_eq!(range.rate_text(10_000), "between 49 % and 51 %");
        assert_eq!(range.rate_text(9_999), "between 49 % and 52 %", "the range is enclosed");
        let exact = Matched { exact: Some(1701), ..unknown };
        assert_eq!((exact.count_text(2311), exact.rate_text(2311)), ("1701".into(), "73.6%".into()));
        assert_eq!(exact.rate_text(0), "not reported by Meta");
    }

    #[test]
    fn no_more_are_matched_than_were_sent() {
        let texts = |lower, upper, sent| {
            let matched = Matched { exact: None, lower: Some(lower), upper: Some(upper) };
            (matched.count_text(sent), matched.rate_text(sent))
        };
        let text = |count: &str, rate: &str| (count.to_owned(), rate.to_owned());
        assert_eq!(texts(0, 1000, 300), text("between 0 and 300", "between 0 % and 100 %"), "below 1000");
        assert_eq!(texts(4900, 5100, 5000), text("between 4900 and 5000", "between 98 % and 100 %"));
        let unknown = text("not reported by Meta", "not reported by Meta");
        assert_eq!(texts(4900, 5100, 300), unknown, "the audience holds others too");
        assert_eq!(texts(0, 1000, 0), unknown);
    }
}
