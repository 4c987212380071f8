//! Which contacts Meta refused, as far as it names their rows.

use crate::error::RunError;
use crate::membership::Membership;
use crate::upload::{Delivered, Sample};
use match_keys::Digest;
use std::collections::HashMap;

const HEX_DIGITS: usize = 64;

/// What Meta's counts and samples of invalid rows say about contacts.
#[derive(Default)]
pub(crate) struct Refused {
    /// Contacts of which no row was taken, as far as that is known; the others of [`Refused::named`] are sent.
    pub(crate) contacts: u64,
    /// Per place in the spool, why Meta refused every row of the contact.
    pub(crate) named: HashMap<u32, String>,
}

impl Refused {
    /// Finds the contacts behind the samples. A contact with further rows is refused only when all its rows are.
    pub(crate) fn find(delivered: &Delivered, membership: &Membership<'_>) -> Result<Self, RunError> {
        if delivered.invalid == 0 {
            return Ok(Self::default());
        }
        let by_key = by_first_key(&delivered.samples);
        let by_place: HashMap<u32, &Sample> =
            delivered.samples.iter().filter_map(|sample| Some((sample.contact?, sample))).collect();
        let (mut refused, mut rows_named) = (Self::default(), 0);
        membership.for_each_contact(|members| {
            let Some(first) = members.first() else { return Ok(()) };
            let place = first.contact;
            let mut reasons = members.iter().filter_map(|member| {
                let keys: Vec<Digest> = member.row.cells().iter().flatten().copied().collect();
                let candidates = keys.iter().filter_map(|key| by_key.get(key)).flatten();
                let named = candidates
                    .into_iter()
                    .find(|(sample_keys, _)| sample_keys.iter().all(|key| keys.contains(key)));
                named.map(|(_, sample)| *sample).or_else(|| by_place.get(&place).copied())
            });
            if let Some(sample) = reasons.next() {
                let count = 1 + reasons.count();
                rows_named += count as u64;
                if count == members.len() {
                    refused.named.insert(place, sample.reason.clone());
                }
            }
            Ok(())
        })?;
        let unnamed = delivered.invalid.saturating_sub(rows_named);
        refused.contacts = refused.named.len() as u64 + unnamed;
        Ok(refused)
    }
}

type Keyed<'a> = HashMap<Digest, Vec<(Vec<Digest>, &'a Sample)>>;

/// Samples by the first hash in them; those without any hash are left out.
fn by_first_key(samples: &[Sample]) -> Keyed<'_> {
    let mut keyed = Keyed::new();
    for sample in samples {
        let keys = hashes_in(&sample.row);
        if let Some(first) = keys.first() {
            keyed.entry(*first).or_default().push((keys.clone(), sample));
        }
    }
    keyed
}

/// Every run of exactly 64 hexadecimal digits.
fn hashes_in(text: &str) -> Vec<Digest> {
    text.split(|c: char| !c.is_ascii_hexdigit())
        .filter(|word| word.len() == HEX_DIGITS)
        .filter_map(Digest::from_hex)
        .collect()
}
