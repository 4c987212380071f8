//! Finding a person in what earlier syncs recorded.

use crate::edges::ContactSource;
use crate::error::RunError;
use domain::Cancel;
use domain::error_chain::Chain;
use match_keys::{CountryCode, country, email, hash, phone};
use persistence::{KnownContact, PersonHashes, Store};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// What was given to find the person by, normalized.
pub(super) enum Wanted {
    Person(PersonHashes),
    Contact(String),
}

/// Everything that is known of a person.
pub(super) struct Known {
    /// Contact ids of the source.
    pub(super) ids: BTreeSet<String>,
    /// As what the person was recorded: without what another contact has too.
    pub(super) people: HashSet<PersonHashes>,
    /// As what stable audiences hold the person besides, again without what another contact has.
    pub(super) members: HashSet<PersonHashes>,
    /// Addresses and numbers that another contact has too.
    pub(super) shared: u64,
}

/// Reads what a contact holds as a run does.
pub(super) struct Normalizer {
    /// The location's country; phone numbers without country code are read in it.
    pub(super) country: Option<CountryCode>,
}

impl Normalizer {
    /// Asks for the location's country. Without it only international numbers can be read, which is no reason to find
    /// nobody.
    pub(super) fn new(source: Option<&dyn ContactSource>, cancel: &Cancel) -> Self {
        let country = source.and_then(|source| match source.country(cancel) {
            Ok(country) => country.and_then(|country| country::read(&country).ok()),
            Err(error) => {
                log::warn!("phone numbers are read without the location's country: {}", Chain(&error));
                None
            }
        });
        Self { country }
    }

    /// By what Meta knows the contact, as far as it was recorded.
    pub(super) fn hashes(&self, contact: &KnownContact) -> PersonHashes {
        let hashed = |normalized: Cow<'_, str>| hash(&normalized).map(|digest| *digest.as_bytes());
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
        let (given, ids) = match wanted {
            Wanted::Person(person) => (*person, self.contacts_with(store, person)?),
            Wanted::Contact(id) => (PersonHashes::default(), BTreeSet::from([id.clone()])),
        };
        let mut recorded = HashSet::new();
        store.contacts_each(|contact| {
            if ids.contains(&contact.ghl_contact_id) {
                recorded.insert(self.hashes(&contact));
            }
        })?;
        let of_others = self.of_others(store, &ids, &recorded)?;
        let mut people = without(recorded, &of_others);
        let holds = |hash: Option<[u8; 32]>, of: fn(&PersonHashes) -> Option<[u8; 32]>| {
            hash.is_none() || people.iter().any(|person| of(person) == hash)
        };
        if !holds(given.email, |person| person.email) || !holds(given.phone, |person| person.phone) {
            people.insert(given);
        }
        let own: Vec<PersonHashes> = people.iter().copied().collect();
        let members: HashSet<PersonHashes> = store.members_known_by(&own)?.into_iter().collect();
        let of_other_members = self.of_others(store, &ids, &members)?;
        let members = without(members, &of_other_members);
        Ok(Known { ids, people, members, shared: of_others.len() as u64 })
    }

    /// The contacts recorded with the given address or number.
    fn contacts_with(&self, store: &Store, given: &PersonHashes) -> Result<BTreeSet<String>, RunError> {
        let mut ids = BTreeSet::new();
        store.contacts_each(|contact| {
            let found = self.hashes(&contact);
            if (given.email.is_some() && found.email == given.email)
                || (given.phone.is_some() && found.phone == given.phone)
            {
                ids.insert(contact.ghl_contact_id);
            }
        })?;
        Ok(ids)
    }

    /// Those addresses and numbers of the people that a recorded contact outside `ids` has.
    fn of_others(
        &self,
        store: &Store,
        ids: &BTreeSet<String>,
        people: &HashSet<PersonHashes>,
    ) -> Result<HashSet<[u8; 32]>, RunError> {
        let mut of_others = HashSet::new();
        if people.is_empty() {
            return Ok(of_others);
        }
        let emails: HashSet<[u8; 32]> = people.iter().filter_map(|person| person.email).collect();
        let phones: HashSet<[u8; 32]> = people.iter().filter_map(|person| person.phone).collect();
        store.contacts_each(|contact| {
            if !ids.contains(&contact.ghl_contact_id) {
                let other = self.hashes(&contact);
                of_others.extend(other.email.filter(|email| emails.contains(email)));
                of_others.extend(other.phone.filter(|phone| phones.contains(phone)));
            }
        })?;
        Ok(of_others)
    }
}

/// The people without what others have too; nobody is left of whom others have everything.
fn without(people: HashSet<PersonHashes>, of_others: &HashSet<[u8; 32]>) -> HashSet<PersonHashes> {
    let own = |hash: Option<[u8; 32]>| hash.filter(|hash| !of_others.contains(hash));
    people
        .into_iter()
        .map(|person| PersonHashes { email: own(person.email), phone: own(person.phone) })
        .filter(|person| *person != PersonHashes::default())
        .collect()
}
