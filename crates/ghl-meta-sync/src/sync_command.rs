//! `sync`: one run now, with progress on the terminal.

use crate::command_line::SyncOptions;
use crate::cost::Meter;
use crate::failure::{Failed, words};
use crate::installed::Installed;
use crate::logging;
use crate::settings::{Environment, Settings};
use crate::signals::{SYNC_STOPS_WITHIN, Signals};
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use domain::run::{Failure, RunStatus, Trigger};
use domain::{Explanation, Run, RunId};
use persistence::Store;
use std::sync::{Arc, OnceLock};
use sync::{StartError, SyncService};
use web::Installation;

/// Runs one sync.
///
/// # Errors
/// Exit status 1 when the run failed or something passing kept it from beginning, 2 when a setting or the choice is wrong.
pub fn run(options: &SyncOptions, environment: Environment, terminal: &Terminal) -> Result<(), Failed> {
    let initial = Settings::read(&environment)?;
    let _log = logging::start(&initial.log_dir, initial.log_level, false)?;
    let store = wiring::open_store(&initial)?;
    let meter = Arc::new(Meter::new(Arc::new(terminal.clone())));
    let watcher = Arc::<Meter>::clone(&meter);
    let installed = Installed::new(environment, store.clone(), watcher, Patience::AsDocumented)?;
    let service = installed.service()?;
    let signals = Signals::watch()?;
    let begun = Arc::new(OnceLock::new());
    let work = {
        let (service, store, begun) = (service.clone(), store.clone(), Arc::clone(&begun));
        let accept_smaller_list = options.accept_smaller_list;
        move || {
            service.recover().map_err(|error| Failed::explained_job(&error))?;
            // Without a running service nobody else sends what an earlier run could not.
            service.follow_up();
            // A misspelt list is told at once to whoever typed the command. A source that does not answer fails the run, which
            // is recorded and mailed like one of the schedule.
            let config = installed
                .choice(&service)
                .or_else(|error| match error {
                    StartError::Edge(_) => service.choice_as_named(installed.initial_choice(), error),
                    other => Err(other),
                })
                .map_err(|error| Failed::not_begun(&error))?;
            run_once(&service, &store, &config, accept_smaller_list, |run| {
                begun.get_or_init(|| run);
            })
        }
    };
    let mut stopped = false;
    let ended = signals.attend(work, || {
        stopped = true;
        service.stop(SYNC_STOPS_WITHIN);
    })?;
    let run = ended_or_stopped(ended, stopped, &store, begun.get())?;
    if let Some((cost, file)) = meter.cost(run.accounting.fetched).zip(options.json_cost.as_ref()) {
        cost.write(file)?;
    }
    report(&run, terminal)
}

/// The run as it ended, or as it was closed when the process was asked to end and its thread did not answer.
///
/// # Errors
/// Why it could not begin; a failed job when it was stopped before that, or the database does not answer.
fn ended_or_stopped(
    ended: Option<Result<Run, Failed>>,
    stopped: bool,
    store: &Store,
    begun: Option<&RunId>,
) -> Result<Run, Failed> {
    match (ended, begun) {
        (None, Some(run)) => {
            let run = store.run_get(*run).map_err(|error| Failed::explained_job(&error))?;
            run.ok_or_else(|| Failed::job("The sync is no longer in the database."))
        }
        (Some(ended), begun) if begun.is_some() || !stopped => ended,
        // What a stop interrupts before the run may or may not find the time to refuse by itself: it is told alike.
        _ => Err(Failed::job(
            "Stopped before the sync began; work left by an earlier one may have gone on at Meta.",
        )),
    }
}

/// Starts a run, tells its id, and waits for its end.
///
/// # Errors
/// Exit status 1 when it could not begin for now, 2 when the choice is wrong.
pub fn run_once(
    service: &SyncService,
    store: &Store,
    config: &domain::run::SyncConfig,
    accept_smaller_list: bool,
    begun: impl FnOnce(RunId),
) -> Result<Run, Failed> {
    let handle = service
        .start(config, Trigger::Cli, accept_smaller_list)
        .map_err(|error| Failed::not_begun(&error))?;
    let id = handle.run;
    begun(id);
    handle.wait();
    let run = store.run_get(id).map_err(|error| Failed::explained_job(&error))?;
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
    let Some(Failure { step, message, remedy, provider_code, trace_id }) = run.failure.clone() else {
        return Err(Failed::job(format!("Sync {} ended as {}.", run.id, run.status)));
    };
    let why = words(&Explanation { message, remedy, provider_code, trace_id });
    Err(Failed::job(format!("Sync {} {} at step \"{}\" ({step}).\n{why}", run.id, run.status, step.title())))
}

#[cfg(test)]
mod tests {
    use super::{Failed, ended_or_stopped, run_once};
    use crate::installed::tests::installed;
    use domain::run::SyncConfig;
    use std::time::Duration;

    #[test]
    fn a_stop_before_the_sync_begins_is_told_alike_whenever_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (installed, store) = installed(&folder);
        let service = installed.service().unwrap();
        service.stop(Duration::ZERO);
        let config = SyncConfig {
            list_id: "all".to_owned(),
            list_name: "All contacts".to_owned(),
            list_conditions: None,
            ltv_field_key: "contact.lifetime_value".to_owned(),
            ltv_field_name: "Lifetime value".to_owned(),
            ad_account_id: "1".to_owned(),
            sync_enabled: true,
        };
        let refused = || run_once(&service, &store, &config, false, |_run| panic!("it has begun"));
        let told = |ended, stopped| {
            let failed: Failed = ended_or_stopped(ended, stopped, &store, None).unwrap_err();
            (failed.exit_code(), failed.to_string())
        };
        let stopped = told(None, true);
        assert_eq!(stopped.0, 1);
        assert!(stopped.1.starts_with("Stopped before the sync began;"), "{}", stopped.1);
        assert_eq!(told(Some(refused()), true), stopped);
        assert_eq!(told(Some(Err(Failed::configuration("No list."))), false), (2, "No list.".to_owned()));
    }
}
