//! What the service tells Prometheus.
//!
//! Owns the names of the metrics, which are part of the outside contract, and where each figure comes from: what the
//! database knows is read when it is asked for, so it survives restarts; what only the process knows is counted from its
//! start. Refuses labels from contact data or from anybody's free text: every label is a word of this program.

mod error;
mod process;
mod text;

pub use error::MonitoringError;
pub use process::Process;
pub use text::{CONTENT_TYPE, Surroundings, text};
