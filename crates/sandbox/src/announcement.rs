//! What leads a program to the simulators.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::people::KEY_LTV;

/// Where the simulators listen, all on 127.0.0.1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Base URL, without a slash at the end.
    pub ghl: String,
    /// Base URL, without a slash at the end.
    pub meta: String,
    /// Base URL, without a slash at the end.
    pub claude: String,
    /// Host of the mail receiver.
    pub smtp_host: String,
    /// Port of the mail receiver; no TLS.
    pub smtp_port: u16,
    /// Base URL of the control API, without a slash at the end.
    pub control: String,
}

/// What a client needs to call the simulators. All made up.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Private Integration Token.
    pub ghl_token: String,
    /// GHL location.
    pub ghl_location_id: String,
    /// Meta access token.
    pub meta_access_token: String,
    /// Digits, without `act_`.
    pub meta_ad_account_id: String,
    /// Anthropic API key.
    pub claude_key: String,
}

/// What a `sandbox` process tells whoever started it, as one line of JSON.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Where the simulators listen.
    pub addresses: Addresses,
    /// How the product calls them: its settings, with a list, a field, a sender and a recipient: by name of the variable. Scripts
    /// and measurements read them too.
    pub settings: BTreeMap<String, String>,
}

impl Announcement {
    pub(crate) fn new(addresses: Addresses, credentials: &Credentials) -> Self {
        let settings = [
            ("GHL_BASE_URL", addresses.ghl.as_str()),
            ("GHL_API_KEY", &credentials.ghl_token),
            ("GHL_LOCATION_ID", &credentials.ghl_location_id),
            ("GHL_SMART_LIST_ID", "all"),
            ("GHL_LTV_FIELD", KEY_LTV),
            ("META_GRAPH_URL", &addresses.meta),
            ("META_ACCESS_TOKEN", &credentials.meta_access_token),
            ("META_AD_ACCOUNT_ID", &credentials.meta_ad_account_id),
            ("META_POLL_SECONDS", "1"),
            ("CLAUDE_BASE_URL", &addresses.claude),
            ("CLAUDE_API_KEY", &credentials.claude_key),
            ("SMTP_HOST", &addresses.smtp_host),
            ("SMTP_PORT", &addresses.smtp_port.to_string()),
            ("SMTP_TLS", "none"),
            ("SMTP_FROM_EMAIL", "sync@example.com"),
            ("SMTP_TO_EMAIL", "marketing@example.com"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        Self { addresses, settings }
    }
}
