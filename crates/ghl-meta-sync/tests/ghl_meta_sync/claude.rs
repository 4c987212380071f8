//! Every answer and error of Claude's in the middle of a run: how often it is asked, what the run comes to, what reaches
//! Meta, and what the run, its page and its e-mail tell.

mod cases;

use crate::account::{header, row};
use crate::instance::{Instance, run};
use crate::meta_errors::{collapse, escaped, without_tags};
use crate::serve::Served;
use cases::{Case, Does, NEEDED, Outcome, REQUEST_ID, cases};
use domain::run::RunStatus;
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// People with values of their own, so that every rank from 0 to 100 has a row.
const PEOPLE: u32 = 150;

fn instance(model: &str) -> Instance {
    let mut csv = header();
    (0..PEOPLE).for_each(|number| {
        csv.push_str(&row(number, &format!("{number}.00"), &format!("{number}.00"), "ok"));
    });
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {});
    // So many that no run cleans up what an earlier case made.
    instance.set("CLAUDE_MODEL", model).set("LOG_LEVEL", "INFO").set("AUDIENCE_KEEP", "100");
    instance
}

/// What a run came to: its JSON, its page and its e-mail.
struct Told {
    run: Value,
    page: String,
    subject: String,
    text: String,
    html: String,
    /// The calls that asked for ranks.
    questions: usize,
}

fn run_case(served: &Served, instance: &Instance, case: &Case) -> Told {
    let sandbox = &instance.sandbox;
    sandbox.faults().clear();
    sandbox.mails().clear();
    sandbox.record().clear();
    let mode = match &case.does {
        Does::AnswersOnce(mode) => json!({"mode": mode}),
        Does::Answers(mode) => json!({"mode": mode, "always": true}),
        Does::Fails(faults) => {
            faults.iter().for_each(|fault| sandbox.faults().add(fault.clone()));
            json!({"mode": "good"})
        }
    };
    instance.tell("/control/claude/mode", &mode);
    let (status, begun) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 202, "{}: {begun}", case.name);
    let id = begun["run_id"].as_i64().unwrap();
    served.wait_for("the run has ended", || {
        served.get(&format!("/api/sync/{id}"))["status"] != "running" && sandbox.mails().all().len() == 1
    });
    let mail = sandbox.mails().all().remove(0);
    let asked = sandbox.record().entries(Service::Claude);
    Told {
        run: served.get(&format!("/api/sync/{id}")),
        page: served.page(&format!("/sync/{id}")),
        subject: mail.subject.clone(),
        text: mail.text.clone().unwrap(),
        html: mail.html.clone().unwrap(),
        questions: asked.iter().filter(|call| call.method == "POST").count(),
    }
}

/// The run, its page and both forms of its e-mail say the same of a fact.
fn assert_fact(case: &Case, told: &Told, label: &str, text: &str) {
    let name = case.name;
    let line = collapse(&format!("- {label}: {text}"));
    assert!(collapse(&told.text).contains(&line), "{name}: the e-mail lacks `{line}`:\n{}", told.text);
    let html = collapse(&without_tags(&told.html));
    let line = collapse(&escaped(&format!("{label}: {text}")));
    assert!(html.contains(&line), "{name}: the HTML lacks `{line}`:\n{html}");
    let entry = format!("<dt>{}</dt><dd>{}</dd>", escaped(label), escaped(text));
    assert!(told.page.contains(&entry), "{name}: the page lacks `{entry}`:\n{}", told.page);
}

