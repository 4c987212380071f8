//! Reads a GoHighLevel location: its name, custom fields, tags, contacts and won opportunities, through API 2.0, or its
//! smart lists through API v1.
//!
//! Owns the wire shapes and their oddities, saved filters, reading a list completely by cursors, the rate limit, and what
//! each of the API's errors means to a user. Refuses to drop a contact or to end a list early: what can not be read is an error that
//! names the contact, and a cursor that is missing or repeats is an error too. Values are handed on as they came,
//! digit for digit; reading them as money or match keys is done elsewhere. It never writes to GoHighLevel.

mod client;
mod contact;
mod error;
mod filter;
mod location;
mod opportunity;
mod query;
mod reading;
mod refusal;
mod search;
mod v1;
mod wire_text;

pub use client::{DEFAULT_BASE_URL, GhlClient, GhlSettings};
pub use error::GhlError;
pub use filter::{Entry, Filter, PAGING_KEYS, Problem, Question, custom_field, standard_fields};
pub use location::{CustomField, Location};
pub use opportunity::{Pipeline, WonOpportunity};
pub use query::ContactQuery;
pub use refusal::{Meaning, Refusal};
pub use v1::{DEFAULT_V1_BASE_URL, GhlV1Client, SmartList};
