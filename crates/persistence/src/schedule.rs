//! How far the schedule was looked through, and which of its moments some process has taken.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::schema::{sync_runs, sync_schedule, sync_schedule_slots};
use crate::store::Store;
use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use diesel::prelude::*;

/// How long it is remembered that a slot was taken. A process would have to sleep that long between finding a slot due
/// and claiming it to take it a second time.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// A moment of the schedule that this process has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotClaim {
    /// The moment the schedule names.
    pub slot: DateTime<Utc>,
    /// When the claim was made or renewed.
    claimed_at: DateTime<Utc>,
}

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

    /// Takes a moment of the schedule: of several processes exactly one gets it. After an error the slot may be taken; then
    /// nobody renews the claim, and [`Self::schedule_take_over`] finds it.
    ///
    /// Slots claimed more than 90 days ago are forgotten on the way.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn schedule_claim(&self, slot: DateTime<Utc>) -> Result<Option<SlotClaim>, StoreError> {
        let now = self.now();
        let claim = SlotClaim { slot: slot.trunc_subsecs(6), claimed_at: now };
        let row = (
            sync_schedule_slots::slot.eq(claim.slot.naive_utc()),
            sync_schedule_slots::claimed_at.eq(claim.claimed_at.naive_utc()),
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
        Ok((taken == 1).then_some(claim))
    }

    /// Renews a claim, to be called again and again until it is settled. `None`: another process has taken it over.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn schedule_renew(&self, claim: SlotClaim) -> Result<Option<SlotClaim>, StoreError> {
        let renewed = SlotClaim { claimed_at: self.now(), ..claim };
        let changed = self.write("renew the claim of a moment of the schedule", |connection| {
            diesel::update(sync_schedule_slots::table.find(claim.slot.naive_utc()))
                .filter(sync_schedule_slots::claimed_at.eq(claim.claimed_at.naive_utc()))
                .filter(sync_schedule_slots::settled_at.is_null())
                .set(sync_schedule_slots::claimed_at.eq(renewed.claimed_at.naive_utc()))
                .execute(connection)
        })?;
        Ok((changed == 1).then_some(renewed))
    }

    /// Records that a claimed moment needs nobody any more. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn schedule_settle(&self, claim: SlotClaim) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.write("settle a moment of the schedule", |connection| {
            diesel::update(sync_schedule_slots::table.find(claim.slot.naive_utc()))
                .filter(sync_schedule_slots::settled_at.is_null())
                .set(sync_schedule_slots::settled_at.eq(now))
                .execute(connection)
        })?;
        Ok(())
    }

    /// Takes over the latest moment of the schedule when the process that claimed it has not renewed the claim since
    /// `renewed_before` and has begun no run for it. `None` also when that moment was before `not_before`.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn schedule_take_over(
        &self,
        renewed_before: DateTime<Utc>,
        not_before: DateTime<Utc>,
    ) -> Result<Option<SlotClaim>, StoreError> {
        let latest: Option<(NaiveDateTime, NaiveDateTime, Option<NaiveDateTime>)> =
            self.read("find an abandoned moment of the schedule", |connection| {
                sync_schedule_slots::table
                    .order(sync_schedule_slots::slot.desc())
                    .select((
                        sync_schedule_slots::slot,
                        sync_schedule_slots::claimed_at,
                        sync_schedule_slots::settled_at,
                    ))
                    .first(connection)
                    .optional()
            })?;
        let Some((slot, claimed_at, None)) = latest else { return Ok(None) };
        let claim = SlotClaim { slot: slot.and_utc(), claimed_at: claimed_at.and_utc() };
        if claim.claimed_at > renewed_before || claim.slot < not_before {
            return Ok(None);
        }
        let begun: i64 = self.read("see whether a scheduled run was begun", |connection| {
            sync_runs::table.filter(sync_runs::scheduled_for.eq(slot)).count().get_result(connection)
        })?;
        if begun > 0 {
            // The process died between beginning the run and settling the moment.
            self.schedule_settle(claim)?;
            return Ok(None);
        }
        self.schedule_renew(claim)
    }
}
