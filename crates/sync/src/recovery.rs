//! After a crash or a failure: nothing half-made is left behind, at Meta or in the database.

use crate::ending::End;
use crate::error::RunError;
use crate::lookalikes::is_created;
use crate::service::SyncService;
use chrono::TimeDelta;
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{Failure, RunStatus, Step, StepStatus};
use domain::{Cancel, Run, RunId};
use persistence::{Intention, IntentionOutcome, RemoteKind};

/// An audience asked for this recently may still appear at Meta.
const STILL_BEING_MADE: TimeDelta = TimeDelta::minutes(10);

impl SyncService {
    /// Closes every run that a dead process left running; asks nobody but the database. The caller holds the lease.
    pub(crate) fn close_interrupted_runs(&self) {
        let running = match self.parts.store.runs_running() {
            Ok(running) => running,
            Err(error) => {
                log::error!("interrupted runs could not be looked up: {}", Chain(&error));
                return;
            }
        };
        for run in running {
            let _context = log_context::enter(Context::of_run(run.id));
            if let Err(error) = self.close_interrupted(&run) {
                log::error!("an interrupted run could not be closed: {}", Chain(&error));
            }
        }
        if let Err(error) = self.close_steps_left_open() {
            log::error!("steps of ended runs could not be closed: {}", Chain(&error));
        }
    }

    /// A process that died while it told people of a run that had ended left only that step open.
    fn close_steps_left_open(&self) -> Result<(), RunError> {
        for run in self.parts.store.runs_with_steps_left_open()? {
            let (status, detail) = self.how_it_was_told(run)?;
            self.parts.store.step_finish(run, Step::Notify, status, Some(&detail))?;
            self.parts.store.steps_close(run, StepStatus::Failed)?;
        }
        Ok(())
    }

    /// Undoes the unfinished creations of runs that have ended. The caller holds the lease.
    pub(crate) fn undo_all_unfinished(&self, cancel: &Cancel) {
        match self.parts.store.intentions_open() {
            Ok(open) => open.iter().for_each(|intention| self.undo(intention, cancel)),
            Err(error) => log::error!("unfinished creations could not be looked up: {}", Chain(&error)),
        }
    }

    fn close_interrupted(&self, run: &Run) -> Result<(), RunError> {
        if self.close_late(run.id)? {
            return Ok(());
        }
        let step = run.current_step().or(run.steps.last()).map_or(Step::Fetch, |step| step.name);
        let failure = Failure {
            step,
            message: format!(
                "{} at step \"{}\": the program was stopped or crashed, or the machine was switched off.",
                Failure::INTERRUPTED,
                step.title()
            ),
            remedy: match self.is_being_replaced(run.id)? {
                true => "Nothing: the audience that was being replaced is completed from the working files within minutes.",
                false => "Press Sync now, or wait for the next scheduled run. An audience that was not complete is deleted.",
            }
            .to_owned(),
            provider_code: None,
            trace_id: None,
        };
        log::warn!("the run was interrupted at step {step}");
        self.close_as(&End { run: run.id, status: RunStatus::Failed, failure: Some(failure) })?;
        Ok(())
    }

    pub(crate) fn is_being_replaced(&self, run: RunId) -> Result<bool, RunError> {
        Ok(self.parts.store.replacements_open()?.iter().any(|open| open.run_id == run))
    }

    /// Undoes the unfinished creations of one run.
    pub(crate) fn undo_unfinished(&self, run: RunId, cancel: &Cancel) {
        match self.parts.store.intentions_open() {
            Ok(open) => open
                .iter()
                .filter(|intention| intention.run_id == run)
                .for_each(|intention| self.undo(intention, cancel)),
            Err(error) => {
                log::error!("unfinished creations could not be looked up: {}", Chain(&error));
            }
        }
    }

    /// A fault leaves the intention open, so that the next start tries again.
    fn undo(&self, intention: &Intention, cancel: &Cancel) {
        let _context = log_context::enter(Context::of_run(intention.run_id));
        let undone = match intention.kind {
            RemoteKind::Audience => self.undo_audience(intention, cancel),
            RemoteKind::Lookalike => self.settle_lookalike(intention, cancel),
        };
        if let Err(error) = undone {
            log::error!("an unfinished creation at Meta is left for later: {}", Chain(&error));
        }
    }

