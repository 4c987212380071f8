//! When the schedule begins the next run, or why it begins none.

use crate::installation::Installation;
use chrono::{DateTime, Utc};
use persistence::{Store, StoreError};

/// When the schedule begins the next run, or why it begins none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextRun {
    /// At this moment.
    At(DateTime<Utc>),
    /// The schedule is off.
    Off,
    /// The schedule (`SYNC_SCHEDULE_CRON`) names no moment to come.
    Never,
    /// Keys are missing, or the list or the field is not chosen.
    NotSetUp,
}

impl NextRun {
    /// As the database and the settings have it now. Blocks.
    ///
    /// # Errors
    /// The database's error.
    pub fn read(installation: &dyn Installation, store: &Store) -> Result<Self, StoreError> {
        let (is_chosen, is_on) = match store.config_latest()? {
            Some((_, config)) => (true, config.sync_enabled),
            None => (matches!(installation.initial_choice(), (Some(_), Some(_))), true),
        };
        let is_set_up = is_chosen && installation.missing_settings().is_empty();
        Ok(Self::of(is_on, is_set_up, &installation.next_runs(1)))
    }

    /// From what decides it: whether the schedule is on, whether a run can begin, and the next moments of the schedule.
    pub(crate) fn of(is_on: bool, is_set_up: bool, moments: &[DateTime<Utc>]) -> Self {
        match (is_on, moments) {
            (false, _) => Self::Off,
            (true, []) => Self::Never,
            (true, _) if !is_set_up => Self::NotSetUp,
            (true, [next, ..]) => Self::At(*next),
        }
    }

    /// The moment, when there is one.
    pub(crate) fn at(self) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Off | Self::Never | Self::NotSetUp => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::NextRun;

    #[test]
    fn what_keeps_the_next_run_from_beginning_is_told() {
        let at = "2026-11-22T02:00:00Z".parse().unwrap();
        assert_eq!(NextRun::of(true, true, &[at]), NextRun::At(at));
        assert_eq!(NextRun::of(true, false, &[at]), NextRun::NotSetUp);
        assert_eq!(NextRun::of(true, true, &[]), NextRun::Never);
        assert_eq!(NextRun::of(true, false, &[]), NextRun::Never);
        assert_eq!(NextRun::of(false, false, &[at]), NextRun::Off);
    }
}
