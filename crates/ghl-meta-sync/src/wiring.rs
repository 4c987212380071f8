//! Which client goes where.

use crate::failure::{Failed, explained};
use crate::settings::{GhlVersion, Normalizer, Settings};
use claude::{ClaudeClient, ClaudeSettings};
use domain::{Clock, Explanation, SystemClock};
use ghl::{GhlClient, GhlSettings, GhlV1Client};
use http_client::RetryPolicy;
use mailer::{MailContext, Mailer};
use meta::{MetaClient, MetaSettings};
use persistence::Store;
use std::sync::Arc;
use std::time::Duration;
use sync::{AudienceMode, GhlApi, LocalRanker, Parts, Ranker, SyncSettings, Watcher};
use web::{ClientLimits, WebSettings};

/// How long failed calls are repeated, how soon a list that changed is read again, and for how long a process that is not heard of is taken for alive.
#[derive(Debug, Clone, Copy)]
pub enum Patience {
    /// As each vendor's documents advise.
    AsDocumented,
    /// Short everywhere, for simulators on this machine.
    WithSimulators,
}

/// How long the lease lasts without a heartbeat.
pub const LEASE_TTL: Duration = Duration::from_secs(60);

/// The same where processes are killed on purpose and nobody waits for them.
const LEASE_TTL_WITH_SIMULATORS: Duration = Duration::from_secs(5);

/// On loopback nothing is worth waiting long for.
const RETRY_WITH_SIMULATORS: RetryPolicy = RetryPolicy {
    max_retries: 3,
    first_wait: Duration::from_millis(100),
    longest_wait: Duration::from_secs(2),
};

/// The longest that a run may take. The largest lists take minutes, and Meta's limits are over within an hour or so; a
/// daily sync that waits longer is better begun anew than still there at the next slot.
const RUN_DEADLINE: Duration = Duration::from_secs(6 * 3600);

/// Opens the database and brings its schema up to date.
///
/// # Errors
/// A configuration error that names the setting.
pub fn open_store(settings: &Settings) -> Result<Store, Failed> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Store::open(&settings.database, clock).map_err(|error| Failed::explained(&error))
}

/// The clients of the services whose settings are complete.
pub struct Clients {
    pub ghl: Option<GhlApi>,
    pub meta: Option<Arc<MetaClient>>,
    pub claude: Option<Arc<ClaudeClient>>,
    pub mailer: Option<Mailer>,
    pub patience: Patience,
}

impl Clients {
    /// Builds every client whose keys are set; calls nobody.
    ///
    /// # Errors
    /// When the mail settings can not be used.
    pub fn of(settings: &Settings, patience: Patience) -> Result<Self, Explanation> {
        let ghl = ghl(settings, patience);
        let meta = meta(settings, patience).map(Arc::new);
        let claude = settings.claude.api_key.clone().map(|key| {
            let mut claude =
                ClaudeSettings::new(settings.claude.base_url.clone(), key, &settings.claude.model);
            patience.apply(&mut [&mut claude.retry]);
            Arc::new(ClaudeClient::new(claude))
        });
        let mailer = settings.smtp.clone().map(Mailer::new).transpose().map_err(|error| explained(&error))?;
        Ok(Self { ghl, meta, claude, mailer, patience })
    }

    /// Whoever ranks by the settings; `None` while its key is missing.
    fn ranker(&self, settings: &Settings) -> Option<Arc<dyn Ranker>> {
        match settings.claude.normalizer {
            Normalizer::Local => Some(Arc::new(LocalRanker)),
            Normalizer::Claude => self.claude.clone().map(|claude| claude as Arc<dyn Ranker>),
        }
    }

    /// What a run works with; `None` while keys are missing.
    ///
    /// # Errors
    /// When the database fails.
    pub fn parts(
        &self,
        settings: &Settings,
        store: &Store,
        watcher: Arc<dyn Watcher>,
    ) -> Result<Option<Parts>, Explanation> {
        let (Some(ghl), Some(meta), Some(ranker), Some(account)) =
            (&self.ghl, &self.meta, self.ranker(settings), &settings.meta.ad_account_id)
        else {
            return Ok(None);
        };
        Ok(Some(Parts {
            store: store.clone(),
            source: ghl.source(),
            ranker,
            meta: Arc::clone(meta),
            mailer: self.mailer.clone(),
            webhook: settings.webhook.clone(),
            mail_context: mail_context(settings, store)?,
            settings: sync_settings(settings, &account.to_string(), self.patience),
            clock: Arc::new(SystemClock),
            watcher,
        }))
    }
}

