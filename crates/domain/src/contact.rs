//! What is read of a contact, and which contacts are read.

use serde::{Deserialize, Serialize};
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
    /// The contacts that meet the conditions saved under this id.
    Filter(i64),
    /// The source's own list with this id, where the source has lists.
    Source(String),
}

/// The conditions of a saved filter: JSON as `POST /contacts/search` takes it. What a condition means is known to the
/// source of the contacts only.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Conditions(pub String);

/// A condition may name a person, so `Debug` shows nothing.
impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conditions(***)")
    }
}

/// A list id that is none of `all`, `tag:<tag>`, `filter:<id>` and `list:<id>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a list: use `all`, `tag:<tag>`, `filter:<id>` or, with GHL_API_VERSION=v1, `list:<id>`"
)]
pub struct UnknownList(pub String);

impl FromStr for ListSelection {
    type Err = UnknownList;

    fn from_str(id: &str) -> Result<Self, UnknownList> {
        let unknown = || UnknownList(id.to_owned());
        match id.trim().split_once(':') {
            None if id.trim() == "all" => Ok(Self::All),
            Some(("tag", tag)) if !tag.trim().is_empty() => Ok(Self::Tag(tag.trim().to_owned())),
            Some(("list", id)) if !id.trim().is_empty() => Ok(Self::Source(id.trim().to_owned())),
            Some(("filter", id)) => match id.parse::<i64>() {
                // `+1` and `01` would be second names of the same list.
                Ok(number) if number > 0 && number.to_string() == id => Ok(Self::Filter(number)),
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }
}

/// The id: `all`, `tag:<tag>`, `filter:<id>` or `list:<id>`.
impl fmt::Display for ListSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
            Self::Filter(id) => write!(f, "filter:{id}"),
            Self::Source(id) => write!(f, "list:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Conditions, Contact, ListSelection, RawLtv};

    #[test]
    fn list_ids_read_and_write() {
        for id in ["all", "tag:vip", "tag:a: b", "filter:1", "filter:9223372036854775807", "list:a:b"] {
            assert_eq!(id.parse::<ListSelection>().unwrap().to_string(), id);
        }
        for id in [
            "",
            "vip",
            "tag:",
            "tag:  ",
            "ALL",
            "filter:",
            "filter:0",
            "filter:-1",
            "filter:+1",
            "filter:01",
            "filter:x",
            "list: ",
        ] {
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
        assert_eq!(format!("{:?}", Conditions("person@example.com".into())), "Conditions(***)");
    }
}
