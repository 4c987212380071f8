//! Everything that can go wrong while ranking, and its words for the user.

use crate::client::DEFAULT_MODEL;
use crate::rejection::{Rejection, RejectionKind};
use domain::{Cancelled, Explain, Explanation};
use http_client::{TransportError, TransportFault};

/// Why there are no ranks. Holds no contact data: none is ever sent to Claude.
#[derive(Debug, thiserror::Error)]
pub enum ClaudeError {
    /// No complete reply came.
    #[error("no reply came from Claude")]
    Transport(#[from] TransportError),
    /// A reply with a status other than 2xx.
    #[error("Claude refused the request ({})", .0.code)]
    Rejected(Box<Rejection>),
    /// A success whose body is not what the API documents.
    #[error("the reply is not a message of the Messages API ({reason})")]
    Unreadable {
        /// Where reading stopped; never text of the reply.
        reason: String,
        /// The provider's request id.
        request_id: Option<String>,
    },
    /// The answer was cut off, and again with twice the room.
    #[error("Claude's answer was cut off twice")]
    CutOff {
        /// The provider's request ids.
        request_ids: Vec<String>,
    },
    /// Claude declined to answer.
    #[error("Claude declined to rank the values")]
    Declined {
        /// Claude's words, shortened; empty when it had none.
        explanation: String,
        /// The provider's request ids.
        request_ids: Vec<String>,
    },
    /// Claude stopped in a way this program does not know.
    #[error("Claude stopped early (stop_reason `{stop_reason}`)")]
    Stopped {
        /// The API's word, shortened.
        stop_reason: String,
        /// The provider's request ids.
        request_ids: Vec<String>,
    },
    /// The ranks failed the check, and the corrected ones did too.
    #[error("Claude's ranks failed the check twice")]
    WrongRanks {
        /// What is wrong with the second answer; numbers only.
        problems: Vec<String>,
        /// The provider's request ids.
        request_ids: Vec<String>,
    },
    /// The run was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl Explain for ClaudeError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Transport(error) => transport(error),
            Self::Rejected(rejection) => rejected(rejection),
            Self::Unreadable { request_id, .. } => Explanation::new(
                "The server at CLAUDE_BASE_URL answered with something that is not a reply of Claude.",
                "Remove CLAUDE_BASE_URL, or correct it if you use a proxy, and run again.",
            )
            .with_trace(request_id.clone()),
            Self::CutOff { request_ids } => Explanation::new(
                "Claude's answer was too long and was cut off twice, so the values could not be ranked.",
                "Run again. If it happens again, choose another model with CLAUDE_MODEL or set NORMALIZER=local.",
            )
            .with_code("max_tokens")
            .with_trace(joined(request_ids)),
            Self::Declined { explanation, request_ids } => Explanation::new(
                quoted("Claude declined to rank the values.", explanation),
                "Run again. If it declines again, choose another model with CLAUDE_MODEL or set NORMALIZER=local.",
            )
            .with_code("refusal")
            .with_trace(joined(request_ids)),
            Self::Stopped { stop_reason, request_ids } => Explanation::new(
                stopped(stop_reason),
                "Run again. If it happens again, choose another model with CLAUDE_MODEL or set NORMALIZER=local, and \
                 report the request id.",
            )
            .with_code(stop_reason.clone())
            .with_trace(joined(request_ids)),
            Self::WrongRanks { problems, request_ids } => Explanation::new(
                format!(
                    "Claude ranked the values wrongly and did so again after the mistakes were pointed out ({}). Wrong \
                     ranks are never used.",
                    some_of(problems)
                ),
                "Run again. If it happens again, choose another model with CLAUDE_MODEL, or set NORMALIZER=local, which \
                 computes the same exact ranks without Claude.",
            )
            .with_trace(joined(request_ids)),
            Self::Cancelled(_) => Explanation::new("The run was cancelled.", "Start it again when you are ready."),
        }
    }
}

fn joined(request_ids: &[String]) -> Option<String> {
    (!request_ids.is_empty()).then(|| request_ids.join(", "))
}