/// Model, tokens, cost, request ids, retries, deviation and note, as far as there are any.
fn assert_ranking(case: &Case, told: &Told) {
    let (name, ranking) = (case.name, &told.run["ranking"]);
    let number = |field: &str| ranking[field].as_u64().unwrap();
    let corrections = number("corrections");
    assert_eq!(ranking["normalizer"], "claude", "{name}");
    assert_eq!(
        number("retries") + corrections + 1,
        case.questions as u64,
        "{name}: every question is accounted for"
    );
    assert_fact(case, told, "Calls repeated", &number("retries").to_string());
    assert_fact(case, told, "Answers sent back for correction", &corrections.to_string());
    if let Some(deviation) = ranking["max_deviation"].as_u64() {
        assert_fact(case, told, "Largest deviation from the exact rank", &deviation.to_string());
    }
    let ids: Vec<&str> =
        ranking["request_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    for id in &ids {
        assert!(id.starts_with("req_") && id.len() >= 20 && !id.contains('*'), "{name}: {id}");
    }
    if !ids.is_empty() {
        assert_fact(case, told, "Request ids", &ids.join(", "));
    }
    let problems: Vec<&str> =
        ranking["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap()).collect();
    assert_eq!(problems.is_empty(), corrections == 0, "{name}");
    if !problems.is_empty() {
        assert_fact(case, told, "What the check refused", &problems.join("; "));
    }
    let (read, written) = (number("input_tokens"), number("output_tokens"));
    if read > 0 {
        let model = ranking["model"].as_str().unwrap();
        assert_eq!(model, case.model, "{name}");
        assert!(told.page.contains(&format!("Claude ({model}), ")), "{name}");
        // Dollars per million tokens of the models that answer here.
        let (reading, writing) = match model {
            "claude-sonnet-5-5" => (2, 10),
            "claude-sonnet-4-5" => (3, 15),
            "claude-haiku-4-5" => (1, 5),
            other => panic!("what does {other} cost?"),
        };
        let micros = read * reading + written * writing;
        let cost = ranking["cost_usd"].as_str().unwrap();
        let told_micros = format!("{:0<8}", cost.replace("0.", "")).get(..6).unwrap().parse::<u64>().unwrap();
        assert_eq!(told_micros, micros, "{name}: {read} and {written} tokens cost {cost}");
        let day = ranking["prices_of"].as_str().unwrap();
        assert_fact(case, told, "Cost at list price", &format!("${cost} (prices of {day})"));
        assert_fact(case, told, "Tokens", &format!("{} read, {} written", grouped(read), grouped(written)));
    } else {
        assert_eq!((&ranking["cost_usd"], &ranking["model"]), (&Value::Null, &Value::Null), "{name}");
    }
    if let Some(note) = ranking["note"].as_str() {
        assert_fact(case, told, "Claude's remark", note);
    }
}

fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}

