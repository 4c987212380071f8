//! The disk is full: what could not be done says so, the service stays, and with space it goes on. A limit on the size of
//! files stands for the full disk, because that needs no rights.

use crate::instance::Instance;
use crate::serve::Served;
use persistence::LeaseOutcome;
use sandbox::Contacts;
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

/// No file of the service grows beyond that many bytes from now on.
fn limit_files(served: &Served, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let set = Command::new("prlimit").args(["--pid", &served.process().to_string(), &limit]).status();
    assert!(set.unwrap().success());
}

/// How the run ended that begins now.
fn run_to_its_end(served: &Served) -> Value {
    let (status, begun) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 202, "{begun}");
    let path = format!("/api/sync/{}", begun["run_id"]);
    served.wait_for("the run ends", || served.get(&path)["status"] != "running");
    served.get(&path)
}

#[test]
fn a_full_disk_fails_the_run_and_not_the_service() {
    // The working files of so many contacts are larger than everything else.
    let mut instance = Instance::with(Contacts::Generated(10_000), |_| {});
    instance.set("NORMALIZER", "local").set("LOG_LEVEL", "INFO");
    let served = Served::start_limited(&mut instance);

    limit_files(&served, "2500000");
    let run = run_to_its_end(&served);
    assert_eq!((&run["status"], &run["failed_step"]), (&json!("failed"), &json!("fetch")), "{run}");
    let words = run["error_message"].as_str().unwrap();
    assert!(words.contains("The disk is full"), "{words}");
    assert!(run["error_remedy"].as_str().is_some_and(|words| words.contains("DATA_DIR")), "{run}");
    instance.assert_meta_is_untouched();

    served.wait_for("its lease is given back", || {
        let store = instance.store();
        store.lease_acquire("a test", Duration::from_secs(60)).unwrap() == LeaseOutcome::Acquired
            && store.lease_release("a test").unwrap()
    });

    // Now not even the database and the log can be written.
    limit_files(&served, "4096");
    let (status, problem) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 503, "{problem}");
    let words = problem["detail"].as_str().unwrap();
    assert!(words.contains("the disk of the database") && words.contains("full"), "{words}");
    assert_eq!(served.answer("/healthz").0, 200, "the service goes on");
    let (status, page) = served.any_page("/");
    assert_eq!(status, 200, "what is there can be read: {page}");

    limit_files(&served, "unlimited");
    let run = run_to_its_end(&served);
    assert_eq!(run["status"], "success", "{run}");
    assert_eq!(instance.audiences("CUSTOM").len(), 1);
    assert_eq!(served.terminate(), Some(0));
}
