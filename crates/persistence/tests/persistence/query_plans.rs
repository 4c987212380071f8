//! No query of the pages, of a run or of the removal of old rows reads all contacts of all runs: each engine tells how
//! it would run every statement that the store sends.

use crate::support::{Direct, TestDb, begun, for_each_backend, member, person};
use chrono::TimeDelta;
use diesel::connection::{InstrumentationEvent, SimpleConnection, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::run::{Channel, RefusedSample, RunStatus, Step, StepStatus};
use domain::{Bucket, RunId};
use persistence::Store;
use std::collections::BTreeSet;
use std::sync::Mutex;

for_each_backend!(
    no_query_about_one_run_reads_the_contacts_of_all_runs,
    no_query_of_page_schedule_or_run_reads_the_whole_of_a_table_that_grows,
);

/// Enough for reading one run through an index to be worth it.
const RUNS: i64 = 40;
const CONTACTS: i64 = 3_000;

/// What the store has sent since it was last cleared. Connections of other tests of this process may be in it: their
/// statements are held to the same.
static SENT: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[derive(QueryableByName)]
struct SqliteLine {
    #[diesel(sql_type = Text)]
    detail: String,
}

#[derive(QueryableByName)]
struct PostgresLine {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

fn note_queries() {
    set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                SENT.lock().unwrap().push(query.to_string());
            }
        }))
    })
    .unwrap();
}

fn no_query_about_one_run_reads_the_contacts_of_all_runs(db: &TestDb) {
    note_queries();
    let store = db.open();
    let runs: Vec<RunId> = (0..RUNS).map(|_| begun(&store)).collect();
    filled(db);
    SENT.lock().unwrap().clear();
    let run = runs[20];
    assert_eq!(store.contacts_sample(run, 10).unwrap().len(), 10);
    store.contacts_count_by_bucket(run).unwrap();
    let part = store.contacts_of_bucket(run, Bucket::Sent, None, 1_000).unwrap();
    store.contacts_of_bucket(run, Bucket::Sent, part.end.as_ref(), 1_000).unwrap();
    store.contacts_changes(run, runs[19]).unwrap();
    let asked = ["c1".into(), "c2".into()];
    assert_eq!(store.contacts_sent_since_opt_out("act_1234567890", run, &asked).unwrap().len(), 0);
    let refused = RefusedSample { ghl_contact_id: "c1".into(), reason: "bad".into() };
    assert_eq!(store.contacts_refuse(run, &[refused]).unwrap(), 1);
    store.runs_with_needless_contacts(db.now() + TimeDelta::days(1)).unwrap();
    assert_eq!(store.contacts_delete_some(run).unwrap(), 3_000);
    let sent = SENT.lock().unwrap().clone();
    let about_contacts = |query: &&String| query.contains("sync_contacts") && !query.contains("INSERT");
    let mut queries: Vec<&String> = sent.iter().filter(about_contacts).collect();
    queries.dedup();
    assert!(queries.len() >= 10, "{queries:#?}");
    for query in queries {
        let (query, bound) = query.rsplit_once(" -- binds: ").unwrap_or((query, "[]"));
        let plan = plan(db, query, bound);
        let is_of_contacts = plan.contains("sync_contacts_of_contact");
        assert!(plan.contains("sync_contacts_by_") || is_of_contacts, "{query}\n{plan}");
        for reads_everything in ["SCAN sync_contacts", "SCAN later", "Seq Scan on sync_contacts"] {
            assert!(!plan.contains(reads_everything), "{query}\n{plan}");
        }
    }
    runs_are_leapt_over(&store, db);
}

/// The tables that grow with every run, or with every member.
const GROWING: [&str; 7] = [
    "sync_runs",
    "sync_steps",
    "sync_lookalikes",
    "sync_intentions",
    "sync_contacts",
    "outbox",
    "stable_members",
];

