//! Rows of a run, its steps and its lookalikes, and how they become a [`Run`].

use crate::configs::ConfigRow;
use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::schema::{sync_configs, sync_lookalikes, sync_runs, sync_steps};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use domain::run::{Changes, Failure, Lookalike, Matched, RemoteAudience, StepRecord};
use domain::{Run, RunId};
use serde::de::DeserializeOwned;
use std::str::FromStr;

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_runs)]
struct RunRow {
    id: i64,
    triggered_by: String,
    started_at: NaiveDateTime,
    completed_at: Option<NaiveDateTime>,
    status: String,
    contacts_matched: Option<i64>,
    matched_lower: Option<i64>,
    matched_upper: Option<i64>,
    meta_audience_id: Option<String>,
    meta_audience_name: Option<String>,
    error_message: Option<String>,
    error_step: Option<String>,
    error_remedy: Option<String>,
    error_provider_code: Option<String>,
    error_trace_id: Option<String>,
    accounting: String,
    changes_added: Option<i64>,
    changes_removed: Option<i64>,
    normalization_stats: Option<String>,
    ranking_report: Option<String>,
    waiting_until: Option<NaiveDateTime>,
    audience_deleted_at: Option<NaiveDateTime>,
    refused_samples: Option<String>,
    scheduled_for: Option<NaiveDateTime>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_steps)]
struct StepRow {
    sync_run_id: i64,
    name: String,
    status: String,
    started_at: NaiveDateTime,
    completed_at: Option<NaiveDateTime>,
    done: i64,
    total: Option<i64>,
    detail: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_lookalikes)]
struct LookalikeRow {
    sync_run_id: i64,
    meta_lookalike_id: Option<String>,
    name: String,
    country: String,
    ratio_percent: i32,
    status: String,
    note: Option<String>,
}

/// The rows of some runs, read but not yet understood.
pub(crate) struct RunRows {
    runs: Vec<(RunRow, ConfigRow)>,
    steps: Vec<StepRow>,
    lookalikes: Vec<LookalikeRow>,
}

impl RunRows {
    /// Reads everything that belongs to the runs with these ids (at most a page of them), newest run first.
    pub(crate) fn load(connection: &mut AnyConnection, ids: &[i64]) -> QueryResult<Self> {
        Ok(Self {
            runs: sync_runs::table
                .inner_join(sync_configs::table)
                .filter(sync_runs::id.eq_any(ids))
                .order(sync_runs::id.desc())
                .select((RunRow::as_select(), ConfigRow::as_select()))
                .load(connection)?,
            steps: sync_steps::table
                .filter(sync_steps::sync_run_id.eq_any(ids))
                .order(sync_steps::id)
                .select(StepRow::as_select())
                .load(connection)?,
            lookalikes: sync_lookalikes::table
                .filter(sync_lookalikes::sync_run_id.eq_any(ids))
                .order((sync_lookalikes::sync_run_id, sync_lookalikes::position))
                .select(LookalikeRow::as_select())
                .load(connection)?,
        })
    }

    /// Understands the rows.
    pub(crate) fn into_runs(self) -> Result<Vec<Run>, StoreError> {
        let mut runs =
            self.runs.into_iter().map(|(row, config)| run(row, config)).collect::<Result<Vec<_>, _>>()?;
        for row in self.steps {
            if let Some(run) = runs.iter_mut().find(|run| run.id.0 == row.sync_run_id) {
                run.steps.push(step(row)?);
            }
        }
        for row in self.lookalikes {
            if let Some(run) = runs.iter_mut().find(|run| run.id.0 == row.sync_run_id) {
                run.lookalikes.push(lookalike(row)?);
            }
        }
        Ok(runs)
    }
}

/// A word of the database as the enum it stands for.
pub(crate) fn word<T: FromStr<Err = domain::run::UnknownWord>>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(StoreError::corrupt(what))
}

/// A stored count, which is never negative.
pub(crate) fn count(what: &'static str, number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(StoreError::corrupt(what))
}

pub(crate) fn json<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::corrupt(what))
}

fn run(row: RunRow, config: ConfigRow) -> Result<Run, StoreError> {
    let matches = |number: Option<i64>| number.map(|number| count("match count", number)).transpose();
    let changes = match (row.changes_added, row.changes_removed) {
        (Some(added), Some(removed)) => {
            Some(Changes { added: count("changes", added)?, removed: count("changes", removed)? })
        }
        _ => None,
    };
    let failure = match row.error_step {
        Some(step) => Some(Failure {
            step: word("step of a failure", &step)?,
            message: row.error_message.unwrap_or_default(),
            remedy: row.error_remedy.unwrap_or_default(),
            provider_code: row.error_provider_code,
            trace_id: row.error_trace_id,
        }),
        None => None,
    };
    Ok(Run {
        id: RunId(row.id),
        trigger: word("trigger", &row.triggered_by)?,
        scheduled_for: row.scheduled_for.map(|at| at.and_utc()),
        status: word("run status", &row.status)?,
        config: config.into(),
        started_at: row.started_at.and_utc(),
        completed_at: row.completed_at.map(|at| at.and_utc()),
        failure,
        steps: Vec::new(),
        accounting: json("account of contacts", &row.accounting)?,
        matched: Matched {
            exact: matches(row.contacts_matched)?,
            lower: matches(row.matched_lower)?,
            upper: matches(row.matched_upper)?,
        },
        audience: row
            .meta_audience_id
            .map(|id| RemoteAudience { id, name: row.meta_audience_name.unwrap_or_default() }),
        lookalikes: Vec::new(),
        changes,
        stats: row.normalization_stats.map(|text| json("value distribution", &text)).transpose()?,
        ranking: row.ranking_report.map(|text| json("ranking report", &text)).transpose()?,
        waiting_until: row.waiting_until.map(|at| at.and_utc()),
        audience_deleted_at: row.audience_deleted_at.map(|at| at.and_utc()),
        refused_samples: match row.refused_samples {
            Some(text) => json("refused contacts", &text)?,
            None => Vec::new(),
        },
    })
}

fn step(row: StepRow) -> Result<StepRecord, StoreError> {
    Ok(StepRecord {
        name: word("step", &row.name)?,
        status: word("step status", &row.status)?,
        started_at: row.started_at.and_utc(),
        completed_at: row.completed_at.map(|at| at.and_utc()),
        done: count("progress", row.done)?,
        total: row.total.map(|total| count("progress", total)).transpose()?,
        detail: row.detail,
    })
}

fn lookalike(row: LookalikeRow) -> Result<Lookalike, StoreError> {
    Ok(Lookalike {
        id: row.meta_lookalike_id,
        name: row.name,
        country: row.country,
        ratio_percent: u8::try_from(row.ratio_percent).map_err(StoreError::corrupt("lookalike ratio"))?,
        status: word("lookalike status", &row.status)?,
        note: row.note,
    })
}
