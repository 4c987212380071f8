//! What was about to be created at Meta: stored before the call, so that a lost reply or a crash can be healed.

use crate::error::StoreError;
use crate::run_rows::word;
use crate::schema::sync_intentions;
use crate::store::Store;
use crate::text::storable;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use domain::RunId;
use domain::run::UnknownWord;
use std::str::FromStr;

/// What is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteKind {
    /// A custom audience.
    Audience,
    /// A lookalike.
    Lookalike,
}

impl RemoteKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audience => "audience",
            Self::Lookalike => "lookalike",
        }
    }
}

impl FromStr for RemoteKind {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word {
            "audience" => Ok(Self::Audience),
            "lookalike" => Ok(Self::Lookalike),
            other => Err(UnknownWord { what: "RemoteKind", word: other.to_owned() }),
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntentionOutcome {
    /// It exists and is wanted.
    Kept,
    /// It existed and was deleted.
    Deleted,
    /// It was never created.
    NeverMade,
}

impl IntentionOutcome {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Deleted => "deleted",
            Self::NeverMade => "never_made",
        }
    }
}

/// One intention whose outcome is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intention {
    /// Its id.
    pub id: i64,
    /// The run it belongs to.
    pub run_id: RunId,
    /// What was to be created.
    pub kind: RemoteKind,
    /// Under which name.
    pub name: String,
    /// Meta's id, once the reply arrived or recovery found it.
    pub remote_id: Option<String>,
    /// When it was stored, just before the call.
    pub created_at: DateTime<Utc>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_intentions)]
struct IntentionRow {
    id: i64,
    sync_run_id: i64,
    kind: String,
    name: String,
    remote_id: Option<String>,
    created_at: NaiveDateTime,
}

impl TryFrom<IntentionRow> for Intention {
    type Error = StoreError;

    fn try_from(row: IntentionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            run_id: RunId(row.sync_run_id),
            kind: word("kind of an intention", &row.kind)?,
            name: row.name,
            remote_id: row.remote_id,
            created_at: row.created_at.and_utc(),
        })
    }
}

impl Store {
    /// Stores an intention and returns its id. On disk, power cuts included, when this returns. Repeating stores a
    /// second one, which recovery closes as never made.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run.
    pub fn intention_create(&self, run: RunId, kind: RemoteKind, name: &str) -> Result<i64, StoreError> {
        self.write_referring("note what is about to be created", ("run", run.0), |connection| {
            diesel::insert_into(sync_intentions::table)
                .values((
                    sync_intentions::sync_run_id.eq(run.0),
                    sync_intentions::kind.eq(kind.as_str()),
                    sync_intentions::name.eq(storable(name)),
                    sync_intentions::created_at.eq(self.now_naive()),
                ))
                .returning(sync_intentions::id)
                .get_result(connection)
        })
    }

    /// Records Meta's id of what was created. Repeating overwrites.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such intention.
    pub fn intention_set_remote(&self, id: i64, remote_id: &str) -> Result<(), StoreError> {
        self.change("note what was created", ("intention", id), |connection| {
            diesel::update(sync_intentions::table.find(id))
                .set(sync_intentions::remote_id.eq(storable(remote_id)))
                .execute(connection)
        })
    }

    /// Records what became of an intention; recovery does not look at it any more. A later word replaces an earlier one:
    /// what was kept may be deleted by a clean-up.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such intention.
    pub fn intention_close(&self, id: i64, outcome: IntentionOutcome) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.change("note what became of an intention", ("intention", id), |connection| {
            diesel::update(sync_intentions::table.find(id))
                .set((sync_intentions::closed_at.eq(now), sync_intentions::outcome.eq(outcome.as_str())))
                .execute(connection)
        })
    }

    /// Every intention that is not closed, of all runs, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored word means nothing to this program.
    pub fn intentions_open(&self) -> Result<Vec<Intention>, StoreError> {
        let rows: Vec<IntentionRow> = self.read("find what may be left at Meta", |connection| {
            sync_intentions::table
                .filter(sync_intentions::closed_at.is_null())
                .order(sync_intentions::id)
                .select(IntentionRow::as_select())
                .load(connection)
        })?;
        rows.into_iter().map(Intention::try_from).collect()
    }
}
