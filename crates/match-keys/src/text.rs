//! What every field needs first: visible characters in composed form, and what is no value at all.

use crate::digest::Digest;
use crate::reason::Reason;
use compact_str::{CompactString, ToCompactString};
use std::borrow::Cow;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A field with something in it.
pub(crate) enum Filled<'a> {
    /// Text in NFC without invisible characters, trimmed, with at least one letter or digit.
    Text(Cow<'a, str>),
    /// A SHA-256 made elsewhere, in lower case.
    Hashed(CompactString),
}

/// Words that people and importers write where a value is missing. `na` and `no` are left out: Namibia and Norway.
const PLACEHOLDERS: [&str; 12] = [
    "n/a",
    "#n/a",
    "n.a.",
    "n/a.",
    "none",
    "(none)",
    "null",
    "(null)",
    "undefined",
    "unknown",
    "not provided",
    "unspecified",
];

/// Of a placeholder.
const LONGEST_PLACEHOLDER: usize = 12;

/// Opens a field: see [`Filled`].
///
/// # Errors
/// [`Reason::Blank`], [`Reason::Placeholder`] or [`Reason::HashOfNothing`].
pub(crate) fn open(raw: &str) -> Result<Filled<'_>, Reason> {
    let text = clean(raw);
    if text.is_empty() {
        return Err(Reason::Blank);
    }
    if let Some(digest) = Digest::from_hex(&text) {
        return if digest.is_of_nothing() {
            Err(Reason::HashOfNothing)
        } else {
            Ok(Filled::Hashed(digest.to_compact_string()))
        };
    }
    let is_placeholder = || PLACEHOLDERS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if (text.len() <= LONGEST_PLACEHOLDER && is_placeholder()) || !text.chars().any(char::is_alphanumeric) {
        return Err(Reason::Placeholder);
    }
    Ok(Filled::Text(text))
}

/// Closes a field from which signs were taken: what is left must not be nothing either. `un-known` is as little of a name
/// as `unknown`.
///
/// # Errors
/// [`Reason::Placeholder`] or [`Reason::HashOfNothing`].
pub(crate) fn close(left: CompactString) -> Result<CompactString, Reason> {
    match open(&left) {
        Ok(_) => Ok(left),
        Err(Reason::Blank) => Err(Reason::Placeholder),
        Err(reason) => Err(reason),
    }
}

/// NFC, without characters that show nothing (zero-width, byte order mark, direction marks, controls), trimmed.
fn clean(raw: &str) -> Cow<'_, str> {
    if raw.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        return Cow::Borrowed(raw.trim_ascii());
    }
    let text: String = raw.chars().filter(|c| !is_invisible(*c)).nfc().collect();
    Cow::Owned(text.trim().to_owned())
}

fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Letters, digits and the marks on them; what falls out is punctuation, symbols, spaces and controls.
pub(crate) fn is_letter_digit_or_mark(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// Full-width forms as plain ones, and the decimal digits of every script as `0` to `9`.
pub(crate) fn ascii_digits(text: Cow<'_, str>) -> Cow<'_, str> {
    let plain = |c: char| match deunicode::deunicode_char(c).map(str::as_bytes) {
        Some([digit @ b'0'..=b'9']) if c.is_numeric() => char::from(*digit),
        _ => c,
    };
    if text.is_ascii() { text } else { text.nfkc().map(plain).collect::<String>().into() }
}

/// The letters a-z of Roman text, accents transliterated (`São` is `sao`); digits, punctuation and spaces fall out.
///
/// # Errors
/// [`Reason::NotRoman`] when a letter of another script occurs: a romanization would be a guess at what Meta holds.
pub(crate) fn roman_letters(text: &str) -> Result<CompactString, Reason> {
    let mut letters = CompactString::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            letters.push(c.to_ascii_lowercase());
        } else if c.is_ascii()
            || !c.is_alphabetic()
            || is_combining_mark(c)
            || is_modifier(c)
            || matches!(c, 'ª' | 'º')
        {
            // Digits, punctuation, spaces, and apostrophes written as letters.
        } else {
            let before = letters.len();
            if is_roman(c) {
                // The Azerbaijani schwa, which the table renders as `@`.
                let ascii = if matches!(c, 'ə' | 'Ə') {
                    "e"
                } else {
                    deunicode::deunicode_char(c).unwrap_or_default()
                };
                let plain = ascii.chars().filter(char::is_ascii_alphabetic);
                letters.extend(plain.map(|letter| letter.to_ascii_lowercase()));
            }
            if letters.len() == before {
                return Err(Reason::NotRoman);
            }
        }
    }
    Ok(letters)
}

