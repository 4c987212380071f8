//! One call to Meta: authorization, pace and reply check.

use crate::error::MetaError;
use crate::pace::{self, NotNow, Pace};
use crate::reply;
use crate::settings::{AdAccountId, MetaSettings};
use crate::usage::Usage;
use chrono::{DateTime, Utc};
use domain::foreign_text::presentable;
use domain::{Cancel, Cancelled, Secret};
use hmac::{Hmac, Mac};
use http_client::{Body, HttpClient, HttpSettings, Method, Request, RetryPolicy};
use serde_json::{Map, Value};
use sha2::Sha256;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Calls the Marketing API for one ad account. Shared by reference between threads.
///
/// Every call has a time limit and a cap on the reply. What Meta calls passing is repeated with backoff, throttling waits
/// for the time Meta names, and nothing else is repeated; the methods say where this differs. All threads keep one pace:
/// from 75 % of a limit on calls are slowed down, and behind a limit nobody calls until it is over. The token travels in
/// the query of GET and DELETE and in the body of POST, and appears in no log line and no error.
#[derive(Debug)]
pub struct MetaClient {
    pub(crate) settings: MetaSettings,
    http: Arc<HttpClient>,
    pub(crate) account: Arc<Account>,
}

/// What all clients of one ad account share.
#[derive(Debug)]
pub(crate) struct Account {
    proof: Option<Secret>,
    version_warning: Mutex<Option<String>>,
    pub(crate) pace: Pace,
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
    /// The body in parts, which carries the authorization because it comes from [`MetaClient::signed_body`].
    Post(&'a [&'a [u8]]),
}

/// Meta in log lines, errors and counters.
pub(crate) const SERVICE: &str = "Meta";
/// Pages hold few rows; ten thousand invalid samples would still fit.
const MAX_REPLY_BYTES: u64 = 4 * 1024 * 1024;

impl MetaClient {
    /// A client with its own connection pool. Sends nothing yet.
    pub fn new(settings: MetaSettings) -> Self {
        let proof = settings.app_secret.as_ref().and_then(|secret| proof(secret, &settings.access_token));
        let account = Account { proof, version_warning: Mutex::new(None), pace: Pace::default() };
        Self { http: Arc::new(connections(&settings)), settings, account: Arc::new(account) }
    }

    /// The same client for a caller that cannot wait as long, such as work that comes round again in a minute: it shares
    /// the connections and the pace, and fails with [`MetaError::Limited`] where it would have to wait longer than this.
    #[must_use]
    pub fn with_longest_wait(&self, longest_wait: Duration) -> Self {
        let settings = MetaSettings { longest_wait, ..self.settings.clone() };
        Self { settings, http: Arc::clone(&self.http), account: Arc::clone(&self.account) }
    }

    /// The same client for a person who waits for the answer: it shares the pace, repeats nothing, gives a silent Meta up
    /// after `connect_timeout` and `total_timeout`, and fails with [`MetaError::Limited`] where it would have to wait
    /// longer than two seconds. Behind a limit that another thread has met it does not call.
    #[must_use]
    pub fn impatient(&self, connect_timeout: Duration, total_timeout: Duration) -> Self {
        let once = RetryPolicy { max_retries: 0, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };
        let settings = MetaSettings {
            connect_timeout,
            total_timeout,
            retry: once,
            throttle_retry: once,
            fresh_audience_retry: once,
            longest_wait: pace::TOLD_FROM,
            ..self.settings.clone()
        };
        Self { http: Arc::new(connections(&settings)), settings, account: Arc::clone(&self.account) }
    }

    /// The ad account of this client.
    pub fn ad_account_id(&self) -> &AdAccountId {
        &self.settings.ad_account_id
    }

