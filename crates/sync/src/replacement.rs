//! Replacing all members of an audience in one session.
//!
//! Meta empties the audience with the first batch, so a replacement is begun only when everything needed to finish it is
//! safe on disk, and once Meta can have taken that batch it is finished: by the run itself, or after a crash, a failure or a
//! cancellation by whoever holds the lease next. The rules of the session are Meta's:
//! <https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/usersreplace>

use crate::delivery::Delivery;
use crate::error::RunError;
use crate::membership::{Batch, Membership};
use crate::upload::{Adding, Delivered, LONGEST_SESSION, new_session_id, with_batches};
use domain::error_chain::Chain;
use domain::run::Step;
use meta::{MetaError, ReplaceRefusal, UploadBatch};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Times a replacement is begun anew because Meta did not know its session or failed half-way.
const BEGINNINGS: u32 = 3;

/// Where a replacement begins.
#[derive(Clone, Copy)]
pub(crate) enum Start {
    /// With the first batch, which opens the session and empties the audience.
    Anew,
    /// In a session that was opened before, perhaps: the first batch may never have arrived.
    Within {
        /// The session.
        session_id: u64,
        /// How long ago it was opened.
        age: Duration,
    },
}

/// How a replacement ended.
pub(crate) enum Replaced {
    /// The audience holds the membership.
    Whole(Delivered),
    /// Meta does not replace the members of this audience; nothing was changed.
    NotPossible,
}

/// How one session ended.
enum SessionEnd {
    Whole(Delivered),
    NotPossible,
    /// Nothing of it counts, or only a part: the whole list is sent again in a new session.
    Again(MetaError),
}

/// Replaces the members of one audience.
pub(crate) struct Replacing<'a> {
    pub(crate) delivery: &'a Delivery<'a>,
    pub(crate) audience_id: &'a str,
    pub(crate) membership: &'a Membership<'a>,
    /// Rows of the membership.
    pub(crate) total: u64,
}

