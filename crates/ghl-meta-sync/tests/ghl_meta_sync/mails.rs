//! The mails of real runs.

use crate::crash::later;
use crate::follow_up::{MONTH, later_mails, pending, statuses};
use crate::instance::Instance;
use chrono::TimeDelta;
use domain::run::{LookalikeStatus, RunStatus, Step, StepStatus};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::json;

#[test]
fn a_success_is_told_with_its_figures() {
    let instance = Instance::start();
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    let mails = instance.sandbox.mails().all();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert!(mail.subject.starts_with("✅ GHL Meta Sync Successful - "), "{}", mail.subject);
    assert_eq!(
        (mail.from.as_str(), mail.to.as_slice()),
        ("sync@example.com", &["marketing@example.com".to_owned()][..])
    );
    let (text, html) = (mail.text.as_deref().unwrap(), mail.html.as_deref().unwrap());
    let (audience, lookalike) = (run.audience.unwrap(), &run.lookalikes[0]);
    let figures = [
        "Contacts Processed: 2357".to_owned(),
        run.matched.count_text(run.accounting.sent),
        run.matched.rate_text(run.accounting.sent),
        audience.name,
        audience.id,
        lookalike.name.clone(),
        lookalike.id.clone().unwrap(),
        format!("http://localhost:9876/sync/{}", run.id),
    ];
    for figure in &figures {
        assert!(text.replace(',', "").contains(figure.as_str()), "`{figure}` is missing in\n{text}");
    }
    assert!(html.contains(&figures[7]));
    assert!(mail.message_id.as_deref().is_some_and(|id| id.contains('@')));
}

#[test]
fn a_failure_is_told_with_step_sentence_and_remedy() {
    let mut instance = Instance::start();
    instance.set("CLAUDE_API_KEY", "sk-ant-wrong").sync(&[]).expect(1);
    let mails = instance.sandbox.mails().all();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.starts_with("❌ GHL Meta Sync Failed - "), "{}", mails[0].subject);
    let text = mails[0].text.as_deref().unwrap();
    for word in ["Rank values", "CLAUDE_API_KEY", "All contacts", "2357"] {
        assert!(text.replace(',', "").contains(word), "`{word}` is missing in\n{text}");
    }
}

#[test]
fn a_dead_mail_server_leaves_the_run_successful_and_the_mail_is_sent_later() {
    let mut instance = Instance::start();
    let port = instance.value("SMTP_PORT").to_owned();
    // Nobody listens on the port of a server that is gone.
    instance.sandbox.stop(Service::Smtp);
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success);
    let notify = run.steps.last().unwrap();
    assert_eq!((notify.name, notify.status), (Step::Notify, StepStatus::Failed));
    let state = instance.store().outbox_of_run(run.id).unwrap();
    assert_eq!((state.len(), state[0].attempts, state[0].sent_at), (1, 1, None));
    assert!(state[0].next_attempt_at > run.completed_at.unwrap(), "it is tried again later");

    // Another server takes over; a minute later the mail goes out, once.
    let second = Instance::start();
    instance.set("SMTP_PORT", second.value("SMTP_PORT"));
    assert_ne!(instance.value("SMTP_PORT"), port);
    later(&instance, TimeDelta::minutes(5)).follow_up();
    later(&instance, TimeDelta::minutes(9)).follow_up();
    assert_eq!(second.sandbox.mails().all().len(), 1);
    assert_eq!(instance.last_run().steps.last().unwrap().status, StepStatus::Done);
}

#[test]
fn without_a_mail_server_the_step_is_skipped() {
    let mut instance = Instance::start();
    instance.unset("SMTP_HOST").sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(run.steps.last().map(|step| step.status), Some(StepStatus::Skipped));
    assert!(instance.sandbox.mails().all().is_empty());
}

#[test]
fn the_next_sync_sends_what_an_earlier_one_could_not() {
    let mut instance = Instance::start();
    instance.sandbox.faults().add(Fault::new(
        Service::Smtp,
        Effect::Status { status: 451, body: "try again later".to_owned(), headers: Vec::new() },
    ));
    instance.sync(&[]).expect(0);
    assert!(instance.sandbox.mails().all().is_empty());
    let run = instance.last_run().id;
    let waiting = instance.store().outbox_of_run(run).unwrap();
    // The wait is over as soon as its time has come.
    instance.store().outbox_failed(waiting[0].id, "due now", waiting[0].queued_at).unwrap();
    instance.set("GHL_SMART_LIST_ID", "tag:vip").sync(&[]).expect(0);
    assert_eq!(instance.sandbox.mails().all().len(), 2);
    assert!(instance.store().outbox_of_run(run).unwrap()[0].sent_at.is_some());
}

#[test]
fn the_step_says_that_a_recipient_was_refused_a_mail_that_others_got() {
    let mut instance = Instance::start();
    let effect = Effect::Status { status: 550, body: "5.1.1 user unknown".to_owned(), headers: Vec::new() };
    let fault = Fault::new(Service::Smtp, effect).on_method("RCPT").on_path("gone@example.com").times(2);
    instance.sandbox.faults().add(fault);
    instance.set("SMTP_TO_EMAIL", "marketing@example.com, gone@example.com").sync(&[]).expect(0);
    let mails = instance.sandbox.mails().all();
    assert_eq!(
        (mails.len(), mails[0].envelope_to.as_slice()),
        (1, &["marketing@example.com".to_owned()][..])
    );
    let notify = instance.last_run().steps.pop().unwrap();
    assert_eq!(
        (notify.status, notify.detail.as_deref()),
        (StepStatus::Done, Some("e-mail sent, 1 address refused"))
    );
}

