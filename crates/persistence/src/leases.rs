//! One run at a time over all processes that share the database: a lease with an expiry, taken by compare-and-swap.

use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::schema::sync_lease;
use crate::store::Store;
use crate::text::storable;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use domain::RunId;
use std::time::Duration;

/// No holder names an expiry that lies further ahead than its time to live and this much, by which clocks may differ: what
/// does was written before the clock was put back, and would be kept from everybody until then, for years if need be.
const CLOCKS_DIFFER_BY: Duration = Duration::from_secs(600);

/// What came of trying to take the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseOutcome {
    /// It is the caller's until it expires; a heartbeat renews it.
    Acquired,
    /// Somebody has it.
    HeldBy {
        /// The run it is used for, once that is known.
        run_id: Option<RunId>,
    },
}

impl Store {
    /// Takes the lease if it is free or has expired, or expires so late that the clock must have been put back since.
    ///
    /// `holder` is a random id. It is compared, nothing else: whoever gives the same id is the same holder for
    /// [`Self::lease_heartbeat`], so a process that may try from two threads should make a fresh id for each try. The
    /// lease is refused to its own holder as well while it lasts: a run is then already going.
    ///
    /// Clocks of processes that share the database must agree to well within `ttl`.
    ///
    /// # Errors
    /// Whatever the database refuses; nothing was taken then, or it lapses by itself.
    pub fn lease_acquire(&self, holder: &str, ttl: Duration) -> Result<LeaseOutcome, StoreError> {
        loop {
            let now = self.now();
            let taken = self.write("take the lease", |connection| {
                let latest = now + ttl + CLOCKS_DIFFER_BY;
                let free = sync_lease::holder
                    .is_null()
                    .or(sync_lease::expires_at.le(now.naive_utc()))
                    .or(sync_lease::expires_at.gt(latest.naive_utc()));
                diesel::update(sync_lease::table)
                    .filter(free.assume_not_null())
                    .set((
                        sync_lease::holder.eq(storable(holder)),
                        sync_lease::sync_run_id.eq(None::<i64>),
                        sync_lease::expires_at.eq((now + ttl).naive_utc()),
                    ))
                    .execute(connection)
            })?;
            if taken == 1 {
                return Ok(LeaseOutcome::Acquired);
            }
            let (holder, run_id): (Option<String>, Option<i64>) =
                self.read("see who holds the lease", |connection| {
                    sync_lease::table.select((sync_lease::holder, sync_lease::sync_run_id)).first(connection)
                })?;
            if holder.is_some() {
                return Ok(LeaseOutcome::HeldBy { run_id: run_id.map(RunId) });
            }
            // It was released between the two statements: try again.
        }
    }

    /// Renews the lease for another `ttl` from now. `false`: it was lost, somebody else has it or it was released; stop
    /// at once. A lease that expired but was not taken by anybody is renewed.
    ///
    /// # Errors
    /// Whatever the database refuses; the lease still lasts until its expiry.
    pub fn lease_heartbeat(&self, holder: &str, ttl: Duration) -> Result<bool, StoreError> {
        let expires_at = (self.now() + ttl).naive_utc();
        let renewed = self.write("renew the lease", |connection| {
            diesel::update(sync_lease::table)
                .filter(sync_lease::holder.eq(storable(holder)))
                .set(sync_lease::expires_at.eq(expires_at))
                .execute(connection)
        })?;
        Ok(renewed == 1)
    }

    /// Whether the lease is still the holder's: true until another one takes it, also when it has expired.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn lease_is_held(&self, holder: &str) -> Result<bool, StoreError> {
        self.read("see whether the lease is held", |connection| {
            sync_lease::table
                .filter(sync_lease::holder.eq(storable(holder)))
                .count()
                .get_result(connection)
                .map(|held: i64| held > 0)
        })
    }

    /// Records which run the lease is used for. `false`: it was lost.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run.
    pub fn lease_set_run(&self, holder: &str, run: RunId) -> Result<bool, StoreError> {
        let set = self.write_referring("note the run in the lease", ("run", run.0), |connection| {
            diesel::update(sync_lease::table)
                .filter(sync_lease::holder.eq(storable(holder)))
                .set(sync_lease::sync_run_id.eq(run.0))
                .execute(connection)
        })?;
        Ok(set == 1)
    }

    /// Gives the lease back. `false`: it was not the caller's any more, which needs nothing to be done.
    ///
    /// # Errors
    /// Whatever the database refuses; the lease then lapses by itself.
    pub fn lease_release(&self, holder: &str) -> Result<bool, StoreError> {
        let released = self.write("give the lease back", |connection| {
            diesel::update(sync_lease::table)
                .filter(sync_lease::holder.eq(storable(holder)))
                .set((
                    sync_lease::holder.eq(None::<String>),
                    sync_lease::sync_run_id.eq(None::<i64>),
                    sync_lease::expires_at.eq(None::<NaiveDateTime>),
                ))
                .execute(connection)
        })?;
        Ok(released == 1)
    }
}

/// Whether the lease is the holder's, which stays so until the transaction ends.
pub(crate) fn is_held_by(connection: &mut AnyConnection, holder: &str) -> QueryResult<bool> {
    let held = sync_lease::table.filter(sync_lease::holder.eq(storable(holder))).select(sync_lease::id);
    let found: Vec<i32> = match connection {
        // A write transaction is alone there from its beginning.
        AnyConnection::Sqlite(inner) => held.load(inner)?,
        AnyConnection::Postgres(inner) => held.for_share().load(inner)?,
    };
    Ok(!found.is_empty())
}
