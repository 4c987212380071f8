//! Steps and their progress, stored as they happen and shown to whoever watches.

use crate::error::RunError;
use domain::error_chain::Chain;
use domain::run::{Step, StepStatus};
use domain::{Explain, RunId};
use persistence::Store;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Watches a run from inside the process, such as the progress lines of the command line.
pub trait Watcher: Send + Sync {
    /// A step began.
    fn step_started(&self, _run: RunId, _step: Step) {}
    /// A step got on; `done` of `total` units.
    fn step_progressed(&self, _run: RunId, _step: Step, _done: u64, _total: Option<u64>) {}
    /// A step ended.
    fn step_finished(&self, _run: RunId, _step: Step, _status: StepStatus, _detail: Option<&str>) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyWatches;

impl Watcher for NobodyWatches {}

/// An error with the step it ended.
#[derive(Debug)]
pub(crate) struct StepError {
    pub(crate) step: Step,
    pub(crate) error: RunError,
}

impl StepError {
    /// The work panicked in whatever step was running.
    pub(crate) fn panicked(progress: &Progress<'_>) -> Self {
        let run = progress.store.run_get(progress.run).ok().flatten();
        let step = run.and_then(|run| run.current_step().map(|step| step.name)).unwrap_or(Step::Fetch);
        progress.failed(step, RunError::Panicked)
    }
}

/// How often progress is written to the database at most.
const STORE_EVERY: Duration = Duration::from_millis(400);

/// The steps of one run.
pub(crate) struct Progress<'a> {
    pub(crate) store: &'a Store,
    pub(crate) run: RunId,
    watcher: &'a dyn Watcher,
    last_stored: Mutex<Option<Instant>>,
}

impl<'a> Progress<'a> {
    pub(crate) fn new(store: &'a Store, run: RunId, watcher: &'a dyn Watcher) -> Self {
        Self { store, run, watcher, last_stored: Mutex::new(None) }
    }

    /// Runs `work` as the step: begun before, ended after, marked failed when it returns an error.
    pub(crate) fn step<T>(
        &self,
        step: Step,
        work: impl FnOnce() -> Result<(T, Option<String>), RunError>,
    ) -> Result<T, StepError> {
        self.begin(step)?;
        match work() {
            Ok((value, detail)) => {
                self.end(step, StepStatus::Done, detail.as_deref())?;
                Ok(value)
            }
            Err(error) => Err(self.failed(step, error)),
        }
    }

    pub(crate) fn begin(&self, step: Step) -> Result<(), StepError> {
        log::info!("{}", step.title());
        self.watcher.step_started(self.run, step);
        self.store.step_start(self.run, step).map_err(|error| StepError { step, error: error.into() })
    }

    /// Records how far a step is, at most a few times per second.
    pub(crate) fn advance(&self, step: Step, done: u64, total: Option<u64>) -> Result<(), RunError> {
        self.watcher.step_progressed(self.run, step, done, total);
        let mut last = self.last_stored.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= STORE_EVERY) {
            *last = Some(Instant::now());
            self.store.step_progress(self.run, step, done, total)?;
        }
        Ok(())
    }

    /// Tells what a step waits for, until it ends.
    pub(crate) fn remark(&self, step: Step, remark: &str) -> Result<(), RunError> {
        log::info!("{}: {remark}", step.title());
        Ok(self.store.step_remark(self.run, step, remark)?)
    }

    /// Records the final count of a step, whatever was stored last.
    pub(crate) fn complete(&self, step: Step, done: u64) -> Result<(), RunError> {
        self.watcher.step_progressed(self.run, step, done, Some(done));
        Ok(self.store.step_progress(self.run, step, done, Some(done))?)
    }

    pub(crate) fn end(&self, step: Step, status: StepStatus, detail: Option<&str>) -> Result<(), StepError> {
        log::info!("{}: {status}{}", step.title(), detail.map(|d| format!(", {d}")).unwrap_or_default());
        self.watcher.step_finished(self.run, step, status, detail);
        self.store
            .step_finish(self.run, step, status, detail)
            .map_err(|error| StepError { step, error: error.into() })
    }

    /// Marks the step failed; a database that fails here too must not hide the first error.
    pub(crate) fn failed(&self, step: Step, error: RunError) -> StepError {
        if let Err(second) = self.end(step, StepStatus::Failed, Some(&error.explain().message)) {
            log::error!("the failed step could not be recorded: {}", Chain(&second.error));
        }
        StepError { step, error }
    }
}
