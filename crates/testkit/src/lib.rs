//! Development only: what several crates' tests need. Never a dependency of the program, and dependent on none of our
//! crates.

pub mod postgres_server;
mod scripted_server;

pub use scripted_server::{Received, Reply, ScriptedServer};
