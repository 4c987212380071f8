//! Cases of our own, from what people, importers and spreadsheets leave in contact fields.

use crate::{country, encoder};
use domain::Contact;
use match_keys::{Field, Reason, SCHEMA, country as countries, hash, phone};

/// Phone as typed, the contact's or location's country, what is sent (or the reason nothing is).
const PHONES: &[(&str, &str, Result<&str, Reason>)] = &[
    ("0044 (0)20 7946 0958", "us", Ok("442079460958")),
    ("+44 (0)20 7946 0958", "", Ok("442079460958")),
    ("(+44) 20 7946 0958", "us", Ok("442079460958")),
    ("+39 (0)6 6982 1234", "", Ok("390669821234")),
    ("+39 06 6982 1234", "us", Ok("390669821234")),
    ("+34 (0)912 345 678", "", Ok("34912345678")),
    ("011 44 20 7946 0958", "us", Ok("442079460958")),
    ("0011 44 20 7946 0958", "au", Ok("442079460958")),
    ("442079460958", "us", Ok("442079460958")),
    ("020 7946 0958", "gb", Ok("442079460958")),
    // A British number in an American list: not to be read as area code 207.
    ("020 7946 0958", "us", Err(Reason::NotPossible)),
    ("020 7946 0958", "", Err(Reason::NoCountry)),
    ("+１ ６５０ ５５５ １２１２", "", Ok("16505551212")),
    ("٠٥١ ٢٣٤ ٤٤١٧", "sa", Ok("966512344417")),
    ("०९४३२४५७७६८", "in", Ok("919432457768")),
    ("\u{202a}+1 650\u{2011}555\u{2011}1212\u{202c}", "", Ok("16505551212")),
    ("+1\u{a0}(650)\u{a0}555\u{a0}1212", "", Ok("16505551212")),
    ("٠٠٤٤ ٢٠ ٧٩٤٦ ٠٩٥٨", "us", Ok("442079460958")),
    ("۰۹۱۲ ۳۴۵ ۶۷۸۹", "ir", Ok("989123456789")),
    ("+44 020 7946 0958", "", Ok("442079460958")),
    ("0044 020 7946 0958", "us", Ok("442079460958")),
    ("44 (0) 20 7946 0958", "gb", Ok("442079460958")),
    ("(0)20 7946 0958", "gb", Ok("442079460958")),
    ("++1 650 555 1212", "", Ok("16505551212")),
    ("whatsapp:+16505551212", "", Ok("16505551212")),
    ("+1-800-GOT-JUNK", "gb", Ok("18004685865")),
    ("800-GOT-JUNK", "us", Ok("18004685865")),
    ("06 12 34 56 78", "fr", Ok("33612345678")),
    ("650.555.1212 ext 5 (work)", "us", Ok("16505551212")),
    ("650-555-1212 x123", "us", Ok("16505551212")),
    ("650-555-1212 Ext. 9", "us", Ok("16505551212")),
    ("6505551212#44", "us", Ok("16505551212")),
    ("+16505551212;ext=44", "", Ok("16505551212")),
    ("650-555-1212,,44", "us", Ok("16505551212")),
    ("+49 30 12345678 Durchwahl 12", "", Ok("493012345678")),
    ("+49 171 1234567 (mobil)", "us", Ok("491711234567")),
    ("650-555-1212 home", "us", Ok("16505551212")),
    ("Cell: 650.555.1212", "us", Ok("16505551212")),
    ("650-555-1212 / 650-555-1313", "us", Ok("16505551212")),
    ("650-555-1212, 650-555-1313", "us", Ok("16505551212")),
    ("650-555-1212 or 650-555-1313", "us", Err(Reason::NotPossible)),
    ("4532123456", "us", Ok("4532123456")),
    ("(453) 212-3456", "us", Ok("14532123456")),
    ("650 555 1212", "us", Ok("16505551212")),
    ("6505551212", "ca", Ok("16505551212")),
    ("15559876543", "", Ok("15559876543")),
    ("030/1234567", "de", Ok("49301234567")),
    ("1-800-FLOWERS", "us", Ok("18003569377")),
    ("1-800-FLOWERS", "", Err(Reason::NoCountry)),
    ("6505551212.0", "us", Ok("16505551212")),
    ("1.6505551212E10", "us", Err(Reason::NotPossible)),
    ("'+16505551212", "", Ok("16505551212")),
    ("tel:+1-650-555-1212", "", Ok("16505551212")),
    ("+0016505551212", "us", Ok("16505551212")),
    ("+06505551212", "us", Err(Reason::NotPossible)),
    ("+0612345678", "fr", Ok("33612345678")),
    ("+5215512345678", "", Ok("525512345678")),
    ("+5401115 2345 6789", "", Ok("5491123456789")),
    ("5215512345678", "mx", Ok("525512345678")),
    // Seventeen digits after +81 are in Japan's plan, but nobody abroad can dial them.
    ("8123452345236723678", "", Err(Reason::NoCountry)),
    ("+81 23452345236723678", "jp", Err(Reason::NotPossible)),
    // Twice a carrier's code of China: neither what is left of it nor what is left of that is anybody's number.
    ("8612345123486518600", "", Err(Reason::NoCountry)),
    ("+86 12345 10 8712 3456", "", Ok("861087123456")),
    ("4915123453495", "de", Ok("4915123453495")),
    ("011 15-2345-6789", "ar", Ok("5491123456789")),
    ("(11) 98765-4321", "br", Ok("5511987654321")),
    ("555-1212", "us", Err(Reason::NotPossible)),
    ("911", "us", Err(Reason::NotPossible)),
    ("1234567890", "us", Err(Reason::NotPossible)),
    ("0000000000", "us", Err(Reason::Placeholder)),
    ("+1 999 999 9999", "", Err(Reason::Placeholder)),
    ("1111111111", "de", Err(Reason::Placeholder)),
    ("+", "us", Err(Reason::Placeholder)),
    ("call me", "us", Err(Reason::Malformed)),
    ("none", "us", Err(Reason::Placeholder)),
    ("", "us", Err(Reason::Blank)),
    ("+999 123 456 789", "us", Err(Reason::NotPossible)),
    ("+1 (555) 987-6543", "gb", Ok("15559876543")),
    ("(650) 555-1212", "aq", Err(Reason::NotPossible)),
    ("06 6982 1234", "va", Ok("390669821234")),
];

