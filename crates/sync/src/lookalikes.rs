//! The lookalikes of a seed: one per country and size, created once.
//!
//! The intention to create one is stored before the call, as with audiences.

use crate::delivery::Delivery;
use crate::error::RunError;
use crate::service::SyncService;
use domain::run::{Lookalike, LookalikeStatus, RemoteAudience, Step};
use domain::{Cancel, RunId};
use meta::{LookalikeOutcome, LookalikeSummary, MetaError, NewLookalike};
use persistence::{IntentionOutcome, RemoteKind};

/// Of a lookalike whose run ended too early.
const NOT_FOLLOWED_UP: &str = "The sync ended before this lookalike was created, and only a sync that succeeded is followed up. Press Sync now, or wait for the next scheduled sync: it creates its lookalikes.";

impl Delivery<'_> {
    /// One lookalike per country and size. A seed that Meta has not matched yet leaves them pending for the follow-up; one
    /// that is not new may have them already, and those are used again.
    pub(crate) fn create_lookalikes(
        &self,
        seed: &RemoteAudience,
        is_new: bool,
        ready: bool,
    ) -> Result<Vec<Lookalike>, RunError> {
        let parts = &self.service.parts;
        let mut lookalikes = self.planned(seed);
        if !is_new {
            let existing = parts.meta.lookalikes_of(&seed.id, self.cancel).map_err(RunError::edge)?;
            for lookalike in &mut lookalikes {
                if let Some(found) = existing.iter().find(|found| is_same(found, lookalike)) {
                    lookalike.name.clone_from(&found.name);
                    is_created(lookalike, found.id.clone());
                }
            }
        }
        parts.store.run_set_lookalikes(self.progress.run, &lookalikes)?;
        if !ready {
            return Ok(lookalikes);
        }
        for at in 0..lookalikes.len() {
            if lookalikes[at].status == LookalikeStatus::Created {
                continue;
            }
            self.service.create_lookalike(self.progress.run, seed, &mut lookalikes[at], self.cancel)?;
            parts.store.run_set_lookalikes(self.progress.run, &lookalikes)?;
            self.service.keep_recorded_lookalikes(self.progress.run)?;
            self.progress.advance(Step::Lookalike, at as u64 + 1, Some(lookalikes.len() as u64))?;
        }
        Ok(lookalikes)
    }

    /// `<audience>-LAL-1%`; with several countries the country is part of the name.
    fn planned(&self, seed: &RemoteAudience) -> Vec<Lookalike> {
        let settings = &self.service.parts.settings;
        let several = settings.lookalike_countries.len() > 1;
        let mut planned = Vec::new();
        for country in &settings.lookalike_countries {
            for percent in &settings.lookalike_percents {
                let place = if several { format!("-{country}") } else { String::new() };
                planned.push(Lookalike {
                    id: None,
                    name: format!("{}-LAL{place}-{percent}%", seed.name),
                    country: country.clone(),
                    ratio_percent: *percent,
                    status: LookalikeStatus::Pending,
                    note: Some("Meta has not matched the audience yet.".to_owned()),
                });
            }
        }
        planned
    }
}

impl SyncService {
    /// Creates one lookalike, or finds the one that exists, or leaves it pending. When it is recorded in its run,
    /// [`keep_recorded_lookalikes`](Self::keep_recorded_lookalikes) is to be called.
    pub(crate) fn create_lookalike(
        &self,
        run: RunId,
        seed: &RemoteAudience,
        lookalike: &mut Lookalike,
        cancel: &Cancel,
    ) -> Result<(), RunError> {
        let parts = &self.parts;
        let intention = parts.store.intention_create(run, RemoteKind::Lookalike, &lookalike.name)?;
        let new = NewLookalike {
            name: lookalike.name.clone(),
            description: self.tag(run)?,
            origin_audience_id: seed.id.clone(),
            country: lookalike.country.clone(),
            ratio_percent: lookalike.ratio_percent,
        };
        let created = match parts.meta.create_lookalike(&new, cancel) {
            Ok(LookalikeOutcome::Created(id)) => Some(id),
            Ok(LookalikeOutcome::SeedNotReady { message }) => {
                lookalike.note = Some(message);
                None
            }
            Ok(LookalikeOutcome::Exists) | Err(MetaError::ReplyLost { .. }) => {
                let existing = parts.meta.lookalikes_of(&seed.id, cancel).map_err(RunError::edge)?;
                let found = existing.into_iter().find(|found| is_same(found, lookalike));
                if found.is_none() {
                    lookalike.note =
                        Some("Meta has made it, or is about to, but does not list it yet.".to_owned());
                }
                found.map(|found| found.id)
            }
            Err(error) => {
                // Meta has answered no: nothing was made. Whether anything was is open only without an answer.
                if matches!(error, MetaError::Api(_)) {
                    parts.store.intention_close(intention, IntentionOutcome::NeverMade)?;
                }
                return Err(RunError::edge(error));
            }
        };
        match created {
            Some(id) => {
                parts.store.intention_set_remote(intention, &id)?;
                is_created(lookalike, id);
            }
            None => {
                lookalike.status = LookalikeStatus::Pending;
                parts.store.intention_close(intention, IntentionOutcome::NeverMade)?;
            }
        }
        Ok(())
    }

    /// Closes the intentions of a run whose lookalikes were created and stand in it. Until then a crash would lose them.
    pub(crate) fn keep_recorded_lookalikes(&self, run: RunId) -> Result<(), RunError> {
        for intention in self.parts.store.intentions_open()? {
            if intention.run_id == run
                && intention.kind == RemoteKind::Lookalike
                && intention.remote_id.is_some()
            {
                self.parts.store.intention_close(intention.id, IntentionOutcome::Kept)?;
            }
        }
        Ok(())
    }

    /// A run that ends without success is not followed up: what still waits in it is given up, and says so.
    pub(crate) fn give_up_lookalikes(&self, run: RunId) -> Result<(), RunError> {
        let Some(mut run) = self.load(run)? else { return Ok(()) };
        for lookalike in &mut run.lookalikes {
            if lookalike.status == LookalikeStatus::Pending {
                lookalike.status = LookalikeStatus::Failed;
                lookalike.note = Some(NOT_FOLLOWED_UP.to_owned());
            }
        }
        Ok(self.parts.store.run_set_lookalikes(run.id, &run.lookalikes)?)
    }
}

fn is_same(found: &LookalikeSummary, wanted: &Lookalike) -> bool {
    found.country.as_deref() == Some(wanted.country.as_str())
        && found.ratio_percent == Some(wanted.ratio_percent)
}

pub(crate) fn is_created(lookalike: &mut Lookalike, id: String) {
    (lookalike.id, lookalike.status, lookalike.note) = (Some(id), LookalikeStatus::Created, None);
}
