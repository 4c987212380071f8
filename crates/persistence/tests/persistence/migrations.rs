use crate::support::{Direct, TestDb, begun, for_each_backend, sent};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use domain::RunId;
use domain::run::{Channel, Step, StepStatus};
use persistence::{RemoteKind, Removal, RemovalCause, RunContact, Store, StoreError};
use std::collections::BTreeSet;
use std::sync::Barrier;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

for_each_backend!(
    each_migration_goes_down_and_up_again_with_rows_in_every_table,
    the_outbox_takes_its_rows_along_in_both_directions,
    eight_threads_migrate_one_fresh_database,
    a_newer_database_is_refused_and_left_as_it_is,
    opening_twice_changes_nothing,
);

/// `table.column position nullable` of every table of ours, generated columns too. The test databases sort by bytes.
const COLUMNS_SQLITE: &str = "
    SELECT t.name || '.' || c.name || ' ' || (c.cid + 1) || CASE c.\"notnull\" WHEN 1 THEN ' NO' ELSE ' YES' END AS value
    FROM sqlite_schema t JOIN pragma_table_xinfo(t.name) c
    WHERE t.type = 'table' AND substr(t.name, 1, 2) <> '__' AND t.name <> 'sqlite_sequence' ORDER BY 1";
const COLUMNS_POSTGRES: &str = "
    SELECT table_name || '.' || column_name || ' ' || ordinal_position || ' ' || is_nullable AS value
    FROM information_schema.columns
    WHERE table_schema = 'public' AND left(table_name, 2) <> '__' ORDER BY 1";

const INDEXES_SQLITE: &str = "
    SELECT name AS value FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
const INDEXES_POSTGRES: &str = "
    SELECT indexname::text AS value FROM pg_indexes WHERE schemaname = 'public'
    AND indexname NOT LIKE '%\\_pkey' AND indexname NOT LIKE '%\\_key' ORDER BY 1";

const KEYS_SQLITE: &str = "
    SELECT t.name || ' -> ' || k.\"table\" AS value
    FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k WHERE t.type = 'table' ORDER BY 1";
const KEYS_POSTGRES: &str = "
    SELECT conrelid::regclass || ' -> ' || confrelid::regclass AS value
    FROM pg_constraint WHERE contype = 'f' ORDER BY 1";

#[test]
fn both_engines_have_the_same_tables() {
    let sqlite = TestDb::sqlite();
    let Some(postgres) = TestDb::postgres() else { return };
    sqlite.open();
    postgres.open();
    for (on_sqlite, on_postgres, at_least) in [
        (COLUMNS_SQLITE, COLUMNS_POSTGRES, 80),
        (INDEXES_SQLITE, INDEXES_POSTGRES, 6),
        (KEYS_SQLITE, KEYS_POSTGRES, 7),
    ] {
        let found = sqlite.values(on_sqlite);
        assert!(found.len() >= at_least, "{found:?}");
        assert_eq!(found, postgres.values(on_postgres));
    }
}

