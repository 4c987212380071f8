//! One run at a time over all processes that share the database: a lease with a heartbeat, no lock that a dead process
//! keeps.

use chrono::{DateTime, Utc};
use domain::error_chain::Chain;
use domain::run::RunStatus;
use domain::{Cancel, Clock, RunId, log_context};
use persistence::{LeaseOutcome, Store, StoreError};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// For so long the database's word that the lease is held is believed.
const BELIEVED_FOR: Duration = Duration::from_millis(200);

/// The right to run, renewed by a thread of its own from the moment it is taken. Given back when dropped; it expires by
/// itself when its process dies.
pub(crate) struct Lease {
    hold: Hold,
    heartbeat: Option<JoinHandle<()>>,
}

/// What a lease is renewed and given back with. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Hold {
    right: Arc<Right>,
    /// Ends the work that is done under it.
    pub(crate) work: Cancel,
    ended: Cancel,
    given_back: Arc<AtomicBool>,
    /// The database did not answer when it was given back.
    unreleased: Arc<AtomicBool>,
}

/// Whether the work under a lease may go on.
struct Right {
    store: Store,
    clock: Arc<dyn Clock>,
    /// New for every lease: after an expiry even two threads of one process must not take each other's for their own.
    holder: String,
    ttl: Duration,
    lost: AtomicBool,
    asked: Mutex<Asked>,
}

/// What the database was asked.
struct Asked {
    /// When it was asked last.
    last: Moment,
    /// When it said last that the lease is held.
    held: Moment,
}

/// By both clocks: the one stands still while the machine sleeps, the other may be set back.
#[derive(Clone, Copy)]
struct Moment(Instant, DateTime<Utc>);

impl Moment {
    fn is_within(self, time: Duration, now: Self) -> bool {
        let by_the_wall = (now.1 - self.1).to_std().is_ok_and(|passed| passed < time);
        by_the_wall && now.0 - self.0 < time
    }
}

impl Right {
    /// A process that was suspended finds out here that another has taken over, before it sends or records anything more;
    /// one that nobody has replaced goes on. While the database does not answer the lease is trusted for as long as it
    /// lasts.
    fn is_held(&self) -> bool {
        if self.lost.load(Ordering::SeqCst) {
            return false;
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        if asked.last.is_within(BELIEVED_FOR, now) {
            return true;
        }
        let held = match self.store.lease_is_held(&self.holder) {
            Ok(held) => {
                asked.held = now;
                held
            }
            Err(error) => {
                log::warn!("whether the lease is still held could not be asked: {}", Chain(&error));
                asked.held.is_within(self.ttl, self.now())
            }
        };
        asked.last = self.now();
        if !held {
            self.lost.store(true, Ordering::SeqCst);
        }
        held
    }

    fn now(&self) -> Moment {
        Moment(Instant::now(), self.clock.now())
    }
}

impl Hold {
    /// Whether the lease is free again, or will be by itself.
    pub(crate) fn is_given_back(&self) -> bool {
        self.given_back.load(Ordering::SeqCst)
    }

    /// Takes the lease away from the thread that works under it, as if another process had.
    pub(crate) fn lose(&self) {
        self.right.lost.store(true, Ordering::SeqCst);
        self.work.cancel();
    }

    /// Releases what could not be released when it was given back, so that this process need not wait for its own lease.
    pub(crate) fn release_late(&self) -> Result<(), StoreError> {
        if self.unreleased.swap(false, Ordering::SeqCst)
            && let Err(error) = self.right.store.lease_release(&self.right.holder)
        {
            self.unreleased.store(true, Ordering::SeqCst);
            return Err(error);
        }
        Ok(())
    }

    /// Ends the heartbeat and lets others take it.
    pub(crate) fn give_back(&self) {
        self.ended.cancel();
        if let Err(error) = self.right.store.lease_release(&self.right.holder) {
            log::warn!("the lease could not be released and expires by itself: {}", Chain(&error));
            self.unreleased.store(true, Ordering::SeqCst);
        }
        self.given_back.store(true, Ordering::SeqCst);
    }
}

impl Lease {
    /// Takes the lease, or tells which run is going on under it: none does when it is held for other work, or by a run that
    /// has ended and still tells people of it. `work` is cancelled when the lease is lost.
    pub(crate) fn take(
        store: &Store,
        clock: &Arc<dyn Clock>,
        ttl: Duration,
        work: &Cancel,
    ) -> Result<Result<Self, Option<RunId>>, StoreError> {
        let holder = uuid::Uuid::new_v4().to_string();
        if let LeaseOutcome::HeldBy { run_id } = store.lease_acquire(&holder, ttl)? {
            let run = run_id.map(|run| store.run_get(run)).transpose()?.flatten();
            return Ok(Err(run.filter(|run| run.status == RunStatus::Running).map(|run| run.id)));
        }
        let now = Moment(Instant::now(), clock.now());
        let right = Arc::new(Right {
            store: store.clone(),
            clock: Arc::clone(clock),
            holder,
            ttl,
            lost: AtomicBool::new(false),
            asked: Mutex::new(Asked { last: now, held: now }),
        });
        let held = Arc::clone(&right);
        work.raise_without(move || held.is_held());
        let hold = Hold {
            right,
            work: work.clone(),
            ended: Cancel::new(),
            given_back: Arc::default(),
            unreleased: Arc::default(),
        };
        let mut lease = Self { hold, heartbeat: None };
        match lease.start_heartbeat() {
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
        self.hold.right.store.lease_set_run(&self.hold.right.holder, run)
    }

    /// Whether another process has taken over, or the stopping one does not wait any longer.
    pub(crate) fn is_lost(&self) -> bool {
        !self.hold.right.is_held()
    }

    /// The database, for what is written under the lease: refused as soon as another process has it.
    pub(crate) fn store(&self) -> Store {
        self.hold.right.store.while_held_by(&self.hold.right.holder)
    }

    /// For what must still be done under the lease when its work was cancelled.
    pub(crate) fn after_work(&self) -> Cancel {
        let (cancel, right) = (Cancel::new(), Arc::clone(&self.hold.right));
        cancel.raise_without(move || right.is_held());
        cancel
    }

    /// For whoever may take it away.
    pub(crate) fn hold(&self) -> Hold {
        self.hold.clone()
    }

    fn start_heartbeat(&self) -> std::io::Result<JoinHandle<()>> {
        let Hold { right, work, ended, .. } = self.hold.clone();
        let context = log_context::current();
        std::thread::Builder::new().name("lease".to_owned()).spawn(move || {
            let _context = log_context::enter(context);
            while ended.sleep(right.ttl / 3).is_ok() {
                match right.store.lease_heartbeat(&right.holder, right.ttl) {
                    Ok(true) => {}
                    Ok(false) => {
                        right.lost.store(true, Ordering::SeqCst);
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
