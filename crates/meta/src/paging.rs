//! Reading a list page by page.

use crate::client::{Call, MetaClient, Verb};
use crate::error::MetaError;
use crate::reply;
use domain::Cancel;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Meta's advice for audiences; larger pages are answered with "reduce the amount of data".
const PAGE_SIZE: &str = "20";

/// More than any account may hold: 500 lists and 10,000 lookalikes.
const MAX_PAGES: usize = 1_000;

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    data: Vec<T>,
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    cursors: Option<Cursors>,
    /// The address of the next page. It carries the token, so only its presence is used.
    next: Option<String>,
}

#[derive(Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl MetaClient {
    /// Every item of an edge. GET, so each page may be repeated.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        query: &[(&'static str, String)],
        cancel: &Cancel,
    ) -> Result<Vec<T>, MetaError> {
        let unexpected = |detail: &str| MetaError::UnexpectedShape { operation, detail: detail.to_owned() };
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = query.to_vec();
            query.push(("limit", PAGE_SIZE.to_owned()));
            query.extend(after.clone().map(|after| ("after", after)));
            let body = self.call(&Call { operation, path, query, verb: Verb::Get }, cancel)?;
            let page: Page<T> = reply::shape(body, operation)?;
            items.extend(page.data);
            let Some(Paging { next: Some(_), cursors }) = page.paging else { return Ok(items) };
            let next = cursors.and_then(|cursors| cursors.after);
            if next.is_none() || next == after {
                return Err(unexpected("a further page is announced without a new cursor"));
            }
            after = next;
        }
        Err(unexpected("the list does not end"))
    }
}
