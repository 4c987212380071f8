use super::sync::percent;
use super::{Environment, Normalizer, Settings, VARIABLES, saved_settings, storable};
use ::sync::{AudienceMode, LtvSource, ValueMode};
use domain::ListSelection;
use domain::ltv::DecimalMark;
use std::collections::HashMap;
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
        ("AUDIENCE_MODE", "fixed"),
        ("STABLE_AUDIENCE_ID", "VIP"),
        ("AUDIENCE_KEEP", "0"),
        ("VALUE_MODE", "log"),
        ("META_LIMITED_DATA_USE", "yes"),
        ("META_BUSINESS_ID", "our business"),
        ("NOTIFY_WEBHOOK_URL", "http://hooks.example.com"),
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
        "STABLE_AUDIENCE_ID",
        "AUDIENCE_KEEP",
        "VALUE_MODE",
        "META_LIMITED_DATA_USE",
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

#[test]
fn every_refused_value_says_what_it_must_be() {
    let long = "x".repeat(61);
    for (name, value, words) in [
        ("GHL_BASE_URL", "http://services.example.com", "plain http would send the token in clear"),
        ("META_GRAPH_URL", "graph.example.com", "it is not an address of the form https://host"),
        ("CLAUDE_BASE_URL", "https://key@api.example.com", "must not contain a user name"),
        ("GHL_LOCATION_ID", "a/b", "must be a location id"),
        ("GHL_API_VERSION", "v3", "must be v2 or v1"),
        ("GHL_SMART_LIST_ID", "vip", "must be `all`, `tag:<tag>`, `filter:<id>`"),
        ("META_AD_ACCOUNT_ID", "12x", "must be an ad account id such as act_123456789"),
        ("META_API_VERSION", "25", "it must be a version of the form v25.0"),
        ("META_BUSINESS_ID", "ours", "must be the digits of a business portfolio's id"),
        ("META_POLL_SECONDS", "0", "must be a number of seconds"),
        ("META_POLL_TIMEOUT_SECONDS", "1 h", "must be a number of seconds"),
        ("META_LIMITED_DATA_USE", "texas", "must be california or off"),
        ("NORMALIZER", "gpt", "must be claude or local"),
        ("RESPECT_OPT_OUT", "yes", "must be one of all, email_and_sms, off"),
        ("LTV_SOURCE", "orders", "must be field or won_opportunities"),
        ("LTV_LOCALE", "klingon", "must be a language such as en or de"),
        ("LTV_MIN", "many", "must be an amount such as 10 or 10.50"),
        ("LTV_CURRENCY", "dollars", "must be a three-letter currency code"),
        ("AUDIENCE_MODE", "Stable", "must be dated or stable"),
        ("STABLE_AUDIENCE_ID", "act_12", "must be the digits of an audience's id"),
        ("AUDIENCE_PREFIX", &long, "must be 1 to 60 characters"),
        ("AUDIENCE_PREFIX", "High Income-Debt", "must not contain `income`, `debt`: Meta blocks audiences"),
        ("AUDIENCE_KEEP", "401", "must be a number from 1 to 400"),
        ("RETENTION_DAYS", "soon", "must be a number from 1 to 3650"),
        ("VALUE_MODE", "raw", "must be percentile or scaled"),
        ("LOOKALIKE_COUNTRIES", "USA", "must be two-letter country codes"),
        ("LOOKALIKE_RATIOS", "1", "must be ratios from 0.01 to 0.20"),
        ("SMTP_PORT", "70000", "must be a port number from 1 to 65535"),
        ("SMTP_TLS", "ssl", "must be one of starttls, implicit, none"),
        ("NOTIFY_ON", "never", "must be one of always, failure, change"),
        ("NOTIFY_WEBHOOK_URL", "http://hooks.example.com/x", "plain http would send the token in clear"),
        ("DATABASE_URL", "mysql://db", "can not be used"),
        ("SYNC_SCHEDULE_CRON", "0 25 * * *", "hour"),
        ("TZ", "Mars/Olympus", "must be a time zone such as Europe/Berlin"),
        ("WEB_PORT", "no", "must be a port number from 1 to 65535"),
        ("WEB_BIND", "everywhere", "must be an IP address"),
        ("PUBLIC_URL", "tower", "must be an address such as http://tower.local:9876"),
        ("LOG_LEVEL", "LOUD", "must be one of ERROR, WARNING, INFO, DEBUG"),
        ("INSTANCE_NAME", &long, "must be at most 60 characters"),
    ] {
        let problems = Settings::read(&Environment::of(&[(name, value)])).unwrap_err();
        let [problem] = problems.0.as_slice() else { panic!("{name}: {problems}") };
        assert_eq!(problem.variable, name);
        assert!(problem.message.contains(words), "{name}: {}", problem.message);
    }
    let parts = [("POSTGRES_HOST", "db"), ("POSTGRES_PORT", "x")];
    let told = Settings::read(&Environment::of(&parts)).unwrap_err().to_string();
    assert!(
        told.contains("POSTGRES_PORT must be a port number") && told.contains("POSTGRES_USER must be set"),
        "{told}"
    );
}

