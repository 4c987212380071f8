//! FN and LN.

use crate::reason::Reason;
use crate::text::{Filled, is_letter_digit_or_mark, is_modifier, open};
use unicode_normalization::UnicodeNormalization;

/// A first or last name as Meta compares it: lower case, no punctuation, no spaces, accents and every script kept.
///
/// Meta's guide asks for lower case without punctuation and allows UTF-8. Inner spaces are removed and digits kept as
/// both of Meta's audience-side implementations do. Punctuation includes the Unicode one (`O’Brien`) and symbols, as
/// Meta's ASCII list does; an emoji is no part of a name.
///
/// # Errors
/// The [`Reason`] the name is not sent.
pub fn normalize(raw: &str) -> Result<String, Reason> {
    let text = match open(raw)? {
        Filled::Hashed(hex) => return Ok(hex),
        Filled::Text(text) => text,
    };
    if text.is_ascii() {
        return Ok(text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect());
    }
    // Lower case first: the form of a final sigma depends on the spaces.
    let lower = text.to_lowercase();
    let name: String =
        lower.chars().filter(|c| is_letter_digit_or_mark(*c) && !is_modifier(*c)).nfc().collect();
    if name.chars().any(char::is_alphanumeric) { Ok(name) } else { Err(Reason::Placeholder) }
}

#[cfg(test)]
mod tests {
    use super::normalize;
    use crate::reason::Reason;

    #[test]
    fn names_keep_letters_of_every_script() {
        for (raw, name) in [
            ("O’Brien", "obrien"),
            ("Oʼbrien", "obrien"),
            ("  Anne—Marie ", "annemarie"),
            ("José ❤", "josé"),
            ("Mari\u{301}a", "maría"),
            ("ΓΙΏΡΓΟΣ", "γιώργος"),
            ("प्रिया", "प्रिया"),
            ("マリア・ルイサ", "マリアルイサ"),
            ("J. R. 2nd", "jr2nd"),
        ] {
            assert_eq!(normalize(raw).as_deref(), Ok(name), "{raw}");
        }
        assert_eq!(normalize("!!!"), Err(Reason::Placeholder));
    }
}
