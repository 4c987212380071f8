//! Telling people, by e-mail and webhook: one message per run that is to be told, one more when its lookalikes came later,
//! one for each that Meta could not build, and one for each end that is near; each at least once on every channel, with a
//! Message-ID that folds doubles.

use crate::error::RunError;
use crate::progress::Progress;
use crate::service::SyncService;
use crate::settings::NotifyOn;
use chrono::TimeDelta;
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{Channel, Failure, Lookalike, LookalikeStatus, RunStatus, Step, StepStatus, Trigger};
use domain::{Explain, Run, RunId};
use mailer::{Expiry, LOOKALIKES_SETTLED, Mail, OUTCOME, lookalike_unbuilt};
use persistence::{MessageState, QueuedMessage};

/// A message that could not be sent for a day is given up.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::days(1);

/// Not before it was tried that often: a day in which the machine was off, or the clock was put forward, is none.
const FEWEST_ATTEMPTS: u32 = 10;

/// So many attempts (in a quarter of an hour), whatever they fail by, a mail waits for a recipient whom the server puts off;
/// then the others get it.
const WAITS_FOR_ALL: u32 = 4;

impl SyncService {
    /// Queues the message about a run that is about to be closed: queued first and sent later, so that a crash in between
    /// only delays it. A run that a person ended needs none, one that ended with its service is told like a failure, and
    /// others only as `NOTIFY_ON` says.
    pub(crate) fn queue_mail(
        &self,
        run: RunId,
        status: RunStatus,
        failure: Option<&Failure>,
    ) -> Result<(), RunError> {
        let Some(run) = self.load(run)? else { return Ok(()) };
        let told_as = match status {
            RunStatus::Cancelled if ended_unseen(run.trigger, failure) => RunStatus::Failed,
            status => status,
        };
        if told_as != RunStatus::Cancelled && self.is_to_be_told(&run, told_as)? {
            self.queue_mail_of_kind(&run, OUTCOME)?;
        }
        Ok(())
    }

    fn is_to_be_told(&self, run: &Run, status: RunStatus) -> Result<bool, RunError> {
        Ok(match self.parts.settings.notify_on {
            NotifyOn::Always => true,
            // A success whose lookalike was refused is not what anybody expects, so it is never passed over.
            _ if status == RunStatus::Success && any_failed(&run.lookalikes) => true,
            NotifyOn::Failure => status == RunStatus::Failed,
            NotifyOn::Change => self.parts.store.run_outcome_before(run.id)? != Some(status),
        })
    }

    /// Queues the message that the last of a run's lookalikes is settled, unless only failures are told and there is none.
    pub(crate) fn queue_mail_of_settled(&self, run: &Run, lookalikes: &[Lookalike]) -> Result<(), RunError> {
        if self.parts.settings.notify_on != NotifyOn::Failure || any_failed(lookalikes) {
            self.queue_mail_of_kind(run, LOOKALIKES_SETTLED)?;
        }
        Ok(())
    }

    /// Queues a message about the run on every channel; once, however often it is asked for.
    pub(crate) fn queue_mail_of_kind(&self, run: &Run, kind: &str) -> Result<(), RunError> {
        let message_id = mailer::message_id(&self.parts.mail_context, run, kind);
        for channel in self.channels() {
            self.parts.store.outbox_add(Some(run.id), channel, kind, &message_id)?;
        }
        Ok(())
    }

    /// Queues the warning of an end that is near on every channel, whatever `NOTIFY_ON` says; once for each end.
    pub(crate) fn queue_warning(&self, expiry: &Expiry) -> Result<(), RunError> {
        let message_id = mailer::expiry_message_id(expiry, &self.parts.mail_context);
        for channel in self.channels() {
            if self.parts.store.outbox_add(None, channel, &expiry.kind(), &message_id)? {
                log::warn!("{} is near: people are warned by {channel}", expiry.kind());
            }
        }
        Ok(())
    }

    /// The ways that are set up.
    fn channels(&self) -> Vec<Channel> {
        let mail = self.parts.mailer.as_ref().map(|_| Channel::Mail);
        mail.into_iter().chain(self.parts.webhook.as_ref().map(|_| Channel::Webhook)).collect()
    }

    /// The `notify` step. A failure here leaves the run as it is; the message is tried again later.
    pub(crate) fn notify(&self, progress: &Progress<'_>, status: RunStatus) {
        if let Err(error) = progress.begin(Step::Notify) {
            log::error!("the notify step could not be recorded: {}", Chain(&error.error));
        }
        // Of a cancelled run somebody is told only when its service ended, which has no time for a mail server.
        let delivered = match status {
            RunStatus::Cancelled => Ok(()),
            _ => self.deliver_due(Some(progress.run)),
        };
        let told = delivered.and_then(|()| self.how_it_was_told(progress.run));
        let (outcome, detail) = told.unwrap_or_else(|error| (StepStatus::Failed, error.explain().message));
        if let Err(error) = progress.end(Step::Notify, outcome, Some(&detail)) {
            log::error!("the notify step could not be recorded: {}", Chain(&error.error));
        }
    }

