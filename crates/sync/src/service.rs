//! Beginning, cancelling and closing runs: one at a time over all processes that share the database.

use crate::edges::{ContactSource, Ranker, ValueField};
use crate::error::{EdgeError, RunError, StartError};
use crate::progress::{Progress, StepError, Watcher};
use crate::settings::SyncSettings;
use domain::error_chain::Chain;
use domain::run::{Failure, RunStatus, Step, SyncConfig, Trigger};
use domain::{Cancel, Clock, Explain, ListSelection, Run, RunId};
use mailer::{MailContext, Mailer};
use meta::MetaClient;
use persistence::{LeaseOutcome, Store};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Everything a run works with.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// Where contacts come from.
    pub source: Arc<dyn ContactSource>,
    /// Who ranks.
    pub ranker: Arc<dyn Ranker>,
    /// Where the audience goes.
    pub meta: Arc<MetaClient>,
    /// Who tells people; `None` when SMTP is not set up.
    pub mailer: Option<Mailer>,
    /// What mails need to know besides the run.
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
    /// Names this process in the lease.
    holder: Arc<str>,
    active: Arc<Mutex<Option<(RunId, Cancel)>>>,
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
            log::error!("[run-{}] the thread ended unexpectedly", self.run);
        }
    }
}

impl SyncService {
    /// A service over the parts.
    pub fn new(parts: Parts) -> Self {
        let holder = uuid::Uuid::new_v4().to_string();
        Self { parts: Arc::new(parts), holder: holder.into(), active: Arc::default() }
    }

    /// Looks the list and the field up at the source, so that a run keeps the names it ran with. The field may be
    /// given by key, name or id.
    ///
    /// # Errors
    /// [`StartError::Unknown`] names what does not exist and the setting to change.
    pub fn resolve(&self, list_id: &str, field: &str) -> Result<SyncConfig, StartError> {
        let cancel = Cancel::new();
        let unknown_list = || StartError::Unknown {
            what: "Smart List",
            value: list_id.to_owned(),
            setting: "GHL_SMART_LIST_ID",
        };
        let list: ListSelection = list_id.parse().map_err(|_unknown| unknown_list())?;
        let list_name = match &list {
            ListSelection::All => "All contacts".to_owned(),
            ListSelection::Tag(tag) => {
                let tags = self.parts.source.tags(&cancel).map_err(StartError::Edge)?;
                if !tags.contains(tag) {
                    return Err(unknown_list());
                }
                format!("Tag: {tag}")
            }
        };
        let fields = self.parts.source.fields(&cancel).map_err(StartError::Edge)?;
        let field = find_field(fields, field)?;
        Ok(SyncConfig {
            list_id: list.to_string(),
            list_name,
            ltv_field_key: field.key,
            ltv_field_name: field.name,
            ad_account_id: self.parts.settings.ad_account_id.clone(),
            sync_enabled: true,
        })
    }

    /// Begins a run in its own thread.
    ///
    /// # Errors
    /// [`StartError::AlreadyRunning`] when one runs here or in another process.
    pub fn start(
        &self,
        config: &SyncConfig,
        trigger: Trigger,
        accept_smaller_list: bool,
    ) -> Result<RunHandle, StartError> {
        let store = &self.parts.store;
        if let LeaseOutcome::HeldBy { run_id, .. } =
            store.lease_acquire(&self.holder, self.parts.settings.lease_ttl)?
        {
            return Err(StartError::AlreadyRunning { run: run_id });
        }
        let begun = self.begin(config, trigger, accept_smaller_list);
        if begun.is_err() {
            self.release_lease();
        }
        begun
    }

    fn begin(
        &self,
        config: &SyncConfig,
        trigger: Trigger,
        accept_smaller: bool,
    ) -> Result<RunHandle, StartError> {
        let store = &self.parts.store;
        // Whoever holds the lease is alone: what still counts as running was left by a process that died.
        self.close_interrupted_runs();
        let config_id = match store.config_latest()? {
            Some((id, latest)) if latest == *config => id,
            _ => store.config_save(config)?,
        };
        let run = store.run_start(trigger, config_id)?;
        store.lease_set_run(&self.holder, run)?;
        let cancel = Cancel::new();
        *self.lock_active() = Some((run, cancel.clone()));
        let service = self.clone();
        let config = config.clone();
        let thread = std::thread::Builder::new()
            .name(format!("run-{run}"))
            .spawn(move || service.run_to_the_end(run, &config, accept_smaller, &cancel))
            .map_err(StartError::Thread)?;
        Ok(RunHandle { run, thread })
    }

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

    /// Closes what an earlier process left: interrupted runs, unfinished audiences, spool files. Does nothing while
    /// another process holds the lease.
    ///
    /// # Errors
    /// [`RunError`] when the database or the spool folder fails; faults of Meta are logged and tried again next time.
    pub fn recover(&self) -> Result<(), RunError> {
        let ttl = self.parts.settings.lease_ttl;
        if let LeaseOutcome::HeldBy { .. } = self.parts.store.lease_acquire(&self.holder, ttl)? {
            log::info!("another process is running a sync: nothing to recover here");
            return Ok(());
        }
        self.close_interrupted_runs();
        let swept = crate::spool::Spool::sweep(&self.parts.settings.spool_folder);
        self.release_lease();
        swept
    }

