//! Two processes on one PostgreSQL: both follow the schedule, and either may die at any moment.

use super::Slots;
use crate::installed::Installed;
use crate::settings::Environment;
use crate::wiring::Patience;
use chrono::{DateTime, TimeDelta, Utc};
use domain::run::{RunStatus, Trigger};
use domain::{Clock, Run};
use persistence::{DatabaseUrl, LeaseOutcome, Store};
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Sandbox, SandboxSettings, Service};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use sync::schedule::Slot;
use sync::{NobodyWatches, StartError};
use tempfile::TempDir;
use testkit::postgres_server::{TestDatabase, fresh_database};
use web::Installation;

/// Shared by all processes, and put forward by the test.
struct TestClock(Mutex<DateTime<Utc>>);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

struct Machine {
    sandbox: Sandbox,
    folder: TempDir,
    clock: Arc<TestClock>,
    /// `None`: the embedded one.
    database: Option<TestDatabase>,
}

/// A moment of 21 November 2026 or, with a day before it, of that November day.
fn at(text: &str) -> DateTime<Utc> {
    let (day, time) = text.split_once(' ').unwrap_or(("21", text));
    format!("2026-11-{day}T{time}:00Z").parse().unwrap()
}

impl Machine {
    /// At 01:59, with a sync at 02:00 every day. `None` where there is no PostgreSQL.
    fn start() -> Option<Self> {
        Some(Self::on(Some(fresh_database()?)))
    }

    fn on(database: Option<TestDatabase>) -> Self {
        let mut settings =
            SandboxSettings { contacts: Contacts::Generated(300), ..SandboxSettings::default() };
        settings.meta.matching_delay_seconds = 0;
        let sandbox = Sandbox::start(settings).unwrap();
        let clock = Arc::new(TestClock(Mutex::new(at("01:59"))));
        Self { sandbox, folder: tempfile::tempdir().unwrap(), clock, database }
    }

