//! The calls.

use crate::answer::{self, Message};
use crate::error::ClaudeError;
use crate::model_info::{ModelInfo, announced_retirement};
use crate::prices::{self, PRICES_OF};
use crate::question::{self, MAX_TOKENS, QUOTED_PROBLEMS, Question};
use crate::rejection::{Rejection, RejectionKind};
use crate::request_id::request_id;
use domain::foreign_text::{LONGEST, one_line, presentable};
use domain::percentile::Sketch;
use domain::ranking::{ListCost, RankingReport};
use domain::{Cancel, Secret};
use http_client::{
    BaseUrl, Body, HeaderText, HttpClient, HttpSettings, Method, Request, Response, Retry, RetryPolicy,
    path_segment, retry, unexpected_json,
};
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

/// Claude in log lines, errors and counters.
const SERVICE: &str = "Claude";
/// A reply holds a few kilobytes; thinking may add some tens of them.
const MAX_REPLY_BYTES: u64 = 1024 * 1024;

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
            service: SERVICE,
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
    /// the room, and a model that does not take the effort or the schema is asked once more without it.
    ///
    /// `report` is made anew and tells after an error too what was asked, answered and spent.
    ///
    /// A repeated call changes nothing at Anthropic but is billed again. Retried are lost connections, timeouts, 408,
    /// 409, 429 and 5xx (504 once), as often as the policy allows, and not when the reply forbids it.
    ///
    /// # Errors
    /// [`ClaudeError`]; no rank is ever made up instead.
    pub fn rank(
        &self,
        sketch: &Sketch,
        cancel: &Cancel,
        report: &mut RankingReport,
    ) -> Result<(), ClaudeError> {
        let table = question::table(sketch);
        let prompt = question::prompt(sketch, &table);
        *report = RankingReport {
            normalizer: RankingReport::CLAUDE.to_owned(),
            table_sha256: Some(const_hex::encode(Sha256::digest(&table))),
            ..RankingReport::default()
        };
        let mut question =
            Question { text: prompt.clone(), max_tokens: MAX_TOKENS, effort: true, schema: true };
        let mut cost = Some(0_u64);
        loop {
            let message = match self.ask(&question, cancel, report) {
                Err(ClaudeError::Rejected(no)) if question.give_way(&no) => {
                    log::info!("the model does not take a setting of the request; asking without it");
                    report.retries += 1;
                    continue;
                }
                other => other?,
            };
            cost = cost.zip(self.cost(&message)).and_then(|(sum, call)| sum.checked_add(call));
            self.count(&message, cost, report);
            match message.stop_reason.as_deref() {
                Some("end_turn") => {}
                Some("max_tokens") if question.max_tokens == MAX_TOKENS => {
                    log::info!("Claude's answer was cut off; asking once more with twice the room");
                    question.max_tokens *= 2;
                    report.retries += 1;
                    continue;
                }
                other => return Err(self.stopped(other, &message, report)),
            }
            let text = message.text();
            // The exact ranks are asked for; only what is left after a correction may be off by one.
            let tolerance = u8::from(report.corrections > 0);
            let checked = answer::read(&text, sketch)
                .and_then(|answer| Ok((sketch.verify(&answer.ranks, tolerance)?, answer.notes)));
            let problems = match checked {
                Ok((verified, notes)) => {
                    report.max_deviation = Some(verified.max_deviation);
                    report.note = notes.map(|note| self.remark(&note)).filter(|note| !note.is_empty());
                    report.warnings.extend(retirement_warning(&self.settings.model));
                    return Ok(());
                }
                Err(problems) => problems,
            };
            log::warn!("Claude's ranks failed the check in {} places", problems.len());
            report.problems = problems.iter().take(QUOTED_PROBLEMS).cloned().collect();
            if report.corrections > 0 {
                return Err(ClaudeError::WrongRanks { problems, request_ids: report.request_ids.clone() });
            }
            report.corrections = 1;
            question.text = question::correction(&prompt, &text, &problems);
        }
    }

    /// What Anthropic knows of the configured model: `GET /v1/models/{id}`
    /// (<https://platform.claude.com/docs/en/api/models>). Free; checks key and model. Retried like [`Self::rank`]. A day
    /// of retirement that the reply leaves out, as older API versions may, is the announced one.
    ///
    /// # Errors
    /// [`ClaudeError`]
    pub fn model(&self, cancel: &Cancel) -> Result<ModelInfo, ClaudeError> {
        let id = path_segment(&self.settings.model);
        let path = format!("/v1/models/{id}");
        let mut model: ModelInfo =
            self.call(Method::Get, &path, None, cancel, &mut RankingReport::default())?;
        model.retires_on = model.retires_on.or_else(|| announced_retirement(&self.settings.model));
        Ok(model)
    }

    fn ask(
        &self,
        question: &Question,
        cancel: &Cancel,
        report: &mut RankingReport,
    ) -> Result<Message, ClaudeError> {
        let body = question.body(&self.settings.model).to_string();
        let result = self.call(Method::Post, "/v1/messages", Some(body.as_bytes()), cancel, report);
        match result {
            Err(ClaudeError::Rejected(mut no))
                if no.kind == RejectionKind::UnknownModel && no.retired_on.is_none() =>
            {
                // The Models API keeps retired models with their day. If it does not know either, the refusal says enough.
                let known =
                    self.model(cancel).ok().filter(|model| model.lifecycle.as_deref() == Some("retired"));
                no.retired_on = known.and_then(|model| model.retires_on);
                Err(ClaudeError::Rejected(no))
            }
            result => result,
        }
    }

    /// One call with its repetitions. `report` gets the request ids of all replies and the number of repetitions.
    fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&[u8]>,
        cancel: &Cancel,
        report: &mut RankingReport,
    ) -> Result<T, ClaudeError> {
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
        let mut is_repeated = false;
        retry(SERVICE, &self.settings.retry, cancel, classify, || {
            report.retries += u32::from(is_repeated);
            is_repeated = true;
            let reply = self.http.send(self.request(method, path, body))?;
            if !reply.is_success() {
                let rejection = Rejection::read(&reply, &self.settings.model, &self.settings.api_key);
                report.request_ids.extend(rejection.request_id.clone());
                return Err(ClaudeError::Rejected(Box::new(rejection)));
            }
            let request_id = request_id(&reply, None, &self.settings.api_key);
            report.request_ids.extend(request_id.clone());
            read_json(&reply, request_id)
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

    /// What the message cost, in billionths of a US dollar, when its model and its kind of tokens have a known price.
    fn cost(&self, message: &Message) -> Option<u64> {
        let model = message.model.as_deref().unwrap_or(&self.settings.model);
        let usage = &message.usage;
        prices::cost(model, usage.uncached(), usage.cached(), usage.output())
    }

    /// Adds an answer to the report; `cost` is that of all answers together.
    fn count(&self, message: &Message, cost: Option<u64>, report: &mut RankingReport) {
        report.input_tokens = report.input_tokens.saturating_add(message.usage.input());
        report.output_tokens = report.output_tokens.saturating_add(message.usage.output());
        report.cost = cost.map(|nano_usd| ListCost { nano_usd, prices_of: PRICES_OF });
        report.model = message.model.as_deref().map(|model| self.clean(model));
    }

    fn stopped(&self, reason: Option<&str>, message: &Message, report: &RankingReport) -> ClaudeError {
        let request_ids = report.request_ids.clone();
        let reason = self.clean(reason.unwrap_or("none"));
        log::warn!("Claude stopped with stop_reason {reason}");
        match reason.as_str() {
            "max_tokens" => ClaudeError::CutOff { request_ids },
            "refusal" => {
                let words = message.stop_details.as_ref().and_then(|details| details.explanation.as_deref());
                ClaudeError::Declined { explanation: self.clean(words.unwrap_or_default()), request_ids }
            }
            _ => ClaudeError::Stopped { stop_reason: reason, request_ids },
        }
    }

    /// Claude's remark, safe to keep. It was told nothing but amounts and counts, which would be masked as phone numbers
    /// if it were cleaned like the provider's other words.
    fn remark(&self, note: &str) -> String {
        one_line(&note.replace(self.settings.api_key.expose(), "***"), LONGEST)
    }

    /// The provider's words, safe to show: without the key, in case a proxy echoes it.
    fn clean(&self, text: &str) -> String {
        presentable(text, &[self.settings.api_key.expose()])
    }
}

/// A success as what the API documents.
fn read_json<T: DeserializeOwned>(reply: &Response, request_id: Option<String>) -> Result<T, ClaudeError> {
    serde_json::from_slice(&reply.body)
        .map_err(|error| ClaudeError::Unreadable { reason: unexpected_json(&error), request_id })
}

/// What to do about a model that still answers although the day of its end is announced.
fn retirement_warning(model: &str) -> Option<String> {
    let day = announced_retirement(model)?;
    Some(format!(
        "Anthropic retires the model {model} on {day}; from then on no sync can rank with it. Set \
         CLAUDE_MODEL={DEFAULT_MODEL} before that."
    ))
}
