//! The filters of `/contacts/search` and what they match (the tables of ghl-api §3.2).

use serde_json::{Map, Value};

use super::data_type;
use super::reply::Refusal;
use crate::people::Opportunity;

const VALUE_LIMIT: usize = 75;
/// Shortest text searched for as a part of another, as others found.
const PART_MINIMUM: usize = 3;

/// Filters that must all match.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<Node>);

#[derive(Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    /// One of the contact's opportunities meets them all.
    Nested(Vec<Node>),
    Test {
        field: Field,
        operator: Operator,
        value: Value,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Eq,
    NotEq,
    Contains,
    NotContains,
    Exists,
    NotExists,
    Range,
    Nested,
}

/// What is filtered.
pub(super) trait Filtered {
    /// The values of the field; none when it is unset.
    fn values(&self, field: &Field) -> Vec<Value>;

    /// The opportunities of a contact.
    fn opportunities(&self) -> Vec<Opportunity>;
}

/// A field by its kind, which decides its operators.
#[derive(Debug)]
pub(super) enum Field {
    Id,
    /// eq, exists and their opposites.
    Keyword(String),
    /// … and contains.
    Text(String),
    Tags,
    Dnd,
    Date(String),
    DndChannel(String),
    CustomText(String),
    CustomNumber(String),
    /// The monetary value of an opportunity.
    Number,
    /// No such custom field: matches nothing.
    CustomUnknown,
    Opportunities,
}

impl Operator {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Eq,
            "not_eq" => Self::NotEq,
            "contains" => Self::Contains,
            "not_contains" => Self::NotContains,
            "exists" => Self::Exists,
            "not_exists" => Self::NotExists,
            "range" => Self::Range,
            "nested" => Self::Nested,
            _ => return None,
        })
    }
}

/// The field with that name.
type Fields = fn(&str) -> Option<Field>;

impl Field {
    /// Of `POST /opportunities/search`.
    pub(super) fn of_opportunity(name: &str) -> Option<Self> {
        let owned = name.to_owned();
        Some(match name {
            "id" => Self::Id,
            "status" | "pipeline_id" | "pipeline_stage_id" | "contact_id" => Self::Keyword(owned),
            "monetary_value" => Self::Number,
            "date_added" => Self::Date(owned),
            _ => return None,
        })
    }

    /// Of the opportunities inside `POST /contacts/search`.
    fn nested(name: &str) -> Option<Self> {
        Some(Self::Keyword(match name {
            "status" => name.to_owned(),
            "pipelineId" => "pipeline_id".to_owned(),
            "pipelineStageId" => "pipeline_stage_id".to_owned(),
            _ => return None,
        }))
    }

    /// Of `POST /contacts/search`.
    pub(super) fn of_contact(name: &str) -> Option<Self> {
        let owned = name.to_owned();
        Some(match name {
            "id" => Self::Id,
            "dnd" => Self::Dnd,
            "tags" => Self::Tags,
            "opportunities" => Self::Opportunities,
            "contactName" | "assignedTo" | "country" | "email" | "followers" | "isValidWhatsapp"
            | "timezone" | "type" | "validEmail" | "website" | "activeWorkflows" | "finishedWorkflows" => {
                Self::Keyword(owned)
            }
            "address" | "businessName" | "city" | "companyName" | "firstNameLowerCase"
            | "lastNameLowerCase" | "phone" | "postalCode" | "source" | "state" => Self::Text(owned),
            "dateAdded"
            | "dateUpdated"
            | "dateOfBirth"
            | "lastEmailClickedDate"
            | "lastEmailOpenedDate"
            | "lastAppointment" => Self::Date(owned),
            "dndSettings.Email.status" | "dndSettings.SMS.status" | "dndSettings.Call.status" => {
                Self::DndChannel(name.split('.').nth(1).unwrap_or_default().to_owned())
            }
            "inboundDndSettings.all.status" => Self::Keyword(owned),
            _ => {
                let id = name.strip_prefix("customFields.")?;
                // Of a list of text boxes one box is asked for.
                let (list, text_box) = id.split_once('.').map_or((id, None), |(list, one)| (list, Some(one)));
                match (data_type(list), text_box) {
                    (Some("TEXTBOX_LIST"), Some(_)) => Self::CustomText(id.to_owned()),
                    (Some("TEXTBOX_LIST"), None) => return None,
                    (None, _) | (_, Some(_)) => Self::CustomUnknown,
                    (Some("MONETORY" | "NUMERICAL"), None) => Self::CustomNumber(id.to_owned()),
                    (Some("CHECKBOX" | "MULTIPLE_OPTIONS"), None) => Self::Keyword(owned),
                    (Some("DATE"), None) => Self::Date(owned),
                    (Some(_), None) => Self::CustomText(id.to_owned()),
                }
            }
        })
    }

