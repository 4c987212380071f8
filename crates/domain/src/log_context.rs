//! What a thread is working on, so that each log line can say for which run and which request it was written.
//!
//! The context belongs to the thread. A thread begun for the same work inherits it by hand:
//!
//! ```
//! use domain::log_context;
//!
//! let context = log_context::current();
//! std::thread::spawn(move || {
//!     let _context = log_context::enter(context);
//!     // work
//! });
//! ```

use crate::run::RunId;
use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

/// What log lines are about. Shown as `run-7 req-12`, with `-` for what is absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Context {
    /// The sync run.
    pub run: Option<RunId>,
    /// The number of a request, ours to a vendor or a browser's to us, counted from the start of the process. It is for
    /// our log alone and goes to nobody.
    pub request: Option<u64>,
}

impl Context {
    /// The context of a run, outside any request.
    pub fn of_run(run: RunId) -> Self {
        Self { run: Some(run), request: None }
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.run {
            Some(run) => write!(f, "run-{run} ")?,
            None => f.write_str("- ")?,
        }
        match self.request {
            Some(request) => write!(f, "req-{request}"),
            None => f.write_str("-"),
        }
    }
}

thread_local! {
    static CURRENT: Cell<Context> = const { Cell::new(Context { run: None, request: None }) };
}

static NEXT_REQUEST: AtomicU64 = AtomicU64::new(1);

/// The context of this thread.
pub fn current() -> Context {
    CURRENT.get()
}

/// Makes `context` that of this thread until the guard is dropped; then the one before is back.
pub fn enter(context: Context) -> Entered {
    Entered { before: CURRENT.replace(context), this_thread: PhantomData }
}

/// Gives what follows a new request number, within the present run.
pub fn enter_request() -> Entered {
    enter(next_request())
}

/// The next request number within the present run, for work that hops threads and enters the context on each of them.
pub fn next_request() -> Context {
    Context { request: Some(NEXT_REQUEST.fetch_add(1, Ordering::Relaxed)), ..current() }
}

/// Restores the earlier context when dropped.
#[derive(Debug)]
#[must_use = "the context ends with this guard"]
pub struct Entered {
    before: Context,
    /// A pointer keeps the guard on its thread, as only there it restores the right thing.
    this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::{Context, current, enter, enter_request};
    use crate::run::RunId;

    #[test]
    fn contexts_nest_and_come_back() {
        assert_eq!(current(), Context::default());
        let run = Context::of_run(RunId(7));
        {
            let _run = enter(run);
            {
                let _request = enter_request();
                assert_eq!(current().run, Some(RunId(7)), "a request belongs to its run");
                assert!(current().request.is_some());
            }
            assert_eq!(current(), run);
            {
                let _other = enter(Context::default());
                assert_eq!(current(), Context::default());
            }
            assert_eq!(current(), run);
        }
        assert_eq!(current(), Context::default());
    }

    #[test]
    fn the_context_comes_back_after_a_panic() {
        let result = std::panic::catch_unwind(|| {
            let _run = enter(Context::of_run(RunId(7)));
            panic!("in the middle of a run");
        });
        assert!(result.is_err());
        assert_eq!(current(), Context::default());
    }

    #[test]
    fn threads_have_their_own_context_and_can_inherit_one() {
        let _run = enter(Context::of_run(RunId(7)));
        let context = current();
        std::thread::scope(|scope| {
            scope.spawn(|| assert_eq!(current(), Context::default()));
            scope.spawn(move || {
                let _context = enter(context);
                assert_eq!(current().run, Some(RunId(7)));
            });
        });
        assert_eq!(current(), context);
    }

    #[test]
    fn every_request_has_another_number() {
        let numbers = [(); 3].map(|()| {
            let _request = enter_request();
            current().request.unwrap()
        });
        assert!(numbers[0] < numbers[1] && numbers[1] < numbers[2], "{numbers:?}");
    }

    #[test]
    fn what_is_absent_is_a_dash() {
        let run = Some(RunId(7));
        for (context, text) in [
            (Context { run, request: Some(12) }, "run-7 req-12"),
            (Context { run, request: None }, "run-7 -"),
            (Context { run: None, request: Some(12) }, "- req-12"),
            (Context::default(), "- -"),
        ] {
            assert_eq!(context.to_string(), text);
        }
    }
}
