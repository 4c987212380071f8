//! A request's number on every log line that is written for it, although its work hops between threads.

use domain::log_context::{self, Context};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

/// A future that is worked on in a log context of its own.
pub(crate) struct InContext<F> {
    context: Context,
    future: Pin<Box<F>>,
}

impl<F> InContext<F> {
    pub(crate) fn new(context: Context, future: F) -> Self {
        Self { context, future: Box::pin(future) }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let _context = log_context::enter(self.context);
        self.future.as_mut().poll(task)
    }
}

#[cfg(test)]
mod tests {
    use super::InContext;
    use domain::log_context::{self, Context};

    #[actix_web::test]
    async fn what_is_worked_on_in_turns_keeps_its_own_context() {
        let works = [1, 2].map(|request| {
            let context = Context { run: None, request: Some(request) };
            InContext::new(context, async move {
                for _ in 0..3 {
                    assert_eq!(log_context::current(), context);
                    actix_web::rt::task::yield_now().await;
                }
                log_context::current()
            })
        });
        let [one, other] = works;
        let seen = futures_util::future::join(one, other).await;
        assert_eq!((seen.0.request, seen.1.request), (Some(1), Some(2)));
        assert_eq!(log_context::current(), Context::default());
    }
}
