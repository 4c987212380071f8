//! An installation that is killed again and again, and what must be true whenever the next process has cleaned up: the
//! run is closed, nothing is half-made, nobody is told twice, and the next sync is exact.

use crate::crash::later;
use crate::instance::{Database, Instance};
use crate::people::{address, key, members, people};
use chrono::TimeDelta;
use domain::run::{LookalikeStatus, RunStatus, Trigger};
use domain::{Run, RunId};
use persistence::LeaseOutcome;
use sandbox::{Contacts, SandboxSettings};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How long Meta matches when a lookalike has to wait, in its own seconds: many of ours.
const LONG: u64 = 100_000;

/// One account whose list changes before each sync: one person opts out and another in, one leaves and another comes.
pub struct Installed {
    pub instance: Instance,
    stable: bool,
    /// Which of the two lists the account holds.
    list: usize,
    /// What an audience of each list holds.
    truth: [Vec<String>; 2],
    /// Changes so far.
    changes: u32,
    /// The list each run has read.
    read: BTreeMap<RunId, usize>,
    /// The run before the one that is killed; its lookalike waits.
    before: Option<Run>,
}

/// Enough for a lookalike, all of them known to Meta. One has opted out, one is another's double, one has no value and one
/// a bad one.
fn contacts() -> Contacts {
    let known = |number| format!("{},{}", if number == 5 { "all" } else { "" }, address(number));
    let csv = people(115, "dnd,known_to_meta", known);
    let lines: Vec<String> = csv
        .lines()
        .map(|line| match line.get(..6) {
            Some("c00007") => {
                line.replace("ann7@example.com,(", "ann8@example.com,(").replace("0107", "0108")
            }
            Some("c00011") => line.replace("11.00,11.00,ok", ",,no_ltv"),
            Some("c00012") => line.replace("12.00,12.00,ok", "soon,,bad_ltv"),
            _ => line.to_owned(),
        })
        .collect();
    Contacts::CsvText(lines.join("\n"))
}

impl Installed {
    pub fn new(mode: &str, database: Database) -> Self {
        // So many runs in so short a time would meet Meta's limits.
        let unlimited = |settings: &mut SandboxSettings| {
            (settings.meta.calls_per_hour, settings.meta.score_limit) = (u32::MAX, u32::MAX);
        };
        let mut instance = Instance::with(contacts(), unlimited).with_database(database);
        instance.set("AUDIENCE_MODE", mode).set("AUDIENCE_KEEP", "2");
        let (truth, read) = (Default::default(), BTreeMap::new());
        let mut installed =
            Self { instance, stable: mode == "stable", list: 0, truth, changes: 0, read, before: None };
        for list in [1, 0] {
            installed.sync_to_the_end();
            assert_eq!(installed.list, list);
            let audience = installed.instance.last_run().audience.unwrap().id;
            let seen = installed.instance.verification(&audience);
            // The sandbox knows nobody who came later.
            assert_eq!(
                (&seen["missing"], &seen["unexpected"]),
                (&json!([format!("c0000{}", list)]), &json!(1))
            );
            installed.truth[list] = installed.held_by(&audience);
        }
        assert_ne!(installed.truth[0], installed.truth[1]);
        installed.meta_matches_in(0);
        later(&installed.instance, TimeDelta::zero()).follow_up();
        installed
    }

    /// One complete and exact sync that leaves its lookalike waiting for Meta; then the list changes again, and Meta is
    /// quick from now on.
    pub fn sync_before(&mut self) {
        let run = self.sync_to_the_end();
        assert_eq!(self.held_by(&run.audience.as_ref().unwrap().id), self.truth[self.list], "run {}", run.id);
        self.before = Some(run);
        self.change_list();
        self.meta_matches_in(0);
        self.instance.sandbox.mails().clear();
        self.instance.set("META_POLL_TIMEOUT_SECONDS", "20");
    }

