//! The sandbox's time. Meta's hours pass in seconds on the fast clock; session expiry and rate-limit windows follow
//! the steady one, so that an accelerated demo still meets the limits a real client meets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// Clones share the same time.
#[derive(Clone, Debug)]
pub struct SandboxClock {
    start: DateTime<Utc>,
    started: Instant,
    rate: f64,
    advances: Arc<Mutex<Duration>>,
}

impl SandboxClock {
    /// Starts at the present. `rate` is how many sandbox seconds of [`now`](Self::now) pass per real second.
    #[expect(
        clippy::disallowed_methods,
        reason = "the simulators' own clock, which shares no type with the product's"
    )]
    pub fn new(rate: f64) -> Self {
        Self { start: Utc::now(), started: Instant::now(), rate, advances: Arc::default() }
    }

    /// Start + real time passed × rate + all advances.
    pub fn now(&self) -> DateTime<Utc> {
        self.at(self.started.elapsed().mul_f64(self.rate.max(0.0)))
    }

    /// Start + real time passed + all advances.
    pub fn steady(&self) -> DateTime<Utc> {
        self.at(self.started.elapsed())
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        let mut advances = self.advances.lock().unwrap_or_else(PoisonError::into_inner);
        *advances = advances.saturating_add(by);
    }

    fn at(&self, passed: Duration) -> DateTime<Utc> {
        let advances = *self.advances.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = TimeDelta::from_std(passed.saturating_add(advances)).unwrap_or(TimeDelta::MAX);
        self.start.checked_add_signed(passed).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// As the vendors write times: `2026-11-21T05:24:00.000Z`.
pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advance_moves_both_times_of_every_clone() {
        let clock = SandboxClock::new(1.0);
        let clone = clock.clone();
        let (now, steady) = (clock.now(), clock.steady());
        clone.advance(Duration::from_secs(3600));
        assert!(clock.now() - now >= TimeDelta::seconds(3600));
        assert!(clock.steady() - steady >= TimeDelta::seconds(3600));
    }

    #[test]
    fn the_fast_clock_outruns_the_steady_one_and_a_rate_of_zero_stands_still() {
        let fast = SandboxClock::new(1_000_000.0);
        while fast.started.elapsed() < Duration::from_millis(2) {}
        assert!(fast.now() - fast.steady() > TimeDelta::seconds(60));
        let still = SandboxClock::new(0.0);
        assert_eq!(still.now(), still.now());
    }
}
