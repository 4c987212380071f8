//! What can go wrong with a mail or a webhook message.

use domain::{Explain, Explanation};
use http_client::TransportFault;
use lettre::transport::smtp;
use std::io;

/// A mail could not be written or delivered. Holds neither an e-mail address nor the password.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// A setting can not be used.
    #[error("{variable} {problem}")]
    Setting {
        /// The variable to change.
        variable: &'static str,
        /// What is wrong with it, as the rest of a sentence.
        problem: String,
    },
    /// The text of the mail could not be made.
    #[error("could not write the mail")]
    Template(#[from] askama::Error),
    /// The parts could not be put together to a message.
    #[error("could not put the mail together")]
    Message(#[from] lettre::error::Error),
    /// Nobody listens there, or the name is unknown.
    #[error("the mail server {server} can not be reached")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the system said.
        #[source]
        source: SmtpFault,
    },
    /// The server kept silent for too long. The mail may have been delivered.
    #[error("the mail server {server} did not answer in time")]
    Timeout {
        /// Host and port.
        server: String,
        /// What the system said.
        #[source]
        source: SmtpFault,
    },
    /// The encrypted connection could not be made.
    #[error("no encrypted connection to the mail server {server}")]
    Encryption {
        /// Host and port.
        server: String,
        /// What the TLS library said.
        #[source]
        source: SmtpFault,
    },
    /// The connection broke, or what came was not SMTP. The mail may have been delivered.
    #[error("the mail server {server} broke off or did not speak SMTP")]
    Broken {
        /// Host and port.
        server: String,
        /// What was seen.
        #[source]
        source: SmtpFault,
    },
    /// The server lacks something that is needed, such as STARTTLS or a way to log in.
    #[error("the mail server {server} lacks something that is needed")]
    Unsupported {
        /// Host and port.
        server: String,
        /// What it lacks.
        #[source]
        source: SmtpFault,
    },
    /// The server refused the login, or asks for one.
    #[error("the mail server {server} refused the login with code {code}: {said}")]
    Login {
        /// Host and port.
        server: String,
        /// The SMTP reply code.
        code: u16,
        /// The server's own words, capped and without addresses.
        said: String,
    },
    /// The server refused the mail, for now (4xx) or for good (5xx).
    #[error("the mail server {server} refused the mail with code {code}: {said}")]
    Refused {
        /// Host and port.
        server: String,
        /// The SMTP reply code.
        code: u16,
        /// The server's own words, capped and without addresses.
        said: String,
    },
}

/// The words of the layer below. They may quote the server, so they are kept as cleaned text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SmtpFault(pub String);

impl MailError {
    /// Sorts a failure of the SMTP library. `clean` caps and masks the server's words.
    pub(crate) fn of_smtp(server: &str, error: &smtp::Error, clean: impl Fn(&str) -> String) -> Self {
        let server = server.to_owned();
        let words = clean(&innermost(error));
        if let Some(code) = error.status().map(u16::from) {
            // RFC 4954 §6: 454, 530, 534, 535 and 538 speak about the login, every other code about the mail.
            return if matches!(code, 454 | 530 | 534 | 535 | 538) {
                Self::Login { server, code, said: words }
            } else {
                Self::Refused { server, code, said: words }
            };
        }
        let source = SmtpFault(words);
        match io_kind(error) {
            // A read that runs into its limit is `WouldBlock` on Unix and `TimedOut` elsewhere.
            Some(io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => Self::Timeout { server, source },
            // rustls reports its own errors as `InvalidData`.
            Some(io::ErrorKind::InvalidData) => Self::Encryption { server, source },
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof,
            ) => Self::Broken { server, source },
            _ if error.is_tls() => Self::Encryption { server, source },
            _ if error.is_response() => Self::Broken { server, source },
            _ if error.is_client() => Self::Unsupported { server, source },
            _ => Self::Unreachable { server, source },
        }
    }
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    std::iter::successors(Some(error), |error| error.source())
        .find_map(|error| error.downcast_ref::<io::Error>())
        .map(io::Error::kind)
}

