//! `erase`: one person out of everything, and a receipt that does not tell who it was.

use crate::crash::{later, received};
use crate::instance::{Database, Instance, Outcome, on_both_databases, run};
use crate::people::{address, audience, holds, installed, members, people};
use crate::serve::Served;
use chrono::TimeDelta;
use domain::run::{Step, StepStatus};
use domain::{Bucket, Run};
use match_keys::{email, hash};
use persistence::RunContact;
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::json;
use std::collections::BTreeSet;

on_both_databases!(
    an_erased_person_is_gone_everywhere_and_stays_away,
    without_meta_the_removal_waits_and_the_rest_is_done,
    a_person_leaves_a_stable_audience_under_every_address,
    who_is_erased_while_the_first_sync_is_going_is_removed_at_its_end,
    who_is_erased_while_an_audience_is_replaced_is_removed_at_its_end,
    programs_and_the_form_erase_and_tell_nobody_who_it_was,
    where_meta_can_not_be_reached_the_follow_up_removes_the_person,
);

fn erase(instance: &Instance, by: &str, person: &str) -> Outcome {
    let mut command = instance.program("erase");
    command.args([by, person]);
    run(command)
}

/// Somebody with an e-mail address whom the run has sent.
fn somebody(instance: &Instance, run: &Run) -> RunContact {
    let sent = instance.store().contacts_sample(run.id, 200).unwrap();
    sent.into_iter().find(|contact| contact.email.is_some()).unwrap()
}

fn rows_at_meta(instance: &Instance, run: &Run, address: &str) -> (u64, bool) {
    let id = &run.audience.as_ref().unwrap().id;
    let dump = instance.control(&format!("/control/meta/audiences/{id}/members?limit=100000"));
    let hash = hash(&email::normalize(address).unwrap()).unwrap().to_string();
    let found = dump["members"].as_array().unwrap().iter().any(|row| row[0] == hash[..32]);
    (dump["total"].as_u64().unwrap(), found)
}

fn recorded(instance: &Instance, contact: &RunContact) -> u32 {
    let mut found = 0;
    let store = instance.store();
    store
        .contacts_each(|known| {
            found +=
                u32::from(known.email == contact.email || known.ghl_contact_id == contact.ghl_contact_id);
        })
        .unwrap();
    found
}

fn an_erased_person_is_gone_everywhere_and_stays_away(database: Database) {
    let instance = Instance::start().with_database(database);
    instance.sync(&[]).expect(0);
    let first = instance.last_run();
    let person = somebody(&instance, &first);
    let address = person.email.clone().unwrap();
    let (rows, found) = rows_at_meta(&instance, &first, &address);
    assert!(found && recorded(&instance, &person) > 0);

    let receipt = erase(&instance, "--email", &address.to_uppercase()).expect(0).stdout;
    for words in ["Receipt 20", "Meta took the request", "GoHighLevel itself was not changed"] {
        assert!(receipt.contains(words), "{words} in {receipt}");
    }
    let (rows_left, found) = rows_at_meta(&instance, &first, &address);
    assert!(!found && rows_left < rows, "{rows_left} of {rows}");
    assert_eq!(instance.control("/control/meta/audiences")["rows_removed_from_any"], rows - rows_left);
    assert_eq!(recorded(&instance, &person), 0);
    assert_eq!(instance.store().removals_pending(10).unwrap(), []);
    let counts = instance.store().contacts_count_by_bucket(first.id).unwrap();
    assert!(counts.contains(&(Bucket::Sent, first.accounting.sent)), "the old account adds up: {counts:?}");

    // The contact is still in GoHighLevel.
    instance.sync(&[]).expect(0);
    let second = instance.last_run();
    assert_eq!(second.accounting.suppressed, 1);
    assert_eq!(second.accounting.sent, first.accounting.sent - 1);
    assert_eq!(second.changes.map(|changes| (changes.added, changes.removed)), Some((0, 1)));
    assert_eq!(second.stats.as_ref().map(|stats| stats.count), first.stats.map(|stats| stats.count));
    assert!(!rows_at_meta(&instance, &second, &address).1);
    assert_eq!(recorded(&instance, &person), 0);

    let again = erase(&instance, "--contact", &person.ghl_contact_id).expect(0).stdout;
    assert!(again.contains("No record of an earlier sync"), "{again}");
    for text in [receipt, again, instance.log()] {
        let text = text.to_lowercase();
        assert!(
            !text.contains(&address.to_lowercase()) && !text.contains(&person.ghl_contact_id.to_lowercase())
        );
    }
}

