use crate::support::{TestDb, begun, for_each_backend};
use chrono::TimeDelta;
use domain::RunId;
use domain::run::{RunStatus, Step, StepRecord, StepStatus};
use persistence::StoreError;

for_each_backend!(
    steps_keep_the_order_they_began_in,
    a_step_that_is_begun_again_starts_over,
    a_skipped_step_needs_no_begin,
    what_a_step_waits_for_is_told_until_it_ends,
    a_step_of_no_run_is_refused,
    closing_ends_the_running_steps_of_one_run_and_no_others,
    a_step_that_outlived_its_run_is_found,
);

fn what_a_step_waits_for_is_told_until_it_ends(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let detail = || store.run_get(run).unwrap().unwrap().steps[0].detail.clone();
    let missing = store.step_remark(run, Step::Upload, "waiting").unwrap_err();
    assert!(matches!(missing, StoreError::Missing { .. }), "{missing:?}");
    store.step_start(run, Step::Upload).unwrap();
    store.step_remark(run, Step::Upload, "waiting\0 for Meta").unwrap();
    assert_eq!(detail().as_deref(), Some("waiting\u{fffd} for Meta"));
    store.step_finish(run, Step::Upload, StepStatus::Done, None).unwrap();
    assert_eq!(detail(), None);
}

fn steps_keep_the_order_they_began_in(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let began = db.now();
    store.step_start(run, Step::Fetch).unwrap();
    store.step_start(run, Step::ReadLtv).unwrap();
    store.step_progress(run, Step::Fetch, 100, Some(2311)).unwrap();
    store.step_progress(run, Step::ReadLtv, 7, None).unwrap();
    assert_eq!(store.run_get(run).unwrap().unwrap().current_step().unwrap().name, Step::Fetch);
    db.clock.advance(TimeDelta::milliseconds(1500));
    store.step_finish(run, Step::Fetch, StepStatus::Done, Some("2,311 contacts")).unwrap();
    let steps = store.run_get(run).unwrap().unwrap().steps;
    assert_eq!(
        steps,
        [
            StepRecord {
                name: Step::Fetch,
                status: StepStatus::Done,
                started_at: began,
                completed_at: Some(began + TimeDelta::milliseconds(1500)),
                done: 100,
                total: Some(2311),
                detail: Some("2,311 contacts".into()),
            },
            StepRecord {
                name: Step::ReadLtv,
                status: StepStatus::Running,
                started_at: began,
                completed_at: None,
                done: 7,
                total: None,
                detail: None,
            },
        ]
    );
}

fn a_step_that_is_begun_again_starts_over(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    store.step_start(run, Step::Lookalike).unwrap();
    store.step_progress(run, Step::Lookalike, 1, Some(2)).unwrap();
    store.step_finish(run, Step::Lookalike, StepStatus::Failed, Some("Meta was busy")).unwrap();
    store.step_start(run, Step::Notify).unwrap();
    db.clock.advance(TimeDelta::hours(3));
    store.step_start(run, Step::Lookalike).unwrap();
    let steps = store.run_get(run).unwrap().unwrap().steps;
    assert_eq!(steps.iter().map(|step| step.name).collect::<Vec<_>>(), [Step::Lookalike, Step::Notify]);
    let again = &steps[0];
    assert_eq!((again.status, again.started_at, again.completed_at), (StepStatus::Running, db.now(), None));
    assert_eq!((again.done, again.total, again.detail.as_deref()), (0, None, None));
}

fn a_skipped_step_needs_no_begin(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    store.step_finish(run, Step::Lookalike, StepStatus::Skipped, Some("No country is configured")).unwrap();
    let steps = store.run_get(run).unwrap().unwrap().steps;
    assert_eq!((steps[0].status, steps[0].completed_at), (StepStatus::Skipped, Some(db.now())));
}

fn a_step_of_no_run_is_refused(db: &TestDb) {
    let store = db.open();
    let missing = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Missing { id: 99, .. }));
    assert!(missing(store.step_start(RunId(99), Step::Fetch)));
    assert!(missing(store.step_progress(RunId(99), Step::Fetch, 1, None)));
    assert!(missing(store.step_finish(RunId(99), Step::Fetch, StepStatus::Done, None)));
    let run = begun(&store);
    assert!(
        store.step_progress(run, Step::Fetch, 1, None).is_err(),
        "a step that was not begun has no progress"
    );
    assert!(store.step_start(run, Step::Fetch).is_ok());
    assert!(matches!(
        store.step_progress(run, Step::Fetch, u64::MAX, None),
        Err(StoreError::Unstorable { .. })
    ));
}

fn closing_ends_the_running_steps_of_one_run_and_no_others(db: &TestDb) {
    let store = db.open();
    let (run, other) = (begun(&store), begun(&store));
    store.step_finish(run, Step::Fetch, StepStatus::Done, Some("2,311 contacts")).unwrap();
    let finished = db.now();
    for (run, step) in [(run, Step::Upload), (run, Step::Save), (other, Step::Fetch)] {
        store.step_start(run, step).unwrap();
    }
    db.clock.advance(TimeDelta::minutes(7));
    assert_eq!(store.steps_close(run, StepStatus::Running).unwrap(), 0, "running is no end");
    assert_eq!(store.steps_close(run, StepStatus::Failed).unwrap(), 2);
    let ends: Vec<_> = store.run_get(run).unwrap().unwrap().steps;
    let ends: Vec<_> = ends.iter().map(|step| (step.name, step.status, step.completed_at)).collect();
    assert_eq!(
        ends,
        [
            (Step::Fetch, StepStatus::Done, Some(finished)),
            (Step::Upload, StepStatus::Failed, Some(db.now())),
            (Step::Save, StepStatus::Failed, Some(db.now())),
        ]
    );
    assert_eq!(store.run_get(other).unwrap().unwrap().current_step().unwrap().name, Step::Fetch);
    assert_eq!(store.steps_close(run, StepStatus::Failed).unwrap(), 0, "they have ended");
}

fn a_step_that_outlived_its_run_is_found(db: &TestDb) {
    let store = db.open();
    let [ended, complete, going] = [(); 3].map(|()| begun(&store));
    for run in [ended, complete, going] {
        store.step_start(run, Step::Save).unwrap();
        store.step_start(run, Step::Notify).unwrap();
    }
    store.steps_close(complete, StepStatus::Done).unwrap();
    for run in [ended, complete] {
        assert!(store.run_finish(run, RunStatus::Success, None).unwrap());
    }
    assert_eq!(store.runs_with_steps_left_open().unwrap(), [ended]);
    store.steps_close(ended, StepStatus::Done).unwrap();
    assert_eq!(store.runs_with_steps_left_open().unwrap(), []);
}
