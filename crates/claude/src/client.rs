//! The calls.

use crate::answer::{self, Message};
use crate::error::ClaudeError;
use crate::model_info::ModelInfo;
use crate::question::{self, MAX_TOKENS, Question};
use crate::rejection::Rejection;
use domain::foreign_text::presentable;
use domain::percentile::Sketch;
use domain::run::RankingReport;
use domain::{Cancel, Secret};
use http_client::{
    BaseUrl, Body, HeaderText, HttpClient, HttpSettings, Method, Request, Response, Retry, RetryPolicy, retry,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::time::Duration;

/// Anthropic's own address.
pub const DEFAULT_BASE_URL: &str = "https://api.anthropic.com";

/// The model used unless another is configured, and the successor named when one is retired.
pub const DEFAULT_MODEL: &str = "claude-sonnet-5-5";

/// Value of the header `anthropic-version`; the request body is valid under the newer version too.
const API_VERSION: &str = "2023-06-01";

/// A reply holds a few kilobytes; thinking may add some tens of them.
const MAX_REPLY_BYTES: u64 = 1024 * 1024;

/// What is escaped in a model id that becomes part of a path.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// How the client reaches Claude.
#[derive(Debug, Clone)]
pub struct ClaudeSettings {
    /// CLAUDE_BASE_URL.
    pub base_url: BaseUrl,
    /// CLAUDE_API_KEY.
    pub api_key: Secret,
    /// CLAUDE_MODEL, an exact id.
    pub model: String,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time for one call with its whole reply.
    pub total_timeout: Duration,
    /// Repetitions of calls that fail in passing.
    pub retry: RetryPolicy,
}

impl ClaudeSettings {
    /// Settings with the waits and repetitions of Anthropic's own clients: 2 repetitions, 0.5 s to 8 s apart; 120 s per
    /// call, because the answer is short.
    pub fn new(base_url: BaseUrl, api_key: Secret, model: impl Into<String>) -> Self {
        Self {
            base_url,
            api_key,
            model: model.into(),
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(120),
            retry: RetryPolicy {
                max_retries: 2,
                first_wait: Duration::from_millis(500),
                longest_wait: Duration::from_secs(8),
            },
        }
    }
}

/// Asks Claude. Calls block; share it between threads.
#[derive(Debug)]
pub struct ClaudeClient {
    http: HttpClient,
    settings: ClaudeSettings,
}

impl ClaudeClient {
    /// A client with its own connection pool; nothing is sent yet.
    pub fn new(settings: ClaudeSettings) -> Self {
        let http = HttpClient::new(HttpSettings {
            service: "Claude",
            connect_timeout: settings.connect_timeout,
            total_timeout: settings.total_timeout,
            max_body_bytes: MAX_REPLY_BYTES,
        });
        Self { http, settings }
    }

    /// Has the rows of a sketch ranked: `POST /v1/messages`
    /// (<https://platform.claude.com/docs/en/api/messages>). The sketch must have more than one row; a flat list needs
    /// no ranking.
    ///
    /// The first answer must equal the exact ranks. One that does not is quoted back once with its mistakes; after that
    /// a difference of one rank is tolerated and reported. An answer that was cut off is asked for once more with twice
    /// the room, and a model that does not take a schema is asked once more without it.
    ///
    /// A repeated call changes nothing at Anthropic but is billed again. Retried are lost connections, timeouts, 408,
    /// 409, 429 and 5xx (504 once), as often as the policy allows, and not when the reply forbids it.
    ///
    /// # Errors
    /// [`ClaudeError`]; no rank is ever made up instead.
    pub fn rank(&self, sketch: &Sketch, cancel: &Cancel) -> Result<RankingReport, ClaudeError> {
        let table = question::table(sketch);
        let prompt = question::prompt(sketch, &table);
        let mut report = RankingReport {
            normalizer: "claude".to_owned(),
            table_sha256: Some(format!("{:x}", Sha256::digest(&table))),
            ..RankingReport::default()
        };
        let mut question = Question { text: prompt.clone(), max_tokens: MAX_TOKENS, structured: true };
        loop {
            let (message, request_id) = match self.ask(&question, cancel) {
                Err(ClaudeError::Rejected(no)) if question.structured && no.names_output_config() => {
                    log::info!("the model does not take an output schema; asking without it");
                    question.structured = false;
                    continue;
                }
                other => other?,
            };
            report.input_tokens += message.usage.input();
            report.output_tokens += message.usage.output();
            report.request_ids.extend(request_id);
            report.model = message.model.as_deref().map(|model| self.clean(model));
            match message.stop_reason.as_deref() {
                Some("end_turn") => {}
                Some("max_tokens") if question.max_tokens == MAX_TOKENS => {
                    question.max_tokens *= 2;
                    continue;
                }
                other => return Err(self.stopped(other, &message, report.request_ids)),
            }
            let text = message.text();
            // The exact ranks are asked for; only what is left after a correction may be off by one.
            let tolerance = u8::from(report.corrections > 0);
            let checked = answer::read(&text, sketch)
                .and_then(|answer| Ok((sketch.verify(&answer.ranks, tolerance)?, answer.notes)));
            match checked {
                Ok((verified, notes)) => {
                    report.max_deviation = verified.max_deviation;
                    report.note = notes.map(|note| self.clean(&note)).filter(|note| !note.is_empty());
                    return Ok(report);
                }
                Err(problems) if report.corrections == 0 => {
                    log::warn!(
                        "Claude's ranks failed the check in {} places and are quoted back",
                        problems.len()
                    );
                    report.corrections = 1;
                    question.text = question::correction(&prompt, &text, &problems);
                }
                Err(problems) => {
                    return Err(ClaudeError::WrongRanks { problems, request_ids: report.request_ids });
                }
            }
        }
    }

    /// What Anthropic knows of the configured model: `GET /v1/models/{id}`
    /// (<https://platform.claude.com/docs/en/api/models>). Free; checks key and model. Retried like [`Self::rank`].
    ///
    /// # Errors
    /// [`ClaudeError`]
    pub fn model(&self, cancel: &Cancel) -> Result<ModelInfo, ClaudeError> {
        let id = utf8_percent_encode(&self.settings.model, PATH_SEGMENT);
        Ok(self.call(Method::Get, &format!("/v1/models/{id}"), None, cancel)?.0)
    }

    fn ask(&self, question: &Question, cancel: &Cancel) -> Result<(Message, Option<String>), ClaudeError> {
        let body = question.body(&self.settings.model).to_string();
        self.call(Method::Post, "/v1/messages", Some(body.as_bytes()), cancel)
    }

    /// One call with its repetitions; returns the reply and its request id.
    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
        cancel: &Cancel,
    ) -> Result<(T, Option<String>), ClaudeError> {
        let timeouts = Cell::new(0);
        let classify = |error: &ClaudeError| match error {
            ClaudeError::Transport(error) if error.is_transient() => Retry::Backoff,
            ClaudeError::Rejected(rejection) => {
                // A request that timed out inside Claude twice is not going to fit the third time.
                timeouts.set(timeouts.get() + u32::from(rejection.status == 504));
                if rejection.status == 504 && timeouts.get() > 1 { Retry::No } else { rejection.retry }
            }
            _ => Retry::No,
        };
        retry(&self.settings.retry, cancel, classify, || {
            let reply = self.http.send(self.request(method, path, body))?;
            if !reply.is_success() {
                return Err(ClaudeError::Rejected(Box::new(Rejection::read(
                    &reply,
                    &self.settings.model,
                    |text| self.clean(text),
                ))));
            }
            self.parse(&reply)
        })
    }

    fn request<'a>(&self, method: Method, path: &str, body: Option<&'a [u8]>) -> Request<'a> {
        Request {
            method,
            url: self.settings.base_url.join(path),
            query: Vec::new(),
            headers: vec![
                ("x-api-key", HeaderText::Secret("", self.settings.api_key.clone())),
                ("anthropic-version", HeaderText::Plain(API_VERSION.to_owned())),
            ],
            body: body.map_or(Body::None, Body::Json),
        }
    }

    fn parse<T: DeserializeOwned>(&self, reply: &Response) -> Result<(T, Option<String>), ClaudeError> {
        let request_id = reply.header("request-id").map(|id| self.clean(id));
        match serde_json::from_slice(&reply.body) {
            Ok(value) => Ok((value, request_id)),
            // serde's own text may repeat the reply, so only the place is kept.
            Err(error) => Err(ClaudeError::Unreadable {
                reason: format!(
                    "{:?} error at line {} column {}",
                    error.classify(),
                    error.line(),
                    error.column()
                ),
                request_id,
            }),
        }
    }

    fn stopped(&self, reason: Option<&str>, message: &Message, request_ids: Vec<String>) -> ClaudeError {
        match reason {
            Some("max_tokens") => ClaudeError::CutOff { request_ids },
            Some("refusal") => {
                let words = message.stop_details.as_ref().and_then(|details| details.explanation.as_deref());
                ClaudeError::Declined { explanation: self.clean(words.unwrap_or_default()), request_ids }
            }
            other => ClaudeError::Stopped { stop_reason: self.clean(other.unwrap_or("none")), request_ids },
        }
    }

    /// The provider's words, safe to show: without the key, in case a proxy echoes it.
    fn clean(&self, text: &str) -> String {
        presentable(text, &[self.settings.api_key.expose()])
    }
}
