//! FN and LN.

use crate::reason::Reason;
use crate::text::{Filled, close, is_letter_digit_or_mark, is_modifier, open};
use compact_str::CompactString;
use unicode_normalization::UnicodeNormalization;

/// A first or last name as Meta compares it: lower case, no punctuation, no spaces, accents and every script kept.
///
/// Meta's guide asks for lower case without punctuation and allows UTF-8. Inner spaces are removed and digits kept as
/// both of Meta's audience-side implementations do. Punctuation includes the Unicode one (`O’Brien`) and symbols, as
/// Meta's ASCII list does; an emoji is no part of a name.
///
/// # Errors
/// The [`Reason`] the name is not sent.
pub fn normalize(raw: &str) -> Result<CompactString, Reason> {
    let text = match open(raw)? {
        Filled::Hashed(hex) => return Ok(hex),
        Filled::Text(text) => text,
    };
    let name: CompactString = if text.is_ascii() {
        let mut name = CompactString::from(text);
        name.make_ascii_lowercase();
        if name.bytes().any(|byte| !byte.is_ascii_alphanumeric()) {
            name.retain(|c| c.is_ascii_alphanumeric());
        }
        name
    } else {
        // Lower case first: the form of a final sigma depends on the spaces.
        let lower = text.to_lowercase();
        lower.chars().filter(|c| is_letter_digit_or_mark(*c) && !is_modifier(*c)).nfc().collect()
    };
    close(name)
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
        for raw in ["!!!", "no.ne"] {
            assert_eq!(normalize(raw), Err(Reason::Placeholder), "{raw}");
        }
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(normalize(&format!("({of_nothing})")), Err(Reason::HashOfNothing));
    }
}
