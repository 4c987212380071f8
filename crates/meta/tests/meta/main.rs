//! The client over real HTTP, against a server that answers by script.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail like the test itself")]

mod account;
mod audience;
mod error_table;
mod limits;
mod lookalike;
mod patience;
mod removal;
mod replacement;
mod replies;
mod support;
mod upload;
