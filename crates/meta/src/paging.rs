//! Reading a list page by page.

use crate::client::{Call, MetaClient, Verb};
use crate::error::MetaError;
use crate::patience::Repeat;
use crate::reply;
use domain::Cancel;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Meta's advice for audiences with many fields.
pub(crate) const USUAL_PAGE: usize = 20;

/// When Meta asks to reduce the amount of data, pages are made no smaller than this.
const SMALLEST_PAGE: usize = 5;

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
    /// Every item of an edge, read in pages of `page_size`. GET, so each page may be repeated; after code 1, which is also
    /// Meta's answer to a page that is too large, it is half as large.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        path: &str,
        page_size: usize,
        query: &[(&'static str, String)],
        cancel: &Cancel,
    ) -> Result<Vec<T>, MetaError> {
        let unexpected = |detail: &str| MetaError::UnexpectedShape { operation, detail: detail.to_owned() };
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        let mut page_size = page_size;
        for _ in 0..MAX_PAGES {
            let body = self.patiently(Repeat::Freely, cancel, || {
                let mut query = query.to_vec();
                query.push(("limit", page_size.to_string()));
                query.extend(after.clone().map(|after| ("after", after)));
                let result = self.once(&Call { operation, path, query, verb: Verb::Get }, cancel);
                if result.as_ref().is_err_and(|error| error.api().is_some_and(|error| error.code == 1)) {
                    page_size = (page_size / 2).max(SMALLEST_PAGE);
                }
                result
            })?;
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
