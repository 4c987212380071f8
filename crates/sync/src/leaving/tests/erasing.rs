//! Erasing one person.

use super::{MARY, NUMBER, Place, TAKEN, config, email, next_run, person, recorded, spooled};
use crate::error::EraseError;
use crate::leaving::{AtMeta, ErasePerson, ErasureReceipt, Leaving};
use crate::scripted_source::ScriptedSource;
use chrono::{DateTime, TimeDelta, Utc};
use domain::accounting::Bucket;
use domain::run::{RunStatus, Trigger};
use domain::{Cancel, Clock, RunId, SystemClock};
use match_keys::{Reason, hash};
use persistence::{LeaseOutcome, Member, RunContact, Store};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use testkit::Reply;

/// A moment after so many minutes.
struct Later(TimeDelta);

impl Clock for Later {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.0
    }
}

#[test]
fn a_person_erased_by_an_address_goes_with_everything_known_of_it() {
    let place = Place::new(&[
        recorded("c1", Some(" Mary@Example.com"), Some("(202) 555-0143")),
        recorded("c1b", Some("MARY@example.com"), None),
        recorded("c2", Some("other@example.com"), Some("+1 202 555 0199")),
    ]);
    let (receipt, server) = place.erase(&email(MARY), vec![Reply::json(200, TAKEN)]);
    assert_eq!((&receipt.at_meta, receipt.records_changed, receipt.suppressed), (&AtMeta::Removed, 2, 4));
    assert_eq!((receipt.kept_for_others, receipt.contacts), (0, 2), "both have the address");
    let request = &server.received()[0];
    assert!(request.target.ends_with("/act_1234567890/usersofanyaudience"), "{}", request.target);
    for hash in [hash(MARY), hash("12025550143")] {
        assert!(request.body.contains(&hash.unwrap().to_string()), "{}", request.body);
    }
    assert!(!request.body.contains(&hash("other@example.com").unwrap().to_string()));
    assert_eq!(place.waiting(), []);
    assert_eq!(place.told(), [("c2".to_owned(), true)]);
    assert!(place.suppresses("c1", "", "") && place.suppresses("c1b", "", ""));
    assert!(place.suppresses("c9", MARY, "") && place.suppresses("c9", "", "12025550143"));
    assert!(!place.suppresses("c2", "other@example.com", "12025550199"));
    let counts = place.store.contacts_count_by_bucket(place.last).unwrap();
    assert_eq!(counts, [(Bucket::Sent, 3)], "the account of the old run still adds up");
}

#[test]
fn a_number_that_others_have_too_does_not_take_them_along() {
    let place = Place::new(&[
        recorded("c1", Some(MARY), Some(NUMBER)),
        recorded("c2", Some("spouse@example.com"), Some("202 555 0143")),
    ]);
    let (receipt, server) = place.erase(&ErasePerson::Contact(" c1 ".into()), vec![Reply::json(200, TAKEN)]);
    assert_eq!((receipt.records_changed, receipt.suppressed, receipt.kept_for_others), (1, 2, 1));
    assert_eq!(receipt.contacts, 1);
    let body = &server.received()[0].body;
    assert!(body.contains(&hash(MARY).unwrap().to_string()));
    assert!(!body.contains(&hash("12025550143").unwrap().to_string()), "{body}");
    assert!(place.suppresses("c1", "", "") && place.suppresses("c9", MARY, "12025550143"));
    assert!(!place.suppresses("c2", "spouse@example.com", "12025550143"));
    // Who names the number itself means everybody with it.
    let (receipt, _server) = place.erase(&ErasePerson::Phone(NUMBER.into()), vec![Reply::json(200, TAKEN)]);
    assert_eq!((receipt.records_changed, receipt.kept_for_others), (1, 0));
    assert!(place.suppresses("c2", "spouse@example.com", "12025550143"));
    assert_eq!(place.told(), []);
}