#[test]
fn a_blank_saved_value_never_hides_the_environment_behind_a_default() {
    assert_eq!(storable("LTV_LOCALE", Some(" ")), Some(("LTV_LOCALE".to_owned(), None)));
    assert_eq!(storable("LTV_MIN", Some("")), Some(("LTV_MIN".to_owned(), Some(String::new()))));
    assert_eq!(storable("TZ", Some(" UTC ")), Some(("TZ".to_owned(), Some("UTC".to_owned()))));
    assert_eq!(storable("META_ACCESS_TOKEN", Some("x")), None, "secrets live in the environment");
}

#[test]
fn an_amount_that_reads_in_two_ways_is_refused() {
    assert_eq!(read(&[("LTV_MIN", "1.500")]).unwrap_err(), ["LTV_MIN"]);
    assert_eq!(read(&[("LTV_MIN", "1500")]).unwrap().sync.ltv_min.map(|c| c.0), Some(150_000));
}

#[test]
fn addresses_and_hosts_are_checked_with_everything_else() {
    let problems = read(&[
        ("SMTP_HOST", "mail.example.com"),
        ("SMTP_FROM_EMAIL", "not an address"),
        ("SMTP_TO_EMAIL", "a@example.com"),
        ("ALLOWED_HOSTS", "http://tower.local"),
        ("WEB_PORT", "0"),
    ]);
    let mut found = problems.unwrap_err();
    found.sort_unstable();
    assert_eq!(found, ["ALLOWED_HOSTS", "SMTP_FROM_EMAIL", "WEB_PORT"]);
}

#[test]
fn the_kind_of_audience_and_of_value_is_read() {
    let initial = read(&[]).unwrap();
    let kind = |settings: &Settings| {
        let sync = &settings.sync;
        (sync.audience_mode, sync.audience_keep, sync.value_mode, sync.limited_data_use)
    };
    assert_eq!(kind(&initial), (AudienceMode::Dated, 14, ValueMode::Percentile, false));
    assert_eq!((initial.sync.existing_audience, initial.meta.business_id), (None, None));
    let set = read(&[
        ("AUDIENCE_MODE", "stable"),
        ("STABLE_AUDIENCE_ID", "120211234567890123"),
        ("AUDIENCE_KEEP", "1"),
        ("VALUE_MODE", "scaled"),
        ("META_LIMITED_DATA_USE", "california"),
        ("META_BUSINESS_ID", "42"),
        ("RETENTION_DAYS", "7"),
    ])
    .unwrap();
    assert_eq!(kind(&set), (AudienceMode::Stable, 1, ValueMode::Scaled, true));
    assert_eq!(set.sync.existing_audience.as_deref(), Some("120211234567890123"));
    assert_eq!(set.meta.business_id.as_deref(), Some("42"));
    assert_eq!((initial.retention_days, set.retention_days), (30, 7));
}

#[test]
fn values_come_from_a_field_or_from_the_won_opportunities_of_all_or_some_pipelines() {
    let source = |pairs: &[(&str, &str)]| read(pairs).unwrap().sync.ltv_source;
    let won = |pipelines: &[&str]| LtvSource::WonOpportunities {
        pipelines: pipelines.iter().map(|pipeline| (*pipeline).to_owned()).collect(),
    };
    assert_eq!(source(&[]), LtvSource::Field);
    assert_eq!(source(&[("LTV_PIPELINES", "Sales")]), LtvSource::Field, "of no effect without opportunities");
    let chosen = ("LTV_SOURCE", "won_opportunities");
    assert_eq!(source(&[chosen]), won(&[]));
    assert_eq!(
        source(&[chosen, ("LTV_PIPELINES", " Sales , Renewals & More,")]),
        won(&["Sales", "Renewals & More"])
    );
}

