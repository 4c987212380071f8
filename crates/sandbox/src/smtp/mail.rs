//! Received mails, parsed.

use std::sync::{Arc, Mutex, PoisonError};

use mail_parser::MessageParser;
use serde::{Deserialize, Serialize};

/// A received message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The envelope's sender.
    pub envelope_from: String,
    /// The envelope's recipients.
    pub envelope_to: Vec<String>,
    /// Address of the `From` header.
    pub from: String,
    /// Addresses of the `To` header.
    pub to: Vec<String>,
    /// Decoded subject.
    pub subject: String,
    /// The text part, decoded.
    pub text: Option<String>,
    /// The HTML part, decoded.
    pub html: Option<String>,
    /// Without angle brackets.
    pub message_id: Option<String>,
    /// The message as it came, dots unstuffed.
    pub raw: String,
}

/// The mails received so far. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Mails(Arc<Mutex<Vec<Mail>>>);

impl Mails {
    /// All, in order.
    pub fn all(&self) -> Vec<Mail> {
        self.lock().clone()
    }

    /// Forgets all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn push(&self, mail: Mail) {
        self.lock().push(mail);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Mail>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mail {
    pub(super) fn parse(envelope_from: String, envelope_to: Vec<String>, raw: &str) -> Self {
        let message = MessageParser::default().parse(raw.as_bytes()).unwrap_or_default();
        let addresses = |list: Option<&mail_parser::Address<'_>>| -> Vec<String> {
            list.into_iter()
                .flat_map(|list| list.iter().filter_map(|one| one.address().map(str::to_owned)))
                .collect()
        };
        Self {
            envelope_from,
            envelope_to,
            from: addresses(message.from()).into_iter().next().unwrap_or_default(),
            to: addresses(message.to()),
            subject: message.subject().unwrap_or_default().to_owned(),
            text: message.body_text(0).map(std::borrow::Cow::into_owned),
            html: message.body_html(0).map(std::borrow::Cow::into_owned),
            message_id: message.message_id().map(str::to_owned),
            raw: raw.to_owned(),
        }
    }
}
