//! Custom fields by id, key or name, as the location has them now.

use super::condition::{CUSTOM, Condition, Field, check_operator, check_value, to_json};
use super::field::{Kind, TEXTBOX_LIST};
use super::{Filter, Node, Problem, Problems, shown};
use crate::location::CustomField;
use crate::query::ContactQuery;
use serde_json::{Value, json};

/// Fields of one name that are told at once.
const MOST_SHOWN: usize = 5;

impl Filter {
    /// What is sent: every custom field by its id, for a name would match nobody. `fields` are those of the location.
    ///
    /// # Errors
    /// Custom fields that do not exist or are not unique, and operators that do not fit their types, each with its path.
    pub fn resolve(&self, fields: &[CustomField]) -> Result<ContactQuery, Vec<Problem>> {
        let mut problems = Problems::default();
        let conditions = resolve_all(&self.0, fields, "filters", &mut problems);
        problems.none_or(ContactQuery::of(conditions))
    }
}

fn resolve_all(nodes: &[Node], fields: &[CustomField], path: &str, problems: &mut Problems) -> Vec<Value> {
    nodes
        .iter()
        .enumerate()
        .map(|(at, node)| {
            let path = format!("{path}[{at}]");
            let mut group = |name: &str, nodes: &[Node]| {
                json!({"group": name, "filters": resolve_all(nodes, fields, &format!("{path}.filters"), problems)})
            };
            match node {
                Node::All(nodes) => group("AND", nodes),
                Node::Any(nodes) => group("OR", nodes),
                Node::Condition(condition) => resolve_one(condition, fields, &path, problems),
            }
        })
        .collect()
}

fn resolve_one(condition: &Condition, fields: &[CustomField], path: &str, problems: &mut Problems) -> Value {
    let Condition { field: Field::Custom(reference), operator, value } = condition else {
        return condition.to_json();
    };
    let (field, text_box) = match find(reference, fields) {
        Ok(found) => found,
        Err(message) => {
            problems.add(format!("{path}.field"), message);
            return Value::Null;
        }
    };
    let kind = Kind::of_custom(&field.data_type);
    check_operator(kind, *operator, path, problems);
    check_value(kind, *operator, value.as_ref(), &format!("{path}.value"), problems);
    let name = match (field.data_type.as_str(), text_box) {
        (TEXTBOX_LIST, None) => {
            let message = "has several text boxes; write a dot and the id of one of them behind it";
            problems.add(format!("{path}.field"), message);
            return Value::Null;
        }
        (_, Some(text_box)) => format!("{CUSTOM}{}.{text_box}", field.id),
        (_, None) => format!("{CUSTOM}{}", field.id),
    };
    to_json(&name, *operator, value.as_ref())
}

/// The field, and what stands behind its dot when it is a list of text boxes.
fn find<'a>(
    reference: &'a str,
    fields: &'a [CustomField],
) -> Result<(&'a CustomField, Option<&'a str>), String> {
    if let Some(field) = named(reference, fields)? {
        return Ok((field, None));
    }
    if let Some((list, text_box)) = reference.rsplit_once('.')
        && let Some(field) = named(list, fields)?
        && field.data_type == TEXTBOX_LIST
    {
        return Ok((field, Some(text_box)));
    }
    Err(format!("names no custom field of this location: `{}`", shown(reference)))
}

/// By id first, then by key with or without `contact.`, then by the name people see.
fn named<'a>(reference: &str, fields: &'a [CustomField]) -> Result<Option<&'a CustomField>, String> {
    let by_key = |field: &&CustomField| {
        field.field_key == reference || field.field_key.strip_prefix("contact.") == Some(reference)
    };
    let exact = fields.iter().find(|field| field.id == reference).or_else(|| fields.iter().find(by_key));
    if exact.is_some() {
        return Ok(exact);
    }
    let alike = |field: &&CustomField| field.name.trim().to_lowercase() == reference.trim().to_lowercase();
    let alike: Vec<&CustomField> = fields.iter().filter(alike).collect();
    match alike.as_slice() {
        [] => Ok(None),
        [field] => Ok(Some(field)),
        several => {
            let known = several.iter().take(MOST_SHOWN);
            let known: Vec<String> =
                known.map(|field| format!("{} (id {})", shown(&field.field_key), shown(&field.id))).collect();
            Err(format!(
                "`{}` is the name of {} custom fields; write the key or id of one: {}",
                shown(reference),
                several.len(),
                known.join(", ")
            ))
        }
    }
}
