//! What is read of a contact, and which contacts are read.

use std::fmt;
use std::str::FromStr;

/// One contact of the list, as the source gave it: nothing is normalized yet. `None` and blank text mean the same.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// The source's id.
    pub id: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Main e-mail address.
    pub email: Option<String>,
    /// Main phone number, in whatever form it was typed.
    pub phone: Option<String>,
    /// Further e-mail addresses of the same person.
    pub additional_emails: Vec<String>,
    /// Further phone numbers of the same person, in whatever form they were typed.
    pub additional_phones: Vec<String>,
    /// Date of birth, in whatever form the source writes dates.
    pub birth_date: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State, province or region, as a name or a code.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country, as a name or a code.
    pub country: Option<String>,
    /// What the contact asked not to receive.
    pub opt_out: OptOut,
    /// The lifetime value as the source stores it.
    pub ltv: RawLtv,
}

/// Personal data never reach a log line, so `Debug` shows the id only.
impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact").field("id", &self.id).finish_non_exhaustive()
    }
}

/// "Do not disturb" as the source records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OptOut {
    /// Opted out of every channel.
    pub all: bool,
    /// Opted out of e-mail.
    pub email: bool,
    /// Opted out of SMS.
    pub sms: bool,
}

/// The lifetime value as it came over the wire, before it is read as money.
#[derive(Clone, PartialEq, Eq, Default)]
pub enum RawLtv {
    /// The contact has no value in the field.
    #[default]
    Absent,
    /// Text, as typed.
    Text(String),
    /// A JSON number, digit for digit as it was sent: never through a float.
    Number(String),
    /// Something that can not be an amount (a list, an object, true or false).
    NotScalar,
}

impl fmt::Debug for RawLtv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "Absent",
            Self::Text(_) => "Text(***)",
            Self::Number(_) => "Number(***)",
            Self::NotScalar => "NotScalar",
        })
    }
}

/// Which contacts of the location are synced: what the product calls a Smart List.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListSelection {
    /// Every contact.
    All,
    /// The contacts that carry exactly this tag.
    Tag(String),
}

/// A list id that is none of `all` and `tag:<tag>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a list: use `all` or `tag:<tag>`")]
pub struct UnknownList(pub String);

impl FromStr for ListSelection {
    type Err = UnknownList;

    fn from_str(id: &str) -> Result<Self, UnknownList> {
        match id.trim() {
            "all" => Ok(Self::All),
            other => match other.strip_prefix("tag:").map(str::trim) {
                Some(tag) if !tag.is_empty() => Ok(Self::Tag(tag.to_owned())),
                _ => Err(UnknownList(id.to_owned())),
            },
        }
    }
}

/// The id: `all` or `tag:<tag>`.
impl fmt::Display for ListSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Contact, ListSelection, RawLtv};

    #[test]
    fn list_ids_read_and_write() {
        for id in ["all", "tag:vip", "tag:a: b"] {
            assert_eq!(id.parse::<ListSelection>().unwrap().to_string(), id);
        }
        for id in ["", "vip", "tag:", "tag:  ", "ALL"] {
            assert!(id.parse::<ListSelection>().is_err(), "{id}");
        }
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let contact = Contact {
            id: "c1".into(),
            email: Some("person@example.com".into()),
            ltv: RawLtv::Text("12".into()),
            ..Contact::default()
        };
        assert_eq!(format!("{contact:?}"), "Contact { id: \"c1\", .. }");
        assert_eq!(format!("{:?}", contact.ltv), "Text(***)");
    }
}
