use crate::support::{Direct, TestDb, begun, for_each_backend, sent};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use domain::Bucket;
use domain::run::{Step, StepStatus};
use persistence::{RemoteKind, Store, StoreError};
use std::sync::Barrier;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

for_each_backend!(
    migrations_go_up_down_and_up_with_rows_in_every_table,
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
        (COLUMNS_SQLITE, COLUMNS_POSTGRES, 70),
        (INDEXES_SQLITE, INDEXES_POSTGRES, 6),
        (KEYS_SQLITE, KEYS_POSTGRES, 7),
    ] {
        let found = sqlite.values(on_sqlite);
        assert!(found.len() >= at_least, "{found:?}");
        assert_eq!(found, postgres.values(on_postgres));
    }
}

#[test]
fn both_engines_have_the_same_migrations() {
    let names = |engine: &str| {
        let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
        let mut names: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

fn tables(db: &TestDb) -> Vec<Option<String>> {
    db.values(if matches!(db.connect(), Direct::Sqlite(_)) { COLUMNS_SQLITE } else { COLUMNS_POSTGRES })
}

fn migrations_go_up_down_and_up_with_rows_in_every_table(db: &TestDb) {
    let store = db.open();
    let tag = store.instance_tag().unwrap();
    let run = begun(&store);
    store.step_finish(run, Step::Fetch, StepStatus::Done, None).unwrap();
    store.intention_create(run, RemoteKind::Audience, "a").unwrap();
    store.lease_acquire("a", std::time::Duration::from_secs(60)).unwrap();
    store.lease_set_run("a", run).unwrap();
    store.contacts_insert(run, &[sent("c1", 50, 1)]).unwrap();
    store.mail_queue(run, "success", "<a@example.com>").unwrap();
    db.execute("INSERT INTO sync_lookalikes VALUES (1, 0, NULL, 'a', 'US', 1, 'pending', NULL)").unwrap();
    let before = tables(db);
    let reverted = match db.connect() {
        Direct::Sqlite(mut connection) => connection.revert_all_migrations(SQLITE).unwrap().len(),
        Direct::Postgres(mut connection) => connection.revert_all_migrations(POSTGRES).unwrap().len(),
    };
    assert!(reverted >= 1);
    assert_eq!(tables(db), []);
    let store = db.open();
    assert_eq!(tables(db), before);
    assert_ne!(store.instance_tag().unwrap(), tag, "nothing was left of the old database");
    let run = begun(&store);
    store.contacts_insert(run, &[sent("c1", 50, 1)]).unwrap();
    assert_eq!(store.contacts_count_by_bucket(run).unwrap(), [(Bucket::Sent, 1)]);
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
    assert_eq!(version, "20261121090000");
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
