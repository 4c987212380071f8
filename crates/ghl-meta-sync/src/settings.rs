//! The settings: the only place that reads the environment. Everything is checked at once, and all problems are told
//! together, each with the variable's name.

mod environment;

pub use environment::{Environment, Problem, Problems};

use chrono_tz::Tz;
use domain::ltv::DecimalMark;
use domain::{Cents, ListSelection, Secret};
use http_client::BaseUrl;
use mailer::{MailerSettings, Tls};
use meta::{AdAccountId, ApiVersion};
use persistence::{DatabaseUrl, PostgresAddress};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;
use sync::OptOutRule;

/// Who ranks the lifetime values (`NORMALIZER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalizer {
    /// Claude, verified.
    Claude,
    /// Exact ranks computed here.
    Local,
}

/// GoHighLevel.
#[derive(Debug, Clone)]
pub struct Ghl {
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
    pub decimal_mark: DecimalMark,
    pub ltv_min: Option<Cents>,
    pub audience_prefix: String,
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
}

/// Everything the environment says.
#[derive(Debug, Clone)]
pub struct Settings {
    pub ghl: Ghl,
    pub meta: Meta,
    pub claude: Claude,
    pub sync: Sync,
    pub smtp: Option<MailerSettings>,
    pub web: Web,
    pub database: DatabaseUrl,
    pub data_dir: PathBuf,
    pub log_dir: PathBuf,
    pub log_level: log::LevelFilter,
    pub time_zone: Tz,
    pub instance_name: Option<String>,
    pub currency: Option<String>,
}

impl Settings {
    /// Reads and checks every variable. Vendor keys may be missing here; see [`Self::missing_keys`].
    ///
    /// # Errors
    /// All malformed values together.
    pub fn read(environment: &Environment) -> Result<Self, Problems> {
        let mut from = Reader { environment, problems: Vec::new() };
        let data_dir = PathBuf::from(from.text("DATA_DIR").unwrap_or_else(|| "./data".to_owned()));
        let port = from.parse("WEB_PORT", 9876_u16, "a port number from 1 to 65535", |text| {
            text.parse().ok().filter(|port| *port > 0)
        });
        let settings = Self {
            ghl: from.ghl(),
            meta: from.meta(),
            claude: from.claude(),
            sync: from.sync(),
            smtp: from.smtp(),
            web: from.web(port),
            database: from.database(&data_dir),
            data_dir,
            log_dir: PathBuf::from(from.text("LOG_DIR").unwrap_or_else(|| "./logs".to_owned())),
            log_level: from.parse(
                "LOG_LEVEL",
                log::LevelFilter::Info,
                "one of ERROR, WARNING, INFO, DEBUG",
                log_level,
            ),
            time_zone: from
                .parse("TZ", Tz::UTC, "a time zone such as Europe/Berlin", |text| text.parse().ok()),
            instance_name: from.text("INSTANCE_NAME"),
            currency: from.text("LTV_CURRENCY"),
        };
        if from.problems.is_empty() { Ok(settings) } else { Err(Problems(from.problems)) }
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

/// Reads variables one by one and collects what is wrong with them.
struct Reader<'a> {
    environment: &'a Environment,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn text(&self, name: &'static str) -> Option<String> {
        self.environment.get(name).map(str::to_owned)
    }

    fn secret(&self, name: &'static str) -> Option<Secret> {
        self.environment.get(name).map(Secret::new)
    }

    fn problem(&mut self, name: &'static str, message: String) {
        self.problems.push(Problem { variable: name, message });
    }

    /// The variable's value, or the default when it is unset. The text of a malformed value is not repeated: it may be
    /// a secret pasted into the wrong line.
    fn parse<T>(
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

    fn optional<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        self.parse(name, None, expected, |text| parse(text).map(Some))
    }