    /// Sends mails that are due and finishes pending lookalikes. Called every minute or so.
    pub fn follow_up(&self) {
        if let Err(error) = self.deliver_due_mails() {
            log::error!("due mails could not be sent: {}", Chain(&error));
        }
        if let Err(error) = self.finish_pending_lookalikes() {
            log::error!("pending lookalikes could not be finished: {}", Chain(&error));
        }
    }

    fn run_to_the_end(&self, run: RunId, config: &SyncConfig, accept_smaller: bool, cancel: &Cancel) {
        let lease_lost = AtomicBool::new(false);
        let ended = Cancel::new();
        std::thread::scope(|scope| {
            scope.spawn(|| self.keep_lease(&ended, cancel, &lease_lost));
            let progress = Progress::new(&self.parts.store, run, &*self.parts.watcher);
            let work = AssertUnwindSafe(|| self.pipeline(&progress, config, accept_smaller, cancel));
            let result =
                std::panic::catch_unwind(work).unwrap_or_else(|_panic| Err(StepError::panicked(&progress)));
            if lease_lost.load(Ordering::SeqCst) {
                // Another process has taken over and closes this run: touching anything now could harm its work.
                log::error!("[run-{run}] {}", RunError::LeaseLost);
            } else {
                self.close(&progress, result, cancel);
            }
            ended.cancel();
        });
        *self.lock_active() = None;
        self.release_lease();
    }

    /// Renews the lease until the run has ended; cancels the run when the lease is lost.
    fn keep_lease(&self, ended: &Cancel, run: &Cancel, lost: &AtomicBool) {
        let ttl = self.parts.settings.lease_ttl;
        while ended.sleep(ttl / 3).is_ok() {
            match self.parts.store.lease_heartbeat(&self.holder, ttl) {
                Ok(true) => {}
                Ok(false) => {
                    lost.store(true, Ordering::SeqCst);
                    run.cancel();
                    return;
                }
                // The database may come back before the lease expires; if not, the next heartbeat tells.
                Err(error) => log::warn!("the lease could not be renewed: {}", Chain(&error)),
            }
        }
    }

    /// Gives the run its final status, undoes what is unfinished at Meta, and tells people.
    fn close(&self, progress: &Progress<'_>, result: Result<(), StepError>, cancel: &Cancel) {
        let run = progress.run;
        let (status, failure) = match result {
            Ok(()) => (RunStatus::Success, None),
            Err(StepError { step, error }) => {
                log::error!("[run-{run}] failed at step {step}: {}", Chain(&error));
                self.undo_unfinished(run);
                let cancelled = cancel.is_cancelled();
                let error = if cancelled { RunError::Cancelled(domain::Cancelled) } else { error };
                let status = if cancelled { RunStatus::Cancelled } else { RunStatus::Failed };
                (status, Some(failure_of(step, &error)))
            }
        };
        let closed = self.queue_mail(run, status).and_then(|()| {
            self.parts.store.run_finish(run, status, failure.as_ref()).map_err(RunError::from)
        });
        match closed {
            Ok(_) => self.notify(progress, status),
            Err(error) => log::error!("[run-{run}] could not be closed as {status}: {}", Chain(&error)),
        }
        log::info!("[run-{run}] ended: {status}");
    }

    fn release_lease(&self) {
        if let Err(error) = self.parts.store.lease_release(&self.holder) {
            log::warn!("the lease could not be released and expires by itself: {}", Chain(&error));
        }
    }

    fn lock_active(&self) -> std::sync::MutexGuard<'_, Option<(RunId, Cancel)>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A run as it stands in the database.
    pub(crate) fn load(&self, run: RunId) -> Result<Option<Run>, RunError> {
        Ok(self.parts.store.run_get(run)?)
    }
}

/// The field with that key, id or name (in this order of trust).
pub(crate) fn find_field(fields: Vec<ValueField>, wanted: &str) -> Result<ValueField, StartError> {
    let wanted = wanted.trim();
    let tests: [fn(&ValueField, &str) -> bool; 4] = [
        |field, wanted| field.key == wanted,
        |field, wanted| field.id == wanted,
        |field, wanted| field.key.strip_prefix("contact.") == Some(wanted),
        |field, wanted| field.name.eq_ignore_ascii_case(wanted),
    ];
    let at = tests.iter().find_map(|test| fields.iter().position(|field| test(field, wanted)));
    match at.and_then(|at| fields.into_iter().nth(at)) {
        Some(field) if !wanted.is_empty() => Ok(field),
        _ => Err(StartError::Unknown {
            what: "custom field",
            value: wanted.to_owned(),
            setting: "GHL_LTV_FIELD",
        }),
    }
}

pub(crate) fn failure_of(step: Step, error: &impl Explain) -> Failure {
    let explained = error.explain();
    Failure {
        step,
        message: explained.message,
        remedy: explained.remedy,
        provider_code: explained.provider_code,
        trace_id: explained.trace_id,
    }
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        Self::Edge(EdgeError::new(error))
    }
}
