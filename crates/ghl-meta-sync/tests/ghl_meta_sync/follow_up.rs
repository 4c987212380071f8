//! Lookalikes that come later than their run: created, given up or found unbuilt by the follow-up, and told by mail.

use crate::account::{header, row};
use crate::crash::{kill_when, later};
use crate::instance::{Database, Instance, on_both_databases};
use chrono::TimeDelta;
use domain::run::{Channel, LookalikeStatus, RunStatus};
use domain::{Clock, Run, SystemClock};
use persistence::RemoteKind;
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Mail, Service};
use serde_json::{Value, json};
use std::time::Duration;

on_both_databases!(
    a_seed_that_is_never_matched_is_given_up_after_a_day_and_told_once,
    each_country_and_size_has_its_own_fate_and_one_mail_tells_all,
    a_run_that_failed_with_lookalikes_pending_gives_them_up_and_says_so,
);

pub const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// A run whose seed Meta has not matched when it ends.
pub fn pending(change: impl FnOnce(&mut Instance)) -> Instance {
    pending_on(Database::Sqlite, change)
}

fn pending_on(database: Database, change: impl FnOnce(&mut Instance)) -> Instance {
    let csv = (0..300).fold(header(), |csv, number| {
        csv + &row(number, &format!("{number}.00"), &format!("{number}.00"), "ok")
    });
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {}).with_database(database);
    instance.tell("/control/meta/state", &json!({"matching_delay_seconds": MONTH.as_secs()}));
    instance.set("NORMALIZER", "local").set("META_POLL_TIMEOUT_SECONDS", "1");
    change(&mut instance);
    instance.sync(&[]).expect(0);
    assert_eq!(instance.last_run().lookalike_status(), LookalikeStatus::Pending);
    assert_eq!(instance.sandbox.mails().all().len(), 1, "the outcome");
    instance
}

/// The mails after that of the outcome.
pub fn later_mails(instance: &Instance) -> Vec<Mail> {
    instance.sandbox.mails().all().split_off(1)
}

pub fn statuses(run: &Run) -> Vec<LookalikeStatus> {
    run.lookalikes.iter().map(|lookalike| lookalike.status).collect()
}

fn creations(instance: &Instance) -> usize {
    let calls = instance.sandbox.record().entries(Service::Meta);
    calls.iter().filter(|call| call.method == "POST" && call.path.contains("/customaudiences")).count()
}

#[test]
fn a_lookalike_that_had_to_wait_is_created_and_told_in_a_mail_of_its_own() {
    let instance = pending(|_| {});
    let before = creations(&instance);
    later(&instance, TimeDelta::hours(1)).follow_up();
    assert_eq!(creations(&instance), before, "nothing is asked for before the seed is matched");
    assert!(later_mails(&instance).is_empty());
    instance.sandbox.clock().advance(MONTH);
    later(&instance, TimeDelta::hours(2)).follow_up();
    later(&instance, TimeDelta::hours(3)).follow_up();
    let run = instance.last_run();
    assert_eq!(statuses(&run), [LookalikeStatus::Created]);
    let id = run.lookalikes[0].id.clone().unwrap();
    assert_eq!(instance.audiences("LOOKALIKE")[0]["id"], id.as_str());
    let mails = later_mails(&instance);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.starts_with("✅ GHL Meta Sync Lookalike Finished - "), "{}", mails[0].subject);
    assert!(mails[0].text.as_ref().unwrap().contains(&id));
    let ids: Vec<Option<String>> =
        instance.sandbox.mails().all().into_iter().map(|mail| mail.message_id).collect();
    assert_ne!(ids[0], ids[1], "the second mail is not folded into the first");
}

