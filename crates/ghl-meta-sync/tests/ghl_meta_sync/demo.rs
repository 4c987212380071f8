//! The command that newcomers run first.

use crate::instance::{Outcome, binary, run};
use serde_json::Value;
use std::process::Command;

fn demo(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(binary());
    command.arg("demo").args(arguments).env_clear();
    run(command)
}

#[test]
fn the_demo_confirms_every_figure_of_2357_real_customers() {
    let outcome = demo(&["--once"]).expect(0);
    for line in [
        "2357 contacts read",
        "Ranked by: Claude (claude-sonnet-5-5), every rank checked",
        "confirmed  expected people who arrived, by their SHA-256: 2319",
        "confirmed  people with a wrong percentile: 0",
        "confirmed  lookalikes: 1",
        "confirmed  e-mails about the success: 1",
        "Every figure above was confirmed",
    ] {
        assert!(outcome.stdout.contains(line), "`{line}` is missing in\n{}", outcome.stdout);
    }
    assert_eq!(outcome.stderr, "");
}

#[test]
fn generated_contacts_of_any_number_are_confirmed_too() {
    let outcome = demo(&["--once", "--contacts", "1234"]).expect(0);
    assert!(outcome.stdout.contains("1234 contacts read"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("Every figure above was confirmed"));
}

#[test]
fn the_demo_tells_what_each_step_cost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cost.json");
    let file_name = file.to_str().unwrap();
    let outcome = demo(&["--once", "--contacts", "1500", "--json-cost", file_name]).expect(0);
    let cost: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let steps = cost["steps"].as_array().unwrap();
    let named = |name: &str| {
        let is = |step: &&Value| step["name"].as_str().unwrap().split(", ").any(|one| one == name);
        steps.iter().find(is).unwrap_or_else(|| panic!("{name} is not in {cost}"))
    };
    for name in
        ["fetch", "read_ltv", "hash", "normalize", "create_audience", "upload", "wait", "lookalike", "save"]
    {
        assert!(outcome.stdout.contains(&format!("  {}", named(name)["name"].as_str().unwrap())), "{name}");
    }
    assert_eq!(named("fetch"), named("hash"), "they run at the same time");
    // An uploaded row has at least a hash of 64 characters.
    assert!(named("upload")["sent_bytes"].as_u64().unwrap() > 1400 * 64, "{cost}");
    assert_eq!(cost["contacts"], 1500);
    let total = |key: &str| cost["total"][key].as_f64();
    let sum = |key: &str| steps.iter().map(|step| step[key].as_f64().unwrap()).sum::<f64>();
    assert!(total("seconds").unwrap() >= sum("seconds") - 1e-6, "{cost}");
    assert!(total("sent_bytes").unwrap() >= sum("sent_bytes"), "{cost}");
    if cfg!(target_os = "linux") {
        assert!(
            total("cpu_seconds").unwrap() >= sum("cpu_seconds") - 1e-6 && sum("cpu_seconds") > 0.0,
            "{cost}"
        );
        assert!(steps.is_sorted_by_key(|step| step["peak_bytes"].as_u64().unwrap()), "{cost}");
        assert!(!outcome.stdout.contains("not known here"), "{}", outcome.stdout);
    }
    let simulators = "The simulators, a process of their own: ";
    assert!(outcome.stdout.contains(simulators), "{}", outcome.stdout);
}

#[test]
fn without_any_one_of_the_simulators_the_demo_fails_and_names_the_step() {
    for (service, step) in
        [("ghl", "fetch"), ("claude", "normalize"), ("meta", "create_audience"), ("smtp", "notify")]
    {
        let outcome = demo(&["--once", "--without", service]).expect(1);
        assert!(outcome.stderr.contains(&format!("({step})")), "{step} is not named:\n{}", outcome.stderr);
    }
}

#[test]
fn the_demo_ignores_the_environment() {
    let mut command = Command::new(binary());
    command.args(["demo", "--once", "--contacts", "300"]).env_clear();
    command.env("WEB_PORT", "nonsense").env("GHL_BASE_URL", "https://services.example.com");
    run(command).expect(0);
}
