//! ZIP.

use crate::country::Place;
use crate::reason::Reason;
use crate::text::{Filled, close, open};
use compact_str::{CompactString, format_compact};

/// Countries whose postal codes hold digits only, so that letters before or behind (`D-10115`, `10115 Berlin`,
/// `ΤΚ 546 36`) are no part of the code; and how many digits, of old codes too.
const DIGITS_ONLY: [(&str, &[usize]); 29] = [
    ("at", &[4]),
    ("au", &[4]),
    ("be", &[4]),
    ("br", &[8]),
    ("ch", &[4]),
    ("cn", &[6]),
    ("cz", &[5]),
    ("de", &[5]),
    ("dk", &[4]),
    ("es", &[5]),
    ("fi", &[5]),
    ("fr", &[5]),
    ("gr", &[5]),
    ("hr", &[5]),
    ("hu", &[4]),
    ("il", &[5, 7]),
    ("it", &[5]),
    ("jp", &[7]),
    ("kr", &[5, 6]),
    ("lu", &[4]),
    ("mx", &[5]),
    ("no", &[4]),
    ("pl", &[5]),
    ("pt", &[4, 7]),
    ("ro", &[6]),
    ("se", &[5]),
    ("si", &[4]),
    ("sk", &[5]),
    ("tr", &[5]),
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
        Some(country) => match digits_of(country.as_str()) {
            // A guess here too: the letters may belong to a code of elsewhere.
            Some(lengths) if place.own.is_none() && text.bytes().any(|byte| byte.is_ascii_alphabetic()) => {
                between_words(text, country.as_str(), lengths).unwrap_or_else(|| plain(text))
            }
            Some(_) => text.chars().filter(char::is_ascii_digit).collect(),
            None => plain(text),
        },
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

fn digits_of(country: &str) -> Option<&'static [usize]> {
    DIGITS_ONLY.iter().find(|(code, _)| *code == country).map(|(_, lengths)| *lengths)
}

/// The digits of `D-10115`, `VIC 3000` or `6000 WA`, when there are as many as in the country, or as in the one whose letters
/// stand in front of them (`CH-8001`); and those in front of a town, which belongs to no code (`1010 Wien`). `None` for what
/// may be a code of elsewhere, whose letters belong to it: `K1A 0B1`, `EC1A 1BB`, `1234 AB`.
fn between_words(text: &str, country: &str, lengths: &[usize]) -> Option<CompactString> {
    let (prefix, rest) = text.split_at(text.find(|c: char| c.is_ascii_digit())?);
    let lengths = digits_of(of_plate(prefix.trim_end_matches(['-', ' ']))).unwrap_or(lengths);
    let (digits, word) = rest.split_at(rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len()));
    let is_word = word.is_empty()
        || (!digits.ends_with(|c: char| c.is_ascii_digit()) && !word.contains(|c: char| c.is_ascii_digit()));
    let code = plain(digits);
    // States and cantons are written so too.
    let is_dutch = code.len() == 4 && word.len() == 2 && !matches!(country, "au" | "ch");
    let is_of_a_town = prefix.is_empty() && word.len() > 2;
    (is_word && !is_dutch && (is_of_a_town || lengths.contains(&code.len()))).then_some(code)
}

/// The country whose cars have these letters, as they are put in front of postal codes; any other word as it is.
fn of_plate(letters: &str) -> &str {
    match letters {
        "a" => "at",
        "b" => "be",
        "d" => "de",
        "e" => "es",
        "f" => "fr",
        "i" => "it",
        "l" => "lu",
        "n" => "no",
        "p" => "pt",
        "s" => "se",
        word => word,
    }
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
            ("1234 AB", "", "de", "1234ab"),
            ("1234 AB", "", "be", "1234ab"),
            ("1234AB", "", "be", "1234ab"),
            ("K1A 0B1", "", "au", "k1a0b1"),
            ("EC1A 1BB", "", "de", "ec1a1bb"),
            ("M1 1AE", "", "de", "m11ae"),
            ("D02 X285", "", "de", "d02x285"),
            ("D-10115", "", "de", "10115"),
            ("DE 10115", "", "de", "10115"),
            ("D10115", "", "de", "10115"),
            ("10115 Berlin", "", "de", "10115"),
            ("00-001 Warszawa", "", "pl", "00001"),
            ("114 55 Stockholm", "", "se", "11455"),
            ("VIC 3000", "", "au", "3000"),
            ("00184 RM", "", "it", "00184"),
            ("CH-8001", "", "de", "8001"),
            ("A-1010", "", "de", "1010"),
            ("L-1234", "", "de", "1234"),
            ("D02 AF30", "", "de", "d02af30"),
            ("6000 WA", "", "au", "6000"),
            ("8001 ZH", "", "ch", "8001"),
            ("1010 Wien", "", "de", "1010"),
            ("8001", "", "de", "8001"),
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
