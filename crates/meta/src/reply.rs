//! Telling a result from an error, as Meta's own SDK does: HTTP 200 may carry an error, and an error may be HTML.

use crate::error::{ApiError, MetaError};
use crate::settings::AdAccountId;
use crate::wire::Scalar;
use domain::foreign_text::presentable;
use http_client::{Response, unexpected_json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<Scalar>,
    error_subcode: Option<Scalar>,
    is_transient: Option<Scalar>,
    message: Option<Scalar>,
    error_user_title: Option<Scalar>,
    error_user_msg: Option<Scalar>,
    fbtrace_id: Option<Scalar>,
    error_data: Option<Value>,
}

/// What the reader of a reply knows of the call.
pub(crate) struct Context<'a> {
    pub(crate) operation: &'static str,
    pub(crate) ad_account_id: &'a AdAccountId,
    /// What the usage headers name.
    pub(crate) regain_after: Option<Duration>,
    /// Taken out of every text Meta sends.
    pub(crate) secrets: Vec<&'a str>,
}

/// The reply's JSON object, or the error it carries. The HTTP status decides nothing, but a failure status without an
/// error body is no success either.
pub(crate) fn read(reply: &Response, context: &Context<'_>) -> Result<Value, MetaError> {
    let operation = context.operation;
    let unusable = || MetaError::UnusableReply { operation, status: reply.status };
    let Ok(body @ Value::Object(_)) = serde_json::from_slice::<Value>(&reply.body) else {
        return Err(unusable());
    };
    if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
        let Ok(error) = ErrorBody::deserialize(error) else { return Err(unusable()) };
        return Err(MetaError::Api(Box::new(api_error(error, context))));
    }
    if body.get("success") == Some(&Value::Bool(false)) {
        return Err(MetaError::NotSuccessful { operation });
    }
    if !reply.is_success() {
        return Err(unusable());
    }
    Ok(body)
}

/// The object as the type the operation documents.
pub(crate) fn shape<T: DeserializeOwned>(body: Value, operation: &'static str) -> Result<T, MetaError> {
    T::deserialize(body)
        .map_err(|error| MetaError::UnexpectedShape { operation, detail: unexpected_json(&error) })
}

fn api_error(body: ErrorBody, context: &Context<'_>) -> ApiError {
    let words = |text: Option<Scalar>| {
        text.map(|text| presentable(&text.text(), &context.secrets)).filter(|text| !text.is_empty())
    };
    ApiError {
        operation: context.operation,
        code: body.code.and_then(|code| code.count()).unwrap_or_default(),
        subcode: body.error_subcode.and_then(|code| code.count()).filter(|code| *code != 0),
        is_transient: body.is_transient.is_some_and(|flag| flag.is_set()),
        message: words(body.message).unwrap_or_default(),
        user_title: words(body.error_user_title),
        user_msg: words(body.error_user_msg),
        blamed_fields: body.error_data.map(|data| blamed_fields(&data, &context.secrets)).unwrap_or_default(),
        fbtrace_id: words(body.fbtrace_id),
        regain_after: context.regain_after,
        ad_account_id: context.ad_account_id.clone(),
    }
}

/// `error_data` is an object or a JSON string of one; `blame_field_specs` is a list of paths.
fn blamed_fields(data: &Value, secrets: &[&str]) -> Vec<String> {
    const MOST: usize = 5;
    let parsed = data.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let specs = parsed.as_ref().unwrap_or(data).get("blame_field_specs").and_then(Value::as_array);
    let path = |spec: &Value| {
        let names: Vec<&str> = spec.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        presentable(&names.join("."), secrets)
    };
    specs.into_iter().flatten().map(path).filter(|path| !path.is_empty()).take(MOST).collect()
}
