//! From a contact to its row.

use crate::country::{CountryCode, Place};
use crate::digest::{Digest, hash};
use crate::reason::Reason;
use crate::row::{Cell, Field, Row, SCHEMA};
use crate::seen::{LastCountry, Seen};
use crate::{birth, city, email, name, phone, state, zip};
use chrono::NaiveDate;
use domain::Contact;
use std::borrow::Cow;
use std::fmt;

/// What became of one field of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing was filled in.
    Blank,
    /// Normalized and hashed.
    Hashed,
    /// The field held a SHA-256 already; it was passed through in lower case.
    AlreadyHashed,
    /// Something was filled in that can not be sent.
    Dropped(Reason),
}

/// The rows of one contact and what became of each field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The match keys.
    pub row: Row,
    /// The same person under the additional addresses and numbers: copies of [`Encoded::row`] with another e-mail address
    /// or another phone number, distinct from it and from each other, at most [`MAX_FURTHER`]. Additional ones that can not
    /// be sent are left out: what was filled in there by mistake keeps nobody out.
    pub further: Vec<Row>,
    /// In which country numbers without a country code were read: the contact's own, else the location's.
    pub phone_country: Option<CountryCode>,
    outcomes: [Outcome; SCHEMA.len()],
}

/// The most further rows of one contact: beyond that, somebody keeps a list of strangers in one contact.
pub const MAX_FURTHER: usize = 20;

impl Encoded {
    /// Every row to be sent for the contact: the main one first.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        std::iter::once(&self.row).chain(&self.further)
    }

    /// What became of a field. The cell is filled when it was hashed; for the e-mail address and the phone number also
    /// when the contact's main one was blank or dropped and the first usable additional one took its place.
    pub fn outcome(&self, field: Field) -> Outcome {
        self.outcomes[field as usize]
    }

    /// Every field with what became of it, in the order of [`SCHEMA`].
    pub fn outcomes(&self) -> impl Iterator<Item = (Field, Outcome)> {
        Field::ALL.into_iter().zip(self.outcomes)
    }

    /// The fields that were filled in and could not be sent, with the reason.
    pub fn dropped(&self) -> impl Iterator<Item = (Field, Reason)> {
        self.outcomes().filter_map(|(field, outcome)| match outcome {
            Outcome::Dropped(reason) => Some((field, reason)),
            _ => None,
        })
    }

    fn put(&mut self, field: Field, (cell, outcome): (Cell, Outcome)) {
        self.row.set(field, cell);
        self.outcomes[field as usize] = outcome;
    }

    /// The usable ones of the additional values of a field, each once. The first one fills the cell when it is empty.
    fn take_further(
        &mut self,
        field: Field,
        raw: &[String],
        normalize: impl for<'a> Fn(&'a str) -> Result<Cow<'a, str>, Reason>,
    ) -> Vec<Digest> {
        let mut further = Vec::new();
        for digest in raw.iter().filter_map(|raw| hash(&normalize(raw).ok()?)) {
            match self.row.cell(field) {
                None => self.row.set(field, Some(digest)),
                Some(main) if main != digest && !further.contains(&digest) => further.push(digest),
                Some(_) => {}
            }
        }
        further
    }

    fn push_further(&mut self, field: Field, digest: Digest) {
        if self.further.len() < MAX_FURTHER {
            let mut row = self.row;
            row.set(field, Some(digest));
            self.further.push(row);
        }
    }
}

/// The cell of a normalized text, and what to say of it.
pub(crate) fn made<T: AsRef<str>>(normalized: Result<T, Reason>) -> (Cell, Outcome) {
    match normalized {
        Ok(normalized) => {
            let normalized = normalized.as_ref();
            let given = Digest::from_hex(normalized).is_some();
            (hash(normalized), if given { Outcome::AlreadyHashed } else { Outcome::Hashed })
        }
        Err(Reason::Blank) => (None, Outcome::Blank),
        Err(reason) => (None, Outcome::Dropped(reason)),
    }
}

