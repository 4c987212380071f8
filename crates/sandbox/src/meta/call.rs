//! One request, taken apart: version, path, method and parameters, wherever they were sent.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use serde_json::value::RawValue;

use super::errors::GraphError;

/// Versions of the Marketing API that live on 2026-11-21; the last one is named in "please update".
const LIVE: [&str; 2] = ["v25.0", "v26.0"];

/// The method after `method=…` was heeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Get,
    Post,
    Delete,
}

impl Verb {
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Delete => "delete",
        }
    }
}

/// A request to a living version.
pub(super) struct Call {
    pub version: &'static str,
    pub verb: Verb,
    /// What follows the version.
    pub path: Vec<String>,
    pub bearer: Option<String>,
    /// For `paging.next`.
    pub origin: String,
    parameters: BTreeMap<String, String>,
}

impl Call {
    /// Reads the request; the order of checks is version, then parameters.
    ///
    /// # Errors
    /// 2635 for a dead version, 2500 for none or an unknown one, 100 for an unreadable body.
    pub fn read(request: &HttpRequest, body: &[u8]) -> Result<Self, GraphError> {
        let mut path = request.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned);
        let version = living_version(path.next().as_deref(), request.path())?;
        let mut parameters = form(request.query_string().as_bytes());
        parameters.extend(body_parameters(request, body)?);
        let verb = match parameters.remove("method").map(|method| method.to_ascii_uppercase()).as_deref() {
            Some("DELETE") => Verb::Delete,
            Some("GET") => Verb::Get,
            _ if request.method() == Method::DELETE => Verb::Delete,
            _ if request.method() == Method::POST => Verb::Post,
            _ => Verb::Get,
        };
        let connection = request.connection_info();
        let authorization =
            request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        Ok(Self {
            version,
            verb,
            path: path.collect(),
            bearer: authorization.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
            origin: format!("{}://{}", connection.scheme(), connection.host()),
            parameters,
        })
    }

    /// A parameter; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// # Errors
    /// 100, as Meta words a missing parameter.
    pub fn required(&self, name: &'static str) -> Result<&str, GraphError> {
        self.get(name)
            .ok_or_else(|| GraphError::parameter(name, &format!("The parameter {name} is required")))
    }

    /// `true`, `1` and their opposites; absent is false.
    ///
    /// # Errors
    /// 100 for anything else.
    pub fn flag(&self, name: &'static str) -> Result<bool, GraphError> {
        match self.get(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(GraphError::parameter(name, &format!("Param {name} must be a boolean"))),
        }
    }
}

fn living_version(version: Option<&str>, path: &str) -> Result<&'static str, GraphError> {
    let unknown = || GraphError::new(2500, "Unknown path", &format!("Unknown path components: {path}"));
    let version = version.ok_or_else(unknown)?;
    if let Some(living) = LIVE.iter().find(|living| **living == version) {
        return Ok(living);
    }
    let number = version.strip_prefix('v').and_then(|version| version.split_once('.'));
    match number.map(|(major, minor)| (major.parse::<u32>(), minor.parse::<u32>())) {
        Some((Ok(major), Ok(_))) if major < 25 => Err(GraphError::new(
            2635,
            "Deprecated version",
            &format!(
                "You are calling a deprecated version of the Ads API. Please update to the latest version: {}.",
                LIVE[1]
            ),
        )),
        _ => Err(unknown()),
    }
}

fn form(text: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn body_parameters(request: &HttpRequest, body: &[u8]) -> Result<BTreeMap<String, String>, GraphError> {
    if body.is_empty() {
        return Ok(BTreeMap::new());
    }
    let content_type =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    match content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Ok(form(body)),
        "application/json" => json_parameters(body),
        // Multipart exists at Meta, but nothing here sends it.
        _ => Err(GraphError::new(
            100,
            "Unreadable body",
            "The sandbox reads application/x-www-form-urlencoded and application/json bodies",
        )),
    }
}

/// As in a form, a parameter is text: a string as it is, anything else as JSON.
fn json_parameters(body: &[u8]) -> Result<BTreeMap<String, String>, GraphError> {
    let parameters: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_slice(body);
    let Ok(parameters) = parameters else {
        return Err(GraphError::new(100, "Unreadable body", "The body is not a JSON object"));
    };
    let text = |raw: &RawValue| match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => text,
        Err(_) if raw.get() == "null" => String::new(),
        Err(_) => raw.get().to_owned(),
    };
    Ok(parameters.into_iter().map(|(name, raw)| (name, text(raw))).collect())
}
