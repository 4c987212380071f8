//! The backups that the documents describe, made while a run goes on, and put back after everything else is lost.

use crate::crash::{later, received};
use crate::instance::{Database, Instance, on_both_databases, run};
use crate::serve::Served;
use chrono::TimeDelta;
use domain::run::{Changes, RunStatus, Trigger};
use domain::{Clock, SystemClock};
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use testkit::postgres_server;

on_both_databases!(a_backup_made_during_a_run_is_put_back_and_the_next_run_goes_on_from_it,);

/// The one command that makes a backup, as `documents/backups.rs` finds it documented.
fn back_up(instance: &Instance, file: &Path) {
    run(match instance.get("DATABASE_URL") {
        None => {
            let mut backup = instance.program("backup");
            backup.arg(file);
            backup
        }
        Some(url) => {
            let mut dump = Command::new(postgres_server::program("pg_dump"));
            dump.arg("--format=custom").arg("--file").arg(file).arg(url);
            dump
        }
    })
    .expect(0);
}

/// The one command that puts it back.
fn restore(instance: &Instance, file: &Path) {
    run(match instance.get("DATABASE_URL") {
        None => {
            let mut restore = instance.program("restore");
            restore.arg(file);
            restore
        }
        Some(url) => {
            let mut restore = Command::new(postgres_server::program("pg_restore"));
            restore.args(["--no-owner", "--single-transaction", "--dbname", url]).arg(file);
            restore
        }
    })
    .expect(0);
}

/// Disk and server are lost; only what was copied elsewhere is left.
fn lose_everything(instance: &Instance) {
    if let Some(url) = instance.get("DATABASE_URL") {
        let emptied =
            ["-X", "-q", "-c", "DROP SCHEMA public CASCADE", "-c", "CREATE SCHEMA public", "-d", url];
        let mut psql = Command::new(postgres_server::program("psql"));
        psql.args(emptied);
        run(psql).expect(0);
    }
    std::fs::remove_dir_all(instance.folder().join("data")).unwrap();
    std::fs::create_dir(instance.folder().join("data")).unwrap();
}

fn a_backup_made_during_a_run_is_put_back_and_the_next_run_goes_on_from_it(database: Database) {
    let mut instance = Instance::with(Contacts::Generated(1_500), |_| {}).with_database(database);
    instance.set("NORMALIZER", "local").sync(&[]).expect(0);
    let first = instance.last_run();
    // The upload takes its time: long enough for a backup.
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 4_000 }).on_path("/users");
    instance.sandbox.faults().add(slow);
    let before = received(&instance, Service::Meta, "/users");
    let mut going_on = instance.spawn_sync();
    instance.wait_until(|| received(&instance, Service::Meta, "/users") > before);
    let file = instance.folder().join("backup");
    back_up(&instance, &file);
    assert!(going_on.wait().unwrap().success(), "a backup holds no sync up");
    let second = instance.last_run().id;

    lose_everything(&instance);
    restore(&instance, &file);
    let history = instance.store().run_list(1, 20).unwrap();
    assert_eq!(
        history.items.iter().map(|run| (run.id, run.status)).collect::<Vec<_>>(),
        [(second, RunStatus::Running), (first.id, RunStatus::Success)]
    );
    assert_eq!(history.items[1], first, "everything about it is there again");

    let service = later(&instance, TimeDelta::minutes(5));
    service.recover().unwrap();
    let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
    service.start(&config, Trigger::Cli, false).unwrap().wait();
    let third = instance.last_run();
    assert_eq!((third.status, third.changes), (RunStatus::Success, Some(Changes { added: 0, removed: 0 })));
    assert!(third.id > second);
    let store = instance.store();
    let closed = store.run_get(second).unwrap().unwrap();
    assert!(closed.status == RunStatus::Failed && closed.failure.unwrap().is_interruption());
    assert_eq!(third.config, first.config);
    // The second run had ended well after the backup: what it made is in use by then, and is not taken for a ruin.
    assert_eq!((instance.audiences("CUSTOM").len(), instance.audiences("LOOKALIKE").len()), (3, 3));
    let seen = instance.verification(&third.audience.unwrap().id);
    assert_eq!((&seen["missing_count"], &seen["unexpected"]), (&0.into(), &0.into()), "{seen}");
}

