//! What can go wrong between this program and Meta.

use crate::error_table;
use crate::settings::AdAccountId;
use domain::{Cancelled, Explain, Explanation};
use http_client::{TransportError, TransportFault};
use std::time::Duration;

/// Why a call to Meta gave no result.
#[derive(Debug, thiserror::Error)]
pub enum MetaError {
    /// Meta answered with an error of its own.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// No reply came. Whether the call was carried out is not known unless nobody could be reached.
    #[error("could not {operation}")]
    Transport {
        /// What was attempted, as a verb phrase.
        operation: &'static str,
        /// What happened on the wire.
        #[source]
        source: TransportError,
    },
    /// The reply is not one of the API: an HTML page, plain text such as `Service Unavailable`, a failure without words.
    #[error("could not {operation}: the reply (HTTP {status}) is not one of the Marketing API")]
    UnusableReply {
        /// What was attempted.
        operation: &'static str,
        /// The HTTP status, for the reader only.
        status: u16,
    },
    /// The reply is JSON but lacks what Meta documents.
    #[error("could not {operation}: unexpected reply: {detail}")]
    UnexpectedShape {
        /// What was attempted.
        operation: &'static str,
        /// What is missing or of the wrong type.
        detail: String,
    },
    /// Meta took the request but not all of its rows.
    #[error("could not {operation}: Meta refused {rows} row(s): {reason}")]
    RowsRefused {
        /// What was attempted.
        operation: &'static str,
        /// Rows refused as malformed.
        rows: u64,
        /// Meta's reason for one of them, shortened and without hashes; empty when it gave none. Hostile input: escape it.
        reason: String,
    },
    /// `success: false` without an error.
    #[error("could not {operation}: Meta reports no success and gives no reason")]
    NotSuccessful {
        /// What was attempted.
        operation: &'static str,
    },
    /// A call that must not be made twice may have been carried out although no answer came: a creation, which is looked
    /// up before it is tried again, or the first batch of a replacement.
    #[error("it is not known whether Meta carried out the request to {operation}")]
    ReplyLost {
        /// What was attempted.
        operation: &'static str,
        /// What came instead of the reply.
        #[source]
        source: Box<MetaError>,
    },
    /// The caller asked for something Meta's rules do not allow; nothing was sent.
    #[error("could not {operation}: {what}")]
    InvalidInput {
        /// What was attempted.
        operation: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// Meta limits the calls of the ad account, or is about to, for longer than this caller waits; nothing was sent.
    #[error("could not {operation}: Meta limits the calls for another {} s", remaining.as_secs())]
    Limited {
        /// What was attempted.
        operation: &'static str,
        /// How long the limit still lasts.
        remaining: Duration,
    },
    /// The run was cancelled while it waited.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// An error body of Meta. Every text is shortened and cleaned of secrets and hashes, and still hostile input: escape it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {operation}: Meta's error {}: {message}", self.codes())]
pub struct ApiError {
    /// What was attempted, as a verb phrase.
    pub operation: &'static str,
    /// `code`; 0 when Meta gave none.
    pub code: u64,
    /// `error_subcode`.
    pub subcode: Option<u64>,
    /// `is_transient`; decides only for codes that have no row in the table.
    pub is_transient: bool,
    /// `message`, for developers.
    pub message: String,
    /// `error_user_title`, perhaps in the user's language.
    pub user_title: Option<String>,
    /// `error_user_msg`, perhaps in the user's language.
    pub user_msg: Option<String>,
    /// Names of the parameters Meta blames, from `error_data.blame_field_specs`.
    pub blamed_fields: Vec<String>,
    /// `fbtrace_id`, to quote to Meta's support.
    pub fbtrace_id: Option<String>,
    /// How long Meta asks to wait, from the usage headers of the reply.
    pub regain_after: Option<Duration>,
    /// The ad account of the call, for links.
    pub ad_account_id: AdAccountId,
}

/// Who has to do something about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nobody: the same call may succeed in a moment.
    Retry,
    /// Nobody: Meta limits the calls; after the time (or, without one, the client's own policy) it accepts them again.
    Wait(Option<Duration>),
    /// The user.
    UserMustAct,
    /// The authors of this program.
    OurBug,
}

impl ApiError {
    /// Who has to do something: decided by code, then subcode, then `is_transient`.
    pub fn kind(&self) -> ErrorKind {
        match error_table::lookup(self.code, self.subcode).map(|row| row.kind) {
            Some(ErrorKind::Wait(usual)) => ErrorKind::Wait(self.regain_after.or(usual)),
            Some(kind) => kind,
            None if self.is_transient => ErrorKind::Retry,
            None => ErrorKind::UserMustAct,
        }
    }

    /// Code 803: Meta does not know the object yet.
    pub(crate) fn is_unknown_alias(&self) -> bool {
        self.code == 803
    }

    /// 2650/1870145: the audience is busy with an earlier update. No limit of the ad account, which other calls may meet.
    pub(crate) fn is_busy(&self) -> bool {
        (self.code, self.subcode) == (2650, Some(1_870_145))
    }

    /// `190/463`, or `190` without a subcode.
    pub fn codes(&self) -> String {
        match self.subcode {
            Some(subcode) => format!("{}/{subcode}", self.code),
            None => self.code.to_string(),
        }
    }

