//! What holds of the rows of any contact at all, for the property tests, the fuzz target and the replay of its corpus.

use chrono::NaiveDate;
use domain::Contact;
use match_keys::{
    CountryCode, Digest, Encoded, Encoder, Field, MAX_FURTHER, Outcome, Place, Reason, Row, birth, city,
    country, email, hash, name, phone, state, zip,
};
use std::collections::HashSet;

const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Stands between the fields of a contact that is written as bytes: the ASCII unit separator.
const SEPARATOR: u8 = 0x1f;

/// A contact written as bytes, and its location's country: the country, nine fields, and then by turns an additional
/// e-mail address and an additional phone number.
pub fn contact_of(bytes: &[u8]) -> (Contact, Option<CountryCode>) {
    let mut fields =
        bytes.split(|byte| *byte == SEPARATOR).map(|field| String::from_utf8_lossy(field).into_owned());
    let location = fields.next().and_then(|name| country::read(&name).ok());
    let mut contact = Contact {
        email: fields.next(),
        phone: fields.next(),
        first_name: fields.next(),
        last_name: fields.next(),
        city: fields.next(),
        state: fields.next(),
        postal_code: fields.next(),
        country: fields.next(),
        birth_date: fields.next(),
        ..Contact::default()
    };
    while let Some(email) = fields.next() {
        contact.additional_emails.push(email);
        contact.additional_phones.extend(fields.next());
    }
    (contact, location)
}

/// Encodes the contact and checks every promise this crate makes.
pub fn check(contact: &Contact, location: Option<CountryCode>) {
    let today = NaiveDate::from_ymd_opt(2026, 6, 15).expect("a date");
    let encoded = Encoder::new(location, today).encode(contact);
    check_cells(&encoded);
    check_further(&encoded, contact);
    let own = contact.country.as_deref().and_then(|raw| country::read(raw).ok());
    let place = Place { own, location };
    let text = |raw: &Option<String>| raw.clone().unwrap_or_default();
    let stays = |field: Field, raw: &str, normalize: &dyn Fn(&str) -> Result<String, Reason>| {
        let once = normalize(raw);
        let cell = once.as_deref().ok().and_then(hash);
        if encoded.outcome(field) != Outcome::Blank && cell.is_some() {
            assert_eq!(encoded.row.cell(field), cell, "{field:?} of {raw:?}");
        }
        if let Ok(once) = once {
            assert!(!once.is_empty(), "{field:?} of {raw:?}");
            assert_eq!(normalize(&once), Ok(once.clone()), "{field:?} of {raw:?}");
        }
    };
    stays(Field::Email, &text(&contact.email), &|raw| email::normalize(raw).map(Into::into));
    stays(Field::FirstName, &text(&contact.first_name), &|raw| name::normalize(raw).map(Into::into));
    stays(Field::LastName, &text(&contact.last_name), &|raw| name::normalize(raw).map(Into::into));
    stays(Field::City, &text(&contact.city), &|raw| city::normalize(raw).map(Into::into));
    stays(Field::State, &text(&contact.state), &|raw| state::normalize(raw, place).map(Into::into));
    stays(Field::Zip, &text(&contact.postal_code), &|raw| zip::normalize(raw, place).map(Into::into));
    stays(Field::Country, &text(&contact.country), &|raw| country::normalize(raw).map(Into::into));
    check_phone(&text(&contact.phone), place.likely());
    check_birthday(&text(&contact.birth_date), today);
}

/// A cell is 64 lower-case digits or nothing, never the hash of nothing, and filled exactly when the outcome says so.
fn check_cells(encoded: &Encoded) {
    for row in encoded.rows() {
        for digest in row.cells().iter().flatten() {
            let hex = digest.to_string();
            assert!(hex.len() == 64 && hex.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{hex}");
            assert_ne!(hex, OF_NOTHING);
        }
        assert_eq!(row.identity().is_some(), row.is_identifiable());
        let parts =
            [Field::BirthYear, Field::BirthMonth, Field::BirthDay].map(|field| row.cell(field).is_some());
        assert_eq!(parts, [row.has_birthday(); 3]);
    }
    for (field, outcome) in encoded.outcomes() {
        let hashed = matches!(outcome, Outcome::Hashed | Outcome::AlreadyHashed);
        let may_be_replaced = matches!(field, Field::Email | Field::Phone);
        let filled = encoded.row.cell(field).is_some();
        assert!(filled == hashed || (may_be_replaced && filled), "{field:?} {outcome:?}");
    }
}

/// Further rows differ from the main one in the address or in the number, and from each other.
fn check_further(encoded: &Encoded, contact: &Contact) {
    let listed = contact.additional_emails.len() + contact.additional_phones.len();
    assert!(encoded.further.len() <= listed.min(MAX_FURTHER));
    let differs = |row: &Row, field| row.cell(field) != encoded.row.cell(field);
    for row in &encoded.further {
        let other: Vec<Field> = Field::ALL.into_iter().filter(|field| differs(row, *field)).collect();
        assert!(other == [Field::Email] || other == [Field::Phone], "{other:?}");
        assert!(row.is_identifiable());
    }
    // Not by `Row::identity`: it takes half of each hash, and hashes that came as such may share that half.
    let distinct: HashSet<_> = encoded.rows().map(Row::cells).collect();
    assert_eq!(distinct.len(), encoded.rows().count());
}

/// A number is 5 to 15 digits (or a hash) and reads again when a plus says that it is whole.
fn check_phone(raw: &str, country: Option<CountryCode>) {
    let Ok(number) = phone::normalize(raw, country) else { return };
    if Digest::from_hex(&number).is_none() {
        assert!((5..=15).contains(&number.len()), "{number}");
        assert!(number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0'), "{number}");
        assert_eq!(phone::normalize(&format!("+{number}"), country), Ok(number.clone()), "{raw:?}");
    }
}

/// A birthday is a day of the calendar and reads again in every form that names the year first.
fn check_birthday(raw: &str, today: NaiveDate) {
    let Ok(parts) = birth::normalize(raw, today) else { return };
    let date = NaiveDate::parse_from_str(&parts.concat(), "%Y%m%d").expect("a date");
    assert!(date <= today && parts[0].as_str() >= "1900", "{raw:?}: {date}");
    for again in [parts.concat(), parts.join("-"), parts.join("/"), format!("{}T23:59:59Z", parts.join("-"))]
    {
        assert_eq!(birth::normalize(&again, today).as_ref(), Ok(&parts), "{raw:?}");
    }
    let [year, month, day] = parts.each_ref().map(String::as_str);
    assert_eq!(birth::year(year, 2026).as_deref(), Ok(year));
    assert_eq!(birth::month(month).as_deref(), Ok(month));
    assert_eq!(birth::day(day).as_deref(), Ok(day));
}
