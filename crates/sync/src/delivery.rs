//! What happens at Meta: create the audience, fill it, wait until its members are matched.
//!
//! The intention to create something is stored before the call; a lost reply or a crash is healed by looking the thing
//! up under its name and our tag instead of making it twice.

use crate::error::RunError;
use crate::membership::Membership;
use crate::progress::Progress;
use crate::service::SyncService;
use crate::upload::{Adding, Delivered, with_batches};
use domain::Cancel;
use domain::run::{Matched, RemoteAudience};
use meta::{AudienceState, MetaError, NewCustomAudience};
use persistence::RemoteKind;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tries to create an audience whose reply was lost and which was not made.
const CREATE_TRIES: u32 = 3;
/// Looks for an audience whose reply was lost, before it is made again.
const LOOK_UPS: u32 = 4;
const LOOK_UP_PAUSE: Duration = Duration::from_secs(2);
/// Audiences with the same name: `-2`, `-3`, … up to this; then the run's number is used.
const AUDIENCES_OF_A_NAME: u32 = 99;

/// The work of one run at Meta.
pub(crate) struct Delivery<'a> {
    pub(crate) service: &'a SyncService,
    pub(crate) progress: &'a Progress<'a>,
    pub(crate) cancel: &'a Cancel,
    warnings: Mutex<Vec<String>>,
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(service: &'a SyncService, progress: &'a Progress<'a>, cancel: &'a Cancel) -> Self {
        Self { service, progress, cancel, warnings: Mutex::default() }
    }
}

impl Delivery<'_> {
    /// Creates the audience of today.
    pub(crate) fn create_dated_audience(&self) -> Result<RemoteAudience, RunError> {
        self.create_audience(&format!("{}-{}", self.service.parts.settings.audience_prefix, self.today()))
    }

    /// Today in the configured zone, as it stands in names.
    fn today(&self) -> String {
        let parts = &self.service.parts;
        parts.clock.now().with_timezone(&parts.settings.time_zone).format("%Y-%m-%d").to_string()
    }

    /// Creates an audience under that name, or under the next one that is still free.
    pub(crate) fn create_audience(&self, base_name: &str) -> Result<RemoteAudience, RunError> {
        let parts = &self.service.parts;
        let date = self.today();
        let name = self.free_name(base_name)?;
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
        for number in 1..=AUDIENCES_OF_A_NAME {
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

    /// Fills a new, empty audience.
    pub(crate) fn fill(
        &self,
        audience: &RemoteAudience,
        membership: &Membership<'_>,
        total: u64,
    ) -> Result<Delivered, RunError> {
        let delivered = with_batches(
            membership,
            |_| true,
            |batches| Adding::new(self, &audience.id, total, Delivered::default()).add_all(batches),
        )?;
        delivered.check_whole(total)?;
        Ok(delivered)
    }

    /// Something people should know of this run that does not end it.
    pub(crate) fn warn(&self, warning: String) {
        log::warn!("{warning}");
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    /// The warnings since the last time they were taken.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the audience until Meta has matched the upload, or the time for it is over. What Meta did not report
    /// stays unknown: the matched people of a session are those of the audience only when it held every row, and the size
    /// of an audience that held others before may still be that of yesterday, unless Meta was seen at work on it. While Meta
    /// is at work the size grows from nothing.
    pub(crate) fn wait(
        &self,
        audience: &RemoteAudience,
        is_new: bool,
        whole_session: Option<u64>,
    ) -> Result<(Matched, bool), RunError> {
        let parts = &self.service.parts;
        let begun = Instant::now();
        let mut is_of_now = is_new;
        loop {
            // The session is read after the audience: what the audience's readiness promises is then in it.
            let state = parts.meta.audience(&audience.id, self.cancel).map_err(RunError::edge)?;
            refuse_unusable(&state)?;
            is_of_now |= state.operation_status.is_busy();
            let session = match whole_session {
                Some(id) => parts.meta.session(&audience.id, id, self.cancel).map_err(RunError::edge)?,
                None => None,
            };
            let matched = Matched {
                exact: session.and_then(|session| session.num_matched),
                lower: state.lower.filter(|_| is_of_now && state.is_ready()),
                upper: state.upper.filter(|_| is_of_now && state.is_ready()),
            };
            parts.store.run_set_matched(self.progress.run, &matched)?;
            let ready = state.is_ready() && (matched.exact.is_some() || state.lower.is_some());
            if ready && state.operation_status.has_remark() {
                self.warn(format!("Meta says of the audience: {}.", state.operation_status.words()));
            }
            let left = parts.settings.poll_timeout.saturating_sub(begun.elapsed());
            if ready || left.is_zero() {
                return Ok((matched, ready));
            }
            self.cancel.sleep(parts.settings.poll_every.min(left))?;
        }
    }
}

/// Meta's word that the audience must not be used, such as 471 for a flagged name, ends the run.
pub(crate) fn refuse_unusable(state: &AudienceState) -> Result<(), RunError> {
    let status = &state.operation_status;
    if status.is_unusable() {
        return Err(RunError::AudienceUnusable { words: status.words().to_owned(), code: status.code });
    }
    Ok(())
}
