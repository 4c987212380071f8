//! Which client goes where.

use crate::failure::Failed;
use crate::settings::{Normalizer, Settings};
use claude::{ClaudeClient, ClaudeSettings};
use domain::{Clock, SystemClock};
use ghl::{GhlClient, GhlSettings};
use http_client::RetryPolicy;
use mailer::{MailContext, Mailer};
use meta::{MetaClient, MetaSettings};
use persistence::Store;
use std::sync::Arc;
use std::time::Duration;
use sync::{LocalRanker, Parts, Ranker, SyncService, SyncSettings, Watcher};
use web::{RunningServer, WebSettings};

/// How long failed calls are repeated.
#[derive(Debug, Clone, Copy)]
pub enum Patience {
    /// As each vendor's documents advise.
    AsDocumented,
    /// The same everywhere, for simulators on this machine.
    Fixed(RetryPolicy),
}

const LEASE_TTL: Duration = Duration::from_secs(60);

/// Opens the database and brings its schema up to date.
///
/// # Errors
/// A configuration error that names the setting.
pub fn open_store(settings: &Settings) -> Result<Store, Failed> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Store::open(&settings.database, clock).map_err(|error| Failed::explained(&error))
}

/// A sync service of the settings.
///
/// # Errors
/// A configuration error that names the missing or wrong settings.
pub fn sync_service(
    settings: &Settings,
    store: Store,
    watcher: Arc<dyn Watcher>,
    patience: Patience,
) -> Result<SyncService, Failed> {
    let missing = settings.missing_keys();
    let (Some(ghl_key), Some(location_id), Some(meta_token), Some(ad_account_id)) = (
        settings.ghl.api_key.clone(),
        settings.ghl.location_id.clone(),
        settings.meta.access_token.clone(),
        settings.meta.ad_account_id.clone(),
    ) else {
        return Err(missing_keys(&missing));
    };
    let mut ghl = GhlSettings::new(settings.ghl.base_url.clone(), ghl_key, location_id);
    let mut meta = MetaSettings::new(settings.meta.base_url.clone(), meta_token, ad_account_id.clone());
    meta.api_version = settings.meta.api_version.clone();
    meta.app_secret = settings.meta.app_secret.clone();
    if let Patience::Fixed(retry) = patience {
        (ghl.retry, meta.retry, meta.throttle_retry) = (retry, retry, retry);
    }
    let mailer =
        settings.smtp.clone().map(Mailer::new).transpose().map_err(|error| Failed::explained(&error))?;
    Ok(SyncService::new(Parts {
        mail_context: mail_context(settings, &store)?,
        store,
        source: Arc::new(GhlClient::new(ghl)),
        ranker: ranker(settings, patience)?,
        meta: Arc::new(MetaClient::new(meta)),
        mailer,
        settings: sync_settings(settings, &ad_account_id.to_string()),
        clock: Arc::new(SystemClock),
        watcher,
    }))
}

fn ranker(settings: &Settings, patience: Patience) -> Result<Arc<dyn Ranker>, Failed> {
    if settings.claude.normalizer == Normalizer::Local {
        return Ok(Arc::new(LocalRanker));
    }
    let api_key = settings.claude.api_key.clone().ok_or_else(|| missing_keys(&["CLAUDE_API_KEY"]))?;
    let mut claude = ClaudeSettings::new(settings.claude.base_url.clone(), api_key, &settings.claude.model);
    if let Patience::Fixed(retry) = patience {
        claude.retry = retry;
    }
    Ok(Arc::new(ClaudeClient::new(claude)))
}

/// Starts the dashboard.
///
/// # Errors
/// A configuration error when the port is taken.
pub fn dashboard(settings: &Settings, store: Store) -> Result<RunningServer, Failed> {
    let web = WebSettings {
        bind: settings.web.bind,
        port: settings.web.port,
        public_url: settings.web.public_url.clone(),
        allowed_hosts: settings.web.allowed_hosts.clone(),
        instance_name: settings.instance_name.clone(),
        time_zone: settings.time_zone,
        currency: settings.currency.clone(),
    };
    web::start(web, store).map_err(|error| Failed::explained(&error))
}

fn sync_settings(settings: &Settings, ad_account_id: &str) -> SyncSettings {
    SyncSettings {
        spool_folder: settings.data_dir.join("spool"),
        ad_account_id: ad_account_id.to_owned(),
        respect_opt_out: settings.sync.respect_opt_out,
        decimal_mark: settings.sync.decimal_mark,
        ltv_min: settings.sync.ltv_min,
        audience_prefix: settings.sync.audience_prefix.clone(),
        lookalike_countries: settings.sync.lookalike_countries.clone(),
        lookalike_percents: settings.sync.lookalike_percents.clone(),
        time_zone: settings.time_zone,
        poll_every: settings.meta.poll_every,
        poll_timeout: settings.meta.poll_timeout,
        lease_ttl: LEASE_TTL,
    }
}

fn mail_context(settings: &Settings, store: &Store) -> Result<MailContext, Failed> {
    let instance_tag = store.instance_tag().map_err(|error| Failed::explained(&error))?;
    let default_url = format!("http://localhost:{}", settings.web.port);
    Ok(MailContext {
        public_url_is_set: settings.web.public_url.is_some(),
        public_url: settings.web.public_url.clone().unwrap_or(default_url),
        instance_name: settings.instance_name.clone(),
        time_zone: settings.time_zone,
        instance_tag,
    })
}

fn missing_keys(missing: &[&str]) -> Failed {
    Failed::configuration(format!(
        "These settings are missing: {}.\nSet them in the environment (or the .env file); the README says where each is found.",
        missing.join(", ")
    ))
}
