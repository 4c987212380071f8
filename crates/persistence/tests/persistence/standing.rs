use crate::support::{TestDb, begun, for_each_backend};
use domain::run::{Channel, Lookalike, LookalikeStatus, RunStatus};
use persistence::{PersonHashes, Removal, RemovalCause, Standing};

for_each_backend!(what_waits_and_what_has_ended_is_counted);

fn what_waits_and_what_has_ended_is_counted(db: &TestDb) {
    let store = db.open();
    let nothing = Standing { runs: vec![], lookalikes_pending: 0, messages_waiting: 0, removals_waiting: 0 };
    assert_eq!(store.standing().unwrap(), nothing);
    assert_eq!(store.run_latest_ended().unwrap(), None);
    let [first, second, _going] = [(); 3].map(|()| begun(&store));
    for (run, status) in [(first, RunStatus::Success), (second, RunStatus::Failed)] {
        assert!(store.run_finish(run, status, None).unwrap());
    }
    let lookalike = |status| Lookalike {
        id: None,
        name: "x".into(),
        country: "US".into(),
        ratio_percent: 1,
        status,
        note: None,
    };
    let both = [lookalike(LookalikeStatus::Pending), lookalike(LookalikeStatus::Created)];
    store.run_set_lookalikes(first, &both).unwrap();
    for (run, channel, kind) in [
        (first, Channel::Mail, "success"),
        (first, Channel::Webhook, "success"),
        (second, Channel::Mail, "failure"),
    ] {
        assert!(store.outbox_add(Some(run), channel, kind, "<1@example.com>").unwrap());
    }
    store.outbox_sent(store.outbox_of_run(first).unwrap()[0].id, None).unwrap();
    store.outbox_give_up(store.outbox_of_run(second).unwrap()[0].id, "no").unwrap();
    let person = PersonHashes { email: Some([2; 32]), phone: None };
    store.removals_queue(&[Removal { person, cause: RemovalCause::Erased }]).unwrap();

    let mut found = store.standing().unwrap();
    found.runs.sort_by_key(|(status, _)| status.as_str());
    let runs = [RunStatus::Failed, RunStatus::Running, RunStatus::Success].map(|status| (status, 1));
    assert_eq!(
        found,
        Standing { runs: runs.to_vec(), lookalikes_pending: 1, messages_waiting: 1, removals_waiting: 1 }
    );
    assert_eq!(store.run_latest_ended().unwrap().map(|run| run.id), Some(second));
}
