//! How things stand, in a few numbers for whoever watches the service.

use crate::error::StoreError;
use crate::run_rows::{count, word};
use crate::schema::{outbox, pending_removals, sync_lookalikes, sync_runs};
use crate::store::Store;
use diesel::dsl::count_star;
use diesel::prelude::*;
use domain::Run;
use domain::run::{LookalikeStatus, RunStatus};

/// What the database knows beyond the newest runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How many runs there are of each status; one without runs is left out.
    pub runs: Vec<(RunStatus, u64)>,
    /// Lookalikes whose seed Meta has not matched yet.
    pub lookalikes_pending: u64,
    /// Mails and webhook messages that were neither sent nor given up.
    pub messages_waiting: u64,
    /// People whose removal from Meta's lists is not confirmed yet.
    pub removals_waiting: u64,
}

impl Store {
    /// The counts of this moment. Each is one statement over an index or a small table.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored status means nothing to this program.
    pub fn standing(&self) -> Result<Standing, StoreError> {
        let (runs, lookalikes, mails, removals) = self.read("count what is waiting", |connection| {
            let runs: Vec<(String, i64)> = sync_runs::table
                .group_by(sync_runs::status)
                .select((sync_runs::status, count_star()))
                .load(connection)?;
            let lookalikes: i64 = sync_lookalikes::table
                .filter(sync_lookalikes::status.eq(LookalikeStatus::Pending.as_str()))
                .count()
                .get_result(connection)?;
            let mails: i64 = outbox::table
                .filter(outbox::sent_at.is_null())
                .filter(outbox::given_up_at.is_null())
                .count()
                .get_result(connection)?;
            let removals: i64 = pending_removals::table.count().get_result(connection)?;
            Ok((runs, lookalikes, mails, removals))
        })?;
        let of_status = |(status, runs): (String, i64)| {
            Ok((word("run status", &status)?, count("number of runs", runs)?))
        };
        Ok(Standing {
            runs: runs.into_iter().map(of_status).collect::<Result<_, StoreError>>()?,
            lookalikes_pending: count("number of lookalikes", lookalikes)?,
            messages_waiting: count("number of messages", mails)?,
            removals_waiting: count("number of removals", removals)?,
        })
    }

    /// The newest run that has ended, however it ended.
    ///
    /// # Errors
    /// See [`Self::run_get`].
    pub fn run_latest_ended(&self) -> Result<Option<Run>, StoreError> {
        self.first_run(|connection| {
            sync_runs::table
                .filter(sync_runs::status.ne(RunStatus::Running.as_str()))
                .order(sync_runs::id.desc())
                .select(sync_runs::id)
                .first(connection)
                .optional()
        })
    }
}
