//! The calls. All of them only read, so each may be repeated at will.

use crate::contact::Contacts;
use crate::error::GhlError;
use crate::location::{CustomField, Location, WireFieldsReply, WireLocationReply, WireTagsReply};
use crate::opportunity::{Opportunities, Pipeline, WirePipelinesReply, WonOpportunity, won};
use crate::query::ContactQuery;
use crate::refusal::Refusal;
use crate::search::{Endpoint, Listing, Search};
use domain::{Cancel, Contact, Secret};
use http_client::{
    BaseUrl, Body, HeaderText, HttpClient, HttpSettings, Method, Request, Response, Retry, RetryPolicy,
    SlidingWindow, path_segment, retry, unexpected_json,
};
use serde::Deserialize;
use serde_json::Value;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// GoHighLevel's own address.
pub const DEFAULT_BASE_URL: &str = "https://services.leadconnectorhq.com";

/// GoHighLevel in log lines, errors and counters.
const SERVICE: &str = "GoHighLevel";
/// A page of 500 contacts holds a few megabytes.
const MAX_REPLY_BYTES: u64 = 32 * 1024 * 1024;

/// One operation of the API: its words for errors, the scope it needs and the value of its `Version` header, which
/// GoHighLevel defines per module.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) doing: &'static str,
    pub(crate) scope: &'static str,
    /// `None` for API v1, which has no such header.
    pub(crate) version: Option<&'static str>,
}

/// The version all our operations ask for.
pub(crate) const DATED: Option<&str> = Some("2021-07-28");

const GET_LOCATION: Operation =
    Operation { doing: "read the location", scope: "locations.readonly", version: DATED };
const LIST_FIELDS: Operation =
    Operation { doing: "read the custom fields", scope: "locations/customFields.readonly", version: DATED };
const LIST_TAGS: Operation =
    Operation { doing: "read the tags", scope: "locations/tags.readonly", version: DATED };
