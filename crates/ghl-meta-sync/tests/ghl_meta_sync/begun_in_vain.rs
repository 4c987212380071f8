//! Replacements of a stable audience's members that end at their first request.

use crate::crash::{later, received};
use crate::instance::{Database, Instance};
use chrono::TimeDelta;
use domain::run::{RunStatus, Trigger};
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use sync::SyncService;

/// An audience that is mirrored, and then three people fewer in the list.
fn shrunk() -> (Instance, Value) {
    let mut instance = Instance::with(Contacts::default(), |_| {}).with_database(Database::Sqlite);
    instance.set("AUDIENCE_MODE", "stable").set("NORMALIZER", "local");
    instance.sync(&[]).expect(0);
    let gone = instance.store().contacts_sample(instance.last_run().id, 3).unwrap();
    let gone: Vec<String> = gone.into_iter().map(|contact| contact.ghl_contact_id).collect();
    instance.tell("/control/ghl/state", &json!({"changes": [{"delete": gone}]}));
    let rows = rows(&instance);
    (instance, rows)
}

fn rows(instance: &Instance) -> Value {
    let audiences = instance.audiences("CUSTOM");
    assert_eq!(audiences.len(), 1, "{audiences:?}");
    audiences[0]["rows"].clone()
}

fn replacements(instance: &Instance) -> usize {
    received(instance, Service::Meta, "/usersreplace")
}

fn fault(path: &str, effect: Effect) -> Fault {
    Fault::new(Service::Meta, effect).on_path(path)
}

/// A run of this process that somebody cancels when Meta has received a call to this path.
fn cancelled_at(instance: &Instance, service: &SyncService, path: &str) {
    let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    let before = received(instance, Service::Meta, path);
    let handle = service.start(&config, Trigger::Manual, false).unwrap();
    instance.wait_until(|| received(instance, Service::Meta, path) > before);
    assert!(service.cancel(handle.run));
    handle.wait();
    assert_eq!(instance.last_run().status, RunStatus::Cancelled);
}

/// Nothing is left to be finished, and nobody finishes it.
fn assert_untouched(instance: &Instance, before: &Value) {
    assert_eq!(instance.store().replacements_open().unwrap(), []);
    let spooled = std::fs::read_dir(instance.folder().join("data/spool")).map_or(0, Iterator::count);
    assert_eq!(spooled, 0, "the spool is gone");
    later(instance, TimeDelta::minutes(5)).follow_up();
    assert_eq!((replacements(instance), &rows(instance)), (1, before));
}

#[test]
fn a_list_of_which_meta_took_nothing_is_not_uploaded_after_the_run_has_failed() {
    let (instance, before) = shrunk();
    instance.sandbox.faults().add(fault("/usersreplace", Effect::MetaError(MetaError::new(190, Some(463)))));
    instance.sync(&[]).expect(1).names(&["Reconnect Meta", "190/463"]);
    assert_untouched(&instance, &before);
}

#[test]
fn a_list_that_is_cancelled_while_it_waits_for_metas_limit_is_not_uploaded_afterwards() {
    let (instance, before) = shrunk();
    let limit = MetaError::new(80_003, Some(2_446_079));
    instance.sandbox.faults().add(fault("/usersreplace", Effect::MetaError(limit)));
    cancelled_at(&instance, &later(&instance, TimeDelta::zero()), "/usersreplace");
    assert_untouched(&instance, &before);
}

#[test]
fn a_list_that_is_cancelled_when_meta_may_have_emptied_the_audience_is_finished() {
    let (instance, _before) = shrunk();
    let faults = instance.sandbox.faults();
    faults.add(fault("/usersreplace", Effect::ResetAfterApply));
    let unknown = Effect::Status { status: 200, body: r#"{"data":[]}"#.to_owned(), headers: Vec::new() };
    faults.add(fault("/sessions", unknown).times(100));
    cancelled_at(&instance, &later(&instance, TimeDelta::zero()), "/sessions?session_id");
    assert_eq!(instance.store().replacements_open().unwrap().len(), 1);
    faults.clear();
    later(&instance, TimeDelta::minutes(5)).follow_up();
    assert_eq!(instance.store().replacements_open().unwrap(), []);
    let seen = instance.verification(instance.audiences("CUSTOM")[0]["id"].as_str().unwrap());
    assert_eq!(
        (&seen["missing_count"], &seen["unexpected"]),
        (&json!(3), &json!(0)),
        "who left is out: {seen}"
    );
}
