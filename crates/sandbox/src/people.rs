//! The people behind the simulated contacts: what is true of them, and how Meta knows them.
//!
//! The truth of an e-mail address or phone is written down beside the contact, never derived from what was typed, so
//! a client that normalizes wrongly finds nobody here.

mod contact;
mod generated;
mod hash_index;
mod listed;
mod opportunities;
mod percentiles;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use contact::Contact;
pub(crate) use contact::{FIELD_EMPTY, FIELD_LTV, FIELD_NOTES, KEY_LTV};
use generated::{added_at, generated, index_of_id};
use hash_index::{HashIndex, Unsorted, key_of};
pub use listed::{Contacts, ContactsError};
pub use opportunities::Opportunity;
pub(crate) use opportunities::{PIPELINES, STAGES, person_at, place_of_id};
use percentiles::{Percentiles, Unranked};

/// The position of a person; the same as the position of the contact in the account.
pub type PersonIndex = u32;

/// What must become of a contact in a run over all contacts of the account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Sent to Meta.
    Sent,
    /// Left out: do not disturb.
    OptedOut,
    /// Left out: no lifetime value.
    NoLtv,
    /// Left out: the lifetime value is no amount.
    BadLtv,
    /// Left out: neither a usable e-mail address nor a usable phone.
    NoIdentifier,
    /// Left out: same e-mail address and phone as the contact of this id, which has the higher lifetime value (or came first).
    MergedInto(String),
}

/// One person and what is expected of their contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Position in the account.
    pub index: PersonIndex,
    /// The contact id at GHL.
    pub id: String,
    /// The address of the main row, lower case; empty when there is none. The contact's main one, or the first usable
    /// additional one.
    pub email_truth: String,
    /// The number of the main row, country code and digits only; empty when there is none.
    pub phone_truth_digits: String,
    /// Further addresses, each for one more row.
    pub further_emails: Vec<String>,
    /// Further numbers, each for one more row.
    pub further_phones: Vec<String>,
    /// ISO 3166 alpha-2, lower case.
    pub country: String,
    /// Whether Meta has an account of this person (about 74 %).
    pub on_meta: bool,
    /// The true lifetime value, when it has one.
    pub ltv_cents: Option<i64>,
    /// The rank 0-100 among all contacts with a valid lifetime value; `None` without one.
    pub expected_percentile: Option<u8>,
    /// What must become of the contact.
    pub expected: Expectation,
}

impl Person {
    /// E-mail address and phone digits of every row a client should send for this person: the main one, then one for each
    /// further address and number.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        let (email, phone) = (self.email_truth.as_str(), self.phone_truth_digits.as_str());
        let by_email = self.further_emails.iter().map(move |further| (further.as_str(), phone));
        let by_phone = self.further_phones.iter().map(move |further| (email, further.as_str()));
        std::iter::once((email, phone)).chain(by_email).chain(by_phone)
    }
}

/// The lifetime value as it truly is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrueLtv {
    Cents(i64),
    Missing,
    Bad,
}

/// A contact with the truth about it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub contact: Contact,
    /// Every address that can be sent, the one of the main row first; distinct.
    pub emails: Vec<String>,
    /// Every number that can be sent, digits only, the one of the main row first; distinct.
    pub phones: Vec<String>,
    /// The addresses and numbers Meta has of this person, who then is one of its people for sure; `None` for all of
    /// them, if it has any.
    pub known_to_meta: Option<Vec<String>>,
    pub country: [u8; 2],
    pub ltv: TrueLtv,
    /// The rank as computed outside this project, where the data bring it along.
    pub expected_percentile: Option<u8>,
}

impl Known {
    /// The address of the main row.
    fn email(&self) -> &str {
        self.emails.first().map_or("", String::as_str)
    }

    /// The number of the main row.
    fn phone(&self) -> &str {
        self.phones.first().map_or("", String::as_str)
    }
}

/// Where contacts come from.
#[derive(Debug)]
enum Source {
    Listed(Vec<Known>),
    /// Contact `i` is a function of `i` and of how many there are.
    Generated(u32),
}

