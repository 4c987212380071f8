use crate::support::{TestDb, begun, for_each_backend};
use chrono::TimeDelta;
use domain::RunId;
use domain::run::{Lookalike, LookalikeStatus, RemoteAudience, RunStatus};
use persistence::Store;

for_each_backend!(runs_are_followed_up_while_meta_is_busy_with_a_lookalike);

fn ended(store: &Store, statuses: &[LookalikeStatus], status: RunStatus) -> RunId {
    let run = begun(store);
    let lookalike = |status: &LookalikeStatus| Lookalike {
        id: None,
        name: "Seed-LAL-1%".into(),
        country: "US".into(),
        ratio_percent: 1,
        status: *status,
        note: None,
    };
    store.run_set_lookalikes(run, &statuses.iter().map(lookalike).collect::<Vec<_>>()).unwrap();
    if status != RunStatus::Running {
        store.run_finish(run, status, None).unwrap();
    }
    run
}

fn runs_are_followed_up_while_meta_is_busy_with_a_lookalike(db: &TestDb) {
    use LookalikeStatus::{Created, Failed, Pending};
    let store = db.open();
    let old_pending = ended(&store, &[Failed, Pending, Pending], RunStatus::Success);
    ended(&store, &[Created], RunStatus::Success);
    db.clock.advance(TimeDelta::days(3));
    let created = ended(&store, &[Created, Pending, Created], RunStatus::Success);
    ended(&store, &[Failed], RunStatus::Success);
    ended(&store, &[], RunStatus::Success);
    ended(&store, &[Pending], RunStatus::Failed);
    ended(&store, &[Pending], RunStatus::Running);
    let cleaned_up = ended(&store, &[Created], RunStatus::Success);
    let audience = RemoteAudience { id: "17".into(), name: "Seed".into() };
    store.run_set_audience(cleaned_up, &audience).unwrap();
    store.audience_mark_deleted(cleaned_up).unwrap();
    let found = store.runs_to_follow_up(db.now() - TimeDelta::days(2)).unwrap();
    assert_eq!(found.iter().map(|run| run.id).collect::<Vec<_>>(), [created, old_pending]);
    assert_eq!(found[0].lookalikes.len(), 3);
}
