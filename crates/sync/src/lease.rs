//! One run at a time over all processes that share the database: a lease with a heartbeat, no lock that a dead process
//! keeps.

use domain::error_chain::Chain;
use domain::{Cancel, RunId, log_context};
use persistence::{LeaseOutcome, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The right to run, renewed by a thread of its own from the moment it is taken. Given back when dropped; it expires by
/// itself when its process dies.
pub(crate) struct Lease {
    hold: Hold,
    heartbeat: Option<JoinHandle<()>>,
}

/// What a lease is renewed and given back with. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Hold {
    store: Store,
    /// New for every lease: after an expiry even two threads of one process must not take each other's for their own.
    holder: Arc<str>,
    /// Ends the work that is done under it.
    pub(crate) work: Cancel,
    ended: Cancel,
    lost: Arc<AtomicBool>,
    given_back: Arc<AtomicBool>,
}

impl Hold {
    /// Whether the lease is free again, or will be by itself.
    pub(crate) fn is_given_back(&self) -> bool {
        self.given_back.load(Ordering::SeqCst)
    }

    /// Takes the lease away from the thread that works under it, as if another process had.
    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
        self.work.cancel();
    }

    /// Ends the heartbeat and lets others take it.
    pub(crate) fn give_back(&self) {
        self.ended.cancel();
        if let Err(error) = self.store.lease_release(&self.holder) {
            log::warn!("the lease could not be released and expires by itself: {}", Chain(&error));
        }
        self.given_back.store(true, Ordering::SeqCst);
    }
}

impl Lease {
    /// Takes the lease, or tells which run holds it. `work` is cancelled when the lease is lost.
    pub(crate) fn take(
        store: &Store,
        ttl: Duration,
        work: &Cancel,
    ) -> Result<Result<Self, Option<RunId>>, StoreError> {
        let holder = uuid::Uuid::new_v4().to_string();
        if let LeaseOutcome::HeldBy { run_id, .. } = store.lease_acquire(&holder, ttl)? {
            return Ok(Err(run_id));
        }
        let hold = Hold {
            store: store.clone(),
            holder: holder.into(),
            work: work.clone(),
            ended: Cancel::new(),
            lost: Arc::default(),
            given_back: Arc::default(),
        };
        let mut lease = Self { hold, heartbeat: None };
        match lease.start_heartbeat(ttl) {
            Ok(heartbeat) => {
                lease.heartbeat = Some(heartbeat);
                Ok(Ok(lease))
            }
            Err(error) => {
                log::error!("the lease is given back because no thread can be started: {error}");
                Ok(Err(None))
            }
        }
    }

    /// Tells others which run holds the lease. False when it is held by somebody else by now.
    pub(crate) fn set_run(&self, run: RunId) -> Result<bool, StoreError> {
        self.hold.store.lease_set_run(&self.hold.holder, run)
    }

    /// Whether another process has taken over, or the stopping one does not wait any longer.
    pub(crate) fn is_lost(&self) -> bool {
        self.hold.lost.load(Ordering::SeqCst)
    }

    /// For whoever may take it away.
    pub(crate) fn hold(&self) -> Hold {
        self.hold.clone()
    }

    fn start_heartbeat(&self, ttl: Duration) -> std::io::Result<JoinHandle<()>> {
        let Hold { store, holder, work, ended, lost, .. } = self.hold.clone();
        let context = log_context::current();
        std::thread::Builder::new().name("lease".to_owned()).spawn(move || {
            let _context = log_context::enter(context);
            while ended.sleep(ttl / 3).is_ok() {
                match store.lease_heartbeat(&holder, ttl) {
                    Ok(true) => {}
                    Ok(false) => {
                        lost.store(true, Ordering::SeqCst);
                        work.cancel();
                        return;
                    }
                    // The database may come back before the lease expires; if not, the next heartbeat tells.
                    Err(error) => log::warn!("the lease could not be renewed: {}", Chain(&error)),
                }
            }
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.hold.ended.cancel();
        if self.heartbeat.take().is_some_and(|heartbeat| heartbeat.join().is_err()) {
            log::error!("the thread that renews the lease panicked");
        }
        self.hold.give_back();
    }
}
