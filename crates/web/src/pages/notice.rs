//! What became of something a person did, shown where it was done.

use super::linked::{Part, linked};
use crate::problem::Problem;
use domain::Explanation;

/// A short message in a box.
pub(super) struct Notice {
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    /// `alert` for what went wrong, `status` for what went well: screen readers speak up for the first.
    pub(super) role: &'static str,
    pub(super) what: String,
    pub(super) advice: Vec<Part>,
    pub(super) technical: Vec<(&'static str, String)>,
}

impl Notice {
    pub(super) fn done(what: impl Into<String>) -> Self {
        Self {
            class: "ok", icon: "✓", role: "status", what: what.into(), advice: vec![], technical: vec![]
        }
    }

    pub(super) fn refused(explained: Explanation) -> Self {
        let code = explained.provider_code.map(|code| ("Provider's code", code));
        let trace = explained.trace_id.map(|trace| ("Provider's trace id", trace));
        Self {
            class: "bad",
            icon: "✕",
            role: "alert",
            what: explained.message,
            advice: linked(&explained.remedy),
            technical: code.into_iter().chain(trace).collect(),
        }
    }

    pub(super) fn of(problem: &Problem) -> Self {
        let (_, _, explained) = problem.words();
        Self::refused(explained)
    }
}
