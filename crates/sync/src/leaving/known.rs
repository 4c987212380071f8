//! Finding a person in what earlier syncs recorded.

use crate::error::RunError;
use match_keys::{country, email, hash, phone};
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

/// By what Meta knows a recorded contact. A number is read as the run has read it: in the country that was recorded with it,
/// or in none. A location's country may be another one, and the number then a stranger's.
pub(super) fn hashes(contact: &KnownContact) -> PersonHashes {
    let hashed = |normalized: Cow<'_, str>| hash(&normalized).map(|digest| *digest.as_bytes());
    let country = contact.country.as_deref().and_then(|code| country::read(code).ok());
    PersonHashes {
        email: contact.email.as_deref().and_then(|raw| email::normalize(raw).ok()).and_then(hashed),
        phone: contact.phone.as_deref().and_then(|raw| phone::normalize(raw, country).ok()).and_then(hashed),
    }
}

/// Finds the person. An address or number counts as the person's own when nobody else has it: a family's or a
/// company's number must not take the others along. What was given counts in any case.
pub(super) fn find(store: &Store, wanted: &Wanted) -> Result<Known, RunError> {
    let (given, ids) = match wanted {
        Wanted::Person(person) => (*person, contacts_with(store, person)?),
        Wanted::Contact(id) => (PersonHashes::default(), BTreeSet::from([id.clone()])),
    };
    let mut recorded = HashSet::new();
    store.contacts_each(|contact| {
        if ids.contains(&contact.ghl_contact_id) {
            recorded.insert(hashes(&contact));
        }
    })?;
    let shared = of_others(store, &ids, &recorded)?;
    let mut people = without(recorded, &shared);
    let holds = |hash: Option<[u8; 32]>, of: fn(&PersonHashes) -> Option<[u8; 32]>| {
        hash.is_none() || people.iter().any(|person| of(person) == hash)
    };
    if !holds(given.email, |person| person.email) || !holds(given.phone, |person| person.phone) {
        people.insert(given);
    }
    let own: Vec<PersonHashes> = people.iter().copied().collect();
    let members: HashSet<PersonHashes> = store.members_known_by(&own)?.into_iter().collect();
    let of_other_members = of_others(store, &ids, &members)?;
    let members = without(members, &of_other_members);
    Ok(Known { ids, people, members, shared: shared.len() as u64 })
}

/// The contacts recorded with the given address or number.
fn contacts_with(store: &Store, given: &PersonHashes) -> Result<BTreeSet<String>, RunError> {
    let mut ids = BTreeSet::new();
    store.contacts_each(|contact| {
        let found = hashes(&contact);
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
            let other = hashes(&contact);
            of_others.extend(other.email.filter(|email| emails.contains(email)));
            of_others.extend(other.phone.filter(|phone| phones.contains(phone)));
        }
    })?;
    Ok(of_others)
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
