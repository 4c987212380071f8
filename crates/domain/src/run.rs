//! One sync run: its steps, its outcome and everything it reports.

use crate::accounting::Accounting;
use crate::contact::Conditions;
use crate::money::Cents;
pub use crate::ranking::RankingReport;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A word of the database or the API that is not one of those known here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {what}")]
pub struct UnknownWord {
    /// The type that was expected.
    pub what: &'static str,
    /// The word that was found.
    pub word: String,
}

/// An enum whose variants have one fixed word each, used in the database, the API and on pages alike.
macro_rules! named_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// Every variant, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The fixed word of the variant.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::run::UnknownWord;
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    other => Err($crate::run::UnknownWord { what: stringify!($name), word: other.to_owned() }),
                }
            }
        }
    };
}
pub(crate) use named_enum;

/// The database id of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

named_enum! {
    /// How a run stands.
    pub enum RunStatus {
        /// Still going.
        Running = "running",
        /// Every step before `notify` ended well.
        Success = "success",
        /// A step before `notify` failed.
        Failed = "failed",
        /// Stopped by a person or by the shutdown of the service.
        Cancelled = "cancelled",
    }
}

named_enum! {
    /// What started a run.
    pub enum Trigger {
        /// A person in the dashboard or through the API.
        Manual = "manual",
        /// The schedule.
        Scheduled = "scheduled",
        /// The schedule, for a slot missed while the machine was off.
        MadeUp = "made_up",
        /// The command line.
        Cli = "cli",
    }
}

named_enum! {
    /// The steps of a run, in order. They may overlap; each has its own start, end and counts.
    pub enum Step {
        /// Reading the contacts of the list.
        Fetch = "fetch",
        /// Reading the lifetime values as money.
        ReadLtv = "read_ltv",
        /// Ranking the values.
        Normalize = "normalize",
        /// Building and hashing the match keys.
        Hash = "hash",
        /// Creating the custom audience.
        CreateAudience = "create_audience",
        /// Uploading the rows.
        Upload = "upload",
        /// Waiting until Meta has processed the upload.
        Wait = "wait",
        /// Creating the lookalike.
        Lookalike = "lookalike",
        /// Recording contacts and figures.
        Save = "save",
        /// Sending the e-mail.
        Notify = "notify",
    }
}

named_enum! {
    /// By which way people are told.
    pub enum Channel {
        /// E-mail.
        Mail = "mail",
        /// A webhook, such as Slack's.
        Webhook = "webhook",
    }
}

named_enum! {
    /// How a step stands.
    pub enum StepStatus {
        /// Begun, not ended.
        Running = "running",
        /// Ended well.
        Done = "done",
        /// Ended with an error.
        Failed = "failed",
        /// Nothing to do.
        Skipped = "skipped",
    }
}

named_enum! {
    /// How a lookalike stands.
    pub enum LookalikeStatus {
        /// None was asked for yet.
        None = "none",
        /// Meta has not matched the seed yet; a follow-up creates it.
        Pending = "pending",
        /// It exists at Meta.
        Created = "created",
        /// Meta refused it for good.
        Failed = "failed",
    }
}

impl Step {
    /// The step in a marketer's words, for progress lines, pages and mails.
    pub fn title(self) -> &'static str {
        match self {
            Self::Fetch => "Fetch contacts",
            Self::ReadLtv => "Read lifetime values",
            Self::Normalize => "Rank with Claude",
            Self::Hash => "Hash match keys",
            Self::CreateAudience => "Create custom audience",
            Self::Upload => "Upload to Meta",
            Self::Wait => "Wait for Meta",
            Self::Lookalike => "Create lookalike",
            Self::Save => "Save results",
            Self::Notify => "Send e-mail",
        }
    }
}

/// One step of a run as it is stored while it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which step.
    pub name: Step,
    /// How it stands.
    pub status: StepStatus,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// Units done so far (contacts, rows or calls; see `detail`).
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
    /// One short sentence for people, without personal data.
    pub detail: Option<String>,
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

    /// Whether the run may be begun again with the smaller list accepted.
    pub fn offers_run_anyway(&self) -> bool {
        self.remedy.contains(Self::RUN_ANYWAY)
    }
}

/// The list and field a run worked with, under the names they had then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncConfig {
    /// `all`, `tag:<tag>` or `filter:<id>`.
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

/// What Meta reported of how many people it matched. Every part may be missing; nothing is ever estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Matched {
    /// `num_matched` of the upload session.
    pub exact: Option<u64>,
    /// Lower bound of the audience size, rounded by Meta.
    pub lower: Option<u64>,
    /// Upper bound of the audience size, rounded by Meta.
    pub upper: Option<u64>,
}