fn no_query_of_page_schedule_or_run_reads_the_whole_of_a_table_that_grows(db: &TestDb) {
    note_queries();
    let store = db.open();
    let runs: Vec<RunId> = (0..RUNS).map(|_| begun(&store)).collect();
    let run = runs[20];
    filled(db);
    let members: Vec<_> = (1..3_000).map(|number| member(number, number, 50)).collect();
    store.members_stage("a", run, &members).unwrap();
    // Seven years of daily runs.
    let again = "INSERT INTO sync_runs (config_id, triggered_by, started_at, completed_at, status, accounting) \
                 SELECT config_id, triggered_by, started_at, started_at, 'success', accounting FROM sync_runs;";
    db.execute(&again.repeat(6)).unwrap();
    db.execute("UPDATE sync_runs SET status = 'success', completed_at = started_at WHERE id < 30; ANALYZE")
        .unwrap();
    let known = store.run_get(run).unwrap().unwrap();
    SENT.lock().unwrap().clear();

    // Pages, their API and the metrics.
    store.run_list(2, 20).unwrap();
    store.run_latest().unwrap();
    store.run_latest_success().unwrap();
    store.run_neighbours(run).unwrap();
    store.run_success_before(&known).unwrap();
    store.outbox_newest(Channel::Webhook).unwrap();
    // The schedule and what is done between runs.
    store.runs_running().unwrap();
    store.runs_with_steps_left_open().unwrap();
    store.runs_to_follow_up(db.now()).unwrap();
    store.intentions_open().unwrap();
    store.outbox_due().unwrap();
    store.outbox_of_run(run).unwrap();
    store.removals_pending(100).unwrap();
    // A run, from its begin to its end.
    store.run_last_success_of("tag:vip", "contact.lifetime_value").unwrap();
    store.run_last_success_in("act_1234567890").unwrap();
    store.run_outcome_before(run).unwrap();
    store.step_start(run, Step::Fetch).unwrap();
    store.step_finish(run, Step::Fetch, StepStatus::Done, None).unwrap();
    store.steps_close(run, StepStatus::Failed).unwrap();
    store.members_exist("a").unwrap();
    store.members_surplus("a", runs[21], None, 100).unwrap();
    store.members_sharing("a", run, &[person(1, 1)]).unwrap();
    store.members_known_by(&[person(2, 2)]).unwrap();
    store.members_added("a", run).unwrap();
    store.members_delivered("a", run).unwrap();
    store.members_remove(&[person(3, 3)]).unwrap();
    store.run_finish(runs[39], RunStatus::Success, None).unwrap();
    store.contacts_sent_since_opt_out("act_1234567890", runs[21], &["c1".into(), "c2".into()]).unwrap();
    // A person who is erased.
    store.contacts_erase(&BTreeSet::from(["c7".to_owned()])).unwrap();

    let sent = SENT.lock().unwrap().clone();
    let grows = |query: &&String| GROWING.iter().any(|table| query.contains(table));
    let reads = |query: &&String| !query.starts_with("INSERT INTO") && query.contains("WHERE");
    let mut queries: Vec<&String> = sent.iter().filter(grows).filter(reads).collect();
    queries.dedup();
    assert!(queries.len() >= 30, "{}", queries.len());
    for query in queries {
        // Once per erasure, and the runs are few.
        if query.contains("refused_samples` IS NOT NULL") || query.contains("\"refused_samples\" IS NOT NULL")
        {
            continue;
        }
        // A list of no runs: nothing is read at all, whatever the plan says.
        if query.contains("0=1") || query.contains("1=0") {
            continue;
        }
        let (query, bound) = query.rsplit_once(" -- binds: ").unwrap_or((query, "[]"));
        let plan = plan_of_full_tables(db, query, bound);
        // What thousands of runs know of some contacts is looked for by these, not run by run.
        if query.contains("sync_contacts") && query.contains("GROUP BY") {
            assert!(plan.contains("sync_contacts_of_contact"), "{query}\n{plan}");
        }
        for table in GROWING {
            let whole = plan.lines().find(|line| {
                line.contains(&format!("Seq Scan on {table}"))
                    || (line.contains(&format!("SCAN {table}")) && !line.contains("USING"))
            });
            assert_eq!(whole, None, "{query}\n{bound}\n{plan}");
        }
    }
}

