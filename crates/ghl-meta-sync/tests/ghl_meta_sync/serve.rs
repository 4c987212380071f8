//! The service as it runs for years: configured, triggered and read through HTTP only, on both databases.

use crate::instance::{Database, Instance, on_both_databases, run};
use chrono::{TimeDelta, Timelike};
use domain::{Clock, SystemClock};
use http_client::{Body, HeaderText, HttpClient, HttpSettings, Method, Request};
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `ghl-meta-sync serve`.
pub struct Served {
    child: Child,
    /// Its address, without a slash at the end.
    pub base: String,
    http: HttpClient,
}

impl Served {
    pub fn start(instance: &mut Instance) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_again(instance.set("WEB_PORT", &port.to_string()))
    }

    /// A file that can grow no further does not kill it, as a full disk would not.
    pub fn start_limited(instance: &mut Instance) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        instance.set("WEB_PORT", &port.to_string());
        Self::of(instance.through_shell("trap '' XFSZ; exec \"$0\" serve"), instance)
    }

    /// Where it was before.
    pub fn start_again(instance: &Instance) -> Self {
        Self::of(instance.program("serve"), instance)
    }

    fn of(mut command: Command, instance: &Instance) -> Self {
        let port = instance.value("WEB_PORT");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let http = HttpClient::new(HttpSettings {
            service: "Dashboard",
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            max_body_bytes: 16 << 20,
        });
        let served = Self { child, base: format!("http://127.0.0.1:{port}"), http };
        // Behind a password it answers those who have it.
        served.wait_for("the service is ready", || matches!(served.status("/readyz"), Some(200 | 401)));
        served
    }

    fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let reply = self
            .http
            .send(Request {
                method,
                url: format!("{}{path}", self.base),
                query: Vec::new(),
                headers: vec![("accept", HeaderText::Plain("application/json".to_owned()))],
                body: if body.is_some() { Body::Json(&bytes) } else { Body::None },
            })
            .ok()?;
        Some((reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null)))
    }

    /// Opens the page as a browser does, fills in its form for `action` and sends it; status and page of the answer.
    pub fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let mut opened = agent.get(format!("{}{page}", self.base)).call().unwrap();
        let cookies = opened.headers().get_all("set-cookie").iter();
        let cookies: Vec<String> =
            cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
        let html = opened.body_mut().read_to_string().unwrap();
        assert!(html.contains(&format!("action=\"{action}\"")), "no form for {action} in {html}");
        let token = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = fields.iter().copied().chain([("csrf", token)]);
        let request = agent
            .post(format!("{}{action}", self.base))
            .header("Cookie", cookies.join("; "))
            .header("Origin", &self.base)
            .header("Sec-Fetch-Site", "same-origin");
        let mut answer = request.send_form(fields).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    pub fn page(&self, path: &str) -> String {
        let url = format!("{}{path}", self.base);
        let page =
            Request { method: Method::Get, url, query: Vec::new(), headers: Vec::new(), body: Body::None };
        let reply = self.http.send(page).unwrap();
        assert_eq!(reply.status, 200, "{path}");
        String::from_utf8(reply.body).unwrap()
    }

    /// Status and body of an answer that need not be a good one.
    pub fn answer(&self, path: &str) -> (u16, Value) {
        self.send(Method::Get, path, None).unwrap()
    }

    /// Status and text of a page that need not be a good one.
    pub fn any_page(&self, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.base);
        let page =
            Request { method: Method::Get, url, query: Vec::new(), headers: Vec::new(), body: Body::None };
        let reply = self.http.send(page).unwrap();
        (reply.status, String::from_utf8(reply.body).unwrap())
    }

    fn status(&self, path: &str) -> Option<u16> {
        self.send(Method::Get, path, None).map(|(status, _)| status)
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::Get, path, None).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(Method::Post, path, Some(body)).unwrap()
    }

    pub fn wait_for(&self, what: &str, reached: impl Fn() -> bool) {
        let begun = Instant::now();
        while !reached() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}: never");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The id of the process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process to end, as Docker does.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "Docker would have killed it");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