/// The first problems, and how many there are beside them.
fn some_of(problems: &[String]) -> String {
    let shown = &problems[..problems.len().min(3)];
    let rest = problems.len() - shown.len();
    let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

fn quoted(sentence: &str, words: &str) -> String {
    if words.is_empty() { sentence.to_owned() } else { format!("{sentence} Claude's words: \"{words}\"") }
}

/// Stop reasons of a message that can not be used, but for those with an error of their own
/// (<https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>). New ones may appear at any time.
fn stopped(reason: &str) -> String {
    match reason {
        "pause_turn" => "Claude paused before its answer was complete.".to_owned(),
        "model_context_window_exceeded" => {
            "Question and answer together were too long for the model, so the answer is not complete."
                .to_owned()
        }
        "none" => "Claude's answer does not say whether it is complete, so it is not used.".to_owned(),
        other => format!(
            "Claude stopped in a way this program does not know (stop_reason `{other}`), so its answer is not used."
        ),
    }
}

/// What to set instead of a model that does not do: this program's own, unless it is the one. Half a sentence.
pub fn model_instead_of(model: &str) -> String {
    if model == DEFAULT_MODEL {
        "Set CLAUDE_MODEL to a current model (platform.claude.com/docs/en/about-claude/models/overview)"
            .to_owned()
    } else {
        format!("Set CLAUDE_MODEL={DEFAULT_MODEL}")
    }
}

fn transport(error: &TransportError) -> Explanation {
    let remedy = match error.fault {
        TransportFault::Unreachable | TransportFault::Timeout | TransportFault::Broken => {
            "Check the internet connection of this machine and status.claude.com, then run again. If CLAUDE_BASE_URL is \
             set, check that address too."
        }
        TransportFault::Tls => {
            "Check the clock of this machine, any proxy in between, and CLAUDE_BASE_URL if it is set."
        }
        TransportFault::TooLarge => {
            "Check CLAUDE_BASE_URL if it is set; the server there does not behave like Claude."
        }
        TransportFault::Protocol => {
            "Check that CLAUDE_API_KEY holds the key alone, without line breaks or other signs, and that CLAUDE_BASE_URL, \
             if set, is Claude's address."
        }
    };
    Explanation::new(format!("{error}, so the values could not be ranked."), remedy)
}

fn rejected(rejection: &Rejection) -> Explanation {
    let model = &rejection.model;
    let (message, remedy) = match rejection.kind {
        RejectionKind::Invalid => (
            "Claude refused the request as invalid.".to_owned(),
            format!("{}. If it is refused again, report the request id.", model_instead_of(model)),
        ),
        RejectionKind::SpendLimit => (
            "The spending limit of your Claude account is reached.".to_owned(),
            "Raise the limit in the Claude Console or wait until it is reset; then run again with the same \
             CLAUDE_API_KEY."
                .to_owned(),
        ),
        RejectionKind::Key => (
            "Claude does not accept the key in CLAUDE_API_KEY: it is wrong, revoked or expired.".to_owned(),
            "Create a key in the Claude Console, put it into CLAUDE_API_KEY and restart.".to_owned(),
        ),
        RejectionKind::Billing => (
            "There is a problem with the payment of your Claude account.".to_owned(),
            "Check billing in the Claude Console of the account CLAUDE_API_KEY belongs to, then run again.".to_owned(),
        ),
        RejectionKind::Permission => (
            format!("The key in CLAUDE_API_KEY may not use the model {model} or its workspace."),
            "Allow it in the Claude Console, or use another CLAUDE_API_KEY or CLAUDE_MODEL.".to_owned(),
        ),
        RejectionKind::UnknownModel => (
            rejection.retired_on.map_or_else(
                || format!("Claude does not know the model {model}; it may be retired or misspelt."),
                |day| format!("The model {model} is no longer available: Anthropic's date for its retirement is {day}."),
            ),
            format!("{} and restart.", model_instead_of(model)),
        ),
        RejectionKind::NotClaude => (
            format!(
                "Not Claude answered, but a proxy, a firewall or another server, with status {}.",
                rejection.status
            ),
            "Check what stands between this machine and api.anthropic.com. If CLAUDE_BASE_URL is set, remove or correct it \
             and restart."
                .to_owned(),
        ),
        RejectionKind::TooLarge => (
            "Claude, or a server in between, refused the request as too large although it is only a few kilobytes."
                .to_owned(),
            "If CLAUDE_BASE_URL points to a proxy, raise its limit; otherwise report the request id.".to_owned(),
        ),
        RejectionKind::RateLimit => (
            "Claude refused the request because too many were sent with this key.".to_owned(),
            "Run again in a few minutes, or give this program a CLAUDE_API_KEY of its own.".to_owned(),
        ),
        RejectionKind::Trouble => (
            "Claude has trouble at the moment and did not rank the values.".to_owned(),
            "Run again later; status.claude.com shows known problems. If CLAUDE_BASE_URL is set, check that address too."
                .to_owned(),
        ),
    };
    Explanation::new(quoted(&message, &rejection.message), remedy)
        .with_code(rejection.code.clone())
        .with_trace(rejection.request_id.clone())
}
