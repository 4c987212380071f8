//! One cheap real check per service: is it reachable, is the login good, what was found.
//!
//! Only reads: nothing is created, sent or changed anywhere.

mod meta;
mod preflight;
mod result;

pub use result::{CheckResult, Checked, Extent, Verdict};

use crate::edges::GhlApi;
use crate::settings::AudienceMode;
use ::meta::MetaClient;
use claude::{ClaudeClient, ModelInfo};
use domain::foreign_text::presentable;
use domain::run::Channel;
use domain::{Cancel, Clock, Explain, Explanation};
use ghl::{ContactQuery, GhlClient, GhlV1Client};
use mailer::Mailer;
use persistence::{Store, StoreError};
use std::sync::Arc;
use std::time::Instant;

/// A service that can be asked, or the reason why it is not.
#[derive(Debug, Clone)]
pub enum Access<T> {
    /// It can be asked.
    Ready(T),
    /// It can not be asked, and that is a problem: settings are missing, or it could not be opened.
    Blocked(Explanation),
    /// It is not used, and that is well: one sentence that says so and how to change it.
    NotUsed(String),
}

/// Everything that can be checked. The clients should be impatient: a check is a person waiting.
pub struct Checkers {
    /// GoHighLevel.
    pub ghl: Access<GhlApi>,
    /// Meta.
    pub meta: Access<Arc<MetaClient>>,
    /// Claude.
    pub claude: Access<Arc<ClaudeClient>>,
    /// The database.
    pub store: Access<Store>,
    /// The mail server.
    pub mailer: Access<Mailer>,
    /// The webhook, when one is set.
    pub webhook: Access<()>,
    /// The present moment, which expiry dates are compared with.
    pub clock: Arc<dyn Clock>,
    /// How the audience is kept, which decides whether the next run creates a customer list.
    pub audience_mode: AudienceMode,
    /// The audience that stable mode was told to use; see [`SyncSettings::existing_audience`](crate::SyncSettings).
    pub existing_audience: Option<String>,
}

/// A model or token whose end is this near is warned about.
pub(crate) const DAYS_OF_WARNING: i64 = 14;

/// How a sentence begins that asks for attention soon.
const WARNING: &str = "Warning: ";

/// What the calls of one check came to.
#[derive(Debug, Default)]
struct Findings {
    found: Vec<String>,
    problems: Vec<Explanation>,
}

impl Findings {
    fn tell(&mut self, sentence: impl Into<String>) {
        self.found.push(sentence.into());
    }

    fn warn(&mut self, sentence: &str) {
        self.found.push(format!("{WARNING}{sentence}"));
    }

    fn problem(&mut self, problem: Explanation) {
        self.problems.push(problem);
    }
}

impl Checkers {
    /// Checks one service. Blocks until it has answered or its client has given up.
    pub fn check(&self, service: Checked) -> CheckResult {
        let begun = Instant::now();
        let (is_used, Findings { found, problems }) = match service {
            Checked::Ghl => findings(&self.ghl, |ghl, found| match ghl {
                GhlApi::V2(client) => check_ghl(client, found),
                GhlApi::V1(client) => check_ghl_v1(client, found),
            }),
            Checked::Meta => findings(&self.meta, |meta, found| self.check_meta(meta, found)),
            Checked::Claude => findings(&self.claude, |claude, found| self.check_claude(claude, found)),
            Checked::Database => findings(&self.store, check_database),
            Checked::Smtp => findings(&self.mailer, check_smtp),
            Checked::Webhook => findings(&self.webhook, |(), found| self.check_webhook(found)),
        };
        for problem in &problems {
            log::warn!("check of {}: {}", service.title(), problem.message);
        }
        let extent = match (is_used, service) {
            (false, _) => Extent::NotUsed,
            (true, Checked::Webhook) => Extent::NotCalled,
            (true, _) => Extent::Called,
        };
        CheckResult { service, extent, found, problems, latency: begun.elapsed() }
    }

