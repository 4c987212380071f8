//! An empty instance, configured, run and read through HTTP alone.

use crate::api_server::Api;
use domain::run::{Matched, RefusedSample};
use sandbox::faults::{Effect, Fault};
use sandbox::{SandboxSettings, Service};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Time moves fast at Meta, so that the lookalike is created within the run.
fn fast() -> SandboxSettings {
    SandboxSettings { clock_rate: 3600.0, ..SandboxSettings::default() }
}

#[test]
fn an_empty_instance_is_configured_run_and_read_back_by_http_alone() {
    figures_of_a_first_run(&Api::on_sandbox(fast(), |_| {}));
}

#[test]
fn the_figures_are_the_same_on_postgresql() {
    let Some(database) = testkit::postgres_server::fresh_database() else { return };
    figures_of_a_first_run(&Api::in_database(fast(), Some(database.url()), |_| {}));
}

fn figures_of_a_first_run(api: &Api) {
    let status = api.get("/api/sync/status").expect(200);
    assert_eq!(
        status,
        json!({"running": false, "run": null, "last_run": null, "last_success": null, "next_run_at": null,
               "missing_settings": []})
    );
    assert_eq!(
        api.get("/api/sync/history").expect(200),
        json!({"items": [], "page": 1, "per_page": 20, "pages": 1, "total": 0})
    );

    let fields = api.get("/api/custom-fields").expect(200);
    let field = fields["custom_fields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|field| field["field_key"] == "contact.lifetime_value")
        .unwrap();
    assert_eq!(field["data_type"], "MONETORY");
    let lists = api.get("/api/smart-lists").expect(200);
    let expected = api.sandbox().expectations();
    assert_eq!(
        lists["smart_lists"][0],
        json!({"id": "all", "name": "All contacts", "contacts": expected.fetched})
    );

    let choice = json!({"ghl_smart_list_id": "all", "ghl_ltv_field_name": field["name"]}).to_string();
    let saved = api.post_json("/api/config", &choice).expect(200);
    assert_eq!(saved["ghl_ltv_field_name"], "contact.lifetime_value", "chosen by name, kept by key");
    assert_eq!(api.get("/api/config").expect(200), saved);
    assert_eq!(api.get("/api/sync/status").expect(200)["next_run_at"], "2026-11-22T02:00:00Z");

    let begun = api.post("/api/sync/trigger");
    let run_id = begun.expect(202)["run_id"].as_i64().unwrap();
    assert_eq!(begun.header("location"), format!("/api/sync/{run_id}"));
    let status = api.wait();
    let run = api.get(&format!("/api/sync/{run_id}")).expect(200);
    check_figures(api, &run);

    let mut without_sample = run.clone();
    without_sample.as_object_mut().unwrap().remove("sample");
    assert_eq!((&status["last_run"], &status["last_success"]), (&without_sample, &without_sample));
    assert_eq!(status["run"], Value::Null);
    let history = api.get("/api/sync/history?page=1").expect(200);
    assert_eq!(
        history,
        json!({"items": [without_sample], "page": 1, "per_page": 20, "pages": 1, "total": 1})
    );
}

fn check_figures(api: &Api, run: &Value) {
    let expected = api.sandbox().expectations();
    assert_eq!((&run["status"], &run["trigger"]), (&json!("success"), &json!("manual")), "{run}");
    for nothing in ["step", "failed_step", "error_message", "error_remedy", "provider_code", "changes"] {
        assert_eq!(run[nothing], Value::Null, "{nothing}");
    }
    let account = json!({
        "fetched": expected.fetched, "sent": expected.sent, "duplicates": 0, "suppressed": 0,
        "excluded_opted_out": expected.opted_out, "skipped_no_ltv": expected.no_ltv,
        "rejected_bad_ltv": expected.bad_ltv, "below_ltv_min": 0,
        "skipped_no_identifier": expected.no_identifier, "merged": expected.merged, "refused_by_meta": 0,
    });
    assert_eq!(run["accounting"], account);
    assert_eq!(run["contacts_processed"], expected.fetched);
    assert_eq!(run["contacts_matched"], expected.sent_on_meta);

    let values: Vec<i64> = {
        let people = api.sandbox().population().people();
        let mut values: Vec<i64> = people.filter_map(|person| person.ltv_cents).collect();
        values.sort_unstable();
        values
    };
    let stats = &run["normalization_stats"];
    let decimal = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    assert_eq!(stats["count"], expected.ranked);
    assert_eq!(stats["min"], decimal(values[0]));
    assert_eq!(stats["max"], decimal(values[values.len() - 1]));
    assert_eq!(values.len() % 2, 1, "one value is in the middle");
    assert_eq!(stats["median"], decimal(values[values.len() / 2]));
    let counts: Vec<u64> = (0..10)
        .map(|decile: u8| {
            let is_in = |rank: u8| rank.saturating_sub(1) / 10 == decile;
            let people = api.sandbox().population().people();
            people.filter(|person| person.expected_percentile.is_some_and(is_in)).count() as u64
        })
        .collect();
    assert_eq!(stats["distribution"], json!(counts));
    assert_eq!(run["ranking"]["normalizer"], "claude");

    let sample = run["sample"].as_array().unwrap();
    assert_eq!(sample.len(), 10);
    for contact in sample {
        let mut people = api.sandbox().population().people();
        let person = people.find(|person| person.id == contact["ghl_contact_id"]).unwrap();
        assert_eq!(contact["raw_ltv"], decimal(person.ltv_cents.unwrap()));
        assert_eq!(contact["normalized_value"], person.expected_percentile.unwrap());
        assert_eq!(contact.as_object().unwrap().len(), 3, "nobody can be reached with it");
    }

    let audience = run["meta_audience_id"].as_str().unwrap();
    assert!(audience.bytes().all(|byte| byte.is_ascii_digit()), "{audience}");
    let first = &run["lookalikes"][0];
    assert_eq!(run["lookalike_status"], "created");
    assert_eq!(
        (&first["country"], &first["ratio"], &first["status"]),
        (&json!("US"), &json!(0.01), &json!("created"))
    );
    assert_eq!((&run["meta_lookalike_id"], &run["meta_lookalike_name"]), (&first["id"], &first["name"]));

    let steps: Vec<&str> =
        run["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    for step in [
        "fetch",
        "read_ltv",
        "normalize",
        "hash",
        "create_audience",
        "upload",
        "wait",
        "lookalike",
        "save",
        "notify",
    ] {
        assert!(steps.contains(&step), "{step} in {steps:?}");
    }
    for time in [&run["started_at"], &run["completed_at"], &run["steps"][0]["started_at"]] {
        let time = time.as_str().unwrap();
        assert!(time.ends_with('Z') && time.parse::<chrono::DateTime<chrono::Utc>>().is_ok(), "{time}");
    }
}

/// A run that waits for Claude for some seconds.
fn held(api: &Api) -> i64 {
    api.configure();
    let silence = Effect::Hang { millis: 5_000 };
    api.sandbox().faults().add(Fault::new(Service::Claude, silence).on_path("/v1/messages"));
    let run = api.post("/api/sync/trigger").expect(202)["run_id"].as_i64().unwrap();
    let begun = Instant::now();
    while api.sandbox().record().count(Service::Claude) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "the run never came that far");
        std::thread::sleep(Duration::from_millis(10));
    }
    run
}