    /// Sends every message that is due, whatever it is about.
    pub(crate) fn deliver_due_mails(&self) -> Result<(), RunError> {
        self.deliver_due(None)
    }

    /// Sends what is due, of one run or in all. One that can not be sent keeps no other waiting.
    fn deliver_due(&self, only: Option<RunId>) -> Result<(), RunError> {
        for queued in self.parts.store.outbox_due()? {
            if only.is_some() && only != queued.run_id {
                continue;
            }
            let _context = queued.run_id.map(|run| log_context::enter(Context::of_run(run)));
            match self.deliver(&queued) {
                // The step of a run that goes on is ended by the run.
                Ok(Delivered::Settled) if only.is_none() => self.correct_the_step(&queued),
                Ok(Delivered::Settled | Delivered::Waits) => {}
                Err(error) => {
                    log::warn!("the {} message could not be sent: {}", queued.channel, Chain(&error));
                }
            }
        }
        Ok(())
    }

    fn deliver(&self, queued: &QueuedMessage) -> Result<Delivered, RunError> {
        let (store, now) = (&self.parts.store, self.parts.clock.now());
        let Some(mail) = self.write(queued)? else { return Ok(Delivered::Waits) };
        let sent = match (queued.channel, &self.parts.mailer, &self.parts.webhook) {
            (Channel::Mail, Some(mailer), _) => {
                let is_patient = queued.attempts < WAITS_FOR_ALL;
                let sent = if is_patient { mailer.send(&mail) } else { mailer.send_now(&mail) };
                sent.map(|refused| remark(refused.len())).map_err(RunError::edge)
            }
            (Channel::Webhook, _, Some(webhook)) => {
                webhook.post(&mail).map(|()| None).map_err(RunError::edge)
            }
            // The channel was taken away after the message was queued; it may come back within the day.
            (Channel::Mail | Channel::Webhook, _, _) if now - queued.queued_at < GIVE_UP_AFTER => {
                return Ok(Delivered::Waits);
            }
            (Channel::Mail | Channel::Webhook, _, _) => {
                store.outbox_give_up(queued.id, "This way of telling is not set up any more.")?;
                return Ok(Delivered::Settled);
            }
        };
        let error = match sent {
            Ok(remark) => {
                store.outbox_sent(queued.id, remark.as_deref())?;
                return Ok(Delivered::Settled);
            }
            Err(error) => error,
        };
        let words = error.explain().message;
        if now - queued.queued_at >= GIVE_UP_AFTER && queued.attempts >= FEWEST_ATTEMPTS {
            store.outbox_give_up(queued.id, &format!("{words} It was tried for a day."))?;
            self.correct_the_step(queued);
        } else {
            let minutes = 1_i64 << queued.attempts.clamp(0, 7);
            store.outbox_failed(queued.id, &words, now + TimeDelta::minutes(minutes))?;
        }
        Err(error)
    }

    /// The words of a message; none when it must not be sent, or not yet.
    fn write(&self, queued: &QueuedMessage) -> Result<Option<Mail>, RunError> {
        let give_up = |why| self.parts.store.outbox_give_up(queued.id, why).map(|()| None);
        let context = &self.parts.mail_context;
        let written = match queued.run_id {
            None => match Expiry::of_kind(&queued.kind) {
                Some(expiry) => mailer::expiry(&expiry, context),
                None => return Ok(give_up("this version of the program does not know what it tells")?),
            },
            Some(run) => match self.load(run)? {
                None => return Ok(give_up("the run is gone")?),
                // The service was stopped between queueing it and recording the success it would have told of.
                Some(run)
                    if queued.kind == OUTCOME
                        && run.status == RunStatus::Cancelled
                        && !ended_unseen(run.trigger, run.failure.as_ref()) =>
                {
                    return Ok(give_up("the run was cancelled")?);
                }
                // It was queued just before what it tells of was recorded, and a crash came between.
                Some(run) if !is_true(&queued.kind, &run) => return Ok(None),
                Some(run) if queued.kind != OUTCOME => mailer::lookalikes(&run, context, &queued.kind),
                Some(run) if run.status == RunStatus::Success => mailer::success(&run, context),
                Some(run) => mailer::failure(&run, context),
            },
        };
        // Every attempt has the id of the first, even if another version of the program made it.
        let mail = written.map_err(RunError::edge)?;
        Ok(Some(Mail { message_id: queued.message_id.clone(), ..mail }))
    }

