//! The mail receiver, byte by byte.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Sandbox, SandboxSettings, Service, SmtpSettings};
use serde_json::json;

use crate::client::{control, start};

struct Session(BufReader<TcpStream>);

impl Session {
    fn open(sandbox: &Sandbox) -> Self {
        let address = (sandbox.addresses().smtp_host.as_str(), sandbox.addresses().smtp_port);
        let mut session = Self(BufReader::new(TcpStream::connect(address).unwrap()));
        assert!(session.reply().starts_with("220 "));
        session
    }

    /// The last line of a reply; empty when the connection is closed.
    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_owned();
            }
        }
    }

    fn say(&mut self, line: &str) -> String {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
        self.reply()
    }

    fn code(&mut self, line: &str) -> String {
        self.say(line).chars().take(3).collect()
    }
}

fn sandbox(smtp: SmtpSettings) -> Sandbox {
    start(SandboxSettings { contacts: Contacts::Generated(1), smtp, ..SandboxSettings::default() })
}

const MESSAGE: &str = "From: Sync <sync@example.com>\r\nTo: owner@example.com\r\nSubject: =?utf-8?Q?Sync_=E2=9C=93?=\r\n\
    Message-ID: <1@example.com>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nfirst\r\n..dotted\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<b>all well</b>\r\n--b--\r\n.";

#[test]
fn a_mail_is_received_and_parsed() {
    let sandbox = sandbox(SmtpSettings::default());
    let mut session = Session::open(&sandbox);
    let codes = [
        "EHLO me",
        "NOOP",
        "MAIL FROM:<sync@example.com> SIZE=500",
        "RSET",
        "MAIL FROM:<sync@example.com>",
        "RCPT TO:<owner@example.com>",
        "DATA",
        MESSAGE,
        "QUIT",
    ]
    .map(|line| session.code(line));
    assert_eq!(codes, ["250", "250", "250", "250", "250", "250", "354", "250", "221"]);
    let mails = sandbox.mails().all();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(
        (mail.subject.as_str(), mail.from.as_str(), mail.message_id.as_deref()),
        ("Sync ✓", "sync@example.com", Some("1@example.com"))
    );
    assert_eq!(
        (mail.to.as_slice(), mail.envelope_to.as_slice()),
        (&["owner@example.com".to_owned()][..], &["owner@example.com".to_owned()][..])
    );
    assert_eq!(mail.text.as_deref().map(str::trim_end), Some("first\r\n.dotted"));
    assert_eq!(mail.html.as_deref().map(str::trim_end), Some("<b>all well</b>"));
    let shown = control(&sandbox, "GET", "/control/mails", &json!(null)).json();
    assert_eq!(shown["mails"][0]["subject"], "Sync ✓");
    let entry = &sandbox.record().entries(Service::Smtp)[0];
    assert_eq!(
        (entry.method.as_str(), entry.path.as_str(), entry.status),
        ("DATA", "owner@example.com", 250)
    );
}

#[test]
fn a_required_login_is_checked_both_ways() {
    let login = Some(("user".to_owned(), "secret".to_owned()));
    let sandbox = sandbox(SmtpSettings { login, ..SmtpSettings::default() });
    let mut session = Session::open(&sandbox);
    assert_eq!(session.code("EHLO me"), "250");
    assert_eq!(session.code("MAIL FROM:<a@example.com>"), "530");
    assert_eq!(session.code("AUTH PLAIN AHVzZXIAd3Jvbmc="), "535"); // \0user\0wrong
    assert_eq!(session.code("MAIL FROM:<a@example.com>"), "530");
    assert_eq!(session.code("AUTH PLAIN AHVzZXIAc2VjcmV0"), "235"); // \0user\0secret
    assert_eq!(session.code("MAIL FROM:<a@example.com>"), "250");
    let mut session = Session::open(&sandbox);
    let codes =
        ["AUTH LOGIN", "dXNlcg==", "c2VjcmV0", "MAIL FROM:<a@example.com>"].map(|line| session.code(line));
    assert_eq!(codes, ["334", "334", "235", "250"]);
    assert_eq!(session.code("AUTH CRAM-MD5"), "504");
}

#[test]
fn commands_out_of_order_and_large_messages_are_refused() {
    let sandbox = sandbox(SmtpSettings { max_message_bytes: 100, ..SmtpSettings::default() });
    let mut session = Session::open(&sandbox);
    let codes = [
        "RCPT TO:<a@example.com>",
        "DATA",
        "MAIL FROM:<a@example.com> SIZE=101",
        "MAIL a@example.com",
        "NONSENSE",
        "MAIL FROM:<a@example.com>",
        "RCPT TO:<nobody>",
        "RCPT TO:<b@example.com>",
        "DATA",
        MESSAGE,
        "QUIT",
    ]
    .map(|line| session.code(line));
    assert_eq!(codes, ["503", "503", "552", "501", "500", "250", "501", "250", "354", "552", "221"]);
    assert_eq!(sandbox.mails().all(), []);
}

#[test]
fn planted_refusals_strike_single_commands() {
    let sandbox = sandbox(SmtpSettings::default());
    let refuse = |verb: &str, status: u16, body: &str| {
        let effect = Effect::Status { status, body: body.to_owned(), headers: Vec::new() };
        sandbox.faults().add(Fault::new(Service::Smtp, effect).on_method(verb));
    };
    refuse("AUTH", 535, "5.7.8 no");
    refuse("RCPT", 550, "5.1.1 No such user");
    refuse("MESSAGE", 451, "4.3.0 later");
    let mut session = Session::open(&sandbox);
    assert_eq!(session.code("AUTH PLAIN AHVzZXIAc2VjcmV0"), "535");
    assert_eq!(session.code("MAIL FROM:<a@example.com>"), "250");
    assert_eq!(session.say("RCPT TO:<b@example.com>"), "550 5.1.1 No such user");
    let codes = ["RCPT TO:<b@example.com>", "DATA", MESSAGE].map(|line| session.code(line));
    assert_eq!(codes, ["250", "354", "451"]);
    assert_eq!(sandbox.mails().all(), []);
    sandbox.faults().add(Fault::new(Service::Smtp, Effect::Reset).on_method("NOOP"));
    assert_eq!(session.say("NOOP"), "");
}
