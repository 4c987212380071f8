use crate::support::{TestDb, begun, for_each_backend};
use chrono::TimeDelta;
use domain::RunId;
use domain::run::Channel;
use persistence::{MessageState, QueuedMessage, StoreError};

for_each_backend!(
    a_message_is_queued_once_per_channel_and_kind,
    a_message_is_due_until_it_was_sent_or_given_up,
    a_message_does_not_wait_for_a_future_that_was_taken_back,
    a_message_about_nothing_is_refused,
    the_newest_message_of_a_channel_tells_whether_it_works,
);

fn a_message_is_queued_once_per_channel_and_kind(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let add = |about, channel, kind| store.outbox_add(about, channel, kind, "<1@example.com>").unwrap();
    assert!(add(Some(run), Channel::Mail, "outcome"));
    assert!(!store.outbox_add(Some(run), Channel::Mail, "outcome", "<another@example.com>").unwrap());
    assert!(add(Some(run), Channel::Webhook, "outcome"));
    assert!(add(Some(run), Channel::Mail, "lookalike"));
    assert!(add(Some(begun(&store)), Channel::Mail, "outcome"));
    // Those about the installation too, which no run tells apart.
    assert!(add(None, Channel::Mail, "token.2026-12-05"));
    assert!(!add(None, Channel::Mail, "token.2026-12-05"));
    assert!(add(None, Channel::Webhook, "token.2026-12-05"));
    assert!(add(None, Channel::Mail, "token.2027-02-03"));
    let due = store.outbox_due().unwrap();
    assert_eq!(due.len(), 7);
    assert_eq!(
        due[0],
        QueuedMessage {
            id: 1,
            run_id: Some(run),
            channel: Channel::Mail,
            kind: "outcome".into(),
            message_id: "<1@example.com>".into(),
            attempts: 0,
            queued_at: db.now(),
        }
    );
    assert_eq!((due[4].run_id, due[5].channel), (None, Channel::Webhook));
}

fn a_message_is_due_until_it_was_sent_or_given_up(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let queued_at = db.now();
    store.outbox_add(Some(run), Channel::Mail, "success", "<run-1@example.com>").unwrap();
    store.outbox_add(Some(run), Channel::Mail, "lookalike", "<run-1-l@example.com>").unwrap();
    let [id, hopeless] = [0, 1].map(|at| store.outbox_of_run(run).unwrap()[at].id);
    let next = queued_at + TimeDelta::minutes(5);
    store.outbox_failed(id, "the server said \"451 later\"\0", next).unwrap();
    store.outbox_give_up(hopeless, "550 no such mailbox").unwrap();
    assert_eq!(store.outbox_due().unwrap(), []);
    db.clock.advance(TimeDelta::minutes(5) - TimeDelta::microseconds(1));
    assert_eq!(store.outbox_due().unwrap(), []);
    db.clock.advance(TimeDelta::microseconds(1));
    let due = store.outbox_due().unwrap();
    assert_eq!(due.iter().map(|message| (message.id, message.attempts)).collect::<Vec<_>>(), [(id, 1)]);
    let failed = store.outbox_of_run(run).unwrap()[0].last_error.clone();
    assert_eq!(failed.as_deref(), Some("the server said \"451 later\"\u{FFFD}"));
    let sent_at = db.now();
    store.outbox_sent(id, Some("1 address refused")).unwrap();
    db.clock.advance(TimeDelta::hours(1));
    store.outbox_sent(id, None).unwrap();
    assert_eq!(store.outbox_due().unwrap(), []);
    let states = store.outbox_of_run(run).unwrap();
    assert_eq!(
        states[0],
        MessageState {
            id,
            channel: Channel::Mail,
            kind: "success".into(),
            message_id: "<run-1@example.com>".into(),
            attempts: 2,
            queued_at,
            next_attempt_at: next,
            sent_at: Some(sent_at),
            given_up_at: None,
            last_error: Some("1 address refused".into()),
        }
    );
    assert_eq!((states[1].given_up_at, states[1].attempts), (Some(queued_at), 1));
}

fn a_message_does_not_wait_for_a_future_that_was_taken_back(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    store.outbox_add(Some(run), Channel::Mail, "success", "<run-1@example.com>").unwrap();
    let id = store.outbox_of_run(run).unwrap()[0].id;
    store.outbox_failed(id, "later", db.now() + TimeDelta::hours(2)).unwrap();
    db.clock.advance(TimeDelta::hours(-5));
    assert_eq!(store.outbox_due().unwrap(), [], "so far a wait may be");
    db.clock.advance(TimeDelta::days(-30));
    assert_eq!(store.outbox_due().unwrap().len(), 1);
}

fn a_message_about_nothing_is_refused(db: &TestDb) {
    let store = db.open();
    assert!(matches!(
        store.outbox_add(Some(RunId(99)), Channel::Mail, "success", "<a@example.com>"),
        Err(StoreError::Missing { id: 99, .. })
    ));
    assert!(matches!(store.outbox_sent(99, None), Err(StoreError::Missing { what: "message", id: 99 })));
    assert!(matches!(store.outbox_failed(99, "x", db.now()), Err(StoreError::Missing { .. })));
    assert!(matches!(store.outbox_give_up(99, "x"), Err(StoreError::Missing { .. })));
}

fn the_newest_message_of_a_channel_tells_whether_it_works(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    assert_eq!(store.outbox_newest(Channel::Webhook).unwrap(), None);
    for kind in ["a", "b"] {
        store.outbox_add(Some(run), Channel::Webhook, kind, "<a@example.com>").unwrap();
    }
    store.outbox_add(Some(run), Channel::Mail, "a", "<a@example.com>").unwrap();
    let newest = store.outbox_newest(Channel::Webhook).unwrap().unwrap();
    assert_eq!((newest.kind.as_str(), newest.last_error), ("b", None));
    store.outbox_failed(newest.id, "no", db.now()).unwrap();
    let newest = store.outbox_newest(Channel::Webhook).unwrap().unwrap();
    assert_eq!(newest.last_error.as_deref(), Some("no"));
}
