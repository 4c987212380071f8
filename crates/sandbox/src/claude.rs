//! Anthropic's Messages API as far as the product calls it: `POST /v1/messages` and `GET /v1/models/{id}`.
//!
//! The "model" reads the table of the prompt and ranks by itself; modes make it answer wrongly in the ways real models do.

mod models;
mod modes;
mod ranking;
mod request;
mod schema;

use std::sync::{Mutex, MutexGuard, PoisonError};

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

pub use modes::{ClaudeMode, ModeSetting};
use request::Prompt;

/// The simulated account at Anthropic.
#[derive(Debug, Clone)]
pub struct ClaudeSettings {
    /// The API key.
    pub key: String,
}

impl ClaudeSettings {
    /// The key of the sandbox.
    pub const KEY: &str = "sk-ant-sandbox-0001";
}

impl Default for ClaudeSettings {
    fn default() -> Self {
        Self { key: Self::KEY.to_owned() }
    }
}

/// The key, and how the next answer is to look.
pub(crate) struct ClaudeState {
    settings: ClaudeSettings,
    mode: Mutex<ModeSetting>,
}

impl ClaudeState {
    pub(crate) fn new(settings: ClaudeSettings) -> Self {
        Self { settings, mode: Mutex::default() }
    }

    pub(crate) fn set_mode(&self, mode: ModeSetting) {
        *self.lock() = mode;
    }

    fn lock(&self) -> MutexGuard<'_, ModeSetting> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mode of this answer. A mode that is not `always` holds for one answer; a correction is then answered well.
    fn take_mode(&self, correction: bool) -> ClaudeMode {
        let mut setting = self.lock();
        if setting.always {
            return setting.mode;
        }
        let mode = std::mem::take(&mut *setting).mode;
        if correction { ClaudeMode::Good } else { mode }
    }

    /// Key and version, which come before everything else.
    fn admit(&self, request: &HttpRequest) -> Result<(), Failure> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let bearer = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match header("x-api-key").or(bearer) {
            None => return Err(Failure::new(401, "authentication_error", "x-api-key header is required")),
            Some(key) if key != self.settings.key => {
                return Err(Failure::new(401, "authentication_error", "invalid x-api-key"));
            }
            Some(_) => {}
        }
        match header("anthropic-version") {
            Some("2023-01-01" | "2023-06-01" | "2026-10-21") => Ok(()),
            None => Err(Failure::invalid("anthropic-version: header is required")),
            Some(version) => {
                Err(Failure::invalid(format!("anthropic-version: \"{version}\" is not a valid version")))
            }
        }
    }
}

/// An error reply.
#[derive(Debug)]
pub(crate) struct Failure {
    status: u16,
    kind: &'static str,
    message: String,
}

impl Failure {
    fn new(status: u16, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", message)
    }
}

/// Registers the routes; `web::Data<ClaudeState>` must be added.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/v1/messages", web::post().to(messages))
        .route("/v1/models/{id}", web::get().to(model))
        .default_service(web::to(unknown_route));
}

async fn messages(state: Data<ClaudeState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    let result = state.admit(&request).and_then(|()| Prompt::parse(&body, content_type));
    reply(result.map(|prompt| answer(&prompt, state.take_mode(prompt.is_correction()))))
}

fn answer(prompt: &Prompt, mode: ClaudeMode) -> Value {
    let text = match ranking::Table::read(&prompt.text) {
        Some(table) => modes::text(mode, &table, prompt.structured),
        None => "I could not find a table of lifetime values in your message.".to_owned(),
    };
    let output_tokens = tokens(&text);
    let is_too_long = output_tokens > prompt.max_tokens;
    let stop_reason = match mode.stop_reason() {
        "end_turn" if is_too_long => "max_tokens",
        reason => reason,
    };
    let text = if is_too_long || mode.is_cut() {
        text[..text.floor_char_boundary(text.len() / 2)].to_owned()
    } else {
        text
    };
    let content = match mode {
        ClaudeMode::EmptyContent => json!([]),
        ClaudeMode::WithoutThinking => json!([{"type": "text", "text": text}]),
        _ => json!([
            {"type": "thinking", "thinking": "", "signature": "c2FuZGJveA=="},
            {"type": "text", "text": text},
        ]),
    };
    let stop_details = match mode {
        ClaudeMode::Refusal => {
            json!({"category": "other", "explanation": "The request was declined by a safety check."})
        }
        _ => Value::Null,
    };
    json!({
        "id": format!("msg_{}", uuid::Uuid::new_v4().simple()),
        "type": "message",
        "role": "assistant",
        "model": prompt.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
        "stop_details": stop_details,
        "usage": {
            "input_tokens": prompt.input_tokens,
            "output_tokens": output_tokens.min(prompt.max_tokens),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens_details": {"thinking_tokens": 0},
            "service_tier": "standard",
        },
    })
}

/// About three characters of digits and punctuation make a token.
fn tokens(text: &str) -> u64 {
    text.len().div_ceil(3) as u64
}

async fn model(state: Data<ClaudeState>, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    let found = |()| match models::find(&id) {
        Some(model) if !model.retired => Ok(model.description()),
        _ => Err(models::not_found(&id)),
    };
    reply(state.admit(&request).and_then(found))
}

async fn unknown_route(state: Data<ClaudeState>, request: HttpRequest) -> HttpResponse {
    reply(state.admit(&request).and(Err(Failure::new(404, "not_found_error", "Not Found"))))
}

/// Every reply carries a request id; errors repeat it in the body.
fn reply(result: Result<Value, Failure>) -> HttpResponse {
    let request_id = format!("req_{}", uuid::Uuid::new_v4().simple());
    let (status, body) = match result {
        Ok(body) => (200, body),
        Err(Failure { status, kind, message }) => {
            let error = json!({"type": kind, "message": message});
            (status, json!({"type": "error", "error": error, "request_id": request_id}))
        }
    };
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .insert_header(("request-id", request_id))
        .insert_header(("anthropic-organization-id", "00000000-0000-4000-8000-5a4db0c5a4db"))
        .insert_header(("anthropic-ratelimit-requests-limit", "4000"))
        .insert_header(("anthropic-ratelimit-requests-remaining", "3999"))
        .json(body)
}
