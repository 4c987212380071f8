//! Whether a ticker is still at work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A ticker looks at the clock every second; one that was silent for this long between its ticks has died.
const LONGEST_SILENCE: Duration = Duration::from_secs(180);

/// The signs of life of a ticker, by a clock that nobody can set. Clones share them.
#[derive(Debug, Clone)]
pub struct Pulse {
    longest_tick: Duration,
    last: Arc<Mutex<Sign>>,
}

#[derive(Debug, Clone, Copy)]
struct Sign {
    at: Instant,
    /// Whether a tick is being worked on since then.
    is_ticking: bool,
}

impl Pulse {
    /// A pulse that begins now, of a ticker whose ticks take no longer than `longest_tick`, unless one hangs.
    pub fn new(longest_tick: Duration) -> Self {
        let sign = Sign { at: Instant::now(), is_ticking: false };
        Self { longest_tick, last: Arc::new(Mutex::new(sign)) }
    }

    /// Whether the ticker is at work. One that was never started counts as dead three minutes after [`Self::new`].
    pub fn is_alive(&self) -> bool {
        self.is_alive_at(Instant::now())
    }

    fn is_alive_at(&self, now: Instant) -> bool {
        let Sign { at, is_ticking } = *self.lock();
        let longest = if is_ticking { self.longest_tick } else { LONGEST_SILENCE };
        now.saturating_duration_since(at) <= longest
    }

    /// The ticker is there; from now on a tick is worked on, or not.
    pub(super) fn sign(&self, is_ticking: bool) {
        *self.lock() = Sign { at: Instant::now(), is_ticking };
    }

    fn lock(&self) -> MutexGuard<'_, Sign> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_SILENCE, Pulse};
    use std::time::{Duration, Instant};

    #[test]
    fn silence_is_death_sooner_between_ticks_than_while_one_is_worked_on() {
        let longest_tick = Duration::from_secs(3600);
        let pulse = Pulse::new(longest_tick);
        let second = Duration::from_secs(1);
        // Whatever the test itself takes is far less than the second.
        let alive_after = |silence| pulse.is_alive_at(Instant::now() + silence);
        assert!(pulse.is_alive() && alive_after(LONGEST_SILENCE - second));
        assert!(!alive_after(LONGEST_SILENCE + second));
        pulse.clone().sign(true);
        assert!(alive_after(longest_tick - second) && !alive_after(longest_tick + second));
        pulse.sign(false);
        assert!(!alive_after(LONGEST_SILENCE + second));
    }
}
