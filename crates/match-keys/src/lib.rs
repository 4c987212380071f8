//! A contact becomes Meta's hashed match keys, field by field.
//!
//! Owns the normalization of every column of a customer list, the hash, and the decision whether a contact can be
//! identified at all. Refuses I/O, the clock and the network, and refuses to fail: bad data becomes a dropped cell
//! with a [`Reason`], never an error of the run, never a panic and never an invented value. It does not know the
//! `LOOKALIKE_VALUE` column, batches or JSON; whoever uploads adds those.
//!
//! The rules are those of Meta's customer-file guide
//! (<https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences#hash>) and, where it is
//! silent, of Meta's customer-information page
//! (<https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters>).
//! Each module says which of the two it follows and what it decided where they leave room.

pub mod birth;
pub mod city;
pub mod country;
mod digest;
pub mod email;
mod encoder;
pub mod name;
pub mod phone;
mod reason;
mod row;
mod seen;
pub mod state;
mod text;
pub mod zip;

pub use country::{CountryCode, Place};
pub use digest::{Digest, hash};
pub use encoder::{Encoded, Encoder, MAX_FURTHER, Outcome};
pub use reason::Reason;
pub use row::{Cell, Columns, Field, Row, SCHEMA};