impl Replacing<'_> {
    /// Replaces the members. Nothing else may add or remove members of the audience meanwhile. What ended before Meta can
    /// have taken anything of it is not finished by anybody: the audience is as it was.
    pub(crate) fn run(&self, start: Start) -> Result<Replaced, RunError> {
        // Another replacement of the audience that was cut short is given up for this one, which has to be finished then.
        let changed = Cell::new(matches!(start, Start::Within { .. }) || self.is_being_replaced()?);
        let replaced = self.sessions(start, &changed);
        if replaced.is_err() && !changed.get() {
            self.forget();
        }
        replaced
    }

    fn is_being_replaced(&self) -> Result<bool, RunError> {
        let open = self.delivery.service.parts.store.replacements_open()?;
        Ok(open.iter().any(|open| open.audience_id == self.audience_id))
    }

    /// If this fails, the replacement is finished after all.
    fn forget(&self) {
        match self.delivery.service.parts.store.replacement_closed(self.delivery.progress.run) {
            Ok(()) => self.membership.spool.release(),
            Err(error) => {
                log::error!("a replacement of which nothing was sent is left open: {}", Chain(&error));
            }
        }
    }

    /// `changed` is set as soon as the audience may be another than before.
    fn sessions(&self, mut start: Start, changed: &Cell<bool>) -> Result<Replaced, RunError> {
        let mut beginnings = 0;
        loop {
            beginnings += 1;
            match self.one_session(start, changed)? {
                SessionEnd::Whole(delivered) => return Ok(Replaced::Whole(delivered)),
                SessionEnd::NotPossible => return Ok(Replaced::NotPossible),
                SessionEnd::Again(error) if beginnings > BEGINNINGS => return Err(RunError::edge(error)),
                SessionEnd::Again(error) => {
                    log::warn!("the replacement is begun anew: {error}");
                    self.delivery.wait_until_settled(self.audience_id, false)?;
                    start = Start::Anew;
                }
            }
        }
    }

    fn one_session(&self, start: Start, changed: &Cell<bool>) -> Result<SessionEnd, RunError> {
        let store = &self.delivery.service.parts.store;
        let (session_id, age, next_seq) = match start {
            Start::Anew => (new_session_id(), Duration::ZERO, 1),
            // Batches after the first may repeat rows, so the whole list is sent within the session.
            Start::Within { session_id, age } => (session_id, age, 2),
        };
        if matches!(start, Start::Anew) {
            // From here on whoever finds this record finishes the replacement.
            self.membership.write_plan()?;
            self.membership.spool.keep();
            store.replacement_opened(self.delivery.progress.run, self.audience_id, session_id, self.total)?;
        }
        // What the session received before is not known here, but counted by Meta.
        let resent = if next_seq == 1 { 0 } else { self.total };
        let delivered = Delivered { resent, ..Delivered::default() };
        let session = Session { id: session_id, opened: Instant::now(), age, next_seq, changed, delivered };
        with_batches(self.membership, |_| true, |batches| self.send(session, batches))
    }

    fn send(
        &self,
        mut session: Session<'_>,
        batches: &mut dyn Iterator<Item = Batch>,
    ) -> Result<SessionEnd, RunError> {
        while let Some(batch) = batches.next() {
            self.delivery.cancel.check()?;
            // A session that runs out of time is closed with this batch; the others are added afterwards.
            let closes = batch.last || session.is_old();
            match self.send_batch(&mut session, &batch, closes)? {
                Sent::Taken if closes && !batch.last => {
                    return self.add_rest(session.finish(), batches).map(SessionEnd::Whole);
                }
                Sent::Taken => {}
                Sent::SessionOver => {
                    let rest = &mut std::iter::once(batch).chain(batches);
                    return self.add_rest(session.finish(), rest).map(SessionEnd::Whole);
                }
                Sent::Again(error) => return Ok(SessionEnd::Again(error)),
                Sent::NotPossible => return Ok(SessionEnd::NotPossible),
            }
        }
        Ok(SessionEnd::Whole(session.finish()))
    }

    /// Batches go one after the other: Meta allows one replacement at a time, and the first must come first.
    fn send_batch(&self, session: &mut Session<'_>, batch: &Batch, closes: bool) -> Result<Sent, RunError> {
        let meta = &self.delivery.service.parts.meta;
        let rows = batch.rows.len() as u64;
        loop {
            let upload = UploadBatch {
                session_id: session.id,
                batch_seq: session.next_seq,
                last: closes,
                estimated_total: self.total,
                rows: &batch.rows,
            };
            let result = meta.replace_users(self.audience_id, &upload, self.delivery.cancel);
            session
                .changed
                .set(session.changed.get() || result.as_ref().map_or_else(may_have_changed, |_| true));
            let error = match result {
                Ok(receipt) => {
                    session.next_seq += 1;
                    let is_old = session.is_old();
                    let delivered = &mut session.delivered;
                    delivered.resent += receipt.resent_rows;
                    // Rows that were sent twice must not hide others that were left out.
                    let is_taken = receipt.num_received >= delivered.received + rows;
                    delivered.received = delivered.received.max(receipt.num_received);
                    if !is_taken && (closes || is_old) {
                        delivered.resent += rows;
                        return Ok(Sent::SessionOver);
                    }
                    if !is_taken {
                        let Delivered { rows: before, resent, received, .. } = *delivered;
                        return Err(RunError::RowsLost { sent: before + rows, resent, received });
                    }
                    delivered.rows += rows;
                    let before = if receipt.from_session { 0 } else { delivered.invalid };
                    delivered.invalid = before + receipt.num_invalid_entries;
                    delivered.keep_samples(batch, receipt.samples);
                    self.delivery.progress.advance(Step::Upload, delivered.rows, Some(self.total))?;
                    return Ok(Sent::Taken);
                }
                Err(error) => error,
            };
            let opens = session.next_seq == 1;
            match (error.replace_refusal(), &error) {
                // Batch 1 must not be sent twice. As batch 2 the same rows do no harm if it arrived, and if it did not,
                // Meta says that the session is not open.
                (_, MetaError::ReplyLost { .. }) if opens => {
                    session.next_seq = 2;
                    session.delivered.resent += rows;
                }
                (Some(ReplaceRefusal::InProgress), _) if opens => {
                    self.delivery.wait_until_settled(self.audience_id, false)?;
                    return Ok(Sent::Again(error));
                }
                (Some(ReplaceRefusal::TooLarge | ReplaceRefusal::NotPossible), _) if opens => {
                    return Ok(Sent::NotPossible);
                }
                (Some(ReplaceRefusal::TimedOut | ReplaceRefusal::Finished), _) => {
                    return Ok(Sent::SessionOver);
                }
                (Some(ReplaceRefusal::NotOpened | ReplaceRefusal::WentWrong), _) => {
                    return Ok(Sent::Again(error));
                }
                _ => return Err(RunError::edge(error)),
            }
        }
    }

    /// The session is over and the audience holds what arrived: the rest is added.
    fn add_rest(
        &self,
        delivered: Delivered,
        batches: &mut dyn Iterator<Item = Batch>,
    ) -> Result<Delivered, RunError> {
        log::warn!("the replace session is over: the remaining rows are added");
        self.delivery.wait_until_settled(self.audience_id, false)?;
        Adding::new(self.delivery, self.audience_id, self.total, delivered).add_all(batches)
    }
}

/// Whether the audience may be another than before the first batch, which ended so. Every other refusal comes before the
/// work.
fn may_have_changed(error: &MetaError) -> bool {
    match error.replace_refusal() {
        None => matches!(error, MetaError::ReplyLost { .. }),
        Some(refusal) => !matches!(
            refusal,
            ReplaceRefusal::InProgress | ReplaceRefusal::TooLarge | ReplaceRefusal::NotPossible
        ),
    }
}

/// What became of a batch.
enum Sent {
    Taken,
    /// Meta takes nothing more in this session.
    SessionOver,
    NotPossible,
    Again(MetaError),
}

/// A replace session.
struct Session<'a> {
    id: u64,
    opened: Instant,
    /// When this process came to it.
    age: Duration,
    next_seq: u32,
    /// See [`Replacing::sessions`].
    changed: &'a Cell<bool>,
    delivered: Delivered,
}

impl Session<'_> {
    fn is_old(&self) -> bool {
        self.age + self.opened.elapsed() > LONGEST_SESSION
    }

    fn finish(mut self) -> Delivered {
        self.delivered.sessions.push(self.id);
        self.delivered
    }
}
