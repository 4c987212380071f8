//! A flag that ends long waits at once, and a moment after which nobody waits any longer.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Shared by everything a run waits for. Cloning shares the flag.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Flag>);

#[derive(Default)]
struct Flag {
    raised: Mutex<bool>,
    wake: Condvar,
    right: OnceLock<Box<Right>>,
    /// From then on it counts as raised.
    deadline: Option<Instant>,
}

/// Whether the work may go on.
type Right = dyn Fn() -> bool + Send + Sync;

impl fmt::Debug for Cancel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Cancel").field(&*self.raised()).finish()
    }
}

/// The run was cancelled while it waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub struct Cancelled;

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that is raised by itself after this time. Time that the machine sleeps does not count, and no setting of the
    /// wall clock changes it.
    pub fn after(time: Duration) -> Self {
        Self(Arc::new(Flag { deadline: Some(Instant::now() + time), ..Flag::default() }))
    }

    /// From now on the flag is raised as soon as `right` says no, which is asked whenever the flag is looked at. It must
    /// answer quickly nearly always. Only the first call counts.
    pub fn raise_without(&self, right: impl Fn() -> bool + Send + Sync + 'static) {
        let _second = self.0.right.set(Box::new(right));
    }

    /// Raises the flag and wakes every sleeper.
    pub fn cancel(&self) {
        *self.raised() = true;
        self.0.wake.notify_all();
    }

    /// Whether the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        if *self.raised() || self.time_left().is_some_and(|left| left.is_zero()) {
            return true;
        }
        // Not while the flag is locked: the answer may take a moment.
        let is_lost = self.0.right.get().is_some_and(|right| !right());
        if is_lost {
            self.cancel();
        }
        is_lost
    }

    /// Whether the time of [`after`](Self::after) is over, and nobody raised the flag before.
    pub fn is_overdue(&self) -> bool {
        !*self.raised() && self.time_left().is_some_and(|left| left.is_zero())
    }

    fn time_left(&self) -> Option<Duration> {
        self.0.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// `Err` once the flag is raised.
    ///
    /// # Errors
    /// [`Cancelled`] when the flag is raised.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }

    /// Sleeps, or returns as soon as the flag is raised.
    ///
    /// # Errors
    /// [`Cancelled`] when the flag was raised before or during the sleep.
    pub fn sleep(&self, duration: Duration) -> Result<(), Cancelled> {
        let end = Instant::now() + duration;
        let mut raised = self.raised();
        while !*raised {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(raised);
                return self.check();
            }
            let until = self.time_left().map_or(left, |until| until.min(left));
            if until.is_zero() {
                break;
            }
            raised = self.0.wake.wait_timeout(raised, until).unwrap_or_else(PoisonError::into_inner).0;
        }
        Err(Cancelled)
    }

    fn raised(&self) -> std::sync::MutexGuard<'_, bool> {
        self.0.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cancel, Cancelled};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    #[test]
    fn a_sleeper_wakes_when_the_run_is_cancelled() {
        let cancel = Cancel::new();
        let sleeper = std::thread::spawn({
            let cancel = cancel.clone();
            move || cancel.sleep(Duration::from_secs(600))
        });
        cancel.cancel();
        assert_eq!(sleeper.join().unwrap(), Err(Cancelled));
        assert_eq!(cancel.check(), Err(Cancelled));
    }

    #[test]
    fn a_sleeper_wakes_when_its_time_is_over() {
        let cancel = Cancel::after(Duration::from_millis(20));
        assert_eq!(cancel.clone().sleep(Duration::from_secs(600)), Err(Cancelled));
        assert!(cancel.is_cancelled() && cancel.is_overdue());
        assert_eq!(cancel.sleep(Duration::from_secs(600)), Err(Cancelled), "and no other sleep begins");
        cancel.cancel();
        assert!(!cancel.is_overdue(), "somebody asked for the end");
    }

    #[test]
    fn an_undisturbed_sleep_ends_well() {
        assert_eq!(Cancel::new().sleep(Duration::from_millis(1)), Ok(()));
    }

    #[test]
    fn without_the_right_to_go_on_the_flag_is_raised_for_good() {
        let (cancel, may) = (Cancel::new(), Arc::new(AtomicBool::new(true)));
        cancel.raise_without({
            let may = Arc::clone(&may);
            move || may.load(Ordering::SeqCst)
        });
        assert_eq!((cancel.check(), cancel.sleep(Duration::ZERO)), (Ok(()), Ok(())));
        may.store(false, Ordering::SeqCst);
        assert_eq!(cancel.clone().sleep(Duration::ZERO), Err(Cancelled), "time has passed");
        may.store(true, Ordering::SeqCst);
        assert_eq!(cancel.check(), Err(Cancelled));
    }
}
