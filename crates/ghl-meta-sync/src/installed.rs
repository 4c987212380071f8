//! The running installation: the environment, the saved settings over it, and everything built from both.

use crate::check_command;
use crate::erase_command;
use crate::failure::{Failed, explained};
use crate::scheduler::Pulses;
use crate::settings::{Environment, Problem, Settings, saved_settings, storable};
use crate::wiring::{self, Clients, Patience};
use chrono::{DateTime, Utc};
use domain::foreign_text::{LONGEST, one_line};
use domain::run::SyncConfig;
use domain::{Cancel, Clock, Explain, Explanation, SystemClock};
use mailer::RefusedRecipient;
use meta::{AudienceSummary, MetaClient};
use persistence::{Store, StoreError};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use sync::checks::{Access, CheckResult, Checked};
use sync::{EraseError, ErasePerson, ErasureReceipt, GhlApi, StartError, SyncService, Watcher};
use web::{
    ExistingAudience, Installation, MailAddresses, Mailed, SchedulerState, Setting, SettingsError, TestSent,
};

/// What `serve` and `demo` give to the dashboard.
pub struct Installed {
    environment: Environment,
    store: Store,
    watcher: Arc<dyn Watcher>,
    patience: Patience,
    current: RwLock<Current>,
    /// Held while what is saved is read and put in force: an older reading must not replace a newer one.
    following: Mutex<()>,
    /// Empty before the scheduler is started.
    pulses: OnceLock<Pulses>,
}

/// What follows from the settings in force.
struct Current {
    /// What was saved on the settings page, as it was last seen in the database.
    saved: Vec<(String, String)>,
    settings: Settings,
    clients: Clients,
    sync: Option<SyncService>,
    /// Why what is saved is not what is in force.
    not_in_force: Option<Explanation>,
}

impl Installed {
    /// Builds everything from the environment and what is saved.
    ///
    /// # Errors
    /// A configuration error that names what can not be used.
    pub fn new(
        environment: Environment,
        store: Store,
        watcher: Arc<dyn Watcher>,
        patience: Patience,
    ) -> Result<Self, Failed> {
        let saved = store.settings_saved().map_err(|error| Failed::explained(&error))?;
        let in_force = usable(&environment, saved.iter().cloned().collect());
        let settings = Settings::read(&environment.with_saved(&in_force))?;
        let clients = Clients::of(&settings, patience)?;
        let sync = clients.parts(&settings, &store, Arc::clone(&watcher))?.map(SyncService::new);
        let current = RwLock::new(Current { saved, settings, clients, sync, not_in_force: None });
        let (following, pulses) = (Mutex::default(), OnceLock::new());
        Ok(Self { environment, store, watcher, patience, current, following, pulses })
    }

    /// The settings in force.
    pub fn settings_in_force(&self) -> Settings {
        self.current().settings.clone()
    }

    /// The service, or the settings that are missing for one.
    ///
    /// # Errors
    /// A configuration error that names them.
    pub fn service(&self) -> Result<SyncService, Failed> {
        self.sync().ok_or_else(|| wiring::missing_keys(&self.missing_settings()))
    }

    /// What is synced: the choice saved on the dashboard, else that of the environment.
    ///
    /// # Errors
    /// [`StartError`] when nothing is chosen or the choice does not exist.
    pub fn choice(&self, sync: &SyncService) -> Result<SyncConfig, StartError> {
        sync.choice(self.initial_choice())
    }

    /// The signs of life of the scheduler, which begin with the first call.
    pub fn pulses(&self) -> &Pulses {
        self.pulses.get_or_init(Pulses::default)
    }

    /// The settings in force, and the clients of GoHighLevel and Meta whose limits everybody shares.
    fn settings_and_vendors(&self) -> (Settings, Option<GhlApi>, Option<Arc<MetaClient>>) {
        let current = self.current();
        (current.settings.clone(), current.clients.ghl.clone(), current.clients.meta.clone())
    }