fn a_seed_that_is_never_matched_is_given_up_after_a_day_and_told_once(database: Database) {
    let instance = pending_on(database, |_| {});
    later(&instance, TimeDelta::hours(23)).follow_up();
    let waiting = instance.last_run();
    assert_eq!(statuses(&waiting), [LookalikeStatus::Pending]);
    assert!(waiting.lookalikes[0].note.as_ref().unwrap().starts_with("Meta says of the custom audience:"));
    // Days later, because the program was not running in between.
    later(&instance, TimeDelta::days(5)).follow_up();
    later(&instance, TimeDelta::days(5)).follow_up();
    let run = instance.last_run();
    assert_eq!(statuses(&run), [LookalikeStatus::Failed]);
    let mails = later_mails(&instance);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.starts_with("❌ GHL Meta Sync Lookalike Failed - "), "{}", mails[0].subject);
    let text = mails[0].text.as_ref().unwrap();
    for words in ["failed: GHL-HighValue-", "at least 100 people", "LOOKALIKE_COUNTRIES"] {
        assert!(text.contains(words), "`{words}` is missing in\n{text}");
    }
}

#[test]
fn a_seed_that_was_deleted_fails_its_lookalike_at_once() {
    let instance = pending(|_| {});
    let seed = instance.last_run().audience.unwrap().id;
    instance.meta("DELETE", &format!("/{seed}"), &Value::Null);
    later(&instance, TimeDelta::minutes(2)).follow_up();
    let run = instance.last_run();
    assert_eq!(statuses(&run), [LookalikeStatus::Failed]);
    let note = run.lookalikes[0].note.as_ref().unwrap();
    assert!(note.contains("The audience was deleted, or this login can not see it."), "{note}");
    let mails = later_mails(&instance);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.as_ref().unwrap().contains("The audience was deleted"));
}

fn each_country_and_size_has_its_own_fate_and_one_mail_tells_all(database: Database) {
    let instance = pending_on(database, |instance| {
        instance.set("LOOKALIKE_COUNTRIES", "US,CA").set("LOOKALIKE_RATIOS", "0.01,0.05");
    });
    instance.sandbox.clock().advance(MONTH);
    later(&instance, TimeDelta::hours(2)).follow_up();
    use LookalikeStatus::{Created, Failed, Pending};
    assert_eq!(statuses(&instance.last_run()), [Created, Created, Pending, Pending], "nobody is in Canada");
    assert!(later_mails(&instance).is_empty(), "not all are settled");
    later(&instance, TimeDelta::hours(25)).follow_up();
    let run = instance.last_run();
    assert_eq!(statuses(&run), [Created, Created, Failed, Failed]);
    assert!(run.lookalikes[2].note.as_ref().unwrap().contains("100"), "Meta's own words are kept");
    let mails = later_mails(&instance);
    assert_eq!(mails.len(), 1);
    let text = mails[0].text.as_ref().unwrap();
    assert_eq!(text.matches("\n- created: ").count(), 2, "{text}");
    assert_eq!(text.matches("\n- failed: ").count(), 2, "{text}");
}

#[test]
fn a_lookalike_that_exists_already_is_found_and_used() {
    let instance = pending(|_| {});
    instance.sandbox.clock().advance(MONTH);
    let seed = instance.last_run().audience.unwrap().id;
    let spec = json!({"ratio": 0.01, "country": "US"}).to_string();
    let made = json!({"name": "By hand", "subtype": "LOOKALIKE", "origin_audience_id": seed, "lookalike_spec": spec});
    let id = instance.meta("POST", "/act_1234567890/customaudiences", &made)["id"].clone();
    later(&instance, TimeDelta::hours(2)).follow_up();
    let run = instance.last_run();
    assert_eq!(statuses(&run), [LookalikeStatus::Created]);
    assert_eq!(run.lookalikes[0].id.as_deref(), id.as_str());
    assert_eq!(instance.audiences("LOOKALIKE").len(), 1);
}

/// Meta says at the next look that it could not build the lookalike.
fn unbuilt(instance: &Instance, id: &str) {
    let unbuilt = json!({
        "id": id, "name": "x", "description": "", "subtype": "LOOKALIKE",
        "operation_status": {"code": 433, "description": "Failed"}, "delivery_status": {"code": 400, "description": ""},
    });
    let effect = Effect::Status { status: 200, body: unbuilt.to_string(), headers: Vec::new() };
    instance.sandbox.faults().add(Fault::new(Service::Meta, effect).on_path(&format!("/{id}?")));
}

