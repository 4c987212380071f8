//! What happens every minute: the scheduled sync, due mails, pending lookalikes.

mod slots;

use crate::backup_commands;
use crate::failure::Failed;
use crate::installed::Installed;
use domain::Clock;
use persistence::{DatabaseUrl, Store};
use slots::Slots;
use std::sync::Arc;
use std::time::Duration;
use sync::schedule::{Pulse, Ticker};
use web::Installation;

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
/// A configuration error when the database fails, a failed job when a thread can not be started.
pub fn start(installed: Arc<Installed>, store: Store, clock: Arc<dyn Clock>) -> Result<Scheduler, Failed> {
    let database = installed.settings_in_force().database;
    let mut slots = Slots::follow(Arc::clone(&installed), store, clock.now())?;
    let Pulses { schedule: schedule_pulse, upkeep: upkeep_pulse } = installed.pulses().clone();
    let no_thread =
        |error: std::io::Error| Failed::job(format!("The schedule could not be started: {error}."));
    Ok(Scheduler {
        _schedule: Ticker::start(Arc::clone(&clock), schedule_pulse, move |now| slots.tick(now))
            .map_err(no_thread)?,
        _upkeep: Ticker::start(clock, upkeep_pulse, move |now| {
            if let DatabaseUrl::Sqlite(file) = &database {
                backup_commands::remove_abandoned_copies(file, now);
            }
            if let Some(sync) = installed.sync() {
                sync.follow_up();
            }
        })
        .map_err(no_thread)?,
    })
}
