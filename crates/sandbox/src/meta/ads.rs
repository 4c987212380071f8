//! Fake ads, and the edge that lists those of an audience.

use serde_json::{Map, Value, json};

use super::errors::GraphError;
use super::{Account, fields};

/// A fake ad that uses (or excludes) an audience.
pub(super) struct Ad {
    pub id: u64,
    pub audience: u64,
    pub name: String,
    pub effective_status: String,
    pub excluded: bool,
    /// How often adding or removing members sent its ad set back to learning.
    pub learning_phase_resets: u32,
    /// Its audience was deleted; it can never be started again.
    pub stopped: bool,
}

impl Ad {
    /// For the control API.
    pub fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "audience_id": self.audience.to_string(),
            "name": self.name,
            "effective_status": self.effective_status,
            "excluded": self.excluded,
            "learning_phase_resets": self.learning_phase_resets,
            "stopped": self.stopped,
        })
    }

    /// What the deletion of its audience does to it.
    pub fn stop(&mut self) {
        self.stopped = true;
        "WITH_ISSUES".clone_into(&mut self.effective_status);
    }
}

/// `GET /{audience}/ads`: what would stop for ever if the audience were deleted.
///
/// # Errors
/// 100 for an unknown field, 200 where the setting says that it can not be read.
pub(super) fn of_audience(
    account: &Account,
    audience: u64,
    wanted: Option<&str>,
) -> Result<Value, GraphError> {
    if account.settings.ads_unreadable.iter().any(|id| *id == audience.to_string()) {
        let message = "You do not have sufficient permission to see the ads that use this audience.";
        return Err(GraphError::new(200, "Permission error", message));
    }
    let mut data = Vec::new();
    for ad in account.ads.iter().filter(|ad| ad.audience == audience) {
        let mut node = Map::new();
        for field in fields::names(wanted) {
            let value = match field {
                "id" => continue,
                "name" => json!(ad.name),
                "status" | "effective_status" => json!(ad.effective_status),
                _ => return Err(fields::nonexisting(field, "Ad")),
            };
            node.insert(field.to_owned(), value);
        }
        node.insert("id".to_owned(), json!(ad.id.to_string()));
        data.push(Value::Object(node));
    }
    Ok(json!({"data": data}))
}
