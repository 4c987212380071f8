//! Replies that are not successes: what they mean and whether to ask again.
//!
//! Follows Anthropic's error reference: the machine-readable `error.details.error_code` decides first, then the type,
//! then the status; a gateway in between may answer with HTML.

use crate::model_info::announced_retirement;
use crate::request_id::request_id;
use chrono::{DateTime, NaiveDate};
use domain::Secret;
use domain::foreign_text::presentable;
use http_client::{Response, Retry};
use serde::Deserialize;
use std::time::Duration;

/// What a refused request means to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// The request itself was refused (status 400).
    Invalid,
    /// A spending limit is reached; waiting does not help.
    SpendLimit,
    /// The key is wrong, revoked or expired.
    Key,
    /// A problem with payment.
    Billing,
    /// The key may not use the model or workspace.
    Permission,
    /// The model is unknown or retired.
    UnknownModel,
    /// Whoever answered is not Claude's API: a proxy, a firewall, or another server.
    NotClaude,
    /// The request is too large.
    TooLarge,
    /// Too many requests or tokens per minute.
    RateLimit,
    /// Claude has a passing problem (overloaded, internal error, timeout).
    Trouble,
}

/// A reply with a status other than 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub kind: RejectionKind,
    /// `error.type` and, after a slash, `error.details.error_code`; the status when there is neither.
    pub code: String,
    /// The provider's words, shortened and without control characters; empty when it had none.
    pub message: String,
    /// The provider's request id.
    pub request_id: Option<String>,
    /// The configured model.
    pub model: String,
    /// The day the model stopped answering, when it is retired and the day is known.
    pub retired_on: Option<NaiveDate>,
    pub(crate) retry: Retry,
}

#[derive(Deserialize)]
struct Envelope {
    error: WireError,
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    error_code: Option<String>,
}

/// Longest wait for which a `retry-after` is honoured; a longer one is shortened to this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

const SPEND_CODES: [&str; 3] =
    ["enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded"];

/// The limit a customer sets for itself comes as a plain 400 without a code.
const OWN_SPEND_LIMIT: &str = "specified API usage limits";

/// So does an account whose prepaid credit is used up, in spite of 402 in the error reference.
const NO_CREDIT: &str = "credit balance is too low";

impl Rejection {
    /// Reads a reply that is not a success. The provider's words are shortened, and the key is taken out of them.
    pub(crate) fn read(reply: &Response, model: &str, key: &Secret) -> Self {
        let clean = |text: &str| presentable(text, &[key.expose()]);
        let envelope = serde_json::from_slice::<Envelope>(&reply.body).ok();
        let (error, id) = envelope.map_or((None, None), |e| (Some(e.error), e.request_id));
        let kind_word = error.as_ref().and_then(|e| e.kind.as_deref());
        let message = error.as_ref().and_then(|e| e.message.as_deref()).unwrap_or_default();
        let code = error.as_ref().and_then(|e| e.details.as_ref()).and_then(|d| d.error_code.as_deref());
        let kind = match &error {
            Some(_) => kind_of(reply.status, kind_word, code, message),
            None => kind_without_words(reply.status),
        };
        let words: Vec<String> = [kind_word, code].into_iter().flatten().map(clean).collect();
        Self {
            status: reply.status,
            kind,
            code: if words.is_empty() { reply.status.to_string() } else { words.join("/") },
            message: clean(message),
            request_id: request_id(reply, id.as_deref(), key),
            model: model.to_owned(),
            retired_on: announced_retirement(model).filter(|_| kind == RejectionKind::UnknownModel),
            retry: retry_of(reply, kind),
        }
    }

    /// Whether the request was refused for a parameter, by its name in the message: the API has no field for it.
    pub(crate) fn names(&self, parameter: &str) -> bool {
        self.status == 400 && self.message.contains(parameter)
    }
}

