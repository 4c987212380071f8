use crate::support::{TestDb, begun};
use domain::{Explain, Secret};
use persistence::{DatabaseUrl, PostgresAddress, Store, StoreError};
use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use testkit::postgres_server;

pub fn refused(url: &DatabaseUrl) -> StoreError {
    Store::open(url, Arc::new(domain::SystemClock)).map(drop).unwrap_err()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_file_and_its_companions_are_for_the_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/deeper/store.db");
    let store = Store::open(&DatabaseUrl::Sqlite(path.clone()), Arc::new(domain::SystemClock)).unwrap();
    begun(&store);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(Path::new(&format!("{}{suffix}", path.display()))), 0o600, "{suffix}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&folder.path().join("new")), 0o700);
}

#[test]
fn a_file_that_others_may_read_is_closed_to_them() {
    let db = TestDb::sqlite();
    let first = db.open();
    begun(&first);
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", db.path().display());
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    }
    let second = db.open();
    begun(&second);
    for suffix in ["", "-wal", "-shm"] {
        assert_eq!(mode(Path::new(&format!("{}{suffix}", db.path().display()))), 0o600, "{suffix}");
    }
}

#[test]
fn a_folder_that_can_not_be_made_names_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let error = refused(&DatabaseUrl::Sqlite(folder.path().join("file/data/store.db")));
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
    assert!(error.explain().remedy.contains("DATA_DIR"));
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let content = "Dear diary, this is no database. ".repeat(200);
    std::fs::write(&path, &content).unwrap();
    let error = refused(&DatabaseUrl::Sqlite(path.clone()));
    assert!(
        matches!(&error, StoreError::Unreachable { reason, .. } if reason.contains("not a database")),
        "{error:?}"
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), content);
}

#[test]
fn a_server_that_is_down_is_named_without_the_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let secret = Secret::new("hunter2");
    let from_parts =
        DatabaseUrl::Postgres(PostgresAddress::new("127.0.0.1", port, "ghl", "app", Some(&secret)));
    let from_url: DatabaseUrl = format!("postgres://app:hunter2@127.0.0.1:{port}/ghl").parse().unwrap();
    for url in [from_parts, from_url] {
        let error = refused(&url);
        let explained = error.explain();
        assert!(explained.remedy.contains("POSTGRES_HOST"), "{explained:?}");
        assert!(explained.message.contains(&format!("127.0.0.1:{port}")), "{explained:?}");
        assert!(explained.message.contains("Connection refused"), "{explained:?}");
        assert!(!format!("{error:?} {error} {explained:?}").contains("hunter2"));
    }
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url: DatabaseUrl = format!("postgres://app@127.0.0.1:{port}/ghl?connect_timeout=2").parse().unwrap();
    let error = refused(&url);
    assert!(
        matches!(&error, StoreError::Unreachable { reason, .. } if reason.contains("timeout")),
        "{error:?}"
    );
}

#[test]
fn what_libpq_says_of_a_malformed_address_is_not_repeated() {
    for url in ["postgres://u:hun%zzter2@h/d", "postgres://u:p:hunter2@h/d", "postgres://h/d?pass=hunter2"] {
        let error = refused(&url.parse().unwrap());
        let shown = format!("{error:?} {error} {:?}", error.explain());
        assert!(matches!(error, StoreError::Unreachable { .. }), "{shown}");
        assert!(!shown.contains("ter2"), "{shown}");
    }
}

#[test]
fn a_missing_database_names_the_setting() {
    let Some(database) = postgres_server::fresh_database() else { return };
    let url = database.url().replacen("/test_", "/no_", 1);
    let error = refused(&url.parse().unwrap());
    assert!(error.explain().remedy.contains("POSTGRES_DB"), "{error:?}");
}

#[test]
fn a_database_that_can_not_hold_every_name_is_refused() {
    let Some(database) = postgres_server::fresh_database_in("LATIN1") else { return };
    let error = refused(&database.url().parse().unwrap());
    assert!(matches!(&error, StoreError::Encoding { encoding } if encoding == "LATIN1"), "{error:?}");
    assert!(error.explain().remedy.contains("UTF8"));
}

#[test]
fn a_user_without_rights_is_told_how_to_get_them() {
    let Some(db) = TestDb::postgres() else { return };
    // Roles belong to the whole server, which other tests may share.
    let role = format!("newcomer_{}", std::process::id());
    db.execute(&format!("CREATE ROLE {role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC")).unwrap();
    let url = db.url_with(&format!("options=-c%20role%3D{role}"));
    let error = refused(&url.parse().unwrap());
    db.execute(&format!("DROP ROLE {role}")).unwrap();
    assert!(error.explain().remedy.contains("GRANT"), "{error:?}");
}

#[test]
fn a_server_that_dropped_its_connections_is_used_again() {
    let Some(db) = TestDb::postgres() else { return };
    let store = db.open();
    let run = begun(&store);
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .unwrap();
    assert_eq!(store.run_latest().unwrap().map(|run| run.id), Some(run));
}
