//! The mail outbox: a mail leaves it only when the server took it, or after a counted last attempt. At least once.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::schema::mail_outbox;
use crate::store::Store;
use crate::text::storable;
use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::prelude::*;
use domain::RunId;

/// A mail that is to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMail {
    /// Its id.
    pub id: i64,
    /// The run it tells about.
    pub run_id: RunId,
    /// Which mail of the run.
    pub kind: String,
    /// The `Message-ID`, the same in every attempt, so that a mailbox shows a mail sent twice once.
    pub message_id: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: DateTime<Utc>,
}

/// How a mail stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailState {
    /// Its id.
    pub id: i64,
    /// Which mail of the run.
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
    /// What went wrong last; kept after a later success.
    pub last_error: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = mail_outbox)]
struct MailRow {
    id: i64,
    sync_run_id: i64,
    kind: String,
    message_id: String,
    attempts: i32,
    queued_at: NaiveDateTime,
    next_attempt_at: NaiveDateTime,
    sent_at: Option<NaiveDateTime>,
    given_up_at: Option<NaiveDateTime>,
    last_error: Option<String>,
}

impl MailRow {
    fn attempts(&self) -> Result<u32, StoreError> {
        u32::try_from(self.attempts).map_err(StoreError::corrupt("number of attempts"))
    }
}

impl Store {
    /// Queues a mail of a run, due at once, and returns its id. A run has one mail of each kind: repeating changes
    /// nothing and returns the id of the first, whose `message_id` stays.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run.
    pub fn mail_queue(&self, run: RunId, kind: &str, message_id: &str) -> Result<i64, StoreError> {
        let now = self.now_naive();
        self.write_referring("queue a mail", ("run", run.0), |connection| {
            let row = (
                mail_outbox::sync_run_id.eq(run.0),
                mail_outbox::kind.eq(storable(kind)),
                mail_outbox::message_id.eq(storable(message_id)),
                mail_outbox::queued_at.eq(now),
                mail_outbox::next_attempt_at.eq(now),
            );
            on_backend!(connection, inner => diesel::insert_into(mail_outbox::table)
                .values(row)
                .on_conflict((mail_outbox::sync_run_id, mail_outbox::kind))
                .do_nothing()
                .execute(inner))?;
            mail_outbox::table
                .filter(mail_outbox::sync_run_id.eq(run.0))
                .filter(mail_outbox::kind.eq(storable(kind)))
                .select(mail_outbox::id)
                .first(connection)
        })
    }

    /// Every mail to be sent now, oldest first. Two processes that ask at once get the same mails.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn mail_due(&self) -> Result<Vec<QueuedMail>, StoreError> {
        let now = self.now_naive();
        let rows: Vec<MailRow> = self.read("find mails to send", |connection| {
            mail_outbox::table
                .filter(mail_outbox::sent_at.is_null())
                .filter(mail_outbox::given_up_at.is_null())
                .filter(mail_outbox::next_attempt_at.le(now))
                .order(mail_outbox::id)
                .select(MailRow::as_select())
                .load(connection)
        })?;
        rows.into_iter()
            .map(|row| {
                Ok(QueuedMail {
                    id: row.id,
                    run_id: RunId(row.sync_run_id),
                    attempts: row.attempts()?,
                    kind: row.kind,
                    message_id: row.message_id,
                    queued_at: row.queued_at.and_utc(),
                })
            })
            .collect()
    }

    /// Records that the server took a mail now. Repeating keeps the first time.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such mail.
    pub fn mail_sent(&self, id: i64) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.change("record a sent mail", ("mail", id), |connection| {
            diesel::update(mail_outbox::table.find(id).filter(mail_outbox::sent_at.is_null()))
                .set((mail_outbox::sent_at.eq(now), mail_outbox::attempts.eq(mail_outbox::attempts + 1)))
                .execute(connection)?;
            mail_outbox::table
                .find(id)
                .count()
                .get_result::<i64>(connection)
                .map(|found| usize::from(found > 0))
        })
    }

    /// Counts a failed attempt and sets when to try again. `error` is a sentence without personal data.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such mail.
    pub fn mail_failed(&self, id: i64, error: &str, next_attempt: DateTime<Utc>) -> Result<(), StoreError> {
        self.change("record a failed mail", ("mail", id), |connection| {
            diesel::update(mail_outbox::table.find(id))
                .set((
                    mail_outbox::attempts.eq(mail_outbox::attempts + 1),
                    mail_outbox::last_error.eq(storable(error)),
                    mail_outbox::next_attempt_at.eq(next_attempt.trunc_subsecs(6).naive_utc()),
                ))
                .execute(connection)
        })
    }

    /// Counts the last failed attempt: the mail is not tried again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such mail.
    pub fn mail_give_up(&self, id: i64, error: &str) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.change("give a mail up", ("mail", id), |connection| {
            diesel::update(mail_outbox::table.find(id))
                .set((
                    mail_outbox::attempts.eq(mail_outbox::attempts + 1),
                    mail_outbox::last_error.eq(storable(error)),
                    mail_outbox::given_up_at.eq(now),
                ))
                .execute(connection)
        })
    }

    /// Every mail of a run, in the order they were queued.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn mail_of_run(&self, run: RunId) -> Result<Vec<MailState>, StoreError> {
        let rows: Vec<MailRow> = self.read("load the mails of a run", |connection| {
            mail_outbox::table
                .filter(mail_outbox::sync_run_id.eq(run.0))
                .order(mail_outbox::id)
                .select(MailRow::as_select())
                .load(connection)
        })?;
        rows.into_iter()
            .map(|row| {
                Ok(MailState {
                    id: row.id,
                    attempts: row.attempts()?,
                    kind: row.kind,
                    message_id: row.message_id,
                    queued_at: row.queued_at.and_utc(),
                    next_attempt_at: row.next_attempt_at.and_utc(),
                    sent_at: row.sent_at.map(|at| at.and_utc()),
                    given_up_at: row.given_up_at.map(|at| at.and_utc()),
                    last_error: row.last_error,
                })
            })
            .collect()
    }
}
