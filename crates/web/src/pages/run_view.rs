//! A run as pages show it.

use super::account_view::AccountView;
use super::distribution::DistributionView;
use super::linked::{Part, linked};
use super::progress;
use crate::wording::{
    Badge, Moment, UNKNOWN, Wording, ads_manager, contacts, duration, grouped, lookalike_state,
    matched_count, state_badge, step_badge, trigger,
};
use chrono::{DateTime, Utc};
use domain::ranking::RankingReport;
use domain::run::{Failure, LookalikeStatus, Matched, RunStatus, Step, StepRecord, StepStatus};
use domain::{Clock, Run, SystemClock};

/// Everything a page says about one run, ready-made.
pub(super) struct RunView {
    pub(super) id: String,
    /// Before the ids of its parts, so that two runs can stand on one page.
    pub(super) prefix: &'static str,
    pub(super) badge: Badge,
    pub(super) running: bool,
    /// The word of the step now running.
    pub(super) step: &'static str,
    /// How far the whole run is; only while it runs.
    pub(super) percent: Option<u8>,
    /// About how long it still takes.
    pub(super) left: Option<String>,
    /// When it goes on after Meta asked to slow down.
    pub(super) waiting_until: Option<Moment>,
    pub(super) started: Moment,
    pub(super) ended: Option<Moment>,
    pub(super) duration: String,
    pub(super) trigger: &'static str,
    pub(super) list: String,
    pub(super) field: String,
    pub(super) ad_account: String,
    /// The address of the account's audiences in Ads Manager.
    pub(super) ads_manager: String,
    pub(super) failure: Option<FailureView>,
    pub(super) may_run_anyway: bool,
    pub(super) warnings: Vec<String>,
    pub(super) steps: Vec<StepView>,
    pub(super) account: AccountView,
    pub(super) matched: String,
    pub(super) match_rate: String,
    pub(super) audience: Option<(String, String)>,
    /// Since when the clean-up knows that it does not exist any more, whoever deleted it.
    pub(super) audience_deleted: Option<Moment>,
    pub(super) lookalikes: Vec<LookalikeView>,
    pub(super) changes: Option<String>,
    pub(super) distribution: Option<DistributionView>,
    pub(super) ranking: Option<Vec<(&'static str, String)>>,
}

/// What failed, why, and what to do.
pub(super) struct FailureView {
    /// `bad`, or `idle` for what somebody wanted.
    pub(super) class: &'static str,
    pub(super) icon: &'static str,
    /// `Failed`, `Interrupted` or `Cancelled`.
    pub(super) word: &'static str,
    pub(super) step: &'static str,
    pub(super) message: String,
    pub(super) remedy: Vec<Part>,
    pub(super) technical: Vec<(&'static str, String)>,
}

/// One line of the timeline.
pub(super) struct StepView {
    pub(super) title: &'static str,
    pub(super) badge: Badge,
    pub(super) counts: Option<String>,
    pub(super) duration: Option<String>,
    pub(super) detail: Option<String>,
}

/// One lookalike.
pub(super) struct LookalikeView {
    pub(super) name: String,
    /// Once it is created.
    pub(super) id: Option<String>,
    pub(super) place: String,
    pub(super) state: &'static str,
    pub(super) note: Option<String>,
}

impl RunView {
    /// `before`: the latest success, which tells how long the steps of a running sync take.
    pub(super) fn new(run: &Run, before: Option<&Run>, wording: &Wording, prefix: &'static str) -> Self {
        let warnings = warnings(run);
        // What ended lasts no longer; steps that a crash left running end with the run.
        let now = run.completed_at.unwrap_or_else(|| SystemClock.now());
        let percent = progress::percent(run, before, now);
        Self {
            id: run.id.to_string(),
            prefix,
            badge: state_badge(run, !warnings.is_empty()),
            running: run.status == RunStatus::Running,
            step: step_word(run),
            percent,
            left: percent.and_then(|percent| progress::left(run, before, percent, now)),
            waiting_until: run.waiting_until.map(|until| wording.clock(until)),
            started: wording.moment(run.started_at),
            ended: run.completed_at.map(|end| wording.moment(end)),
            duration: duration(now - run.started_at),
            trigger: trigger(run.trigger),
            list: format!("{} ({})", run.config.list_name, run.config.list_id),
            field: format!("{} ({})", run.config.ltv_field_name, run.config.ltv_field_key),
            ad_account: run.config.ad_account_id.clone(),
            ads_manager: ads_manager(&run.config.ad_account_id, wording.business_id.as_deref()),
            failure: failure(run),
            may_run_anyway: may_run_anyway(run),
            warnings,
            steps: steps(run, now),
            account: AccountView::new(run),
            matched: matched(run),
            match_rate: match_rate(run),
            audience: run.audience.as_ref().map(|audience| (audience.name.clone(), audience.id.clone())),
            audience_deleted: run.audience_deleted_at.map(|at| wording.minute(at)),
            lookalikes: lookalikes(run),
            changes: run.changes.map(|changes| {
                format!("{} added, {} removed", contacts(changes.added), grouped(changes.removed))
            }),
            distribution: run.stats.as_ref().map(|stats| DistributionView::new(stats, wording)),
            ranking: run.ranking.as_ref().map(RankingReport::facts).filter(|facts| !facts.is_empty()),
        }
    }
}

/// The word of the step now running; empty between two steps.
pub(super) fn step_word(run: &Run) -> &'static str {
    run.current_step().map_or("", |step| step.name.as_str())
}

/// Whether the guard against a list that shrank stopped the run: its remedy names the button.
fn may_run_anyway(run: &Run) -> bool {
    run.failure.as_ref().is_some_and(Failure::offers_run_anyway)
}

/// What a run that went well still has to say.
pub(super) fn warnings(run: &Run) -> Vec<String> {
    let ranking = run.ranking.iter().flat_map(|ranking| ranking.warnings.iter().cloned());
    let refused = run.lookalikes.iter().filter(|lookalike| lookalike.status == LookalikeStatus::Failed);
    let refused = refused.map(|lookalike| {
        let note = lookalike.note.as_deref().unwrap_or("Meta gave no reason.");
        let fate = if lookalike.id.is_some() { "is of no use" } else { "was not created" };
        format!("The lookalike {} {fate}: {note}", lookalike.name)
    });
    let mail = run.steps.iter().filter(|step| step.name == Step::Notify && step.status == StepStatus::Failed);
    let mail = mail.map(|step| {
        let detail = step.detail.as_deref().unwrap_or("No reason was recorded.");
        format!("The message about this sync was not sent: {detail}")
    });
    ranking.chain(refused).chain(mail).collect()
}

/// Of a sync that did not succeed Meta was not asked, so it is not Meta that did not report.
fn is_open(run: &Run) -> bool {
    run.status != RunStatus::Success && run.matched == Matched::default()
}

/// How many of those sent Meta found.
pub(super) fn matched(run: &Run) -> String {
    if is_open(run) { UNKNOWN.to_owned() } else { matched_count(&run.matched, run.accounting.sent) }
}

/// How many percent of those sent Meta found.
pub(super) fn match_rate(run: &Run) -> String {
    if is_open(run) { UNKNOWN.to_owned() } else { run.matched.rate_text(run.accounting.sent) }
}

/// How long a run took.
pub(super) fn run_duration(run: &Run) -> String {
    match run.completed_at {
        Some(end) => duration(end - run.started_at),
        None => UNKNOWN.to_owned(),
    }
}

fn failure(run: &Run) -> Option<FailureView> {
    let failure = run.failure.as_ref()?;
    let code = failure.provider_code.iter().map(|code| ("Provider's code", code.clone()));
    let trace = failure.trace_id.iter().map(|trace| ("Provider's trace id", trace.clone()));
    let (class, icon, word) = match run.status {
        RunStatus::Cancelled => ("idle", "■", "Cancelled"),
        _ if failure.is_interruption() => ("bad", "✕", "Interrupted"),
        _ => ("bad", "✕", "Failed"),
    };
    Some(FailureView {
        class,
        icon,
        word,
        step: failure.step.title(),
        message: failure.message.clone(),
        remedy: linked(&failure.remedy),
        technical: code.chain(trace).collect(),
    })
}

/// Every step in its order; those without a record have not begun, or were never reached.
fn steps(run: &Run, now: DateTime<Utc>) -> Vec<StepView> {
    let missing = if run.status == RunStatus::Running {
        Badge { class: "idle", icon: "○", word: "Waiting" }
    } else {
        Badge { class: "idle", icon: "–", word: "Not reached" }
    };
    let view = |name: Step| match run.steps.iter().find(|step| step.name == name) {
        None => StepView { title: name.title(), badge: missing, counts: None, duration: None, detail: None },
        Some(step) => StepView {
            title: name.title(),
            badge: step_badge(step.status),
            counts: counts(step),
            duration: Some(duration(step.completed_at.unwrap_or(now) - step.started_at)),
            detail: step.detail.clone(),
        },
    };
    Step::ALL.iter().copied().map(view).collect()
}

fn counts(step: &StepRecord) -> Option<String> {
    // "2357 contacts" says it already.
    if step.detail.as_ref().is_some_and(|detail| detail.starts_with(&format!("{} ", step.done))) {
        return None;
    }
    match (step.done, step.total) {
        (0, None) => None,
        (done, Some(total)) if done != total => Some(format!("{} of {}", grouped(done), grouped(total))),
        (done, _) => Some(grouped(done)),
    }
}

fn lookalikes(run: &Run) -> Vec<LookalikeView> {
    let view = |lookalike: &domain::run::Lookalike| LookalikeView {
        name: lookalike.name.clone(),
        id: lookalike.id.clone(),
        place: format!("{}% of {}", lookalike.ratio_percent, lookalike.country),
        state: lookalike_state(lookalike),
        note: lookalike.note.clone(),
    };
    run.lookalikes.iter().map(view).collect()
}
