//! The moments a schedule names.

use super::Cron;
use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A schedule for 29 February can wait eight years, around a year such as 2100.
const HORIZON: TimeDelta = TimeDelta::days(9 * 366);

/// No zone ever put its clock forward by more than a day.
const LONGEST_GAP_MINUTES: i64 = 25 * 60;

/// The moments the schedule names in (`from`, `to`], in order, each once.
///
/// A schedule that names certain hours means times of the day, and each happens once a day: a time that the spring night
/// leaves out runs at the first minute after the gap (02:30 in Berlin at 03:00), and one that the autumn night has twice
/// runs the first time. A schedule that names all 24 hours means real time: it runs in every hour and minute there is,
/// in the doubled hour twice and in the missing one not at all.
pub fn due_slots(cron: &Cron, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    // A day more on both sides: around midnight a changing clock can put a moment on the neighbouring date.
    let first = day_of(from, zone).checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MIN);
    let last = day_of(to, zone).checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
    let mut slots: Vec<_> = first
        .iter_days()
        .take_while(|day| *day <= last)
        .filter(|day| cron.names_day(*day))
        .flat_map(|day| cron.times().filter_map(move |(hour, minute)| day.and_hms_opt(hour, minute, 0)))
        .flat_map(|local| moments(local, zone, cron.runs_every_hour()))
        .filter(|moment| from < *moment && *moment <= to)
        .collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// The first `count` moments after `after`, fewer only when the calendar of the next nine years has no more.
pub fn next_slots(cron: &Cron, zone: Tz, after: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
    let mut slots = Vec::new();
    let mut from = after;
    while slots.len() < count && from < after + HORIZON {
        let to = from + TimeDelta::days(1);
        slots.extend(due_slots(cron, zone, from, to));
        from = to;
    }
    slots.truncate(count);
    slots
}

fn day_of(moment: DateTime<Utc>, zone: Tz) -> NaiveDate {
    moment.with_timezone(&zone).date_naive()
}

/// When a clock on the wall of `zone` shows `local`, as far as the schedule cares.
fn moments(local: NaiveDateTime, zone: Tz, every_hour: bool) -> impl Iterator<Item = DateTime<Utc>> {
    let (first, second) = match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) => (Some(moment), None),
        LocalResult::Ambiguous(first, second) => (Some(first), every_hour.then_some(second)),
        LocalResult::None if every_hour => (None, None),
        LocalResult::None => (after_gap(local, zone), None),
    };
    first.into_iter().chain(second).map(|moment| moment.to_utc())
}

