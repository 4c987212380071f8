//! `check`: what it finds when everything is well, and what it names when something is not.

use crate::instance::{Database, Instance, Outcome, on_both_databases, run};
use domain::{Clock, SystemClock};
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use serde_json::json;

on_both_databases!(a_good_installation_is_found_with_its_names_and_touched_nowhere,);

fn check(instance: &Instance, service: &str) -> Outcome {
    let mut program = instance.program("check");
    program.arg(service);
    run(program)
}

/// Fails the test unless standard output has all of these; no secret of the installation may be there.
fn assert_says(instance: &Instance, outcome: &Outcome, words: &[&str]) {
    for word in words {
        assert!(outcome.stdout.contains(word), "`{word}` is not named:\n{}", outcome.stdout);
    }
    let shown = format!("{}{}{}", outcome.stdout, outcome.stderr, instance.log());
    for secret in ["GHL_API_KEY", "META_ACCESS_TOKEN", "CLAUDE_API_KEY"] {
        assert!(!shown.contains(instance.value(secret)), "{secret} is shown:\n{shown}");
    }
    assert!(!shown.contains("panicked"), "{shown}");
}

fn a_good_installation_is_found_with_its_names_and_touched_nowhere(database: Database) {
    let engine = if matches!(database, Database::Sqlite) { "SQLite 3." } else { "PostgreSQL 1" };
    let instance = Instance::start().with_database(database);
    let outcome = check(&instance, "all").expect(0);
    let names = [
        "Location \"Example Records\", country US, time zone America/Chicago.",
        "2357 contacts, ",
        "The token is valid and does not expire.",
        "ads_management, ads_read, business_management",
        "Ad account \"Sandbox Ad Account\" (act_1234567890), active, currency USD.",
        "The terms for customer lists are accepted.",
        "Model Claude Sonnet 5.5 (claude-sonnet-5-5), lifecycle active, retires on 2027-09-28.",
        engine,
        "schema version 20",
        "answers; no login is set",
    ];
    assert_says(&instance, &outcome, &names);
    let services = [
        ("GoHighLevel", "ok"),
        ("Meta", "ok"),
        ("Claude", "ok"),
        ("Database", "ok"),
        ("E-mail", "ok"),
        ("Webhook", "not set up"),
    ];
    let heads: Vec<&str> = outcome.stdout.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(heads.len(), services.len(), "{}", outcome.stdout);
    for (head, (service, state)) in heads.iter().zip(services) {
        let told = head.strip_prefix(service).unwrap_or_else(|| panic!("{head}")).trim_start();
        let latency = told.strip_prefix(state).unwrap_or_else(|| panic!("{head}")).trim_start();
        let millis = latency.strip_suffix(" ms").and_then(|millis| millis.parse::<u64>().ok());
        assert!(if state == "ok" { millis.is_some() } else { latency.is_empty() }, "{head}");
    }
    instance.assert_meta_is_untouched();
    assert_eq!(instance.sandbox.mails().all().len(), 0);
    assert_eq!(instance.store().run_latest().unwrap(), None);
}

#[test]
fn one_service_is_asked_alone() {
    for (name, service) in [
        ("ghl", Some(Service::Ghl)),
        ("meta", Some(Service::Meta)),
        ("claude", Some(Service::Claude)),
        ("database", None),
    ] {
        let instance = Instance::start();
        let outcome = check(&instance, name).expect(0);
        assert_eq!(outcome.stdout.lines().filter(|line| !line.starts_with(' ')).count(), 1);
        for other in [Service::Ghl, Service::Meta, Service::Claude] {
            let asked = instance.sandbox.record().count(other) > 0;
            assert_eq!(asked, service == Some(other), "check {name} and {other:?}");
        }
        // Saved settings win over the environment, so every check opens the database.
        assert!(instance.database().exists());
    }
    let instance = Instance::start();
    run({
        let mut program = instance.program("check");
        program.arg("everything");
        program
    })
    .expect(2)
    .names(&["everything", "smtp"]);
}

#[test]
fn every_dead_service_is_told_with_its_setting_and_the_others_are_checked_all_the_same() {
    let instance = Instance::start();
    for service in Service::ALL {
        instance.sandbox.stop(service);
    }
    let outcome = check(&instance, "all").expect(1).names(&["GoHighLevel, Meta, Claude, E-mail"]);
    assert_says(
        &instance,
        &outcome,
        &["GHL_BASE_URL", "META_GRAPH_URL", "CLAUDE_BASE_URL", "SMTP_HOST", "schema version"],
    );
    assert_eq!(outcome.stdout.matches("PROBLEM").count(), 4, "{}", outcome.stdout);
}