#[test]
fn a_backup_can_go_to_standard_output_and_come_from_standard_input_but_not_below_a_running_service() {
    let mut instance = Instance::with(Contacts::Generated(150), |_| {});
    instance.set("NORMALIZER", "local").sync(&[]).expect(0);
    let served = Served::start(&mut instance);
    let mut backup = instance.program("backup");
    let output = backup.arg("-").output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"SQLite format 3\0"));
    let file = instance.folder().join("backup");
    std::fs::write(&file, &output.stdout).unwrap();
    let restore = || {
        let mut restore = instance.program("restore");
        restore.arg("-").stdin(std::fs::File::open(&file).unwrap());
        restore.output().unwrap()
    };
    let refused = restore();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is in use"), "{refused:?}");
    assert_eq!(served.terminate(), Some(0));
    assert!(restore().status.success());
    assert_eq!(instance.last_run().status, RunStatus::Success);
    let left = std::fs::read_dir(instance.folder().join("data")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.contains("part") || name.contains("standard-output")), "{left:?}");
}

/// The files beside the database that hold a copy of it, or a part of one.
fn copies(instance: &Instance) -> Vec<String> {
    let files = std::fs::read_dir(instance.folder().join("data")).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("backup") || name.contains("standard-output")).collect()
}

#[test]
fn a_backup_to_standard_output_that_is_killed_leaves_no_copy_of_all_people() {
    let mut instance = Instance::with(Contacts::Generated(1_500), |_| {});
    instance.set("NORMALIZER", "local").sync(&[]).expect(0);
    let mut backup = instance.program("backup").arg("-").stdout(Stdio::piped()).spawn().unwrap();
    // It has begun to write, and is held up because nobody reads any further.
    let mut beginning = [0; 16];
    backup.stdout.as_mut().unwrap().read_exact(&mut beginning).unwrap();
    assert_eq!(&beginning, b"SQLite format 3\0");
    let left = copies(&instance);
    backup.kill().unwrap();
    backup.wait().unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn copies_that_killed_backups_left_are_deleted_by_the_next_one_and_by_the_service() {
    let mut instance = Instance::with(Contacts::Generated(150), |_| {});
    instance.set("NORMALIZER", "local").sync(&[]).expect(0);
    let data = instance.folder().join("data");
    let leave = || {
        for (name, age) in [
            ("ghl-meta-sync.sqlite3.to-standard-output-7.part", 3_600),
            ("ghl-meta-sync.sqlite3.to-standard-output-8", 0),
            // Of somebody else.
            ("ghl-meta-sync.9.backup", 3_600),
        ] {
            let file = std::fs::File::create(data.join(name)).unwrap();
            file.set_modified(SystemTime::from(SystemClock.now()) - Duration::from_secs(age)).unwrap();
        }
    };
    let kept = ["ghl-meta-sync.9.backup", "ghl-meta-sync.sqlite3.to-standard-output-8"];
    let sorted = || {
        let mut names = copies(&instance);
        names.sort();
        names
    };
    leave();
    assert!(instance.program("backup").arg("-").output().unwrap().status.success());
    assert_eq!(sorted(), kept, "one may still be written");
    leave();
    let mut instance = instance;
    let served = Served::start(&mut instance);
    assert_eq!(served.terminate(), Some(0));
    assert_eq!(copies(&instance).len(), 2);
}

#[test]
fn a_server_has_tools_of_its_own_and_they_are_named() {
    let mut instance = Instance::start();
    instance.set("DATABASE_URL", "postgres://app@127.0.0.1:1/ghl");
    for (command, tools) in [
        ("backup", &["pg_dump --format=custom"][..]),
        (
            "restore",
            &["DROP SCHEMA public CASCADE; CREATE SCHEMA public", "pg_restore", "deletes everything"],
        ),
    ] {
        let mut program = instance.program(command);
        program.arg("file");
        run(program).expect(2).names(tools);
    }
}
