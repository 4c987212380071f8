//! A run as the API shows it.

use super::words::{LookalikeStatus, RunStatus, StepName, StepStatus, Trigger};
use chrono::{DateTime, NaiveDate, Utc};
use domain::foreign_text::presentable;
use domain::run::{NormalizationStats, RankingReport, RefusedSample, StepRecord};
use domain::{Accounting, Cents, Percentile};
use persistence::RunContact;
use serde::Serialize;
use utoipa::ToSchema;

/// One sync. What is not known, or not yet, is null.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Run {
    id: i64,
    trigger: Trigger,
    status: RunStatus,
    /// The step now running.
    step: Option<StepName>,
    /// The step that failed.
    failed_step: Option<StepName>,
    /// What happened and what it means.
    error_message: Option<String>,
    /// What to do about it.
    error_remedy: Option<String>,
    /// The code of the service that failed.
    provider_code: Option<String>,
    /// The id to quote to the support of that service.
    trace_id: Option<String>,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    /// Until when the run pauses because Meta asked to slow down; it goes on by itself.
    waiting_until: Option<DateTime<Utc>>,
    /// The list it works with, under the name it had then.
    #[schema(example = "tag:customer")]
    ghl_smart_list_id: String,
    ghl_smart_list_name: String,
    /// The key of the value field, or the name of another source of values, such as `won_opportunities`.
    #[schema(example = "contact.lifetime_value")]
    ghl_ltv_field_name: String,
    /// The name of the value field as people see it.
    ghl_ltv_field_label: String,
    meta_ad_account_id: String,
    /// Contacts read from the list.
    contacts_processed: Option<u64>,
    /// People Meta matched, when it reports a number.
    contacts_matched: Option<u64>,
    /// Lower bound of the audience's size, rounded by Meta, when it reports only a range.
    matched_lower: Option<u64>,
    /// Upper bound of the audience's size, rounded by Meta.
    matched_upper: Option<u64>,
    #[schema(example = "120211234567890123")]
    meta_audience_id: Option<String>,
    #[schema(example = "GHL-HighValue-2026-11-21")]
    meta_audience_name: Option<String>,
    /// When the clean-up deleted the audience and its lookalikes, or found that somebody had.
    audience_deleted_at: Option<DateTime<Utc>>,
    /// Of the first country and ratio.
    meta_lookalike_id: Option<String>,
    /// Of the first country and ratio.
    meta_lookalike_name: Option<String>,
    /// How all lookalikes stand together.
    lookalike_status: LookalikeStatus,
    /// One per country and ratio.
    lookalikes: Vec<Lookalike>,
    /// Where every contact of the list ended.
    accounting: Option<Account>,
    /// Contacts that Meta refused, as far as it named them: at most 100 of `accounting.refused_by_meta`.
    refused_contacts: Vec<RefusedContact>,
    /// Difference to the last success of the same list and field; null when there is none.
    changes: Option<Changes>,
    /// The lifetime values and their ranks, once ranked.
    normalization_stats: Option<Stats>,
    /// How the ranks were made.
    ranking: Option<Ranking>,
    /// In the order they began; they may overlap.
    steps: Vec<Step>,
}

/// One sync with a sample of its contacts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunWithSample {
    #[serde(flatten)]
    run: Run,
    /// Ten contacts that were sent, highest rank first; empty once they are no longer kept.
    sample: Vec<SampleContact>,
}

/// A lookalike audience.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lookalike {
    /// Meta's id, once it is created.
    id: Option<String>,
    name: String,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "US")]
    country: String,
    /// Share of the country's population.
    #[schema(example = 0.01)]
    ratio: f64,
    status: LookalikeStatus,
    /// Why it is pending or failed.
    note: Option<String>,
}

/// Each contact read is counted in exactly one of the others.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Account {
    fetched: u64,
    /// Sent to Meta and not refused.
    sent: u64,
    duplicates: u64,
    suppressed: u64,
    excluded_opted_out: u64,
    skipped_no_ltv: u64,
    rejected_bad_ltv: u64,
    below_ltv_min: u64,
    skipped_no_identifier: u64,
    merged: u64,
    refused_by_meta: u64,
}

