//! Lists, fields, the choice, and the test mail.

use crate::api_server::Api;
use domain::Explanation;
use sandbox::{SandboxSettings, Service};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use sync::{LtvSource, SyncService};
use web::ExistingAudience;

#[test]
fn every_list_can_be_counted_whatever_its_tag_looks_like() {
    let api = Api::empty_instance();
    let tag = "a/b: 100% ü?#";
    let control = format!("{}/control/ghl/state", api.sandbox().addresses().control);
    let change = json!({"changes": [{"insert": [{"firstName": "Ann", "tags": [tag]}]}]});
    ureq::post(control).content_type("application/json").send(change.to_string()).unwrap();
    let lists = api.get("/api/smart-lists?refresh=true").expect(200);
    let lists = lists["smart_lists"].as_array().unwrap();
    let ours = lists.iter().find(|list| list["id"] == format!("tag:{tag}")).unwrap();
    assert_eq!(ours["contacts"], Value::Null, "not counted, so not known");
    let counted = api.get("/api/smart-lists/tag%3Aa%2Fb%3A%20100%25%20%C3%BC%3F%23/count").expect(200);
    assert_eq!(counted, json!({"id": format!("tag:{tag}"), "contacts": 1}));
    let all = api.get("/api/smart-lists/all/count").expect(200);
    assert_eq!(all["contacts"], lists[0]["contacts"]);
    for (unknown, words) in [("tag:nobody", "nobody"), ("filter:1", "filter:1"), ("everything", "everything")]
    {
        let refused = api.get(&format!("/api/smart-lists/{unknown}/count"));
        refused.problem(404, "no_list", &[words, "/api/smart-lists"]);
    }
}

#[test]
fn lists_and_fields_are_remembered_until_they_are_asked_for_anew() {
    let api = Api::empty_instance();
    let asked = || api.sandbox().record().count(Service::Ghl);
    for path in ["/api/smart-lists", "/api/custom-fields"] {
        let first = api.get(path).expect(200);
        let calls = asked();
        assert_eq!(api.get(path).expect(200), first);
        assert_eq!(asked(), calls, "{path} was remembered");
        assert_eq!(api.get(&format!("{path}?refresh=true")).expect(200), first);
        assert!(asked() > calls, "{path} was asked anew");
        let refused = api.get(&format!("{path}?refresh=maybe"));
        refused.problem(400, "malformed", &["question mark", "`true` or `false`"]);
    }
}

