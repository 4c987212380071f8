//! How often each node and edge was called.

use std::collections::BTreeMap;

use serde::Serialize;

use super::call::Call;

/// Calls of one node or edge, by how they ended.
#[derive(Default, Serialize)]
pub(super) struct Count {
    pub answered: u64,
    /// With an error, planted or not.
    pub refused: u64,
}

/// By method and path with ids left out: `POST /{id}/users`, `GET /act_{id}/customaudiences`. The method is the one that
/// counts: a POST with `method=DELETE` is a DELETE.
#[derive(Default, Serialize)]
#[serde(transparent)]
pub(super) struct Calls(BTreeMap<String, Count>);

impl Calls {
    pub fn count(&mut self, call: &Call, answered: bool) {
        let mut name = call.verb.name().to_uppercase();
        name.push(' ');
        for segment in &call.path {
            name.push('/');
            let digits = segment.strip_prefix("act_").unwrap_or(segment);
            if digits.is_empty() || digits.bytes().any(|byte| !byte.is_ascii_digit()) {
                name.push_str(segment);
            } else {
                name.push_str(&segment[..segment.len() - digits.len()]);
                name.push_str("{id}");
            }
        }
        let count = self.0.entry(name).or_default();
        *if answered { &mut count.answered } else { &mut count.refused } += 1;
    }
}
