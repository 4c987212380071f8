//! Stable mode: one audience for ever, mirrored in place, whatever Meta or a crash does to it.

use crate::crash::{kill_when, later, received};
use crate::instance::{Database, Instance, on_both_databases};
use chrono::TimeDelta;
use domain::run::{RunStatus, StepStatus};
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};

on_both_databases!(
    the_second_run_replaces_the_members_of_the_same_audience_and_uses_its_lookalike_again,
    where_meta_refuses_to_replace_the_difference_is_sent,
    a_replacement_cut_short_by_a_crash_is_finished_from_the_spool,
    of_two_replacements_cut_short_the_newer_list_is_delivered,
    a_deleted_audience_is_made_anew_with_a_warning,
);

fn stable(database: Database, contacts: Contacts) -> Instance {
    let mut instance = Instance::with(contacts, |_| {}).with_database(database);
    instance.set("AUDIENCE_MODE", "stable").set("NORMALIZER", "local");
    instance
}

/// More rows than fit into one request.
fn two_batches() -> Contacts {
    Contacts::Generated(12_500)
}

/// The only customer list there is.
fn audience(instance: &Instance) -> Value {
    let audiences = instance.audiences("CUSTOM");
    assert_eq!(audiences.len(), 1, "{audiences:?}");
    audiences[0].clone()
}

/// The run succeeded and the audience holds everybody who is expected, with the right values, and nobody else.
fn assert_mirrored(instance: &Instance) {
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success, "{:?}", run.failure);
    let audience = audience(instance);
    assert_eq!(audience["id"], run.audience.unwrap().id);
    assert_complete(instance, &audience);
}

fn assert_complete(instance: &Instance, audience: &Value) {
    let seen = instance.verification(audience["id"].as_str().unwrap());
    for nothing in ["missing_count", "unexpected", "wrong_value_count"] {
        assert_eq!(seen[nothing], 0, "{nothing}: {seen}");
    }
}

fn attach_ad(instance: &Instance, audience: &Value) {
    instance.tell("/control/meta/ads", &json!({"audience_id": audience["id"], "name": "Ad"}));
}

fn learning_phase_resets(instance: &Instance) -> Value {
    instance.control("/control/meta/audiences")["ads"][0]["learning_phase_resets"].clone()
}

fn warnings(instance: &Instance) -> String {
    instance.last_run().ranking.unwrap().warnings.join(" ")
}

/// The ids of three people who are in the audience.
fn three(instance: &Instance) -> Vec<String> {
    let sample = instance.store().contacts_sample(instance.last_run().id, 3).unwrap();
    sample.into_iter().map(|contact| contact.ghl_contact_id).collect()
}

fn the_second_run_replaces_the_members_of_the_same_audience_and_uses_its_lookalike_again(database: Database) {
    let instance = stable(database, Contacts::default());
    instance.sync(&[]).expect(0);
    assert_mirrored(&instance);
    let first = instance.last_run();
    assert_eq!(first.audience.as_ref().unwrap().name, "GHL-HighValue");
    attach_ad(&instance, &audience(&instance));
    instance.tell("/control/ghl/state", &json!({"changes": [{"delete": three(&instance)}]}));
    instance.sync(&[]).expect(0);
    let second = instance.last_run();
    assert_eq!((second.status, second.changes.unwrap().removed), (RunStatus::Success, 3));
    assert_eq!(second.audience, first.audience);
    assert_eq!(audience(&instance)["rows"], first.accounting.sent - 3, "who left the list left the audience");
    assert_eq!(learning_phase_resets(&instance), 0, "replacing leaves the learning phase alone");
    assert_eq!(second.matched.exact, audience(&instance)["matched"].as_u64());
    assert_eq!(instance.audiences("LOOKALIKE").len(), 1);
    assert_eq!(second.lookalikes[0].id, first.lookalikes[0].id);
    assert!(instance.store().replacements_open().unwrap().is_empty());
}

fn where_meta_refuses_to_replace_the_difference_is_sent(database: Database) {
    let instance = stable(database, Contacts::default());
    instance.tell("/control/meta/state", &json!({"refuse_value_based_replace": true}));
    instance.sync(&[]).expect(0);
    instance.sync(&[]).expect(0);
    assert_mirrored(&instance);
    let sent = instance.last_run().accounting.sent;
    let before = received(&instance, Service::Meta, "/users");
    instance.tell("/control/ghl/state", &json!({"changes": [{"delete": three(&instance)}]}));
    instance.sync(&[]).expect(0);
    assert_eq!(instance.last_run().accounting.sent, sent - 3);
    let seen = instance.verification(audience(&instance)["id"].as_str().unwrap());
    assert_eq!((&seen["missing_count"], &seen["unexpected"]), (&json!(3), &json!(0)), "{seen}");
    assert_eq!(received(&instance, Service::Meta, "/usersreplace"), 1, "a refusal is remembered");
    assert!(received(&instance, Service::Meta, "/users") > before);
    // Nothing changed: nothing is sent.
    let before = received(&instance, Service::Meta, "/users");
    instance.sync(&[]).expect(0);
    assert_eq!(received(&instance, Service::Meta, "/users"), before);
    assert!(
        instance.last_run().matched.exact.is_none(),
        "the matched people of a difference are not told as all"
    );
    assert_eq!(instance.audiences("CUSTOM").len(), 1);
}

