//! Trying again what the vendor calls retryable, and nothing else.

use crate::traffic::traffic;
use backon::BackoffBuilder;
use domain::{Cancel, Cancelled};
use std::time::Duration;

/// How often and after which waits a call is repeated: exponential with jitter.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// Repetitions after the first try.
    pub max_retries: usize,
    /// First wait; each further one is twice as long.
    pub first_wait: Duration,
    /// Longest wait between two tries.
    pub longest_wait: Duration,
}

impl RetryPolicy {
    /// The waits between the tries, as many as there are repetitions; each is slightly random, so that those who were
    /// refused together do not come back together.
    pub fn waits(&self) -> impl Iterator<Item = Duration> + use<> {
        backon::ExponentialBuilder::default()
            .with_min_delay(self.first_wait)
            .with_max_delay(self.longest_wait)
            .with_max_times(self.max_retries)
            .with_jitter()
            .build()
    }
}

/// What to do with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call would fail again.
    No,
    /// Wait as the policy says.
    Backoff,
    /// The vendor named the wait.
    After(Duration),
}

/// Calls `service` by `call` until it succeeds, its error is not retryable, the tries are used up, or the run is cancelled.
///
/// # Errors
/// The last error of `call`, or `Cancelled` when the run was cancelled during a wait.
pub fn retry<T, E: From<Cancelled>>(
    service: &'static str,
    policy: &RetryPolicy,
    cancel: &Cancel,
    classify: impl Fn(&E) -> Retry,
    mut call: impl FnMut() -> Result<T, E>,
) -> Result<T, E> {
    let mut waits = policy.waits();
    loop {
        cancel.check()?;
        let error = match call() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let decision = classify(&error);
        if decision == Retry::No {
            return Err(error);
        }
        let Some(backoff) = waits.next() else { return Err(error) };
        let wait = match decision {
            Retry::After(wait) => wait,
            _ => backoff,
        };
        log::info!("the call to {service} failed and is repeated in {} ms", wait.as_millis());
        cancel.sleep(wait)?;
        if let Retry::After(wait) = decision {
            traffic().waited(service, wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Retry, RetryPolicy, retry};
    use domain::{Cancel, Cancelled};
    use std::time::Duration;

    const POLICY: RetryPolicy = RetryPolicy {
        max_retries: 3,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(4),
    };

    #[derive(Debug, PartialEq, Eq)]
    enum Fault {
        Passing,
        Final,
        Cancelled,
    }

    impl From<Cancelled> for Fault {
        fn from(_: Cancelled) -> Self {
            Self::Cancelled
        }
    }

    fn classify(fault: &Fault) -> Retry {
        if *fault == Fault::Passing { Retry::Backoff } else { Retry::No }
    }

    #[test]
    fn passing_faults_are_retried_and_final_ones_are_not() {
        let mut calls = 0;
        let result = retry("Test", &POLICY, &Cancel::new(), classify, || {
            calls += 1;
            if calls < 3 { Err(Fault::Passing) } else { Ok(calls) }
        });
        assert_eq!(result, Ok(3));

        let mut calls = 0;
        let result: Result<(), Fault> = retry("Test", &POLICY, &Cancel::new(), classify, || {
            calls += 1;
            Err(Fault::Final)
        });
        assert_eq!((result, calls), (Err(Fault::Final), 1));
    }

    #[test]
    fn the_tries_are_bounded() {
        let mut calls = 0;
        let result: Result<(), Fault> = retry("Test", &POLICY, &Cancel::new(), classify, || {
            calls += 1;
            Err(Fault::Passing)
        });
        assert_eq!((result, calls), (Err(Fault::Passing), 4));
    }

    #[test]
    fn a_cancelled_run_does_not_wait() {
        let cancel = Cancel::new();
        let result: Result<(), Fault> = retry(
            "Test",
            &POLICY,
            &cancel,
            |_| Retry::After(Duration::from_secs(600)),
            || {
                cancel.cancel();
                Err(Fault::Passing)
            },
        );
        assert_eq!(result, Err(Fault::Cancelled));
    }
}
