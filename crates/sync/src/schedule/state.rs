//! Which moment of the schedule has become due.

use super::{Cron, due_slots};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::run::Trigger;

/// A missed moment is made up while it is at most this old; after that the next one is near enough.
const MADE_UP_WITHIN: TimeDelta = TimeDelta::hours(12);

/// A tick comes once a minute, so a moment it sees later than this was missed.
const ON_TIME_WITHIN: TimeDelta = TimeDelta::minutes(2);

/// How far the schedule has been followed. Keep [`last_seen`](Self::last_seen) over restarts, so that what is missed
/// meanwhile can be made up, and store it before acting on a slot, so that a crash can not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleState {
    last_seen: DateTime<Utc>,
}

/// A moment of the schedule that is to run now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The moment the schedule names.
    pub at: DateTime<Utc>,
    /// `Scheduled` when it is on time, `MadeUp` when it was missed.
    pub trigger: Trigger,
}

impl ScheduleState {
    /// Follows the schedule from after `last_seen`: the stored moment, or now when there is none.
    pub fn new(last_seen: DateTime<Utc>) -> Self {
        Self { last_seen }
    }

    /// The moment up to which everything was decided.
    pub fn last_seen(&self) -> DateTime<Utc> {
        self.last_seen
    }

    /// What has become due since this was last asked: nothing, or the latest moment, which stands for all missed before
    /// it. To be asked at every tick, also while the schedule is switched off, or all that would be made up later.
    ///
    /// The schedule may be another one each time; it then applies to the time since the last tick. A clock that is put
    /// back repeats nothing: the schedule waits until the clock has caught up. Only when that would take longer than a
    /// missed moment is made up was the clock plainly wrong before, and the schedule is followed from now on.
    pub fn due(&mut self, cron: &Cron, zone: Tz, now: DateTime<Utc>) -> Option<Slot> {
        if now < self.last_seen {
            if self.last_seen - now > MADE_UP_WITHIN {
                log::warn!(
                    "the clock was put back from {} to {now}: the schedule goes on from there",
                    self.last_seen
                );
                self.last_seen = now;
            }
            return None;
        }
        let from = self.last_seen.max(now - MADE_UP_WITHIN - TimeDelta::nanoseconds(1));
        self.last_seen = now;
        let at = due_slots(cron, zone, from, now).pop()?;
        let trigger = if now - at <= ON_TIME_WITHIN { Trigger::Scheduled } else { Trigger::MadeUp };
        Some(Slot { at, trigger })
    }
}

#[cfg(test)]
mod tests {
    use super::{Cron, ScheduleState, Slot};
    use chrono::{DateTime, TimeDelta, Utc};
    use chrono_tz::Tz;
    use domain::run::Trigger::{self, MadeUp, Scheduled};

    /// A moment of 21 November 2026 or, with a day before it, of that November day.
    fn at(text: &str) -> DateTime<Utc> {
        let (day, time) = text.split_once(' ').unwrap_or(("21", text));
        format!("2026-11-{day}T{time}Z").parse().unwrap()
    }

    fn cron(text: &str) -> Cron {
        Cron::parse(text).unwrap()
    }

    /// Ticks one after the other, and for each what it finds due.
    fn ticks(cron_text: &str, last_seen: &str, moments: &[(&str, Option<(&str, Trigger)>)]) {
        let mut state = ScheduleState::new(at(last_seen));
        for (now, expected) in moments {
            let due = state.due(&cron(cron_text), Tz::UTC, at(now));
            let expected = expected.map(|(slot, trigger)| Slot { at: at(slot), trigger });
            assert_eq!(due, expected, "`{cron_text}` at {now}");
        }
    }

    #[test]
    fn a_moment_runs_once_and_on_time() {
        ticks(
            "0 2 * * *",
            "01:58:00",
            &[
                ("01:59:00", None),
                ("01:59:59.999", None),
                ("02:00:00", Some(("02:00:00", Scheduled))),
                ("02:00:00", None),
                ("02:01:00", None),
                ("22 02:00:59", Some(("22 02:00:00", Scheduled))),
            ],
        );
        ticks("0 2 * * *", "01:59:30", &[("02:02:00", Some(("02:00:00", Scheduled))), ("02:03:00", None)]);
    }

