//! What happens at Meta: create the audience, upload the rows, wait until they are matched, create the lookalikes.
//!
//! The intention to create something is stored before the call; a lost reply or a crash is healed by looking the thing
//! up under its name and our tag instead of making it twice.

use crate::account::Account;
use crate::error::RunError;
use crate::progress::Progress;
use crate::service::SyncService;
use crate::spool::Spool;
use domain::accounting::Bucket;
use domain::log_context;
use domain::percentile::Sketch;
use domain::run::{Lookalike, LookalikeStatus, Matched, RemoteAudience, Step};
use domain::{Cancel, Percentile};
use match_keys::{Columns, Hex, Row};
use meta::{
    AudienceState, LookalikeOutcome, MemberValue, MetaError, NewCustomAudience, NewLookalike, UploadBatch,
    UploadReceipt, UserRows,
};
use persistence::{IntentionOutcome, RemoteKind};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Tries to create an audience whose reply was lost and which was not made.
const CREATE_TRIES: u32 = 3;
/// Looks for an audience whose reply was lost, before it is made again.
const LOOK_UPS: u32 = 4;
const LOOK_UP_PAUSE: Duration = Duration::from_secs(2);
/// Audiences of one day: `-2`, `-3`, … up to this.
const AUDIENCES_PER_DAY: u32 = 99;
/// Batches encoded ahead of the one in flight.
const BATCHES_AHEAD: usize = 1;

/// What Meta took.
pub(crate) struct Uploaded {
    /// Names the upload at Meta.
    pub(crate) session_id: u64,
    /// Rows sent.
    pub(crate) sent: u64,
    /// Rows that Meta calls invalid.
    pub(crate) invalid: u64,
}

/// The work of one run at Meta.
pub(crate) struct Delivery<'a> {
    pub(crate) service: &'a SyncService,
    pub(crate) progress: &'a Progress<'a>,
    pub(crate) cancel: &'a Cancel,
}

