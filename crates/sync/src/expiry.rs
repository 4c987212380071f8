//! Looking ahead: a token or a model that ends soon is told by mail while there is time to replace it.

use crate::checks::DAYS_OF_WARNING;
use crate::error::RunError;
use crate::service::SyncService;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::Cancel;
use domain::error_chain::Chain;
use mailer::Expiry;
use meta::MetaError;
use std::sync::{Mutex, PoisonError};

/// An end is announced weeks before, so one look a day is enough: one small call to each of the two.
const PAUSE: TimeDelta = TimeDelta::hours(24);
/// After a look that failed.
const SHORT_PAUSE: TimeDelta = TimeDelta::hours(1);

/// When it is looked next. Forgotten at a restart, which only costs one look more: what was told is in the database.
#[derive(Default)]
pub(crate) struct NextLook(Mutex<Option<DateTime<Utc>>>);

impl NextLook {
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        let next = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A moment further ahead was planned by a clock that has been put back since.
        next.is_none_or(|next| next <= now || next > now + PAUSE)
    }

    fn plan(&self, next: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }
}

impl SyncService {
    /// Once a day asks Meta and the ranker until when token and model work, and queues a warning of what ends within
    /// fourteen days, unless it was told already. A vendor that can not be asked is asked again an hour later.
    pub(crate) fn look_ahead(&self, cancel: &Cancel) {
        let now = self.parts.clock.now();
        if !self.next_look_ahead.is_due(now) {
            return;
        }
        let mut pause = PAUSE;
        for end in [self.end_of_token(cancel), self.end_of_model(cancel)] {
            let queued = end.and_then(|end| match end {
                Some(end) if is_near(end.on(), now.date_naive()) => self.queue_warning(&end),
                _ => Ok(()),
            });
            if let Err(error) = queued {
                log::warn!("it could not be looked whether something ends soon: {}", Chain(&error));
                pause = SHORT_PAUSE;
            }
        }
        self.next_look_ahead.plan(now + pause);
    }

    fn end_of_token(&self, cancel: &Cancel) -> Result<Option<Expiry>, RunError> {
        match self.parts.meta.debug_token(cancel) {
            Ok(token) => Ok(token.expires_at.map(|at| Expiry::MetaToken { on: at.date_naive() })),
            // Some tokens may not ask about themselves; of one that is refused the next run tells.
            Err(error @ MetaError::Api(_)) if !error.is_hiccup() && !error.is_limit() => Ok(None),
            Err(error) => Err(RunError::edge(error)),
        }
    }

    fn end_of_model(&self, cancel: &Cancel) -> Result<Option<Expiry>, RunError> {
        let end = self.parts.ranker.retirement(cancel).map_err(RunError::Edge)?;
        Ok(end.map(|(model, on)| Expiry::ClaudeModel { model, on }))
    }
}

/// What has ended is told by the runs that fail because of it.
fn is_near(end: NaiveDate, today: NaiveDate) -> bool {
    (0..=DAYS_OF_WARNING).contains(&(end - today).num_days())
}

#[cfg(test)]
mod tests {
    use super::{NextLook, is_near};
    use chrono::TimeDelta;

    #[test]
    fn an_end_is_near_for_fourteen_days_and_not_after_it() {
        let near = |end: &str| is_near(end.parse().unwrap(), "2026-11-21".parse().unwrap());
        assert_eq!(
            ["2026-12-06", "2026-12-05", "2026-11-21", "2026-11-20"].map(near),
            [false, true, true, false]
        );
    }

    #[test]
    fn it_is_looked_at_the_start_and_when_the_planned_time_has_come() {
        let next = NextLook::default();
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        assert!(next.is_due(now));
        next.plan(now + TimeDelta::hours(24));
        assert!(!next.is_due(now + TimeDelta::hours(23)));
        assert!(next.is_due(now + TimeDelta::hours(24)));
    }
}
