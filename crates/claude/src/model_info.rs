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

/// When a model stopped or stops answering, as Anthropic announced it: the list of its Python SDK 2.11.0
/// (`anthropic.resources.messages.DEPRECATED_MODELS`), which repeats
/// <https://platform.claude.com/docs/en/about-claude/model-deprecations>.
pub(crate) fn announced_retirement(model: &str) -> Option<NaiveDate> {
    let (year, month, day) = match model {
        "claude-1.3"
        | "claude-1.3-100k"
        | "claude-instant-1.1"
        | "claude-instant-1.1-100k"
        | "claude-instant-1.2" => (2024, 11, 6),
        "claude-2.0" | "claude-2.1" | "claude-3-sonnet-20240229" => (2025, 7, 21),
        "claude-3-opus-20240229" => (2026, 1, 5),
        "claude-3-7-sonnet-latest"
        | "claude-3-7-sonnet-20250219"
        | "claude-3-5-haiku-latest"
        | "claude-3-5-haiku-20241022" => (2026, 2, 19),
        "claude-opus-4-0" | "claude-opus-4-20250514" | "claude-sonnet-4-0" | "claude-sonnet-4-20250514" => {
            (2026, 6, 15)
        }
        "claude-mythos-preview" => (2026, 6, 30),
        "claude-sonnet-4-5" | "claude-sonnet-4-5-20250929" => (2026, 11, 30),
        _ => return None,
    };
    NaiveDate::from_ymd_opt(year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{ModelInfo, announced_retirement};

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
    #[test]
    fn announced_dates_are_known_and_current_models_have_none() {
        let date = |model| announced_retirement(model).map(|day| day.to_string());
        assert_eq!(date("claude-sonnet-4-20250514").as_deref(), Some("2026-06-15"));
        assert_eq!(date("claude-sonnet-4-5").as_deref(), Some("2026-11-30"));
        assert_eq!(date("claude-3-opus-20240229").as_deref(), Some("2026-01-05"));
        assert_eq!(date(crate::DEFAULT_MODEL), None);
    }
}