#[test]
fn api_v1_has_an_address_of_its_own_and_no_opportunities() {
    let url = |pairs: &[(&str, &str)]| read(pairs).unwrap().ghl.base_url.join("/x");
    assert_eq!(url(&[]), "https://services.leadconnectorhq.com/x");
    let v1 = ("GHL_API_VERSION", "v1");
    assert_eq!(url(&[v1]), "https://rest.gohighlevel.com/v1/x");
    assert_eq!(url(&[v1, ("GHL_BASE_URL", "https://v1.example.com")]), "https://v1.example.com/x");
    let problems = read(&[v1, ("LTV_SOURCE", "won_opportunities")]).unwrap_err();
    assert_eq!(problems, ["LTV_SOURCE"]);
}

#[test]
fn whatever_can_be_saved_is_a_variable_with_a_good_initial_value() {
    let settings = saved_settings(&Environment::default(), &HashMap::new());
    for setting in settings {
        assert!(VARIABLES.contains(&setting.name), "{}", setting.name);
        assert!(setting.choices.is_empty() || setting.choices.contains(&setting.value.as_str()));
        assert!(read(&[(setting.name, &setting.value)]).is_ok(), "{}", setting.name);
        for choice in setting.choices {
            assert!(read(&[(setting.name, choice)]).is_ok(), "{}={choice}", setting.name);
        }
    }
}

#[test]
fn only_what_becomes_part_of_a_name_at_meta_is_looked_through_for_words_that_get_it_blocked() {
    for (name, value) in
        [("AUDIENCE_PREFIX", "Broker Leads 2026"), ("INSTANCE_NAME", "Debt and Cancer Advice")]
    {
        assert!(read(&[(name, value)]).is_ok(), "{name}={value}");
    }
}

/// Name and value of every line of `.env.example` that sets something or shows what would be set.
fn example() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("../../../../.env.example").lines();
    lines
        .filter_map(|line| line.strip_prefix("# ").unwrap_or(line).split_once('='))
        .filter(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect()
}

#[test]
fn the_example_file_names_every_variable_once_and_no_other() {
    let mut named: Vec<&str> = example().into_iter().map(|(name, _)| name).collect();
    let of_the_container = ["PUID", "PGID", "UMASK"];
    let of_compose = ["COMPOSE_PROFILES", "CONTAINER_NAME", "COMPOSE_PROJECT_NAME", "APPDATA"];
    let mut read: Vec<&str> = VARIABLES.iter().copied().chain(of_the_container).chain(of_compose).collect();
    named.sort_unstable();
    read.sort_unstable();
    assert_eq!(named, read);
}

#[test]
fn the_example_file_shows_the_values_in_force_without_it() {
    // With a mail server and a database server, so that their ports count.
    let servers = [
        ("SMTP_HOST", "mail.example.com"),
        ("SMTP_FROM_EMAIL", "sync@example.com"),
        ("SMTP_TO_EMAIL", "a@example.com"),
        ("POSTGRES_HOST", "db"),
        ("POSTGRES_USER", "sync"),
    ];
    let shown = |pairs: &[(&str, &str)]| format!("{:#?}", read(pairs).unwrap());
    let documented: Vec<_> =
        example().into_iter().filter(|(_, value)| !value.is_empty()).chain(servers).collect();
    assert_eq!(shown(&documented), shown(&servers));
    for setting in saved_settings(&Environment::default(), &HashMap::new()) {
        assert!(example().contains(&(setting.name, &setting.value)), "{}={}", setting.name, setting.value);
    }
}

#[test]
fn what_is_named_twice_is_one_lookalike() {
    let settings =
        read(&[("LOOKALIKE_COUNTRIES", "US,us, CA ,US"), ("LOOKALIKE_RATIOS", "0.1,0.01,0.10,.1")]);
    let sync = settings.unwrap().sync;
    assert_eq!(
        (sync.lookalike_countries, sync.lookalike_percents),
        (vec!["US".to_owned(), "CA".to_owned()], vec![10, 1])
    );
}

#[test]
fn metas_matching_is_waited_for_no_longer_than_a_run_can() {
    let meta = read(&[("META_POLL_SECONDS", "86400"), ("META_POLL_TIMEOUT_SECONDS", "86400")]).unwrap().meta;
    assert_eq!((meta.poll_every.as_secs(), meta.poll_timeout.as_secs()), (3600, 14_400));
    let meta = read(&[("META_POLL_SECONDS", "3600"), ("META_POLL_TIMEOUT_SECONDS", "14400")]).unwrap().meta;
    assert_eq!((meta.poll_every.as_secs(), meta.poll_timeout.as_secs()), (3600, 14_400));
}
