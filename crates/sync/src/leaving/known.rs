//! Finding a person in what earlier syncs recorded.

use crate::error::RunError;
use match_keys::{CountryCode, email, hash, phone};
use persistence::{KnownContact, PersonHashes, Store};
use std::collections::{BTreeSet, HashSet};

/// What was given to find the person by, normalized.
pub(super) enum Wanted {
    Person(PersonHashes),
    Contact(String),
}

/// Everything that is known of a person.
#[derive(Default)]
pub(super) struct Known {
    /// Contact ids of the source.
    pub(super) ids: BTreeSet<String>,
    /// As what the person was recorded: without what another contact has too.
    pub(super) people: HashSet<PersonHashes>,
    /// Addresses and numbers that another contact has too.
    pub(super) shared: u64,
}

/// Reads what a contact holds as a run does.
pub(super) struct Normalizer {
    /// The location's country; phone numbers without country code are read in it.
    pub(super) country: Option<CountryCode>,
}

impl Normalizer {
    fn hashes(&self, contact: &KnownContact) -> PersonHashes {
        let hashed = |normalized: String| hash(&normalized).map(|digest| *digest.as_bytes());
        PersonHashes {
            email: contact.email.as_deref().and_then(|raw| email::normalize(raw).ok()).and_then(hashed),
            phone: contact
                .phone
                .as_deref()
                .and_then(|raw| phone::normalize(raw, self.country).ok())
                .and_then(hashed),
        }
    }

    /// Finds the person. An address or number counts as the person's own when nobody else has it: a family's or a
    /// company's number must not take the others along. What was given counts in any case.
    pub(super) fn find(&self, store: &Store, wanted: &Wanted) -> Result<Known, RunError> {
        let mut known = Known::default();
        match wanted {
            Wanted::Contact(id) => {
                known.ids.insert(id.clone());
            }
            Wanted::Person(person) => store.contacts_each(|contact| {
                let found = self.hashes(&contact);
                if (person.email.is_some() && found.email == person.email)
                    || (person.phone.is_some() && found.phone == person.phone)
                {
                    known.ids.insert(contact.ghl_contact_id);
                }
            })?,
        }
        let given = match wanted {
            Wanted::Person(person) => *person,
            Wanted::Contact(_) => PersonHashes::default(),
        };
        let mut recorded = HashSet::new();
        store.contacts_each(|contact| {
            if known.ids.contains(&contact.ghl_contact_id) {
                recorded.insert(self.hashes(&contact));
            }
        })?;
        let emails: HashSet<[u8; 32]> = recorded.iter().filter_map(|person| person.email).collect();
        let phones: HashSet<[u8; 32]> = recorded.iter().filter_map(|person| person.phone).collect();
        let mut of_others = HashSet::new();
        if !recorded.is_empty() {
            store.contacts_each(|contact| {
                if !known.ids.contains(&contact.ghl_contact_id) {
                    let other = self.hashes(&contact);
                    of_others.extend(other.email.filter(|email| emails.contains(email)));
                    of_others.extend(other.phone.filter(|phone| phones.contains(phone)));
                }
            })?;
        }
        known.shared = of_others.len() as u64;
        let own = |hash: Option<[u8; 32]>| hash.filter(|hash| !of_others.contains(hash));
        known.people = recorded
            .into_iter()
            .map(|person| PersonHashes { email: own(person.email), phone: own(person.phone) })
            .filter(|person| *person != PersonHashes::default())
            .collect();
        let holds = |hash: Option<[u8; 32]>, of: fn(&PersonHashes) -> Option<[u8; 32]>| {
            hash.is_none() || known.people.iter().any(|person| of(person) == hash)
        };
        if !holds(given.email, |person| person.email) || !holds(given.phone, |person| person.phone) {
            known.people.insert(given);
        }
        Ok(known)
    }
}
