//! The connection to the mail server.

#[cfg(test)]
mod encrypted;

use crate::error::MailError;
use crate::mail::Mail;
use crate::settings::{MailerSettings, Tls};
use domain::Secret;
use domain::foreign_text::presentable;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as LettreTls, TlsParameters};
use lettre::{SmtpTransport, Transport};

/// Delivers mails to the configured recipients. Every method blocks.
#[derive(Clone)]
pub struct Mailer {
    server: String,
    password: Option<Secret>,
    from: Mailbox,
    to: Vec<Mailbox>,
    transport: SmtpTransport,
}

/// Somebody who does not get a mail that others got.
#[derive(Debug)]
pub struct RefusedRecipient {
    /// The place of the address in [`MailerSettings::to`], from 0; addresses do not belong into logs.
    pub place: usize,
    /// What the server said.
    pub error: MailError,
}

impl Mailer {
    /// Checks the settings; nothing is connected yet.
    ///
    /// A login over an unencrypted connection happens only with [`Tls::None`], which is never a default: with the other
    /// two a server without encryption is refused before the login. A warning is logged when the host is not this
    /// machine.
    ///
    /// # Errors
    /// [`MailError::Setting`] names the variable that can not be used.
    pub fn new(settings: MailerSettings) -> Result<Self, MailError> {
        Self::with_tls(settings, |host| TlsParameters::new(host.to_owned()))
    }

    /// [`Self::new`] with other rules for the server's certificate than the public authorities.
    fn with_tls(
        settings: MailerSettings,
        tls_parameters: impl Fn(&str) -> Result<TlsParameters, smtp::Error>,
    ) -> Result<Self, MailError> {
        let MailerSettings { host, port, username, password, from, to, tls, timeout } = settings;
        let host = host.trim().to_owned();
        if host.is_empty() {
            return Err(setting("SMTP_HOST", "is empty"));
        }
        let from = mailbox("SMTP_FROM_EMAIL", "is not an e-mail address", &from)?;
        if to.is_empty() {
            return Err(setting("SMTP_TO_EMAIL", "names no recipient"));
        }
        let to = (1..)
            .zip(&to)
            .map(|(n, address)| {
                mailbox("SMTP_TO_EMAIL", &format!("has no e-mail address as entry {n}"), address)
            })
            .collect::<Result<Vec<_>, _>>()?;

        let server = format!("{host}:{port}");
        let tls_parameters = || {
            tls_parameters(&host)
                .map_err(|error| MailError::of_smtp(&server, &error, |words| presentable(words, &[])))
        };
        let mut builder =
            SmtpTransport::builder_dangerous(host.clone()).port(port).timeout(Some(timeout)).tls(match tls {
                Tls::StartTls => LettreTls::Required(tls_parameters()?),
                Tls::Implicit => LettreTls::Wrapper(tls_parameters()?),
                Tls::None => LettreTls::None,
            });
        match (username, &password) {
            (Some(username), Some(password)) => {
                if tls == Tls::None && !is_this_machine(&host) {
                    log::warn!("SMTP_TLS=none: the password and every mail to {host} can be read on the way");
                }
                builder = builder.credentials(Credentials::new(username, password.expose().to_owned()));
            }
            (Some(_), None) => {
                return Err(setting("SMTP_PASSWORD", "is missing although SMTP_USERNAME is set"));
            }
            (None, Some(_)) => {
                return Err(setting("SMTP_USERNAME", "is missing although SMTP_PASSWORD is set"));
            }
            (None, None) => {}
        }
        Ok(Self { server, password, from, to, transport: builder.build() })
    }

    /// Delivers one mail to all recipients at once, or one by one when the server refuses it for some of them (5xx); it is
    /// delivered when one of them gets it. Those who do not are returned. When the server puts one off (4xx) nobody gets it
    /// yet: another attempt may reach them all. Only when another is refused in the same attempt, and one named before in
    /// the settings has got the mail by then, whoever is put off, or not answered for, is left out like a refused one:
    /// another attempt would reach those once more who have it.
    ///
    /// The wait for the connection and for each answer is limited by the timeout of the settings, each answer to
    /// 100 kB. Nothing is retried here. After a timeout or a broken connection the mail may have arrived all the same:
    /// a second attempt carries the same Message-ID, so that mail programs fold the two.
    ///
    /// # Errors
    /// See the variants of [`MailError`]. When nobody gets the mail, it is what another attempt may mend, else the first
    /// refusal.
    pub fn send(&self, mail: &Mail) -> Result<Vec<RefusedRecipient>, MailError> {
        self.hand_over(mail, true)
    }

