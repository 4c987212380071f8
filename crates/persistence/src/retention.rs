//! Forgetting who old runs read: the rows of their contacts go, the runs with their figures stay.

use crate::connection::AnyConnection;
use crate::contacts::ROWS_PER_TRANSACTION;
use crate::error::StoreError;
use crate::store::Store;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamp};
use domain::RunId;

/// Runs that still have rows and need none: those that ended without success, and those that ended before `$1`, without what
/// later runs are compared with; oldest first. The recursion leaps from run to run in an index, because `DISTINCT` would read the rows of all of them.
const OLD_RUNS: &str = "
    WITH RECURSIVE stored (run) AS (
      SELECT MIN(sync_run_id) FROM sync_contacts
      UNION ALL
      SELECT (SELECT MIN(later.sync_run_id) FROM sync_contacts later WHERE later.sync_run_id > stored.run)
      FROM stored WHERE stored.run IS NOT NULL)
    SELECT old.id AS run
    FROM stored
    JOIN sync_runs old ON old.id = stored.run
    JOIN sync_configs was ON was.id = old.config_id
    WHERE old.status IN ('failed', 'cancelled')
      OR (old.completed_at < $1 AND old.status = 'success'
        AND EXISTS (
          SELECT 1 FROM sync_runs newer JOIN sync_configs chosen ON chosen.id = newer.config_id
          WHERE newer.status = 'success' AND newer.id > old.id
            AND chosen.ghl_smart_list_id = was.ghl_smart_list_id
            AND chosen.ghl_ltv_field_name = was.ghl_ltv_field_name)
        AND EXISTS (
          SELECT 1 FROM sync_runs newer JOIN sync_configs chosen ON chosen.id = newer.config_id
          WHERE newer.status = 'success' AND newer.id > old.id
            AND chosen.meta_ad_account_id = was.meta_ad_account_id))
    ORDER BY old.id";

/// At most `$2` rows of the run `$1`.
const DELETE_SOME_SQLITE: &str = "
    DELETE FROM sync_contacts WHERE id IN (SELECT id FROM sync_contacts WHERE sync_run_id = $1 LIMIT $2)";

/// The same. An array, because of `IN` PostgreSQL makes a join that reads the whole table for every part.
const DELETE_SOME_POSTGRES: &str = "
    DELETE FROM sync_contacts
    WHERE id = ANY (ARRAY(SELECT id FROM sync_contacts WHERE sync_run_id = $1 LIMIT $2))";

#[derive(QueryableByName)]
struct OldRun {
    #[diesel(sql_type = BigInt)]
    run: i64,
}

impl Store {
    /// The runs whose contacts are stored and not needed, oldest first: those of a run without success never are, and
    /// others are kept from this moment on. Never among them: a run that has not ended, and the newest success of each list and value field and of each ad account, which the next run
    /// is compared with.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn runs_with_needless_contacts(&self, before: DateTime<Utc>) -> Result<Vec<RunId>, StoreError> {
        let rows: Vec<OldRun> = self.read("find runs whose contacts are old", |connection| {
            diesel::sql_query(OLD_RUNS).bind::<Timestamp, _>(before.naive_utc()).load(connection)
        })?;
        Ok(rows.into_iter().map(|row| RunId(row.run)).collect())
    }

    /// Removes at most 5,000 contacts of a run in one transaction and returns how many those were; none are left when it
    /// is 0. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses; nothing is removed then.
    pub fn contacts_delete_some(&self, run: RunId) -> Result<usize, StoreError> {
        let at_once = i64::try_from(ROWS_PER_TRANSACTION).unwrap_or(i64::MAX);
        self.write("remove the contacts of a run", |connection| {
            let query = match connection {
                AnyConnection::Sqlite(_) => DELETE_SOME_SQLITE,
                AnyConnection::Postgres(_) => DELETE_SOME_POSTGRES,
            };
            diesel::sql_query(query).bind::<BigInt, _>(run.0).bind::<BigInt, _>(at_once).execute(connection)
        })
    }
}
