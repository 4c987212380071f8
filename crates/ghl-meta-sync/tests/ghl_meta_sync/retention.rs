//! Contacts of old runs are forgotten between the runs, and no run misses them.

use crate::account::{header, row};
use crate::crash::{Later, later};
use crate::instance::{Database, Instance, on_both_databases};
use chrono::TimeDelta;
use domain::run::{Changes, RefusedSample, RunStatus, Trigger};
use domain::{Bucket, RunId};
use persistence::{LeaseOutcome, RunContact};
use sandbox::Contacts;
use std::sync::Arc;
use std::time::Duration;

on_both_databases!(
    old_contacts_go_and_the_next_run_is_compared_as_ever,
    nothing_is_removed_while_a_run_holds_the_lease,
    many_contacts_are_removed_over_several_minutes,
);

/// Of the service that is started later.
const KEPT: TimeDelta = TimeDelta::days(30);

fn instance(database: Database) -> Instance {
    let csv = (0..120).fold(header(), |csv, number| {
        csv + &row(number, &format!("{number}.00"), &format!("{number}.00"), "ok")
    });
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {}).with_database(database);
    instance.set("NORMALIZER", "local");
    instance
}

fn stored(instance: &Instance, run: RunId) -> u64 {
    instance.store().contacts_count_by_bucket(run).unwrap().iter().map(|(_, count)| count).sum()
}

/// A run that failed after it had saved so many contacts.
fn failed(instance: &Instance, contacts: usize) -> RunId {
    let store = instance.store();
    let config = store.config_of_run(&instance.last_run().config).unwrap();
    let run = store.run_start(Trigger::Scheduled, config).unwrap();
    let contact = RunContact {
        ghl_contact_id: "c".to_owned(),
        email: None,
        phone: None,
        first_name: None,
        last_name: None,
        raw_ltv: None,
        normalized_value: None,
        bucket: Bucket::NoLtv,
        reason: None,
        meta_matched: None,
        country: None,
    };
    store.contacts_insert(run, &vec![contact; contacts]).unwrap();
    assert!(store.run_finish(run, RunStatus::Failed, None).unwrap());
    run
}

fn old_contacts_go_and_the_next_run_is_compared_as_ever(database: Database) {
    let instance = instance(database);
    instance.sync(&[]).expect(0);
    let first = instance.last_run();
    let failed = failed(&instance, 3);
    let refused = RefusedSample { ghl_contact_id: "c00001".to_owned(), reason: "bad hash".to_owned() };
    let name_refused =
        |run| instance.store().run_set_refused_samples(run, std::slice::from_ref(&refused)).unwrap();
    [first.id, failed].into_iter().for_each(name_refused);
    instance.sync(&[]).expect(0);
    let second = instance.last_run();
    name_refused(second.id);
    let named = |run| instance.store().run_get(run).unwrap().unwrap().refused_samples.len();
    later(&instance, KEPT - TimeDelta::minutes(10)).follow_up();
    assert_eq!(
        [first.id, failed, second.id].map(named),
        [1, 0, 1],
        "whom Meta refused is forgotten with the rows"
    );
    assert_eq!(
        [first.id, failed, second.id].map(|run| stored(&instance, run)),
        [120, 0, 120],
        "30 days are not over, and nobody needs those of a failure"
    );
    later(&instance, KEPT + TimeDelta::minutes(10)).follow_up();
    assert_eq!([first.id, failed, second.id].map(|run| stored(&instance, run)), [0, 0, 120]);
    assert_eq!([first.id, failed, second.id].map(named), [0, 0, 1]);
    let kept = instance.store().run_get(first.id).unwrap().unwrap();
    assert_eq!((kept.accounting, kept.steps), (first.accounting, first.steps), "the run stays as it was");
    instance.sync(&[]).expect(0);
    let third = instance.last_run();
    assert_eq!((third.status, third.changes), (RunStatus::Success, Some(Changes { added: 0, removed: 0 })));
}

fn nothing_is_removed_while_a_run_holds_the_lease(database: Database) {
    let instance = instance(database);
    instance.sync(&[]).expect(0);
    let failed = failed(&instance, 3);
    let by = KEPT + TimeDelta::hours(1);
    let other_process = instance.store_with(Arc::new(Later(by)));
    let taken = other_process.lease_acquire("another process", Duration::from_secs(300)).unwrap();
    assert_eq!(taken, LeaseOutcome::Acquired);
    later(&instance, by).follow_up();
    assert_eq!(stored(&instance, failed), 3);
    assert!(other_process.lease_release("another process").unwrap());
    later(&instance, by).follow_up();
    assert_eq!(stored(&instance, failed), 0);
}

fn many_contacts_are_removed_over_several_minutes(database: Database) {
    let instance = instance(database);
    instance.sync(&[]).expect(0);
    let failed = failed(&instance, 51_000);
    let service = later(&instance, KEPT + TimeDelta::hours(1));
    service.follow_up();
    assert_eq!(stored(&instance, failed), 1_000);
    service.follow_up();
    assert_eq!(stored(&instance, failed), 0);
}