#[test]
fn a_wrong_credential_of_each_service_is_named() {
    for (service, variable, wrong) in [
        ("ghl", "GHL_API_KEY", "pit-00000000-0000-4000-8000-000000000000"),
        ("ghl", "GHL_LOCATION_ID", "anotherLocation00001"),
        ("meta", "META_ACCESS_TOKEN", "EAAB-wrong"),
        ("meta", "META_AD_ACCOUNT_ID", "act_77"),
        ("claude", "CLAUDE_API_KEY", "sk-ant-wrong"),
        ("claude", "CLAUDE_MODEL", "claude-sonnet-4-20250514"),
    ] {
        let mut instance = Instance::start();
        instance.set(variable, wrong);
        let outcome = check(&instance, service).expect(1);
        let shown: &[&str] = if variable == "META_AD_ACCOUNT_ID" {
            &["PROBLEM", "ad account"]
        } else {
            &["PROBLEM", variable]
        };
        assert_says(&instance, &outcome, shown);
    }
    let mut instance = Instance::with(Contacts::default(), |settings| {
        settings.smtp.login = Some(("sync".to_owned(), "right".to_owned()));
    });
    instance.set("SMTP_USERNAME", "sync").set("SMTP_PASSWORD", "wrong-one");
    let outcome = check(&instance, "smtp").expect(1);
    assert_says(&instance, &outcome, &["SMTP_PASSWORD", "Provider code: 535"]);
    assert!(!outcome.stdout.contains("wrong-one") && !instance.log().contains("wrong-one"));
    instance.set("SMTP_PASSWORD", "right");
    assert_says(&instance, &check(&instance, "smtp").expect(0), &["takes the login"]);
}

#[test]
fn missing_keys_are_named_and_what_is_not_used_is_no_problem() {
    let mut instance = Instance::start();
    instance.unset("GHL_LOCATION_ID").unset("SMTP_HOST");
    let (token, account) = ("META_ACCESS_TOKEN", "META_AD_ACCOUNT_ID");
    let (old, key) = (instance.value(token).to_owned(), instance.value("CLAUDE_API_KEY").to_owned());
    instance.unset(account).set(token, "").set("NORMALIZER", "local").set("CLAUDE_API_KEY", "");
    let outcome = check(&instance, "all").expect(1).names(&["GoHighLevel, Meta;"]);
    for words in [
        "GHL_LOCATION_ID is not set.",
        "META_ACCESS_TOKEN and META_AD_ACCOUNT_ID are not set.",
        "NORMALIZER=local",
        "SMTP_HOST is not set",
    ] {
        assert!(outcome.stdout.contains(words), "`{words}` is not told:\n{}", outcome.stdout);
    }
    assert!(!outcome.stdout.contains("GHL_API_KEY"), "{}", outcome.stdout);
    for head in ["Claude       not needed\n", "E-mail       not set up\n", "Webhook      not set up\n"] {
        assert!(outcome.stdout.contains(head), "`{head}` is not told:\n{}", outcome.stdout);
    }
    instance.set(token, &old).set("NORMALIZER", "claude");
    let outcome = check(&instance, "claude").expect(1);
    assert!(outcome.stdout.contains("CLAUDE_API_KEY is not set."), "{}", outcome.stdout);
    instance.set("CLAUDE_API_KEY", &key);
    check(&instance, "claude").expect(0);
}

#[test]
fn a_malformed_setting_is_a_configuration_error() {
    let mut instance = Instance::start();
    instance.set("META_API_VERSION", "latest").set("WEB_PORT", "no");
    check(&instance, "ghl").expect(2).names(&["META_API_VERSION", "WEB_PORT"]);
    assert_eq!(instance.sandbox.record().count(Service::Ghl), 0);
}

#[test]
fn an_unusable_database_is_a_problem_of_its_own() {
    let mut instance = Instance::start();
    let file = instance.folder().join("not-a-folder");
    std::fs::write(&file, "x").unwrap();
    instance.set("DATA_DIR", file.join("below").to_str().unwrap());
    let outcome = check(&instance, "all").expect(1).names(&["problem with Database;"]);
    assert_says(&instance, &outcome, &["DATA_DIR"]);
}

#[test]
fn a_token_that_ends_soon_is_warned_about_and_an_ended_one_is_a_problem() {
    let instance = Instance::start();
    let now = instance.control("/control/clock")["now"].as_str().unwrap().to_owned();
    let now: chrono::DateTime<chrono::Utc> = now.parse().unwrap();
    let soon = now + chrono::TimeDelta::days(10);
    instance.tell("/control/meta/state", &json!({"token_expires_at": soon}));
    let outcome = check(&instance, "meta").expect(0);
    let day = soon.format("%Y-%m-%d").to_string();
    let expires = format!("The token is valid and expires on {day}.");
    assert_says(&instance, &outcome, &[&expires, &format!("Warning: the token expires on {day}.")]);
    let past = now - chrono::TimeDelta::days(3);
    instance.tell("/control/meta/state", &json!({"token_expires_at": past}));
    let outcome = check(&instance, "meta").expect(1);
    let day = past.format("%A, %d-%b-%y").to_string();
    assert_says(
        &instance,
        &outcome,
        &["The Meta token has expired.", &day, "META_ACCESS_TOKEN", "Provider code: 190/463"],
    );
}