/// As [`plan`], for tables so large that reading them whole is the last resort.
fn plan_of_full_tables(db: &TestDb, query: &str, bound: &str) -> String {
    match db.connect() {
        Direct::Sqlite(_) => plan(db, query, bound),
        Direct::Postgres(mut connection) => {
            connection.batch_execute("SET enable_seqscan = off").unwrap();
            explained(&mut connection, query, bound)
        }
    }
}

/// The order of the answer is that of the runs, whatever order the engine found them in.
fn runs_are_leapt_over(store: &Store, db: &TestDb) {
    db.execute("UPDATE sync_runs SET status = 'failed', completed_at = started_at").unwrap();
    let old = store.runs_with_needless_contacts(db.now() + TimeDelta::days(1)).unwrap();
    let expected: Vec<i64> = (1..=RUNS).filter(|run| *run != 21).collect();
    assert_eq!(old.iter().map(|run| run.0).collect::<Vec<_>>(), expected);
}

/// Contacts for every run, and the engine's statistics of them.
fn filled(db: &TestDb) {
    let numbers = match db.connect() {
        Direct::Sqlite(_) => format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {CONTACTS})"
        ),
        Direct::Postgres(_) => format!("WITH numbers (n) AS (SELECT generate_series(1, {CONTACTS}))"),
    };
    db.execute(&format!(
        "INSERT INTO sync_contacts (sync_run_id, ghl_contact_id, raw_ltv_cents, normalized_value, bucket, created_at) \
         {numbers} SELECT r.id, 'c' || n, n, n % 101, CASE n % 4 WHEN 0 THEN 'no_ltv' ELSE 'sent' END, r.started_at \
         FROM sync_runs r CROSS JOIN numbers"
    ))
    .unwrap();
    db.execute("ANALYZE").unwrap();
}

/// How the engine would run it. SQLite decides that without the bound values, PostgreSQL with them.
fn plan(db: &TestDb, query: &str, bound: &str) -> String {
    match db.connect() {
        Direct::Sqlite(mut connection) => {
            let lines: Vec<SqliteLine> =
                diesel::sql_query(format!("EXPLAIN QUERY PLAN {query}")).load(&mut connection).unwrap();
            lines.into_iter().map(|line| line.detail + "\n").collect()
        }
        Direct::Postgres(mut connection) => explained(&mut connection, query, bound),
    }
}

fn explained(connection: &mut PgConnection, query: &str, bound: &str) -> String {
    let values = literals(bound);
    let prepared = format!("SET plan_cache_mode = force_custom_plan; PREPARE asked AS {query}");
    connection.batch_execute(&prepared).unwrap();
    let execute = if values.is_empty() { "asked".to_owned() } else { format!("asked ({values})") };
    let lines: Vec<PostgresLine> =
        diesel::sql_query(format!("EXPLAIN EXECUTE {execute}")).load(connection).unwrap();
    lines.into_iter().map(|line| line.line + "\n").collect()
}

/// `[1, "sent", ["a", "b"]]` as `'1', 'sent', '{a, b}'`.
fn literals(bound: &str) -> String {
    let mut depth = 0;
    let mut text = String::new();
    let bound = bound.trim().replace("Some(", "").replace(')', "");
    for letter in bound[1..bound.len() - 1].chars() {
        match letter {
            '[' => (depth, text) = (depth + 1, text + "{"),
            ']' => (depth, text) = (depth - 1, text + "}"),
            ',' if depth == 0 => text.push_str("','"),
            '"' | ' ' => {}
            other => text.push(other),
        }
    }
    if text.is_empty() { text } else { format!("'{text}'").replace("'None'", "NULL") }
}
