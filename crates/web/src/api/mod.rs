//! The JSON API, for programs. Its shapes are its own types, so that a change inside never changes what it says.
//!
//! Unknown values are null, Meta's ids are texts (they do not fit every JSON reader's numbers), amounts are decimal texts,
//! times are RFC 3339 in UTC. The addresses stand in `routes.rs`, the documentation is made from here by `openapi.rs`.

mod body;
pub(crate) mod choices;
pub(crate) mod config;
pub(crate) mod erase;
pub(crate) mod health;
pub(crate) mod mail;
pub(crate) mod metrics;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod saved_lists;
mod words;

use crate::problem::Problem;
use domain::foreign_text::one_line;
use domain::{Explanation, RunId};

/// The number in an address such as `/api/sync/7`.
fn run_id(text: &str) -> Result<RunId, Problem> {
    let id = text.parse().ok().filter(|id| *id > 0);
    id.map(RunId)
        .ok_or_else(|| Problem::Malformed(format!("\"{}\" is not the number of a sync", one_line(text, 40))))
}

/// Why GoHighLevel is not asked now.
fn silent() -> Problem {
    Problem::Service(Explanation::new(
        "GoHighLevel has not answered many earlier questions yet, so this one was not asked.",
        "Ask again in a few minutes.",
    ))
}
