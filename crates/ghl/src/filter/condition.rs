//! One condition: a field, an operator and mostly a value.

use super::field::{Kind, LONGEST, Operator, SHORTEST_PART, TOO_LONG, TOO_SHORT};
use super::{Problems, shown, unknown_keys};
use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Value, json};

/// A condition whose operator and value fit its field, as far as that is known without the location.
#[derive(Clone, PartialEq)]
pub(super) struct Condition {
    pub(super) field: Field,
    pub(super) operator: Operator,
    pub(super) value: Option<Value>,
}

/// What is asked for.
#[derive(Clone, PartialEq)]
pub(super) enum Field {
    /// By its name in the API.
    Standard(String),
    /// A custom field as the person wrote it: id, key or name, and perhaps the id of a text box.
    Custom(String),
}

pub(super) const CUSTOM: &str = "customFields.";

impl Field {
    pub(super) fn name(&self) -> String {
        match self {
            Self::Standard(name) => name.clone(),
            Self::Custom(reference) => format!("{CUSTOM}{reference}"),
        }
    }
}

impl Condition {
    /// `None` when a problem was added.
    pub(super) fn parse(object: &Map<String, Value>, path: &str, problems: &mut Problems) -> Option<Self> {
        let before = problems.0.len();
        unknown_keys(object, &["field", "operator", "value"], path, problems);
        let kinds = |name: &str| match name.strip_prefix(CUSTOM) {
            Some(_) => Some(Kind::Unknown),
            None => Kind::of_contact(name),
        };
        let parts = parts(object, path, kinds, unknown_field, problems);
        let (name, kind, operator, value) = parts?;
        let field = match name.strip_prefix(CUSTOM).map(str::trim) {
            Some("") => {
                problems.add(format!("{path}.field"), "names no custom field");
                return None;
            }
            Some(reference) => Field::Custom(reference.to_owned()),
            None => Field::Standard(name),
        };
        check_value(kind, operator, value.as_ref(), &format!("{path}.value"), problems);
        (problems.0.len() == before).then_some(Self { field, operator, value })
    }

    pub(super) fn names_custom_field(&self) -> bool {
        matches!(self.field, Field::Custom(_))
    }

    pub(super) fn to_json(&self) -> Value {
        to_json(&self.field.name(), self.operator, self.value.as_ref())
    }
}

pub(super) fn to_json(field: &str, operator: Operator, value: Option<&Value>) -> Value {
    let mut condition = json!({"field": field, "operator": operator.name()});
    if let Some(value) = value {
        condition["value"] = value.clone();
    }
    condition
}

type Parts = (String, Kind, Operator, Option<Value>);

/// Field, operator and value when the first two are known and fit each other.
fn parts(
    object: &Map<String, Value>,
    path: &str,
    kinds: impl Fn(&str) -> Option<Kind>,
    unknown: impl Fn(&str) -> String,
    problems: &mut Problems,
) -> Option<Parts> {
    let field = object.get("field").and_then(Value::as_str);
    let kind = field.and_then(kinds);
    if let (Some(field), None) = (field, kind) {
        problems.add(format!("{path}.field"), unknown(field));
    } else if field.is_none() {
        problems.add(format!("{path}.field"), "must be the name of a field");
    }
    let name = object.get("operator").and_then(Value::as_str);
    let operator = name.and_then(Operator::named);
    match (name, operator, kind) {
        (None, ..) => problems.add(format!("{path}.operator"), "must be the name of an operator"),
        (Some("gt" | "gte" | "lt" | "lte"), ..) => problems.add(
            format!("{path}.operator"),
            "is no operator of its own; use `range` with a value such as {\"gte\": 100}",
        ),
        (Some(_), Some(operator), Some(kind)) => check_operator(kind, operator, path, problems),
        (Some(name), None, _) => {
            problems.add(format!("{path}.operator"), format!("`{}` is not known", shown(name)));
        }
        (Some(_), Some(_), None) => {}
    }
    // Forms send a null for "nothing".
    let value = object.get("value").filter(|value| !value.is_null()).cloned();
    Some((field?.to_owned(), kind?, operator?, value))
}

pub(super) fn check_operator(kind: Kind, operator: Operator, path: &str, problems: &mut Problems) {
    let allowed = kind.operators();
    if !allowed.contains(&operator) {
        let names: Vec<&str> = allowed.iter().map(|operator| operator.name()).collect();
        let message =
            format!("`{}` can not be asked of this field, only {}", operator.name(), names.join(", "));
        problems.add(format!("{path}.operator"), message);
    }
}