/// GoHighLevel's client for the version of the API that is set, when its keys are set.
pub fn ghl(settings: &Settings, patience: Patience) -> Option<GhlApi> {
    let (key, location) = settings.ghl.api_key.clone().zip(settings.ghl.location_id.clone())?;
    let mut client = GhlSettings::new(settings.ghl.base_url.clone(), key, location);
    patience.apply(&mut [&mut client.retry]);
    Some(match settings.ghl.version {
        GhlVersion::V2 => GhlApi::V2(Arc::new(GhlClient::new(client))),
        GhlVersion::V1 => GhlApi::V1(Arc::new(GhlV1Client::new(client))),
    })
}

impl Patience {
    fn apply(self, policies: &mut [&mut RetryPolicy]) {
        if let Self::WithSimulators = self {
            policies.iter_mut().for_each(|policy| **policy = RETRY_WITH_SIMULATORS);
        }
    }

    fn lease_ttl(self) -> Duration {
        match self {
            Self::AsDocumented => LEASE_TTL,
            Self::WithSimulators => LEASE_TTL_WITH_SIMULATORS,
        }
    }

    /// A contact that was just added or changed is found by GoHighLevel's search a few seconds later.
    fn reread_after(self) -> Duration {
        match self {
            Self::AsDocumented => Duration::from_secs(10),
            Self::WithSimulators => Duration::from_millis(100),
        }
    }
}

/// Meta's client, when its keys are set.
pub fn meta(settings: &Settings, patience: Patience) -> Option<MetaClient> {
    let token = settings.meta.access_token.clone()?;
    let account = settings.meta.ad_account_id.clone()?;
    let mut meta = MetaSettings::new(settings.meta.base_url.clone(), token, account);
    meta.api_version = settings.meta.api_version.clone();
    meta.app_secret = settings.meta.app_secret.clone();
    patience.apply(&mut [&mut meta.retry, &mut meta.throttle_retry]);
    Some(MetaClient::new(meta))
}

/// What the dashboard needs of the settings.
pub fn web_settings(settings: &Settings) -> WebSettings {
    WebSettings {
        bind: settings.web.bind,
        port: settings.web.port,
        public_url: settings.web.public_url.clone(),
        allowed_hosts: settings.web.allowed_hosts.clone(),
        password: settings.web.password.clone(),
        business_id: settings.meta.business_id.clone(),
        ad_account_id: settings.meta.ad_account_id.as_ref().map(ToString::to_string),
        location_id: settings.ghl.location_id.clone(),
        limits: ClientLimits::default(),
    }
}

fn sync_settings(settings: &Settings, ad_account_id: &str, patience: Patience) -> SyncSettings {
    SyncSettings {
        spool_folder: settings.data_dir.join("spool"),
        ad_account_id: ad_account_id.to_owned(),
        respect_opt_out: settings.sync.respect_opt_out,
        ltv_source: settings.sync.ltv_source.clone(),
        decimal_mark: settings.sync.decimal_mark,
        ltv_min: settings.sync.ltv_min,
        audience_mode: settings.sync.audience_mode,
        existing_audience: settings.sync.existing_audience.clone(),
        audience_prefix: settings.sync.audience_prefix.clone(),
        audience_keep: settings.sync.audience_keep,
        value_mode: settings.sync.value_mode,
        limited_data_use: settings.sync.limited_data_use,
        lookalike_countries: settings.sync.lookalike_countries.clone(),
        lookalike_percents: settings.sync.lookalike_percents.clone(),
        time_zone: settings.time_zone,
        reread_after: patience.reread_after(),
        poll_every: settings.meta.poll_every,
        poll_timeout: settings.meta.poll_timeout,
        notify_on: settings.notify_on,
        retention_days: settings.retention_days,
        lease_ttl: patience.lease_ttl(),
        run_deadline: RUN_DEADLINE,
    }
}

/// What mails need to know besides the run.
///
/// # Errors
/// When the database fails.
pub fn mail_context(settings: &Settings, store: &Store) -> Result<MailContext, Explanation> {
    let instance_tag = store.instance_tag().map_err(|error| explained(&error))?;
    let default_url = format!("http://localhost:{}", settings.web.port);
    Ok(MailContext {
        public_url_is_set: settings.web.public_url.is_some(),
        public_url: settings.web.public_url.clone().unwrap_or(default_url),
        instance_name: settings.instance_name.clone(),
        time_zone: settings.time_zone,
        instance_tag,
        audience_per_run: settings.sync.audience_mode == AudienceMode::Dated,
    })
}

/// The error of a command that needs keys which are not set.
pub fn missing_keys(missing: &[&str]) -> Failed {
    Failed::configuration(format!(
        "These settings are missing: {}.\nSet them in the environment (or the .env file); the README says where each is found.",
        missing.join(", ")
    ))
}
