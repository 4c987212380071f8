//! API v1, for servers that still offer it: smart lists, custom fields, and the contacts of a smart list.
//!
//! GoHighLevel's own v1 (`https://rest.gohighlevel.com/v1`) is at its end and offers no smart lists; the three routes and
//! their shapes are those its users wrote down. There is no search, so a list is read page by page, each page naming the
//! next one.

use crate::client::{GhlClient, GhlSettings, Operation, unreadable};
use crate::contact;
use crate::error::GhlError;
use crate::location::{CustomField, WireFieldsReply};
use crate::search::WireTotal;
use crate::wire_text::text;
use domain::{Cancel, Cancelled, Contact};
use http_client::{Method, path_segment};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// Where API v1 was.
pub const DEFAULT_V1_BASE_URL: &str = "https://rest.gohighlevel.com/v1";

/// API v1 gives at most so many contacts per page.
const PAGE_SIZE: usize = 100;

const LIST_SMART_LISTS: Operation = operation("read the smart lists");
const LIST_FIELDS: Operation = operation("read the custom fields");
const READ_CONTACTS: Operation = operation("read the contacts");

const fn operation(doing: &'static str) -> Operation {
    Operation { doing, scope: "of API v1", version: None }
}

/// A smart list of the location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmartList {
    /// Its id.
    pub id: String,
    /// Its name; the id when it has none. Hostile input: escape it.
    pub name: String,
}

/// Reads one location through API v1, with the same limits, repetitions and errors as [`GhlClient`]. `GHL_API_KEY` is the
/// location's API key here.
#[derive(Debug)]
pub struct GhlV1Client(GhlClient);

#[derive(Deserialize)]
struct WireSmartListsReply<'a> {
    #[serde(borrow, rename = "smartLists", alias = "lists")]
    smart_lists: Vec<WireSmartList<'a>>,
}

#[derive(Deserialize)]
struct WireSmartList<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    name: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WirePage<'a> {
    #[serde(borrow)]
    contacts: Vec<&'a RawValue>,
    meta: WireMeta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMeta {
    total: WireTotal,
    next_page_url: Option<String>,
}

impl GhlV1Client {
    /// A client with its own connection pool and rate limit; nothing is sent yet.
    pub fn new(settings: GhlSettings) -> Self {
        Self(GhlClient::new(settings))
    }

    /// As [`GhlClient::impatient`].
    #[must_use]
    pub fn impatient(&self, connect_timeout: Duration, total_timeout: Duration) -> Self {
        Self(self.0.impatient(connect_timeout, total_timeout))
    }

    /// The smart lists: `GET /contacts/smart-lists/{locationId}`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn smart_lists(&self, cancel: &Cancel) -> Result<Vec<SmartList>, GhlError> {
        let url = self.url("/contacts/smart-lists/", self.0.location_id(), "");
        let reply = self.0.call(&LIST_SMART_LISTS, Method::Get, &url, &[], None, cancel)?;
        let reply: WireSmartListsReply<'_> =
            serde_json::from_slice(&reply.body).map_err(|error| unreadable(&LIST_SMART_LISTS, &error))?;
        let filled =
            |value: Option<&RawValue>| text(value).ok().flatten().filter(|text| !text.trim().is_empty());
        let named = |list: WireSmartList<'_>| {
            let id = filled(list.id)?;
            Some(SmartList { name: filled(list.name).unwrap_or_else(|| id.clone()), id })
        };
        Ok(reply.smart_lists.into_iter().filter_map(named).collect())
    }

    /// The custom fields of contacts: `GET /custom-fields/{locationId}`.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn custom_fields(&self, cancel: &Cancel) -> Result<Vec<CustomField>, GhlError> {
        let url = self.url("/custom-fields/", self.0.location_id(), "");
        let reply = self.0.call(&LIST_FIELDS, Method::Get, &url, &[], None, cancel)?;
        let reply: WireFieldsReply =
            serde_json::from_slice(&reply.body).map_err(|error| unreadable(&LIST_FIELDS, &error))?;
        Ok(reply.into_contact_fields())
    }

    /// How many contacts the smart list holds now: `meta.total` of its first page.
    ///
    /// # Errors
    /// [`GhlError`]
    pub fn contact_count(&self, list_id: &str, cancel: &Cancel) -> Result<u64, GhlError> {
        let query = [("limit", "1".to_owned())];
        let reply =
            self.0.call(&READ_CONTACTS, Method::Get, &self.contacts_url(list_id), &query, None, cancel)?;
        page_of(&reply.body)?.meta.total.get(&READ_CONTACTS)
    }

    /// Reads all contacts of the smart list with the value of one custom field, page by page:
    /// `GET /contacts/smart-list/{smartListId}/contacts`, then every `meta.nextPageUrl`, which is followed only on the same
    /// server, because the key is sent along. Otherwise as [`GhlClient::read_contacts`].
    ///
    /// # Errors
    /// [`GhlError`]; [`GhlError::Incomplete`] when fewer contacts came than the list holds at the end.
    pub fn read_contacts(
        &self,
        list_id: &str,
        ltv_field_id: &str,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> ControlFlow<()>,
    ) -> Result<(), GhlError> {
        let mut url = self.contacts_url(list_id);
        let mut query = vec![("limit", PAGE_SIZE.to_string())];
        let mut used = HashSet::new();
        let mut read = 0;
        loop {
            let reply = self.0.call(&READ_CONTACTS, Method::Get, &url, &query, None, cancel)?;
            let wire = page_of(&reply.body)?;
            let total = wire.meta.total.get(&READ_CONTACTS)?;
            let contacts = wire.contacts.iter().enumerate();
            let contacts = contacts.map(|(at, json)| Ok(contact::read(json, at + 1, ltv_field_id)?.item));
            let contacts: Vec<Contact> = contacts.collect::<Result<_, GhlError>>()?;
            let is_empty = contacts.is_empty();
            read += contacts.len() as u64;
            if !is_empty && page(contacts, total).is_break() {
                return Err(Cancelled.into());
            }
            match wire.meta.next_page_url.filter(|next| !is_empty && !next.trim().is_empty()) {
                None if read < total => return Err(GhlError::Incomplete { read, total }),
                None => return Ok(()),
                Some(next) => {
                    url = self.0.base_url().following(&next).ok_or(GhlError::ForeignPage { read, total })?;
                    if !used.insert(url.clone()) {
                        return Err(GhlError::RepeatedCursor { read, total });
                    }
                    query.clear();
                }
            }
        }
    }

    fn contacts_url(&self, list_id: &str) -> String {
        self.url("/contacts/smart-list/", list_id, "/contacts")
    }

    fn url(&self, before: &str, id: &str, behind: &str) -> String {
        let id = path_segment(id);
        self.0.base_url().join(&format!("{before}{id}{behind}"))
    }
}

fn page_of(body: &[u8]) -> Result<WirePage<'_>, GhlError> {
    serde_json::from_slice(body).map_err(|error| unreadable(&READ_CONTACTS, &error))
}
