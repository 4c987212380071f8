//! The program around the dashboard, as far as a test needs it.

use chrono::{DateTime, Utc};
use domain::ltv::DecimalMark;
use domain::{Cancel, Clock, Explain, Explanation, Secret, SystemClock};
use http_client::{BaseUrl, RetryPolicy};
use mailer::{MailContext, Mailer, MailerSettings, Tls};
use persistence::{Store, StoreError};
use sandbox::Sandbox;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sync::checks::{CheckResult, Checked, Extent};
use sync::{
    AudienceMode, EraseError, ErasePerson, ErasureReceipt, Leaving, LtvSource, NobodyWatches, OptOutRule,
    Parts, SyncService, SyncSettings, ValueMode,
};
use web::{
    ExistingAudience, Installation, MailAddresses, Mailed, SchedulerState, Setting, SettingSource,
    SettingsError, TestSent,
};

const RECIPIENT: &str = "marketing@example.com";

/// Change the fields before it is given to the dashboard.
pub struct FakeInstallation {
    pub missing: Vec<&'static str>,
    pub sync: Option<SyncService>,
    /// What `sync` was made of, and what takes its place when settings are changed.
    pub parts: Option<Parts>,
    pub changed_sync: Arc<Mutex<Option<SyncService>>>,
    pub leaving: Option<Leaving>,
    pub initial: (Option<String>, Option<String>),
    pub settings: Mutex<Vec<Setting>>,
    /// How often they were asked for, as the database is.
    pub asked_for_settings: Arc<AtomicU32>,
    pub next_runs: Vec<DateTime<Utc>>,
    pub mailer: Option<(Mailer, MailContext)>,
    /// How a test message fares at the webhook, when one is set.
    pub webhook: Option<Result<(), Explanation>>,
    /// How often saved settings were followed.
    pub followed: Arc<AtomicU32>,
    pub scheduler: Option<SchedulerState>,
    /// What Meta answers when it is asked for audiences, and how often it was asked.
    pub audiences: Result<Vec<ExistingAudience>, Explanation>,
    pub asked_for_audiences: Arc<AtomicU32>,
    /// What every check found and says is wrong, and how many were made.
    pub check_found: Vec<String>,
    /// Services that are not set up.
    pub unused: Vec<Checked>,
    pub checks: Arc<AtomicU32>,
    pub check_problems: Vec<Explanation>,
}

impl FakeInstallation {
    /// Nothing is set up yet.
    pub fn without_keys() -> Self {
        Self {
            missing: vec!["GHL_API_KEY", "META_ACCESS_TOKEN"],
            sync: None,
            parts: None,
            changed_sync: Arc::default(),
            leaving: None,
            initial: (None, None),
            settings: Mutex::new(vec![prefix()]),
            asked_for_settings: Arc::default(),
            next_runs: vec!["2026-11-22T02:00:00Z".parse().unwrap(), "2026-11-23T02:00:00Z".parse().unwrap()],
            mailer: None,
            webhook: None,
            followed: Arc::default(),
            scheduler: Some(SchedulerState { schedule: true, upkeep: true }),
            audiences: Ok(vec![]),
            asked_for_audiences: Arc::default(),
            check_found: vec!["It answers.".to_owned()],
            unused: vec![],
            checks: Arc::default(),
            check_problems: vec![],
        }
    }

    /// Everything is set up and leads to the sandbox; nothing is chosen yet.
    pub fn on(sandbox: &Sandbox, store: &Store, folder: &Path) -> Self {
        let mail_context = MailContext {
            public_url: "http://localhost:9876".to_owned(),
            public_url_is_set: false,
            instance_name: None,
            time_zone: chrono_tz::UTC,
            instance_tag: store.instance_tag().unwrap(),
            audience_per_run: true,
        };
        let parts = parts(sandbox, store, folder, mail_context.clone());
        Self {
            missing: vec![],
            leaving: Some(leaving(sandbox, store)),
            sync: Some(SyncService::new(parts.clone())),
            parts: Some(parts),
            mailer: Some((mailer(sandbox), mail_context)),
            ..Self::without_keys()
        }
    }
}

