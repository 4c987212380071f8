use crate::support::{TestDb, begun, for_each_backend, member, person, stable_audience};
use domain::RunId;
use persistence::{Member, PersonHashes, Store};

for_each_backend!(
    only_new_and_changed_members_are_delivered,
    of_one_person_staged_twice_the_higher_value_counts,
    a_member_removed_before_a_crash_is_delivered_when_it_comes_back,
    a_value_sent_before_a_crash_is_sent_again_when_it_goes_back,
    the_surplus_comes_in_pages_and_is_forgotten_at_the_end,
    whoever_shares_an_address_with_the_removed_is_added_again,
    a_replacement_makes_every_member_doubtful,
    removed_people_are_forgotten_in_every_audience,
    audiences_do_not_touch_each_other,
    another_stable_audience_starts_without_members,
    twenty_thousand_members_are_staged_delivered_and_forgotten,
);

const AUDIENCE: &str = "120210000000000001";

/// What has to be delivered of these when a run stages them.
fn stage(store: &Store, run: RunId, members: &[Member]) -> Vec<bool> {
    store.members_stage(AUDIENCE, run, members).unwrap()
}

/// A run that has delivered these.
fn delivered(store: &Store, members: &[Member]) -> RunId {
    let run = begun(store);
    stage(store, run, members);
    store.members_delivered(AUDIENCE, run).unwrap();
    run
}

fn surplus(store: &Store, run: RunId) -> Vec<Member> {
    let mut found: Vec<Member> =
        store.members_surplus(AUDIENCE, run, None, 2_000).unwrap().into_iter().map(|(_, one)| one).collect();
    found.sort_by_key(|member| member.value);
    found
}

fn only_new_and_changed_members_are_delivered(db: &TestDb) {
    let store = db.open();
    let first = [member(1, 1, 10), member(2, 0, 20), member(0, 3, 30)];
    let run = begun(&store);
    assert_eq!(stage(&store, run, &first), [true, true, true]);
    assert_eq!(stage(&store, run, &first), [true, true, true], "nothing was delivered meanwhile");
    store.members_delivered(AUDIENCE, run).unwrap();
    assert_eq!(stage(&store, run, &first), [false, false, false]);
    let next = begun(&store);
    let now = [member(1, 1, 10), member(2, 0, 21), member(4, 4, 40)];
    assert_eq!(stage(&store, next, &now), [false, true, true]);
    assert_eq!(surplus(&store, next), [member(0, 3, 30)]);
    store.members_delivered(AUDIENCE, next).unwrap();
    store.members_delivered(AUDIENCE, next).unwrap();
    assert_eq!(stage(&store, begun(&store), &now), [false, false, false]);
    assert!(stage(&store, begun(&store), &[]).is_empty());
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members"), 3);
}

fn of_one_person_staged_twice_the_higher_value_counts(db: &TestDb) {
    let store = db.open();
    let run = begun(&store);
    assert_eq!(
        stage(&store, run, &[member(1, 1, 50), member(1, 1, 60), member(1, 1, 40)]),
        [false, true, false]
    );
    assert_eq!(stage(&store, run, &[member(1, 1, 59)]), [false], "in a later call too");
    assert_eq!(stage(&store, run, &[member(1, 1, 61)]), [true]);
    store.members_delivered(AUDIENCE, run).unwrap();
    let next = begun(&store);
    assert_eq!(stage(&store, next, &[member(1, 1, 50)]), [true], "another run may lower it");
}

fn a_member_removed_before_a_crash_is_delivered_when_it_comes_back(db: &TestDb) {
    let store = db.open();
    delivered(&store, &[member(1, 1, 10), member(2, 2, 20)]);
    let crashed = begun(&store);
    stage(&store, crashed, &[member(1, 1, 10)]);
    assert_eq!(surplus(&store, crashed), [member(2, 2, 20)]);
    let next = begun(&store);
    assert_eq!(stage(&store, next, &[member(1, 1, 10), member(2, 2, 20)]), [false, true]);
}

