//! What a preview found, as its page shows it.

use super::distribution::DistributionView;
use super::notice::Notice;
use crate::wording::{Wording, contacts, grouped};
use domain::Bucket;
use domain::foreign_text::{LONGEST, one_line};
use sync::{Column, LookalikeReach, Preview};

/// Ready-made; counts only, nothing here is about a single person.
pub(super) struct PreviewView {
    /// Before the ids of the parts that pages of runs have too.
    pub(super) prefix: &'static str,
    pub(super) list: String,
    pub(super) field: String,
    /// Why a sync would stop before Meta.
    pub(super) obstacle: Option<Notice>,
    pub(super) summary: String,
    pub(super) rows: Vec<(&'static str, String)>,
    pub(super) fetched: String,
    pub(super) columns: Vec<ColumnView>,
    pub(super) distinct: String,
    pub(super) reach: Vec<ReachView>,
    pub(super) last_match_rate: Option<String>,
    pub(super) distribution: Option<DistributionView>,
    pub(super) ranking: Vec<(&'static str, String)>,
    pub(super) warnings: Vec<String>,
}

/// One match key.
pub(super) struct ColumnView {
    pub(super) title: &'static str,
    pub(super) filled: String,
    pub(super) usable: String,
    pub(super) dropped: String,
    pub(super) reasons: String,
}

/// One lookalike country.
pub(super) struct ReachView {
    pub(super) country: String,
    pub(super) verdict: &'static str,
    pub(super) why: String,
}

impl PreviewView {
    pub(super) fn new(preview: &Preview, wording: &Wording) -> Self {
        let counts = &preview.accounting;
        let name = |text: &str| one_line(text, LONGEST);
        let rows = counts.buckets().into_iter().rev().filter_map(|(bucket, count)| {
            let title = if bucket == Bucket::Sent { "Would be sent to Meta" } else { bucket.title() };
            (count > 0 || bucket == Bucket::Sent).then(|| (title, grouped(count)))
        });
        let distinct = counts.fetched - counts.duplicates;
        let ranking = preview.ranking.as_ref();
        Self {
            prefix: "preview-",
            list: name(&preview.config.list_name),
            field: name(&preview.config.ltv_field_name),
            obstacle: preview.obstacle.clone().map(Notice::refused),
            summary: summary(counts.sent, preview.further_rows),
            rows: rows.collect(),
            fetched: grouped(counts.fetched),
            columns: preview.columns.iter().map(ColumnView::new).collect(),
            distinct: grouped(distinct),
            reach: preview.lookalike_reach.iter().map(ReachView::new).collect(),
            last_match_rate: preview.last_match_rate.clone(),
            distribution: preview.stats.as_ref().map(|stats| DistributionView::new(stats, wording)),
            ranking: ranking.map(domain::ranking::RankingReport::facts).unwrap_or_default(),
            warnings: preview.warnings.clone(),
        }
    }
}

fn summary(sent: u64, further: u64) -> String {
    let rows = if sent + further == 1 { "row" } else { "rows" };
    format!(
        "{} would be sent in {} {rows}: one for each, {} more for additional e-mail addresses and phones.",
        contacts(sent),
        grouped(sent + further),
        grouped(further)
    )
}

impl ColumnView {
    fn new(column: &Column) -> Self {
        let reasons: Vec<String> =
            column.dropped.iter().map(|(reason, count)| format!("{} {reason}", grouped(*count))).collect();
        Self {
            title: column.field.title(),
            filled: grouped(column.filled),
            usable: grouped(column.usable),
            dropped: grouped(column.filled - column.usable),
            reasons: reasons.join("; "),
        }
    }
}

impl ReachView {
    fn new(reach: &LookalikeReach) -> Self {
        Self { country: reach.country.clone(), verdict: reach.verdict.title(), why: reach.reason() }
    }
}

#[cfg(test)]
mod tests {
    use super::summary;

    #[test]
    fn one_is_not_many() {
        assert!(summary(1, 0).starts_with("1 contact would be sent in 1 row: "));
        assert!(
            summary(1_204, 3).starts_with("1,204 contacts would be sent in 1,207 rows: one for each, 3 more")
        );
    }
}
