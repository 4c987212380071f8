//! The control API, starting and stopping.

use std::io::BufRead;

use sandbox::{Announcement, Contacts, Expectations, Sandbox, SandboxError, SandboxSettings, Service};
use serde_json::json;

use crate::client::{control, ghl_headers, search, start, try_send};

fn few() -> SandboxSettings {
    SandboxSettings { contacts: Contacts::Generated(20), ..SandboxSettings::default() }
}

#[test]
fn the_record_shows_everything_received() {
    let sandbox = start(few());
    search(&sandbox, json!({"pageLimit": 1}));
    search(&sandbox, json!({"pageLimit": 2}));
    let counts = control(&sandbox, "GET", "/control/record/counts", &json!(null)).json();
    assert_eq!(counts, json!({"ghl": 2, "meta": 0, "claude": 0, "smtp": 0}));
    let record = control(&sandbox, "GET", "/control/record?service=ghl&from=1", &json!(null)).json();
    let entries = record["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(
        (&entries[0]["method"], &entries[0]["path"], &entries[0]["status"]),
        (&json!("POST"), &json!("/contacts/search"), &json!(200))
    );
    assert!(entries[0]["body"].as_str().unwrap().contains("\"pageLimit\":2"));
    let entry = &sandbox.record().entries(Service::Ghl)[0];
    assert_eq!(entry.header("version"), Some("2021-07-28"));
    assert_eq!(control(&sandbox, "GET", "/control/record?service=bank", &json!(null)).status, 400);
    assert_eq!(control(&sandbox, "GET", "/control/nothing", &json!(null)).status, 404);
}

#[test]
fn a_stopped_service_refuses_connections() {
    let sandbox = start(few());
    let addresses = sandbox.addresses().clone();
    for (service, address) in
        [("ghl", &addresses.ghl), ("meta", &addresses.meta), ("claude", &addresses.claude)]
    {
        assert!(try_send("GET", address, &ghl_headers(), "").is_ok());
        assert_eq!(
            control(&sandbox, "POST", &format!("/control/services/{service}/stop"), &json!(null)).status,
            204
        );
        assert!(matches!(try_send("GET", address, &ghl_headers(), ""), Err(ureq::Error::Io(_))), "{service}");
    }
    let smtp = (addresses.smtp_host.as_str(), addresses.smtp_port);
    assert!(std::net::TcpStream::connect(smtp).is_ok());
    sandbox.stop(Service::Smtp);
    assert!(std::net::TcpStream::connect(smtp).is_err());
    sandbox.stop(Service::Smtp); // a second time changes nothing
}

#[test]
fn dropping_the_sandbox_frees_all_its_ports() {
    let sandbox = start(few());
    let addresses = sandbox.addresses().clone();
    drop(sandbox);
    for address in [addresses.ghl, addresses.meta, addresses.claude, addresses.control] {
        assert!(try_send("GET", &address, &[], "").is_err(), "{address}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let Err(error) = Sandbox::start(SandboxSettings { first_port: Some(port), ..few() }) else {
        panic!("it started")
    };
    assert!(matches!(&error, SandboxError::Port { port: named, .. } if *named == port), "{error}");
    assert!(error.to_string().contains(&port.to_string()));
    let Err(error) = Sandbox::start(SandboxSettings { first_port: Some(65_533), ..few() }) else {
        panic!("it started")
    };
    assert!(error.to_string().contains("65533"), "{error}");
}

#[test]
fn expectations_and_people_are_told() {
    let sandbox = start(few());
    let told: Expectations =
        serde_json::from_str(&control(&sandbox, "GET", "/control/people/expectations", &json!(null)).text)
            .unwrap();
    assert_eq!(told, sandbox.expectations());
    assert_eq!(told.fetched, 20);
    let people = control(&sandbox, "GET", "/control/people?from=18&limit=5", &json!(null)).json();
    assert_eq!((people["people"].as_array().map(Vec::len), &people["total"]), (Some(2), &json!(20)));
}

#[test]
fn the_clock_moves_for_everybody() {
    let sandbox = start(few());
    let before = sandbox.clock().now();
    let times = control(&sandbox, "POST", "/control/clock", &json!({"advance_seconds": 7200})).json();
    assert!(sandbox.clock().now() - before >= chrono::TimeDelta::hours(2));
    let now: chrono::DateTime<chrono::Utc> = times["now"].as_str().unwrap().parse().unwrap();
    assert!(now - before >= chrono::TimeDelta::hours(2));
}

/// A writer that hands each line to the test.
struct Lines(std::sync::mpsc::Sender<Vec<u8>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.send(bytes.to_owned()).map_err(std::io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_process_announces_itself_in_one_line() {
    let (sender, receiver) = std::sync::mpsc::channel();
    // The thread serves until the test process ends.
    std::thread::spawn(move || {
        sandbox::run_blocking(few(), Lines(sender), false).map_err(|error| error.to_string())
    });
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.extend(receiver.recv().unwrap());
    }
    assert_eq!(line.lines().count(), 1);
    let announcement: Announcement = serde_json::from_slice(&line).unwrap();
    assert_eq!(announcement.settings["GHL_API_KEY"], sandbox::GhlSettings::TOKEN);
    assert_eq!(announcement.settings["GHL_BASE_URL"], announcement.addresses.ghl);
    let reply =
        try_send("GET", &format!("{}/control/clock", announcement.addresses.control), &[], "").unwrap();
    assert_eq!(reply.status, 200);
}
