//! Asked to end while a vendor hangs, the process is gone within ten seconds, the run is closed as cancelled and says why,
//! and the next one works.

use crate::crash::received;
use crate::instance::{Database, Instance, ended_in_time, signal};
use crate::serve::Served;
use domain::run::{RunStatus, Step, StepStatus, Trigger};
use sandbox::faults::{Effect, Fault};
use sandbox::{Mail, Service};
use serde_json::json;
use std::process::{Child, Stdio};
use testkit::postgres_server::UnsteadyServer;

/// Every such call is silent for longer than any of these tests takes.
fn hang(instance: &Instance, service: Service, path: &str) {
    let fault = Fault::new(service, Effect::Hang { millis: 60_000 }).on_path(path).times(100);
    instance.sandbox.faults().add(fault);
}

/// The run that was stopped tells so, and after another start everything works and nothing is left over.
fn assert_stopped_at(instance: &mut Instance, step: Step) {
    let run = instance.last_run();
    assert_eq!(run.status, RunStatus::Cancelled, "{run:?}\n{}", instance.log());
    let failure = run.failure.unwrap();
    assert_eq!(failure.step, step, "{}", failure.message);
    assert!(failure.message.contains("the service was stopped"), "{}", failure.message);
    assert!(run.steps.iter().all(|step| step.completed_at.is_some()), "{:?}", run.steps);
    instance.sandbox.faults().clear();
    instance.sync(&[]).expect(0);
    // Whoever updates a container at night does not look at its syncs; whoever ends a command knows.
    let told = instance.sandbox.mails().all();
    let of_the_end = |mail: &&Mail| mail.text.as_ref().unwrap().contains("the service was stopped");
    let expected = usize::from(run.trigger != Trigger::Cli);
    assert_eq!(told.iter().filter(of_the_end).count(), expected, "{told:?}");
    assert_eq!(told.len(), 1 + expected, "and the success: {told:?}");
    let complete = 1 + usize::from(step == Step::Wait);
    assert_eq!(instance.audiences("CUSTOM").len(), complete, "what was unfinished is deleted");
}

fn stopped_while_hanging(database: Database, service: Service, path: &str, step: Step) {
    let mut instance = Instance::start().with_database(database);
    hang(&instance, service, path);
    let served = Served::start(&mut instance);
    assert_eq!(served.post("/api/sync/trigger", &json!({})).0, 202);
    served.wait_for("the step that hangs", || {
        instance.last_run().current_step().is_some_and(|current| current.name == step)
    });
    let asked = received(&instance, service, path);
    // Whoever waits for a reply asks no more; whoever was about to ask soon does.
    served.wait_for("the call that hangs", || asked > 0 || received(&instance, service, path) > asked);
    assert_eq!(served.terminate(), Some(0));
    assert_stopped_at(&mut instance, step);
}

/// All at once, because each waits for its patience to run out.
#[test]
fn stopped_while_a_vendor_hangs() {
    let cases = [
        (Service::Ghl, "/contacts/search", Step::Fetch),
        (Service::Claude, "/v1/messages", Step::Normalize),
        (Service::Meta, "/customaudiences", Step::CreateAudience),
        (Service::Meta, "/users", Step::Upload),
        (Service::Meta, "operation_status", Step::Wait),
    ];
    std::thread::scope(|scope| {
        for (service, path, step) in cases {
            scope.spawn(move || stopped_while_hanging(Database::Sqlite, service, path, step));
        }
        if let Some(database) = Database::postgres() {
            scope.spawn(|| stopped_while_hanging(database, Service::Meta, "/users", Step::Upload));
        }
    });
}

#[test]
fn stopped_while_a_vendor_hangs_and_the_database_is_gone() {
    let Some(mut server) = UnsteadyServer::start() else { return };
    let mut instance = Instance::start();
    instance.set("DATABASE_URL", server.url());
    hang(&instance, Service::Meta, "/users");
    let served = Served::start(&mut instance);
    assert_eq!(served.post("/api/sync/trigger", &json!({})).0, 202);
    instance.wait_until(|| received(&instance, Service::Meta, "/users") > 0);
    server.stop();
    assert_eq!(served.terminate(), Some(0));
    assert!(instance.log().contains("the next start closes it"), "{}", instance.log());
}

