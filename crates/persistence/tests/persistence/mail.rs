use crate::support::{TestDb, begun, for_each_backend};
use chrono::TimeDelta;
use domain::RunId;
use persistence::{MailState, QueuedMail, StoreError};

for_each_backend!(
    a_mail_is_queued_once_per_run_and_kind,
    a_mail_is_due_until_it_was_sent_or_given_up,
    a_mail_of_nothing_is_refused,
);

fn a_mail_is_queued_once_per_run_and_kind(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let id = store.mail_queue(run, "success", "<run-1@example.com>").unwrap();
    assert_eq!(store.mail_queue(run, "success", "<another@example.com>").unwrap(), id);
    assert_ne!(store.mail_queue(run, "lookalike", "<run-1-l@example.com>").unwrap(), id);
    assert_ne!(store.mail_queue(begun(&store), "success", "<run-2@example.com>").unwrap(), id);
    let due = store.mail_due().unwrap();
    assert_eq!(due.len(), 3);
    assert_eq!(
        due[0],
        QueuedMail {
            id,
            run_id: run,
            kind: "success".into(),
            message_id: "<run-1@example.com>".into(),
            attempts: 0,
            queued_at: db.now(),
        }
    );
}

fn a_mail_is_due_until_it_was_sent_or_given_up(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let queued_at = db.now();
    let id = store.mail_queue(run, "success", "<run-1@example.com>").unwrap();
    let hopeless = store.mail_queue(run, "lookalike", "<run-1-l@example.com>").unwrap();
    let next = queued_at + TimeDelta::minutes(5);
    store.mail_failed(id, "the server said \"451 later\"\0", next).unwrap();
    store.mail_give_up(hopeless, "550 no such mailbox").unwrap();
    assert_eq!(store.mail_due().unwrap(), []);
    db.clock.advance(TimeDelta::minutes(5) - TimeDelta::microseconds(1));
    assert_eq!(store.mail_due().unwrap(), []);
    db.clock.advance(TimeDelta::microseconds(1));
    let due = store.mail_due().unwrap();
    assert_eq!(due.iter().map(|mail| (mail.id, mail.attempts)).collect::<Vec<_>>(), [(id, 1)]);
    let sent_at = db.now();
    store.mail_sent(id).unwrap();
    db.clock.advance(TimeDelta::hours(1));
    store.mail_sent(id).unwrap();
    assert_eq!(store.mail_due().unwrap(), []);
    let states = store.mail_of_run(run).unwrap();
    assert_eq!(
        states[0],
        MailState {
            id,
            kind: "success".into(),
            message_id: "<run-1@example.com>".into(),
            attempts: 2,
            queued_at,
            next_attempt_at: next,
            sent_at: Some(sent_at),
            given_up_at: None,
            last_error: Some("the server said \"451 later\"\u{FFFD}".into()),
        }
    );
    assert_eq!((states[1].given_up_at, states[1].attempts), (Some(queued_at), 1));
}

fn a_mail_of_nothing_is_refused(db: &TestDb) {
    let store = db.open();
    assert!(matches!(
        store.mail_queue(RunId(99), "success", "<a@example.com>"),
        Err(StoreError::Missing { id: 99, .. })
    ));
    assert!(matches!(store.mail_sent(99), Err(StoreError::Missing { what: "mail", id: 99 })));
    assert!(matches!(store.mail_failed(99, "x", db.now()), Err(StoreError::Missing { .. })));
    assert!(matches!(store.mail_give_up(99, "x"), Err(StoreError::Missing { .. })));
}
