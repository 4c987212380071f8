//! The messages of real runs at a webhook.

use crate::crash::{later, parts_later};
use crate::instance::{Database, Instance, on_both_databases};
use crate::serve::Served;
use chrono::TimeDelta;
use domain::Secret;
use domain::run::{Channel, RunStatus, Step, StepStatus};
use mailer::Webhook;
use sandbox::Service;
use serde_json::{Value, json};
use std::sync::Arc;
use sync::{Parts, SyncService};
use testkit::{Reply, ScriptedServer};

on_both_databases!(a_webhook_that_is_down_holds_up_nothing_and_gets_its_message_later_once,);

const SECRET_PATH: &str = "/services/T0SECRET0/B0SECRET0/abcdefghijklmnop";

fn ok() -> Reply {
    Reply::Http(200, vec![], "ok".to_owned())
}

fn address(server: &ScriptedServer) -> String {
    format!("{}{SECRET_PATH}", server.url())
}

/// The texts posted so far.
fn posted(server: &ScriptedServer) -> Vec<String> {
    let text = |body: &str| serde_json::from_str::<Value>(body).unwrap()["text"].as_str().unwrap().to_owned();
    server.received().iter().map(|received| text(&received.body)).collect()
}

/// The service that much later, telling by this webhook, too.
fn later_with_webhook(instance: &Instance, by: TimeDelta, server: &ScriptedServer) -> SyncService {
    let webhook = Arc::new(Webhook::new(&Secret::new(address(server))).unwrap());
    SyncService::new(Parts { webhook: Some(webhook), ..parts_later(instance, by) })
}

#[test]
fn a_run_is_told_in_the_chat_also_without_a_mail_server() {
    let server = ScriptedServer::start(vec![ok(), ok()]).unwrap();
    let mut instance = Instance::start();
    instance.set("NOTIFY_WEBHOOK_URL", &address(&server)).unset("SMTP_HOST").set("NORMALIZER", "local");
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    let notify = run.steps.last().unwrap();
    assert_eq!((notify.name, notify.status), (Step::Notify, StepStatus::Done));
    assert_eq!(notify.detail.as_deref(), Some("posted to the webhook"));
    let told = posted(&server);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("✅ GHL Meta Sync Successful - "), "{}", told[0]);
    for part in ["- Contacts Processed: 2357\n", &format!("http://localhost:9876/sync/{}", run.id)] {
        assert!(told[0].contains(part), "{part} in {}", told[0]);
    }

    // The test sees the address in no log line, though the level is DEBUG, nor in what is stored.
    let log = instance.log();
    assert!(log.contains("Webhook POST ***"), "{log}");
    assert!(!log.contains("SECRET0") && !log.contains("abcdefghijklmnop"));
    for file in std::fs::read_dir(instance.folder().join("data")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|window| window == b"SECRET0"), "{}", path.display());
        }
    }
}

fn a_webhook_that_is_down_holds_up_nothing_and_gets_its_message_later_once(database: Database) {
    let server = ScriptedServer::start(vec![
        Reply::Http(500, vec![], format!("upstream of {SECRET_PATH}")),
        Reply::Close,
        ok(),
    ])
    .unwrap();
    let mut instance = Instance::start().with_database(database);
    instance.set("NOTIFY_WEBHOOK_URL", &address(&server)).set("NORMALIZER", "local");
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success);
    assert_eq!(instance.sandbox.mails().all().len(), 1, "the mail goes its own way");
    let notify = run.steps.last().unwrap();
    assert_eq!(notify.status, StepStatus::Failed);
    let detail = notify.detail.as_deref().unwrap();
    assert!(detail.contains("NOTIFY_WEBHOOK_URL did not take the message (status 500)"), "{detail}");
    assert!(!detail.contains("SECRET0"), "{detail}");

    later_with_webhook(&instance, TimeDelta::minutes(2), &server).follow_up();
    assert_eq!(
        (posted(&server).len(), instance.last_run().steps.last().unwrap().status),
        (2, StepStatus::Failed)
    );
    later_with_webhook(&instance, TimeDelta::minutes(9), &server).follow_up();
    later_with_webhook(&instance, TimeDelta::minutes(30), &server).follow_up();
    let told = posted(&server);
    assert_eq!(told.len(), 3, "it is not posted again after it was taken");
    assert!(told.iter().all(|text| *text == told[0]), "every attempt says the same");
    let notify = instance.last_run().steps.pop().unwrap();
    assert_eq!(
        (notify.status, notify.detail.as_deref()),
        (StepStatus::Done, Some("e-mail sent, posted to the webhook"))
    );
    assert_eq!(instance.sandbox.mails().all().len(), 1);
    let states = instance.store().outbox_of_run(run.id).unwrap();
    assert_eq!(
        states.iter().map(|state| (state.channel, state.attempts)).collect::<Vec<_>>(),
        [(Channel::Mail, 1), (Channel::Webhook, 3)]
    );
}

