//! `GET /act_…/customaudiences`: newest first, filters, cursors.

use serde::Deserialize;
use serde_json::{Value, json};

use super::audience::Audience;
use super::call::Call;
use super::errors::GraphError;
use super::{Account, Instants, fields};
use crate::people::Population;

const DEFAULT_LIMIT: usize = 25;
/// Entries × fields beyond which Meta answers with code 1. Its own number is not known.
const PAGE_BUDGET: usize = 5_000;

#[derive(Deserialize)]
struct Filter {
    field: String,
    operator: String,
    value: Value,
}

/// One page.
///
/// # Errors
/// 100 for an unknown filter, cursor or field; 1 for too large a page.
pub(super) fn list(
    call: &Call,
    account: &Account,
    population: &Population,
    at: Instants,
) -> Result<Value, GraphError> {
    let limit = match call.get("limit").map(str::parse) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit @ 1..=5_000)) => limit,
        Some(_) => return Err(GraphError::parameter("limit", "Param limit must be from 1 to 5000")),
    };
    if limit * fields::names(call.get("fields")).len() > PAGE_BUDGET {
        let message = "Please reduce the amount of data you're asking for, then retry your request";
        return Err(GraphError::new(1, "Too Much Data", message).worded(message));
    }
    let filters: Vec<Filter> = match call.get("filtering").map(serde_json::from_str) {
        None => Vec::new(),
        Some(Ok(filters)) => filters,
        Some(Err(_)) => {
            return Err(GraphError::parameter("filtering", "Param filtering must be a list of filters"));
        }
    };
    let before = call.get("after").map(from_cursor).transpose()?;
    let mut matching = Vec::new();
    for audience in account.audiences.values().rev().filter(|audience| !audience.deleted) {
        if before.is_none_or(|before| audience.id < before)
            && passes(&filters, audience, account, population, at)?
        {
            matching.push(audience);
        }
    }
    let page = &matching[..limit.min(matching.len())];
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(json!({"data": []})) };
    let mut data = Vec::with_capacity(page.len());
    for audience in page {
        data.push(fields::audience(account, audience, call.get("fields"), population, at)?);
    }
    let mut paging = json!({"cursors": {"before": cursor(first.id), "after": cursor(last.id)}});
    if matching.len() > page.len() {
        paging["next"] = json!(next(call, account, limit, last.id));
    }
    Ok(json!({"data": data, "paging": paging}))
}

/// The whole address of the next page, with the token in it as Meta does.
fn next(call: &Call, account: &Account, limit: usize, last: u64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("access_token", &account.settings.access_token);
    for name in ["fields", "filtering"] {
        if let Some(value) = call.get(name) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("limit", &limit.to_string()).append_pair("after", &cursor(last));
    let act = &account.settings.ad_account_id;
    format!("{}/{}/act_{act}/customaudiences?{}", call.origin, call.version, query.finish())
}

fn passes(
    filters: &[Filter],
    audience: &Audience,
    account: &Account,
    population: &Population,
    at: Instants,
) -> Result<bool, GraphError> {
    for filter in filters {
        let passes = match (filter.field.as_str(), filter.operator.as_str(), &filter.value) {
            ("name", "EQUAL", Value::String(name)) => audience.name == *name,
            ("name", "CONTAIN", Value::String(part)) => {
                audience.name.to_lowercase().contains(&part.to_lowercase())
            }
            ("operation_status.code", "IN", Value::Array(codes)) => {
                let size = audience.size(population, at, &account.settings)?;
                codes.contains(&json!(audience.operation(&size, at, &account.settings)))
            }
            // Nothing here is about to be deleted for want of use.
            ("delete_time", "GREATER_THAN", Value::Number(_)) => false,
            _ => {
                return Err(GraphError::parameter(
                    "filtering",
                    "Filtering by this field or operator is not supported",
                ));
            }
        };
        if !passes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Opaque to the caller.
fn cursor(id: u64) -> String {
    format!("QVFIU{:x}", id.reverse_bits())
}

fn from_cursor(cursor: &str) -> Result<u64, GraphError> {
    let id = cursor.strip_prefix("QVFIU").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    id.map(u64::reverse_bits).ok_or_else(|| GraphError::parameter("after", "Invalid cursors values"))
}
