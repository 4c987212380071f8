//! A schedule of five fields.

use chrono::{Datelike, NaiveDate};
use croner::parser::CronParser;
use domain::foreign_text::one_line;
use std::fmt;

/// Every day at two in the morning.
const DAILY_AT_TWO: &str = "0 2 * * *";

/// A Unix schedule: minute, hour, day of month, month, day of week.
///
/// A field is `*`, a number, a range `1-5`, either of these with a step (`*/15`, `8-18/2`), or a list of them. Months and
/// weekdays have English three-letter names; Sunday is 0 and 7. When both day fields are restricted, a day that fits
/// either of them counts, as POSIX has it. Shorthands such as `@daily` and the extensions `L`, `W` and `#` are refused.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    days: croner::Cron,
    hours: Vec<u32>,
    minutes: Vec<u32>,
}

/// A schedule that can not be followed. The message is a sentence for whoever wrote the schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five fields.
    #[error(
        "must have five fields (minute, hour, day of month, month, day of week), such as `{DAILY_AT_TWO}` for every \
         day at two; `{text}` has {found}"
    )]
    FieldCount {
        /// The schedule.
        text: String,
        /// How many fields it has.
        found: usize,
    },
    /// A field that can not be read.
    #[error(
        "has a malformed {field}: `{text}` must be made of `*`, {expected}, ranges such as `1-5`, steps such as `*/2`, \
         and commas"
    )]
    Field {
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
        /// The values it may name.
        expected: &'static str,
    },
    /// Well-formed, but no calendar has such a day.
    #[error("would never run: no year has a day that fits `{text}`")]
    Never {
        /// The schedule.
        text: String,
    },
}

/// A field's name, the values it takes in words, and the names that stand for some of them.
struct Field {
    name: &'static str,
    expected: &'static str,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", expected: "numbers from 0 to 59", names: &[] },
    Field { name: "hour", expected: "numbers from 0 to 23", names: &[] },
    Field { name: "day of month", expected: "numbers from 1 to 31", names: &[] },
    Field {
        name: "month",
        expected: "numbers from 1 to 12 or names from jan to dec",
        names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of week",
        expected: "numbers from 0 to 7 (0 and 7 are Sunday) or names from sun to sat",
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

impl Cron {
    /// Reads a schedule.
    ///
    /// # Errors
    /// [`CronError`] naming the field that is wrong, or a schedule that names no day at all.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != FIELDS.len() {
            return Err(CronError::FieldCount { text: shown(text), found: fields.len() });
        }
        for (at, (field, text)) in FIELDS.iter().zip(&fields).enumerate() {
            // Alone between asterisks, so that an error can be laid at this field's door.
            let mut alone = ["*"; 5];
            alone[at] = text;
            if !field.has_only_known_words(text) || parser().parse(&alone.join(" ")).is_err() {
                return Err(CronError::Field {
                    field: field.name,
                    text: shown(text),
                    expected: field.expected,
                });
            }
        }
        let text = fields.join(" ");
        let never = || CronError::Never { text: shown(&text) };
        let days = parser().parse(&text).map_err(|_unreadable| never())?;
        let matching =
            |values: std::ops::Range<u32>, fits: &dyn Fn(u32) -> bool| values.filter(|v| fits(*v)).collect();
        let cron = Self {
            hours: matching(0..24, &|hour| days.pattern.hour_match(hour).unwrap_or(false)),
            minutes: matching(0..60, &|minute| days.pattern.minute_match(minute).unwrap_or(false)),
            days,
            text: text.clone(),
        };
        // A leap year has every date there is, and each month of it every weekday.
        let leap_year =
            NaiveDate::from_ymd_opt(2024, 1, 1).into_iter().flat_map(|day| day.iter_days().take(366));
        if leap_year.into_iter().any(|day| cron.names_day(day)) { Ok(cron) } else { Err(never()) }
    }

    /// The schedule as it was written, with single blanks between the fields.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the schedule runs on that date.
    pub(super) fn names_day(&self, day: NaiveDate) -> bool {
        let pattern = &self.days.pattern;
        // Errors are about dates that do not exist, and this one does.
        pattern.month_match(day.month()).unwrap_or(false)
            && pattern.day_match(day.year(), day.month(), day.day()).unwrap_or(false)
    }