#[test]
fn stopped_while_the_mail_server_hangs_the_success_stands_and_is_told_later() {
    let mut instance = Instance::start();
    let fault = Fault::new(Service::Smtp, Effect::Hang { millis: 60_000 }).times(100);
    instance.sandbox.faults().add(fault);
    let served = Served::start(&mut instance);
    assert_eq!(served.post("/api/sync/trigger", &json!({})).0, 202);
    served.wait_for("the mail is being sent", || {
        instance.last_run().current_step().is_some_and(|step| step.name == Step::Notify)
    });
    assert_eq!(served.terminate(), Some(0));
    let run = instance.last_run();
    let notify = run.steps.last().unwrap();
    assert_eq!((run.status, notify.status), (RunStatus::Success, StepStatus::Failed));
    assert!(notify.detail.as_ref().unwrap().contains("after the next start"), "{:?}", notify.detail);
    instance.sandbox.faults().clear();
    let served = Served::start_again(&instance);
    served.wait_for("the mail is sent", || instance.sandbox.mails().all().len() == 1);
    served.wait_for("that is recorded", || {
        instance.last_run().steps.last().is_some_and(|step| step.status == StepStatus::Done)
    });
}

#[test]
fn stopped_while_cleaning_up_hangs_the_next_start_need_not_wait() {
    let mut instance = Instance::start();
    hang(&instance, Service::Meta, "/users");
    let served = Served::start(&mut instance);
    assert_eq!(served.post("/api/sync/trigger", &json!({})).0, 202);
    instance.wait_until(|| received(&instance, Service::Meta, "/users") > 0);
    assert_eq!(served.terminate(), Some(0));
    // Every call to Meta is silent now: the dashboard comes up all the same.
    hang(&instance, Service::Meta, "/v25.0/");
    let before = instance.sandbox.record().count(Service::Meta);
    let unfinished = instance.last_run().audience.unwrap().id;
    let served = Served::start_again(&instance);
    served.wait_for("the unfinished audience is looked at", || {
        instance.sandbox.record().entries(Service::Meta)[before as usize..]
            .iter()
            .any(|entry| entry.path.contains(&unfinished))
    });
    assert_eq!(served.terminate(), Some(0));
    assert_stopped_at(&mut instance, Step::Upload);
}

#[test]
fn stopped_while_a_preview_is_made() {
    let mut instance = Instance::start();
    hang(&instance, Service::Ghl, "/contacts/search");
    let served = Served::start(&mut instance);
    let asked = received(&instance, Service::Ghl, "/contacts/search");
    let (status, page) = served.submit("/preview", "/preview", &[]);
    assert!(status < 400, "{status} {page}");
    instance.wait_until(|| received(&instance, Service::Ghl, "/contacts/search") > asked);
    assert_eq!(served.terminate(), Some(0));
    instance.sandbox.faults().clear();
    let served = Served::start_again(&instance);
    let spool = instance.folder().join("data/spool");
    served
        .wait_for("its working files are gone", || std::fs::read_dir(&spool).map_or(0, Iterator::count) == 0);
}

fn terminate(mut child: Child) -> (Option<i32>, String) {
    signal(&child, "-TERM");
    ended_in_time(&mut child);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_commands_end_as_soon_and_say_so() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut instance = Instance::start();
            let told = told_by(&instance, "sync", Service::Meta, "/users");
            for words in ["cancelled at step \"Upload", "the service was stopped"] {
                assert!(told.contains(words), "{told}");
            }
            assert_stopped_at(&mut instance, Step::Upload);
        });
        scope.spawn(|| {
            let instance = Instance::start();
            let told = told_by(&instance, "sync", Service::Ghl, "/customFields");
            assert!(told.contains("Stopped before the sync began"), "{told}");
            assert_eq!(instance.store().run_latest().unwrap(), None);
        });
        scope.spawn(|| {
            let instance = Instance::start();
            let told = told_by(&instance, "preview", Service::Claude, "/v1/messages");
            assert!(told.contains("The preview was cancelled"), "{told}");
        });
    });
}

/// What a command that is asked to end in the middle of such a call prints.
fn told_by(instance: &Instance, command: &str, service: Service, path: &str) -> String {
    hang(instance, service, path);
    let child = instance.program(command).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    instance.wait_until(|| received(instance, service, path) > 0);
    let (code, told) = terminate(child);
    assert_eq!(code, Some(1), "{told}");
    told
}
