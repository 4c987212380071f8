//! Lookalikes that come later than their run: created, given up or found unbuilt by the follow-up, and told by mail.

use crate::account::{header, row};
use crate::crash::later;
use crate::instance::{Database, Instance, on_both_databases};
use chrono::TimeDelta;
use domain::Run;
use domain::run::LookalikeStatus;
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Mail, Service};
use serde_json::{Value, json};
use std::time::Duration;

on_both_databases!(
    a_seed_that_is_never_matched_is_given_up_after_a_day_and_told_once,
    each_country_and_size_has_its_own_fate_and_one_mail_tells_all,
);

const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// A run whose seed Meta has not matched when it ends.
fn pending(change: impl FnOnce(&mut Instance)) -> Instance {
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
fn later_mails(instance: &Instance) -> Vec<Mail> {
    instance.sandbox.mails().all().split_off(1)
}

fn statuses(run: &Run) -> Vec<LookalikeStatus> {
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

#[test]
fn a_lookalike_that_meta_can_not_build_is_told_after_it_was_created() {
    let instance = pending(|_| {});
    instance.sandbox.clock().advance(MONTH);
    later(&instance, TimeDelta::hours(2)).follow_up();
    let run = instance.last_run();
    let id = run.lookalikes[0].id.clone().unwrap();
    let unbuilt = json!({
        "id": id, "name": "x", "description": "", "subtype": "LOOKALIKE",
        "operation_status": {"code": 433, "description": "Failed"}, "delivery_status": {"code": 400, "description": ""},
    });
    let effect = Effect::Status { status: 200, body: unbuilt.to_string(), headers: Vec::new() };
    instance.sandbox.faults().add(Fault::new(Service::Meta, effect).on_path(&format!("/{id}?")));
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
