//! Contacts encoded per second on one core: `cargo bench -p match-keys`. An item is a contact.

#![expect(clippy::expect_used, reason = "a benchmark may end at once")]

use chrono::NaiveDate;
use divan::Bencher;
use divan::counter::ItemsCount;
use domain::Contact;
use match_keys::{Encoder, country};
use sha2::{Digest, Sha256};
use std::hint::black_box;

#[path = "../tests/match_keys/messy.rs"]
mod messy;

fn main() {
    divan::main();
}

fn encode(bencher: Bencher, contacts: &[Contact]) {
    let today = NaiveDate::from_ymd_opt(2026, 6, 15).expect("a date");
    let encoder = Encoder::new(country::read("US").ok(), today);
    bencher.counter(ItemsCount::new(contacts.len())).bench_local(|| {
        for contact in contacts {
            black_box(encoder.encode(black_box(contact)));
        }
    });
}

/// Contacts as GoHighLevel stores them when it made the number itself: E.164, ISO country.
#[divan::bench]
fn as_gohighlevel_has_them(bencher: Bencher) {
    encode(bencher, &stored(5000));
}

/// 15 countries, phones as CRMs hold them: `tests/data/contacts_messy.csv`.
#[divan::bench]
fn as_exports_have_them(bencher: Bencher) {
    let contacts: Vec<Contact> = messy::messy().into_iter().map(|(contact, _)| contact).collect();
    encode(bencher, &contacts);
}

/// What no encoder can be faster than: the eight hashes of a contact alone.
#[divan::bench]
fn eight_bare_hashes(bencher: Bencher) {
    let cells: Vec<[String; 8]> = stored(5000).iter().map(cells).collect();
    bencher.counter(ItemsCount::new(cells.len())).bench_local(|| {
        for row in &cells {
            for cell in row {
                black_box(Sha256::digest(black_box(cell.as_bytes())));
            }
        }
    });
}

fn cells(contact: &Contact) -> [String; 8] {
    let Contact { email, phone, first_name, last_name, city, state, postal_code, country, .. } =
        contact.clone();
    [email, phone, first_name, last_name, city, state, postal_code, country].map(Option::unwrap_or_default)
}

fn stored(n: usize) -> Vec<Contact> {
    const NAMES: [(&str, &str); 5] = [
        ("Mary", "Smith"),
        ("Chlo\u{e9}", "O'Brien"),
        ("James", "Van der Berg"),
        ("Priya", "Nguyen"),
        ("Robert", "Lee"),
    ];
    const PLACES: [(&str, &str, &str); 5] = [
        ("New York", "NY", "10001"),
        ("Los Angeles", "California", "90012"),
        ("Phoenix", "Arizona", "85004-1234"),
        ("Saint Paul", "MN", "55101"),
        ("Seattle", "WA", "98101"),
    ];
    let contact = |n: usize| {
        let (first_name, last_name) = NAMES[n % NAMES.len()];
        let (city, state, postal_code) = PLACES[n / 3 % PLACES.len()];
        let filled = |text: &str| Some(text.to_owned());
        Contact {
            email: Some(format!("{}.{n}@example.com", last_name.to_lowercase().replace([' ', '\''], ""))),
            phone: Some(format!("+1{}555{:04}", 201 + n % 700, n % 10_000)),
            first_name: filled(first_name),
            last_name: filled(last_name),
            city: filled(city),
            state: filled(state),
            postal_code: filled(postal_code),
            country: filled("US"),
            ..Contact::default()
        }
    };
    (0..n).map(contact).collect()
}
