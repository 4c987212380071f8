//! Two copies of the program on one database, and one that sleeps for so long that the other takes over.

use crate::crash::later;
use crate::instance::{Database, Instance, on_both_databases, signal};
use crate::serve::Served;
use chrono::{TimeDelta, Timelike};
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection, sql_query};
use domain::run::{RunStatus, Trigger};
use domain::{Clock, SystemClock};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::json;
use std::process::Child;

on_both_databases!(a_suspended_sync_that_was_replaced_sends_and_records_nothing_more);

/// Starts a sync and suspends it while it waits for the answer to a call.
fn suspended_at(instance: &Instance, service: Service, path: &str) -> Child {
    instance.sandbox.faults().add(Fault::new(service, Effect::Delay { millis: 1_500 }).on_path(path));
    let child = instance.spawn_sync();
    // The call has left the program: one that was stopped a moment before would still go out when it wakes.
    instance.wait_until(|| instance.sandbox.faults().left() == 0);
    // Not in the middle of a write: the database would be locked for as long as it sleeps.
    let is_saved = || !instance.store().contacts_count_by_bucket(instance.last_run().id).unwrap().is_empty();
    instance.wait_until(|| service == Service::Claude || is_saved());
    signal(&child, "-STOP");
    while is_within_a_transaction(instance) {
        signal(&child, "-CONT");
        signal(&child, "-STOP");
    }
    child
}

/// Whether a process works on the database of this installation, or was stopped while it did.
fn is_within_a_transaction(instance: &Instance) -> bool {
    let Some(url) = instance.get("DATABASE_URL") else {
        let mut connection = SqliteConnection::establish(instance.database().to_str().unwrap()).unwrap();
        return sql_query("BEGIN IMMEDIATE").execute(&mut connection).is_err();
    };
    let busy = "SELECT 1 FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
    sql_query(busy).execute(&mut PgConnection::establish(url).unwrap()).unwrap() > 0
}

/// What a person would miss if it changed.
fn written_at_meta(instance: &Instance) -> Vec<String> {
    let calls = instance.sandbox.record().entries(Service::Meta).into_iter();
    calls.filter(|call| call.method != "GET").map(|call| format!("{} {}", call.method, call.path)).collect()
}

fn a_suspended_sync_that_was_replaced_sends_and_records_nothing_more(database: Database) {
    let instance = Instance::start().with_database(database);
    instance.sync(&[]).expect(0);
    for (service, path, step) in [
        (Service::Claude, "/v1/messages", "normalize"),
        (Service::Meta, "/users", "upload"),
        (Service::Meta, "/sessions", "wait"),
    ] {
        let mut sleeper = suspended_at(&instance, service, path);
        let replaced = instance.last_run().id;
        let other = later(&instance, TimeDelta::minutes(5));
        other.recover().unwrap();
        let config = other.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
        other.start(&config, Trigger::Manual, false).unwrap().wait();
        let newer = instance.last_run();
        assert_eq!(newer.status, RunStatus::Success, "{:?}", newer.failure);
        let before = instance.store().run_get(replaced).unwrap().unwrap();
        assert_eq!(before.failure.as_ref().unwrap().step.as_str(), step);
        let contacts = instance.store().contacts_count_by_bucket(replaced).unwrap();
        // The call it waits for has arrived before it wakes.
        instance.wait_until(|| {
            instance.sandbox.record().entries(service).iter().filter(|call| call.path.contains(path)).count()
                > 1
        });
        let written = written_at_meta(&instance);
        let mails = instance.sandbox.mails().all().len();
        signal(&sleeper, "-CONT");
        assert_eq!(sleeper.wait().unwrap().code(), Some(1));
        assert_eq!(written_at_meta(&instance), written, "suspended at {path}");
        assert_eq!(instance.store().run_get(replaced).unwrap().unwrap(), before);
        assert_eq!(instance.store().contacts_count_by_bucket(replaced).unwrap(), contacts);
        assert_eq!(instance.last_run(), newer);
        assert_eq!(instance.sandbox.mails().all().len(), mails);
        let seen = instance.verification(&newer.audience.unwrap().id);
        assert_eq!((&seen["missing_count"], &seen["unexpected"]), (&json!(0), &json!(0)), "{seen}");
        instance.sandbox.record().clear();
    }
}

