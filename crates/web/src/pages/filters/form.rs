//! The conditions of a saved list as a form holds them, and as the JSON that is saved.

use serde_json::{Map, Number, Value, json};
use sync::{ConditionField, Entry, PAGING_KEYS};

/// Operators that are one in JSON, with the bound inside the value.
const BOUNDS: [&str; 4] = ["gte", "gt", "lte", "lt"];

/// What a person entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilterForm {
    pub(super) name: String,
    pub(super) conditions: Entered,
}

/// The conditions, in one of two ways to enter them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entered {
    /// One condition a row; all of them must hold, or any.
    Rows { any: bool, rows: Vec<Row> },
    /// As text.
    Json(String),
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Row {
    pub(super) field: String,
    /// `eq`, `not_eq`, `contains`, `not_contains`, `exists`, `not_exists`, or one of [`BOUNDS`].
    pub(super) operator: String,
    pub(super) value: String,
}

/// The button that was pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pressed {
    Save,
    /// Adds a condition on this field.
    Add(String),
    /// Takes the condition in this place away.
    Remove(usize),
    Count,
    AsJson,
    AsForm,
}

impl FilterForm {
    /// Reads what a form sent.
    pub(super) fn read(sent: &[(String, String)]) -> (Self, Pressed) {
        let value = |name: &str| sent.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
        let mut rows: Vec<Row> = Vec::new();
        for (key, value) in sent {
            match (key.as_str(), rows.last_mut()) {
                ("field", _) => rows.push(Row { field: value.clone(), ..Row::default() }),
                ("operator", Some(row)) => row.operator.clone_from(value),
                ("value", Some(row)) => row.value.clone_from(value),
                _ => {}
            }
        }
        let pressed = match value("do").split_once(':') {
            Some(("remove", place)) => place.parse().map_or(Pressed::Count, Pressed::Remove),
            _ => match value("do") {
                "save" => Pressed::Save,
                "add" => Pressed::Add(value("new_field").to_owned()),
                "as_json" => Pressed::AsJson,
                "as_form" => Pressed::AsForm,
                _ => Pressed::Count,
            },
        };
        let conditions = match sent.iter().find(|(key, _)| key == "json") {
            Some((_, text)) => Entered::Json(text.clone()),
            None => Entered::Rows { any: value("match") == "any", rows },
        };
        (Self { name: value("name").to_owned(), conditions }, pressed)
    }
}

impl Entered {
    /// Saved or pasted conditions as rows. `None` when rows can not hold all of it, for the check to look at the rest.
    pub(super) fn rows_of(json: &Value, fields: &[ConditionField]) -> Option<Self> {
        let nodes = match json {
            Value::Array(nodes) => nodes.as_slice(),
            Value::Object(one) if one.contains_key("field") || one.contains_key("group") => {
                std::slice::from_ref(json)
            }
            Value::Object(body) => {
                let says_whom = |(key, value): (&String, &Value)| match key.as_str() {
                    "filters" => false,
                    "query" => value.as_str().is_none_or(|text| !text.trim().is_empty()),
                    key => !PAGING_KEYS.contains(&key),
                };
                if body.iter().any(says_whom) {
                    return None;
                }
                body.get("filters")?.as_array()?
            }
            _ => return None,
        };
        let (any, nodes) = match nodes {
            [only] if only.get("group").is_some() => {
                let is_known = |key: &String| matches!(key.as_str(), "group" | "filters");
                let any = match only.get("group")?.as_str()? {
                    _ if !only.as_object()?.keys().all(is_known) => return None,
                    "OR" => true,
                    "AND" => false,
                    _ => return None,
                };
                (any, only.get("filters")?.as_array()?.as_slice())
            }
            nodes => (false, nodes),
        };
        let mut rows = Vec::new();
        for node in nodes {
            let of_one = rows_of_condition(node.as_object()?, fields)?;
            // Two bounds of one condition must both hold.
            if any && of_one.len() > 1 {
                return None;
            }
            rows.extend(of_one);
        }
        Some(Self::Rows { any, rows })
    }

    /// The conditions to check, count and save.
    ///
    /// # Errors
    /// Why the text is no JSON.
    pub(super) fn to_json(&self, fields: &[ConditionField]) -> Result<Value, String> {
        match self {
            Self::Json(text) => {
                serde_json::from_str(text).map_err(|error| format!("This is not JSON: {error}."))
            }
            Self::Rows { any, rows } => {
                let conditions: Vec<Value> = rows.iter().map(|row| row.to_json(fields)).collect();
                Ok(if self.is_grouped(*any) {
                    json!([{"group": "OR", "filters": conditions}])
                } else {
                    Value::Array(conditions)
                })
            }
        }
    }

