//! Faults over real HTTP.

use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Sandbox, SandboxSettings, Service};
use serde_json::json;

use crate::client::{Reply, control, ghl_headers, search, start, try_send};

fn few() -> Sandbox {
    start(SandboxSettings { contacts: Contacts::Generated(300), ..SandboxSettings::default() })
}

fn call(sandbox: &Sandbox) -> Result<Reply, ureq::Error> {
    let body = json!({"locationId": sandbox.credentials().ghl_location_id, "pageLimit": 300}).to_string();
    try_send("POST", &format!("{}/contacts/search", sandbox.addresses().ghl), &ghl_headers(), &body)
}

#[test]
fn a_planted_status_replaces_the_reply_once() {
    let sandbox = few();
    let fault = json!({"service": "ghl", "method": "POST", "path_contains": "/contacts", "after": 1,
        "effect": {"kind": "status", "status": 503, "body": "{\"message\":\"down\"}", "headers": [["retry-after", "7"]]}});
    assert_eq!(control(&sandbox, "POST", "/control/faults", &fault).status, 204);
    assert_eq!(call(&sandbox).unwrap().status, 200);
    let struck = call(&sandbox).unwrap();
    assert_eq!(
        (struck.status, struck.header("retry-after"), struck.json()),
        (503, Some("7"), json!({"message": "down"}))
    );
    assert_eq!(call(&sandbox).unwrap().status, 200);
    let statuses: Vec<u16> =
        sandbox.record().entries(Service::Ghl).iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [200, 503, 200]);
}

#[test]
fn resets_hangs_and_truncations_break_the_connection() {
    let sandbox = few();
    for effect in [
        Effect::Reset,
        Effect::ResetAfterApply,
        Effect::Truncate,
        Effect::Hang { millis: 20 },
        Effect::HangAfterApply { millis: 20 },
    ] {
        sandbox.faults().add(Fault::new(Service::Ghl, effect.clone()));
        assert!(call(&sandbox).is_err(), "{effect:?}");
        assert_eq!(call(&sandbox).unwrap().status, 200);
    }
    let statuses: Vec<u16> =
        sandbox.record().entries(Service::Ghl).iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [0, 200, 0, 200, 200, 200, 0, 200, 0, 200]);
}

#[test]
fn a_truncated_reply_begins_like_the_real_one() {
    let sandbox = few();
    sandbox.faults().add(Fault::new(Service::Ghl, Effect::Truncate));
    let body = json!({"locationId": sandbox.credentials().ghl_location_id, "pageLimit": 300}).to_string();
    let address = sandbox.addresses().ghl.trim_start_matches("http://").to_owned();
    let mut stream = std::net::TcpStream::connect(&address).unwrap();
    let headers: String = ghl_headers().iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "POST /contacts/search HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut received = String::new();
    std::io::Read::read_to_string(&mut stream, &mut received).unwrap();
    let (head, half) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\ncontent-length: ") && half.starts_with("{\"contacts\":["));
    let announced: usize =
        head.lines().nth(1).unwrap().trim_start_matches("content-length: ").parse().unwrap();
    assert!(half.len() < announced, "{} of {announced}", half.len());
}

#[test]
fn nothing_is_applied_before_a_reset_and_everything_before_a_lost_reply() {
    let sandbox = few();
    let remaining =
        || search(&sandbox, json!({"pageLimit": 1})).header("x-ratelimit-remaining").map(str::to_owned);
    assert_eq!(remaining().as_deref(), Some("99"));
    sandbox.faults().add(Fault::new(Service::Ghl, Effect::Reset));
    assert!(call(&sandbox).is_err());
    assert_eq!(remaining().as_deref(), Some("98"));
    sandbox.faults().add(Fault::new(Service::Ghl, Effect::ResetAfterApply));
    assert!(call(&sandbox).is_err());
    assert_eq!(remaining().as_deref(), Some("96"));
}

#[test]
fn a_delay_only_delays_and_html_is_no_json() {
    let sandbox = few();
    sandbox.faults().add(Fault::new(Service::Ghl, Effect::Delay { millis: 5 }));
    sandbox.faults().add(Fault::new(Service::Ghl, Effect::Html { status: 502 }));
    assert_eq!(call(&sandbox).unwrap().status, 200);
    let reply = call(&sandbox).unwrap();
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("text/html; charset=UTF-8")));
    assert!(reply.text.starts_with("<html>"));
}

#[test]
fn faults_can_be_cleared_and_mistyped_ones_are_refused() {
    let sandbox = few();
    sandbox.faults().add(Fault::new(Service::Ghl, Effect::Reset).times(100));
    assert_eq!(control(&sandbox, "DELETE", "/control/faults", &json!(null)).status, 204);
    assert_eq!(call(&sandbox).unwrap().status, 200);
    let refused = control(&sandbox, "POST", "/control/faults", &json!({"service": "ghl", "efect": 1}));
    assert_eq!((refused.status, refused.json()["error"].is_string()), (400, true));
}
