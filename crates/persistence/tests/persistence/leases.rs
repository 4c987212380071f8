use crate::support::{TestDb, begun, for_each_backend};
use chrono::TimeDelta;
use domain::RunId;
use persistence::{LeaseOutcome, Store, StoreError};
use std::sync::Barrier;
use std::time::Duration;

const TTL: Duration = Duration::from_secs(60);

for_each_backend!(
    one_of_eight_threads_gets_the_lease,
    an_expired_lease_goes_to_one_of_eight_threads,
    the_lease_names_its_run,
    a_lease_lapses_by_the_given_clock,
    a_lease_of_a_future_that_was_taken_back_is_free,
    a_lost_lease_can_be_neither_renewed_nor_released,
    a_lease_of_no_run_is_refused,
    nothing_is_written_in_the_name_of_a_lease_that_is_not_held_any_more,
);

fn acquired(outcome: &LeaseOutcome) -> bool {
    *outcome == LeaseOutcome::Acquired
}

/// The outcomes of eight threads that try at the same moment, each with connections of its own.
fn race(stores: &[Store], round: usize) -> Vec<(String, LeaseOutcome)> {
    let start = Barrier::new(stores.len());
    std::thread::scope(|scope| {
        let tries: Vec<_> = stores
            .iter()
            .enumerate()
            .map(|(at, store)| {
                let start = &start;
                scope.spawn(move || {
                    let holder = format!("holder-{round}-{at}");
                    start.wait();
                    let outcome = store.lease_acquire(&holder, TTL).unwrap();
                    (holder, outcome)
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn one_of_eight_threads_gets_the_lease(db: &TestDb) {
    let stores: Vec<Store> = (0..8).map(|_| db.open()).collect();
    for round in 0..25 {
        let outcomes = race(&stores, round);
        let winners: Vec<&String> =
            outcomes.iter().filter(|(_, one)| acquired(one)).map(|(holder, _)| holder).collect();
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        for (_, outcome) in outcomes.iter().filter(|(_, one)| !acquired(one)) {
            assert_eq!(*outcome, LeaseOutcome::HeldBy { run_id: None });
        }
        assert!(stores[0].lease_is_held(winners[0]).unwrap());
        assert!(stores[0].lease_release(winners[0]).unwrap());
    }
}

fn an_expired_lease_goes_to_one_of_eight_threads(db: &TestDb) {
    let stores: Vec<Store> = (0..8).map(|_| db.open()).collect();
    for round in 0..25 {
        let winners = race(&stores, round).iter().filter(|(_, one)| acquired(one)).count();
        assert_eq!(winners, 1);
        db.clock.advance(TimeDelta::seconds(60));
    }
}

fn the_lease_names_its_run(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    assert!(acquired(&store.lease_acquire("a", TTL).unwrap()));
    let held = |run_id| LeaseOutcome::HeldBy { run_id };
    assert_eq!(store.lease_acquire("b", TTL).unwrap(), held(None));
    assert!(store.lease_set_run("a", run).unwrap());
    assert_eq!(store.lease_acquire("b", TTL).unwrap(), held(Some(run)));
    assert_eq!(store.lease_acquire("a", TTL).unwrap(), held(Some(run)), "its holder is already running");
    assert!(store.lease_release("a").unwrap());
    assert!(acquired(&store.lease_acquire("b", TTL).unwrap()));
    assert_eq!(store.lease_acquire("c", TTL).unwrap(), held(None));
}

fn a_lease_lapses_by_the_given_clock(db: &TestDb) {
    let store = db.open();
    assert!(acquired(&store.lease_acquire("a", TTL).unwrap()));
    db.clock.advance(TimeDelta::seconds(59));
    assert!(!acquired(&store.lease_acquire("b", TTL).unwrap()));
    assert!(store.lease_heartbeat("a", TTL).unwrap());
    db.clock.advance(TimeDelta::seconds(59));
    assert!(!acquired(&store.lease_acquire("b", TTL).unwrap()), "the heartbeat has renewed it");
    db.clock.advance(TimeDelta::seconds(2));
    assert!(store.lease_heartbeat("a", TTL).unwrap(), "nobody took it in between");
    db.clock.advance(TimeDelta::seconds(60));
    assert!(acquired(&store.lease_acquire("b", TTL).unwrap()));
}

fn a_lease_of_a_future_that_was_taken_back_is_free(db: &TestDb) {
    let store = db.open();
    assert!(acquired(&store.lease_acquire("a", TTL).unwrap()));
    db.clock.advance(TimeDelta::minutes(-9));
    assert!(!acquired(&store.lease_acquire("b", TTL).unwrap()), "clocks may differ by minutes");
    assert!(store.lease_heartbeat("a", TTL).unwrap());
    db.clock.advance(TimeDelta::minutes(-9));
    assert!(!acquired(&store.lease_acquire("b", TTL).unwrap()), "the heartbeat follows the clock");
    db.clock.advance(TimeDelta::days(-400));
    assert!(
        acquired(&store.lease_acquire("b", TTL).unwrap()),
        "its holder died before the clock was put right"
    );
    assert!(!store.lease_heartbeat("a", TTL).unwrap());
}

fn a_lost_lease_can_be_neither_renewed_nor_released(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    assert!(acquired(&store.lease_acquire("a", TTL).unwrap()));
    db.clock.advance(TimeDelta::seconds(61));
    assert!(acquired(&store.lease_acquire("b", TTL).unwrap()));
    assert!(!store.lease_heartbeat("a", TTL).unwrap());
    assert!(!store.lease_set_run("a", run).unwrap());
    assert!(!store.lease_release("a").unwrap());
    assert_eq!(store.lease_acquire("c", TTL).unwrap(), LeaseOutcome::HeldBy { run_id: None });
    assert!(store.lease_is_held("b").unwrap());
}

fn a_lease_of_no_run_is_refused(db: &TestDb) {
    let store = db.open();
    assert!(acquired(&store.lease_acquire("a", TTL).unwrap()));
    assert!(matches!(store.lease_set_run("a", RunId(99)), Err(StoreError::Missing { what: "run", id: 99 })));
}

fn nothing_is_written_in_the_name_of_a_lease_that_is_not_held_any_more(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let bound = store.while_held_by("one");
    let write = || bound.run_set_accounting(run, &domain::Accounting::default());
    assert!(matches!(write(), Err(StoreError::LeaseLost)), "nobody holds it");
    assert!(acquired(&store.lease_acquire("one", TTL).unwrap()));
    write().unwrap();
    db.clock.advance(TimeDelta::minutes(5));
    write().unwrap();
    assert!(store.lease_is_held("one").unwrap(), "it has expired, but nobody has taken it");
    assert!(acquired(&store.lease_acquire("other", TTL).unwrap()));
    assert!(!store.lease_is_held("one").unwrap());
    assert!(matches!(write(), Err(StoreError::LeaseLost)));
    let ended = bound.run_finish(run, domain::run::RunStatus::Failed, None);
    assert!(matches!(ended, Err(StoreError::LeaseLost)));
    assert!(matches!(
        bound.intention_create(run, persistence::RemoteKind::Audience, "x"),
        Err(StoreError::LeaseLost)
    ));
    assert_eq!(
        bound.run_get(run).unwrap().unwrap().status,
        domain::run::RunStatus::Running,
        "it may still read"
    );
    store.run_set_accounting(run, &domain::Accounting::default()).unwrap();
}
