//! A flag that ends long waits at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shared by everything a run waits for. Cloning shares the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<(Mutex<bool>, Condvar)>);

/// The run was cancelled while it waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub struct Cancelled;

impl Cancel {
    /// A flag that is not raised.
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the flag and wakes every sleeper.
    pub fn cancel(&self) {
        let (flag, wake) = &*self.0;
        *flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        wake.notify_all();
    }

    /// Whether the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let (flag, wake) = &*self.0;
        let end = Instant::now() + duration;
        let mut raised = flag.lock().unwrap_or_else(PoisonError::into_inner);
        while !*raised {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            raised = wake.wait_timeout(raised, left).unwrap_or_else(PoisonError::into_inner).0;
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
    fn an_undisturbed_sleep_ends_well() {
        assert_eq!(Cancel::new().sleep(Duration::from_millis(1)), Ok(()));
    }
}
