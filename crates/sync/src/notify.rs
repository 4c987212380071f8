//! Telling people: one mail per run that is to be told, one more when its lookalikes came later, and one for each that Meta could not build;
//! each at least once, with a Message-ID that folds doubles.

use crate::error::RunError;
use crate::progress::Progress;
use crate::service::SyncService;
use crate::settings::NotifyOn;
use chrono::TimeDelta;
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{Lookalike, LookalikeStatus, RunStatus, Step, StepStatus};
use domain::{Explain, Run, RunId};
use mailer::{LOOKALIKES_SETTLED, Mail, Mailer, OUTCOME, lookalike_unbuilt};
use persistence::QueuedMail;

/// A mail that could not be sent for a day is given up.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(1);

impl SyncService {
    /// Queues the mail of a run that is about to be closed: queued first and sent later, so that a crash in between
    /// only delays it. A run that a person cancelled needs no mail, and others only as `NOTIFY_ON` says.
    pub(crate) fn queue_mail(&self, run: RunId, status: RunStatus) -> Result<(), RunError> {
        if matches!(status, RunStatus::Success | RunStatus::Failed) && self.is_to_be_told(run, status)? {
            self.queue_mail_of_kind(run, OUTCOME)?;
        }
        Ok(())
    }

    fn is_to_be_told(&self, run: RunId, status: RunStatus) -> Result<bool, RunError> {
        // A success whose lookalike was refused is not what anybody expects, so it is never passed over.
        let has_failed = |run: &Run| status == RunStatus::Success && any_failed(&run.lookalikes);
        Ok(match self.parts.settings.notify_on {
            NotifyOn::Always => true,
            _ if self.load(run)?.as_ref().is_some_and(has_failed) => true,
            NotifyOn::Failure => status == RunStatus::Failed,
            NotifyOn::Change => self.parts.store.run_outcome_before(run)? != Some(status),
        })
    }

    /// Queues the mail that the last of a run's lookalikes is settled, unless only failures are told and there is none.
    pub(crate) fn queue_mail_of_settled(&self, run: RunId, lookalikes: &[Lookalike]) -> Result<(), RunError> {
        if self.parts.settings.notify_on != NotifyOn::Failure || any_failed(lookalikes) {
            self.queue_mail_of_kind(run, LOOKALIKES_SETTLED)?;
        }
        Ok(())
    }

    /// Queues a mail of the run; once, however often it is asked for. Nothing without a mail server.
    pub(crate) fn queue_mail_of_kind(&self, run: RunId, kind: &str) -> Result<(), RunError> {
        if self.parts.mailer.is_some() {
            let message_id = mailer::message_id(&self.parts.mail_context, run, kind);
            self.parts.store.mail_queue(run, kind, &message_id)?;
        }
        Ok(())
    }

    /// The `notify` step. A failure here leaves the run as it is; the mail is tried again later.
    pub(crate) fn notify(&self, progress: &Progress<'_>, status: RunStatus) {
        if let Err(error) = progress.begin(Step::Notify) {
            log::error!("the notify step could not be recorded: {}", Chain(&error.error));
        }
        let (outcome, detail) = match &self.parts.mailer {
            None => (StepStatus::Skipped, "e-mail is not set up (SMTP_HOST)".to_owned()),
            Some(_) if status == RunStatus::Cancelled => {
                (StepStatus::Skipped, "no e-mail for a cancelled run".to_owned())
            }
            Some(mailer) => match self.deliver_mails_of(progress.run, mailer) {
                Ok(true) => (StepStatus::Done, "e-mail sent".to_owned()),
                Ok(false) => (StepStatus::Skipped, "no e-mail, as NOTIFY_ON says".to_owned()),
                Err(error) => (StepStatus::Failed, error.explain().message),
            },
        };
        if let Err(error) = progress.end(Step::Notify, outcome, Some(&detail)) {
            log::error!("the notify step could not be recorded: {}", Chain(&error.error));
        }
    }

    /// Sends every mail that is due, whatever run it belongs to.
    pub(crate) fn deliver_due_mails(&self) -> Result<(), RunError> {
        let Some(mailer) = &self.parts.mailer else { return Ok(()) };
        for queued in self.parts.store.mail_due()? {
            let _context = log_context::enter(Context::of_run(queued.run_id));
            match self.deliver(&queued, mailer) {
                Ok(()) if queued.kind == OUTCOME => self.mark_notified(queued.run_id),
                Ok(()) => {}
                Err(error) => log::warn!("the mail could not be sent: {}", Chain(&error)),
            }
        }
        Ok(())
    }

    /// False when there is none.
    fn deliver_mails_of(&self, run: RunId, mailer: &Mailer) -> Result<bool, RunError> {
        let mut due = self.parts.store.mail_due()?;
        due.retain(|queued| queued.run_id == run);
        due.iter().try_for_each(|queued| self.deliver(queued, mailer))?;
        Ok(!due.is_empty())
    }

    fn deliver(&self, queued: &QueuedMail, mailer: &Mailer) -> Result<(), RunError> {
        let store = &self.parts.store;
        let Some(run) = self.load(queued.run_id)? else {
            return Ok(store.mail_give_up(queued.id, "the run is gone")?);
        };
        if run.status == RunStatus::Cancelled && queued.kind == OUTCOME {
            // The service was stopped between queueing it and recording the success it would have told of.
            return Ok(store.mail_give_up(queued.id, "the run was cancelled")?);
        }
        if !is_true(&queued.kind, &run) {
            // It was queued just before what it tells of was recorded, and a crash came between.
            return Ok(());
        }
        let mail = self.write_mail(&run, &queued.kind)?;
        match mailer.send(&mail) {
            Ok(()) => Ok(store.mail_sent(queued.id)?),
            Err(error) => {
                let now = self.parts.clock.now();
                let words = error.explain().message;
                if now - queued.queued_at >= GIVE_UP_AFTER {
                    store.mail_give_up(queued.id, &words)?;
                } else {
                    let minutes = 1_i64 << queued.attempts.clamp(0, 7);
                    store.mail_failed(queued.id, &words, now + TimeDelta::minutes(minutes))?;
                }
                Err(RunError::edge(error))
            }
        }
    }

    fn write_mail(&self, run: &Run, kind: &str) -> Result<Mail, RunError> {
        let context = &self.parts.mail_context;
        let written = match run.status {
            _ if kind != OUTCOME => mailer::lookalikes(run, context, kind),
            RunStatus::Success => mailer::success(run, context),
            _ => mailer::failure(run, context),
        };
        written.map_err(RunError::edge)
    }

    /// A mail that went out later than its run corrects the run's step.
    fn mark_notified(&self, run: RunId) {
        let marked = self.parts.store.step_finish(run, Step::Notify, StepStatus::Done, Some("e-mail sent"));
        if let Err(error) = marked {
            log::warn!("the notify step could not be corrected: {}", Chain(&error));
        }
    }
}

fn any_failed(lookalikes: &[Lookalike]) -> bool {
    lookalikes.iter().any(|lookalike| lookalike.status == LookalikeStatus::Failed)
}

/// Whether what a mail of that kind tells of is so by now.
fn is_true(kind: &str, run: &Run) -> bool {
    let unbuilt = (0..).zip(&run.lookalikes).find(|(place, _)| kind == lookalike_unbuilt(*place));
    match unbuilt {
        Some((_, lookalike)) => lookalike.status == LookalikeStatus::Failed,
        None => kind == OUTCOME || run.lookalike_status() != LookalikeStatus::Pending,
    }
}
