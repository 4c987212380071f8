//! Which fields can be asked for, with which operators.

use serde_json::Value;

/// What is asked of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Eq,
    NotEq,
    Contains,
    NotContains,
    Exists,
    NotExists,
    Range,
    Nested,
}

impl Operator {
    pub(super) const ALL: [Self; 8] = [
        Self::Eq,
        Self::NotEq,
        Self::Contains,
        Self::NotContains,
        Self::Exists,
        Self::NotExists,
        Self::Range,
        Self::Nested,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::NotEq => "not_eq",
            Self::Contains => "contains",
            Self::NotContains => "not_contains",
            Self::Exists => "exists",
            Self::NotExists => "not_exists",
            Self::Range => "range",
            Self::Nested => "nested",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operator| operator.name() == name)
    }
}

/// A field by what can be asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Compared as a whole only.
    Id,
    /// Several ids or names, of which one must be equal; a list of values is accepted.
    Many,
    /// Compared as a whole, or asked whether it is there.
    Keyword,
    /// True or false.
    Flag,
    /// Also searched for a part.
    Text,
    /// As [`Kind::Text`], several.
    Tags,
    /// A time.
    Date,
    /// A custom number.
    Number,
    /// The contact's opportunities.
    Opportunities,
    /// A custom field whose type is not known yet, or not to this program.
    Unknown,
}

impl Kind {
    pub(super) fn operators(self) -> &'static [Operator] {
        use Operator::{Contains, Eq, Exists, Nested, NotContains, NotEq, NotExists, Range};
        match self {
            Self::Id => &[Eq, NotEq],
            Self::Many | Self::Keyword | Self::Flag => &[Eq, NotEq, Exists, NotExists],
            Self::Text | Self::Tags => &[Eq, NotEq, Contains, NotContains, Exists, NotExists],
            Self::Date => &[Range, Exists, NotExists],
            Self::Number => &[Range, Eq, NotEq, Exists, NotExists],
            Self::Opportunities => &[Nested],
            Self::Unknown => &[Range, Eq, NotEq, Contains, NotContains, Exists, NotExists],
        }
    }

    /// The field of contacts with that name; custom fields are told apart by their prefix.
    pub(super) fn of_contact(field: &str) -> Option<Self> {
        Some(match field {
            "id" => Self::Id,
            "assignedTo" | "followers" | "activeWorkflows" | "finishedWorkflows" => Self::Many,
            "contactName"
            | "country"
            | "email"
            | "timezone"
            | "type"
            | "website"
            | "dndSettings.Email.status"
            | "dndSettings.SMS.status"
            | "dndSettings.Call.status"
            | "inboundDndSettings.all.status" => Self::Keyword,
            "dnd" | "isValidWhatsapp" | "validEmail" => Self::Flag,
            "address" | "businessName" | "city" | "companyName" | "firstNameLowerCase"
            | "lastNameLowerCase" | "phone" | "postalCode" | "source" | "state" => Self::Text,
            "tags" => Self::Tags,
            "dateAdded"
            | "dateUpdated"
            | "dateOfBirth"
            | "lastEmailClickedDate"
            | "lastEmailOpenedDate"
            | "lastAppointment" => Self::Date,
            "opportunities" => Self::Opportunities,
            _ => return None,
        })
    }

    /// The field of a contact's opportunities with that name.
    pub(super) fn of_opportunity(field: &str) -> Option<Self> {
        matches!(field, "pipelineId" | "pipelineStageId" | "status").then_some(Self::Keyword)
    }

    /// A custom field of that data type; one of a list of text boxes is a text.
    pub(super) fn of_custom(data_type: &str) -> Self {
        match data_type {
            "TEXT" | "LARGE_TEXT" | "SINGLE_OPTIONS" | "RADIO" | "PHONE" | "EMAIL" | TEXTBOX_LIST => {
                Self::Text
            }
            "CHECKBOX" | "MULTIPLE_OPTIONS" => Self::Many,
            "NUMERICAL" | "MONETORY" | "FLOAT" => Self::Number,
            "DATE" => Self::Date,
            _ => Self::Unknown,
        }
    }

    /// Why a value can not be compared with a field of this kind by `eq` and `not_eq`.
    pub(super) fn refuses(self, value: &Value) -> Option<&'static str> {
        let list_fits = matches!(self, Self::Id | Self::Many | Self::Tags | Self::Unknown);
        match (self, value) {
            (_, Value::String(text)) if text.trim().is_empty() => Some("is empty; use `not_exists` instead"),
            (_, Value::String(text)) if text.chars().count() > LONGEST => Some(TOO_LONG),
            (Self::Flag, Value::Bool(_)) => None,
            (Self::Flag, _) => Some("must be true or false"),
            (Self::Number, Value::Number(_)) => None,
            (Self::Number, Value::String(text)) if text.trim().parse::<f64>().is_ok_and(f64::is_finite) => {
                None
            }
            (Self::Number, _) => Some("must be a number"),
            (_, Value::String(_) | Value::Number(_) | Value::Bool(_)) => None,
            (_, Value::Array(list)) if list_fits && !list.is_empty() => {
                list.iter().find_map(|one| if one.is_array() { Some(NO_SCALAR) } else { self.refuses(one) })
            }
            _ => Some(NO_SCALAR),
        }
    }
}

/// A custom field made of several text boxes, each of which is asked for by its own id.
pub(super) const TEXTBOX_LIST: &str = "TEXTBOX_LIST";

/// Longest text a condition may hold, in characters.
pub(super) const LONGEST: usize = 75;
pub(super) const TOO_LONG: &str = "must not be longer than 75 characters";

/// Shortest text that is searched for as a part of another, in characters. GoHighLevel's page does not tell it; others found
/// that it searches for nothing shorter.
pub(super) const SHORTEST_PART: usize = 3;
pub(super) const TOO_SHORT: &str = "must have at least 3 characters";
const NO_SCALAR: &str = "must be a text, a number, true or false";
