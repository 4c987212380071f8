//! Reading the variables one by one and collecting what is wrong with them.

use super::{Claude, Environment, Ghl, GhlVersion, Meta, Normalizer, Problem, Problems, VARIABLES, Web};
use chrono_tz::Tz;
use domain::{Explain, Secret};
use http_client::BaseUrl;
use mailer::{MailError, Mailer, MailerSettings, Tls, Webhook};
use meta::{AdAccountId, ApiVersion};
use persistence::{DatabaseUrl, PostgresAddress, StoreError};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use sync::NotifyOn;
use sync::schedule::Cron;
use web::{WebError, WebSettings};

/// Daily at two.
pub(super) const DEFAULT_SCHEDULE: &str = "0 2 * * *";

/// The longest pause between two looks at an audience.
const LONGEST_POLL_PAUSE: Duration = Duration::from_secs(3600);
/// The longest wait for Meta's matching within a run, which must end within six hours.
const LONGEST_POLL: Duration = Duration::from_secs(4 * 3600);

/// Reads variables one by one and collects what is wrong with them.
pub(super) struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        let unreadable = VARIABLES.iter().filter(|name| environment.is_unreadable(name));
        let problems = unreadable
            .map(|name| Problem { variable: name, message: "is not readable text (UTF-8)".to_owned() });
        Self { environment, problems: problems.collect() }
    }

    /// The settings, or everything that is wrong with them.
    pub(super) fn finish<T>(self, settings: T) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(settings) } else { Err(Problems(self.problems)) }
    }

    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.environment.get(name).map(str::to_owned)
    }

    fn secret(&self, name: &'static str) -> Option<Secret> {
        self.environment.get(name).map(Secret::new)
    }

    pub(super) fn problem(&mut self, name: &'static str, message: String) {
        self.problems.push(Problem { variable: name, message });
    }

    /// The variable's value, or the default when it is unset. The text of a malformed value is not repeated: it may be
    /// a secret pasted into the wrong line.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        default: T,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        match self.environment.get(name) {
            None => default,
            Some(text) => parse(text).unwrap_or_else(|| {
                self.problem(name, format!("must be {expected}"));
                default
            }),
        }
    }

    pub(super) fn optional<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.parse(name, None, expected, |text| parse(text).map(Some))
    }

    pub(super) fn list(&self, name: &'static str, default: &str) -> Vec<String> {
        let text = self.environment.get(name).unwrap_or(default);
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn base_url(&mut self, name: &'static str, default: &str) -> BaseUrl {
        let text = self.environment.get(name).unwrap_or(default);
        match BaseUrl::parse(text) {
            Ok(url) => url,
            Err(error) => {
                self.problem(name, error.to_string());
                BaseUrl::parse(default).unwrap_or_else(|_| unreachable!("the defaults are https addresses"))
            }
        }
    }

    /// At most `most`, whatever is asked for: what an installation was told once must not keep a later version from starting.
    fn seconds(&mut self, name: &'static str, default: u64, most: Duration) -> Duration {
        let seconds = self.parse(name, default, "a number of seconds from 1 to 86400", |text| {
            text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds))
        });
        Duration::from_secs(seconds).min(most)
    }

    pub(super) fn ghl(&mut self) -> Ghl {
        let version = self.parse("GHL_API_VERSION", GhlVersion::V2, "v2 or v1", |text| match text {
            "v2" => Some(GhlVersion::V2),
            "v1" => Some(GhlVersion::V1),
            _ => None,
        });
        let own_url = match version {
            GhlVersion::V2 => ghl::DEFAULT_BASE_URL,
            GhlVersion::V1 => ghl::DEFAULT_V1_BASE_URL,
        };
        Ghl {
            version,
            base_url: self.base_url("GHL_BASE_URL", own_url),
            api_key: self.secret("GHL_API_KEY"),
            location_id: self.optional("GHL_LOCATION_ID", "a location id: letters and digits only", |text| {
                text.chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
                    .then(|| text.to_owned())
            }),
        }
    }

    pub(super) fn meta(&mut self) -> Meta {
        Meta {
            base_url: self.base_url("META_GRAPH_URL", "https://graph.facebook.com"),
            api_version: match ApiVersion::parse(self.environment.get("META_API_VERSION").unwrap_or("v25.0"))
            {
                Ok(version) => version,
                Err(error) => {
                    self.problem("META_API_VERSION", error.to_string());
                    ApiVersion::default()
                }
            },
            access_token: self.secret("META_ACCESS_TOKEN"),
            ad_account_id: self.optional(
                "META_AD_ACCOUNT_ID",
                "an ad account id such as act_123456789",
                |text| AdAccountId::parse(text).ok(),
            ),
            business_id: self.optional("META_BUSINESS_ID", "the digits of a business portfolio's id", digits),
            app_secret: self.secret("META_APP_SECRET"),
            poll_every: self.seconds("META_POLL_SECONDS", 15, LONGEST_POLL_PAUSE),
            poll_timeout: self.seconds("META_POLL_TIMEOUT_SECONDS", 600, LONGEST_POLL),
        }
    }

    pub(super) fn claude(&mut self) -> Claude {
        Claude {
            base_url: self.base_url("CLAUDE_BASE_URL", claude::DEFAULT_BASE_URL),
            api_key: self.secret("CLAUDE_API_KEY"),
            model: self.text("CLAUDE_MODEL").unwrap_or_else(|| claude::DEFAULT_MODEL.to_owned()),
            normalizer: self.parse("NORMALIZER", Normalizer::Claude, "claude or local", |text| match text {
                "claude" => Some(Normalizer::Claude),
                "local" => Some(Normalizer::Local),
                _ => None,
            }),
        }
    }

    pub(super) fn smtp(&mut self) -> Option<MailerSettings> {
        let tls =
            self.parse("SMTP_TLS", Tls::StartTls, "one of starttls, implicit, none", |text| match text {
                "starttls" => Some(Tls::StartTls),
                "implicit" => Some(Tls::Implicit),
                "none" => Some(Tls::None),
                _ => None,
            });
        let port = self.parse("SMTP_PORT", 587, "a port number from 1 to 65535", |text| {
            text.parse().ok().filter(|port| *port > 0)
        });
        let host = self.text("SMTP_HOST")?;
        let from = self.text("SMTP_FROM_EMAIL");
        let to = self.list("SMTP_TO_EMAIL", "");
        if from.is_none() {
            self.problem("SMTP_FROM_EMAIL", "must be set when SMTP_HOST is".to_owned());
        }
        if to.is_empty() {
            self.problem("SMTP_TO_EMAIL", "must be set when SMTP_HOST is".to_owned());
        }
        let complete = from.is_some() && !to.is_empty();
        let settings = MailerSettings {
            host,
            port,
            username: self.text("SMTP_USERNAME"),
            password: self.secret("SMTP_PASSWORD"),
            from: from.unwrap_or_default(),
            to,
            tls,
            timeout: Duration::from_secs(30),
        };
        if complete && let Err(MailError::Setting { variable, problem }) = Mailer::new(settings.clone()) {
            self.problem(variable, problem);
        }
        Some(settings)
    }

    pub(super) fn web(&mut self) -> Web {
        let port = self.parse("WEB_PORT", 9876_u16, "a port number from 1 to 65535", |text| {
            text.parse().ok().filter(|port| *port > 0)
        });
        let web = Web {
            bind: self.parse("WEB_BIND", IpAddr::V4(Ipv4Addr::LOCALHOST), "an IP address", |text| {
                text.parse().ok()
            }),
            port,
            public_url: self.optional("PUBLIC_URL", "an address such as http://tower.local:9876", |text| {
                let is_web = text.starts_with("http://") || text.starts_with("https://");
                is_web.then(|| text.trim_end_matches('/').to_owned())
            }),
            allowed_hosts: self.list("ALLOWED_HOSTS", ""),
            password: self.secret("WEB_PASSWORD"),
        };
        let checked = WebSettings::check(web.public_url.as_deref(), &web.allowed_hosts);
        if let Err(WebError::Setting { variable, problem }) = checked {
            self.problem(variable, problem);
        }
        web
    }

    pub(super) fn log_level(&mut self) -> log::LevelFilter {
        self.parse("LOG_LEVEL", log::LevelFilter::Info, "one of ERROR, WARNING, INFO, DEBUG", log_level)
    }

    pub(super) fn time_zone(&mut self) -> Tz {
        self.parse("TZ", Tz::UTC, "a time zone such as Europe/Berlin", |text| text.parse().ok())
    }

    pub(super) fn instance_name(&mut self) -> Option<String> {
        self.optional("INSTANCE_NAME", "at most 60 characters without line breaks", short_line)
    }

    pub(super) fn currency(&mut self) -> Option<String> {
        self.optional("LTV_CURRENCY", "a three-letter currency code such as USD", |text| {
            let is_code = text.len() == 3 && text.chars().all(|c| c.is_ascii_alphabetic());
            is_code.then(|| text.to_ascii_uppercase())
        })
    }

    pub(super) fn schedule(&mut self) -> Cron {
        match Cron::parse(self.environment.get("SYNC_SCHEDULE_CRON").unwrap_or(DEFAULT_SCHEDULE)) {
            Ok(cron) => cron,
            Err(error) => {
                self.problem("SYNC_SCHEDULE_CRON", error.to_string());
                Cron::default()
            }
        }
    }

    pub(super) fn notify_on(&mut self) -> NotifyOn {
        self.parse("NOTIFY_ON", NotifyOn::Always, "one of always, failure, change", |text| match text {
            "always" => Some(NotifyOn::Always),
            "failure" => Some(NotifyOn::Failure),
            "change" => Some(NotifyOn::Change),
            _ => None,
        })
    }

    pub(super) fn retention_days(&mut self) -> u32 {
        self.parse("RETENTION_DAYS", 30, "a number from 1 to 3650", |text| {
            text.parse().ok().filter(|days| (1..=3650).contains(days))
        })
    }

    pub(super) fn webhook(&mut self) -> Option<Arc<Webhook>> {
        let address = self.secret("NOTIFY_WEBHOOK_URL")?;
        match Webhook::new(&address) {
            Ok(webhook) => Some(Arc::new(webhook)),
            Err(error) => {
                self.problem("NOTIFY_WEBHOOK_URL", format!("can not be used: {error}"));
                None
            }
        }
    }

    /// SQLite below the data folder unless a PostgreSQL is named.
    pub(super) fn database(&mut self, data_dir: &std::path::Path) -> DatabaseUrl {
        let embedded = DatabaseUrl::Sqlite(data_dir.join("ghl-meta-sync.sqlite3"));
        if let Some(url) = self.environment.get("DATABASE_URL") {
            match url.parse() {
                Ok(url) => return url,
                Err(error) => {
                    let error: StoreError = error;
                    self.problem("DATABASE_URL", format!("can not be used. {}", error.explain().message));
                    return embedded;
                }
            }
        }
        let Some(host) = self.text("POSTGRES_HOST") else { return embedded };
        let port = self.parse("POSTGRES_PORT", 5432_u16, "a port number from 1 to 65535", |text| {
            text.parse().ok().filter(|port| *port > 0)
        });
        let name = self.text("POSTGRES_DB").unwrap_or_else(|| "ghl_meta_sync".to_owned());
        let Some(user) = self.text("POSTGRES_USER") else {
            self.problem("POSTGRES_USER", "must be set when POSTGRES_HOST is".to_owned());
            return embedded;
        };
        let password = self.secret("POSTGRES_PASSWORD");
        DatabaseUrl::Postgres(PostgresAddress::new(&host, port, &name, &user, password.as_ref()))
    }
}

fn log_level(text: &str) -> Option<log::LevelFilter> {
    match text.to_ascii_uppercase().as_str() {
        "CRITICAL" | "FATAL" | "ERROR" => Some(log::LevelFilter::Error),
        "WARNING" | "WARN" => Some(log::LevelFilter::Warn),
        "INFO" => Some(log::LevelFilter::Info),
        "DEBUG" => Some(log::LevelFilter::Debug),
        "TRACE" | "NOTSET" => Some(log::LevelFilter::Trace),
        _ => None,
    }
}

/// An id of Meta: digits, of which some are longer than any number of ours.
pub(super) fn digits(text: &str) -> Option<String> {
    let is_id = text.len() <= 25 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_id.then(|| text.to_owned())
}

pub(super) fn short_line(text: &str) -> Option<String> {
    let plain = text.chars().count() <= 60 && !text.chars().any(char::is_control);
    plain.then(|| text.to_owned())
}
