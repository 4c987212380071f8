//! At most so many calls in any window of time.

use crate::traffic::traffic;
use domain::{Cancel, Cancelled};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A sliding-window limiter shared by all threads that call one vendor for one account.
///
/// A call takes its place when it begins and gives it back one window after its reply came. The vendor counted it
/// somewhere in between, so that its count never exceeds ours however long a call was on its way.
#[derive(Debug)]
pub struct SlidingWindow {
    service: &'static str,
    window: Duration,
    calls: Mutex<Calls>,
}

#[derive(Debug)]
struct Calls {
    max: usize,
    under_way: usize,
    /// When the replies of the last window came, oldest first.
    answered: VecDeque<Instant>,
}

/// Whoever waits while all places are taken by calls under way looks again after this time.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

impl SlidingWindow {
    /// At most `max_calls` (at least 1) to this vendor in any `window`.
    pub fn new(service: &'static str, max_calls: usize, window: Duration) -> Self {
        let calls = Calls { max: max_calls.max(1), under_way: 0, answered: VecDeque::new() };
        Self { service, window, calls: Mutex::new(calls) }
    }

    /// Waits for a place and takes it. Keep it until the reply came.
    ///
    /// # Errors
    /// [`Cancelled`] when the run was cancelled while waiting.
    pub fn acquire(&self, cancel: &Cancel) -> Result<Place<'_>, Cancelled> {
        let begun = Instant::now();
        let mut has_waited = false;
        loop {
            cancel.check()?;
            let now = Instant::now();
            let wait = {
                let mut calls = self.lock();
                calls.forget_before(now, self.window);
                if calls.taken() < calls.max {
                    calls.under_way += 1;
                    if has_waited {
                        traffic().waited(self.service, begun.elapsed());
                    }
                    return Ok(Place(self));
                }
                let oldest = calls.answered.front();
                oldest.map_or(LOOK_AGAIN, |first| self.window.saturating_sub(now.duration_since(*first)))
            };
            cancel.sleep(wait)?;
            has_waited = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Calls {
    fn forget_before(&mut self, now: Instant, window: Duration) {
        while self.answered.front().is_some_and(|first| now.duration_since(*first) >= window) {
            self.answered.pop_front();
        }
    }

    fn taken(&self) -> usize {
        self.under_way + self.answered.len()
    }
}

/// A call under way; dropped when its reply came or it was given up.
#[derive(Debug)]
pub struct Place<'a>(&'a SlidingWindow);

impl Place<'_> {
    /// What the vendor's reply says of the window: how many calls it allows, and how many are left. Calls that are
    /// counted there and not here were made by others with the same account; they take places like our own. A smaller
    /// allowance than ours is kept to from now on.
    pub fn told(&self, allowed: usize, left: usize) {
        let now = Instant::now();
        let mut calls = self.0.lock();
        calls.forget_before(now, self.0.window);
        calls.max = calls.max.min(allowed.max(1));
        // A reply is not trusted to fill our memory.
        let by_others = allowed.saturating_sub(left).saturating_sub(calls.taken()).min(calls.max);
        calls.answered.extend(std::iter::repeat_n(now, by_others));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut calls = self.0.lock();
        calls.under_way -= 1;
        calls.answered.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::SlidingWindow;
    use domain::Cancel;
    use std::time::{Duration, Instant};

    #[test]
    fn no_window_ever_holds_more_than_the_maximum() {
        let window = Duration::from_millis(40);
        let limiter = SlidingWindow::new("Test", 3, window);
        let (begun, cancel) = (Instant::now(), Cancel::new());
        let mut calls: Vec<(Duration, Duration)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..5)
                .map(|_| {
                    scope.spawn(|| {
                        (0..4)
                            .map(|_| {
                                let place = limiter.acquire(&cancel).unwrap();
                                let sent = begun.elapsed();
                                cancel.sleep(Duration::from_millis(2)).unwrap();
                                let answered = begun.elapsed();
                                drop(place);
                                (sent, answered)
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        calls.sort_unstable();
        for four in calls.windows(4) {
            let answered = four[..3].iter().map(|(_, answered)| *answered).min().unwrap();
            assert!(four[3].0 >= answered + window, "{calls:?}");
        }
    }

    #[test]
    fn a_cancelled_run_gets_no_place() {
        let limiter = SlidingWindow::new("Test", 1, Duration::from_secs(600));
        let cancel = Cancel::new();
        drop(limiter.acquire(&cancel).unwrap());
        cancel.cancel();
        assert!(limiter.acquire(&cancel).is_err());
    }

    /// How many calls are free now.
    fn free(limiter: &SlidingWindow) -> usize {
        let calls = limiter.lock();
        calls.max - calls.taken()
    }

    #[test]
    fn calls_of_others_take_places_once() {
        let limiter = SlidingWindow::new("Test", 10, Duration::from_secs(600));
        let cancel = Cancel::new();
        let first = limiter.acquire(&cancel).unwrap();
        let second = limiter.acquire(&cancel).unwrap();
        first.told(10, 9);
        assert_eq!(free(&limiter), 8, "the vendor has not counted the second call yet");
        first.told(10, 4);
        assert_eq!(free(&limiter), 4, "four calls are not ours");
        second.told(10, 4);
        assert_eq!(free(&limiter), 4);
        drop((first, second));
        assert_eq!(free(&limiter), 4, "a reply does not free its place at once");
    }

    #[test]
    fn a_smaller_allowance_is_kept_to() {
        let limiter = SlidingWindow::new("Test", 10, Duration::from_secs(600));
        let place = limiter.acquire(&Cancel::new()).unwrap();
        place.told(3, 2);
        assert_eq!(free(&limiter), 2);
        place.told(100, 99);
        assert_eq!(free(&limiter), 2, "more than was asked for is not used");
        place.told(usize::MAX, 0);
        assert_eq!(limiter.lock().taken(), 4, "a window without a place holds no more than its places");
    }
}