#[test]
fn a_lookalike_that_meta_can_not_build_is_told_after_it_was_created() {
    let instance = pending(|_| {});
    instance.sandbox.clock().advance(MONTH);
    later(&instance, TimeDelta::hours(2)).follow_up();
    let run = instance.last_run();
    let id = run.lookalikes[0].id.clone().unwrap();
    unbuilt(&instance, &id);
    later(&instance, TimeDelta::hours(6)).follow_up();
    let run = instance.last_run();
    assert_eq!(statuses(&run), [LookalikeStatus::Failed]);
    assert_eq!(run.lookalikes[0].id.as_ref(), Some(&id), "it exists all the same");
    let mails = later_mails(&instance);
    assert_eq!(mails.len(), 2);
    assert!(mails[1].subject.contains("Lookalike Failed"), "{}", mails[1].subject);
    let text = mails[1].text.as_ref().unwrap();
    assert!(text.contains("the lookalike could not be built"), "{text}");
    later(&instance, TimeDelta::hours(7)).follow_up();
    assert_eq!(later_mails(&instance).len(), 2);
}

#[test]
fn each_lookalike_that_meta_can_not_build_is_told_whenever_meta_says_so() {
    let instance = pending(|instance| {
        instance.set("LOOKALIKE_RATIOS", "0.01,0.05");
    });
    instance.sandbox.clock().advance(MONTH);
    later(&instance, TimeDelta::hours(2)).follow_up();
    let ids: Vec<String> =
        instance.last_run().lookalikes.into_iter().map(|lookalike| lookalike.id.unwrap()).collect();
    for (told, hours) in [(1, 6), (0, 9)] {
        unbuilt(&instance, &ids[told]);
        later(&instance, TimeDelta::hours(hours)).follow_up();
    }
    let mails = later_mails(&instance);
    let unusable = |mail: &Mail| {
        let text = mail.text.as_ref().unwrap();
        ids.iter().map(|id| text.contains(&format!("(ID: {id}; of no use)"))).collect::<Vec<_>>()
    };
    assert_eq!(mails.iter().map(unusable).collect::<Vec<_>>(), [[false, false], [false, true], [true, true]]);
    assert!(mails[1..].iter().all(|mail| mail.subject.contains("Lookalike Failed")));
    assert_ne!(mails[1].message_id, mails[2].message_id, "they are not folded into one");
}

#[test]
fn a_mail_that_a_crash_left_before_it_was_true_is_sent_once_when_anything_is() {
    let instance = pending(|_| {});
    let (store, run) = (instance.store(), instance.last_run());
    store
        .outbox_add(Some(run.id), Channel::Mail, mailer::LOOKALIKES_SETTLED, "<settled@example.com>")
        .unwrap();
    later(&instance, TimeDelta::hours(1)).follow_up();
    assert!(later_mails(&instance).is_empty(), "it still waits");
    // The creation that was about to be recorded is not there, and now the seed goes too.
    instance.delete_at_meta(&run.audience.unwrap().id);
    later(&instance, TimeDelta::hours(2)).follow_up();
    later(&instance, TimeDelta::hours(3)).follow_up();
    let mails = later_mails(&instance);
    assert_eq!(mails.len(), 1);
    assert!(mails[0].subject.contains("Lookalike Failed"), "{}", mails[0].subject);

    let instance = pending(|_| {});
    instance.sandbox.clock().advance(MONTH);
    later(&instance, TimeDelta::hours(2)).follow_up();
    assert_eq!(later_mails(&instance).len(), 1);
    let (store, run) = (instance.store(), instance.last_run());
    store
        .outbox_add(Some(run.id), Channel::Mail, &mailer::lookalike_unbuilt(0), "<unbuilt@example.com>")
        .unwrap();
    later(&instance, TimeDelta::hours(3)).follow_up();
    assert_eq!(later_mails(&instance).len(), 1, "no mail claims a second time that it is finished");
    unbuilt(&instance, run.lookalikes[0].id.as_ref().unwrap());
    later(&instance, TimeDelta::hours(6)).follow_up();
    let mails = later_mails(&instance);
    assert_eq!(mails.len(), 2);
    assert!(mails[1].subject.contains("Lookalike Failed"), "{}", mails[1].subject);
}

