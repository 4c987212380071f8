//! Every contact into exactly one bucket, before anything is sent.

use crate::error::RunError;
use crate::reading::ReadList;
use crate::spool::Spool;
use domain::accounting::{Accounting, Bucket};
use match_keys::{Field, Reason};

/// The buckets of all contacts and the values to be ranked.
#[derive(Default)]
pub(crate) struct Account {
    /// Per row of the spool.
    pub(crate) buckets: Vec<Bucket>,
    /// The counts; `sent` holds those that are about to be sent.
    pub(crate) counts: Accounting,
    /// Values in cents of all distinct contacts that have a valid one, whatever their bucket, so that an opt-out or a
    /// missing e-mail never shifts anyone's rank.
    pub(crate) values: Vec<i64>,
    /// How many of them another locale would read differently.
    pub(crate) ambiguous: u64,
    /// How many phone numbers of contacts that are about to be sent, or would be if they had an identifier, are left out
    /// because neither they nor the contact nor the location tell their country.
    pub(crate) phones_without_country: u64,
    /// Rows of the contacts that are about to be sent, those of additional addresses and numbers included.
    pub(crate) rows: u64,
    /// Whether any of them has a birthday.
    pub(crate) birthdays: bool,
    /// How many contacts left the list while it was read.
    pub(crate) left: u64,
}

impl Account {
    /// What was read with a doubt that its owner should know of.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let values = (self.ambiguous > 0).then(|| {
            format!(
                "Values that can be read in two ways, such as 1,797 or 1.234: {}. LTV_LOCALE decided.",
                self.ambiguous
            )
        });
        let phones = (self.phones_without_country > 0).then(|| {
            format!(
                "Phone numbers that were left out: {}. They have no country code, their contacts have no country, and \
                 GoHighLevel does not tell that of the location. Fill in the country of these contacts.",
                self.phones_without_country
            )
        });
        let left = (self.left > 0).then(|| {
            format!(
                "Contacts that left the list while it was read: {}. The next sync leaves them out.",
                self.left
            )
        });
        values.into_iter().chain(phones).chain(left).collect()
    }
}

/// Finds the bucket of each contact.
pub(crate) fn decide(read: ReadList, spool: &Spool) -> Result<Account, RunError> {
    let mut buckets = vec![Bucket::Sent; usize::try_from(read.fetched).unwrap_or(usize::MAX)];
    for row in read.duplicates {
        buckets[row as usize] = Bucket::Duplicate;
    }
    let mut merged = Vec::new();
    read.identities.surplus(|row| buckets[row as usize] == Bucket::Duplicate, |row| merged.push(row))?;
    for row in merged {
        buckets[row as usize] = Bucket::Merged;
    }
    let mut counts = Accounting { fetched: read.fetched, ..Accounting::default() };
    let (mut values, mut ambiguous) = (Vec::new(), 0);
    let (mut rows, mut birthdays, mut phones_without_country) = (0, false, 0);
    for (bucket, contact) in buckets.iter_mut().zip(spool.contacts()?) {
        let contact = contact?;
        if *bucket != Bucket::Duplicate {
            if let Some(excluded) = contact.excluded {
                *bucket = excluded;
            }
            if let Some(ltv) = contact.ltv {
                values.push(ltv.0);
                ambiguous += u64::from(contact.ambiguous);
            }
        }
        if *bucket == Bucket::Sent {
            rows += 1 + contact.further.len() as u64;
            birthdays |= contact.row.has_birthday();
        }
        if matches!(bucket, Bucket::Sent | Bucket::NoIdentifier) {
            let dropped = contact.dropped[Field::Phone as usize];
            phones_without_country += u64::from(dropped == Some(Reason::NoCountry));
        }
        counts.add(*bucket);
    }
    // A spool that ends early would leave contacts without a bucket.
    counts.check()?;
    Ok(Account {
        buckets,
        counts,
        values,
        ambiguous,
        phones_without_country,
        rows,
        birthdays,
        left: read.left,
    })
}