fn check(case: &Case, told: &Told, instance: &Instance) {
    let (name, run) = (case.name, &told.run);
    assert_eq!(told.questions, case.questions, "{name}: {run}");
    assert_ranking(case, told);
    match case.outcome {
        Outcome::Success { corrections, deviation, warning } => {
            assert_eq!(run["status"], "success", "{name}: {run}");
            assert!(told.subject.contains("Successful"), "{name}: {}", told.subject);
            assert_eq!(run["accounting"]["sent"], PEOPLE, "{name}");
            let ranking = &run["ranking"];
            assert_eq!(
                (&ranking["corrections"], &ranking["max_deviation"]),
                (&json!(corrections), &json!(deviation)),
                "{name}"
            );
            assert!(ranking["note"].as_str().is_some() || name == "good as bare array", "{name}");
            let warnings: Vec<&str> = warning.into_iter().collect();
            assert_eq!(ranking["warnings"], json!(warnings), "{name}");
            for warning in warnings {
                assert!(told.text.contains(warning) && told.page.contains(warning), "{name}");
            }
            // Meta has everybody, with the exact value.
            let seen = instance.verification(run["meta_audience_id"].as_str().unwrap());
            assert_eq!(
                (&seen["distinct_persons"], &seen["missing_count"]),
                (&json!(PEOPLE), &json!(0)),
                "{name}: {seen}"
            );
            assert_eq!(seen["wrong_value_count"], 0, "{name}: {seen}");
        }
        Outcome::Failure { sentence, remedy, code } => {
            assert_eq!(
                (&run["status"], &run["failed_step"]),
                (&json!("failed"), &json!("normalize")),
                "{name}"
            );
            assert!(told.subject.contains("Failed"), "{name}: {}", told.subject);
            let said = |field: &str| run[field].as_str().unwrap_or_default().to_owned();
            assert!(said("error_message").contains(sentence), "{name}: {}", said("error_message"));
            assert!(said("error_remedy").contains(remedy), "{name}: {}", said("error_remedy"));
            if let Some(code) = code {
                assert!(said("provider_code").starts_with(code), "{name}: {}", said("provider_code"));
            }
            let (page, html) = (collapse(&without_tags(&told.page)), collapse(&without_tags(&told.html)));
            for field in ["error_message", "error_remedy", "provider_code", "trace_id"] {
                let words = collapse(&said(field));
                assert!(
                    collapse(&told.text).contains(&words),
                    "{name}: the e-mail lacks `{words}`:\n{}",
                    told.text
                );
                for (place, html) in [("page", &page), ("HTML", &html)] {
                    assert!(html.contains(&escaped(&words)), "{name}: the {place} lacks `{words}`:\n{html}");
                }
            }
            if run["ranking"]["request_ids"] != json!([]) && said("provider_code") != "authentication_error" {
                assert!(
                    said("trace_id").contains("req_") && !said("trace_id").contains('*'),
                    "{name}: {run}"
                );
            }
            assert_nothing_at_meta(name, instance);
        }
    }
    for hostile in ["<script>alert", "<b>", "everybody\r\n"] {
        assert!(
            !told.page.contains(hostile) && !told.html.contains(hostile),
            "{name}: {hostile} is not escaped"
        );
    }
}

/// Meta may be read from, but was never told anything.
fn assert_nothing_at_meta(name: &str, instance: &Instance) {
    let told: Vec<String> = instance
        .sandbox
        .record()
        .entries(Service::Meta)
        .into_iter()
        .filter(|call| call.method != "GET")
        .map(|call| format!("{} {}", call.method, call.path))
        .collect();
    assert!(told.is_empty(), "{name}: Meta received {told:?}");
}

/// Runs one sync per case, with one installation per model.
fn each(wanted: fn(&Case) -> bool) {
    let cases: Vec<Case> = cases().into_iter().filter(wanted).collect();
    assert!(!cases.is_empty(), "the table has no such case");
    let models: BTreeSet<&str> = cases.iter().map(|case| case.model).collect();
    for model in models {
        let mut instance = instance(model);
        let served = Served::start(&mut instance);
        let api = served.get("/api/openapi.json");
        let documented = api["components"]["schemas"]["Ranking"]["properties"].as_object().unwrap().clone();
        for case in cases.iter().filter(|case| case.model == model) {
            let told = run_case(&served, &instance, case);
            let fields: BTreeSet<&String> = told.run["ranking"].as_object().unwrap().keys().collect();
            assert_eq!(fields, documented.keys().collect(), "{}: the API's description", case.name);
            check(case, &told, &instance);
        }
        if cases.iter().all(|case| !case.succeeds()) {
            instance.assert_meta_is_untouched();
        }
    }
}