/// All people, matched by hash. Of generated ones next to nothing is held, however many there are: what depends on all of
/// them lies in unlinked temporary files.
#[derive(Debug)]
pub struct Population {
    source: Source,
    percentiles: Percentiles,
    /// By the first 8 bytes of the SHA-256.
    emails: HashIndex,
    phones: HashIndex,
    /// People who are on Meta because the data say so.
    surely_on_meta: HashSet<PersonIndex>,
    /// Addresses and numbers Meta does not have of somebody it knows otherwise.
    unknown_to_meta: HashSet<(u64, PersonIndex)>,
    /// Contacts that give way to another one.
    merged: HashMap<PersonIndex, PersonIndex>,
}

impl Population {
    /// Reads or counts through the contacts once.
    ///
    /// # Errors
    /// An unreadable CSV, or one without the expected columns; no room for temporary files.
    pub fn new(contacts: &Contacts) -> Result<Self, ContactsError> {
        let source = match contacts {
            Contacts::Generated(n) => Source::Generated(*n),
            other => Source::Listed(listed::read(other)?),
        };
        let merged = match &source {
            Source::Listed(list) => merged(list),
            Source::Generated(_) => HashMap::new(), // their addresses and phones are unique by construction
        };
        let (mut ltvs, mut emails, mut phones) = (Unranked::new(), Unsorted::new(), Unsorted::new());
        let (mut surely_on_meta, mut unknown_to_meta) = (HashSet::new(), HashSet::new());
        for index in 0..source.len() {
            let known = source.known(index);
            if let TrueLtv::Cents(cents) = known.ltv {
                ltvs.push(cents)?;
            }
            let gives_way = merged.contains_key(&index);
            for (keys, truths) in [(&mut emails, &known.emails), (&mut phones, &known.phones)] {
                truths
                    .iter()
                    .try_for_each(|truth| keys.push(key_of(&Sha256::digest(truth)), gives_way, index))?;
            }
            if let Some(held) = &known.known_to_meta {
                surely_on_meta.insert(index);
                let all = known.emails.iter().chain(&known.phones);
                let unknown = all.filter(|truth| !held.contains(truth));
                unknown_to_meta.extend(unknown.map(|truth| (key_of(&Sha256::digest(truth)), index)));
            }
        }
        Ok(Self {
            percentiles: ltvs.ranked()?,
            emails: emails.indexed()?,
            phones: phones.indexed()?,
            surely_on_meta,
            unknown_to_meta,
            merged,
            source,
        })
    }

    /// How many contacts the account started with.
    pub fn len(&self) -> u32 {
        self.source.len()
    }

