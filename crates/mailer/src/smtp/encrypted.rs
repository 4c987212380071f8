//! Tests against a mail server that encrypts, with a certificate the mailer is told to trust, or not.

use super::{Mailer, Tls};
use crate::error::MailError;
use crate::mail::Mail;
use crate::settings::MailerSettings;
use domain::Secret;
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/server.crt");
const KEY: &[u8] = include_bytes!("../../tests/data/server.key");

/// Serves one connection. The commands that came, each with whether it was encrypted, come when it has ended.
fn server(tls: Tls) -> (u16, Receiver<Vec<(String, bool)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, seen) = channel();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut commands = Vec::new();
        if tls == Tls::StartTls {
            converse(&stream, &stream, true, false, &mut commands);
        }
        let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
        let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let stream = std::sync::Mutex::new(StreamOwned::new(connection, stream));
        converse(Half(&stream), Half(&stream), tls == Tls::Implicit, true, &mut commands);
        send.send(commands).unwrap();
    });
    (port, seen)
}

/// Reads and writes one encrypted connection.
struct Half<'a>(&'a std::sync::Mutex<StreamOwned<ServerConnection, TcpStream>>);

impl Read for Half<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().read(buffer)
    }
}

impl Write for Half<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap().flush()
    }
}

/// Answers until the client leaves or asks for encryption.
fn converse(
    from: impl Read,
    mut to: impl Write,
    greets: bool,
    encrypted: bool,
    commands: &mut Vec<(String, bool)>,
) {
    let mut answer = |text: &str| to.write_all(text.as_bytes()).and_then(|()| to.flush());
    if greets && answer("220 mail.example.com ready\r\n").is_err() {
        return;
    }
    let mut lines = BufReader::new(from).lines();
    let mut in_message = false;
    while let Some(Ok(line)) = lines.next() {
        if in_message && line != "." {
            continue;
        }
        let word = line.split(' ').next().unwrap_or_default().to_owned();
        in_message = word == "DATA";
        let said = match word.as_str() {
            "EHLO" if encrypted => "250-mail.example.com\r\n250 AUTH PLAIN LOGIN\r\n",
            "EHLO" => "250-mail.example.com\r\n250 STARTTLS\r\n",
            "STARTTLS" => "220 go on\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        commands.push((word.clone(), encrypted));
        if answer(said).is_err() || word == "QUIT" || word == "STARTTLS" {
            return;
        }
    }
}

fn settings(tls: Tls, port: u16) -> MailerSettings {
    MailerSettings {
        host: "localhost".into(),
        port,
        username: Some("postmaster".into()),
        password: Some(Secret::new("correct-horse-battery")),
        from: "sync@example.com".into(),
        to: vec!["owner@example.com".into()],
        tls,
        timeout: Duration::from_secs(20),
    }
}

fn mail() -> Mail {
    Mail {
        subject: "Hello".into(),
        text: "Text".into(),
        html: "<p>Text</p>".into(),
        message_id: "<1@example.com>".into(),
        link: "https://sync.example.com".into(),
    }
}

#[test]
fn login_and_mail_are_said_only_after_the_encryption_both_ways() {
    let trusting = |host: &str| {
        let certificate = Certificate::from_pem(CERTIFICATE)?;
        TlsParameters::builder(host.to_owned()).add_root_certificate(certificate).build()
    };
    for tls in [Tls::StartTls, Tls::Implicit] {
        let (port, seen) = server(tls);
        let mailer = Mailer::with_tls(settings(tls, port), trusting).unwrap();
        mailer.send(&mail()).unwrap();
        drop(mailer);
        let seen = seen.recv().unwrap();
        let plain: Vec<&str> =
            seen.iter().filter(|(_, encrypted)| !encrypted).map(|(word, _)| word.as_str()).collect();
        let expected: &[&str] = if tls == Tls::StartTls { &["EHLO", "STARTTLS"] } else { &[] };
        assert_eq!(plain, expected);
        for word in ["AUTH", "MAIL", "RCPT", "DATA"] {
            assert!(seen.contains(&(word.to_owned(), true)), "{tls}: {word} in {seen:?}");
        }
    }
}

#[test]
fn a_certificate_that_no_authority_has_given_ends_it_before_the_login() {
    for tls in [Tls::StartTls, Tls::Implicit] {
        let (port, seen) = server(tls);
        let error = Mailer::new(settings(tls, port)).unwrap().send(&mail()).unwrap_err();
        assert!(matches!(error, MailError::Encryption { .. }), "{tls}: {error:?}");
        let seen = seen.recv().unwrap();
        assert!(seen.iter().all(|(word, _)| word == "EHLO" || word == "STARTTLS"), "{tls}: {seen:?}");
    }
}
