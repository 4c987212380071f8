//! The moments of random schedules, found a second time the slow way: by walking through real time minute by minute
//! and looking at the clock on the wall.

use super::{Cron, due_slots, next_slots};
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use std::collections::HashSet;

/// A field as a set, with its text. Written without the parser under test.
struct Field {
    text: String,
    values: HashSet<u32>,
}

fn field(random: &mut fastrand::Rng, from: u32, to: u32, names: &[&str]) -> Field {
    if random.u8(0..3) == 0 {
        return Field { text: "*".to_owned(), values: (from..=to).collect() };
    }
    let names = if random.bool() { names } else { &[] };
    let mut values = HashSet::new();
    let mut items = Vec::new();
    for _ in 0..random.u8(1..=3) {
        let first = random.u32(from..=to);
        let last = random.u32(first..=to);
        let step = random.u32(1..=to);
        let word = |value: u32| {
            let at = (value - from) as usize;
            names.get(at).map_or_else(|| value.to_string(), |name| (*name).to_owned())
        };
        let (item, range, step) = match random.u8(0..5) {
            0 | 1 => (word(first), first..=first, 1),
            2 => (format!("{}-{}", word(first), word(last)), first..=last, 1),
            3 => (format!("{}-{}/{step}", word(first), word(last)), first..=last, step),
            _ => (format!("*/{step}"), from..=to, step),
        };
        values.extend(range.step_by(step as usize));
        items.push(item);
    }
    Field { text: items.join(","), values }
}

struct Schedule {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Schedule {
    fn random(random: &mut fastrand::Rng) -> Self {
        let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let weekdays = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "7"];
        Self {
            minute: field(random, 0, 59, &[]),
            hour: field(random, 0, 23, &[]),
            day: field(random, 1, 31, &[]),
            month: field(random, 1, 12, &months),
            weekday: field(random, 0, 7, &weekdays),
        }
    }

    fn text(&self) -> String {
        [&self.minute, &self.hour, &self.day, &self.month, &self.weekday]
            .map(|field| field.text.as_str())
            .join(" ")
    }

    fn fits(&self, wall: NaiveDateTime) -> bool {
        let day = self.day.values.contains(&wall.day());
        let number = wall.weekday().num_days_from_sunday();
        let weekday =
            self.weekday.values.contains(&number) || number == 0 && self.weekday.values.contains(&7);
        let date = match (self.day.text.as_str(), self.weekday.text.as_str()) {
            ("*", _) => weekday,
            (_, "*") => day,
            _ => day || weekday,
        };
        date && self.month.values.contains(&wall.month())
            && self.hour.values.contains(&wall.hour())
            && self.minute.values.contains(&wall.minute())
    }

    fn slow(&self, zone: Tz, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let minute = TimeDelta::minutes(1);
        let real_time = self.hour.values.len() == 24;
        let (mut slots, mut shown) = (Vec::new(), HashSet::new());
        // What was on the wall shortly before decides whether a time is there for the second time.
        let mut now = from - TimeDelta::days(1);
        let mut previous = (now - minute).with_timezone(&zone).naive_local();
        while now <= to {
            let wall = now.with_timezone(&zone).naive_local();
            let skipped = (1..(wall - previous).num_minutes()).map(|n| previous + minute * n as i32);
            let due = match real_time {
                true => self.fits(wall),
                false => {
                    self.fits(wall) && !shown.contains(&wall)
                        || skipped.into_iter().any(|gone| self.fits(gone))
                }
            };
            if due && from < now {
                slots.push(now);
            }
            shown.insert(wall);
            previous = wall;
            now += minute;
        }
        slots
    }
}

/// Nights on which a clock changes, by one hour or half an hour, at two, at midnight, before midnight, by a whole day,
/// and places where none ever does.
const NIGHTS: [(Tz, &str); 16] = [
    (Tz::Europe__Berlin, "2026-03-29T01:00:00Z"),
    (Tz::Europe__Berlin, "2026-10-25T01:00:00Z"),
    (Tz::America__New_York, "2026-03-08T07:00:00Z"),
    (Tz::America__New_York, "2026-11-01T06:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-04-04T15:00:00Z"),
    (Tz::Australia__Lord_Howe, "2026-10-03T15:30:00Z"),
    (Tz::America__St_Johns, "2010-03-14T03:31:00Z"),
    (Tz::America__St_Johns, "2010-11-07T02:31:00Z"),
    (Tz::Africa__Cairo, "2026-04-23T22:00:00Z"),
    (Tz::America__Havana, "2026-11-01T05:00:00Z"),
    (Tz::America__Sao_Paulo, "2018-11-04T03:00:00Z"),
    (Tz::America__Nuuk, "2026-03-29T01:00:00Z"),
    (Tz::America__Nuuk, "2026-10-25T01:00:00Z"),
    (Tz::Pacific__Apia, "2011-12-30T10:00:00Z"),
    (Tz::Asia__Kolkata, "2028-02-29T00:00:00Z"),
    (Tz::UTC, "2027-12-31T23:00:00Z"),
];

#[test]
fn random_schedules_agree_with_a_walk_through_every_minute() {
    let mut random = fastrand::Rng::with_seed(20_261_121);
    let (mut schedules, mut found) = (0, 0);
    while schedules < 320 {
        let schedule = Schedule::random(&mut random);
        let text = schedule.text();
        // Dates like 30 February are the one thing it may refuse here.
        let Ok(cron) = Cron::parse(&text) else {
            assert!(schedule.weekday.text == "*", "{text}");
            continue;
        };
        schedules += 1;
        let (zone, night) = NIGHTS[schedules % NIGHTS.len()];
        let night: DateTime<Utc> = night.parse().unwrap();
        let from = night - TimeDelta::minutes(random.i64(0..2000));
        let to = night + TimeDelta::minutes(random.i64(0..2000));
        let slots = due_slots(&cron, zone, from, to);
        assert_eq!(slots, schedule.slow(zone, from, to), "`{text}` in {zone} from {from} to {to}");
        let few = &slots[..slots.len().min(20)];
        assert_eq!(next_slots(&cron, zone, from, few.len()), few, "`{text}` in {zone} after {from}");
        found += slots.len();
    }
    assert!(found > 3_000, "only {found} moments were compared");
}
