//! People who still have to be removed from the lists at Meta.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::person::{PersonHashes, bytes, hash_option};
use crate::run_rows::word;
use crate::schema::pending_removals;
use crate::store::Store;
use crate::text::storable;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use domain::run::UnknownWord;
use std::collections::HashSet;
use std::str::FromStr;

/// Rows per statement, each with five bound values.
const ROWS_PER_STATEMENT: usize = 1_000;

/// Why somebody is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemovalCause {
    /// The contact asked not to be contacted.
    OptedOut,
    /// The person was erased.
    Erased,
}

impl RemovalCause {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::Erased => "erased",
        }
    }
}

impl FromStr for RemovalCause {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "opted_out" => Ok(Self::OptedOut),
            "erased" => Ok(Self::Erased),
            other => Err(UnknownWord { what: "RemovalCause", word: other.to_owned() }),
        }
    }
}

/// Somebody to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removal {
    /// By what Meta finds the person.
    pub person: PersonHashes,
    /// Why.
    pub cause: RemovalCause,
}

/// A removal that Meta has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRemoval {
    /// Its id.
    pub id: i64,
    /// By what Meta finds the person.
    pub person: PersonHashes,
    /// Why.
    pub cause: RemovalCause,
    /// When it was asked for first.
    pub requested_at: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// What stood in the way last.
    pub last_error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = pending_removals)]
struct RemovalRow {
    id: i64,
    email_hash: Option<Vec<u8>>,
    phone_hash: Option<Vec<u8>>,
    cause: String,
    requested_at: NaiveDateTime,
    attempts: i32,
    last_error: Option<String>,
}

impl TryFrom<RemovalRow> for PendingRemoval {
    type Error = StoreError;

    fn try_from(row: RemovalRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            person: PersonHashes {
                email: hash_option("hash of an e-mail address", row.email_hash)?,
                phone: hash_option("hash of a phone number", row.phone_hash)?,
            },
            cause: word("cause of a removal", &row.cause)?,
            requested_at: row.requested_at.and_utc(),
            attempts: u32::try_from(row.attempts).map_err(StoreError::corrupt("number of attempts"))?,
            last_error: row.last_error,
        })
    }
}

impl Store {
    /// Queues removals. Somebody who waits already is not queued twice, but an erasure takes the place of an opt-out: the
    /// latter may be withdrawn.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be queued then, and repeating is harmless.
    pub fn removals_queue(&self, removals: &[Removal]) -> Result<(), StoreError> {
        let now = self.now_naive();
        for part in removals.chunks(ROWS_PER_STATEMENT) {
            self.write("queue the removal of people", |connection| {
                for cause in [RemovalCause::OptedOut, RemovalCause::Erased] {
                    // A statement may meet a row only once.
                    let mut met = HashSet::new();
                    let rows: Vec<_> = part
                        .iter()
                        .filter(|removal| removal.cause == cause && met.insert(removal.person))
                        .map(|removal| {
                            (
                                pending_removals::person_key.eq(removal.person.key().to_vec()),
                                pending_removals::email_hash.eq(bytes(removal.person.email)),
                                pending_removals::phone_hash.eq(bytes(removal.person.phone)),
                                pending_removals::cause.eq(cause.as_str()),
                                pending_removals::requested_at.eq(now),
                            )
                        })
                        .collect();
                    if rows.is_empty() {
                        continue;
                    }
                    on_backend!(connection, inner => {
                        let insert = diesel::insert_into(pending_removals::table).values(&rows);
                        match cause {
                            RemovalCause::OptedOut => insert.on_conflict_do_nothing().execute(inner),
                            RemovalCause::Erased => insert
                                .on_conflict(pending_removals::person_key)
                                .do_update()
                                .set(pending_removals::cause.eq(cause.as_str()))
                                .execute(inner),
                        }
                    })?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Up to `limit` removals that wait, those tried least first, then the oldest.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored value means nothing to this program.
    pub fn removals_pending(&self, limit: u32) -> Result<Vec<PendingRemoval>, StoreError> {
        let rows: Vec<RemovalRow> = self.read("find people to be removed", |connection| {
            pending_removals::table
                .order((pending_removals::attempts, pending_removals::id))
                .limit(i64::from(limit))
                .select(RemovalRow::as_select())
                .load(connection)
        })?;
        rows.into_iter().map(PendingRemoval::try_from).collect()
    }

    /// Forgets removals, because Meta confirmed them or because they are no longer wanted. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be forgotten then.
    pub fn removals_done(&self, ids: &[i64]) -> Result<(), StoreError> {
        for part in ids.chunks(ROWS_PER_STATEMENT) {
            self.write("record that people were removed", |connection| {
                diesel::delete(pending_removals::table.filter(pending_removals::id.eq_any(part)))
                    .execute(connection)
            })?;
        }
        Ok(())
    }

    /// Counts an attempt that failed, with what stood in the way in words without personal data; the removals wait on.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be recorded then.
    pub fn removals_failed(&self, ids: &[i64], words: &str) -> Result<(), StoreError> {
        for part in ids.chunks(ROWS_PER_STATEMENT) {
            self.write("record that people could not be removed", |connection| {
                diesel::update(pending_removals::table.filter(pending_removals::id.eq_any(part)))
                    .set((
                        pending_removals::attempts.eq(pending_removals::attempts + 1),
                        pending_removals::last_error.eq(storable(words)),
                    ))
                    .execute(connection)
            })?;
        }
        Ok(())
    }
}