#[test]
fn everything_wrong_with_the_ad_account_is_told_at_once() {
    let instance = Instance::start();
    instance.tell(
        "/control/meta/state",
        &json!({
            "permissions": ["ads_read"],
            "account_status": 2,
            "audience_terms_accepted": false,
            "ad_account_name": "Shop\u{1b}[2J <b>ann@example.com</b>",
            "version_warning": "v25.0 will be deprecated",
        }),
    );
    let outcome = check(&instance, "meta").expect(1);
    assert_says(
        &instance,
        &outcome,
        &[
            "lacks the permission ads_management, without which",
            "Not granted to it: business_management; a sync works without.",
            "disabled by Meta",
            "https://business.facebook.com/ads/manage/customaudiences/tos/?act=1234567890",
            "https://www.facebook.com/customaudiences/value_based/tos.php?act=1234567890",
            "Warning: Meta says of META_API_VERSION: v25.0 will be deprecated",
        ],
    );
    assert!(!outcome.stdout.contains('\u{1b}') && !outcome.stdout.contains("ann@example.com"));
}

#[test]
fn a_missing_scope_of_gohighlevel_is_named_before_a_sync_needs_it() {
    let all = [
        "contacts.readonly",
        "locations.readonly",
        "locations/customFields.readonly",
        "locations/tags.readonly",
    ];
    for missing in all {
        let instance = Instance::start();
        let scopes: Vec<&str> = all.into_iter().filter(|scope| *scope != missing).collect();
        instance.tell("/control/ghl/state", &json!({"scopes": scopes}));
        let outcome = check(&instance, "ghl").expect(1);
        assert_says(&instance, &outcome, &[&format!("lacks the scope {missing}"), "GHL_API_KEY"]);
    }
}

#[test]
fn a_location_s_name_can_not_forge_lines_of_the_report() {
    let instance = Instance::with(Contacts::default(), |settings| {
        settings.ghl.location_name = "Shop\r\nMeta ok 1 ms\u{1b}[2J".to_owned();
    });
    let outcome = check(&instance, "ghl").expect(0);
    assert!(outcome.stdout.contains("Location \"Shop Meta ok 1 ms [2J\""), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains('\u{1b}'));
}

#[test]
fn a_model_that_retires_within_days_is_warned_about() {
    let mut instance = Instance::start();
    instance.set("CLAUDE_MODEL", "claude-sonnet-4-5");
    let outcome = check(&instance, "claude");
    let said = &outcome.stdout;
    assert!(said.contains("lifecycle deprecated, retires on 2026-11-30"), "{said}");
    assert!(said.contains("claude-sonnet-5-5"), "the successor is named: {said}");
}

#[test]
fn a_limit_of_meta_is_told_and_not_waited_for() {
    let instance = Instance::start();
    let body = r#"{"error":{"message":"too many calls","code":80003,"error_subcode":2446079,"is_transient":false,"fbtrace_id":"T"}}"#;
    let usage = r#"{"1":[{"type":"custom_audience","estimated_time_to_regain_access":10}]}"#;
    let limited = Effect::Status {
        status: 400,
        body: body.to_owned(),
        headers: vec![("x-business-use-case-usage".to_owned(), usage.to_owned())],
    };
    instance.sandbox.faults().add(Fault::new(Service::Meta, limited).on_path("/act_").times(9));
    let outcome = check(&instance, "meta").expect(1);
    assert_says(
        &instance,
        &outcome,
        &["a wait of about 10 min", "Provider code: 80003/2446079", "Trace id: T"],
    );
    assert_eq!(
        instance.sandbox.record().count(Service::Meta),
        2,
        "the token and the account are asked once each"
    );
}

