//! Bodies and headers of replies (ghl-api §8).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Value, json};

/// An error reply.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    message: Value,
    error: Option<&'static str>,
}

impl Refusal {
    fn new(status: u16, message: impl Into<Value>, error: Option<&'static str>) -> Self {
        Self { status, message: message.into(), error }
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(401, message, Some("Unauthorized"))
    }

    pub(super) fn foreign_location() -> Self {
        Self::new(403, "The token does not have access to this location.", Some("Forbidden"))
    }

    pub(super) fn no_route(method: &str, path: &str) -> Self {
        Self::new(404, format!("Cannot {method} {path}"), Some("Not Found"))
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, message.into(), Some("Bad Request"))
    }

    /// The message is an array that lists every fault.
    pub(super) fn unprocessable(messages: Vec<String>) -> Self {
        Self::new(422, messages, Some("Unprocessable Entity"))
    }

    pub(super) fn too_many_requests() -> Self {
        Self::new(429, "Too Many Requests", None)
    }
}

/// The reply with the trace id in its body and the given headers.
pub(super) fn reply(result: Result<Value, Refusal>, headers: Vec<(&'static str, String)>) -> HttpResponse {
    let (status, mut body) = match result {
        Ok(body) => (200, body),
        Err(Refusal { status, message, error }) => {
            let mut body = json!({"statusCode": status, "message": message});
            if let Some(error) = error {
                body["error"] = json!(error);
            }
            (status, body)
        }
    };
    body["traceId"] = json!(uuid::Uuid::new_v4().to_string());
    let mut response =
        HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    for header in headers {
        response.insert_header(header);
    }
    response.json(body)
}