/// The first minute that exists after `local`, which does not.
fn after_gap(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Tz>> {
    (1..=LONGEST_GAP_MINUTES)
        .find_map(|minutes| zone.from_local_datetime(&(local + TimeDelta::minutes(minutes))).earliest())
}

#[cfg(test)]
mod tests {
    use super::{Cron, due_slots, next_slots};
    use chrono::{DateTime, TimeDelta, Utc};
    use chrono_tz::Tz;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The moments of 24 hours from `from` on, as `HH:MM` UTC.
    fn day(cron: &str, zone: Tz, from: &str) -> String {
        let slots = due_slots(&Cron::parse(cron).unwrap(), zone, at(from), at(from) + TimeDelta::days(1));
        slots.iter().map(|slot| slot.format("%H:%M").to_string()).collect::<Vec<_>>().join(" ")
    }

    fn next(cron: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
        let slots = next_slots(&Cron::parse(cron).unwrap(), zone, at(after), count);
        slots.iter().map(|slot| slot.format("%F %H:%M").to_string()).collect()
    }

    #[test]
    fn the_beginning_is_left_out_and_the_end_is_not() {
        let cron = Cron::parse("0 2 * * *").unwrap();
        let two = at("2026-11-21T02:00:00Z");
        let second = TimeDelta::seconds(1);
        for (from, to, expected) in [
            (two - second, two, vec![two]),
            (two, two + second, vec![]),
            (two, two, vec![]),
            (two - second, two - second, vec![]),
            (two + second, two - second, vec![]),
            (two - TimeDelta::days(2), two, vec![two - TimeDelta::days(1), two]),
        ] {
            assert_eq!(due_slots(&cron, Tz::UTC, from, to), expected, "{from} to {to}");
        }
    }

    #[test]
    fn times_follow_the_zone_through_the_year() {
        for (zone, winter, summer) in [
            (Tz::UTC, "02:30", "02:30"),
            (Tz::Europe__Berlin, "01:30", "00:30"),
            (Tz::America__New_York, "07:30", "06:30"),
            (Tz::Asia__Kolkata, "21:00", "21:00"),
        ] {
            assert_eq!(day("30 2 * * *", zone, "2026-01-10T00:00:00Z"), winter);
            assert_eq!(day("30 2 * * *", zone, "2026-07-10T00:00:00Z"), summer);
        }
    }

    #[test]
    fn on_the_spring_night_each_time_of_day_runs_once() {
        // Berlin has no 02:00 to 02:59 on 29 March 2026, which begins at 23:00 UTC and lasts 23 hours.
        let berlin = |cron| day(cron, Tz::Europe__Berlin, "2026-03-28T22:59:00Z");
        // New York has none on 8 March 2026, which begins at 05:00 UTC.
        let new_york = |cron| day(cron, Tz::America__New_York, "2026-03-08T04:59:00Z");
        for (cron, in_berlin, in_new_york) in [
            ("30 2 8,29 * *", "01:00", "07:00"),
            ("0 2 8,29 * *", "01:00", "07:00"),
            ("59 1 8,29 * *", "00:59", "06:59"),
            ("0 3 8,29 * *", "01:00", "07:00"),
            ("30 3 8,29 * *", "01:30", "07:30"),
            ("*/15 2 8,29 * *", "01:00", "07:00"),
            ("30 1,2,3 8,29 * *", "00:30 01:00 01:30", "06:30 07:00 07:30"),
            ("0 2,14 8,29 * *", "01:00 12:00", "07:00 18:00"),
            ("0 */6 8,29 * *", "23:00 04:00 10:00 16:00", "05:00 10:00 16:00 22:00"),
        ] {
            assert_eq!(berlin(cron), in_berlin, "{cron} in Berlin");
            assert_eq!(new_york(cron), in_new_york, "{cron} in New York");
        }
    }

    #[test]
    fn on_the_autumn_night_each_time_of_day_runs_once() {
        // Berlin has 02:00 to 02:59 twice on 25 October 2026, which begins at 22:00 UTC.
        let berlin = |cron| day(cron, Tz::Europe__Berlin, "2026-10-24T21:59:00Z");
        // New York has 01:00 to 01:59 twice on 1 November 2026, which begins at 04:00 UTC.
        let new_york = |cron| day(cron, Tz::America__New_York, "2026-11-01T03:59:00Z");
        for (cron, in_berlin, in_new_york) in [
            ("30 2 1,25 * *", "00:30", "07:30"),
            ("30 1 1,25 * *", "23:30", "05:30"),
            ("0 3 1,25 * *", "02:00", "08:00"),
            (
                "*/30 1-3 1,25 * *",
                "23:00 23:30 00:00 00:30 02:00 02:30",
                "05:00 05:30 07:00 07:30 08:00 08:30",
            ),
        ] {
            assert_eq!(berlin(cron), in_berlin, "{cron} in Berlin");
            assert_eq!(new_york(cron), in_new_york, "{cron} in New York");
        }
    }

    #[test]
    fn on_both_nights_what_runs_every_hour_follows_real_time() {
        for (zone, night) in [
            (Tz::Europe__Berlin, "2026-03-29T00:00:00Z"),
            (Tz::Europe__Berlin, "2026-10-25T00:00:00Z"),
            (Tz::America__New_York, "2026-03-08T00:00:00Z"),
            (Tz::America__New_York, "2026-11-01T00:00:00Z"),
        ] {
            for (cron, step) in
                [("0 * * * *", 60), ("0 0-23 * * *", 60), ("*/15 * * * *", 15), ("* * * * *", 1)]
            {
                let (from, to) = (at(night), at(night) + TimeDelta::days(1));
                let real: Vec<_> =
                    (1..=24 * 60 / step).map(|n| from + TimeDelta::minutes(n * step)).collect();
                assert_eq!(due_slots(&Cron::parse(cron).unwrap(), zone, from, to), real, "{cron} in {zone}");
            }
        }
    }

    #[test]
    fn a_clock_that_changes_at_midnight_is_followed() {
        // Cairo goes from 00:00 to 01:00 on 24 April 2026; Havana has 00:00 to 00:59 twice on 1 November 2026.
        assert_eq!(day("0 0 24 4 *", Tz::Africa__Cairo, "2026-04-23T12:00:00Z"), "22:00");
        assert_eq!(day("30 0 1 11 *", Tz::America__Havana, "2026-10-31T12:00:00Z"), "04:30");
        assert_eq!(day("30 * 1 11 *", Tz::America__Havana, "2026-11-01T04:00:00Z").split(' ').count(), 24);
    }

    #[test]
    fn the_next_moments_are_found_however_rare_they_are() {
        assert_eq!(
            next("*/15 * * * *", Tz::UTC, "2026-11-21T23:30:00Z", 3),
            ["2026-11-21 23:45", "2026-11-22 00:00", "2026-11-22 00:15"]
        );
        assert_eq!(
            next("0 2 29 feb *", Tz::Europe__Berlin, "2026-11-21T00:00:00Z", 2),
            ["2028-02-29 01:00", "2032-02-29 01:00"]
        );
        assert_eq!(next("0 2 29 2 *", Tz::UTC, "2096-02-29T02:00:00Z", 1), ["2104-02-29 02:00"]);
        assert_eq!(next("0 12 * * 7", Tz::UTC, "2026-11-21T00:00:00Z", 1), ["2026-11-22 12:00"]);
        assert_eq!(
            next("30 2 * * *", Tz::Europe__Berlin, "2026-03-28T00:00:00Z", 3),
            ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]
        );
        assert!(next("0 2 * * *", Tz::UTC, "2026-11-21T00:00:00Z", 0).is_empty());
    }
}
