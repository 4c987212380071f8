//! Who leaves with a run.

use super::{
    MARY, NUMBER, Place, TAKEN, config, email, ended, meta, next_run, person, recorded, removal, row, spooled,
};
use crate::leaving::{AtMeta, ErasePerson, removals};
use crate::spool::SpooledContact;
use domain::accounting::Bucket;
use domain::run::{RemoteAudience, RunStatus, SyncConfig, Trigger};
use domain::{Cancel, Clock, RunId, SystemClock};
use persistence::{IntentionOutcome, RemoteKind, RemovalCause, RunContact};
use std::time::Duration;
use testkit::Reply;

#[test]
fn who_was_sent_and_opted_out_since_is_queued_once() {
    let never = RunContact { bucket: Bucket::NoLtv, ..recorded("never", None, None) };
    let place = Place::new(&[recorded("left", None, None), recorded("stays", None, None), never]);
    place.next_run(&[
        spooled(Bucket::OptedOut, "left", MARY, "12025550143"),
        spooled(Bucket::OptedOut, "never", "never@example.com", ""),
        spooled(Bucket::OptedOut, "new", "new@example.com", ""),
        spooled(Bucket::Sent, "stays", "stays@example.com", ""),
    ]);
    assert_eq!(place.waiting(), [(person(MARY, "12025550143"), RemovalCause::OptedOut)]);
}

#[test]
fn who_was_left_out_for_another_reason_before_the_opt_out_leaves_older_audiences_once() {
    let place = Place::new(&[
        recorded("below", Some("then@example.com"), None),
        recorded("no value", None, None),
        recorded("unlisted", None, None),
        recorded("told", None, None),
    ]);
    let success = |bucket, id: &str| {
        let contact = RunContact { bucket, ..recorded(id, None, None) };
        ended(&place.store, &config(), RunStatus::Success, &[contact])
    };
    success(Bucket::BelowMinimum, "below");
    success(Bucket::NoLtv, "no value");
    success(Bucket::OptedOut, "told");
    success(Bucket::NoLtv, "told");
    let contacts = ["below", "no value", "unlisted", "told"]
        .map(|id| spooled(Bucket::OptedOut, id, &format!("{id}@example.com").replace(' ', "."), ""));
    place.next_run(&contacts);
    let mut waiting: Vec<_> = place.waiting().into_iter().map(|(person, _)| person.key()).collect();
    let addresses = ["then@example.com", "below@example.com", "no.value@example.com", "unlisted@example.com"];
    let mut wanted = addresses.map(|email| person(email, "").key());
    waiting.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(waiting, wanted, "whoever an earlier success met as opted out was removed with it");
    let ids: Vec<i64> = place.store.removals_pending(10).unwrap().iter().map(|waiting| waiting.id).collect();
    place.store.removals_done(&ids).unwrap();
    for id in ["below", "no value", "unlisted"] {
        success(Bucket::OptedOut, id);
    }
    place.next_run(&contacts);
    assert_eq!(place.waiting(), [], "but not with every run");
    success(Bucket::Sent, "below");
    place.next_run(&contacts);
    assert_eq!(place.waiting(), [(person("below@example.com", ""), RemovalCause::OptedOut)], "came back");
}

#[test]
fn an_address_that_was_just_sent_for_another_contact_is_not_removed() {
    let place = Place::new(&[recorded("left", None, None), recorded("twin", None, None)]);
    place.next_run(&[
        spooled(Bucket::OptedOut, "left", MARY, "12025550143"),
        spooled(Bucket::OptedOut, "twin", "twin@example.com", ""),
        spooled(Bucket::Sent, "spouse", "spouse@example.com", "12025550143"),
        spooled(Bucket::Sent, "other twin", "twin@example.com", "12025550199"),
    ]);
    assert_eq!(place.waiting(), [(person(MARY, ""), RemovalCause::OptedOut)]);
}

#[test]
fn whoever_opts_in_again_before_the_removal_was_sent_stays() {
    let place = Place::new(&[]);
    let removal = |email, cause| removal(person(email, "12025550143"), cause);
    place
        .store
        .removals_queue(&[
            removal(MARY, RemovalCause::OptedOut),
            removal("gone@example.com", RemovalCause::Erased),
        ])
        .unwrap();
    place.next_run(&[spooled(Bucket::Sent, "back", MARY, "12025550143")]);
    assert_eq!(place.waiting(), [(person("gone@example.com", "12025550143"), RemovalCause::Erased)]);
}

