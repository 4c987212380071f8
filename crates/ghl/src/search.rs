//! The search endpoints: one page, and a range of rows walked page by page.

use crate::client::{GhlClient, Operation, unreadable};
use crate::error::GhlError;
use chrono::{DateTime, SecondsFormat};
use domain::Cancel;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::HashSet;

/// An endpoint, with the names in which the endpoints differ.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) operation: Operation,
    pub(crate) path: &'static str,
    /// The key of the page size.
    pub(crate) limit: &'static str,
    /// The field that is sorted and filtered by: when a row was added, which never changes, so that no row moves while
    /// they are read.
    pub(crate) added: &'static str,
}

/// One kind of rows to read.
pub(crate) trait Listing: Sync {
    /// What a row becomes.
    type Item: Send;

    /// Where they are.
    const ENDPOINT: Endpoint;

    /// Reads the row that stands at `position` (from 1) of its page.
    fn read(&self, row: &RawValue, position: usize) -> Result<Row<Self::Item>, GhlError>;
}

/// A row that was read.
#[derive(Debug)]
pub(crate) struct Row<T> {
    pub(crate) item: T,
    /// What continues the search behind it.
    pub(crate) cursor: Option<Box<RawValue>>,
    /// When it was added, in milliseconds since 1970.
    pub(crate) added: Option<i64>,
}

struct Page<T> {
    rows: Vec<Row<T>>,
    total: u64,
}

/// Which rows are read, and for whom.
pub(crate) struct Search<'a, L> {
    pub(crate) client: &'a GhlClient,
    pub(crate) listing: &'a L,
    pub(crate) conditions: &'a [Value],
    pub(crate) cancel: &'a Cancel,
}

/// A part of the rows, by when they were added. The bounds are milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// Every row.
    Whole,
    /// From the first bound on, up to but without the second.
    Added { from: Option<i64>, until: Option<i64> },
    /// The rows of which GoHighLevel does not know when they were added.
    Undated,
}

impl Range {
    fn condition(self, field: &str) -> Option<Value> {
        let time = |millis: i64| {
            DateTime::from_timestamp_millis(millis)
                .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
        };
        match self {
            Self::Whole => None,
            Self::Undated => Some(json!({"field": field, "operator": "not_exists"})),
            Self::Added { from, until } => {
                let mut bounds = serde_json::Map::new();
                let both = [("gte", from), ("lt", until)];
                bounds.extend(
                    both.into_iter().filter_map(|(key, bound)| Some((key.to_owned(), json!(time(bound?)?)))),
                );
                (!bounds.is_empty()).then(|| json!({"field": field, "operator": "range", "value": bounds}))
            }
        }
    }
}

/// The body of a search. `page` is never sent: page numbers end at 10,000 rows and lose one when another is deleted,
/// cursors do neither.
struct Body<'a> {
    endpoint: &'a Endpoint,
    location_id: &'a str,
    page_size: usize,
    conditions: &'a [Value],
    range: Range,
    newest_first: bool,
    cursor: Option<&'a RawValue>,
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("locationId", self.location_id)?;
        map.serialize_entry(self.endpoint.limit, &self.page_size)?;
        let range = self.range.condition(self.endpoint.added);
        let filters: Vec<&Value> = self.conditions.iter().chain(&range).collect();
        if !filters.is_empty() {
            map.serialize_entry("filters", &filters)?;
        }
        let direction = if self.newest_first { "desc" } else { "asc" };
        map.serialize_entry("sort", &[json!({"field": self.endpoint.added, "direction": direction})])?;
        if let Some(cursor) = self.cursor {
            map.serialize_entry("searchAfter", cursor)?;
        }
        map.end()
    }
}

/// A reply; a missing list of rows is an error, not an empty list.
#[derive(Deserialize)]
struct WirePage<'a> {
    #[serde(borrow, rename = "contacts", alias = "opportunities")]
    rows: Vec<&'a RawValue>,
    total: WireTotal,
}

