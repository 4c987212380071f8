use crate::support::{TestDb, begun, config, for_each_backend};
use domain::RunId;
use domain::run::{RunStatus, SyncConfig, Trigger};

for_each_backend!(the_runs_beside_a_run_are_found, the_outcome_before_is_that_of_a_run_nobody_cancelled);

fn the_runs_beside_a_run_are_found(db: &TestDb) {
    let store = db.open();
    let run = |list: &str, field: &str, end: RunStatus| {
        let chosen = SyncConfig { list_id: list.into(), ltv_field_key: field.into(), ..config() };
        let run = store.run_start(Trigger::Scheduled, store.config_of_run(&chosen).unwrap()).unwrap();
        store.run_finish(run, end, None).unwrap();
        run
    };
    let first = run("all", "contact.ltv", RunStatus::Success);
    let failed = run("all", "contact.ltv", RunStatus::Failed);
    run("tag:vip", "contact.ltv", RunStatus::Success);
    let other_field = run("all", "contact.value", RunStatus::Success);
    let last = run("all", "contact.ltv", RunStatus::Success);
    let before = |run| {
        let run = store.run_get(run).unwrap().unwrap();
        store.run_success_before(&run).unwrap().map(|run| run.id)
    };
    assert_eq!([before(first), before(failed), before(last)], [None, Some(first), Some(first)]);
    assert_eq!(before(other_field), None, "values of another field are not compared");
    assert_eq!(store.run_neighbours(first).unwrap(), (None, Some(failed)));
    assert_eq!(store.run_neighbours(last).unwrap(), (Some(other_field), None));
    assert_eq!(store.run_neighbours(RunId(i64::MAX)).unwrap(), (Some(last), None));
}

fn the_outcome_before_is_that_of_a_run_nobody_cancelled(db: &TestDb) {
    let store = db.open();
    let ended = |status| {
        let run = begun(&store);
        assert!(store.run_finish(run, status, None).unwrap());
        run
    };
    let first = ended(RunStatus::Success);
    ended(RunStatus::Cancelled);
    begun(&store);
    let failed = ended(RunStatus::Failed);
    let last = begun(&store);
    let before = [first, failed, last].map(|run| store.run_outcome_before(run).unwrap());
    assert_eq!(before, [None, Some(RunStatus::Success), Some(RunStatus::Failed)]);
}