#[test]
fn a_message_that_is_never_taken_is_given_up_after_a_day() {
    let server = ScriptedServer::start(vec![]).unwrap();
    let mut instance = Instance::start();
    instance.set("NOTIFY_WEBHOOK_URL", &address(&server)).set("NORMALIZER", "local");
    instance.sync(&[]).expect(0);
    for hours in (0..12).map(|tries| 4 * tries + 1) {
        later_with_webhook(&instance, TimeDelta::hours(hours), &server).follow_up();
    }
    assert_eq!(posted(&server).len(), 11, "ten times and more than a day, then never again");
    let states = instance.store().outbox_of_run(instance.last_run().id).unwrap();
    assert!(states[1].given_up_at.is_some() && states[0].sent_at.is_some());
    // A mail that was sent is not sent again for the sake of the other channel.
    later(&instance, TimeDelta::hours(50)).follow_up();
    assert_eq!(instance.sandbox.mails().all().len(), 1);
    assert!(instance.sandbox.record().entries(Service::Smtp).len() < 20);
}

#[test]
fn check_tells_how_the_last_message_fared_and_posts_nothing() {
    let server = ScriptedServer::start(vec![ok()]).unwrap();
    let mut instance = Instance::start();
    let check = |instance: &Instance| {
        let mut program = instance.program("check");
        program.arg("webhook");
        crate::instance::run(program)
    };
    assert!(check(&instance).expect(0).stdout.contains("NOTIFY_WEBHOOK_URL is not set"));
    instance.set("NOTIFY_WEBHOOK_URL", &address(&server)).set("NORMALIZER", "local");
    let told = check(&instance).expect(0).stdout;
    assert!(told.contains("Set, and not tried") && !told.contains("SECRET0"), "{told}");
    assert!(server.received().is_empty());
    instance.sync(&[]).expect(0);
    assert!(check(&instance).expect(0).stdout.contains("The last message was posted on "));
    instance.sync(&[]).expect(0);
    let outcome = check(&instance).expect(1);
    assert!(outcome.stdout.contains("The last message was not posted."), "{}", outcome.stdout);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_test_message_is_told_for_each_channel() {
    let refused = Reply::Http(500, vec![], String::new());
    let server = ScriptedServer::start(vec![refused, ok()]).unwrap();
    let mut instance = Instance::start();
    instance.set("NOTIFY_WEBHOOK_URL", &address(&server));
    let served = Served::start(&mut instance);
    let told = || {
        let (status, problem) = served.post("/api/email/test", &json!({}));
        assert_eq!(status, 502, "{problem}");
        problem["detail"].as_str().unwrap().to_owned()
    };
    let webhook_failed = told();
    for words in ["NOTIFY_WEBHOOK_URL did not take the message", "The test e-mail to marketing@example.com"] {
        assert!(webhook_failed.contains(words), "{webhook_failed}");
    }
    let log = instance.log();
    assert!(log.contains("did not take the message") && !log.contains("marketing@example.com"), "{log}");
    instance.sandbox.stop(Service::Smtp);
    let mail_failed = told();
    for words in ["SMTP_HOST", "A test message was posted to the webhook."] {
        assert!(mail_failed.contains(words), "{mail_failed}");
    }
    let both_failed = told();
    for words in ["SMTP_HOST", "NOTIFY_WEBHOOK_URL"] {
        assert!(both_failed.contains(words), "{both_failed}");
    }
    assert_eq!((instance.sandbox.mails().all().len(), posted(&server).len()), (1, 3));
}