#[test]
fn what_is_left_out_of_a_change_stays_as_it_is_and_each_save_is_a_row() {
    let api = Api::empty_instance();
    let nothing = api.get("/api/config").expect(200);
    assert_eq!(
        nothing,
        json!({"ghl_smart_list_id": null, "ghl_smart_list_name": null, "ghl_ltv_field_name": null,
               "ghl_ltv_field_label": null, "meta_ad_account_id": null, "sync_enabled": true, "saved": false})
    );
    let one = api
        .post_json("/api/config", r#"{"ghl_smart_list_id": "all", "ghl_ltv_field_name": "lifetime_value"}"#);
    let one = one.expect(200);
    let (first, _) = api.store.config_latest().unwrap().unwrap();
    assert_eq!((&one["sync_enabled"], &one["saved"]), (&json!(true), &json!(true)));
    let account = format!("act_{}", api.sandbox().credentials().meta_ad_account_id);
    assert_eq!(one["meta_ad_account_id"], account);

    let two = api.post_json("/api/config", r#"{"ghl_smart_list_id": "tag:vip", "ghl_ltv_field_name": null}"#);
    let two = two.expect(200);
    assert_eq!(two["ghl_smart_list_name"], "Tag: vip");
    assert_eq!(two["ghl_ltv_field_name"], one["ghl_ltv_field_name"]);

    // The schedule can be stopped even when GoHighLevel is not there.
    api.sandbox().stop(Service::Ghl);
    let three = api.post_json("/api/config", r#"{"sync_enabled": false}"#).expect(200);
    assert_eq!((&three["ghl_smart_list_id"], &three["sync_enabled"]), (&json!("tag:vip"), &json!(false)));
    assert_eq!(api.get("/api/sync/status").expect(200)["next_run_at"], Value::Null);
    let (last, stored) = api.store.config_latest().unwrap().unwrap();
    assert_eq!((last - first, stored.list_id.as_str(), stored.sync_enabled), (2, "tag:vip", false));
}

#[test]
fn what_get_answers_can_be_sent_back() {
    let api = Api::empty_instance();
    api.configure();
    let config = api.get("/api/config").expect(200);
    assert_eq!(api.post_json("/api/config", &config.to_string()).expect(200), config);
}

#[test]
fn a_choice_that_does_not_exist_is_refused_by_its_name_and_nothing_is_saved() {
    let api = Api::empty_instance();
    for (body, words) in [
        (
            r#"{"ghl_smart_list_id": "tag:nobody", "ghl_ltv_field_name": "lifetime_value"}"#,
            "Smart List \"tag:nobody\"",
        ),
        (r#"{"ghl_smart_list_id": "vip", "ghl_ltv_field_name": "lifetime_value"}"#, "Smart List \"vip\""),
        (r#"{"ghl_smart_list_id": "all", "ghl_ltv_field_name": "shoe size"}"#, "custom field \"shoe size\""),
        (r#"{"ghl_ltv_field_name": "lifetime_value"}"#, "ghl_smart_list_id is missing"),
        (r#"{"ghl_smart_list_id": "all"}"#, "ghl_ltv_field_name is missing"),
        (
            r#"{"ghl_smart_list_id": " ", "ghl_ltv_field_name": "lifetime_value"}"#,
            "ghl_smart_list_id is missing",
        ),
        (r#"{}"#, "ghl_smart_list_id is missing"),
    ] {
        api.post_json("/api/config", body).problem(422, "refused", &[words]);
    }
    assert!(api.store.config_latest().unwrap().is_none());
    api.post("/api/sync/trigger").problem(422, "refused", &["No Smart List", "GHL_SMART_LIST_ID"]);
}

#[test]
fn a_choice_of_the_environment_that_does_not_exist_is_refused_when_it_is_to_run() {
    let api = Api::on_sandbox(SandboxSettings::default(), |installation| {
        installation.initial = (Some("tag:nobody".into()), Some("lifetime_value".into()));
    });
    let config = api.get("/api/config").expect(200);
    assert_eq!(
        (&config["ghl_smart_list_id"], &config["ghl_smart_list_name"]),
        (&json!("tag:nobody"), &Value::Null)
    );
    api.post("/api/sync/trigger").problem(422, "refused", &["tag:nobody", "GHL_SMART_LIST_ID"]);
}

#[test]
fn missing_keys_are_named_wherever_they_are_needed() {
    let api = Api::without_keys();
    let choice = r#"{"ghl_smart_list_id": "all", "ghl_ltv_field_name": "lifetime_value"}"#;
    for reply in [
        api.get("/api/smart-lists"),
        api.get("/api/smart-lists/all/count"),
        api.get("/api/custom-fields"),
        api.post_json("/api/config", choice),
        api.post("/api/sync/trigger"),
    ] {
        let problem = reply.problem(422, "missing_settings", &["GHL_API_KEY, META_ACCESS_TOKEN"]);
        assert_eq!(problem["missing_settings"], json!(["GHL_API_KEY", "META_ACCESS_TOKEN"]));
    }
    assert_eq!(api.get("/api/sync/status").expect(200)["missing_settings"][0], "GHL_API_KEY");
    api.post("/api/sync/1/cancel").problem(404, "no_run", &["no sync 1"]);
}

#[test]
fn a_silent_gohighlevel_is_a_bad_gateway_that_says_so() {
    let api = Api::empty_instance();
    api.sandbox().stop(Service::Ghl);
    let choice = r#"{"ghl_smart_list_id": "all", "ghl_ltv_field_name": "lifetime_value"}"#;
    for reply in [
        api.get("/api/smart-lists"),
        api.get("/api/smart-lists/all/count"),
        api.get("/api/custom-fields"),
        api.post_json("/api/config", choice),
    ] {
        reply.problem(502, "service", &["GoHighLevel"]);
    }
}

#[test]
fn a_test_mail_arrives_and_a_refused_one_is_told_in_the_server_s_words() {
    let api = Api::empty_instance();
    assert_eq!(
        api.post("/api/email/test").expect(200),
        json!({"sent_to": ["marketing@example.com"], "refused": [], "posted_to_webhook": false})
    );
    assert_eq!(api.sandbox().mails().all().len(), 1);
    let refusal = sandbox::faults::Effect::Status {
        status: 550,
        body: "5.7.1 Relaying denied by policy".to_owned(),
        headers: vec![],
    };
    api.sandbox().faults().add(sandbox::faults::Fault::new(Service::Smtp, refusal).times(9));
    api.post("/api/email/test").problem(502, "service", &["Relaying denied by policy"]);
    let refused = || Some(Err(Explanation::new("NOTIFY_WEBHOOK_URL did not take it.", "Check it.")));
    let both = Api::on_sandbox(SandboxSettings::default(), |fake| fake.webhook = refused());
    let words =
        ["NOTIFY_WEBHOOK_URL did not take it.", "The test e-mail to marketing@example.com was handed"];
    both.post("/api/email/test").problem(502, "service", &words);
    assert_eq!(both.sandbox().mails().all().len(), 1);
    let without = Api::without_keys();
    without.post("/api/email/test").problem(422, "refused", &["not set up", "SMTP_HOST"]);
}

#[test]
fn audiences_are_listed_and_remembered_until_they_are_asked_for_anew() {
    let mut asked = None;
    let api = Api::on_sandbox(SandboxSettings::default(), |fake| {
        fake.audiences =
            Ok(vec![ExistingAudience { id: "120210000000000017".to_owned(), name: "VIP".to_owned() }]);
        asked = Some(fake.asked_for_audiences.clone());
    });
    let asked = asked.unwrap();
    let listed = json!({"audiences": [{"id": "120210000000000017", "name": "VIP"}]});
    for (path, calls) in [("", 1), ("", 1), ("?refresh=true", 2), ("?refresh=false", 2)] {
        assert_eq!(api.get(&format!("/api/audiences{path}")).expect(200), listed);
        assert_eq!(asked.load(Ordering::Relaxed), calls, "{path}");
    }
}

#[test]
fn audiences_that_can_not_be_listed_are_a_problem_with_its_reason() {
    let api = Api::on_sandbox(SandboxSettings::default(), |fake| {
        fake.audiences = Err(Explanation::new("Meta refused the token.", "Set a new one.").with_code("190"));
    });
    let refused = api.get("/api/audiences").problem(502, "service", &["Meta refused", "Set a new one."]);
    assert_eq!(refused["provider_code"], "190");
    let api = Api::on_sandbox(SandboxSettings::default(), |fake| {
        fake.missing = vec!["GHL_API_KEY", "META_ACCESS_TOKEN"];
    });
    let refused = api.get("/api/audiences").problem(422, "missing_settings", &["META_ACCESS_TOKEN"]);
    assert_eq!(refused["missing_settings"], json!(["META_ACCESS_TOKEN"]), "GoHighLevel is not asked");
}

#[test]
fn the_choice_in_force_has_the_account_and_the_source_that_the_next_run_takes() {
    let (mut changed, mut parts) = (None, None);
    let api = Api::on_sandbox(SandboxSettings::default(), |fake| {
        (changed, parts) = (Some(Arc::clone(&fake.changed_sync)), fake.parts.clone());
    });
    api.configure();
    let mut parts = parts.unwrap();
    parts.settings.ad_account_id = "act_77".to_owned();
    parts.settings.ltv_source = LtvSource::WonOpportunities { pipelines: vec![] };
    let sync = api.get("/api/config").expect(200);
    assert_eq!(sync["ghl_ltv_field_name"], "contact.lifetime_value");
    *changed.unwrap().lock().unwrap() = Some(SyncService::new(parts));
    for answer in [
        api.get("/api/config").expect(200),
        api.post_json("/api/config", r#"{"sync_enabled": false}"#).expect(200),
    ] {
        assert_eq!(answer["ghl_ltv_field_name"], "won_opportunities", "{answer}");
        assert_eq!(answer["meta_ad_account_id"], "act_77");
        assert_eq!((&answer["ghl_smart_list_id"], &answer["saved"]), (&json!("all"), &json!(true)));
    }
    let (_, saved) = api.store.config_latest().unwrap().unwrap();
    assert_eq!(saved.ltv_field_key, "contact.lifetime_value", "it is there again when the setting goes back");
}
