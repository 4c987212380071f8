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
fn a_wait_of_less_than_a_minute_is_told_in_hundredths() {
    let meta = Meta::start();
    meta.set(&json!({"throttle": {"code": 80_003, "subcode": 2_446_079, "minutes": 0.05}}));
    let reply = meta.get(PATH);
    assert_eq!(reply.error(), (400, 80_003, 2_446_079));
    // The call itself was made while limited, which adds as much again.
    let minutes = usage(&reply)["estimated_time_to_regain_access"].as_f64().unwrap();
    assert!((0.05..=0.1).contains(&minutes), "{minutes}");
    meta.clock.advance(std::time::Duration::from_secs(6));
    assert_eq!(usage(&meta.get(PATH))["estimated_time_to_regain_access"], 0);
}

#[test]
fn others_may_have_used_up_most_of_both_limits() {
    let meta = Meta::start();
    meta.set(&json!({"usage_percent": 80.0, "calls_per_hour": 10, "score_limit": 1000}));
    let reply = meta.get(PATH);
    assert_eq!(usage(&reply)["call_count"], 90);
    let account: Value = serde_json::from_str(reply.header("x-ad-account-usage").unwrap()).unwrap();
    assert_eq!(account["acc_id_util_pct"], 80.1);
    meta.get(PATH).ok();
    assert_eq!(meta.get(PATH).error(), (400, 80_003, 2_446_079));
    meta.set(&json!({"usage_percent": 0.0, "throttle": null}));
    assert_eq!(usage(&meta.get(PATH))["call_count"], 10);
}

#[test]
fn calls_are_counted_by_edge_and_those_after_being_told_to_wait_by_themselves() {
    let meta = Meta::start();
    let seed = meta.seed();
    meta.send(&seed, &meta.rows()[..1], 1, 1, false).ok();
    meta.send(&seed, &[json!(["x"])], 1, 2, true);
    meta.post(&format!("{seed}/users"), &[("method", "DELETE")]);
    meta.set(&json!({"throttle": {"code": 17}}));
    for _ in 0..3 {
        meta.get(PATH);
    }
    meta.get(&format!("debug_token?input_token={}", meta.settings.access_token)).ok();
    meta.set(&json!({"throttle": null}));
    meta.get(PATH).ok();
    assert_eq!(
        meta.control("calls"),
        json!({"calls_while_limited": 2, "edges": {
            "DELETE /{id}/users": {"answered": 0, "refused": 1},
            "GET /act_{id}": {"answered": 1, "refused": 3},
            "GET /debug_token": {"answered": 1, "refused": 0},
            "POST /act_{id}/customaudiences": {"answered": 1, "refused": 0},
            "POST /{id}/users": {"answered": 1, "refused": 1},
        }})
    );
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
