//! The service as it runs for years: configured, triggered and read through HTTP only, on both databases.

use crate::instance::{Database, Instance, on_both_databases, run};
pub use crate::served::Served;
use chrono::{TimeDelta, Timelike};
use domain::{Clock, SystemClock};
use http_client::Method;
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// An installation that knows its vendors but not yet what to sync.
fn empty(database: Database) -> Instance {
    let mut instance = Instance::start().with_database(database);
    instance.unset("GHL_SMART_LIST_ID").unset("GHL_LTV_FIELD");
    instance
}

fn an_empty_instance_is_configured_run_and_read_back_through_http(database: Database) {
    let mut instance = empty(database);
    let served = Served::start(&mut instance);
    let lists = served.get("/api/smart-lists");
    let all =
        lists["smart_lists"].as_array().unwrap().iter().find(|list| list["id"] == "all").unwrap().clone();
    assert_eq!(all["contacts"], 2357);
    assert!(lists["smart_lists"].as_array().unwrap().iter().any(|list| list["id"] == "tag:vip"));
    let fields = served.get("/api/custom-fields");
    assert!(
        fields["custom_fields"].as_array().unwrap().iter().any(|field| {
            field["field_key"] == "contact.lifetime_value" && field["data_type"] == "MONETORY"
        })
    );
    assert_eq!(served.post("/api/sync/trigger", &json!({})).0, 422, "nothing is chosen yet");
    let choice =
        json!({"ghl_smart_list_id": "all", "ghl_ltv_field_name": "Lifetime Value", "sync_enabled": true});
    let (status, saved) = served.post("/api/config", &choice);
    assert_eq!((status, &saved["ghl_ltv_field_name"]), (200, &json!("contact.lifetime_value")), "{saved}");
    let (status, begun) = served.post("/api/sync/trigger", &json!({"accept_smaller_list": false}));
    assert_eq!(status, 202, "{begun}");
    let id = begun["run_id"].as_i64().unwrap();
    // A success is told after it is recorded.
    served.wait_for("the run has told how it ended", || {
        let steps = &served.get(&format!("/api/sync/{id}"))["steps"];
        steps
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["name"] == "notify" && step["completed_at"] != Value::Null)
    });

    let run = served.get(&format!("/api/sync/{id}"));
    let expected = instance.sandbox.expectations();
    assert_eq!((&run["status"], &run["trigger"]), (&json!("success"), &json!("manual")), "{run}");
    let account = &run["accounting"];
    for (name, count) in [
        ("fetched", expected.fetched),
        ("sent", expected.sent),
        ("excluded_opted_out", expected.opted_out),
        ("skipped_no_ltv", expected.no_ltv),
        ("rejected_bad_ltv", expected.bad_ltv),
        ("skipped_no_identifier", expected.no_identifier),
        ("merged", expected.merged),
    ] {
        assert_eq!(account[name], count, "{name}");
    }
    for zero in ["duplicates", "suppressed", "below_ltv_min", "refused_by_meta"] {
        assert_eq!(account[zero], 0, "{zero}");
    }
    let audience = &instance.audiences("CUSTOM")[0];
    assert_eq!((&run["meta_audience_id"], &run["meta_audience_name"]), (&audience["id"], &audience["name"]));
    assert_eq!(run["contacts_processed"], expected.fetched);
    assert_eq!(run["contacts_matched"], audience["matched"]);
    let lookalike = &instance.audiences("LOOKALIKE")[0];
    assert_eq!((&run["meta_lookalike_id"], &run["lookalike_status"]), (&lookalike["id"], &json!("created")));
    let stats = &run["normalization_stats"];
    assert_eq!(
        (&stats["min"], &stats["max"], &stats["median"]),
        (&json!("0.00"), &json!("6552.70"), &json!("43.06"))
    );
    let counts: u64 =
        stats["distribution"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((counts, stats["distribution"].as_array().unwrap().len()), (2357, 10));
    assert_eq!(run["sample"].as_array().unwrap().len(), 10);
    assert_eq!(run["sample"][0]["normalized_value"], 100);
    assert_eq!(run["steps"].as_array().unwrap().len(), 10);
    assert_eq!(run["changes"], Value::Null, "there is no earlier success");
    let history = served.get("/api/sync/history?page=1");
    assert_eq!(
        (&history["total"], &history["pages"], &history["items"][0]["id"]),
        (&json!(1), &json!(1), &json!(id))
    );
    let status = served.get("/api/sync/status");
    assert_eq!((&status["last_success"]["id"], &status["run"]), (&json!(id), &Value::Null));
    assert!(status["next_run_at"].as_str().is_some_and(|at| at.ends_with("T02:00:00Z")), "{status}");
    assert_eq!(served.post("/api/email/test", &json!({})).0, 200);
    assert_eq!(served.terminate(), Some(0));
}

