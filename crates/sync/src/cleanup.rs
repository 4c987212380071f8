//! Dated audiences are deleted when enough newer ones exist and nothing at Meta leans on them.
//!
//! Deleting an audience stops every ad that uses it, for ever. So an audience is touched only when its id stands in our
//! own database and its description still carries our tag, when all its lookalikes are ours too, and when Meta says of it
//! and of each lookalike that no ad uses or excludes it; whatever can not be learned counts as used.

use crate::error::RunError;
use crate::service::SyncService;
use crate::settings::AudienceMode;
use domain::error_chain::Chain;
use domain::{Cancel, Explain, RunId};
use meta::{AudienceState, MetaError};
use persistence::MadeAudience;

/// Deletions per run: an account whose old audiences were never deleted must not use up its calls at once.
const DELETIONS_PER_RUN: usize = 20;
/// Audiences looked at per run, for the same reason: those that are kept cost calls too, and again after every run.
const LOOKS_PER_RUN: usize = 40;

/// Why an audience is left where it is.
enum Reason {
    /// An ad uses or excludes it, or one of its lookalikes.
    Used,
    /// It, or a lookalike made from it, does not carry our tag.
    NotOurs,
    /// Meta did not say enough.
    Unknown(MetaError),
}

/// What became of an audience that nothing leans on.
enum Gone {
    Deleted,
    /// Somebody else has deleted it, or this login can not see it any more.
    Before,
}

/// What a clean-up came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    deleted: usize,
    gone_before: usize,
    used: usize,
    not_ours: usize,
    unknown: usize,
    postponed: usize,
}

impl SyncService {
    /// Deletes the audiences that are older than the last AUDIENCE_KEEP, with their lookalikes, oldest first; when there
    /// are many, another part of them after each run. `run` is the one that has just succeeded; its audience counts among
    /// those that are kept. Returns what to say of it, if anything. Never fails: what could not be deleted, or was left
    /// because of a cancellation, is tried again after a later run.
    pub(crate) fn clean_up_audiences(&self, run: RunId, cancel: &Cancel) -> Option<String> {
        if self.parts.settings.audience_mode != AudienceMode::Dated {
            return None;
        }
        let mut tally = Tally::default();
        let failure = self.delete_old_audiences(run, &mut tally, cancel).err().map(|error| {
            log::warn!("old audiences could not be cleaned up: {}", Chain(&error));
            format!("Old audiences could not be deleted. {}", error.explain().message)
        });
        let told: Vec<String> =
            failure.into_iter().chain(tally.sentence(self.parts.settings.audience_keep)).collect();
        (!told.is_empty()).then(|| told.join(" "))
    }

    /// After an error `tally` tells how far that came.
    fn delete_old_audiences(&self, run: RunId, tally: &mut Tally, cancel: &Cancel) -> Result<(), RunError> {
        let parts = &self.parts;
        let made = parts.store.audiences_made(&parts.settings.ad_account_id)?;
        let keep = (parts.settings.audience_keep as usize).saturating_sub(1);
        // The audience of the run is not among those of successful runs yet.
        let mut old: Vec<&MadeAudience> = made.iter().filter(|made| made.run != run).skip(keep).collect();
        old.reverse();
        let beginning = beginning(run, old.len());
        old.rotate_left(beginning);
        let mark = self.mark()?;
        for (looks, old) in old.into_iter().enumerate() {
            if looks >= LOOKS_PER_RUN || tally.deleted == DELETIONS_PER_RUN || cancel.is_cancelled() {
                tally.postponed += 1;
                continue;
            }
            let id = &old.audience.id;
            match self.delete_unless_needed(old, &mark, cancel) {
                Ok(gone) => {
                    parts.store.audience_mark_deleted(old.run)?;
                    match gone {
                        Gone::Deleted => tally.deleted += 1,
                        Gone::Before => tally.gone_before += 1,
                    }
                }
                Err(Reason::Used) => tally.used += 1,
                Err(Reason::NotOurs) => {
                    log::warn!(
                        "the old audience {id} is kept: it, or a lookalike made from it, lacks our tag"
                    );
                    tally.not_ours += 1;
                }
                // What was being asked when somebody cancelled.
                Err(Reason::Unknown(MetaError::Cancelled(_))) => tally.postponed += 1,
                Err(Reason::Unknown(error)) => {
                    log::warn!("the old audience {id} is kept: {}", Chain(&error));
                    tally.unknown += 1;
                }
            }
        }
        Ok(())
    }

    /// Deletes the lookalikes and then the seed. After a crash in between the next clean-up goes on where this one ended.
    fn delete_unless_needed(&self, old: &MadeAudience, mark: &str, cancel: &Cancel) -> Result<Gone, Reason> {
        let seed = &old.audience.id;
        let Some(state) = self.find_ours(seed, mark, cancel)? else { return Ok(Gone::Before) };
        // Those that Meta names, and those we made, in case Meta is behind.
        let mut candidates = state.lookalike_ids;
        candidates.extend(old.lookalikes.iter().filter_map(|lookalike| lookalike.id.clone()));
        candidates.sort_unstable();
        candidates.dedup();
        let mut lookalikes = Vec::new();
        for id in candidates {
            if self.find_ours(&id, mark, cancel)?.is_some() {
                lookalikes.push(id);
            }
        }
        for id in lookalikes.iter().chain([seed]) {
            self.refuse_used(id, cancel)?;
        }
        for id in lookalikes.iter().chain([seed]) {
            // The first answer may be minutes old by now.
            self.refuse_used(id, cancel)?;
            self.parts.meta.delete_audience(id, cancel).map_err(Reason::Unknown)?;
            log::info!("the old audience {id} was deleted");
        }
        Ok(Gone::Deleted)
    }

