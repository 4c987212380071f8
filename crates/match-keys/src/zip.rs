//! ZIP.

use crate::country::Place;
use crate::reason::Reason;
use crate::text::{Filled, close, open};
use compact_str::{CompactString, format_compact};

/// Countries whose postal codes hold digits only, so that letters before or behind (`D-10115`, `10115 Berlin`,
/// `ΤΚ 546 36`) are no part of the code.
const DIGITS_ONLY: [&str; 29] = [
    "at", "au", "be", "br", "ch", "cn", "cz", "de", "dk", "es", "fi", "fr", "gr", "hr", "hu", "il", "it",
    "jp", "kr", "lu", "mx", "no", "pl", "pt", "ro", "se", "si", "sk", "tr",
];

/// A postal code as Meta compares it: lower case, no spaces and no dash; in the US the first five digits.
///
/// The customer-file guide says "no white space", the customer-information page "no spaces and no dash", and only
/// the US code is shortened. So a dash elsewhere is taken out and nothing behind it is lost: `00-001` in Poland is
/// `00001`, where Meta's own code would leave `00`. What spreadsheets break is repaired: a US code of four digits gets
/// its leading zero back (of three digits in Puerto Rico and the Virgin Islands), `94035.0` loses its fraction.
/// US rules apply when the contact's country, else the location's, has US ZIP codes; with neither, to the shape
/// `12345-6789`.
///
/// # Errors
/// The [`Reason`] the code is not sent.
pub fn normalize(raw: &str, place: Place) -> Result<CompactString, Reason> {
    let text = match open(raw)? {
        Filled::Hashed(hex) => return Ok(hex),
        Filled::Text(text) => text,
    };
    let text: CompactString = text.chars().filter_map(ascii).collect();
    let text = without_fraction(text.trim());
    let code = match place.likely() {
        Some(country) if country.is_served_by_usps() => match us(text, country.as_str()) {
            // The location's country is a guess; a code that is none of the US is read as it stands.
            None if place.own.is_none() => {
                let code = plain(text);
                us(&code, country.as_str()).unwrap_or(code)
            }
            code => code.ok_or(Reason::Malformed)?,
        },
        Some(country) if DIGITS_ONLY.contains(&country.as_str()) => {
            text.chars().filter(char::is_ascii_digit).collect()
        }
        Some(_) => plain(text),
        None => zip_plus_four(text).map_or_else(|| plain(text), CompactString::from),
    };
    if code.len() < 3 || code.len() > 12 {
        Err(Reason::Malformed)
    } else if code.bytes().all(|byte| byte == b'0') {
        Err(Reason::Placeholder)
    } else {
        close(code)
    }
}

/// Digits of every script as ASCII, every kind of dash and space as the plain one; other foreign signs fall out.
fn ascii(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c.to_ascii_lowercase());
    }
    if c.is_whitespace() {
        return Some(' ');
    }
    match deunicode::deunicode_char(c)?.as_bytes() {
        [byte @ (b'0'..=b'9' | b'-')] => Some(char::from(*byte)),
        [byte] if matches!(c, '\u{ff21}'..='\u{ff5a}') => Some(char::from(byte.to_ascii_lowercase())),
        _ => None,
    }
}

/// `94035.0`: a spreadsheet took the code for a number.
fn without_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros))
            if is_digits(whole) && !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

fn plain(text: &str) -> CompactString {
    text.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn us(text: &str, country: &str) -> Option<CompactString> {
    let (code, rest) = text.split_once(['-', ' ']).unwrap_or((text, ""));
    let rest = rest.trim_matches(['-', ' ']);
    // `94035 1234`, `94035 CA` and `94035-` are fine, `94 035` is not.
    if !is_digits(code) || (is_digits(rest) && rest.len() != 4) {
        return None;
    }
    match code.len() {
        5 => Some(code.into()),
        9 if rest.is_empty() => code.get(..5).map(CompactString::from),
        4 => Some(format_compact!("0{code}")),
        3 if matches!(country, "pr" | "vi") => Some(format_compact!("00{code}")),
        _ => None,
    }
}

fn zip_plus_four(text: &str) -> Option<&str> {
    let (code, four) = text.split_once('-')?;
    (is_digits(code) && code.len() == 5 && is_digits(four) && four.len() == 4).then_some(code)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::normalize;
    use crate::country::{Place, read};

    #[test]
    fn postal_codes_follow_the_country() {
        for (raw, own, location, expected) in [
            ("94035-1234", "us", "", "94035"),
            ("94035-1234", "", "us", "94035"),
            ("94035-1234", "", "", "94035"),
            ("940351234", "us", "", "94035"),
            ("94035 1234", "us", "", "94035"),
            ("94035‐1234", "us", "", "94035"),
            ("2101", "us", "", "02101"),
            ("2101-3312", "us", "", "02101"),
            ("94035.0", "us", "", "94035"),
            ("601", "pr", "us", "00601"),
            ("2101.0", "", "us", "02101"),
            ("94035.0", "", "", "94035"),
            ("601", "us", "", "Malformed"),
            ("00000", "us", "", "Placeholder"),
            ("K1A 0A6", "us", "", "Malformed"),
            ("K1A 0A6", "", "us", "k1a0a6"),
            ("SW1A 1AA", "gb", "us", "sw1a1aa"),
            ("1987", "au", "us", "1987"),
            ("01-234", "pl", "us", "01234"),
            ("100-0001", "jp", "", "1000001"),
            ("１００－０００１", "jp", "", "1000001"),
            ("〒100-0001", "jp", "", "1000001"),
            ("12345-678", "br", "", "12345678"),
            ("12345-6789", "mx", "us", "123456789"),
            ("D-10115", "de", "", "10115"),
            ("ΤΚ 546 36", "gr", "us", "54636"),
            ("1234 AB", "nl", "", "1234ab"),
            ("LV-1010", "lv", "", "lv1010"),
            ("0301", "no", "us", "0301"),
            ("1", "", "", "Malformed"),
            ("94 035", "us", "", "Malformed"),
            ("94035-", "us", "", "94035"),
            ("n/a", "us", "", "Placeholder"),
            ("n.u.l.l", "", "", "Placeholder"),
            ("12345678901234", "", "", "Malformed"),
        ] {
            let place = Place { own: read(own).ok(), location: read(location).ok() };
            let code = normalize(raw, place).map_or_else(|reason| format!("{reason:?}"), Into::into);
            assert_eq!(code, expected, "{raw} own {own} location {location}");
        }
    }
}
