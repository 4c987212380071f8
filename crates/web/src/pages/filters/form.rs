//! The conditions of a saved list as a form holds them, and as the JSON that is saved.

use serde_json::{Map, Number, Value, json};
use sync::{ConditionField, Entry};

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
    /// Saved or pasted conditions as rows, as far as rows can hold them.
    pub(super) fn rows_of(json: &Value, fields: &[ConditionField]) -> Option<Self> {
        let nodes = match json {
            Value::Array(nodes) => nodes.as_slice(),
            Value::Object(one) if one.contains_key("field") || one.contains_key("group") => {
                std::slice::from_ref(json)
            }
            other => other.get("filters")?.as_array()?,
        };
        let (any, nodes) = match nodes {
            [only] if only.get("group").is_some() => {
                let any = match only.get("group")?.as_str()? {
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

/// The field that a condition names.
pub(super) fn find<'a>(name: &str, fields: &'a [ConditionField]) -> Option<&'a ConditionField> {
    fields
        .iter()
        .find(|field| field.name == name)
        .or_else(|| fields.iter().find(|field| field.is_named(name)))
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
    match (operator, condition.get("value")) {
        ("range", Some(Value::Object(bounds))) if !bounds.is_empty() => {
            let bound = |(bound, value): (&String, &Value)| {
                let is_known = BOUNDS.contains(&bound.as_str());
                Some(row(bound, shown(value).filter(|_| is_known)?))
            };
            bounds.iter().map(bound).collect()
        }
        ("exists" | "not_exists", None | Some(Value::Null)) => Some(vec![row(operator, String::new())]),
        ("eq" | "not_eq" | "contains" | "not_contains", Some(value)) => {
            Some(vec![row(operator, shown(value)?)])
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
mod tests {
    use super::{Entered, FilterForm, Pressed, Row, operators};
    use serde_json::{Value, json};
    use sync::{ConditionField, Entry, Question};

    fn fields() -> Vec<ConditionField> {
        let field = |name: &str, operators: &[&'static str], entry| ConditionField {
            name: name.to_owned(),
            other_names: vec![format!("{name} by another name")],
            title: name.to_uppercase(),
            question: Question { operators: operators.to_vec(), entry },
        };
        vec![
            field("tags", &["eq", "not_eq", "contains", "exists", "not_exists"], Entry::Text),
            field("dnd", &["eq", "not_eq"], Entry::Flag),
            field("dateAdded", &["range", "exists"], Entry::Day),
            field("customFields.ltv", &["range", "eq"], Entry::Number),
        ]
    }

    fn row(field: &str, operator: &str, value: &str) -> Row {
        Row { field: field.into(), operator: operator.into(), value: value.into() }
    }

    fn rows(any: bool, rows: &[Row]) -> Entered {
        Entered::Rows { any, rows: rows.to_vec() }
    }

    #[test]
    fn rows_become_conditions_and_conditions_rows() {
        let all = [
            row("tags", "eq", "vip"),
            row("dnd", "eq", "false"),
            row("dateAdded", "gte", "2026-01-31"),
            row("customFields.ltv", "lt", "100.50"),
            row("tags", "not_exists", ""),
        ];
        let conditions = json!([
            {"field": "tags", "operator": "eq", "value": "vip"},
            {"field": "dnd", "operator": "eq", "value": false},
            {"field": "dateAdded", "operator": "range", "value": {"gte": "2026-01-31"}},
            {"field": "customFields.ltv", "operator": "range", "value": {"lt": 100.50}},
            {"field": "tags", "operator": "not_exists"},
        ]);
        for (any, json) in
            [(false, conditions.clone()), (true, json!([{"group": "OR", "filters": conditions}]))]
        {
            assert_eq!(rows(any, &all).to_json(&fields()).unwrap(), json);
            let read = Entered::rows_of(&json, &fields()).unwrap();
            assert_eq!(read.to_json(&fields()).unwrap(), json, "{read:?}");
        }
        let one = rows(true, &all[..1]);
        assert_eq!(one.to_json(&fields()).unwrap(), json!([conditions[0]]), "one alone needs no group");
        let renamed = json!({"field": "customFields.ltv by another name", "operator": "eq", "value": 1});
        assert_eq!(
            Entered::rows_of(&renamed, &fields()),
            Some(rows(false, &[row("customFields.ltv", "eq", "1")]))
        );
        let between = json!([{"field": "dateAdded", "operator": "range", "value": {"gte": "a", "lt": "b"}}]);
        let both = rows(false, &[row("dateAdded", "gte", "a"), row("dateAdded", "lt", "b")]);
        assert_eq!(Entered::rows_of(&between, &fields()), Some(both));
    }

    #[test]
    fn what_rows_can_not_hold_stays_text() {
        let condition = |value: Value| json!({"field": "tags", "operator": "eq", "value": value});
        for json in [
            json!([condition(json!("a")), {"group": "OR", "filters": [condition(json!("b"))]}]),
            json!([{"group": "OR", "filters": [{"group": "AND", "filters": []}]}]),
            json!([{"group": "OR", "filters": [
                {"field": "dateAdded", "operator": "range", "value": {"gte": "a", "lt": "b"}}]}]),
            json!([condition(json!(["a", "b"]))]),
            json!([condition(json!(" a"))]),
            json!([condition(json!("a\nb"))]),
            json!([condition(json!(""))]),
            json!([condition(Value::Null)]),
            json!([{"field": "tags", "operator": "eq", "value": "a", "more": 1}]),
            json!([{"field": "opportunities", "operator": "nested", "value": [{}]}]),
            json!([{"group": "XOR", "filters": []}]),
            json!("tags eq vip"),
            json!([7]),
        ] {
            assert_eq!(Entered::rows_of(&json, &fields()), None, "{json}");
        }
    }

    #[test]
    fn what_is_entered_wrongly_is_left_to_the_check() {
        let wrong = rows(
            false,
            &[
                row("customFields.ltv", "gte", "1,200"),
                row("dnd", "eq", "maybe"),
                row("tags", "exists", "x"),
                row("tags", "eq", "  "),
            ],
        );
        assert_eq!(
            wrong.to_json(&fields()).unwrap(),
            json!([
                {"field": "customFields.ltv", "operator": "range", "value": {"gte": "1,200"}},
                {"field": "dnd", "operator": "eq", "value": "maybe"},
                {"field": "tags", "operator": "exists", "value": "x"},
                {"field": "tags", "operator": "eq"},
            ])
        );
        assert!(Entered::Json("[".into()).to_json(&fields()).unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_problem_stands_beside_its_row() {
        let two = [row("tags", "eq", "a"), row("tags", "eq", "b")];
        for (any, path, place) in [
            (false, "filters[1].value", Some(1)),
            (false, "filters[0]", Some(0)),
            (false, "filters[2].value", None),
            (false, "filters", None),
            (true, "filters[0].filters[1].value.gte", Some(1)),
            (true, "filters[0].filters", None),
        ] {
            assert_eq!(rows(any, &two).row_of(path), place, "{path}");
        }
        assert_eq!(rows(true, &two[..1]).row_of("filters[0].operator"), Some(0));
        assert_eq!(Entered::Json(String::new()).row_of("filters[0]"), None);
    }

    #[test]
    fn a_form_is_read_in_its_order() {
        let sent = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let (form, pressed) = FilterForm::read(&sent(&[
            ("operator", "stray"),
            ("name", "VIP"),
            ("match", "any"),
            ("field", "tags"),
            ("operator", "eq"),
            ("value", "a"),
            ("field", "dnd"),
            ("do", "remove:1"),
        ]));
        assert_eq!(form.conditions, rows(true, &[row("tags", "eq", "a"), row("dnd", "", "")]));
        assert_eq!((form.name.as_str(), pressed), ("VIP", Pressed::Remove(1)));
        for (pairs, expected) in [
            (&[("do", "add"), ("new_field", "tags")][..], Pressed::Add("tags".into())),
            (&[("do", "remove:x")][..], Pressed::Count),
            (&[][..], Pressed::Count),
            (&[("do", "save")][..], Pressed::Save),
        ] {
            assert_eq!(FilterForm::read(&sent(pairs)).1, expected);
        }
        let (form, _) = FilterForm::read(&sent(&[("json", "[]"), ("field", "tags")]));
        assert_eq!(form.conditions, Entered::Json("[]".into()));
    }

    #[test]
    fn a_new_row_asks_what_is_usual_of_its_field() {
        assert_eq!(Row::new("dateAdded", &fields()), row("dateAdded", "gte", ""));
        assert_eq!(Row::new("tags", &fields()), row("tags", "eq", ""));
        assert_eq!(Row::new("gone", &fields()), row("gone", "eq", ""));
        assert_eq!(operators(&fields()[2]), ["gte", "gt", "lte", "lt", "exists"]);
    }
}
