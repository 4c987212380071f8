//! Ctrl-C, SIGTERM and SIGHUP: the process ends by itself, and soon, whatever it waits for.

use crate::failure::Failed;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Docker kills a container ten seconds after it asked it to end. All of a stop together takes no longer than this.
pub const STOP_WITHIN: Duration = Duration::from_secs(9);

/// How much of [`STOP_WITHIN`] the sync may take; the rest is for everything else.
pub const SYNC_STOPS_WITHIN: Duration = Duration::from_millis(7_500);

const LOOK_AROUND: Duration = Duration::from_millis(20);

/// The wish that the process ends.
pub struct Signals(Receiver<()>);

impl Signals {
    /// From now on the signals do not kill the process. Once per process.
    ///
    /// # Errors
    /// A failed job when signals can not be watched.
    pub fn watch() -> Result<Self, Failed> {
        let (send, asked) = mpsc::sync_channel(1);
        // A second signal finds the channel full or closed; the first one is enough.
        ctrlc::set_handler(move || send.try_send(()).unwrap_or_default())
            .map_err(|error| Failed::job(format!("Ctrl-C can not be watched: {error}.")))?;
        Ok(Self(asked))
    }

    /// Waits for a signal.
    pub fn wait(&self) {
        // The handler lives as long as the process.
        self.0.recv().unwrap_or_default();
    }

    /// Does `work` in a thread of its own. On a signal `stop` asks it to end; it has what is left of [`STOP_WITHIN`] for
    /// that. `None` when it did not, because it is in the middle of a call that can not be ended; the process is then to
    /// end without it.
    ///
    /// # Errors
    /// A failed job when there is no thread for it, or the work panicked.
    pub fn attend<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        stop: impl FnOnce(),
    ) -> Result<Option<T>, Failed> {
        let (send, done) = mpsc::channel();
        let job = move || {
            // Nobody listens any more when it took too long.
            let _ = send.send(work());
        };
        thread::Builder::new()
            .name("work".to_owned())
            .spawn(job)
            .map_err(|error| Failed::job(format!("The work could not be started ({error}).")))?;
        let (mut stop, mut give_up) = (Some(stop), None);
        loop {
            match done.recv_timeout(LOOK_AROUND) {
                Ok(value) => return Ok(Some(value)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failed::job(
                        "The program stopped because of a fault of its own; see the log.",
                    ));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.0.try_recv().is_ok()
                && let Some(stop) = stop.take()
            {
                give_up = Some(Instant::now() + STOP_WITHIN);
                stop();
            }
            if give_up.is_some_and(|give_up| Instant::now() >= give_up) {
                return Ok(None);
            }
        }
    }
}
