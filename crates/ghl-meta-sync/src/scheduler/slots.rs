//! The moments of the schedule: each is taken by one process and followed by one run, whatever becomes of that process.

use crate::failure::Failed;
use crate::installed::Installed;
use chrono::{DateTime, TimeDelta, Utc};
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::Trigger;
use domain::{Explain, RunId};
use persistence::{SlotClaim, Store, StoreError};
use std::sync::Arc;
use sync::schedule::{ScheduleState, Slot};
use sync::{StartError, SyncService};
use web::Installation;

/// A slot whose sync could not begin is tried again at every tick for this long.
const TRIED_FOR: TimeDelta = TimeDelta::hours(12);

/// Whoever has a slot renews its claim at every tick; after this long its process is taken for dead. A tick may clean up
/// after another run before it begins its own.
const ABANDONED_AFTER: TimeDelta = TimeDelta::minutes(5);

/// How far the schedule was followed, and the slot of this process whose run could not begin yet.
pub struct Slots {
    installed: Arc<Installed>,
    store: Store,
    state: ScheduleState,
    waiting: Option<Waiting>,
}

/// A slot that this process has taken.
#[derive(Clone, Copy)]
struct Waiting {
    claim: SlotClaim,
    trigger: Trigger,
    /// The run that was going on when it was due.
    behind: Option<RunId>,
}

/// What came of trying to begin a run.
enum Outcome {
    /// It was begun, or is left out on purpose.
    Settled,
    /// It is tried again at the next tick, perhaps because of that run.
    Later(Option<RunId>),
}

impl Slots {
    /// Follows the schedule from where it was left, or from `now`.
    ///
    /// # Errors
    /// A configuration error when the database fails.
    pub fn follow(installed: Arc<Installed>, store: Store, now: DateTime<Utc>) -> Result<Self, Failed> {
        let last_seen = store.schedule_last_seen().map_err(|error| Failed::explained(&error))?;
        Ok(Self { installed, store, state: ScheduleState::new(last_seen.unwrap_or(now)), waiting: None })
    }

    /// Begins what is due. To be called every minute.
    pub fn tick(&mut self, now: DateTime<Utc>) {
        self.installed.follow_saved_settings();
        let before = self.state;
        match self.take_due(now) {
            Ok(Some(due)) => {
                // The later moment stands for the one that still waits.
                if let Some(older) = self.waiting.replace(due) {
                    self.settle(older.claim);
                }
            }
            Ok(None) => {}
            Err(error) => {
                // The database may be back at the next tick, which then looks at the same time again.
                self.state = before;
                log::error!("the schedule could not be followed: {}", Chain(&error));
            }
        }
        // After the slot was taken, so that a crash in between loses none.
        if let Err(error) = self.store.schedule_set_last_seen(self.state.last_seen()) {
            log::warn!("how far the schedule was followed could not be recorded: {}", Chain(&error));
        }
        self.begin_waiting(now);
    }

    /// The slot that is due unless another process on the same database has it, or one whose process has died before it
    /// could begin the run.
    fn take_due(&mut self, now: DateTime<Utc>) -> Result<Option<Waiting>, StoreError> {
        let settings = self.installed.settings_in_force();
        let due = self.state.due(&settings.schedule, settings.time_zone, now);
        // While keys are missing no slot is kept for later.
        if self.installed.sync().is_none() {
            return Ok(None);
        }
        if let Some(slot) = due
            && let Some(claim) = self.store.schedule_claim(slot.at)?
        {
            return Ok(Some(Waiting { claim, trigger: slot.trigger, behind: None }));
        }
        if self.waiting.is_some() {
            return Ok(None);
        }
        let abandoned = self.store.schedule_take_over(now - ABANDONED_AFTER, now - TRIED_FOR)?;
        Ok(abandoned.map(|claim| {
            log::warn!("the sync of {} was claimed by a process that has ended: it is made up", claim.slot);
            Waiting { claim, trigger: Trigger::MadeUp, behind: None }
        }))
    }

    fn begin_waiting(&mut self, now: DateTime<Utc>) {
        let (Some(waiting), Some(sync)) = (self.waiting, self.installed.sync()) else { return };
        self.waiting = match self.store.schedule_renew(waiting.claim) {
            Ok(Some(claim)) => {
                let outcome = match now - claim.slot > TRIED_FOR {
                    true => {
                        log::error!(
                            "the sync of {} could not begin for 12 hours and is given up",
                            claim.slot
                        );
                        Outcome::Settled
                    }
                    false => self.begin(&sync, waiting),
                };
                match outcome {
                    Outcome::Settled => {
                        self.settle(claim);
                        None
                    }
                    Outcome::Later(behind) => Some(Waiting { claim, behind, ..waiting }),
                }
            }
            Ok(None) => {
                log::warn!("another process makes the sync of {} up", waiting.claim.slot);
                None
            }
            Err(error) => {
                log::warn!("the scheduled sync is tried again in a minute: {}", Chain(&error));
                Some(waiting)
            }
        };
    }

    fn begin(&self, sync: &SyncService, waiting: Waiting) -> Outcome {
        if let Some(run) = waiting.behind
            && self.has_taken_place(run)
        {
            log::info!("the scheduled sync is left out: run {run} was going on");
            return Outcome::Settled;
        }
        let slot = Slot { at: waiting.claim.slot, trigger: waiting.trigger };
        let begun = sync.choice_unwatched(self.installed.initial_choice()).and_then(|config| {
            if !config.sync_enabled {
                log::info!("the scheduled sync is left out: it is switched off");
                return Ok(());
            }
            let handle = sync.start_slot(&config, &slot)?;
            let _run = log_context::enter(Context::of_run(handle.run));
            log::info!("the run was begun by the schedule");
            Ok(())
        });
        match begun {
            Ok(()) => Outcome::Settled,
            Err(StartError::AlreadyRunning { run }) => {
                if waiting.behind.is_none() {
                    log::info!("run {run} is going on: the scheduled sync is left out when that one ends");
                }
                Outcome::Later(Some(run))
            }
            Err(error @ StartError::NotConfigured) => {
                log::error!("the scheduled sync can not begin: {}", error.explain().message);
                Outcome::Settled
            }
            Err(error) => {
                log::warn!("the scheduled sync is tried again in a minute: {}", Chain(&error));
                Outcome::Later(waiting.behind)
            }
        }
    }

    /// Whether the run that was in the way has taken place.
    fn has_taken_place(&self, run: RunId) -> bool {
        let run = self.store.run_get(run).unwrap_or_else(|error| {
            log::warn!("the run that goes on could not be read: {}", Chain(&error));
            None
        });
        run.is_some_and(|run| run.has_taken_place())
    }

    fn settle(&self, claim: SlotClaim) {
        if let Err(error) = self.store.schedule_settle(claim) {
            log::warn!("a moment of the schedule could not be settled: {}", Chain(&error));
        }
    }
}

#[cfg(test)]
mod tests;
