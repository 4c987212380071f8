//! DOBY, DOBM and DOBD: the three columns of a date of birth. They are not in the schema yet.

use crate::reason::Reason;
use crate::text::{Filled, open};

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

/// The year of birth, four digits from 1900 to `this_year`. A year of two digits is not completed.
///
/// # Errors
/// The [`Reason`] the year is not sent.
pub fn year(raw: &str, this_year: u16) -> Result<String, Reason> {
    let text = text(raw)?;
    match number(&text) {
        Some(year) if text.len() == 4 && (1900..=this_year).contains(&year) => Ok(text),
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
        _ => Err(Reason::Malformed),
    }
}

/// The day of birth, `01` to `31`.
///
/// # Errors
/// The [`Reason`] the day is not sent.
pub fn day(raw: &str) -> Result<String, Reason> {
    match number(&text(raw)?) {
        Some(day @ 1..=31) => Ok(format!("{day:02}")),
        _ => Err(Reason::Malformed),
    }
}

fn text(raw: &str) -> Result<String, Reason> {
    Ok(match open(raw)? {
        // A hashed part of a date can not be checked; nobody hashes these before an import.
        Filled::Hashed(_) => return Err(Reason::Malformed),
        Filled::Text(text) => text.into_owned(),
    })
}

fn number(text: &str) -> Option<u16> {
    if text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::{day, month, year};
    use crate::reason::Reason;

    #[test]
    fn dates_of_birth_are_checked_part_by_part() {
        assert_eq!(year(" 1990 ", 2026).as_deref(), Ok("1990"));
        for raw in ["1899", "2027", "90", "01990", "199O", "+199"] {
            assert_eq!(year(raw, 2026), Err(Reason::Malformed), "{raw}");
        }
        for (raw, number) in
            [("2", "02"), ("02", "02"), ("Sept", ""), ("sep.", "09"), ("MAY", "05"), ("13", ""), ("0", "")]
        {
            assert_eq!(month(raw).unwrap_or_default(), number, "{raw}");
        }
        assert_eq!(day("31").as_deref(), Ok("31"));
        assert_eq!(day("32"), Err(Reason::Malformed));
        assert_eq!(day(""), Err(Reason::Blank));
    }
}
