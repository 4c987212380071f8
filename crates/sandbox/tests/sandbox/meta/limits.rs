//! Rate limits and their headers.

use serde_json::{Value, json};

use super::{Meta, Reply};

const PATH: &str = "act_1234567890?fields=name";

fn usage(reply: &Reply) -> Value {
    let usage: Value = serde_json::from_str(reply.header("x-business-use-case-usage").unwrap()).unwrap();
    usage["9876543210123456"][0].clone()
}

#[test]
fn every_reply_tells_what_is_used_up() {
    let meta = Meta::start();
    meta.set(&json!({"calls_per_hour": 10, "score_limit": 100}));
    let first = meta.get(PATH);
    let bucket = usage(&first);
    assert_eq!((&bucket["type"], &bucket["call_count"]), (&json!("custom_audience"), &json!(10)));
    assert_eq!(bucket["estimated_time_to_regain_access"], 0);
    let account: Value = serde_json::from_str(first.header("x-ad-account-usage").unwrap()).unwrap();
    assert_eq!(account["acc_id_util_pct"], 1.0);
    assert_eq!(account["ads_api_access_tier"], "standard_access");
    let write = meta.try_create("x", false);
    let account: Value = serde_json::from_str(write.header("x-ad-account-usage").unwrap()).unwrap();
    assert_eq!(account["acc_id_util_pct"], 4.0, "a write counts three");
    let error = meta.get("act_999");
    assert_eq!(usage(&error)["call_count"], 30, "errors count and tell as well");
}

#[test]
fn the_hourly_bucket_ends_with_80003_as_http_400_and_refills() {
    let meta = Meta::start();
    meta.set(&json!({"calls_per_hour": 2}));
    meta.get(PATH).ok();
    meta.get(PATH).ok();
    let reply = meta.get(PATH);
    assert_eq!(reply.error(), (400, 80_003, 2_446_079));
    assert_eq!(reply.json["error"]["is_transient"], true);
    assert_eq!(usage(&reply)["call_count"], 100);
    assert_eq!(usage(&reply)["estimated_time_to_regain_access"], 60);
    meta.advance_minutes(61);
    assert_eq!(usage(&meta.get(PATH))["call_count"], 50);
}

#[test]
fn the_account_score_ends_with_17_for_five_minutes() {
    let meta = Meta::start();
    meta.set(&json!({"score_limit": 2}));
    assert_eq!(meta.try_create("x", false).error(), (400, 17, 2_446_079));
    assert_eq!(meta.control("audiences")["audiences"], json!([]), "a refused call does nothing");
    meta.advance_minutes(6);
    meta.get(PATH).ok();
}

#[test]
fn calling_on_while_limited_lengthens_the_wait() {
    let meta = Meta::start();
    meta.set(&json!({"throttle": {"code": 613, "minutes": 2}}));
    assert_eq!(meta.get(PATH).error(), (400, 613, 0));
    assert_eq!(usage(&meta.get(PATH))["estimated_time_to_regain_access"], 4);
    meta.advance_minutes(3);
    assert_eq!(meta.get(PATH).error(), (400, 613, 0));
    meta.advance_minutes(5);
    meta.get(PATH).ok();
}

#[test]
fn a_limit_is_imposed_and_lifted_by_hand() {
    let meta = Meta::start();
    for (code, subcode) in
        [(4, None), (17, Some(2_446_079)), (613, Some(1_487_742)), (80_003, Some(2_446_079))]
    {
        meta.set(&json!({"throttle": {"code": code, "subcode": subcode}}));
        assert_eq!(meta.get(PATH).error(), (400, code, subcode.unwrap_or(0)));
        let token = meta.get(&format!("debug_token?input_token={}", meta.settings.access_token));
        assert_eq!(token.status, 200, "only the ad account is limited");
        meta.set(&json!({"throttle": null}));
        meta.get(PATH).ok();
    }
}
