//! Text on its way into the database.

use std::borrow::Cow;

/// Longest contact id kept, in characters. The vendor's have 20; an index entry of PostgreSQL holds about 2,700 bytes,
/// and one hostile id must not fail the whole batch.
const LONGEST_ID: usize = 255;

/// The text without NUL, which PostgreSQL refuses; it becomes U+FFFD.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(text) }
}

/// [`storable`] for text that may be absent.
pub(crate) fn storable_option(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(storable)
}

/// A contact id that fits an index.
pub(crate) fn storable_id(id: &str) -> Cow<'_, str> {
    match id.char_indices().nth(LONGEST_ID) {
        Some((end, _)) => storable(id.get(..end).unwrap_or(id)),
        None => storable(id),
    }
}

#[cfg(test)]
mod tests {
    use super::{storable, storable_id};

    #[test]
    fn nul_becomes_the_replacement_character_and_the_rest_stays() {
        assert_eq!(storable("a\0b 🎈 'x'; --"), "a\u{FFFD}b 🎈 'x'; --");
    }

    #[test]
    fn a_hostile_id_is_cut_at_a_character() {
        assert_eq!(storable_id(&"é".repeat(300)), "é".repeat(255));
        assert_eq!(storable_id(&"é".repeat(255)), "é".repeat(255));
    }
}
