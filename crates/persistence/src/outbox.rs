//! The outbox: what people are told, by e-mail or webhook. A message leaves it only when its server took it, or after a
//! counted last attempt. At least once.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::run_rows::word;
use crate::schema::outbox;
use crate::store::Store;
use crate::text::storable;
use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use diesel::prelude::*;
use domain::RunId;
use domain::run::Channel;

/// A message that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// Its id.
    pub id: i64,
    /// The run it tells about; `None` when it is about the installation.
    pub run_id: Option<RunId>,
    /// By which way it goes.
    pub channel: Channel,
    /// What it tells, of the run or of the installation.
    pub kind: String,
    /// The `Message-ID`, the same in every attempt, so that a mailbox shows a mail sent twice once.
    pub message_id: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
}

/// How a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageState {
    /// Its id.
    pub id: i64,
    /// By which way it goes.
    pub channel: Channel,
    /// What it tells of the run.
    pub kind: String,
    /// The `Message-ID`.
    pub message_id: String,
    /// Attempts so far, the successful one included.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
    /// When it is tried next, unless it was sent or given up.
    pub next_attempt_at: DateTime<Utc>,
    /// When the server took it.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub given_up_at: Option<DateTime<Utc>>,
    /// What went wrong last; of a message that was sent, what is to be said of that, if anything.
    pub last_error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct MessageRow {
    id: i64,
    sync_run_id: Option<i64>,
    channel: String,
    kind: String,
    message_id: String,
    attempts: i32,
    queued_at: NaiveDateTime,
    next_attempt_at: NaiveDateTime,
    sent_at: Option<NaiveDateTime>,
    given_up_at: Option<NaiveDateTime>,
    last_error: Option<String>,
}

impl MessageRow {
    fn channel(&self) -> Result<Channel, StoreError> {
        word("channel of a message", &self.channel)
    }

    fn attempts(&self) -> Result<u32, StoreError> {
        u32::try_from(self.attempts).map_err(StoreError::corrupt("number of attempts"))
    }

    fn into_state(self) -> Result<MessageState, StoreError> {
        Ok(MessageState {
            id: self.id,
            channel: self.channel()?,
            attempts: self.attempts()?,
            kind: self.kind,
            message_id: self.message_id,
            queued_at: self.queued_at.and_utc(),
            next_attempt_at: self.next_attempt_at.and_utc(),
            sent_at: self.sent_at.map(|at| at.and_utc()),
            given_up_at: self.given_up_at.map(|at| at.and_utc()),
            last_error: self.last_error,
        })
    }
}

/// No message waits longer for its next attempt.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(1);

impl Store {
    /// Queues a message, due at once. A run has one of each kind on each channel, and so has the installation (`None`):
    /// repeating changes nothing, and the first one's `message_id` stays. Returns whether it is new.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run.
    pub fn outbox_add(
        &self,
        about: Option<RunId>,
        channel: Channel,
        kind: &str,
        message_id: &str,
    ) -> Result<bool, StoreError> {
        let now = self.now_naive();
        let run = about.map(|run| run.0);
        let added = self.write_referring("queue a message", ("run", run.unwrap_or(0)), |connection| {
            let row = (
                outbox::sync_run_id.eq(run),
                outbox::channel.eq(channel.as_str()),
                outbox::kind.eq(storable(kind)),
                outbox::message_id.eq(storable(message_id)),
                outbox::queued_at.eq(now),
                outbox::next_attempt_at.eq(now),
            );
            on_backend!(connection, inner => diesel::insert_into(outbox::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(inner))
        })?;
        Ok(added == 1)
    }

    /// Every message to be sent now, oldest first. One that is to be tried more than a day from now is tried at once: nobody
    /// waits that long, so the clock was put back since. Two processes that ask at once get the same messages.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn outbox_due(&self) -> Result<Vec<QueuedMessage>, StoreError> {
        let now = self.now_naive();
        let due = outbox::next_attempt_at.le(now).or(outbox::next_attempt_at.gt(now + LONGEST_WAIT));
        let rows: Vec<MessageRow> = self.read("find messages to send", |connection| {
            outbox::table
                .filter(outbox::sent_at.is_null())
                .filter(outbox::given_up_at.is_null())
                .filter(due)
                .order(outbox::id)
                .select(MessageRow::as_select())
                .load(connection)
        })?;
        rows.into_iter()
            .map(|row| {
                Ok(QueuedMessage {
                    id: row.id,
                    run_id: row.sync_run_id.map(RunId),
                    channel: row.channel()?,
                    attempts: row.attempts()?,
                    kind: row.kind,
                    message_id: row.message_id,
                    queued_at: row.queued_at.and_utc(),
                })
            })
            .collect()
    }

    /// Records that the server took a message now, with a `remark` on it (a few words without personal data) instead of
    /// what an earlier attempt failed by. Repeating keeps the first time.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such message.
    pub fn outbox_sent(&self, id: i64, remark: Option<&str>) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.change("record a sent message", ("message", id), |connection| {
            diesel::update(outbox::table.find(id).filter(outbox::sent_at.is_null()))
                .set((
                    outbox::sent_at.eq(now),
                    outbox::attempts.eq(outbox::attempts + 1),
                    outbox::last_error.eq(remark),
                ))
                .execute(connection)?;
            outbox::table.find(id).count().get_result::<i64>(connection).map(|found| usize::from(found > 0))
        })
    }

    /// Counts a failed attempt and sets when to try again. `error` is a sentence without personal data.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such message.
    pub fn outbox_failed(&self, id: i64, error: &str, next_attempt: DateTime<Utc>) -> Result<(), StoreError> {
        self.change("record a failed message", ("message", id), |connection| {
            diesel::update(outbox::table.find(id))
                .set((
                    outbox::attempts.eq(outbox::attempts + 1),
                    outbox::last_error.eq(storable(error)),
                    outbox::next_attempt_at.eq(next_attempt.trunc_subsecs(6).naive_utc()),
                ))
                .execute(connection)
        })
    }

    /// Counts the last failed attempt: the message is not tried again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such message.
    pub fn outbox_give_up(&self, id: i64, error: &str) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.change("give a message up", ("message", id), |connection| {
            diesel::update(outbox::table.find(id))
                .set((
                    outbox::attempts.eq(outbox::attempts + 1),
                    outbox::last_error.eq(storable(error)),
                    outbox::given_up_at.eq(now),
                ))
                .execute(connection)
        })
    }

    /// Every message about a run, in the order they were queued.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn outbox_of_run(&self, run: RunId) -> Result<Vec<MessageState>, StoreError> {
        let rows: Vec<MessageRow> = self.read("load the messages about a run", |connection| {
            outbox::table
                .filter(outbox::sync_run_id.eq(run.0))
                .order(outbox::id)
                .select(MessageRow::as_select())
                .load(connection)
        })?;
        rows.into_iter().map(MessageRow::into_state).collect()
    }

    /// How the newest message of a channel stands, and so whether the channel works.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn outbox_newest(&self, channel: Channel) -> Result<Option<MessageState>, StoreError> {
        let row: Option<MessageRow> = self.read("load the newest message", |connection| {
            outbox::table
                .filter(outbox::channel.eq(channel.as_str()))
                .order(outbox::id.desc())
                .select(MessageRow::as_select())
                .first(connection)
                .optional()
        })?;
        row.map(MessageRow::into_state).transpose()
    }
}
