//! The settings: the only place that reads the environment. Everything is checked at once, and all problems are told
//! together, each with the variable's name.

mod environment;
mod reader;
mod saved;
mod sync;

pub use environment::{Environment, Problem, Problems};
pub use saved::{saved_settings, storable};

use ::sync::schedule::Cron;
use ::sync::{AudienceMode, LtvSource, NotifyOn, OptOutRule, ValueMode};
use chrono_tz::Tz;
use domain::ltv::DecimalMark;
use domain::{Cents, ListSelection, Secret};
use http_client::BaseUrl;
use mailer::{MailerSettings, Webhook};
use meta::{AdAccountId, ApiVersion};
use persistence::DatabaseUrl;
use reader::Reader;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Every variable this program reads.
pub const VARIABLES: &[&str] = &[
    "GHL_API_KEY",
    "GHL_LOCATION_ID",
    "GHL_BASE_URL",
    "GHL_API_VERSION",
    "GHL_SMART_LIST_ID",
    "GHL_LTV_FIELD",
    "META_ACCESS_TOKEN",
    "META_AD_ACCOUNT_ID",
    "META_BUSINESS_ID",
    "META_GRAPH_URL",
    "META_API_VERSION",
    "META_APP_SECRET",
    "META_POLL_SECONDS",
    "META_POLL_TIMEOUT_SECONDS",
    "META_LIMITED_DATA_USE",
    "CLAUDE_API_KEY",
    "CLAUDE_BASE_URL",
    "CLAUDE_MODEL",
    "NORMALIZER",
    "RESPECT_OPT_OUT",
    "LTV_SOURCE",
    "LTV_PIPELINES",
    "LTV_LOCALE",
    "LTV_CURRENCY",
    "LTV_MIN",
    "AUDIENCE_MODE",
    "AUDIENCE_PREFIX",
    "AUDIENCE_KEEP",
    "STABLE_AUDIENCE_ID",
    "LOOKALIKE_COUNTRIES",
    "LOOKALIKE_RATIOS",
    "VALUE_MODE",
    "INSTANCE_NAME",
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_DB",
    "POSTGRES_USER",
    "POSTGRES_PASSWORD",
    "DATABASE_URL",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USERNAME",
    "SMTP_PASSWORD",
    "SMTP_FROM_EMAIL",
    "SMTP_TO_EMAIL",
    "SMTP_TLS",
    "NOTIFY_ON",
    "NOTIFY_WEBHOOK_URL",
    "SYNC_SCHEDULE_CRON",
    "TZ",
    "RETENTION_DAYS",
    "DATA_DIR",
    "LOG_DIR",
    "LOG_LEVEL",
    "WEB_PORT",
    "WEB_BIND",
    "WEB_PASSWORD",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
];

/// Who ranks the lifetime values (`NORMALIZER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalizer {
    /// Claude, verified.
    Claude,
    /// Exact ranks computed here.
    Local,
}

/// GoHighLevel's API (`GHL_API_VERSION`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GhlVersion {
    /// API 2.0.
    V2,
    /// API v1, for servers that offer it.
    V1,
}

/// GoHighLevel.
#[derive(Debug, Clone)]
pub struct Ghl {
    pub version: GhlVersion,
    pub base_url: BaseUrl,
    pub api_key: Option<Secret>,
    pub location_id: Option<String>,
}

/// Meta.
#[derive(Debug, Clone)]
pub struct Meta {
    pub base_url: BaseUrl,
    pub api_version: ApiVersion,
    pub access_token: Option<Secret>,
    pub ad_account_id: Option<AdAccountId>,
    pub business_id: Option<String>,
    pub app_secret: Option<Secret>,
    pub poll_every: Duration,
    pub poll_timeout: Duration,
}

/// Claude.
#[derive(Debug, Clone)]
pub struct Claude {
    pub base_url: BaseUrl,
    pub api_key: Option<Secret>,
    pub model: String,
    pub normalizer: Normalizer,
}

/// What is synced and how, until the settings page says otherwise.
#[derive(Debug, Clone)]
pub struct Sync {
    pub list: Option<ListSelection>,
    pub field: Option<String>,
    pub respect_opt_out: OptOutRule,
    pub ltv_source: LtvSource,
    pub decimal_mark: DecimalMark,
    pub ltv_min: Option<Cents>,
    pub audience_mode: AudienceMode,
    pub existing_audience: Option<String>,
    pub audience_prefix: String,
    pub audience_keep: u32,
    pub value_mode: ValueMode,
    pub limited_data_use: bool,
    pub lookalike_countries: Vec<String>,
    pub lookalike_percents: Vec<u8>,
}

/// The dashboard.
#[derive(Debug, Clone)]
pub struct Web {
    pub bind: IpAddr,
    pub port: u16,
    pub public_url: Option<String>,
    pub allowed_hosts: Vec<String>,
    pub password: Option<Secret>,
}

/// Everything the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    pub ghl: Ghl,
    pub meta: Meta,
    pub claude: Claude,
    pub sync: Sync,
    pub smtp: Option<MailerSettings>,
    /// Whoever posts to `NOTIFY_WEBHOOK_URL`.
    pub webhook: Option<Arc<Webhook>>,
    pub web: Web,
    pub database: DatabaseUrl,
    pub data_dir: PathBuf,
    pub log_dir: PathBuf,
    pub log_level: log::LevelFilter,
    pub time_zone: Tz,
    pub instance_name: Option<String>,
    pub currency: Option<String>,
    pub schedule: Cron,
    pub notify_on: NotifyOn,
    pub retention_days: u32,
}

impl Settings {
    /// Reads and checks every variable. Vendor keys may be missing here; see [`Self::missing_keys`].
    ///
    /// # Errors
    /// All malformed values together.
    pub fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut from = Reader::new(environment);
        let data_dir = PathBuf::from(from.text("DATA_DIR").unwrap_or_else(|| "./data".to_owned()));
        let settings = Self {
            ghl: from.ghl(),
            meta: from.meta(),
            claude: from.claude(),
            sync: from.sync(),
            smtp: from.smtp(),
            webhook: from.webhook(),
            web: from.web(),
            database: from.database(&data_dir),
            data_dir,
            log_dir: PathBuf::from(from.text("LOG_DIR").unwrap_or_else(|| "./logs".to_owned())),
            log_level: from.log_level(),
            time_zone: from.time_zone(),
            instance_name: from.instance_name(),
            currency: from.currency(),
            schedule: from.schedule(),
            notify_on: from.notify_on(),
            retention_days: from.retention_days(),
        };
        from.finish(settings)
    }

    /// Variables without which no sync can run, as far as they are not set.
    pub fn missing_keys(&self) -> Vec<&'static str> {
        let claude_wanted = self.claude.normalizer == Normalizer::Claude;
        [
            ("GHL_API_KEY", self.ghl.api_key.is_none()),
            ("GHL_LOCATION_ID", self.ghl.location_id.is_none()),
            ("META_ACCESS_TOKEN", self.meta.access_token.is_none()),
            ("META_AD_ACCOUNT_ID", self.meta.ad_account_id.is_none()),
            ("CLAUDE_API_KEY", self.claude.api_key.is_none() && claude_wanted),
        ]
        .into_iter()
        .filter(|(_, missing)| *missing)
        .map(|(name, _)| name)
        .collect()
    }
}

#[cfg(test)]
mod tests;
