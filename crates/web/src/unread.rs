//! Bodies that nobody reads.

use actix_web::Error;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::Payload;
use actix_web::web::Bytes;
use std::pin::Pin;
use std::task::{Context, Poll};

/// An answer that holds on to the body of its request until it is sent. The server then closes the connection. If the body
/// were let go before, the server would read one without a length to its end before it does anything else, and whoever sends
/// it slowly would hold the connection for ever.
pub(crate) struct Unread {
    pub(crate) answer: BoxBody,
    pub(crate) _request: Payload,
}

impl MessageBody for Unread {
    type Error = Error;

    fn size(&self) -> BodySize {
        self.answer.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.answer).poll_next(task).map_err(Error::from)
    }
}