    fn allows(&self, operator: Operator) -> bool {
        use Operator::{Contains, Eq, Exists, Nested, NotContains, NotEq, NotExists, Range};
        let allowed: &[Operator] = match self {
            Self::Id => &[Eq, NotEq],
            Self::Keyword(_) | Self::Dnd | Self::DndChannel(_) => &[Eq, NotEq, Exists, NotExists],
            Self::Text(_) | Self::Tags | Self::CustomText(_) => {
                &[Eq, NotEq, Contains, NotContains, Exists, NotExists]
            }
            Self::Date(_) => &[Range, Exists, NotExists],
            Self::CustomNumber(_) | Self::Number => &[Range, Eq, NotEq, Exists, NotExists],
            Self::CustomUnknown => &[Range, Eq, NotEq, Contains, NotContains, Exists, NotExists],
            Self::Opportunities => &[Nested],
        };
        allowed.contains(&operator)
    }

    /// Tags and ids are compared as they are, other text without regard to case, numbers as numbers.
    fn equal(&self, held: &Value, wanted: &Value) -> bool {
        match self {
            Self::CustomNumber(_) | Self::Number => {
                number(held).is_some_and(|held| number(wanted) == Some(held))
            }
            Self::Tags | Self::Id => held == wanted,
            _ => match (held, wanted) {
                (Value::String(held), Value::String(wanted)) => held.to_lowercase() == wanted.to_lowercase(),
                (held, wanted) => held == wanted,
            },
        }
    }

    fn scale(&self, value: &Value) -> Option<f64> {
        match (self, value) {
            (Self::Date(_), Value::String(text)) => time(text),
            _ => number(value),
        }
    }
}

