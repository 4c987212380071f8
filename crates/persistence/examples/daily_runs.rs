//! How large the database is after each of forty daily runs of 100,000 contacts, of which thirty days are kept, and how long
//! the removal of old contacts keeps others waiting, on both engines:
//!
//! ```sh
//! cargo run --release -p persistence --example daily_runs
//! ```
//!
//! PostgreSQL is started for it when its programs are installed.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the terminal that ends at the first fault"
)]

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use domain::run::{RunStatus, SyncConfig, Trigger};
use domain::{Bucket, Cents, Clock, Percentile};
use persistence::{DatabaseUrl, RunContact, Store};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const DAYS: i64 = 40;
/// The default of `RETENTION_DAYS`.
const KEPT_DAYS: i64 = 30;
const CONTACTS: u32 = 100_000;
/// As many rows as a run saves at once.
const SAVED_AT_ONCE: usize = 2_000;

/// Stands still until the next day.
struct Calendar(Mutex<DateTime<Utc>>);

impl Clock for Calendar {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("daily.sqlite3");
    let size_of = |name: &str| {
        let file = file.with_file_name(name);
        std::fs::metadata(file).map_or(0, |file| file.len())
    };
    measure(&DatabaseUrl::Sqlite(file.clone()), || size_of("daily.sqlite3") + size_of("daily.sqlite3-wal"));
    if let Some(database) = testkit::postgres_server::fresh_database() {
        let mut connection = PgConnection::establish(database.url()).unwrap();
        measure(&database.url().parse().unwrap(), move || {
            // A server does it by itself, once so many rows were removed as a run has.
            connection.batch_execute("VACUUM ANALYZE").unwrap();
            let size = "SELECT pg_database_size(current_database()) AS bytes";
            sql_query(size).get_result::<Size>(&mut connection).unwrap().bytes.unsigned_abs()
        });
    }
}

fn measure(url: &DatabaseUrl, mut bytes: impl FnMut() -> u64) {
    let calendar = Arc::new(Calendar(Mutex::new("2026-01-01T02:00:00Z".parse().unwrap())));
    let store = Store::open(url, calendar.clone()).unwrap();
    let engine = store.engine().unwrap().to_string();
    let engine = engine.split(' ').next().unwrap_or(&engine);
    let config = SyncConfig {
        list_id: "all".into(),
        list_name: "All contacts".into(),
        list_conditions: None,
        ltv_field_key: "contact.lifetime_value".into(),
        ltv_field_name: "Lifetime value".into(),
        ad_account_id: "act_1234567890".into(),
        sync_enabled: true,
    };
    let config = store.config_save(&config).unwrap();
    let contacts: Vec<RunContact> = (0..CONTACTS).map(contact).collect();
    let mut longest = Duration::ZERO;
    for day in 1..=DAYS {
        let run = store.run_start(Trigger::Scheduled, config).unwrap();
        for rows in contacts.chunks(SAVED_AT_ONCE) {
            store.contacts_insert(run, rows).unwrap();
        }
        store.run_finish(run, RunStatus::Success, None).unwrap();
        *calendar.0.lock().unwrap() += TimeDelta::days(1);
        let kept_since = calendar.now() - TimeDelta::days(KEPT_DAYS);
        for old in store.runs_with_needless_contacts(kept_since).unwrap() {
            loop {
                let begun = Instant::now();
                let removed = store.contacts_delete_some(old).unwrap();
                longest = longest.max(begun.elapsed());
                if removed == 0 {
                    break;
                }
            }
        }
        let size = bytes() / 1_000_000;
        if day == 1 || day % 10 == 0 {
            println!("{engine} day {day}: {size} MB");
        }
    }
    println!("{engine}: removing 5,000 contacts took {} ms at most", longest.as_millis());
}

fn contact(number: u32) -> RunContact {
    let (first, last) = (format!("First{}", number % 2_000), format!("Family{}", number % 20_000));
    RunContact {
        ghl_contact_id: format!("contact{number:013}"),
        email: Some(format!("{first}.{last}.{number}@example.com").to_lowercase()),
        phone: Some(format!("+1415555{:04}", number % 10_000)),
        first_name: Some(first),
        last_name: Some(last),
        raw_ltv: Some(Cents(i64::from(number))),
        normalized_value: Percentile::new((number % 101).try_into().unwrap()),
        bucket: Bucket::Sent,
        reason: None,
        meta_matched: None,
        country: Some("us".into()),
    }
}