/// The folders of an engine's migrations, oldest first.
fn folders(engine: &str) -> Vec<String> {
    let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn both_engines_have_the_same_migrations() {
    assert!(!folders("sqlite").is_empty());
    assert_eq!(folders("sqlite"), folders("postgres"));
}

fn tables(db: &TestDb) -> Vec<Option<String>> {
    db.values(if matches!(db.connect(), Direct::Sqlite(_)) { COLUMNS_SQLITE } else { COLUMNS_POSTGRES })
}

fn every_table_filled(store: &Store, db: &TestDb) {
    let run = begun(store);
    store.instance_tag().unwrap();
    store.step_finish(run, Step::Fetch, StepStatus::Done, None).unwrap();
    store.intention_create(run, RemoteKind::Audience, "a").unwrap();
    store.lease_acquire("a", std::time::Duration::from_secs(60)).unwrap();
    store.lease_set_run("a", run).unwrap();
    let contact = RunContact { country: Some("us".into()), ..sent("c1", 50, 1) };
    store.contacts_insert(run, &[contact]).unwrap();
    assert!(store.outbox_add(Some(run), Channel::Mail, "success", "<a@example.com>").unwrap());
    assert!(store.outbox_add(None, Channel::Webhook, "news", "<b@example.com>").unwrap());
    store.settings_change(&[("LTV_MIN".into(), Some("10".into()))]).unwrap();
    let name = format!("filter {run}");
    store.filter_add(&name, &domain::Conditions("[]".into())).unwrap();
    store.schedule_set_last_seen(db.now()).unwrap();
    store.schedule_claim(db.now()).unwrap().unwrap();
    store.stable_audience_set(&crate::support::stable_audience("a")).unwrap();
    store.members_stage("a", run, &[crate::support::member(1, 1, 50)]).unwrap();
    store.replacement_opened(run, "a", 7, 1).unwrap();
    store.suppression_key().unwrap();
    store.suppress(&[[1; 32]]).unwrap();
    let person = crate::support::member(1, 1, 50).hashes;
    store.removals_queue(&[Removal { person, cause: RemovalCause::Erased }]).unwrap();
    let lookalike =
        format!("INSERT INTO sync_lookalikes VALUES ({run}, 0, NULL, 'a', 'US', 1, 'pending', NULL)");
    db.execute(&lookalike).unwrap();
    let names: BTreeSet<String> = tables(db)
        .iter()
        .flatten()
        .filter_map(|column| column.split_once('.'))
        .map(|(table, _)| table.to_owned())
        .collect();
    assert_eq!(names.len(), 18, "fill new tables above: {names:?}");
    for table in names {
        assert!(db.number(&format!("SELECT COUNT(*) FROM {table}")) >= 1, "{table} is empty");
    }
}

/// Reverts the newest migration.
fn down(db: &TestDb) {
    match db.connect() {
        Direct::Sqlite(mut connection) => connection.revert_last_migration(SQLITE).map(drop).unwrap(),
        Direct::Postgres(mut connection) => connection.revert_last_migration(POSTGRES).map(drop).unwrap(),
    }
}

/// Applies the next migration; `false` when there is none.
fn up(db: &TestDb) -> bool {
    match db.connect() {
        Direct::Sqlite(mut connection) => connection.run_next_migration(SQLITE).is_ok(),
        Direct::Postgres(mut connection) => connection.run_next_migration(POSTGRES).is_ok(),
    }
}

fn each_migration_goes_down_and_up_again_with_rows_in_every_table(db: &TestDb) {
    let Some(empty) = db.schema() else { return };
    let mut after = vec![empty];
    while up(db) {
        after.push(db.schema().unwrap());
        assert_ne!(after[after.len() - 1], after[after.len() - 2], "a migration changes something");
    }
    assert!(after.len() > 2);
    for _ in 0..2 {
        let store = db.open();
        every_table_filled(&store, db);
        for earlier in after.iter().rev().skip(1) {
            down(db);
            assert_eq!(db.schema().unwrap(), *earlier);
        }
        for later in after.iter().skip(1) {
            assert!(up(db));
            assert_eq!(db.schema().unwrap(), *later);
        }
        assert_eq!(db.open().config_latest().unwrap(), None, "nothing was left of the old database");
    }
}

fn the_outbox_takes_its_rows_along_in_both_directions(db: &TestDb) {
    let store = db.open();
    every_table_filled(&store, db);
    let run = begun(&store);
    store.outbox_failed(1, "451 later", db.now()).unwrap();
    let of_runs = |store: &Store| store.outbox_of_run(RunId(1)).unwrap();
    let before = of_runs(&store);
    assert_eq!((before.len(), before[0].attempts), (1, 1));
    drop(store);
    while db.execute("SELECT 1 FROM mail_outbox").is_err() {
        down(db);
    }
    assert_eq!(db.values("SELECT last_error AS value FROM mail_outbox"), [Some("451 later".to_owned())]);
    // Two lists of one name were possible then.
    db.execute("INSERT INTO saved_filters (name, conditions, created_at, updated_at) SELECT name, conditions, created_at, updated_at FROM saved_filters").unwrap();
    while up(db) {}
    let store = db.open();
    assert_eq!(of_runs(&store), before);
    assert_eq!(store.run_latest().unwrap().map(|latest| latest.id), Some(run));
    let names: Vec<String> = store.filters().unwrap().into_iter().map(|filter| filter.name).collect();
    assert_eq!(names, ["filter 1", "filter 1 (list 2, renamed)"]);
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_contacts"), 1);
}

fn eight_threads_migrate_one_fresh_database(db: &TestDb) {
    let start = Barrier::new(8);
    let tags: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let store = db.open();
                    store.config_save(&crate::support::config()).unwrap();
                    store.instance_tag().unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tags.iter().all(|tag| *tag == tags[0] && tag.len() == 32), "{tags:?}");
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_lease"), 1);
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_configs"), 8);
}

fn a_newer_database_is_refused_and_left_as_it_is(db: &TestDb) {
    let version = db.open().schema_version().unwrap();
    let newest = folders("sqlite").pop().unwrap();
    assert_eq!(version, newest.split('_').next().unwrap().replace('-', ""));
    db.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')").unwrap();
    let before = tables(db);
    let error = Store::open(&db.url, db.clock.clone()).map(drop).unwrap_err();
    assert!(
        matches!(&error, StoreError::NewerSchema { found, known } if found == "20991231000000" && *known == version),
        "{error:?}"
    );
    assert_eq!(tables(db), before);
}

fn opening_twice_changes_nothing(db: &TestDb) {
    let first = db.open();
    let run = begun(&first);
    let tag = first.instance_tag().unwrap();
    let second = db.open();
    assert_eq!(second.schema_version().unwrap(), first.schema_version().unwrap());
    assert_eq!(second.instance_tag().unwrap(), tag);
    assert_eq!(second.run_latest().unwrap().map(|run| run.id), Some(run));
}
