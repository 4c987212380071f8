//! Replies that are not successes: what they mean and whether to ask again.
//!
//! GoHighLevel's status codes do not tell errors apart (a missing scope, a wrong version and a dead token are all 401),
//! so the words of the reply decide. They are hostile input: shortened, and without anything that could be personal.

use crate::client::Operation;
use crate::wire_text::identifier;
use chrono::{DateTime, TimeDelta, Utc};
use domain::foreign_text::presentable;
use http_client::{Response, Retry};
use serde_json::Value;
use std::time::Duration;

/// What a refused request means to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The token is wrong, deleted or expired.
    DeadToken,
    /// The token lacks this scope.
    MissingScope(&'static str),
    /// The key of API v1 is wrong, deleted, or no key of API v1.
    DeadV1Key,
    /// The token is of a kind that may not call this route, such as an agency token.
    WrongTokenKind,
    /// The token may not see the location, or there is no such location.
    WrongLocation,
    /// The sub-account is paused or cancelled.
    LocationPaused,
    /// The API version of the request is not accepted.
    Version,
    /// A firewall in front of the API refused the program or its network.
    Blocked,
    /// The request itself was refused.
    Invalid,
    /// Whoever answered does not speak the API.
    NotGoHighLevel,
    /// Too many calls in ten seconds.
    Burst,
    /// The calls of the day are used up.
    DailyLimit,
    /// GoHighLevel has a passing problem.
    Trouble,
    /// Nothing of the above.
    Unknown,
}

/// A reply with a status other than 2xx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// What it means.
    pub meaning: Meaning,
    /// What was being done, such as `read the contacts`.
    pub doing: &'static str,
    /// The status and, after a slash, the provider's machine-readable code if it gave one.
    pub code: String,
    /// The provider's words, shortened, on one line, personal data masked; empty when it had none.
    pub message: String,
    /// The provider's trace id.
    pub trace_id: Option<String>,
    /// When calls are welcome again after [`Meaning::DailyLimit`], if the reply says so.
    pub limited_until: Option<DateTime<Utc>>,
    pub(crate) retry: Retry,
}

/// Longest wait the server can name, as in GoHighLevel's own client.
const LONGEST_INTERVAL: Duration = Duration::from_secs(30);

impl Refusal {
    /// Reads a reply that is not a success. `secret` is taken out of the provider's words, in case a proxy echoes it.
    pub(crate) fn read(reply: &Response, operation: &Operation, secret: &str) -> Self {
        let json: Option<Value> = serde_json::from_slice(&reply.body).ok();
        let words = json.as_ref().map_or_else(|| plain_words(&reply.body), message_of);
        let shown = |text: &&str| *text != secret;
        let find = |pointer: &str| {
            let text = json.as_ref()?.pointer(pointer)?.as_str()?;
            identifier(text).filter(shown).map(str::to_owned)
        };
        let meaning = meaning_of(reply, &words.to_lowercase(), operation);
        let code = find("/code").or_else(|| find("/error/code"));
        Self {
            status: reply.status,
            meaning,
            doing: operation.doing,
            code: code.map_or_else(|| reply.status.to_string(), |code| format!("{}/{code}", reply.status)),
            message: presentable(&words, &[secret]),
            trace_id: find("/traceId"),
            limited_until: limited_until(reply).filter(|_| meaning == Meaning::DailyLimit),
            retry: retry_of(reply, meaning),
        }
    }
}

/// `message` is a string or, for validation, an array; one family of replies has it inside `error`.
fn message_of(json: &Value) -> String {
    let message =
        json.get("message").or_else(|| json.pointer("/error/message")).or_else(|| json.get("error"));
    match message {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        _ => String::new(),
    }
}

/// The firewall answers in plain text; a page of HTML says nothing to a user.
fn plain_words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.contains('<') { String::new() } else { text.into_owned() }
}

fn meaning_of(reply: &Response, words: &str, operation: &Operation) -> Meaning {
    let says = |part: &str| words.contains(part);
    match reply.status {
        429 if daily_limit_reached(reply) => Meaning::DailyLimit,
        429 => Meaning::Burst,
        408 | 500.. => Meaning::Trouble,
        _ if says("version header") => Meaning::Version,
        // Keys of API v1 have no scopes; one that is refused is another kind of token.
        _ if operation.version.is_some() && says("not authorized for this scope") => {
            Meaning::MissingScope(operation.scope)
        }
        _ if says("authclass") || says("iam service") => Meaning::WrongTokenKind,
        _ if says("location is not active") => Meaning::LocationPaused,
        _ if says("access to this location") => Meaning::WrongLocation,
        400 | 403 | 404
            if says("location") && (says("not found") || says("invalid") || says("not exist")) =>
        {
            Meaning::WrongLocation
        }
        401 if operation.version.is_none() => Meaning::DeadV1Key,
        401 => Meaning::DeadToken,
        403 if says("error code: 10") || words.is_empty() => Meaning::Blocked,
        300..=399 => Meaning::NotGoHighLevel,
        404 | 405 if says("cannot ") || words.is_empty() => Meaning::NotGoHighLevel,
        400 | 422 => Meaning::Invalid,
        _ => Meaning::Unknown,
    }
}

fn daily_limit_reached(reply: &Response) -> bool {
    reply.header("x-ratelimit-daily-remaining").is_some_and(|left| left.trim() == "0")
}

/// The time of the reply and the milliseconds until the day's calls are given anew, both by GoHighLevel's clock.
fn limited_until(reply: &Response) -> Option<DateTime<Utc>> {
    let sent = DateTime::parse_from_rfc2822(reply.header("date")?).ok()?;
    let millis = reply.header("x-ratelimit-daily-reset")?.trim().parse().ok()?;
    sent.to_utc().checked_add_signed(TimeDelta::try_milliseconds(millis)?)
}

fn retry_of(reply: &Response, meaning: Meaning) -> Retry {
    match meaning {
        Meaning::Trouble => Retry::Backoff,
        Meaning::Burst => wait_for(reply.header("x-ratelimit-interval-milliseconds")),
        _ => Retry::No,
    }
}

fn wait_for(interval: Option<&str>) -> Retry {
    let millis = interval.and_then(|text| text.trim().parse().ok());
    millis.map_or(Retry::Backoff, |millis| Retry::After(Duration::from_millis(millis).min(LONGEST_INTERVAL)))
}

#[cfg(test)]
mod tests {
    use super::wait_for;
    use http_client::Retry;
    use std::time::Duration;

    #[test]
    fn the_named_interval_is_waited_for_and_capped() {
        assert_eq!(wait_for(Some("10000")), Retry::After(Duration::from_secs(10)));
        assert_eq!(wait_for(Some("3600000")), Retry::After(Duration::from_secs(30)));
        for odd in [None, Some(""), Some("-1"), Some("soon")] {
            assert_eq!(wait_for(odd), Retry::Backoff);
        }
    }
}
