//! The account of every contact: each fetched contact ends in exactly one bucket, and the sums are checked.

use crate::run::named_enum;
use serde::{Deserialize, Serialize};

named_enum! {
    /// Where a fetched contact ended. The order is the order in which the conditions are tested.
    pub enum Bucket {
        /// The same contact id came twice; the first is kept.
        Duplicate = "duplicate",
        /// A person who was erased and must not come back.
        Suppressed = "suppressed",
        /// Asked not to be contacted.
        OptedOut = "opted_out",
        /// The value field is blank.
        NoLtv = "no_ltv",
        /// The value field holds something that is not an amount.
        BadLtv = "bad_ltv",
        /// The value is below the configured minimum.
        BelowMinimum = "below_ltv_min",
        /// Neither a usable e-mail address nor a usable phone number.
        NoIdentifier = "no_identifier",
        /// Same e-mail and phone as another contact, which has the higher value.
        Merged = "merged",
        /// Sent, and named by Meta among its samples of invalid rows.
        RefusedByMeta = "refused_by_meta",
        /// Sent to Meta.
        Sent = "sent",
    }
}

impl Bucket {
    /// The bucket in a marketer's words, for pages, mails and summaries.
    pub fn title(self) -> &'static str {
        match self {
            Self::Duplicate => "Read twice (same contact id)",
            Self::Suppressed => "Erased person, never sent",
            Self::OptedOut => "Opted out",
            Self::NoLtv => "No lifetime value",
            Self::BadLtv => "Lifetime value is not an amount",
            Self::BelowMinimum => "Below the minimum value (LTV_MIN)",
            Self::NoIdentifier => "No usable e-mail or phone",
            Self::Merged => "Same e-mail and phone as another contact",
            Self::RefusedByMeta => "Refused by Meta",
            Self::Sent => "Sent to Meta",
        }
    }
}

/// How many contacts ended in each bucket. `fetched` counts every contact read, duplicates included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Accounting {
    /// Contacts read from the source.
    pub fetched: u64,
    /// Contacts sent to Meta and not refused.
    pub sent: u64,
    /// See [`Bucket::Duplicate`].
    pub duplicates: u64,
    /// See [`Bucket::Suppressed`].
    pub suppressed: u64,
    /// See [`Bucket::OptedOut`].
    pub excluded_opted_out: u64,
    /// See [`Bucket::NoLtv`].
    pub skipped_no_ltv: u64,
    /// See [`Bucket::BadLtv`].
    pub rejected_bad_ltv: u64,
    /// See [`Bucket::BelowMinimum`].
    pub below_ltv_min: u64,
    /// See [`Bucket::NoIdentifier`].
    pub skipped_no_identifier: u64,
    /// See [`Bucket::Merged`].
    pub merged: u64,
    /// See [`Bucket::RefusedByMeta`]; counted from Meta's `num_invalid_entries`, which may name fewer contacts.
    pub refused_by_meta: u64,
}

/// The buckets do not add up to the contacts read: a contact was lost or counted twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fetched} contacts were read but the account adds up to {accounted}")]
pub struct Unbalanced {
    /// Contacts read.
    pub fetched: u64,
    /// Sum of all buckets.
    pub accounted: u64,
}

impl Accounting {
    /// Counts one contact; `fetched` is counted by the reader, not here.
    pub fn add(&mut self, bucket: Bucket) {
        *self.bucket_mut(bucket) += 1;
    }

    /// Moves contacts that Meta refused out of `sent`. At most all that were sent.
    pub fn refuse(&mut self, count: u64) {
        let refused = count.min(self.sent);
        self.sent -= refused;
        self.refused_by_meta += refused;
    }

    /// The sum over all buckets.
    pub fn accounted(&self) -> u64 {
        self.buckets().iter().map(|(_, count)| count).sum()
    }

    /// Every bucket with its count, in the order they are tested.
    pub fn buckets(&self) -> [(Bucket, u64); 10] {
        [
            (Bucket::Duplicate, self.duplicates),
            (Bucket::Suppressed, self.suppressed),
            (Bucket::OptedOut, self.excluded_opted_out),
            (Bucket::NoLtv, self.skipped_no_ltv),
            (Bucket::BadLtv, self.rejected_bad_ltv),
            (Bucket::BelowMinimum, self.below_ltv_min),
            (Bucket::NoIdentifier, self.skipped_no_identifier),
            (Bucket::Merged, self.merged),
            (Bucket::RefusedByMeta, self.refused_by_meta),
            (Bucket::Sent, self.sent),
        ]
    }

    /// Checks that every contact is in exactly one bucket.
    ///
    /// # Errors
    /// [`Unbalanced`] when the buckets do not add up to `fetched`.
    pub fn check(&self) -> Result<(), Unbalanced> {
        let accounted = self.accounted();
        if accounted == self.fetched { Ok(()) } else { Err(Unbalanced { fetched: self.fetched, accounted }) }
    }

    fn bucket_mut(&mut self, bucket: Bucket) -> &mut u64 {
        match bucket {
            Bucket::Duplicate => &mut self.duplicates,
            Bucket::Suppressed => &mut self.suppressed,
            Bucket::OptedOut => &mut self.excluded_opted_out,
            Bucket::NoLtv => &mut self.skipped_no_ltv,
            Bucket::BadLtv => &mut self.rejected_bad_ltv,
            Bucket::BelowMinimum => &mut self.below_ltv_min,
            Bucket::NoIdentifier => &mut self.skipped_no_identifier,
            Bucket::Merged => &mut self.merged,
            Bucket::RefusedByMeta => &mut self.refused_by_meta,
            Bucket::Sent => &mut self.sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Accounting, Bucket, Unbalanced};

    #[test]
    fn a_lost_contact_is_noticed() {
        let mut account = Accounting { fetched: 3, ..Accounting::default() };
        account.add(Bucket::Sent);
        account.add(Bucket::NoLtv);
        assert_eq!(account.check(), Err(Unbalanced { fetched: 3, accounted: 2 }));
        account.add(Bucket::Sent);
        assert_eq!(account.check(), Ok(()));
        account.refuse(1);
        assert_eq!((account.sent, account.refused_by_meta, account.check()), (1, 1, Ok(())));
        account.refuse(9);
        assert_eq!((account.sent, account.refused_by_meta, account.check()), (0, 2, Ok(())));
    }

    #[test]
    fn every_bucket_is_counted_once() {
        let mut account = Accounting::default();
        for bucket in Bucket::ALL {
            account.add(*bucket);
        }
        assert_eq!(account.accounted(), 10);
        assert!(account.buckets().iter().all(|(_, count)| *count == 1));
        let order: Vec<Bucket> = account.buckets().iter().map(|(bucket, _)| *bucket).collect();
        assert_eq!(order, Bucket::ALL);
    }
}
