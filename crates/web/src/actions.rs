//! What people on the pages and programs on the API ask for alike. All of it blocks.

use crate::app::App;
use crate::problem::Problem;
use domain::run::{RunStatus, SyncConfig, Trigger};
use domain::{Explain, Explanation, RunId};
use sync::{EraseError, ErasePerson, ErasureReceipt, RunError, SyncService};

/// The service by what is saved, whichever copy saved it; or the settings it lacks.
pub(crate) fn service(app: &App) -> Result<SyncService, Problem> {
    app.installation.follow_saved_settings();
    app.installation.sync().ok_or_else(|| Problem::MissingSettings(app.installation.missing_settings()))
}

/// The service and what it is to sync.
pub(crate) fn next_sync(app: &App) -> Result<(SyncService, SyncConfig), Problem> {
    let sync = service(app)?;
    let config = sync.choice(app.installation.initial_choice())?;
    Ok((sync, config))
}

/// Begins a run with what is chosen.
pub(crate) fn begin(app: &App, accept_smaller_list: bool) -> Result<RunId, Problem> {
    let (sync, config) = next_sync(app)?;
    Ok(sync.start(&config, Trigger::Manual, accept_smaller_list)?.run)
}

/// Asks a run to stop before its next call.
pub(crate) fn stop(app: &App, run: RunId) -> Result<(), Problem> {
    let Some(found) = app.store.run_get(run)? else { return Err(Problem::NoRun(run)) };
    let explained = if found.status != RunStatus::Running {
        Explanation::new(format!("Sync {run} has already ended."), "")
    } else if app.installation.sync().is_some_and(|sync| sync.cancel(run)) {
        return Ok(());
    } else {
        Explanation::new(
            format!("Sync {run} was started by another process, which alone can stop it."),
            "Stop it where it was started, or wait until it has ended.",
        )
    };
    Err(Problem::NotCancellable(run, explained))
}

/// Erases a person.
pub(crate) fn erase(app: &App, who: &ErasePerson) -> Result<ErasureReceipt, Problem> {
    app.installation.erase(who).map_err(|error| match error {
        EraseError::Failed(RunError::Store(error)) => error.into(),
        EraseError::Unusable { .. } => Problem::Refused(error.explain()),
        EraseError::Failed(error) => Problem::Service(error.explain()),
    })
}

/// A saved choice as the next run will take it: settings that were changed since may name another account or source.
pub(crate) fn as_it_is_now(app: &App, saved: SyncConfig) -> Result<SyncConfig, Problem> {
    Ok(match app.installation.sync() {
        Some(sync) => sync.as_it_is_now(&saved)?,
        None => saved,
    })
}

/// Looks the list and the field up at GoHighLevel and saves them for the runs to come.
pub(crate) fn choose(
    app: &App,
    list: &str,
    field: Option<&str>,
    sync_enabled: bool,
) -> Result<SyncConfig, Problem> {
    let config = SyncConfig { sync_enabled, ..service(app)?.resolve(Some(list), field)? };
    app.store.config_save(&config)?;
    Ok(config)
}