fn a_value_sent_before_a_crash_is_sent_again_when_it_goes_back(db: &TestDb) {
    let store = db.open();
    delivered(&store, &[member(1, 1, 50)]);
    let crashed = begun(&store);
    assert_eq!(stage(&store, crashed, &[member(1, 1, 60)]), [true]);
    assert_eq!(stage(&store, begun(&store), &[member(1, 1, 50)]), [true], "Meta may hold 60");
}

fn the_surplus_comes_in_pages_and_is_forgotten_at_the_end(db: &TestDb) {
    let store = db.open();
    let all: Vec<Member> = (1..=25).map(|at| member(at, at, at)).collect();
    delivered(&store, &all);
    let run = begun(&store);
    stage(&store, run, &all[..3]);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.members_surplus(AUDIENCE, run, after, 10).unwrap();
        let Some((key, _)) = page.last() else { break };
        after = Some(*key);
        assert!(page.len() <= 10);
        found.extend(page.into_iter().map(|(_, member)| member.value));
    }
    found.sort_unstable();
    assert_eq!(found, (4..=25).collect::<Vec<u32>>());
    store.members_delivered(AUDIENCE, run).unwrap();
    assert_eq!(surplus(&store, run), []);
}

fn whoever_shares_an_address_with_the_removed_is_added_again(db: &TestDb) {
    let store = db.open();
    let gone = [member(1, 1, 10), member(0, 9, 11)];
    let stays = [member(1, 2, 20), member(3, 1, 30), member(4, 4, 40), member(0, 5, 50), member(6, 9, 60)];
    delivered(&store, &[gone.as_slice(), &stays].concat());
    let run = begun(&store);
    assert_eq!(stage(&store, run, &stays), [false; 5]);
    let removed: Vec<_> = surplus(&store, run).iter().map(|member| member.hashes).collect();
    assert_eq!(removed.len(), 2);
    let mut sharing = store.members_sharing(AUDIENCE, run, &removed).unwrap();
    sharing.sort_by_key(|member| member.value);
    assert_eq!(sharing, [stays[0], stays[1], stays[4]]);
    assert_eq!(stage(&store, run, &stays), [true, true, false, false, true]);
    assert_eq!(store.members_sharing(AUDIENCE, run, &[]).unwrap(), []);
    assert_eq!(store.members_sharing(AUDIENCE, run, &[person(77, 0)]).unwrap(), []);
}

fn a_replacement_makes_every_member_doubtful(db: &TestDb) {
    let store = db.open();
    let members = [member(1, 1, 10), member(2, 2, 20)];
    let run = delivered(&store, &members);
    store.replacement_opened(run, AUDIENCE, u64::try_from(i64::MAX).unwrap(), 2).unwrap();
    assert_eq!(stage(&store, begun(&store), &members), [true, true]);
    let open = store.replacements_open().unwrap();
    assert_eq!((open[0].run_id, open[0].session_id, open[0].total_rows), (run, 9_223_372_036_854_775_807, 2));
    assert_eq!((open[0].audience_id.as_str(), open[0].opened_at), (AUDIENCE, db.now()));
    store.replacement_closed(run).unwrap();
    assert_eq!(store.replacements_open().unwrap(), []);
    // A second session of the same run.
    store.replacement_opened(run, AUDIENCE, 8, 2).unwrap();
    assert_eq!(store.replacements_open().unwrap()[0].session_id, 8);
    store.replacement_opened(RunId(99), AUDIENCE, 8, 2).unwrap_err();
    // Of one audience only the newest replacement is finished.
    let (elsewhere, newer) = (begun(&store), begun(&store));
    store.replacement_opened(elsewhere, "other", 9, 2).unwrap();
    store.replacement_opened(newer, AUDIENCE, 10, 2).unwrap();
    let open: Vec<RunId> = store.replacements_open().unwrap().iter().map(|open| open.run_id).collect();
    assert_eq!(open, [elsewhere, newer]);
    store.replacement_closed(RunId(99)).unwrap_err();
}

