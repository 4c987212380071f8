//! Who was received, and who is to be removed.

use std::collections::HashSet;

use crate::people::PersonIndex;

/// The first 16 bytes of an uploaded SHA-256; all zero for an empty cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
pub(super) struct Key(pub [u8; 16]);

impl Key {
    pub fn of(hash: Option<&[u8; 32]>) -> Self {
        let mut key = [0; 16];
        if let Some(hash) = hash {
            key.copy_from_slice(&hash[..16]);
        }
        Self(key)
    }

    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// 32 hex digits, the first half of the hash.
    pub fn hex(self) -> Option<String> {
        (!self.is_empty()).then(|| const_hex::encode(self.0))
    }
}

/// What a row says of limited data use (meta-api §7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum DataProcessing {
    /// Nothing: no such column, or an empty cell.
    Unsaid,
    /// Explicitly not limited: `[]`.
    Unlimited,
    /// `["LDU"]`.
    Limited,
}

/// One accepted row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Member {
    pub email: Key,
    pub phone: Key,
    /// As `LOOKALIKE_VALUE` says.
    pub value: Option<f64>,
    /// Whom Meta recognized.
    pub person: Option<PersonIndex>,
    /// Position in the audience's sessions.
    pub session: u32,
    pub processing: DataProcessing,
}

impl Member {
    pub fn new(email: Key, phone: Key, value: Option<f64>, person: Option<PersonIndex>) -> Self {
        Self { email, phone, value, person, session: 0, processing: DataProcessing::Unsaid }
    }
}

/// A set of people, one bit each.
#[derive(Default)]
pub(super) struct PersonSet {
    bits: Vec<u64>,
    len: u32,
}

impl PersonSet {
    /// True when the person was not in it.
    pub fn insert(&mut self, person: PersonIndex) -> bool {
        let (word, bit) = (person as usize / 64, 1_u64 << (person % 64));
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.len += u32::from(new);
        new
    }

    pub fn contains(&self, person: PersonIndex) -> bool {
        self.bits.get(person as usize / 64).is_some_and(|word| word >> (person % 64) & 1 == 1)
    }

    pub fn len(&self) -> u32 {
        self.len
    }
}

/// Rows to be removed. A row takes away the person Meta recognizes in it, whatever they were sent with: an audience is
/// a set of people. Where nobody is recognized a row finds a member by its e-mail; by its phone when one of the two has
/// no e-mail, so that removing one person of a household leaves the others.
#[derive(Default)]
pub(super) struct Removal {
    emails: HashSet<Key>,
    phones_alone: HashSet<Key>,
    phones_beside_email: HashSet<Key>,
    people: PersonSet,
}

impl Removal {
    pub fn of(rows: &[Member]) -> Self {
        let mut removal = Self::default();
        for row in rows {
            if let Some(person) = row.person {
                removal.people.insert(person);
            }
            if row.email.is_empty() {
                removal.phones_alone.insert(row.phone);
            } else {
                removal.emails.insert(row.email);
                removal.phones_beside_email.insert(row.phone);
            }
        }
        removal
    }

    pub fn hits(&self, member: &Member) -> bool {
        let phone = member.phone;
        let by_phone = !phone.is_empty()
            && (self.phones_alone.contains(&phone)
                || (member.email.is_empty() && self.phones_beside_email.contains(&phone)));
        let by_person = member.person.is_some_and(|person| self.people.contains(person));
        by_person || by_phone || (!member.email.is_empty() && self.emails.contains(&member.email))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_counts_once() {
        let mut people = PersonSet::default();
        assert!(people.insert(0) && people.insert(64) && people.insert(1_000_000));
        assert!(!people.insert(64));
        assert_eq!(people.len(), 3);
        assert!(people.contains(64) && !people.contains(63) && !people.contains(2_000_000));
    }

    #[test]
    fn a_recognized_person_is_removed_by_whatever_they_were_sent_with() {
        let key = |byte| Key::of(Some(&[byte; 32]));
        let removal = Removal::of(&[Member::new(key(1), Key::default(), None, Some(7))]);
        assert!(removal.hits(&Member::new(key(2), key(9), None, Some(7))));
        assert!(!removal.hits(&Member::new(key(2), key(9), None, Some(8))));
    }

    #[test]
    fn removing_one_of_a_household_leaves_the_other() {
        let key = |byte| Key::of(Some(&[byte; 32]));
        let member = |email, phone| Member::new(email, phone, None, None);
        let removal = Removal::of(&[member(key(1), key(9))]);
        assert!(removal.hits(&member(key(1), Key::default())));
        assert!(removal.hits(&member(Key::default(), key(9))));
        assert!(!removal.hits(&member(key(2), key(9))));
        let by_phone = Removal::of(&[member(Key::default(), key(9))]);
        assert!(by_phone.hits(&member(key(2), key(9))));
        assert!(!by_phone.hits(&member(key(2), Key::default())));
    }
}
