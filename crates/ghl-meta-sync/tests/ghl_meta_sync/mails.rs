//! The mails of real runs.

use crate::instance::Instance;
use domain::run::{RunStatus, Step, StepStatus};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};

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
        run.matched.count_text(),
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
    for word in ["Rank with Claude", "CLAUDE_API_KEY", "All contacts", "2357"] {
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
    let state = instance.store().mail_of_run(run.id).unwrap();
    assert_eq!((state.len(), state[0].attempts, state[0].sent_at), (1, 1, None));
    assert!(state[0].next_attempt_at > run.completed_at.unwrap(), "it is tried again later");

    // Another server takes over; a minute later the mail goes out, once.
    let second = Instance::start();
    instance.set("SMTP_PORT", second.value("SMTP_PORT"));
    assert_ne!(instance.value("SMTP_PORT"), port);
    crate::crash::later(&instance, chrono::TimeDelta::minutes(5)).follow_up();
    crate::crash::later(&instance, chrono::TimeDelta::minutes(9)).follow_up();
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
    let waiting = instance.store().mail_of_run(run).unwrap();
    // The wait is over as soon as its time has come.
    instance.store().mail_failed(waiting[0].id, "due now", waiting[0].queued_at).unwrap();
    instance.set("GHL_SMART_LIST_ID", "tag:vip").sync(&[]).expect(0);
    assert_eq!(instance.sandbox.mails().all().len(), 2);
    assert!(instance.store().mail_of_run(run).unwrap()[0].sent_at.is_some());
}
