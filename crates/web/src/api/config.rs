//! `GET` and `POST /api/config`: which list and which value field are synced, and whether the schedule runs.

use super::body::JsonBody;
use crate::actions;
use crate::app::App;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::web;
use domain::Explanation;
use domain::run::SyncConfig;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The choice in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Config {
    #[schema(example = "tag:customer")]
    ghl_smart_list_id: Option<String>,
    /// As people see it; null when it could not be looked up.
    ghl_smart_list_name: Option<String>,
    /// The field's key; the name of the source when the values come from none (LTV_SOURCE), such as
    /// `won_opportunities`.
    #[schema(example = "contact.lifetime_value")]
    ghl_ltv_field_name: Option<String>,
    /// The field's name as people see it; null when it could not be looked up.
    ghl_ltv_field_label: Option<String>,
    #[schema(example = "act_1234567890")]
    meta_ad_account_id: Option<String>,
    /// Whether the schedule runs.
    sync_enabled: bool,
    /// False while the values of the environment are used.
    saved: bool,
}

/// A change of the choice. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfigChange {
    #[schema(example = "tag:customer")]
    ghl_smart_list_id: Option<String>,
    /// The field's key, name or id. Not needed when the values do not come from a field (LTV_SOURCE).
    #[schema(example = "contact.lifetime_value")]
    ghl_ltv_field_name: Option<String>,
    sync_enabled: Option<bool>,
    /// Taken so that what GET answers can be sent back, and ignored; as the following ones.
    #[serde(rename = "ghl_smart_list_name")]
    _list_name: Option<String>,
    #[serde(rename = "ghl_ltv_field_label")]
    _field_label: Option<String>,
    #[serde(rename = "meta_ad_account_id")]
    _ad_account_id: Option<String>,
    #[serde(rename = "saved")]
    _saved: Option<bool>,
}

impl From<SyncConfig> for Config {
    fn from(config: SyncConfig) -> Self {
        Self {
            ghl_smart_list_id: Some(config.list_id),
            ghl_smart_list_name: Some(config.list_name),
            ghl_ltv_field_name: Some(config.ltv_field_key),
            ghl_ltv_field_label: Some(config.ltv_field_name),
            meta_ad_account_id: Some(config.ad_account_id),
            sync_enabled: config.sync_enabled,
            saved: true,
        }
    }
}

/// The list and the field that are synced.
#[utoipa::path(get, path = path::CONFIG, tag = "configuration",
    responses((status = 200, description = "The choice in force", body = Config)))]
pub(crate) async fn show(app: web::Data<App>) -> Result<web::Json<Config>, Problem> {
    Ok(web::Json(app.blocking(in_force).await?))
}

/// Choose the list and the field, or switch the schedule on and off.
#[utoipa::path(post, path = path::CONFIG, tag = "configuration", request_body = ConfigChange,
    responses(
        (status = 200, description = "Saved", body = Config),
        (status = 422, description = "There is no such list or field, or one of them is not chosen, or settings are missing", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "GoHighLevel did not answer", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn save(
    app: web::Data<App>,
    change: JsonBody<ConfigChange>,
) -> Result<web::Json<Config>, Problem> {
    let saved = app.blocking(move |app| actions::as_it_is_now(app, change_choice(app, change.0)?));
    Ok(web::Json(saved.await?.into()))
}

fn in_force(app: &App) -> Result<Config, Problem> {
    if let Some((_, saved)) = app.store.config_latest()? {
        return Ok(actions::as_it_is_now(app, saved)?.into());
    }
    let (list, field) = app.installation.initial_choice();
    let sync = app.installation.sync();
    let known = sync.and_then(|sync| sync.resolve(list.as_deref(), field.as_deref()).ok());
    Ok(match known {
        Some(known) => Config { saved: false, ..known.into() },
        None => Config {
            ghl_smart_list_id: list,
            ghl_smart_list_name: None,
            ghl_ltv_field_name: field,
            ghl_ltv_field_label: None,
            meta_ad_account_id: None,
            sync_enabled: true,
            saved: false,
        },
    })
}

fn change_choice(app: &App, change: ConfigChange) -> Result<SyncConfig, Problem> {
    let saved = app.store.config_latest()?.map(|(_, saved)| saved);
    let sync_enabled =
        change.sync_enabled.unwrap_or_else(|| saved.as_ref().is_none_or(|saved| saved.sync_enabled));
    if change.ghl_smart_list_id.is_none()
        && change.ghl_ltv_field_name.is_none()
        && let Some(saved) = &saved
    {
        // Only the schedule: that must be possible even when GoHighLevel does not answer.
        let config = SyncConfig { sync_enabled, ..saved.clone() };
        app.store.config_save(&config)?;
        return Ok(config);
    }
    let (list, field) = match saved {
        Some(saved) => (Some(saved.list_id), Some(saved.ltv_field_key)),
        None => app.installation.initial_choice(),
    };
    let chosen = |value: Option<String>| value.filter(|value| !value.trim().is_empty());
    let missing = |name| {
        Problem::Refused(Explanation::new(
            format!("{name} is missing."),
            "GET /api/smart-lists and GET /api/custom-fields list what can be chosen.",
        ))
    };
    let list = chosen(change.ghl_smart_list_id.or(list)).ok_or_else(|| missing("ghl_smart_list_id"))?;
    let field = chosen(change.ghl_ltv_field_name.or(field));
    if field.is_none() && actions::service(app)?.value_source().is_none() {
        return Err(missing("ghl_ltv_field_name"));
    }
    actions::choose(app, &list, field.as_deref(), sync_enabled)
}
