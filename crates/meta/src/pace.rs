//! One pace for all threads of a client: slower near a limit, at rest behind one.
//!
//! Below 75 % of every limit nothing is held back. From there on each call waits after the last reply for a part of the
//! time until Meta's counter is down again (or of a minute when Meta does not name that time), growing evenly from nothing
//! at 75 % to all of it at 100 %, and never longer than five minutes. Where a call costs 5 % and the counter empties in 300
//! seconds, as for an ad account with Limited access, this settles below 80 %, well before the block.

use crate::client::SERVICE;
use crate::usage::Usage;
use chrono::{DateTime, Utc};
use domain::{Cancel, Cancelled, Clock, SystemClock};
use http_client::traffic;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From here on calls are slowed down.
const SLOWER_FROM_PERCENT: f64 = 75.0;
/// The longest pause when Meta does not name the time until its counter is down again.
const USUAL_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause before a limit is reached.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Shorter waits are told to nobody. Whoever waits no longer than this beside a run leaves what is told of the run alone.
pub(crate) const TOLD_FROM: Duration = Duration::from_secs(2);
/// Batches in flight where there is room.
const MOST_UPLOADS: usize = 4;

type Watcher = Box<dyn Fn(Option<DateTime<Utc>>) + Send + Sync>;

/// The pace of one ad account, shared by the threads that call for it.
#[derive(Default)]
pub(crate) struct Pace {
    state: Mutex<State>,
    watch: Mutex<Watch>,
}

#[derive(Default)]
struct State {
    usage: Usage,
    /// Nobody calls before.
    closed_until: Option<Instant>,
    /// The next call begins no earlier.
    next_call: Option<Instant>,
}

#[derive(Default)]
struct Watch {
    watcher: Option<Watcher>,
    /// Threads that wait now.
    waiting: usize,
}

/// Why a call did not begin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotNow {
    /// Meta's limit, or the pause before it, lasts longer than the caller waits.
    Limited(Duration),
    Cancelled,
}

impl From<Cancelled> for NotNow {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl Pace {
    /// Tells `watcher` of the waits; replaces an earlier one.
    pub(crate) fn watch(&self, watcher: Watcher) {
        locked(&self.watch).watcher = Some(watcher);
    }

    /// Takes note of what a reply says of the limits.
    pub(crate) fn observe(&self, usage: Usage) {
        let mut state = locked(&self.state);
        state.usage.update(usage);
        state.next_call = Some(after_a_pause(&state.usage));
    }

    /// Meta limits the calls: nobody begins one for this time.
    pub(crate) fn close(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut state = locked(&self.state);
        state.closed_until = state.closed_until.max(Some(until));
    }

    /// Waits until a call may begin, as often as it takes: another thread may have met a limit meanwhile. A caller that
    /// waits no longer than `longest` does not call when a limit or a pause before one lasts longer.
    pub(crate) fn enter(&self, longest: Duration, cancel: &Cancel) -> Result<(), NotNow> {
        loop {
            cancel.check()?;
            match self.next_wait(longest)? {
                Some(wait) => {
                    self.sleep(wait, cancel)?;
                    traffic().waited(SERVICE, wait);
                }
                None => return Ok(()),
            }
        }
    }

    /// How many batches may be uploaded at once.
    pub(crate) fn uploads_in_flight(&self) -> usize {
        let state = locked(&self.state);
        let roomy =
            state.usage.has_full_access() && state.usage.percent(Instant::now()) < SLOWER_FROM_PERCENT;
        if roomy && left(state.closed_until).is_none() { MOST_UPLOADS } else { 1 }
    }

    /// The wait before the call, or `None` when its turn has come; the turn is taken then.
    fn next_wait(&self, longest: Duration) -> Result<Option<Duration>, NotNow> {
        let mut state = locked(&self.state);
        if let Some(wait) = left(state.closed_until.max(state.next_call)) {
            return if wait > longest { Err(NotNow::Limited(wait)) } else { Ok(Some(wait)) };
        }
        state.next_call = Some(after_a_pause(&state.usage));
        Ok(None)
    }

