//! Forgetting who old runs read (`RETENTION_DAYS`).

use crate::error::RunError;
use crate::service::SyncService;
use chrono::TimeDelta;
use domain::Cancel;
use std::time::Duration;

/// Parts of at most 5,000 rows in one follow-up, which holds the lease: a run of another process that begins meanwhile
/// waits for it some seconds only. What is left comes round with the next.
const PARTS_AT_ONCE: usize = 10;

/// Between two parts, so that whoever waits to write gets a turn.
const PAUSE: Duration = Duration::from_millis(100);

impl SyncService {
    /// Removes the contacts of runs that ended longer ago than they are kept, and what was saved of runs that did not
    /// succeed, with the names of those that Meta refused; the runs with their figures stay, and so do the contacts that
    /// the next run is compared with. A run that begins in this process ends it. Repeating is harmless.
    pub(crate) fn remove_old_contacts(&self, cancel: &Cancel) -> Result<(), RunError> {
        let kept_since = self.parts.clock.now() - TimeDelta::days(self.parts.settings.retention_days.into());
        let mut parts_left = PARTS_AT_ONCE;
        for run in self.parts.store.runs_with_needless_contacts(kept_since)? {
            // Before the rows: a run without them is not named again.
            self.parts.store.run_set_refused_samples(run, &[])?;
            while self.parts.store.contacts_delete_some(run)? > 0 {
                parts_left -= 1;
                if parts_left == 0 || cancel.sleep(PAUSE).is_err() {
                    return Ok(());
                }
            }
            log::info!(
                "the contacts of run {run} were removed: only those of a success are kept, for RETENTION_DAYS"
            );
        }
        Ok(())
    }
}
