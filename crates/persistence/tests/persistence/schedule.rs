use crate::support::{TestDb, config, for_each_backend};
use chrono::{DateTime, TimeDelta, Utc};
use persistence::{SlotClaim, Store};
use std::sync::Barrier;

for_each_backend!(
    how_far_the_schedule_was_followed_is_remembered,
    one_of_eight_threads_gets_each_slot,
    a_claimed_slot_stays_claimed_until_it_is_long_past,
    an_abandoned_slot_is_taken_over_once_and_its_first_process_is_told,
    a_slot_that_was_settled_or_has_its_run_is_not_taken_over,
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
                        store.schedule_claim(due).unwrap().is_some()
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
    assert!(store.schedule_claim(due).unwrap().is_some());
    assert_eq!(store.schedule_claim(due).unwrap(), None);
    db.clock.advance(TimeDelta::days(90));
    assert_eq!(db.open().schedule_claim(due).unwrap(), None);
    assert!(store.schedule_claim(due + TimeDelta::days(1)).unwrap().is_some());
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_schedule_slots"), 2);
    db.clock.advance(TimeDelta::seconds(1));
    assert!(store.schedule_claim(due + TimeDelta::days(2)).unwrap().is_some());
    assert_eq!(db.number("SELECT COUNT(*) FROM sync_schedule_slots"), 2, "the first one is forgotten");
}

/// Takes over what nobody has renewed for five minutes and is at most twelve hours old.
fn take_over(db: &TestDb) -> Option<SlotClaim> {
    db.open().schedule_take_over(db.now() - TimeDelta::minutes(5), db.now() - TimeDelta::hours(12)).unwrap()
}

fn an_abandoned_slot_is_taken_over_once_and_its_first_process_is_told(db: &TestDb) {
    let store = db.open();
    assert_eq!(take_over(db), None, "there is none");
    let due = db.now();
    let first = store.schedule_claim(due).unwrap().unwrap();
    db.clock.advance(TimeDelta::minutes(4));
    assert_eq!(take_over(db), None);
    let first = store.schedule_renew(first).unwrap().unwrap();
    db.clock.advance(TimeDelta::minutes(4));
    assert_eq!(take_over(db), None, "it was renewed");
    db.clock.advance(TimeDelta::minutes(1));
    let second = take_over(db).unwrap();
    assert_eq!((second.slot, take_over(db)), (due, None));
    assert_eq!(store.schedule_renew(first).unwrap(), None);
    db.clock.advance(TimeDelta::minutes(5));
    // A later moment stands for it.
    let later = store.schedule_claim(due + TimeDelta::minutes(10)).unwrap().unwrap();
    assert_eq!(take_over(db), None);
    db.clock.advance(TimeDelta::hours(12) + TimeDelta::seconds(1));
    assert_eq!(take_over(db), None, "it is too late for it");
    assert!(store.schedule_renew(later).unwrap().is_some());
}

fn a_slot_that_was_settled_or_has_its_run_is_not_taken_over(db: &TestDb) {
    let store = db.open();
    let due = db.now();
    let settled = store.schedule_claim(due).unwrap().unwrap();
    store.schedule_settle(settled).unwrap();
    db.clock.advance(TimeDelta::minutes(10));
    assert_eq!((take_over(db), store.schedule_renew(settled).unwrap()), (None, None));
    let begun = store.schedule_claim(db.now()).unwrap().unwrap();
    let config = store.config_of_run(&config()).unwrap();
    store.run_start_for(domain::run::Trigger::Scheduled, Some(begun.slot), config).unwrap();
    db.clock.advance(TimeDelta::minutes(10));
    assert_eq!(take_over(db), None);
    assert_eq!(store.schedule_renew(begun).unwrap(), None, "it is settled by now");
}
