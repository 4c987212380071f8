//! Where every contact of a run went, in figures that add up on the page.

use crate::wording::grouped;
use domain::foreign_text::{LONGEST, one_line, presentable};
use domain::run::{RefusedSample, RunStatus};
use domain::{Accounting, Bucket, Run};

/// Where every contact went.
pub(super) struct AccountView {
    pub(super) fetched: String,
    /// `2,357 read = 2,311 sent + 42 skipped + 4 rejected`; `None` when it would not be true.
    pub(super) sum: Option<String>,
    pub(super) fates: Vec<FateView>,
    /// Set when the sum is not the number read, which is normal only while the run goes on.
    pub(super) difference: Option<String>,
    pub(super) refused: Option<RefusedView>,
}

/// What became of some of the contacts, with the reasons.
pub(super) struct FateView {
    pub(super) title: &'static str,
    pub(super) count: String,
    /// Empty when there is only one reason, the title's.
    pub(super) rows: Vec<(&'static str, String)>,
}

/// The contacts that Meta refused, as far as it named them.
pub(super) struct RefusedView {
    /// How many, and how many of them are named.
    pub(super) summary: String,
    /// The contact in GoHighLevel, and Meta's reason.
    pub(super) contacts: Vec<(String, String)>,
}

/// How many ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) sent: u64,
    /// Left out although nothing is wrong with them.
    pub(super) skipped: u64,
    /// Could not be used as they are: somebody can repair them.
    pub(super) rejected: u64,
}

/// What became of a contact, in the three words of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    Skipped,
    Rejected,
}

pub(super) fn fate(bucket: Bucket) -> Fate {
    match bucket {
        Bucket::Sent => Fate::Sent,
        Bucket::BadLtv | Bucket::NoIdentifier | Bucket::RefusedByMeta => Fate::Rejected,
        Bucket::Duplicate
        | Bucket::Suppressed
        | Bucket::OptedOut
        | Bucket::NoLtv
        | Bucket::BelowMinimum
        | Bucket::Merged => Fate::Skipped,
    }
}

impl Sums {
    pub(super) fn new(accounting: &Accounting) -> Self {
        let of = |wanted| {
            accounting
                .buckets()
                .iter()
                .filter(|(bucket, _)| fate(*bucket) == wanted)
                .map(|(_, count)| count)
                .sum()
        };
        Self { sent: of(Fate::Sent), skipped: of(Fate::Skipped), rejected: of(Fate::Rejected) }
    }
}

impl AccountView {
    pub(super) fn new(run: &Run) -> Self {
        let accounting = &run.accounting;
        let sums = Sums::new(accounting);
        let unbalanced = accounting.check().err();
        let [fetched, sent, skipped, rejected] =
            [accounting.fetched, sums.sent, sums.skipped, sums.rejected].map(grouped);
        let rows = |wanted| {
            let buckets = accounting.buckets();
            let shown = move |&(bucket, count): &(Bucket, u64)| fate(bucket) == wanted && count > 0;
            buckets
                .into_iter()
                .filter(shown)
                .map(|(bucket, count)| (bucket.title(), grouped(count)))
                .collect()
        };
        Self {
            sum: (unbalanced.is_none() && accounting.fetched > 0)
                .then(|| format!("{fetched} read = {sent} sent + {skipped} skipped + {rejected} rejected")),
            fates: vec![
                FateView { title: Bucket::Sent.title(), count: sent, rows: vec![] },
                FateView { title: "Skipped", count: skipped, rows: rows(Fate::Skipped) },
                FateView { title: "Rejected", count: rejected, rows: rows(Fate::Rejected) },
            ],
            difference: unbalanced.map(|unbalanced| {
                let (read, told) = (grouped(unbalanced.fetched), grouped(unbalanced.accounted));
                if run.status == RunStatus::Success {
                    format!("These figures do not add up: {read} contacts were read, {told} are accounted for. Please report this.")
                } else {
                    format!("{read} contacts were read; {told} had been sorted when this was recorded.")
                }
            }),
            refused: refused(run),
            fetched,
        }
    }
}

fn refused(run: &Run) -> Option<RefusedView> {
    let contact = |sample: &RefusedSample| {
        (one_line(&sample.ghl_contact_id, LONGEST), presentable(&sample.reason, &[]))
    };
    let contacts: Vec<_> = run.refused_samples.iter().map(contact).collect();
    let named = if contacts.is_empty() { "none".to_owned() } else { grouped(contacts.len() as u64) };
    let refused = run.accounting.refused_by_meta.max(contacts.len() as u64);
    let summary = format!("Refused by Meta: {}, of which named: {named}", grouped(refused));
    (refused > 0).then_some(RefusedView { summary, contacts })
}

#[cfg(test)]
mod tests {
    use super::Sums;
    use domain::{Accounting, Bucket};

    #[test]
    fn every_contact_is_sent_skipped_or_rejected() {
        let mut accounting = Accounting::default();
        for (at, &bucket) in Bucket::ALL.iter().enumerate() {
            (0..=at).for_each(|_| accounting.add(bucket));
        }
        let sums = Sums::new(&accounting);
        assert_eq!(sums.sent + sums.skipped + sums.rejected, accounting.accounted());
        assert_eq!((sums.sent, sums.rejected), (10, 5 + 7 + 9));
    }
}
