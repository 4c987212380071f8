//! How far the schedule was looked through, and which of its moments some process has taken.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::schema::{sync_schedule, sync_schedule_slots};
use crate::store::Store;
use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use diesel::prelude::*;

/// How long it is remembered that a slot was taken. A process would have to sleep that long between finding a slot due
/// and claiming it to take it a second time.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

impl Store {
    /// Up to which moment the schedule was looked through; `None` before the first time.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn schedule_last_seen(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        let seen: Option<NaiveDateTime> = self
            .read("see how far the schedule was followed", |connection| {
                sync_schedule::table.select(sync_schedule::last_seen_at).first(connection)
            })?;
        Ok(seen.map(|seen| seen.and_utc()))
    }

    /// Records that the schedule was looked through up to `seen`, in whole microseconds. An earlier moment overwrites a
    /// later one: a clock that was wrong for a while must not stop the schedule, and what was claimed stays claimed.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn schedule_set_last_seen(&self, seen: DateTime<Utc>) -> Result<(), StoreError> {
        let seen = seen.trunc_subsecs(6).naive_utc();
        self.write("record how far the schedule was followed", |connection| {
            diesel::update(sync_schedule::table).set(sync_schedule::last_seen_at.eq(seen)).execute(connection)
        })?;
        Ok(())
    }

    /// Takes a moment of the schedule and returns whether the caller has it: of several processes exactly one. Not to
    /// be repeated blindly: after an error the slot may be taken, and a second call is then told `false`, so that a
    /// scheduled run is rather left out than made twice.
    ///
    /// Slots claimed more than 90 days ago are forgotten on the way.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn schedule_claim(&self, slot: DateTime<Utc>) -> Result<bool, StoreError> {
        let now = self.now();
        let row = (
            sync_schedule_slots::slot.eq(slot.trunc_subsecs(6).naive_utc()),
            sync_schedule_slots::claimed_at.eq(now.naive_utc()),
        );
        let taken = self.write("take a moment of the schedule", |connection| {
            diesel::delete(sync_schedule_slots::table)
                .filter(sync_schedule_slots::claimed_at.lt((now - REMEMBERED).naive_utc()))
                .execute(connection)?;
            on_backend!(connection, inner => diesel::insert_into(sync_schedule_slots::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(inner))
        })?;
        Ok(taken == 1)
    }
}
