//! The test's side of the simulator: look at everything, set anything.

use std::io;

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ads::Ad;
use super::audience::{Audience, CustomerList, Kind};
use super::members::DataProcessing;
use super::verification::{Received, verify};
use super::{Account, Instants, MetaState};

/// Rows per page of the member dump.
const DEFAULT_PAGE: usize = 10_000;

/// The control routes, to be mounted under `/control/meta`. Needs `web::Data<MetaState>` in the app.
///
/// - `GET /audiences`: every audience, deleted ones too, with its sessions and how many rows ask for limited data use;
///   every ad with `learning_phase_resets`; `ads_stopped`, the ids of ads whose audience was deleted;
///   `rows_removed_from_any`, what `usersofanyaudience` took out of all lists together.
/// - `POST /audiences`: `{"count", "name"?, "description"?, "is_value_based"?}` makes customer lists that some other tool
///   left there, empty, whatever the limit; answers with their `ids`.
/// - `GET /audiences/{id}/members?offset=&limit=`: accepted rows in order as `[e-mail, phone, value, limited data use,
///   session id]`; of a hash the first 32 hex digits, `null` for an empty cell; the value as the number that was sent;
///   limited data use `null` when the row said nothing of it.
/// - `GET /audiences/{id}/verification`: what was received against what is true.
/// - `GET /calls`: `calls_while_limited`, how many came although their client had been told to wait, and `edges`, how
///   many calls of each node and edge were `answered` and `refused`, such as `POST /{id}/users`.
/// - `POST /state`: any fields of [`MetaSettings`](super::MetaSettings); besides `"throttle": {"code", "subcode",
///   "minutes"}` limits the account from now on (0.05 minutes will do), and `"throttle": null` lifts it. Answers with the settings.
/// - `POST /ads`: `{"audience_id", "name"?, "effective_status"?, "excluded"?}` makes an ad that uses the audience.
pub fn control(config: &mut ServiceConfig) {
    config
        .route("/audiences", web::get().to(audiences))
        .route("/audiences", web::post().to(fill_account))
        .route("/audiences/{id}/members", web::get().to(members))
        .route("/audiences/{id}/verification", web::get().to(verification))
        .route("/calls", web::get().to(calls))
        .route("/state", web::post().to(change_state))
        .route("/ads", web::post().to(attach_ad));
}

async fn audiences(state: Data<MetaState>) -> actix_web::Result<impl Responder> {
    let at = state.instants();
    let account = state.account();
    let summaries = account.audiences.values().map(|audience| summary(&account, audience, &state, at));
    let audiences: Vec<Value> = summaries.collect::<io::Result<_>>()?;
    let ads: Vec<Value> = account.ads.iter().map(Ad::json).collect();
    let stopped: Vec<String> =
        account.ads.iter().filter(|ad| ad.stopped).map(|ad| ad.id.to_string()).collect();
    Ok(Json(json!({
        "audiences": audiences,
        "ads": ads,
        "ads_stopped": stopped,
        "rows_removed_from_any": account.erased.rows,
    })))
}

async fn calls(state: Data<MetaState>) -> impl Responder {
    let account = state.account();
    let limited = account.usage.calls_while_limited;
    Json(json!({"calls_while_limited": limited, "edges": account.calls}))
}

