//! Reading a list completely, by cursor.

use crate::client::{GhlClient, SEARCH_CONTACTS, unreadable};
use crate::contact;
use crate::error::GhlError;
use domain::{Cancel, Contact, ListSelection};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashSet;

/// Contacts of one page.
#[derive(Debug)]
pub struct ContactPage {
    /// The contacts, never none.
    pub contacts: Vec<Contact>,
    /// Contacts in the whole list at the time of this page.
    pub total: u64,
}

/// Body of `POST /contacts/search`. `page` is never sent: page numbers end at 10,000 contacts and lose one when another
/// is deleted, cursors do neither.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchBody<'a> {
    location_id: &'a str,
    page_limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<[Filter<'a>; 1]>,
    sort: [Sort; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    search_after: Option<&'a RawValue>,
}

#[derive(Debug, Serialize)]
struct Filter<'a> {
    field: &'static str,
    operator: &'static str,
    value: &'a str,
}

#[derive(Debug, Serialize)]
struct Sort {
    field: &'static str,
    direction: &'static str,
}

impl<'a> SearchBody<'a> {
    pub(crate) fn new(
        location_id: &'a str,
        page_limit: usize,
        list: &'a ListSelection,
        search_after: Option<&'a RawValue>,
    ) -> Self {
        let filters = match list {
            ListSelection::All => None,
            ListSelection::Tag(tag) => Some([Filter { field: "tags", operator: "eq", value: tag }]),
            // No contact carries such an id: a filter is never asked for by its number.
            ListSelection::Filter(_) => Some([Filter { field: "id", operator: "eq", value: "filter" }]),
        };
        // The day a contact was added never changes, so nobody moves between pages while they are read.
        let sort = [Sort { field: "dateAdded", direction: "asc" }];
        Self { location_id, page_limit, filters, sort, search_after }
    }
}

/// A reply; a missing list of contacts is an error, not an empty list.
#[derive(Deserialize)]
struct WirePage<'a> {
    #[serde(borrow)]
    contacts: Vec<&'a RawValue>,
    total: WireTotal,
}

#[derive(Deserialize)]
struct TotalOnly {
    total: WireTotal,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireTotal {
    Number(u64),
    Text(String),
}

impl WireTotal {
    fn get(&self) -> Result<u64, GhlError> {
        match self {
            Self::Number(total) => Ok(*total),
            Self::Text(total) => total.trim().parse().map_err(|error| GhlError::Unreadable {
                doing: SEARCH_CONTACTS.doing,
                reason: format!("`total` is not a count: {error}"),
            }),
        }
    }
}

/// `total` of a search reply.
pub(crate) fn total_of(body: &[u8]) -> Result<u64, GhlError> {
    let reply: TotalOnly =
        serde_json::from_slice(body).map_err(|error| unreadable(&SEARCH_CONTACTS, &error))?;
    reply.total.get()
}

/// The pages of a list; made by [`GhlClient::contact_pages`].
///
/// The list ends with a page that is empty, or that is shorter than the page size when by then as many contacts came as
/// the list holds. Whatever else would end it early is an error: a contact that can not be read, a cursor that is missing
/// or comes twice, an empty page before all contacts came. After an error the iterator ends. Contacts that were changed
/// while the list was read may come twice; their id tells.
#[derive(Debug)]
pub struct ContactPages<'c> {
    client: &'c GhlClient,
    list: ListSelection,
    ltv_field_id: String,
    cancel: Cancel,
    cursor: Option<Box<RawValue>>,
    used_cursors: HashSet<String>,
    read: u64,
    ended: bool,
}

impl<'c> ContactPages<'c> {
    pub(crate) fn new(
        client: &'c GhlClient,
        list: ListSelection,
        ltv_field_id: String,
        cancel: Cancel,
    ) -> Self {
        Self {
            client,
            list,
            ltv_field_id,
            cancel,
            cursor: None,
            used_cursors: HashSet::new(),
            read: 0,
            ended: false,
        }
    }

    fn read_page(&mut self) -> Result<Option<ContactPage>, GhlError> {
        let (location, size) = (self.client.location_id(), self.client.page_size());
        let body = SearchBody::new(location, size, &self.list, self.cursor.as_deref());
        let reply = self.client.search(&body, &self.cancel)?;
        let page: WirePage<'_> =
            serde_json::from_slice(&reply.body).map_err(|error| unreadable(&SEARCH_CONTACTS, &error))?;
        let total = page.total.get()?;
        let mut contacts = Vec::with_capacity(page.contacts.len());
        let mut last_cursor = None;
        for (at, json) in page.contacts.into_iter().enumerate() {
            let read = contact::read(json, at + 1, &self.ltv_field_id)?;
            contacts.push(read.contact);
            last_cursor = read.search_after;
        }
        self.read += contacts.len() as u64;
        let read = self.read;
        if contacts.is_empty() {
            self.ended = true;
            return if read < total { Err(GhlError::Incomplete { read, total }) } else { Ok(None) };
        }
        if contacts.len() < size && read >= total {
            self.ended = true;
        } else {
            let cursor = last_cursor.ok_or(GhlError::MissingCursor { read, total })?;
            if !self.used_cursors.insert(cursor.get().to_owned()) {
                return Err(GhlError::RepeatedCursor { read, total });
            }
            self.cursor = Some(cursor);
        }
        Ok(Some(ContactPage { contacts, total }))
    }
}

impl Iterator for ContactPages<'_> {
    type Item = Result<ContactPage, GhlError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let page = self.read_page();
        self.ended |= page.is_err();
        page.transpose()
    }
}
