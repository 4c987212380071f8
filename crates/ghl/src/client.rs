//! The calls. All of them only read, so each may be repeated at will.

use crate::error::GhlError;
use crate::location::{CustomField, Location, WireFieldsReply, WireLocationReply, WireTagsReply};
use crate::pages::{ContactPages, SearchBody, total_of};
use crate::refusal::Refusal;
use domain::{Cancel, ListSelection, Secret};
use http_client::{
    BaseUrl, Body, HeaderText, HttpClient, HttpSettings, Method, Request, Response, Retry, RetryPolicy,
    SlidingWindow, retry,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::time::Duration;

/// GoHighLevel's own address.
pub const DEFAULT_BASE_URL: &str = "https://services.leadconnectorhq.com";

/// A page of 500 contacts holds a few megabytes.
const MAX_REPLY_BYTES: u64 = 32 * 1024 * 1024;

/// What is escaped in an id that becomes part of a path.
const PATH_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// One operation of the API: its words for errors, the scope it needs and the value of its `Version` header, which
/// GoHighLevel defines per module.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) doing: &'static str,
    pub(crate) scope: &'static str,
    version: &'static str,
}

const GET_LOCATION: Operation =
    Operation { doing: "read the location", scope: "locations.readonly", version: "2021-07-28" };
const LIST_FIELDS: Operation = Operation {
    doing: "read the custom fields",
    scope: "locations/customFields.readonly",
    version: "2021-07-28",
};
const LIST_TAGS: Operation =
    Operation { doing: "read the tags", scope: "locations/tags.readonly", version: "2021-07-28" };
pub(crate) const SEARCH_CONTACTS: Operation =
    Operation { doing: "read the contacts", scope: "contacts.readonly", version: "2021-07-28" };

/// How the client reaches GoHighLevel.
#[derive(Debug, Clone)]
pub struct GhlSettings {
    /// GHL_BASE_URL.
    pub base_url: BaseUrl,
    /// GHL_API_KEY: a Private Integration Token of the sub-account.
    pub api_key: Secret,
    /// GHL_LOCATION_ID.
    pub location_id: String,
    /// Contacts per page, 1 to 500.
    pub page_size: usize,
    /// Calls per `window`; GoHighLevel allows 100 per 10 s.
    pub window_calls: usize,
    /// Length of the window.
    pub window: Duration,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time for one call with its whole reply.
    pub total_timeout: Duration,
    /// Repetitions of calls that fail in passing.
    pub retry: RetryPolicy,
}

impl GhlSettings {
    /// Settings for GoHighLevel as it is: pages of 500, 90 calls per 10 s (a margin of a tenth), 60 s per call, 4
    /// repetitions 1 s to 30 s apart.
    pub fn new(base_url: BaseUrl, api_key: Secret, location_id: impl Into<String>) -> Self {
        Self {
            base_url,
            api_key,
            location_id: location_id.into(),
            page_size: 500,
            window_calls: 90,
            window: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(60),
            retry: RetryPolicy {
                max_retries: 4,
                first_wait: Duration::from_secs(1),
                longest_wait: Duration::from_secs(30),
            },
        }
    }
}

/// Reads one location. Calls block; share it between threads, which then share its rate limit.
#[derive(Debug)]
pub struct GhlClient {
    http: HttpClient,
    settings: GhlSettings,
    limiter: SlidingWindow,
}

impl GhlClient {
    /// A client with its own connection pool and rate limit; nothing is sent yet.
    pub fn new(settings: GhlSettings) -> Self {
        let http = HttpClient::new(HttpSettings {
            service: "GoHighLevel",
            connect_timeout: settings.connect_timeout,
            total_timeout: settings.total_timeout,
            max_body_bytes: MAX_REPLY_BYTES,
        });
        let limiter = SlidingWindow::new(settings.window_calls, settings.window);
        Self { http, settings, limiter }
    }

