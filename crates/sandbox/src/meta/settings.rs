//! What a test can choose about the simulated account.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::payload::RowRules;

/// The state of the access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Good until `token_expires_at`.
    Valid,
    /// Code 190, subcode 463.
    Expired,
    /// The user removed the app: code 190, subcode 458.
    Revoked,
}

/// The ad account, its token and its limits. Each field is also a key of `POST /control/meta/state`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MetaSettings {
    /// The one token that is accepted.
    pub access_token: String,
    /// Digits, without `act_`.
    pub ad_account_id: String,
    /// Shown by `GET /act_…`.
    pub ad_account_name: String,
    /// 1 active, 2 disabled, 3 unsettled, … as Meta numbers them.
    pub account_status: u32,
    /// ISO 4217.
    pub currency: String,
    /// IANA name.
    pub timezone_name: String,
    /// The business portfolio that owns the account.
    pub business_id: String,
    /// Its name.
    pub business_name: String,
    /// The app the token belongs to.
    pub app_id: String,
    /// The app's secret; a proof made with another one is refused.
    pub app_secret: Option<String>,
    /// "Require App Secret" is switched on.
    pub require_app_secret_proof: bool,
    /// The token's state.
    pub token: TokenState,
    /// When it expires, on the sandbox's fast clock; never when absent.
    pub token_expires_at: Option<DateTime<Utc>>,
    /// After this many more calls the token expires (190/463); counts down, and sets `token` when it is through.
    pub token_expires_after_calls: Option<u64>,
    /// The same for a token that is revoked (190/458).
    pub token_revoked_after_calls: Option<u64>,
    /// Granted to the token. Writing needs `ads_management`; reading that or `ads_read`.
    pub permissions: Vec<String>,
    /// The audience terms: else code 200, subcode 1870090.
    pub audience_terms_accepted: bool,
    /// The terms of value-based audiences: else code 200, subcode 1870034. No field shows whether they were accepted.
    pub value_based_terms_accepted: bool,
    /// Sent as `X-Ad-Api-Version-Warning` to callers of v25.0.
    pub version_warning: Option<String>,
    /// Words that get an audience flagged (471) when its name or description contains one, in any casing.
    pub blocked_words: Vec<String>,
    /// How long the review takes that flags an audience.
    pub integrity_delay_seconds: u64,
    /// How long after a session's end its members are matched.
    pub matching_delay_seconds: u64,
    /// An audience whose first members are being matched is told as "below 1000" already, instead of with no size.
    pub sizes_while_matching: bool,
    /// How long a lookalike populates.
    pub lookalike_delay_seconds: u64,
    /// When false a session stays `uploading` with -1 matched for ever, as seen in the wild.
    pub reports_num_matched: bool,
    /// Samples are a list of the invalid rows as JSON texts, without reasons, instead of a map of row to reason. The guide
    /// has both: "JSON Array of String or Map".
    pub samples_as_list: bool,
    /// The map names an invalid row by what it holds, as JSON, instead of by its number. The documents tell neither.
    pub samples_hold_rows: bool,
    /// Rows that are added with one of these as their e-mail or phone cell are called invalid.
    pub refused_hashes: Vec<String>,
    /// Whether sending the last batch of a session again (its reply was lost) is refused like any batch after the last, or
    /// taken again like any batch sent twice. Meta's documents allow both readings.
    pub refuse_repeated_last_batch: bool,
    /// Meta replaces no value-based audience: code 2650 without a subcode. Its documents can be read either way.
    pub refuse_value_based_replace: bool,
    /// Whether an audience that was never filled (410) can be replaced. The guide wants status "Normal" (200) first.
    pub replaces_never_filled: bool,
    /// Rows from which on an audience can not be replaced (1870144).
    pub replace_size_limit: usize,
    /// The next batch of a replacement that has this `batch_seq` is taken by half, then the replacement breaks off
    /// (1870148, status 415). Happens once.
    pub replace_goes_wrong_at_batch: Option<i64>,
    /// The next replacement fails after its last batch was taken: the reply is as always, half of that batch is missing,
    /// and the status becomes 415. Happens once.
    pub replace_fails_at_its_end: bool,
    /// When false `usersofanyaudience` answers as always and does nothing, as in an account that no business owns.
    pub removes_from_any_audience: bool,
    /// Ids of audiences whose `/ads` edge is refused.
    pub ads_unreadable: Vec<String>,
    /// Whether `enable_fetch_or_create` finds an existing audience. Not documented for customer lists.
    pub fetch_or_create: bool,
    /// Customer lists per account.
    pub audience_limit: usize,
    /// Lookalikes per account.
    pub lookalike_limit: usize,
    /// How many calls to `/users` of a new audience fail with code 803.
    pub fresh_audience_refusals: u32,
    /// A removal that would leave fewer matched people is refused (200/1870047); 0 is off.
    pub removal_floor: u32,
    /// Calls per hour in the custom audience bucket: else 80003/2446079.
    pub calls_per_hour: u32,
    /// Score (read 1, write 3) per 300 s of the ad account: else 17/2446079.
    pub score_limit: u32,
    /// What others use up of both limits, in percent: 80 begins near the end.
    pub usage_percent: f64,
    /// Shown in the usage headers: `development_access` (since 2026 "Limited") or `standard_access` ("Full").
    pub access_tier: String,
}

