//! `serve`: the dashboard and the schedule, until the process is told to stop.

use crate::failure::Failed;
use crate::installed::Installed;
use crate::settings::{Environment, Settings};
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use crate::{data_volume, logging, scheduler};
use domain::SystemClock;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use sync::NobodyWatches;
use web::Installation;

/// How long a run has to end cleanly when the service is stopped.
const STOP_WITHIN: Duration = Duration::from_secs(9);

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Exit status 2 when the settings, the database or the port can not be used.
pub fn run(terminal: &Terminal) -> Result<(), Failed> {
    let environment = Environment::of_process();
    let initial = Settings::read(&environment)?;
    let _log = logging::start(&initial.log_dir, initial.log_level, true)?;
    let store = wiring::open_store(&initial)?;
    // An error in the log, so that no LOG_LEVEL hides it.
    if let Some(warning) = data_volume::warning(&initial.database) {
        log::error!("{warning}");
    }
    let installed = Arc::new(Installed::new(
        environment,
        store.clone(),
        Arc::new(NobodyWatches),
        Patience::AsDocumented,
    )?);
    let settings = installed.settings_in_force();
    let missing = installed.missing_settings();
    if !missing.is_empty() {
        log::warn!("no sync can run until these settings are set: {}", missing.join(", "));
    }
    if let Some(sync) = installed.sync() {
        sync.recover().map_err(|error| Failed::explained(&error))?;
    }
    let dashboard = web::start(
        wiring::web_settings(&settings),
        store.clone(),
        Arc::clone(&installed) as Arc<dyn Installation>,
    )
    .map_err(|error| Failed::explained(&error))?;
    terminal.say(&format!("Dashboard: http://{}", dashboard.address()));
    let scheduler = scheduler::start(Arc::clone(&installed), store, Arc::new(SystemClock))?;
    wait_for_the_end()?;
    log::info!("stopping");
    drop(scheduler);
    // Its working files hold personal data: it gets the time that the sync gets, and then some.
    dashboard.close_previews();
    if let Some(sync) = installed.sync()
        && !sync.stop(STOP_WITHIN)
    {
        log::warn!("the sync did not stop in time; the next start closes it");
    }
    dashboard.stop();
    Ok(())
}

/// Waits for Ctrl-C, SIGTERM or SIGHUP.
///
/// # Errors
/// A failed job when signals can not be watched.
pub fn wait_for_the_end() -> Result<(), Failed> {
    let (send, ended) = mpsc::sync_channel(1);
    let unwatchable = |error: String| Failed::job(format!("Ctrl-C can not be watched: {error}."));
    // A second signal finds the channel full or closed; the first one is enough.
    ctrlc::set_handler(move || send.try_send(()).unwrap_or_default())
        .map_err(|error| unwatchable(error.to_string()))?;
    ended.recv().map_err(|error| unwatchable(error.to_string()))
}
