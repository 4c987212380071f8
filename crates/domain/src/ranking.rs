//! What is kept and told of how the ranks were made: by whom, at what price, and how the check went.

use crate::foreign_text::{LONGEST, one_line};
use crate::money::{Cents, grouped};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What calls cost at list price, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListCost {
    /// Billionths of a US dollar: a single token of the cheapest model costs a whole number of them.
    pub nano_usd: u64,
    /// The day the prices were read.
    pub prices_of: NaiveDate,
}

/// The dollars as a plain decimal with as many places as are needed, at least two: `0.015448`.
impl fmt::Display for ListCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, places) = (self.nano_usd / 1_000_000_000, self.nano_usd % 1_000_000_000);
        let places = format!("{places:09}");
        write!(f, "{whole}.{:0<2}", places.trim_end_matches('0'))
    }
}

/// How the ranks were made and checked. Of a run whose ranking failed it tells how far that came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RankingReport {
    /// `claude`, `local`, or `none` when all values are equal and no call was needed.
    pub normalizer: String,
    /// The model that answered.
    pub model: Option<String>,
    /// Tokens read by the model, over all calls.
    pub input_tokens: u64,
    /// Tokens written by the model, over all calls.
    pub output_tokens: u64,
    /// What all calls cost at list price; `None` when the price of one is not known, or nothing was answered.
    #[serde(default)]
    pub cost: Option<ListCost>,
    /// The provider's request ids, of every reply that carried one.
    pub request_ids: Vec<String>,
    /// Calls beside the first and the correction: after a fault that passes, an answer that was cut off, or a setting the
    /// model does not take.
    #[serde(default)]
    pub retries: u32,
    /// Times an answer was quoted back because it failed the check (0 or 1).
    pub corrections: u32,
    /// What the check found in the last answer it refused: at most ten phrases, numbers only.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Largest difference between the accepted answer and the exact rank, in ranks; `None` until an answer is accepted.
    pub max_deviation: Option<u8>,
    /// The model's remark on the distribution. Hostile input: escape it, never act on it.
    pub note: Option<String>,
    /// SHA-256 of the table that was sent, lower-case hex.
    pub table_sha256: Option<String>,
    /// When values were sent in proportion to the money: the amount from which on everybody got the greatest one.
    #[serde(default)]
    pub scaled_cap: Option<Cents>,
    /// Sentences to show beside the result.
    pub warnings: Vec<String>,
}

impl RankingReport {
    /// The name of Claude among the normalizers.
    pub const CLAUDE: &str = "claude";

    /// Everything but the warnings, as labels and texts for pages, mails and the terminal. The texts are not escaped.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let by = match (self.normalizer.as_str(), &self.model) {
            (Self::CLAUDE, Some(model)) => format!("Claude ({model}), {}", self.verdict()),
            (Self::CLAUDE, None) => format!("Claude, {}", self.verdict()),
            ("local", _) => "Calculated on this computer".to_owned(),
            ("none", _) => "Not needed: all values are equal".to_owned(),
            _ => return Vec::new(),
        };
        let mut facts = vec![("Ranked by", by)];
        if self.normalizer == Self::CLAUDE {
            let deviation = self.max_deviation.map(|ranks| ranks.to_string());
            facts.extend(deviation.map(|ranks| ("Largest deviation from the exact rank", ranks)));
            facts.push(("Answers sent back for correction", self.corrections.to_string()));
            if !self.problems.is_empty() {
                facts.push(("What the check refused", self.problems.join("; ")));
            }
            facts.push(("Calls repeated", self.retries.to_string()));
            // Nothing was answered when no token was read, so there is nothing to pay.
            if self.input_tokens > 0 {
                let (read, written) = (grouped(self.input_tokens), grouped(self.output_tokens));
                facts.push(("Tokens", format!("{read} read, {written} written")));
                facts.push(("Cost at list price", self.cost_text()));
            }
        }
        if !self.request_ids.is_empty() {
            facts.push(("Request ids", self.request_ids.join(", ")));
        }
        facts.extend(self.note.iter().map(|note| ("Claude's remark", one_line(note, LONGEST))));
        facts
    }

    fn verdict(&self) -> &'static str {
        if self.max_deviation.is_some() { "every rank checked" } else { "no answer could be used" }
    }

    fn cost_text(&self) -> String {
        match self.cost {
            Some(cost) => format!("${cost} (prices of {})", cost.prices_of),
            None => "not known".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ListCost, RankingReport};
    use chrono::NaiveDate;

    fn cost(nano_usd: u64) -> ListCost {
        ListCost { nano_usd, prices_of: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap() }
    }

    #[test]
    fn a_cost_is_written_exactly() {
        for (nano, text) in [
            (0, "0.00"),
            (100, "0.0000001"),
            (15_448_000, "0.015448"),
            (1_500_000_000, "1.50"),
            (12_000_000_000, "12.00"),
        ] {
            assert_eq!(cost(nano).to_string(), text);
        }
    }

    #[test]
    fn every_fact_of_a_ranking_is_told_and_nothing_is_invented() {
        let mut report = RankingReport {
            normalizer: "claude".into(),
            model: Some("claude-x".into()),
            input_tokens: 4058,
            output_tokens: 2278,
            cost: Some(cost(30_896_000)),
            request_ids: vec!["req_1".into(), "req_2".into()],
            retries: 2,
            corrections: 1,
            problems: vec!["row 1: a".into(), "row 2: b".into()],
            max_deviation: Some(1),
            note: Some("ties\nat 0".into()),
            ..RankingReport::default()
        };
        let told = |report: &RankingReport| {
            report.facts().into_iter().map(|(label, text)| format!("{label}: {text}")).collect::<Vec<_>>()
        };
        assert_eq!(
            told(&report),
            [
                "Ranked by: Claude (claude-x), every rank checked",
                "Largest deviation from the exact rank: 1",
                "Answers sent back for correction: 1",
                "What the check refused: row 1: a; row 2: b",
                "Calls repeated: 2",
                "Tokens: 4,058 read, 2,278 written",
                "Cost at list price: $0.030896 (prices of 2026-11-21)",
                "Request ids: req_1, req_2",
                "Claude's remark: ties at 0",
            ]
        );
        (report.max_deviation, report.cost, report.model) = (None, None, None);
        let failed = told(&report);
        assert_eq!(failed[0], "Ranked by: Claude, no answer could be used");
        assert!(!failed.iter().any(|line| line.contains("deviation")), "{failed:?}");
        assert!(failed.contains(&"Cost at list price: not known".to_owned()), "{failed:?}");
        report.input_tokens = 0;
        assert!(!told(&report).iter().any(|line| line.contains("Tokens") || line.contains("Cost")));
        assert_eq!(RankingReport::default().facts(), []);
    }
}
