//! The ways to name a database, and several processes on one that is still empty.

use crate::instance::{Database, Instance, Outcome, on_both_databases, run};
use domain::run::RunStatus;

on_both_databases!(
    processes_that_migrate_at_once_all_end_well,
    of_two_first_syncs_at_once_one_runs_and_the_other_is_told_so,
);

/// Runs `command` in as many processes at once and waits for all.
fn at_once(instance: &Instance, command: &str, processes: usize) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let running: Vec<_> =
            (0..processes).map(|_| scope.spawn(|| run(instance.program(command)))).collect();
        running.into_iter().map(|process| process.join().unwrap()).collect()
    })
}

fn processes_that_migrate_at_once_all_end_well(database: Database) {
    let instance = Instance::start().with_database(database);
    for outcome in at_once(&instance, "migrate", 6) {
        let outcome = outcome.expect(0);
        assert!(outcome.stdout.contains("is at version 20"), "{}", outcome.stdout);
    }
    assert_eq!(instance.store().run_latest().unwrap(), None);
}

fn of_two_first_syncs_at_once_one_runs_and_the_other_is_told_so(database: Database) {
    let instance = Instance::start().with_database(database);
    let (ran, refused): (Vec<_>, Vec<_>) =
        at_once(&instance, "sync", 2).into_iter().partition(|outcome| outcome.code == Some(0));
    assert!(!ran.is_empty(), "{refused:?}");
    for outcome in refused {
        outcome.expect(1).names(&["still running"]);
    }
    let runs = instance.store().run_list(1, 20).unwrap();
    assert_eq!(runs.total, ran.len() as u64);
    assert!(runs.items.iter().all(|run| run.status == RunStatus::Success), "{runs:?}");
    assert_eq!(instance.audiences("CUSTOM").len(), ran.len());
}

#[test]
fn a_postgres_server_may_be_named_in_parts() {
    let Some(database) = Database::postgres() else { return };
    let Database::Postgres(server) = &database else { unreachable!() };
    let parts = server.settings();
    let mut instance = Instance::start().with_database(database);
    instance.unset("DATABASE_URL");
    for (name, value) in &parts {
        instance.set(name, value);
    }
    instance.sync(&[]).expect(0);
    assert_eq!(instance.last_run().status, RunStatus::Success);
    assert!(!instance.database().exists(), "nothing is kept beside the server");
}
