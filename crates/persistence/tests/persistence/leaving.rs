use crate::support::{TestDb, begun, config, for_each_backend, person, sent};
use chrono::TimeDelta;
use domain::Bucket;
use domain::run::{Changes, RefusedSample, RunStatus};
use persistence::{PersonHashes, Removal, RemovalCause, RunContact, Store};
use std::collections::{BTreeSet, HashSet};

for_each_backend!(
    the_key_of_erased_people_is_made_once,
    suppressed_people_are_never_forgotten,
    a_removal_waits_until_it_is_done,
    an_erasure_takes_the_place_of_an_opt_out,
    removals_that_failed_let_others_go_first,
    an_erased_contact_leaves_its_row_and_nothing_of_itself,
    of_a_suppressed_contact_nothing_is_stored,
    all_contacts_are_looked_through,
    who_was_sent_and_not_met_as_opted_out_since_is_found,
);

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn removal(person: PersonHashes, cause: RemovalCause) -> Removal {
    Removal { person, cause }
}

fn pending(store: &Store) -> Vec<(PersonHashes, RemovalCause, u32)> {
    let pending = store.removals_pending(10).unwrap();
    pending.into_iter().map(|one| (one.person, one.cause, one.attempts)).collect()
}

fn the_key_of_erased_people_is_made_once(db: &TestDb) {
    let store = db.open();
    let key = store.suppression_key().unwrap();
    assert_eq!(store.suppression_key().unwrap(), key);
    assert_eq!(db.open().suppression_key().unwrap(), key);
    assert_eq!(key.iter().collect::<HashSet<_>>().len().min(16), 16, "looks random");
}

fn suppressed_people_are_never_forgotten(db: &TestDb) {
    let store = db.open();
    assert_eq!(store.suppressed_all().unwrap(), HashSet::new());
    assert_eq!(store.suppress(&[[1; 32], [2; 32]]).unwrap(), 2);
    assert_eq!(store.suppress(&[[2; 32], [3; 32]]).unwrap(), 1);
    assert_eq!(store.suppress(&[]).unwrap(), 0);
    assert_eq!(store.suppressed_all().unwrap(), HashSet::from([[1; 32], [2; 32], [3; 32]]));
    let many: Vec<[u8; 32]> = (0..2_500_u32)
        .map(|at| {
            let mut key = [9; 32];
            key[..4].copy_from_slice(&at.to_le_bytes());
            key
        })
        .collect();
    assert_eq!(store.suppress(&many).unwrap(), 2_500);
    assert_eq!(store.suppressed_all().unwrap().len(), 2_503);
}

fn a_removal_waits_until_it_is_done(db: &TestDb) {
    let store = db.open();
    let (one, other) = (person(1, 0), person(0, 1));
    store.removals_queue(&[]).unwrap();
    store
        .removals_queue(&[
            removal(one, RemovalCause::OptedOut),
            removal(other, RemovalCause::Erased),
            removal(one, RemovalCause::OptedOut),
        ])
        .unwrap();
    let asked_at = db.now();
    db.clock.advance(TimeDelta::hours(1));
    store.removals_queue(&[removal(one, RemovalCause::OptedOut)]).unwrap();
    let waiting = store.removals_pending(10).unwrap();
    assert_eq!(pending(&store), [(one, RemovalCause::OptedOut, 0), (other, RemovalCause::Erased, 0)]);
    assert_eq!((waiting[0].requested_at, waiting[0].last_error.as_deref()), (asked_at, None));
    store.removals_done(&[waiting[0].id]).unwrap();
    store.removals_done(&[waiting[0].id]).unwrap();
    store.removals_done(&[]).unwrap();
    assert_eq!(pending(&store), [(other, RemovalCause::Erased, 0)]);
}

