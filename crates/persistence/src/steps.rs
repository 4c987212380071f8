//! The steps of a run, written while it goes so that pages can show progress.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::runs::number;
use crate::schema::{sync_runs, sync_steps};
use crate::store::Store;
use crate::text::{storable, storable_option};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use domain::RunId;
use domain::run::{RunStatus, Step, StepStatus};
use std::borrow::Cow;

#[derive(Insertable)]
#[diesel(table_name = sync_steps, treat_none_as_default_value = false)]
struct NewStep<'a> {
    sync_run_id: i64,
    name: &'static str,
    status: &'static str,
    started_at: NaiveDateTime,
    completed_at: Option<NaiveDateTime>,
    detail: Option<Cow<'a, str>>,
}

impl Store {
    /// Records that a step begins now. A step that is begun again starts over: its end, counts and remark are cleared,
    /// its place in the order stays.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run.
    pub fn step_start(&self, run: RunId, step: Step) -> Result<(), StoreError> {
        let now = self.now_naive();
        let row = NewStep {
            sync_run_id: run.0,
            name: step.as_str(),
            status: StepStatus::Running.as_str(),
            started_at: now,
            completed_at: None,
            detail: None,
        };
        let over = (
            sync_steps::status.eq(StepStatus::Running.as_str()),
            sync_steps::started_at.eq(now),
            sync_steps::completed_at.eq(None::<NaiveDateTime>),
            sync_steps::done.eq(0),
            sync_steps::total.eq(None::<i64>),
            sync_steps::detail.eq(None::<String>),
        );
        self.write_referring("record the begin of a step", ("run", run.0), |connection| {
            on_backend!(connection, inner => diesel::insert_into(sync_steps::table)
                .values(row)
                .on_conflict((sync_steps::sync_run_id, sync_steps::name))
                .do_update()
                .set(over)
                .execute(inner))
        })?;
        Ok(())
    }

    /// Records how far a step is: `done` of `total` units. Call it a few times a second at most; each call is a
    /// transaction.
    ///
    /// # Errors
    /// [`StoreError::Missing`], with the run's id, when the step was not begun.
    pub fn step_progress(
        &self,
        run: RunId,
        step: Step,
        done: u64,
        total: Option<u64>,
    ) -> Result<(), StoreError> {
        let values = (
            sync_steps::done.eq(number("progress", done)?),
            sync_steps::total.eq(total.map(|total| number("progress", total)).transpose()?),
        );
        self.change("record the progress of a step", ("begun step of a run", run.0), |connection| {
            diesel::update(sync_steps::table)
                .filter(sync_steps::sync_run_id.eq(run.0))
                .filter(sync_steps::name.eq(step.as_str()))
                .set(values)
                .execute(connection)
        })
    }

    /// Records a remark for people on a step that goes on, such as what it waits for.
    ///
    /// # Errors
    /// [`StoreError::Missing`], with the run's id, when the step was not begun.
    pub fn step_remark(&self, run: RunId, step: Step, remark: &str) -> Result<(), StoreError> {
        self.change("record a remark on a step", ("begun step of a run", run.0), |connection| {
            diesel::update(sync_steps::table)
                .filter(sync_steps::sync_run_id.eq(run.0))
                .filter(sync_steps::name.eq(step.as_str()))
                .set(sync_steps::detail.eq(storable(remark)))
                .execute(connection)
        })
    }

    /// Records that a step ends now, with a remark for people. A step that was never begun (one that is skipped) begins
    /// and ends at once.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run.
    pub fn step_finish(
        &self,
        run: RunId,
        step: Step,
        status: StepStatus,
        detail: Option<&str>,
    ) -> Result<(), StoreError> {
        let now = self.now_naive();
        let row = NewStep {
            sync_run_id: run.0,
            name: step.as_str(),
            status: status.as_str(),
            started_at: now,
            completed_at: Some(now),
            detail: storable_option(detail),
        };
        let end = (
            sync_steps::status.eq(status.as_str()),
            sync_steps::completed_at.eq(Some(now)),
            sync_steps::detail.eq(storable_option(detail)),
        );
        self.write_referring("record the end of a step", ("run", run.0), |connection| {
            on_backend!(connection, inner => diesel::insert_into(sync_steps::table)
                .values(row)
                .on_conflict((sync_steps::sync_run_id, sync_steps::name))
                .do_update()
                .set(end)
                .execute(inner))
        })?;
        Ok(())
    }

    /// Ends every step of a run that is still running, now, and returns how many those were; the steps of an interrupted
    /// run would otherwise run for ever. [`StepStatus::Running`] is no end and changes nothing. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses. A missing run has no steps.
    pub fn steps_close(&self, run: RunId, status: StepStatus) -> Result<usize, StoreError> {
        if status == StepStatus::Running {
            return Ok(0);
        }
        let end =
            (sync_steps::status.eq(status.as_str()), sync_steps::completed_at.eq(Some(self.now_naive())));
        self.write("end the steps of a run", |connection| {
            diesel::update(sync_steps::table)
                .filter(sync_steps::sync_run_id.eq(run.0))
                .filter(sync_steps::status.eq(StepStatus::Running.as_str()))
                .set(end)
                .execute(connection)
        })
    }

    /// The ended runs with a step that still counts as running: their process died while it told people of them.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn runs_with_steps_left_open(&self) -> Result<Vec<RunId>, StoreError> {
        let ids: Vec<i64> = self.read("find steps that were left open", |connection| {
            let running: Vec<i64> = sync_runs::table
                .filter(sync_runs::status.eq(RunStatus::Running.as_str()))
                .select(sync_runs::id)
                .load(connection)?;
            sync_steps::table
                .filter(sync_steps::status.eq(StepStatus::Running.as_str()))
                .filter(sync_steps::sync_run_id.ne_all(running))
                .select(sync_steps::sync_run_id)
                .distinct()
                .load(connection)
        })?;
        Ok(ids.into_iter().map(RunId).collect())
    }
}