impl Installation for FakeInstallation {
    fn missing_settings(&self) -> Vec<&'static str> {
        self.missing.clone()
    }

    fn is_set(&self, variable: &str) -> bool {
        if variable == "NOTIFY_WEBHOOK_URL" {
            return self.webhook.is_some();
        }
        !self.missing.contains(&variable)
    }

    fn instance_name(&self) -> Option<String> {
        let settings = self.settings.lock().unwrap();
        settings.iter().find(|setting| setting.name == "INSTANCE_NAME").map(|setting| setting.value.clone())
    }

    fn follow_saved_settings(&self) {
        self.followed.fetch_add(1, Ordering::Relaxed);
    }

    fn sync(&self) -> Option<SyncService> {
        self.changed_sync.lock().unwrap().clone().or_else(|| self.sync.clone())
    }

    fn initial_choice(&self) -> (Option<String>, Option<String>) {
        self.initial.clone()
    }

    fn settings(&self) -> Result<Vec<Setting>, StoreError> {
        self.asked_for_settings.fetch_add(1, Ordering::Relaxed);
        Ok(self.settings.lock().unwrap().clone())
    }

    fn change_settings(&self, changes: &[(String, Option<String>)]) -> Result<(), SettingsError> {
        let mut settings = self.settings.lock().unwrap();
        let refused: Vec<_> = changes
            .iter()
            .filter(|(_, value)| value.as_deref() == Some("bad"))
            .map(|(name, _)| (name.clone(), "must be something else".to_owned()))
            .collect();
        if !refused.is_empty() {
            return Err(SettingsError::Refused(refused));
        }
        for (name, value) in changes {
            let setting = settings.iter_mut().find(|setting| setting.name == name).unwrap();
            setting.source = value.as_ref().map_or(SettingSource::Environment, |_| SettingSource::Saved);
            setting.value = value.clone().unwrap_or_else(|| setting.initial.clone());
        }
        drop(settings);
        self.not_in_force().map_or(Ok(()), |why| Err(SettingsError::NotInForce(why)))
    }

    /// Saved, but another copy has saved what can not be followed.
    fn not_in_force(&self) -> Option<Explanation> {
        let is_late = self.settings.lock().unwrap().iter().any(|setting| setting.value.starts_with("late"));
        is_late.then(|| Explanation::new("CLAUDE_API_KEY is not set.", "Set it."))
    }

    fn next_runs(&self, count: usize) -> Vec<DateTime<Utc>> {
        self.next_runs.iter().take(count).copied().collect()
    }

    fn scheduler(&self) -> Option<SchedulerState> {
        self.scheduler
    }

    fn audiences(&self) -> Result<Vec<ExistingAudience>, Explanation> {
        self.asked_for_audiences.fetch_add(1, Ordering::Relaxed);
        self.audiences.clone()
    }

    fn erase(&self, who: &ErasePerson) -> Result<ErasureReceipt, EraseError> {
        self.leaving.as_ref().unwrap().erase(who, &Cancel::new())
    }

    fn check(&self, service: Checked) -> CheckResult {
        self.checks.fetch_add(1, Ordering::Relaxed);
        CheckResult {
            service,
            extent: match service {
                unused if self.unused.contains(&unused) => Extent::NotUsed,
                Checked::Webhook => Extent::NotCalled,
                _ => Extent::Called,
            },
            found: self.check_found.clone(),
            problems: self.check_problems.clone(),
            latency: Duration::from_millis(120),
        }
    }

    fn mail_addresses(&self) -> Option<MailAddresses> {
        self.mailer.as_ref()?;
        Some(MailAddresses { from: "sync@example.com".to_owned(), to: vec![RECIPIENT.to_owned()] })
    }

    fn send_test_mail(&self) -> Result<TestSent, Explanation> {
        if self.mailer.is_none() && self.webhook.is_none() {
            let remedy = "Set SMTP_HOST, SMTP_FROM_EMAIL and SMTP_TO_EMAIL.";
            return Err(Explanation::new("E-mail is not set up.", remedy));
        }
        let mailed_to = self.mailer.as_ref().map(|(mailer, context)| {
            let mail = mailer::test(context, SystemClock.now()).map_err(|error| error.explain())?;
            mailer.send(&mail).map_err(|error| error.explain())?;
            Ok(Mailed { to: vec![RECIPIENT.to_owned()], refused: vec![] })
        });
        Ok(TestSent { mailed_to, posted: self.webhook.clone() })
    }
}