fn an_erasure_takes_the_place_of_an_opt_out(db: &TestDb) {
    let store = db.open();
    let one = person(1, 1);
    for cause in [RemovalCause::OptedOut, RemovalCause::Erased, RemovalCause::OptedOut] {
        store.removals_queue(&[removal(one, cause)]).unwrap();
    }
    assert_eq!(pending(&store), [(one, RemovalCause::Erased, 0)]);
    let two = person(2, 2);
    store
        .removals_queue(&[removal(two, RemovalCause::Erased), removal(two, RemovalCause::OptedOut)])
        .unwrap();
    assert_eq!(pending(&store)[1], (two, RemovalCause::Erased, 0));
}

fn removals_that_failed_let_others_go_first(db: &TestDb) {
    let store = db.open();
    let people = [person(1, 1), person(2, 2), person(3, 3)];
    store.removals_queue(&people.map(|person| removal(person, RemovalCause::OptedOut))).unwrap();
    let first = store.removals_pending(1).unwrap().remove(0);
    store.removals_failed(&[first.id], "Meta\0 does not answer").unwrap();
    store.removals_failed(&[], "nobody").unwrap();
    let waiting = store.removals_pending(10).unwrap();
    assert_eq!(waiting.iter().map(|one| one.person).collect::<Vec<_>>(), [people[1], people[2], people[0]]);
    assert_eq!(waiting[2].attempts, 1);
    assert_eq!(waiting[2].last_error.as_deref(), Some("Meta\u{FFFD} does not answer"));
}

fn an_erased_contact_leaves_its_row_and_nothing_of_itself(db: &TestDb) {
    let store = db.open();
    let (before, now) = (begun(&store), begun(&store));
    let told = |id: &str| RunContact {
        email: Some("mary@example.com".into()),
        phone: Some("+1 202-555-0143".into()),
        country: Some("us".into()),
        first_name: Some("Mary".into()),
        last_name: Some("Jones".into()),
        ..sent(id, 70, 900)
    };
    store.contacts_insert(before, &[told("mary"), told("mary2"), sent("stays", 1, 1)]).unwrap();
    store.contacts_insert(now, &[sent("stays", 1, 1)]).unwrap();
    let refused = |id: &str| RefusedSample { ghl_contact_id: id.into(), reason: "bad hash".into() };
    store.run_set_refused_samples(before, &[refused("mary"), refused("stays")]).unwrap();
    // Rows only: that Meta refused one of the two is no third record.
    assert_eq!(store.contacts_erase(&ids(&["mary", "mary2", "unknown"])).unwrap(), 2);
    assert_eq!(store.contacts_erase(&ids(&["mary", "mary2"])).unwrap(), 0);
    assert_eq!(store.contacts_erase(&BTreeSet::new()).unwrap(), 0);
    assert_eq!(store.contacts_count_by_bucket(before).unwrap(), [(Bucket::Sent, 3)]);
    assert_eq!(store.contacts_changes(now, before).unwrap(), Changes { added: 0, removed: 2 });
    let rows = store.contacts_sample(before, 10).unwrap();
    let bare = |contact: &RunContact| RunContact { ghl_contact_id: String::new(), ..contact.clone() };
    assert_eq!(
        rows.iter().map(bare).collect::<Vec<_>>(),
        [sent("", 70, 900), sent("", 70, 900), sent("", 1, 1)]
    );
    assert!(
        rows[0].ghl_contact_id.starts_with("erased-") && rows[0].ghl_contact_id != rows[1].ghl_contact_id
    );
    assert_eq!(rows[2].ghl_contact_id, "stays");
    let samples = store.run_get(before).unwrap().unwrap().refused_samples;
    assert_eq!(samples, [refused("erased"), refused("stays")]);
}

fn of_a_suppressed_contact_nothing_is_stored(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    let erased = RunContact {
        bucket: Bucket::Suppressed,
        email: Some("mary@example.com".into()),
        phone: Some("+1 202-555-0143".into()),
        first_name: Some("Mary".into()),
        last_name: Some("Jones".into()),
        reason: Some("the value is not a number: \"Mary\"".into()),
        meta_matched: Some(false),
        country: Some("us".into()),
        ..sent("mary", 70, 900)
    };
    store.contacts_insert(run, &[erased.clone(), erased]).unwrap();
    assert_eq!(store.contacts_count_by_bucket(run).unwrap(), [(Bucket::Suppressed, 2)]);
    let stored = store.contacts_of_bucket(run, Bucket::Suppressed, None, 10).unwrap().contacts;
    let nothing = RunContact {
        bucket: Bucket::Suppressed,
        raw_ltv: None,
        normalized_value: None,
        ..sent("erased", 0, 0)
    };
    assert_eq!(stored, [nothing.clone(), nothing]);
    store.contacts_each(|contact| panic!("{contact:?}")).unwrap();
}

