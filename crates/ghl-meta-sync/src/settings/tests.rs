use super::reader::percent;
use super::{Environment, Normalizer, Settings};
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
        ("SYNC_SCHEDULE_CRON", "0 2 * *"),
        ("AUDIENCE_MODE", "stable"),
        ("AUDIENCE_KEEP", "0"),
        ("META_BUSINESS_ID", "our business"),
        ("NOTIFY_WEBHOOK_URL", "https://hooks.example.com"),
        ("LTV_CURRENCY", "dollars"),
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
        "SYNC_SCHEDULE_CRON",
        "AUDIENCE_MODE",
        "AUDIENCE_KEEP",
        "META_BUSINESS_ID",
        "NOTIFY_WEBHOOK_URL",
        "LTV_CURRENCY",
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
