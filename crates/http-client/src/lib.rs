//! The one place that knows how HTTP requests leave this program.
//!
//! Owns time limits, the cap on reply sizes, bodies read while they are sent, request ids, retries with backoff and jitter,
//! the sliding-window limiter, the counters of calls and waits, and the rule that nothing but method, path, status, time,
//! size and the vendor's number of the request is ever logged. Refuses to know any vendor: what a status or a body means is
//! decided by the crates that call it.

mod address;
mod base_url;
mod body;
mod client;
mod limiter;
mod retry;
mod traffic;
mod unexpected;

pub use address::path_segment;
pub use base_url::{BaseUrl, BaseUrlError};
pub use body::Body;
pub use client::{
    HeaderText, HttpClient, HttpSettings, Method, Request, Response, TransportError, TransportFault,
};
pub use limiter::{Place, SlidingWindow};
pub use retry::{Retry, RetryPolicy, retry};
pub use traffic::{Call, Traffic, Vendor, traffic};
pub use unexpected::unexpected_json;
