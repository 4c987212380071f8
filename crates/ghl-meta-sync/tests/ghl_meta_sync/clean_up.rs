//! Old dated audiences are deleted when nothing leans on them, and only then: deleting one that an ad uses stops the ad
//! for ever.

use crate::account::{header, row};
use crate::crash::later_with;
use crate::instance::{Database, Instance, on_both_databases};
use chrono::TimeDelta;
use domain::run::{RemoteAudience, RunStatus, Trigger};
use domain::{Cancel, Run, RunId};
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};

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
    instance.set("NORMALIZER", "local").set("AUDIENCE_KEEP", "400");
    instance
}

fn synced(instance: &Instance) -> Run {
    instance.sync(&[]).expect(0);
    instance.last_run()
}

/// Cleans up as after the newest run.
fn clean_up(instance: &Instance, keep: u32) -> Option<String> {
    let service = later_with(instance, TimeDelta::zero(), |settings| settings.audience_keep = keep);
    let run = instance.last_run().id;
    service.clean_up_audiences(run, &Cancel::new())
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
    let instance = instance(database);
    let runs: Vec<Run> = (0..10).map(|_| synced(&instance)).collect();
    let [used, excluded, unreadable, renamed, foreign, lookalike_used, lookalike_unreadable, free, _, _] =
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
    let spec = json!({"ratio": 0.05, "country": "US"}).to_string();
    let theirs = json!({
        "name": "Theirs", "subtype": "LOOKALIKE", "origin_audience_id": seed(foreign), "lookalike_spec": spec,
    });
    instance.meta("POST", "/act_1234567890/customaudiences", &theirs);
    let before = existing(&instance);

    let told = clean_up(&instance, 2).unwrap();
    assert_eq!(
        told,
        "1 audience older than the last 2 was deleted; 3 are kept because ads use or exclude them or their lookalikes; \
         2 are kept because Meta did not tell whether ads use them; 2 are kept because they, or lookalikes made from \
         them, are not from this program."
    );
    assert_eq!(deletions(&instance), [lookalike(free), seed(free)]);
    let left = existing(&instance);
    let gone: Vec<&String> = before.iter().filter(|id| !left.contains(id)).collect();
    assert_eq!(gone.len(), 2, "{gone:?}");
    assert_eq!(instance.control("/control/meta/audiences")["ads_stopped"], json!([]));
    for run in &runs {
        let stored = instance.store().run_get(run.id).unwrap().unwrap();
        assert_eq!(stored.audience_deleted_at.is_some(), run.id == free.id, "run {}", run.id);
    }
    // Everything that survived does so again.
    let again = clean_up(&instance, 2).unwrap();
    assert!(again.starts_with("3 audiences older than the last 2 are kept because ads use"), "{again}");
    assert_eq!(existing(&instance), left);

    // The ads are asked for again just before the deletion, and an error then counts as an ad.
    instance.tell("/control/meta/state", &json!({"ads_unreadable": []}));
    let mut second_look = Fault::new(Service::Meta, Effect::MetaError(MetaError::new(2, None)))
        .on_path(&format!("{}/ads", seed(unreadable)));
    (second_look.after, second_look.times) = (1, 100);
    instance.sandbox.faults().add(second_look);
    clean_up(&instance, 2).unwrap();
    assert!(existing(&instance).iter().any(|id| id == seed(unreadable)));
}

fn a_clean_up_that_broke_off_between_lookalike_and_seed_is_finished_by_the_next(database: Database) {
    let instance = instance(database);
    let (old, new) = (synced(&instance), synced(&instance));
    let refused = Fault::new(Service::Meta, Effect::Reset).on_method("DELETE").on_path(seed(&old)).times(100);
    instance.sandbox.faults().add(refused);
    let told = clean_up(&instance, 1).unwrap();
    assert!(told.starts_with("1 audience older than the last 1 is kept because Meta did not tell"), "{told}");
    let kept = [seed(&old), seed(&new), lookalike(&new)];
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(existing(&instance)), sorted(kept.map(str::to_owned).to_vec()));
    assert_eq!(instance.store().run_get(old.id).unwrap().unwrap().audience_deleted_at, None);

    instance.sandbox.faults().clear();
    assert_eq!(clean_up(&instance, 1).unwrap(), "1 audience older than the last 1 was deleted.");
    assert_eq!(sorted(existing(&instance)), sorted(kept[1..].iter().map(ToString::to_string).collect()));
    // Nothing is left to be done, and an audience that a person has deleted is not looked for again.
    assert_eq!(clean_up(&instance, 1), None);
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
    let instance = instance(database);
    let first = synced(&instance);
    let earlier: Vec<RunId> = (0..26).map(|_| earlier_run(&instance)).collect();
    let deleted = || {
        let runs = std::iter::once(first.id).chain(earlier.iter().copied());
        let store = instance.store();
        let is_deleted = |run: &RunId| store.run_get(*run).unwrap().unwrap().audience_deleted_at.is_some();
        runs.filter(is_deleted).collect::<Vec<_>>()
    };
    // 27 runs, of which 3 are kept: 24 to be deleted, 20 at a time, the oldest first.
    let told = clean_up(&instance, 3).unwrap();
    assert_eq!(told, "20 audiences older than the last 3 were deleted; 4 are left for the next syncs.");
    let oldest: Vec<RunId> = std::iter::once(first.id).chain(earlier[..19].iter().copied()).collect();
    assert_eq!(deleted(), oldest);
    assert_eq!(clean_up(&instance, 3).unwrap(), "4 audiences older than the last 3 were deleted.");
    assert_eq!(deleted().len(), 24);
    assert_eq!(clean_up(&instance, 3), None);
    assert_eq!(existing(&instance).len(), 3);
}

#[test]
fn an_audience_that_is_gone_at_meta_is_recorded_so_and_a_stable_mode_deletes_nothing() {
    let instance = instance(Database::Sqlite);
    let (old, _new) = (synced(&instance), synced(&instance));
    let stable = later_with(&instance, TimeDelta::zero(), |settings| {
        settings.audience_mode = sync::AudienceMode::Stable;
        settings.audience_keep = 1;
    });
    assert_eq!(stable.clean_up_audiences(instance.last_run().id, &Cancel::new()), None);
    for id in [lookalike(&old), seed(&old)] {
        instance.meta("DELETE", &format!("/{id}"), &Value::Null);
    }
    let before = deletions(&instance).len();
    clean_up(&instance, 1).unwrap();
    assert_eq!(deletions(&instance).len(), before, "nothing was deleted again");
    assert!(instance.store().run_get(old.id).unwrap().unwrap().audience_deleted_at.is_some());
}