fn one_run_at_a_time_and_it_can_be_cancelled(database: Database) {
    let mut instance = Instance::start().with_database(database);
    let mut fault = Fault::new(Service::Claude, Effect::Hang { millis: 4_000 });
    fault.times = 100;
    instance.sandbox.faults().add(fault);
    let served = Served::start(&mut instance);
    let (_, begun) = served.post("/api/sync/trigger", &json!({}));
    let id = begun["run_id"].as_i64().unwrap();
    let (status, refused) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!((status, &refused["run_id"]), (409, &json!(id)), "{refused}");
    served.wait_for("Claude is asked", || instance.sandbox.record().count(Service::Claude) > 0);
    instance.sandbox.faults().clear();
    assert_eq!(served.post(&format!("/api/sync/{id}/cancel"), &json!({})).0, 202);
    served.wait_for("the run ends", || served.get("/api/sync/status")["running"] == false);
    assert_eq!(served.get(&format!("/api/sync/{id}"))["status"], "cancelled");
    let log = instance.log();
    let stopped = log.lines().find(|line| line.contains("the run was stopped at step "));
    assert!(stopped.is_some_and(|line| line.contains("INFO")) && !log.contains("the run failed"), "{log}");
    instance.assert_meta_is_untouched();
    assert_eq!(served.terminate(), Some(0));
}

fn an_existing_audience_is_listed_and_chosen(database: Database) {
    let mut instance = Instance::start().with_database(database);
    let served = Served::start(&mut instance);
    assert_eq!(served.get("/api/audiences"), json!({"audiences": []}));
    instance.sync(&[]).expect(0);
    let [seed] = &instance.audiences("CUSTOM")[..] else { panic!("one audience was made") };
    let listed = json!({"audiences": [{"id": seed["id"], "name": seed["name"]}]});
    assert_eq!(served.get("/api/audiences?refresh=true"), listed, "the lookalike is no choice");
    let html = served.page("/settings");
    let (id, name) = (seed["id"].as_str().unwrap(), seed["name"].as_str().unwrap());
    assert!(html.contains(&format!("<option value=\"{id}\">{name} ({id})</option>")), "{html}");

    instance.sandbox.stop(Service::Meta);
    let (status, refused) = served.send(Method::Get, "/api/audiences?refresh=true", None).unwrap();
    assert_eq!((status, &refused["code"]), (502, &json!("service")), "{refused}");
}

on_both_databases!(
    an_empty_instance_is_configured_run_and_read_back_through_http,
    one_run_at_a_time_and_it_can_be_cancelled,
    an_existing_audience_is_listed_and_chosen,
    saved_settings_win_over_the_environment,
);

#[test]
fn without_keys_the_service_starts_and_says_what_is_missing() {
    let mut instance = empty(Database::Sqlite);
    instance.unset("META_ACCESS_TOKEN").unset("CLAUDE_API_KEY");
    let served = Served::start(&mut instance);
    let (status, refused) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 422);
    for name in ["META_ACCESS_TOKEN", "CLAUDE_API_KEY"] {
        assert!(refused["detail"].as_str().unwrap().contains(name), "{refused}");
    }
}