fn without_meta_the_removal_waits_and_the_rest_is_done(database: Database) {
    let mut instance = Instance::start().with_database(database);
    instance.sync(&[]).expect(0);
    let first = instance.last_run();
    let person = somebody(&instance, &first);
    instance.tell("/control/meta/state", &json!({"throttle": {"code": 80003, "minutes": 60.0}}));
    let told = erase(&instance, "--contact", &person.ghl_contact_id).expect(0).stdout;
    assert!(told.contains("is queued and sent as soon as possible"), "{told}");
    assert_eq!(recorded(&instance, &person), 0);
    assert_eq!(instance.store().removals_pending(10).unwrap().len(), 1);
    instance.tell("/control/meta/state", &json!({"throttle": null}));
    let token = instance.value("META_ACCESS_TOKEN").to_owned();
    let told = erase(instance.unset("META_ACCESS_TOKEN"), "--email", "nobody@example.com").expect(0).stdout;
    assert!(told.contains("META_ACCESS_TOKEN"), "{told}");
    // Whatever waits goes with the next one.
    erase(instance.set("META_ACCESS_TOKEN", &token), "--phone", "+1 202-555-0143").expect(0);
    assert_eq!(instance.store().removals_pending(10).unwrap(), []);
    assert!(!rows_at_meta(&instance, &first, person.email.as_deref().unwrap()).1);
}

#[test]
fn whoever_can_not_be_found_is_told_why_without_being_named() {
    let instance = Instance::start();
    for (by, person, why) in [
        ("--email", "mary(at)example", "e-mail address: it is"),
        ("--phone", "12", "phone number: it is"),
        ("--contact", " ", "contact id: it is empty"),
    ] {
        let outcome = erase(&instance, by, person).expect(2).names(&[why, "Nothing was changed"]);
        assert!(person == " " || !outcome.stderr.contains(person), "{}", outcome.stderr);
    }
    run(instance.program("erase")).expect(2);
    instance.assert_meta_is_untouched();
}

/// The first person has a further address and a further number; Meta knows everybody.
fn listed(database: Database) -> Instance {
    let columns = "additional_emails,additional_phones,additional_phones_truth,known_to_meta";
    let csv = people(120, columns, |number| match number {
        0 => format!("second@example.com,(202) 555-0199,+12025550199,{}", address(0)),
        _ => format!(",,,{}", address(number)),
    });
    installed(csv, database)
}

/// Nothing that is kept or shown tells of the first person.
fn assert_untold(texts: &[&str]) {
    for text in texts {
        let text = text.to_lowercase();
        for mark in [address(0).as_str(), "second@example.com", "5550100", "555-0100", "5550199", "c00000"] {
            assert!(!text.contains(mark), "`{mark}` is told: {text}");
        }
    }
}

/// None of the rows of the first person is in the audience, and everybody else is.
fn assert_gone(instance: &Instance, audience: &str) {
    // A row may be there twice, sent again after a refused replacement.
    let rows: BTreeSet<String> =
        members(instance, audience).iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(rows.len(), 119);
    for left in [&address(0), "second@example.com"] {
        assert!(!holds(instance, audience, left));
    }
}

fn a_person_leaves_a_stable_audience_under_every_address(database: Database) {
    let mut instance = listed(database);
    instance.sync(&[]).expect(0);
    let dated = audience(&instance);
    instance.set("AUDIENCE_MODE", "stable").sync(&[]).expect(0);
    let stable = audience(&instance);
    assert_eq!(members(&instance, &stable).len(), 122);
    // As it is written in the location's country.
    let receipt = erase(&instance, "--phone", "(201) 555-0100").expect(0);
    for list in [&dated, &stable] {
        assert_gone(&instance, list);
    }
    assert_eq!(instance.store().removals_pending(10).unwrap(), []);
    for refuse_replace in [false, true] {
        instance.tell("/control/meta/state", &json!({"refuse_value_based_replace": refuse_replace}));
        instance.sync(&[]).expect(0);
        let account = instance.last_run().accounting;
        assert_eq!((account.suppressed, account.sent, account.check()), (1, 119, Ok(())));
        assert_gone(&instance, &stable);
    }
    let everything = format!("{:?}", instance.last_run());
    assert_untold(&[&receipt.stdout, &receipt.stderr, &instance.log(), &everything]);
}

fn who_is_erased_while_the_first_sync_is_going_is_removed_at_its_end(database: Database) {
    erased_while_a_sync_is_going(&listed(database));
}

