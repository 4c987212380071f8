//! From a contact to its row.

use crate::country::{CountryCode, Place};
use crate::digest::{Digest, hash};
use crate::reason::Reason;
use crate::row::{Field, Row};
use crate::{city, country, email, name, phone, state, zip};
use domain::Contact;

/// What became of one field of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing was filled in; the cell is empty.
    Blank,
    /// Normalized and hashed.
    Hashed,
    /// The field held a SHA-256 already; it was passed through in lower case.
    AlreadyHashed,
    /// Something was filled in that can not be sent; the cell is empty.
    Dropped(Reason),
}

/// The row of one contact and what became of each field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoded {
    /// The match keys.
    pub row: Row,
    outcomes: [Outcome; 8],
}

impl Encoded {
    /// What became of a field.
    pub fn outcome(&self, field: Field) -> Outcome {
        self.outcomes[field as usize]
    }

    /// Every field with what became of it, in the order of [`crate::SCHEMA`].
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
}

/// Makes rows of contacts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Encoder {
    location: Option<CountryCode>,
}

impl Encoder {
    /// An encoder for the contacts of one location. Its country helps to read phone numbers, states and postal codes
    /// of contacts without a readable country of their own; it is never sent as theirs.
    pub fn new(location: Option<CountryCode>) -> Self {
        Self { location }
    }

    /// Normalizes and hashes every field. Never fails: a field that can not be sent is an empty cell with an
    /// [`Outcome`] that says why.
    pub fn encode(&self, contact: &Contact) -> Encoded {
        let own = contact.country.as_deref().and_then(|raw| country::read(raw).ok());
        let place = Place { own, location: self.location };
        let mut encoded = Encoded { row: Row::default(), outcomes: [Outcome::Blank; 8] };
        let mut put =
            |field: Field, raw: &Option<String>, normalize: &dyn Fn(&str) -> Result<String, Reason>| {
                let outcome = match raw.as_deref().map_or(Err(Reason::Blank), normalize) {
                    Ok(normalized) => {
                        encoded.row.set(field, hash(&normalized));
                        if Digest::from_hex(&normalized).is_some() {
                            Outcome::AlreadyHashed
                        } else {
                            Outcome::Hashed
                        }
                    }
                    Err(Reason::Blank) => Outcome::Blank,
                    Err(reason) => Outcome::Dropped(reason),
                };
                encoded.outcomes[field as usize] = outcome;
            };
        put(Field::Email, &contact.email, &email::normalize);
        put(Field::Phone, &contact.phone, &|raw| phone::normalize(raw, place.likely()));
        put(Field::FirstName, &contact.first_name, &name::normalize);
        put(Field::LastName, &contact.last_name, &name::normalize);
        put(Field::City, &contact.city, &city::normalize);
        put(Field::State, &contact.state, &|raw| state::normalize(raw, place));
        put(Field::Zip, &contact.postal_code, &|raw| zip::normalize(raw, place));
        put(Field::Country, &contact.country, &country::normalize);
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoder, Outcome};
    use crate::country::read;
    use crate::digest::hash;
    use crate::reason::Reason;
    use crate::row::Field;
    use domain::Contact;

    #[test]
    fn the_location_s_country_helps_but_is_not_sent() {
        let contact = Contact {
            phone: Some("(650) 555-1212".into()),
            postal_code: Some("2101".into()),
            ..Contact::default()
        };
        let encoded = Encoder::new(read("US").ok()).encode(&contact);
        assert_eq!(encoded.row.cell(Field::Phone), hash("16505551212"));
        assert_eq!(encoded.row.cell(Field::Zip), hash("02101"));
        assert_eq!(encoded.row.cell(Field::Country), None);
        assert_eq!(encoded.outcome(Field::Country), Outcome::Blank);
        let nowhere = Encoder::new(None).encode(&contact);
        assert_eq!(nowhere.dropped().collect::<Vec<_>>(), [(Field::Phone, Reason::NoCountry)]);
    }

    #[test]
    fn the_contact_s_own_country_comes_first() {
        let contact = Contact {
            phone: Some("020 7946 0958".into()),
            country: Some("England".into()),
            ..Contact::default()
        };
        let encoded = Encoder::new(read("US").ok()).encode(&contact);
        assert_eq!(encoded.row.cell(Field::Phone), hash("442079460958"));
        assert_eq!(encoded.row.cell(Field::Country), hash("gb"));
    }

    #[test]
    fn a_hash_passes_through_and_is_reported() {
        let given = hash("mary@example.com").unwrap();
        let contact = Contact { email: Some(given.to_string().to_uppercase()), ..Contact::default() };
        let encoded = Encoder::default().encode(&contact);
        assert_eq!(encoded.row.cell(Field::Email), Some(given));
        assert_eq!(encoded.outcome(Field::Email), Outcome::AlreadyHashed);
    }
}