fn all_contacts_are_looked_through(db: &TestDb) {
    let store = db.open();
    let (run, other) = (begun(&store), begun(&store));
    let contacts: Vec<RunContact> = (0..5_001)
        .map(|at| RunContact { email: Some(format!("p{at}@example.com")), ..sent(format!("c{at}"), 1, 1) })
        .collect();
    store.contacts_insert(run, &contacts).unwrap();
    store.contacts_insert(other, &contacts[..1]).unwrap();
    let mut seen = Vec::new();
    store.contacts_each(|contact| seen.push((contact.ghl_contact_id, contact.email, contact.phone))).unwrap();
    assert_eq!(seen.len(), 5_002);
    assert_eq!(seen[5_001], seen[0]);
    assert_eq!(seen[0], ("c0".into(), Some("p0@example.com".into()), None));
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 5_001);
}

fn who_was_sent_and_not_met_as_opted_out_since_is_found(db: &TestDb) {
    let store = db.open();
    let account = config().ad_account_id;
    let long = "é".repeat(300);
    let told = |email: &str| RunContact {
        email: Some(email.into()),
        phone: Some("+1 202-555-0143".into()),
        country: Some("us".into()),
        ..sent("moved", 1, 1)
    };
    let left_out = |bucket, id: &str| RunContact { bucket, ..sent(id, 1, 1) };
    let out = |id: &str| left_out(Bucket::OptedOut, id);
    let success = |contacts: &[RunContact]| {
        let run = begun(&store);
        store.contacts_insert(run, contacts).unwrap();
        store.run_finish(run, RunStatus::Success, None).unwrap();
        run
    };
    let everybody = ["b\0", &long, "out", "back", "again"].map(|id| sent(id, 1, 1));
    success(&everybody);
    success(&[told("old@example.com"), out("out"), out("back"), out("again")]);
    success(&[told("old@example.com"), sent("back", 1, 1), left_out(Bucket::NoLtv, "never")]);
    let last = success(&[told("mary@example.com"), left_out(Bucket::NoLtv, "out"), out("again")]);
    let failed = begun(&store);
    store.contacts_insert(failed, &[sent("failed", 1, 1)]).unwrap();
    store.run_finish(failed, RunStatus::Failed, None).unwrap();
    store.contacts_insert(begun(&store), &[sent("running", 1, 1), out("moved")]).unwrap();
    let mut asked: Vec<String> =
        ["moved", "b\0", "out", "back", "again", "never", "failed", "running", &long]
            .map(str::to_owned)
            .to_vec();
    asked.extend((0..1_000).map(|at| format!("nobody{at}")));
    let found = store.contacts_sent_since_opt_out(&account, last, &asked).unwrap();
    assert_eq!(
        found.keys().cloned().collect::<HashSet<_>>(),
        HashSet::from(["moved".into(), "b\0".into(), "back".into(), long])
    );
    let mut moved: Vec<_> = found["moved"].iter().map(|known| known.email.as_deref()).collect();
    moved.sort_unstable();
    assert_eq!(moved, [Some("mary@example.com"), Some("old@example.com")], "each as often as it differs");
    let known = &found["moved"][0];
    assert_eq!((known.phone.as_deref(), known.country.as_deref()), (Some("+1 202-555-0143"), Some("us")));
    assert_eq!(found["b\0"].iter().map(|known| known.email.as_deref()).collect::<Vec<_>>(), [None]);
    assert_eq!(store.contacts_sent_since_opt_out(&account, last, &[]).unwrap().len(), 0);
    assert_eq!(store.contacts_sent_since_opt_out("act_2", last, &asked).unwrap().len(), 0);
}
