//! What people are told about runs: e-mails delivered by SMTP, and the same as messages for a chat.
//!
//! Owns the words (templates under `templates/mail/`), everything that speaks SMTP, and the webhook; it is the only crate
//! that names lettre. Refuses to decide when a message is due, to store anything, and to put personal data of contacts
//! into one: what it knows of a run is counts, names of lists and audiences, and sentences.
//!
//! * [`success`], [`failure`] and [`lookalikes`] make a finished [`Mail`] from a [`domain::Run`] and a [`MailContext`],
//!   [`expiry`] from an [`Expiry`].
//! * [`Mailer`] delivers it, [`Webhook`] posts it. Blocking: call them from a thread of their own.
//! * [`MailError`] and [`WebhookError`] say what went wrong in a user's words.

mod error;
mod expiry;
mod lookalikes;
mod mail;
mod settings;
mod smtp;
mod webhook;

pub use error::{MailError, SmtpFault, WebhookError};
pub use expiry::{Expiry, expiry, expiry_message_id};
pub use lookalikes::{LOOKALIKES_SETTLED, lookalike_unbuilt, lookalikes};
pub use mail::{Mail, MailContext, OUTCOME, failure, message_id, success, test};
pub use settings::{MailerSettings, Tls, UnknownTls};
pub use smtp::{Mailer, RefusedRecipient};
pub use webhook::Webhook;