    fn list(&self, name: &'static str, default: &str) -> Vec<String> {
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

    fn seconds(&mut self, name: &'static str, default: u64) -> Duration {
        let seconds = self.parse(name, default, "a number of seconds from 1 to 86400", |text| {
            text.parse().ok().filter(|seconds| (1..=86_400).contains(seconds))
        });
        Duration::from_secs(seconds)
    }

    fn ghl(&mut self) -> Ghl {
        self.parse("GHL_API_VERSION", (), "v2 (v1 is not supported by this version)", |text| {
            (text == "v2").then_some(())
        });
        Ghl {
            base_url: self.base_url("GHL_BASE_URL", "https://services.leadconnectorhq.com"),
            api_key: self.secret("GHL_API_KEY"),
            location_id: self.optional("GHL_LOCATION_ID", "a location id: letters and digits only", |text| {
                text.chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
                    .then(|| text.to_owned())
            }),
        }
    }

    fn meta(&mut self) -> Meta {
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
            app_secret: self.secret("META_APP_SECRET"),
            poll_every: self.seconds("META_POLL_SECONDS", 15),
            poll_timeout: self.seconds("META_POLL_TIMEOUT_SECONDS", 600),
        }
    }

    fn claude(&mut self) -> Claude {
        Claude {
            base_url: self.base_url("CLAUDE_BASE_URL", "https://api.anthropic.com"),
            api_key: self.secret("CLAUDE_API_KEY"),
            model: self.text("CLAUDE_MODEL").unwrap_or_else(|| "claude-sonnet-5-5".to_owned()),
            normalizer: self.parse("NORMALIZER", Normalizer::Claude, "claude or local", |text| match text {
                "claude" => Some(Normalizer::Claude),
                "local" => Some(Normalizer::Local),
                _ => None,
            }),
        }
    }

    fn sync(&mut self) -> Sync {
        Sync {
            list: self.optional("GHL_SMART_LIST_ID", "`all` or `tag:<tag>`", |text| text.parse().ok()),
            field: self.text("GHL_LTV_FIELD"),
            respect_opt_out: self.parse(
                "RESPECT_OPT_OUT",
                OptOutRule::All,
                "one of all, email_and_sms, off",
                |text| match text {
                    "all" => Some(OptOutRule::All),
                    "email_and_sms" => Some(OptOutRule::EmailAndSms),
                    "off" => Some(OptOutRule::Off),
                    _ => None,
                },
            ),
            decimal_mark: self.parse(
                "LTV_LOCALE",
                DecimalMark::Point,
                "a language such as en or de",
                DecimalMark::of_locale,
            ),
            ltv_min: self.optional("LTV_MIN", "an amount such as 10 or 10.50", amount),
            audience_prefix: self.parse(
                "AUDIENCE_PREFIX",
                "GHL-HighValue".to_owned(),
                "1 to 60 characters without line breaks",
                |text| {
                    let plain = text.chars().count() <= 60 && !text.chars().any(char::is_control);
                    plain.then(|| text.to_owned())
                },
            ),
            lookalike_countries: self.countries(),
            lookalike_percents: self.percents(),
        }
    }