/// A contact whose row Meta refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedContact {
    ghl_contact_id: String,
    /// Meta's own words, without personal data.
    reason: String,
}

/// Contacts that came and went since the last success.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Changes {
    added: u64,
    removed: u64,
}

/// The distribution over all distinct contacts with a valid lifetime value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    /// Contacts ranked.
    count: u64,
    #[schema(example = "0.00")]
    min: String,
    #[schema(example = "43.50")]
    median: String,
    #[schema(example = "13991.16")]
    max: String,
    /// Contacts by rank: 0-10, 11-20, … 91-100.
    #[schema(min_items = 10, max_items = 10)]
    distribution: Vec<u64>,
    /// The sum of their values.
    #[schema(min_items = 10, max_items = 10)]
    value_per_decile: Vec<String>,
    /// Contacts with a rank above 90.
    top: u64,
    /// Contacts with a rank of 41 to 90.
    middle: u64,
    /// Contacts with a rank of at most 40.
    bottom: u64,
    /// Values that another locale would read differently.
    ambiguous: u64,
}

/// How the ranks were made and checked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ranking {
    /// `claude`, `local`, or `none` when all values are equal.
    normalizer: String,
    model: Option<String>,
    input_tokens: u64,
    output_tokens: u64,
    /// US dollars at Anthropic's list prices, exactly; null when a price is not known.
    #[schema(example = "0.015448")]
    cost_usd: Option<String>,
    /// The day those prices were read.
    prices_of: Option<NaiveDate>,
    request_ids: Vec<String>,
    /// Calls beside the first and the correction.
    retries: u32,
    /// Answers that were sent back because they failed the check.
    corrections: u32,
    /// What the check found in the last answer it refused.
    problems: Vec<String>,
    /// Largest difference between the answer and the exact rank; the exact rank is used. Null when no answer was accepted.
    max_deviation: Option<u8>,
    /// The model's remark on the distribution.
    note: Option<String>,
    warnings: Vec<String>,
}

/// A step of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    name: StepName,
    status: StepStatus,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    /// Contacts, rows or calls so far.
    done: u64,
    /// All of them, when their number is known.
    total: Option<u64>,
    /// One sentence for people.
    detail: Option<String>,
}

/// A contact that was sent. Nobody can be reached with it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SampleContact {
    ghl_contact_id: String,
    #[schema(example = "1234.50")]
    raw_ltv: Option<String>,
    /// The rank, 0 to 100.
    #[schema(maximum = 100)]
    normalized_value: Option<u8>,
}

impl From<domain::Run> for Run {
    fn from(run: domain::Run) -> Self {
        let step = run.current_step().map(|step| step.name.into());
        let lookalike_status = run.lookalike_status().into();
        let first = run.lookalikes.first();
        let (meta_lookalike_id, meta_lookalike_name) =
            (first.and_then(|first| first.id.clone()), first.map(|first| first.name.clone()));
        let failed_step = run.failure.as_ref().map(|failure| failure.step.into());
        let (error_message, error_remedy, provider_code, trace_id) = match run.failure {
            Some(failure) => {
                (Some(failure.message), Some(failure.remedy), failure.provider_code, failure.trace_id)
            }
            None => (None, None, None, None),
        };
        let (meta_audience_id, meta_audience_name) = run.audience.map(|it| (it.id, it.name)).unzip();
        // The account is kept once the list is read; before that nothing is known of it.
        let account = Some(run.accounting).filter(|account| *account != Accounting::default());
        Self {
            id: run.id.0,
            trigger: run.trigger.into(),
            status: run.status.into(),
            step,
            failed_step,
            error_message,
            error_remedy,
            provider_code,
            trace_id,
            started_at: run.started_at,
            completed_at: run.completed_at,
            waiting_until: run.waiting_until,
            ghl_smart_list_id: run.config.list_id,
            ghl_smart_list_name: run.config.list_name,
            ghl_ltv_field_name: run.config.ltv_field_key,
            ghl_ltv_field_label: run.config.ltv_field_name,
            meta_ad_account_id: run.config.ad_account_id,
            contacts_processed: account.map(|account| account.fetched),
            contacts_matched: run.matched.exact,
            matched_lower: run.matched.lower,
            matched_upper: run.matched.upper,
            meta_audience_id,
            meta_audience_name,
            audience_deleted_at: run.audience_deleted_at,
            meta_lookalike_id,
            meta_lookalike_name,
            lookalike_status,
            lookalikes: run.lookalikes.into_iter().map(Lookalike::from).collect(),
            accounting: account.map(Account::from),
            refused_contacts: run.refused_samples.into_iter().map(RefusedContact::from).collect(),
            changes: run.changes.map(|it| Changes { added: it.added, removed: it.removed }),
            normalization_stats: run.stats.map(Stats::from),
            ranking: run.ranking.map(Ranking::from),
            steps: run.steps.into_iter().map(Step::from).collect(),
        }
    }
}