    /// Meta's words for the user if there are any, else those for developers.
    pub fn own_words(&self) -> String {
        match (&self.user_title, &self.user_msg) {
            (Some(title), Some(text)) => format!("{title}: {text}"),
            (Some(text), None) | (None, Some(text)) => text.clone(),
            (None, None) => self.message.clone(),
        }
    }

    fn explanation(&self) -> Explanation {
        let row = error_table::lookup(self.code, self.subcode);
        let kind = self.kind();
        let words = match row {
            Some(row) => row.words,
            None if kind == ErrorKind::Retry => "Meta had a passing fault.",
            None => "Meta refused a request for a reason this program does not know.",
        };
        let mut message = format!("Could not {}. {words}", self.operation);
        let own = self.own_words();
        match (kind, self.regain_after) {
            (ErrorKind::Wait(_), Some(wait)) => {
                message.push_str(&format!(" It names a wait of about {} min.", minutes(wait)));
            }
            _ if !own.is_empty() => message.push_str(&format!(" Meta says: {own}")),
            _ => {}
        }
        if !self.blamed_fields.is_empty() {
            message.push_str(&format!(" (fields: {})", self.blamed_fields.join(", ")));
        }
        let remedy = row.map_or(
            "Read Meta's own words; if they do not help, quote the code and the trace id to Meta support.",
            |row| row.remedy,
        );
        Explanation::new(message, remedy.replace("{account}", self.ad_account_id.digits()))
            .with_code(self.codes())
            .with_trace(self.fbtrace_id.clone())
    }
}

/// For people: whole minutes, at least one.
fn minutes(wait: Duration) -> u64 {
    wait.as_secs().div_ceil(60).max(1)
}

impl MetaError {
    /// The error body, if Meta sent one.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::ReplyLost { source, .. } => source.api(),
            _ => None,
        }
    }

    /// Whether only Meta's limits stood in the way: the same call is accepted later.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::Limited { .. })
            || self.api().is_some_and(|error| matches!(error.kind(), ErrorKind::Wait(_)))
    }

    /// Whether the same call may succeed when repeated in a moment.
    pub fn is_hiccup(&self) -> bool {
        match self {
            Self::Api(error) => error.kind() == ErrorKind::Retry && !error.is_unknown_alias(),
            Self::Transport { source, .. } => source.is_transient(),
            Self::UnusableReply { .. } => true,
            _ => false,
        }
    }

    /// Whether Meta may have carried out the call although it did not say so. Throttling and refusals come before the
    /// work, and what never left this machine was not done; everything else may have been.
    pub(crate) fn may_have_been_applied(&self) -> bool {
        match self {
            // Encryption may fail before the request or in the middle of its reply.
            Self::Transport { source, .. } => source.fault != TransportFault::Unreachable,
            Self::UnexpectedShape { .. } | Self::NotSuccessful { .. } => true,
            other => other.is_hiccup(),
        }
    }
}

impl Explain for MetaError {
    fn explain(&self) -> Explanation {
        const AGAIN: &str = "Start the sync again in some minutes; if it stays, look at metastatus.com.";
        match self {
            Self::Api(error) => error.explanation(),
            Self::Transport { operation, source } => Explanation::new(
                format!("Could not {operation}. Meta {}.", source.fault),
                "Check the internet connection of this machine, and META_GRAPH_URL if it was changed; then sync again.",
            ),
            Self::UnusableReply { operation, status } => Explanation::new(
                format!(
                    "Could not {operation}. Meta answered with a page that is not a reply of its API (HTTP {status}), usually a passing fault."
                ),
                AGAIN,
            ),
            Self::UnexpectedShape { operation, .. } => Explanation::new(
                format!("Could not {operation}. Meta's reply is not of the documented form."),
                "Check META_GRAPH_URL and META_API_VERSION; if they are right, please report this.",
            ),
            Self::RowsRefused { operation, rows, reason } => {
                let words = if reason.is_empty() { ".".to_owned() } else { format!(": “{reason}”.") };
                Explanation::new(
                    format!("Could not {operation}. Meta refused {rows} row(s) of the request{words}"),
                    "Please report this together with Meta's words.",
                )
            }
            Self::NotSuccessful { operation } => Explanation::new(
                format!("Could not {operation}. Meta reports no success and gives no reason."),
                AGAIN,
            ),
            Self::ReplyLost { operation, source } => {
                let cause = source.explain();
                Explanation {
                    message: format!(
                        "Meta's answer to the request to {operation} was lost, so it is not known whether it was carried out."
                    ),
                    remedy:
                        "Start the sync again: what exists is found by its name, so nothing is made twice, and a list is sent whole."
                            .to_owned(),
                    ..cause
                }
            }
            Self::InvalidInput { operation, what } => Explanation::new(
                format!("Could not {operation}: {what}. Nothing was sent to Meta."),
                "Please report this; it is a fault of this program.",
            ),
            Self::Limited { operation, remaining } => Explanation::new(
                format!(
                    "Could not {operation}. Meta asks this program to slow down and lets it call again in about {} min.",
                    minutes(*remaining)
                ),
                "Nothing needs to be done; it works again after that time.",
            ),
            Self::Cancelled(_) => {
                Explanation::new("The run was cancelled.", "Start a new sync when you are ready.")
            }
        }
    }
}
