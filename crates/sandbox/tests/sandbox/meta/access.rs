//! Version, token, proof, permissions, unknown paths.

use serde_json::json;

use super::{Meta, MetaSettings, hash};
use sandbox::people::Contacts;

const PATH: &str = "act_1234567890?fields=name";

#[test]
fn both_living_versions_answer_and_others_do_not() {
    let meta = Meta::start();
    let token = &meta.settings.access_token;
    let ask = |version: &str| meta.raw_get(&format!("/{version}/{PATH}&access_token={token}"));
    for version in ["v25.0", "v26.0"] {
        let reply = ask(version);
        assert_eq!(reply.header("facebook-api-version"), Some(version));
        assert_eq!(reply.ok()["name"], "Sandbox Ad Account");
    }
    for version in ["v24.0", "v21.0", "v2.12"] {
        let reply = ask(version);
        assert_eq!(reply.error(), (400, 2635, 0));
        assert!(
            reply.json["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with("(#2635) You are calling a deprecated version")
        );
    }
    assert_eq!(ask("v99.0").error(), (400, 2500, 0));
    assert_eq!(meta.raw_get(&format!("/{PATH}&access_token={token}")).error(), (400, 2500, 0));
}

#[test]
fn a_configured_version_warning_goes_to_v25_only() {
    let meta = Meta::start();
    assert_eq!(meta.get(PATH).header("x-ad-api-version-warning"), None);
    meta.set(
        &json!({"version_warning": "The call has been auto-upgraded to v26.0 as v25.0 will be deprecated."}),
    );
    assert!(meta.get(PATH).header("x-ad-api-version-warning").unwrap().contains("v26.0"));
    let v26 = meta.raw_get(&format!("/v26.0/{PATH}&access_token={}", meta.settings.access_token));
    assert_eq!(v26.header("x-ad-api-version-warning"), None);
}

#[test]
fn the_token_is_taken_from_query_body_or_header() {
    let meta = Meta::start();
    assert_eq!(meta.get(PATH).status, 200);
    assert_eq!(meta.try_create("In the body", false).status, 200);
    let request = meta.agent.get(format!("{}/v25.0/{PATH}", meta.url));
    let bearer = request.header("authorization", format!("Bearer {}", meta.settings.access_token));
    assert_eq!(Meta::parse(bearer.call()).status, 200);
    assert_eq!(meta.raw_get(&format!("/v25.0/{PATH}")).error(), (400, 104, 0));
    assert_eq!(meta.raw_get(&format!("/v25.0/{PATH}&access_token=wrong")).error(), (400, 190, 0));
}

#[test]
fn an_expired_and_a_revoked_token_have_their_subcodes() {
    let meta = Meta::start();
    meta.set(&json!({"token": "revoked"}));
    assert_eq!(meta.get(PATH).error(), (400, 190, 458));
    meta.set(&json!({"token": "expired"}));
    let reply = meta.get(PATH);
    assert_eq!(reply.error(), (400, 190, 463));
    assert_eq!(reply.json["error"]["type"], "OAuthException");
    assert!(reply.json["error"]["message"].as_str().unwrap().contains("Session has expired on"));
}

#[test]
fn a_token_expires_at_its_time() {
    let meta = Meta::start();
    let at = meta.clock.now() + chrono::TimeDelta::hours(1);
    meta.set(&json!({"token_expires_at": at}));
    let debug = |meta: &Meta| meta.get(&format!("debug_token?input_token={}", meta.settings.access_token));
    let token = debug(&meta).ok();
    assert_eq!(token["data"]["is_valid"], true);
    assert_eq!(token["data"]["expires_at"], at.timestamp());
    meta.advance_minutes(61);
    assert_eq!(meta.get(PATH).error(), (400, 190, 463));
    assert_eq!(debug(&meta).error(), (400, 190, 463));
}

#[test]
fn without_ads_management_one_may_read_but_not_write() {
    let meta = Meta::start();
    meta.set(&json!({"permissions": ["ads_read"]}));
    assert_eq!(meta.get(PATH).status, 200);
    assert_eq!(meta.try_create("x", false).error(), (400, 294, 0));
    let permissions = meta.get("me/permissions").ok();
    assert_eq!(permissions["data"], json!([{"permission": "ads_read", "status": "granted"}]));
    meta.set(&json!({"permissions": []}));
    assert_eq!(meta.get(PATH).error(), (403, 200, 0));
}

#[test]
fn the_proof_is_checked_when_given_and_demanded_when_required() {
    // HMAC-SHA256(key "secret", message "sandbox-meta-token"), computed with openssl.
    let proof = "2a3f2392d3cf0bd99ad32e170313c130bead2c1ce6dd6afdbdf8453b4fc2cdef";
    let settings = MetaSettings { app_secret: Some("secret".to_owned()), ..MetaSettings::default() };
    let meta = Meta::with(&Contacts::Generated(10), settings);
    assert_eq!(meta.get(PATH).status, 200);
    assert_eq!(meta.get(&format!("{PATH}&appsecret_proof={proof}")).status, 200);
    let wrong = meta.get(&format!("{PATH}&appsecret_proof={}", hash("wrong")));
    assert_eq!(wrong.error(), (400, 100, 0));
    assert_eq!(wrong.json["error"]["message"], "Invalid appsecret_proof provided in the API argument");
    meta.set(&json!({"require_app_secret_proof": true}));
    let missing = meta.get(PATH);
    assert_eq!(missing.error(), (400, 100, 0));
    assert_eq!(missing.json["error"]["type"], "GraphMethodException");
    assert_eq!(meta.get(&format!("{PATH}&appsecret_proof={proof}")).status, 200);
}

#[test]
fn debug_token_describes_the_token_and_accepts_the_app_token() {
    let settings = MetaSettings { app_secret: Some("secret".to_owned()), ..MetaSettings::default() };
    let meta = Meta::with(&Contacts::Generated(10), settings);
    let app_token = format!("{}|secret", meta.settings.app_id);
    let ask = |input: &str| {
        meta.raw_get(&format!("/v25.0/debug_token?input_token={input}&access_token={app_token}")).ok()
    };
    let token = ask(&meta.settings.access_token);
    assert_eq!(token["data"]["scopes"], json!(["ads_management", "ads_read", "business_management"]));
    assert_eq!(token["data"]["expires_at"], 0);
    assert_eq!(ask("somebody-elses")["data"]["is_valid"], false);
    meta.set(&json!({"token": "revoked"}));
    assert_eq!(ask(&meta.settings.access_token)["data"]["error"]["subcode"], 458);
    let elsewhere = meta.raw_get(&format!("/v25.0/{PATH}&access_token={app_token}"));
    assert_eq!(elsewhere.error(), (400, 190, 0));
}

#[test]
fn every_error_has_all_fields_and_a_trace_id_of_its_own() {
    let meta = Meta::start();
    let (first, second) = (meta.get("act_999"), meta.get("act_999"));
    assert_eq!(first.error(), (400, 100, 33));
    let error = &first.json["error"];
    for field in ["message", "type", "error_user_title", "error_user_msg", "fbtrace_id"] {
        assert!(error[field].as_str().is_some_and(|text| !text.is_empty()), "{field}");
    }
    assert_eq!(error["is_transient"], false);
    assert_eq!(first.header("x-fb-trace-id"), error["fbtrace_id"].as_str());
    assert_ne!(error["fbtrace_id"], second.json["error"]["fbtrace_id"]);
}

#[test]
fn paths_that_do_not_exist_are_told_apart_from_objects_that_do_not() {
    let meta = Meta::start();
    let seed = meta.seed();
    assert_eq!(meta.get(&format!("{seed}/nothing")).error(), (400, 2500, 0));
    assert_eq!(meta.get("act_1234567890/nothing").error(), (400, 2500, 0));
    assert_eq!(meta.get("a/b/c").error(), (400, 2500, 0));
    assert_eq!(meta.get("120999999999999999").error(), (400, 100, 33));
    assert_eq!(meta.get("word").error(), (400, 100, 33));
    assert_eq!(meta.post("120999999999999999/users", &[]).error(), (400, 100, 33));
}

#[test]
fn the_ad_account_answers_what_is_asked() {
    let meta = Meta::start();
    let account = meta.get("act_1234567890?fields=name,account_status,currency,timezone_name,tos_accepted,user_tos_accepted,business{id}");
    let account = account.ok();
    assert_eq!(account["id"], "act_1234567890");
    assert_eq!(account["account_status"], 1);
    assert_eq!(account["currency"], "USD");
    assert_eq!(account["timezone_name"], "America/New_York");
    assert_eq!(account["tos_accepted"]["custom_audience_tos"], 1);
    assert_eq!(account["user_tos_accepted"]["custom_audience_tos"], 1);
    assert_eq!(account["business"]["name"], "Sandbox Business");
    assert_eq!(meta.get("act_1234567890").ok(), json!({"id": "act_1234567890"}));
    assert_eq!(meta.get("act_1234567890?fields=nonsense").error(), (400, 100, 0));
    meta.set(&json!({"audience_terms_accepted": false, "account_status": 2}));
    let account = meta.get("act_1234567890?fields=account_status,tos_accepted").ok();
    assert_eq!((&account["account_status"], &account["tos_accepted"]), (&json!(2), &json!({})));
}

#[test]
fn a_body_that_is_neither_form_nor_json_is_refused() {
    let meta = Meta::start();
    let send = |content_type: &str, body: &str| {
        let url = format!(
            "{}/v25.0/{}?access_token={}",
            meta.url,
            meta.audiences_path(),
            meta.settings.access_token
        );
        Meta::parse(meta.agent.post(url).header("content-type", content_type).send(body)).error()
    };
    assert_eq!(send("text/plain", "name=x"), (400, 100, 0));
    assert_eq!(send("application/json", "{broken"), (400, 100, 0));
    assert_eq!(send("application/json", "[1]"), (400, 100, 0));
}

#[test]
fn a_token_ends_after_so_many_more_calls_until_it_is_renewed() {
    let meta = Meta::start();
    for (setting, subcode) in [("token_expires_after_calls", 463), ("token_revoked_after_calls", 458)] {
        meta.set(&json!({setting: 2}));
        meta.get(PATH).ok();
        meta.get(&format!("debug_token?input_token={}", meta.settings.access_token)).ok();
        assert_eq!(meta.get(PATH).error(), (400, 190, subcode));
        assert_eq!(meta.get(PATH).error(), (400, 190, subcode));
        meta.set(&json!({"token": "valid"}));
        meta.get(PATH).ok();
    }
}