    fn sleep(&self, wait: Duration, cancel: &Cancel) -> Result<(), Cancelled> {
        if wait <= TOLD_FROM {
            return cancel.sleep(wait);
        }
        log::info!("Meta limits the calls: waiting for {} s", wait.as_secs());
        let until = SystemClock.now() + wait;
        let mut watch = locked(&self.watch);
        watch.waiting += 1;
        watch.tell(Some(until));
        drop(watch);
        let result = cancel.sleep(wait);
        let mut watch = locked(&self.watch);
        watch.waiting -= 1;
        if watch.waiting == 0 {
            watch.tell(None);
        }
        result
    }
}

impl Watch {
    fn tell(&self, until: Option<DateTime<Utc>>) {
        if let Some(watcher) = &self.watcher {
            watcher(until);
        }
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("usage", &locked(&self.state).usage).finish_non_exhaustive()
    }
}

/// When the call after one of this moment may begin.
fn after_a_pause(usage: &Usage) -> Instant {
    let now = Instant::now();
    now + pause(usage, now)
}

/// The pause after a reply.
fn pause(usage: &Usage, now: Instant) -> Duration {
    let above = (usage.percent(now) - SLOWER_FROM_PERCENT) / (100.0 - SLOWER_FROM_PERCENT);
    usage.named_wait.unwrap_or(USUAL_PAUSE).min(LONGEST_PAUSE).mul_f64(above.clamp(0.0, 1.0))
}

/// The time left until a moment that has not come yet.
fn left(moment: Option<Instant>) -> Option<Duration> {
    let left = moment?.saturating_duration_since(Instant::now());
    (!left.is_zero()).then_some(left)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{NotNow, Pace, locked, pause};
    use crate::usage::Usage;
    use domain::Cancel;
    use std::time::{Duration, Instant};

    const SECOND: Duration = Duration::from_secs(1);

    fn usage(percent: f64, named_wait: Option<Duration>) -> Usage {
        Usage::of_account(percent, named_wait)
    }

    #[test]
    fn the_pause_grows_evenly_from_three_quarters_of_the_limit_on() {
        let seconds = |percent, named: Option<u64>| {
            pause(&usage(percent, named.map(Duration::from_secs)), Instant::now()).as_secs_f64()
        };
        assert_eq!([seconds(0.0, None), seconds(74.9, None), seconds(75.0, None)], [0.0; 3]);
        assert_eq!([seconds(80.0, None), seconds(100.0, None)], [12.0, 60.0]);
        assert_eq!([seconds(80.0, Some(300)), seconds(100.0, Some(300))], [60.0, 300.0]);
        assert_eq!([seconds(250.0, Some(10)), seconds(100.0, Some(3600))], [10.0, 300.0], "bounded");
        assert_eq!(pause(&Usage::default(), Instant::now()), Duration::ZERO, "nothing is known");
        let later = Instant::now() + Duration::from_secs(3600);
        assert_eq!(pause(&usage(92.0, None), later), Duration::ZERO, "nothing is known any more");
    }

    #[test]
    fn threads_take_turns_near_a_limit() {
        let pace = Pace::default();
        pace.observe(usage(100.0, Some(100 * SECOND)));
        let limited = pace.next_wait(50 * SECOND);
        assert!(matches!(limited, Err(NotNow::Limited(left)) if left > 99 * SECOND), "{limited:?}");
        let wait = pace.next_wait(200 * SECOND).unwrap().unwrap();
        assert!(wait > 99 * SECOND && wait <= 100 * SECOND, "{wait:?}");
        locked(&pace.state).next_call = None;
        assert_eq!(pace.next_wait(Duration::ZERO), Ok(None), "its turn has come");
        let wait = pace.next_wait(200 * SECOND).unwrap().unwrap();
        assert!(wait > 99 * SECOND && wait <= 100 * SECOND, "the next one waits for its own turn: {wait:?}");
    }

    #[test]
    fn a_limit_is_never_shortened_by_another_thread() {
        let pace = Pace::default();
        pace.close(100 * SECOND);
        pace.close(10 * SECOND);
        let limited = pace.enter(50 * SECOND, &Cancel::new());
        assert!(matches!(limited, Err(NotNow::Limited(left)) if left > 50 * SECOND), "{limited:?}");
    }
}