    /// What Meta last said of the configured API version (`X-Ad-Api-Version-Warning`): it is about to end, and calls were
    /// upgraded. Hostile input, shortened: escape it.
    pub fn version_warning(&self) -> Option<String> {
        self.account.version_warning.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls `watcher` in the waiting thread with the end of a wait when it begins because of Meta's limits and lasts more
    /// than two seconds, and with `None` when nobody waits any longer. It replaces an earlier watcher and must not call
    /// this client.
    pub fn watch_waits(&self, watcher: impl Fn(Option<DateTime<Utc>>) + Send + Sync + 'static) {
        self.account.pace.watch(Box::new(watcher));
    }

    /// How many upload batches may be in flight now: one until a reply has shown that the app has Full access to the
    /// Marketing API, and whenever a limit is near; else four.
    pub fn uploads_in_flight(&self) -> usize {
        self.account.pace.uploads_in_flight()
    }

    pub(crate) fn token(&self) -> &Secret {
        &self.settings.access_token
    }

    /// The JSON body of a POST: the fields and the authorization.
    pub(crate) fn signed_body<'a>(&self, fields: impl IntoIterator<Item = (&'a str, Value)>) -> Vec<u8> {
        let secrets = self.authorization().map(|(name, secret)| (name, secret.expose().into()));
        let fields: Map<String, Value> =
            fields.into_iter().chain(secrets).map(|(name, value)| (name.to_owned(), value)).collect();
        Value::Object(fields).to_string().into_bytes()
    }

    /// One attempt, when its turn has come.
    pub(crate) fn once(&self, call: &Call<'_>, cancel: &Cancel) -> Result<Value, MetaError> {
        let (settings, account) = (&self.settings, &self.account);
        let operation = call.operation;
        account.pace.enter(settings.longest_wait, cancel).map_err(|reason| match reason {
            NotNow::Limited(remaining) => MetaError::Limited { operation, remaining },
            NotNow::Cancelled => MetaError::Cancelled(Cancelled),
        })?;
        let mut query = call.query.clone();
        let (method, body) = match call.verb {
            Verb::Get => (Method::Get, Body::None),
            Verb::Delete => (Method::Delete, Body::None),
            Verb::Post(parts) => (Method::Post, Body::JsonParts(parts)),
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
            [Some(&settings.access_token), settings.app_secret.as_ref(), account.proof.as_ref()]
                .into_iter()
                .flatten()
                .map(Secret::expose)
                .collect();
        if let Some(text) = reply.header("x-ad-api-version-warning") {
            self.keep_version_warning(presentable(text, &secrets));
        }
        let usage = Usage::of(&reply);
        account.pace.observe(usage);
        let context = reply::Context {
            operation,
            ad_account_id: &settings.ad_account_id,
            regain_after: usage.named_wait,
            secrets,
        };
        let result = reply::read(&reply, &context);
        if let Err(MetaError::Api(error)) = &result {
            let trace = error.fbtrace_id.as_deref().unwrap_or("none");
            log::warn!("Meta's error {} on the attempt to {operation}, trace id {trace}", error.codes());
        }
        result
    }

    fn authorization(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        [
            ("access_token", Some(&self.settings.access_token)),
            ("appsecret_proof", self.account.proof.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, secret)| Some((name, secret?)))
    }

    fn keep_version_warning(&self, text: String) {
        let mut kept = self.account.version_warning.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref() != Some(&text) {
            log::warn!("Meta on the API version {}: {text}", self.settings.api_version);
            *kept = Some(text);
        }
    }
}

/// A pool of its own, because time limits belong to a pool.
fn connections(settings: &MetaSettings) -> HttpClient {
    HttpClient::new(HttpSettings {
        service: SERVICE,
        connect_timeout: settings.connect_timeout,
        total_timeout: settings.total_timeout,
        max_body_bytes: MAX_REPLY_BYTES,
    })
}

/// Lower-case hexadecimal HMAC-SHA256 of the token under the app secret.
/// <https://developers.facebook.com/docs/graph-api/guides/secure-requests>
fn proof(app_secret: &Secret, access_token: &Secret) -> Option<Secret> {
    // A key of any length is accepted, so there is always a proof.
    let mut mac = Hmac::<Sha256>::new_from_slice(app_secret.expose().as_bytes()).ok()?;
    mac.update(access_token.expose().as_bytes());
    let bytes = mac.finalize().into_bytes();
    Some(Secret::new(const_hex::encode(bytes)))
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
