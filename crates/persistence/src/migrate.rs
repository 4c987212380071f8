//! Brings the tables up to date: all pending migrations or none, by one process at a time.

use crate::connection::{AnyBackend, AnyConnection, write_tx};
use crate::error::StoreError;
use diesel::connection::SimpleConnection;
use diesel::migration::{MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Two processes that start on the same fresh database would collide. SQLite's write transaction already keeps the
/// second one out; on PostgreSQL this lock does, until the transaction ends. The number is arbitrary but fixed.
const POSTGRES_LOCK: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '5min'; \
                             SELECT pg_advisory_xact_lock(4711094530271);";

/// Why the transaction ended: the engine refused to begin or commit it, or the migrations failed inside.
enum Stopped {
    Transaction(diesel::result::Error),
    Migrations(StoreError),
}

impl From<diesel::result::Error> for Stopped {
    fn from(error: diesel::result::Error) -> Self {
        Self::Transaction(error)
    }
}

/// Applies what is pending.
///
/// # Errors
/// [`StoreError::NewerSchema`] when the database has a migration this program does not know; it is then left as it is.
pub(crate) fn migrate(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let outcome = write_tx(connection, |connection| {
        if matches!(connection, AnyConnection::Postgres(_)) {
            connection.batch_execute(POSTGRES_LOCK)?;
        }
        apply(connection).map_err(Stopped::Migrations)
    });
    outcome.map_err(|stopped| match stopped {
        Stopped::Transaction(error) => StoreError::query("bring the tables up to date")(error),
        Stopped::Migrations(error) => error,
    })
}

fn source(connection: &AnyConnection) -> EmbeddedMigrations {
    match connection {
        AnyConnection::Sqlite(_) => SQLITE,
        AnyConnection::Postgres(_) => POSTGRES,
    }
}

fn apply(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let source = source(connection);
    refuse_newer(connection)?;
    let new = connection.run_pending_migrations(source).map_err(StoreError::Migration)?;
    for version in new {
        log::info!("The database was brought to version {version}");
    }
    Ok(())
}

/// Refuses a database that a later version of the program has changed.
///
/// # Errors
/// [`StoreError::NewerSchema`]
pub(crate) fn refuse_newer(connection: &mut AnyConnection) -> Result<(), StoreError> {
    let migrations =
        MigrationSource::<AnyBackend>::migrations(&source(connection)).map_err(StoreError::Migration)?;
    let known: Vec<MigrationVersion<'_>> = migrations.iter().map(|one| one.name().version()).collect();
    let applied = connection.applied_migrations().map_err(StoreError::Migration)?;
    if let Some(found) = applied.iter().find(|version| !known.contains(version)) {
        let newest = known.iter().max().map(ToString::to_string).unwrap_or_default();
        return Err(StoreError::NewerSchema { found: found.to_string(), known: newest });
    }
    Ok(())
}

/// The newest version applied.
pub(crate) fn version(connection: &mut AnyConnection) -> Result<String, StoreError> {
    let applied = connection.applied_migrations().map_err(StoreError::Migration)?;
    Ok(applied.iter().max().map(ToString::to_string).unwrap_or_default())
}
