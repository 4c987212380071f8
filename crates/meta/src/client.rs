//! One call to Meta: authorization, reply check and patience.

use crate::error::{ErrorKind, MetaError};
use crate::reply;
use crate::settings::{AdAccountId, MetaSettings};
use domain::foreign_text::presentable;
use domain::{Cancel, Secret};
use hmac::{Hmac, Mac};
use http_client::{Body, HttpClient, HttpSettings, Method, Request, Retry, retry};
use serde_json::{Map, Value};
use sha2::Sha256;
use std::sync::{Mutex, PoisonError};

/// Calls the Marketing API for one ad account. Shared by reference between threads.
///
/// Every call has a time limit and a cap on the reply. What Meta calls passing is repeated with backoff, throttling waits
/// for the time Meta names, and nothing else is repeated; the methods say where this differs. The token travels in the
/// query of GET and DELETE and in the body of POST, and appears in no log line and no error.
#[derive(Debug)]
pub struct MetaClient {
    http: HttpClient,
    settings: MetaSettings,
    proof: Option<Secret>,
    version_warning: Mutex<Option<String>>,
}

/// One request without its authorization.
pub(crate) struct Call<'a> {
    /// What is attempted, as a verb phrase for messages.
    pub(crate) operation: &'static str,
    /// Below the version, without the leading slash.
    pub(crate) path: &'a str,
    /// Parameters of the query.
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) verb: Verb<'a>,
}

pub(crate) enum Verb<'a> {
    Get,
    Delete,
    /// The body comes from [`MetaClient::signed_body`], so it carries the authorization.
    Post(&'a [u8]),
}

/// Pages hold few rows; ten thousand invalid samples would still fit.
const MAX_REPLY_BYTES: u64 = 4 * 1024 * 1024;

impl MetaClient {
    /// A client with its own connection pool. Sends nothing yet.
    pub fn new(settings: MetaSettings) -> Self {
        let http = HttpClient::new(HttpSettings {
            service: "Meta",
            connect_timeout: settings.connect_timeout,
            total_timeout: settings.total_timeout,
            max_body_bytes: MAX_REPLY_BYTES,
        });
        let proof = settings.app_secret.as_ref().and_then(|secret| proof(secret, &settings.access_token));
        Self { http, settings, proof, version_warning: Mutex::new(None) }
    }

    /// The ad account of this client.
    pub fn ad_account_id(&self) -> &AdAccountId {
        &self.settings.ad_account_id
    }