fn who_is_erased_while_an_audience_is_replaced_is_removed_at_its_end(database: Database) {
    let mut instance = listed(database);
    instance.set("AUDIENCE_MODE", "stable").sync(&[]).expect(0);
    erased_while_a_sync_is_going(&instance);
}

fn erased_while_a_sync_is_going(instance: &Instance) {
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 4_000 }).on_path("/users");
    instance.sandbox.faults().add(slow);
    let mut sync = instance.spawn_sync();
    instance.wait_until(|| is_uploading(instance));
    let told = erase(instance, "--email", &address(0)).expect(0).stdout;
    assert!(told.contains("is queued and sent as soon as possible: a sync is running"), "{told}");
    assert!(sync.wait().unwrap().success());
    assert_gone(instance, &audience(instance));
    assert_eq!(instance.store().removals_pending(10).unwrap(), []);
    let mut known = Vec::new();
    instance.store().contacts_each(|contact| known.push(contact.ghl_contact_id)).unwrap();
    assert!(known.contains(&"c00001".to_owned()) && !known.contains(&"c00000".to_owned()));
    assert_untold(&[&told, &instance.log()]);
}

/// The newest run is at the step of the upload, and its list is read.
fn is_uploading(instance: &Instance) -> bool {
    // Before the first call the database may not be there yet.
    received(instance, Service::Meta, "/customaudiences") > 0
        && instance
            .last_run()
            .steps
            .iter()
            .any(|step| (step.name, step.status) == (Step::Upload, StepStatus::Running))
}

fn programs_and_the_form_erase_and_tell_nobody_who_it_was(database: Database) {
    let mut instance = listed(database);
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    let served = Served::start(&mut instance);
    let (status, receipt) = served.post("/api/erase", &json!({"contact_id": "c00000"}));
    assert_eq!(
        (status, &receipt["at_meta"], &receipt["records_changed"]),
        (200, &json!("removed"), &json!(1))
    );
    // A number that only GoHighLevel knows as hers goes with the next sync.
    assert!(!holds(&instance, &audience(&instance), &address(0)));
    let form = [("by", "email"), ("person", "ANN1@example.com"), ("understood", "yes")];
    let (status, page) = served.submit("/settings", "/erase", &form);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("Receipt 20") && page.contains("Meta took the request"), "{page}");
    assert!(!page.to_lowercase().contains("ann1"), "{page}");
    assert!(!holds(&instance, &audience(&instance), &address(1)));
    let api = served.get(&format!("/api/sync/{}", run.id));
    assert_eq!(api["accounting"]["sent"], 120, "the old account adds up");
    assert_untold(&[
        &receipt.to_string(),
        &page,
        &api.to_string(),
        &served.page(&format!("/sync/{}", run.id)),
    ]);

    let (status, begun) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 202, "{begun}");
    let next = format!("/api/sync/{}", begun["run_id"]);
    served.wait_for("the run has ended", || served.get(&next)["status"] != "running");
    let next = served.get(&next);
    assert_eq!(next["status"], "success", "{next}");
    assert_eq!((&next["accounting"]["suppressed"], &next["accounting"]["sent"]), (&json!(2), &json!(118)));
    for list in instance.audiences("CUSTOM") {
        assert_eq!(list["rows"], 118, "and under the further address and number too");
    }
    assert_untold(&[&instance.log()]);
    assert!(!instance.log().to_lowercase().contains("ann1@"));
}

fn where_meta_can_not_be_reached_the_follow_up_removes_the_person(database: Database) {
    let mut instance = listed(database);
    instance.set("AUDIENCE_MODE", "stable").sync(&[]).expect(0);
    let meta = instance.value("META_GRAPH_URL").to_owned();
    // Nobody listens there.
    let told = erase(instance.set("META_GRAPH_URL", "http://127.0.0.1:1"), "--email", &address(0)).expect(0);
    assert!(told.stdout.contains("is queued and sent as soon as possible"), "{}", told.stdout);
    instance.set("META_GRAPH_URL", &meta);
    assert_eq!(members(&instance, &audience(&instance)).len(), 122);
    let waiting = instance.store().removals_pending(10).unwrap();
    assert_eq!((waiting.len(), waiting[0].attempts), (3, 1), "under each address and number");
    later(&instance, TimeDelta::minutes(5)).follow_up();
    assert_eq!(instance.store().removals_pending(10).unwrap(), []);
    assert_gone(&instance, &audience(&instance));
    assert_untold(&[&told.stdout, &told.stderr, &instance.log()]);
}
