//! The database goes away in the middle of a run and comes back, and a database that somebody else holds.

use crate::crash::received;
use crate::instance::Instance;
use crate::serve::Served;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::json;
use testkit::postgres_server::UnsteadyServer;

#[test]
fn the_database_server_is_gone_and_comes_back_and_the_process_goes_on() {
    let Some(mut server) = UnsteadyServer::start() else { return };
    let mut instance = Instance::start();
    instance.set("DATABASE_URL", server.url()).set("NORMALIZER", "local");
    // The upload takes long enough for the server to vanish meanwhile.
    let slow = Fault::new(Service::Meta, Effect::Delay { millis: 3_000 }).on_path("/users").times(1);
    instance.sandbox.faults().add(slow);
    let served = Served::start(&mut instance);
    let (_, begun) = served.post("/api/sync/trigger", &json!({}));
    let id = begun["run_id"].as_i64().unwrap();
    instance.wait_until(|| received(&instance, Service::Meta, "/users") > 0);
    server.stop();

    // All at once, because each waits a while for the server to come back.
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(served.answer("/readyz").0, 503));
        scope.spawn(|| {
            let (status, page) = served.any_page("/");
            assert_eq!(status, 503, "{page}");
            assert!(page.contains("<h1>The database failed</h1>"), "{page}");
            assert!(page.contains("The database does not answer."), "{page}");
        });
        scope.spawn(|| {
            let (status, problem) = served.answer("/api/sync/status");
            assert_eq!(status, 503, "{problem}");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("The database does not answer"), "{detail}");
        });
    });

    server.start_again();
    served.wait_for("it is ready again by itself", || served.answer("/readyz").0 == 200);
    served.wait_for("the run is closed", || served.get(&format!("/api/sync/{id}"))["status"] != "running");
    let run = served.get(&format!("/api/sync/{id}"));
    assert_eq!(run["status"], "failed", "{run}");
    let words = run["error_message"].as_str().unwrap();
    assert!(words.contains("database") && !words.contains("interrupted"), "the true cause: {words}");
    let (status, begun) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 202, "{begun}");
    let next = begun["run_id"].as_i64().unwrap();
    served.wait_for("the next one succeeds", || {
        served.get(&format!("/api/sync/{next}"))["status"] == "success"
    });
    assert_eq!(instance.audiences("CUSTOM").len(), 1, "nothing half-made is left");
    assert_eq!(served.terminate(), Some(0));
}

#[test]
fn a_database_that_another_program_holds_is_told_and_used_again() {
    let mut instance = Instance::start();
    instance.set("NORMALIZER", "local");
    let served = Served::start(&mut instance);
    let mut other = SqliteConnection::establish(instance.database().to_str().unwrap()).unwrap();
    other.batch_execute("PRAGMA busy_timeout = 15000; BEGIN IMMEDIATE").unwrap();
    assert_eq!(served.any_page("/").0, 200, "what is there can be read");
    let (status, problem) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 503, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("another program held the database"), "{detail}");
    other.batch_execute("ROLLBACK").unwrap();
    let (status, begun) = served.post("/api/sync/trigger", &json!({}));
    assert_eq!(status, 202, "{begun}");
    let path = format!("/api/sync/{}", begun["run_id"]);
    served.wait_for("it succeeds", || served.get(&path)["status"] == "success");
}
