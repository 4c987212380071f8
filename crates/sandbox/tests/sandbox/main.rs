//! The sandbox over real HTTP and SMTP.
#![expect(clippy::unwrap_used, reason = "a test that can not go on has failed, in its helpers too")]

mod claude;
mod client;
mod control;
mod faults;
mod ghl;
mod ghl_opportunities;
mod ghl_search;
mod meta;
mod meta_faults;
mod people;
mod smtp;
