//! What the simulated location is like, and what the control API can change about it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Credentials, limits and facts of the simulated location.
#[derive(Debug, Clone)]
pub struct GhlSettings {
    /// The Private Integration Token.
    pub token: String,
    /// 20 characters.
    pub location_id: String,
    /// Shown by `GET /locations/{id}`.
    pub location_name: String,
    /// ISO 3166 alpha-2.
    pub location_country: String,
    /// IANA name.
    pub location_timezone: String,
    /// Requests per [`burst_window`](Self::burst_window).
    pub burst: u32,
    /// The sliding window of the burst limit.
    pub burst_window: Duration,
    /// Requests per day.
    pub daily: u32,
    /// How long a change stays invisible to search.
    pub search_lag: Duration,
    /// How long a page of a search is on its way, in real time.
    pub page_latency: Duration,
    /// Whether the location also has a custom field of every other data type, and one with the name of another. Nobody
    /// fills them.
    pub every_field_type: bool,
}

impl GhlSettings {
    /// The token of the sandbox.
    pub const TOKEN: &str = "pit-5a4d0b0c-0000-4000-8000-5a4db0c5a4db";
    /// The location of the sandbox.
    pub const LOCATION_ID: &str = "sAnDbOxLocation00001";
}

impl Default for GhlSettings {
    fn default() -> Self {
        Self {
            token: Self::TOKEN.to_owned(),
            location_id: Self::LOCATION_ID.to_owned(),
            location_name: "Example Records".to_owned(),
            location_country: "US".to_owned(),
            location_timezone: "America/Chicago".to_owned(),
            burst: 100,
            burst_window: Duration::from_secs(10),
            daily: 200_000,
            search_lag: Duration::ZERO,
            page_latency: Duration::ZERO,
            every_field_type: false,
        }
    }
}

/// `POST /control/ghl/state`. What is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GhlStatePatch {
    /// `false`: the token has been revoked.
    pub token_valid: Option<bool>,
    /// The token's scopes, such as `contacts.readonly`.
    pub scopes: Option<Vec<String>>,
    /// Requests left today.
    pub daily_remaining: Option<u32>,
    /// Requests per window.
    pub burst: Option<u32>,
    /// How long later changes stay invisible to search.
    pub search_lag_millis: Option<u64>,
    /// Changes to contacts, now or between two pages of a client.
    pub changes: Option<Vec<PlannedChange>>,
}

/// A change to the account's contacts. The expectations about people do not follow it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlannedChange {
    /// After this many further searches; 0 is now.
    pub after_searches: u32,
    /// Ids of contacts that disappear.
    pub delete: Vec<String>,
    /// Contacts that are added at this moment.
    pub insert: Vec<ContactPatch>,
    /// Contacts that change, by id.
    pub update: Vec<ContactPatch>,
}

/// A contact to add, or the parts of one that change.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct ContactPatch {
    /// Which contact; a new one may leave it out.
    pub id: Option<String>,
    /// A new one: GHL does not know when it was added.
    pub undated: bool,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// City.
    pub city: Option<String>,
    /// State.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// The whole list.
    pub tags: Option<Vec<String>>,
    /// Do not disturb.
    pub dnd: Option<bool>,
    /// The whole object, in the casing of the date versions.
    pub dnd_settings: Option<Map<String, Value>>,
    /// Lifetime value as JSON; null removes it.
    #[serde(deserialize_with = "present")]
    pub lifetime_value: Option<Value>,
}

/// Tells a null from an absent key.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
