//! The custom audiences that runs have made and the clean-up has not deleted.

use crate::error::StoreError;
use crate::intentions::{IntentionOutcome, RemoteKind};
use crate::run_rows::RunRows;
use crate::schema::{stable_audiences, sync_configs, sync_intentions, sync_runs};
use crate::store::Store;
use crate::text::storable;
use diesel::prelude::*;
use domain::RunId;
use domain::run::{Lookalike, RemoteAudience, RunStatus};

/// Runs read at once: their ids are bound one by one.
const RUNS_AT_ONCE: usize = 500;

/// A custom audience of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeAudience {
    /// The run that made it, or, when several wrote to it, the newest of them.
    pub run: RunId,
    /// The audience.
    pub audience: RemoteAudience,
    /// The lookalikes of that run.
    pub lookalikes: Vec<Lookalike>,
}

impl Store {
    /// Every audience that runs have made and completed in the ad account and that is not known to be deleted, newest
    /// first; a run may have failed afterwards. Stable audiences are not among them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored value means nothing to this program.
    pub fn audiences_made(&self, ad_account_id: &str) -> Result<Vec<MadeAudience>, StoreError> {
        let ids: Vec<i64> = self.read("find the audiences of earlier runs", |connection| {
            let kept = sync_intentions::table
                .filter(sync_intentions::kind.eq(RemoteKind::Audience.as_str()))
                .filter(sync_intentions::outcome.eq(IntentionOutcome::Kept.as_str()))
                .select(sync_intentions::sync_run_id);
            let newest = sync_runs::table
                .inner_join(sync_configs::table)
                .filter(sync_configs::meta_ad_account_id.eq(storable(ad_account_id)))
                .filter(sync_runs::status.ne(RunStatus::Running.as_str()))
                .filter(sync_runs::status.eq(RunStatus::Success.as_str()).or(sync_runs::id.eq_any(kept)))
                .filter(sync_runs::audience_deleted_at.is_null())
                .filter(sync_runs::meta_audience_id.is_not_null())
                .filter(
                    sync_runs::meta_audience_id
                        .ne_all(stable_audiences::table.select(stable_audiences::audience_id.nullable())),
                )
                .group_by(sync_runs::meta_audience_id)
                .select(diesel::dsl::max(sync_runs::id).assume_not_null());
            newest.load(connection)
        })?;
        let mut made = Vec::with_capacity(ids.len());
        for part in ids.chunks(RUNS_AT_ONCE) {
            let rows = self
                .read("load the audiences of earlier runs", |connection| RunRows::load(connection, part))?;
            made.extend(rows.into_runs()?.into_iter().filter_map(|run| {
                let (id, lookalikes) = (run.id, run.lookalikes);
                run.audience.map(|audience| MadeAudience { run: id, audience, lookalikes })
            }));
        }
        made.sort_unstable_by_key(|made| std::cmp::Reverse(made.run));
        Ok(made)
    }

    /// Records that the custom audience of a run was deleted at Meta, now, in every run that wrote to it. Repeating is
    /// harmless; the first moment counts.
    ///
    /// # Errors
    /// Whatever the database refuses. A run without an audience is left as it is.
    pub fn audience_mark_deleted(&self, run: RunId) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.write("record that an audience was deleted", |connection| {
            let audience: Option<Option<String>> = sync_runs::table
                .find(run.0)
                .select(sync_runs::meta_audience_id)
                .first(connection)
                .optional()?;
            diesel::update(sync_runs::table)
                .filter(sync_runs::meta_audience_id.eq(audience.flatten()))
                .filter(sync_runs::audience_deleted_at.is_null())
                .set(sync_runs::audience_deleted_at.eq(now))
                .execute(connection)
        })?;
        Ok(())
    }
}