#[test]
fn a_run_that_meta_would_refuse_fails_before_anything_is_made_and_says_everything_at_once() {
    let mut instance = Instance::start();
    instance.tell(
        "/control/meta/state",
        &json!({"permissions": ["ads_read"], "account_status": 2, "audience_terms_accepted": false}),
    );
    instance.set("NORMALIZER", "local").sync(&[]).expect(1).names(&[
        "The Meta token lacks the permission ads_management",
        "The ad account can not be used: disabled by Meta.",
        "Meta's terms for customer lists are not accepted for this ad account.",
        "https://business.facebook.com/ads/manage/customaudiences/tos/?act=1234567890",
        "https://www.facebook.com/customaudiences/value_based/tos.php?act=1234567890",
    ]);
    instance.assert_meta_is_untouched();
    let failure = instance.last_run().failure.unwrap();
    assert_eq!(failure.step.as_str(), "create_audience");
    let mail = instance.sandbox.mails().all().pop().unwrap();
    let text = mail.text.unwrap();
    for words in ["lacks the permission ads_management", "tos/?act=1234567890"] {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
}

#[test]
fn a_run_warns_of_a_token_that_ends_soon_and_of_an_account_that_is_almost_full_of_lists() {
    let mut instance = Instance::start();
    let soon = SystemClock.now() + chrono::TimeDelta::days(13);
    instance.tell("/control/meta/state", &json!({"token_expires_at": soon}));
    instance.tell("/control/meta/audiences", &json!({"count": 450}));
    instance.set("NORMALIZER", "local").set("META_POLL_TIMEOUT_SECONDS", "1").sync(&[]).expect(0);
    let warnings = instance.last_run().ranking.unwrap().warnings;
    let day = soon.format("%Y-%m-%d");
    assert!(warnings.iter().any(|warning| warning.starts_with(&format!("The token expires on {day}."))));
    let lists = "The ad account holds 450 customer lists, and Meta allows no more than 500. Delete lists that no ad uses";
    assert!(warnings.iter().any(|warning| warning.starts_with(lists)), "{warnings:?}");
    let mail = instance.sandbox.mails().all().pop().unwrap();
    assert!(mail.text.unwrap().contains(lists));
    let outcome = check(&instance, "meta").expect(0);
    assert_says(
        &instance,
        &outcome,
        &["451 customer lists of at most 500.", "Warning: the ad account holds 451"],
    );
}

#[test]
fn an_account_that_is_full_of_lists_stops_a_dated_run_and_not_a_stable_one() {
    let mut instance = Instance::start();
    instance.set("NORMALIZER", "local").set("AUDIENCE_MODE", "stable").sync(&[]).expect(0);
    let stable = instance.last_run().audience.unwrap().id;
    let made = instance.ask("/control/meta/audiences", &json!({"count": 499}));
    assert_eq!(made["ids"].as_array().unwrap().len(), 499);
    instance.sync(&[]).expect(0);
    let words = "The ad account holds 500 customer lists, and Meta allows no more than 500.";
    let outcome = check(&instance, "meta").expect(0);
    assert_says(&instance, &outcome, &["Warning: the ad account holds 500 customer lists"]);
    instance.set("AUDIENCE_MODE", "dated").sync(&[]).expect(1).names(&[words, "AUDIENCE_MODE=stable"]);
    assert_says(&instance, &check(&instance, "meta").expect(1), &[words, "audiences?act=1234567890"]);
    assert_eq!(instance.audiences("CUSTOM").len(), 500, "nothing was made");
    // The first sync of another installation needs a list in stable mode too, unless it is told which to use.
    instance.set("AUDIENCE_MODE", "stable").set("DATA_DIR", "another");
    assert_says(&instance, &check(&instance, "meta").expect(1), &[words]);
    instance.sync(&[]).expect(1).names(&[words]);
    instance.set("STABLE_AUDIENCE_ID", &stable);
    assert_says(&instance, &check(&instance, "meta").expect(0), &["Warning: the ad account holds 500"]);
}

#[test]
fn what_is_saved_on_the_settings_page_is_checked_and_not_what_it_replaces() {
    let instance = Instance::start();
    let saved = |value: Option<&str>| {
        let change = [("NORMALIZER".to_owned(), value.map(str::to_owned))];
        instance.store().settings_change(&change).unwrap();
        check(&instance, "claude").expect(0)
    };
    assert_says(&instance, &saved(Some("local")), &["NORMALIZER=local"]);
    assert_eq!(instance.sandbox.record().count(Service::Claude), 0);
    assert_says(&instance, &saved(None), &["lifecycle active"]);
}

#[test]
fn a_token_that_may_not_ask_about_itself_stops_no_run() {
    let mut instance = Instance::start();
    let denied = r#"{"error":{"message":"You may not","code":100,"fbtrace_id":"T"}}"#;
    let effect = Effect::Status { status: 400, body: denied.to_owned(), headers: Vec::new() };
    instance.sandbox.faults().add(Fault::new(Service::Meta, effect).on_path("/debug_token").times(9));
    instance.set("NORMALIZER", "local").sync(&[]).expect(0);
    assert_eq!(instance.last_run().ranking.unwrap().warnings, Vec::<String>::new());
}