impl Matched {
    /// The count for people: a number, a rounded range, or `not reported by Meta`.
    pub fn count_text(&self) -> String {
        match (self.exact, self.lower, self.upper) {
            (Some(exact), _, _) => exact.to_string(),
            (None, Some(lower), Some(upper)) => format!("between {lower} and {upper}"),
            _ => "not reported by Meta".to_owned(),
        }
    }

    /// The exact share of those sent, in tenths of a percent, rounded; `None` when Meta did not report it.
    pub fn exact_tenths(&self, sent: u64) -> Option<u128> {
        let exact = self.exact.filter(|_| sent > 0)?;
        Some((u128::from(exact) * 2000 / u128::from(sent)).div_ceil(2))
    }

    /// The share of `sent` for people, capped at nothing: `72.4%`, `between 49 % and 51 %`, or `not reported by Meta`. Meta
    /// rounds the bounds of a range, so it has whole percents that enclose it.
    pub fn rate_text(&self, sent: u64) -> String {
        let hundredfold = |count: u64| u128::from(count) * 100;
        let whole = u128::from(sent.max(1));
        match (self.exact_tenths(sent), self.lower, self.upper) {
            _ if sent == 0 => "not reported by Meta".to_owned(),
            (Some(tenths), _, _) => format!("{}.{}%", tenths / 10, tenths % 10),
            (None, Some(lower), Some(upper)) => {
                let (from, to) = (hundredfold(lower) / whole, hundredfold(upper).div_ceil(whole));
                format!("between {from} % and {to} %")
            }
            _ => "not reported by Meta".to_owned(),
        }
    }
}

/// Contacts that came and went since the last success of the same list and field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Sent now, not sent then.
    pub added: u64,
    /// Sent then, not sent now.
    pub removed: u64,
}

/// From the smallest to the largest of some values, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueRange {
    /// The smallest.
    pub from: Cents,
    /// The largest.
    pub to: Cents,
}

/// The distribution of values and ranks over all distinct contacts with a valid value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NormalizationStats {
    /// Contacts ranked.
    pub count: u64,
    /// Smallest value.
    pub min: Cents,
    /// Middle value; the mean of the two middle ones, rounded half away from zero, for an even count.
    pub median: Cents,
    /// Largest value.
    pub max: Cents,
    /// Contacts per decile of the rank: 0-10, 11-20, … 91-100.
    pub distribution: [u64; 10],
    /// Sum of the values per decile, in cents.
    pub value_per_decile: [Cents; 10],
    /// Smallest and largest value of each decile; `None` for one without contacts, and for runs recorded before this was.
    #[serde(default)]
    pub range_per_decile: [Option<ValueRange>; 10],
    /// Contacts with a rank above 90.
    pub top: u64,
    /// Contacts with a rank of 41 to 90.
    pub middle: u64,
    /// Contacts with a rank of at most 40.
    pub bottom: u64,
    /// Values that another locale would read differently.
    pub ambiguous: u64,
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

#[cfg(test)]
mod tests {
    use super::{Matched, RunStatus, Step};

    #[test]
    fn words_read_back() {
        for step in Step::ALL {
            assert_eq!(step.as_str().parse::<Step>().as_ref(), Ok(step));
        }
        assert_eq!("done".parse::<RunStatus>().unwrap_err().to_string(), "`done` is not a RunStatus");
        assert_eq!(serde_json_word(Step::CreateAudience), "create_audience");
    }

    fn serde_json_word(step: Step) -> String {
        step.to_string()
    }

    #[test]
    fn unknown_matches_are_never_a_number() {
        let unknown = Matched::default();
        assert_eq!(unknown.count_text(), "not reported by Meta");
        assert_eq!(unknown.rate_text(100), "not reported by Meta");
        let range = Matched { lower: Some(4900), upper: Some(5100), ..unknown };
        assert_eq!(range.count_text(), "between 4900 and 5100");
        assert_eq!(range.rate_text(10_000), "between 49 % and 51 %");
        assert_eq!(range.rate_text(9_999), "between 49 % and 52 %", "the range is enclosed");
        let exact = Matched { exact: Some(1701), ..unknown };
        assert_eq!((exact.count_text(), exact.rate_text(2311)), ("1701".into(), "73.6%".into()));
        assert_eq!(exact.rate_text(0), "not reported by Meta");
    }
}
