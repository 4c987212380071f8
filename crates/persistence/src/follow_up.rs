//! The runs whose lookalikes Meta is still busy with.

use crate::error::StoreError;
use crate::run_rows::RunRows;
use crate::schema::{sync_lookalikes, sync_runs};
use crate::store::Store;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use domain::Run;
use domain::run::{LookalikeStatus, RunStatus};

/// Most runs in one answer; a day holds far fewer.
const MOST: i64 = 500;

impl Store {
    /// Every successful run, newest first, with a lookalike that is pending, however old it is, or with one that was
    /// created when the run began after `since`, because Meta builds it for hours; not of an audience that was deleted since.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn runs_to_follow_up(&self, since: DateTime<Utc>) -> Result<Vec<Run>, StoreError> {
        let rows = self.read("find runs whose lookalikes are not finished", |connection| {
            let pending = sync_lookalikes::status.eq(LookalikeStatus::Pending.as_str());
            let created = sync_lookalikes::status
                .eq(LookalikeStatus::Created.as_str())
                .and(sync_runs::audience_deleted_at.is_null());
            let ids: Vec<i64> = sync_runs::table
                .inner_join(sync_lookalikes::table)
                .filter(sync_runs::status.eq(RunStatus::Success.as_str()))
                .filter(pending.or(created.and(sync_runs::started_at.ge(since.naive_utc()))))
                .order(sync_runs::id.desc())
                .select(sync_runs::id)
                .distinct()
                .limit(MOST)
                .load(connection)?;
            RunRows::load(connection, &ids)
        })?;
        rows.into_runs()
    }
}