impl Filters {
    pub(super) fn parse(list: &[Value], fields: Fields) -> Result<Self, Refusal> {
        Ok(Self(nodes(list, fields)?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bounds of when it was added that hold for whatever matches: epoch milliseconds, from the first on, before the second.
    pub(super) fn added(&self) -> (i64, i64) {
        let mut window = (i64::MIN, i64::MAX);
        for node in &self.0 {
            if let Node::Test { field: field @ Field::Date(name), operator: Operator::Range, value } = node
                && is_added(name)
            {
                let bound =
                    |key: &str| value.get(key).and_then(|bound| field.scale(bound)).map(|at| at as i64);
                let from = bound("gte").into_iter().chain(bound("gt"));
                let until = bound("lt").into_iter().chain(bound("lte").map(|at| at.saturating_add(1)));
                window = (from.fold(window.0, i64::max), until.fold(window.1, i64::min));
            }
        }
        window
    }

    /// Whether nothing but such bounds is asked for.
    pub(super) fn only_added(&self) -> bool {
        self.0.iter().all(|node| {
            matches!(node, Node::Test { field: Field::Date(name), operator: Operator::Range, .. } if is_added(name))
        })
    }

    pub(super) fn matches(&self, row: &dyn Filtered) -> bool {
        self.0.iter().all(|node| node.matches(row))
    }
}

fn nodes(list: &[Value], fields: Fields) -> Result<Vec<Node>, Refusal> {
    list.iter().map(|value| node(value, fields)).collect()
}

fn node(value: &Value, fields: Fields) -> Result<Node, Refusal> {
    let refuse = |message: &str| Err(Refusal::unprocessable(vec![message.to_owned()]));
    let Some(object) = value.as_object() else { return refuse("each value in filters must be an object") };
    if let Some(group) = object.get("group") {
        let Some(list) = object.get("filters").and_then(Value::as_array) else {
            return refuse("filters must be an array");
        };
        return match group.as_str() {
            Some("AND") => Ok(Node::All(nodes(list, fields)?)),
            Some("OR") => Ok(Node::Any(nodes(list, fields)?)),
            _ => refuse("group must be one of the following values: AND, OR"),
        };
    }
    if let Some(key) = object.keys().find(|key| !["field", "operator", "value"].contains(&key.as_str())) {
        return refuse(&format!("property {key} should not exist"));
    }
    let Some(name) = object.get("field").and_then(Value::as_str) else {
        return refuse("field must be a string");
    };
    let Some(field) = fields(name) else {
        return Err(Refusal::bad_request(format!("Invalid field {name}")));
    };
    let operator = object.get("operator").and_then(Value::as_str).and_then(Operator::parse);
    let Some(operator) = operator.filter(|operator| field.allows(*operator)) else {
        return refuse("Invalid Operator");
    };
    let value = object.get("value").cloned();
    if let Some(problem) = problem_of(operator, value.as_ref()) {
        return refuse(problem);
    }
    match (operator, &value) {
        (Operator::Nested, Some(Value::Array(list))) => Ok(Node::Nested(nodes(list, Field::nested)?)),
        _ => Ok(Node::Test { field, operator, value: value.unwrap_or(Value::Null) }),
    }
}

/// What is wrong with a filter's value.
fn problem_of(operator: Operator, value: Option<&Value>) -> Option<&'static str> {
    let long = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() > VALUE_LIMIT);
    match (operator, value) {
        (Operator::Exists | Operator::NotExists, Some(_)) => Some("value should not exist"),
        (Operator::Exists | Operator::NotExists, None) => None,
        (Operator::Nested, Some(Value::Array(_))) => None,
        (Operator::Nested, _) => Some("value must be an array"),
        (Operator::Range, Some(Value::Object(bounds))) if bounds_are_valid(bounds) => None,
        (Operator::Range, _) => Some("value must be an object of gte, lte, gt, lt"),
        (Operator::Contains | Operator::NotContains, Some(Value::String(text)))
            if text.chars().count() < PART_MINIMUM =>
        {
            Some("value must be longer than or equal to 3 characters")
        }
        (Operator::Contains | Operator::NotContains, Some(Value::String(_)))
        | (Operator::Eq | Operator::NotEq, Some(Value::String(_) | Value::Number(_) | Value::Bool(_))) => {
            value.is_some_and(long).then_some("value must be shorter than or equal to 75 characters")
        }
        (Operator::Eq | Operator::NotEq, Some(Value::Array(list))) => {
            list.iter().any(long).then_some("each value must be shorter than or equal to 75 characters")
        }
        _ => Some("value must be a string, a number or a boolean"),
    }
}

fn bounds_are_valid(bounds: &Map<String, Value>) -> bool {
    !bounds.is_empty() && bounds.keys().all(|key| ["gte", "lte", "gt", "lt"].contains(&key.as_str()))
}

impl Node {
    fn matches(&self, row: &dyn Filtered) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(row)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(row)),
            Self::Nested(nodes) => {
                let all = |opportunity: &Opportunity| nodes.iter().all(|node| node.matches(opportunity));
                row.opportunities().iter().any(all)
            }
            Self::Test { field: Field::CustomUnknown, .. } => false,
            Self::Test { field, operator, value } => {
                let held = row.values(field);
                let equal = || match value {
                    Value::Array(list) => {
                        list.iter().any(|one| held.iter().any(|held| field.equal(held, one)))
                    }
                    one => held.iter().any(|held| field.equal(held, one)),
                };
                let contains = || {
                    let part = value.as_str().unwrap_or_default().to_lowercase();
                    held.iter()
                        .any(|held| held.as_str().is_some_and(|held| held.to_lowercase().contains(&part)))
                };
                match operator {
                    Operator::Eq => equal(),
                    Operator::NotEq => !equal(),
                    Operator::Contains => contains(),
                    Operator::NotContains => !contains(),
                    Operator::Exists => !held.is_empty(),
                    Operator::NotExists => held.is_empty(),
                    Operator::Range => held.iter().any(|held| in_range(field, held, value)),
                    Operator::Nested => false, // it became a node of its own
                }
            }
        }
    }
}

/// The names of when a contact and an opportunity was added.
fn is_added(name: &str) -> bool {
    matches!(name, "dateAdded" | "date_added")
}

fn in_range(field: &Field, held: &Value, bounds: &Value) -> bool {
    let (Some(held), Some(bounds)) = (field.scale(held), bounds.as_object()) else { return false };
    bounds.iter().all(|(key, bound)| {
        field.scale(bound).is_some_and(|bound| match key.as_str() {
            "gte" => held >= bound,
            "lte" => held <= bound,
            "gt" => held > bound,
            _ => held < bound,
        })
    })
}

/// A number, or text that is one apart from a currency sign and thousands separators.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => {
            text.replace([',', '$', ' '], "").parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

/// Epoch milliseconds of an ISO date or date-time.
fn time(text: &str) -> Option<f64> {
    let date_time = chrono::DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let date =
        || Some(text.parse::<chrono::NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis());
    date_time.or_else(date).map(|millis| millis as f64)
}
