use crate::support::{TestDb, for_each_backend};
use chrono::{DateTime, TimeDelta, Utc};
use persistence::Store;
use std::sync::Barrier;

for_each_backend!(
    how_far_the_schedule_was_followed_is_remembered,
    one_of_eight_threads_gets_each_slot,
    a_claimed_slot_stays_claimed_until_it_is_long_past,
);

fn slot(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn how_far_the_schedule_was_followed_is_remembered(db: &TestDb) {
    let store = db.open();
    assert_eq!(store.schedule_last_seen().unwrap(), None);
    for (seen, kept) in [
        ("2026-03-08T09:59:00.123456789Z", "2026-03-08T09:59:00.123456Z"),
        ("2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z"),
        ("2026-03-08T10:00:00Z", "2026-03-08T10:00:00Z"),
    ] {
        store.schedule_set_last_seen(slot(seen)).unwrap();
        assert_eq!(db.open().schedule_last_seen().unwrap(), Some(slot(kept)));
    }
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_schedule"), 1);
}

fn one_of_eight_threads_gets_each_slot(db: &TestDb) {
    let stores: Vec<Store> = (0..8).map(|_| db.open()).collect();
    for round in 0..25 {
        let due = slot("2026-01-31T02:00:00Z") + TimeDelta::days(round);
        let start = Barrier::new(stores.len());
        let winners = std::thread::scope(|scope| {
            let tries: Vec<_> = stores
                .iter()
                .map(|store| {
                    let start = &start;
                    scope.spawn(move || {
                        start.wait();
                        store.schedule_claim(due).unwrap()
                    })
                })
                .collect();
            tries.into_iter().map(|one| one.join().unwrap()).filter(|won| *won).count()
        });
        assert_eq!(winners, 1, "round {round}");
    }
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_schedule_slots"), 25);
}

fn a_claimed_slot_stays_claimed_until_it_is_long_past(db: &TestDb) {
    let store = db.open();
    // Made up for long after it was due.
    let due = slot("2025-01-01T02:00:00Z");
    assert!(store.schedule_claim(due).unwrap());
    assert!(!store.schedule_claim(due).unwrap());
    db.clock.advance(TimeDelta::days(90));
    assert!(!db.open().schedule_claim(due).unwrap());
    assert!(store.schedule_claim(due + TimeDelta::days(1)).unwrap());
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_schedule_slots"), 2);
    db.clock.advance(TimeDelta::seconds(1));
    assert!(store.schedule_claim(due + TimeDelta::days(2)).unwrap());
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_schedule_slots"), 2, "the first one is forgotten");
}