fn unknown_field(field: &str) -> String {
    match field {
        "firstName" => "`firstName` can not be searched; use `firstNameLowerCase`".to_owned(),
        "lastName" => "`lastName` can not be searched; use `lastNameLowerCase`".to_owned(),
        "name" => "`name` can not be searched; use `contactName`".to_owned(),
        _ => format!(
            "`{}` is not known; a custom field is written `customFields.` with its name, key or id",
            shown(field)
        ),
    }
}

/// Adds what is wrong with the value of an operator on a field of that kind.
pub(super) fn check_value(
    kind: Kind,
    operator: Operator,
    value: Option<&Value>,
    path: &str,
    problems: &mut Problems,
) {
    match (operator, value) {
        (Operator::Exists | Operator::NotExists, None) => {}
        (Operator::Exists | Operator::NotExists, Some(_)) => {
            problems.add(path, "must be left out with this operator");
        }
        (_, None) => problems.add(path, "is missing"),
        (Operator::Eq | Operator::NotEq, Some(value)) => {
            if let Some(message) = kind.refuses(value) {
                problems.add(path, message);
            }
        }
        (Operator::Contains | Operator::NotContains, Some(Value::String(text))) => {
            let length = text.trim().chars().count();
            if length == 0 {
                problems.add(path, "is empty");
            } else if length < SHORTEST_PART {
                problems.add(path, TOO_SHORT);
            } else if text.chars().count() > LONGEST {
                problems.add(path, TOO_LONG);
            }
        }
        (Operator::Contains | Operator::NotContains, Some(_)) => problems.add(path, "must be a text"),
        (Operator::Range, Some(Value::Object(bounds))) if !bounds.is_empty() => {
            for (bound, value) in bounds {
                check_bound(kind, bound, value, path, problems);
            }
        }
        (Operator::Range, Some(_)) => problems.add(path, "must be an object of gte, gt, lte or lt"),
        (Operator::Nested, Some(Value::Array(list))) if !list.is_empty() => {
            for (at, condition) in list.iter().enumerate() {
                check_nested(condition, &format!("{path}[{at}]"), problems);
            }
        }
        (Operator::Nested, Some(_)) => problems.add(path, "must be a list of conditions"),
    }
}

fn check_bound(kind: Kind, bound: &str, value: &Value, path: &str, problems: &mut Problems) {
    let path = format!("{path}.{}", shown(bound));
    let is_number = || match value {
        Value::Number(_) => true,
        Value::String(text) => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
        _ => false,
    };
    if !["gte", "gt", "lte", "lt"].contains(&bound) {
        problems.add(path, "is none of gte, gt, lte, lt");
        return;
    }
    if value.as_str().is_some_and(|text| text.chars().count() > LONGEST) {
        problems.add(path, TOO_LONG);
        return;
    }
    match kind {
        Kind::Date if !is_time(value) => {
            problems.add(path, "must be a day such as 2026-01-31 or a time such as 2026-01-31T00:00:00Z");
        }
        Kind::Number if !is_number() => problems.add(path, "must be a number"),
        Kind::Unknown if !is_time(value) && !is_number() => problems.add(path, "must be a number or a day"),
        _ => {}
    }
}

/// A day, a time, or milliseconds since 1970.
fn is_time(value: &Value) -> bool {
    match value {
        Value::Number(millis) => millis.is_i64(),
        Value::String(text) => {
            text.parse::<NaiveDate>().is_ok() || DateTime::parse_from_rfc3339(text.trim()).is_ok()
        }
        _ => false,
    }
}

/// A condition on one of the contact's opportunities.
fn check_nested(condition: &Value, path: &str, problems: &mut Problems) {
    let Some(object) = condition.as_object() else {
        problems.add(path, "must be an object with `field` and `operator`");
        return;
    };
    unknown_keys(object, &["field", "operator", "value"], path, problems);
    let unknown = |_: &str| "is none of pipelineId, pipelineStageId, status".to_owned();
    if let Some((_, kind, operator, value)) = parts(object, path, Kind::of_opportunity, unknown, problems) {
        check_value(kind, operator, value.as_ref(), &format!("{path}.value"), problems);
    }
}
