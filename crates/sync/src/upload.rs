//! Adding rows to an audience: sessions, several batches in flight, and what Meta answers to them.

use crate::delivery::Delivery;
use crate::error::RunError;
use crate::membership::{Batch, Member, Membership, Owner};
use domain::log_context;
use domain::run::Step;
use meta::{InvalidSample, MetaError, ReplaceRefusal, UploadBatch, UploadReceipt};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

/// Batches encoded ahead of those in flight.
const BATCHES_AHEAD: usize = 2;
/// Meta ends a session 90 minutes after its first batch: what comes later it drops without a word, or refuses when members
/// are replaced. A session is closed well before that, and what is left is added in another one.
pub(crate) const LONGEST_SESSION: Duration = Duration::from_secs(75 * 60);

/// What Meta took of a delivery.
#[derive(Default)]
pub(crate) struct Delivered {
    /// Rows it was sent, each counted once.
    pub(crate) rows: u64,
    /// Rows it may have received once more, after a lost reply or a session that ended too early.
    pub(crate) resent: u64,
    /// Rows it says it received.
    pub(crate) received: u64,
    /// Rows it calls invalid.
    pub(crate) invalid: u64,
    /// Rows it was asked to remove.
    pub(crate) removed: u64,
    /// The sessions, in order.
    pub(crate) sessions: Vec<u64>,
    /// Which rows it calls invalid, as far as it names them.
    pub(crate) samples: Vec<Sample>,
}

/// A row that Meta names as invalid.
pub(crate) struct Sample {
    /// As Meta names it: hashed, and still personal data.
    pub(crate) row: String,
    /// Whose it is, when Meta names rows by their number in the batch.
    pub(crate) owner: Option<Owner>,
    /// Meta's words.
    pub(crate) reason: String,
}

impl Delivered {
    /// The bounds between which Meta's count of received rows must lie: every row, and at most every row that was sent
    /// again besides.
    pub(crate) fn check(&self) -> Result<(), RunError> {
        let Self { rows, resent, received, .. } = *self;
        let complete = received >= rows && received <= rows + resent;
        if complete { Ok(()) } else { Err(RunError::RowsLost { sent: rows, resent, received }) }
    }

    /// The same, and that nothing was left out on the way to Meta.
    pub(crate) fn check_whole(&self, total: u64) -> Result<(), RunError> {
        if self.rows != total {
            return Err(RunError::RowsLost { sent: total, resent: self.resent, received: self.received });
        }
        self.check()
    }

    /// The one session that holds every row, whose count of matched people is that of the audience.
    pub(crate) fn only_session(&self) -> Option<u64> {
        match self.sessions.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    pub(crate) fn keep_samples(&mut self, batch: &Batch, samples: Vec<InvalidSample>) {
        self.samples.extend(samples.into_iter().map(|sample| Sample {
            owner: sample.number.and_then(|number| batch.owners.get(number).copied()),
            row: sample.row,
            reason: sample.reason,
        }));
    }
}

/// A session id that nobody has used in the ad account: positive and below 2^53, so that no JSON reader on the way
/// rounds it.
pub(crate) fn new_session_id() -> u64 {
    (uuid::Uuid::new_v4().as_u64_pair().0 >> 11).max(1)
}

/// Runs `work` over the batches of the wanted rows, which a thread of its own encodes meanwhile.
pub(crate) fn with_batches<T>(
    membership: &Membership<'_>,
    wanted: impl FnMut(&Member) -> bool + Send,
    work: impl FnOnce(&mut dyn Iterator<Item = Batch>) -> Result<T, RunError>,
) -> Result<T, RunError> {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel(BATCHES_AHEAD);
        let context = log_context::current();
        let encoding = scope.spawn(move || {
            let _context = log_context::enter(context);
            membership.encode(wanted, &send)
        });
        let batches: Receiver<Batch> = receive;
        let worked = work(&mut batches.into_iter());
        // The encoder ends because it has finished or because nobody takes its batches any more.
        encoding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        worked
    })
}

/// Adds batches to one audience.
pub(crate) struct Adding<'a> {
    delivery: &'a Delivery<'a>,
    audience_id: &'a str,
    /// Rows of the whole delivery, as Meta is told.
    estimated_total: u64,
    session: Option<Session>,
    pub(crate) delivered: Delivered,
}

/// A session that is open.
struct Session {
    id: u64,
    opened: Instant,
    next_seq: u32,
    /// Rows Meta says it received so far, some of them perhaps twice.
    received: u64,
    invalid: u64,
}

impl Session {
    fn open() -> Self {
        Self { id: new_session_id(), opened: Instant::now(), next_seq: 1, received: 0, invalid: 0 }
    }

    fn is_old(&self) -> bool {
        self.opened.elapsed() > LONGEST_SESSION
    }
}

/// Why a group of batches was not taken.
enum NotTaken {
    /// Meta has closed the session; nothing of the group counts.
    SessionOver,
    Failed(RunError),
}

impl<'a> Adding<'a> {
    /// `delivered` holds what was delivered before in another way.
    pub(crate) fn new(
        delivery: &'a Delivery<'a>,
        audience_id: &'a str,
        estimated_total: u64,
        delivered: Delivered,
    ) -> Self {
        Self { delivery, audience_id, estimated_total, session: None, delivered }
    }

