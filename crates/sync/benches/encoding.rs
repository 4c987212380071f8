//! Contacts encoded per second on one core: `cargo bench -p sync`. An item is a contact: its eight columns normalized and
//! hashed, and its row of the upload written. The allocations of the first sample stand below the times.

#![expect(clippy::expect_used, reason = "a benchmark may end at once")]

use chrono::NaiveDate;
use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};
use domain::Contact;
use match_keys::{Columns, Digest, Encoder, country};
use meta::{MAX_ROWS_PER_BATCH, MemberValue, UserRows};
use sha2::{Digest as _, Sha256};
use std::hint::black_box;
use std::num::NonZeroU32;
use stored::{cells, stored};

#[path = "../../match-keys/tests/match_keys/messy.rs"]
mod messy;
mod stored;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const CONTACTS: usize = 100_000;

fn main() {
    divan::main();
}

fn encode(bencher: Bencher, contacts: &[Contact]) {
    let today = NaiveDate::from_ymd_opt(2026, 6, 15).expect("a date");
    let mut encoder = Encoder::new(country::read("US").ok(), today);
    let mut rows = UserRows::new(Columns::Plain.keys());
    bencher.counter(ItemsCount::new(contacts.len())).bench_local(move || {
        for contact in contacts {
            let encoded = encoder.encode(black_box(contact));
            for row in encoded.rows().filter(|row| row.is_identifiable()) {
                let cells = row.cells().each_ref().map(|cell| cell.as_ref().map(Digest::as_bytes));
                let value = NonZeroU32::new(5_000).map(MemberValue::from_hundredths);
                rows.push_row(&cells[..Columns::Plain.keys().len()], value, None).expect("a row");
            }
            if rows.len() + 20 > MAX_ROWS_PER_BATCH {
                black_box(&rows);
                rows.clear();
            }
        }
    });
}

/// Contacts as GoHighLevel stores them when it made the number itself: lower-case addresses, E.164, ISO country.
#[divan::bench]
fn as_gohighlevel_has_them(bencher: Bencher) {
    encode(bencher, &stored(CONTACTS));
}

/// 15 countries, phones as CRMs hold them: `contacts_messy.csv` of the crate `match-keys`.
#[divan::bench]
fn as_exports_have_them(bencher: Bencher) {
    let contacts: Vec<Contact> = messy::messy().into_iter().map(|(contact, _)| contact).collect();
    encode(bencher, &contacts);
}

/// The bare SHA-256 and hexadecimal digits of eight cells, without looking at what is in them.
#[divan::bench]
fn eight_bare_hashes(bencher: Bencher) {
    let cells: Vec<[String; 8]> = stored(CONTACTS).iter().map(cells).collect();
    bencher.counter(ItemsCount::new(cells.len())).bench_local(|| {
        for row in &cells {
            for cell in row {
                let digest = Sha256::digest(black_box(cell.as_bytes()));
                black_box(const_hex::Buffer::<32>::new().format(&digest.into()));
            }
        }
    });
}