    /// [`send`](Self::send) that waits for nobody: whoever is put off does not get the mail either.
    ///
    /// # Errors
    /// See the variants of [`MailError`]. When nobody gets the mail, it is the first refusal.
    pub fn send_now(&self, mail: &Mail) -> Result<Vec<RefusedRecipient>, MailError> {
        self.hand_over(mail, false)
    }

    fn hand_over(&self, mail: &Mail, is_patient: bool) -> Result<Vec<RefusedRecipient>, MailError> {
        let mut message = Message::builder()
            .from(self.from.clone())
            .message_id(Some(mail.message_id.clone()))
            .subject(mail.subject.clone())
            // RFC 3834: keeps out-of-office replies away from the sender's mailbox.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        for recipient in &self.to {
            message = message.to(recipient.clone());
        }
        let message =
            message.multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))?;
        let refused = match self.transport.send(&message).map_err(|error| self.failed(&error)) {
            Err(MailError::Refused { code, .. }) if self.to.len() > 1 && (code >= 500 || !is_patient) => {
                self.send_one_by_one(&message, is_patient)?
            }
            other => other.map(|_taken| Vec::new())?,
        };
        let recipients = self.to.len() - refused.len();
        log::info!("mail {} handed to {}, {recipients} recipient(s)", mail.message_id, self.server);
        Ok(refused)
    }

    /// One refused recipient makes the library give up the whole mail; nobody else should miss it for that.
    fn send_one_by_one(
        &self,
        message: &Message,
        is_patient: bool,
    ) -> Result<Vec<RefusedRecipient>, MailError> {
        let bytes = message.formatted();
        let mut refused = Vec::new();
        for (place, recipient) in self.to.iter().enumerate() {
            let envelope = Envelope::new(Some(self.from.email.clone()), vec![recipient.email.clone()])?;
            if let Err(error) = self.transport.send_raw(&envelope, &bytes) {
                let error = self.failed(&error);
                let is_for_good = matches!(error, MailError::Refused { code: 500.., .. });
                if is_patient && !is_for_good && refused.len() == place {
                    // Nobody has it yet: another attempt may reach this one too, and reaches nobody twice.
                    return Err(error);
                }
                refused.push(RefusedRecipient { place, error });
            }
        }
        if refused.len() == self.to.len() {
            // Nobody accepted it: the first refusal stands for all.
            return refused.into_iter().next().map_or(Ok(Vec::new()), |first| Err(first.error));
        }
        for RefusedRecipient { error, .. } in &refused {
            log::warn!("a recipient in SMTP_TO_EMAIL gets no mail: {error}");
        }
        Ok(refused)
    }

    /// Connects, logs in and says NOOP: proves the settings without sending a mail. Same limits as [`Self::send`].
    ///
    /// # Errors
    /// See the variants of [`MailError`].
    pub fn greeting(&self) -> Result<(), MailError> {
        match self.transport.test_connection() {
            Ok(true) => Ok(()),
            Ok(false) => Err(MailError::Broken {
                server: self.server.clone(),
                source: crate::SmtpFault("it did not answer NOOP".to_owned()),
            }),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Host and port, for pages and the terminal.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether a login is set.
    pub fn logs_in(&self) -> bool {
        self.password.is_some()
    }

    fn failed(&self, error: &smtp::Error) -> MailError {
        let secrets: Vec<&str> = self.password.iter().map(Secret::expose).collect();
        MailError::of_smtp(&self.server, error, |words| presentable(words, &secrets))
    }
}

fn setting(variable: &'static str, problem: &str) -> MailError {
    MailError::Setting { variable, problem: problem.to_owned() }
}

#[expect(
    clippy::map_err_ignore,
    reason = "the library's error may repeat the address, which is personal data"
)]
fn mailbox(variable: &'static str, problem: &str, address: &str) -> Result<Mailbox, MailError> {
    address.trim().parse().map_err(|_| setting(variable, problem))
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