/// The deepest cause: the library repeats it in the text of every layer above.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map(ToString::to_string)
        .unwrap_or_default()
}

impl Explain for MailError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Setting { variable, problem } => {
                Explanation::new(format!("{variable} {problem}."), format!("Correct {variable} and start again."))
            }
            Self::Template(_) | Self::Message(_) => Explanation::new(
                "The e-mail could not be written.",
                "This is a fault of this program: please report it together with the log.",
            ),
            Self::Unreachable { server, source } => Explanation::new(
                format!("The mail server {server} can not be reached ({source})."),
                "Check SMTP_HOST and SMTP_PORT, and whether a firewall stands between.",
            ),
            Self::Timeout { server, .. } => Explanation::new(
                format!("The mail server {server} did not answer in time."),
                "Check SMTP_HOST and SMTP_PORT; port 587 goes with SMTP_TLS=starttls, port 465 with SMTP_TLS=implicit.",
            ),
            Self::Encryption { server, source } => Explanation::new(
                format!("No encrypted connection to the mail server {server} could be made ({source})."),
                "Check that SMTP_TLS fits SMTP_PORT (starttls on 587, implicit on 465) and that the server's certificate \
                 is issued for the name in SMTP_HOST by a public authority.",
            ),
            Self::Broken { server, source } => Explanation::new(
                format!("The mail server {server} broke off or did not speak SMTP ({source})."),
                "Check SMTP_HOST and SMTP_PORT; port 587 goes with SMTP_TLS=starttls, port 465 with SMTP_TLS=implicit.",
            ),
            Self::Unsupported { server, source } => Explanation::new(
                format!("The mail server {server} lacks something that is needed: {source}."),
                "Check SMTP_PORT and SMTP_TLS; a server without a login needs no SMTP_USERNAME.",
            ),
            Self::Login { server, code, said } => Explanation::new(
                format!("The mail server {server} refused the login: “{said}”."),
                "Check SMTP_USERNAME and SMTP_PASSWORD; many providers want an app password here.",
            )
            .with_code(code.to_string()),
            Self::Refused { server, code, said } => Explanation::new(
                if *code >= 500 {
                    format!("The mail server {server} refused the e-mail: “{said}”.")
                } else {
                    format!("The mail server {server} put the e-mail off: “{said}”.")
                },
                "Check the addresses in SMTP_TO_EMAIL and SMTP_FROM_EMAIL, and whether this sender may send through the \
                 server; a mail that was put off can be tried again later.",
            )
            .with_code(code.to_string()),
        }
    }
}

/// A webhook message was not taken. Never holds the address, which is a secret.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No complete answer came. The message may have been posted all the same, except when nobody was reached.
    #[error("the webhook was not reached")]
    Transport(#[source] TransportFault),
    /// The server answered that it does not take the message.
    #[error("the webhook refused the message with status {status}: {said}")]
    Refused {
        /// The HTTP status; one of 300 to 399 is a redirect, which is not followed.
        status: u16,
        /// The server's own words, capped and without the address.
        said: String,
    },
}

impl Explain for WebhookError {
    fn explain(&self) -> Explanation {
        const SERVER: &str = "The server named by NOTIFY_WEBHOOK_URL";
        match self {
            Self::Transport(fault) => Explanation::new(
                format!("{SERVER} {fault}."),
                "Check NOTIFY_WEBHOOK_URL, and whether a firewall stands between.",
            ),
            Self::Refused { status, said } => {
                let words = if said.is_empty() { ".".to_owned() } else { format!(": “{said}”.") };
                Explanation::new(
                    format!("{SERVER} did not take the message (status {status}){words}"),
                    "Create the webhook anew where the messages are to appear and set its address as NOTIFY_WEBHOOK_URL. \
                     Discord takes these messages at its webhook's address with /slack after it.",
                )
                .with_code(status.to_string())
            }
        }
    }
}
