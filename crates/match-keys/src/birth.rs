//! DOBY, DOBM and DOBD: the three columns of a date of birth.

use crate::reason::Reason;
use crate::text::{Filled, ascii_digits, open};
use chrono::{DateTime, Datelike, NaiveDate};
use regex::Regex;
use std::sync::LazyLock;

/// Three parts with anything between them that people write there, and perhaps a time behind them.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test of this module compiles")]
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)^ ( [0-9]{1,4} | [a-z]{3,9} ) (?: st|nd|rd|th )? [-/._,\s]+
        ( [0-9]{1,2} | [a-z]{3,9} ) (?: st|nd|rd|th )? [-/._,\s]+ ( [0-9]{1,4} )
        (?: [t,\s]+ [0-9]{1,2} : [0-9]{2} (?: : [0-9]{2} (?: \. [0-9]+ )? )? \s* (?: [ap]m )?
            \s* (?: z | utc | [+-][0-9]{2} :? (?: [0-9]{2} )? )? )? $",
    )
    .expect("a constant pattern")
});

/// The earliest year Meta takes.
const FIRST_YEAR: u16 = 1900;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A date of birth as Meta compares it: the year `1900` to this one, the month `01` to `12`, the day `01` to `31`
/// (customer-file guide). All three or none: half a birthday is a guess.
///
/// Read are the forms GoHighLevel takes (`1990-01-31`, `01/31/1990`, with `.` and `_` too), the ISO instant it returns,
/// milliseconds since 1970, `19900131`, and English month names. Two numbers before the year are month and day, as
/// GoHighLevel and Meta's own code have it, unless the first can only be a day. A date with a time is the date as it
/// is written: a time zone never makes anybody a day older.
///
/// # Errors
/// The [`Reason`] the date is not sent: nothing is put right that is in no calendar, in the future or before 1900.
pub fn normalize(raw: &str, today: NaiveDate) -> Result<[String; 3], Reason> {
    let text = text(raw)?;
    let date = from_number(&text).unwrap_or_else(|| from_parts(&text, today))?;
    if date > today || date.year() < FIRST_YEAR.into() {
        return Err(Reason::OutOfRange);
    }
    Ok(["%Y", "%m", "%d"].map(|part| date.format(part).to_string()))
}

/// `19900131`, or milliseconds since 1970, which are negative for most people.
fn from_number(text: &str) -> Option<Result<NaiveDate, Reason>> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let date = match (sign, digits.len()) {
        ("", 8) => NaiveDate::parse_from_str(text, "%Y%m%d").ok(),
        (_, 8..=15) => {
            text.parse().ok().and_then(DateTime::from_timestamp_millis).map(|time| time.date_naive())
        }
        _ => return Some(Err(Reason::Malformed)),
    };
    Some(date.ok_or(Reason::NoSuchDate))
}

fn from_parts(text: &str, today: NaiveDate) -> Result<NaiveDate, Reason> {
    let parts = DATE.captures(text).ok_or(Reason::Malformed)?;
    let (_, [first, second, third]) = parts.extract();
    let is_word = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
    let [year, month, day] = if first.len() == 4 && !is_word(first) {
        [first, second, third]
    } else if is_word(second) || number(first).is_some_and(|first| first > 12) {
        [third, second, first]
    } else {
        [third, first, second]
    };
    let this_year = u16::try_from(today.year()).unwrap_or(u16::MAX);
    let [year, month, day] = [self::year(year, this_year)?, self::month(month)?, self::day(day)?];
    NaiveDate::parse_from_str(&format!("{year}{month}{day}"), "%Y%m%d")
        .map_err(|_in_no_calendar| Reason::NoSuchDate)
}

/// The year of birth, four digits from 1900 to `this_year`. A year of two digits is not completed.
///
/// # Errors
/// The [`Reason`] the year is not sent.
pub fn year(raw: &str, this_year: u16) -> Result<String, Reason> {
    let text = text(raw)?;
    match number(&text) {
        Some(year) if text.len() == 4 && (FIRST_YEAR..=this_year).contains(&year) => Ok(text),
        Some(_) if text.len() == 4 => Err(Reason::OutOfRange),
        _ => Err(Reason::Malformed),
    }
}

/// The month of birth, `01` to `12`, from a number, an English name or its first three letters.
///
/// # Errors
/// The [`Reason`] the month is not sent.
pub fn month(raw: &str) -> Result<String, Reason> {
    let text = text(raw)?;
    let word = text.trim_end_matches('.').to_ascii_lowercase();
    let named = || MONTHS.iter().position(|name| *name == word || name[..3] == word).map(|index| index + 1);
    match number(&text).map(usize::from).or_else(named) {
        Some(month @ 1..=12) => Ok(format!("{month:02}")),
        Some(_) => Err(Reason::NoSuchDate),
        None => Err(Reason::Malformed),
    }
}

