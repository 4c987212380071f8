//! Taking people out of all lists at Meta.

use crate::error::{EdgeError, RunError};
use crate::membership::removal_rows;
use crate::service::SyncService;
use chrono::{DateTime, TimeDelta, Utc};
use domain::error_chain::Chain;
use domain::{Cancel, Explain};
use meta::{MetaClient, MetaError};
use persistence::{OpenReplacement, PendingRemoval, PersonHashes, Store};

/// People per request. <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>
/// allows more, but requests that remove many are known to break.
const PEOPLE_AT_ONCE: usize = 1_000;

/// Further calls of one pass for finding those in a refused request whom Meta refuses: one among a thousand takes twenty.
const SEARCHING_CALLS: u32 = 40;

/// Meta ends a session that replaces members 90 minutes after it was opened, by its own clock.
const LONGEST_REPLACEMENT: TimeDelta = TimeDelta::minutes(95);

/// A removal is tried at every follow-up until it was tried once and for so many minutes,
const TRIED_EVERY_MINUTE: i64 = 5;
/// and then once in so many minutes.
const TRY_EVERY_MINUTES: i64 = 15;

impl SyncService {
    /// Sends all removals that wait. Those that Meta does not take wait on, and are sent again by the next call.
    ///
    /// # Errors
    /// What stood in the way; the removals behind it were not tried, unless it was about some rows only.
    pub(crate) fn deliver_removals(&self, cancel: &Cancel) -> Result<(), RunError> {
        deliver(&self.parts.store, &self.parts.meta, self.parts.clock.now(), cancel)
    }

    /// The same for the follow-up that comes every minute: what Meta has refused a few times is tried a few times an hour
    /// only.
    ///
    /// # Errors
    /// See [`Self::deliver_removals`].
    pub(crate) fn deliver_due_removals(&self, cancel: &Cancel) -> Result<(), RunError> {
        deliver_due(&self.parts.store, &self.parts.meta, self.parts.clock.now(), cancel)
    }
}

/// See [`SyncService::deliver_due_removals`].
pub(super) fn deliver_due(
    store: &Store,
    meta: &MetaClient,
    now: DateTime<Utc>,
    cancel: &Cancel,
) -> Result<(), RunError> {
    let waiting = store.removals_pending(u32::MAX)?;
    if waiting.iter().any(|removal| is_due(removal, now)) {
        deliver(store, meta, now, cancel)
    } else {
        Ok(())
    }
}

fn is_due(removal: &PendingRemoval, now: DateTime<Utc>) -> bool {
    // By age rather than by attempts: when Meta refuses many, each is tried in few of the passes.
    let age = (now - removal.requested_at).num_minutes();
    removal.attempts == 0 || age <= TRIED_EVERY_MINUTE || age % TRY_EVERY_MINUTES == 0
}

/// Whether the members of an audience are being replaced: Meta takes no other change then. A session that was opened
/// longer ago is over, whether or not its replacement was finished.
pub(super) fn is_replacing(open: &[OpenReplacement], now: DateTime<Utc>) -> bool {
    open.iter().any(|open| now - open.opened_at < LONGEST_REPLACEMENT)
}

/// Sends all removals that wait, a thousand at a time; none while Meta takes no change. A request that Meta refuses because
/// of some of its people is sent again in halves, until those are alone: the others do not wait for them. As long as a
/// replacement of an audience's members is to be finished they wait on after that, since its rows may bring somebody back.
pub(super) fn deliver(
    store: &Store,
    meta: &MetaClient,
    now: DateTime<Utc>,
    cancel: &Cancel,
) -> Result<(), RunError> {
    let open = store.replacements_open()?;
    if is_replacing(&open, now) {
        log::info!(
            "people are removed from the lists once the replacement of an audience's members is finished"
        );
        return Ok(());
    }
    let waiting = store.removals_pending(u32::MAX)?;
    let mut parts: Vec<&[PendingRemoval]> = waiting.chunks(PEOPLE_AT_ONCE).rev().collect();
    let mut searching_calls_left = SEARCHING_CALLS;
    let mut stood_in_the_way = None;
    while let Some(part) = parts.pop() {
        let ids: Vec<i64> = part.iter().map(|removal| removal.id).collect();
        let people: Vec<PersonHashes> = part.iter().map(|removal| removal.person).collect();
        // Before the call: whatever becomes of it, who shares an address with them is delivered again by the next run.
        store.members_remove(&people)?;
        if let Err(error) = meta.remove_from_all(&removal_rows(&people)?, cancel) {
            let is_about_them = error.would_be_too_small() || matches!(error, MetaError::RowsRefused { .. });
            if is_about_them && people.len() > 1 {
                let error = refused(error);
                log::warn!("Meta refuses some of {} people to be removed: {}", people.len(), Chain(&error));
                stood_in_the_way.get_or_insert(error);
                // Those for whom no calls are left come first in the next pass, because they do not count as tried.
                if searching_calls_left > 1 {
                    searching_calls_left -= 2;
                    parts.extend(split(part));
                }
                continue;
            }
            log::warn!("{} people could not be removed from the lists: {}", people.len(), Chain(&error));
            let error = refused(error);
            store.removals_failed(&ids, &error.explain().message)?;
            if !is_about_them {
                return Err(error);
            }
            stood_in_the_way.get_or_insert(error);
            continue;
        }
        log::info!("Meta took the request to remove {} people from all customer lists", people.len());
        if open.is_empty() {
            store.removals_done(&ids)?;
        } else {
            store.removals_failed(
                &ids,
                "Meta took the request; it is sent once more when an unfinished replacement of members is finished.",
            )?;
        }
    }
    stood_in_the_way.map_or(Ok(()), Err)
}

/// Those tried less from those tried more, who were refused alone, else in the middle; the first half on top.
fn split(part: &[PendingRemoval]) -> [&[PendingRemoval]; 2] {
    let tried_more = part.iter().position(|removal| removal.attempts != part[0].attempts);
    let (first, second) = part.split_at(tried_more.unwrap_or(part.len() / 2));
    [second, first]
}

fn refused(error: MetaError) -> RunError {
    if error.would_be_too_small() {
        RunError::TooFewWouldBeLeft(EdgeError::new(error))
    } else {
        RunError::edge(error)
    }
}