/// Makes rows of contacts. It remembers what repeats, and is otherwise the same for each contact.
#[derive(Clone)]
pub struct Encoder {
    location: Option<CountryCode>,
    today: NaiveDate,
    seen: Seen,
    country: LastCountry,
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder for the contacts of one location. Its country helps to read phone numbers, states and postal codes
    /// of contacts without a readable country of their own; it is never sent as theirs. Nobody is born after `today`.
    pub fn new(location: Option<CountryCode>, today: NaiveDate) -> Self {
        Self { location, today, seen: Seen::default(), country: LastCountry::default() }
    }

    /// Normalizes and hashes every field. Never fails: a field that can not be sent is an empty cell with an
    /// [`Outcome`] that says why.
    pub fn encode(&mut self, contact: &Contact) -> Encoded {
        let (own, country) = self.country.read(contact.country.as_deref().unwrap_or_default());
        let place = Place { own, location: self.location };
        let likely = place.likely();
        let mut encoded = Encoded {
            row: Row::default(),
            further: Vec::new(),
            phone_country: likely,
            outcomes: [Outcome::Blank; SCHEMA.len()],
        };
        if let Some(raw) = &contact.email {
            encoded.put(Field::Email, made(email::normalize(raw)));
        }
        if let Some(raw) = &contact.phone {
            encoded.put(Field::Phone, made(phone::normalize(raw, likely)));
        }
        // Addresses, numbers and last names are not remembered: they differ too much to be met again.
        if let Some(raw) = &contact.last_name {
            encoded.put(Field::LastName, made(name::normalize(raw)));
        }
        encoded.put(
            Field::FirstName,
            self.seen.cell(Field::FirstName, None, &contact.first_name, name::normalize),
        );
        encoded.put(Field::City, self.seen.cell(Field::City, None, &contact.city, city::normalize));
        let state = |raw: &str| state::normalize(raw, place);
        encoded.put(Field::State, self.seen.cell(Field::State, own, &contact.state, state));
        let zip = |raw: &str| zip::normalize(raw, place);
        encoded.put(Field::Zip, self.seen.cell(Field::Zip, own, &contact.postal_code, zip));
        encoded.put(Field::Country, country);
        if let Some(raw) = &contact.birth_date {
            match birth::normalize(raw, self.today) {
                Ok(parts) => {
                    for (field, part) in Field::BIRTHDAY.into_iter().zip(parts) {
                        encoded.put(field, made(Ok(part)));
                    }
                }
                Err(reason) => {
                    for field in Field::BIRTHDAY {
                        encoded.put(field, made::<&str>(Err(reason)));
                    }
                }
            }
        }
        // Both cells of the main row are settled before it is copied.
        let emails = encoded.take_further(Field::Email, &contact.additional_emails, email::normalize);
        let phones = encoded
            .take_further(Field::Phone, &contact.additional_phones, |raw| phone::normalize(raw, likely));
        emails.into_iter().for_each(|digest| encoded.push_further(Field::Email, digest));
        phones.into_iter().for_each(|digest| encoded.push_further(Field::Phone, digest));
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoder, MAX_FURTHER, Outcome};
    use crate::country::read;
    use crate::digest::hash;
    use crate::reason::Reason;
    use crate::row::Field;
    use chrono::NaiveDate;
    use domain::Contact;

    fn encoder(location: &str) -> Encoder {
        Encoder::new(read(location).ok(), NaiveDate::from_ymd_opt(2026, 6, 15).unwrap())
    }

    #[test]
    fn the_location_s_country_helps_but_is_not_sent() {
        let contact = Contact {
            phone: Some("(650) 555-1212".into()),
            postal_code: Some("2101".into()),
            ..Contact::default()
        };
        let encoded = encoder("US").encode(&contact);
        assert_eq!(encoded.row.cell(Field::Phone), hash("16505551212"));
        assert_eq!(encoded.row.cell(Field::Zip), hash("02101"));
        assert_eq!(encoded.row.cell(Field::Country), None);
        assert_eq!(encoded.outcome(Field::Country), Outcome::Blank);
        let nowhere = encoder("").encode(&contact);
        assert_eq!(nowhere.dropped().collect::<Vec<_>>(), [(Field::Phone, Reason::NoCountry)]);
    }

