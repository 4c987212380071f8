//! What Prometheus reads of a running service, and the rules that rest on it.

use crate::instance::{Database, Instance, on_both_databases};
use crate::serve::Served;
use prometheus_parse::{Scrape, Value as Sample};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use yaml_rust2::{Yaml, YamlLoader};

const PAGE: &str = include_str!("../../../../docs/monitoring.md");
const RULES: &str = include_str!("../../../../docs/alerts.yml");

on_both_databases!(the_figures_are_those_of_the_run);

fn scraped(text: &str) -> Scrape {
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    Scrape::parse(text.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

/// The value of the one figure with this name and these labels.
fn figure(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut found = scrape.samples.iter().filter(|sample| {
        sample.metric == name && labels.iter().all(|(key, value)| sample.labels.get(key) == Some(value))
    });
    let value = found.next().map(|sample| match sample.value {
        Sample::Counter(value) | Sample::Gauge(value) | Sample::Untyped(value) => value,
        ref other => panic!("{name} is {other:?}"),
    });
    assert!(found.next().is_none(), "{name} {labels:?} stands twice");
    value
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name = |word: &&str| {
        word.starts_with("ghl_meta_sync_")
            || ["process_resident", "process_threads", "process_open"]
                .iter()
                .any(|begin| word.starts_with(begin))
    };
    words.filter(is_name).map(str::to_owned).collect()
}

fn the_figures_are_those_of_the_run(database: Database) {
    let mut instance = Instance::start().with_database(database);
    let too_many = Effect::Status {
        status: 429,
        body: r#"{"statusCode":429,"message":"Too Many Requests"}"#.to_owned(),
        headers: vec![("X-RateLimit-Interval-Milliseconds".to_owned(), "1000".to_owned())],
    };
    instance.sandbox.faults().add(Fault::new(Service::Ghl, too_many).on_path("/contacts/search").times(1));
    let served = Served::start(&mut instance);
    let before = scraped(&served.page("/metrics"));
    for absent in [
        "ghl_meta_sync_last_run_contacts_read",
        "ghl_meta_sync_last_success_age_seconds",
        "ghl_meta_sync_last_run_duration_seconds",
    ] {
        assert_eq!(figure(&before, absent, &[]), None, "{absent} is not known before the first run");
    }
    let id = served.post("/api/sync/trigger", &json!({})).1["run_id"].as_i64().unwrap();
    served.wait_for("the run has told how it ended", || {
        let steps = served.get(&format!("/api/sync/{id}"))["steps"].clone();
        let is_told = |step: &Value| step["name"] == "notify" && step["completed_at"] != Value::Null;
        steps.as_array().unwrap().iter().any(is_told)
    });
    let run = served.get(&format!("/api/sync/{id}"));
    assert_eq!(run["status"], "success", "{run}");

    let text = served.page("/metrics");
    let scrape = scraped(&text);
    let of = |name: &str, labels: &[(&str, &str)]| {
        figure(&scrape, &format!("ghl_meta_sync_{name}"), labels)
            .unwrap_or_else(|| panic!("{name} {labels:?}\n{text}"))
    };
    for (status, count) in [("success", 1.0), ("failed", 0.0), ("running", 0.0), ("cancelled", 0.0)] {
        assert_eq!(of("runs", &[("status", status)]), count, "{status}");
    }
    assert_eq!(
        (of("last_run", &[("status", "success")]), of("last_run", &[("status", "failed")])),
        (1.0, 0.0)
    );
    let account = &run["accounting"];
    assert_eq!(of("last_run_contacts_read", &[]), account["fetched"].as_f64().unwrap());
    for (bucket, name) in [
        ("sent", "sent"),
        ("opted_out", "excluded_opted_out"),
        ("no_ltv", "skipped_no_ltv"),
        ("bad_ltv", "rejected_bad_ltv"),
        ("no_identifier", "skipped_no_identifier"),
        ("merged", "merged"),
        ("suppressed", "suppressed"),
    ] {
        assert_eq!(
            of("last_run_contacts", &[("bucket", bucket)]),
            account[name].as_f64().unwrap(),
            "{bucket}"
        );
    }
    let buckets = scrape.samples.iter().filter(|sample| sample.metric == "ghl_meta_sync_last_run_contacts");
    let sum: f64 = buckets
        .map(|sample| figure(&scrape, &sample.metric, &[("bucket", &sample.labels["bucket"])]).unwrap())
        .sum();
    assert_eq!(sum, account["fetched"].as_f64().unwrap(), "the buckets add up");

    let seconds = |at: &Value| {
        let at: chrono::DateTime<chrono::Utc> = at.as_str().unwrap().parse().unwrap();
        (at - chrono::DateTime::UNIX_EPOCH).as_seconds_f64()
    };
    let same = |told: f64, known: f64| assert!((told - known).abs() < 0.01, "{told} {known}");
    let (begun, ended) = (seconds(&run["started_at"]), seconds(&run["completed_at"]));
    same(of("last_run_duration_seconds", &[]), ended - begun);
    for name in ["last_run_timestamp_seconds", "last_success_timestamp_seconds"] {
        same(of(name, &[]), ended);
    }
    assert!((0.0..600.0).contains(&of("last_success_age_seconds", &[])));
    for step in run["steps"].as_array().unwrap() {
        let told = of("last_run_step_duration_seconds", &[("step", step["name"].as_str().unwrap())]);
        same(told, seconds(&step["completed_at"]) - seconds(&step["started_at"]));
    }
    same(of("next_run_timestamp_seconds", &[]), seconds(&served.get("/api/sync/status")["next_run_at"]));
    for nothing in ["lookalikes_pending", "messages_waiting", "removals_waiting"] {
        assert_eq!(of(nothing, &[]), 0.0, "{nothing}");
    }
    for part in ["schedule", "upkeep"] {
        assert_eq!(of("scheduler_alive", &[("part", part)]), 1.0, "{part}");
    }
    // The sandbox counts on its own what it was asked, so the follow-up of the lookalike is waited for.
    let calls = |scrape: &Scrape, service: &str| -> f64 {
        let name = "ghl_meta_sync_api_calls_total";
        let of_service = |sample: &&prometheus_parse::Sample| {
            sample.metric == name && sample.labels.get("service") == Some(service)
        };
        let classes = scrape.samples.iter().filter(of_service).map(|sample| &sample.labels["class"]);
        classes.map(|class| figure(scrape, name, &[("service", service), ("class", class)]).unwrap()).sum()
    };
    for (name, service) in
        [("GoHighLevel", Service::Ghl), ("Meta", Service::Meta), ("Claude", Service::Claude)]
    {
        served.wait_for("every call is counted", || {
            let asked = instance.sandbox.record().count(service);
            let told = calls(&scraped(&served.page("/metrics")), name);
            told > 0.0 && told == asked as f64 && instance.sandbox.record().count(service) == asked
        });
    }
    assert_eq!(of("api_calls_total", &[("service", "GoHighLevel"), ("class", "429")]), 1.0);
    assert!(of("rate_limit_waits_total", &[("service", "GoHighLevel")]) >= 1.0);
    assert!(of("rate_limit_wait_seconds_total", &[("service", "GoHighLevel")]) >= 1.0);
    assert_eq!(of("build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    let schema = served.get("/readyz")["schema_version"].as_str().unwrap().to_owned();
    assert_eq!(of("schema_info", &[("version", &schema)]), 1.0);
    assert!(figure(&scrape, "process_resident_memory_bytes", &[]).unwrap() > 1e6);
    assert!(figure(&scrape, "process_threads", &[]).unwrap() >= 3.0);

    let told: BTreeSet<String> = scrape.samples.iter().map(|sample| sample.metric.clone()).collect();
    assert_eq!(names(PAGE), told, "docs/monitoring.md names every metric and no other");
    assert!(names(RULES).is_subset(&told), "{:?}", names(RULES));
    only_words_of_ours(&scrape);
    assert_eq!(served.terminate(), Some(0));
}

/// Every label is one of few words, whatever contacts, lists and vendors say.
fn only_words_of_ours(scrape: &Scrape) {
    for sample in &scrape.samples {
        for (label, value) in sample.labels.iter() {
            let known = ["version", "status", "step", "bucket", "part", "service", "class"];
            assert!(known.contains(&label.as_str()), "{label}");
            let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
            assert!(plain && value.len() <= 40, "{label}={value}");
        }
    }
}

#[test]
fn the_rules_have_the_shape_that_prometheus_reads() {
    let rules = YamlLoader::load_from_str(RULES).unwrap();
    let [rules] = &rules[..] else { panic!("one document") };
    let text = |yaml: &Yaml| yaml.as_str().map(str::to_owned);
    let mut alerts = BTreeSet::new();
    for group in rules["groups"].as_vec().unwrap() {
        assert!(text(&group["name"]).is_some());
        for rule in group["rules"].as_vec().unwrap() {
            let alert = text(&rule["alert"]).unwrap();
            let expression = text(&rule["expr"]).unwrap();
            let balanced = |open: char, close: char| {
                expression.matches(open).count() == expression.matches(close).count()
            };
            assert!(balanced('(', ')') && balanced('{', '}') && balanced('[', ']'), "{expression}");
            assert!(expression.contains("ghl_meta_sync_") || expression.starts_with("up{"), "{expression}");
            if let Some(time) = rule["for"].as_str() {
                let (number, unit) = time.split_at(time.len() - 1);
                assert!(number.parse::<u32>().is_ok() && ["m", "h"].contains(&unit), "{time}");
            }
            assert!(["critical", "warning"].contains(&text(&rule["labels"]["severity"]).unwrap().as_str()));
            for note in ["summary", "description"] {
                assert!(text(&rule["annotations"][note]).unwrap().ends_with('.'), "{alert}");
            }
            let known = ["alert", "expr", "for", "labels", "annotations"];
            let keys: Vec<_> = rule.as_hash().unwrap().keys().map(|key| text(key).unwrap()).collect();
            assert!(keys.iter().all(|key| known.contains(&key.as_str())), "{keys:?}");
            assert!(alerts.insert(alert));
        }
    }
    assert!(alerts.len() >= 6, "{alerts:?}");
    let example = PAGE.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let [example] = &YamlLoader::load_from_str(example).unwrap()[..] else { panic!("one document") };
    let scrape = &example["scrape_configs"].as_vec().unwrap()[0];
    assert_eq!(scrape["basic_auth"]["username"].as_str(), Some("prometheus"));
    assert_eq!(scrape["job_name"].as_str(), Some("ghl-meta-sync"), "as in the rule about `up`");
}
