//! Lookalikes that were too early: created as soon as Meta has matched their seed, for up to a day.

use crate::error::RunError;
use crate::service::SyncService;
use chrono::TimeDelta;
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{LookalikeStatus, RunStatus};
use domain::{Cancel, Explain, Run};

/// A seed that Meta has not matched by then has too few people.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// Newest runs looked at; a day holds far fewer.
const RUNS_LOOKED_AT: u32 = 50;

impl SyncService {
    pub(crate) fn finish_pending_lookalikes(&self) -> Result<(), RunError> {
        let recent = self.parts.store.run_list(1, RUNS_LOOKED_AT)?;
        for run in &recent.items {
            let _context = log_context::enter(Context::of_run(run.id));
            let pending =
                run.status == RunStatus::Success && run.lookalike_status() == LookalikeStatus::Pending;
            // One seed that can not be read must not keep the others waiting.
            if pending && let Err(error) = self.finish_lookalikes_of(run) {
                log::warn!("the pending lookalike has to wait: {}", Chain(&error));
            }
        }
        Ok(())
    }

    fn finish_lookalikes_of(&self, run: &Run) -> Result<(), RunError> {
        let Some(seed) = &run.audience else { return Ok(()) };
        let too_late = self.parts.clock.now() - run.started_at >= GIVE_UP_AFTER;
        let ready = match self.parts.meta.audience(&seed.id, &Cancel::new()) {
            Ok(state) => state.is_ready(),
            Err(error) => {
                log::warn!("the seed of a pending lookalike can not be read: {}", Chain(&error));
                false
            }
        };
        if !ready && !too_late {
            return Ok(());
        }
        let mut lookalikes = run.lookalikes.clone();
        for lookalike in lookalikes.iter_mut().filter(|one| one.status == LookalikeStatus::Pending) {
            if let Err(error) = self.create_lookalike(run.id, seed, lookalike, &Cancel::new()) {
                log::warn!("a pending lookalike could not be created: {}", Chain(&error));
                lookalike.note = Some(error.explain().message);
            }
            if too_late && lookalike.status == LookalikeStatus::Pending {
                lookalike.status = LookalikeStatus::Failed;
            }
        }
        Ok(self.parts.store.run_set_lookalikes(run.id, &lookalikes)?)
    }
}
