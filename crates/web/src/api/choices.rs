//! What can be chosen: Smart Lists, value fields and audiences. The answers of GoHighLevel and Meta are remembered for five
//! minutes.

use super::silent;
use crate::actions::service;
use crate::app::App;
use crate::installation::ExistingAudience;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::web;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sync::{ListInfo, StartError};
use utoipa::{IntoParams, ToSchema};

/// The lists to choose from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SmartLists {
    /// All contacts first, then the saved filters, then the tags in alphabetical order.
    smart_lists: Vec<SmartList>,
}

/// A list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SmartList {
    /// `all`, `filter:<id>` or `tag:<tag>`; a tag matches exactly.
    #[schema(example = "tag:customer")]
    id: String,
    name: String,
    /// How many contacts it holds; null for lists that were not counted.
    contacts: Option<u64>,
    /// The conditions of a saved filter; other lists have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    filters: Option<Box<RawValue>>,
}

impl From<ListInfo> for SmartList {
    fn from(list: ListInfo) -> Self {
        let filters = list.conditions.and_then(|conditions| RawValue::from_string(conditions.0).ok());
        Self { id: list.id, name: list.name, contacts: list.contacts, filters }
    }
}

/// How many contacts a list holds now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListCount {
    id: String,
    contacts: u64,
}

/// The fields to choose from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomFields {
    custom_fields: Vec<CustomField>,
}

/// A custom field of contacts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CustomField {
    id: String,
    name: String,
    #[schema(example = "contact.lifetime_value")]
    field_key: String,
    /// GoHighLevel's own word.
    #[schema(example = "MONETORY")]
    data_type: String,
}

/// The audiences to choose from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Audiences {
    audiences: Vec<Audience>,
}

/// A value-based customer list of the ad account, which `STABLE_AUDIENCE_ID` may name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Audience {
    /// Meta's id.
    #[schema(example = "120211234567890123")]
    id: String,
    name: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Refresh {
    /// Ask GoHighLevel or Meta even for what it answered lately.
    #[serde(default)]
    #[param(default = false)]
    refresh: bool,
}

/// The Smart Lists, with the size of `all` and of the chosen one.
#[utoipa::path(get, path = path::SMART_LISTS, tag = "configuration", params(Refresh),
    responses(
        (status = 200, description = "The lists", body = SmartLists),
        (status = 422, description = "Settings are missing", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "GoHighLevel did not answer", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn lists(
    app: web::Data<App>,
    query: web::Query<Refresh>,
) -> Result<web::Json<SmartLists>, Problem> {
    let refresh = query.refresh;
    let found = app.looking_up(move |app| {
        let sync = service(app)?;
        let selected = match app.store.config_latest()? {
            Some((_, config)) => Some(config.list_id),
            None => app.installation.initial_choice().0,
        };
        Ok(sync.lists(selected.as_deref(), refresh)?)
    });
    Ok(web::Json(SmartLists {
        smart_lists: found.await?.ok_or_else(silent)?.into_iter().map(SmartList::from).collect(),
    }))
}

/// The size of one Smart List.
#[utoipa::path(get, path = path::LIST_COUNT, tag = "configuration",
    params(("id" = String, Path, description = "The list's id, percent-encoded", example = "tag%3Acustomer"), Refresh),
    responses(
        (status = 200, description = "Its size", body = ListCount),
        (status = 404, description = "There is no such list", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "Settings are missing", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "GoHighLevel did not answer", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn count(
    app: web::Data<App>,
    id: web::Path<String>,
    query: web::Query<Refresh>,
) -> Result<web::Json<ListCount>, Problem> {
    let (id, refresh) = (id.into_inner(), query.refresh);
    let counted = app.looking_up(move |app| {
        let contacts = service(app)?.list_count(&id, refresh).map_err(|error| match error {
            StartError::Unknown { .. } => Problem::NoList(id.clone()),
            other => other.into(),
        })?;
        Ok(ListCount { id, contacts })
    });
    Ok(web::Json(counted.await?.ok_or_else(silent)?))
}

/// The custom fields of contacts, one of which holds the lifetime value.
#[utoipa::path(get, path = path::CUSTOM_FIELDS, tag = "configuration", params(Refresh),
    responses(
        (status = 200, description = "The fields", body = CustomFields),
        (status = 422, description = "Settings are missing", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "GoHighLevel did not answer", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn fields(
    app: web::Data<App>,
    query: web::Query<Refresh>,
) -> Result<web::Json<CustomFields>, Problem> {
    let refresh = query.refresh;
    let fields = app.looking_up(move |app| Ok(service(app)?.fields(refresh)?)).await?;
    let fields = fields.ok_or_else(silent)?.into_iter();
    let custom_field = |field: sync::ValueField| CustomField {
        id: field.id,
        name: field.name,
        field_key: field.key,
        data_type: field.data_type,
    };
    Ok(web::Json(CustomFields { custom_fields: fields.map(custom_field).collect() }))
}

/// The value-based customer lists of the ad account, one of which a sync may replace in place.
#[utoipa::path(get, path = path::AUDIENCES, tag = "configuration", params(Refresh),
    responses(
        (status = 200, description = "The audiences", body = Audiences),
        (status = 422, description = "Settings are missing", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "Meta did not answer", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn audiences(
    app: web::Data<App>,
    query: web::Query<Refresh>,
) -> Result<web::Json<Audiences>, Problem> {
    let refresh = query.refresh;
    let found = app.blocking(move |app| {
        let missing = app.installation.missing_settings().into_iter();
        let missing: Vec<&str> = missing.filter(|name| name.starts_with("META_")).collect();
        if !missing.is_empty() {
            return Err(Problem::MissingSettings(missing));
        }
        app.audiences(refresh).map_err(Problem::Service)
    });
    let audience = |found: ExistingAudience| Audience { id: found.id, name: found.name };
    Ok(web::Json(Audiences { audiences: found.await?.into_iter().map(audience).collect() }))
}