impl Delivery<'_> {
    /// Creates the audience of today under a name that is still free.
    pub(crate) fn create_audience(&self) -> Result<RemoteAudience, RunError> {
        let parts = &self.service.parts;
        let date = parts.clock.now().with_timezone(&parts.settings.time_zone).format("%Y-%m-%d").to_string();
        let name = self.free_name(&format!("{}-{date}", parts.settings.audience_prefix))?;
        let description =
            format!("Synced from GHL Smart List on {date}. {}", self.service.tag(self.progress.run)?);
        let intention = parts.store.intention_create(self.progress.run, RemoteKind::Audience, &name)?;
        let id = self.create_or_find(&NewCustomAudience { name: name.clone(), description })?;
        parts.store.intention_set_remote(intention, &id)?;
        let audience = RemoteAudience { id, name };
        parts.store.run_set_audience(self.progress.run, &audience)?;
        Ok(audience)
    }

    fn free_name(&self, base: &str) -> Result<String, RunError> {
        for number in 1..AUDIENCES_PER_DAY {
            let name = if number == 1 { base.to_owned() } else { format!("{base}-{number}") };
            let taken =
                self.service.parts.meta.find_custom_audiences(&name, self.cancel).map_err(RunError::edge)?;
            if taken.is_empty() {
                return Ok(name);
            }
        }
        Ok(format!("{base}-{}", self.progress.run))
    }

    fn create_or_find(&self, new: &NewCustomAudience) -> Result<String, RunError> {
        let meta = &self.service.parts.meta;
        let mut tries = 0;
        loop {
            tries += 1;
            match meta.create_custom_audience(new, self.cancel) {
                Ok(id) => return Ok(id),
                Err(lost @ MetaError::ReplyLost { .. }) => {
                    log::warn!("the reply to the creation was lost: looking it up");
                    match self.look_up_for_a_while(&new.name)? {
                        Some(id) => return Ok(id),
                        None if tries < CREATE_TRIES => {}
                        None => return Err(RunError::edge(lost)),
                    }
                }
                Err(error) => return Err(RunError::edge(error)),
            }
        }
    }

    /// What was asked for a moment ago may still be being made: it is not made again before it had time to appear.
    fn look_up_for_a_while(&self, name: &str) -> Result<Option<String>, RunError> {
        for attempt in 1..=LOOK_UPS {
            let found = self.service.find_own_audiences(name, self.progress.run, self.cancel)?;
            if let Some(id) = found.into_iter().next() {
                return Ok(Some(id));
            }
            if attempt < LOOK_UPS {
                self.cancel.sleep(LOOK_UP_PAUSE)?;
            }
        }
        Ok(None)
    }

    /// Sends every contact of the `Sent` bucket in one session, the next batch being encoded while one is in flight.
    /// Adding is idempotent at Meta, so the client may resend a batch whose reply was lost.
    pub(crate) fn upload(
        &self,
        audience: &RemoteAudience,
        account: &Account,
        sketch: &Sketch,
        spool: &Spool,
    ) -> Result<Uploaded, RunError> {
        // Positive and below 2^53, so that no JSON reader on the way rounds it.
        let session_id = (uuid::Uuid::new_v4().as_u64_pair().0 >> 11).max(1);
        let total = account.counts.sent;
        let (mut sent, mut resent, mut invalid, mut received) = (0, 0, 0, 0);
        std::thread::scope(|scope| {
            let (send, batches) = mpsc::sync_channel(BATCHES_AHEAD);
            let context = log_context::current();
            let encoding = scope.spawn(move || {
                let _context = log_context::enter(context);
                encode_batches(account, sketch, spool, &send)
            });
            for (batch_seq, rows) in (1..).zip(batches) {
                self.cancel.check()?;
                let receipt = self.send_batch(audience, session_id, batch_seq, &rows, sent, total)?;
                sent += rows.len() as u64;
                resent += receipt.resent_rows;
                invalid = receipt.num_invalid_entries + if receipt.from_session { 0 } else { invalid };
                received = receipt.num_received;
                self.progress.advance(Step::Upload, sent, Some(total))?;
            }
            encoding.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        self.progress.complete(Step::Upload, sent)?;
        if sent != total || received < sent || received > sent + resent {
            return Err(RunError::RowsLost { sent: total, resent, received });
        }
        Ok(Uploaded { session_id, sent, invalid })
    }

    fn send_batch(
        &self,
        audience: &RemoteAudience,
        session_id: u64,
        batch_seq: u32,
        rows: &UserRows,
        sent_before: u64,
        total: u64,
    ) -> Result<UploadReceipt, RunError> {
        let last = sent_before + rows.len() as u64 >= total;
        let batch = UploadBatch { session_id, batch_seq, last, estimated_total: total, rows };
        self.service.parts.meta.add_users(&audience.id, &batch, self.cancel).map_err(RunError::edge)
    }

    /// Looks at the audience until Meta has matched the upload, or the time for it is over. What Meta did not report
    /// stays unknown.
    pub(crate) fn wait(
        &self,
        audience: &RemoteAudience,
        uploaded: &Uploaded,
    ) -> Result<(Matched, bool), RunError> {
        let parts = &self.service.parts;
        let begun = Instant::now();
        loop {
            // The session is read after the audience: what the audience's readiness promises is then in it.
            let state = parts.meta.audience(&audience.id, self.cancel).map_err(RunError::edge)?;
            refuse_unusable(&state)?;
            let session =
                parts.meta.session(&audience.id, uploaded.session_id, self.cancel).map_err(RunError::edge)?;
            let matched = Matched {
                exact: session.and_then(|session| session.num_matched),
                lower: state.lower,
                upper: state.upper,
            };
            parts.store.run_set_matched(self.progress.run, &matched)?;
            let ready = state.is_ready() && (matched.exact.is_some() || matched.lower.is_some());
            if ready || begun.elapsed() >= parts.settings.poll_timeout {
                return Ok((matched, ready));
            }
            self.cancel.sleep(parts.settings.poll_every)?;
        }
    }

    /// One lookalike per country and size. A seed that Meta has not matched yet leaves them pending for the follow-up.
    pub(crate) fn create_lookalikes(
        &self,
        seed: &RemoteAudience,
        ready: bool,
    ) -> Result<Vec<Lookalike>, RunError> {
        let parts = &self.service.parts;
        let mut lookalikes = self.planned(seed);
        parts.store.run_set_lookalikes(self.progress.run, &lookalikes)?;
        if !ready {
            return Ok(lookalikes);
        }
        for at in 0..lookalikes.len() {
            self.service.create_lookalike(self.progress.run, seed, &mut lookalikes[at], self.cancel)?;
            parts.store.run_set_lookalikes(self.progress.run, &lookalikes)?;
            self.progress.advance(Step::Lookalike, at as u64 + 1, Some(lookalikes.len() as u64))?;
        }
        Ok(lookalikes)
    }

    /// `<audience>-LAL-1%`; with several countries the country is part of the name.
    fn planned(&self, seed: &RemoteAudience) -> Vec<Lookalike> {
        let settings = &self.service.parts.settings;
        let several = settings.lookalike_countries.len() > 1;
        let mut planned = Vec::new();
        for country in &settings.lookalike_countries {
            for percent in &settings.lookalike_percents {
                let place = if several { format!("-{country}") } else { String::new() };
                planned.push(Lookalike {
                    id: None,
                    name: format!("{}-LAL{place}-{percent}%", seed.name),
                    country: country.clone(),
                    ratio_percent: *percent,
                    status: LookalikeStatus::Pending,
                    note: Some("Meta has not matched the audience yet.".to_owned()),
                });
            }
        }
        planned
    }
}

impl SyncService {
    /// Creates one lookalike, or finds the one that exists, or leaves it pending.
    pub(crate) fn create_lookalike(
        &self,
        run: domain::RunId,
        seed: &RemoteAudience,
        lookalike: &mut Lookalike,
        cancel: &Cancel,
    ) -> Result<(), RunError> {
        let parts = &self.parts;
        let intention = parts.store.intention_create(run, RemoteKind::Lookalike, &lookalike.name)?;
        let new = NewLookalike {
            name: lookalike.name.clone(),
            description: self.tag(run)?,
            origin_audience_id: seed.id.clone(),
            country: lookalike.country.clone(),
            ratio_percent: lookalike.ratio_percent,
        };
        let created = match parts.meta.create_lookalike(&new, cancel) {
            Ok(LookalikeOutcome::Created(id)) => Some(id),
            Ok(LookalikeOutcome::SeedNotReady { message }) => {
                lookalike.note = Some(message);
                None
            }
            Ok(LookalikeOutcome::Exists) | Err(MetaError::ReplyLost { .. }) => {
                let existing = parts.meta.lookalikes_of(&seed.id, cancel).map_err(RunError::edge)?;
                existing
                    .into_iter()
                    .find(|found| {
                        found.country.as_deref() == Some(lookalike.country.as_str())
                            && found.ratio_percent == Some(lookalike.ratio_percent)
                    })
                    .map(|found| found.id)
            }
            Err(error) => {
                // Meta has answered no: nothing was made. Whether anything was is open only without an answer.
                if matches!(error, MetaError::Api(_)) {
                    parts.store.intention_close(intention, IntentionOutcome::NeverMade)?;
                }
                return Err(RunError::edge(error));
            }
        };
        let outcome = match created {
            Some(id) => {
                parts.store.intention_set_remote(intention, &id)?;
                (lookalike.id, lookalike.status, lookalike.note) = (Some(id), LookalikeStatus::Created, None);
                IntentionOutcome::Kept
            }
            None => {
                lookalike.status = LookalikeStatus::Pending;
                IntentionOutcome::NeverMade
            }
        };
        Ok(parts.store.intention_close(intention, outcome)?)
    }
}

/// Encodes the rows to be sent, batch by batch, in the order of the spool.
fn encode_batches(
    account: &Account,
    sketch: &Sketch,
    spool: &Spool,
    batches: &mpsc::SyncSender<UserRows>,
) -> Result<(), RunError> {
    let mut rows = UserRows::new(Columns::Plain.keys());
    for (bucket, contact) in account.buckets.iter().zip(spool.contacts()?) {
        let contact = contact?;
        if *bucket != Bucket::Sent {
            continue;
        }
        let rank = contact.ltv.map_or(Percentile::MIDDLE, |ltv| sketch.percentile_of(ltv));
        push_row(&mut rows, &contact.row, rank)?;
        if rows.is_full()
            && batches.send(std::mem::replace(&mut rows, UserRows::new(Columns::Plain.keys()))).is_err()
        {
            // The uploading side failed and reports why.
            return Ok(());
        }
    }
    if !rows.is_empty() {
        // As above: a closed channel means that the other side has failed.
        drop(batches.send(rows));
    }
    Ok(())
}

fn push_row(rows: &mut UserRows, row: &Row, rank: Percentile) -> Result<(), RunError> {
    let hex = row.cells().map(|cell| cell.map(|digest| digest.hex()));
    let cells = hex.each_ref().map(|hex| hex.as_ref().map(Hex::as_str));
    let cells = &cells[..Columns::Plain.keys().len()];
    rows.push_row(cells, MemberValue::whole(rank.value_for_meta()), None).map_err(RunError::Row)
}

/// Meta's word that the audience must not be used, such as 471 for a flagged name, ends the run.
fn refuse_unusable(state: &AudienceState) -> Result<(), RunError> {
    let status = &state.operation_status;
    if status.is_unusable() {
        return Err(RunError::AudienceUnusable { words: status.words().to_owned(), code: status.code });
    }
    Ok(())
}
