//! The one door to the database.

use crate::connection::{AnyConnection, Manager, connect, on_backend, write_tx};
use crate::database_url::DatabaseUrl;
use crate::error::StoreError;
use crate::leases;
use crate::migrate;
use crate::schema::instance;
use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::prelude::*;
use diesel::r2d2::{NopErrorHandler, Pool};
use domain::Clock;
use std::sync::Arc;
use std::time::Duration;

/// Connections to one database. A run and a handful of page requests use it at once.
const POOL_SIZE: u32 = 8;

/// How long a call waits for a free connection or for a server that restarts.
const POOL_TIMEOUT: Duration = Duration::from_secs(10);

/// Everything that is remembered. Clones share the pool; all methods block and may be called from any thread.
#[derive(Clone)]
pub struct Store {
    pool: Pool<Manager>,
    clock: Arc<dyn Clock>,
    /// The holder of the lease in whose name everything is written, if it is bound to one.
    holder: Option<Arc<str>>,
}

/// One page of a longer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items of the page, in order.
    pub items: Vec<T>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A row that holds the version of the engine.
#[derive(QueryableByName)]
struct EngineVersion {
    #[diesel(sql_type = diesel::sql_types::Text)]
    server_version: String,
}

/// A row that holds one text.
#[derive(QueryableByName)]
struct Encoding {
    #[diesel(sql_type = diesel::sql_types::Text)]
    server_encoding: String,
}

impl Store {
    /// Opens the database, creates its file or brings its tables up to date when needed, and keeps a pool of
    /// connections to it. The embedded database's file gets mode 0600 and a missing folder 0700. Times that are stored
    /// or compared come from `clock`.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`], [`StoreError::Unwritable`], [`StoreError::NewerSchema`], [`StoreError::Migration`]
    /// or [`StoreError::Encoding`]: each says in its explanation which setting to look at.
    pub fn open(url: &DatabaseUrl, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        // The first connection is made by hand, so that its error arrives at once and in the server's own words.
        let mut first = connect(url)?;
        refuse_other_encodings(&mut first)?;
        migrate::migrate(&mut first)?;
        let pool = Pool::builder()
            .max_size(POOL_SIZE)
            .min_idle(Some(1))
            .connection_timeout(POOL_TIMEOUT)
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(Manager(url.clone()));
        Ok(Self { pool, clock, holder: None })
    }

    /// The same database for work that needs the lease: every write fails with [`StoreError::LeaseLost`] and changes
    /// nothing once another holder has the lease, or nobody. The lease stays put until the write is committed.
    #[must_use]
    pub fn while_held_by(&self, holder: &str) -> Self {
        Self { holder: Some(Arc::from(holder)), ..self.clone() }
    }

    /// The newest migration applied, such as `20261121090000`. A cheap sign of life of the database as well.
    ///
    /// # Errors
    /// [`StoreError::NoConnection`] when the database does not answer.
    pub fn schema_version(&self) -> Result<String, StoreError> {
        migrate::version(&mut *self.connection()?)
    }

    /// The database's engine with its own version, such as `SQLite 3.50.4` or `PostgreSQL 17.2`.
    ///
    /// # Errors
    /// [`StoreError::NoConnection`] when the database does not answer.
    pub fn engine(&self) -> Result<String, StoreError> {
        self.read("ask the database for its version", |connection| {
            let (name, query) = match connection {
                AnyConnection::Sqlite(_) => ("SQLite", "SELECT sqlite_version() AS server_version"),
                AnyConnection::Postgres(_) => ("PostgreSQL", "SHOW server_version"),
            };
            let found: EngineVersion = diesel::sql_query(query).get_result(connection)?;
            Ok(format!("{name} {}", found.server_version))
        })
    }

    /// The random tag of this database, 32 hexadecimal digits, made once and never changed. It goes into every
    /// description at Meta, so that this installation's audiences can be told from others'. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn instance_tag(&self) -> Result<String, StoreError> {
        let made = (
            instance::id.eq(1),
            instance::tag.eq(uuid::Uuid::new_v4().simple().to_string()),
            instance::created_at.eq(self.now_naive()),
        );
        self.write("read the tag of this installation", |connection| {
            let known = instance::table.select(instance::tag).first(connection).optional()?;
            if let Some(tag) = known {
                return Ok(tag);
            }
            on_backend!(connection, inner => diesel::insert_into(instance::table)
                .values(made)
                .on_conflict(instance::id)
                .do_nothing()
                .execute(inner))?;
            instance::table.select(instance::tag).first(connection)
        })
    }

    /// The present moment as both engines can store it: whole microseconds.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6)
    }

    /// [`Self::now`] for a column.
    pub(crate) fn now_naive(&self) -> NaiveDateTime {
        self.now().naive_utc()
    }

    /// Runs a query.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        work(&mut *self.connection()?).map_err(StoreError::query(doing))
    }

    /// Runs one write transaction.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.write_or(StoreError::query(doing), work)
    }

    /// [`Self::write`] of a row that refers to another, which may be missing.
    pub(crate) fn write_referring<T>(
        &self,
        doing: &'static str,
        (what, id): (&'static str, i64),
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.write_or(StoreError::reference(doing, what, id), work)
    }

    fn write_or<T>(
        &self,
        refused: impl Fn(diesel::result::Error) -> StoreError,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        write_tx(&mut *self.connection()?, |connection| {
            let lost = match &self.holder {
                Some(holder) => !leases::is_held_by(connection, holder)?,
                None => false,
            };
            if lost { Err(Unwritten::LeaseLost) } else { Ok(work(connection)?) }
        })
        .map_err(|unwritten| match unwritten {
            Unwritten::LeaseLost => StoreError::LeaseLost,
            Unwritten::Refused(error) => refused(error),
        })
    }

    /// [`Self::write`] of a row whose name must be the only one.
    pub(crate) fn write_named<T>(
        &self,
        doing: &'static str,
        what: &'static str,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.write_or(StoreError::naming(doing, what), work)
    }

    /// [`Self::write`] of an update that must meet exactly one row.
    pub(crate) fn change(
        &self,
        doing: &'static str,
        (what, id): (&'static str, i64),
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<usize>,
    ) -> Result<(), StoreError> {
        if self.write(doing, work)? == 0 { Err(StoreError::Missing { what, id }) } else { Ok(()) }
    }

    fn connection(&self) -> Result<diesel::r2d2::PooledConnection<Manager>, StoreError> {
        self.pool.get().map_err(StoreError::NoConnection)
    }
}

/// Why a transaction was rolled back.
enum Unwritten {
    LeaseLost,
    Refused(diesel::result::Error),
}

impl From<diesel::result::Error> for Unwritten {
    fn from(error: diesel::result::Error) -> Self {
        Self::Refused(error)
    }
}

fn refuse_other_encodings(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let AnyConnection::Postgres(connection) = connection else { return Ok(()) };
    let found: Encoding = diesel::sql_query("SHOW server_encoding")
        .get_result(connection)
        .map_err(StoreError::query("ask the database for its encoding"))?;
    if found.server_encoding == "UTF8" {
        Ok(())
    } else {
        Err(StoreError::Encoding { encoding: found.server_encoding })
    }
}
