//! What stands before the routes of GHL, and the location's own routes.

use sandbox::{Contacts, GhlSettings, SandboxSettings};
use serde_json::{Value, json};

use crate::client::{control, ghl_get, ghl_headers, search, send, start};

fn few() -> SandboxSettings {
    SandboxSettings { contacts: Contacts::Generated(30), ..SandboxSettings::default() }
}

#[test]
fn version_comes_before_token_before_route_before_scope_before_location() {
    let sandbox = start(few());
    let url = |path: &str| format!("{}{path}", sandbox.addresses().ghl);
    let get = |path: &str, headers: &[(&str, &str)]| {
        let reply = send("GET", &url(path), headers, "");
        (reply.status, reply.json()["message"].as_str().unwrap().to_owned())
    };
    let refused = |status: u16, message: &str| (status, message.to_owned());
    let version = ("version", "2021-07-28");
    let path = "/locations/elsewhere";
    assert_eq!(get(path, &[]), refused(401, "version header was not found."));
    assert_eq!(get(path, &[("version", "2020-01-01")]), refused(401, "version header is invalid"));
    assert_eq!(get(path, &[version]), refused(401, "Invalid token: access token is invalid"));
    assert_eq!(get(path, &[version, ("authorization", "Bearer eyJ")]), refused(401, "Invalid JWT"));
    let wrong_pit = ("authorization", "Bearer pit-00000000-0000-4000-8000-000000000000");
    assert_eq!(get(path, &[version, wrong_pit]), refused(401, "Invalid Private Integration token"));
    assert_eq!(get("/contacts/", &ghl_headers()), refused(404, "Cannot GET /contacts/"));
    assert_eq!(get(path, &ghl_headers()), refused(403, "The token does not have access to this location."));

    control(&sandbox, "POST", "/control/ghl/state", &json!({"scopes": ["contacts.readonly"]}));
    assert_eq!(get(path, &ghl_headers()), refused(401, "The token is not authorized for this scope."));
    assert_eq!(search(&sandbox, json!({"pageLimit": 1})).status, 200);
    control(&sandbox, "POST", "/control/ghl/state", &json!({"token_valid": false}));
    assert_eq!(get(path, &ghl_headers()), refused(401, "Invalid Private Integration token"));
}

#[test]
fn every_body_has_a_trace_id_and_every_reply_the_rate_limit_headers() {
    let sandbox = start(few());
    for reply in [
        search(&sandbox, json!({"pageLimit": 1})),
        ghl_get(&sandbox, "/nowhere"),
        search(&sandbox, json!({})),
    ] {
        assert_eq!(reply.json()["traceId"].as_str().map(str::len), Some(36));
        for (name, value) in [("limit-daily", "200000"), ("interval-milliseconds", "10000"), ("max", "100")] {
            assert_eq!(reply.header(&format!("x-ratelimit-{name}")), Some(value));
        }
    }
    let reply = ghl_get(&sandbox, "/nowhere");
    assert_eq!(reply.header("x-ratelimit-remaining"), Some("96"));
    assert_eq!(reply.header("x-ratelimit-daily-remaining"), Some("199996"));
    assert!(reply.header("x-ratelimit-daily-reset").unwrap().parse::<u64>().unwrap() <= 86_400_000);
}

#[test]
fn the_burst_window_slides_with_the_clock() {
    let ghl = GhlSettings { burst: 3, ..GhlSettings::default() };
    let sandbox = start(SandboxSettings { ghl, ..few() });
    let statuses =
        |n: usize| (0..n).map(|_| search(&sandbox, json!({"pageLimit": 1})).status).collect::<Vec<_>>();
    assert_eq!(statuses(4), [200, 200, 200, 429]);
    let refused = search(&sandbox, json!({"pageLimit": 1}));
    assert_eq!(refused.json()["message"], "Too Many Requests");
    assert_eq!(refused.header("x-ratelimit-remaining"), Some("0"));
    control(&sandbox, "POST", "/control/clock", &json!({"advance_seconds": 10}));
    assert_eq!(statuses(4), [200, 200, 200, 429]);
}

#[test]
fn the_daily_limit_ends_at_midnight() {
    let sandbox = start(few());
    control(&sandbox, "POST", "/control/ghl/state", &json!({"daily_remaining": 1}));
    assert_eq!(search(&sandbox, json!({"pageLimit": 1})).status, 200);
    let refused = search(&sandbox, json!({"pageLimit": 1}));
    assert_eq!((refused.status, refused.header("x-ratelimit-daily-remaining")), (429, Some("0")));
    control(&sandbox, "POST", "/control/clock", &json!({"advance_seconds": 86_400}));
    assert_eq!(search(&sandbox, json!({"pageLimit": 1})).status, 200);
}

#[test]
fn the_location_shows_its_fields_and_tags() {
    let sandbox = start(few());
    let location = sandbox.credentials().ghl_location_id.clone();
    let shown = ghl_get(&sandbox, &format!("/locations/{location}")).json();
    assert_eq!(shown["location"]["id"], location.as_str());
    assert_eq!(shown["location"]["country"], "US");
    let fields = ghl_get(&sandbox, &format!("/locations/{location}/customFields?model=contact")).json();
    let keys: Vec<(&Value, &Value)> =
        fields["customFields"].as_array().unwrap().iter().map(|f| (&f["fieldKey"], &f["dataType"])).collect();
    let pair = |key: &str, kind: &str| (json!(key), json!(kind));
    let wanted = [
        pair("contact.lifetime_value", "MONETORY"),
        pair("contact.notes_value", "TEXT"),
        pair("contact.projected_value", "MONETORY"),
    ];
    assert_eq!(keys, wanted.iter().map(|(key, kind)| (key, kind)).collect::<Vec<_>>());
    let wrong = ghl_get(&sandbox, &format!("/locations/{location}/customFields?model=thing"));
    assert_eq!((wrong.status, wrong.json()["message"].is_array()), (422, true));
    let tags = ghl_get(&sandbox, &format!("/locations/{location}/tags")).json();
    let names: Vec<&str> =
        tags["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["customer", "vip"]);
}