    /// Starts a sync and kills it when `reached`; false when it has succeeded before that.
    pub fn kill_when(&mut self, reached: impl Fn(&Instance) -> bool) -> bool {
        let mut child = self.instance.spawn_sync();
        let begun = Instant::now();
        let killed = loop {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "the sync after a crash failed:\n{}", self.instance.log());
                break false;
            }
            if reached(&self.instance) {
                child.kill().unwrap();
                child.wait().unwrap();
                break true;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "the sync hangs:\n{}", self.instance.log());
            std::thread::sleep(Duration::from_millis(5));
        };
        // It may have died before its run began.
        self.read.entry(self.instance.last_run().id).or_insert(self.list);
        killed
    }

    /// The next process cleans up, after the lease of the dead one has expired; then nothing is left of the crash.
    pub fn assert_healed(&self, place: &str, told_twice: bool) {
        let service = later(&self.instance, TimeDelta::minutes(5));
        service.recover().unwrap();
        service.follow_up();
        // What Meta might still have been making is looked for again.
        later(&self.instance, TimeDelta::minutes(20)).follow_up();
        let healed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.assert_closed();
            self.assert_nothing_left();
            self.assert_audiences_whole(place);
            self.assert_told(told_twice);
        }));
        if let Err(panic) = healed {
            let log = self.instance.log();
            let end: Vec<&str> = log.lines().rev().take(60).collect();
            println!("killed at {place}; the end of the log, backwards:\n{}", end.join("\n"));
            std::panic::resume_unwind(panic);
        }
    }

    /// The runs since the one before the crash.
    fn runs(&self) -> Vec<Run> {
        let first = self.before.as_ref().unwrap().id;
        let mut runs = self.instance.store().run_list(1, 500).unwrap().items;
        runs.retain(|run| run.id >= first);
        runs.reverse();
        runs
    }

    fn assert_closed(&self) {
        let runs = self.runs();
        assert_eq!(runs[0].status, RunStatus::Success);
        let [lookalike] = &runs[0].lookalikes[..] else { panic!("one lookalike is made") };
        assert_eq!(lookalike.status, LookalikeStatus::Created, "what waited went on: {lookalike:?}");
        for run in &runs[1..] {
            // Whoever dies while telling of a success has succeeded.
            let told = run
                .steps
                .iter()
                .any(|step| step.name == domain::run::Step::Save && step.completed_at.is_some());
            match &run.failure {
                Some(failure) => assert!(failure.is_interruption(), "{failure:?}"),
                None => assert!(run.status == RunStatus::Success && told, "{run:?}"),
            }
            assert!(run.completed_at.is_some() && run.waiting_until.is_none());
            assert!(run.steps.iter().all(|step| step.completed_at.is_some()), "{:?}", run.steps);
            assert_ne!(run.lookalike_status(), LookalikeStatus::Pending);
        }
    }

    fn assert_nothing_left(&self) {
        let store = self.instance.store();
        assert_eq!(store.intentions_open().unwrap(), []);
        assert_eq!(store.replacements_open().unwrap(), []);
        assert_eq!(store.removals_pending(10).unwrap(), []);
        assert_eq!(store.lease_acquire("test", Duration::from_secs(1)).unwrap(), LeaseOutcome::Acquired);
        assert!(store.lease_release("test").unwrap());
        drop(store);
        let files = std::fs::read_dir(self.instance.folder().join("data")).into_iter().flatten();
        for file in files.map(|file| file.unwrap().file_name().into_string().unwrap()) {
            assert!(file.starts_with("ghl-meta-sync.sqlite3"), "{file} is left over");
        }
    }

    /// Every audience at Meta is a run's, shown and whole, and has one lookalike at most, which is shown too.
    fn assert_audiences_whole(&self, place: &str) {
        let runs = self.instance.store().run_list(1, 500).unwrap().items;
        let shown = |id: &str| runs.iter().find(|run| run.audience.as_ref().is_some_and(|own| own.id == id));
        let alive: Vec<String> = self.ids("CUSTOM");
        for id in &alive {
            let run = shown(id).unwrap_or_else(|| panic!("nobody knows audience {id}"));
            assert_eq!(run.audience_deleted_at, None);
            let held = self.held_by(id);
            let whole = match self.stable {
                // The new members, if the replacement was begun, or still the old ones.
                true => self.truth.contains(&held),
                false => Self::may_be_held(&held, &self.truth[self.read[&run.id]]),
            };
            assert!(whole, "audience {id} of run {} holds {} rows", run.id, held.len());
        }
        if self.stable {
            assert_eq!(alive.len(), 1);
        }
        let there = |run: &&Run| run.audience.as_ref().is_none_or(|audience| alive.contains(&audience.id));
        let known = runs.iter().filter(|run| run.audience_deleted_at.is_none());
        let gone: Vec<RunId> = known.filter(|run| !there(run)).map(|run| run.id).collect();
        // A clean-up that was cut short between the deletion and its note is noted by the next one.
        let may_be_unnoted = place.contains("DELETE") || place.contains("write");
        assert!(gone.len() <= usize::from(may_be_unnoted), "the audiences of {gone:?} are not there");
        let made: BTreeSet<&String> = runs
            .iter()
            .flat_map(|run| &run.lookalikes)
            .filter_map(|lookalike| lookalike.id.as_ref())
            .collect();
        let mut origins = BTreeSet::new();
        for lookalike in self.instance.audiences("LOOKALIKE") {
            let id = lookalike["id"].as_str().unwrap().to_owned();
            assert!(made.contains(&id), "nobody knows lookalike {id}");
            let origin = lookalike["origin_audience_id"].as_str().unwrap().to_owned();
            assert!(alive.contains(&origin), "the seed of lookalike {id} is gone");
            assert!(origins.insert(origin), "a seed has two lookalikes");
        }
    }

    /// Everybody of the list, but perhaps for those who opted out later and were removed from all lists.
    fn may_be_held(held: &[String], list: &[String]) -> bool {
        let opts_out =
            |row: &str| [0, 1].map(|number| key(&address(number))).iter().any(|key| row.contains(key));
        held.iter().all(|row| list.contains(row))
            && list.iter().all(|row| held.contains(row) || opts_out(row))
    }

    /// Each mail that was to be sent arrived; the one that was under way in the crash perhaps twice under one id.
    fn assert_told(&self, twice: bool) {
        let store = self.instance.store();
        let mut expected = BTreeSet::new();
        for run in self.runs() {
            let mails = store.outbox_of_run(run.id).unwrap();
            assert_eq!(mails.iter().filter(|mail| mail.kind == mailer::OUTCOME).count(), 1, "run {}", run.id);
            for mail in mails {
                assert!(mail.sent_at.is_some(), "{mail:?}");
                expected.insert(mail.message_id.trim_matches(['<', '>']).to_owned());
            }
        }
        let outcome = store.outbox_of_run(self.before.as_ref().unwrap().id).unwrap().remove(0).message_id;
        // It was told before the crash.
        expected.remove(outcome.trim_matches(['<', '>']));
        let mut arrived = BTreeMap::<String, usize>::new();
        for mail in self.instance.sandbox.mails().all() {
            let id = mail.message_id.unwrap().trim_matches(['<', '>']).to_owned();
            *arrived.entry(id).or_default() += 1;
        }
        assert_eq!(arrived.keys().cloned().collect::<BTreeSet<_>>(), expected);
        let doubles = arrived.values().filter(|count| **count > 1).count();
        assert!(doubles <= usize::from(twice) && arrived.values().all(|count| *count <= 2), "{arrived:?}");
    }

    fn sync_to_the_end(&mut self) -> Run {
        self.change_list();
        // What was uploaded before is matched all the same.
        self.instance.sandbox.clock().advance(Duration::from_secs(2 * LONG));
        self.meta_matches_in(LONG);
        if self.stable {
            // A seed that has its lookalike already is given no other one; and each run's would be looked at for two days.
            for id in self.ids("LOOKALIKE") {
                self.instance.delete_at_meta(&id);
            }
            let store = self.instance.store();
            for run in store.run_list(1, 500).unwrap().items {
                store.run_set_lookalikes(run.id, &[]).unwrap();
            }
        }
        self.instance.set("META_POLL_TIMEOUT_SECONDS", "0");
        let service = later(&self.instance, TimeDelta::zero());
        let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
        service.start(&config, Trigger::Cli, false).unwrap().wait();
        let run = self.instance.last_run();
        assert_eq!(run.status, RunStatus::Success, "{:?}", run.failure);
        assert_eq!(run.lookalike_status(), LookalikeStatus::Pending);
        self.read.insert(run.id, self.list);
        run
    }

    fn change_list(&mut self) {
        let (before, now) = (self.list, 1 - self.list);
        // Whoever left comes back as another contact.
        self.changes += 1;
        let comes = json!({
            "id": format!("comes-{}", self.changes), "firstName": "Comes", "email": format!("comes{now}@example.com"),
            "lifetimeValue": 15.5,
        });
        let change = json!({
            "update": [{"id": format!("c0000{before}"), "dnd": false}, {"id": format!("c0000{now}"), "dnd": true}],
            "delete": [format!("comes-{}", self.changes - 1)],
            "insert": [comes],
        });
        self.instance.tell("/control/ghl/state", &json!({"changes": [change]}));
        self.list = now;
    }

    fn meta_matches_in(&self, seconds: u64) {
        self.instance.tell("/control/meta/state", &json!({"matching_delay_seconds": seconds}));
    }

    /// Who is in an audience with which value, in an order of its own. Rows that were sent again after a lost reply are one
    /// person to Meta.
    fn held_by(&self, audience: &str) -> Vec<String> {
        let rows = members(&self.instance, audience);
        let mut rows: Vec<String> =
            rows.iter().map(|row| format!("{} {} {}", row[0], row[1], row[2])).collect();
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    fn ids(&self, subtype: &str) -> Vec<String> {
        let audiences = self.instance.audiences(subtype);
        audiences.iter().map(|audience| audience["id"].as_str().unwrap().to_owned()).collect()
    }
}
