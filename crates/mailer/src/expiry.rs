//! The mail about something that stops working soon, while there is time to replace it.

use crate::error::MailError;
use crate::mail::{MESSAGE_LIMIT, Mail, MailContext};
use askama::Template;
use chrono::NaiveDate;
use domain::foreign_text::{LONGEST, one_line};

/// What stops working, and on which day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expiry {
    /// The Meta access token.
    MetaToken {
        /// Meta refuses it from then on.
        on: NaiveDate,
    },
    /// The Claude model.
    ClaudeModel {
        /// Its exact id.
        model: String,
        /// It does not answer from then on.
        on: NaiveDate,
    },
}

#[derive(Template)]
#[template(path = "mail/expiry.txt")]
struct ExpiryText<'a>(&'a Expiring);

#[derive(Template)]
#[template(path = "mail/expiry.html")]
struct ExpiryHtml<'a>(&'a Expiring);

/// What both parts show.
struct Expiring {
    what_happens: String,
    remedy: &'static str,
    link: String,
    link_remark: bool,
}

impl Expiry {
    /// The kind of the one message about it: another for another day, so that a new token is warned about again.
    pub fn kind(&self) -> String {
        match self {
            Self::MetaToken { on } => format!("meta_token.{on}"),
            Self::ClaudeModel { model, on } => format!("claude_model.{model}.{on}"),
        }
    }

    /// What a message of that kind is about.
    pub fn of_kind(kind: &str) -> Option<Self> {
        let (what, of) = kind.split_once('.')?;
        match what {
            "meta_token" => Some(Self::MetaToken { on: of.parse().ok()? }),
            "claude_model" => {
                let (model, on) = of.rsplit_once('.')?;
                Some(Self::ClaudeModel { model: model.to_owned(), on: on.parse().ok()? })
            }
            _ => None,
        }
    }

    /// The day.
    pub fn on(&self) -> NaiveDate {
        match self {
            Self::MetaToken { on } | Self::ClaudeModel { on, .. } => *on,
        }
    }

    fn subject(&self) -> &'static str {
        match self {
            Self::MetaToken { .. } => "⚠️ GHL Meta Sync: Meta Token Expires",
            Self::ClaudeModel { .. } => "⚠️ GHL Meta Sync: Claude Model Retires",
        }
    }

    fn what_happens(&self) -> String {
        match self {
            Self::MetaToken { on } => format!(
                "The Meta access token (META_ACCESS_TOKEN) expires on {on} (UTC). From then on every sync fails."
            ),
            Self::ClaudeModel { model, on } => format!(
                "Anthropic retires the Claude model {} (CLAUDE_MODEL) on {on} (UTC). From then on every sync fails.",
                one_line(model, LONGEST)
            ),
        }
    }

    fn remedy(&self) -> &'static str {
        match self {
            Self::MetaToken { .. } => {
                "create a new token at https://business.facebook.com/settings/system-users, set it as META_ACCESS_TOKEN and start the service again. A system user's token need not expire."
            }
            Self::ClaudeModel { .. } => {
                "set CLAUDE_MODEL to a model that stays, or remove it for the one this program uses by itself, and start the service again. The Connections page says until when a model answers."
            }
        }
    }
}

/// The warning, told once for each end: `⚠️ GHL Meta Sync: Meta Token Expires - {date}` with the day of the end.
///
/// # Errors
/// [`MailError::Template`] when a template can not be rendered.
pub fn expiry(expiry: &Expiry, context: &MailContext) -> Result<Mail, MailError> {
    let view = Expiring {
        what_happens: one_line(&expiry.what_happens(), MESSAGE_LIMIT),
        remedy: expiry.remedy(),
        link: format!("{}/connections", context.address()),
        link_remark: !context.public_url_is_set,
    };
    Ok(Mail {
        subject: context.subject_of_day(expiry.subject(), expiry.on()),
        text: ExpiryText(&view).render()?,
        html: ExpiryHtml(&view).render()?,
        message_id: expiry_message_id(expiry, context),
        link: view.link,
    })
}

/// The Message-ID of the warning: the same whenever it is made.
pub fn expiry_message_id(expiry: &Expiry, context: &MailContext) -> String {
    let kind: String =
        expiry.kind().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    context.message_id(&kind)
}

#[cfg(test)]
mod tests {
    use super::Expiry;

    #[test]
    fn a_kind_is_read_as_what_it_was_made_of() {
        let on = "2026-12-05".parse().unwrap();
        let model = |model: &str| Expiry::ClaudeModel { model: model.to_owned(), on };
        for expiry in [Expiry::MetaToken { on }, model("claude-sonnet-4-5"), model("a.b.2026-01-01")] {
            assert_eq!(Expiry::of_kind(&expiry.kind()), Some(expiry));
        }
        for other in ["", "outcome", "meta_token", "meta_token.soon", "claude_model.2026-12-05"] {
            assert_eq!(Expiry::of_kind(other), None, "{other}");
        }
    }
}
