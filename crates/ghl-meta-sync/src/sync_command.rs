//! `sync`: one run now, with progress on the terminal.

use crate::command_line::SyncOptions;
use crate::failure::Failed;
use crate::logging;
use crate::settings::Settings;
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use domain::Run;
use domain::run::{RunStatus, Trigger};
use persistence::Store;
use std::sync::Arc;
use sync::{StartError, SyncService};

/// Runs one sync.
///
/// # Errors
/// Exit status 1 when the run failed, 2 when it could not begin.
pub fn run(options: &SyncOptions, settings: &Settings, terminal: &Terminal) -> Result<(), Failed> {
    let _log = logging::start(&settings.log_dir, settings.log_level, false)?;
    let store = wiring::open_store(settings)?;
    let service =
        wiring::sync_service(settings, store.clone(), Arc::new(terminal.clone()), Patience::AsDocumented)?;
    service.recover().map_err(|error| Failed::explained(&error))?;
    let (Some(list), Some(field)) = (&settings.sync.list, &settings.sync.field) else {
        return Err(Failed::explained(&StartError::NotConfigured));
    };
    let config = service.resolve(&list.to_string(), field).map_err(|error| Failed::explained(&error))?;
    let run = run_once(&service, &store, &config, options.accept_smaller_list)?;
    report(&run, terminal)
}

/// Starts a run and waits for its end.
///
/// # Errors
/// Exit status 2 when it could not begin.
pub fn run_once(
    service: &SyncService,
    store: &Store,
    config: &domain::run::SyncConfig,
    accept_smaller_list: bool,
) -> Result<Run, Failed> {
    let handle = service
        .start(config, Trigger::Cli, accept_smaller_list)
        .map_err(|error| Failed::explained(&error))?;
    let id = handle.run;
    handle.wait();
    let run = store.run_get(id).map_err(|error| Failed::explained(&error))?;
    run.ok_or_else(|| Failed::job(format!("Sync {id} is no longer in the database.")))
}

/// Prints how a run ended.
///
/// # Errors
/// Exit status 1 unless it was a success.
pub fn report(run: &Run, terminal: &Terminal) -> Result<(), Failed> {
    if run.status == RunStatus::Success {
        terminal.say(&format!("Sync {} succeeded.", run.id));
        return Ok(());
    }
    let Some(failure) = &run.failure else {
        return Err(Failed::job(format!("Sync {} ended as {}.", run.id, run.status)));
    };
    let mut text = format!(
        "Sync {} {} at step \"{}\" ({}).\n{}\n{}",
        run.id,
        run.status,
        failure.step.title(),
        failure.step,
        failure.message,
        failure.remedy
    );
    for (name, value) in [("Provider code", &failure.provider_code), ("Trace id", &failure.trace_id)] {
        if let Some(value) = value {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    Err(Failed::job(text))
}
