//! Lists made of conditions: saved, changed and deleted.

use super::body::JsonBody;
use super::choices::SmartList;
use super::silent;
use crate::actions::service;
use crate::app::App;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A list made of conditions.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedList {
    /// 1 to 80 characters; no other list may have it, in whatever case.
    #[schema(example = "Customers in Texas")]
    name: String,
    /// The `filters` of GoHighLevel's `POST /contacts/search`, as they are: conditions that must all be met, and groups
    /// of them. A custom field may be named as `customFields.` with its id, key or name.
    #[schema(value_type = Vec<Value>, example = json!([
        {"field": "state", "operator": "eq", "value": "TX"},
        {"group": "OR", "filters": [
            {"field": "tags", "operator": "eq", "value": "customer"},
            {"field": "customFields.Lifetime Value", "operator": "range", "value": {"gt": 0}}
        ]}
    ]))]
    filters: Value,
}

/// Save a list made of conditions. Every condition is checked first, and the contacts are counted.
#[utoipa::path(post, path = path::SMART_LISTS, tag = "configuration", request_body = SavedList,
    responses(
        (status = 201, description = "Saved", body = SmartList, headers(("Location" = String, description = "Its address"))),
        (status = 422, description = "The name or a condition can not be used; the detail names each", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "GoHighLevel did not answer or refused the conditions", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn add(app: web::Data<App>, list: JsonBody<SavedList>) -> Result<HttpResponse, Problem> {
    let SavedList { name, filters } = list.0;
    let saved = app.looking_up(move |app| Ok(service(app)?.save_list(&name, &filters)?)).await?;
    let saved = saved.ok_or_else(silent)?;
    let address =
        path::SMART_LIST.replace("{id}", &utf8_percent_encode(&saved.id, NON_ALPHANUMERIC).to_string());
    Ok(HttpResponse::Created().insert_header((LOCATION, address)).json(SmartList::from(saved)))
}

/// Change name and conditions of a saved list.
#[utoipa::path(put, path = path::SMART_LIST, tag = "configuration", request_body = SavedList,
    params(("id" = String, Path, description = "The list's id, percent-encoded", example = "filter%3A3")),
    responses(
        (status = 200, description = "Saved", body = SmartList),
        (status = 404, description = "There is no such saved list", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "The name or a condition can not be used; the detail names each", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "GoHighLevel did not answer or refused the conditions", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn change(
    app: web::Data<App>,
    id: web::Path<String>,
    list: JsonBody<SavedList>,
) -> Result<web::Json<SmartList>, Problem> {
    let SavedList { name, filters } = list.0;
    let changed = app.looking_up(move |app| Ok(service(app)?.change_list(&id, &name, &filters)?));
    Ok(web::Json(changed.await?.ok_or_else(silent)?.into()))
}

/// Delete a saved list. Runs that used it keep its name.
#[utoipa::path(delete, path = path::SMART_LIST, tag = "configuration",
    params(("id" = String, Path, description = "The list's id, percent-encoded", example = "filter%3A3")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 404, description = "There is no such saved list", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It is the list that is synced", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "Settings are missing", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn delete(app: web::Data<App>, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    app.blocking(move |app| {
        let initial = app.installation.initial_choice().0;
        Ok(service(app)?.delete_list(&id, initial.as_deref())?)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
