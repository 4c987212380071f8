//! What the Models API says of the configured model.

use chrono::NaiveDate;
use serde::Deserialize;

/// A reply of `GET /v1/models/{id}`. Older API versions leave fields out, so all but the id may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ModelInfo {
    /// The exact id.
    pub id: String,
    /// The name for people.
    pub display_name: Option<String>,
    /// `active`, `deprecated`, `retired`, or a word that is new.
    pub lifecycle: Option<String>,
    /// The day the model stops answering (UTC), when it is set.
    #[serde(default, rename = "retires_at", deserialize_with = "lenient_date")]
    pub retires_on: Option<NaiveDate>,
}

/// The API sends an RFC 3339 time; a text that does not begin with a date counts as missing rather than as an error.
fn lenient_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.get(..10)?.parse().ok()))
}

/// When a model of the past stopped or stops answering, as published by Anthropic (model deprecations page).
pub(crate) fn retirement(model: &str) -> Option<&'static str> {
    match model {
        "claude-sonnet-4-20250514" | "claude-sonnet-4-0" => Some("2026-06-15"),
        "claude-sonnet-4-5" | "claude-sonnet-4-5-20250929" => Some("2026-11-30"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::ModelInfo;

    #[test]
    fn missing_and_odd_fields_are_tolerated() {
        let info: ModelInfo =
            serde_json::from_str(r#"{"id":"m","retires_at":"2027-09-28T00:00:00Z","x":[1]}"#).unwrap();
        assert_eq!(info.retires_on.unwrap().to_string(), "2027-09-28");
        assert_eq!((info.display_name, info.lifecycle), (None, None));
        for odd in [r#"{"id":"m"}"#, r#"{"id":"m","retires_at":null}"#, r#"{"id":"m","retires_at":"soon"}"#] {
            assert_eq!(serde_json::from_str::<ModelInfo>(odd).unwrap().retires_on, None);
        }
    }
}