#[test]
fn an_erased_person_who_is_still_in_the_list_is_removed_once_more_under_whatever_the_list_holds() {
    let place = Place::new(&[]);
    place.erase(&ErasePerson::Contact("c1".into()), vec![]);
    let contacts = [spooled(Bucket::Suppressed, "c1", MARY, "")];
    place.next_run(&contacts);
    let waiting = place.store.removals_pending(10).unwrap();
    assert_eq!(place.waiting(), [(person(MARY, ""), RemovalCause::Erased)]);
    place.store.removals_done(&[waiting[0].id]).unwrap();
    place.next_run(&contacts);
    assert_eq!(place.waiting(), [], "but not every day");
}

#[test]
fn whoever_is_erased_while_a_run_goes_is_taken_out_of_what_it_stores() {
    let place = Place::new(&[]);
    place.store.lease_acquire("the run", Duration::from_secs(60)).unwrap();
    place.erase(&email(MARY), vec![]);
    let run = place.next_run(&[
        spooled(Bucket::Sent, "mary", MARY, "12025550143"),
        spooled(Bucket::Sent, "stays", "stays@example.com", ""),
    ]);
    assert_eq!(place.told(), [("stays".to_owned(), true)]);
    assert_eq!(place.store.contacts_count_by_bucket(run).unwrap(), [(Bucket::Sent, 2)]);
    let waiting =
        [(person(MARY, ""), RemovalCause::Erased), (person(MARY, "12025550143"), RemovalCause::Erased)];
    assert_eq!(place.waiting(), waiting);
}

#[test]
fn whoever_is_erased_by_the_id_while_the_first_run_uploads_it_is_removed() {
    let place = Place::new(&[]);
    place.store.lease_acquire("the run", Duration::from_secs(60)).unwrap();
    let (receipt, _server) = place.erase(&ErasePerson::Contact("c1".into()), vec![]);
    assert_eq!(receipt.at_meta, AtMeta::NothingKnown);
    let (bucket, contact) = spooled(Bucket::Sent, "c1", MARY, "12025550143");
    let contact = SpooledContact { further: vec![row("second@example.com", "12025550143")], ..contact };
    let spouse = spooled(Bucket::Sent, "spouse", "spouse@example.com", "12025550143");
    place.next_run(&[(bucket, contact), spouse]);
    let waiting = [MARY, "second@example.com"].map(|email| (person(email, ""), RemovalCause::Erased));
    assert_eq!(place.waiting(), waiting, "but not by the number, with which the spouse was sent");
    assert_eq!(place.told(), [("spouse".to_owned(), true)]);
    place.store.lease_release("the run").unwrap();
    let (server, client) = meta(vec![Reply::json(200, TAKEN)]);
    removals::deliver(&place.store, &client, SystemClock.now(), &Cancel::new()).unwrap();
    assert_eq!((server.received().len(), place.waiting()), (1, vec![]));
}

#[test]
fn records_under_what_the_erasure_did_not_know_are_cleared_by_the_next_run() {
    let place =
        Place::new(&[recorded("c1", Some(MARY), None), recorded("c2", Some("other@example.com"), None)]);
    let (receipt, _server) = place.erase(&email("second@example.com"), vec![Reply::json(200, TAKEN)]);
    assert_eq!((receipt.records_changed, receipt.contacts), (0, 0));
    assert_eq!(place.told().len(), 2);
    let (_, contact) = spooled(Bucket::Suppressed, "c1", MARY, "");
    let contact = SpooledContact { further: vec![row("second@example.com", "")], ..contact };
    place.next_run(&[(Bucket::Suppressed, contact)]);
    assert!(place.told().iter().all(|(id, _)| id != "c1"), "{:?}", place.told());
    let waiting = [MARY, "second@example.com"].map(|email| (person(email, ""), RemovalCause::Erased));
    assert_eq!(place.waiting(), waiting);
}

#[test]
fn an_opt_out_leaves_under_the_address_it_was_sent_with_too() {
    let place = Place::new(&[
        recorded("moved", Some("Old@Example.com"), Some(NUMBER)),
        recorded("same", Some(MARY), None),
        recorded("passed on", Some("info@example.com"), None),
    ]);
    let (bucket, moved) = spooled(Bucket::OptedOut, "moved", "new@example.com", "12025550143");
    let moved = SpooledContact { phone: Some(NUMBER.into()), ..moved };
    place.next_run(&[
        (bucket, moved),
        spooled(Bucket::OptedOut, "same", MARY, ""),
        spooled(Bucket::OptedOut, "passed on", "private@example.com", ""),
        spooled(Bucket::Sent, "new clerk", "info@example.com", ""),
    ]);
    let mut waiting: Vec<_> = place.waiting().into_iter().map(|(person, _)| person.key()).collect();
    let mut wanted = [
        person("old@example.com", "12025550143"),
        person("new@example.com", "12025550143"),
        person(MARY, ""),
        person("private@example.com", ""),
    ]
    .map(|person| person.key());
    waiting.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(waiting, wanted);
}

