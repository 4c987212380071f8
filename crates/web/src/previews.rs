//! The preview that a person asks for in the browser. It reads the whole list and asks Claude, which takes minutes, so it is
//! made in a thread of its own; pages show how far it is and what it found last. One at a time; nothing is sent to Meta.

use crate::actions;
use crate::app::App;
use crate::problem::Problem;
use chrono::{DateTime, Utc};
use domain::error_chain::Chain;
use domain::run::{Step, SyncConfig};
use domain::{Cancel, Clock, Explain, Explanation, SystemClock};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use sync::{Preview, SyncService, SyncSettings};

/// The only preview; the same for all workers. What it found is forgotten when the service is started anew.
#[derive(Debug, Default)]
pub(crate) struct Previews {
    state: Mutex<State>,
    ended: Condvar,
}

/// How the preview stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// The one that is being made.
    pub(crate) under_way: Option<UnderWay>,
    /// What the latest one found.
    pub(crate) last: Option<Made>,
    /// Whether the service is being stopped.
    is_closed: bool,
}

/// A preview that is being made.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    pub(crate) begun: DateTime<Utc>,
    pub(crate) step: Step,
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
    cancel: Cancel,
}

/// A preview that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) at: DateTime<Utc>,
    /// What it found, or why it could not be made.
    pub(crate) outcome: Result<Arc<Preview>, Explanation>,
    /// The settings it was made with.
    pub(crate) settings: SyncSettings,
}

impl Previews {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands now.
    pub(crate) fn state(&self) -> State {
        self.lock().clone()
    }

    /// Asks the one that is being made to end.
    pub(crate) fn cancel(&self) {
        if let Some(under_way) = &self.lock().under_way {
            under_way.cancel.cancel();
        }
    }

    /// [`Self::cancel`], and begins no other from now on.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.cancel();
    }

    /// [`Self::close`], and waits for its end, because its working files hold personal data and go with it.
    pub(crate) fn stop(&self, within: Duration) {
        self.close();
        let is_going_on = |state: &mut State| state.under_way.is_some();
        drop(self.ended.wait_timeout_while(self.lock(), within, is_going_on));
    }

    fn progressed(&self, step: Step, done: u64, total: Option<u64>) {
        if let Some(under_way) = &mut self.lock().under_way {
            (under_way.step, under_way.done, under_way.total) = (step, done, total);
        }
    }

    /// One that was stopped does not take the place of what an earlier one found.
    fn end(&self, made: Made, cancel: &Cancel) {
        let mut state = self.lock();
        let is_stopped = made.outcome.is_err() && cancel.is_cancelled();
        state.under_way = None;
        if !(is_stopped && state.last.as_ref().is_some_and(|last| last.outcome.is_ok())) {
            state.last = Some(made);
        }
        self.ended.notify_all();
    }
}

/// Begins a preview of what is chosen. While one is being made that is the one. Blocks.
pub(crate) fn begin(app: &Arc<App>) -> Result<(), Problem> {
    let (sync, config) = actions::next_sync(app)?;
    let cancel = Cancel::new();
    {
        let mut state = app.previews.lock();
        if state.is_closed {
            return Err(Problem::NotReady(Explanation::new(
                "No preview was begun: the service is being stopped.",
                "Make it when the service is started again.",
            )));
        }
        if state.under_way.is_some() {
            return Ok(());
        }
        state.under_way = Some(UnderWay {
            begun: SystemClock.now(),
            step: Step::Fetch,
            done: 0,
            total: None,
            cancel: cancel.clone(),
        });
    }
    let maker = Arc::clone(app);
    let make = move || {
        let outcome = make(&maker.previews, &sync, &config, &cancel);
        let made = Made { at: SystemClock.now(), outcome, settings: sync.settings().clone() };
        maker.previews.end(made, &cancel);
    };
    match std::thread::Builder::new().name("preview".to_owned()).spawn(make) {
        Ok(_thread) => Ok(()),
        Err(error) => {
            app.previews.lock().under_way = None;
            Err(Problem::System(error.to_string()))
        }
    }
}

fn make(
    previews: &Previews,
    sync: &SyncService,
    config: &SyncConfig,
    cancel: &Cancel,
) -> Result<Arc<Preview>, Explanation> {
    let progressed = |step, done, total| previews.progressed(step, done, total);
    let made = catch_unwind(AssertUnwindSafe(|| sync.preview(config, cancel, &progressed)));
    match made {
        Ok(Ok(preview)) => Ok(Arc::new(preview)),
        // Whatever it was that the flag ended.
        Ok(Err(_)) if cancel.is_cancelled() => {
            Err(Explanation::new("The preview was stopped before its end.", "Make it again."))
        }
        Ok(Err(error)) => {
            log::error!("the preview failed: {}", Chain(&error));
            Err(error.explain())
        }
        Err(_panic) => Err(Explanation::new(
            "The preview ended because of a fault in this program.",
            "Make it again; if it ends the same way, look into the log file and report it.",
        )),
    }
}
