use crate::support::{TestDb, config, for_each_backend, stable_audience};
use chrono::TimeDelta;
use domain::RunId;
use domain::run::{Lookalike, LookalikeStatus, RemoteAudience, RunStatus, SyncConfig, Trigger};
use persistence::{IntentionOutcome, RemoteKind, Store};

for_each_backend!(
    the_audiences_of_successful_runs_come_newest_first,
    a_deleted_audience_is_told_and_comes_no_more,
    an_audience_that_several_runs_wrote_to_comes_once,
    a_stable_audience_is_not_among_them,
    an_audience_that_was_complete_before_its_run_failed_is_among_them,
);

const ACCOUNT: &str = "act_1234567890";

fn ended(store: &Store, account: &str, audience: &str, status: RunStatus) -> RunId {
    let config = SyncConfig { ad_account_id: account.into(), ..config() };
    let run = store.run_start(Trigger::Manual, store.config_of_run(&config).unwrap()).unwrap();
    let audience = RemoteAudience { id: audience.into(), name: format!("GHL-HighValue-{audience}") };
    store.run_set_audience(run, &audience).unwrap();
    store.run_finish(run, status, None).unwrap();
    run
}

fn made(store: &Store) -> Vec<(RunId, String)> {
    store.audiences_made(ACCOUNT).unwrap().into_iter().map(|made| (made.run, made.audience.id)).collect()
}

fn the_audiences_of_successful_runs_come_newest_first(db: &TestDb) {
    let store = db.open();
    assert_eq!(store.audiences_made(ACCOUNT).unwrap(), []);
    let first = ended(&store, ACCOUNT, "1", RunStatus::Success);
    ended(&store, ACCOUNT, "2", RunStatus::Failed);
    ended(&store, "act_2", "3", RunStatus::Success);
    let without = store.run_start(Trigger::Manual, store.config_of_run(&config()).unwrap()).unwrap();
    store.run_finish(without, RunStatus::Success, None).unwrap();
    db.clock.advance(TimeDelta::days(1));
    let second = ended(&store, ACCOUNT, "4", RunStatus::Success);
    let lookalike = Lookalike {
        id: Some("5".into()),
        name: "GHL-HighValue-4-LAL-1%".into(),
        country: "US".into(),
        ratio_percent: 1,
        status: LookalikeStatus::Created,
        note: None,
    };
    store.run_set_lookalikes(second, std::slice::from_ref(&lookalike)).unwrap();
    assert_eq!(made(&store), [(second, "4".into()), (first, "1".into())]);
    let newest = store.audiences_made(ACCOUNT).unwrap().remove(0);
    assert_eq!(newest.lookalikes, [lookalike]);
    assert_eq!(newest.audience.name, "GHL-HighValue-4");
}

fn a_deleted_audience_is_told_and_comes_no_more(db: &TestDb) {
    let store = db.open();
    let run = ended(&store, ACCOUNT, "1", RunStatus::Success);
    let other = ended(&store, ACCOUNT, "2", RunStatus::Success);
    let deleted_at = db.now();
    store.audience_mark_deleted(run).unwrap();
    db.clock.advance(TimeDelta::hours(1));
    store.audience_mark_deleted(run).unwrap();
    store.audience_mark_deleted(RunId(99)).unwrap();
    assert_eq!(store.run_get(run).unwrap().unwrap().audience_deleted_at, Some(deleted_at));
    assert_eq!(store.run_get(other).unwrap().unwrap().audience_deleted_at, None);
    assert_eq!(made(&store), [(other, "2".into())]);
}

fn an_audience_that_several_runs_wrote_to_comes_once(db: &TestDb) {
    let store = db.open();
    let first = ended(&store, ACCOUNT, "1", RunStatus::Success);
    let second = ended(&store, ACCOUNT, "1", RunStatus::Success);
    assert_eq!(made(&store), [(second, "1".into())]);
    store.audience_mark_deleted(second).unwrap();
    assert_eq!(made(&store), []);
    assert_eq!(store.run_get(first).unwrap().unwrap().audience_deleted_at, Some(db.now()));
}

fn an_audience_that_was_complete_before_its_run_failed_is_among_them(db: &TestDb) {
    let store = db.open();
    let run = ended(&store, ACCOUNT, "1", RunStatus::Failed);
    let intention = store.intention_create(run, RemoteKind::Audience, "GHL-HighValue-1").unwrap();
    assert_eq!(made(&store), []);
    store.intention_close(intention, IntentionOutcome::Kept).unwrap();
    assert_eq!(made(&store), [(run, "1".into())]);
}

fn a_stable_audience_is_not_among_them(db: &TestDb) {
    let store = db.open();
    let dated = ended(&store, ACCOUNT, "1", RunStatus::Success);
    ended(&store, ACCOUNT, "2", RunStatus::Success);
    store.stable_audience_set(&stable_audience("2")).unwrap();
    assert_eq!(made(&store), [(dated, "1".into())]);
}