/// Spacing modifier letters such as the apostrophe-like U+02BC and the okina U+02BB.
pub(crate) fn is_modifier(c: char) -> bool {
    matches!(c, '\u{2b0}'..='\u{2ff}')
}

fn is_roman(c: char) -> bool {
    matches!(c,
        '\u{c0}'..='\u{2af}' | '\u{1e00}'..='\u{1eff}' | '\u{2c60}'..='\u{2c7f}' | '\u{a720}'..='\u{a7ff}'
        | '\u{fb00}'..='\u{fb06}' | '\u{ff21}'..='\u{ff5a}')
}

#[cfg(test)]
mod tests {
    use super::{Filled, LONGEST_PLACEHOLDER, PLACEHOLDERS, close, open, roman_letters};
    use crate::reason::Reason;

    fn opened(raw: &str) -> Result<String, Reason> {
        open(raw).map(|filled| match filled {
            Filled::Text(text) => text.into_owned(),
            Filled::Hashed(hex) => format!("hash {hex}"),
        })
    }

    #[test]
    fn invisible_characters_fall_out_and_accents_are_composed() {
        assert_eq!(opened("\u{feff} Vale\u{301}ry\u{200b}\u{a0}"), Ok("Valéry".into()));
        assert_eq!(opened("a\0b\tc"), Ok("ab\tc".into()));
    }

    #[test]
    fn nothing_is_told_from_something() {
        for blank in ["", " \t\r\n", "\u{200b}\u{feff}", "\0"] {
            assert_eq!(opened(blank), Err(Reason::Blank), "{blank:?}");
        }
        for placeholder in ["-", "N/A", " none ", "…", "???", "NULL", "(null)", "❤"] {
            assert_eq!(opened(placeholder), Err(Reason::Placeholder), "{placeholder:?}");
        }
        assert!(PLACEHOLDERS.iter().all(|word| word.len() <= LONGEST_PLACEHOLDER));
        let of_nothing = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        assert_eq!(opened(of_nothing), Err(Reason::HashOfNothing));
        assert_eq!(opened(&"AB".repeat(32)), Ok(format!("hash {}", "ab".repeat(32))));
    }

    #[test]
    fn what_is_left_of_a_field_is_something() {
        assert_eq!(close("jr2nd".into()).as_deref(), Ok("jr2nd"));
        for nothing in ["", "unknown", "\u{301}"] {
            assert_eq!(close(nothing.into()), Err(Reason::Placeholder), "{nothing:?}");
        }
    }

    #[test]
    fn only_roman_letters_are_transliterated() {
        for (text, letters) in [
            ("Łódź", "lodz"),
            ("Đà Nẵng", "danang"),
            ("Straße 5", "strasse"),
            ("Tōkyō", "tokyo"),
            ("Ｔｏｋｙｏ", "tokyo"),
        ] {
            assert_eq!(roman_letters(text).as_deref(), Ok(letters), "{text}");
        }
        for text in ["Москва", "東京", "Αθήνα", "القاهرة", "Nizhny Новгород"] {
            assert_eq!(roman_letters(text), Err(Reason::NotRoman), "{text}");
        }
    }
}
