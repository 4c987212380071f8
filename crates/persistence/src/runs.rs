//! Runs: begun, filled in while they go, ended once, and listed.
//!
//! "Newest" goes by id, which both engines hand out in order; a clock that was set back can not reorder history.

use crate::connection::{AnyConnection, on_backend};
use crate::error::StoreError;
use crate::run_rows::{RunRows, count};
use crate::schema::{sync_configs, sync_lookalikes, sync_runs};
use crate::store::{Page, Store};
use crate::text::{storable, storable_option};
use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use diesel::prelude::*;
use domain::run::{
    Changes, Failure, Lookalike, Matched, NormalizationStats, RankingReport, RefusedSample, RemoteAudience,
    RunStatus, Trigger,
};
use domain::{Accounting, Run, RunId};
use serde::Serialize;
use std::borrow::Cow;

/// Most runs on one page, because their ids are bound one by one.
const LARGEST_PAGE: u32 = 500;

#[derive(Insertable)]
#[diesel(table_name = sync_lookalikes, treat_none_as_default_value = false)]
struct NewLookalike<'a> {
    sync_run_id: i64,
    position: i32,
    meta_lookalike_id: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    country: Cow<'a, str>,
    ratio_percent: i32,
    status: &'static str,
    note: Option<Cow<'a, str>>,
}

impl Store {
    /// Records that a run begins now, with the saved settings `config_id`. Not to be repeated blindly: each call is a
    /// run of its own.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there are no such settings.
    pub fn run_start(&self, trigger: Trigger, config_id: i64) -> Result<RunId, StoreError> {
        self.run_start_for(trigger, None, config_id)
    }

    /// [`Self::run_start`] for a moment of the schedule.
    ///
    /// # Errors
    /// See [`Self::run_start`].
    pub fn run_start_for(
        &self,
        trigger: Trigger,
        slot: Option<DateTime<Utc>>,
        config_id: i64,
    ) -> Result<RunId, StoreError> {
        let accounting = to_json("account of contacts", &Accounting::default())?;
        self.write_referring("begin a run", ("saved settings", config_id), |connection| {
            diesel::insert_into(sync_runs::table)
                .values((
                    sync_runs::config_id.eq(config_id),
                    sync_runs::triggered_by.eq(trigger.as_str()),
                    sync_runs::scheduled_for.eq(slot.map(|slot| slot.trunc_subsecs(6).naive_utc())),
                    sync_runs::started_at.eq(self.now_naive()),
                    sync_runs::status.eq(RunStatus::Running.as_str()),
                    sync_runs::accounting.eq(accounting),
                ))
                .returning(sync_runs::id)
                .get_result(connection)
        })
        .map(RunId)
    }

    /// One run with its steps and lookalikes.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored value means nothing to this program; so in every method that returns runs.
    pub fn run_get(&self, run: RunId) -> Result<Option<Run>, StoreError> {
        self.first_run(|_| Ok(Some(run.0)))
    }