#[test]
fn phones_as_people_write_them() {
    let wrong: Vec<String> = PHONES
        .iter()
        .map(|(raw, code, expected)| {
            (raw, code, expected.map(Into::into), phone::normalize(raw, country(code)))
        })
        .filter(|(_, _, expected, ours)| expected != ours)
        .map(|(raw, code, expected, ours)| format!("{raw:?} in {code:?}: {ours:?}, not {expected:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn contact(cells: [&str; 8]) -> Contact {
    let [email, phone, first_name, last_name, city, state, postal_code, country] =
        cells.map(|cell| Some(cell.to_owned()));
    Contact { email, phone, first_name, last_name, city, state, postal_code, country, ..Contact::default() }
}

#[test]
fn a_full_row_in_the_order_of_the_schema() {
    assert_eq!(SCHEMA, ["EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY", "DOBY", "DOBM", "DOBD"]);
    let contact = contact([
        " Jose@Example.com",
        "(650) 555-1212",
        "José",
        "O’Brien-Smith",
        "San José",
        "Calif.",
        "94035-1234",
        "U.S.A.",
    ]);
    let contact = Contact { birth_date: Some("2/16/1997".to_owned()), ..contact };
    let encoded = encoder(None).encode(&contact);
    let expected = [
        "jose@example.com",
        "16505551212",
        "josé",
        "obriensmith",
        "sanjose",
        "ca",
        "94035",
        "us",
        "1997",
        "02",
        "16",
    ];
    assert_eq!(*encoded.row.cells(), expected.map(hash));
    assert_eq!(encoded.dropped().count(), 0);
}

#[test]
fn one_bad_field_costs_no_other() {
    let contact = contact(["not an address", "12", "!!!", "Doe", "東京", "Atlantis", "1", "Ruritania"]);
    let encoded = encoder(countries::read("us").ok()).encode(&contact);
    let dropped: Vec<_> = encoded.dropped().collect();
    let expected = [
        (Field::Email, Reason::Malformed),
        (Field::Phone, Reason::NotPossible),
        (Field::FirstName, Reason::Placeholder),
        (Field::City, Reason::NotRoman),
        (Field::Zip, Reason::Malformed),
        (Field::Country, Reason::Unknown),
    ];
    assert_eq!(dropped, expected);
    assert_eq!(encoded.row.cell(Field::LastName), hash("doe"));
    assert!(!encoded.row.is_identifiable());
    assert_eq!(encoded.row.identity(), None);
}

#[test]
fn the_hash_of_nothing_is_never_sent() {
    let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let encoded = encoder(None).encode(&contact([of_nothing; 8]));
    assert!(encoded.row.cells().iter().all(Option::is_none));
    assert!(encoded.dropped().all(|(_, reason)| reason == Reason::HashOfNothing));
    assert_eq!(encoded.dropped().count(), 8);
}

#[test]
fn the_same_person_typed_twice_has_one_identity() {
    let typed = ["mary@example.com", "+1 650 555 1212", "Mary", "", "", "", "", "US"];
    let imported = ["MARY@EXAMPLE.COM ", "(650) 555-1212", "M.", "Doe", "", "", "", ""];
    let mut encoder = encoder(countries::read("US").ok());
    let mut identity = |cells| encoder.encode(&contact(cells)).row.identity();
    assert_eq!(identity(typed), identity(imported));
    assert!(identity(typed).is_some());
}