/// What is to be done about a lookalike of a run that ended too early, as its page and its API tell it.
fn assert_given_up(run: &Run) {
    assert_eq!(run.status, RunStatus::Failed);
    for lookalike in &run.lookalikes {
        assert_eq!((lookalike.status, &lookalike.id), (LookalikeStatus::Failed, &None));
        let note = lookalike.note.as_ref().unwrap();
        for words in ["ended before this lookalike was created", "Press Sync now"] {
            assert!(note.contains(words), "{note}");
        }
    }
}

fn a_run_that_failed_with_lookalikes_pending_gives_them_up_and_says_so(database: Database) {
    let csv = (0..300).fold(header(), |csv, number| {
        csv + &row(number, &format!("{number}.00"), &format!("{number}.00"), "ok")
    });
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {}).with_database(database);
    instance.set("NORMALIZER", "local").set("LOOKALIKE_RATIOS", "0.01,0.05");
    let refused = Fault::new(Service::Meta, Effect::MetaError(MetaError::new(200, None)))
        .on_method("POST")
        .on_path("/customaudiences")
        .on_body("LOOKALIKE");
    instance.sandbox.faults().add(refused);
    instance.sync(&[]).expect(1);
    let failed = instance.last_run();
    assert_eq!(failed.lookalikes.len(), 2);
    assert_given_up(&failed);
    later(&instance, TimeDelta::minutes(5)).follow_up();
    assert_eq!(instance.last_run(), failed, "nobody follows it up");
    assert_eq!(instance.audiences("CUSTOM").len(), 1, "the audience is complete and kept");
}

#[test]
fn a_run_that_was_interrupted_gives_up_what_waited_and_keeps_what_meta_has_made() {
    for exists in [false, true] {
        let mut instance = Instance::start();
        instance.set("NORMALIZER", "local").set("LOOKALIKE_RATIOS", "0.05");
        let silence = Fault::new(Service::Meta, Effect::Hang { millis: 60_000 }).on_method("POST");
        instance.sandbox.faults().add(silence.on_path("/customaudiences").on_body("LOOKALIKE"));
        kill_when(&instance, || {
            let open = instance.store().intentions_open().unwrap();
            open.iter().any(|intention| intention.kind == RemoteKind::Lookalike)
        });
        instance.sandbox.faults().clear();
        let run = instance.last_run();
        if exists {
            // Meta was slower to answer than to work.
            let made = json!({
                "name": run.lookalikes[0].name, "subtype": "LOOKALIKE",
                "origin_audience_id": run.audience.as_ref().unwrap().id,
                "lookalike_spec": json!({"ratio": 0.05, "country": "US"}).to_string(),
            });
            instance.meta("POST", "/act_1234567890/customaudiences", &made);
        }
        later(&instance, TimeDelta::minutes(5)).follow_up();
        later(&instance, TimeDelta::hours(2)).follow_up();
        let run = instance.last_run();
        if exists {
            assert_eq!(run.status, RunStatus::Failed);
            assert_eq!((statuses(&run), &run.lookalikes[0].note), (vec![LookalikeStatus::Created], &None));
        } else {
            assert_given_up(&run);
        }
        assert!(instance.store().intentions_open().unwrap().is_empty());
        assert_eq!(instance.audiences("LOOKALIKE").len(), usize::from(exists));
        assert_eq!(instance.sandbox.mails().all().len(), 1, "the outcome tells it");
    }
}

