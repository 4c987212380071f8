//! The body of `POST /contacts/search`, checked as strictly as the real one (ghl-api §3.2).

use actix_web::http::header::HeaderValue;
use serde_json::{Map, Value};

use super::filters::{Field, Filters};
use super::reply::Refusal;
use super::sorting::Sorting;

const KEYS: [&str; 7] = ["locationId", "page", "pageLimit", "searchAfter", "query", "filters", "sort"];
/// `page` × `pageLimit` may not reach beyond this; a cursor may.
pub(super) const WINDOW: u64 = 10_000;

/// A valid search.
pub(super) struct Search {
    pub location_id: String,
    pub page_limit: usize,
    pub from: From,
    /// Lower case; empty when absent.
    pub query: String,
    pub filters: Filters,
    pub sorting: Sorting,
}

/// Where the page starts.
pub(super) enum From {
    /// 1-based.
    Page(usize),
    /// After the contact with this cursor.
    Cursor(Vec<Value>),
}

impl Search {
    pub(super) fn parse(body: &[u8], content_type: Option<&HeaderValue>) -> Result<Self, Refusal> {
        let body = &object(body, content_type)?;
        let mut problems = Vec::new();
        only_keys(body, &KEYS, &mut problems);
        let location_id = own_id(body, &mut problems);
        let page_limit = whole(body, "pageLimit", Some(500), &mut problems);
        let page =
            if body.contains_key("page") { Some(whole(body, "page", None, &mut problems)) } else { None };
        let query = match body.get("query") {
            None => String::new(),
            Some(Value::String(query)) if query.chars().count() <= 75 => query.to_lowercase(),
            Some(_) => {
                problems.push("query must be shorter than or equal to 75 characters".to_owned());
                String::new()
            }
        };
        let cursor = array(body, "searchAfter", &mut problems);
        let filters = array(body, "filters", &mut problems);
        let sort = array(body, "sort", &mut problems);
        let sorting = Sorting::parse(sort, &mut problems);
        if !problems.is_empty() {
            return Err(Refusal::unprocessable(problems));
        }
        let filters = Filters::parse(filters, Field::of_contact)?;
        let from = match (body.contains_key("searchAfter"), page) {
            (true, Some(_)) => {
                return Err(Refusal::bad_request("page must not be used together with searchAfter"));
            }
            (true, None) if sorting.cursor_fits(cursor) => From::Cursor(cursor.to_vec()),
            (true, None) => return Err(Refusal::bad_request("Invalid searchAfter")),
            (false, page) => {
                let page = page.unwrap_or(1);
                if page.saturating_mul(page_limit) > WINDOW {
                    let message =
                        "Result window is too large, page * pageLimit must be less than or equal to 10000";
                    return Err(Refusal::bad_request(message));
                }
                From::Page(usize::try_from(page).unwrap_or(usize::MAX))
            }
        };
        let page_limit = usize::try_from(page_limit).unwrap_or(1);
        Ok(Self { location_id, page_limit, from, query, filters, sorting })
    }

    /// What decides which contacts match, for keeping a total.
    pub(super) fn selection(&self) -> String {
        format!("{:?} {}", self.filters, self.query)
    }
}

/// The keys of the body.
pub(super) fn object(body: &[u8], content_type: Option<&HeaderValue>) -> Result<Map<String, Value>, Refusal> {
    let json =
        content_type.and_then(|value| value.to_str().ok()).is_some_and(|v| v.contains("application/json"));
    match (json, serde_json::from_slice(body)) {
        (true, Ok(Value::Object(body))) => Ok(body),
        // The real server ignores a body it was not told to read.
        (false, _) | (true, Ok(_)) => Ok(Map::new()),
        (true, Err(_)) => Err(Refusal::bad_request("Unexpected token in JSON at position 0")),
    }
}

pub(super) fn only_keys(body: &Map<String, Value>, keys: &[&str], problems: &mut Vec<String>) {
    let unknown = body.keys().filter(|key| !keys.contains(&key.as_str()));
    problems.extend(unknown.map(|key| format!("property {key} should not exist")));
}

pub(super) fn own_id(body: &Map<String, Value>, problems: &mut Vec<String>) -> String {
    match body.get("locationId") {
        Some(Value::String(id)) if !id.is_empty() => id.clone(),
        _ => {
            problems.push("locationId should not be empty".to_owned());
            problems.push("locationId must be a string".to_owned());
            String::new()
        }
    }
}

pub(super) fn whole(
    body: &Map<String, Value>,
    key: &str,
    most: Option<u64>,
    problems: &mut Vec<String>,
) -> u64 {
    let value = body.get(key).and_then(Value::as_u64);
    match value {
        _ if !body.get(key).is_some_and(Value::is_number) => {
            problems.push(format!("{key} must be a number conforming to the specified constraints"));
        }
        None | Some(0) => problems.push(format!("{key} must not be less than 1")),
        Some(value) if most.is_some_and(|most| value > most) => {
            problems.push(format!("{key} must not be greater than {}", most.unwrap_or_default()));
        }
        Some(_) => {}
    }
    value.unwrap_or(1)
}

pub(super) fn array<'a>(body: &'a Map<String, Value>, key: &str, problems: &mut Vec<String>) -> &'a [Value] {
    match body.get(key) {
        None => &[],
        Some(Value::Array(list)) => list,
        Some(_) => {
            problems.push(format!("{key} must be an array"));
            &[]
        }
    }
}
