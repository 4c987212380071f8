//! Ranks a list's lifetime values with Claude, through Anthropic's Messages API.
//!
//! Owns the question, the reading of the answer, its check against the exact ranks, the one correction, and what each of
//! the API's errors means to a user. Refuses to invent a rank: an answer that fails the check twice is an error, and
//! nothing is ever computed here in Claude's place. Only numbers leave the machine: the question is built from a
//! [`domain::percentile::Sketch`], which holds nothing else.

mod answer;
mod client;
mod error;
mod model_info;
mod prices;
mod question;
mod rejection;
mod request_id;

pub use client::{ClaudeClient, ClaudeSettings, DEFAULT_BASE_URL, DEFAULT_MODEL};
pub use error::{ClaudeError, model_instead_of};
pub use model_info::ModelInfo;
pub use rejection::{Rejection, RejectionKind};
