//! Old dated audiences are deleted when nothing leans on them, and only then: deleting one that an ad uses stops the ad
//! for ever.

use crate::account::{header, row};
use crate::crash::later;
use crate::instance::{Database, Instance, on_both_databases};
use chrono::TimeDelta;
use domain::run::{RemoteAudience, RunStatus, Trigger};
use domain::{Run, RunId};
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_databases!(
    whatever_anything_leans_on_survives_and_the_rest_goes_lookalike_first,
    a_clean_up_that_broke_off_between_lookalike_and_seed_is_finished_by_the_next,
    exactly_the_newest_are_kept_and_a_backlog_is_worked_off_in_parts,
);

/// Enough people for a lookalike.
fn instance(database: Database) -> Instance {
    let csv = (0..300).fold(header(), |csv, number| {
        csv + &row(number, &format!("{number}.00"), &format!("{number}.00"), "ok")
    });
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {}).with_database(database);
    instance.set("NORMALIZER", "local");
    instance
}

/// A run after which nothing is too old.
fn synced(instance: &mut Instance) -> Run {
    instance.set("AUDIENCE_KEEP", "400").sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(told(&run), None);
    run
}

/// What the run tells of its clean-up.
fn told(run: &Run) -> Option<String> {
    let warnings = &run.ranking.as_ref().unwrap().warnings;
    warnings.iter().find(|warning| warning.contains("older than the last")).cloned()
}

/// A run that keeps that many audiences, its own among them; what it tells of its clean-up.
fn clean_up(instance: &mut Instance, keep: u32) -> Option<String> {
    instance.set("AUDIENCE_KEEP", &keep.to_string()).sync(&[]).expect(0);
    told(&instance.last_run())
}

fn seed(run: &Run) -> &str {
    &run.audience.as_ref().unwrap().id
}

fn lookalike(run: &Run) -> &str {
    run.lookalikes[0].id.as_deref().unwrap()
}

