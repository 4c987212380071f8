//! What is done between runs: closing what dead processes left, finishing what had to wait, sending
//! mails, forgetting contacts of old runs.

use crate::error::RunError;
use crate::lease::Lease;
use crate::service::{Parts, SyncService};
use crate::spool::Spool;
use domain::error_chain::Chain;
use domain::{Cancel, RunId};
use persistence::StoreError;
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for Meta's limits outside a run: it would hold the lease, and what is left comes round again.
pub(crate) const UPKEEP_WAITS: Duration = Duration::from_secs(60);

/// A replacement that was cut short sends the whole list whenever it is tried, so it sits out every pause that Meta's
/// usage asks for (none is longer), and gives way to a limit only.
const REPLACEMENT_WAITS: Duration = Duration::from_secs(300);

impl SyncService {
    /// Closes what an earlier process left: interrupted runs, unfinished audiences, spool files. Does nothing while
    /// another process holds the lease, or this one is at work; [`follow_up`](Self::follow_up) then does it later.
    ///
    /// # Errors
    /// [`RunError`] when the database or the spool folder fails; faults of Meta are logged and tried again next time.
    pub fn recover(&self) -> Result<(), RunError> {
        let cancel = Cancel::new();
        match self.lease_for_upkeep(&cancel)? {
            Some(lease) => {
                let here = self.under(&lease);
                here.close_interrupted_runs();
                here.clean_up(&cancel)
            }
            None => {
                log::info!("a sync is running or has just been interrupted: cleaning up comes later");
                Ok(())
            }
        }
    }

    /// Closes what dead processes left, follows lookalikes up and sends the mails that are due, before it asks Meta for
    /// anything and once more after that, removes contacts that were kept long enough, and once a day looks whether the Meta
    /// token or the Claude model ends soon. Called every minute or so; does nothing while a run holds the lease, so that no
    /// mail is sent by two. A run that begins in this process ends its waits for Meta.
    pub fn follow_up(&self) {
        let cancel = Cancel::new();
        // Before the lease is asked for: a run that begins meanwhile must find it.
        *self.lock_upkeep() = cancel.clone();
        let nobody_runs = match self.lease_for_upkeep(&cancel) {
            Ok(Some(lease)) => {
                let here = self.under(&lease);
                let report = |result: Result<(), RunError>, what| match result {
                    Ok(()) => {}
                    Err(_) if cancel.is_cancelled() => log::info!("{what}: left for later"),
                    Err(error) => log::error!("{what}: {}", Chain(&error)),
                };
                let hasty = here.waiting_at_most(UPKEEP_WAITS);
                here.close_interrupted_runs();
                report(here.deliver_due_mails(), "due mails");
                report(here.clean_up(&cancel), "cleaning up");
                let patient = here.waiting_at_most(REPLACEMENT_WAITS);
                report(patient.finish_due_replacements(&cancel), "unfinished replacements");
                report(hasty.deliver_due_removals(&cancel), "pending removals");
                report(hasty.follow_up_lookalikes(&cancel), "pending lookalikes");
                report(here.deliver_due_mails(), "due mails");
                report(here.remove_old_contacts(&cancel), "removing old contacts");
                true
            }
            Ok(None) => false,
            Err(error) => {
                log::error!("the lease could not be asked for: {}", Chain(&error));
                false
            }
        };
        // Needs no lease, so a vendor that keeps silent keeps no run waiting.
        if nobody_runs {
            // The other one counts as raised, now that its lease is given back.
            let cancel = Cancel::new();
            *self.lock_upkeep() = cancel.clone();
            if !self.stopping.is_cancelled() {
                self.waiting_at_most(UPKEEP_WAITS).look_ahead(&cancel);
            }
        }
    }

    /// The same service with less patience for Meta's limits; the limits themselves are shared.
    pub(crate) fn waiting_at_most(&self, longest_wait: Duration) -> Self {
        let meta = Arc::new(self.parts.meta.with_longest_wait(longest_wait));
        self.with_parts(Parts { meta, ..Parts::clone(&self.parts) })
    }

    fn clean_up(&self, cancel: &Cancel) -> Result<(), RunError> {
        self.waiting_at_most(UPKEEP_WAITS).undo_all_unfinished(cancel);
        let unfinished: Vec<RunId> =
            self.parts.store.replacements_open()?.iter().map(|open| open.run_id).collect();
        Spool::sweep(&self.parts.settings.spool_folder, &unfinished, self.parts.clock.now())
    }

    /// The lease for work between runs; `None` while anybody runs. A run of this process keeps its right even when its
    /// lease has expired, because the machine slept: only another process may take it over.
    fn lease_for_upkeep(&self, work: &Cancel) -> Result<Option<Lease>, StoreError> {
        if self.stopping.is_cancelled() || self.lock_active().is_some() {
            return Ok(None);
        }
        Ok(self.take_lease(work)?.ok())
    }
}