    /// What Meta last said of the configured API version (`X-Ad-Api-Version-Warning`): it is about to end, and calls were
    /// upgraded. Hostile input, shortened: escape it.
    pub fn version_warning(&self) -> Option<String> {
        self.version_warning.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn token(&self) -> &Secret {
        &self.settings.access_token
    }

    /// The JSON body of a POST: the fields and the authorization.
    pub(crate) fn signed_body<const N: usize>(&self, fields: [(&str, Value); N]) -> Vec<u8> {
        let secrets = self.authorization().map(|(name, secret)| (name, secret.expose().into()));
        let fields: Map<String, Value> =
            fields.into_iter().chain(secrets).map(|(name, value)| (name.to_owned(), value)).collect();
        Value::Object(fields).to_string().into_bytes()
    }

    /// A GET, DELETE or repeatable POST: passing errors are repeated.
    pub(crate) fn call(&self, call: &Call<'_>, cancel: &Cancel) -> Result<Value, MetaError> {
        self.patiently(cancel, || self.once(call))
    }

    /// Repeats `attempt` after passing faults, throttling, and while a fresh audience is not known yet.
    pub(crate) fn patiently<T>(
        &self,
        cancel: &Cancel,
        mut attempt: impl FnMut() -> Result<T, MetaError>,
    ) -> Result<T, MetaError> {
        let hiccup = |error: &MetaError| if error.is_hiccup() { Retry::Backoff } else { Retry::No };
        let unknown_alias =
            |error: &MetaError| if error.is_unknown_alias() { Retry::Backoff } else { Retry::No };
        self.past_throttling(cancel, || {
            retry(&self.settings.fresh_audience_retry, cancel, unknown_alias, || {
                retry(&self.settings.retry, cancel, hiccup, &mut attempt)
            })
        })
    }

    /// Repeats `attempt` only after throttling, which comes before any work: safe for calls that must not happen twice.
    pub(crate) fn past_throttling<T>(
        &self,
        cancel: &Cancel,
        attempt: impl FnMut() -> Result<T, MetaError>,
    ) -> Result<T, MetaError> {
        retry(&self.settings.throttle_retry, cancel, |error| self.after_throttling(error), attempt)
    }

    fn after_throttling(&self, error: &MetaError) -> Retry {
        let MetaError::Api(error) = error else { return Retry::No };
        match error.kind() {
            ErrorKind::Wait(Some(wait)) if wait > self.settings.longest_wait => Retry::No,
            ErrorKind::Wait(Some(wait)) => Retry::After(wait),
            ErrorKind::Wait(None) => Retry::Backoff,
            _ => Retry::No,
        }
    }

    /// One attempt.
    pub(crate) fn once(&self, call: &Call<'_>) -> Result<Value, MetaError> {
        let settings = &self.settings;
        let operation = call.operation;
        let mut query = call.query.clone();
        let (method, body) = match call.verb {
            Verb::Get => (Method::Get, Body::None),
            Verb::Delete => (Method::Delete, Body::None),
            Verb::Post(bytes) => (Method::Post, Body::Json(bytes)),
        };
        if matches!(body, Body::None) {
            query.extend(self.authorization().map(|(name, secret)| (name, secret.expose().to_owned())));
        }
        let url = settings.base_url.join(&format!("/{}/{}", settings.api_version, call.path));
        let reply = self
            .http
            .send(Request { method, url, query, headers: Vec::new(), body })
            .map_err(|source| MetaError::Transport { operation, source })?;
        let secrets: Vec<&str> =
            [Some(&settings.access_token), settings.app_secret.as_ref(), self.proof.as_ref()]
                .into_iter()
                .flatten()
                .map(Secret::expose)
                .collect();
        if let Some(text) = reply.header("x-ad-api-version-warning") {
            self.keep_version_warning(presentable(text, &secrets));
        }
        let context = reply::Context { operation, ad_account_id: &settings.ad_account_id, secrets };
        let result = reply::read(&reply, &context);
        if let Err(MetaError::Api(error)) = &result {
            let trace = error.fbtrace_id.as_deref().unwrap_or("none");
            log::warn!("Meta's error {} on the attempt to {operation}, trace id {trace}", error.codes());
        }
        result
    }

    fn authorization(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        [("access_token", Some(&self.settings.access_token)), ("appsecret_proof", self.proof.as_ref())]
            .into_iter()
            .filter_map(|(name, secret)| Some((name, secret?)))
    }

    fn keep_version_warning(&self, text: String) {
        let mut kept = self.version_warning.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref() != Some(&text) {
            log::warn!("Meta on the API version {}: {text}", self.settings.api_version);
            *kept = Some(text);
        }
    }
}

/// Lower-case hexadecimal HMAC-SHA256 of the token under the app secret.
/// <https://developers.facebook.com/docs/graph-api/guides/secure-requests>
fn proof(app_secret: &Secret, access_token: &Secret) -> Option<Secret> {
    // A key of any length is accepted, so there is always a proof.
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.expose().as_bytes()).ok()?;
    mac.update(access_token.expose().as_bytes());
    let bytes = mac.finalize().into_bytes();
    Some(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::proof;
    use domain::Secret;

    #[test]
    fn the_proof_is_the_documented_hmac() {
        // RFC 4231, test case 2.
        let proof = proof(&Secret::new("Jefe"), &Secret::new("what do ya want for nothing?")).unwrap();
        assert_eq!(proof.expose(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
