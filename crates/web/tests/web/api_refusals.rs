//! Requests that are not what they should be, and what keeps hostile pages out.

use crate::api_server::{Api, With};
use sandbox::SandboxSettings;
use serde_json::Value;
use web::SchedulerState;

const JSON: (&str, &str) = ("Content-Type", "application/json");
const CHANGES: [&str; 4] = ["/api/config", "/api/sync/trigger", "/api/sync/1/cancel", "/api/email/test"];

#[test]
fn a_body_that_is_not_the_expected_json_is_refused_with_the_reason() {
    let api = Api::empty_instance();
    for (path, body, word) in [
        ("/api/config", "{", "EOF"),
        ("/api/config", "[]", "body is not the JSON"),
        ("/api/config", r#"{"sync_enabled": "yes"}"#, "boolean"),
        ("/api/config", r#"{"ghl_smart_list_id": 7}"#, "string"),
        ("/api/config", r#"{"sync_enable": false}"#, "sync_enable"),
        ("/api/config", "{} {}", "trailing"),
        ("/api/config", "\u{0}", "expected value"),
        ("/api/config", "", "the body is empty"),
        ("/api/sync/trigger", r#"{"accept_smaller_list": 1}"#, "boolean"),
        ("/api/sync/trigger", r#"{"accept": true}"#, "accept"),
        ("/api/sync/1/cancel", r#"{"really": true}"#, "really"),
        ("/api/sync/trigger", "[true]", "a list"),
        ("/api/email/test", r#"{"to": "x"}"#, "to"),
        ("/api/email/test", " []", "a list"),
        ("/api/config", r#"{"saved": "yes"}"#, "boolean"),
    ] {
        api.post_json(path, body).problem(400, "malformed", &[word]);
    }
    let long = format!("{{\"ghl_smart_list_id\": \"{}\"}}", "x".repeat(70_000));
    api.post_json("/api/config", &long).problem(413, "too_large", &["65536"]);
    assert!(api.store.config_latest().unwrap().is_none() && api.store.run_latest().unwrap().is_none());
}

#[test]
fn only_json_marked_as_json_is_taken_so_that_no_form_of_a_foreign_page_can_change_anything() {
    let api = Api::empty_instance();
    api.configure();
    for path in CHANGES {
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "",
            "application/jsonx",
        ] {
            for body in ["{}", ""] {
                let reply = api.send("POST", path, With { headers: &[("Content-Type", kind)], body });
                reply.problem(415, "media_type", &["application/json"]);
            }
        }
        let unmarked = api.send("POST", path, With { headers: &[], body: "{}" });
        unmarked.problem(415, "media_type", &["Content-Type"]);
    }
    assert!(api.store.run_latest().unwrap().is_none(), "nothing was started");
    assert_eq!(api.sandbox().mails().all().len(), 0);
    for kind in ["application/json; charset=utf-8", "Application/JSON"] {
        let headers = [("Content-Type", kind)];
        api.send("POST", "/api/config", With { headers: &headers, body: "{}" }).expect(200);
    }
}

#[test]
fn a_change_asked_for_by_a_foreign_page_is_refused() {
    let api = Api::empty_instance();
    api.configure();
    let own = format!("http://{}", api.server.address());
    let other_port = format!("http://{}:1", api.server.address().ip());
    for path in CHANGES {
        for origin in ["https://evil.example.com", "null", "http://localhost", other_port.as_str()] {
            let headers = [JSON, ("Origin", origin)];
            let reply = api.send("POST", path, With { headers: &headers, body: "{}" });
            reply.problem(403, "foreign_origin", &["another site"]);
        }
        for site in ["cross-site", "same-site"] {
            let headers = [JSON, ("Sec-Fetch-Site", site)];
            let reply = api.send("POST", path, With { headers: &headers, body: "{}" });
            reply.problem(403, "foreign_origin", &["another site"]);
        }
    }
    assert!(api.store.run_latest().unwrap().is_none(), "nothing was started");
    let headers = [JSON, ("Origin", own.as_str()), ("Sec-Fetch-Site", "same-origin")];
    api.send("POST", "/api/config", With { headers: &headers, body: "{}" }).expect(200);
    let headers = [("Origin", "https://evil.example.com"), ("Sec-Fetch-Site", "cross-site")];
    let read = api.send("GET", "/api/config", With { headers: &headers, body: "" });
    read.expect(200);
    assert_eq!(read.header("access-control-allow-origin"), "", "the other page may not read it");
}

#[test]
fn a_foreign_host_name_is_refused_in_json() {
    let api = Api::without_keys();
    let headers = [("Host", "evil.example.com")];
    let reply = api.send("GET", "/api/sync/status", With { headers: &headers, body: "" });
    reply.problem(421, "foreign_host", &["\"evil.example.com\"", "ALLOWED_HOSTS"]);
}

#[test]
fn an_address_a_method_or_a_number_that_is_not_there_is_a_problem_in_json() {
    let api = Api::without_keys();
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/sync",
        "/api/sync/1/nothing",
        "/api/config/",
        "/api/smart-lists//count",
    ] {
        api.get(path).problem(404, "no_route", &["/api/openapi.json"]);
    }
    for (method, path, allowed) in [
        ("DELETE", "/api/config", "GET, HEAD, POST"),
        ("PUT", "/api/sync/1", "GET, HEAD"),
        ("GET", "/api/sync/trigger", "POST"),
        ("GET", "/api/sync/1/cancel", "POST"),
        ("POST", "/api/sync/status", "GET, HEAD"),
        ("PATCH", "/readyz", "GET, HEAD"),
    ] {
        let reply = api.send(method, path, With::default());
        reply.problem(405, "method", &[allowed]);
        assert_eq!(reply.header("allow"), allowed);
    }
    for path in [
        "/api/sync/x",
        "/api/sync/0",
        "/api/sync/-1",
        "/api/sync/1.5",
        "/api/sync/99999999999999999999",
        "/api/sync/%3Cb%3E",
    ] {
        api.get(path).problem(400, "malformed", &["is not the number of a sync"]);
    }
    let problem = api.get("/api/sync/7").problem(404, "no_run", &["no sync 7", "/api/sync/history"]);
    assert_eq!(problem["run_id"], 7);
    api.post("/api/sync/x/cancel").problem(400, "malformed", &["\"x\""]);
    api.post("/api/sync/7/cancel").problem(404, "no_run", &["no sync 7"]);
    for page in ["x", "-1", "1.5", "", "99999999999"] {
        api.get(&format!("/api/sync/history?page={page}")).problem(400, "malformed", &[]);
    }
    api.get("/api/sync/history?page=0").problem(400, "malformed", &["counted from 1"]);
}

#[test]
fn the_history_is_leafed_through_and_ends() {
    let api = Api::without_keys();
    for _ in 0..21 {
        crate::runs::failed(&api.store);
    }
    let first = api.get("/api/sync/history").expect(200);
    let items = first["items"].as_array().unwrap();
    assert_eq!((items.len(), &items[0]["id"], &items[19]["id"]), (20, &21.into(), &2.into()));
    assert_eq!((&first["pages"], &first["total"]), (&2.into(), &21.into()));
    assert_eq!(items[0]["provider_code"], "190/463");
    assert_eq!(items[0]["accounting"], Value::Null, "nothing is known of it");
    let last = api.get("/api/sync/history?page=2").expect(200);
    assert_eq!((last["items"].as_array().unwrap().len(), &last["items"][0]["id"]), (1, &1.into()));
    let beyond = api.get("/api/sync/history?page=3").expect(200);
    assert_eq!((&beyond["items"], &beyond["page"]), (&serde_json::json!([]), &3.into()));
}

#[test]
fn the_service_is_ready_while_its_database_answers() {
    let api = Api::without_keys();
    let ready = api.get("/readyz").expect(200);
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["schema_version"], api.store.schema_version().unwrap());
    assert_eq!(api.get("/healthz").text, "ok");
    assert_eq!(api.send("HEAD", "/readyz", With::default()).status, 200);
}

#[test]
fn the_service_is_not_ready_when_a_part_of_the_scheduler_has_stopped_and_says_which() {
    for (schedule, upkeep, words) in [
        (false, true, "no sync begins by itself"),
        (true, false, "mails, lookalikes and removals"),
        (false, false, "no sync begins by itself"),
    ] {
        let api = Api::on_sandbox(SandboxSettings::default(), |installation| {
            installation.scheduler = Some(SchedulerState { schedule, upkeep });
        });
        api.get("/readyz").problem(503, "not_ready", &[words]);
        assert_eq!(api.get("/healthz").status, 200, "the process runs");
        let figures = api.get("/metrics");
        assert_eq!(figures.status, 200, "{}", figures.text);
        for (part, is_alive) in [("schedule", schedule), ("upkeep", upkeep)] {
            let line = format!("ghl_meta_sync_scheduler_alive{{part=\"{part}\"}} {}\n", u8::from(is_alive));
            assert!(figures.text.contains(&line), "{line}{}", figures.text);
        }
    }
}

#[test]
fn a_scheduler_that_is_not_started_yet_is_not_taken_for_one_that_has_stopped() {
    let api = Api::on_sandbox(SandboxSettings::default(), |installation| installation.scheduler = None);
    assert_eq!(api.get("/readyz").expect(200)["status"], "starting");
    let figures = api.get("/metrics");
    assert!(figures.status == 200 && !figures.text.contains("scheduler_alive{"), "{}", figures.text);
}

#[test]
fn the_documentation_is_served_and_is_about_this_service() {
    let api = Api::without_keys();
    let document = api.get("/api/openapi.json").expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(document["info"]["title"], "ghl-meta-sync");
    assert!(document["paths"]["/api/sync/{id}"]["get"]["responses"]["404"].is_object());
    let run = &document["components"]["schemas"]["Run"]["properties"];
    // Every key of a real run is documented, and every documented key is in a real run.
    let stored = crate::runs::successful(&api.store);
    let shown = api.get(&format!("/api/sync/{stored}")).expect(200);
    let mut keys: Vec<&String> = shown.as_object().unwrap().keys().filter(|key| *key != "sample").collect();
    let mut documented: Vec<&String> = run.as_object().unwrap().keys().collect();
    keys.sort();
    documented.sort();
    assert_eq!(keys, documented);
}
