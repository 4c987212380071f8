//! At most so many calls in any window of time.

use domain::{Cancel, Cancelled};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A sliding-window limiter shared by all threads that call one vendor for one account.
#[derive(Debug)]
pub struct SlidingWindow {
    max_calls: usize,
    window: Duration,
    recent: Mutex<VecDeque<Instant>>,
}

impl SlidingWindow {
    /// At most `max_calls` (at least 1) in any `window`.
    pub fn new(max_calls: usize, window: Duration) -> Self {
        Self { max_calls: max_calls.max(1), window, recent: Mutex::new(VecDeque::new()) }
    }

    /// Waits for a place and takes it.
    ///
    /// # Errors
    /// [`Cancelled`] when the run was cancelled while waiting.
    pub fn acquire(&self, cancel: &Cancel) -> Result<(), Cancelled> {
        loop {
            let now = Instant::now();
            let wait = {
                let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
                while recent.front().is_some_and(|first| now.duration_since(*first) >= self.window) {
                    recent.pop_front();
                }
                if recent.len() < self.max_calls {
                    recent.push_back(now);
                    return cancel.check();
                }
                recent
                    .front()
                    .map_or(Duration::ZERO, |first| self.window.saturating_sub(now.duration_since(*first)))
            };
            cancel.sleep(wait)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SlidingWindow;
    use domain::Cancel;
    use std::time::{Duration, Instant};

    #[test]
    fn no_window_ever_holds_more_than_the_maximum() {
        let limiter = SlidingWindow::new(3, Duration::from_millis(40));
        let begun = Instant::now();
        let mut calls = Vec::new();
        for _ in 0..10 {
            limiter.acquire(&Cancel::new()).unwrap();
            calls.push(begun.elapsed());
        }
        for window in calls.windows(4) {
            assert!(window[3] - window[0] >= Duration::from_millis(39), "{calls:?}");
        }
    }

    #[test]
    fn a_cancelled_run_gets_no_place() {
        let limiter = SlidingWindow::new(1, Duration::from_secs(600));
        let cancel = Cancel::new();
        limiter.acquire(&cancel).unwrap();
        cancel.cancel();
        assert!(limiter.acquire(&cancel).is_err());
    }
}
