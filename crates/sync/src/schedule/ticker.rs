//! A tick every minute, on a thread of its own.

use super::pulse::Pulse;
use chrono::{DateTime, Utc};
use domain::Clock;
use job_scheduler_ng::{Job, JobScheduler};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

const EVERY_MINUTE: &str = "* * * * *";

/// Longest sleep between two looks at the clock, so that a clock that was set or a machine that slept delays no tick.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Longest wait for the thread when the ticker is dropped.
const LONGEST_GOODBYE: Duration = Duration::from_secs(1);

/// Calls a closure at the beginning of every minute until it is dropped.
#[derive(Debug)]
pub struct Ticker {
    /// Dropped to stop the thread.
    stop: Option<Sender<()>>,
    /// Closed by the thread when it ends.
    ended: Receiver<()>,
}

impl Ticker {
    /// Calls `on_tick` once at once, so that what was missed is found without delay, and then every minute, with the
    /// clock's present moment and never twice at a time: a tick that takes longer swallows those that fall into it, and
    /// one that panics is logged and does not end the ticking. `pulse` tells whether it goes on.
    ///
    /// # Errors
    /// When the system can not start a thread.
    pub fn start(
        clock: Arc<dyn Clock>,
        pulse: Pulse,
        on_tick: impl FnMut(DateTime<Utc>) + Send + 'static,
    ) -> std::io::Result<Self> {
        Self::start_with(EVERY_MINUTE, clock, pulse, on_tick)
    }

    fn start_with(
        schedule: &'static str,
        clock: Arc<dyn Clock>,
        pulse: Pulse,
        mut on_tick: impl FnMut(DateTime<Utc>) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let (ending, ended) = mpsc::channel();
        let beat = pulse.clone();
        let mut tick = move || {
            beat.sign(true);
            let tick = AssertUnwindSafe(|| on_tick(clock.now()));
            if std::panic::catch_unwind(tick).is_err() {
                log::error!("a tick of the schedule panicked; the next one comes as usual");
            }
            beat.sign(false);
        };
        std::thread::Builder::new().name("schedule".to_owned()).spawn(move || {
            let _ending: Sender<()> = ending;
            tick();
            #[expect(clippy::expect_used, reason = "a literal that a test reads")]
            let job = Job::new(schedule.parse().expect("the tick's schedule is well-formed"), tick);
            let mut scheduler = JobScheduler::new();
            scheduler.add(job);
            // The scheduler's first look only remembers the time.
            scheduler.tick();
            loop {
                let sleep = scheduler.time_till_next_job().min(LONGEST_SLEEP);
                match stopped.recv_timeout(sleep) {
                    Err(RecvTimeoutError::Timeout) => {
                        pulse.sign(false);
                        scheduler.tick();
                    }
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { stop: Some(stop), ended })
    }
}

impl Drop for Ticker {
    /// Stops the ticking. Waits for a tick that is being worked on, but not longer than a second.
    fn drop(&mut self) {
        self.stop = None;
        if self.ended.recv_timeout(LONGEST_GOODBYE) == Err(RecvTimeoutError::Timeout) {
            log::warn!("the last tick of the schedule is still being worked on and is left to itself");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EVERY_MINUTE, Pulse, Ticker};
    use chrono::{DateTime, Utc};
    use domain::Clock;
    use std::sync::Arc;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::time::Duration;

    /// Far longer than any step of these tests takes.
    const PATIENCE: Duration = Duration::from_secs(60);

    struct Stopped(DateTime<Utc>);

    impl Clock for Stopped {
        fn now(&self) -> DateTime<Utc> {
            self.0
        }
    }

    fn clock() -> Arc<dyn Clock> {
        Arc::new(Stopped("2026-11-21T02:00:00Z".parse().unwrap()))
    }

    fn pulse() -> Pulse {
        Pulse::new(PATIENCE)
    }

    #[test]
    fn the_first_tick_comes_at_once_with_the_time_of_the_clock() {
        let (send, ticks) = mpsc::channel();
        let ticker = Ticker::start(clock(), pulse(), move |now| send.send(now).unwrap()).unwrap();
        assert_eq!(ticks.recv_timeout(PATIENCE), Ok(clock().now()));
        drop(ticker);
        assert_eq!(ticks.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected), "the thread has ended");
    }

    #[test]
    fn ticks_keep_coming_even_after_a_panic() {
        let (send, ticks) = mpsc::channel();
        let mut count = 0;
        let every_second = "* * * * * *";
        let _ticker = Ticker::start_with(every_second, clock(), pulse(), move |_| {
            count += 1;
            send.send(count).unwrap();
            assert!(count != 2, "the second tick panics");
        })
        .unwrap();
        for expected in 1..=4 {
            assert_eq!(ticks.recv_timeout(PATIENCE), Ok(expected));
        }
    }

    #[test]
    fn the_schedule_of_the_tick_is_every_minute() {
        let cron: job_scheduler_ng::Cron = EVERY_MINUTE.parse().unwrap();
        let first: Vec<_> = cron.iter_after(clock().now()).take(3).collect();
        let minutes = [1, 2, 3].map(|minute| clock().now() + chrono::TimeDelta::minutes(minute));
        assert_eq!(first, minutes);
    }

    #[test]
    fn dropping_the_ticker_does_not_wait_for_a_long_tick() {
        let (release, released) = mpsc::channel::<()>();
        let (send, ticks) = mpsc::channel();
        let ticker = Ticker::start(clock(), pulse(), move |now| {
            send.send(now).unwrap();
            let _ = released.recv();
        })
        .unwrap();
        ticks.recv_timeout(PATIENCE).unwrap();
        // Returns although the tick can only end after it.
        drop(ticker);
        drop(release);
        assert_eq!(ticks.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    }
}
