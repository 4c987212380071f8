//! How long the queries of pages, metrics, schedule and a sync take in a database with a million contacts, on both engines:
//!
//! ```sh
//! cargo run --release -p persistence --example million_rows
//! ```
//!
//! PostgreSQL is started for it when its programs are installed.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program for the terminal that ends at the first fault"
)]

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use domain::run::{Channel, RunStatus, SyncConfig, Trigger};
use domain::{Bucket, Clock, RunId, SystemClock};
use persistence::{DatabaseUrl, Store};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

/// Two years of daily runs, the newest forty of them with contacts.
const RUNS: i64 = 730;
const RUNS_WITH_CONTACTS: i64 = 40;
const CONTACTS_OF_A_RUN: i64 = 25_000;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("million.sqlite3");
    measure(&DatabaseUrl::Sqlite(file.clone()), |sql| {
        let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        let numbers =
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {})";
        connection.batch_execute(&sql(numbers)).unwrap();
    });
    println!("The file: {} MB", std::fs::metadata(&file).unwrap().len() >> 20);
    if let Some(database) = testkit::postgres_server::fresh_database() {
        measure(&database.url().parse().unwrap(), |sql| {
            let mut connection = PgConnection::establish(database.url()).unwrap();
            connection.batch_execute(&sql("WITH numbers (n) AS (SELECT generate_series(1, {}))")).unwrap();
        });
    }
}

/// Fills the database and prints what each query takes. `execute` is given what makes SQL of the engine's own way to count.
fn measure(url: &DatabaseUrl, execute: impl Fn(&dyn Fn(&str) -> String)) {
    let store = Store::open(url, Arc::new(SystemClock)).unwrap();
    println!("{}", store.engine().unwrap());
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
    for _ in 0..RUNS {
        let run = store.run_start(Trigger::Scheduled, config).unwrap();
        store.run_finish(run, RunStatus::Success, None).unwrap();
        store.outbox_add(Some(run), Channel::Mail, "outcome", "<a@example.com>").unwrap();
    }
    let begun = Instant::now();
    execute(&|numbers| {
        let numbers = numbers.replace("{}", &CONTACTS_OF_A_RUN.to_string());
        format!(
            "INSERT INTO sync_contacts (sync_run_id, ghl_contact_id, email, phone, first_name, last_name, raw_ltv_cents, \
               normalized_value, bucket, created_at) \
             {numbers} SELECT r.id, 'c' || n, 'contact' || n || '@example.com', '+1415555' || n, 'First', 'Last', n, n % 101, \
               CASE n % 10 WHEN 0 THEN 'no_ltv' ELSE 'sent' END, r.started_at \
             FROM sync_runs r CROSS JOIN numbers WHERE r.id > {}; ANALYZE",
            RUNS - RUNS_WITH_CONTACTS
        )
    });
    println!(
        "  {:>9.1} ms  filling it with {} contacts",
        millis(begun),
        RUNS_WITH_CONTACTS * CONTACTS_OF_A_RUN
    );

    let newest = store.run_latest().unwrap().unwrap();
    let (run, before, oldest) = (newest.id, RunId(newest.id.0 - 1), RunId(RUNS - RUNS_WITH_CONTACTS + 1));
    let now = SystemClock.now();
    time("dashboard: first page of the history", || store.run_list(1, 20).unwrap());
    time("dashboard: last page of the history", || store.run_list(37, 20).unwrap());
    time("dashboard: newest run", || store.run_latest().unwrap());
    time("dashboard: newest success", || store.run_latest_success().unwrap());
    time("run: its neighbours", || store.run_neighbours(before).unwrap());
    time("run: ten contacts as a sample", || store.contacts_sample(run, 10).unwrap());
    time("run: contacts per bucket", || store.contacts_count_by_bucket(run).unwrap());
    time("run: a thousand rows of a file of contacts", || {
        store.contacts_of_bucket(run, Bucket::NoLtv, None, 1_000).unwrap()
    });
    time("connections: the last message at the webhook", || store.outbox_newest(Channel::Webhook).unwrap());
    time("minute: messages that are due", || store.outbox_due().unwrap());
    time("minute: runs that go on", || store.runs_running().unwrap());
    time("minute: runs to follow up", || store.runs_to_follow_up(now).unwrap());
    time("minute: runs whose contacts are old", || store.runs_with_old_contacts(now).unwrap());
    time("sync: the last success of the list", || {
        store.run_last_success_of("all", "contact.lifetime_value").unwrap()
    });
    time("sync: added and removed since the last one", || store.contacts_changes(run, before).unwrap());
    time("erasing one person in all runs", || {
        assert_eq!(
            store.contacts_erase(&BTreeSet::from(["c7".to_owned()])).unwrap(),
            usize::try_from(RUNS_WITH_CONTACTS).unwrap()
        );
    });
    time("removing 5,000 old contacts", || store.contacts_delete_some(oldest).unwrap());
}

fn time<T>(what: &str, query: impl FnOnce() -> T) {
    let begun = Instant::now();
    let answer = query();
    println!("  {:>9.1} ms  {what}", millis(begun));
    drop(answer);
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}