    /// Adds every batch. Adding is idempotent at Meta, so whatever is in doubt is sent again. Several batches are in flight
    /// where Meta's limits allow it, but the last one goes alone: it closes the session.
    pub(crate) fn add_all(mut self, batches: &mut dyn Iterator<Item = Batch>) -> Result<Delivered, RunError> {
        let mut group = Vec::new();
        for batch in batches {
            self.delivery.cancel.check()?;
            let is_last = batch.last;
            if is_last {
                self.add_group(&std::mem::take(&mut group), false)?;
            }
            group.push(batch);
            if is_last || group.len() >= self.delivery.service.parts.meta.uploads_in_flight() {
                self.add_group(&std::mem::take(&mut group), is_last)?;
            }
        }
        self.end_session();
        Ok(self.delivered)
    }

    fn add_group(&mut self, group: &[Batch], closes: bool) -> Result<(), RunError> {
        let is_old = self.session.as_ref().is_some_and(Session::is_old);
        match group.split_first() {
            None => Ok(()),
            Some((first, rest)) if is_old && !closes => {
                self.add_surely(std::slice::from_ref(first), true)?;
                self.add_surely(rest, false)
            }
            Some(_) => self.add_surely(group, closes),
        }
    }

    /// Sends a group, and once more in a new session when Meta had closed the one it was sent in.
    fn add_surely(&mut self, group: &[Batch], closes: bool) -> Result<(), RunError> {
        let rows: u64 = group.iter().map(|batch| batch.rows.len() as u64).sum();
        if rows == 0 {
            return Ok(());
        }
        match self.add_once(group, rows, closes) {
            Err(NotTaken::SessionOver) => {
                log::warn!("Meta has closed the upload session: {rows} rows are sent again in a new one");
                self.end_session();
                self.delivered.resent += rows;
                self.add_once(group, rows, closes).map_err(|not_taken| match not_taken {
                    NotTaken::Failed(error) => error,
                    NotTaken::SessionOver => RunError::RowsLost {
                        sent: self.delivered.rows + rows,
                        resent: self.delivered.resent,
                        received: self.delivered.received,
                    },
                })?;
            }
            Err(NotTaken::Failed(error)) => return Err(error),
            Ok(()) => {}
        }
        if closes {
            self.end_session();
        }
        self.delivered.rows += rows;
        let total = Some(self.estimated_total.max(self.delivered.rows));
        self.delivery.progress.advance(Step::Upload, self.delivered.rows, total)
    }

    fn add_once(&mut self, group: &[Batch], rows: u64, closes: bool) -> Result<(), NotTaken> {
        let session = self.session.get_or_insert_with(Session::open);
        let seqs = session.next_seq..;
        session.next_seq += u32::try_from(group.len()).unwrap_or(u32::MAX);
        let (id, estimated_total) = (session.id, self.estimated_total);
        let upload = |batch_seq, batch: &Batch| {
            let batch =
                UploadBatch { session_id: id, batch_seq, last: closes, estimated_total, rows: &batch.rows };
            self.delivery.while_replacing(self.audience_id, || {
                self.delivery.service.parts.meta.add_users(self.audience_id, &batch, self.delivery.cancel)
            })
        };
        let receipts = in_parallel(seqs.zip(group), |(seq, batch)| upload(seq, batch));
        let mut taken: Vec<UploadReceipt> = Vec::with_capacity(group.len());
        for receipt in receipts {
            match receipt {
                Ok(receipt) => taken.push(receipt),
                Err(error) if session_is_over(&error) => return Err(NotTaken::SessionOver),
                Err(error) => return Err(NotTaken::Failed(RunError::edge(error))),
            }
        }
        // Each reply counts the session so far, and the replies of a group come in any order.
        let received = taken.iter().map(|receipt| receipt.num_received).max().unwrap_or_default();
        let resent: u64 = taken.iter().map(|receipt| receipt.resent_rows).sum();
        // What was sent again is counted twice for good, so a count tells only by how much it has grown. Within a group it
        // may still hide a batch that came too late, which can be where the session has grown old meanwhile.
        let in_doubt = resent > 0 && group.len() > 1 && session.is_old();
        let are_taken = received >= session.received + rows && !in_doubt;
        session.received = session.received.max(received);
        self.delivered.resent += resent;
        if !are_taken {
            return Err(NotTaken::SessionOver);
        }
        for (batch, receipt) in group.iter().zip(taken) {
            let before = if receipt.from_session { 0 } else { session.invalid };
            session.invalid = before + receipt.num_invalid_entries;
            self.delivered.keep_samples(batch, receipt.samples);
        }
        Ok(())
    }

    /// Adds the figures of the session to those of the delivery; the next batch opens another one.
    fn end_session(&mut self) {
        if let Some(session) = self.session.take() {
            self.delivered.received += session.received;
            self.delivered.invalid += session.invalid;
            self.delivered.sessions.push(session.id);
        }
    }
}

/// "This session is finished": Meta says it of a session that was closed or has run out of time.
fn session_is_over(error: &MetaError) -> bool {
    matches!(error.replace_refusal(), Some(ReplaceRefusal::Finished | ReplaceRefusal::TimedOut))
}

/// Does the work for every item at once, each in a thread of its own, and returns the results in order.
fn in_parallel<I, T: Send>(
    items: impl Iterator<Item = I>,
    work: impl Fn(I) -> Result<T, MetaError> + Sync,
) -> Vec<Result<T, MetaError>>
where
    I: Send,
{
    let context = log_context::current();
    std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = items
            .map(|item| {
                scope.spawn(move || {
                    let _context = log_context::enter(context);
                    work(item)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
