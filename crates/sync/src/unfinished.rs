//! Replacements that a crash, a failure or a cancellation has cut short are finished at once from the spool, so that an
//! audience is never left half empty.

use crate::delivery::Delivery;
use crate::error::RunError;
use crate::membership::Membership;
use crate::progress::{NobodyWatches, Progress};
use crate::replacement::{Replaced, Replacing, Start};
use crate::service::SyncService;
use crate::spool::Spool;
use chrono::TimeDelta;
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{Step, StepStatus};
use domain::{Cancel, Explain};
use persistence::OpenReplacement;

/// A replacement that could not be finished by then is left to the next sync, which replaces everybody anyway.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);

/// A replacement is tried at every follow-up for so long,
const TRIED_EVERY_MINUTE: TimeDelta = TimeDelta::minutes(10);
/// and then once in so many minutes.
const TRY_EVERY_MINUTES: i64 = 15;

impl SyncService {
    /// Finishes, for the follow-up that comes every minute, every replacement that was begun and not finished. What could
    /// not be finished at once, because the token has expired or the working files are elsewhere, is tried a few times an
    /// hour only.
    pub(crate) fn finish_due_replacements(&self, cancel: &Cancel) -> Result<(), RunError> {
        let now = self.parts.clock.now();
        let is_due = |open: &OpenReplacement| {
            let age = now - open.begun_at;
            age < TRIED_EVERY_MINUTE || age.num_minutes() % TRY_EVERY_MINUTES == 0
        };
        if self.parts.store.replacements_open()?.iter().any(is_due) {
            self.finish_replacements(cancel)
        } else {
            Ok(())
        }
    }

    /// The same at once, however often it was tried. The caller holds the lease.
    pub(crate) fn finish_replacements(&self, cancel: &Cancel) -> Result<(), RunError> {
        for open in self.parts.store.replacements_open()? {
            let _context = log_context::enter(Context::of_run(open.run_id));
            if let Err(error) = self.finish_replacement(&open, cancel) {
                log::error!("a replacement could not be finished yet: {}", Chain(&error));
                let age = self.parts.clock.now() - open.begun_at;
                if age >= GIVE_UP_AFTER || error.is_gone_at_meta() {
                    log::error!("the replacement is given up: the next sync replaces all members");
                    self.parts.store.replacement_closed(open.run_id)?;
                } else {
                    let note = format!("not finished yet: {}", error.explain().message);
                    self.parts.store.step_finish(
                        open.run_id,
                        Step::Upload,
                        StepStatus::Failed,
                        Some(&note),
                    )?;
                }
            }
        }
        Ok(())
    }

    fn finish_replacement(&self, open: &OpenReplacement, cancel: &Cancel) -> Result<(), RunError> {
        let missing = || RunError::NoPlan { run: open.run_id };
        let spool = Spool::reopen(&self.parts.settings.spool_folder, open.run_id).ok_or_else(missing)?;
        let membership = Membership::from_plan(&spool)?.ok_or_else(missing)?;
        log::warn!(
            "the members of audience {} are being replaced since {}: finishing it",
            open.audience_id,
            open.opened_at
        );
        let progress = Progress::new(&self.parts.store, open.run_id, &NobodyWatches);
        let delivery = Delivery::new(self, &progress, cancel);
        // A newer run may have staged other members before it died. Those of an audience that is not mirrored any more
        // were forgotten, and stay so.
        if self.parts.store.members_exist(&open.audience_id)? {
            delivery.stage(&open.audience_id, &membership)?;
        }
        let age = (self.parts.clock.now() - open.opened_at).to_std().unwrap_or_default();
        let replacing = Replacing {
            delivery: &delivery,
            audience_id: &open.audience_id,
            membership: &membership,
            total: open.total_rows,
        };
        let note = match replacing.run(Start::Within { session_id: open.session_id, age })? {
            Replaced::Whole(delivered) => {
                delivered.check_whole(open.total_rows)?;
                delivery.mirrored(&open.audience_id)?;
                "interrupted, and finished afterwards: the audience is complete"
            }
            Replaced::NotPossible => {
                self.parts.store.replacement_closed(open.run_id)?;
                "interrupted, and nothing was changed"
            }
        };
        spool.release();
        Ok(self.parts.store.step_finish(open.run_id, Step::Upload, StepStatus::Failed, Some(note))?)
    }
}
