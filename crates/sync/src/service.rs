//! Beginning, cancelling and closing runs: one at a time over all processes that share the database.

use crate::catalogue::Catalogue;
use crate::edges::{ContactSource, Ranker};
use crate::ending::End;
use crate::error::{EdgeError, RunError, StartError};
use crate::expiry::NextLook;
use crate::follow_up::Looks;
use crate::lease::{Hold, Lease};
use crate::progress::Watcher;
use crate::schedule::Slot;
use crate::settings::SyncSettings;
use chrono::{DateTime, Utc};
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{RunStatus, SyncConfig, Trigger};
use domain::{Cancel, Clock, Run, RunId};
use mailer::{MailContext, Mailer, Webhook};
use meta::MetaClient;
use persistence::{Store, StoreError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a new run waits while the lease is held only to send a mail or to finish a request to Meta.
const UPKEEP_PATIENCE: Duration = Duration::from_secs(15);

/// Everything a run works with.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Where contacts come from.
    pub source: Arc<dyn ContactSource>,
    /// Who ranks.
    pub ranker: Arc<dyn Ranker>,
    /// Where the audience goes.
    pub meta: Arc<MetaClient>,
    /// Who tells people by e-mail; `None` when SMTP is not set up.
    pub mailer: Option<Mailer>,
    /// Who tells people in a chat; `None` when no webhook is set.
    pub webhook: Option<Arc<Webhook>>,
    /// What mails and messages need to know besides the run.
    pub mail_context: MailContext,
    /// What the sync does.
    pub settings: SyncSettings,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Who watches the runs of this process.
    pub watcher: Arc<dyn Watcher>,
}

/// Starts runs and keeps them to themselves. Cloning shares it.
#[derive(Clone)]
pub struct SyncService {
    pub(crate) parts: Arc<Parts>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) looks: Arc<Looks>,
    pub(crate) next_look_ahead: Arc<NextLook>,
    active: Arc<Mutex<Option<(RunId, Cancel)>>>,
    /// Ends the waits of the follow-up that goes on in this process.
    upkeep: Arc<Mutex<Cancel>>,
    /// The latest lease of this process.
    held: Arc<Mutex<Option<Hold>>>,
    /// How a run of this process ended that could not be closed, because the database did not answer.
    pub(crate) unclosed: Arc<Mutex<Option<End>>>,
    /// Raised when the process ends: nothing is begun any more.
    pub(crate) stopping: Cancel,
}

/// A run that goes on in its own thread.
#[derive(Debug)]
pub struct RunHandle {
    /// Its id.
    pub run: RunId,
    thread: JoinHandle<()>,
}

impl RunHandle {
    /// Waits until the run is closed, its mail included.
    pub fn wait(self) {
        if self.thread.join().is_err() {
            // The run's own work is guarded; only the closing itself can end here, and it has logged why.
            log::error!("the thread of run {} ended unexpectedly", self.run);
        }
    }
}

impl SyncService {
    /// A service over the parts.
    pub fn new(parts: Parts) -> Self {
        show_waits(&parts);
        Self {
            parts: Arc::new(parts),
            catalogue: Arc::default(),
            looks: Arc::default(),
            next_look_ahead: Arc::default(),
            active: Arc::default(),
            upkeep: Arc::default(),
            held: Arc::default(),
            unclosed: Arc::default(),
            stopping: Cancel::new(),
        }
    }

    /// The same service over changed parts: a run that is going on keeps the parts it began with.
    #[must_use]
    pub fn with_parts(&self, parts: Parts) -> Self {
        show_waits(&parts);
        Self { parts: Arc::new(parts), ..self.clone() }
    }

    /// What it works with.
    pub fn settings(&self) -> &SyncSettings {
        &self.parts.settings
    }

    /// Begins a run in its own thread.
    ///
    /// # Errors
    /// [`StartError::AlreadyRunning`] when one runs here or in another process, [`StartError::Busy`] when something else is
    /// done for longer than a moment, [`StartError::Stopping`] when this one is about to end.
    pub fn start(
        &self,
        config: &SyncConfig,
        trigger: Trigger,
        accept_smaller_list: bool,
    ) -> Result<RunHandle, StartError> {
        self.begin(config, trigger, None, accept_smaller_list)
    }