#[test]
fn an_opt_out_leaves_under_the_number_as_it_was_read_before_the_country_changed_too() {
    let number = Some("044 555 01 43");
    let swiss = |id| RunContact { country: Some("ch".into()), ..recorded(id, None, number) };
    let place = Place::new(&[
        swiss("moved"),
        swiss("abroad"),
        RunContact { country: None, ..recorded("older", None, number) },
    ]);
    let next = |id: &str, country: Option<&[u8; 2]>, phone| {
        let (bucket, contact) = spooled(Bucket::OptedOut, id, &format!("{id}@example.com"), phone);
        let phone = number.map(Into::into);
        (bucket, SpooledContact { phone, country: country.copied(), ..contact })
    };
    place.next_run(&[
        next("moved", Some(b"de"), "49445550143"),
        next("abroad", None, ""),
        next("older", Some(b"de"), "49445550143"),
    ]);
    let mut waiting: Vec<_> = place.waiting().into_iter().map(|(person, _)| person.key()).collect();
    let mut wanted = [
        person("moved@example.com", "41445550143"),
        person("moved@example.com", "49445550143"),
        person("abroad@example.com", "41445550143"),
        person("abroad@example.com", ""),
        person("older@example.com", "49445550143"),
    ]
    .map(|person| person.key());
    waiting.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(waiting, wanted);
}

#[test]
fn an_opt_out_after_the_list_was_switched_leaves_as_well() {
    let place = Place::new(&[]);
    let switched = SyncConfig { list_id: "tag:vip".into(), ..config() };
    let elsewhere = SyncConfig { ad_account_id: "act_2".into(), ..switched.clone() };
    ended(&place.store, &switched, RunStatus::Success, &[recorded("left", Some(MARY), None)]);
    ended(&place.store, &elsewhere, RunStatus::Success, &[recorded("elsewhere", None, None)]);
    let contacts = [
        spooled(Bucket::OptedOut, "left", MARY, ""),
        spooled(Bucket::OptedOut, "elsewhere", "elsewhere@example.com", ""),
    ];
    place.next_run(&contacts);
    assert_eq!(place.waiting(), [(person(MARY, ""), RemovalCause::OptedOut)]);
}

#[test]
fn after_a_run_that_failed_with_a_complete_audience_everybody_who_opted_out_leaves() {
    let place = Place::new(&[recorded("old", None, None)]);
    let contacts = [
        spooled(Bucket::OptedOut, "old", "old@example.com", ""),
        spooled(Bucket::OptedOut, "unrecorded", MARY, ""),
    ];
    let failed =
        place.store.run_start(Trigger::Manual, place.store.config_of_run(&config()).unwrap()).unwrap();
    let audience = RemoteAudience { id: "7".into(), name: "GHL-HighValue".into() };
    place.store.run_set_audience(failed, &audience).unwrap();
    let intention = place.store.intention_create(failed, RemoteKind::Audience, &audience.name).unwrap();
    place.store.run_finish(failed, RunStatus::Failed, None).unwrap();
    let waiting_after = |run: RunId| {
        assert!(run > failed);
        place.waiting().len()
    };
    // The audience was not complete, and is deleted.
    assert_eq!(waiting_after(place.next_run(&contacts)), 1);
    place.store.intention_close(intention, IntentionOutcome::Kept).unwrap();
    assert_eq!(waiting_after(place.next_run(&contacts)), 2);
    // A success after it tells who was sent.
    let store = &Place::new(&[]).store;
    let failed = ended(store, &config(), RunStatus::Failed, &[]);
    store.run_set_audience(failed, &audience).unwrap();
    let intention = store.intention_create(failed, RemoteKind::Audience, &audience.name).unwrap();
    store.intention_close(intention, IntentionOutcome::Kept).unwrap();
    let told = RunContact { bucket: Bucket::OptedOut, ..recorded("unrecorded", None, None) };
    ended(store, &config(), RunStatus::Success, &[told]);
    next_run(store, &config(), &contacts);
    assert_eq!(store.removals_pending(10).unwrap(), []);
}
