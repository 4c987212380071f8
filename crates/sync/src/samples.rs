//! Which contacts Meta refused, as far as it names their rows.

use crate::error::RunError;
use crate::membership::{Member, Membership, Owner};
use crate::upload::{Delivered, Sample};
use match_keys::{Digest, Field};
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
        let by_owner: HashMap<Owner, &Sample> =
            delivered.samples.iter().filter_map(|sample| Some((sample.owner?, sample))).collect();
        let (mut refused, mut rows_named) = (Self::default(), 0);
        membership.for_each_contact(|members| {
            let Some(first) = members.first() else { return Ok(()) };
            let mut samples = members.iter().filter_map(|member| {
                by_owner.get(&member.owner).copied().or_else(|| named_by_hashes(member, &by_key))
            });
            if let Some(sample) = samples.next() {
                let count = 1 + samples.count();
                rows_named += count as u64;
                if count == members.len() {
                    refused.named.insert(first.owner.contact, sample.reason.clone());
                }
            }
            Ok(())
        })?;
        if rows_named > delivered.invalid {
            // Two people may share everything a sample tells: better nobody is named than somebody wrongly.
            refused.named.clear();
            rows_named = 0;
        }
        refused.contacts = refused.named.len() as u64 + (delivered.invalid - rows_named);
        Ok(refused)
    }
}

/// The sample that tells an e-mail address or a phone number of the row, and nothing that the row has not.
fn named_by_hashes<'a>(member: &Member, by_key: &Keyed<'a>) -> Option<&'a Sample> {
    let keys: Vec<Digest> = member.row.cells().iter().flatten().copied().collect();
    let own = [Field::Email, Field::Phone].map(|field| member.row.cell(field));
    let tells = |told: &[Digest]| {
        told.iter().all(|key| keys.contains(key)) && told.iter().any(|key| own.contains(&Some(*key)))
    };
    let candidates = keys.iter().filter_map(|key| by_key.get(key)).flatten();
    candidates.into_iter().find(|(told, _)| tells(told)).map(|(_, sample)| *sample)
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

#[cfg(test)]
mod tests {
    use super::Refused;
    use crate::membership::{Membership, Owner, Schema};
    use crate::spool::{Spool, SpooledContact};
    use crate::upload::{Delivered, Sample};
    use crate::values::Values;
    use domain::accounting::Bucket;
    use domain::{Cents, RunId};
    use match_keys::{Digest, Row, SCHEMA, hash};

    fn row(email: &str, country: &str) -> Row {
        let mut cells = [None; SCHEMA.len()];
        (cells[0], cells[7]) = (hash(email), hash(country));
        Row::from_cells(cells)
    }

    /// Three contacts of one country; the second has a further row.
    fn refused(invalid: u64, samples: Vec<Sample>) -> (u64, Vec<u32>) {
        let root = tempfile::tempdir().unwrap();
        let spool = Spool::create(root.path(), RunId(1)).unwrap();
        let mut writer = spool.writer().unwrap();
        for (email, further) in [("a", None), ("b", Some("b2")), ("c", None)] {
            let further = further.map(|email| row(email, "us")).into_iter().collect();
            let ltv = Some(Cents(100));
            writer
                .push(&SpooledContact { row: row(email, "us"), further, ltv, ..SpooledContact::default() })
                .unwrap();
        }
        writer.finish().unwrap();
        let schema = Schema { birthdays: false, limited_data_use: false };
        let membership =
            Membership::new(&spool, &[Bucket::Sent; 3], Values::Scaled { cap: Cents(100) }, schema);
        let delivered = Delivered { rows: 4, received: 4, invalid, samples, ..Delivered::default() };
        let refused = Refused::find(&delivered, &membership).unwrap();
        let mut named: Vec<u32> = refused.named.into_keys().collect();
        named.sort_unstable();
        (refused.contacts, named)
    }

    fn told(text: &str) -> Sample {
        Sample { row: text.to_owned(), owner: None, reason: "bad".to_owned() }
    }

    fn numbered(contact: u32, row: u8) -> Sample {
        Sample { row: "7".to_owned(), owner: Some(Owner { contact, row }), reason: "bad".to_owned() }
    }

    fn hex(text: &str) -> String {
        hash(text).as_ref().map(Digest::to_string).unwrap()
    }

    #[test]
    fn a_contact_is_named_by_its_hashes_or_by_the_number_of_its_row() {
        let row = format!(r#"["{}","",…,"{}",1]"#, hex("c"), hex("us"));
        assert_eq!(refused(1, vec![told(&row)]), (1, vec![2]));
        assert_eq!(refused(1, vec![numbered(0, 0)]), (1, vec![0]));
        assert_eq!(refused(0, vec![]), (0, vec![]));
    }

    #[test]
    fn a_contact_is_refused_only_when_all_its_rows_are() {
        assert_eq!(refused(1, vec![numbered(1, 1)]), (0, vec![]), "its main row was taken");
        assert_eq!(refused(2, vec![numbered(1, 1), numbered(1, 0)]), (1, vec![1]));
        assert_eq!(refused(3, vec![numbered(1, 1)]), (2, vec![]), "two more are not named");
    }

    #[test]
    fn what_many_share_names_nobody() {
        assert_eq!(refused(1, vec![told(&hex("us"))]), (1, vec![]));
        assert_eq!(refused(1, vec![told(&hex("a")), told(&hex("c"))]), (1, vec![]), "more than Meta counts");
        assert_eq!(refused(1, vec![told("no hash at all")]), (1, vec![]));
    }
}
