//! Knowing an erased person again without keeping who it was.

use crate::error::RunError;
use crate::membership::hashes_of;
use hmac::{Hmac, Mac};
use match_keys::{Digest, Row};
use persistence::{PersonHashes, Store};
use sha2::Sha256;
use std::collections::HashSet;

/// The erased people, as keyed hashes of what they could be known by.
pub(crate) struct Suppression {
    key: SuppressionKey,
    people: HashSet<[u8; 32]>,
}

impl Suppression {
    /// Everybody who was erased until now.
    pub(crate) fn load(store: &Store) -> Result<Self, RunError> {
        Ok(Self { key: SuppressionKey::load(store)?, people: store.suppressed_all()? })
    }

    /// Whether the contact is an erased person: by its id, or by any of its addresses and numbers.
    pub(crate) fn is_suppressed<'a>(
        &self,
        ghl_contact_id: &str,
        rows: impl IntoIterator<Item = &'a Row>,
    ) -> bool {
        let knows = |key| self.people.contains(&key);
        // Most installations have erased nobody.
        !self.people.is_empty()
            && (knows(self.key.contact(ghl_contact_id))
                || rows.into_iter().any(|row| self.key.person(&hashes_of(row)).any(knows)))
    }

    /// Whether everything the contact is known by was queued for removal after it had been erased.
    pub(super) fn is_swept(&self, ghl_contact_id: &str) -> bool {
        self.people.contains(&self.key.swept(ghl_contact_id))
    }

    pub(super) fn key(&self) -> &SuppressionKey {
        &self.key
    }
}

/// Hashes identifiers under the key of this installation.
pub(super) struct SuppressionKey([u8; 64]);

impl SuppressionKey {
    pub(super) fn load(store: &Store) -> Result<Self, RunError> {
        // HMAC fills a shorter key up with zeros to the length of a block.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&store.suppression_key()?);
        Ok(Self(block))
    }

    /// Of a contact id.
    pub(super) fn contact(&self, ghl_contact_id: &str) -> [u8; 32] {
        self.hash("contact", ghl_contact_id)
    }

    /// The mark of [`Suppression::is_swept`].
    pub(super) fn swept(&self, ghl_contact_id: &str) -> [u8; 32] {
        self.hash("swept", ghl_contact_id)
    }

    /// Of the e-mail address and the phone number, as far as they are there.
    pub(super) fn person(&self, person: &PersonHashes) -> impl Iterator<Item = [u8; 32]> {
        let hash = |kind, hash: Option<[u8; 32]>| {
            hash.map(|hash| self.hash(kind, &Digest::from_bytes(hash).to_string()))
        };
        [hash("email", person.email), hash("phone", person.phone)].into_iter().flatten()
    }

    fn hash(&self, kind: &str, identifier: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as Mac>::new(&self.0.into());
        mac.update(kind.as_bytes());
        mac.update(b":");
        mac.update(identifier.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::{Suppression, SuppressionKey};
    use match_keys::{Digest, Row, hash};
    use persistence::PersonHashes;
    use std::collections::HashSet;

    fn row(email: &str, phone: &str) -> Row {
        let mut cells = [None; match_keys::SCHEMA.len()];
        (cells[0], cells[1]) = (hash(email), hash(phone));
        Row::from_cells(cells)
    }

    fn suppression(people: impl FnOnce(&SuppressionKey) -> Vec<[u8; 32]>) -> Suppression {
        let key = SuppressionKey([7; 64]);
        Suppression { people: people(&key).into_iter().collect(), key }
    }

    #[test]
    fn an_erased_person_is_known_by_each_of_its_identifiers() {
        let person = PersonHashes {
            email: hash("mary@example.com").map(|hash| *hash.as_bytes()),
            phone: hash("12025550143").map(|hash| *hash.as_bytes()),
        };
        let erased = suppression(|key| [vec![key.contact("c1")], key.person(&person).collect()].concat());
        assert_eq!(erased.people.len(), 3);
        assert!(erased.is_suppressed("c1", [&row("", "")]));
        assert!(erased.is_suppressed("c2", [&row("mary@example.com", "")]));
        assert!(erased.is_suppressed("c2", [&row("", "12025550143")]));
        assert!(erased.is_suppressed("c2", [&row("a@example.com", ""), &row("mary@example.com", "")]));
        assert!(!erased.is_suppressed("c2", [&row("a@example.com", "12025550144")]));
        assert!(!erased.is_suppressed("c2", [&row("", "")]), "nothing is not a person");
        assert!(!erased.is_swept("c1"));
    }

    #[test]
    fn kinds_of_identifiers_do_not_meet() {
        let key = SuppressionKey([7; 64]);
        let hash = Some([1; 32]);
        let hashes: HashSet<[u8; 32]> = key
            .person(&PersonHashes { email: hash, phone: hash })
            .chain([key.contact("x"), key.swept("x"), SuppressionKey([8; 64]).contact("x")])
            .collect();
        assert_eq!(hashes.len(), 5);
    }

    #[test]
    fn the_hash_is_the_hmac_of_kind_and_identifier() {
        let mut block = [0; 64];
        block[..20].fill(0x0b);
        let found = Digest::from_bytes(SuppressionKey(block).contact("c1")).to_string();
        // Computed with Python's hmac module.
        assert_eq!(found, "d555673f7ca224ce4ebb05dee3f264de0bcff600187d5c747e6a7a38a39933df");
    }
}