#[test]
fn the_terminal_names_the_next_sync_only_when_one_can_come() {
    let next_sync = |change: fn(&mut Instance)| {
        let mut instance = Instance::start();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        change(instance.set("WEB_PORT", &port.to_string()));
        let mut child =
            instance.program("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let told = lines.find(|line| line.starts_with("Next sync: ")).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        told
    };
    let told = next_sync(|_| {});
    assert!(told.ends_with(" 02:00 (UTC)"), "{told}");
    for change in [
        (|instance| {
            instance.unset("META_ACCESS_TOKEN");
        }) as fn(&mut Instance),
        |instance| {
            instance.unset("GHL_SMART_LIST_ID");
        },
    ] {
        let told = next_sync(change);
        assert!(told.starts_with("Next sync: none, the setup is not complete"), "{told}");
    }
}

#[test]
fn the_healthcheck_follows_the_service_also_behind_a_password() {
    let mut instance = Instance::start();
    instance.set("WEB_PASSWORD", "correct horse");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    instance.set("WEB_PORT", &port.to_string());
    run(instance.program("healthcheck")).expect(1).names(&["does not answer"]);
    let mut child = instance.program("serve").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while run(instance.program("healthcheck")).code != Some(0) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the service never became ready");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn migrate_prints_the_version_and_malformed_settings_end_every_command_with_status_two() {
    let mut instance = Instance::start();
    let outcome = run(instance.program("migrate")).expect(0);
    assert!(outcome.stdout.contains("is at version"), "{}", outcome.stdout);
    instance.set("WEB_PORT", "seventy");
    for command in ["serve", "sync", "migrate", "healthcheck"] {
        run(instance.program(command)).expect(2).names(&["WEB_PORT"]);
    }
}

#[test]
fn a_slot_missed_while_the_machine_was_off_is_made_up_at_the_next_start() {
    let mut instance = Instance::start();
    let now = SystemClock.now();
    instance.store().schedule_set_last_seen(now - TimeDelta::hours(1)).unwrap();
    let missed = now - TimeDelta::minutes(30);
    instance.set("SYNC_SCHEDULE_CRON", &format!("{} {} * * *", missed.minute(), missed.hour()));
    let served = Served::start(&mut instance);
    served.wait_for("the missed slot is made up", || {
        served.get("/api/sync/status")["last_success"] != Value::Null
    });
    let run = instance.last_run();
    assert_eq!(run.trigger.as_str(), "made_up");
    assert!(run.scheduled_for.is_some_and(|slot| slot < run.started_at));
    assert_eq!(served.terminate(), Some(0));
    let mails = instance.sandbox.mails().all();
    let slot = format!("at {} {}:00 (UTC)", missed.format("%Y-%m-%d"), missed.format("%H:%M"));
    let told = format!("This sync was made up: the service was not running {slot}, when it was due.");
    assert!(mails[0].text.as_ref().unwrap().contains(&told), "{told} in {:?}", mails[0].text);
    // A second start finds nothing to make up.
    let served = Served::start(&mut instance);
    assert_eq!(served.get("/api/sync/history")["total"], 1);
    assert_eq!(served.terminate(), Some(0));
}

#[test]
fn a_schedule_saved_on_the_settings_page_is_shown_at_once_and_followed_without_a_restart() {
    let mut instance = Instance::start();
    instance.set("NORMALIZER", "local").set("TZ", "Asia/Kolkata").set("SYNC_SCHEDULE_CRON", "0 2 30 2 *");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    instance.set("WEB_PORT", &port.to_string());
    // The thirtieth of February is refused when the service starts.
    run(instance.program("serve")).expect(2).names(&["SYNC_SCHEDULE_CRON"]);
    instance.set("SYNC_SCHEDULE_CRON", "30 2 * * 7");
    let served = Served::start(&mut instance);
    let next = || served.get("/api/sync/status")["next_run_at"].as_str().unwrap().to_owned();
    assert!(next().ends_with("T21:00:00Z"), "half past two in India: {}", next());
    let page = format!("datetime=\"{}\"", next());
    assert!(served.page("/").contains(&page) && served.page("/settings").contains(&page));

    let (status, answer) = served.submit("/settings", "/settings", &[("SYNC_SCHEDULE_CRON", "* * * * *")]);
    assert_eq!(status, 303, "{answer}");
    let minute = SystemClock.now() + TimeDelta::seconds(61);
    assert!(next() <= minute.to_rfc3339(), "{} is in the next minute", next());
    // Its minute begins within sixty seconds, and then it runs.
    let begun = Instant::now();
    while served.get("/api/sync/status")["last_success"] == Value::Null {
        assert!(begun.elapsed() < Duration::from_secs(120), "{}", instance.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(served.get("/api/sync/status")["last_success"]["trigger"], "scheduled");
}

fn saved_settings_win_over_the_environment(database: Database) {
    let mut instance = Instance::start().with_database(database);
    instance.set("AUDIENCE_PREFIX", "From-Environment");
    let change = |value: Option<&str>| [("AUDIENCE_PREFIX".to_owned(), value.map(str::to_owned))];
    instance.store().settings_change(&change(Some("Saved-Here"))).unwrap();
    instance.sync(&[]).expect(0);
    assert!(instance.last_run().audience.unwrap().name.starts_with("Saved-Here-"));
    instance.store().settings_change(&change(None)).unwrap();
    instance.sync(&[]).expect(0);
    assert!(instance.last_run().audience.unwrap().name.starts_with("From-Environment-"));
}

#[test]
fn a_saved_value_that_an_earlier_version_took_does_not_keep_the_service_from_starting() {
    let mut instance = Instance::start();
    let saved = [("AUDIENCE_PREFIX", "High-Income"), ("INSTANCE_NAME", "Acme")];
    let saved = saved.map(|(name, value)| (name.to_owned(), Some(value.to_owned())));
    instance.store().settings_change(&saved).unwrap();
    let served = Served::start(&mut instance);
    let html = served.page("/settings");
    assert!(html.contains("name=\"AUDIENCE_PREFIX\" value=\"GHL-HighValue\""), "{html}");
    assert!(html.contains("<span class=\"instance\">Acme</span>"), "{html}");
    let told =
        "the value of AUDIENCE_PREFIX saved on the settings page is left out: it must not contain `income`";
    assert!(instance.log().contains(told), "{}", instance.log());
    assert_eq!(served.terminate(), Some(0));
}

#[test]
fn every_line_of_the_log_carries_run_and_request() {
    let mut instance = Instance::start();
    instance.sync(&[]).expect(0);
    let served = Served::start(&mut instance);
    served.get("/api/sync/status");
    assert_eq!(served.terminate(), Some(0));
    let log = instance.log();
    for line in log.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words.len() > 4 && words[0].ends_with('Z'), "{line}");
        assert!(words[2] == "-" || words[2].starts_with("run-"), "{line}");
        assert!(words[3] == "-" || words[3].starts_with("req-"), "{line}");
    }
    assert!(log.contains(" run-1 req-"), "calls to vendors carry both");
    assert!(log.contains(" -> 200"), "requests to the dashboard are logged");
    assert!(instance.folder().join("logs/app.log").is_file());
}

#[test]
fn what_is_missing_at_meta_stands_on_the_dashboard_before_the_first_run() {
    let mut instance =
        Instance::with(Contacts::default(), |settings| settings.meta.audience_terms_accepted = false);
    let served = Served::start(&mut instance);
    let link = format!(
        "https://business.facebook.com/ads/manage/customaudiences/tos/?act={}",
        instance.sandbox.credentials().meta_ad_account_id
    );
    let line = format!("<a href=\"{link}\" rel=\"noreferrer\">");
    served.wait_for("the terms are asked for", || served.page("/").contains(&line));
    let asked = instance.sandbox.record().count(Service::Meta);
    assert!(served.page("/").contains("Meta was checked at <time"));
    assert_eq!(instance.sandbox.record().count(Service::Meta), asked, "a page view makes no call");
}
