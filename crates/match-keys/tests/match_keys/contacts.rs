//! Contacts as CRMs hold them: `tests/data/contacts_messy.csv`.

use crate::encoder;
use domain::Contact;
use match_keys::{Field, Outcome, country, email, hash, phone};
use std::collections::BTreeMap;

struct Messy {
    contact: Contact,
    phone_truth: String,
}

fn messy() -> Vec<Messy> {
    let mut reader = csv::Reader::from_reader(include_bytes!("../data/contacts_messy.csv").as_slice());
    let header = reader.headers().expect("a header").clone();
    let column = |name: &str| header.iter().position(|title| title == name).expect("a column");
    let columns = [
        "contact_id",
        "first_name",
        "last_name",
        "email",
        "phone_raw",
        "city",
        "state",
        "postal_code",
        "country",
    ]
    .map(column);
    let truth = column("phone_e164_truth");
    let contacts: Vec<Messy> = reader
        .records()
        .map(|record| {
            let record = record.expect("a record");
            let [id, first_name, last_name, email, phone, city, state, postal_code, country] =
                columns.map(|column| record.get(column).expect("a cell").to_owned());
            let contact = Contact {
                id,
                first_name: Some(first_name),
                last_name: Some(last_name),
                email: Some(email),
                phone: Some(phone),
                city: Some(city),
                state: Some(state),
                postal_code: Some(postal_code),
                country: Some(country),
                ..Contact::default()
            };
            Messy {
                contact,
                phone_truth: record.get(truth).expect("a cell").trim_start_matches('+').to_owned(),
            }
        })
        .collect();
    assert_eq!(contacts.len(), 5000);
    contacts
}

#[test]
fn every_phone_reads_as_its_true_number() {
    let mut read = 0;
    for Messy { contact, phone_truth } in messy() {
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
    for Messy { contact, .. } in messy() {
        let raw = contact.email.as_deref().unwrap_or_default();
        let address = raw.trim().to_lowercase();
        if address.is_empty() {
            continue;
        }
        assert_eq!(email::normalize(raw), Ok(address), "{}", contact.id);
        read += 1;
    }
    assert_eq!(read, 4700);
}

#[test]
fn the_account_of_every_field_adds_up() {
    let encoder = encoder(country::read("US").ok());
    let mut account: BTreeMap<(Field, String), u32> = BTreeMap::new();
    let mut identifiable = 0;
    for Messy { contact, .. } in messy() {
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
