//! Which contacts are asked for.

use serde_json::{Value, json};
use std::fmt;

/// The `filters` of a search, with every custom field by its id.
#[derive(Clone, PartialEq, Default)]
pub struct ContactQuery(Vec<Value>);

impl ContactQuery {
    /// Every contact of the location.
    pub fn all() -> Self {
        Self::default()
    }

    /// The contacts that carry exactly this tag.
    pub fn tag(tag: &str) -> Self {
        Self(vec![json!({"field": "tags", "operator": "eq", "value": tag})])
    }

    pub(crate) fn of(conditions: Vec<Value>) -> Self {
        Self(conditions)
    }

    pub(crate) fn conditions(&self) -> &[Value] {
        &self.0
    }
}

/// The values may be personal data.
impl fmt::Debug for ContactQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactQuery").field("conditions", &self.0.len()).finish()
    }
}
