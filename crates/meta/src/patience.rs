//! What is tried again, after which wait, and how often.

use crate::client::{Call, MetaClient};
use crate::error::{ErrorKind, MetaError};
use domain::Cancel;
use serde_json::Value;
use std::time::Duration;

/// Whether a call may be made again when nobody knows if Meta carried it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Doing it twice is as good as doing it once.
    Freely,
    /// Only when it was certainly not carried out.
    WhenNotDone,
}

/// Why a call may be tried again.
enum Cause {
    /// A limit of the ad account, with the wait Meta names: it holds for every thread.
    Limit(Option<Duration>),
    /// The audience is busy with an earlier update.
    Busy,
    /// The audience was made a moment ago and is not known yet.
    NotKnownYet,
    /// A passing fault.
    Hiccup,
}

impl MetaClient {
    /// A call that may be carried out twice.
    pub(crate) fn call(&self, call: &Call<'_>, cancel: &Cancel) -> Result<Value, MetaError> {
        self.patiently(Repeat::Freely, cancel, || self.once(call, cancel))
    }

    /// Repeats `attempt` after limits, passing faults, and while a fresh audience is not known yet; each cause has its own
    /// policy and its own count. Limits and refusals come before any work, so they are repeated in any case.
    pub(crate) fn patiently<T>(
        &self,
        repeat: Repeat,
        cancel: &Cancel,
        mut attempt: impl FnMut() -> Result<T, MetaError>,
    ) -> Result<T, MetaError> {
        let settings = &self.settings;
        let (mut hiccups, mut limits) = (settings.retry.waits(), settings.throttle_retry.waits());
        let mut fresh = settings.fresh_audience_retry.waits();
        loop {
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let short = |wait: &Duration| *wait <= settings.longest_wait;
            let wait = match error.cause(repeat) {
                Some(Cause::Limit(named)) => {
                    let usual = limits.next();
                    let wait = named.or(usual).unwrap_or_default();
                    self.account.pace.close(wait);
                    // The wait itself is at the gate of the next attempt, where every other call waits too.
                    usual.filter(|_| short(&wait)).map(|_| Duration::ZERO)
                }
                Some(Cause::Busy) => limits.next().filter(short),
                Some(Cause::NotKnownYet) => fresh.next(),
                Some(Cause::Hiccup) => hiccups.next(),
                None => None,
            };
            let Some(wait) = wait else { return Err(error) };
            log::info!("the call to Meta is repeated in {} ms", wait.as_millis());
            cancel.sleep(wait)?;
        }
    }
}

impl MetaError {
    /// `None` when the same call would fail again, or must not be made again.
    fn cause(&self, repeat: Repeat) -> Option<Cause> {
        if let Self::Api(error) = self {
            if error.is_busy() {
                return (repeat == Repeat::Freely).then_some(Cause::Busy);
            }
            if error.is_unknown_alias() {
                return Some(Cause::NotKnownYet);
            }
            if let ErrorKind::Wait(named) = error.kind() {
                return Some(Cause::Limit(named));
            }
        }
        let certain = repeat == Repeat::Freely || !self.may_have_been_applied();
        (self.is_hiccup() && certain).then_some(Cause::Hiccup)
    }
}
