//! Development only: what several crates' tests need. Never a dependency of the program.

mod scripted_server;

pub use scripted_server::{Received, Reply, ScriptedServer};
