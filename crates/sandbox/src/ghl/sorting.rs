//! Order and cursors of search results.

use std::cmp::Ordering;

use serde_json::{Value, json};

use crate::people::Contact;

const FIELDS: [&str; 8] = [
    "firstNameLowerCase",
    "lastNameLowerCase",
    "businessName",
    "dateAdded",
    "dateUpdated",
    "email",
    "dnd",
    "source",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sort {
    field: String,
    descending: bool,
}

/// At most two sorts; none means the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sorting(Vec<Sort>);

/// How contacts are ordered.
pub(super) enum Order<'a> {
    /// As they were added, which is the order they are kept in.
    Added {
        /// Newest first.
        descending: bool,
    },
    /// By values.
    Values(&'a [Sort]),
}

impl Sorting {
    pub(super) fn parse(list: &[Value], problems: &mut Vec<String>) -> Self {
        if list.len() > 2 {
            problems.push("sort must contain no more than 2 elements".to_owned());
        }
        let mut sorts = Vec::new();
        for (at, sort) in list.iter().enumerate() {
            let field = sort["field"].as_str().filter(|field| FIELDS.contains(field));
            let descending = match sort["direction"].as_str() {
                Some("asc") => Some(false),
                Some("desc") => Some(true),
                _ => None,
            };
            match (field, descending) {
                (Some(field), Some(descending)) => sorts.push(Sort { field: field.to_owned(), descending }),
                (None, _) => problems.push(format!(
                    "sort.{at}.field must be one of the following values: {}",
                    FIELDS.join(", ")
                )),
                (_, None) => problems
                    .push(format!("sort.{at}.direction must be one of the following values: asc, desc")),
            }
        }
        Self(sorts)
    }

    pub(super) fn order(&self) -> Order<'_> {
        match self.0.as_slice() {
            [] => Order::Added { descending: true },
            [Sort { field, descending }] if field == "dateAdded" => Order::Added { descending: *descending },
            sorts => Order::Values(sorts),
        }
    }

    /// A cursor holds one value per sort, then the id.
    pub(super) fn cursor_fits(&self, cursor: &[Value]) -> bool {
        cursor.len() == self.0.len().max(1) + 1 && cursor.last().is_some_and(Value::is_string)
    }

    /// The cursor of a contact.
    pub(super) fn cursor_of(&self, contact: &Contact) -> Value {
        let mut cursor: Vec<Value> = if self.0.is_empty() {
            vec![json!(contact.date_added)]
        } else {
            self.0.iter().map(|sort| value_of(contact, &sort.field)).collect()
        };
        cursor.push(json!(contact.id));
        Value::Array(cursor)
    }
}

fn value_of(contact: &Contact, field: &str) -> Value {
    match field {
        "firstNameLowerCase" => json!(contact.first_name.to_lowercase()),
        "lastNameLowerCase" => json!(contact.last_name.to_lowercase()),
        "dateAdded" => json!(contact.date_added),
        "dateUpdated" => json!(contact.date_updated),
        "email" => json!(contact.email.to_lowercase()),
        "dnd" => json!(contact.dnd),
        "source" => json!(contact.source),
        _ => json!(""), // nobody has a business name
    }
}

/// Compares two cursors of the same sorts; equal values are decided by the id.
pub(super) fn compare(sorts: &[Sort], a: &[Value], b: &[Value]) -> Ordering {
    let directions = sorts.iter().map(|sort| sort.descending).chain([false]);
    for ((a, b), descending) in a.iter().zip(b).zip(directions) {
        let ordering = match (a, b) {
            (Value::Number(a), Value::Number(b)) => a.as_i64().cmp(&b.as_i64()),
            (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
            (a, b) => a.as_str().cmp(&b.as_str()),
        };
        if ordering != Ordering::Equal {
            return if descending { ordering.reverse() } else { ordering };
        }
    }
    Ordering::Equal
}