fn a_replacement_cut_short_by_a_crash_is_finished_from_the_spool(database: Database) {
    let instance = stable(database, two_batches());
    instance.sync(&[]).expect(0);
    assert_mirrored(&instance);
    let complete = audience(&instance)["rows"].as_u64().unwrap();
    let other_run = instance.last_run().id;
    let hang = Fault::new(Service::Meta, Effect::Hang { millis: 60_000 }).on_path("/usersreplace").after(1);
    instance.sandbox.faults().add(hang);
    kill_when(&instance, || received(&instance, Service::Meta, "/usersreplace") >= 2);
    instance.sandbox.faults().clear();
    // As another run leaves it that dies before it has replaced anything.
    let id = audience(&instance)["id"].as_str().unwrap().to_owned();
    let store = instance.store();
    loop {
        let staged = store.members_surplus(&id, other_run, None, 2_000).unwrap();
        if staged.is_empty() {
            break;
        }
        let members: Vec<persistence::Member> = staged.into_iter().map(|(_, member)| member).collect();
        store.members_stage(&id, other_run, &members).unwrap();
    }
    drop(store);
    assert!(audience(&instance)["rows"].as_u64().unwrap() < complete, "the audience stands half empty");
    let service = later(&instance, TimeDelta::minutes(5));
    service.recover().unwrap();
    service.follow_up();
    let closed = instance.last_run();
    let failure = closed.failure.clone().unwrap();
    assert_eq!((closed.status, failure.step.as_str()), (RunStatus::Failed, "upload"));
    assert!(failure.remedy.contains("is completed from the working files"), "{}", failure.remedy);
    assert_complete(&instance, &audience(&instance));
    let upload = closed.steps.iter().find(|step| step.name.as_str() == "upload").unwrap();
    assert_eq!(upload.status, StepStatus::Failed);
    assert!(upload.detail.as_deref().unwrap().contains("the audience is complete"), "{:?}", upload.detail);
    assert!(instance.store().replacements_open().unwrap().is_empty());
    let spooled = std::fs::read_dir(instance.folder().join("data/spool")).map_or(0, Iterator::count);
    assert_eq!(spooled, 0, "the spool is gone");
    assert!(instance.store().members_exist(&id).unwrap(), "its members are known");
    let next = later(&instance, TimeDelta::minutes(10));
    let config = next.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    next.start(&config, domain::run::Trigger::Cli, false).unwrap().wait();
    assert_mirrored(&instance);
}

fn of_two_replacements_cut_short_the_newer_list_is_delivered(database: Database) {
    let instance = stable(database, two_batches());
    instance.sync(&[]).expect(0);
    let gone = three(&instance);
    let faults = instance.sandbox.faults();
    let fault = |effect, part: &str| Fault::new(Service::Meta, effect).on_path("/usersreplace").on_body(part);
    let hang = || fault(Effect::Hang { millis: 60_000 }, "\"batch_seq\":2,");
    faults.add(hang());
    kill_when(&instance, || received(&instance, Service::Meta, "/usersreplace") >= 2);
    faults.clear();
    let session_is_over = || instance.tell("/control/clock", &json!({"advance_seconds": 91 * 60}));
    session_is_over();
    instance.tell("/control/ghl/state", &json!({"changes": [{"delete": gone}]}));
    // Nobody can finish it: the next run begins one of its own, and dies in it too.
    let begun = instance.store().replacements_open().unwrap().remove(0).session_id;
    let refused = Effect::MetaError(MetaError::new(190, Some(463)));
    faults.add(fault(refused, &format!("\"session_id\":{begun}")).times(100));
    faults.add(hang());
    let next = later(&instance, TimeDelta::minutes(5));
    next.recover().unwrap();
    kill_when(&instance, || faults.left() == 1);
    faults.clear();
    session_is_over();
    let open = instance.store().replacements_open().unwrap();
    assert_eq!(open.iter().map(|open| open.run_id).collect::<Vec<_>>(), [instance.last_run().id]);
    let service = later(&instance, TimeDelta::minutes(5));
    service.recover().unwrap();
    service.follow_up();
    let id = audience(&instance)["id"].as_str().unwrap().to_owned();
    let seen = instance.verification(&id);
    assert_eq!(
        (&seen["missing_count"], &seen["unexpected"]),
        (&json!(3), &json!(0)),
        "who left stays out: {seen}"
    );
    assert!(instance.store().members_exist(&id).unwrap());
    assert!(instance.store().replacements_open().unwrap().is_empty());
}

