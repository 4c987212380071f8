//! A flag that ends long waits at once, and a moment after which nobody waits any longer.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by everything a run waits for. Cloning shares the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    flag: Arc<(Mutex<bool>, Condvar)>,
    /// From then on it counts as raised.
    deadline: Option<Instant>,
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
        Self { deadline: Some(Instant::now() + time), ..Self::default() }
    }

    /// Raises the flag and wakes every sleeper.
    pub fn cancel(&self) {
        let (flag, wake) = &*self.flag;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
    }

    /// Whether the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        self.is_raised() || self.time_left().is_some_and(|left| left.is_zero())
    }

    /// Whether the time of [`after`](Self::after) is over, and nobody raised the flag before.
    pub fn is_overdue(&self) -> bool {
        !self.is_raised() && self.is_cancelled()
    }

    fn is_raised(&self) -> bool {
        *self.flag.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
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
        let (flag, wake) = &*self.flag;
        let end = Instant::now() + duration;
        let mut raised = flag.lock().unwrap_or_else(PoisonError::into_inner);
        while !*raised {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let until = self.time_left().map_or(left, |until| until.min(left));
            if until.is_zero() {
                break;
            }
            raised = wake.wait_timeout(raised, until).unwrap_or_else(PoisonError::into_inner).0;
        }
        Err(Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cancel, Cancelled};
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
}
