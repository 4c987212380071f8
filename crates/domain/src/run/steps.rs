//! The steps of a run, and the words for how they, the run and its lookalikes stand.

use super::named_enum;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

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
        /// Telling people, by e-mail and webhook.
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
            Self::Normalize => "Rank values",
            Self::Hash => "Hash match keys",
            Self::CreateAudience => "Create custom audience",
            Self::Upload => "Upload to Meta",
            Self::Wait => "Wait for Meta",
            Self::Lookalike => "Create lookalike",
            Self::Save => "Save results",
            Self::Notify => "Tell people",
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

#[cfg(test)]
mod tests {
    use super::{RunStatus, Step};

    #[test]
    fn words_read_back() {
        for step in Step::ALL {
            assert_eq!(step.as_str().parse::<Step>().as_ref(), Ok(step));
        }
        assert_eq!("done".parse::<RunStatus>().unwrap_err().to_string(), "`done` is not a RunStatus");
        assert_eq!(Step::CreateAudience.to_string(), "create_audience");
    }
}
