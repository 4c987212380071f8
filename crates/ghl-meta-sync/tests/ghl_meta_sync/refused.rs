//! Rows that Meta calls invalid: counted, named as far as Meta names them, and never told as sent.

use crate::instance::{Database, Instance, on_both_databases};
use crate::people::{address, audience, holds, installed, members, people};
use crate::serve::Served;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use domain::{Bucket, Run};
use match_keys::hash;
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_databases!(
    refused_contacts_are_counted_and_named_everywhere,
    beyond_a_hundred_the_refused_are_counted_though_not_named,
    a_stable_audience_is_told_its_refusals_in_every_run_until_they_end,
);

/// Everybody has a phone; some have a second address.
fn list(count: u32) -> String {
    people(count, "additional_emails", |number| match number {
        4 | 5 => format!("second{number}@example.com"),
        _ => String::new(),
    })
}

/// From now on Meta calls rows with these addresses or numbers invalid.
fn refuse(instance: &Instance, truths: &[String]) {
    let hashes: Vec<String> = truths.iter().map(|truth| hash(truth).unwrap().to_string()).collect();
    instance.tell("/control/meta/state", &json!({"refused_hashes": hashes}));
}

/// The third contact; one row of the fifth, who has another one; both rows of the sixth, by the phone.
fn refuse_some(instance: &Instance) {
    refuse(instance, &[address(3), address(4), "12015550105".to_owned()]);
}

fn id(number: u32) -> String {
    format!("c{number:05}")
}

/// The contacts a run names as refused.
fn named(run: &Run) -> BTreeSet<String> {
    run.refused_samples.iter().map(|sample| sample.ghl_contact_id.clone()).collect()
}

fn assert_counts(instance: &Instance, fetched: u64, refused: u64) -> Run {
    let run = instance.last_run();
    let account = run.accounting;
    assert_eq!((account.fetched, account.refused_by_meta), (fetched, refused));
    assert_eq!((account.sent, account.check()), (fetched - refused, Ok(())));
    run
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = Text)]
    bucket: String,
    #[diesel(sql_type = Nullable<Bool>)]
    meta_matched: Option<bool>,
    #[diesel(sql_type = BigInt)]
    contacts: i64,
}

