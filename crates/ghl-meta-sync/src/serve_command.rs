//! `serve`: the dashboard and the schedule, until the process is told to stop.

use crate::command_line::ServeOptions;
use crate::failure::Failed;
use crate::installed::Installed;
use crate::scheduler::{self, Scheduler};
use crate::settings::{Environment, Settings};
use crate::signals::{STOP_WITHIN, SYNC_STOPS_WITHIN, Signals};
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use crate::{data_volume, logging};
use domain::SystemClock;
use persistence::Store;
use std::sync::{Arc, mpsc};
use std::time::Instant;
use sync::NobodyWatches;
use web::{Installation, NextRun, RunningServer};

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// Exit status 2 when the settings, the database or the port can not be used.
pub fn run(options: &ServeOptions, terminal: &Terminal) -> Result<(), Failed> {
    let environment = Environment::of_process();
    let initial = Settings::read(&environment)?;
    let _log = logging::start(&initial.log_dir, initial.log_level, true)?;
    let store = wiring::open_store(&initial)?;
    // An error in the log, so that no LOG_LEVEL hides it.
    if let Some(warning) = data_volume::warning(&initial.database) {
        log::error!("{warning}");
    }
    let patience = if options.with_simulators { Patience::WithSimulators } else { Patience::AsDocumented };
    let installed = Arc::new(Installed::new(environment, store.clone(), Arc::new(NobodyWatches), patience)?);
    let settings = installed.settings_in_force();
    let missing = installed.missing_settings();
    if !missing.is_empty() {
        log::warn!("no sync can run until these settings are set: {}", missing.join(", "));
    }
    // What an earlier process left is closed by the first tick: Meta may be silent, and the dashboard must not wait for it.
    let signals = Signals::watch()?;
    let dashboard = web::start(
        wiring::web_settings(&settings),
        store.clone(),
        Arc::clone(&installed) as Arc<dyn Installation>,
    )
    .map_err(|error| Failed::explained(&error))?;
    terminal.say(&format!("Dashboard: http://{}", dashboard.address()));
    terminal.say(&next_sync(&installed, &store)?);
    let scheduler = scheduler::start(Arc::clone(&installed), store, Arc::new(SystemClock))?;
    signals.wait();
    stop(&installed, scheduler, dashboard);
    Ok(())
}

/// When the schedule begins the next sync, in its own time zone.
fn next_sync(installed: &Installed, store: &Store) -> Result<String, Failed> {
    let why = match NextRun::read(installed, store).map_err(|error| Failed::explained(&error))? {
        NextRun::At(at) => {
            let zone = installed.settings_in_force().time_zone;
            return Ok(format!("Next sync: {} ({zone})", at.with_timezone(&zone).format("%Y-%m-%d %H:%M")));
        }
        NextRun::Off => "the schedule is off",
        NextRun::Never => "SYNC_SCHEDULE_CRON names no moment to come",
        NextRun::NotSetUp => "the setup is not complete; the dashboard says what is missing",
    };
    Ok(format!("Next sync: none, {why}"))
}

/// Ends everything within the time that Docker gives, whatever hangs: the process then ends without it.
pub fn stop(installed: &Installed, scheduler: Scheduler, dashboard: RunningServer) {
    let give_up = Instant::now() + STOP_WITHIN;
    log::info!("stopping");
    // Its working files hold personal data: it gets the time that the sync gets, and then some.
    dashboard.close_previews();
    if let Some(sync) = installed.sync()
        && !sync.stop(SYNC_STOPS_WITHIN)
    {
        log::warn!("the sync did not stop in time; the next start closes it");
    }
    let (send, ended) = mpsc::channel();
    let end = move || {
        drop(scheduler);
        dashboard.stop();
        // Nobody listens any more when it took too long.
        let _ = send.send(());
    };
    let in_time = match std::thread::Builder::new().name("end".to_owned()).spawn(end) {
        Ok(_thread) => ended.recv_timeout(give_up.saturating_duration_since(Instant::now())).is_ok(),
        Err(_no_thread) => false,
    };
    if !in_time {
        log::warn!("requests or a preview are still under way; the process ends without them");
    }
}