    /// The row that a place in the JSON belongs to, such as `filters[1].value`.
    pub(super) fn row_of(&self, path: &str) -> Option<usize> {
        let Self::Rows { any, rows } = self else { return None };
        let path = if self.is_grouped(*any) { path.strip_prefix("filters[0].")? } else { path };
        let place = path.strip_prefix("filters[")?.split_once(']')?.0.parse().ok()?;
        (place < rows.len()).then_some(place)
    }

    /// One condition alone needs no group.
    fn is_grouped(&self, any: bool) -> bool {
        any && matches!(self, Self::Rows { rows, .. } if rows.len() > 1)
    }
}

impl Row {
    /// A condition on a field, to be filled in.
    pub(super) fn new(field: &str, fields: &[ConditionField]) -> Self {
        let known = find(field, fields);
        let operator = known.and_then(|known| operators(known).first().copied()).unwrap_or("eq");
        Self { field: field.to_owned(), operator: operator.to_owned(), value: String::new() }
    }

    fn to_json(&self, fields: &[ConditionField]) -> Value {
        let entry = find(&self.field, fields).map_or(Entry::Text, |field| field.question.entry);
        let operator = self.operator.as_str();
        let is_bound = BOUNDS.contains(&operator);
        let mut condition =
            json!({"field": self.field, "operator": if is_bound { "range" } else { operator }});
        if let Some(value) = typed(self.value.trim(), entry, is_bound) {
            condition["value"] = if is_bound { json!({operator: value}) } else { value };
        }
        condition
    }
}

/// The field that a condition names. `None` when several are: the check tells which.
pub(super) fn find<'a>(name: &str, fields: &'a [ConditionField]) -> Option<&'a ConditionField> {
    let only = |is_meant: &dyn Fn(&ConditionField) -> bool| {
        let mut meant = fields.iter().filter(|field| is_meant(field));
        meant.next().filter(|_| meant.next().is_none())
    };
    only(&|field| field.name == name).or_else(|| only(&|field| field.is_named(name)))
}

/// The operators a row on this field offers.
pub(super) fn operators(field: &ConditionField) -> Vec<&'static str> {
    let of_one = |operator: &&'static str| match *operator {
        "range" => BOUNDS.to_vec(),
        "nested" => Vec::new(),
        other => vec![other],
    };
    field.question.operators.iter().flat_map(of_one).collect()
}

/// `None` when nothing was entered. What is not what it should be stays a text, for the check to refuse.
fn typed(text: &str, entry: Entry, is_bound: bool) -> Option<Value> {
    let number = || serde_json::from_str::<Number>(text).ok().map(Value::Number);
    let found = match (entry, text) {
        (_, "") => return None,
        (Entry::Flag, "true") => Some(Value::Bool(true)),
        (Entry::Flag, "false") => Some(Value::Bool(false)),
        (Entry::Number, _) => number(),
        (Entry::Text, _) if is_bound => number(),
        _ => None,
    };
    Some(found.unwrap_or_else(|| Value::String(text.to_owned())))
}

/// A condition as rows: one, or one for each bound. `None` when a row can not hold it.
fn rows_of_condition(condition: &Map<String, Value>, fields: &[ConditionField]) -> Option<Vec<Row>> {
    if condition.keys().any(|key| !["field", "operator", "value"].contains(&key.as_str())) {
        return None;
    }
    let field = condition.get("field")?.as_str()?;
    let operator = condition.get("operator")?.as_str()?;
    let known = find(field, fields);
    let row = |operator: &str, value: String| Row {
        field: known.map_or(field, |known| &known.name).to_owned(),
        operator: operator.to_owned(),
        value,
    };
    // A row is the condition only if the same value comes out of it: 2024 and "2024" are two things to GoHighLevel.
    let same = |row: Row, value: &Value| (row.to_json(fields).get("value") == Some(value)).then_some(row);
    match (operator, condition.get("value")) {
        ("range", Some(Value::Object(bounds))) if !bounds.is_empty() => {
            let bound = |(bound, value): (&String, &Value)| {
                let is_known = BOUNDS.contains(&bound.as_str());
                same(row(bound, shown(value).filter(|_| is_known)?), &json!({bound: value}))
            };
            bounds.iter().map(bound).collect()
        }
        ("exists" | "not_exists", None | Some(Value::Null)) => Some(vec![row(operator, String::new())]),
        ("eq" | "not_eq" | "contains" | "not_contains", Some(value)) => {
            Some(vec![same(row(operator, shown(value)?), value)?])
        }
        _ => None,
    }
}

/// A value as an input shows it, when it comes out of it as it went in.
fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty() && text.trim() == text && !text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests;
