//! Stable mode: one audience for ever, whose members every run makes equal to the list.
//!
//! Ads keep pointing at the same audience, and replacing its members does not reset what Meta has learned for them. When
//! Meta refuses to replace, the difference to what was delivered before is removed and added instead.

use crate::delivery::Delivery;
use crate::error::RunError;
use crate::membership::{Member, Membership, removal_rows};
use crate::replacement::{Replaced, Replacing, Start};
use crate::target::Target;
use crate::upload::{Adding, Delivered, new_session_id, with_batches};
use chrono::TimeDelta;
use domain::run::{RemoteAudience, Step};
use meta::{AudienceState, MetaError, ReplaceRefusal, UploadBatch};
use persistence::{PersonHashes, StableAudience};
use std::time::{Duration, Instant};

/// Rows per call to the database.
const CHUNK: usize = 2_000;
/// Rows per removal: larger ones are known to fail at Meta.
const ROWS_PER_REMOVAL: u32 = 1_000;
/// A replacement by somebody else ends after 90 minutes at the latest, with some more for Meta's own work.
const OTHER_REPLACEMENT: Duration = Duration::from_secs(100 * 60);
/// A refusal to replace may be lifted.
const ASK_AGAIN_AFTER: TimeDelta = TimeDelta::days(7);
/// Times a removal is sent that Meta has received in part only.
const REMOVAL_TRIES: u32 = 2;
/// "Your members are being replaced" may be said again by a call that begins while the status changes.
const TRIES_WHILE_REPLACING: u32 = 5;

