//! From the settings to the mail server and back.

use crate::runs::{context, failed, successful};
use crate::smtp_server::{Act, SmtpServer};
use domain::error_chain::Chain;
use domain::{Explain, Secret};
use mail_parser::MessageParser;
use mailer::{Mail, MailError, Mailer, MailerSettings, Tls};
use std::net::TcpListener;
use std::time::Duration;

const PASSWORD: &str = "correct-horse-battery";

fn settings(port: u16) -> MailerSettings {
    MailerSettings {
        host: "127.0.0.1".into(),
        port,
        username: Some("postmaster".into()),
        password: Some(Secret::new(PASSWORD)),
        from: "GHL Meta Sync <sync@example.com>".into(),
        to: vec!["owner@example.com".into(), "Agency <agency@example.com>".into()],
        tls: Tls::None,
        timeout: Duration::from_secs(20),
    }
}

fn mailer(server: &SmtpServer) -> Mailer {
    Mailer::new(settings(server.port)).unwrap()
}

fn mail() -> Mail {
    mailer::success(&successful(), &context()).unwrap()
}

/// The error of a delivery; whatever it was, it shows neither an address nor the password.
fn error_of(settings: MailerSettings) -> MailError {
    let error = Mailer::new(settings).and_then(|mailer| mailer.send(&mail())).unwrap_err();
    let shown = format!("{} {:?} {:?}", Chain(&error), error, error.explain());
    for secret in [PASSWORD, "owner@example.com", "agency@example.com", "sync@example.com"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    error
}

#[test]
fn a_mail_arrives_with_both_parts_at_every_recipient() {
    let server = SmtpServer::friendly();
    assert!(mailer(&server).send(&mail()).unwrap().is_empty());
    let seen = server.seen().remove(0);
    let recipients: Vec<_> = seen.commands.iter().filter(|command| command.starts_with("RCPT")).collect();
    assert_eq!(recipients, ["RCPT TO:<owner@example.com>", "RCPT TO:<agency@example.com>"]);
    assert!(seen.commands.iter().any(|command| command.starts_with("AUTH PLAIN ")));
    assert!(seen.message.is_ascii(), "needs no 8BITMIME");

    let message = MessageParser::default().parse(seen.message.as_bytes()).unwrap();
    assert_eq!(message.subject(), Some("✅ GHL Meta Sync Successful - 2026-11-21"));
    assert_eq!(message.message_id(), Some("run-7-1795218900.outcome.k3v9@ghl-meta-sync.invalid"));
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"));
    assert_eq!(message.body_text(0).unwrap().replace("\r\n", "\n").trim_end(), mail().text);
    assert_eq!(message.body_html(0).unwrap().replace("\r\n", "\n").trim_end(), mail().html.trim_end());
    assert!(seen.message.contains("multipart/alternative"));
}

#[test]
fn a_hostile_name_can_not_add_a_header() {
    let server = SmtpServer::friendly();
    let hostile = mailer::MailContext {
        instance_name: Some("Acme\r\nBcc: victim@example.com\r\n\r\nbody".into()),
        ..context()
    };
    let mut run = failed();
    run.config.list_name = "List\r\nX-Evil: 1".into();
    mailer(&server).send(&mailer::failure(&run, &hostile).unwrap()).unwrap();
    let seen = server.seen().remove(0);
    let message = MessageParser::default().parse(seen.message.as_bytes()).unwrap();
    assert!(message.bcc().is_none() && message.header_raw("X-Evil").is_none(), "{}", seen.message);
    assert_eq!(seen.commands.iter().filter(|command| command.starts_with("RCPT")).count(), 2);

    // Even a subject that did not go through the builders stays one header.
    let raw = Mail { subject: "x\r\nBcc: victim@example.com".into(), ..mail() };
    mailer(&server).send(&raw).unwrap();
    let seen = server.seen().remove(1);
    let message = MessageParser::default().parse(seen.message.as_bytes()).unwrap();
    assert!(message.bcc().is_none(), "{}", seen.message);
}

#[test]
fn a_greeting_proves_the_settings_without_a_mail() {
    let server = SmtpServer::friendly();
    mailer(&server).greeting().unwrap();
    let commands = server.seen().remove(0).commands;
    assert!(commands.iter().any(|command| command == "NOOP"), "{commands:?}");
    assert!(!commands.iter().any(|command| command.starts_with("MAIL")), "{commands:?}");
    let refusing = SmtpServer::acting("AUTH", Act::Say("535 5.7.8 bad credentials\r\n"));
    assert!(matches!(mailer(&refusing).greeting(), Err(MailError::Login { code: 535, .. })));
}

#[test]
fn a_server_without_login_is_not_asked_for_one() {
    let server = SmtpServer::friendly();
    let open = MailerSettings { username: None, password: None, ..settings(server.port) };
    Mailer::new(open).unwrap().send(&mail()).unwrap();
    assert!(!server.seen()[0].commands.iter().any(|command| command.starts_with("AUTH")));
}

#[test]
fn a_refused_connection_names_host_and_port() {
    // While this listener holds the port, nobody can listen on it at the neighbouring loopback address either.
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = holder.local_addr().unwrap().port();
    let error = error_of(MailerSettings { host: "127.0.0.2".into(), ..settings(free) });
    assert!(matches!(error, MailError::Unreachable { .. }), "{error:?}");
    let told = error.explain();
    assert!(told.message.contains(&format!("127.0.0.2:{free}")), "{told:?}");
    assert!(told.remedy.contains("SMTP_HOST") && told.remedy.contains("SMTP_PORT"), "{told:?}");
}

#[test]
fn a_refused_login_names_user_and_password_and_keeps_the_servers_words() {
    let words = "535 5.7.8 no such user owner@example.com with correct-horse-battery\r\n";
    let error = error_of(settings(SmtpServer::acting("AUTH", Act::Say(words)).port));
    assert!(matches!(error, MailError::Login { code: 535, .. }), "{error:?}");
    let told = error.explain();
    assert_eq!(told.provider_code.as_deref(), Some("535"));
    assert!(told.message.contains("“5.7.8 no such user *** with ***”"), "{told:?}");
    assert!(told.remedy.contains("SMTP_USERNAME") && told.remedy.contains("SMTP_PASSWORD"), "{told:?}");
}

#[test]
fn a_refused_recipient_and_a_busy_server_are_told_in_the_servers_words() {
    let refused = error_of(settings(SmtpServer::acting("RCPT", Act::Say("550 5.1.1 user unknown\r\n")).port));
    assert!(matches!(refused, MailError::Refused { code: 550, .. }), "{refused:?}");
    assert!(refused.explain().remedy.contains("SMTP_TO_EMAIL"));

    let at_greeting = error_of(settings(SmtpServer::acting("CONNECT", Act::Say("421 too busy\r\n")).port));
    assert!(matches!(at_greeting, MailError::Refused { code: 421, .. }));
    assert!(at_greeting.explain().message.contains("put the e-mail off: “too busy”"));

    let at_the_end = error_of(settings(SmtpServer::acting(".", Act::Say("451 disk full\r\n")).port));
    assert!(matches!(at_the_end, MailError::Refused { code: 451, .. }));
}

#[test]
fn one_refused_recipient_does_not_cost_the_others_their_mail() {
    for (answer, said) in [
        ("550 5.1.1 user unknown\r\n", "refused the e-mail: “5.1.1 user unknown”"),
        ("450 4.7.1 greylisted\r\n", "put the e-mail off: “4.7.1 greylisted”"),
    ] {
        let server = SmtpServer::acting("RCPT TO:<owner@", Act::Say(answer));
        let refused = mailer(&server).send_now(&mail()).unwrap();
        let places: Vec<usize> = refused.iter().map(|refused| refused.place).collect();
        assert_eq!(places, [0], "the owner's");
        let told = refused[0].error.explain().message;
        assert!(told.contains(said), "{told}");
        let delivered: Vec<_> = server.seen().into_iter().filter(|seen| !seen.message.is_empty()).collect();
        assert_eq!(delivered.len(), 1);
        let recipients: Vec<_> =
            delivered[0].commands.iter().filter(|command| command.starts_with("RCPT")).collect();
        assert_eq!(recipients, ["RCPT TO:<agency@example.com>"]);
    }
}

#[test]
fn a_mail_waits_for_a_recipient_who_is_put_off_and_not_for_one_who_is_refused() {
    let server = SmtpServer::acting("RCPT TO:<owner@", Act::Say("450 4.7.1 greylisted\r\n"));
    let put_off = mailer(&server).send(&mail()).unwrap_err();
    assert!(matches!(put_off, MailError::Refused { code: 450, .. }), "{put_off:?}");
    assert!(server.seen().iter().all(|seen| seen.message.is_empty()), "nobody got it");

    let server = SmtpServer::acting("RCPT TO:<owner@", Act::Say("550 5.1.1 user unknown\r\n"));
    assert_eq!(mailer(&server).send(&mail()).unwrap().len(), 1);
}

#[test]
fn one_who_is_put_off_while_another_is_refused_is_waited_for_as_long_as_nobody_has_the_mail() {
    let refuses = ("RCPT TO:<gone@", Act::Say("550 5.1.1 user unknown\r\n"));
    let sent = |put_off: Act, to: [&str; 3]| {
        let server = SmtpServer::acting_on(vec![refuses, ("RCPT TO:<owner@", put_off)]);
        let to = to.map(|name| format!("{name}@example.com")).to_vec();
        let sent = Mailer::new(MailerSettings { to, ..settings(server.port) }).unwrap().send(&mail());
        let messages = server.seen().iter().filter(|seen| !seen.message.is_empty()).count();
        (sent.map(|refused| refused.iter().map(|refused| refused.place).collect::<Vec<_>>()), messages)
    };
    let greylists = Act::Say("450 4.7.1 greylisted\r\n");
    for (put_off, wanted) in [(greylists, "put the e-mail off"), (Act::HangUp, "broke off")] {
        let (sent, messages) = sent(put_off, ["gone", "owner", "agency"]);
        assert_eq!(messages, 0, "everybody may get it by the next attempt");
        let told = sent.unwrap_err().explain().message;
        assert!(told.contains(wanted), "{told}");
    }
    let (sent, messages) = sent(greylists, ["agency", "gone", "owner"]);
    assert_eq!((sent.unwrap(), messages), (vec![1, 2], 1), "the agency must not get it twice");
}

#[test]
fn a_silent_server_is_given_up() {
    for (on, said) in [("CONNECT", ""), ("DATA", ""), ("MAIL", "250-never ends\r\n")] {
        let server = SmtpServer::acting(on, Act::SayThenSilence(said));
        let error = error_of(MailerSettings { timeout: Duration::from_millis(200), ..settings(server.port) });
        assert!(matches!(error, MailError::Timeout { .. }), "{on}: {error:?}");
        assert!(error.explain().remedy.contains("SMTP_TLS"));
    }
}

#[test]
fn a_broken_connection_is_told_apart() {
    for on in ["CONNECT", "MAIL", "."] {
        let error = error_of(settings(SmtpServer::acting(on, Act::HangUp).port));
        assert!(matches!(error, MailError::Broken { .. }), "{on}: {error:?}");
    }
    let chatter = error_of(settings(
        SmtpServer::acting("CONNECT", Act::Say("HTTP/1.1 200 owner@example.com\r\n")).port,
    ));
    assert!(matches!(chatter, MailError::Broken { .. }), "{chatter:?}");
}

#[test]
fn without_encryption_nothing_is_said_unless_it_was_chosen() {
    let server = SmtpServer::friendly();
    let error = error_of(MailerSettings { tls: Tls::StartTls, ..settings(server.port) });
    assert!(matches!(error, MailError::Unsupported { .. }), "{error:?}");
    assert!(error.explain().remedy.contains("SMTP_TLS"));
    let commands = server.seen().remove(0).commands;
    assert!(!commands.iter().any(|command| command.starts_with("AUTH") || command.starts_with("MAIL")));

    let error = error_of(MailerSettings { tls: Tls::Implicit, ..settings(SmtpServer::friendly().port) });
    assert!(matches!(error, MailError::Encryption { .. }), "{error:?}");
    assert!(error.explain().remedy.contains("SMTP_TLS"));
}

#[test]
fn a_bad_setting_is_named_without_repeating_it() {
    type Change = fn(&mut MailerSettings);
    let cases: [(&str, Change); 6] = [
        ("SMTP_HOST", |settings| settings.host = " ".into()),
        ("SMTP_FROM_EMAIL", |settings| settings.from = "sync@example.com@".into()),
        ("SMTP_TO_EMAIL", |settings| settings.to.clear()),
        ("SMTP_TO_EMAIL", |settings| settings.to.push("owner@example.com extra".into())),
        ("SMTP_PASSWORD", |settings| settings.password = None),
        ("SMTP_USERNAME", |settings| settings.username = None),
    ];
    for (variable, change) in cases {
        let mut settings = settings(25);
        change(&mut settings);
        let error = error_of(settings);
        assert!(
            matches!(&error, MailError::Setting { variable: named, .. } if *named == variable),
            "{error:?}"
        );
        let told = error.explain();
        assert!(told.message.contains(variable) && told.remedy.contains(variable));
    }
    let shown = format!("{:?}", settings(25));
    assert!(!shown.contains("example.com") && !shown.contains(PASSWORD), "{shown}");
}
