//! Meta's error body (meta-api §6.1): every error carries a title and a message for the user, and a trace id.

use std::borrow::Cow;
use std::io;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::faults::MetaError;

/// One error as Graph API words it.
pub(super) struct GraphError {
    status: StatusCode,
    kind: &'static str,
    code: u32,
    subcode: Option<u32>,
    message: String,
    title: Cow<'static, str>,
    user_message: String,
    transient: bool,
    /// Parameters that are to blame; sent as `error_data`, which Meta writes as a JSON *string* here.
    blamed: Option<&'static str>,
}

/// The sandbox itself failed: it can not use its temporary files.
impl From<io::Error> for GraphError {
    fn from(error: io::Error) -> Self {
        Self::new(2, "Sandbox", &format!("The sandbox can not use its temporary files: {error}"))
    }
}

impl GraphError {
    /// `message` gets Meta's usual `(#code)` in front.
    pub fn new(code: u32, title: &'static str, message: &str) -> Self {
        let status = match code {
            1 | 2 => StatusCode::INTERNAL_SERVER_ERROR,
            200 => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        Self {
            status,
            kind: "OAuthException",
            code,
            subcode: None,
            message: format!("(#{code}) {message}"),
            title: Cow::Borrowed(title),
            user_message: message.to_owned(),
            transient: matches!(code, 1 | 2 | 4 | 17 | 613 | 803 | 80_003),
            blamed: None,
        }
    }

    /// Code 100 with Meta's "Invalid parameter"; the sentence is for the user.
    pub fn invalid(blamed: &'static str, title: &'static str, user_message: &str) -> Self {
        let error = Self::new(100, title, user_message).worded("Invalid parameter");
        Self { blamed: Some(blamed), ..error }
    }

    /// Code 100 that names the parameter in the message itself.
    pub fn parameter(blamed: &'static str, message: &str) -> Self {
        Self { blamed: Some(blamed), ..Self::new(100, "Invalid parameter", message) }
    }

    /// 100/33: gone, never there, or not for this login. The three can not be told apart.
    pub fn no_such_object(method: &str, id: &str) -> Self {
        let message = format!(
            "Unsupported {method} request. Object with ID '{id}' does not exist, cannot be loaded due to missing \
             permissions, or does not support this operation. Please read the Graph API documentation at \
             https://developers.facebook.com/docs/graph-api"
        );
        Self::new(100, "Object does not exist", &message)
            .sub(33)
            .worded(&message)
            .of_kind("GraphMethodException")
    }

    /// What a test wants to be answered.
    pub fn planted(planted: &MetaError) -> Self {
        let message = planted.message.as_deref().unwrap_or("An error planted in the sandbox");
        let error = Self::new(planted.code, "Planted Error", message);
        let status = planted.status.and_then(|status| StatusCode::from_u16(status).ok());
        Self {
            status: status.unwrap_or(error.status),
            subcode: planted.subcode,
            title: planted.title.clone().map_or(error.title, Cow::Owned),
            user_message: planted.user_message.clone().unwrap_or(error.user_message),
            transient: planted.is_transient.unwrap_or(error.transient),
            // Word for word when given.
            message: planted.message.clone().unwrap_or(error.message),
            ..error
        }
    }

    pub fn sub(self, subcode: u32) -> Self {
        Self { subcode: Some(subcode), ..self }
    }

    /// Another message than the one for the user.
    pub fn worded(self, message: &str) -> Self {
        Self { message: message.to_owned(), ..self }
    }

    pub fn of_kind(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// Trying again will not help, though the code alone suggests it.
    pub fn permanent(self) -> Self {
        Self { transient: false, ..self }
    }

    pub fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The reply, with a trace id of its own in body and header.
    pub fn response(&self) -> HttpResponse {
        let trace =
            format!("A{}", std::iter::repeat_with(fastrand::alphanumeric).take(10).collect::<String>());
        let mut body = Map::new();
        body.insert("message".to_owned(), json!(self.message));
        body.insert("type".to_owned(), json!(self.kind));
        body.insert("code".to_owned(), json!(self.code));
        if let Some(subcode) = self.subcode {
            body.insert("error_subcode".to_owned(), json!(subcode));
        }
        if let Some(blamed) = self.blamed {
            let data = json!({"blame_field_specs": [[blamed]]});
            body.insert("error_data".to_owned(), Value::String(data.to_string()));
        }
        body.insert("is_transient".to_owned(), json!(self.transient));
        body.insert("error_user_title".to_owned(), json!(self.title));
        body.insert("error_user_msg".to_owned(), json!(self.user_message));
        body.insert("fbtrace_id".to_owned(), json!(trace));
        HttpResponse::build(self.status).insert_header(("x-fb-trace-id", trace)).json(json!({"error": body}))
    }
}
