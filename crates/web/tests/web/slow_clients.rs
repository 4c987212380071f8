//! Clients that take their time, hold on to what they have, or speak HTTP as nobody should: over plain sockets.

use crate::dashboard_server::{Dashboard, settings};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use web::{ClientLimits, WebSettings};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);
/// The server looks at its clock twice a second.
const SOON: Duration = Duration::from_secs(1);

fn served(limits: ClientLimits) -> Dashboard {
    Dashboard::with(WebSettings { limits, ..settings() })
}

/// Nobody is slow for longer than a moment.
fn impatient() -> Dashboard {
    served(ClientLimits { head: SOON, body: SOON, ..ClientLimits::default() })
}

struct Socket(TcpStream);

impl Socket {
    fn connect(dashboard: &Dashboard) -> Self {
        let stream = TcpStream::connect(dashboard.server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// False when the other side is gone.
    fn say(&mut self, text: &str) -> bool {
        self.0.write_all(text.as_bytes()).is_ok()
    }

    /// What comes until the server closes the connection.
    fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            // It was closed before it had read all that was sent.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => {
                panic!("the connection stays open: {error} after {}", String::from_utf8_lossy(&bytes))
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Says a part again and again until the server hangs up; fails the test when it never does.
    fn dribble(&mut self, part: &str) {
        let begun = Instant::now();
        while self.say(part) {
            assert!(begun.elapsed() < PATIENCE, "the connection stays open");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn a_head_that_does_not_come_to_its_end_is_given_up() {
    let dashboard = impatient();
    let mut silent = Socket::connect(&dashboard);
    assert!(["408", ""].contains(&status(&silent.rest())));
    let mut slow = Socket::connect(&dashboard);
    slow.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\n");
    slow.dribble("X: y\r\n");
    // A connection is for one request, so nobody can be slow with a second one.
    let mut kept = Socket::connect(&dashboard);
    kept.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n");
    let answer = kept.rest();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert_eq!(dashboard.get("/healthz").status, 200);
}

#[test]
fn a_body_that_does_not_come_to_its_end_is_given_up_whether_it_is_wanted_or_not() {
    let dashboard = impatient();
    for (path, kind) in [
        ("/api/config", "application/json"),
        ("/login", "application/x-www-form-urlencoded"),
        ("/nothing", "application/json"),
        ("/healthz", "text/plain"),
    ] {
        for length in ["Content-Length: 60000", "Transfer-Encoding: chunked"] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{length}\r\n\r\n"
            );
            let mut silent = Socket::connect(&dashboard);
            silent.say(&head);
            let answer = silent.rest();
            assert!(["408"].contains(&status(&answer)), "{path} {length}: {answer}");
            let mut slow = Socket::connect(&dashboard);
            slow.say(&head);
            slow.dribble("1\r\nx\r\n");
        }
    }
    assert_eq!(dashboard.get("/healthz").status, 200);
}

#[test]
fn an_address_that_holds_too_many_connections_gets_no_further_one_until_it_lets_go() {
    let dashboard = served(ClientLimits { connections: 4, ..ClientLimits::default() });
    let answered = || {
        let mut socket = Socket::connect(&dashboard);
        socket.say("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        status(&socket.rest()) == "200"
    };
    let wait_until = |reached: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !reached() {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // They are counted when the server has accepted them, which may be after it has accepted whoever asks.
    let mut held = Vec::new();
    while answered() {
        held.push(Socket::connect(&dashboard));
        assert!(held.len() < 50, "nobody is refused");
    }
    assert!(held.len() >= 4, "{}", held.len());
    drop(held);
    for _ in 0..20 {
        wait_until(&answered);
    }
}

#[test]
fn requests_that_can_be_read_in_two_ways_are_refused() {
    let dashboard = impatient();
    let long = "x".repeat(200_000);
    for (what, request) in [
        ("two host names", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.com\r\n\r\n".to_owned()),
        ("another host name first", "GET / HTTP/1.1\r\nHost: evil.example.com\r\nHost: localhost\r\n\r\n".to_owned()),
        ("no host name", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("a host name in the address", "GET http://evil.example.com/ HTTP/1.1\r\nHost: evil.example.com\r\n\r\n".to_owned()),
        (
            "two lengths",
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx".to_owned(),
        ),
        (
            "a length and chunks",
            "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
        ),
        ("a blank in the name", "GET / HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n".to_owned()),
        ("a long address", format!("GET /{long} HTTP/1.1\r\nHost: localhost\r\n\r\n")),
        ("a long cookie", format!("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: a={long}\r\n\r\n")),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(500))),
        ("no HTTP", "\u{16}\u{3}\u{1}\r\n\r\n".to_owned()),
    ] {
        let mut socket = Socket::connect(&dashboard);
        socket.say(&request);
        let answer = socket.rest();
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused && !answer.contains("HTTP/1.1 200"), "{what}: {answer}");
    }
    assert_eq!(dashboard.get("/healthz").status, 200);
}

#[test]
fn methods_that_nobody_needs_do_nothing() {
    let dashboard = impatient();
    for method in ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"] {
        let mut socket = Socket::connect(&dashboard);
        socket.say(&format!(
            "{method} /settings HTTP/1.1\r\nHost: localhost\r\nX-Secret: echoed\r\nConnection: close\r\n\r\n"
        ));
        let answer = socket.rest();
        assert!(answer.starts_with("HTTP/1.1 4"), "{method}: {answer}");
        assert!(
            !answer.contains("echoed") && !answer.to_lowercase().contains("access-control"),
            "{method}: {answer}"
        );
    }
}
