//! An SMTP receiver (RFC 5321, AUTH of RFC 4954) on loopback, without TLS.
//!
//! Faults strike per command: method = the verb (`CONNECT`, `EHLO`, `AUTH`, `MAIL`, `RCPT`, `DATA`, and `MESSAGE` once
//! the message is in), path = its argument; an [`Effect::Status`] gives the reply code and text.

mod mail;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::faults::{Effect, Faults};
use crate::record::{Record, RecordedRequest, Service};
pub use mail::{Mail, Mails};

/// A command line may have this many bytes.
const LINE_LIMIT: u64 = 4096;

/// What the receiver asks of its clients.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    /// User and password that `AUTH` must present before `MAIL`; `None` takes mail from anybody.
    pub login: Option<(String, String)>,
    /// The largest message in bytes, announced as `SIZE`.
    pub max_message_bytes: usize,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self { login: None, max_message_bytes: 10 * 1024 * 1024 }
    }
}

#[derive(Clone)]
struct Receiver {
    settings: SmtpSettings,
    mails: Mails,
    record: Record,
    faults: Faults,
    open: Arc<Mutex<Vec<Weak<TcpStream>>>>,
    stopping: Arc<AtomicBool>,
}

/// The running receiver; stops when dropped.
pub(crate) struct SmtpServer {
    address: SocketAddr,
    receiver: Receiver,
    thread: Option<JoinHandle<()>>,
}

impl SmtpServer {
    pub(crate) fn start(
        listener: TcpListener,
        settings: SmtpSettings,
        mails: Mails,
        record: Record,
        faults: Faults,
    ) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (open, stopping) = (Arc::default(), Arc::default());
        let receiver = Receiver { settings, mails, record, faults, open, stopping };
        let accepting = receiver.clone();
        let thread = std::thread::Builder::new()
            .name(format!("sandbox-smtp-{}", address.port()))
            .spawn(move || accepting.accept(&listener))?;
        Ok(Self { address, receiver, thread: Some(thread) })
    }

    /// Closes the port and all sessions; later connections are refused.
    pub(crate) fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.receiver.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address)); // wakes the accept call
        if thread.join().is_err() {
            log::error!("the mail receiver panicked");
        }
        for stream in self.receiver.open_streams().drain(..).filter_map(|open| open.upgrade()) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One client's conversation.
#[derive(Default)]
struct Dialogue {
    authenticated: bool,
    from: Option<String>,
    to: Vec<String>,
}

/// The end of a conversation: the client left, or a fault closed the connection.
struct Closed;

impl From<std::io::Error> for Closed {
    fn from(error: std::io::Error) -> Self {
        log::debug!("an SMTP session broke off: {error}");
        Self
    }
}

