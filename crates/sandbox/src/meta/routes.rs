//! One request from the wire to the reply: version, token, limits, then the node or edge it asks for.

use std::time::Duration;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::call::{Call, Verb};
use super::errors::GraphError;
use super::{Account, MetaState, account, ads, auth, creation, erasure, fields, listing, replacement, users};
use crate::faults::MetaError;

/// Answers anything under graph.facebook.com.
pub(super) async fn graph(request: HttpRequest, state: Data<MetaState>, body: Bytes) -> HttpResponse {
    let call = match Call::read(&request, &body) {
        Ok(call) => call,
        Err(error) => return error.response(),
    };
    drop(body);
    if !about_the_token(&call) {
        let steady = state.instants().steady;
        state.account().usage.overhear(steady);
    }
    let planted = request.extensions_mut().remove::<MetaError>();
    let mut result = match &planted {
        Some(error) if !error.applied => Err(GraphError::planted(error)),
        _ => admit(&state, &call).and_then(|()| answer(&state, &call)),
    };
    if let Some(error) = planted.as_ref().filter(|error| error.applied) {
        result = Err(GraphError::planted(error));
    }
    let steady = state.instants().steady;
    let account = &mut *state.account();
    account.calls.count(&call, result.is_ok());
    if let Some(millis) = planted.as_ref().and_then(|error| error.wait_millis) {
        account.usage.ask_for_silence(steady + Duration::from_millis(millis));
    }
    let mut response = match result {
        Ok(reply) => HttpResponse::Ok().json(reply),
        Err(error) => error.response(),
    };
    let headers = response.headers_mut();
    for (name, value) in account.usage.headers(&account.settings, steady) {
        headers.insert(name, value);
    }
    headers.insert(HeaderName::from_static("facebook-api-version"), HeaderValue::from_static(call.version));
    let warning = account.settings.version_warning.as_deref().filter(|_| call.version == "v25.0");
    if let Some(warning) = warning.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(HeaderName::from_static("x-ad-api-version-warning"), warning);
    }
    for (name, value) in planted.iter().flat_map(|error| &error.headers) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            headers.insert(name, value);
        }
    }
    response
}

/// No limit of the ad account concerns these.
fn about_the_token(call: &Call) -> bool {
    matches!(call.path.first().map(String::as_str), Some("me" | "debug_token"))
}

fn admit(state: &MetaState, call: &Call) -> Result<(), GraphError> {
    let at = state.instants();
    let Account { settings, usage, .. } = &mut *state.account();
    auth::authenticate(call, settings, at.now)?;
    if about_the_token(call) {
        return Ok(());
    }
    usage.count(call.verb, settings, at.steady)?;
    auth::authorize(call.verb, settings)
}

fn answer(state: &MetaState, call: &Call) -> Result<Value, GraphError> {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let (node, edge) = match path.as_slice() {
        [node] => (*node, None),
        [node, edge] => (*node, Some(*edge)),
        _ => return Err(unknown_path(call)),
    };
    let at = state.instants();
    match (call.verb, node, edge) {
        (Verb::Get, "debug_token", None) => return auth::debug_token(call, &state.account(), at.now),
        (Verb::Get, "me", Some("permissions")) => return Ok(auth::permissions(&state.account())),
        _ => {}
    }
    let missing = || GraphError::no_such_object(call.verb.name(), node);
    if let Some(id) = node.strip_prefix("act_") {
        if id != state.account().settings.ad_account_id {
            return Err(missing());
        }
        return match (call.verb, edge) {
            (Verb::Get, None) => account::account(&state.account(), call.get("fields")),
            (Verb::Get, Some("customaudiences")) => {
                listing::list(call, &state.account(), &state.population, at)
            }
            (Verb::Post, Some("customaudiences")) => creation::create(state, call),
            (Verb::Delete, Some("usersofanyaudience")) => erasure::erase(state, call),
            _ => Err(unknown_path(call)),
        };
    }
    let Ok(id) = node.parse() else { return Err(missing()) };
    if !state.account().living().any(|audience| audience.id == id) {
        return Err(missing());
    }
    match (call.verb, edge) {
        (Verb::Get, None) => {
            let account = state.account();
            let audience = account.audiences.get(&id).ok_or_else(missing)?;
            fields::audience(&account, audience, call.get("fields"), &state.population, at)
        }
        (Verb::Post, None) => creation::update(&mut state.account(), call, id, at),
        (Verb::Delete, None) => {
            let mut account = state.account();
            account.check_terms(false)?;
            creation::delete(&mut account, id)
        }
        (Verb::Post | Verb::Delete, Some("users")) => users::change(state, call, id),
        (Verb::Post, Some("usersreplace")) => replacement::replace(state, call, id),
        // What its items look like is not documented; an audience without currency or country has none.
        (Verb::Get, Some("health")) => Ok(json!({"data": []})),
        (Verb::Get, Some("sessions")) => sessions(state, call, id),
        (Verb::Get, Some("ads")) => ads::of_audience(&state.account(), id, call.get("fields")),
        _ => Err(unknown_path(call)),
    }
}

/// `GET /{audience}/sessions?session_id=…`, the only receipt of an upload.
fn sessions(state: &MetaState, call: &Call, id: u64) -> Result<Value, GraphError> {
    let at = state.instants();
    let account = state.account();
    let sessions = account
        .audiences
        .get(&id)
        .and_then(|audience| audience.list())
        .map_or(&[][..], |list| &list.sessions);
    let wanted = call.get("session_id");
    let data: Vec<Value> = sessions
        .iter()
        .filter(|session| wanted.is_none_or(|wanted| session.id.to_string() == wanted))
        .map(|session| session.json(at, &account.settings))
        .collect();
    Ok(json!({"data": data}))
}

fn unknown_path(call: &Call) -> GraphError {
    let message = format!("Unknown path components: /{}", call.path.join("/"));
    GraphError::new(2500, "Unknown path", &message).worded(&message)
}