#[test]
fn a_recorded_number_is_read_in_the_country_its_run_has_read_it_in() {
    let swiss =
        RunContact { country: Some("ch".into()), ..recorded("c1", Some(MARY), Some("044 555 01 43")) };
    // As recorded before countries were.
    let old = RunContact { country: None, ..recorded("c2", Some("old@example.com"), Some("044 555 01 44")) };
    let place = Place::new(&[swiss, old]);
    let german = ScriptedSource { country: Some("DE"), ..ScriptedSource::default() };
    let (server, meta) = super::meta(vec![Reply::json(200, TAKEN), Reply::json(200, TAKEN)]);
    let leaving = Leaving { source: Some(Arc::new(german)), ..place.leaving(Some(meta)) };
    for address in [MARY, "old@example.com"] {
        leaving.erase(&email(address), &Cancel::new()).unwrap();
    }
    assert!(server.received()[0].body.contains(&hash("41445550143").unwrap().to_string()));
    assert!(place.suppresses("c9", "", "41445550143"));
    for of_strangers in ["49445550143", "49445550144", "41445550144"] {
        assert!(!place.suppresses("c9", "", of_strangers), "{of_strangers}");
    }
}

#[test]
fn somebody_unknown_here_is_removed_and_left_out_all_the_same() {
    let place = Place::new(&[]);
    let (receipt, server) =
        place.erase(&ErasePerson::Phone("(202) 555-0143".into()), vec![Reply::json(200, TAKEN)]);
    assert_eq!((&receipt.at_meta, receipt.records_changed, receipt.suppressed), (&AtMeta::Removed, 0, 1));
    assert_eq!(server.received().len(), 1);
    assert!(place.suppresses("c9", "", "12025550143"));
    let (receipt, server) = place.erase(&ErasePerson::Contact("c7".into()), vec![]);
    assert_eq!((&receipt.at_meta, receipt.suppressed), (&AtMeta::NothingKnown, 1));
    assert_eq!(server.received().len(), 0);
    assert!(place.suppresses("c7", "", ""));
}

#[test]
fn what_nobody_can_be_found_by_changes_nothing() {
    let place = Place::new(&[recorded("c1", None, None)]);
    let refused = |leaving: &Leaving, who| match leaving.erase(&who, &Cancel::new()) {
        Err(EraseError::Unusable { what, reason }) => (what, reason),
        other => panic!("{other:?}"),
    };
    let leaving = place.leaving(None);
    assert_eq!(refused(&leaving, email("mary")), ("e-mail address", Reason::Malformed));
    assert_eq!(refused(&leaving, ErasePerson::Contact("  ".into())), ("contact id", Reason::Blank));
    assert_eq!(refused(&leaving, ErasePerson::Phone("12".into())), ("phone number", Reason::NotPossible));
    let nowhere = Leaving { source: None, ..leaving };
    assert_eq!(refused(&nowhere, ErasePerson::Phone("(202) 555-0143".into())).1, Reason::NoCountry);
    assert_eq!((place.waiting(), place.store.suppressed_all().unwrap().len()), (vec![], 0));
    assert_eq!(place.told().len(), 1);
    nowhere.erase(&ErasePerson::Phone(NUMBER.into()), &Cancel::new()).unwrap();
}

#[test]
fn without_keys_during_a_sync_or_a_replacement_the_removal_waits() {
    let place = Place::new(&[]);
    let queued = |receipt: ErasureReceipt| match receipt.at_meta {
        AtMeta::Queued { reason } => reason,
        other => panic!("{other:?}"),
    };
    let without = place.leaving(None).erase(&email(MARY), &Cancel::new()).unwrap();
    assert!(queued(without).contains("META_ACCESS_TOKEN"));
    let held = place.store.lease_acquire("another process", Duration::from_secs(60)).unwrap();
    assert_eq!(held, LeaseOutcome::Acquired);
    let (receipt, _server) = place.erase(&email(MARY), vec![]);
    assert!(queued(receipt).contains("busy for a moment"), "only a run is called a sync");
    assert!(place.store.lease_set_run("another process", place.last).unwrap());
    let (receipt, _server) = place.erase(&email(MARY), vec![]);
    assert!(queued(receipt).contains("busy for a moment"), "it has ended and tells people of it");
    let running = place.store.config_of_run(&config()).unwrap();
    let running = place.store.run_start(Trigger::Manual, running).unwrap();
    assert!(place.store.lease_set_run("another process", running).unwrap());
    let (receipt, server) = place.erase(&email(MARY), vec![]);
    assert!(queued(receipt).contains("a sync is running"));
    assert!(place.store.run_finish(running, RunStatus::Failed, None).unwrap());
    place.store.lease_release("another process").unwrap();
    place.store.replacement_opened(place.last, "1", 1, 1).unwrap();
    let (receipt, other) = place.erase(&email(MARY), vec![]);
    assert!(queued(receipt).contains("being replaced"));
    assert_eq!(server.received().len() + other.received().len(), 0);
    assert_eq!(place.waiting().len(), 1);
    // Meta has ended the session by then, so it does not take away the right to be removed.
    let (later, meta) = super::meta(vec![Reply::json(200, TAKEN)]);
    let leaving = Leaving { clock: Arc::new(Later(TimeDelta::minutes(95))), ..place.leaving(Some(meta)) };
    assert_eq!(leaving.erase(&email(MARY), &Cancel::new()).unwrap().at_meta, AtMeta::Removed);
    assert_eq!(later.received().len(), 1);
    assert_eq!(place.waiting().len(), 1, "the rows of the replacement may bring the person back");
    place.store.replacement_closed(place.last).unwrap();
    let (receipt, _server) = place.erase(&email(MARY), vec![Reply::json(200, TAKEN)]);
    assert_eq!(receipt.at_meta, AtMeta::Removed);
    assert_eq!(place.waiting(), []);
}

