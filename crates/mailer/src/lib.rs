//! E-mails about runs, and their delivery by SMTP.
//!
//! Owns the words of the mails (templates under `templates/mail/`) and everything that speaks SMTP; it is the only crate
//! that names lettre. Refuses to decide when a mail is due, to store anything, and to put personal data of contacts into
//! a mail: what it knows of a run is counts, names of lists and audiences, and sentences.
//!
//! * [`success`], [`failure`] and [`lookalikes`] make a finished [`Mail`] from a [`domain::Run`] and a [`MailContext`].
//! * [`Mailer`] delivers it. Blocking: call it from a thread of its own.
//! * [`MailError`] says what went wrong in a user's words and whether another attempt can help.

mod error;
mod mail;
mod settings;
mod smtp;

pub use error::{MailError, SmtpFault};
pub use mail::{
    LOOKALIKES_SETTLED, Mail, MailContext, OUTCOME, failure, lookalike_unbuilt, lookalikes, message_id,
    success, test,
};
pub use settings::{MailerSettings, Tls, UnknownTls};
pub use smtp::Mailer;