    /// The hours and minutes at which it runs on such a day, in order.
    pub(super) fn times(&self) -> impl Iterator<Item = (u32, u32)> {
        self.hours.iter().flat_map(|hour| self.minutes.iter().map(|minute| (*hour, *minute)))
    }

    /// Whether it runs in every hour there is, rather than at times of the day it names.
    pub(super) fn runs_every_hour(&self) -> bool {
        self.hours.len() == 24
    }
}

impl Default for Cron {
    /// Every day at two in the morning.
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a literal that a test reads")]
        Self::parse(DAILY_AT_TWO).expect("the default schedule is well-formed")
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    /// The library replaces names wherever they stand, takes `1jan` for 11, and passes over the gap in `1,,2`. So the
    /// words between the marks are looked at first: `*`, a number, or a name of this field.
    fn has_only_known_words(&self, text: &str) -> bool {
        text.split([',', '-', '/']).all(|word| {
            let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
            word == "*" || is_number || self.names.iter().any(|name| name.eq_ignore_ascii_case(word))
        })
    }
}

fn parser() -> CronParser {
    CronParser::new()
}

fn shown(text: &str) -> String {
    one_line(text, 60)
}

#[cfg(test)]
mod tests {
    use super::{Cron, CronError};

    fn times(text: &str) -> String {
        let cron = Cron::parse(text).unwrap();
        cron.times().map(|(hour, minute)| format!("{hour}:{minute:02}")).collect::<Vec<_>>().join(" ")
    }

    /// The days of 2024 it names, as month-day. The year began on a Monday.
    fn days(text: &str) -> Vec<String> {
        let cron = Cron::parse(text).unwrap();
        let year = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap().iter_days().take(366);
        year.filter(|day| cron.names_day(*day)).map(|day| day.format("%m-%d").to_string()).collect()
    }

    #[test]
    fn minutes_and_hours_take_numbers_ranges_steps_and_lists() {
        for (text, expected) in [
            ("0 2 * * *", "2:00"),
            ("5,35 1,13 * * *", "1:05 1:35 13:05 13:35"),
            ("*/15 8 * * *", "8:00 8:15 8:30 8:45"),
            ("0 8-18/5 * * *", "8:00 13:00 18:00"),
            ("58-59 22-23 * * *", "22:58 22:59 23:58 23:59"),
            ("0 0,6-7,22-23/1 * * *", "0:00 6:00 7:00 22:00 23:00"),
            ("00 02 * * *", "2:00"),
            ("30 */12 * * *", "0:30 12:30"),
        ] {
            assert_eq!(times(text), expected, "{text}");
        }
        assert_eq!(Cron::parse("* * * * *").unwrap().times().count(), 1440);
    }

    #[test]
    fn days_take_names_and_sunday_is_zero_and_seven() {
        let sundays = days("0 2 * jan 0");
        assert_eq!(sundays, ["01-07", "01-14", "01-21", "01-28"]);
        for same in ["0 2 * JAN 7", "0 2 * 1 Sun", "0 2 * 1 SUN", "0 2 * jan 7-7"] {
            assert_eq!(days(same), sundays, "{same}");
        }
        assert_eq!(days("0 2 * feb fri-sun").len(), 12);
        assert_eq!(days("0 2 * feb 5-7"), days("0 2 * 2 fri-sun"));
        assert_eq!(days("0 2 * feb sun-sun").len(), 29, "from one Sunday to the next");
        assert_eq!(days("0 2 * jan sun-mon"), days("0 2 * jan 0,1"));
        assert_eq!(days("0 2 1 jan-mar,dec *"), ["01-01", "02-01", "03-01", "12-01"]);
        assert_eq!(days("0 2 29 feb *"), ["02-29"]);
        assert_eq!(days("0 2 31 * *").len(), 7);
        assert_eq!(days("0 2 */10 4 *"), ["04-01", "04-11", "04-21"]);
        assert_eq!(days("0 2 * * mon-fri").len(), 262);
    }

