//! kill -9 before every write to the database is committed, which is also after every write that was: whatever the program
//! was about to note is lost, and what it had noted before is all that the next process knows. On PostgreSQL only: in SQLite no
//! trigger can wait; what it has is the walk over calls.

use crate::instance::Database;
use crate::interrupted::Installed;
use diesel::sql_types::BigInt;
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
};
use std::cell::RefCell;

/// Each statement that changes anything counts itself, and the chosen one waits for a lock that the test holds. A sequence
/// forgets nothing when a transaction is rolled back.
const TRAP: &str = "
    CREATE SEQUENCE trap_writes MINVALUE 0;
    CREATE TABLE trap (at BIGINT NOT NULL);
    INSERT INTO trap VALUES (-1);
    CREATE FUNCTION trap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('trap_writes') = (SELECT at FROM trap) THEN
        PERFORM pg_advisory_xact_lock(4711);
      END IF;
      RETURN NULL;
    END $$;
    DO $$ DECLARE name TEXT; BEGIN
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'trap' LOOP
        EXECUTE format('CREATE TRIGGER trap AFTER INSERT OR UPDATE OR DELETE ON %I EXECUTE FUNCTION trap()', name);
      END LOOP;
    END $$;
    SELECT pg_advisory_lock(4711);";

/// Who waits for that lock in this database; the server has others, of tests that do the same.
const WAITING: &str = "FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

fn count(connection: &mut PgConnection, query: &str) -> i64 {
    sql_query(query).get_result::<Count>(connection).unwrap().count
}

/// Kills a sync at each of those writes (`first`, and then one of `of`), and lets the last one get through.
fn walk(mode: &str, first: i64, of: usize) {
    let Some(database) = Database::postgres() else { return };
    let Database::Postgres(server) = &database else { unreachable!() };
    let mut connection = PgConnection::establish(server.url()).unwrap();
    let mut installed = Installed::new(mode, database);
    connection.batch_execute(TRAP).unwrap();
    let connection = RefCell::new(connection);
    let mut killed = 0;
    for write in (first..).step_by(of) {
        installed.sync_before();
        let arm = format!("SELECT setval('trap_writes', 0, false); UPDATE trap SET at = {write}");
        connection.borrow_mut().batch_execute(&arm).unwrap();
        let waits = format!("SELECT COUNT(*) AS count {WAITING}");
        let died = installed.kill_when(|_| count(&mut connection.borrow_mut(), &waits) > 0);
        // The server would notice later that nobody is there any more.
        let end = format!("SELECT COUNT(pg_terminate_backend(pid, 10000)) AS count {WAITING}");
        count(&mut connection.borrow_mut(), &end);
        connection.borrow_mut().batch_execute("UPDATE trap SET at = -1").unwrap();
        installed.assert_healed(&format!("write {write}"), died);
        if !died {
            break;
        }
        killed += 1;
    }
    println!("{mode}: killed at {killed} writes, from write {first} on at one of {of}");
    assert!(killed > 10);
}

/// Makes one test of each line.
macro_rules! walks {
    ($($name:ident: $mode:literal, $first:literal;)+) => {
        $(#[test] fn $name() { walk($mode, $first, 3); })+
    };
}

walks! {
    dated_0: "dated", 0;
    dated_1: "dated", 1;
    dated_2: "dated", 2;
    stable_0: "stable", 0;
    stable_1: "stable", 1;
    stable_2: "stable", 2;
}
