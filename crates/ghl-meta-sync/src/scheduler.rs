//! What happens every minute: the scheduled sync, due mails, pending lookalikes.

use crate::failure::Failed;
use crate::installed::Installed;
use chrono::{DateTime, TimeDelta, Utc};
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::{Clock, Explain};
use persistence::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use sync::schedule::{Pulse, ScheduleState, Slot, Ticker};
use sync::{StartError, SyncService};
use web::Installation;

/// A slot whose sync could not begin is tried again at every tick for this long.
const TRIED_FOR: TimeDelta = TimeDelta::hours(12);

/// Beginning a run asks GoHighLevel at most for the list and the field.
const LONGEST_SCHEDULE_TICK: Duration = Duration::from_secs(15 * 60);
/// Finishing an interrupted replacement sends the whole list at Meta's pace.
const LONGEST_UPKEEP_TICK: Duration = Duration::from_secs(3 * 3600);

/// Whether the two ticking threads are alive; from three minutes before they must have started.
#[derive(Debug, Clone)]
pub struct Pulses {
    /// That of the thread that begins runs.
    pub schedule: Pulse,
    /// That of the thread that does what is due between runs.
    pub upkeep: Pulse,
}

impl Default for Pulses {
    fn default() -> Self {
        Self { schedule: Pulse::new(LONGEST_SCHEDULE_TICK), upkeep: Pulse::new(LONGEST_UPKEEP_TICK) }
    }
}

/// The two ticking threads: upkeep may wait for Meta or a mail server, and must not hold up the schedule.
pub struct Scheduler {
    _schedule: Ticker,
    _upkeep: Ticker,
}

/// Starts the minute ticks; they end when the scheduler is dropped.
///
/// # Errors
/// A configuration error when the database or a thread fails.
pub fn start(installed: Arc<Installed>, store: Store, clock: Arc<dyn Clock>) -> Result<Scheduler, Failed> {
    let last_seen = store.schedule_last_seen().map_err(|error| Failed::explained(&error))?;
    let state = ScheduleState::new(last_seen.unwrap_or_else(|| clock.now()));
    let Pulses { schedule: schedule_pulse, upkeep: upkeep_pulse } = installed.pulses().clone();
    let mut schedule = Schedule { installed: Arc::clone(&installed), store, state, waiting: None };
    let no_thread =
        |error: std::io::Error| Failed::job(format!("The schedule could not be started: {error}."));
    Ok(Scheduler {
        _schedule: Ticker::start(Arc::clone(&clock), schedule_pulse, move |now| schedule.tick(now))
            .map_err(no_thread)?,
        _upkeep: Ticker::start(clock, upkeep_pulse, move |_now| {
            if let Some(sync) = installed.sync() {
                sync.follow_up();
            }
        })
        .map_err(no_thread)?,
    })
}

/// How far the schedule was followed, and the slot whose sync could not begin yet.
struct Schedule {
    installed: Arc<Installed>,
    store: Store,
    state: ScheduleState,
    waiting: Option<Slot>,
}

impl Schedule {
    fn tick(&mut self, now: DateTime<Utc>) {
        let before = self.state;
        match self.claim_due(now) {
            Ok(Some(slot)) => self.waiting = Some(slot),
            Ok(None) => {}
            Err(error) => {
                // The database may be back at the next tick, which then looks at the same time again.
                self.state = before;
                log::error!("the schedule could not be followed: {}", Chain(&error));
            }
        }
        let (Some(slot), Some(sync)) = (self.waiting, self.installed.sync()) else { return };
        if now - slot.at > TRIED_FOR || self.begin(&sync, &slot) {
            self.waiting = None;
        }
    }

    /// The slot that is due, unless another process on the same database has it.
    fn claim_due(&mut self, now: DateTime<Utc>) -> Result<Option<Slot>, StoreError> {
        let settings = self.installed.settings_in_force();
        let due = self.state.due(&settings.schedule, settings.time_zone, now);
        self.store.schedule_set_last_seen(self.state.last_seen())?;
        // While keys are missing no slot is kept for later.
        match due.filter(|_| self.installed.sync().is_some()) {
            Some(slot) => Ok(self.store.schedule_claim(slot.at)?.then_some(slot)),
            None => Ok(None),
        }
    }

    /// Begins the sync of a slot. False when it is to be tried again.
    fn begin(&self, sync: &SyncService, slot: &Slot) -> bool {
        let begun = self.installed.choice(sync).and_then(|config| {
            if !config.sync_enabled {
                log::info!("the scheduled sync is left out: it is switched off");
                return Ok(());
            }
            let handle = sync.start_slot(&config, slot)?;
            let _run = log_context::enter(Context::of_run(handle.run));
            log::info!("the run was begun by the schedule");
            Ok(())
        });
        match begun {
            Ok(()) => true,
            Err(StartError::AlreadyRunning { run: Some(run) }) => {
                log::info!("the scheduled sync is left out: run {run} is going on");
                true
            }
            Err(
                error @ (StartError::NotConfigured
                | StartError::Unknown { .. }
                | StartError::Ambiguous { .. }),
            ) => {
                log::error!("the scheduled sync can not begin: {}", error.explain().message);
                true
            }
            Err(error) => {
                log::warn!("the scheduled sync is tried again in a minute: {}", Chain(&error));
                false
            }
        }
    }
}