    fn current(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn current_to_change(&self) -> RwLockWriteGuard<'_, Current> {
        self.current.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts in force what is saved, whoever saved it; tells whether it was not yet.
    fn follow(&self) -> Result<bool, Explanation> {
        let _following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let saved = self.store.settings_saved().map_err(|error| passing(explained(&error)))?;
        if saved == self.current().saved {
            return Ok(false);
        }
        let in_force = usable(&self.environment, saved.iter().cloned().collect());
        match Settings::read(&self.environment.with_saved(&in_force)) {
            Ok(settings) => self.replace(saved, settings)?,
            Err(problems) => {
                // A value of the environment that a saved one had replaced.
                let named = |Problem { variable, message }: &Problem| format!("{variable} {message}");
                let problems: Vec<String> = problems.0.iter().map(named).collect();
                let why = Explanation::new(
                    format!("What the environment says can not be used: {}.", problems.join("; ")),
                    "Correct it in the environment and start the service again, or save another value.",
                );
                return Err(self.current_to_change().refuse(saved, why));
            }
        }
        Ok(true)
    }

    /// Puts in force what is saved.
    ///
    /// # Errors
    /// Why it is not in force, whoever was told of it first.
    fn put_in_force(&self) -> Result<(), Explanation> {
        self.follow()?;
        self.not_in_force().map_or(Ok(()), Err)
    }

    /// Puts changed settings in force. A run that is going on keeps what it began with.
    ///
    /// # Errors
    /// When a service that works would be lost, with the run that may be going on, to a value that needs keys which are not
    /// set here. The settings in force then stay.
    fn replace(&self, saved: Vec<(String, String)>, settings: Settings) -> Result<(), Explanation> {
        // The keys of GoHighLevel and Meta are in the environment only, so their clients stay, and with them the limits a
        // run may be waiting for.
        let (_, ghl, meta) = self.settings_and_vendors();
        let clients = Clients { ghl, meta, ..Clients::of(&settings, self.patience)? };
        let parts = clients.parts(&settings, &self.store, Arc::clone(&self.watcher)).map_err(passing)?;
        let mut current = self.current_to_change();
        let sync = match (&current.sync, parts) {
            (Some(sync), Some(parts)) => Some(sync.with_parts(parts)),
            (None, parts) => parts.map(SyncService::new),
            (Some(_), None) => {
                let why = Explanation::new(
                    format!("What is saved {}.", needs(&settings.missing_keys())),
                    "Set what is missing in the environment and start the service again, or change the setting back.",
                );
                return Err(current.refuse(saved, why));
            }
        };
        *current = Current { saved, settings, clients, sync, not_in_force: None };
        Ok(())
    }
}

impl Current {
    /// What is saved stays out of force. Seen once, logged once: only another change can mend it.
    fn refuse(&mut self, saved: Vec<(String, String)>, why: Explanation) -> Explanation {
        (self.saved, self.not_in_force) = (saved, Some(why.clone()));
        why
    }
}

/// A fault of the database, which is asked again every minute.
fn passing(fault: Explanation) -> Explanation {
    let remedy = format!("{} What is saved is then in force within a minute.", fault.remedy);
    Explanation { remedy, ..fault }
}

/// What is wrong with settings that a service which works can not follow, as the rest of a sentence.
fn needs(missing: &[&str]) -> String {
    let are = if missing.len() == 1 { "is" } else { "are" };
    format!("needs {}, which {are} not set in the environment", missing.join(" and "))
}

/// The saved values without those that an earlier version took and this one refuses. They must not keep the service from
/// starting: then nobody could change them.
fn usable(environment: &Environment, mut saved: HashMap<String, String>) -> HashMap<String, String> {
    if let Err(problems) = Settings::read(&environment.with_saved(&saved)) {
        for Problem { variable, message } in problems.0 {
            if saved.remove(variable).is_some() {
                log::warn!("the value of {variable} saved on the settings page is left out: it {message}");
            }
        }
    }
    saved
}

/// The values saved on the settings page, which win over the environment.
///
/// # Errors
/// Whatever the database refuses.
pub fn saved_in_force(
    environment: &Environment,
    store: &Store,
) -> Result<HashMap<String, String>, StoreError> {
    Ok(usable(environment, store.settings_saved()?.into_iter().collect()))
}

impl Installation for Installed {
    fn missing_settings(&self) -> Vec<&'static str> {
        self.current().settings.missing_keys()
    }

    fn is_set(&self, variable: &str) -> bool {
        self.environment.get(variable).is_some()
    }

    fn sync(&self) -> Option<SyncService> {
        self.current().sync.clone()
    }

    fn instance_name(&self) -> Option<String> {
        self.current().settings.instance_name.clone()
    }

    fn follow_saved_settings(&self) {
        match self.follow() {
            Ok(true) => log::info!("the settings were changed by another copy of the service"),
            Ok(false) => {}
            Err(why) => {
                log::warn!("the saved settings could not be followed: {} {}", why.message, why.remedy);
            }
        }
    }

    fn initial_choice(&self) -> (Option<String>, Option<String>) {
        let current = self.current();
        let initial = &current.settings.sync;
        let source = current.sync.as_ref().and_then(SyncService::value_source);
        let field = source.map(|source| source.key).or_else(|| initial.field.clone());
        (initial.list.as_ref().map(ToString::to_string), field)
    }

    fn settings(&self) -> Result<Vec<Setting>, StoreError> {
        Ok(saved_settings(&self.environment, &saved_in_force(&self.environment, &self.store)?))
    }