#[test]
fn a_second_trigger_is_refused_with_the_id_of_the_running_sync_which_can_be_cancelled() {
    let api = Api::empty_instance();
    let run = held(&api);
    let refused = api.post_json("/api/sync/trigger", r#"{"accept_smaller_list": true}"#);
    let problem = refused.problem(409, "already_running", &[&format!("Sync {run} is still running.")]);
    assert_eq!(problem["run_id"], run);

    let status = api.get("/api/sync/status").expect(200);
    assert_eq!((&status["running"], &status["run"]["id"]), (&json!(true), &json!(run)));
    assert_eq!((&status["run"]["step"], &status["run"]["status"]), (&json!("normalize"), &json!("running")));
    for unknown in
        ["contacts_matched", "meta_audience_id", "normalization_stats", "completed_at", "lookalikes"]
    {
        let value = &status["run"][unknown];
        assert!(value.is_null() || *value == json!([]), "{unknown}: {value}");
    }
    assert_eq!(status["run"]["accounting"]["sent"], 0, "nothing is sent before it is ranked");
    assert_eq!(status["last_run"], Value::Null, "it has not ended");

    let cancel = format!("/api/sync/{run}/cancel");
    assert_eq!(api.post(&cancel).expect(202), json!({"run_id": run}));
    let status = api.wait();
    assert_eq!(status["last_run"]["status"], "cancelled", "{status}");
    let ended = api.post_json(&cancel, "{}").problem(409, "not_cancellable", &["has already ended"]);
    assert_eq!(ended["run_id"], run);
}

#[test]
fn a_run_of_another_process_is_not_cancelled_from_here() {
    let api = Api::empty_instance();
    let config = api.store.config_save(&crate::runs::config()).unwrap();
    let run = api.store.run_start(domain::run::Trigger::Cli, config).unwrap();
    let refused = api.post(&format!("/api/sync/{run}/cancel"));
    refused.problem(409, "not_cancellable", &["another process"]);
}

#[test]
fn the_environment_s_choice_is_used_until_one_is_saved() {
    let api = Api::on_sandbox(fast(), |installation| {
        installation.initial = (Some("tag:vip".into()), Some("lifetime_value".into()));
    });
    let config = api.get("/api/config").expect(200);
    assert_eq!(
        (&config["ghl_smart_list_name"], &config["ghl_ltv_field_name"], &config["saved"]),
        (&json!("Tag: vip"), &json!("contact.lifetime_value"), &json!(false))
    );
    let lists = api.get("/api/smart-lists").expect(200);
    let vip = lists["smart_lists"].as_array().unwrap().iter().find(|list| list["id"] == "tag:vip").unwrap();
    assert!(vip["contacts"].as_u64().unwrap() > 100, "the selected list is counted: {vip}");
    let run = api.post_json("/api/sync/trigger", "null").expect(202)["run_id"].clone();
    api.wait();
    let run = api.get(&format!("/api/sync/{run}")).expect(200);
    assert_eq!((&run["status"], &run["ghl_smart_list_id"]), (&json!("success"), &json!("tag:vip")), "{run}");
    assert_eq!(run["contacts_processed"], vip["contacts"]);
}

#[test]
fn a_failed_run_says_which_step_why_and_what_to_do() {
    let api = Api::empty_instance();
    api.configure();
    api.sandbox().stop(Service::Meta);
    let run = api.post("/api/sync/trigger").expect(202)["run_id"].clone();
    let status = api.wait();
    let run = api.get(&format!("/api/sync/{run}")).expect(200);
    assert_eq!((&run["status"], &run["failed_step"]), (&json!("failed"), &json!("create_audience")), "{run}");
    assert!(run["error_message"].as_str().unwrap().contains("Meta"), "{run}");
    assert!(!run["error_remedy"].as_str().unwrap().is_empty());
    assert_eq!(run["accounting"]["sent"], 0);
    assert_eq!((&status["last_run"]["id"], &status["last_success"]), (&run["id"], &Value::Null));
}

#[test]
fn a_pause_refused_contacts_a_range_of_matches_and_a_deleted_audience_are_told() {
    let api = Api::empty_instance();
    let run = crate::runs::successful(&api.store);
    let shown = || api.get(&format!("/api/sync/{run}")).expect(200);
    let before = shown();
    for name in ["waiting_until", "audience_deleted_at", "matched_lower", "matched_upper"] {
        assert_eq!(before[name], Value::Null, "{name}");
    }
    assert_eq!(before["refused_contacts"], json!([]));
    let reason = "row of ann@example.com is bad".to_owned();
    let refused = RefusedSample { ghl_contact_id: "c7".to_owned(), reason };
    let paused = crate::runs::running(&api.store);
    api.store.run_set_waiting_until(paused, "2026-11-21T03:30:00Z".parse().ok()).unwrap();
    assert_eq!(api.get(&format!("/api/sync/{paused}")).expect(200)["waiting_until"], "2026-11-21T03:30:00Z");
    api.store.run_set_refused_samples(run, &[refused]).unwrap();
    api.store.audience_mark_deleted(run).unwrap();
    api.store.run_set_matched(run, &Matched { exact: None, lower: Some(1132), upper: Some(1178) }).unwrap();
    let after = shown();
    assert_eq!(after["refused_contacts"], json!([{"ghl_contact_id": "c7", "reason": "row of *** is bad"}]));
    assert!(after["audience_deleted_at"].as_str().is_some_and(|at| at.ends_with('Z')), "{after}");
    assert_eq!(
        (&after["contacts_matched"], &after["matched_lower"], &after["matched_upper"]),
        (&Value::Null, &json!(1132), &json!(1178))
    );
    assert_eq!(
        api.get("/api/sync/status").expect(200)["last_run"]["refused_contacts"][0]["ghl_contact_id"],
        "c7"
    );
}

#[test]
fn a_sync_whose_choice_can_not_be_looked_up_is_answered_as_the_description_says() {
    let api = Api::on_sandbox(SandboxSettings::default(), |fake| {
        fake.initial = (Some("tag:vip".to_owned()), Some("lifetime_value".to_owned()));
    });
    api.sandbox().stop(Service::Ghl);
    api.post("/api/sync/trigger").problem(502, "service", &["GoHighLevel"]);
    let description = api.get("/api/openapi.json").expect(200);
    let trigger = &description["paths"]["/api/sync/trigger"]["post"];
    assert!(trigger["responses"]["502"].is_object(), "{trigger}");
}