impl Receiver {
    fn open_streams(&self) -> std::sync::MutexGuard<'_, Vec<Weak<TcpStream>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(&self, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let stream = Arc::new(stream);
            self.open_streams().retain(|open| open.strong_count() > 0);
            self.open_streams().push(Arc::downgrade(&stream));
            let receiver = self.clone();
            std::thread::spawn(move || {
                drop(receiver.converse(&stream));
                stream.shutdown(Shutdown::Both).ok();
            });
        }
    }

    fn converse(&self, stream: &TcpStream) -> Result<(), Closed> {
        let mut reader = BufReader::new(stream);
        let mut dialogue = Dialogue::default();
        match self.strike("CONNECT", "", "")? {
            Some(refusal) => return say(stream, &refusal),
            None => say(stream, "220 sandbox.example.com ESMTP")?,
        }
        loop {
            let line = read_line(&mut reader)?;
            let (verb, argument) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            if let Some(refusal) = self.strike(&verb, argument, "")? {
                say(stream, &refusal)?;
                continue;
            }
            match verb.as_str() {
                "EHLO" => self.greet(stream)?,
                "HELO" => say(stream, "250 sandbox.example.com")?,
                "AUTH" => self.authenticate(stream, &mut reader, argument, &mut dialogue)?,
                "MAIL" => self.mail(stream, argument, &mut dialogue)?,
                "RCPT" => recipient(stream, argument, &mut dialogue)?,
                "DATA" => self.data(stream, &mut reader, &mut dialogue)?,
                "RSET" => {
                    dialogue = Dialogue { authenticated: dialogue.authenticated, ..Dialogue::default() };
                    say(stream, "250 2.0.0 OK")?;
                }
                "NOOP" => say(stream, "250 2.0.0 OK")?,
                "QUIT" => return say(stream, "221 2.0.0 Bye"),
                _ => say(stream, "500 5.5.2 Command not recognized")?,
            }
        }
    }

    /// The refusal a planted fault orders, if any.
    fn strike(&self, verb: &str, argument: &str, body: &str) -> Result<Option<String>, Closed> {
        refusal(self.faults.strike(Service::Smtp, verb, argument, body))
    }

    fn greet(&self, stream: &TcpStream) -> Result<(), Closed> {
        let size = self.settings.max_message_bytes;
        say(
            stream,
            &format!(
                "250-sandbox.example.com\r\n250-SIZE {size}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 AUTH PLAIN LOGIN"
            ),
        )
    }

    fn authenticate(
        &self,
        stream: &TcpStream,
        reader: &mut BufReader<&TcpStream>,
        argument: &str,
        dialogue: &mut Dialogue,
    ) -> Result<(), Closed> {
        let (mechanism, initial) = argument.split_once(' ').unwrap_or((argument, ""));
        let mut answer = |prompt: &str| -> Result<String, Closed> {
            say(stream, &format!("334 {prompt}"))?;
            read_line(reader)
        };
        let (user, password) = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let response = if initial.is_empty() { answer("")? } else { initial.to_owned() };
                let decoded = base64(&response);
                let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            "LOGIN" => {
                let user = if initial.is_empty() { answer("VXNlcm5hbWU6")? } else { initial.to_owned() };
                (base64(&user), base64(&answer("UGFzc3dvcmQ6")?))
            }
            _ => return say(stream, "504 5.5.4 Unrecognized authentication type"),
        };
        let right =
            self.settings.login.as_ref().is_none_or(|(name, secret)| *name == user && *secret == password);
        dialogue.authenticated = right;
        say(stream, if right { "235 2.7.0 Accepted" } else { "535 5.7.8 Username and Password not accepted" })
    }

    fn mail(&self, stream: &TcpStream, argument: &str, dialogue: &mut Dialogue) -> Result<(), Closed> {
        if self.settings.login.is_some() && !dialogue.authenticated {
            return say(stream, "530 5.7.0 Authentication required");
        }
        let Some(address) = address_of(argument, "FROM:") else {
            return say(stream, "501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        let size =
            argument.to_ascii_uppercase().split("SIZE=").nth(1).and_then(|size| size.trim().parse().ok());
        if size.is_some_and(|size: usize| size > self.settings.max_message_bytes) {
            return say(stream, "552 5.3.4 Message size exceeds fixed limit");
        }
        dialogue.from = Some(address);
        dialogue.to.clear();
        say(stream, "250 2.1.0 OK")
    }

    fn data(
        &self,
        stream: &TcpStream,
        reader: &mut BufReader<&TcpStream>,
        dialogue: &mut Dialogue,
    ) -> Result<(), Closed> {
        if dialogue.to.is_empty() {
            return say(stream, "503 5.5.1 RCPT first");
        }
        say(stream, "354 End data with <CR><LF>.<CR><LF>")?;
        let limit = self.settings.max_message_bytes;
        let mut raw = Vec::new();
        let mut size = 0;
        loop {
            let mut line = Vec::new();
            if reader.by_ref().take(limit as u64).read_until(b'\n', &mut line)? == 0 {
                return Err(Closed);
            }
            if line == b".\r\n" || line == b".\n" {
                break;
            }
            size += line.len();
            if size <= limit {
                raw.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            }
        }
        let from = dialogue.from.take().unwrap_or_default();
        let to = std::mem::take(&mut dialogue.to);
        let raw = String::from_utf8_lossy(&raw).into_owned();
        let effect = self.faults.strike(Service::Smtp, "MESSAGE", &to.join(","), &raw);
        let record = |status| {
            self.record.push(RecordedRequest {
                service: Service::Smtp,
                method: "DATA".to_owned(),
                path: to.join(","),
                headers: Vec::new(),
                body: raw.clone(),
                status,
            });
        };
        if let Some(Effect::Hang { .. } | Effect::HangAfterApply { .. } | Effect::ResetAfterApply) = effect {
            if !matches!(effect, Some(Effect::Hang { .. })) {
                self.mails.push(Mail::parse(from, to.clone(), &raw));
            }
            record(0);
            return refusal(effect).and(Err(Closed));
        }
        let refusal = match refusal(effect)? {
            None if size > limit => Some("552 5.3.4 Message size exceeds fixed limit".to_owned()),
            refusal => refusal,
        };
        record(refusal.as_deref().and_then(|text| text.get(..3)?.parse().ok()).unwrap_or(250));
        if let Some(refusal) = refusal {
            return say(stream, &refusal);
        }
        self.mails.push(Mail::parse(from, to, &raw));
        say(stream, "250 2.0.0 OK queued")
    }
}

/// What is said instead of the normal reply.
fn refusal(effect: Option<Effect>) -> Result<Option<String>, Closed> {
    match effect {
        None | Some(Effect::MetaError(_)) => Ok(None),
        Some(Effect::Status { status, body, .. }) => Ok(Some(format!("{status} {body}"))),
        Some(Effect::Html { status }) => Ok(Some(format!("{status} <html></html>"))),
        Some(Effect::Delay { millis }) => {
            std::thread::sleep(Duration::from_millis(millis));
            Ok(None)
        }
        Some(Effect::Hang { millis } | Effect::HangAfterApply { millis }) => {
            std::thread::sleep(Duration::from_millis(millis));
            Err(Closed)
        }
        Some(Effect::Reset | Effect::ResetAfterApply | Effect::Truncate) => Err(Closed),
    }
}

fn recipient(stream: &TcpStream, argument: &str, dialogue: &mut Dialogue) -> Result<(), Closed> {
    if dialogue.from.is_none() {
        return say(stream, "503 5.5.1 MAIL first");
    }
    match address_of(argument, "TO:").filter(|address| address.contains('@')) {
        Some(address) => {
            dialogue.to.push(address);
            say(stream, "250 2.1.5 OK")
        }
        None => say(stream, "501 5.1.3 Bad recipient address syntax"),
    }
}

fn say(mut stream: &TcpStream, line: &str) -> Result<(), Closed> {
    Ok(stream.write_all(format!("{line}\r\n").as_bytes())?)
}

fn read_line(reader: &mut BufReader<&TcpStream>) -> Result<String, Closed> {
    let mut line = String::new();
    if reader.by_ref().take(LINE_LIMIT).read_line(&mut line)? == 0 {
        return Err(Closed);
    }
    Ok(line.trim_end().to_owned())
}

/// `FROM:<a@b> SIZE=…` -> `a@b`.
fn address_of(argument: &str, keyword: &str) -> Option<String> {
    let rest = argument
        .get(..keyword.len())
        .filter(|start| start.eq_ignore_ascii_case(keyword))
        .map(|_| &argument[keyword.len()..])?;
    let (address, _) = rest.trim_start().strip_prefix('<')?.split_once('>')?;
    Some(address.to_owned())
}

/// Decoded text; what is no base64 decodes to nothing.
fn base64(text: &str) -> String {
    let decoded = mail_parser::decoders::base64::base64_decode(text.as_bytes()).unwrap_or_default();
    String::from_utf8_lossy(&decoded).into_owned()
}
