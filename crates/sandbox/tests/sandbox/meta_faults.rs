//! Errors of Meta's planted in front of any call, over real HTTP.

use sandbox::{Contacts, Sandbox, SandboxSettings};
use serde_json::{Value, json};

use crate::client::{Reply, control, start, try_send};

fn few() -> Sandbox {
    start(SandboxSettings { contacts: Contacts::Generated(20), ..SandboxSettings::default() })
}

fn plant(sandbox: &Sandbox, fault: &Value) {
    assert_eq!(control(sandbox, "POST", "/control/faults", fault).status, 204, "{fault}");
}

fn try_call(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> Result<Reply, ureq::Error> {
    let token = &sandbox.credentials().meta_access_token;
    let url = format!("{}/v25.0/{path}?access_token={token}", sandbox.addresses().meta);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    try_send(method, &url, &[("content-type", "application/json")], &body)
}

fn call(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> Reply {
    try_call(sandbox, method, path, body).unwrap()
}

fn act(sandbox: &Sandbox) -> String {
    format!("act_{}", sandbox.credentials().meta_ad_account_id)
}

fn create(sandbox: &Sandbox) -> Reply {
    let body = json!({"name": "A", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"});
    call(sandbox, "POST", &format!("{}/customaudiences", act(sandbox)), &body)
}

fn audiences(sandbox: &Sandbox) -> usize {
    let audiences = control(sandbox, "GET", "/control/meta/audiences", &json!(null)).json();
    audiences["audiences"].as_array().unwrap().len()
}

#[test]
fn any_code_can_be_planted_in_front_of_a_named_operation() {
    let sandbox = few();
    for (code, subcode, status) in [
        (1, None, 500),
        (2, None, 500),
        (17, Some(2_446_079), 400),
        (190, Some(463), 400),
        (200, Some(1_870_090), 403),
        (2654, Some(1_713_007), 400),
        (1_404_078, None, 400),
    ] {
        plant(
            &sandbox,
            &json!({"service": "meta", "match": "POST /customaudiences",
            "effect": {"kind": "meta_error", "code": code, "subcode": subcode}}),
        );
        assert_eq!(call(&sandbox, "GET", &act(&sandbox), &json!(null)).status, 200, "another operation");
        let reply = create(&sandbox);
        let error = &reply.json()["error"];
        assert_eq!(reply.status, status, "{code}");
        assert_eq!(
            (&error["code"], error.get("error_subcode").cloned()),
            (&json!(code), subcode.map(|code| json!(code)))
        );
        assert!(error["fbtrace_id"].is_string() && error["is_transient"].is_boolean());
        assert!(reply.header("x-business-use-case-usage").is_some());
    }
    assert_eq!(audiences(&sandbox), 0, "nothing was applied");
    assert_eq!(create(&sandbox).status, 200);
}

#[test]
fn every_part_of_the_error_can_be_chosen() {
    let sandbox = few();
    plant(
        &sandbox,
        &json!({"service": "meta", "match": "GET /act_{id}", "times": 2,
        "effect": {"kind": "meta_error", "code": 100, "subcode": 33, "message": "(#100) words", "title": "T", "user_message": "U",
            "is_transient": true, "status": 503, "headers": [["retry-after", "7"], ["x-ad-account-usage", "{}"]]}}),
    );
    for _ in 0..2 {
        let reply = call(&sandbox, "GET", &act(&sandbox), &json!(null));
        let mut error = reply.json()["error"].clone();
        error["fbtrace_id"] = json!("x");
        assert_eq!(
            error,
            json!({"code": 100, "error_subcode": 33, "message": "(#100) words", "type": "OAuthException", "is_transient": true,
                "error_user_title": "T", "error_user_msg": "U", "fbtrace_id": "x"})
        );
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("7")));
        assert_eq!(reply.header("x-ad-account-usage"), Some("{}"));
    }
    assert_eq!(call(&sandbox, "GET", &act(&sandbox), &json!(null)).status, 200);
}

#[test]
fn an_error_can_come_after_the_call_was_applied_and_so_can_a_cut() {
    let sandbox = few();
    plant(
        &sandbox,
        &json!({"service": "meta", "match": "POST /customaudiences",
        "effect": {"kind": "meta_error", "code": 2, "applied": true}}),
    );
    assert_eq!((create(&sandbox).status, audiences(&sandbox)), (500, 1));
    plant(
        &sandbox,
        &json!({"service": "meta", "match": "DELETE /{id}", "effect": {"kind": "reset_after_apply"}}),
    );
    let listed = control(&sandbox, "GET", "/control/meta/audiences", &json!(null)).json();
    let id = listed["audiences"][0]["id"].as_str().unwrap().to_owned();
    assert!(try_call(&sandbox, "POST", &id, &json!({"method": "DELETE"})).is_err());
    let listed = control(&sandbox, "GET", "/control/meta/audiences", &json!(null)).json();
    assert_eq!(listed["audiences"][0]["deleted"], true);
}

#[test]
fn a_planted_limit_names_its_wait_and_early_calls_are_counted() {
    let sandbox = few();
    plant(
        &sandbox,
        &json!({"service": "meta", "match": "/users",
        "effect": {"kind": "meta_error", "code": 80_003, "subcode": 2_446_079, "wait_millis": 180_000}}),
    );
    let minutes = |reply: &Reply| {
        let usage: Value = serde_json::from_str(reply.header("x-business-use-case-usage").unwrap()).unwrap();
        let bucket = &usage.as_object().unwrap().values().next().unwrap()[0];
        (bucket["call_count"].as_u64().unwrap(), bucket["estimated_time_to_regain_access"].clone())
    };
    let limited = || {
        let calls = control(&sandbox, "GET", "/control/meta/calls", &json!(null)).json();
        calls["calls_while_limited"].as_u64().unwrap()
    };
    let reply = call(&sandbox, "POST", "12/users", &json!({}));
    assert_eq!((reply.status, minutes(&reply)), (400, (100, json!(3))));
    assert_eq!(limited(), 0);
    let early = call(&sandbox, "GET", &act(&sandbox), &json!(null));
    assert_eq!((early.status, minutes(&early), limited()), (200, (100, json!(3)), 1));
    control(&sandbox, "POST", "/control/clock", &json!({"advance_seconds": 180}));
    let later = call(&sandbox, "GET", &act(&sandbox), &json!(null));
    assert_eq!((minutes(&later).1, limited()), (json!(0), 1));
}

#[test]
fn a_slip_in_a_planted_error_is_told() {
    let sandbox = few();
    for fault in [
        json!({"service": "ghl", "effect": {"kind": "meta_error", "code": 1}}),
        json!({"service": "meta", "effect": {"kind": "meta_error"}}),
        json!({"service": "meta", "match": "users", "effect": {"kind": "meta_error", "code": 1}}),
        json!({"service": "meta", "effect": {"kind": "meta_error", "code": 1, "sub_code": 2}}),
    ] {
        let reply = control(&sandbox, "POST", "/control/faults", &fault);
        assert_eq!((reply.status, reply.json()["error"].is_string()), (400, true), "{fault}");
    }
}