impl Default for MetaSettings {
    fn default() -> Self {
        Self {
            access_token: "sandbox-meta-token".to_owned(),
            ad_account_id: "1234567890".to_owned(),
            ad_account_name: "Sandbox Ad Account".to_owned(),
            account_status: 1,
            currency: "USD".to_owned(),
            timezone_name: "America/New_York".to_owned(),
            business_id: "9876543210123456".to_owned(),
            business_name: "Sandbox Business".to_owned(),
            app_id: "1122334455667788".to_owned(),
            app_secret: None,
            require_app_secret_proof: false,
            token: TokenState::Valid,
            token_expires_at: None,
            token_expires_after_calls: None,
            token_revoked_after_calls: None,
            permissions: ["ads_management", "ads_read", "business_management"].map(str::to_owned).to_vec(),
            audience_terms_accepted: true,
            value_based_terms_accepted: true,
            version_warning: None,
            blocked_words: [
                "arthritis",
                "credit score",
                "debt",
                "diabetes",
                "disease",
                "high income",
                "income",
                "patient",
                "wealth",
            ]
            .map(str::to_owned)
            .to_vec(),
            integrity_delay_seconds: 15 * 60,
            matching_delay_seconds: 30 * 60,
            sizes_while_matching: false,
            lookalike_delay_seconds: 3 * 3600,
            reports_num_matched: true,
            samples_as_list: false,
            samples_hold_rows: false,
            refused_hashes: Vec::new(),
            refuse_repeated_last_batch: false,
            refuse_value_based_replace: false,
            replaces_never_filled: false,
            replace_size_limit: 100_000_000,
            replace_goes_wrong_at_batch: None,
            replace_fails_at_its_end: false,
            removes_from_any_audience: true,
            ads_unreadable: Vec::new(),
            fetch_or_create: true,
            audience_limit: 500,
            lookalike_limit: 500,
            fresh_audience_refusals: 0,
            removal_floor: 0,
            calls_per_hour: 190_000,
            score_limit: 9_000,
            usage_percent: 0.0,
            access_tier: "standard_access".to_owned(),
        }
    }
}

impl MetaSettings {
    /// Whether the token is past its time.
    pub(super) fn expired(&self, now: DateTime<Utc>) -> bool {
        self.token == TokenState::Expired || self.token_expires_at.is_some_and(|at| at <= now)
    }

    /// Counts a call against the token's remaining ones.
    pub(super) fn use_token(&mut self) {
        let counters = [
            (&mut self.token_expires_after_calls, TokenState::Expired),
            (&mut self.token_revoked_after_calls, TokenState::Revoked),
        ];
        for (remaining, end) in counters {
            match remaining {
                Some(0) => (*remaining, self.token) = (None, end),
                Some(calls) => *calls -= 1,
                None => {}
            }
        }
    }

    pub(super) fn row_rules(&self) -> RowRules {
        RowRules { refused: self.refused_hashes.iter().cloned().collect() }
    }

    pub(super) fn may(&self, permission: &str) -> bool {
        self.permissions.iter().any(|granted| granted == permission)
    }
}