    #[test]
    fn a_day_that_fits_either_restricted_day_field_counts() {
        assert_eq!(days("0 2 13 jan sat"), ["01-06", "01-13", "01-20", "01-27"]);
        assert_eq!(days("0 2 1,2 jan wed"), ["01-01", "01-02", "01-03", "01-10", "01-17", "01-24", "01-31"]);
        assert_eq!(days("0 2 31 feb mon"), ["02-05", "02-12", "02-19", "02-26"], "only the weekday exists");
    }

    #[test]
    fn malformed_schedules_are_refused_with_the_field_that_is_wrong() {
        for (text, field) in [
            ("60 2 * * *", "minute"),
            ("a 2 * * *", "minute"),
            ("-5 2 * * *", "minute"),
            ("5- 2 * * *", "minute"),
            ("*/0 2 * * *", "minute"),
            ("*/ 2 * * *", "minute"),
            ("/5 2 * * *", "minute"),
            ("1,,2 2 * * *", "minute"),
            ("1, 2 * * *", "minute"),
            ("1-2-3 2 * * *", "minute"),
            ("*-5 2 * * *", "minute"),
            ("** 2 * * *", "minute"),
            ("mon 2 * * *", "minute"),
            ("0 24 * * *", "hour"),
            ("0 5-1 * * *", "hour"),
            ("0 02:30 * * *", "hour"),
            ("0 1.5 * * *", "hour"),
            ("0 99999999999999999999 * * *", "hour"),
            ("0 2 0 * *", "day of month"),
            ("0 2 32 * *", "day of month"),
            ("0 2 L * *", "day of month"),
            ("0 2 15W * *", "day of month"),
            ("0 2 ? * *", "day of month"),
            ("0 2 * 0 *", "month"),
            ("0 2 * 13 *", "month"),
            ("0 2 * 1jan *", "month"),
            ("0 2 * january *", "month"),
            ("0 2 * mon *", "month"),
            ("0 2 * * 8", "day of week"),
            ("0 2 * * sunday", "day of week"),
            ("0 2 * * sunmon", "day of week"),
            ("0 2 * * jan", "day of week"),
            ("0 2 * * 5L", "day of week"),
            ("0 2 * * 1#2", "day of week"),
            ("0 2 * * +1", "day of week"),
        ] {
            match Cron::parse(text) {
                Err(CronError::Field { field: found, .. }) => assert_eq!(found, field, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        let message = Cron::parse("0 25 * * *").unwrap_err().to_string();
        assert_eq!(
            message,
            "has a malformed hour: `25` must be made of `*`, numbers from 0 to 23, ranges such as `1-5`, steps such as \
             `*/2`, and commas"
        );
    }

    #[test]
    fn anything_but_five_fields_is_refused() {
        for (text, found) in
            [("", 0), ("  ", 0), ("@daily", 1), ("0 2 * *", 4), ("0 0 2 * * *", 6), ("0 2 * * * 2030 x", 7)]
        {
            let error = Cron::parse(text).unwrap_err();
            assert_eq!(error, CronError::FieldCount { text: text.trim().to_owned(), found });
        }
        let message = Cron::parse("0 2 * *").unwrap_err().to_string();
        assert!(message.ends_with("such as `0 2 * * *` for every day at two; `0 2 * *` has 4"), "{message}");
        let long = Cron::parse(&"x\n".repeat(5000)).unwrap_err().to_string();
        assert!(long.chars().count() < 250 && !long.contains('\n'), "{long}");
    }

    #[test]
    fn a_schedule_that_names_no_day_is_refused() {
        for text in ["0 2 30 2 *", "0 2 31 feb,apr,jun,sep,nov *"] {
            assert_eq!(Cron::parse(text).unwrap_err(), CronError::Never { text: text.to_owned() });
        }
        assert_eq!(
            Cron::parse("0 2 30 2 *").unwrap_err().to_string(),
            "would never run: no year has a day that fits `0 2 30 2 *`"
        );
    }

    #[test]
    fn the_default_is_every_day_at_two_and_text_is_kept() {
        assert_eq!((Cron::default().as_str(), times("0 2 * * *").as_str()), ("0 2 * * *", "2:00"));
        assert_eq!(Cron::parse(" 0\t2  * * sun ").unwrap().to_string(), "0 2 * * sun");
    }
}