    /// The location: `GET /locations/{id}`. Needs the scope `locations.readonly`. Checks token and location.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn location(&self, cancel: &Cancel) -> Result<Location, GhlError> {
        let reply: WireLocationReply = self.get(&GET_LOCATION, "", &[], cancel)?;
        Ok(reply.into_location(&self.settings.location_id))
    }

    /// The custom fields of contacts: `GET /locations/{id}/customFields?model=contact`. Needs the scope
    /// `locations/customFields.readonly`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn custom_fields(&self, cancel: &Cancel) -> Result<Vec<CustomField>, GhlError> {
        let query = [("model", "contact".to_owned())];
        let reply: WireFieldsReply = self.get(&LIST_FIELDS, "/customFields", &query, cancel)?;
        Ok(reply.into_contact_fields())
    }

    /// The names of the location's tags: `GET /locations/{id}/tags`. Needs the scope `locations/tags.readonly`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn tags(&self, cancel: &Cancel) -> Result<Vec<String>, GhlError> {
        let reply: WireTagsReply = self.get(&LIST_TAGS, "/tags", &[], cancel)?;
        Ok(reply.into_names())
    }

    /// How many contacts the list holds now: `total` of `POST /contacts/search` with a page of one. GoHighLevel searches
    /// an index that follows changes after about ten seconds. Needs the scope `contacts.readonly`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn contact_count(&self, list: &ListSelection, cancel: &Cancel) -> Result<u64, GhlError> {
        let reply = self.search(&SearchBody::new(&self.settings.location_id, 1, list, None), cancel)?;
        total_of(&reply.body)
    }

    /// All contacts of the list with the value of one custom field, page by page, oldest first. Needs the scope
    /// `contacts.readonly`. A page that fails in passing is repeated; see [`ContactPages`] for how the list ends.
    pub fn contact_pages(
        &self,
        list: &ListSelection,
        ltv_field_id: &str,
        cancel: &Cancel,
    ) -> ContactPages<'_> {
        ContactPages::new(self, list.clone(), ltv_field_id.to_owned(), cancel.clone())
    }

    pub(crate) fn location_id(&self) -> &str {
        &self.settings.location_id
    }

    pub(crate) fn page_size(&self) -> usize {
        self.settings.page_size
    }

    /// `POST /contacts/search`; a search changes nothing, so it is repeated like any reading call.
    pub(crate) fn search(&self, body: &SearchBody<'_>, cancel: &Cancel) -> Result<Response, GhlError> {
        let body = serde_json::to_vec(body).map_err(|error| unreadable(&SEARCH_CONTACTS, &error))?;
        let url = self.settings.base_url.join("/contacts/search");
        self.call(&SEARCH_CONTACTS, Method::Post, &url, &[], Some(&body), cancel)
    }

    fn get<T: for<'de> Deserialize<'de>>(
        &self,
        operation: &Operation,
        path: &str,
        query: &[(&'static str, String)],
        cancel: &Cancel,
    ) -> Result<T, GhlError> {
        let id = utf8_percent_encode(&self.settings.location_id, PATH_SEGMENT);
        let url = self.settings.base_url.join(&format!("/locations/{id}{path}"));
        let reply = self.call(operation, Method::Get, &url, query, None, cancel)?;
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(operation, &error))
    }

    /// One call with its repetitions: lost connections, timeouts, 408, 5xx, and 429 unless the day's calls are used up.
    fn call(
        &self,
        operation: &Operation,
        method: Method,
        url: &str,
        query: &[(&'static str, String)],
        body: Option<&[u8]>,
        cancel: &Cancel,
    ) -> Result<Response, GhlError> {
        let classify = |error: &GhlError| match error {
            GhlError::Transport(error) if error.is_transient() => Retry::Backoff,
            GhlError::Refused(refusal) => refusal.retry,
            _ => Retry::No,
        };
        retry(&self.settings.retry, cancel, classify, || {
            self.limiter.acquire(cancel)?;
            let headers = vec![
                ("authorization", HeaderText::Secret("Bearer ", self.settings.api_key.clone())),
                ("version", HeaderText::Plain(operation.version.to_owned())),
                ("accept", HeaderText::Plain("application/json".to_owned())),
            ];
            let reply = self.http.send(Request {
                method,
                url: url.to_owned(),
                query: query.to_vec(),
                headers,
                body: body.map_or(Body::None, Body::Json),
            })?;
            if reply.is_success() {
                return Ok(reply);
            }
            let refusal = Refusal::read(&reply, operation, self.settings.api_key.expose());
            Err(GhlError::Refused(Box::new(refusal)))
        })
    }
}

/// serde's own text may repeat the reply, and with it personal data, so only the place is kept.
pub(crate) fn unreadable(operation: &Operation, error: &serde_json::Error) -> GhlError {
    GhlError::Unreadable {
        doing: operation.doing,
        reason: format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column()),
    }
}