fn a_deleted_audience_is_made_anew_with_a_warning(database: Database) {
    let instance = stable(database, Contacts::default());
    instance.sync(&[]).expect(0);
    let first = instance.last_run().audience.unwrap();
    for lookalike in instance.audiences("LOOKALIKE") {
        instance.delete_at_meta(lookalike["id"].as_str().unwrap());
    }
    instance.delete_at_meta(&first.id);
    instance.sync(&[]).expect(0);
    assert_mirrored(&instance);
    assert_ne!(instance.last_run().audience.unwrap().id, first.id);
    assert!(warnings(&instance).contains("was deleted at Meta"), "{}", warnings(&instance));
}

#[test]
fn a_lost_reply_to_any_batch_of_a_replacement_loses_and_doubles_nobody() {
    for after in [0, 1] {
        let instance = stable(Database::Sqlite, two_batches());
        instance.sync(&[]).expect(0);
        let lost = Fault::new(Service::Meta, Effect::ResetAfterApply).on_path("/usersreplace").after(after);
        instance.sandbox.faults().add(lost);
        instance.sync(&[]).expect(0);
        assert_mirrored(&instance);
    }
}

#[test]
fn a_first_batch_that_never_arrived_is_followed_by_a_new_session() {
    let instance = stable(Database::Sqlite, Contacts::default());
    instance.sync(&[]).expect(0);
    instance.sandbox.faults().add(Fault::new(Service::Meta, Effect::Reset).on_path("/usersreplace"));
    instance.sync(&[]).expect(0);
    assert_mirrored(&instance);
}

#[test]
fn a_replacement_that_goes_wrong_half_way_is_begun_anew() {
    let instance = stable(Database::Sqlite, two_batches());
    instance.sync(&[]).expect(0);
    instance.tell("/control/meta/state", &json!({"replace_goes_wrong_at_batch": 2}));
    instance.sync(&[]).expect(0);
    assert_mirrored(&instance);
}

#[test]
fn after_a_replacement_that_fails_at_its_end_the_next_sync_sends_the_whole_list_again() {
    for refuse_replace in [false, true] {
        let instance = stable(Database::Sqlite, Contacts::default());
        instance.sync(&[]).expect(0);
        instance.tell("/control/meta/state", &json!({"replace_fails_at_its_end": true}));
        instance.sync(&[]).expect(1);
        let failure = instance.last_run().failure.unwrap();
        assert_eq!(failure.provider_code.as_deref(), Some("operation_status 415"));
        assert!(failure.remedy.starts_with("Press Sync now"), "{}", failure.remedy);
        instance.tell("/control/meta/state", &json!({"refuse_value_based_replace": refuse_replace}));
        // The simulator leaves the status as it is until the members are replaced.
        instance.sync(&[]).expect(i32::from(refuse_replace));
        assert_complete(&instance, &audience(&instance));
    }
}

#[test]
fn a_session_that_meta_ended_after_ninety_minutes_is_completed_by_adding() {
    let instance = stable(Database::Sqlite, two_batches());
    instance.sync(&[]).expect(0);
    // The second batch is held back until the session is over.
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 4_000 }).on_path("/usersreplace").after(1);
    instance.sandbox.faults().add(slow);
    let mut sync = instance.spawn_sync();
    instance.wait_until(|| received(&instance, Service::Meta, "/usersreplace") >= 1);
    instance.tell("/control/clock", &json!({"advance_seconds": 91 * 60}));
    assert!(sync.wait().unwrap().success());
    assert_mirrored(&instance);
}

#[test]
fn an_add_session_that_meta_ended_after_ninety_minutes_is_followed_by_another() {
    let mut instance = stable(Database::Sqlite, two_batches());
    instance.set("AUDIENCE_MODE", "dated");
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 4_000 }).on_path("/users").after(1);
    instance.sandbox.faults().add(slow);
    let mut sync = instance.spawn_sync();
    instance.wait_until(|| received(&instance, Service::Meta, "/users") >= 1);
    instance.tell("/control/clock", &json!({"advance_seconds": 91 * 60}));
    assert!(sync.wait().unwrap().success());
    assert_mirrored(&instance);
    assert_eq!(instance.last_run().matched.exact, None, "no session holds everybody");
}