    /// Begins the run of a moment of the schedule in its own thread.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_slot(&self, config: &SyncConfig, slot: &Slot) -> Result<RunHandle, StartError> {
        self.begin(config, slot.trigger, Some(slot.at), false)
    }

    fn begin(
        &self,
        config: &SyncConfig,
        trigger: Trigger,
        slot: Option<DateTime<Utc>>,
        accept_smaller_list: bool,
    ) -> Result<RunHandle, StartError> {
        let cancel = Cancel::after(self.parts.settings.run_deadline);
        let lease = self.lease_for_a_run(&cancel)?;
        let service = self.under(&lease);
        // Whoever holds the lease is alone: what still counts as running was left by a process that died.
        service.close_interrupted_runs();
        self.refuse_when_stopping()?;
        let store = &service.parts.store;
        let config = self.as_it_is_now(config)?;
        let config_id = store.config_of_run(&config)?;
        if let Some(at) = slot
            && let Some(run) = store.run_of_slot(at)?
            && store.run_get(run)?.is_some_and(|run| run.has_taken_place())
        {
            // Another process took this long for dead and has made the moment's run meanwhile.
            return Err(StartError::AlreadyRunning { run });
        }
        let run = store.run_start_for(trigger, slot, config_id)?;
        if !lease.set_run(run)? {
            // Another process has taken this one for dead and has begun: it closes the run that was just opened.
            return Err(StartError::Busy);
        }
        *self.lock_active() = Some((run, cancel.clone()));
        let thread = std::thread::Builder::new()
            .name(format!("run-{run}"))
            .spawn(move || {
                let _context = log_context::enter(Context::of_run(run));
                service.run_to_the_end(run, &config, accept_smaller_list, &cancel, &lease);
            })
            .map_err(|error| {
                *self.lock_active() = None;
                self.close_unbegun(run, StartError::Thread(error))
            })?;
        Ok(RunHandle { run, thread })
    }

    /// The same service for work under the lease: it writes nothing any more once another process has that.
    pub(crate) fn under(&self, lease: &Lease) -> Self {
        let parts = Parts { store: lease.store(), ..Parts::clone(&self.parts) };
        Self { parts: Arc::new(parts), ..self.clone() }
    }

    /// The lease, once nobody has it but a follow-up or a run that is only sending its mail: both soon end.
    fn lease_for_a_run(&self, work: &Cancel) -> Result<Lease, StartError> {
        self.refuse_when_stopping()?;
        // A run of this process keeps its right although its lease has expired, because the clock was put forward.
        let active = self.lock_active().as_ref().map(|(run, _)| *run);
        if let Some(run) = active
            && self.is_running(run)?
        {
            return Err(StartError::AlreadyRunning { run });
        }
        let give_up = Instant::now() + UPKEEP_PATIENCE;
        loop {
            // Another follow-up may have begun meanwhile.
            self.lock_upkeep().cancel();
            match self.take_lease(work)? {
                Ok(lease) => return Ok(lease),
                Err(Some(run)) => return Err(StartError::AlreadyRunning { run }),
                Err(None) if Instant::now() >= give_up => return Err(StartError::Busy),
                Err(None) => {}
            }
            std::thread::sleep(Duration::from_millis(100));
            self.refuse_when_stopping()?;
        }
    }

    fn is_running(&self, run: RunId) -> Result<bool, StoreError> {
        Ok(self.parts.store.run_get(run)?.is_some_and(|run| run.status == RunStatus::Running))
    }

    fn refuse_when_stopping(&self) -> Result<(), StartError> {
        self.stopping.check().map_err(|_cancelled| StartError::Stopping)
    }

    /// The lease, or the run that is going on under it. `work` is cancelled when the lease is lost or the process is to end.
    pub(crate) fn take_lease(&self, work: &Cancel) -> Result<Result<Lease, Option<RunId>>, StoreError> {
        let before = self.lock_held().clone();
        if let Some(before) = before {
            before.release_late()?;
        }
        let taken = Lease::take(&self.parts.store, &self.parts.clock, self.parts.settings.lease_ttl, work)?;
        if let Ok(lease) = &taken {
            *self.lock_held() = Some(lease.hold());
        }
        Ok(taken)
    }

    pub(crate) fn lock_active(&self) -> std::sync::MutexGuard<'_, Option<(RunId, Cancel)>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_held(&self) -> std::sync::MutexGuard<'_, Option<Hold>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_upkeep(&self) -> std::sync::MutexGuard<'_, Cancel> {
        self.upkeep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run as it stands in the database.
    pub(crate) fn load(&self, run: RunId) -> Result<Option<Run>, RunError> {
        Ok(self.parts.store.run_get(run)?)
    }
}

/// While Meta limits the calls, the run that waits says until when.
fn show_waits(parts: &Parts) {
    let store = parts.store.clone();
    parts.meta.watch_waits(move |until| {
        let Some(run) = log_context::current().run else { return };
        if let Some(until) = until {
            log::warn!("Meta asks this program to slow down: it goes on at {until}");
        }
        if let Err(error) = store.run_set_waiting_until(run, until) {
            log::warn!("the wait could not be recorded: {}", Chain(&error));
        }
    });
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        Self::Edge(EdgeError::new(error))
    }
}
