//! One run at a time over all processes that share the database: a lease with a heartbeat, no lock that a dead process
//! keeps.

use domain::error_chain::Chain;
use domain::{Cancel, RunId};
use persistence::{LeaseOutcome, Store, StoreError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The right to run. Given back when dropped; it expires by itself when its process dies.
pub(crate) struct Lease {
    store: Store,
    /// New for every lease: after an expiry even two threads of one process must not take each other's for their own.
    holder: String,
    ttl: Duration,
}

impl Lease {
    /// Takes the lease, or tells which run holds it.
    pub(crate) fn take(store: Store, ttl: Duration) -> Result<Result<Self, Option<RunId>>, StoreError> {
        let holder = uuid::Uuid::new_v4().to_string();
        Ok(match store.lease_acquire(&holder, ttl)? {
            LeaseOutcome::Acquired => Ok(Self { store, holder, ttl }),
            LeaseOutcome::HeldBy { run_id, .. } => Err(run_id),
        })
    }

    /// Tells others which run holds the lease.
    pub(crate) fn set_run(&self, run: RunId) -> Result<(), StoreError> {
        self.store.lease_set_run(&self.holder, run).map(drop)
    }

    /// Renews the lease until the run has ended; cancels the run when the lease is lost.
    pub(crate) fn keep(&self, ended: &Cancel, run: &Cancel, lost: &AtomicBool) {
        while ended.sleep(self.ttl / 3).is_ok() {
            match self.store.lease_heartbeat(&self.holder, self.ttl) {
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
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Err(error) = self.store.lease_release(&self.holder) {
            log::warn!("the lease could not be released and expires by itself: {}", Chain(&error));
        }
    }
}