/// Meta's answer about an audience in that state, to every question after it was made.
fn in_state(instance: &Instance, code: u32) {
    let state = json!({
        "id": "1", "operation_status": {"code": code, "description": "x"},
        "approximate_count_lower_bound": 1000, "approximate_count_upper_bound": 1200,
    });
    let effect = Effect::Status { status: 200, body: state.to_string(), headers: Vec::new() };
    let mut fault = Fault::new(Service::Meta, effect).on_path("operation_status").times(1000);
    fault.operation = Some("GET /{id}".to_owned().try_into().unwrap());
    instance.sandbox.faults().add(fault);
}

#[test]
fn what_meta_remarks_of_the_audience_is_told_in_words() {
    for (code, words) in
        [(411, "few people were matched"), (412, "many rows of the last upload were invalid")]
    {
        let mut instance = Instance::start();
        in_state(&instance, code);
        instance.set("NORMALIZER", "local").sync(&[]).expect(0);
        let mail = instance.sandbox.mails().all().pop().unwrap();
        assert!(mail.subject.contains("Successful"), "{}", mail.subject);
        let text = mail.text.unwrap();
        assert!(text.contains(&format!("- Meta says of the audience: {words}")), "{text}");
    }
    let mut instance = Instance::start();
    in_state(&instance, 471);
    instance.set("NORMALIZER", "local").sync(&[]).expect(1);
    let mail = instance.sandbox.mails().all().pop().unwrap();
    let text = mail.text.unwrap();
    for words in ["flagged by Meta: its name or description hints at health or money", "operation_status 471"]
    {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
}

#[test]
fn a_rounded_match_is_told_as_a_range_and_none_as_not_reported() {
    let instance = Instance::with(sandbox::Contacts::default(), |settings| {
        settings.meta.reports_num_matched = false;
    });
    instance.sync(&[]).expect(0);
    let line = |mail: &sandbox::Mail| {
        let text = mail.text.as_ref().unwrap();
        text.lines().find(|line| line.contains("Contacts Matched")).unwrap().to_owned()
    };
    let mails = instance.sandbox.mails().all();
    let told = line(&mails[0]);
    let range = told.strip_prefix("- Contacts Matched by Meta: between ").unwrap();
    assert!(range.contains(" and ") && range.contains("(between ") && range.ends_with(" %)"), "{told}");

    let mut instance = Instance::start();
    let matching = json!({"matching_delay_seconds": 90 * 24 * 3600, "sizes_while_matching": true});
    instance.tell("/control/meta/state", &matching);
    instance.set("META_POLL_TIMEOUT_SECONDS", "1").sync(&[]).expect(0);
    let mails = instance.sandbox.mails().all();
    assert_eq!(line(&mails[0]), "- Contacts Matched by Meta: not reported by Meta");
}

/// The first words of the mails so far.
fn told(instance: &Instance) -> Vec<String> {
    let subjects = instance.sandbox.mails().all().into_iter().map(|mail| mail.subject);
    subjects.map(|subject| subject.split(" - ").next().unwrap().to_owned()).collect()
}

const SUCCESS: &str = "✅ GHL Meta Sync Successful";
const FAILURE: &str = "❌ GHL Meta Sync Failed";

/// Runs that succeed and fail, and the mails about them.
fn told_of(notify_on: &str, runs: &[bool]) -> (Instance, Vec<String>) {
    let mut instance = Instance::start();
    let key = instance.value("CLAUDE_API_KEY").to_owned();
    instance.set("NOTIFY_ON", notify_on);
    for succeeds in runs {
        let key = if *succeeds { key.as_str() } else { "sk-ant-wrong" };
        instance.set("CLAUDE_API_KEY", key).sync(&[]).expect(i32::from(!succeeds));
    }
    let told = told(&instance);
    (instance, told)
}

#[test]
fn only_failures_are_told_when_that_is_asked_for() {
    let (instance, told) = told_of("failure", &[false, false, true]);
    assert_eq!(told, [FAILURE, FAILURE]);
    let notify = instance.last_run().steps.pop().unwrap();
    assert_eq!((notify.name, notify.status), (Step::Notify, StepStatus::Skipped));
    assert_eq!(notify.detail.as_deref(), Some("nobody is told, as NOTIFY_ON says"));
    later(&instance, TimeDelta::minutes(5)).follow_up();
    assert_eq!(instance.sandbox.mails().all().len(), 2, "nothing was kept back");
}

#[test]
fn only_changes_are_told_when_that_is_asked_for() {
    let (_instance, told) = told_of("change", &[true, true, false, false, true, true]);
    assert_eq!(told, [SUCCESS, FAILURE, SUCCESS], "the first run is told, there was nothing before it");
}

#[test]
fn a_lookalike_that_came_later_is_no_failure_to_tell_and_one_that_never_came_is() {
    let told = |matched: bool| {
        let mut instance = pending(|_| {});
        instance.set("NOTIFY_ON", "failure");
        if matched {
            instance.sandbox.clock().advance(MONTH);
        }
        later(&instance, TimeDelta::hours(25)).follow_up();
        assert_ne!(statuses(&instance.last_run()), [LookalikeStatus::Pending]);
        later_mails(&instance).len()
    };
    assert_eq!((told(true), told(false)), (0, 1));
}