#[test]
fn behind_a_limit_of_meta_the_follow_up_ends_at_once_and_nobody_is_given_up() {
    let instance = pending(|_| {});
    let seed = instance.last_run().audience.unwrap().id;
    let limit = || {
        let error = MetaError { wait_millis: Some(600_000), ..MetaError::new(80_003, Some(2_446_079)) };
        Fault::new(Service::Meta, Effect::MetaError(error)).times(1000)
    };
    let lift = || {
        instance.sandbox.faults().clear();
        instance.tell("/control/meta/state", &json!({"throttle": null}));
    };
    instance.sandbox.faults().add(limit().on_method("GET").on_path(&format!("/{seed}?")));
    let before = instance.sandbox.record().count(Service::Meta);
    let service = later(&instance, TimeDelta::hours(30));
    service.follow_up();
    service.follow_up();
    assert_eq!(instance.sandbox.record().count(Service::Meta), before + 1, "nobody calls while it lasts");
    assert_eq!(statuses(&instance.last_run()), [LookalikeStatus::Pending], "Meta said nothing of it");
    // The same when only the creation meets the limit.
    lift();
    instance.sandbox.clock().advance(MONTH);
    instance.sandbox.faults().add(limit().on_method("POST"));
    later(&instance, TimeDelta::hours(31)).follow_up();
    assert_eq!(statuses(&instance.last_run()), [LookalikeStatus::Pending]);
    assert!(later_mails(&instance).is_empty());
    lift();
    later(&instance, TimeDelta::hours(32)).follow_up();
    assert_eq!(statuses(&instance.last_run()), [LookalikeStatus::Created]);
    assert_eq!(later_mails(&instance).len(), 1);
}

#[test]
fn mails_that_are_due_do_not_wait_for_meta() {
    let instance = pending(|_| {});
    let (store, run) = (instance.store(), instance.last_run());
    let mut lookalikes = run.lookalikes;
    lookalikes[0].status = LookalikeStatus::Failed;
    store.run_set_lookalikes(run.id, &lookalikes).unwrap();
    store
        .outbox_add(Some(run.id), Channel::Mail, mailer::LOOKALIKES_SETTLED, "<settled@example.com>")
        .unwrap();
    // What is looked up first, and Meta keeps silent for longer than this test lasts.
    store.intention_create(run.id, RemoteKind::Lookalike, "x").unwrap();
    let silence = Fault::new(Service::Meta, Effect::Hang { millis: 600_000 }).times(1000);
    instance.sandbox.faults().add(silence);
    let service = later(&instance, TimeDelta::hours(1));
    std::thread::spawn(move || service.follow_up());
    instance.wait_until(|| !later_mails(&instance).is_empty());
}

#[test]
fn a_run_waits_for_a_limit_as_long_as_meta_says() {
    let instance = Instance::start();
    let error = MetaError { wait_millis: Some(3_600_000), ..MetaError::new(80_003, Some(2_446_079)) };
    instance.sandbox.faults().add(Fault::new(Service::Meta, Effect::MetaError(error)).on_path("/users"));
    let mut child = instance.spawn_sync();
    let until = || instance.store().run_latest().unwrap().and_then(|run| run.waiting_until);
    instance.wait_until(|| until().is_some());
    let waits = until().unwrap() - SystemClock.now();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(waits > TimeDelta::minutes(50), "{waits}");
}

#[test]
fn a_passing_fault_and_a_dead_mail_server_only_delay() {
    let mut instance = pending(|_| {});
    instance.sandbox.clock().advance(MONTH);
    let hiccup = Fault::new(Service::Meta, Effect::MetaError(MetaError::new(2, None)))
        .on_method("POST")
        .on_path("/customaudiences")
        .times(100);
    instance.sandbox.faults().add(hiccup);
    later(&instance, TimeDelta::hours(2)).follow_up();
    assert_eq!(statuses(&instance.last_run()), [LookalikeStatus::Pending]);
    instance.sandbox.faults().clear();
    // The program is restarted with a mail server that is gone, and once more with one that answers.
    let port = instance.value("SMTP_PORT").to_owned();
    instance.set("SMTP_PORT", "1");
    later(&instance, TimeDelta::hours(3)).follow_up();
    assert_eq!(statuses(&instance.last_run()), [LookalikeStatus::Created]);
    assert!(later_mails(&instance).is_empty());
    instance.set("SMTP_PORT", &port);
    later(&instance, TimeDelta::hours(4)).follow_up();
    later(&instance, TimeDelta::hours(5)).follow_up();
    assert_eq!(later_mails(&instance).len(), 1);
}
