//! Faults of the vendors in the middle of a run: lost replies, throttling, passing errors, wrong answers.

use crate::crash::questions;
use crate::instance::Instance;
use domain::run::{RunStatus, Step};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::json;

fn plant(instance: &Instance, service: Service, method: &str, path: &str, effect: Effect) {
    let mut fault = Fault::new(service, effect);
    (fault.method, fault.path_contains) = (Some(method.to_owned()), Some(path.to_owned()));
    instance.sandbox.faults().add(fault);
}

fn status(status: u16, body: &str) -> Effect {
    Effect::Status { status, body: body.to_owned(), headers: Vec::new() }
}

/// The run succeeded, everybody arrived once, and there is one audience and one lookalike.
fn assert_whole(instance: &Instance) {
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success);
    let audiences = instance.audiences("CUSTOM");
    assert_eq!(audiences.len(), 1);
    assert_eq!(audiences[0]["id"], run.audience.unwrap().id);
    let seen = instance.verification(audiences[0]["id"].as_str().unwrap());
    assert_eq!(seen["distinct_persons"], seen["expected"], "{seen}");
    assert_eq!((&seen["unexpected"], &seen["wrong_value_count"]), (&json!(0), &json!(0)), "{seen}");
    assert_eq!(instance.audiences("LOOKALIKE").len(), 1);
}

#[test]
fn a_lost_reply_to_the_creation_does_not_make_a_second_audience() {
    let instance = Instance::start();
    plant(&instance, Service::Meta, "POST", "/customaudiences", Effect::ResetAfterApply);
    instance.sync(&[]).expect(0);
    assert_whole(&instance);
}

#[test]
fn a_lost_reply_to_an_upload_is_sent_again_and_loses_nobody() {
    for effect in [Effect::ResetAfterApply, Effect::Reset, Effect::Truncate] {
        let instance = Instance::start();
        plant(&instance, Service::Meta, "POST", "/users", effect);
        instance.sync(&[]).expect(0);
        assert_whole(&instance);
    }
}

#[test]
fn a_lost_reply_to_the_lookalike_does_not_make_a_second_one() {
    let instance = Instance::start();
    let mut fault = Fault::new(Service::Meta, Effect::ResetAfterApply);
    fault.body_contains = Some("LOOKALIKE".to_owned());
    fault.path_contains = Some("/customaudiences".to_owned());
    fault.method = Some("POST".to_owned());
    instance.sandbox.faults().add(fault);
    instance.sync(&[]).expect(0);
    assert_whole(&instance);
}

#[test]
fn passing_errors_of_every_service_are_waited_out() {
    let instance = Instance::start();
    plant(&instance, Service::Ghl, "POST", "/contacts/search", status(503, "{}"));
    plant(&instance, Service::Ghl, "GET", "/customFields", Effect::Reset);
    plant(
        &instance,
        Service::Claude,
        "POST",
        "/v1/messages",
        status(529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#),
    );
    plant(
        &instance,
        Service::Meta,
        "POST",
        "/users",
        status(
            500,
            r#"{"error":{"message":"An unexpected error","code":2,"is_transient":true,"fbtrace_id":"A"}}"#,
        ),
    );
    plant(&instance, Service::Meta, "GET", "/sessions", Effect::Html { status: 502 });
    instance.sync(&[]).expect(0);
    assert_whole(&instance);
}

#[test]
fn an_error_that_is_not_passing_is_not_repeated_and_the_unfinished_audience_is_deleted() {
    let instance = Instance::start();
    let body = r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":1713230,"is_transient":false,"error_user_title":"Audience Upload Blocked","error_user_msg":"Resolve the restrictions.","fbtrace_id":"Trace123"}}"#;
    plant(&instance, Service::Meta, "POST", "/users", status(400, body));
    instance.sync(&[]).expect(1).names(&["Upload to Meta", "100/1713230", "Trace123"]);
    let run = instance.last_run();
    assert_eq!((run.status, run.accounting.sent), (RunStatus::Failed, 0));
    let uploads = instance.sandbox.record().entries(Service::Meta);
    assert_eq!(uploads.iter().filter(|entry| entry.path.contains("/users")).count(), 1);
    assert!(instance.audiences("CUSTOM").is_empty());
    assert!(instance.store().intentions_open().unwrap().is_empty());
}

#[test]
fn wrong_ranks_are_quoted_back_once_and_then_fail_the_run_before_meta() {
    let instance = Instance::start();
    instance.tell("/control/claude/mode", &json!({"mode": "reversed", "always": true}));
    instance.sync(&[]).expect(1).names(&["Rank values"]);
    assert_eq!(instance.last_run().failure.unwrap().step, Step::Normalize);
    assert_eq!(questions(&instance), 2, "one question, one correction");
    instance.assert_meta_is_untouched();
    assert_eq!(instance.sandbox.mails().all().len(), 1);
}

#[test]
fn a_wrong_answer_that_is_corrected_is_as_good_as_a_right_one() {
    let instance = Instance::start();
    instance.tell("/control/claude/mode", &json!({"mode": "off_by_two"}));
    instance.sync(&[]).expect(0);
    assert_whole(&instance);
    let ranking = instance.last_run().ranking.unwrap();
    assert_eq!((ranking.corrections, ranking.max_deviation), (1, Some(0)));
}

#[test]
fn rows_that_meta_calls_invalid_are_counted_as_refused() {
    let mut instance = Instance::start();
    let mut fault = Fault::new(
        Service::Meta,
        status(
            200,
            r#"{"audience_id":"1","session_id":"1","num_received":2319,"num_invalid_entries":4,"invalid_entry_samples":{}}"#,
        ),
    );
    (fault.method, fault.path_contains) = (Some("POST".to_owned()), Some("/users".to_owned()));
    instance.sandbox.faults().add(fault);
    instance.set("META_POLL_TIMEOUT_SECONDS", "1").sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!((run.accounting.refused_by_meta, run.accounting.sent), (4, 2315));
    assert_eq!(run.accounting.check(), Ok(()));
}

#[test]
fn rows_that_meta_lost_are_sent_again_and_fail_the_run_when_they_are_lost_again() {
    let instance = Instance::start();
    let mut fault = Fault::new(
        Service::Meta,
        status(
            200,
            r#"{"audience_id":"1","session_id":"1","num_received":2300,"num_invalid_entries":0,"invalid_entry_samples":[]}"#,
        ),
    );
    (fault.method, fault.path_contains) = (Some("POST".to_owned()), Some("/users".to_owned()));
    fault.times = 2;
    instance.sandbox.faults().add(fault.clone());
    instance.sync(&[]).expect(1).names(&["2319 rows were sent but Meta says it received 2300"]);
    assert!(instance.audiences("CUSTOM").is_empty());
    fault.times = 1;
    instance.sandbox.faults().add(fault);
    instance.sync(&[]).expect(0);
    assert_whole(&instance);
}

#[test]
fn a_flagged_audience_is_told_in_words() {
    let instance = Instance::start();
    // Meta may flag what no list of words foresees.
    instance
        .tell("/control/meta/state", &json!({"blocked_words": ["highvalue"], "integrity_delay_seconds": 0}));
    instance.sync(&[]).expect(1).names(&["AUDIENCE_PREFIX"]);
}
