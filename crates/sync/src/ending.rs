//! How a run of this process ends: complete, failed, at its deadline, or because a person or the end of the process asks
//! for it.

use crate::error::{RunError, StartError};
use crate::lease::{Hold, Lease};
use crate::progress::{Progress, StepError};
use crate::service::SyncService;
use crate::upkeep::UPKEEP_WAITS;
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{Failure, RunStatus, Step, StepStatus, SyncConfig};
use domain::{Cancel, Explain, RunId};
use std::panic::AssertUnwindSafe;
use std::sync::{PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How a run ended.
pub(crate) struct End {
    pub(crate) run: RunId,
    pub(crate) status: RunStatus,
    pub(crate) failure: Option<Failure>,
}

impl SyncService {
    /// Asks the run to stop before its next call. False when it does not run in this process.
    pub fn cancel(&self, run: RunId) -> bool {
        match &*self.lock_active() {
            Some((active, cancel)) if *active == run => {
                cancel.cancel();
                true
            }
            _ => false,
        }
    }

    /// Begins nothing more, ends what waits for a vendor, cancels the run of this process and waits until it is closed.
    ///
    /// A thread that is in the middle of a call can not be ended. After two thirds of the time the run is therefore taken
    /// away from it, as another process takes over the run of a dead one: it is closed as cancelled and says so, its thread
    /// closes nothing any more, and what is unfinished at Meta is undone at the next start, as after a crash. The
    /// process is expected to end then.
    ///
    /// False when even that was not done within the time, because the database did not answer: the next start closes the run.
    pub fn stop(&self, within: Duration) -> bool {
        let give_up = Instant::now() + within;
        self.stopping.cancel();
        self.lock_upkeep().cancel();
        if self.wait_until_idle(Instant::now() + within * 2 / 3) {
            return true;
        }
        let (send, closed) = mpsc::channel();
        let service = self.clone();
        let take_away = move || {
            service.take_away();
            // Nobody listens any more when it took too long.
            let _ = send.send(());
        };
        match std::thread::Builder::new().name("stop".to_owned()).spawn(take_away) {
            Ok(_thread) => closed.recv_timeout(give_up.saturating_duration_since(Instant::now())).is_ok(),
            Err(error) => {
                log::error!("no thread can be started to close the run: {error}");
                false
            }
        }
    }

    /// Cancels whatever is done under the lease until nothing is.
    fn wait_until_idle(&self, give_up: Instant) -> bool {
        loop {
            let held = self.lock_held().clone().filter(|held| !held.is_given_back());
            let Some(held) = held else { return true };
            held.work.cancel();
            if Instant::now() >= give_up {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Closes the run whose thread does not answer, and gives its lease back for it.
    fn take_away(&self) {
        // Read first: a thread that finds its lease lost clears it.
        let active = self.lock_active().as_ref().map(|(run, _)| *run);
        let held: Option<Hold> = self.lock_held().clone();
        if let Some(held) = &held {
            held.lose();
        }
        if let Some(run) = active {
            let _context = log_context::enter(Context::of_run(run));
            log::warn!(
                "the run is in the middle of a call that does not end: it is closed without waiting for it"
            );
            if let Err(error) = self.close_stopped(run) {
                log::error!("the run could not be closed, the next start closes it: {}", Chain(&error));
            }
        }
        if let Some(held) = held {
            held.give_back();
        }
    }

    /// Closes a run in the place of its thread.
    fn close_stopped(&self, run: RunId) -> Result<(), RunError> {
        let store = &self.parts.store;
        let Some(found) = self.load(run)? else { return Ok(()) };
        if found.status != RunStatus::Running {
            // It was sending its mail, which the next start does.
            let words = "the service was stopped before the mail server had answered; it is sent after the next start";
            return Ok(store.step_finish(run, Step::Notify, StepStatus::Failed, Some(words))?);
        }
        let step = found.current_step().or(found.steps.last()).map_or(Step::Fetch, |step| step.name);
        let failure = self.with_what_follows(run, failure_of(step, &RunError::Stopped));
        self.queue_mail(run, RunStatus::Cancelled, Some(&failure))?;
        // Its thread may just have closed it, and then nothing of it is touched.
        if store.run_finish(run, RunStatus::Cancelled, Some(&failure))? {
            store.steps_close(run, StepStatus::Failed)?;
            self.give_up_lookalikes(run)?;
            log::info!("the run ended: {}", RunStatus::Cancelled);
        }
        Ok(())
    }

    pub(crate) fn run_to_the_end(
        &self,
        run: RunId,
        config: &SyncConfig,
        accept_smaller: bool,
        cancel: &Cancel,
        lease: &Lease,
    ) {
        let progress = Progress::new(&self.parts.store, run, &*self.parts.watcher);
        let work = AssertUnwindSafe(|| {
            // In the run's own time, which people see and can end: a silent Meta may keep it for minutes. And before the run
            // makes an audience, so that it finds the name free.
            self.waiting_at_most(UPKEEP_WAITS).undo_all_unfinished(cancel);
            self.pipeline(&progress, config, accept_smaller, cancel)
        });
        let result =
            std::panic::catch_unwind(work).unwrap_or_else(|_panic| Err(StepError::panicked(&progress)));
        if lease.is_lost() {
            // Whoever has taken over closes this run: touching anything now could harm its work.
            log::error!("{}", RunError::LeaseLost);
        } else {
            let closing = AssertUnwindSafe(|| self.close(&progress, result, cancel, lease));
            if std::panic::catch_unwind(closing).is_err() {
                log::error!("closing the run panicked; the next cleaning up closes it");
            }
        }
        // A later run of this process may stand here already, when the lease was lost.
        let mut active = self.lock_active();
        if active.as_ref().is_some_and(|(active, _)| *active == run) {
            *active = None;
        }
    }

    /// Gives the run its final status, undoes what is unfinished at Meta, and tells people.
    fn close(&self, progress: &Progress<'_>, result: Result<(), StepError>, cancel: &Cancel, lease: &Lease) {
        let run = progress.run;
        let (status, failure) = match result {
            Ok(()) => (RunStatus::Success, None),
            Err(StepError { step, error }) => {
                // Before anything else takes its time: what comes meanwhile did not end the run.
                let (status, error) = self.what_ended_it(error, cancel);
                match status {
                    RunStatus::Cancelled => {
                        log::info!("the run was stopped at step {step}: {}", Chain(&error));
                    }
                    _ => log::error!("the run failed at step {step}: {}", Chain(&error)),
                }
                self.waiting_at_most(UPKEEP_WAITS).undo_unfinished(run, &lease.after_work());
                if let Err(error) = self.give_up_lookalikes(run) {
                    log::error!("pending lookalikes could not be given up: {}", Chain(&error));
                }
                (status, Some(self.with_what_follows(run, failure_of(step, &error))))
            }
        };
        let closed = self.queue_mail(run, status, failure.as_ref()).and_then(|()| {
            self.parts.store.run_finish(run, status, failure.as_ref()).map_err(RunError::from)
        });
        match closed {
            Ok(true) => {
                self.notify(progress, status);
                log::info!("the run ended: {status}");
            }
            Ok(false) => log::error!("the run was closed by somebody else"),
            Err(error) => {
                log::error!("the run could not be closed as {status} yet: {}", Chain(&error));
                *self.lock_unclosed() = Some(End { run, status, failure });
            }
        }
    }

    /// Closes a run that was recorded and has no thread.
    pub(crate) fn close_unbegun(&self, run: RunId, error: StartError) -> StartError {
        let end = End { run, status: RunStatus::Failed, failure: Some(failure_of(Step::Fetch, &error)) };
        if let Err(unclosed) = self.close_as(&end) {
            log::error!("the run that could not begin could not be closed yet: {}", Chain(&unclosed));
            *self.lock_unclosed() = Some(end);
        }
        error
    }

    /// Closes a run of this process as it ended, once the database answers again. False when it is none.
    pub(crate) fn close_late(&self, run: RunId) -> Result<bool, RunError> {
        let mut kept = self.lock_unclosed();
        let Some(unclosed) = kept.take_if(|unclosed| unclosed.run == run) else { return Ok(false) };
        let closed = self.close_as(&unclosed);
        if closed.is_err() {
            *kept = Some(unclosed);
        }
        closed
    }

    /// Gives a run that nobody works on its final status, with whatever of it was still open. False when it had one.
    pub(crate) fn close_as(&self, end: &End) -> Result<bool, RunError> {
        let store = &self.parts.store;
        store.steps_close(end.run, StepStatus::Failed)?;
        if end.status != RunStatus::Success {
            self.give_up_lookalikes(end.run)?;
        }
        self.queue_mail(end.run, end.status, end.failure.as_ref())?;
        Ok(store.run_finish(end.run, end.status, end.failure.as_ref())?)
    }

    fn lock_unclosed(&self) -> std::sync::MutexGuard<'_, Option<End>> {
        self.unclosed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever asked for the end is named rather than what broke because of it.
    fn what_ended_it(&self, error: RunError, cancel: &Cancel) -> (RunStatus, RunError) {
        if cancel.is_overdue() {
            let allowed = self.parts.settings.run_deadline;
            (RunStatus::Failed, RunError::Overdue { allowed })
        } else if !cancel.is_cancelled() {
            (RunStatus::Failed, error)
        } else if self.stopping.is_cancelled() {
            (RunStatus::Cancelled, RunError::Stopped)
        } else {
            (RunStatus::Cancelled, RunError::Cancelled(domain::Cancelled))
        }
    }

    /// A replacement that the run leaves open goes on by itself, which people should know.
    fn with_what_follows(&self, run: RunId, mut failure: Failure) -> Failure {
        if self.is_being_replaced(run).unwrap_or(false) {
            failure.remedy.push_str(" The audience that was being replaced is completed by itself, as soon as Meta can be reached.");
        }
        failure
    }
}

fn failure_of(step: Step, error: &impl Explain) -> Failure {
    let explained = error.explain();
    Failure {
        step,
        message: explained.message,
        remedy: explained.remedy,
        provider_code: explained.provider_code,
        trace_id: explained.trace_id,
    }
}