    /// An audience that was not completely uploaded is deleted.
    fn undo_audience(&self, intention: &Intention, cancel: &Cancel) -> Result<(), RunError> {
        let found = match &intention.remote_id {
            Some(id) => vec![id.clone()],
            // The reply to the creation was lost: it is found by its name and our tag, or it was never made.
            None => self.find_own_audiences(&intention.name, intention.run_id, cancel)?,
        };
        if let [id] = found.as_slice()
            && self.is_stable_audience(id)?
        {
            // It was filled completely and noted as the one to be mirrored; only the record of that is missing here.
            return Ok(self.parts.store.intention_close(intention.id, IntentionOutcome::Kept)?);
        }
        let age = self.parts.clock.now() - intention.created_at;
        if found.is_empty() && age.abs() < STILL_BEING_MADE {
            log::info!(
                "the audience of an unfinished creation is not there (yet): it is looked for again later"
            );
            return Ok(());
        }
        let mut outcome =
            if found.is_empty() { IntentionOutcome::NeverMade } else { IntentionOutcome::Deleted };
        for id in found {
            if self.is_leaned_on(&id, cancel)? {
                log::warn!("the audience {id} looks unfinished and is in use at Meta: it is kept");
                outcome = IntentionOutcome::Kept;
                continue;
            }
            // Who was noted as a member of a stable audience that was never completed.
            self.parts.store.members_forget(&id)?;
            self.parts.meta.delete_audience(&id, cancel).map_err(RunError::edge)?;
            log::info!("the unfinished audience {id} was deleted");
            // Its page must not send people to an audience that is gone.
            self.parts.store.audience_mark_deleted(intention.run_id)?;
        }
        Ok(self.parts.store.intention_close(intention.id, outcome)?)
    }

    /// Whether a lookalike was made of the audience or an ad uses it. That comes after the upload: the run has ended well,
    /// and a backup that was made before knows nothing of it.
    fn is_leaned_on(&self, id: &str, cancel: &Cancel) -> Result<bool, RunError> {
        let meta = &self.parts.meta;
        match meta.audience(id, cancel) {
            Ok(state) if !state.lookalike_ids.is_empty() => Ok(true),
            Ok(_) => Ok(!meta.ads_using(id, cancel).map_err(RunError::edge)?.is_empty()),
            Err(error) if error.is_gone() => Ok(false),
            Err(error) => Err(RunError::edge(error)),
        }
    }

    fn is_stable_audience(&self, id: &str) -> Result<bool, RunError> {
        let stable = self.parts.store.stable_audience(&self.parts.settings.ad_account_id, false)?;
        Ok(stable.is_some_and(|stable| stable.audience_id == id))
    }

    /// A lookalike whose creation was cut short either exists, and is kept, or stays as it is: pending, and then the
    /// follow-up creates it, or given up with its run.
    fn settle_lookalike(&self, intention: &Intention, cancel: &Cancel) -> Result<(), RunError> {
        let Some(run) = self.load(intention.run_id)? else { return Ok(()) };
        let mut lookalikes = run.lookalikes.clone();
        let mut outcome = IntentionOutcome::NeverMade;
        if let Some(id) = &intention.remote_id {
            // Meta had answered; only the run does not have it yet.
            for lookalike in lookalikes.iter_mut().filter(|lookalike| lookalike.name == intention.name) {
                is_created(lookalike, id.clone());
            }
            outcome = IntentionOutcome::Kept;
            self.record_lookalikes(&run, &lookalikes)?;
        } else if let Some(audience) = &run.audience {
            let existing = match self.parts.meta.lookalikes_of(&audience.id, cancel) {
                Ok(existing) => existing,
                Err(error) if error.is_gone() => Vec::new(),
                Err(error) => return Err(RunError::edge(error)),
            };
            for lookalike in &mut lookalikes {
                if lookalike.name == intention.name
                    && let Some(found) = existing.iter().find(|found| found.name == intention.name)
                {
                    is_created(lookalike, found.id.clone());
                    outcome = IntentionOutcome::Kept;
                }
            }
            self.record_lookalikes(&run, &lookalikes)?;
        }
        Ok(self.parts.store.intention_close(intention.id, outcome)?)
    }

    /// Our audiences of that name, made by that run: name and tag must both fit.
    pub(crate) fn find_own_audiences(
        &self,
        name: &str,
        run: RunId,
        cancel: &Cancel,
    ) -> Result<Vec<String>, RunError> {
        let tag = self.tag(run)?;
        let found = self.parts.meta.find_custom_audiences(name, cancel).map_err(RunError::edge)?;
        Ok(found
            .into_iter()
            .filter(|audience| audience.description.as_deref().is_some_and(|text| text.contains(&tag)))
            .map(|audience| audience.id)
            .collect())
    }

    /// What stands in the description of everything this run creates: found again after a lost reply, and the proof
    /// that it is ours.
    pub(crate) fn tag(&self, run: RunId) -> Result<String, RunError> {
        Ok(format!("{}{run}]", self.mark()?))
    }

    /// How every tag of this installation begins, whatever the run.
    pub(crate) fn mark(&self) -> Result<String, RunError> {
        Ok(format!("[ghl-meta-sync {} run ", self.parts.store.instance_tag()?))
    }
}
