//! What happens every minute: the scheduled sync, due mails, pending lookalikes.

use crate::failure::Failed;
use crate::installed::Installed;
use chrono::{DateTime, Utc};
use domain::error_chain::Chain;
use domain::{Clock, Explain};
use persistence::{Store, StoreError};
use std::sync::Arc;
use sync::schedule::{ScheduleState, Slot, Ticker};
use sync::{StartError, SyncService};
use web::Installation;

/// Starts the minute tick; it ends when the ticker is dropped.
///
/// # Errors
/// A configuration error when the database or a thread fails.
pub fn start(installed: Arc<Installed>, store: Store, clock: Arc<dyn Clock>) -> Result<Ticker, Failed> {
    let last_seen = store.schedule_last_seen().map_err(|error| Failed::explained(&error))?;
    let mut state = ScheduleState::new(last_seen.unwrap_or_else(|| clock.now()));
    Ticker::start(clock, move |now| {
        if let Err(error) = tick(&installed, &store, &mut state, now) {
            log::error!("the schedule could not be followed: {}", Chain(&error));
        }
        if let Some(sync) = installed.sync() {
            sync.follow_up();
        }
    })
    .map_err(|error| Failed::job(format!("The schedule could not be started: {error}.")))
}

fn tick(
    installed: &Installed,
    store: &Store,
    state: &mut ScheduleState,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let settings = installed.settings_in_force();
    let due = state.due(&settings.schedule, settings.time_zone, now);
    store.schedule_set_last_seen(state.last_seen())?;
    // While keys are missing no slot is kept for later.
    let (Some(slot), Some(sync)) = (due, installed.sync()) else { return Ok(()) };
    // Of several processes on one database exactly one gets the slot.
    if !store.schedule_claim(slot.at)? {
        return Ok(());
    }
    match scheduled_run(installed, &sync, &slot) {
        Ok(()) => {}
        Err(StartError::AlreadyRunning { .. }) => {
            log::info!("the scheduled sync is left out: one is running");
        }
        Err(error) => log::error!("the scheduled sync could not begin: {}", error.explain().message),
    }
    Ok(())
}

fn scheduled_run(installed: &Installed, sync: &SyncService, slot: &Slot) -> Result<(), StartError> {
    let config = installed.choice(sync)?;
    if !config.sync_enabled {
        log::info!("the scheduled sync is left out: it is switched off");
        return Ok(());
    }
    let handle = sync.start(&config, slot.trigger, false)?;
    log::info!("run {} was begun by the schedule", handle.run);
    Ok(())
}
