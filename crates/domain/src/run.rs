//! One sync run: its steps, its outcome and everything it reports.

mod figures;
mod fixed_words;
mod steps;

use crate::accounting::Accounting;
use crate::contact::Conditions;
pub use crate::ranking::RankingReport;
use chrono::{DateTime, Utc};
pub use figures::{Changes, Matched, NormalizationStats, ValueRange};
pub use fixed_words::UnknownWord;
pub(crate) use fixed_words::named_enum;
use serde::{Deserialize, Serialize};
use std::fmt;
pub use steps::{Channel, LookalikeStatus, RunStatus, Step, StepRecord, StepStatus, Trigger};

/// What to tell beside a success while every run makes an audience of its own (`AUDIENCE_MODE=dated`).
pub const ADS_STAY: &str = "Ad sets go on using the audience chosen in them. Choose the newest lookalike there, or set \
     AUDIENCE_MODE=stable: then one audience is kept up to date.";

/// The database id of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a run ended without success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step that failed.
    pub step: Step,
    /// What happened and what it means.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The provider's code.
    pub provider_code: Option<String>,
    /// The provider's trace or request id.
    pub trace_id: Option<String>,
}

impl Failure {
    /// The way on that a remedy offers when only the size of the list stopped the run. The page offers the button by
    /// these words, so remedies must take them from here.
    pub const RUN_ANYWAY: &'static str = "Run anyway";

    /// The beginning of the message about a run that its program did not bring to an end. Pages know the state by it.
    pub const INTERRUPTED: &'static str = "The sync was interrupted";

    /// Whether the program was stopped or crashed during the run.
    pub fn is_interruption(&self) -> bool {
        self.message.starts_with(Self::INTERRUPTED)
    }

    /// The message about a run that was cut short because its service was stopped.
    pub const STOPPED: &'static str =
        "The sync was cancelled before it was complete: the service was stopped.";

    /// Whether the end of the service ended the run, and not a person who wanted it to end.
    pub fn is_stop(&self) -> bool {
        self.message == Self::STOPPED
    }

    /// Whether the run may be begun again with the smaller list accepted.
    pub fn offers_run_anyway(&self) -> bool {
        self.remedy.contains(Self::RUN_ANYWAY)
    }
}

/// The list and field a run worked with, under the names they had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncConfig {
    /// `all`, `tag:<tag>`, `filter:<id>` or `list:<id>`.
    pub list_id: String,
    /// The list's name as shown.
    pub list_name: String,
    /// The conditions of a saved filter as they were for the run; `None` for other lists, and when the filter was
    /// deleted.
    #[serde(default)]
    pub list_conditions: Option<Conditions>,
    /// The value field's key, such as `contact.lifetime_value`; for values that are no field the name of their source,
    /// such as `won_opportunities`.
    pub ltv_field_key: String,
    /// The value field's name as shown.
    pub ltv_field_name: String,
    /// `act_<digits>`.
    pub ad_account_id: String,
    /// Whether the schedule runs.
    pub sync_enabled: bool,
}

/// Something that exists at Meta.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteAudience {
    /// Meta's id: digits, longer than 2^53, so text.
    pub id: String,
    /// Its name in Ads Manager.
    pub name: String,
}

/// One lookalike of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lookalike {
    /// Meta's id once it is created.
    pub id: Option<String>,
    /// `<audience>-LAL-<ratio>%`.
    pub name: String,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: String,
    /// Size in percent of the country's population, 1 to 20.
    pub ratio_percent: u8,
    /// How it stands.
    pub status: LookalikeStatus,
    /// Why it is pending or failed.
    pub note: Option<String>,
}

/// A contact whose row Meta refused and named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedSample {
    /// The source's id of the contact.
    pub ghl_contact_id: String,
    /// Meta's reason. Hostile input: escape it.
    pub reason: String,
}

/// Everything known of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What started it.
    pub trigger: Trigger,
    /// The moment of the schedule it was made for.
    #[serde(default)]
    pub scheduled_for: Option<DateTime<Utc>>,
    /// How it stands.
    pub status: RunStatus,
    /// The list and field it works with.
    pub config: SyncConfig,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// Why it failed, when it did.
    pub failure: Option<Failure>,
    /// The steps so far, in the order they began.
    pub steps: Vec<StepRecord>,
    /// The account of every contact.
    pub accounting: Accounting,
    /// What Meta reported of matches.
    pub matched: Matched,
    /// The custom audience, once created.
    pub audience: Option<RemoteAudience>,
    /// The lookalikes, in the configured order.
    pub lookalikes: Vec<Lookalike>,
    /// Difference to the last success of the same list and field; `None` when there is none.
    pub changes: Option<Changes>,
    /// The value distribution, once ranked.
    pub stats: Option<NormalizationStats>,
    /// How the ranks were made, once made.
    pub ranking: Option<RankingReport>,
    /// Until when the running run pauses because Meta asked to slow down.
    #[serde(default)]
    pub waiting_until: Option<DateTime<Utc>>,
    /// When the clean-up deleted the custom audience, or found that it was gone already.
    #[serde(default)]
    pub audience_deleted_at: Option<DateTime<Utc>>,
    /// Contacts whose rows Meta refused, as far as it named them: at most [`Run::MOST_REFUSED_SAMPLES`].
    #[serde(default)]
    pub refused_samples: Vec<RefusedSample>,
}

impl Run {
    /// Refused contacts that are kept by name.
    pub const MOST_REFUSED_SAMPLES: usize = 100;

    /// The step now running: of several that run at once, the one that began first.
    pub fn current_step(&self) -> Option<&StepRecord> {
        self.steps.iter().find(|step| step.status == StepStatus::Running)
    }

    /// Whether it has ended by itself or by somebody's word. One whose process died or was stopped stands for nothing.
    pub fn has_taken_place(&self) -> bool {
        let cut_short = |failure: &Failure| failure.is_interruption() || failure.is_stop();
        self.status != RunStatus::Running && !self.failure.as_ref().is_some_and(cut_short)
    }

    /// Whether contacts of it may be shown. They are stored while Meta is filled, so only a success makes them what was done.
    pub fn has_contacts(&self) -> bool {
        self.status == RunStatus::Success
    }

    /// Contacts read: by the account once the list is complete, before that as far as the reading came.
    pub fn contacts_read(&self) -> u64 {
        let so_far = self.steps.iter().find(|step| step.name == Step::Fetch).map_or(0, |step| step.done);
        if self.accounting.fetched > 0 { self.accounting.fetched } else { so_far }
    }

    /// How all lookalikes stand together: pending while any is, failed when any did, else created.
    pub fn lookalike_status(&self) -> LookalikeStatus {
        let any = |status| self.lookalikes.iter().any(|lookalike| lookalike.status == status);
        if any(LookalikeStatus::Pending) {
            LookalikeStatus::Pending
        } else if any(LookalikeStatus::Failed) {
            LookalikeStatus::Failed
        } else if any(LookalikeStatus::Created) {
            LookalikeStatus::Created
        } else {
            LookalikeStatus::None
        }
    }
}
