//! A database under test, of either engine, with a clock that stands still until it is moved.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use domain::Clock;
use domain::run::{SyncConfig, Trigger};
use domain::{Bucket, Cents, Percentile, RunId};
use persistence::{DatabaseUrl, Member, PersonHashes, RunContact, StableAudience, Store};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use testkit::postgres_server::{self, TestDatabase};

/// Makes one test per engine from each named function, which takes `&TestDb`.
macro_rules! for_each_backend {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&$crate::support::TestDb::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $name() {
                if let Some(db) = $crate::support::TestDb::postgres() { super::$name(&db); }
            })+
        }
    };
}
pub(crate) use for_each_backend;

/// Stands still.
pub struct TestClock(Mutex<DateTime<Utc>>);

impl TestClock {
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// A moment with nanoseconds, which no engine keeps.
pub const START: &str = "2026-01-31T02:00:00.123456789Z";

pub struct TestDb {
    pub url: DatabaseUrl,
    pub clock: Arc<TestClock>,
    place: Place,
}

enum Place {
    /// Held only to be removed at the end of the test.
    Folder(#[expect(dead_code, reason = "its drop is what counts")] tempfile::TempDir),
    Server(TestDatabase),
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Nullable<Text>)]
    value: Option<String>,
}

impl TestDb {
    fn new(url: DatabaseUrl, place: Place) -> Self {
        let start = START.parse().unwrap();
        Self { url, clock: Arc::new(TestClock(Mutex::new(start))), place }
    }

    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::new(DatabaseUrl::Sqlite(folder.path().join("store.db")), Place::Folder(folder))
    }

    pub fn postgres() -> Option<Self> {
        postgres_server::fresh_database().map(Self::on)
    }

    pub fn on(database: TestDatabase) -> Self {
        Self::new(database.url().parse().unwrap(), Place::Server(database))
    }

    pub fn open(&self) -> Store {
        Store::open(&self.url, self.clock.clone()).unwrap()
    }

    /// The present moment as it is stored.
    pub fn now(&self) -> DateTime<Utc> {
        chrono::SubsecRound::trunc_subsecs(self.clock.now(), 6)
    }

    pub fn path(&self) -> PathBuf {
        match &self.url {
            DatabaseUrl::Sqlite(path) => path.clone(),
            DatabaseUrl::Postgres(_) => panic!("not a file"),
        }
    }

    pub fn connect(&self) -> Direct {
        match (&self.url, &self.place) {
            (DatabaseUrl::Sqlite(path), _) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                connection.batch_execute("PRAGMA busy_timeout = 15000; PRAGMA foreign_keys = ON").unwrap();
                Direct::Sqlite(connection)
            }
            (_, Place::Server(database)) => {
                Direct::Postgres(PgConnection::establish(database.url()).unwrap())
            }
            (DatabaseUrl::Postgres(_), Place::Folder(_)) => unreachable!(),
        }
    }

    /// The server's address with one more parameter.
    pub fn url_with(&self, parameter: &str) -> String {
        let Place::Server(database) = &self.place else { panic!("not a server") };
        let joint = if database.url().contains('?') { '&' } else { '?' };
        format!("{}{joint}{parameter}", database.url())
    }

    /// The definition of every table and index of ours, as the engine tells it. `None` where it can not be asked.
    pub fn schema(&self) -> Option<String> {
        const MIGRATIONS: &str = "__diesel_schema_migrations";
        match &self.place {
            Place::Server(database) => database.schema_dump(MIGRATIONS),
            Place::Folder(_) => Some(
                self.values(&format!(
                    "SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS value FROM sqlite_schema \
                     WHERE tbl_name NOT IN ('{MIGRATIONS}', 'sqlite_sequence') ORDER BY type, name"
                ))
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join("\n"),
            ),
        }
    }

    /// Runs SQL beside the store.
    pub fn execute(&self, sql: &str) -> QueryResult<()> {
        match self.connect() {
            Direct::Sqlite(mut connection) => connection.batch_execute(sql),
            Direct::Postgres(mut connection) => connection.batch_execute(sql),
        }
    }

    /// The column `value` of a query, as text.
    pub fn values(&self, sql: &str) -> Vec<Option<String>> {
        let rows: Vec<Value> = match self.connect() {
            Direct::Sqlite(mut connection) => diesel::sql_query(sql).load(&mut connection).unwrap(),
            Direct::Postgres(mut connection) => diesel::sql_query(sql).load(&mut connection).unwrap(),
        };
        rows.into_iter().map(|row| row.value).collect()
    }

    /// The one number a query answers with.
    pub fn number(&self, sql: &str) -> i64 {
        let values = self.values(&format!("SELECT CAST(({sql}) AS TEXT) AS value"));
        values[0].as_ref().unwrap().parse().unwrap()
    }
}

/// A connection that knows nothing of the store.
pub enum Direct {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

pub fn config() -> SyncConfig {
    SyncConfig {
        list_id: "tag:vip".into(),
        list_name: "VIP".into(),
        list_conditions: None,
        ltv_field_key: "contact.lifetime_value".into(),
        ltv_field_name: "Lifetime value".into(),
        ad_account_id: "act_1234567890".into(),
        sync_enabled: true,
    }
}

/// A run that has just begun.
pub fn begun(store: &Store) -> RunId {
    let config_id = store.config_save(&config()).unwrap();
    store.run_start(Trigger::Manual, config_id).unwrap()
}

/// A sent contact without anything but its id, rank and value.
pub fn sent(id: impl Into<String>, rank: u8, cents: i64) -> RunContact {
    RunContact {
        ghl_contact_id: id.into(),
        email: None,
        phone: None,
        first_name: None,
        last_name: None,
        raw_ltv: Some(Cents(cents)),
        normalized_value: Percentile::new(rank),
        bucket: Bucket::Sent,
        reason: None,
        meta_matched: None,
        country: None,
    }
}

/// A member whose hashes are made of two numbers; 0 stands for an absent one.
pub fn member(email: u32, phone: u32, value: u32) -> Member {
    Member { hashes: person(email, phone), value }
}

/// See [`member`].
pub fn person(email: u32, phone: u32) -> PersonHashes {
    let hash = |number: u32, last: u8| {
        (number > 0).then(|| {
            let mut hash = [last; 32];
            // Spread, as hashes are.
            hash[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_le_bytes());
            hash
        })
    };
    PersonHashes { email: hash(email, 1), phone: hash(phone, 2) }
}

pub fn stable_audience(audience_id: &str) -> StableAudience {
    StableAudience {
        ad_account_id: config().ad_account_id,
        audience_id: audience_id.into(),
        name: "GHL-HighValue".into(),
        birthdays: true,
        limited_data_use: false,
        adopted: true,
        replace_refused_at: None,
    }
}