impl Delivery<'_> {
    /// The audience the user has chosen, else the one of earlier runs, else a new one. One that is chosen now gets the
    /// columns of a birthday when the list has `birthdays`.
    pub(crate) fn stable_target(&self, birthdays: bool) -> Result<Target, RunError> {
        let parts = &self.service.parts;
        let account = &parts.settings.ad_account_id;
        let chosen = parts.settings.existing_audience.as_ref();
        let known = parts.store.stable_audience(account, chosen.is_some())?;
        let known = match chosen {
            Some(chosen) if known.as_ref().is_none_or(|known| known.audience_id != *chosen) => {
                Some(self.adopt(chosen, birthdays)?)
            }
            _ => known,
        };
        match known {
            None => Ok(Target::New(self.create_audience(&parts.settings.audience_prefix)?)),
            Some(stable) if self.is_there(&stable)? => {
                let target = Target::Existing(stable);
                parts.store.run_set_audience(self.progress.run, &target.audience())?;
                Ok(target)
            }
            Some(stable) => {
                parts.store.stable_audience_forget(account)?;
                self.warn(format!(
                    "The audience \"{}\" was deleted at Meta, so a new one was made. Ad sets that used it must be pointed to the new one.",
                    stable.name
                ));
                Ok(Target::New(self.create_audience(&parts.settings.audience_prefix)?))
            }
        }
    }

    fn adopt(&self, id: &str, birthdays: bool) -> Result<StableAudience, RunError> {
        let parts = &self.service.parts;
        let state = parts.meta.audience(id, self.cancel).map_err(RunError::edge)?;
        if !state.is_value_based {
            return Err(RunError::NotValueBased { name: state.name });
        }
        let stable = StableAudience {
            ad_account_id: parts.settings.ad_account_id.clone(),
            audience_id: state.id,
            name: state.name,
            birthdays,
            limited_data_use: parts.settings.limited_data_use,
            adopted: true,
            replace_refused_at: None,
        };
        parts.store.stable_audience_set(&stable)?;
        Ok(stable)
    }

    /// Whether an audience of earlier runs still exists. One that this login can not see, although it is told to exist by
    /// the user or stands in the account's list, is an error: a twin would help nobody.
    fn is_there(&self, stable: &StableAudience) -> Result<bool, RunError> {
        let meta = &self.service.parts.meta;
        match meta.audience(&stable.audience_id, self.cancel) {
            Ok(_) => Ok(true),
            Err(error) if error.is_gone() && !stable.adopted => {
                let listed = meta.custom_audiences(self.cancel).map_err(RunError::edge)?;
                if listed.iter().any(|audience| audience.id == stable.audience_id) {
                    return Err(RunError::edge(error));
                }
                Ok(false)
            }
            Err(error) => Err(RunError::edge(error)),
        }
    }

    /// Notes that the new audience is the one to be mirrored from now on, with the members it was filled with.
    pub(crate) fn found(
        &self,
        audience: &RemoteAudience,
        membership: &Membership<'_>,
    ) -> Result<(), RunError> {
        let parts = &self.service.parts;
        self.stage(&audience.id, membership)?;
        parts.store.stable_audience_set(&StableAudience {
            ad_account_id: parts.settings.ad_account_id.clone(),
            audience_id: audience.id.clone(),
            name: audience.name.clone(),
            birthdays: membership.schema().birthdays,
            limited_data_use: membership.schema().limited_data_use,
            adopted: false,
            replace_refused_at: None,
        })?;
        self.mirrored(&audience.id)
    }

    /// Makes the members of the audience equal to the membership.
    pub(crate) fn mirror(
        &self,
        stable: &StableAudience,
        membership: &Membership<'_>,
        total: u64,
    ) -> Result<Delivered, RunError> {
        let store = &self.service.parts.store;
        let id = &stable.audience_id;
        let is_known = store.members_exist(id)?;
        // Meta replaces only what it has finished working on.
        let state = self.wait_until_settled(id, !is_known)?;
        self.stage(id, membership)?;
        if state.operation_status.is_empty() {
            // There is nobody to be replaced, and Meta wants a normal status for it.
            let audience = RemoteAudience { id: id.clone(), name: stable.name.clone() };
            let delivered = self.fill(&audience, membership, total)?;
            self.mirrored(id)?;
            return Ok(delivered);
        }
        let now = self.service.parts.clock.now();
        if stable.replace_refused_at.is_none_or(|refused| now - refused > ASK_AGAIN_AFTER) {
            let replacing = Replacing { delivery: self, audience_id: id, membership, total };
            match replacing.run(Start::Anew)? {
                Replaced::Whole(delivered) => {
                    delivered.check_whole(total)?;
                    self.mirrored(id)?;
                    membership.spool.release();
                    store.stable_audience_set(&StableAudience {
                        replace_refused_at: None,
                        ..stable.clone()
                    })?;
                    return Ok(delivered);
                }
                Replaced::NotPossible => {
                    store.replacement_closed(self.progress.run)?;
                    membership.spool.release();
                    let refused_at = Some(now);
                    store.stable_audience_set(&StableAudience {
                        replace_refused_at: refused_at,
                        ..stable.clone()
                    })?;
                }
            }
        }
        self.warn(
            "Meta does not replace the members of this audience in place, so only the changes were sent. Ad sets that use it may learn anew."
                .to_owned(),
        );
        if stable.adopted {
            self.warn(
                "People who were in the chosen audience before this program used it stay in it: Meta does not tell who they are."
                    .to_owned(),
            );
        }
        self.send_difference(id, membership)
    }

    /// Everything of the run is in the audience and nothing else.
    pub(crate) fn mirrored(&self, audience_id: &str) -> Result<(), RunError> {
        let store = &self.service.parts.store;
        store.members_delivered(audience_id, self.progress.run)?;
        for open in store.replacements_open()? {
            if open.audience_id == audience_id {
                store.replacement_closed(open.run_id)?;
            }
        }
        Ok(())
    }

    /// Notes who is about to be delivered, before anything is sent: whatever happens, who may be in the audience is known.
    /// Tells per row, in the order of the membership, whether the audience lacks it or holds it with another value.
    pub(crate) fn stage(
        &self,
        audience_id: &str,
        membership: &Membership<'_>,
    ) -> Result<Vec<bool>, RunError> {
        let (store, run) = (&self.service.parts.store, self.progress.run);
        let (mut undelivered, mut chunk) = (Vec::new(), Vec::with_capacity(CHUNK));
        membership.for_each_contact(|members| {
            self.cancel.check()?;
            chunk.extend(
                members.iter().map(|member| persistence::Member {
                    hashes: member.hashes(),
                    value: member.delivered_as(),
                }),
            );
            if chunk.len() >= CHUNK {
                undelivered.extend(store.members_stage(audience_id, run, &chunk)?);
                chunk.clear();
            }
            Ok(())
        })?;
        undelivered.extend(store.members_stage(audience_id, run, &chunk)?);
        Ok(undelivered)
    }

    /// Removes who left and adds who came or has another value. A removal may also hit somebody who shares the e-mail or
    /// the phone with the one who left; those count as undelivered from then on, and are added again.
    fn send_difference(&self, audience_id: &str, membership: &Membership<'_>) -> Result<Delivered, RunError> {
        let store = &self.service.parts.store;
        let removal = self.remove_surplus(audience_id)?;
        let undelivered = self.stage(audience_id, membership)?;
        let total = undelivered.iter().filter(|undelivered| **undelivered).count() as u64;
        let mut undelivered = undelivered.into_iter();
        let wanted = |_: &Member| undelivered.next().unwrap_or(true);
        let mut delivered = with_batches(membership, wanted, |batches| {
            Adding::new(self, audience_id, total, Delivered::default()).add_all(batches)
        })?;
        delivered.removed = removal.rows;
        delivered.check_whole(total)?;
        if removal.complete {
            self.mirrored(audience_id)?;
        } else {
            store.members_added(audience_id, self.progress.run)?;
        }
        if delivered.invalid > 0 {
            // Which rows Meta refused is known in part only, so the next run sends all again and hears the same.
            store.members_doubt(audience_id)?;
        }
        Ok(delivered)
    }

    /// Removes who is not in the list any more.
    fn remove_surplus(&self, audience_id: &str) -> Result<Removed, RunError> {
        let (parts, run) = (&self.service.parts, self.progress.run);
        let mut removed = Removed { rows: 0, complete: true };
        let mut after = None;
        loop {
            self.cancel.check()?;
            let surplus = parts.store.members_surplus(audience_id, run, after, ROWS_PER_REMOVAL)?;
            let Some((last_key, _)) = surplus.last() else { return Ok(removed) };
            after = Some(*last_key);
            let people: Vec<PersonHashes> = surplus.iter().map(|(_, member)| member.hashes).collect();
            // Before the call: whatever becomes of it, they are added again.
            parts.store.members_sharing(audience_id, run, &people)?;
            match self.remove(audience_id, &people) {
                Ok(()) => removed.rows += people.len() as u64,
                Err(NotRemoved::TooFewWouldBeLeft) => {
                    self.warn(
                        "Meta keeps at least a minimum of people in an audience: those who left the list were not removed."
                            .to_owned(),
                    );
                    removed.complete = false;
                    return Ok(removed);
                }
                Err(NotRemoved::Failed(error)) => return Err(error),
            }
        }
    }

    /// Removes some people in a session of their own: Meta drops what comes late to a session without a word, and its count
    /// of received rows is the only sign of it.
    fn remove(&self, audience_id: &str, people: &[PersonHashes]) -> Result<(), NotRemoved> {
        let rows = removal_rows(people).map_err(NotRemoved::Failed)?;
        let sent = rows.len() as u64;
        let mut received = 0;
        for _ in 0..REMOVAL_TRIES {
            let session_id = new_session_id();
            let batch =
                UploadBatch { session_id, batch_seq: 1, last: true, estimated_total: sent, rows: &rows };
            let result = self.while_replacing(audience_id, || {
                self.service.parts.meta.remove_users(audience_id, &batch, self.cancel)
            });
            match result {
                Ok(receipt) if receipt.num_received >= sent => return Ok(()),
                Ok(receipt) => received = receipt.num_received,
                Err(error) if error.would_be_too_small() => return Err(NotRemoved::TooFewWouldBeLeft),
                Err(error) => return Err(NotRemoved::Failed(RunError::edge(error))),
            }
        }
        Err(NotRemoved::Failed(RunError::RowsLost { sent, resent: 0, received }))
    }

    /// Waits until Meta does nothing with the audience any more, so that its members can be changed. Only of an audience
    /// that was never filled by this program (`may_be_empty`) "nothing was uploaded" is the final word.
    pub(crate) fn wait_until_settled(
        &self,
        audience_id: &str,
        may_be_empty: bool,
    ) -> Result<AudienceState, RunError> {
        let parts = &self.service.parts;
        let begun = Instant::now();
        let mut told = false;
        loop {
            let state = parts.meta.audience(audience_id, self.cancel).map_err(RunError::edge)?;
            let status = &state.operation_status;
            if status.is_settled() || status.has_failed_replacement() || (may_be_empty && status.is_empty()) {
                return Ok(state);
            }
            crate::delivery::refuse_unusable(&state)?;
            if begun.elapsed() >= OTHER_REPLACEMENT {
                return Err(RunError::StillBusy { words: status.words().to_owned() });
            }
            if !told {
                told = true;
                let remark =
                    format!("waiting until Meta has finished its work on the audience ({})", status.words());
                self.progress.remark(Step::Upload, &remark)?;
            }
            self.cancel.sleep(parts.settings.poll_every)?;
        }
    }

    /// Repeats a call that Meta refuses while members are being replaced, once they are.
    pub(crate) fn while_replacing<T>(
        &self,
        audience_id: &str,
        call: impl Fn() -> Result<T, MetaError>,
    ) -> Result<T, MetaError> {
        for _ in 1..TRIES_WHILE_REPLACING {
            match call() {
                Err(error) if error.replace_refusal() == Some(ReplaceRefusal::InProgress) => {
                    if let Err(waited) = self.wait_until_settled(audience_id, false) {
                        log::warn!("{}", domain::error_chain::Chain(&waited));
                        return Err(error);
                    }
                }
                other => return other,
            }
        }
        call()
    }
}

/// Who was removed.
struct Removed {
    rows: u64,
    /// Whether all who left were removed.
    complete: bool,
}

/// Why some people were not removed.
enum NotRemoved {
    /// Meta keeps a minimum.
    TooFewWouldBeLeft,
    Failed(RunError),
}
