//! The number itself: its digits, separators and exponent.

use super::{BadLtv, DecimalMark, is_blank};
use crate::money::Cents;

/// The amount, and whether the other locale would read it differently.
pub(super) fn read(text: &str, mark: DecimalMark, negative: bool) -> Result<(Cents, bool), BadLtv> {
    let digits: String = text.chars().map(ascii_digit).collect();
    let (mantissa, exponent) = split_exponent(&digits)?;
    let (whole, decimals, ambiguous) = split_decimals(mantissa, mark, exponent.is_some())?;
    Ok((to_cents(&whole, &decimals, exponent.unwrap_or_default(), negative)?, ambiguous))
}

/// Full-width, Arabic-Indic, Extended Arabic-Indic and Devanagari digits are digits too; so are their separators.
fn ascii_digit(c: char) -> char {
    for zero in ['\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}'] {
        if let Some(digit) = u32::from(c).checked_sub(u32::from(zero)).filter(|digit| *digit < 10) {
            return char::from_digit(digit, 10).unwrap_or(c);
        }
    }
    match c {
        '\u{66b}' | '\u{ff0e}' => '.',
        '\u{66c}' | '\u{ff0c}' => ',',
        other => other,
    }
}

fn split_exponent(text: &str) -> Result<(&str, Option<i32>), BadLtv> {
    match text.split_once(['e', 'E']) {
        None => Ok((text, None)),
        Some((mantissa, exponent)) => {
            let exponent: i32 = match exponent.parse() {
                Ok(exponent) => exponent,
                Err(_) => return Err(BadLtv::NotANumber),
            };
            if exponent.unsigned_abs() > 30 { Err(BadLtv::TooLarge) } else { Ok((mantissa, Some(exponent))) }
        }
    }
}

/// The digits before and after the decimal mark, and whether the other locale would read them differently. A number with
/// an exponent is never grouped, so its one separator is the decimal mark in every locale.
fn split_decimals(
    text: &str,
    mark: DecimalMark,
    has_exponent: bool,
) -> Result<(String, String, bool), BadLtv> {
    // A tab or a line's end stands between two values; which of them counts is not known.
    let ends_value = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let is_space = |c: char| (is_blank(c) && !ends_value(c)) || matches!(c, '\'' | '’' | '`' | '´' | '_');
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',')
        || !text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',' || is_space(c))
        || !text.contains(|c: char| c.is_ascii_digit())
    {
        return Err(BadLtv::NotANumber);
    }
    let (points, commas) = (text.matches('.').count(), text.matches(',').count());
    let last = |c: char| text.rfind(c);
    let (decimal_at, ambiguous) = match (points, commas) {
        (0, 0) => (None, false),
        (1.., 1..) => {
            // The last kind is the decimal mark and may stand only once.
            let (at, count) = if last('.') > last(',') { (last('.'), points) } else { (last(','), commas) };
            if count != 1 {
                return Err(BadLtv::Separators);
            }
            (at, false)
        }
        (2.., 0) | (0, 2..) => (None, false),
        (_, _) => {
            let at = text.find(['.', ',']).unwrap_or_default();
            let (before, after) = (&text[..at], &text[at + 1..]);
            let could_be_thousands = !has_exponent
                && after.len() == 3
                && after.chars().all(|c| c.is_ascii_digit())
                && (1..=3).contains(&before.len())
                && before.chars().all(|c| c.is_ascii_digit())
                && !before.starts_with('0');
            let is_decimal =
                !could_be_thousands || (text[at..].starts_with('.') == (mark == DecimalMark::Point));
            (is_decimal.then_some(at), could_be_thousands)
        }
    };
    let (whole, decimals) = match decimal_at {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    if !decimals.chars().all(|c| c.is_ascii_digit()) || !grouped_well(whole) {
        return Err(BadLtv::Separators);
    }
    Ok((whole.chars().filter(char::is_ascii_digit).collect(), decimals.to_owned(), ambiguous))
}

/// Thousands (and Indian lakh) grouping: the last group has three digits, those between two or three, the first one to three.
fn grouped_well(whole: &str) -> bool {
    let groups: Vec<&str> = whole.split(|c: char| !c.is_ascii_digit()).collect();
    let Some((last, before)) = groups.split_last() else { return true };
    match before.split_first() {
        None => true,
        Some((first, between)) => {
            last.len() == 3
                && (1..=3).contains(&first.len())
                && between.iter().all(|group| group.len() == 2 || group.len() == 3)
        }
    }
}

/// The digits as hundredths.
fn to_cents(whole: &str, decimals: &str, exponent: i32, negative: bool) -> Result<Cents, BadLtv> {
    let digits: String = [whole, decimals].concat();
    if digits.len() > 60 {
        return Err(BadLtv::TooLarge);
    }
    let point = i32::try_from(whole.len()).unwrap_or(i32::MAX) + exponent;
    // Cents are the digits up to two places behind the point; the digit after them decides the rounding.
    let mut cents: i64 = 0;
    for place in 0..point + 2 {
        let digit = usize::try_from(place)
            .ok()
            .and_then(|at| digits.as_bytes().get(at))
            .map_or(0, |d| i64::from(d - b'0'));
        cents = cents.checked_mul(10).and_then(|sum| sum.checked_add(digit)).ok_or(BadLtv::TooLarge)?;
    }
    let next = usize::try_from(point + 2).ok().and_then(|at| digits.as_bytes().get(at));
    if next.is_some_and(|digit| *digit >= b'5') {
        cents += 1;
    }
    let amount = Cents(if negative { -cents } else { cents });
    if amount.is_readable() { Ok(amount) } else { Err(BadLtv::TooLarge) }
}