    /// How the outcome of a run that has ended was told so far, as its step has it.
    pub(crate) fn how_it_was_told(&self, run: RunId) -> Result<(StepStatus, String), RunError> {
        let mut messages = self.parts.store.outbox_of_run(run)?;
        messages.retain(|message| message.kind == OUTCOME);
        let is_cancelled = self.load(run)?.is_some_and(|run| run.status == RunStatus::Cancelled);
        let skipped = |why: &str| Ok((StepStatus::Skipped, why.to_owned()));
        match messages.as_slice() {
            [] if is_cancelled => skipped("nobody is told of a cancelled run"),
            [] if self.channels().is_empty() => skipped("neither SMTP_HOST nor NOTIFY_WEBHOOK_URL is set"),
            [] => skipped("nobody is told, as NOTIFY_ON says"),
            untried if is_cancelled && untried.iter().all(|message| message.attempts == 0) => {
                skipped("it is told after the next start of the service")
            }
            messages => Ok(standing(messages)),
        }
    }

    /// A message that went out later than its run, or is given up, corrects the run's step.
    fn correct_the_step(&self, settled: &QueuedMessage) {
        let Some(run) = settled.run_id.filter(|_| settled.kind == OUTCOME) else { return };
        let marked = self.how_it_was_told(run).and_then(|(status, detail)| {
            Ok(self.parts.store.step_finish(run, Step::Notify, status, Some(&detail))?)
        });
        if let Err(error) = marked {
            log::warn!("the notify step could not be corrected: {}", Chain(&error));
        }
    }
}

/// What became of a message.
enum Delivered {
    /// It was sent or given up.
    Settled,
    /// It is not to be sent, or not yet.
    Waits,
}

/// Whether a run was cancelled by nobody who looked at it: its service was stopped. Whoever ends a command knows of its run.
fn ended_unseen(trigger: Trigger, failure: Option<&Failure>) -> bool {
    trigger != Trigger::Cli && failure.is_some_and(Failure::is_stop)
}

/// How the messages about an outcome stand together; there is one at least.
fn standing(outcome: &[MessageState]) -> (StepStatus, String) {
    let unsent: Vec<String> = outcome
        .iter()
        .filter(|message| message.sent_at.is_none())
        .map(|message| {
            let words = message.last_error.as_deref().unwrap_or("It is sent within minutes.");
            format!("{words}{}", message.given_up_at.map_or("", |_at| " It is given up."))
        })
        .collect();
    if !unsent.is_empty() {
        return (StepStatus::Failed, unsent.join(" "));
    }
    let told = outcome.iter().flat_map(|message| {
        let way = match message.channel {
            Channel::Mail => "e-mail sent",
            Channel::Webhook => "posted to the webhook",
        };
        std::iter::once(way).chain(message.last_error.as_deref())
    });
    (StepStatus::Done, told.collect::<Vec<_>>().join(", "))
}

/// What is to be said of a mail that was sent, when not everybody got it.
fn remark(refused: usize) -> Option<String> {
    match refused {
        0 => None,
        1 => Some("1 address refused".to_owned()),
        several => Some(format!("{several} addresses refused")),
    }
}

fn any_failed(lookalikes: &[Lookalike]) -> bool {
    lookalikes.iter().any(|lookalike| lookalike.status == LookalikeStatus::Failed)
}

/// Whether what a message of that kind tells of is so by now.
fn is_true(kind: &str, run: &Run) -> bool {
    let unbuilt = (0..).zip(&run.lookalikes).find(|(place, _)| kind == lookalike_unbuilt(*place));
    match unbuilt {
        Some((_, lookalike)) => lookalike.status == LookalikeStatus::Failed,
        None if kind == OUTCOME => run.status != RunStatus::Running,
        None => run.lookalike_status() != LookalikeStatus::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::standing;
    use domain::run::{Channel, StepStatus};
    use domain::{Clock, SystemClock};
    use persistence::MessageState;

    #[test]
    fn a_message_whose_way_was_taken_away_is_not_told_to_have_been_tried_for_a_day() {
        let now = SystemClock.now();
        let given_up = MessageState {
            id: 1,
            channel: Channel::Webhook,
            kind: mailer::OUTCOME.to_owned(),
            message_id: "<a@example.com>".to_owned(),
            attempts: 11,
            queued_at: now,
            next_attempt_at: now,
            sent_at: None,
            given_up_at: Some(now),
            last_error: Some("This way of telling is not set up any more.".to_owned()),
        };
        assert_eq!(
            standing(&[given_up]),
            (StepStatus::Failed, "This way of telling is not set up any more. It is given up.".to_owned())
        );
    }
}