/// Ids of what still exists at Meta.
fn existing(instance: &Instance) -> Vec<String> {
    let all = instance.control("/control/meta/audiences")["audiences"].as_array().unwrap().clone();
    all.iter()
        .filter(|audience| audience["deleted"] == false)
        .map(|audience| audience["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The audiences that were deleted, in the order of the calls.
fn deletions(instance: &Instance) -> Vec<String> {
    let calls = instance.sandbox.record().entries(Service::Meta);
    let deletions = calls.iter().filter(|call| call.method == "DELETE");
    deletions
        .map(|call| call.path.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned())
        .collect()
}

fn whatever_anything_leans_on_survives_and_the_rest_goes_lookalike_first(database: Database) {
    let mut instance = instance(database);
    let runs: Vec<Run> = (0..9).map(|_| synced(&mut instance)).collect();
    let [used, excluded, unreadable, renamed, foreign, lookalike_used, lookalike_unreadable, free, newest] =
        &runs[..]
    else {
        unreachable!()
    };
    for (audience, excludes) in
        [(seed(used), false), (seed(excluded), true), (lookalike(lookalike_used), false)]
    {
        instance.tell("/control/meta/ads", &json!({"audience_id": audience, "excluded": excludes}));
    }
    let unreadable_ids = [seed(unreadable), lookalike(lookalike_unreadable)];
    instance.tell("/control/meta/state", &json!({"ads_unreadable": unreadable_ids}));
    // In Ads Manager somebody takes an audience over, and makes a lookalike of another.
    instance.meta("POST", &format!("/{}", seed(renamed)), &json!({"description": "Ours now"}));
    let theirs = json!({
        "name": "Theirs", "subtype": "LOOKALIKE", "origin_audience_id": seed(foreign),
        "lookalike_spec": json!({"ratio": 0.05, "country": "US"}).to_string(),
    });
    instance.meta("POST", "/act_1234567890/customaudiences", &theirs);
    let before = existing(&instance);

    assert_eq!(
        clean_up(&mut instance, 2).unwrap(),
        "1 audience older than the last 2 was deleted; 3 are kept because ads use or exclude them or their lookalikes; \
         2 are kept because Meta did not tell whether ads use them; 2 are kept because they, or lookalikes made from \
         them, are not from this program."
    );
    let mail = instance.sandbox.mails().all().pop().unwrap();
    assert!(mail.text.unwrap().contains("1 audience older than the last 2 was deleted;"));
    assert_eq!(deletions(&instance), [lookalike(free), seed(free)]);
    let left = existing(&instance);
    let gone: Vec<&String> = before.iter().filter(|id| !left.contains(id)).collect();
    assert_eq!(gone.len(), 2, "{gone:?}");
    for run in &runs {
        let stored = instance.store().run_get(run.id).unwrap().unwrap();
        assert_eq!(stored.audience_deleted_at.is_some(), run.id == free.id, "run {}", run.id);
    }
    // Everything that survived does so again, and the next oldest goes.
    let again = clean_up(&mut instance, 2).unwrap();
    assert!(
        again.starts_with("1 audience older than the last 2 was deleted; 3 are kept because ads use"),
        "{again}"
    );
    assert_eq!(deletions(&instance)[2..], [lookalike(newest), seed(newest)]);

    // The ads are asked for again just before the deletion, and an error then counts as an ad.
    instance.tell("/control/meta/state", &json!({"ads_unreadable": []}));
    let second_look = Fault::new(Service::Meta, Effect::MetaError(MetaError::new(200, None)))
        .on_path(&format!("{}/ads", seed(unreadable)))
        .after(1);
    instance.sandbox.faults().add(second_look);
    clean_up(&mut instance, 2).unwrap();
    let survivors = existing(&instance);
    assert!(survivors.iter().any(|id| id == seed(unreadable)));
    assert!(survivors.iter().all(|id| id != seed(lookalike_unreadable)));
    assert_eq!(instance.control("/control/meta/audiences")["ads_stopped"], json!([]));
}

fn a_clean_up_that_broke_off_between_lookalike_and_seed_is_finished_by_the_next(database: Database) {
    let mut instance = instance(database);
    let old = synced(&mut instance);
    let refused = Fault::new(Service::Meta, Effect::MetaError(MetaError::new(200, None)))
        .on_method("DELETE")
        .on_path(seed(&old));
    instance.sandbox.faults().add(refused);
    let told = clean_up(&mut instance, 1).unwrap();
    assert!(told.starts_with("1 audience older than the last 1 is kept because Meta did not tell"), "{told}");
    assert_eq!(instance.last_run().status, RunStatus::Success);
    assert_eq!(deletions(&instance), [lookalike(&old), seed(&old)]);
    assert!(existing(&instance).iter().any(|id| id == seed(&old)), "it was refused");
    assert_eq!(instance.store().run_get(old.id).unwrap().unwrap().audience_deleted_at, None);

    assert_eq!(clean_up(&mut instance, 1).unwrap(), "2 audiences older than the last 1 were deleted.");
    let newest = instance.last_run();
    let mut left = existing(&instance);
    left.sort();
    let mut newest = [seed(&newest).to_owned(), lookalike(&newest).to_owned()];
    newest.sort();
    assert_eq!(left, newest);
}

/// A successful run as an earlier day left it, with an audience that nobody filled.
fn earlier_run(instance: &Instance) -> RunId {
    let store = instance.store();
    let config = store.config_of_run(&instance.last_run().config).unwrap();
    let run = store.run_start(Trigger::Scheduled, config).unwrap();
    let tag = store.instance_tag().unwrap();
    let made = instance.ask(
        "/control/meta/audiences",
        &json!({"count": 1, "name": "Old", "description": format!("Synced. [ghl-meta-sync {tag} run {run}]")}),
    );
    let id = made["ids"][0].as_str().unwrap().to_owned();
    store.run_set_audience(run, &RemoteAudience { id, name: "Old".to_owned() }).unwrap();
    store.run_finish(run, RunStatus::Success, None).unwrap();
    run
}

fn exactly_the_newest_are_kept_and_a_backlog_is_worked_off_in_parts(database: Database) {
    let mut instance = instance(database);
    let first = synced(&mut instance);
    let earlier: Vec<RunId> = (0..26).map(|_| earlier_run(&instance)).collect();
    let old: Vec<RunId> = std::iter::once(first.id).chain(earlier).collect();
    let deleted = |instance: &Instance| {
        let store = instance.store();
        let is_deleted = |run: &RunId| store.run_get(*run).unwrap().unwrap().audience_deleted_at.is_some();
        old.iter().copied().filter(is_deleted).collect::<Vec<_>>()
    };
    // 27 and the new one, of which 3 are kept: 25 to be deleted, 20 at a time, the oldest first.
    assert_eq!(
        clean_up(&mut instance, 3).unwrap(),
        "20 audiences older than the last 3 were deleted; 5 are left for the next syncs."
    );
    assert_eq!(deleted(&instance), old[..20]);
    assert_eq!(clean_up(&mut instance, 3).unwrap(), "6 audiences older than the last 3 were deleted.");
    assert_eq!(deleted(&instance), old[..26]);
    assert_eq!(instance.audiences("CUSTOM").len(), 3);
}

#[test]
fn of_many_audiences_that_are_kept_some_are_looked_at_after_each_run_and_all_come_round() {
    let mut instance = instance(Database::Sqlite);
    synced(&mut instance);
    for _ in 0..59 {
        let run = earlier_run(&instance);
        let old = instance.store().run_get(run).unwrap().unwrap();
        instance.tell("/control/meta/ads", &json!({"audience_id": seed(&old), "excluded": false}));
    }
    let looked_at = |instance: &Instance| {
        let calls = instance.sandbox.record().entries(Service::Meta);
        let ads = calls.iter().filter(|call| call.path.contains("/ads?"));
        ads.map(|call| call.path.clone()).collect::<BTreeSet<_>>().len()
    };
    // 59 that are used and the one that is kept; the first run's own audience is looked at when its turn comes.
    instance.sandbox.record().clear();
    let told = clean_up(&mut instance, 1).unwrap();
    assert!(told.ends_with("; 20 are left for the next syncs."), "{told}");
    assert!(looked_at(&instance) <= 42, "{}", looked_at(&instance));
    for _ in 0..4 {
        clean_up(&mut instance, 1);
    }
    let store = instance.store();
    let used = store.audiences_made(instance.value("META_AD_ACCOUNT_ID")).unwrap();
    let calls = instance.sandbox.record().entries(Service::Meta);
    for old in used.iter().filter(|old| old.audience.name == "Old") {
        let path = format!("/{}/ads?", old.audience.id);
        assert!(calls.iter().any(|call| call.path.contains(&path)), "{path} was never asked");
    }
    assert_eq!(used.iter().filter(|old| old.audience.name == "Old").count(), 59);
}

#[test]
fn an_audience_that_is_gone_at_meta_is_recorded_so_and_not_deleted_again() {
    let mut instance = instance(Database::Sqlite);
    let old = synced(&mut instance);
    for id in [lookalike(&old), seed(&old)] {
        instance.meta("DELETE", &format!("/{id}"), &Value::Null);
    }
    let before = deletions(&instance).len();
    assert_eq!(clean_up(&mut instance, 1).unwrap(), "1 audience older than the last 1 was gone already.");
    assert_eq!(deletions(&instance).len(), before, "nothing was deleted again");
    assert!(instance.store().run_get(old.id).unwrap().unwrap().audience_deleted_at.is_some());
}

#[test]
fn a_clean_up_that_somebody_cancels_tells_what_it_has_deleted_and_leaves_the_rest() {
    let mut instance = instance(Database::Sqlite);
    (0..4).for_each(|_| drop(synced(&mut instance)));
    instance.set("AUDIENCE_KEEP", "1");
    // The lookalike and the seed of the oldest go; then Meta takes its time.
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 2_000 }).on_method("DELETE").after(2);
    instance.sandbox.faults().add(slow);
    let service = later(&instance, TimeDelta::zero());
    let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    let handle = service.start(&config, Trigger::Manual, false).unwrap();
    instance.wait_until(|| instance.sandbox.faults().left() == 0);
    assert!(service.cancel(handle.run));
    handle.wait();
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Success, "{:?}", run.failure);
    assert_eq!(
        told(&run).unwrap(),
        "1 audience older than the last 1 was deleted; 3 are left for the next syncs."
    );
}

#[test]
fn in_stable_mode_nothing_is_cleaned_up() {
    let mut instance = instance(Database::Sqlite);
    let old = synced(&mut instance);
    instance.set("AUDIENCE_MODE", "stable");
    assert_eq!(clean_up(&mut instance, 1), None);
    assert!(existing(&instance).iter().any(|id| id == seed(&old)));
    // Back in dated mode the stable audience is not an old one of ours.
    let stable = instance.last_run();
    instance.set("AUDIENCE_MODE", "dated");
    assert_eq!(clean_up(&mut instance, 1).unwrap(), "1 audience older than the last 1 was deleted.");
    let left = existing(&instance);
    assert!(left.iter().any(|id| id == seed(&stable)) && left.iter().all(|id| id != seed(&old)));
}