    /// The runs of one page, newest first. `page` counts from 1 (0 means 1); `per_page` is at most 500.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn run_list(&self, page: u32, per_page: u32) -> Result<Page<Run>, StoreError> {
        let per_page = i64::from(per_page.clamp(1, LARGEST_PAGE));
        let skipped = i64::from(page.saturating_sub(1)) * per_page;
        let (rows, total) = self.read("list runs", |connection| {
            let ids: Vec<i64> = sync_runs::table
                .order(sync_runs::id.desc())
                .limit(per_page)
                .offset(skipped)
                .select(sync_runs::id)
                .load(connection)?;
            let total: i64 = sync_runs::table.count().get_result(connection)?;
            Ok((RunRows::load(connection, &ids)?, total))
        })?;
        Ok(Page { items: rows.into_runs()?, total: count("number of runs", total)? })
    }

    /// The newest run.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn run_latest(&self) -> Result<Option<Run>, StoreError> {
        self.first_run(|connection| {
            sync_runs::table.order(sync_runs::id.desc()).select(sync_runs::id).first(connection).optional()
        })
    }

    /// The newest run that succeeded.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn run_latest_success(&self) -> Result<Option<Run>, StoreError> {
        self.first_run(|connection| {
            sync_runs::table
                .filter(sync_runs::status.eq(RunStatus::Success.as_str()))
                .order(sync_runs::id.desc())
                .select(sync_runs::id)
                .first(connection)
                .optional()
        })
    }

    /// The newest run that succeeded with this list and value field, whatever else was configured.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn run_last_success_of(&self, list_id: &str, ltv_field_key: &str) -> Result<Option<Run>, StoreError> {
        self.first_run(|connection| {
            sync_runs::table
                .inner_join(sync_configs::table)
                .filter(sync_runs::status.eq(RunStatus::Success.as_str()))
                .filter(sync_configs::ghl_smart_list_id.eq(storable(list_id)))
                .filter(sync_configs::ghl_ltv_field_name.eq(storable(ltv_field_key)))
                .order(sync_runs::id.desc())
                .select(sync_runs::id)
                .first(connection)
                .optional()
        })
    }

    /// The newest run that succeeded in the ad account, with whatever list and value field.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn run_last_success_in(&self, ad_account_id: &str) -> Result<Option<Run>, StoreError> {
        self.first_run(|connection| {
            sync_runs::table
                .inner_join(sync_configs::table)
                .filter(sync_runs::status.eq(RunStatus::Success.as_str()))
                .filter(sync_configs::meta_ad_account_id.eq(storable(ad_account_id)))
                .order(sync_runs::id.desc())
                .select(sync_runs::id)
                .first(connection)
                .optional()
        })
    }

    /// Every run that has not ended: at start, those a crash left behind. Newest first.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn runs_running(&self) -> Result<Vec<Run>, StoreError> {
        self.read("find runs that have not ended", |connection| {
            let ids: Vec<i64> = sync_runs::table
                .filter(sync_runs::status.eq(RunStatus::Running.as_str()))
                .order(sync_runs::id.desc())
                .limit(i64::from(LARGEST_PAGE))
                .select(sync_runs::id)
                .load(connection)?;
            RunRows::load(connection, &ids)
        })?
        .into_runs()
    }

    /// Ends a run that is still running, now, and returns whether it did: a run ends once, and the first end counts.
    /// [`RunStatus::Running`] is no end and changes nothing. Steps that are still running are left as they are;
    /// [`Self::steps_close`] ends them.
    ///
    /// # Errors
    /// Whatever the database refuses. A missing run is `false`.
    pub fn run_finish(
        &self,
        run: RunId,
        status: RunStatus,
        failure: Option<&Failure>,
    ) -> Result<bool, StoreError> {
        if status == RunStatus::Running {
            return Ok(false);
        }
        let now = self.now_naive();
        let changed = self.write("end a run", |connection| {
            diesel::update(sync_runs::table)
                .filter(sync_runs::id.eq(run.0))
                .filter(sync_runs::status.eq(RunStatus::Running.as_str()))
                .set((
                    sync_runs::status.eq(status.as_str()),
                    sync_runs::completed_at.eq(now),
                    sync_runs::waiting_until.eq(None::<NaiveDateTime>),
                    sync_runs::error_step.eq(failure.map(|failure| failure.step.as_str())),
                    sync_runs::error_message.eq(failure.map(|failure| storable(&failure.message))),
                    sync_runs::error_remedy.eq(failure.map(|failure| storable(&failure.remedy))),
                    sync_runs::error_provider_code
                        .eq(failure.and_then(|failure| storable_option(failure.provider_code.as_deref()))),
                    sync_runs::error_trace_id
                        .eq(failure.and_then(|failure| storable_option(failure.trace_id.as_deref()))),
                ))
                .execute(connection)
        })?;
        Ok(changed == 1)
    }

    /// Records the account of contacts; `contacts_processed` is what was fetched. Repeating overwrites, as in every
    /// `run_set_…`.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run; so in every `run_set_…`.
    pub fn run_set_accounting(&self, run: RunId, accounting: &Accounting) -> Result<(), StoreError> {
        let values = (
            sync_runs::contacts_processed.eq(number("number of contacts", accounting.fetched)?),
            sync_runs::accounting.eq(to_json("account of contacts", accounting)?),
        );
        self.change("record the account of contacts", ("run", run.0), |connection| {
            diesel::update(sync_runs::table.find(run.0)).set(values).execute(connection)
        })
    }

    /// Records the value distribution and how the ranks were made.
    ///
    /// # Errors
    /// See [`Self::run_set_accounting`].
    pub fn run_set_ranking(
        &self,
        run: RunId,
        stats: &NormalizationStats,
        ranking: &RankingReport,
    ) -> Result<(), StoreError> {
        let values = (
            sync_runs::normalization_stats.eq(to_json("value distribution", stats)?),
            sync_runs::ranking_report.eq(to_json("ranking report", ranking)?),
        );
        self.change("record the ranking", ("run", run.0), |connection| {
            diesel::update(sync_runs::table.find(run.0)).set(values).execute(connection)
        })
    }

    /// Records how far a ranking came that failed; there is no distribution of ranks then.
    ///
    /// # Errors
    /// See [`Self::run_set_accounting`].
    pub fn run_set_ranking_report(&self, run: RunId, ranking: &RankingReport) -> Result<(), StoreError> {
        let report = to_json("ranking report", ranking)?;
        self.change("record the ranking", ("run", run.0), |connection| {
            diesel::update(sync_runs::table.find(run.0))
                .set(sync_runs::ranking_report.eq(report))
                .execute(connection)
        })
    }

    /// Records the custom audience.
    ///
    /// # Errors
    /// See [`Self::run_set_accounting`].
    pub fn run_set_audience(&self, run: RunId, audience: &RemoteAudience) -> Result<(), StoreError> {
        self.change("record the custom audience", ("run", run.0), |connection| {
            diesel::update(sync_runs::table.find(run.0))
                .set((
                    sync_runs::meta_audience_id.eq(storable(&audience.id)),
                    sync_runs::meta_audience_name.eq(storable(&audience.name)),
                ))
                .execute(connection)
        })
    }

    /// Records what Meta reported of matches. `contacts_matched` holds an exact count or NULL, never an estimate.
    ///
    /// # Errors
    /// See [`Self::run_set_accounting`].
    pub fn run_set_matched(&self, run: RunId, matched: &Matched) -> Result<(), StoreError> {
        let column = |value: Option<u64>| value.map(|value| number("match count", value)).transpose();
        let values = (
            sync_runs::contacts_matched.eq(column(matched.exact)?),
            sync_runs::matched_lower.eq(column(matched.lower)?),
            sync_runs::matched_upper.eq(column(matched.upper)?),
        );
        self.change("record the matches", ("run", run.0), |connection| {
            diesel::update(sync_runs::table.find(run.0)).set(values).execute(connection)
        })
    }

    /// Replaces the run's lookalikes; the first one is repeated in the run itself.
    ///
    /// # Errors
    /// See [`Self::run_set_accounting`].
    pub fn run_set_lookalikes(&self, run: RunId, lookalikes: &[Lookalike]) -> Result<(), StoreError> {
        let rows: Vec<NewLookalike<'_>> =
            (0..).zip(lookalikes).map(|(at, one)| lookalike_row(run, at, one)).collect();
        let first = rows.first().map(|row| (row.meta_lookalike_id.clone(), Some(row.name.clone())));
        let (first_id, first_name) = first.unwrap_or_default();
        self.change("record the lookalikes", ("run", run.0), |connection| {
            let found = diesel::update(sync_runs::table.find(run.0))
                .set((
                    sync_runs::meta_lookalike_id.eq(first_id),
                    sync_runs::meta_lookalike_name.eq(first_name),
                ))
                .execute(connection)?;
            diesel::delete(sync_lookalikes::table.filter(sync_lookalikes::sync_run_id.eq(run.0)))
                .execute(connection)?;
            // SQLite answers an empty batch with the row count of the statement before it.
            if found > 0 && !rows.is_empty() {
                on_backend!(connection, inner =>
                    diesel::insert_into(sync_lookalikes::table).values(&rows).execute(inner))?;
            }
            Ok(found)
        })
    }

    /// Records the difference to the last success; `None` when there is none to compare with.
    ///
    /// # Errors
    /// See [`Self::run_set_accounting`].
    pub fn run_set_changes(&self, run: RunId, changes: Option<Changes>) -> Result<(), StoreError> {
        let column = |value: Option<u64>| value.map(|value| number("number of changes", value)).transpose();
        let values = (
            sync_runs::changes_added.eq(column(changes.map(|changes| changes.added))?),
            sync_runs::changes_removed.eq(column(changes.map(|changes| changes.removed))?),
        );
        self.change("record the changes", ("run", run.0), |connection| {
            diesel::update(sync_runs::table.find(run.0)).set(values).execute(connection)
        })
    }

    /// Records until when the run pauses because Meta asked to slow down; `None`: it goes on. The end of the run clears
    /// it as well, and a run that has ended never pauses.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn run_set_waiting_until(&self, run: RunId, until: Option<DateTime<Utc>>) -> Result<(), StoreError> {
        let until = until.map(|until| until.trunc_subsecs(6).naive_utc());
        self.write("record a pause", |connection| {
            diesel::update(sync_runs::table.find(run.0))
                .filter(sync_runs::status.eq(RunStatus::Running.as_str()))
                .set(sync_runs::waiting_until.eq(until))
                .execute(connection)
        })?;
        Ok(())
    }

    /// Records the contacts that Meta refused and named; the first [`Run::MOST_REFUSED_SAMPLES`] are kept.
    ///
    /// # Errors
    /// See [`Self::run_set_accounting`].
    pub fn run_set_refused_samples(&self, run: RunId, samples: &[RefusedSample]) -> Result<(), StoreError> {
        let kept = samples.get(..Run::MOST_REFUSED_SAMPLES).unwrap_or(samples);
        let text = to_json("refused contacts", &kept)?;
        self.change("record the refused contacts", ("run", run.0), |connection| {
            diesel::update(sync_runs::table.find(run.0))
                .set(sync_runs::refused_samples.eq(text))
                .execute(connection)
        })
    }

    pub(crate) fn first_run(
        &self,
        id: impl FnOnce(&mut AnyConnection) -> QueryResult<Option<i64>>,
    ) -> Result<Option<Run>, StoreError> {
        let rows = self.read("load a run", |connection| {
            let ids: Vec<i64> = id(connection)?.into_iter().collect();
            RunRows::load(connection, &ids)
        })?;
        Ok(rows.into_runs()?.pop())
    }
}

fn lookalike_row(run: RunId, position: i32, lookalike: &Lookalike) -> NewLookalike<'_> {
    NewLookalike {
        sync_run_id: run.0,
        position,
        meta_lookalike_id: storable_option(lookalike.id.as_deref()),
        name: storable(&lookalike.name),
        country: storable(&lookalike.country),
        ratio_percent: i32::from(lookalike.ratio_percent),
        status: lookalike.status.as_str(),
        note: storable_option(lookalike.note.as_deref()),
    }
}

/// A count as the database holds it.
pub(crate) fn number(what: &'static str, count: u64) -> Result<i64, StoreError> {
    i64::try_from(count).map_err(StoreError::unstorable(what))
}

fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::unstorable(what))
}
