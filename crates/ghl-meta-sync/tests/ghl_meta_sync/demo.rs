//! The command that newcomers run first.

use crate::instance::{Outcome, binary, run};
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