    #[test]
    fn a_missed_moment_is_made_up_for_twelve_hours() {
        let last_seen = "20 22:00:00";
        for (now, expected) in [
            ("02:02:00.001", Some(("02:00:00", MadeUp))),
            ("09:30:00", Some(("02:00:00", MadeUp))),
            ("14:00:00", Some(("02:00:00", MadeUp))),
            ("14:00:00.001", None),
            ("22 01:59:00", None),
        ] {
            ticks("0 2 * * *", last_seen, &[(now, expected), (now, None)]);
        }
    }

    #[test]
    fn several_missed_moments_are_one_run() {
        ticks(
            "*/10 * * * *",
            "18 00:00:00",
            &[("09:07:00", Some(("09:00:00", MadeUp))), ("09:10:01", Some(("09:10:00", Scheduled)))],
        );
        ticks("0 * * * *", "18 00:00:00", &[("09:01:00", Some(("09:00:00", Scheduled))), ("09:02:00", None)]);
        ticks(
            "* * * * *",
            "02:00:00",
            &[("02:01:59", Some(("02:01:00", Scheduled))), ("02:02:00", Some(("02:02:00", Scheduled)))],
        );
    }

    #[test]
    fn a_clock_that_is_put_back_repeats_nothing() {
        ticks(
            "0 2 * * *",
            "01:59:00",
            &[
                ("02:00:10", Some(("02:00:00", Scheduled))),
                ("01:00:00", None),
                ("01:59:00", None),
                ("02:00:05", None),
                ("02:01:00", None),
                ("22 02:00:00", Some(("22 02:00:00", Scheduled))),
            ],
        );
        ticks(
            "0 * * * *",
            "12:30:00",
            &[
                ("00:30:00", None),
                ("12:00:00", None),
                ("12:59:00", None),
                ("13:00:00", Some(("13:00:00", Scheduled))),
            ],
        );
    }

    #[test]
    fn a_clock_that_was_days_ahead_does_not_stop_the_schedule() {
        ticks(
            "0 2 * * *",
            "28 12:00:00",
            &[
                ("21 01:00:00", None),
                ("21 02:00:00", Some(("21 02:00:00", Scheduled))),
                ("21 02:01:00", None),
            ],
        );
    }

    #[test]
    fn a_changed_schedule_or_zone_applies_from_the_last_tick_on() {
        let mut state = ScheduleState::new(at("08:59:00"));
        assert_eq!(state.due(&cron("0 2 * * *"), Tz::UTC, at("09:00:30")), None);
        assert_eq!(
            state.due(&cron("0 9 * * *"), Tz::UTC, at("09:01:30")),
            None,
            "nine had passed before the change"
        );
        let slot = state.due(&cron("2 9 * * *"), Tz::UTC, at("09:02:30"));
        assert_eq!(slot, Some(Slot { at: at("09:02:00"), trigger: Scheduled }));
        let slot = state.due(&cron("3 10 * * *"), Tz::Europe__Berlin, at("09:03:30"));
        assert_eq!(slot, Some(Slot { at: at("09:03:00"), trigger: Scheduled }));
        assert_eq!(state.last_seen(), at("09:03:30"));
    }

    #[test]
    fn ticks_at_any_distance_never_run_a_moment_twice_and_lose_none_that_is_young() {
        let mut random = fastrand::Rng::with_seed(7);
        for text in ["0 2 * * *", "*/15 * * * *", "30 1,13 * * *", "* * * * *", "0 */5 * * *"] {
            let cron = cron(text);
            let begin = at("01 00:00:00");
            let mut state = ScheduleState::new(begin);
            let (mut now, mut previous) = (begin, begin);
            for _ in 0..2000 {
                let (last_tick, seen_before) = (now, state.last_seen());
                now += TimeDelta::seconds(match random.u8(0..10) {
                    0 => random.i64(0..=13 * 3600),
                    1 => -random.i64(0..=11 * 3600),
                    _ => random.i64(55..=65),
                });
                now = now.max(seen_before - TimeDelta::hours(12));
                let slot = state.due(&cron, Tz::UTC, now);
                if let Some(slot) = slot {
                    assert!(previous < slot.at, "{text}: {} after {previous}", slot.at);
                    assert!(slot.at <= now && now - slot.at <= TimeDelta::hours(12));
                    assert_eq!(slot.trigger == Scheduled, now - slot.at <= TimeDelta::minutes(2));
                    previous = slot.at;
                } else if now > seen_before {
                    let young = (now - TimeDelta::hours(12)).max(seen_before);
                    assert!(
                        super::due_slots(&cron, Tz::UTC, young, now).is_empty(),
                        "{text} from {last_tick} to {now}"
                    );
                }
            }
        }
    }
}