    fn change_settings(&self, changes: &[(String, Option<String>)]) -> Result<(), SettingsError> {
        let refuse = |name: &str, why: &str| SettingsError::Refused(vec![(name.to_owned(), why.to_owned())]);
        let changes = changes
            .iter()
            .map(|(name, value)| {
                storable(name, value.as_deref())
                    .ok_or_else(|| refuse(name, "can not be saved here; set it in the environment"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut wanted = saved_in_force(&self.environment, &self.store)?;
        for (name, value) in &changes {
            match value {
                Some(value) => wanted.insert(name.clone(), value.clone()),
                None => wanted.remove(name),
            };
        }
        let settings = Settings::read(&self.environment.with_saved(&wanted)).map_err(|problems| {
            SettingsError::Refused(
                problems
                    .0
                    .into_iter()
                    .map(|problem| (problem.variable.to_owned(), problem.message))
                    .collect(),
            )
        })?;
        // A service that works must not be lost, with the run that may be going on, to a value that needs more keys.
        let missing = settings.missing_keys();
        if self.current().sync.is_some() && !missing.is_empty() {
            let why = needs(&missing);
            return Err(SettingsError::Refused(
                changes.into_iter().map(|(name, _)| (name, why.clone())).collect(),
            ));
        }
        self.store.settings_change(&changes)?;
        // Another copy may have saved something in between: what is put in force is what the database has now.
        self.put_in_force().map_err(SettingsError::NotInForce)
    }

    fn not_in_force(&self) -> Option<Explanation> {
        self.current().not_in_force.clone()
    }

    fn next_runs(&self, count: usize) -> Vec<DateTime<Utc>> {
        let current = self.current();
        let (cron, zone) = (&current.settings.schedule, current.settings.time_zone);
        sync::schedule::next_slots(cron, zone, SystemClock.now(), count)
    }

    fn scheduler(&self) -> Option<SchedulerState> {
        let Pulses { schedule, upkeep } = self.pulses.get()?;
        Some(SchedulerState { schedule: schedule.is_alive(), upkeep: upkeep.is_alive() })
    }

    fn erase(&self, who: &ErasePerson) -> Result<ErasureReceipt, EraseError> {
        let (_, ghl, meta) = self.settings_and_vendors();
        erase_command::leaving(ghl.as_ref(), meta.as_deref(), self.store.clone()).erase(who, &Cancel::new())
    }

    fn check(&self, service: Checked) -> CheckResult {
        let (settings, ghl, meta) = self.settings_and_vendors();
        let store = Access::Ready(self.store.clone());
        check_command::checkers(&settings, ghl.as_ref(), meta.as_deref(), store).check(service)
    }

    fn audiences(&self) -> Result<Vec<ExistingAudience>, Explanation> {
        let (settings, _, meta) = self.settings_and_vendors();
        let meta = meta.ok_or_else(|| check_command::missing(&settings, "META_"))?;
        let mut found = check_command::impatient(&meta)
            .custom_audiences(&Cancel::new())
            .map_err(|error| error.explain())?;
        found.retain(|audience| audience.subtype == "CUSTOM" && audience.is_value_based);
        // The newest is the one that is looked for; Meta promises no order.
        found.sort_by_key(|audience| Reverse(audience.time_created));
        let existing =
            |found: AudienceSummary| ExistingAudience { id: found.id, name: one_line(&found.name, LONGEST) };
        Ok(found.into_iter().map(existing).collect())
    }

    fn mail_addresses(&self) -> Option<MailAddresses> {
        let smtp = self.current().settings.smtp.clone()?;
        Some(MailAddresses { from: smtp.from, to: smtp.to })
    }

    fn send_test_mail(&self) -> Result<TestSent, Explanation> {
        let (settings, mailer) = {
            let current = self.current();
            (current.settings.clone(), current.clients.mailer.clone())
        };
        if mailer.is_none() && settings.webhook.is_none() {
            return Err(Explanation::new(
                "E-mail is not set up.",
                "Set SMTP_HOST, SMTP_FROM_EMAIL and SMTP_TO_EMAIL, or NOTIFY_WEBHOOK_URL, in the environment and start again.",
            ));
        }
        let context = wiring::mail_context(&settings, &self.store)?;
        let mail = mailer::test(&context, SystemClock.now()).map_err(|error| error.explain())?;
        let recipients = settings.smtp.map(|smtp| smtp.to).unwrap_or_default();
        let mailed = |refused: Vec<RefusedRecipient>| {
            Mailed::new(recipients, refused.iter().map(|one| (one.place, one.error.explain())).collect())
        };
        Ok(TestSent {
            mailed_to: mailer
                .map(|mailer| mailer.send_now(&mail).map(mailed).map_err(|error| error.explain())),
            posted: settings.webhook.map(|webhook| webhook.post(&mail).map_err(|error| error.explain())),
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
