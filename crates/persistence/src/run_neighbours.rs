//! The runs beside a run: those to leaf to, and the one its figures are compared with.

use crate::error::StoreError;
use crate::run_rows::word;
use crate::schema::{sync_configs, sync_runs};
use crate::store::Store;
use crate::text::storable;
use diesel::prelude::*;
use domain::run::RunStatus;
use domain::{Run, RunId};

impl Store {
    /// The newest run that succeeded before this one, with the same list and value field: what its figures are compared
    /// with.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn run_success_before(&self, run: &Run) -> Result<Option<Run>, StoreError> {
        self.first_run(|connection| {
            sync_runs::table
                .inner_join(sync_configs::table)
                .filter(sync_runs::id.lt(run.id.0))
                .filter(sync_runs::status.eq(RunStatus::Success.as_str()))
                .filter(sync_configs::ghl_smart_list_id.eq(storable(&run.config.list_id)))
                .filter(sync_configs::ghl_ltv_field_name.eq(storable(&run.config.ltv_field_key)))
                .order(sync_runs::id.desc())
                .select(sync_runs::id)
                .first(connection)
                .optional()
        })
    }

    /// How the newest run before this one ended that succeeded or failed; a cancelled one says neither.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored word means nothing to this program.
    pub fn run_outcome_before(&self, run: RunId) -> Result<Option<RunStatus>, StoreError> {
        let outcomes = [RunStatus::Success, RunStatus::Failed].map(RunStatus::as_str);
        let found: Option<String> = self.read("look up how the run before ended", |connection| {
            sync_runs::table
                .filter(sync_runs::id.lt(run.0))
                .filter(sync_runs::status.eq_any(outcomes))
                .order(sync_runs::id.desc())
                .select(sync_runs::status)
                .first(connection)
                .optional()
        })?;
        found.map(|status| word("status", &status)).transpose()
    }

    /// The runs right before and right after this one, as far as there are any.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn run_neighbours(&self, run: RunId) -> Result<(Option<RunId>, Option<RunId>), StoreError> {
        self.read("find the runs beside one", |connection| {
            let ids = sync_runs::table.select(sync_runs::id);
            let before: Option<i64> = ids
                .filter(sync_runs::id.lt(run.0))
                .order(sync_runs::id.desc())
                .first(connection)
                .optional()?;
            let after: Option<i64> = ids
                .filter(sync_runs::id.gt(run.0))
                .order(sync_runs::id.asc())
                .first(connection)
                .optional()?;
            Ok((before.map(RunId), after.map(RunId)))
        })
    }
}
