//! Saved filters: the conditions a person sees in GoHighLevel's smart lists, as `POST /contacts/search` takes them
//! (<https://marketplace.gohighlevel.com/docs/ghl/contacts/search-contacts-advanced>).
//!
//! A [`Filter`] that exists is well-formed: known fields, operators that fit them, values in bounds. Only whether its
//! custom fields exist is left to [`Filter::resolve`], because they differ from location to location.

mod condition;
mod field;
mod resolve;
mod vocabulary;

use condition::Condition;
use domain::foreign_text::presentable;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::fmt;
pub use vocabulary::{Entry, Question, custom_field, standard_fields};

/// Conditions that must all hold. Written and read as the JSON of the `filters` of `POST /contacts/search`, in which a
/// custom field may stand as `customFields.` with its id, key or name.
#[derive(Clone, PartialEq)]
pub struct Filter(Vec<Node>);

/// A condition, or conditions of which all or any must hold.
#[derive(Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Condition(Condition),
}

/// One thing that is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, such as `filters[1].filters[0].operator`.
    pub path: String,
    /// What, without the value, which may be personal data.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.message)
    }
}

/// What of a whole search body may be pasted along: it says how to page, not whom to find.
pub const PAGING_KEYS: [&str; 5] = ["locationId", "page", "pageLimit", "searchAfter", "sort"];

impl Filter {
    /// Reads conditions as a person pastes them: a list of conditions, one condition or group, or a whole search body.
    ///
    /// # Errors
    /// Every problem with its path.
    pub fn parse(json: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let nodes = match json {
            Value::Array(list) => nodes(list, "filters", &mut problems),
            Value::Object(map) if map.contains_key("field") || map.contains_key("group") => {
                node(json, "filters[0]", &mut problems).into_iter().collect()
            }
            Value::Object(body) => in_body(body, &mut problems),
            _ => {
                problems.add("filters", "must be a list of conditions");
                Vec::new()
            }
        };
        problems.none_or(Self(nodes))
    }

    /// Whether any condition asks for a custom field, so that [`Filter::resolve`] needs those of the location.
    pub fn names_custom_fields(&self) -> bool {
        self.0.iter().any(Node::names_custom_field)
    }

    /// The `filters` as they are saved.
    fn to_json(&self) -> Value {
        Value::Array(self.0.iter().map(Node::to_json).collect())
    }
}

/// The values may be personal data.
impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").finish_non_exhaustive()
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Value::deserialize(deserializer)?;
        Self::parse(&json).map_err(|problems| {
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            serde::de::Error::custom(all.join("; "))
        })
    }
}

impl Node {
    fn names_custom_field(&self) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(Self::names_custom_field),
            Self::Condition(condition) => condition.names_custom_field(),
        }
    }

    fn to_json(&self) -> Value {
        let group = |name: &str, nodes: &[Self]| json!({"group": name, "filters": nodes.iter().map(Self::to_json).collect::<Vec<_>>()});
        match self {
            Self::All(nodes) => group("AND", nodes),
            Self::Any(nodes) => group("OR", nodes),
            Self::Condition(condition) => condition.to_json(),
        }
    }
}

/// The problems found so far.
#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { path: path.into(), message: message.into() });
    }

    fn none_or<T>(self, good: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(good) } else { Err(self.0) }
    }
}

fn in_body(body: &Map<String, Value>, problems: &mut Problems) -> Vec<Node> {
    for (key, value) in body.iter().filter(|(key, _)| *key != "filters") {
        if key == "query" && value.as_str().is_none_or(|text| !text.trim().is_empty()) {
            problems.add("query", "can not be saved; express it as conditions");
        } else if key != "query" && !PAGING_KEYS.contains(&key.as_str()) {
            problems.add(shown(key), "is no key of a search");
        }
    }
    match body.get("filters") {
        Some(Value::Array(list)) => nodes(list, "filters", problems),
        _ => {
            problems.add("filters", "must be a list of conditions");
            Vec::new()
        }
    }
}

fn nodes(list: &[Value], path: &str, problems: &mut Problems) -> Vec<Node> {
    if list.is_empty() {
        problems.add(path, "must hold at least one condition; the list of all contacts needs no filter");
    }
    list.iter()
        .enumerate()
        .filter_map(|(at, value)| node(value, &format!("{path}[{at}]"), problems))
        .collect()
}

fn node(value: &Value, path: &str, problems: &mut Problems) -> Option<Node> {
    let Some(object) = value.as_object() else {
        problems.add(path, "must be an object with `field` and `operator`, or with `group` and `filters`");
        return None;
    };
    let Some(group) = object.get("group") else {
        return Condition::parse(object, path, problems).map(Node::Condition);
    };
    unknown_keys(object, &["group", "filters"], path, problems);
    let inner = match object.get("filters") {
        Some(Value::Array(list)) => nodes(list, &format!("{path}.filters"), problems),
        _ => {
            problems.add(format!("{path}.filters"), "must be a list of conditions");
            Vec::new()
        }
    };
    match group.as_str() {
        Some("AND") => Some(Node::All(inner)),
        Some("OR") => Some(Node::Any(inner)),
        _ => {
            problems.add(format!("{path}.group"), "must be \"AND\" or \"OR\"");
            None
        }
    }
}

fn unknown_keys(object: &Map<String, Value>, known: &[&str], path: &str, problems: &mut Problems) {
    for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
        problems.add(format!("{path}.{}", shown(key)), "is not known here");
    }
}

/// A name of the pasted text, safe to show.
fn shown(name: &str) -> String {
    presentable(name, &[])
}

#[cfg(test)]
mod tests;
