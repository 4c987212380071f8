//! kill -9 at every call to a vendor: the sandbox carries the call out (or not) and never answers, and there the program
//! dies.

use crate::instance::Database;
use crate::interrupted::Installed;
use sandbox::Service;
use sandbox::Service::{Claude, Ghl, Meta, Smtp};
use sandbox::faults::{Effect, Fault};

/// Longer than any test.
const SILENCE: u64 = 600_000;

/// Makes one test of each line.
macro_rules! walks {
    ($($name:ident: $mode:literal, $database:expr, $services:expr, $carried_out:literal;)+) => {
        $(#[test] fn $name() {
            if let Some(database) = $database { walk($mode, database, &$services, $carried_out); }
        })+
    };
}

walks! {
    dated_on_sqlite_by_meta: "dated", Some(Database::Sqlite), [Meta], true;
    dated_on_sqlite_by_others: "dated", Some(Database::Sqlite), [Ghl, Claude, Smtp], true;
    dated_on_sqlite_undone_by_meta: "dated", Some(Database::Sqlite), [Meta], false;
    dated_on_sqlite_undone_by_others: "dated", Some(Database::Sqlite), [Ghl, Claude, Smtp], false;
    dated_on_postgres_by_meta: "dated", Database::postgres(), [Meta], true;
    dated_on_postgres_by_others: "dated", Database::postgres(), [Ghl, Claude, Smtp], true;
    dated_on_postgres_undone_by_meta: "dated", Database::postgres(), [Meta], false;
    dated_on_postgres_undone_by_others: "dated", Database::postgres(), [Ghl, Claude, Smtp], false;
    stable_on_sqlite_by_meta: "stable", Some(Database::Sqlite), [Meta], true;
    stable_on_sqlite_by_others: "stable", Some(Database::Sqlite), [Ghl, Claude, Smtp], true;
    stable_on_sqlite_undone_by_meta: "stable", Some(Database::Sqlite), [Meta], false;
    stable_on_sqlite_undone_by_others: "stable", Some(Database::Sqlite), [Ghl, Claude, Smtp], false;
    stable_on_postgres_by_meta: "stable", Database::postgres(), [Meta], true;
    stable_on_postgres_by_others: "stable", Database::postgres(), [Ghl, Claude, Smtp], true;
    stable_on_postgres_undone_by_meta: "stable", Database::postgres(), [Meta], false;
    stable_on_postgres_undone_by_others: "stable", Database::postgres(), [Ghl, Claude, Smtp], false;
}

/// Kills a sync at its first call to each service, the next one at its second call, and so on until one gets through.
fn walk(mode: &str, database: Database, services: &[Service], carried_out: bool) {
    let mut installed = Installed::new(mode, database);
    for service in services {
        let killed = (0..).find(|call| !kill_at(&mut installed, *service, *call, carried_out)).unwrap();
        println!("{mode}: killed at each of {killed} calls to {}", service.name());
        assert!(killed > 0, "{} is called", service.name());
    }
}

/// False when the sync has ended before that call.
fn kill_at(installed: &mut Installed, service: Service, call: u32, carried_out: bool) -> bool {
    installed.sync_before();
    let silence = match carried_out {
        true => Effect::HangAfterApply { millis: SILENCE },
        false => Effect::Hang { millis: SILENCE },
    };
    let mut fault = Fault::new(service, silence).after(call);
    if service == Smtp {
        // Of the commands of a mail the last is the one that matters.
        fault = fault.on_method("MESSAGE");
    }
    installed.instance.sandbox.record().clear();
    installed.instance.sandbox.faults().add(fault);
    let killed = installed
        .kill_when(|instance| instance.sandbox.record().entries(service).iter().any(|call| call.status == 0));
    let place = installed.instance.sandbox.record().entries(service).pop();
    let place = place.map(|call| format!("call {} {}", call.method, call.path)).unwrap_or_default();
    installed.instance.sandbox.faults().clear();
    installed.assert_healed(&place, service == Smtp && carried_out);
    killed
}