#[test]
fn a_stable_audience_forgets_the_person_under_every_address() {
    let place = Place::new(&[recorded("c1", Some(MARY), Some(NUMBER))]);
    let member = |email, phone| Member { hashes: person(email, phone), value: 1 };
    let other = member("other@example.com", "12025550199");
    let members = [member(MARY, "12025550143"), member("second@example.com", "12025550143"), other];
    place.store.members_stage("1", place.last, &members).unwrap();
    place.store.members_delivered("1", place.last).unwrap();
    let (_receipt, server) = place.erase(&email(MARY), vec![Reply::json(200, TAKEN)]);
    assert!(server.received()[0].body.contains(&hash("second@example.com").unwrap().to_string()));
    let left = place.store.members_surplus("1", RunId(99), None, 10).unwrap();
    assert_eq!(left.into_iter().map(|(_, member)| member).collect::<Vec<_>>(), [other]);
}

#[test]
fn a_member_under_the_address_of_another_does_not_take_the_other_along() {
    let place = Place::new(&[
        recorded("emma", Some("emma@example.com"), None),
        recorded("dan", Some("dan@example.com"), Some(NUMBER)),
    ]);
    // Emma's address is an additional one of Dan.
    let rows =
        [("emma@example.com", ""), ("dan@example.com", "12025550143"), ("emma@example.com", "12025550143")];
    let members = rows.map(|(email, phone)| Member { hashes: person(email, phone), value: 1 });
    place.store.members_stage("1", place.last, &members).unwrap();
    place.store.members_delivered("1", place.last).unwrap();
    let (receipt, server) = place.erase(&email("emma@example.com"), vec![Reply::json(200, TAKEN)]);
    assert_eq!((&receipt.at_meta, receipt.kept_for_others), (&AtMeta::Removed, 0));
    let body = &server.received()[0].body;
    assert!(body.contains(&hash("emma@example.com").unwrap().to_string()));
    for dans in ["dan@example.com", "12025550143"] {
        assert!(!body.contains(&hash(dans).unwrap().to_string()), "{body}");
    }
    assert!(!place.suppresses("dan", "dan@example.com", "12025550143"));
    assert_eq!(place.told(), [("dan".to_owned(), true)]);
}

/// At the first look at it, a run stores its contacts.
struct StoresMeanwhile(Mutex<Option<Store>>);

impl Clock for StoresMeanwhile {
    fn now(&self) -> DateTime<Utc> {
        let store = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(store) = store {
            next_run(&store, &super::config(), &[spooled(Bucket::Sent, "mary", MARY, "")]);
        }
        SystemClock.now()
    }
}

#[test]
fn a_run_that_stores_its_contacts_before_the_person_is_left_out_keeps_nothing_of_it() {
    let clock = Arc::new(StoresMeanwhile(Mutex::new(None)));
    let place = Place::at(Arc::clone(&clock) as Arc<dyn Clock>, &[]);
    place.store.suppression_key().unwrap();
    *clock.0.lock().unwrap() = Some(place.store.clone());
    let (receipt, _server) = place.erase(&email(MARY), vec![Reply::json(200, TAKEN)]);
    assert!(clock.0.lock().unwrap().is_none(), "the run came in between");
    assert_eq!((receipt.records_changed, receipt.contacts), (1, 1));
    assert_eq!(place.told(), []);
}
