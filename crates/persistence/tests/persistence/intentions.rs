use crate::support::{TestDb, begun, for_each_backend};
use domain::RunId;
use persistence::{Intention, IntentionOutcome, RemoteKind, StoreError};

for_each_backend!(an_intention_is_open_until_its_outcome_is_known, an_intention_of_nothing_is_refused);

fn an_intention_is_open_until_its_outcome_is_known(db: &TestDb) {
    let store = db.open();
    let (run, other) = (begun(&store), begun(&store));
    let audience = store.intention_create(run, RemoteKind::Audience, "GHL-HighValue-2026-01-31").unwrap();
    let lookalike = store.intention_create(run, RemoteKind::Lookalike, "O'Hara 🎈").unwrap();
    let elsewhere = store.intention_create(other, RemoteKind::Audience, "b").unwrap();
    store.intention_set_remote(audience, "120210000000000001").unwrap();
    // A store opened after a crash finds them.
    let store = db.open();
    let open = store.intentions_open().unwrap();
    assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [audience, lookalike, elsewhere]);
    assert_eq!(
        open[0],
        Intention {
            id: audience,
            run_id: run,
            kind: RemoteKind::Audience,
            name: "GHL-HighValue-2026-01-31".into(),
            remote_id: Some("120210000000000001".into()),
            created_at: db.now(),
        }
    );
    assert_eq!(
        (open[1].kind, open[1].name.as_str(), &open[1].remote_id),
        (RemoteKind::Lookalike, "O'Hara 🎈", &None)
    );
    store.intention_close(audience, IntentionOutcome::Kept).unwrap();
    store.intention_close(lookalike, IntentionOutcome::NeverMade).unwrap();
    assert_eq!(store.intentions_open().unwrap().iter().map(|one| one.id).collect::<Vec<_>>(), [elsewhere]);
    store.intention_close(audience, IntentionOutcome::Deleted).unwrap();
    let outcomes = db.values("SELECT outcome AS value FROM sync_intentions ORDER BY id");
    assert_eq!(outcomes, [Some("deleted".into()), Some("never_made".into()), None]);
}

fn an_intention_of_nothing_is_refused(db: &TestDb) {
    let store = db.open();
    assert!(matches!(
        store.intention_create(RunId(99), RemoteKind::Audience, "a"),
        Err(StoreError::Missing { what: "run", id: 99 })
    ));
    assert!(matches!(
        store.intention_set_remote(99, "1"),
        Err(StoreError::Missing { what: "intention", id: 99 })
    ));
    assert!(matches!(
        store.intention_close(99, IntentionOutcome::Kept),
        Err(StoreError::Missing { id: 99, .. })
    ));
}