#[test]
fn a_suspended_sync_that_nobody_has_replaced_goes_on() {
    let instance = Instance::start();
    instance.sync(&[]).expect(0);
    instance.sandbox.record().clear();
    let mut sleeper = suspended_at(&instance, Service::Meta, "/users");
    instance.wait_until(|| {
        instance.sandbox.record().entries(Service::Meta).iter().any(|call| call.path.contains("/users"))
    });
    signal(&sleeper, "-CONT");
    assert!(sleeper.wait().unwrap().success());
    assert_eq!(instance.last_run().status, RunStatus::Success);
}

#[test]
fn of_two_services_one_makes_a_missed_sync_up_and_the_other_goes_on_when_it_is_killed() {
    let Some(database) = Database::postgres() else { return };
    let Database::Postgres(server) = &database else { unreachable!() };
    let url = server.url().to_owned();
    let mut instance = Instance::start().with_database(database);
    let now = SystemClock.now();
    instance.store().schedule_set_last_seen(now - TimeDelta::hours(1)).unwrap();
    let missed = now - TimeDelta::minutes(30);
    instance.set("SYNC_SCHEDULE_CRON", &format!("{} {} * * *", missed.minute(), missed.hour()));
    instance.sandbox.faults().add(Fault::new(Service::Claude, Effect::Hang { millis: 60_000 }).times(100));
    let folders = ["one", "other"].map(|name| instance.folder().join(name));
    let mut services = Vec::new();
    for folder in &folders {
        let inside = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        instance.set("DATA_DIR", &inside("data")).set("LOG_DIR", &inside("logs"));
        services.push(Served::start(&mut instance));
    }
    let runs = || instance.store().run_list(1, 20).unwrap().items;
    instance.sandbox.record().clear();
    let asked = || instance.sandbox.record().count(Service::Claude) > 0;
    services[0].wait_for("the missed sync is made up", || asked() || !runs().is_empty());
    let working = |at: usize| {
        std::fs::read_to_string(folders[at].join("logs/app.log")).unwrap().contains("Rank values")
    };
    services[0].wait_for("it has come to Claude", || working(0) || working(1));
    assert_eq!(runs().iter().map(|run| run.trigger).collect::<Vec<_>>(), [Trigger::MadeUp]);
    let killed = usize::from(working(1));
    drop(services.remove(killed));
    instance.sandbox.faults().clear();
    // Its lease expires: a minute passes.
    let mut connection = PgConnection::establish(&url).unwrap();
    sql_query("UPDATE sync_lease SET expires_at = expires_at - INTERVAL '2 minutes'")
        .execute(&mut connection)
        .unwrap();
    // What a third copy saves.
    let saved = [("AUDIENCE_PREFIX".to_owned(), Some("Saved-Elsewhere".to_owned()))];
    instance.store().settings_change(&saved).unwrap();
    let survivor = &services[0];
    survivor.wait_for("the survivor syncs", || survivor.post("/api/sync/trigger", &json!({})).0 == 202);
    survivor.wait_for("it has succeeded", || runs()[0].status == RunStatus::Success);
    let [ref newer, ref interrupted] = runs()[..] else { panic!("two runs, {:?}", runs()) };
    assert!(newer.audience.as_ref().unwrap().name.starts_with("Saved-Elsewhere-"));
    assert!(interrupted.failure.as_ref().unwrap().is_interruption());
    assert_eq!(instance.audiences("CUSTOM").len(), 1);
    let noted = SystemClock.now();
    // Whoever comes back finds nothing to make up.
    drop(services);
    let again = Served::start(&mut instance);
    again.wait_for("the schedule was looked through", || {
        instance.store().schedule_last_seen().unwrap().is_some_and(|seen| seen > noted)
    });
    assert_eq!(instance.store().run_list(1, 20).unwrap().items.len(), 2);
}
