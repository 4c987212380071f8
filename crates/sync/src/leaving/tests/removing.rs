//! Delivering removals.

use super::{MARY, NUMBER, Place, TAKEN, email, meta, person, recorded, removal};
use crate::leaving::{AtMeta, removals};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Cancel, Clock, Explain, SystemClock};
use persistence::{Removal, RemovalCause};
use testkit::Reply;

const REFUSAL: &str = r#"{"error":{"message":"words","type":"OAuthException","code":190,"fbtrace_id":"x"}}"#;

fn deliver(place: &Place, client: &::meta::MetaClient) -> Result<(), crate::error::RunError> {
    removals::deliver(&place.store, client, SystemClock.now(), &Cancel::new())
}

#[test]
fn a_removal_that_meta_does_not_take_waits_and_says_why() {
    let place = Place::new(&[recorded("c1", Some(MARY), Some(NUMBER))]);
    let (receipt, server) = place.erase(&email(MARY), vec![Reply::json(400, REFUSAL)]);
    let AtMeta::Queued { reason } = &receipt.at_meta else { panic!("{receipt:?}") };
    assert!(reason.contains("token") || reason.contains("login"), "{reason}");
    assert_eq!(server.received().len(), 1);
    assert_eq!(place.waiting(), [(person(MARY, "12025550143"), RemovalCause::Erased)]);
    let waiting = place.store.removals_pending(1).unwrap().remove(0);
    assert_eq!((waiting.attempts, waiting.last_error.as_ref()), (1, Some(reason)));
    assert_eq!(place.told(), [], "here the person is gone already");
    // The next follow-up: a reply that is lost, then one that comes.
    let (server, meta) = meta(vec![Reply::Close, Reply::json(200, TAKEN)]);
    deliver(&place, &meta).unwrap_err();
    assert_eq!(place.waiting().len(), 1);
    deliver(&place, &meta).unwrap();
    deliver(&place, &meta).unwrap();
    assert_eq!(place.waiting(), []);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_removal_of_which_meta_refuses_rows_waits_and_says_why() {
    let place = Place::new(&[]);
    let refusing =
        r#"{"num_received":1,"num_invalid_entries":1,"invalid_entry_samples":{"x":"EMAIL is malformed"}}"#;
    let (receipt, _server) = place.erase(&email(MARY), vec![Reply::json(200, refusing)]);
    let AtMeta::Queued { reason } = &receipt.at_meta else { panic!("{receipt:?}") };
    assert!(reason.contains("EMAIL is malformed"), "{reason}");
    let waiting = place.store.removals_pending(1).unwrap().remove(0);
    assert_eq!((waiting.attempts, waiting.last_error.as_ref()), (1, Some(reason)));
}

#[test]
fn many_removals_go_in_batches_and_a_failure_keeps_the_rest() {
    let place = Place::new(&[]);
    let people = |numbers: std::ops::Range<u32>| -> Vec<Removal> {
        numbers
            .map(|number| person(&format!("p{number}@example.com"), ""))
            .map(|person| removal(person, RemovalCause::OptedOut))
            .collect()
    };
    place.store.removals_queue(&people(0..2_500)).unwrap();
    let gone = Reply::json(400, r#"{"error":{"message":"words","code":200,"fbtrace_id":"x"}}"#);
    let (server, client) = meta(vec![Reply::json(200, TAKEN), gone]);
    let error = deliver(&place, &client).unwrap_err();
    assert!(!error.explain().message.is_empty());
    assert_eq!(server.received().len(), 2);
    assert_eq!(place.store.removals_pending(u32::MAX).unwrap().len(), 1_500);
    let (server, client) = meta(vec![Reply::json(200, TAKEN), Reply::json(200, TAKEN)]);
    deliver(&place, &client).unwrap();
    let rows = |at: usize| server.received()[at].body.matches("\",\"\"]").count();
    assert_eq!((rows(0), rows(1)), (1_000, 500));
}

#[test]
fn what_meta_keeps_refusing_is_tried_each_minute_at_first_and_then_four_times_an_hour() {
    let place = Place::new(&[]);
    place.store.removals_queue(&[removal(person(MARY, ""), RemovalCause::Erased)]).unwrap();
    let (server, client) = meta((0..10).map(|_| Reply::json(400, REFUSAL)).collect());
    let asked_at: DateTime<Utc> = place.store.removals_pending(1).unwrap()[0].requested_at;
    let minute = |minute: i64| asked_at + TimeDelta::minutes(minute) + TimeDelta::seconds(20);
    let is_refused =
        |at: &i64| removals::deliver_due(&place.store, &client, minute(*at), &Cancel::new()).is_err();
    let minutes_tried: Vec<i64> = (1..=59).filter(is_refused).collect();
    assert_eq!(minutes_tried, [1, 2, 3, 4, 5, 15, 30, 45]);
    // The end of a run tries always, and whoever is new does not wait for the others.
    deliver(&place, &client).unwrap_err();
    assert_eq!(server.received().len(), 9);
    place.store.removals_queue(&[removal(person("new@example.com", ""), RemovalCause::OptedOut)]).unwrap();
    assert!(is_refused(&61));
    assert_eq!(server.received().len(), 10);
}

#[test]
fn a_list_that_would_be_too_small_keeps_the_removal_waiting_in_words_that_say_so() {
    let place = Place::new(&[]);
    place.store.removals_queue(&[removal(person(MARY, ""), RemovalCause::OptedOut)]).unwrap();
    let too_small =
        r#"{"error":{"message":"words","code":200,"error_subcode":1870047,"fbtrace_id":"trace-7"}}"#;
    let (_server, client) = meta(vec![Reply::json(400, too_small)]);
    let told = deliver(&place, &client).unwrap_err().explain();
    assert!(told.message.contains("Meta keeps at least a minimum"), "{}", told.message);
    assert!(told.remedy.contains("it is tried again"), "{}", told.remedy);
    assert_eq!(
        (told.provider_code.as_deref(), told.trace_id.as_deref()),
        (Some("200/1870047"), Some("trace-7"))
    );
    assert_eq!(
        place.store.removals_pending(1).unwrap()[0].last_error.as_deref(),
        Some(told.message.as_str())
    );
}

fn too_small() -> Reply {
    Reply::json(
        400,
        r#"{"error":{"message":"words","code":200,"error_subcode":1870047,"fbtrace_id":"trace-7"}}"#,
    )
}

fn bad_row() -> Reply {
    Reply::json(
        200,
        r#"{"num_received":1,"num_invalid_entries":1,"invalid_entry_samples":{"x":"EMAIL is malformed"}}"#,
    )
}

fn taken() -> Reply {
    Reply::json(200, TAKEN)
}

fn place_with(people: u32) -> Place {
    let place = Place::new(&[]);
    let people: Vec<Removal> = (0..people)
        .map(|number| removal(person(&format!("p{number}@example.com"), ""), RemovalCause::OptedOut))
        .collect();
    place.store.removals_queue(&people).unwrap();
    place
}

#[test]
fn one_whom_meta_refuses_keeps_nobody_else_waiting() {
    for refused in [too_small, bad_row] {
        let place = place_with(8);
        // All, 0-3, 4-7, 4-5, 4, 5, 6-7.
        let script = vec![refused(), taken(), refused(), refused(), taken(), refused(), taken()];
        let (server, client) = meta(script);
        deliver(&place, &client).unwrap_err();
        let rows = |request: &testkit::Received| request.body.matches("\",\"\"]").count();
        assert_eq!(server.received().iter().map(rows).collect::<Vec<_>>(), [8, 4, 4, 2, 1, 1, 2]);
        let alone = place.store.removals_pending(10).unwrap();
        assert_eq!(alone.len(), 1);
        assert_eq!((alone[0].person, alone[0].attempts), (person("p5@example.com", ""), 1));
        assert!(alone[0].last_error.is_some());
        // Whoever comes later is told from those who were refused alone.
        let new = |number| removal(person(&format!("new{number}@example.com"), ""), RemovalCause::Erased);
        place.store.removals_queue(&[new(1), new(2), new(3)]).unwrap();
        let (server, client) = meta(vec![refused(), taken(), refused()]);
        deliver(&place, &client).unwrap_err();
        assert_eq!(server.received().len(), 3);
        assert_eq!(place.waiting(), [(person("p5@example.com", ""), RemovalCause::OptedOut)]);
    }
}

#[test]
fn when_meta_refuses_many_the_calls_of_a_pass_are_bounded_and_the_next_begins_with_the_others() {
    let place = place_with(100);
    let tried = || {
        let waiting = place.store.removals_pending(1_000).unwrap();
        assert_eq!(waiting.len(), 100);
        assert_eq!(waiting[0].attempts, 0);
        waiting.iter().filter(|removal| removal.attempts == 1).count()
    };
    let mut before = 0;
    for _ in 0..3 {
        let (server, client) = meta((0..50).map(|_| too_small()).collect());
        deliver(&place, &client).unwrap_err();
        assert_eq!(server.received().len(), 41);
        assert!(tried() > before + 10, "{} {before}", tried());
        before = tried();
    }
}

#[test]
fn many_whom_meta_refuses_are_soon_tried_four_times_an_hour_only() {
    let place = place_with(30);
    let asked_at = place.store.removals_pending(1).unwrap()[0].requested_at;
    let (_server, client) = meta((0..1_000).map(|_| too_small()).collect());
    let is_refused = |minute: &i64| {
        let now = asked_at + TimeDelta::minutes(*minute) + TimeDelta::seconds(20);
        removals::deliver_due(&place.store, &client, now, &Cancel::new()).is_err()
    };
    let minutes_tried: Vec<i64> = (1..=59).filter(is_refused).collect();
    assert_eq!(minutes_tried, [1, 2, 3, 4, 5, 15, 30, 45]);
    assert_eq!(place.waiting().len(), 30);
}

#[test]
fn a_fault_of_the_service_ends_the_search_for_those_whom_meta_refuses() {
    let place = place_with(4);
    let (server, client) = meta(vec![too_small(), taken(), Reply::json(400, REFUSAL)]);
    let error = deliver(&place, &client).unwrap_err();
    assert!(!error.explain().message.contains("at least a minimum"), "{}", error.explain().message);
    assert_eq!((server.received().len(), place.waiting().len()), (3, 2));
}

#[test]
fn a_removal_is_sent_again_when_an_unfinished_replacement_is_finished() {
    let place = Place::new(&[]);
    place.store.removals_queue(&[removal(person(MARY, ""), RemovalCause::OptedOut)]).unwrap();
    place.store.replacement_opened(place.last, "1", 1, 1).unwrap();
    let (server, client) = meta(vec![Reply::json(200, TAKEN), Reply::json(200, TAKEN)]);
    let after = |minutes| SystemClock.now() + TimeDelta::minutes(minutes);
    removals::deliver(&place.store, &client, after(94), &Cancel::new()).unwrap();
    assert_eq!(server.received().len(), 0, "Meta takes no other change meanwhile");
    removals::deliver(&place.store, &client, after(96), &Cancel::new()).unwrap();
    assert_eq!((server.received().len(), place.waiting().len()), (1, 1));
    place.store.replacement_closed(place.last).unwrap();
    removals::deliver(&place.store, &client, after(97), &Cancel::new()).unwrap();
    assert_eq!((server.received().len(), place.waiting().len()), (2, 0));
}
