//! Who is calling: token, appsecret_proof, permissions. And `debug_token`, which tells the same.

use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::Account;
use super::call::{Call, Verb};
use super::errors::GraphError;
use super::settings::{MetaSettings, TokenState};

/// The id `debug_token` gives as the token's system user.
const SYSTEM_USER_ID: &str = "122093000000000001";

/// Checks token and proof of any call.
///
/// # Errors
/// 104 without a token, 190 and its subcodes, 100 for a missing or wrong proof.
pub(super) fn authenticate(
    call: &Call,
    settings: &mut MetaSettings,
    now: DateTime<Utc>,
) -> Result<(), GraphError> {
    let Some(token) = call.get("access_token").or(call.bearer.as_deref()) else {
        let message = "An access token is required to request this resource.";
        return Err(GraphError::new(104, "Access token missing", message));
    };
    if call.path == ["debug_token"] && app_token(settings).as_deref() == Some(token) {
        return Ok(());
    }
    if token != settings.access_token {
        return Err(invalid_token("Invalid OAuth access token - Cannot parse access token"));
    }
    settings.use_token();
    if let Some(problem) = token_problem(settings, now) {
        return Err(problem);
    }
    check_proof(call.get("appsecret_proof"), settings)
}

/// Checks that the token may do this to ads.
///
/// # Errors
/// 294 for a write, 200 for a read.
pub(super) fn authorize(verb: Verb, settings: &MetaSettings) -> Result<(), GraphError> {
    if settings.may("ads_management") || (verb == Verb::Get && settings.may("ads_read")) {
        return Ok(());
    }
    if verb == Verb::Get {
        let message = "Ad account owner has NOT grant ads_management or ads_read permission";
        return Err(GraphError::new(200, "Permission error", message));
    }
    let message =
        "Managing advertisements requires an access token with the extended permission for ads_management";
    Err(GraphError::new(294, "Permission error", message))
}

/// `<app id>|<app secret>`, which may ask about tokens only.
fn app_token(settings: &MetaSettings) -> Option<String> {
    settings.app_secret.as_ref().map(|secret| format!("{}|{secret}", settings.app_id))
}

fn invalid_token(message: &str) -> GraphError {
    GraphError::new(190, "Invalid access token", message).worded(message)
}

fn token_problem(settings: &MetaSettings, now: DateTime<Utc>) -> Option<GraphError> {
    let prefix = "Error validating access token:";
    if settings.token == TokenState::Revoked {
        let message = format!("{prefix} The user has not authorized application {}.", settings.app_id);
        return Some(invalid_token(&message).sub(458));
    }
    let american = |time: DateTime<Utc>| time.format("%A, %d-%b-%y %H:%M:%S UTC").to_string();
    settings.expired(now).then(|| {
        let at = settings.token_expires_at.unwrap_or(now);
        let (at, now) = (american(at), american(now));
        let message = format!("{prefix} Session has expired on {at}. The current time is {now}.");
        invalid_token(&message).sub(463)
    })
}

fn check_proof(proof: Option<&str>, settings: &MetaSettings) -> Result<(), GraphError> {
    let error =
        |title, message| GraphError::new(100, title, message).worded(message).of_kind("GraphMethodException");
    let Some(proof) = proof else {
        if settings.require_app_secret_proof {
            let message = "API calls from the server require an appsecret_proof argument";
            return Err(error("Proof missing", message));
        }
        return Ok(());
    };
    // A proof can only be right when the sandbox knows the secret, as Meta always does.
    if settings.app_secret.as_deref().and_then(|secret| proof_of(secret, &settings.access_token)).as_deref()
        == Some(proof)
    {
        return Ok(());
    }
    Err(error("Proof invalid", "Invalid appsecret_proof provided in the API argument"))
}

/// Lower-case hex of HMAC-SHA256(key = app secret, message = token).
fn proof_of(secret: &str, token: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(token.as_bytes());
    Some(const_hex::encode(mac.finalize().into_bytes()))
}

/// `GET /debug_token?input_token=…`.
///
/// # Errors
/// 100 without the input token.
pub(super) fn debug_token(call: &Call, account: &Account, now: DateTime<Utc>) -> Result<Value, GraphError> {
    let settings = &account.settings;
    if call.required("input_token")? != settings.access_token {
        let error = json!({"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"});
        return Ok(json!({"data": {"error": error, "is_valid": false, "scopes": []}}));
    }
    let expires_at = settings.token_expires_at.map_or(0, |at| at.timestamp());
    let granular: Vec<Value> = settings.permissions.iter().map(|scope| json!({"scope": scope})).collect();
    let mut data = json!({
        "app_id": settings.app_id,
        "type": "SYSTEM_USER",
        "application": "Sandbox App",
        "data_access_expires_at": 0,
        "expires_at": expires_at,
        "is_valid": true,
        "issued_at": 1_780_000_000,
        "scopes": settings.permissions,
        "granular_scopes": granular,
        "user_id": SYSTEM_USER_ID,
    });
    let subcode = match settings.token {
        TokenState::Revoked => Some(458),
        _ if settings.expired(now) => Some(463),
        _ => None,
    };
    if let Some(subcode) = subcode {
        data["is_valid"] = json!(false);
        data["error"] = json!({"code": 190, "subcode": subcode, "message": "Error validating access token"});
    }
    Ok(json!({"data": data}))
}

/// `GET /me/permissions`.
pub(super) fn permissions(account: &Account) -> Value {
    let granted =
        account.settings.permissions.iter().map(|name| json!({"permission": name, "status": "granted"}));
    json!({"data": granted.collect::<Vec<_>>()})
}