/// One test per group of cases, and the list of all groups.
macro_rules! groups {
    ($($name:ident: $wanted:expr,)+) => {
        $(#[test] fn $name() { each($wanted); })+
        const GROUPS: &[(&str, fn(&Case) -> bool)] = &[$((stringify!($name), $wanted),)+];
    };
}

fn is_default(case: &Case) -> bool {
    case.model == claude::DEFAULT_MODEL
}

fn fails_by_faults(case: &Case) -> bool {
    matches!(case.does, Does::Fails(_))
}

groups!(
    right_answers_in_every_form_and_corrected_ones_send_everybody_with_the_exact_rank:
        |case| is_default(case) && case.succeeds() && !fails_by_faults(case),
    what_passes_is_asked_again_and_nobody_hears_of_it:
        |case| is_default(case) && case.succeeds() && fails_by_faults(case),
    answers_that_can_not_be_used_fail_the_run_before_meta:
        |case| is_default(case) && !case.succeeds() && !fails_by_faults(case),
    errors_that_stay_fail_the_run_before_meta_with_a_sentence_of_their_own:
        |case| is_default(case) && !case.succeeds() && fails_by_faults(case),
    models_that_need_something_else_or_end_are_handled: |case| !is_default(case),
);

#[test]
fn every_case_that_is_needed_is_in_the_table_and_every_case_of_the_table_is_run_once() {
    let names: BTreeSet<&str> = cases().iter().map(|case| case.name).collect();
    for needed in NEEDED {
        assert!(names.contains(needed), "the table has no case `{needed}`");
    }
    for case in cases() {
        let runs: Vec<&str> =
            GROUPS.iter().filter(|(_, wanted)| wanted(&case)).map(|(name, _)| *name).collect();
        assert_eq!(runs.len(), 1, "`{}` is run by {runs:?}", case.name);
    }
}

#[test]
fn a_failed_ranking_leaves_the_command_with_the_sentence_the_remedy_and_the_request_id() {
    let mut instance = instance("claude-sonnet-4-20250514");
    let gone = ["no longer available", "2026-06-15", "Set CLAUDE_MODEL=claude-sonnet-5-5"];
    instance.sync(&[]).expect(1).names(&gone).names(&["Rank values", "not_found_error", "req_"]);
    instance.assert_meta_is_untouched();
    assert_eq!(instance.last_run().status, RunStatus::Failed);

    let mut check = instance.program("check");
    check.arg("claude");
    let told = run(check).expect(1).stdout;
    for words in gone {
        assert!(told.contains(words), "{told}");
    }
    instance.set("CLAUDE_MODEL", claude::DEFAULT_MODEL).sync(&[]).expect(0);
}

/// A sync waits two minutes for an answer and asks three times; the check waits a quarter of a minute and asks once.
#[test]
fn a_timeout_is_told() {
    let instance = instance(claude::DEFAULT_MODEL);
    instance.sandbox.faults().add(Fault::new(Service::Claude, Effect::Hang { millis: 60_000 }).times(9));
    let mut check = instance.program("check");
    check.arg("claude");
    let told = run(check).expect(1).stdout;
    for words in ["Claude did not answer in time", "status.claude.com", "CLAUDE_BASE_URL"] {
        assert!(told.contains(words), "{told}");
    }
    assert_eq!(instance.sandbox.record().count(Service::Claude), 1);
}

#[test]
fn a_model_that_retired_after_this_program_was_made_names_its_day_and_a_successor() {
    let model = "claude-sonnet-5";
    let instance = instance(model);
    let known =
        json!({"type": "model", "id": model, "lifecycle": "retired", "retires_at": "2027-06-30T00:00:00Z"});
    let gone = json!({"type": "error", "error": {"type": "not_found_error", "message": format!("model: {model}")}, "request_id": REQUEST_ID});
    let reply = |status, body: &Value| Effect::Status { status, body: body.to_string(), headers: Vec::new() };
    let faults = instance.sandbox.faults();
    faults.add(Fault::new(Service::Claude, reply(404, &gone)).on_method("POST").times(9));
    faults.add(Fault::new(Service::Claude, reply(200, &known)).on_method("GET").times(9));
    let day = ["2027-06-30", "CLAUDE_MODEL=claude-sonnet-5-5", REQUEST_ID];
    instance.sync(&[]).expect(1).names(&day);
    instance.assert_meta_is_untouched();

    let mut check = instance.program("check");
    check.arg("claude");
    let told = run(check).expect(1).stdout;
    for words in ["is retired since 2027-06-30", "claude-sonnet-5-5"] {
        assert!(told.contains(words), "{told}");
    }
}
