use crate::support::{TestDb, config, for_each_backend, sent};
use chrono::TimeDelta;
use domain::run::{RunStatus, SyncConfig, Trigger};
use domain::{Bucket, RunId};
use persistence::{RunContact, Store};

for_each_backend!(
    rows_are_old_when_their_run_ended_before_the_moment,
    what_the_next_run_is_compared_with_is_never_old,
    a_run_without_rows_is_not_named_again,
    at_most_five_thousand_rows_are_removed_at_once_and_only_those_of_the_run,
);

/// A run with two contacts that has ended.
fn ended(store: &Store, config: &SyncConfig, end: RunStatus) -> RunId {
    let run = store.run_start(Trigger::Scheduled, store.config_save(config).unwrap()).unwrap();
    let left_out = RunContact { bucket: Bucket::NoLtv, normalized_value: None, ..sent("b", 1, 1) };
    store.contacts_insert(run, &[sent("a", 1, 1), left_out]).unwrap();
    assert!(store.run_finish(run, end, None).unwrap());
    run
}

fn rows_are_old_when_their_run_ended_before_the_moment(db: &TestDb) {
    let store = db.open();
    let old = ended(&store, &config(), RunStatus::Success);
    let failed = ended(&store, &config(), RunStatus::Failed);
    let cancelled = ended(&store, &config(), RunStatus::Cancelled);
    let first_end = db.now();
    db.clock.advance(TimeDelta::days(1));
    ended(&store, &config(), RunStatus::Success);
    let needed_by_nobody = [failed, cancelled];
    assert_eq!(store.runs_with_needless_contacts(first_end).unwrap(), needed_by_nobody);
    let all = [old, failed, cancelled];
    assert_eq!(store.runs_with_needless_contacts(first_end + TimeDelta::microseconds(1)).unwrap(), all);
    assert_eq!(store.runs_with_needless_contacts(db.now()).unwrap(), all);
}

fn what_the_next_run_is_compared_with_is_never_old(db: &TestDb) {
    let store = db.open();
    let other_list = SyncConfig { list_id: "all".into(), ..config() };
    let other_field = SyncConfig { ltv_field_key: "contact.paid".into(), ..config() };
    let other_account = SyncConfig { ad_account_id: "act_7".into(), ..config() };
    let renamed = SyncConfig { list_name: "Very important".into(), ..config() };
    let first = ended(&store, &config(), RunStatus::Success);
    let of_list = ended(&store, &other_list, RunStatus::Success);
    let of_field = ended(&store, &other_field, RunStatus::Success);
    // The newest of its account, although the list and the field have a newer one elsewhere.
    let of_account = ended(&store, &other_account, RunStatus::Success);
    let newest = ended(&store, &renamed, RunStatus::Success);
    let failed = ended(&store, &config(), RunStatus::Failed);
    let running = store.run_start(Trigger::Manual, store.config_save(&config()).unwrap()).unwrap();
    store.contacts_insert(running, &[sent("a", 1, 1)]).unwrap();
    db.clock.advance(TimeDelta::days(4_000));
    assert_eq!(store.runs_with_needless_contacts(db.now()).unwrap(), [first, failed]);
    for kept in [of_list, of_field, of_account, newest] {
        let run = store.run_get(kept).unwrap().unwrap();
        let (list, field, account) =
            (&run.config.list_id, &run.config.ltv_field_key, &run.config.ad_account_id);
        let compared = store.run_last_success_of(list, field).unwrap().unwrap().id == kept
            || store.run_last_success_in(account).unwrap().unwrap().id == kept;
        assert!(compared, "run {kept}");
    }
}

fn a_run_without_rows_is_not_named_again(db: &TestDb) {
    let store = db.open();
    let runs: Vec<RunId> = (0..3).map(|_| ended(&store, &config(), RunStatus::Failed)).collect();
    db.clock.advance(TimeDelta::days(1));
    assert_eq!(store.runs_with_needless_contacts(db.now()).unwrap(), runs);
    while store.contacts_delete_some(runs[1]).unwrap() > 0 {}
    assert_eq!(store.runs_with_needless_contacts(db.now()).unwrap(), [runs[0], runs[2]]);
    while store.contacts_delete_some(runs[0]).unwrap() > 0 {}
    while store.contacts_delete_some(runs[2]).unwrap() > 0 {}
    assert_eq!(store.runs_with_needless_contacts(db.now()).unwrap(), []);
    assert_eq!(store.run_list(1, 10).unwrap().total, 3, "runs are kept");
}

fn at_most_five_thousand_rows_are_removed_at_once_and_only_those_of_the_run(db: &TestDb) {
    let store = db.open();
    let (run, other) =
        (ended(&store, &config(), RunStatus::Failed), ended(&store, &config(), RunStatus::Failed));
    let more: Vec<RunContact> = (0..5_000).map(|at| sent(format!("c{at}"), 50, at)).collect();
    store.contacts_insert(run, &more).unwrap();
    let removed: Vec<usize> = (0..3).map(|_| store.contacts_delete_some(run).unwrap()).collect();
    assert_eq!(removed, [5_000, 2, 0]);
    assert_eq!(store.contacts_count_by_bucket(other).unwrap(), [(Bucket::NoLtv, 1), (Bucket::Sent, 1)]);
}