    fn countries(&mut self) -> Vec<String> {
        let countries: Vec<String> = self
            .list("LOOKALIKE_COUNTRIES", "US")
            .iter()
            .map(|country| country.to_ascii_uppercase())
            .collect();
        let is_code =
            |country: &String| country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase());
        if countries.is_empty() || !countries.iter().all(is_code) {
            self.problem(
                "LOOKALIKE_COUNTRIES",
                "must be two-letter country codes such as US or US,CA".to_owned(),
            );
        }
        countries
    }

    fn percents(&mut self) -> Vec<u8> {
        let ratios = self.list("LOOKALIKE_RATIOS", "0.01");
        let percents: Option<Vec<u8>> = ratios.iter().map(|ratio| percent(ratio)).collect();
        match percents {
            Some(percents) if !percents.is_empty() => percents,
            _ => {
                self.problem(
                    "LOOKALIKE_RATIOS",
                    "must be ratios from 0.01 to 0.20 in steps of 0.01".to_owned(),
                );
                Vec::new()
            }
        }
    }

    fn smtp(&mut self) -> Option<MailerSettings> {
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
        Some(MailerSettings {
            host,
            port,
            username: self.text("SMTP_USERNAME"),
            password: self.secret("SMTP_PASSWORD"),
            from: from.unwrap_or_default(),
            to,
            tls,
            timeout: Duration::from_secs(30),
        })
    }

    fn web(&mut self, port: u16) -> Web {
        Web {
            bind: self.parse("WEB_BIND", IpAddr::V4(Ipv4Addr::LOCALHOST), "an IP address", |text| {
                text.parse().ok()
            }),
            port,
            public_url: self.optional("PUBLIC_URL", "an address such as http://tower.local:9876", |text| {
                let is_web = text.starts_with("http://") || text.starts_with("https://");
                is_web.then(|| text.trim_end_matches('/').to_owned())
            }),
            allowed_hosts: self.list("ALLOWED_HOSTS", ""),
        }
    }

    /// SQLite below the data folder unless a PostgreSQL is named.
    fn database(&mut self, data_dir: &std::path::Path) -> DatabaseUrl {
        let embedded = DatabaseUrl::Sqlite(data_dir.join("ghl-meta-sync.sqlite3"));
        if self.environment.get("DATABASE_URL").is_some() {
            return self.parse(
                "DATABASE_URL",
                embedded,
                "postgres://user:password@host:port/database or sqlite:path",
                |text| text.parse().ok(),
            );
        }
        let Some(host) = self.text("POSTGRES_HOST") else { return embedded };
        let port =
            self.parse("POSTGRES_PORT", 5432_u16, "a port number from 1 to 65535", |text| text.parse().ok());
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

fn amount(text: &str) -> Option<Cents> {
    match domain::ltv::read_ltv(&domain::RawLtv::Text(text.to_owned()), DecimalMark::Point) {
        domain::ltv::LtvReading::Value { amount, .. } => Some(amount),
        _ => None,
    }
}

/// `0.01` … `0.20` as whole percent, read as text so that no float rounds.
fn percent(ratio: &str) -> Option<u8> {
    let digits = ratio.strip_prefix("0.").or_else(|| ratio.strip_prefix('.'))?;
    let padded = format!("{digits:0<2}");
    let (hundredths, rest) = padded.split_at_checked(2)?;
    let percent: u8 = hundredths.parse().ok()?;
    (rest.chars().all(|c| c == '0') && (1..=20).contains(&percent)).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::{Environment, Normalizer, Settings, percent};
    use domain::ListSelection;
    use domain::ltv::DecimalMark;
    use std::time::Duration;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        Settings::read(&Environment::of(pairs))
            .map_err(|problems| problems.0.iter().map(|problem| problem.variable.to_owned()).collect())
    }

    #[test]
    fn an_empty_environment_has_the_documented_defaults() {
        for empty in [&[][..], &[("GHL_API_KEY", ""), ("WEB_PORT", "  ")]] {
            let settings = read(empty).unwrap();
            assert_eq!(settings.web.port, 9876);
            assert_eq!(settings.web.bind.to_string(), "127.0.0.1");
            assert_eq!(settings.ghl.base_url.to_string(), "https://services.leadconnectorhq.com");
            assert_eq!(settings.meta.api_version.to_string(), "v25.0");
            assert_eq!(settings.meta.poll_timeout, Duration::from_secs(600));
            assert_eq!(
                (settings.claude.model.as_str(), settings.claude.normalizer),
                ("claude-sonnet-5-5", Normalizer::Claude)
            );
            assert_eq!(settings.sync.audience_prefix, "GHL-HighValue");
            assert_eq!(
                (settings.sync.lookalike_countries, settings.sync.lookalike_percents),
                (vec!["US".to_owned()], vec![1])
            );
            assert_eq!(settings.database.to_string(), "sqlite:./data/ghl-meta-sync.sqlite3");
            assert!(settings.smtp.is_none());
        }
    }

    #[test]
    fn every_malformed_value_is_told_at_once_and_by_name() {
        let problems = read(&[
            ("WEB_PORT", "0"),
            ("WEB_BIND", "everywhere"),
            ("GHL_API_VERSION", "v3"),
            ("GHL_LOCATION_ID", "a/b"),
            ("GHL_BASE_URL", "http://services.example.com"),
            ("GHL_SMART_LIST_ID", "vip"),
            ("META_AD_ACCOUNT_ID", "act_x"),
            ("META_API_VERSION", "21"),
            ("META_POLL_SECONDS", "0"),
            ("NORMALIZER", "gpt"),
            ("RESPECT_OPT_OUT", "yes"),
            ("LTV_LOCALE", "klingon"),
            ("LTV_MIN", "many"),
            ("LOOKALIKE_COUNTRIES", "USA"),
            ("LOOKALIKE_RATIOS", "0.21"),
            ("SMTP_HOST", "mail.example.com"),
            ("SMTP_PORT", "smtp"),
            ("SMTP_TLS", "maybe"),
            ("DATABASE_URL", "mysql://x"),
            ("LOG_LEVEL", "LOUD"),
            ("TZ", "Mars/Olympus"),
            ("PUBLIC_URL", "tower"),
            ("AUDIENCE_PREFIX", "a\nb"),
        ])
        .unwrap_err();
        let mut expected = vec![
            "WEB_PORT",
            "WEB_BIND",
            "GHL_API_VERSION",
            "GHL_LOCATION_ID",
            "GHL_BASE_URL",
            "GHL_SMART_LIST_ID",
            "META_AD_ACCOUNT_ID",
            "META_API_VERSION",
            "META_POLL_SECONDS",
            "NORMALIZER",
            "RESPECT_OPT_OUT",
            "LTV_LOCALE",
            "LTV_MIN",
            "LOOKALIKE_COUNTRIES",
            "LOOKALIKE_RATIOS",
            "SMTP_FROM_EMAIL",
            "SMTP_TO_EMAIL",
            "SMTP_PORT",
            "SMTP_TLS",
            "DATABASE_URL",
            "LOG_LEVEL",
            "TZ",
            "PUBLIC_URL",
            "AUDIENCE_PREFIX",
        ];
        let mut found: Vec<&str> = problems.iter().map(String::as_str).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_malformed_value_is_not_repeated() {
        let problems =
            Settings::read(&Environment::of(&[("META_AD_ACCOUNT_ID", "EAAB-a-token-in-the-wrong-line")]));
        assert!(!problems.unwrap_err().to_string().contains("EAAB"));
    }

    #[test]
    fn values_are_read() {
        let settings = read(&[
            ("GHL_SMART_LIST_ID", "tag:vip"),
            ("LTV_LOCALE", "de-DE"),
            ("LTV_MIN", "10.50"),
            ("NORMALIZER", "local"),
            ("LOOKALIKE_COUNTRIES", "us, ca"),
            ("LOOKALIKE_RATIOS", "0.01,0.1"),
            ("POSTGRES_HOST", "db"),
            ("POSTGRES_USER", "sync"),
            ("POSTGRES_PASSWORD", "geheim"),
            ("LOG_LEVEL", "warning"),
            ("TZ", "Europe/Berlin"),
            ("SMTP_HOST", "mail.example.com"),
            ("SMTP_FROM_EMAIL", "sync@example.com"),
            ("SMTP_TO_EMAIL", "a@example.com, b@example.com"),
        ])
        .unwrap();
        assert_eq!(settings.sync.list, Some(ListSelection::Tag("vip".into())));
        assert_eq!(settings.sync.decimal_mark, DecimalMark::Comma);
        assert_eq!(settings.sync.ltv_min.map(|c| c.0), Some(1050));
        assert_eq!(
            (settings.sync.lookalike_countries.len(), settings.sync.lookalike_percents.clone()),
            (2, vec![1, 10])
        );
        assert!(!settings.database.to_string().contains("geheim"), "the password is never shown");
        assert_eq!(settings.log_level, log::LevelFilter::Warn);
        assert_eq!(settings.smtp.map(|smtp| smtp.to.len()), Some(2));
    }

    #[test]
    fn missing_keys_are_named() {
        let missing = |pairs: &[(&str, &str)]| read(pairs).unwrap().missing_keys();
        assert_eq!(
            missing(&[]),
            ["GHL_API_KEY", "GHL_LOCATION_ID", "META_ACCESS_TOKEN", "META_AD_ACCOUNT_ID", "CLAUDE_API_KEY"]
        );
        let most = [
            ("GHL_API_KEY", "k"),
            ("GHL_LOCATION_ID", "l"),
            ("META_ACCESS_TOKEN", "t"),
            ("META_AD_ACCOUNT_ID", "act_1"),
            ("NORMALIZER", "local"),
        ];
        assert!(missing(&most).is_empty());
    }

    #[test]
    fn ratios_are_read_exactly() {
        assert_eq!([".01", "0.1", "0.20", "0.010"].map(percent), [Some(1), Some(10), Some(20), Some(1)]);
        assert_eq!(["0", "1", "0.21", "0.015", "x", "", "0.00", "0.x1"].map(percent), [None; 8]);
    }
}
