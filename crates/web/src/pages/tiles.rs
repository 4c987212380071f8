//! The five figures of the last success, and how they differ from the one before.

use super::account_view::Sums;
use crate::wording::grouped;
use domain::Run;

/// One figure, and where its details are.
pub(super) struct Tile {
    pub(super) value: String,
    pub(super) label: &'static str,
    /// What the label means, for whom it is new.
    pub(super) meaning: &'static str,
    /// `+31`; `None` when there is nothing to compare with.
    pub(super) change: Option<String>,
    /// The part of the run's page.
    pub(super) part: &'static str,
}

/// The tiles of a run. `before`: the success that it is compared with.
pub(super) fn tiles(run: &Run, before: Option<&Run>) -> Vec<Tile> {
    let (now, then) = (Sums::new(&run.accounting), before.map(|before| Sums::new(&before.accounting)));
    let count = |label, meaning, part, count: u64, then: Option<u64>| Tile {
        value: grouped(count),
        label,
        meaning,
        change: then.map(|then| change(count, then)),
        part,
    };
    vec![
        count(
            "Contacts in the list",
            "Read from GoHighLevel",
            "account",
            run.accounting.fetched,
            before.map(|before| before.accounting.fetched),
        ),
        count("Sent to Meta", "Now in the custom audience", "account", now.sent, then.map(|then| then.sent)),
        count(
            "Skipped",
            "Such as no lifetime value, or opted out",
            "problems",
            now.skipped,
            then.map(|then| then.skipped),
        ),
        count(
            "Rejected",
            "Data that can not be used",
            "problems",
            now.rejected,
            then.map(|then| then.rejected),
        ),
        Tile {
            value: run.matched.rate_text(run.accounting.sent),
            label: "Match rate",
            meaning: "Found by Meta among those sent",
            change: before.and_then(|before| rate_change(run, before)),
            part: "audience",
        },
    ]
}

fn change(now: u64, then: u64) -> String {
    match now.cmp(&then) {
        std::cmp::Ordering::Greater => format!("+{}", grouped(now - then)),
        std::cmp::Ordering::Less => format!("−{}", grouped(then - now)),
        std::cmp::Ordering::Equal => "no change".to_owned(),
    }
}

/// In points of percent with one decimal; only exact rates are compared.
fn rate_change(run: &Run, before: &Run) -> Option<String> {
    // Each is rounded as it is shown, so that the change is the difference of what stands there.
    let tenths = |run: &Run| run.matched.exact_tenths(run.accounting.sent);
    let (now, then) = (tenths(run)?, tenths(before)?);
    let (sign, size) = (if now < then { "−" } else { "+" }, now.abs_diff(then));
    Some(if size == 0 { "no change".to_owned() } else { format!("{sign}{}.{} points", size / 10, size % 10) })
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn a_change_is_said_with_its_sign() {
        assert_eq!(change(2357, 2326), "+31");
        assert_eq!(change(0, 1200), "−1,200");
        assert_eq!(change(7, 7), "no change");
    }
}