    fn store(&self) -> Store {
        let address = match &self.database {
            Some(database) => database.url().parse().unwrap(),
            None => DatabaseUrl::Sqlite(self.folder.path().join("ghl-meta-sync.sqlite3")),
        };
        Store::open(&address, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    /// What a process has when it starts; dropping it is its death.
    fn process(&self) -> Slots {
        self.process_for("all", "contact.lifetime_value")
    }

    /// The same with another list and field in its environment.
    fn process_for(&self, list: &str, field: &str) -> Slots {
        let simulators = self.sandbox.announcement().settings;
        let own = [
            ("GHL_SMART_LIST_ID", list),
            ("GHL_LTV_FIELD", field),
            ("META_POLL_TIMEOUT_SECONDS", "1"),
            ("NORMALIZER", "local"),
            ("DATA_DIR", self.folder.path().to_str().unwrap()),
            ("SYNC_SCHEDULE_CRON", "0 2 * * *"),
        ];
        let simulators = simulators.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let environment = Environment::of(&simulators.chain(own).collect::<Vec<_>>());
        let store = self.store();
        let installed =
            Installed::new(environment, store.clone(), Arc::new(NobodyWatches), Patience::WithSimulators)
                .unwrap();
        Slots::follow(Arc::new(installed), store, self.clock.now()).unwrap()
    }

    /// The clock shows `time`, and each of the processes looks at the schedule, all at once. Then no run is going on.
    fn tick(&self, time: &str, processes: &mut [&mut Slots]) {
        *self.clock.0.lock().unwrap() = at(time);
        std::thread::scope(|scope| {
            for process in processes {
                scope.spawn(|| process.tick(at(time)));
            }
        });
        self.wait();
    }

    fn wait(&self) {
        let (store, begun) = (self.store(), Instant::now());
        let held = || store.lease_acquire("test", Duration::ZERO).unwrap() != LeaseOutcome::Acquired;
        while held() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the run never ends");
            std::thread::sleep(Duration::from_millis(10));
        }
        store.lease_release("test").unwrap();
    }

    /// Every run, oldest first.
    fn runs(&self) -> Vec<Run> {
        let mut runs = self.store().run_list(1, 100).unwrap().items;
        runs.reverse();
        runs
    }

    fn triggers(&self) -> Vec<(Trigger, RunStatus)> {
        self.runs().iter().map(|run| (run.trigger, run.status)).collect()
    }
}

const ON_TIME: (Trigger, RunStatus) = (Trigger::Scheduled, RunStatus::Success);
const MADE_UP: (Trigger, RunStatus) = (Trigger::MadeUp, RunStatus::Success);

#[test]
fn each_moment_has_one_run_whether_it_is_on_time_or_made_up() {
    let Some(machine) = Machine::start() else { return };
    let (mut one, mut other) = (machine.process(), machine.process());
    for day in ["21", "22", "23"] {
        for time in ["01:59", "02:00", "02:01"] {
            machine.tick(&format!("{day} {time}"), &mut [&mut one, &mut other]);
        }
    }
    assert_eq!(machine.triggers(), [ON_TIME; 3]);
    drop((one, other));
    // Both were off at two o'clock.
    *machine.clock.0.lock().unwrap() = at("24 09:30");
    let (mut one, mut other) = (machine.process(), machine.process());
    machine.tick("24 09:30", &mut [&mut one, &mut other]);
    machine.tick("24 09:40", &mut [&mut other, &mut one]);
    assert_eq!(machine.triggers(), [ON_TIME, ON_TIME, ON_TIME, MADE_UP]);
    assert_eq!(machine.sandbox.mails().all().len(), 4);
}

#[test]
fn a_process_that_dies_before_it_takes_the_moment_is_not_missed() {
    let Some(machine) = Machine::start() else { return };
    let (one, mut other) = (machine.process(), machine.process());
    drop(one);
    machine.tick("02:00", &mut [&mut other]);
    assert_eq!(machine.triggers(), [ON_TIME]);
}

#[test]
fn a_moment_whose_process_died_before_its_run_is_made_up_by_the_other_one() {
    let Some(machine) = Machine::start() else { return };
    let (mut one, mut other) = (machine.process(), machine.process());
    *machine.clock.0.lock().unwrap() = at("02:00");
    assert!(one.take_due(at("02:00")).unwrap().is_some());
    drop(one);
    for time in ["02:00", "02:01", "02:04"] {
        machine.tick(time, &mut [&mut other]);
        assert_eq!(machine.triggers(), [], "it may still begin, at {time}");
    }
    machine.tick("02:05", &mut [&mut other]);
    assert_eq!(machine.triggers(), [MADE_UP]);
    machine.tick("02:20", &mut [&mut other, &mut machine.process()]);
    assert_eq!(machine.triggers(), [MADE_UP]);
}

#[test]
fn the_only_process_makes_up_what_it_had_taken_when_it_died() {
    let Some(machine) = Machine::start() else { return };
    let mut process = machine.process();
    machine.tick("01:59", &mut [&mut process]);
    *machine.clock.0.lock().unwrap() = at("02:00");
    assert!(process.take_due(at("02:00")).unwrap().is_some());
    drop(process);
    *machine.clock.0.lock().unwrap() = at("03:00");
    let mut process = machine.process();
    machine.tick("03:00", &mut [&mut process]);
    machine.tick("03:10", &mut [&mut process]);
    assert_eq!(machine.triggers(), [MADE_UP]);
}

#[test]
fn a_process_that_dies_right_after_it_began_the_run_has_begun_it() {
    let Some(machine) = Machine::start() else { return };
    let (mut one, mut other) = (machine.process(), machine.process());
    *machine.clock.0.lock().unwrap() = at("02:00");
    let waiting = one.take_due(at("02:00")).unwrap().unwrap();
    let sync = one.installed.sync().unwrap();
    let config = one.installed.choice(&sync).unwrap();
    let slot = Slot { at: waiting.claim.slot, trigger: waiting.trigger };
    sync.start_slot(&config, &slot).unwrap().wait();
    drop(one);
    machine.tick("02:10", &mut [&mut other]);
    assert_eq!(machine.triggers(), [ON_TIME]);
}

#[test]
fn a_suspended_process_that_was_replaced_leaves_the_moment_alone() {
    let Some(machine) = Machine::start() else { return };
    let (mut one, mut other) = (machine.process(), machine.process());
    *machine.clock.0.lock().unwrap() = at("02:00");
    one.waiting = one.take_due(at("02:00")).unwrap();
    machine.tick("02:10", &mut [&mut other]);
    machine.tick("02:11", &mut [&mut one]);
    assert_eq!(machine.triggers(), [MADE_UP]);
    assert!(one.waiting.is_none());
}

#[test]
fn a_process_that_was_slow_to_begin_finds_the_run_that_another_has_made_meanwhile() {
    let Some(machine) = Machine::start() else { return };
    let (mut one, mut other) = (machine.process(), machine.process());
    *machine.clock.0.lock().unwrap() = at("02:00");
    let waiting = one.take_due(at("02:00")).unwrap().unwrap();
    machine.tick("02:10", &mut [&mut other]);
    // It asked GoHighLevel all the while, and now has its answer.
    let sync = one.installed.sync().unwrap();
    let slot = Slot { at: waiting.claim.slot, trigger: waiting.trigger };
    let begun = sync.start_slot(&one.installed.choice(&sync).unwrap(), &slot);
    let made = machine.runs()[0].id;
    assert!(matches!(begun, Err(StartError::AlreadyRunning { run }) if run == made));
    machine.tick("02:11", &mut [&mut one, &mut other]);
    assert_eq!(machine.triggers(), [MADE_UP]);
}

/// A run of another process, under its lease.
fn run_elsewhere(machine: &Machine) -> domain::RunId {
    let (store, slots) = (machine.store(), machine.process());
    let config = slots.installed.choice(&slots.installed.sync().unwrap()).unwrap();
    assert_eq!(store.lease_acquire("elsewhere", Duration::from_secs(60)).unwrap(), LeaseOutcome::Acquired);
    let run = store.run_start(Trigger::Manual, store.config_of_run(&config).unwrap()).unwrap();
    assert!(store.lease_set_run("elsewhere", run).unwrap());
    run
}

#[test]
fn a_moment_behind_a_run_whose_process_is_dead_has_its_run_and_one_behind_a_living_run_has_not() {
    let Some(machine) = Machine::start() else { return };
    let mut process = machine.process();
    let store = machine.store();
    // It dies at 01:59.
    let dead = run_elsewhere(&machine);
    *machine.clock.0.lock().unwrap() = at("02:00") - TimeDelta::seconds(1);
    process.tick(at("02:00"));
    assert_eq!(machine.triggers().len(), 1, "nobody knows yet that it is dead");
    machine.tick("02:01", &mut [&mut process]);
    assert_eq!(machine.triggers(), [(Trigger::Manual, RunStatus::Failed), ON_TIME]);
    assert!(store.run_get(dead).unwrap().unwrap().failure.unwrap().is_interruption());

    *machine.clock.0.lock().unwrap() = at("22 02:00");
    let living = run_elsewhere(&machine);
    process.tick(at("22 02:00"));
    assert!(store.run_finish(living, RunStatus::Success, None).unwrap());
    assert!(store.lease_release("elsewhere").unwrap());
    machine.tick("22 02:01", &mut [&mut process]);
    machine.tick("22 02:30", &mut [&mut process]);
    assert_eq!(machine.triggers().len(), 3, "that run was the day's");
}

#[test]
fn settings_that_one_process_saves_are_those_of_the_other() {
    let Some(machine) = Machine::start() else { return };
    let (one, mut other) = (machine.process(), machine.process());
    let change = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
    one.installed
        .change_settings(&[change("SYNC_SCHEDULE_CRON", "0 3 * * *"), change("AUDIENCE_PREFIX", "Later")])
        .unwrap();
    drop(one);
    machine.tick("02:00", &mut [&mut other]);
    assert_eq!(machine.triggers(), []);
    machine.tick("03:00", &mut [&mut other]);
    assert_eq!(machine.triggers(), [ON_TIME]);
    assert!(machine.runs()[0].audience.as_ref().unwrap().name.starts_with("Later-"));
}

const FAILED: (Trigger, RunStatus) = (Trigger::Scheduled, RunStatus::Failed);

fn mails(machine: &Machine) -> usize {
    machine.sandbox.mails().all().len()
}

#[test]
fn a_choice_of_the_environment_that_can_not_be_looked_up_makes_a_failed_run_and_a_mail() {
    let databases = [Some(None), fresh_database().map(Some)];
    for machine in databases.into_iter().flatten().map(Machine::on) {
        // Revoked at GoHighLevel.
        let mut process = machine.process();
        let effect = Effect::Status { status: 401, body: "{}".to_owned(), headers: vec![] };
        machine.sandbox.faults().add(Fault::new(Service::Ghl, effect).times(1_000));
        machine.tick("02:00", &mut [&mut process]);
        assert_eq!((machine.triggers(), mails(&machine)), (vec![FAILED], 1));
        machine.tick("02:01", &mut [&mut process]);
        assert_eq!(machine.triggers(), [FAILED], "the moment has had its run");
        machine.sandbox.faults().clear();
        // Renamed or deleted there.
        for (day, list, field, said) in [
            ("22", "all", "contact.gone", "contact.gone"),
            ("23", "tag:gone", "contact.lifetime_value", "tag:gone"),
            ("24", "tag:gone", "Lifetime Value", "tag:gone"),
        ] {
            let mut process = machine.process_for(list, field);
            machine.tick(&format!("{day} 01:59"), &mut [&mut process]);
            let before = machine.runs().len();
            machine.tick(&format!("{day} 02:00"), &mut [&mut process]);
            let runs = machine.runs();
            assert_eq!((runs.len(), mails(&machine)), (before + 1, before + 1));
            let failed = runs.last().unwrap();
            assert_eq!((failed.trigger, failed.status), FAILED);
            let message = &failed.failure.as_ref().unwrap().message;
            assert!(message.contains(said), "{message}");
        }
    }
}

#[test]
fn a_run_of_a_choice_that_can_not_be_looked_up_is_of_the_list_and_the_field_of_the_last_success() {
    let machine = Machine::on(None);
    let mut process = machine.process_for("all", "Lifetime Value");
    machine.tick("02:00", &mut [&mut process]);
    assert_eq!(machine.triggers(), [ON_TIME]);
    drop(process);
    // Another process, which remembers nothing.
    let mut process = machine.process_for("all", "Lifetime Value");
    let effect = Effect::Status { status: 401, body: "{}".to_owned(), headers: vec![] };
    machine.sandbox.faults().add(Fault::new(Service::Ghl, effect).times(1_000));
    machine.tick("22 02:00", &mut [&mut process]);
    let runs = machine.runs();
    assert_eq!(machine.triggers(), [ON_TIME, FAILED]);
    assert_eq!(runs[1].config, runs[0].config);
}

#[test]
fn no_run_succeeds_under_the_words_of_a_field_that_was_not_looked_up() {
    let machine = Machine::on(None);
    // Given by its id, which no run is known by.
    let mut process = machine.process_for("all", "ltvF1eldAbCdEfGhIjKl");
    let effect = Effect::Status { status: 401, body: "{}".to_owned(), headers: vec![] };
    machine.sandbox.faults().add(Fault::new(Service::Ghl, effect).on_path("/customFields"));
    machine.tick("02:00", &mut [&mut process]);
    assert_eq!((machine.triggers(), mails(&machine)), (vec![FAILED], 1));
    let message = machine.runs()[0].failure.as_ref().unwrap().message.clone();
    assert!(message.contains("could not be looked up"), "{message}");
    machine.tick("22 02:00", &mut [&mut process]);
    let runs = machine.runs();
    assert_eq!(machine.triggers(), [FAILED, ON_TIME]);
    assert_eq!(runs[1].config.ltv_field_key, "contact.lifetime_value");
}
