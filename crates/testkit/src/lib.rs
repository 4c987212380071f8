//! Development only: what several crates' tests need.
//!
//! Owns the PostgreSQL server of the tests and a server that answers by a script. Refuses to be a dependency of the program,
//! and to depend on any of our crates.

pub mod postgres_server;
mod scripted_server;

pub use scripted_server::{Received, Reply, ScriptedServer};