fn refused_contacts_are_counted_and_named_everywhere(database: Database) {
    let mut instance = installed(list(150), database);
    refuse_some(&instance);
    let served = Served::start(&mut instance);
    instance.sync(&[]).expect(0);
    let run = assert_counts(&instance, 150, 2);
    assert_eq!(named(&run), BTreeSet::from([id(3), id(5)]));
    let seen = members(&instance, &audience(&instance));
    assert_eq!(seen.len(), 152 - 4, "every row but the refused ones arrived");
    assert!(holds(&instance, &audience(&instance), "second4@example.com"));
    assert_eq!(run.matched.exact, instance.audiences("CUSTOM")[0]["matched"].as_u64());

    let api = served.get(&format!("/api/sync/{}", run.id));
    assert_eq!((&api["accounting"]["refused_by_meta"], &api["accounting"]["sent"]), (&json!(2), &json!(148)));
    let told: Vec<(&str, &str)> = api["refused_contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|contact| (contact["ghl_contact_id"].as_str().unwrap(), contact["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(told, [(id(3).as_str(), "the row is refused"), (&id(5), "the row is refused")]);
    let page = served.page(&format!("/sync/{}", run.id));
    for words in ["Refused by Meta: 2, of which named: 2", "<code>c00003</code>", "<code>c00005</code>"] {
        assert!(page.contains(words), "`{words}` is missing in\n{page}");
    }
    assert!(!page.contains("c00004</code></th><td>the row"), "one of its rows was taken");
    let mail = instance.sandbox.mails().all().pop().unwrap().text.unwrap();
    for words in ["- Sent to Meta: 148", "- Refused by Meta: 2", "- In all: 150"] {
        assert!(mail.contains(words), "`{words}` is missing in\n{mail}");
    }
    let stored = instance.store().contacts_count_by_bucket(run.id).unwrap();
    assert_eq!(stored, [(Bucket::RefusedByMeta, 2), (Bucket::Sent, 148)]);
}

#[test]
fn only_of_a_refused_contact_it_is_known_that_it_does_not_match() {
    let instance = installed(list(150), Database::Sqlite);
    refuse_some(&instance);
    instance.sync(&[]).expect(0);
    let mut connection = SqliteConnection::establish(instance.database().to_str().unwrap()).unwrap();
    let stored: Vec<Stored> = diesel::sql_query(
        "SELECT bucket, meta_matched, COUNT(*) AS contacts FROM sync_contacts GROUP BY 1, 2 ORDER BY 1",
    )
    .load(&mut connection)
    .unwrap();
    let stored: Vec<(&str, Option<bool>, i64)> =
        stored.iter().map(|row| (row.bucket.as_str(), row.meta_matched, row.contacts)).collect();
    assert_eq!(stored, [("refused_by_meta", Some(false), 2), ("sent", None, 148)]);
}

#[test]
fn samples_are_understood_in_every_shape() {
    let refused = [2, 7, 9];
    for setting in ["samples_as_list", "samples_hold_rows"] {
        let instance = installed(list(150), Database::Sqlite);
        instance.tell("/control/meta/state", &json!({setting: true}));
        refuse(&instance, &refused.map(address));
        instance.sync(&[]).expect(0);
        let run = assert_counts(&instance, 150, 3);
        assert_eq!(named(&run), refused.map(id).into(), "{setting}");
        let hashes: Vec<String> = refused.map(|number| hash(&address(number)).unwrap().to_string()).into();
        let shown = format!("{:?}{}", run.refused_samples, instance.log());
        assert!(hashes.iter().all(|hash| !shown.contains(hash.as_str())), "a row is personal data");
    }
}

fn beyond_a_hundred_the_refused_are_counted_though_not_named(database: Database) {
    let mut instance = installed(list(400), database);
    refuse(&instance, &(100..250).map(address).collect::<Vec<_>>());
    let served = Served::start(&mut instance);
    instance.sync(&[]).expect(0);
    let run = assert_counts(&instance, 400, 150);
    assert_eq!(run.refused_samples.len(), 100);
    assert!(named(&run).iter().all(|named| (100..250).any(|number| id(number) == *named)));
    let stored = instance.store().contacts_count_by_bucket(run.id).unwrap();
    assert_eq!(
        stored,
        [(Bucket::RefusedByMeta, 100), (Bucket::Sent, 300)],
        "the others stand among the sent"
    );
    let page = served.page(&format!("/sync/{}", run.id));
    assert!(page.contains("Refused by Meta: 150, of which named: 100"), "{page}");
    let api = served.get(&format!("/api/sync/{}", run.id));
    assert_eq!(api["refused_contacts"].as_array().unwrap().len(), 100);
    let mail = instance.sandbox.mails().all().pop().unwrap().text.unwrap();
    assert!(mail.contains("- Sent to Meta: 250") && mail.contains("- Refused by Meta: 150"), "{mail}");
}

fn a_stable_audience_is_told_its_refusals_in_every_run_until_they_end(database: Database) {
    let mut instance = installed(list(150), database);
    instance.set("AUDIENCE_MODE", "stable");
    refuse_some(&instance);
    // Filled, replaced, and twice by the difference, of which the second is empty but for the doubts.
    for refuse_replace in [false, false, true, true] {
        instance.tell("/control/meta/state", &json!({"refuse_value_based_replace": refuse_replace}));
        instance.sync(&[]).expect(0);
        let run = assert_counts(&instance, 150, 2);
        assert_eq!(named(&run), BTreeSet::from([id(3), id(5)]));
        assert!(!holds(&instance, &audience(&instance), &address(3)));
    }
    refuse(&instance, &[]);
    instance.sync(&[]).expect(0);
    assert_counts(&instance, 150, 0);
    let seen = instance.verification(&audience(&instance));
    assert_eq!((&seen["missing_count"], &seen["unexpected"]), (&Value::from(0), &Value::from(0)), "{seen}");
}