#[derive(Deserialize)]
struct TotalOnly {
    total: WireTotal,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum WireTotal {
    Number(u64),
    Text(String),
}

impl WireTotal {
    pub(crate) fn get(&self, operation: &Operation) -> Result<u64, GhlError> {
        match self {
            Self::Number(total) => Ok(*total),
            Self::Text(total) => total.trim().parse().map_err(|error| GhlError::Unreadable {
                doing: operation.doing,
                reason: format!("`total` is not a count: {error}"),
            }),
        }
    }
}

impl<L: Listing> Search<'_, L> {
    /// How many rows there are now.
    pub(crate) fn count(&self) -> Result<u64, GhlError> {
        let reply = self.call(1, Range::Whole, false, None)?;
        let operation = &L::ENDPOINT.operation;
        let reply: TotalOnly =
            serde_json::from_slice(&reply).map_err(|error| unreadable(operation, &error))?;
        reply.total.get(operation)
    }

    /// When the newest row was added, if that is known.
    pub(crate) fn newest(&self) -> Result<Option<i64>, GhlError> {
        let page = self.page(1, Range::Whole, true, None)?;
        Ok(page.rows.first().and_then(|row| row.added))
    }

    fn page(
        &self,
        page_size: usize,
        range: Range,
        newest_first: bool,
        cursor: Option<&RawValue>,
    ) -> Result<Page<L::Item>, GhlError> {
        let operation = &L::ENDPOINT.operation;
        let reply = self.call(page_size, range, newest_first, cursor)?;
        let page: WirePage<'_> =
            serde_json::from_slice(&reply).map_err(|error| unreadable(operation, &error))?;
        let total = page.total.get(operation)?;
        let read = |(at, row): (usize, &RawValue)| self.listing.read(row, at + 1);
        let rows = page.rows.into_iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Page { rows, total })
    }

    fn call(
        &self,
        page_size: usize,
        range: Range,
        newest_first: bool,
        cursor: Option<&RawValue>,
    ) -> Result<Vec<u8>, GhlError> {
        let (endpoint, conditions) = (&L::ENDPOINT, self.conditions);
        let location_id = self.client.location_id();
        let body = Body { endpoint, location_id, page_size, conditions, range, newest_first, cursor };
        let body = serde_json::to_vec(&body).map_err(|error| unreadable(&endpoint.operation, &error))?;
        Ok(self.client.search(endpoint, &body, self.cancel)?.body)
    }
}

/// The way through a range, oldest row first.
///
/// It ends with a page that is empty, or that is shorter than the page size when by then as many rows came as the range
/// holds. A cursor that is missing or comes twice is an error.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) range: Range,
    /// Rows read of this range.
    pub(crate) read: u64,
    /// Rows of this range; a guess before the first page, then what the last page said.
    pub(crate) total: u64,
    /// When the last row that was read was added; nothing older follows.
    pub(crate) position: Option<i64>,
    /// Rows that do not say when they were added.
    pub(crate) undated: u64,
    pub(crate) cursor: Option<Box<RawValue>>,
    used_cursors: HashSet<String>,
    ended: bool,
}

impl Walk {
    pub(crate) fn new(range: Range) -> Self {
        Self {
            range,
            read: 0,
            total: 0,
            position: None,
            undated: 0,
            cursor: None,
            used_cursors: HashSet::new(),
            ended: false,
        }
    }

    /// Rows still to come.
    pub(crate) fn left(&self) -> u64 {
        if self.ended { 0 } else { self.total.saturating_sub(self.read) }
    }

    /// The next page; `None` at the end.
    pub(crate) fn next_page<L: Listing>(
        &mut self,
        search: &Search<'_, L>,
    ) -> Result<Option<Vec<L::Item>>, GhlError> {
        if self.ended {
            return Ok(None);
        }
        let size = search.client.page_size();
        let Page { rows, total } = search.page(size, self.range, false, self.cursor.as_deref())?;
        self.read += rows.len() as u64;
        self.total = total;
        let read = self.read;
        let full = rows.len() >= size;
        let mut items = Vec::with_capacity(rows.len());
        let mut last = None;
        for row in rows {
            self.undated += u64::from(row.added.is_none());
            items.push(row.item);
            last = Some((row.cursor, row.added));
        }
        let Some((cursor, added)) = last else {
            self.ended = true;
            return Ok(None);
        };
        self.position = added;
        if !full && read >= total {
            self.ended = true;
        }
        match cursor {
            Some(cursor) if self.used_cursors.insert(cursor.get().to_owned()) => self.cursor = Some(cursor),
            _ if self.ended => {}
            Some(_) => return Err(GhlError::RepeatedCursor { read, total }),
            None => return Err(GhlError::MissingCursor { read, total }),
        }
        Ok(Some(items))
    }
}
