//! `erase`: one person out of everything, and a receipt that does not tell who it was.

use crate::instance::{Database, Instance, Outcome, on_both_databases, run};
use domain::{Bucket, Run};
use match_keys::{email, hash};
use persistence::RunContact;
use serde_json::json;

on_both_databases!(
    an_erased_person_is_gone_everywhere_and_stays_away,
    without_meta_the_removal_waits_and_the_rest_is_done,
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