const LIST_PIPELINES: Operation =
    Operation { doing: "read the pipelines", scope: "opportunities.readonly", version: DATED };

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
    /// Pages of one list that are asked for at the same time; up to 32 when they take so long that these
    /// would not use `window_calls`.
    pub at_once: usize,
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
    /// Settings for GoHighLevel as it is: pages of 500, 10 of them at the same time, 97 calls per 10 s (the limiter itself
    /// keeps away from the limit; the rest is for others with the same token), 60 s per call, 4 repetitions 1 s to 30 s apart.
    pub fn new(base_url: BaseUrl, api_key: Secret, location_id: impl Into<String>) -> Self {
        Self {
            base_url,
            api_key,
            location_id: location_id.into(),
            page_size: 500,
            at_once: 10,
            window_calls: 97,
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
    limiter: Arc<SlidingWindow>,
    ranges_add_up: AtomicBool,
}

impl GhlClient {
    /// A client with its own connection pool and rate limit; nothing is sent yet.
    pub fn new(settings: GhlSettings) -> Self {
        let http = HttpClient::new(HttpSettings {
            service: SERVICE,
            connect_timeout: settings.connect_timeout,
            total_timeout: settings.total_timeout,
            max_body_bytes: MAX_REPLY_BYTES,
        });
        let limiter = Arc::new(SlidingWindow::new(SERVICE, settings.window_calls, settings.window));
        Self { http, settings, limiter, ranges_add_up: AtomicBool::new(true) }
    }

    /// The same client for a person who waits for the answer: it shares the rate limit, repeats nothing, and gives a silent
    /// GoHighLevel up after these times.
    #[must_use]
    pub fn impatient(&self, connect_timeout: Duration, total_timeout: Duration) -> Self {
        let retry = RetryPolicy { max_retries: 0, first_wait: Duration::ZERO, longest_wait: Duration::ZERO };
        let settings = GhlSettings { connect_timeout, total_timeout, retry, ..self.settings.clone() };
        Self { limiter: Arc::clone(&self.limiter), ..Self::new(settings) }
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

    /// The pipelines: `GET /opportunities/pipelines`. Needs the scope `opportunities.readonly`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn pipelines(&self, cancel: &Cancel) -> Result<Vec<Pipeline>, GhlError> {
        let query = [("locationId", self.settings.location_id.clone())];
        let url = self.settings.base_url.join("/opportunities/pipelines");
        let reply = self.call(&LIST_PIPELINES, Method::Get, &url, &query, None, cancel)?;
        let reply: WirePipelinesReply =
            serde_json::from_slice(&reply.body).map_err(|error| unreadable(&LIST_PIPELINES, &error))?;
        Ok(reply.into_pipelines())
    }

    /// How many contacts the query finds now: `total` of `POST /contacts/search` with a page of one. GoHighLevel searches
    /// an index that follows changes after about ten seconds. Needs the scope `contacts.readonly`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn contact_count(&self, query: &ContactQuery, cancel: &Cancel) -> Result<u64, GhlError> {
        let listing = &Contacts { ltv_field_id: "" };
        Search { client: self, listing, conditions: query.conditions(), cancel }.count()
    }

    /// Reads all contacts the query finds with the value of one custom field, and hands them to `page` in the calling
    /// thread, page by page in any order, each time with how many there are. `Break` from `page` ends the reading with
    /// [`GhlError::Cancelled`]. Needs the scope `contacts.readonly`.
    ///
    /// A page that fails in passing is repeated, never skipped. Contacts that were changed while the list was read may
    /// come twice; their id tells.
    ///
    /// # Errors
    /// [`GhlError`]; [`GhlError::Incomplete`] when fewer contacts came than the list holds at the end.
    pub fn read_contacts(
        &self,
        query: &ContactQuery,
        ltv_field_id: &str,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> ControlFlow<()>,
    ) -> Result<(), GhlError> {
        self.read_all(&Contacts { ltv_field_id }, query.conditions(), cancel, page)
    }

    /// How many won opportunities these pipelines (ids; all of them when there are none) hold now. Needs the scope
    /// `opportunities.readonly`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn won_opportunity_count(&self, pipelines: &[String], cancel: &Cancel) -> Result<u64, GhlError> {
        Search { client: self, listing: &Opportunities, conditions: &won(pipelines), cancel }.count()
    }

    /// Reads all won opportunities of these pipelines (ids; of all pipelines when there are none), in the same way as
    /// [`read_contacts`](Self::read_contacts): `POST /opportunities/search`. Needs the scope `opportunities.readonly`.
    ///
    /// # Errors
    /// As [`read_contacts`](Self::read_contacts).
    pub fn won_opportunity_values(
        &self,
        pipelines: &[String],
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<WonOpportunity>, u64) -> ControlFlow<()>,
    ) -> Result<(), GhlError> {
        self.read_all(&Opportunities, &won(pipelines), cancel, page)
    }

    /// Once ranges did not add up, the next list is read by a single cursor: slower, but without any assumption.
    fn read_all<L: Listing>(
        &self,
        listing: &L,
        conditions: &[Value],
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<L::Item>, u64) -> ControlFlow<()>,
    ) -> Result<(), GhlError> {
        let in_ranges = self.ranges_add_up.swap(true, Ordering::Relaxed).then_some(self.settings.at_once);
        let result = Search { client: self, listing, conditions, cancel }.read_all(in_ranges, page);
        let adds_up = match &result {
            Ok((read, total)) => read == total,
            Err(error) => !matches!(error, GhlError::Incomplete { .. }),
        };
        self.ranges_add_up.store(adds_up || in_ranges.is_none(), Ordering::Relaxed);
        result.map(|_counts| ())
    }

    pub(crate) fn location_id(&self) -> &str {
        &self.settings.location_id
    }

    pub(crate) fn base_url(&self) -> &BaseUrl {
        &self.settings.base_url
    }

    /// How many calls the limiter lets through in that time.
    pub(crate) fn calls_in(&self, time: Duration) -> usize {
        let (calls, window) = (self.settings.window_calls as u128, self.settings.window.as_micros().max(1));
        usize::try_from((calls * time.as_micros()).div_ceil(window)).unwrap_or(usize::MAX)
    }

    pub(crate) fn page_size(&self) -> usize {
        self.settings.page_size
    }

    /// A search changes nothing, so it is repeated like any reading call.
    pub(crate) fn search(
        &self,
        endpoint: &Endpoint,
        body: &[u8],
        cancel: &Cancel,
    ) -> Result<Response, GhlError> {
        let url = self.settings.base_url.join(endpoint.path);
        self.call(&endpoint.operation, Method::Post, &url, &[], Some(body), cancel)
    }

    fn get<T: for<'de> Deserialize<'de>>(
        &self,
        operation: &Operation,
        path: &str,
        query: &[(&'static str, String)],
        cancel: &Cancel,
    ) -> Result<T, GhlError> {
        let id = path_segment(&self.settings.location_id);
        let url = self.settings.base_url.join(&format!("/locations/{id}{path}"));
        let reply = self.call(operation, Method::Get, &url, query, None, cancel)?;
        serde_json::from_slice(&reply.body).map_err(|error| unreadable(operation, &error))
    }

    /// One call with its repetitions: lost connections, timeouts, 408, 5xx, and 429 unless the day's calls are used up.
    pub(crate) fn call(
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
        retry(SERVICE, &self.settings.retry, cancel, classify, || {
            let place = self.limiter.acquire(cancel)?;
            let mut headers = vec![
                ("authorization", HeaderText::Secret("Bearer ", self.settings.api_key.clone())),
                ("accept", HeaderText::Plain("application/json".to_owned())),
            ];
            headers
                .extend(operation.version.map(|version| ("version", HeaderText::Plain(version.to_owned()))));
            let reply = self.http.send(Request {
                method,
                url: url.to_owned(),
                query: query.to_vec(),
                headers,
                body: body.map_or(Body::None, Body::Json),
            })?;
            let told = |name| reply.header(name).and_then(|text| text.trim().parse().ok());
            if let (Some(allowed), Some(left)) = (told("x-ratelimit-max"), told("x-ratelimit-remaining")) {
                place.told(allowed, left);
            }
            if reply.is_success() {
                return Ok(reply);
            }
            let refusal = Refusal::read(&reply, operation, self.settings.api_key.expose());
            Err(GhlError::Refused(Box::new(refusal)))
        })
    }
}

pub(crate) fn unreadable(operation: &Operation, error: &serde_json::Error) -> GhlError {
    GhlError::Unreadable { doing: operation.doing, reason: unexpected_json(error) }
}