#[test]
fn rows_that_were_counted_twice_do_not_hide_rows_that_came_too_late() {
    let mut instance = stable(Database::Sqlite, two_batches());
    instance.set("AUDIENCE_MODE", "dated");
    let faults = instance.sandbox.faults();
    // The reply is lost, so the batch is sent and counted again; the next one is held back until the session is over, and
    // Meta drops it without a word.
    let batch = |number: u32, effect| {
        Fault::new(Service::Meta, effect).on_path("/users").on_body(&format!("\"batch_seq\":{number},"))
    };
    faults.add(batch(1, Effect::ResetAfterApply));
    faults.add(batch(2, Effect::Delay { millis: 4_000 }));
    let mut sync = instance.spawn_sync();
    instance.wait_until(|| faults.left() == 0);
    instance.tell("/control/clock", &json!({"advance_seconds": 91 * 60}));
    assert!(sync.wait().unwrap().success());
    assert_mirrored(&instance);
}

#[test]
fn a_second_replacement_waits_until_the_first_is_over() {
    let instance = stable(Database::Sqlite, Contacts::default());
    instance.sync(&[]).expect(0);
    let id = audience(&instance)["id"].as_str().unwrap().to_owned();
    instance.replace_at_meta(&id, 4711, 1, false);
    let mut sync = instance.spawn_sync();
    let told = "waiting until Meta has finished its work on the audience (its members are being replaced)";
    instance.wait_until(|| {
        let run = instance.last_run();
        run.steps.iter().any(|step| step.detail.as_deref() == Some(told))
    });
    instance.replace_at_meta(&id, 4711, 2, true);
    assert!(sync.wait().unwrap().success());
    assert_mirrored(&instance);
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_replacement_is_named_and_the_audience_completed_later() {
    let instance = stable(Database::Sqlite, two_batches());
    instance.sync(&[]).expect(0);
    let expired = Fault::new(
        Service::Meta,
        Effect::Status {
            status: 400,
            body: json!({"error": {"message": "Session has expired", "type": "OAuthException", "code": 190, "error_subcode": 463}})
                .to_string(),
            headers: Vec::new(),
        },
    )
    .on_path("/usersreplace")
    .after(1);
    instance.sandbox.faults().add(expired);
    instance.sync(&[]).expect(1).names(&["Reconnect Meta", "190/463"]);
    assert_eq!(instance.store().replacements_open().unwrap().len(), 1);
    later(&instance, TimeDelta::minutes(1)).follow_up();
    assert_complete(&instance, &audience(&instance));
    assert_eq!(instance.last_run().status, RunStatus::Failed);
    assert!(instance.store().replacements_open().unwrap().is_empty());
}

#[test]
fn an_existing_audience_is_used_and_one_without_values_is_refused() {
    let mut instance = stable(Database::Sqlite, Contacts::default());
    instance.sync(&[]).expect(0);
    let id = audience(&instance)["id"].as_str().unwrap().to_owned();
    // Another installation of the same account.
    let folder = tempfile::tempdir().unwrap();
    instance.set("DATA_DIR", folder.path().to_str().unwrap()).set("STABLE_AUDIENCE_ID", &id);
    instance.sync(&[]).expect(0);
    assert_eq!(audience(&instance)["id"], id.as_str());
    assert_complete(&instance, &audience(&instance));
    let plain = instance.create_at_meta("Plain list", false);
    instance.set("STABLE_AUDIENCE_ID", &plain);
    instance.sync(&[]).expect(1).names(&["made without values", "STABLE_AUDIENCE_ID"]);
}

#[test]
fn scaled_values_are_sent_in_proportion_to_the_money() {
    let mut instance = stable(Database::Sqlite, Contacts::default());
    instance.set("VALUE_MODE", "scaled").set("AUDIENCE_MODE", "dated").sync(&[]).expect(0);
    let id = audience(&instance)["id"].as_str().unwrap().to_owned();
    let members = instance.control(&format!("/control/meta/audiences/{id}/members"));
    let values: Vec<f64> =
        members["members"].as_array().unwrap().iter().map(|member| member[2].as_f64().unwrap()).collect();
    assert!(values.iter().all(|value| (0.01..=100.0).contains(value)));
    let greatest = values.iter().filter(|value| **value == 100.0).count();
    assert!((20..40).contains(&greatest), "about one in a hundred is capped: {greatest}");
    assert!(values.iter().any(|value| value.fract() != 0.0), "values are not rounded to ranks");
}