/// A setting that was saved, with the value in force.
pub fn saved(name: &'static str, value: &str) -> Setting {
    Setting {
        name,
        title: name,
        help: "",
        choices: &[],
        value: value.to_owned(),
        source: SettingSource::Saved,
        initial: String::new(),
    }
}

fn prefix() -> Setting {
    Setting {
        name: "AUDIENCE_PREFIX",
        title: "Audience prefix",
        help: "The beginning of every audience's name.",
        choices: &[],
        value: "GHL-HighValue".to_owned(),
        source: SettingSource::Environment,
        initial: "GHL-HighValue".to_owned(),
    }
}

fn mailer(sandbox: &Sandbox) -> Mailer {
    Mailer::new(MailerSettings {
        host: sandbox.addresses().smtp_host.clone(),
        port: sandbox.addresses().smtp_port,
        username: None,
        password: None,
        from: "sync@example.com".to_owned(),
        to: vec![RECIPIENT.to_owned()],
        tls: Tls::None,
        timeout: Duration::from_secs(10),
    })
    .unwrap()
}

fn leaving(sandbox: &Sandbox, store: &Store) -> Leaving {
    let (addresses, credentials) = (sandbox.addresses(), sandbox.credentials());
    let account = meta::AdAccountId::parse(&credentials.meta_ad_account_id).unwrap();
    let base_url = BaseUrl::parse(&addresses.meta).unwrap();
    let token = Secret::new(&credentials.meta_access_token);
    Leaving {
        store: store.clone(),
        source: None,
        meta: Some(Arc::new(meta::MetaClient::new(meta::MetaSettings::new(base_url, token, account)))),
        clock: Arc::new(SystemClock),
        lease_ttl: Duration::from_secs(60),
    }
}

fn parts(sandbox: &Sandbox, store: &Store, folder: &Path, mail_context: MailContext) -> Parts {
    let (addresses, credentials) = (sandbox.addresses(), sandbox.credentials());
    let url = |text: &str| BaseUrl::parse(text).unwrap();
    let retry = RetryPolicy {
        max_retries: 1,
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(10),
    };
    let mut ghl = ghl::GhlSettings::new(
        url(&addresses.ghl),
        Secret::new(&credentials.ghl_token),
        &credentials.ghl_location_id,
    );
    ghl.retry = retry;
    let account = meta::AdAccountId::parse(&credentials.meta_ad_account_id).unwrap();
    let mut meta = meta::MetaSettings::new(
        url(&addresses.meta),
        Secret::new(&credentials.meta_access_token),
        account.clone(),
    );
    (meta.retry, meta.throttle_retry) = (retry, retry);
    let mut claude = claude::ClaudeSettings::new(
        url(&addresses.claude),
        Secret::new(&credentials.claude_key),
        "claude-sonnet-5-5",
    );
    claude.retry = retry;
    Parts {
        store: store.clone(),
        source: Arc::new(ghl::GhlClient::new(ghl)),
        ranker: Arc::new(claude::ClaudeClient::new(claude)),
        meta: Arc::new(meta::MetaClient::new(meta)),
        mailer: Some(mailer(sandbox)),
        webhook: None,
        mail_context,
        settings: SyncSettings {
            spool_folder: folder.join("spool"),
            ad_account_id: account.to_string(),
            respect_opt_out: OptOutRule::All,
            ltv_source: LtvSource::Field,
            decimal_mark: DecimalMark::Point,
            ltv_min: None,
            audience_mode: AudienceMode::Dated,
            existing_audience: None,
            audience_prefix: "GHL-HighValue".to_owned(),
            audience_keep: 14,
            value_mode: ValueMode::Percentile,
            limited_data_use: false,
            lookalike_countries: vec!["US".to_owned()],
            lookalike_percents: vec![1],
            time_zone: chrono_tz::UTC,
            reread_after: Duration::from_millis(50),
            poll_every: Duration::from_millis(50),
            poll_timeout: Duration::from_secs(20),
            notify_on: sync::NotifyOn::Always,
            retention_days: 30,
            lease_ttl: Duration::from_secs(60),
            run_deadline: Duration::from_secs(3600),
        },
        clock: Arc::new(SystemClock),
        watcher: Arc::new(NobodyWatches),
    }
}