    #[test]
    fn the_contact_s_own_country_comes_first() {
        let contact = Contact {
            phone: Some("020 7946 0958".into()),
            country: Some("England".into()),
            ..Contact::default()
        };
        let encoded = encoder("US").encode(&contact);
        assert_eq!(encoded.row.cell(Field::Phone), hash("442079460958"));
        assert_eq!(encoded.row.cell(Field::Country), hash("gb"));
    }

    #[test]
    fn a_hash_passes_through_and_is_reported() {
        let given = hash("mary@example.com").unwrap();
        let contact = Contact { email: Some(given.to_string().to_uppercase()), ..Contact::default() };
        let encoded = encoder("").encode(&contact);
        assert_eq!(encoded.row.cell(Field::Email), Some(given));
        assert_eq!(encoded.outcome(Field::Email), Outcome::AlreadyHashed);
    }

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn additional_addresses_and_numbers_are_further_rows_of_the_same_person() {
        let contact = Contact {
            email: Some("ann@example.com".into()),
            phone: Some("+1 650 555 0100".into()),
            first_name: Some("Ann".into()),
            additional_emails: list(&["ANN@example.com", "lee@example.com ", "", "n/a", "Lee@example.com"]),
            additional_phones: list(&["(650) 555-0101", "12", "+16505550100", "+1 650 555 0101"]),
            ..Contact::default()
        };
        let encoded = encoder("US").encode(&contact);
        let pairs: Vec<_> =
            encoded.rows().map(|row| (row.cell(Field::Email), row.cell(Field::Phone))).collect();
        let (ann, lee) = (hash("ann@example.com"), hash("lee@example.com"));
        let (first, second) = (hash("16505550100"), hash("16505550101"));
        assert_eq!(pairs, [(ann, first), (lee, first), (ann, second)]);
        assert!(encoded.rows().all(|row| row.cell(Field::FirstName) == hash("ann")));
    }

    #[test]
    fn an_additional_address_or_number_takes_the_place_of_a_main_one_that_is_none() {
        let contact = Contact {
            email: Some("none".into()),
            additional_emails: list(&["bad", "lee@example.com", "ann@example.com"]),
            additional_phones: list(&["+16505550101"]),
            ..Contact::default()
        };
        let encoded = encoder("").encode(&contact);
        let phone = hash("16505550101");
        let pairs: Vec<_> =
            encoded.rows().map(|row| (row.cell(Field::Email), row.cell(Field::Phone))).collect();
        assert_eq!(pairs, [(hash("lee@example.com"), phone), (hash("ann@example.com"), phone)]);
        assert_eq!(encoded.outcome(Field::Email), Outcome::Dropped(Reason::Placeholder));
        assert_eq!(encoded.outcome(Field::Phone), Outcome::Blank);
    }

    #[test]
    fn a_contact_has_at_most_twenty_further_rows() {
        let contact = Contact {
            email: Some("a@example.com".into()),
            additional_emails: (0..25).map(|n| format!("a{n}@example.com")).collect(),
            additional_phones: list(&["+16505550100"]),
            ..Contact::default()
        };
        let encoded = encoder("").encode(&contact);
        assert_eq!(encoded.further.len(), MAX_FURTHER);
        // The number is in the main row, and so in all others.
        assert!(encoded.rows().all(|row| row.cell(Field::Phone) == hash("16505550100")));
    }

    #[test]
    fn a_birthday_fills_three_cells_or_none() {
        let born =
            |date: &str| encoder("").encode(&Contact { birth_date: Some(date.into()), ..Contact::default() });
        let encoded = born("1990-01-31T00:00:00.000Z");
        assert_eq!(Field::BIRTHDAY.map(|field| encoded.row.cell(field)), ["1990", "01", "31"].map(hash));
        assert!(encoded.row.has_birthday() && !encoded.row.is_identifiable());
        let encoded = born("1990-02-30");
        assert!(!encoded.row.has_birthday());
        let dropped = Field::BIRTHDAY.map(|field| (field, Reason::NoSuchDate));
        assert_eq!(encoded.dropped().collect::<Vec<_>>(), dropped);
        assert_eq!(born(" ").dropped().count(), 0);
    }
}
