//! One connection type over both engines, the pool's manager, and the write transaction.

use crate::database_url::{DatabaseUrl, PostgresAddress};
use crate::error::StoreError;
use crate::sqlite_file;
use backon::{BlockingRetryable, ConstantBuilder};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{ManageConnection, R2D2Connection};
use diesel::{Connection, ConnectionError, ConnectionResult, PgConnection, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// A connection to either engine. Made by [`connect`] only: the derived `establish` guesses the engine and creates a
/// file for every typo.
#[derive(diesel::MultiConnection)]
pub(crate) enum AnyConnection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The backend that queries on [`AnyConnection`] are written for.
pub(crate) type AnyBackend = <AnyConnection as Connection>::Backend;

/// Runs the same expression on the engine's own connection, for what Diesel can not express over both: batch inserts
/// and `ON CONFLICT`.
macro_rules! on_backend {
    ($connection:expr, $inner:ident => $body:expr) => {
        match $connection {
            $crate::connection::AnyConnection::Sqlite($inner) => $body,
            $crate::connection::AnyConnection::Postgres($inner) => $body,
        }
    };
}
pub(crate) use on_backend;

/// Settings of each SQLite connection. The timeout comes first, because switching to WAL needs a lock.
/// `synchronous=FULL`: an intention stored just before a call to Meta must survive a power cut, which `NORMAL` does not
/// promise in WAL mode.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 15000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; \
                               PRAGMA synchronous = FULL;";

/// Ten seconds in all for the moment in which another process makes a new file a WAL database.
const WAL_PAUSE: Duration = Duration::from_millis(50);
const WAL_TRIES: usize = 200;

/// Settings of each PostgreSQL connection: no statement and no wait for a lock lasts for ever, and a process that is
/// suspended in the middle of a transaction keeps its locks for less time than others wait for them.
const POSTGRES_SETTINGS: &str = "SET statement_timeout = '120s'; SET lock_timeout = '30s'; \
                                 SET idle_in_transaction_session_timeout = '20s';";

/// Opens one connection with its settings.
pub(crate) fn connect(url: &DatabaseUrl) -> Result<AnyConnection, StoreError> {
    let unreachable = |reason: String| StoreError::Unreachable { database: url.to_string(), reason };
    match url {
        DatabaseUrl::Sqlite(path) => {
            sqlite_file::prepare(path)?;
            sqlite(path).map(AnyConnection::Sqlite).map_err(|error| unreachable(one_line(&error.to_string())))
        }
        DatabaseUrl::Postgres(address) => {
            postgres(address).map(AnyConnection::Postgres).map_err(|error| unreachable(server_words(&error)))
        }
    }
}

fn sqlite(path: &Path) -> ConnectionResult<SqliteConnection> {
    let path =
        path.to_str().ok_or_else(|| ConnectionError::InvalidConnectionUrl("the path is not UTF-8".into()))?;
    let mut connection = SqliteConnection::establish(path)?;
    // SQLite does not wait, whatever the timeout says, while another process switches a new file to WAL.
    let settings = || connection.batch_execute(SQLITE_SETTINGS);
    settings
        .retry(ConstantBuilder::default().with_delay(WAL_PAUSE).with_max_times(WAL_TRIES))
        .when(|error| error.to_string().contains("locked"))
        .call()
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

fn postgres(address: &PostgresAddress) -> ConnectionResult<PgConnection> {
    let mut connection = PgConnection::establish(address.conninfo())?;
    connection.batch_execute(POSTGRES_SETTINGS).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// libpq's words, unless they are about the address itself: those quote pieces of it, and so of the password.
fn server_words(error: &ConnectionError) -> String {
    let words = one_line(&error.to_string());
    let quotes_nothing_secret = ["connection to server", "could not translate host name", "weak sslmode"]
        .iter()
        .any(|start| words.starts_with(start))
        || words.ends_with("invalid when SSL support is not compiled in");
    if quotes_nothing_secret {
        words
    } else if words.starts_with("invalid sslmode value") {
        "sslmode is none of disable, allow, prefer, require, verify-ca and verify-full".to_owned()
    } else {
        "the address is not one that PostgreSQL understands".to_owned()
    }
}

/// One line of at most 300 characters without control characters, without a closing dot.
fn one_line(words: &str) -> String {
    let spaced: String = words.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let joined = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    joined.trim_end_matches(['.', ' ']).chars().take(300).collect()
}

/// Makes and checks the pool's connections.
#[derive(Debug)]
pub(crate) struct Manager(pub(crate) DatabaseUrl);

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = StoreError;

    fn connect(&self) -> Result<AnyConnection, StoreError> {
        connect(&self.0)
    }

    fn is_valid(&self, connection: &mut AnyConnection) -> Result<(), StoreError> {
        connection.ping().map_err(StoreError::query("ask the database for a sign of life"))
    }

    /// A connection whose user panicked may be in the middle of a transaction.
    fn has_broken(&self, connection: &mut AnyConnection) -> bool {
        std::thread::panicking() || connection.is_broken()
    }
}

/// Runs `work` in one write transaction and commits it if it returned `Ok`.
///
/// On SQLite the write lock is taken at once (`BEGIN IMMEDIATE`): a transaction that reads first and writes later fails
/// with "database is locked" at once whenever somebody else wrote in between, whatever the timeout is.
pub(crate) fn write_tx<T, E: From<diesel::result::Error>>(
    connection: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, E>,
) -> Result<T, E> {
    type Transaction = <AnyConnection as Connection>::TransactionManager;
    let begun = match connection {
        AnyConnection::Sqlite(inner) => {
            AnsiTransactionManager::begin_transaction_sql(inner, "BEGIN IMMEDIATE")
        }
        AnyConnection::Postgres(inner) => AnsiTransactionManager::begin_transaction(inner),
    };
    begun?;
    match work(connection) {
        Ok(value) => {
            Transaction::commit_transaction(connection)?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to report; a connection that can not even roll back is discarded by the pool.
            let _ = Transaction::rollback_transaction(connection);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{connect, one_line, write_tx};
    use crate::database_url::DatabaseUrl;
    use crate::error::StoreError;
    use diesel::RunQueryDsl;
    use diesel::connection::SimpleConnection;

    #[test]
    fn a_full_disk_is_told_from_other_refusals_and_rolled_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connect(&DatabaseUrl::Sqlite(folder.path().join("a.db"))).unwrap();
        connection.batch_execute("CREATE TABLE t (x); PRAGMA max_page_count = 20").unwrap();
        let refused = write_tx(&mut connection, |connection| {
            connection.batch_execute("INSERT INTO t VALUES (zeroblob(1000))")?;
            connection.batch_execute("INSERT INTO t VALUES (zeroblob(1000000))")
        });
        let error = refused.map_err(StoreError::query("save contacts")).unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
        write_tx(&mut connection, |connection| connection.batch_execute("INSERT INTO t VALUES (1)")).unwrap();
    }

    #[derive(diesel::QueryableByName)]
    struct Settings {
        #[diesel(sql_type = diesel::sql_types::Text)]
        settings: String,
    }

    #[test]
    fn sqlite_writes_each_commit_to_disk_and_keeps_references_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = connect(&DatabaseUrl::Sqlite(folder.path().join("a.db"))).unwrap();
        let found: Settings = diesel::sql_query(
            "SELECT journal_mode || ' synchronous=' || synchronous || ' foreign_keys=' || foreign_keys AS settings \
             FROM pragma_journal_mode, pragma_synchronous, pragma_foreign_keys",
        )
        .get_result(&mut connection)
        .unwrap();
        assert_eq!(found.settings, "wal synchronous=2 foreign_keys=1");
    }

    #[test]
    fn postgres_lets_nobody_wait_for_ever() {
        let Some(database) = testkit::postgres_server::fresh_database() else { return };
        let mut connection = connect(&database.url().parse().unwrap()).unwrap();
        let found: Settings = diesel::sql_query(
            "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) AS settings FROM pg_settings \
             WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')",
        )
        .get_result(&mut connection)
        .unwrap();
        assert_eq!(
            found.settings,
            "idle_in_transaction_session_timeout=20000 lock_timeout=30000 statement_timeout=120000"
        );
    }

    #[test]
    fn engine_words_are_one_short_line() {
        assert_eq!(one_line("could not\n\tconnect\u{7}.\n"), "could not connect");
        assert_eq!(one_line(&"x".repeat(900)).len(), 300);
    }
}