impl RunWithSample {
    pub(crate) fn new(run: domain::Run, sample: Vec<RunContact>) -> Self {
        Self { run: run.into(), sample: sample.into_iter().map(SampleContact::from).collect() }
    }
}

impl From<domain::run::Lookalike> for Lookalike {
    fn from(lookalike: domain::run::Lookalike) -> Self {
        Self {
            id: lookalike.id,
            name: lookalike.name,
            country: lookalike.country,
            ratio: f64::from(lookalike.ratio_percent) / 100.0,
            status: lookalike.status.into(),
            note: lookalike.note,
        }
    }
}

impl From<Accounting> for Account {
    fn from(account: Accounting) -> Self {
        Self {
            fetched: account.fetched,
            sent: account.sent,
            duplicates: account.duplicates,
            suppressed: account.suppressed,
            excluded_opted_out: account.excluded_opted_out,
            skipped_no_ltv: account.skipped_no_ltv,
            rejected_bad_ltv: account.rejected_bad_ltv,
            below_ltv_min: account.below_ltv_min,
            skipped_no_identifier: account.skipped_no_identifier,
            merged: account.merged,
            refused_by_meta: account.refused_by_meta,
        }
    }
}

impl From<RefusedSample> for RefusedContact {
    fn from(sample: RefusedSample) -> Self {
        Self { ghl_contact_id: sample.ghl_contact_id, reason: presentable(&sample.reason, &[]) }
    }
}

impl From<NormalizationStats> for Stats {
    fn from(stats: NormalizationStats) -> Self {
        Self {
            count: stats.count,
            min: stats.min.to_string(),
            median: stats.median.to_string(),
            max: stats.max.to_string(),
            distribution: stats.distribution.to_vec(),
            value_per_decile: stats.value_per_decile.iter().map(Cents::to_string).collect(),
            top: stats.top,
            middle: stats.middle,
            bottom: stats.bottom,
            ambiguous: stats.ambiguous,
        }
    }
}

impl From<RankingReport> for Ranking {
    fn from(report: RankingReport) -> Self {
        Self {
            normalizer: report.normalizer,
            model: report.model,
            input_tokens: report.input_tokens,
            output_tokens: report.output_tokens,
            cost_usd: report.cost.map(|cost| cost.to_string()),
            prices_of: report.cost.map(|cost| cost.prices_of),
            retries: report.retries,
            problems: report.problems,
            request_ids: report.request_ids,
            corrections: report.corrections,
            max_deviation: report.max_deviation,
            note: report.note,
            warnings: report.warnings,
        }
    }
}

impl From<StepRecord> for Step {
    fn from(step: StepRecord) -> Self {
        Self {
            name: step.name.into(),
            status: step.status.into(),
            started_at: step.started_at,
            completed_at: step.completed_at,
            done: step.done,
            total: step.total,
            detail: step.detail,
        }
    }
}

impl From<RunContact> for SampleContact {
    fn from(contact: RunContact) -> Self {
        Self {
            ghl_contact_id: contact.ghl_contact_id,
            raw_ltv: contact.raw_ltv.map(|amount| amount.to_string()),
            normalized_value: contact.normalized_value.map(Percentile::get),
        }
    }
}