    /// Checks every service at once, each in a thread of its own. In the order of [`Checked::ALL`].
    pub fn check_all(&self) -> Vec<CheckResult> {
        std::thread::scope(|scope| {
            let checks = Checked::ALL.map(|service| scope.spawn(move || self.check(service)));
            checks
                .into_iter()
                .map(|check| check.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    fn check_meta(&self, meta: &MetaClient, findings: &mut Findings) -> Result<(), Explanation> {
        let needs_a_list = match &self.store {
            Access::Ready(store) => needs_a_list(
                self.audience_mode,
                self.existing_audience.as_deref(),
                store,
                &meta.ad_account_id().to_string(),
            )
            .map_err(|error| error.explain())?,
            // What it knows can not be asked; an account that is almost full is warned about in any case.
            _ => self.audience_mode == AudienceMode::Dated,
        };
        meta::look(meta, self.clock.now(), needs_a_list, &Cancel::new(), findings)
            .map_err(|error| error.explain())
    }

    /// Whatever is posted is seen by people, so nothing is; how the last message fared is told instead.
    fn check_webhook(&self, findings: &mut Findings) -> Result<(), Explanation> {
        findings.tell("Set, and not tried: whatever is sent to a webhook is posted. “Send test e-mail” (or “Send test message”) on the dashboard posts one.");
        let Access::Ready(store) = &self.store else { return Ok(()) };
        let newest = store.outbox_newest(Channel::Webhook).map_err(|error| error.explain())?;
        let Some(message) = newest else { return Ok(()) };
        match (message.sent_at, message.last_error) {
            (Some(at), _) => {
                findings
                    .tell(format!("The last message was posted on {}.", at.format("%Y-%m-%d at %H:%M UTC")));
            }
            (None, Some(error)) => findings.problem(Explanation::new(
                format!("The last message was not posted. {error}"),
                "Check NOTIFY_WEBHOOK_URL; a message is tried again for a day.",
            )),
            (None, None) => {}
        }
        Ok(())
    }

    /// `GET /v1/models/{id}`: free, and checks key and model.
    fn check_claude(&self, claude: &ClaudeClient, findings: &mut Findings) -> Result<(), Explanation> {
        let model = claude.model(&Cancel::new()).map_err(|error| error.explain())?;
        let today = self.clock.now().date_naive();
        judge_model(&model, today, findings);
        Ok(())
    }
}

/// Whether the next run creates a customer list: every one of dated mode, and of stable mode the first, unless an
/// audience was chosen.
fn needs_a_list(
    mode: AudienceMode,
    chosen: Option<&str>,
    store: &Store,
    ad_account_id: &str,
) -> Result<bool, StoreError> {
    match mode {
        AudienceMode::Dated => Ok(true),
        AudienceMode::Stable => {
            Ok(chosen.is_none() && store.stable_audience(ad_account_id, false)?.is_none())
        }
    }
}

/// Whether the service is used, and what was found.
fn findings<T>(
    access: &Access<T>,
    check: impl FnOnce(&T, &mut Findings) -> Result<(), Explanation>,
) -> (bool, Findings) {
    let mut findings = Findings::default();
    match access {
        Access::Ready(service) => {
            if let Err(problem) = check(service, &mut findings) {
                findings.problem(problem);
            }
        }
        Access::Blocked(problem) => findings.problem(problem.clone()),
        Access::NotUsed(sentence) => findings.tell(sentence.clone()),
    }
    (!matches!(access, Access::NotUsed(_)), findings)
}

/// The four things a sync reads, each with a permission of its own: the location, its fields, its tags and its contacts.
fn check_ghl(ghl: &GhlClient, findings: &mut Findings) -> Result<(), Explanation> {
    let cancel = Cancel::new();
    let explained = |error: ghl::GhlError| error.explain();
    let location = ghl.location(&cancel).map_err(explained)?;
    let part = |text: Option<String>, missing: &str| {
        text.map_or_else(|| missing.to_owned(), |text| presentable(&text, &[]))
    };
    findings.tell(format!(
        "Location \"{}\", country {}, time zone {}.",
        presentable(&location.name, &[]),
        part(location.country, "not set"),
        part(location.timezone, "not set")
    ));
    let contacts = ghl.contact_count(&ContactQuery::all(), &cancel).map_err(explained)?;
    let fields = ghl.custom_fields(&cancel).map_err(explained)?.len();
    let tags = ghl.tags(&cancel).map_err(explained)?.len();
    findings.tell(format!("{contacts} contacts, {fields} custom fields, {tags} tags."));
    Ok(())
}

/// The two lists people choose from; API v1 tells nothing of the location.
fn check_ghl_v1(ghl: &GhlV1Client, findings: &mut Findings) -> Result<(), Explanation> {
    let cancel = Cancel::new();
    let lists = ghl.smart_lists(&cancel).map_err(|error| error.explain())?.len();
    let fields = ghl.custom_fields(&cancel).map_err(|error| error.explain())?.len();
    findings.tell(format!("API v1: {lists} smart lists, {fields} custom fields."));
    Ok(())
}

fn judge_model(model: &ModelInfo, today: chrono::NaiveDate, findings: &mut Findings) {
    let name = presentable(model.display_name.as_deref().unwrap_or(&model.id), &[]);
    let id = presentable(&model.id, &[]);
    let lifecycle = presentable(model.lifecycle.as_deref().unwrap_or("not known"), &[]);
    let retirement = match model.retires_on {
        Some(day) => format!("retires on {day}"),
        None => "no retirement date is set".to_owned(),
    };
    findings.tell(format!("Model {name} ({id}), lifecycle {lifecycle}, {retirement}."));
    let successor = format!("{}.", claude::model_instead_of(&model.id));
    // A day that has passed says only that the end is overdue: the lifecycle tells whether it has come.
    let is_retired = match model.lifecycle.as_deref() {
        Some(lifecycle) => lifecycle == "retired",
        None => model.retires_on.is_some_and(|day| day <= today),
    };
    if is_retired {
        let since = model.retires_on.map(|day| format!(" since {day}")).unwrap_or_default();
        findings.problem(Explanation::new(format!("The model {name} is retired{since}."), successor));
    } else if model.lifecycle.as_deref() == Some("deprecated")
        || model.retires_on.is_some_and(|day| (day - today).num_days() <= DAYS_OF_WARNING)
    {
        findings.warn(&format!("the model {name} will soon stop answering. {successor}"));
    }
}

fn check_database(store: &Store, findings: &mut Findings) -> Result<(), Explanation> {
    let explained = |error: StoreError| error.explain();
    let engine = store.engine().map_err(explained)?;
    let version = store.schema_version().map_err(explained)?;
    findings.tell(format!("{}, schema version {version}.", presentable(&engine, &[])));
    Ok(())
}

fn check_smtp(mailer: &Mailer, findings: &mut Findings) -> Result<(), Explanation> {
    mailer.greeting().map_err(|error| error.explain())?;
    let login = if mailer.logs_in() { "takes the login" } else { "answers; no login is set" };
    findings.tell(format!("The mail server {} {login}.", mailer.server()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Access, Checked, Checkers, Extent, Findings, Verdict, judge_model};
    use crate::settings::AudienceMode;
    use claude::ModelInfo;
    use domain::{Explanation, SystemClock};
    use std::sync::Arc;

    fn blocked<T>(variable: &str) -> Access<T> {
        Access::Blocked(Explanation::new(format!("{variable} is not set."), format!("Set {variable}.")))
    }

    #[test]
    fn a_service_without_settings_is_a_problem_and_an_unused_one_is_not() {
        let checkers = Checkers {
            ghl: blocked("GHL_API_KEY"),
            meta: blocked("META_ACCESS_TOKEN"),
            claude: Access::NotUsed("NORMALIZER=local".to_owned()),
            store: blocked("DATA_DIR"),
            mailer: Access::NotUsed("SMTP_HOST is not set".to_owned()),
            webhook: Access::Ready(()),
            clock: Arc::new(SystemClock),
            audience_mode: AudienceMode::Dated,
            existing_audience: None,
        };
        let all = checkers.check_all();
        assert_eq!(all.iter().map(|result| result.service).collect::<Vec<_>>(), Checked::ALL);
        let good: Vec<bool> = all.iter().map(super::CheckResult::is_good).collect();
        assert_eq!(good, [false, false, true, false, true, true]);
        let extents: Vec<Extent> = all.iter().map(|result| result.extent).collect();
        let (called, unused) = (Extent::Called, Extent::NotUsed);
        assert_eq!(extents, [called, called, unused, called, unused, Extent::NotCalled]);
        let verdicts: Vec<Verdict> = all.iter().map(super::CheckResult::verdict).collect();
        let problem = Verdict::Problem;
        let unused = [Verdict::NotNeeded, Verdict::NotSetUp];
        assert_eq!(verdicts, [problem, problem, unused[0], problem, unused[1], Verdict::NotTried]);
        let timed: Vec<bool> = all.iter().map(|result| result.milliseconds().is_some()).collect();
        assert_eq!(timed, [true, true, false, true, false, false]);
        assert_eq!(all[0].problems[0].remedy, "Set GHL_API_KEY.");
        assert_eq!(all[4].found, ["SMTP_HOST is not set"]);
    }

    #[test]
    fn a_model_is_warned_about_before_it_retires_and_a_problem_after() {
        let judged = |lifecycle: &str, retires: &str| {
            let model = ModelInfo {
                id: "claude-x".to_owned(),
                display_name: Some("Claude X\u{1b}[31m".to_owned()),
                lifecycle: Some(lifecycle.to_owned()).filter(|word| !word.is_empty()),
                retires_on: retires.parse().ok(),
            };
            let mut findings = Findings::default();
            judge_model(&model, "2026-11-21".parse().unwrap(), &mut findings);
            assert!(findings.found[0].starts_with("Model Claude X [31m (claude-x)"), "{findings:?}");
            let warned = findings.found.iter().any(|sentence| sentence.starts_with("Warning:"));
            (warned, !findings.problems.is_empty())
        };
        assert_eq!(judged("active", ""), (false, false));
        assert_eq!(judged("active", "2026-12-06"), (false, false));
        assert_eq!(judged("active", "2026-12-05"), (true, false));
        assert_eq!(judged("deprecated", "2027-12-05"), (true, false));
        assert_eq!(judged("deprecated", "2026-11-20"), (true, false), "overdue, but it still answers");
        assert_eq!(judged("", "2026-11-21"), (false, true));
        assert_eq!(judged("retired", ""), (false, true));
    }
}