fn removed_people_are_forgotten_in_every_audience(db: &TestDb) {
    let store = db.open();
    let members = [member(1, 1, 10), member(1, 2, 20), member(3, 3, 30)];
    delivered(&store, &members);
    let other = begun(&store);
    store.members_stage("other", other, &members).unwrap();
    store.members_delivered("other", other).unwrap();
    let mut known = store.members_known_by(&[person(1, 1), person(0, 3)]).unwrap();
    known.sort_by_key(PersonHashes::key);
    known.dedup();
    assert_eq!(known.len(), 3);
    assert_eq!(store.members_known_by(&[person(0, 2)]).unwrap(), [person(1, 2), person(1, 2)]);
    assert_eq!(store.members_known_by(&[PersonHashes::default()]).unwrap(), []);
    store.members_remove(&[person(1, 1)]).unwrap();
    store.members_remove(&[]).unwrap();
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members"), 4);
    assert_eq!(stage(&store, begun(&store), &members), [true, true, false], "the shared address");
    assert_eq!(store.members_stage("other", begun(&store), &members).unwrap(), [true, true, false]);
}

fn audiences_do_not_touch_each_other(db: &TestDb) {
    let store = db.open();
    let members = [member(1, 1, 10)];
    let run = delivered(&store, &members);
    store.members_stage("a", run, &members).unwrap();
    store.members_delivered("a", run).unwrap();
    store.members_forget(AUDIENCE).unwrap();
    assert_eq!(store.members_surplus(AUDIENCE, RunId(99), None, 10).unwrap(), []);
    assert_eq!(store.members_stage("a", run, &members).unwrap(), [false]);
    assert_eq!(store.members_sharing("b", run, &[person(1, 1)]).unwrap(), []);
}

fn another_stable_audience_starts_without_members(db: &TestDb) {
    let store = db.open();
    let own = |id| persistence::StableAudience { adopted: false, ..stable_audience(id) };
    let (first, second) = (own("1"), own("2"));
    let of = |adopted| store.stable_audience(&first.ad_account_id, adopted).unwrap();
    assert_eq!((of(false), of(true)), (None, None));
    store.stable_audience_set(&first).unwrap();
    let run = begun(&store);
    store.members_stage("1", run, &[member(1, 1, 1)]).unwrap();
    let refused = persistence::StableAudience { replace_refused_at: Some(db.now()), ..first.clone() };
    store.stable_audience_set(&refused).unwrap();
    let chosen = persistence::StableAudience { adopted: true, ..stable_audience("3") };
    store.stable_audience_set(&chosen).unwrap();
    assert_eq!((of(false), of(true)), (Some(refused), Some(chosen.clone())), "ours is not lost");
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members"), 1, "the same audience keeps its members");
    store.stable_audience_set(&second).unwrap();
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members"), 0);
    store.members_stage("2", run, &[member(1, 1, 1)]).unwrap();
    assert_eq!((store.members_exist("2").unwrap(), store.members_exist("1").unwrap()), (true, false));
    store.replacement_opened(run, "2", 7, 1).unwrap();
    store.stable_audience_forget(&first.ad_account_id).unwrap();
    store.stable_audience_forget(&first.ad_account_id).unwrap();
    assert_eq!((of(false), of(true)), (None, Some(chosen)));
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members"), 0);
    assert_eq!(store.replacements_open().unwrap(), []);
}

fn twenty_thousand_members_are_staged_delivered_and_forgotten(db: &TestDb) {
    let store = db.open();
    let members: Vec<Member> = (1..=20_000).map(|at| member(at, at, at % 100 + 1)).collect();
    let run = delivered(&store, &members);
    assert!(stage(&store, run, &members).iter().all(|undelivered| !undelivered));
    let next = begun(&store);
    assert_eq!(stage(&store, next, &members[..5_001]).iter().filter(|undelivered| **undelivered).count(), 0);
    store.members_delivered(AUDIENCE, next).unwrap();
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members WHERE delivered_value = value"), 5_001);
    store.replacement_opened(next, AUDIENCE, 1, 5_001).unwrap();
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members WHERE delivered_value IS NULL"), 5_001);
    store.members_forget(AUDIENCE).unwrap();
    assert_eq!(db.number("SELECT COUNT(*) FROM stable_members"), 0);
}