fn kind_of(status: u16, kind: Option<&str>, code: Option<&str>, message: &str) -> RejectionKind {
    if code.is_some_and(|code| SPEND_CODES.contains(&code)) || message.contains(OWN_SPEND_LIMIT) {
        return RejectionKind::SpendLimit;
    }
    if message.contains(NO_CREDIT) {
        return RejectionKind::Billing;
    }
    match (kind, status) {
        (Some("invalid_request_error"), _) => RejectionKind::Invalid,
        (Some("authentication_error"), _) => RejectionKind::Key,
        (Some("billing_error"), _) => RejectionKind::Billing,
        (Some("permission_error"), _) => RejectionKind::Permission,
        (Some("not_found_error"), _) => RejectionKind::UnknownModel,
        (Some("request_too_large"), _) => RejectionKind::TooLarge,
        (Some("rate_limit_error"), _) => RejectionKind::RateLimit,
        (Some("conflict_error" | "api_error" | "timeout_error" | "overloaded_error"), _) => {
            RejectionKind::Trouble
        }
        (_, 401) => RejectionKind::Key,
        (_, 402) => RejectionKind::Billing,
        (_, 403) => RejectionKind::Permission,
        (_, 413) => RejectionKind::TooLarge,
        (_, 429) => RejectionKind::RateLimit,
        (_, 408 | 409 | 500..) => RejectionKind::Trouble,
        (_, 300..=399 | 404 | 405) => RejectionKind::NotClaude,
        _ => RejectionKind::Invalid,
    }
}

/// Without the body of an API error, a refusal is somebody else's and says nothing of key or model; that something is too
/// large or in trouble may be true all the same, because such replies come from the servers in front of Claude too.
fn kind_without_words(status: u16) -> RejectionKind {
    match status {
        408 | 409 | 413 | 429 | 500.. => kind_of(status, None, None, ""),
        _ => RejectionKind::NotClaude,
    }
}

/// Anthropic's own clients: `x-should-retry` decides, else 408, 409, 429 and 5xx are repeated, after the wait the server
/// names. A spending limit is never retried, whatever the headers say.
fn retry_of(reply: &Response, kind: RejectionKind) -> Retry {
    let again = match reply.header("x-should-retry") {
        _ if kind == RejectionKind::SpendLimit => false,
        Some("true") => true,
        Some("false") => false,
        _ => matches!(reply.status, 408 | 409 | 429 | 500..),
    };
    if !again {
        return Retry::No;
    }
    named_wait(|name| reply.header(name)).map_or(Retry::Backoff, Retry::After)
}

/// The wait the reply's headers ask for, capped; `None` when they name none that can be read.
fn named_wait<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Duration> {
    let number = |name| header(name).and_then(|text| text.trim().parse::<f64>().ok());
    let seconds = number("retry-after-ms").map(|millis| millis / 1000.0).or_else(|| number("retry-after"));
    let wait = match seconds {
        Some(seconds) => Duration::try_from_secs_f64(seconds).ok()?,
        // An HTTP date is measured against the server's own clock, so that ours does not matter.
        None => {
            let time = |name| header(name).and_then(|text| DateTime::parse_from_rfc2822(text).ok());
            (time("retry-after")? - time("date")?).to_std().ok()?
        }
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::named_wait;
    use std::time::Duration;

    #[test]
    fn waits_are_read_in_every_form_and_capped() {
        let wait = |headers: &[(&str, &'static str)]| {
            named_wait(|name| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value))
        };
        let date = ("date", "Sat, 21 Nov 2026 10:00:00 GMT");
        for (headers, millis) in [
            (&[("retry-after", "7")][..], Some(7000)),
            (&[("retry-after", "0.25")], Some(250)),
            (&[("retry-after-ms", "1500"), ("retry-after", "7")], Some(1500)),
            (&[date, ("retry-after", "Sat, 21 Nov 2026 10:00:09 GMT")], Some(9000)),
            (&[("retry-after", "3600")], Some(60_000)),
            (&[date, ("retry-after", "Sun, 22 Nov 2026 10:00:00 GMT")], Some(60_000)),
            (&[date, ("retry-after", "Sat, 21 Nov 2026 09:59:00 GMT")], None),
            (&[("retry-after", "Sat, 21 Nov 2026 10:00:09 GMT")], None),
            (&[("retry-after", "-5")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "soon")], None),
            (&[], None),
        ] {
            assert_eq!(wait(headers), millis.map(Duration::from_millis), "{headers:?}");
        }
    }
}