    /// The audience at Meta; `None` when it is gone.
    fn find_ours(&self, id: &str, mark: &str, cancel: &Cancel) -> Result<Option<AudienceState>, Reason> {
        match self.parts.meta.audience(id, cancel) {
            Ok(state) if state.description.as_deref().is_some_and(|text| text.contains(mark)) => {
                Ok(Some(state))
            }
            Ok(_) => Err(Reason::NotOurs),
            Err(error) if error.is_gone() => Ok(None),
            Err(error) => Err(Reason::Unknown(error)),
        }
    }

    fn refuse_used(&self, id: &str, cancel: &Cancel) -> Result<(), Reason> {
        match self.parts.meta.ads_using(id, cancel) {
            Ok(ads) if ads.is_empty() => Ok(()),
            Ok(_) => Err(Reason::Used),
            Err(error) => Err(Reason::Unknown(error)),
        }
    }
}

/// Where a clean-up begins among so many old audiences. It leaves no note of where it ended: multiples of the golden ratio
/// spread the beginnings evenly over the list, whichever runs come this far, so that every audience comes round.
fn beginning(run: RunId, old: usize) -> usize {
    const GOLDEN_RATIO: u64 = 0x9E37_79B9_7F4A_7C15;
    if old <= LOOKS_PER_RUN {
        return 0;
    }
    let part_of_a_turn = run.0.unsigned_abs().wrapping_mul(GOLDEN_RATIO);
    ((u128::from(part_of_a_turn) * old as u128) >> u64::BITS) as usize
}

impl Tally {
    /// `2 audiences older than the last 14 were deleted; 1 is kept because an ad uses or excludes it.`
    fn sentence(&self, keep: u32) -> Option<String> {
        let mut parts: Vec<String> = [
            (self.deleted, "was deleted", "were deleted"),
            (self.gone_before, "was gone already", "were gone already"),
            (
                self.used,
                "is kept because an ad uses or excludes it or its lookalike",
                "are kept because ads use or exclude them or their lookalikes",
            ),
            (
                self.unknown,
                "is kept because Meta did not tell whether an ad uses it",
                "are kept because Meta did not tell whether ads use them",
            ),
            (
                self.not_ours,
                "is kept because it, or a lookalike made from it, is not from this program",
                "are kept because they, or lookalikes made from them, are not from this program",
            ),
            (self.postponed, "is left for the next sync", "are left for the next syncs"),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }))
        .collect();
        let first = parts.first_mut()?;
        let (count, words) = first.split_once(' ')?;
        let audiences = if count == "1" { "audience" } else { "audiences" };
        *first = format!("{count} {audiences} older than the last {keep} {words}");
        Some(format!("{}.", parts.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOKS_PER_RUN, Tally, beginning};
    use domain::RunId;
    use std::collections::BTreeSet;

    #[test]
    fn what_was_deleted_and_what_is_kept_is_told_in_one_sentence() {
        let told = |tally: Tally| tally.sentence(14);
        assert_eq!(told(Tally::default()), None);
        assert_eq!(
            told(Tally { deleted: 2, used: 1, ..Tally::default() }).unwrap(),
            "2 audiences older than the last 14 were deleted; 1 is kept because an ad uses or excludes it or its lookalike."
        );
        assert_eq!(
            told(Tally { deleted: 1, gone_before: 2, ..Tally::default() }).unwrap(),
            "1 audience older than the last 14 was deleted; 2 were gone already."
        );
        assert_eq!(
            told(Tally { unknown: 1, not_ours: 2, postponed: 3, ..Tally::default() }).unwrap(),
            "1 audience older than the last 14 is kept because Meta did not tell whether an ad uses it; 2 are kept because \
             they, or lookalikes made from them, are not from this program; 3 are left for the next syncs."
        );
    }

    #[test]
    fn every_old_audience_comes_round_whichever_runs_succeed() {
        assert_eq!(beginning(RunId(7), LOOKS_PER_RUN), 0, "all are looked at, the oldest first");
        for old in [41_usize, 80, 120, 450] {
            for stride in 1..=9 {
                let mut seen = BTreeSet::new();
                // Four times as many runs as would do if none looked at an audience twice, and three weeks at least.
                for run in 0..21.max(4 * old.div_ceil(LOOKS_PER_RUN)) {
                    let begins = beginning(RunId(1000 + stride * run as i64), old);
                    seen.extend((begins..begins + LOOKS_PER_RUN).map(|at| at % old));
                }
                assert_eq!(seen.len(), old, "{old} audiences, every {stride}. run succeeds");
            }
        }
    }
}
