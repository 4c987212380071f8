//! Lookalikes that were too early: created as soon as Meta has matched their seed, for up to a day, and watched until
//! Meta has built them.

use crate::error::RunError;
use crate::service::SyncService;
use chrono::{DateTime, TimeDelta, Utc};
use domain::error_chain::Chain;
use domain::log_context::{self, Context};
use domain::run::{Lookalike, LookalikeStatus, RemoteAudience, RunStatus};
use domain::{Cancel, Explain, Run, RunId};
use mailer::lookalike_unbuilt;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A seed that Meta has not matched by then has too few people.
const GIVE_UP_AFTER: TimeDelta = TimeDelta::hours(24);
/// The last possible creation, and the hours Meta builds a lookalike.
const WATCHED_FOR: TimeDelta = TimeDelta::hours(48);
/// Meta matches for hours: the older the run, the rarer the look.
const SHORTEST_PAUSE: TimeDelta = TimeDelta::minutes(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(30);
/// The pause is this part of the run's age.
const PART_OF_THE_AGE: i32 = 8;

/// The next look at a run that needs none.
const NEVER: DateTime<Utc> = DateTime::<Utc>::MAX_UTC;

/// When each run is looked at next. Forgotten at a restart, which only costs one look more.
#[derive(Default)]
pub(crate) struct Looks(Mutex<HashMap<RunId, DateTime<Utc>>>);

impl Looks {
    fn is_due(&self, run: RunId, now: DateTime<Utc>) -> bool {
        // After the clock was put back nobody waits until it has caught up.
        self.lock().get(&run).is_none_or(|next| *next <= now || *next - now > LONGEST_PAUSE && *next != NEVER)
    }

    /// Plans the next look at a run that began at `started_at`; none when it is `finished`.
    fn plan(&self, run: RunId, started_at: DateTime<Utc>, finished: bool, now: DateTime<Utc>) {
        let pause = ((now - started_at) / PART_OF_THE_AGE).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
        let next = if finished { NEVER } else { now + pause };
        self.lock().insert(run, next);
    }

    /// Forgets the runs that are not followed any more.
    fn keep(&self, runs: &[Run]) {
        self.lock().retain(|known, _| runs.iter().any(|run| run.id == *known));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, DateTime<Utc>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SyncService {
    /// Creates pending lookalikes whose seed is ready, gives them up a day after their run, and looks whether Meta could
    /// build those that were created. What becomes of them is recorded at once and told by mail: once when none waits any
    /// more, and once for each that Meta could not build.
    pub(crate) fn follow_up_lookalikes(&self, cancel: &Cancel) -> Result<(), RunError> {
        let now = self.parts.clock.now();
        let runs = self.parts.store.runs_to_follow_up(now - WATCHED_FOR)?;
        self.looks.keep(&runs);
        for run in &runs {
            cancel.check()?;
            if !self.looks.is_due(run.id, now) {
                continue;
            }
            let _context = log_context::enter(Context::of_run(run.id));
            // One seed that can not be read must not keep the others waiting.
            let finished = self.follow_up_run(run, now, cancel).unwrap_or_else(|error| {
                log::warn!("the lookalike has to wait: {}", Chain(&error));
                false
            });
            self.looks.plan(run.id, run.started_at, finished, now);
        }
        Ok(())
    }

    /// Whether nothing is left to be seen.
    fn follow_up_run(&self, run: &Run, now: DateTime<Utc>, cancel: &Cancel) -> Result<bool, RunError> {
        let mut lookalikes = run.lookalikes.clone();
        if run.lookalike_status() == LookalikeStatus::Pending {
            self.finish_pending(run, &mut lookalikes, now, cancel)?;
        }
        let is_pending = |one: &Lookalike| one.status == LookalikeStatus::Pending;
        let built = self.watch_building(run, &mut lookalikes, cancel)?;
        Ok(built && !lookalikes.iter().any(is_pending))
    }

    fn finish_pending(
        &self,
        run: &Run,
        lookalikes: &mut [Lookalike],
        now: DateTime<Utc>,
        cancel: &Cancel,
    ) -> Result<(), RunError> {
        let Some(seed) = &run.audience else { return Ok(()) };
        let too_late = now - run.started_at >= GIVE_UP_AFTER;
        let outlook = self.outlook(seed, cancel)?;
        for at in 0..lookalikes.len() {
            if lookalikes[at].status != LookalikeStatus::Pending {
                continue;
            }
            match &outlook {
                Outlook::Ready => self.try_to_create(run.id, seed, &mut lookalikes[at], cancel)?,
                Outlook::NotYet(_) if too_late => {
                    self.try_to_create(run.id, seed, &mut lookalikes[at], cancel)?;
                }
                Outlook::NotYet(why) | Outlook::Gone(why) => lookalikes[at].note = Some(why.clone()),
            }
            if lookalikes[at].status == LookalikeStatus::Pending {
                // A wait that was ended says nothing about the lookalike.
                cancel.check()?;
            }
            let given_up = too_late || matches!(outlook, Outlook::Gone(_));
            if given_up && lookalikes[at].status == LookalikeStatus::Pending {
                lookalikes[at].status = LookalikeStatus::Failed;
            }
            self.record_lookalikes(run, lookalikes)?;
            self.keep_recorded_lookalikes(run.id)?;
        }
        Ok(())
    }

    /// Records how the lookalikes of a run stand now. When none of a successful run waits any more a mail tells it: queued
    /// before it is true, so that no crash can lose it, and sent when it is.
    pub(crate) fn record_lookalikes(&self, run: &Run, lookalikes: &[Lookalike]) -> Result<(), RunError> {
        let waits = |lookalikes: &[Lookalike]| {
            lookalikes.iter().any(|lookalike| lookalike.status == LookalikeStatus::Pending)
        };
        if run.status == RunStatus::Success && waits(&run.lookalikes) && !waits(lookalikes) {
            self.queue_mail_of_settled(run, lookalikes)?;
        }
        Ok(self.parts.store.run_set_lookalikes(run.id, lookalikes)?)
    }

    /// Whether Meta has matched the seed. Behind Meta's limits nothing was asked, so it is an error that says nothing of
    /// the seed.
    fn outlook(&self, seed: &RemoteAudience, cancel: &Cancel) -> Result<Outlook, RunError> {
        match self.parts.meta.audience(&seed.id, cancel) {
            Ok(state) if state.is_ready() => Ok(Outlook::Ready),
            Ok(state) => Ok(Outlook::NotYet(format!(
                "Meta says of the custom audience: {}.",
                state.operation_status.words()
            ))),
            Err(error) if error.is_limit() => Err(RunError::edge(error)),
            Err(error) if error.is_gone() => Ok(Outlook::Gone(error.explain().message)),
            Err(error) => {
                log::warn!("the seed of a pending lookalike can not be read: {}", Chain(&error));
                Ok(Outlook::NotYet(error.explain().message))
            }
        }
    }

    /// Notes Meta's reason when it refuses. Only its limits are an error: nobody is given up because of them.
    fn try_to_create(
        &self,
        run: RunId,
        seed: &RemoteAudience,
        lookalike: &mut Lookalike,
        cancel: &Cancel,
    ) -> Result<(), RunError> {
        match self.create_lookalike(run, seed, lookalike, cancel) {
            Err(error) if error.is_limit() => return Err(error),
            Err(error) => {
                log::warn!("a pending lookalike could not be created: {}", Chain(&error));
                lookalike.note = Some(error.explain().message);
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// Looks at the created lookalikes, and whether none of them is being built any more. One that Meta could not build
    /// counts as failed.
    fn watch_building(
        &self,
        run: &Run,
        lookalikes: &mut [Lookalike],
        cancel: &Cancel,
    ) -> Result<bool, RunError> {
        let mut finished = true;
        for at in 0..lookalikes.len() {
            let Some(id) =
                lookalikes[at].id.clone().filter(|_| lookalikes[at].status == LookalikeStatus::Created)
            else {
                continue;
            };
            match self.parts.meta.audience(&id, cancel) {
                Ok(state) if state.operation_status.is_unusable() => {
                    let words = state.operation_status.words();
                    log::warn!("the lookalike {id} is of no use: {words}");
                    lookalikes[at].status = LookalikeStatus::Failed;
                    lookalikes[at].note = Some(format!("Meta created it, but says of it: {words}."));
                    // As above: queued before it is true, and sent when it is.
                    self.queue_mail_of_kind(run, &lookalike_unbuilt(at))?;
                    self.parts.store.run_set_lookalikes(run.id, lookalikes)?;
                }
                Ok(state) => finished &= state.is_ready(),
                // A person has deleted it: it is not missed.
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(RunError::edge(error)),
            }
        }
        Ok(finished)
    }
}

/// What a seed promises its lookalikes.
enum Outlook {
    /// Meta has matched it.
    Ready,
    /// Later, perhaps; the reason in words.
    NotYet(String),
    /// It does not exist any more, in Meta's words.
    Gone(String),
}

#[cfg(test)]
mod tests {
    use super::Looks;
    use chrono::{DateTime, TimeDelta, Utc};
    use domain::RunId;

    #[test]
    fn looks_get_rarer_with_the_age_of_the_run_and_end_when_nothing_is_left_to_see() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let paused_for = |age: TimeDelta, finished| {
            let looks = Looks::default();
            assert!(looks.is_due(RunId(7), now), "a run that was never looked at");
            looks.plan(RunId(7), now - age, finished, now);
            (0..10_000).find(|minutes| looks.is_due(RunId(7), now + TimeDelta::minutes(*minutes)))
        };
        assert_eq!(paused_for(TimeDelta::minutes(2), false), Some(1));
        assert_eq!(paused_for(TimeDelta::minutes(80), false), Some(10));
        assert_eq!(paused_for(TimeDelta::hours(20), false), Some(30));
        assert_eq!(paused_for(TimeDelta::hours(20), true), None);
    }

    #[test]
    fn a_look_does_not_wait_for_a_future_that_was_taken_back() {
        let now: DateTime<Utc> = "2026-11-21T12:00:00Z".parse().unwrap();
        let looks = Looks::default();
        looks.plan(RunId(7), now - TimeDelta::hours(20), false, now);
        looks.plan(RunId(8), now - TimeDelta::hours(20), true, now);
        assert!(!looks.is_due(RunId(7), now));
        assert!(looks.is_due(RunId(7), now - TimeDelta::days(3)));
        assert!(!looks.is_due(RunId(8), now - TimeDelta::days(3)), "nothing is left to see");
    }
}