fn summary(account: &Account, audience: &Audience, state: &MetaState, at: Instants) -> io::Result<Value> {
    let settings = &account.settings;
    let size = audience.size(&state.population, at, settings)?;
    let mut summary = json!({
        "id": audience.id.to_string(),
        "name": audience.name,
        "description": audience.description,
        "created_at": audience.created_at,
        "deleted": audience.deleted,
        "operation_status": audience.operation(&size, at, settings),
        "delivery_status": audience.delivery(&size, at, settings),
    });
    match &audience.kind {
        Kind::List(list) => {
            summary["subtype"] = json!("CUSTOM");
            summary["is_value_based"] = json!(list.value_based);
            summary["customer_file_source"] = json!(list.customer_file_source);
            summary["rows"] = json!(list.members.len());
            let mut limited = 0;
            for member in list.members.from(0)? {
                limited += u64::from(member?.processing == DataProcessing::Limited);
            }
            summary["limited_data_use_rows"] = json!(limited);
            summary["matched"] = json!(size.matched);
            summary["sessions"] = list.sessions.iter().map(|session| session.json(at, settings)).collect();
        }
        Kind::Lookalike(lookalike) => {
            summary["subtype"] = json!("LOOKALIKE");
            summary["is_value_based"] = json!(lookalike.value_based);
            summary["origin_audience_id"] = json!(lookalike.origin.to_string());
            summary["lookalike_spec"] = lookalike.json(account.audiences.get(&lookalike.origin));
        }
    }
    Ok(summary)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForeignLists {
    count: usize,
    /// Numbered from 1.
    #[serde(default = "foreign")]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    is_value_based: bool,
}

fn foreign() -> String {
    "Newsletter".to_owned()
}

async fn fill_account(state: Data<MetaState>, wanted: Json<ForeignLists>) -> impl Responder {
    let at = state.instants();
    let mut account = state.account();
    let ForeignLists { count, name, description, is_value_based } = wanted.into_inner();
    let list = || CustomerList {
        value_based: is_value_based,
        customer_file_source: "USER_PROVIDED_ONLY".to_owned(),
        ..CustomerList::default()
    };
    let ids: Vec<String> = (1..=count)
        .map(|n| account.add(format!("{name} {n}"), description.clone(), Kind::List(list()), at).to_string())
        .collect();
    (Json(json!({"ids": ids})), StatusCode::CREATED)
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    offset: usize,
    limit: Option<usize>,
}

async fn members(
    state: Data<MetaState>,
    id: Path<u64>,
    page: Query<Page>,
) -> actix_web::Result<HttpResponse> {
    let account = state.account();
    let Some(list) = list_of(&account, *id) else { return Ok(no_list()) };
    let limit = page.limit.unwrap_or(DEFAULT_PAGE);
    let mut rows = Vec::new();
    for member in list.members.from(page.offset)?.take(limit) {
        let member = member?;
        let limited = match member.processing {
            DataProcessing::Unsaid => Value::Null,
            said => json!(said == DataProcessing::Limited),
        };
        let session = list.sessions.get(member.session as usize).map(|session| session.id.to_string());
        rows.push(json!([member.email.hex(), member.phone.hex(), member.value, limited, session]));
    }
    let reply = json!({"total": list.members.len(), "offset": page.offset, "members": rows});
    Ok(HttpResponse::Ok().json(reply))
}

async fn verification(state: Data<MetaState>, id: Path<u64>) -> actix_web::Result<HttpResponse> {
    // Copied, so that hashing a million truths does not hold up the simulator.
    let received = match list_of(&state.account(), *id) {
        Some(list) => Received::of(list.members.from(0)?)?,
        None => return Ok(no_list()),
    };
    Ok(HttpResponse::Ok().json(verify(received, &state.population)?))
}

fn list_of(account: &Account, id: u64) -> Option<&CustomerList> {
    account.audiences.get(&id).and_then(Audience::list)
}

fn no_list() -> HttpResponse {
    HttpResponse::NotFound().json(json!({"detail": "no customer list of this id"}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    code: u32,
    subcode: Option<u32>,
    #[serde(default = "five")]
    minutes: f64,
}

fn five() -> f64 {
    5.0
}

async fn change_state(state: Data<MetaState>, patch: Json<Map<String, Value>>) -> HttpResponse {
    match patched(&state, patch.into_inner()) {
        Ok(settings) => HttpResponse::Ok().json(settings),
        Err(error) => HttpResponse::BadRequest().json(json!({"detail": error.to_string()})),
    }
}

/// All of the patch or nothing.
fn patched(state: &MetaState, mut patch: Map<String, Value>) -> Result<Value, serde_json::Error> {
    let throttle = patch.remove("throttle").map(serde_json::from_value::<Option<Throttle>>).transpose()?;
    let account = &mut *state.account();
    let mut settings = serde_json::to_value(&account.settings)?;
    if let Some(fields) = settings.as_object_mut() {
        fields.append(&mut patch);
    }
    account.settings = serde_json::from_value(settings.clone())?;
    match throttle {
        None => {}
        Some(None) => account.usage.lift(),
        Some(Some(Throttle { code, subcode, minutes })) => {
            let steady = state.instants().steady;
            let wait = TimeDelta::milliseconds((minutes * 60_000.0) as i64);
            account.usage.limit(code, subcode, steady + wait, steady);
        }
    }
    Ok(settings)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAd {
    audience_id: String,
    #[serde(default)]
    name: String,
    #[serde(default = "active")]
    effective_status: String,
    /// The ad set excludes the audience instead of targeting it; the edge lists both.
    #[serde(default)]
    excluded: bool,
}

fn active() -> String {
    "ACTIVE".to_owned()
}

async fn attach_ad(state: Data<MetaState>, ad: Json<NewAd>) -> HttpResponse {
    let mut account = state.account();
    let Some(audience) = ad.audience_id.parse().ok().filter(|id| account.audiences.contains_key(id)) else {
        return HttpResponse::NotFound().json(json!({"detail": "no audience of this id"}));
    };
    let NewAd { name, effective_status, excluded, .. } = ad.into_inner();
    let id = account.new_id();
    let ad = Ad { id, audience, name, effective_status, excluded, learning_phase_resets: 0, stopped: false };
    let reply = ad.json();
    account.ads.push(ad);
    HttpResponse::Created().json(reply)
}