    /// True of an account without contacts.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whom Meta recognizes: by the e-mail cell, else by the phone cell. Only people with an account there, and only by the
    /// addresses and numbers it has of them.
    ///
    /// # Errors
    /// A temporary file that can not be read.
    pub fn match_person(
        &self,
        email_hash: Option<&[u8; 32]>,
        phone_hash: Option<&[u8; 32]>,
    ) -> io::Result<Option<PersonIndex>> {
        for (keys, hash) in [(&self.emails, email_hash), (&self.phones, phone_hash)] {
            let Some(key) = hash.map(|hash| key_of(hash)) else { continue };
            let known = |index: &_| self.on_meta(*index) && !self.unknown_to_meta.contains(&(key, *index));
            if let Some(found) = keys.find(key)?.filter(known) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// ISO 3166 alpha-2, lower case; two blanks for an unknown index.
    pub fn country(&self, person: PersonIndex) -> [u8; 2] {
        match &self.source {
            Source::Listed(list) => list.get(person as usize).map_or([b' '; 2], |known| known.country),
            Source::Generated(n) if person < *n => generated::COUNTRY,
            Source::Generated(_) => [b' '; 2],
        }
    }

    /// Whether Meta has an account of this person; about 74 % have one, chosen by a hash of the index, unless the data
    /// say that it has one.
    pub fn on_meta(&self, person: PersonIndex) -> bool {
        let by_chance = person < self.len() && mix(u64::from(person) ^ 0x4d45_5441) % 100 < 74;
        by_chance || self.surely_on_meta.contains(&person)
    }

    /// Everything true of one person.
    pub fn person(&self, index: PersonIndex) -> Option<Person> {
        if index >= self.len() {
            return None;
        }
        let known = self.known(index);
        let ltv_cents = match known.ltv {
            TrueLtv::Cents(cents) => Some(cents),
            TrueLtv::Missing | TrueLtv::Bad => None,
        };
        let expected = match self.merged.get(&index) {
            Some(kept) => Expectation::MergedInto(self.known(*kept).contact.id),
            None => expectation(&known),
        };
        let further = |truths: &[String]| truths.get(1..).unwrap_or_default().to_vec();
        Some(Person {
            index,
            expected,
            ltv_cents,
            expected_percentile: known.expected_percentile.or_else(|| self.percentiles.of(ltv_cents?)),
            on_meta: self.on_meta(index),
            email_truth: known.email().to_owned(),
            phone_truth_digits: known.phone().to_owned(),
            further_emails: further(&known.emails),
            further_phones: further(&known.phones),
            id: known.contact.id,
            country: String::from_utf8_lossy(&known.country).into_owned(),
        })
    }

    /// Everybody, in order.
    pub fn people(&self) -> impl Iterator<Item = Person> + '_ {
        (0..self.len()).filter_map(|index| self.person(index))
    }

    pub(crate) fn known(&self, index: PersonIndex) -> Known {
        self.source.known(index)
    }

    /// The opportunities of one person; the won ones add up to the true lifetime value, and whoever has none has none.
    pub fn opportunities(&self, index: PersonIndex) -> Vec<Opportunity> {
        if index < self.len() { opportunities::opportunities(index, &self.known(index)) } else { Vec::new() }
    }

    /// How many contacts were added before this moment (epoch milliseconds); they are kept in that order.
    pub(crate) fn added_before(&self, moment: i64) -> u32 {
        let (mut from, mut until) = (0, self.len());
        while from < until {
            let middle = from + (until - from) / 2;
            let added = match &self.source {
                Source::Listed(list) => list[middle as usize].contact.date_added.unwrap_or(i64::MAX),
                Source::Generated(n) => added_at(middle, *n),
            };
            if added < moment { from = middle + 1 } else { until = middle }
        }
        from
    }

    /// The position of a contact id.
    pub(crate) fn index_of(&self, id: &str) -> Option<PersonIndex> {
        match &self.source {
            Source::Listed(list) => {
                list.iter().position(|known| known.contact.id == id).and_then(|at| u32::try_from(at).ok())
            }
            Source::Generated(n) => index_of_id(id).filter(|index| index < n),
        }
    }
}

impl Source {
    fn len(&self) -> u32 {
        match self {
            Self::Listed(list) => u32::try_from(list.len()).unwrap_or(u32::MAX),
            Self::Generated(n) => *n,
        }
    }

    fn known(&self, index: PersonIndex) -> Known {
        match self {
            Self::Listed(list) => list[index as usize].clone(),
            Self::Generated(n) => generated(index, *n),
        }
    }
}

fn expectation(known: &Known) -> Expectation {
    if known.contact.dnd {
        return Expectation::OptedOut;
    }
    match known.ltv {
        TrueLtv::Missing => Expectation::NoLtv,
        TrueLtv::Bad => Expectation::BadLtv,
        TrueLtv::Cents(_) if known.emails.is_empty() && known.phones.is_empty() => Expectation::NoIdentifier,
        TrueLtv::Cents(_) => Expectation::Sent,
    }
}

/// Who gives way to whom: of those to be sent, the same e-mail address and phone; the highest value is kept, of equal ones the first.
fn merged(list: &[Known]) -> HashMap<PersonIndex, PersonIndex> {
    type Group = Vec<(Reverse<i64>, PersonIndex)>;
    let mut groups: HashMap<(&str, &str), Group> = HashMap::new();
    for (index, known) in (0..).zip(list) {
        if let (Expectation::Sent, TrueLtv::Cents(cents)) = (expectation(known), known.ltv) {
            let group = groups.entry((known.email(), known.phone())).or_default();
            group.push((Reverse(cents), index));
        }
    }
    let mut merged = HashMap::new();
    for mut group in groups.into_values() {
        group.sort_unstable();
        if let Some(((_, kept), others)) = group.split_first() {
            merged.extend(others.iter().map(|(_, index)| (*index, *kept)));
        }
    }
    merged
}

/// SplitMix64: spreads a counter over all bits, the same on every machine.
pub(crate) fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