/// The day of birth, `01` to `31`.
///
/// # Errors
/// The [`Reason`] the day is not sent.
pub fn day(raw: &str) -> Result<String, Reason> {
    match number(&text(raw)?) {
        Some(day @ 1..=31) => Ok(format!("{day:02}")),
        Some(_) => Err(Reason::NoSuchDate),
        None => Err(Reason::Malformed),
    }
}

fn text(raw: &str) -> Result<String, Reason> {
    Ok(match open(raw)? {
        // A hashed part of a date can not be checked; nobody hashes these before an import.
        Filled::Hashed(_) => return Err(Reason::Malformed),
        Filled::Text(text) => ascii_digits(text).into_owned(),
    })
}

fn number(text: &str) -> Option<u16> {
    if text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{day, month, normalize, year};
    use crate::reason::Reason;
    use chrono::NaiveDate;

    #[test]
    fn every_form_a_crm_writes_is_one_date() {
        let today = NaiveDate::from_ymd_opt(2026, 6, 15).unwrap();
        for (raw, date) in [
            ("1990-01-31", "19900131"),
            ("1990/1/31", "19900131"),
            ("1990.01.31", "19900131"),
            ("1990_01_31", "19900131"),
            ("01/31/1990", "19900131"),
            ("1-31-1990", "19900131"),
            ("01.31.1990", "19900131"),
            ("01_31_1990", "19900131"),
            // Only the first can be a day.
            ("31-12-1990", "19901231"),
            // Either could be: GoHighLevel and Meta's own code put the month first.
            ("05-03-1995", "19950503"),
            ("19900131", "19900131"),
            ("1990-01-31T00:00:00.000Z", "19900131"),
            // The date as written, whatever the time says of other zones.
            ("1990-01-31T23:30:00-08:00", "19900131"),
            ("1990-01-31T00:00:00+14:00", "19900131"),
            ("1990-01-31 00:00:00", "19900131"),
            ("01/31/1990, 12:00 AM", "19900131"),
            ("January 31, 1990", "19900131"),
            ("Jan 31st 1990", "19900131"),
            ("31 Jan. 1990", "19900131"),
            ("31-jan-1990", "19900131"),
            (" １９９０－０１－３１ ", "19900131"),
            ("١٩٩٠/٠١/٣١", "19900131"),
            ("633744000000", "19900131"),
            ("-1", "Malformed"),
            ("-2177452800000", "19010101"),
            ("2000-02-29", "20000229"),
            ("1900-01-01", "19000101"),
            ("2026-06-15", "20260615"),
            ("2026-06-16", "OutOfRange"),
            ("2027-01-01", "OutOfRange"),
            ("1899-12-31", "OutOfRange"),
            ("0000-00-00", "OutOfRange"),
            ("-2240524800001", "OutOfRange"),
            ("1997-02-30", "NoSuchDate"),
            ("1900-02-29", "NoSuchDate"),
            ("2001-02-29T00:00:00Z", "NoSuchDate"),
            ("19970230", "NoSuchDate"),
            ("13/13/1990", "NoSuchDate"),
            ("00/10/1990", "NoSuchDate"),
            ("1990-13-01", "NoSuchDate"),
            ("999999999999999", "OutOfRange"),
            ("01/31/90", "Malformed"),
            ("1990", "Malformed"),
            ("1990-01", "Malformed"),
            ("January", "Malformed"),
            ("31 Janvier 1990", "Malformed"),
            ("1990-01-31 or so", "Malformed"),
            ("unknown", "Placeholder"),
            ("", "Blank"),
        ] {
            let found =
                normalize(raw, today).map_or_else(|reason| format!("{reason:?}"), |parts| parts.concat());
            assert_eq!(found, date, "{raw}");
        }
        assert_eq!(normalize(&"ab".repeat(32), today), Err(Reason::Malformed));
    }

    #[test]
    fn dates_of_birth_are_checked_part_by_part() {
        assert_eq!(year(" 1990 ", 2026).as_deref(), Ok("1990"));
        for (raw, reason) in [
            ("1899", Reason::OutOfRange),
            ("2027", Reason::OutOfRange),
            ("90", Reason::Malformed),
            ("01990", Reason::Malformed),
            ("199O", Reason::Malformed),
            ("+199", Reason::Malformed),
        ] {
            assert_eq!(year(raw, 2026), Err(reason), "{raw}");
        }
        for (raw, number) in
            [("2", "02"), ("02", "02"), ("Sept", ""), ("sep.", "09"), ("MAY", "05"), ("13", ""), ("0", "")]
        {
            assert_eq!(month(raw).unwrap_or_default(), number, "{raw}");
        }
        assert_eq!(day("31").as_deref(), Ok("31"));
        assert_eq!(day("32"), Err(Reason::NoSuchDate));
        assert_eq!(day("1st"), Err(Reason::Malformed));
        assert_eq!(day(""), Err(Reason::Blank));
    }
}
