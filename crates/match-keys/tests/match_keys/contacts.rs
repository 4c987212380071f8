//! Contacts as CRMs hold them: `tests/data/contacts_messy.csv`.

use crate::encoder;
use crate::messy::messy;
use match_keys::{Field, Outcome, country, email, hash, phone};
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

#[test]
fn every_phone_reads_as_its_true_number() {
    let mut read = 0;
    for (contact, phone_truth) in messy() {
        let raw = contact.phone.as_deref().unwrap_or_default();
        let own = country::read(contact.country.as_deref().unwrap_or_default()).ok();
        match phone::normalize(raw, own) {
            Ok(number) => {
                assert_eq!(number, phone_truth, "{}: {raw:?} {own:?}", contact.id);
                read += 1;
            }
            Err(reason) => assert_eq!(phone_truth, "", "{}: {raw:?} {own:?} {reason:?}", contact.id),
        }
    }
    assert_eq!(read, 4241);
}

#[test]
fn every_email_is_its_trimmed_lower_case() {
    let mut read = 0;
    for (contact, _) in messy() {
        let raw = contact.email.as_deref().unwrap_or_default();
        let address = raw.trim().to_lowercase();
        if address.is_empty() {
            continue;
        }
        assert_eq!(email::normalize(raw), Ok(address.into()), "{}", contact.id);
        read += 1;
    }
    assert_eq!(read, 4700);
}

#[test]
fn what_an_encoder_remembers_changes_nothing() {
    let contacts: Vec<_> = messy().into_iter().map(|(contact, _)| contact).collect();
    let mut remembers = encoder(country::read("US").ok());
    for contact in contacts.iter().chain(contacts.iter().rev()) {
        let alone = encoder(country::read("US").ok()).encode(contact);
        assert!(remembers.encode(contact) == alone, "{}", contact.id);
    }
}

#[test]
fn the_account_of_every_field_adds_up() {
    let mut encoder = encoder(country::read("US").ok());
    let mut account: BTreeMap<(Field, String), u32> = BTreeMap::new();
    let mut identifiable = 0;
    for (contact, _) in messy() {
        let encoded = encoder.encode(&contact);
        identifiable += u32::from(encoded.row.is_identifiable());
        for (field, outcome) in encoded.outcomes() {
            let is_sent = matches!(outcome, Outcome::Hashed | Outcome::AlreadyHashed);
            assert_eq!(encoded.row.cell(field).is_some(), is_sent, "{} {field:?}", contact.id);
            *account.entry((field, format!("{outcome:?}"))).or_default() += 1;
        }
        let code = contact.country.as_deref().unwrap_or_default().to_lowercase();
        assert_eq!(encoded.row.cell(Field::Country), hash(&code), "{}", contact.id);
    }
    let account: Vec<String> = account
        .iter()
        .map(|((field, outcome), count)| format!("{} {outcome} {count}", field.key()))
        .collect();
    let expected = [
        "EMAIL Blank 300",
        "EMAIL Hashed 4700",
        "PHONE Blank 759",
        "PHONE Hashed 4241",
        "FN Hashed 5000",
        "LN Hashed 5000",
        "CT Dropped(NotRoman) 573",
        "CT Hashed 4427",
        "ST Blank 47",
        "ST Dropped(NotRoman) 419",
        "ST Hashed 4534",
        "ZIP Hashed 5000",
        "COUNTRY Hashed 5000",
        "DOBY Blank 5000",
        "DOBM Blank 5000",
        "DOBD Blank 5000",
    ];
    assert_eq!(account, expected);
    assert_eq!(identifiable, 4951);
}

/// What the guide asks of a place name, by another way than the encoder's: letters without their marks.
fn plain_letters(raw: &str) -> Option<String> {
    let lower = raw.to_lowercase().replace('ß', "ss").replace('ł', "l").replace('đ', "d").replace('ı', "i");
    let letters: String = lower.nfd().filter(|c| c.is_alphabetic()).collect();
    (!letters.is_empty() && letters.is_ascii()).then_some(letters)
}

#[test]
fn every_city_state_and_postal_code_is_what_the_guide_asks_for() {
    let mut encoder = encoder(None);
    let mut checked: BTreeMap<String, u32> = BTreeMap::new();
    for (contact, _) in messy() {
        let row = encoder.encode(&contact).row;
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let (city, state) = (text(&contact.city), text(&contact.state));
        let (zip, country) = (text(&contact.postal_code), text(&contact.country));
        let expected = |letters: Option<String>| letters.as_deref().and_then(hash);
        assert_eq!(row.cell(Field::City), expected(plain_letters(&city)), "{}: {city}", contact.id);
        // States of the US stand in the file as their two letters; elsewhere the full name is sent.
        assert!(country != "US" || state.len() == 2, "{}: {state}", contact.id);
        assert_eq!(row.cell(Field::State), expected(plain_letters(&state)), "{}: {state}", contact.id);
        let code: String = zip.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        assert_eq!(row.cell(Field::Zip), hash(&code), "{}: {zip}", contact.id);
        *checked.entry(country).or_default() += 1;
    }
    assert_eq!(checked.len(), 15);
    assert_eq!(checked.values().sum::<u32>(), 5000);
}
