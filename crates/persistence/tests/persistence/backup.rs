//! Copies of the embedded database.

use crate::support::{TestDb, begun, sent};
use domain::Explain;
use domain::run::Channel;
use persistence::{DatabaseUrl, Store, StoreError, back_up, restore};
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn beside(db: &TestDb, name: &str) -> PathBuf {
    db.path().with_file_name(name)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open(db: &TestDb, path: &Path) -> Store {
    Store::open(&DatabaseUrl::Sqlite(path.to_owned()), db.clock.clone()).unwrap()
}

fn names(db: &TestDb) -> Vec<String> {
    let entries = fs::read_dir(db.path().parent().unwrap()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_backup_made_while_a_run_writes_holds_whole_transactions_and_is_private() {
    let db = TestDb::sqlite();
    let store = db.open();
    let run = begun(&store);
    let stop = Arc::new(AtomicBool::new(false));
    let to = beside(&db, "backup.sqlite3");
    let writer = {
        let (store, stop) = (store.clone(), Arc::clone(&stop));
        std::thread::spawn(move || {
            let mut batch = 0;
            while !stop.load(Ordering::Relaxed) {
                let rows: Vec<_> = (0..100).map(|row| sent(format!("c{batch}-{row}"), 50, 1)).collect();
                store.contacts_insert(run, &rows).unwrap();
                batch += 1;
            }
            batch
        })
    };
    let mut counts = Vec::new();
    for _ in 0..5 {
        let bytes = back_up(&db.path(), &to).unwrap();
        assert_eq!((bytes, mode(&to)), (fs::metadata(&to).unwrap().len(), 0o600));
        let copy = open(&db, &to);
        let buckets = copy.contacts_count_by_bucket(run).unwrap();
        counts.push(buckets.iter().map(|(_, count)| count).sum::<u64>());
        assert_eq!(copy.run_latest().unwrap().unwrap().id, run);
    }
    stop.store(true, Ordering::Relaxed);
    let written = writer.join().unwrap() * 100;
    assert!(counts.iter().all(|count| count % 100 == 0 && *count <= written), "{counts:?}");
    assert!(counts.is_sorted(), "{counts:?}");
}

#[test]
fn nothing_but_an_earlier_backup_is_replaced() {
    let db = TestDb::sqlite();
    let nothing = back_up(&db.path(), &beside(&db, "b")).unwrap_err();
    assert!(nothing.explain().message.contains("does not exist"), "{nothing}");
    drop(db.open());
    let before = fs::read(db.path()).unwrap();
    let note = beside(&db, "note.txt");
    fs::write(&note, "mine").unwrap();
    for to in [db.path(), note.clone()] {
        let error = back_up(&db.path(), &to).unwrap_err();
        assert!(matches!(error, StoreError::Backup { .. }), "{error:?}");
    }
    assert!(back_up(&db.path(), &beside(&db, "missing/b")).is_err());
    assert_eq!((fs::read(&note).unwrap(), fs::read(db.path()).unwrap()), (b"mine".to_vec(), before));
    assert!(!names(&db).iter().any(|name| name.contains("part")), "{:?}", names(&db));
}

#[test]
fn a_backup_takes_the_place_of_the_database_which_is_kept() {
    let db = TestDb::sqlite();
    let to = beside(&db, "backup.sqlite3");
    let store = db.open();
    let first = begun(&store);
    store.outbox_add(Some(first), Channel::Mail, "outcome", "<a@example.com>").unwrap();
    let tag = store.instance_tag().unwrap();
    back_up(&db.path(), &to).unwrap();
    let second = begun(&store);

    let in_use = restore(&db.path(), &mut File::open(&to).unwrap()).unwrap_err();
    assert!(in_use.explain().message.contains("is in use"), "{in_use}");
    assert_eq!(store.run_latest().unwrap().unwrap().id, second);

    drop(store);
    let kept = restore(&db.path(), &mut File::open(&to).unwrap()).unwrap().unwrap();
    assert_eq!((mode(&db.path()), mode(&kept)), (0o600, 0o600));
    assert_eq!(names(&db), ["backup.sqlite3", "store.db", "store.db.before-restore"]);
    let store = db.open();
    assert_eq!(store.run_latest().unwrap().unwrap().id, first);
    assert_eq!((store.instance_tag().unwrap(), store.outbox_due().unwrap().len()), (tag, 1));
    assert_eq!(open(&db, &kept).run_latest().unwrap().unwrap().id, second);

    // The first one may have been the mistake, so that the second must not cost what it set aside.
    drop(store);
    let again = restore(&db.path(), &mut File::open(&to).unwrap()).unwrap().unwrap();
    assert_eq!(again, beside(&db, "store.db.before-restore-2"));
    assert_eq!(open(&db, &kept).run_latest().unwrap().unwrap().id, second);
    assert_eq!(open(&db, &again).run_latest().unwrap().unwrap().id, first);
}

#[test]
fn a_lost_or_damaged_database_is_replaced_with_its_log() {
    let db = TestDb::sqlite();
    let to = beside(&db, "backup.sqlite3");
    let store = db.open();
    let run = begun(&store);
    back_up(&db.path(), &to).unwrap();
    drop(store);
    for damage in ["lost", "damaged"] {
        fs::write(db.path(), "no database").unwrap();
        // What a crash left of the old one must not be taken for a log of the new one.
        fs::write(beside(&db, "store.db-wal"), "stale").unwrap();
        if damage == "lost" {
            fs::remove_file(db.path()).unwrap();
        }
        restore(&db.path(), &mut File::open(&to).unwrap()).unwrap();
        assert!(!beside(&db, "store.db-wal").exists(), "{damage}");
        assert_eq!(db.open().run_latest().unwrap().unwrap().id, run);
    }
}

#[test]
fn what_is_no_whole_backup_of_a_known_version_changes_nothing() {
    let db = TestDb::sqlite();
    let to = beside(&db, "backup.sqlite3");
    let store = db.open();
    let runs: Vec<_> = (0..200).map(|_| begun(&store)).collect();
    back_up(&db.path(), &to).unwrap();
    let last = begun(&store);
    drop(store);
    let whole = fs::read(&to).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8192].fill(0xff);
    let foreign = {
        let other = TestDb::sqlite();
        other.execute("CREATE TABLE t (x)").unwrap();
        fs::read(other.path()).unwrap()
    };
    let newer = {
        let other = TestDb::sqlite();
        drop(other.open());
        other.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000000')").unwrap();
        let newer = beside(&other, "backup.sqlite3");
        back_up(&other.path(), &newer).unwrap();
        fs::read(&newer).unwrap()
    };
    let before = names(&db);
    for bad in [&b""[..], b"hello", &whole[..whole.len() / 2], &damaged, &foreign, &newer] {
        let error = restore(&db.path(), &mut &bad[..]).unwrap_err();
        assert!(
            matches!(error, StoreError::Backup { .. } | StoreError::NewerSchema { .. }),
            "{} bytes: {error:?}",
            bad.len()
        );
        assert_eq!(names(&db), before);
    }
    assert_eq!(db.open().run_latest().unwrap().unwrap().id, last);
    assert_eq!(runs.len(), 200);
}
