//! CT.

use crate::reason::Reason;
use crate::text::{Filled, close, open, roman_letters};
use compact_str::CompactString;

/// A city as Meta compares it: a-z only.
///
/// Meta's guide asks for lower-case a-z without punctuation, special characters or spaces, and elsewhere to "provide
/// the Roman alphabet translation", so accents are transliterated (`Montréal` is `montreal`; Meta's own code drops
/// the letter). A name in another script is left out: its romanization would be a guess.
///
/// # Errors
/// The [`Reason`] the city is not sent.
pub fn normalize(raw: &str) -> Result<CompactString, Reason> {
    let text = match open(raw)? {
        Filled::Hashed(hex) => return Ok(hex),
        Filled::Text(text) => text,
    };
    let city = roman_letters(&text)?;
    if city.is_empty() { Err(Reason::Malformed) } else { close(city) }
}

#[cfg(test)]
mod tests {
    use super::normalize;
    use crate::reason::Reason;

    #[test]
    fn cities_become_plain_letters() {
        for (raw, city) in [
            ("Coeur d’Alene", "coeurdalene"),
            ("São Paulo", "saopaulo"),
            ("29 Palms", "palms"),
            ("Kailua‑Kona", "kailuakona"),
            ("Hawaiʻi Kai", "hawaiikai"),
            ("Gəncə", "gence"),
        ] {
            assert_eq!(normalize(raw).as_deref(), Ok(city), "{raw}");
        }
        assert_eq!(normalize("98121"), Err(Reason::Malformed));
        for raw in ["Unknown", "Un-known", "none 1"] {
            assert_eq!(normalize(raw), Err(Reason::Placeholder), "{raw}");
        }
    }
}
