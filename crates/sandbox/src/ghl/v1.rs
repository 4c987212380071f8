//! API v1 as the product's specification writes it: smart lists, custom fields and the contacts of a smart list, below
//! `/v1`. Every tag is a smart list here, and so are all contacts.

use std::collections::HashMap;

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::filters::{Field, Filters};
use super::gate::Access;
use super::reply::Refusal;
use super::search::{From, Search};
use super::sorting::Sorting;
use super::{GhlState, Inner, field_definitions};

/// The smart list of everybody.
const EVERYBODY: &str = "everybody";
/// Most contacts per page.
const PAGE: usize = 100;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/v1/contacts/smart-lists/{location}", web::get().to(smart_lists))
        .route("/v1/contacts/smart-list/{id}/contacts", web::get().to(contacts))
        .route("/v1/custom-fields/{location}", web::get().to(custom_fields));
}

async fn smart_lists(
    state: Data<GhlState>,
    request: HttpRequest,
    location: web::Path<String>,
) -> HttpResponse {
    state.answer(&request, Access::V1, |inner, call| {
        inner.own_location(&location)?;
        let tags = inner.account.tags(call.now);
        let of_tags = tags.iter().map(|tag| json!({"id": tag, "name": format!("Tagged {tag}")}));
        let lists: Vec<Value> =
            std::iter::once(json!({"id": EVERYBODY, "name": "Everybody"})).chain(of_tags).collect();
        Ok(json!({"smartLists": lists}))
    })
}

async fn custom_fields(
    state: Data<GhlState>,
    request: HttpRequest,
    location: web::Path<String>,
) -> HttpResponse {
    state.answer(&request, Access::V1, |inner, _| {
        inner.own_location(&location)?;
        Ok(json!({"customFields": field_definitions(&inner.settings)}))
    })
}

async fn contacts(state: Data<GhlState>, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    state.be_slow().await;
    let clock = &state.clock;
    state.answer(&request, Access::V1, |inner, call| {
        let reply = page(inner, &request, &id, call.now)?;
        inner.after_search(clock);
        Ok(reply)
    })
}

fn page(
    inner: &mut Inner,
    request: &HttpRequest,
    id: &str,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Value, Refusal> {
    if id != EVERYBODY && !inner.account.tags(now).contains(id) {
        return Err(Refusal::bad_request("Smart list not found"));
    }
    let query = web::Query::<HashMap<String, String>>::from_query(request.query_string())
        .map_or_else(|_odd| HashMap::new(), web::Query::into_inner);
    let limit = query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE);
    let tagged = [json!({"field": "tags", "operator": "eq", "value": id})];
    let conditions = if id == EVERYBODY { &[][..] } else { &tagged[..] };
    let sort = [json!({"field": "dateAdded", "direction": "asc"})];
    let from = match query.get("startAfterId") {
        Some(id) => From::Cursor(vec![Value::Null, json!(id)]),
        None => From::Page(1),
    };
    let search = Search {
        location_id: inner.settings.location_id.clone(),
        page_limit: limit,
        from,
        query: String::new(),
        filters: Filters::parse(conditions, Field::of_contact)?,
        sorting: Sorting::parse(&sort, &mut Vec::new()),
    };
    let (found, total) = inner.account.search(&search, now)?;
    let last = found.last().filter(|_| found.len() == limit).map(|(contact, _)| contact.id.clone());
    let next = last.map(|last| {
        let host = request.connection_info().host().to_owned();
        format!("http://{host}{}?limit={limit}&startAfterId={last}", request.path())
    });
    let documents: Vec<Value> =
        found.iter().map(|(contact, _)| contact.v1_document(&search.location_id)).collect();
    Ok(json!({"contacts": documents, "meta": {"total": total, "nextPageUrl": next}}))
}
