//! The one place that reads the wall clock.

use chrono::{DateTime, Utc};

/// Where the present moment comes from. Times are UTC everywhere inside; zones belong to the edge.
pub trait Clock: Send + Sync {
    /// The present moment in UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
        Utc::now()
    }
}
