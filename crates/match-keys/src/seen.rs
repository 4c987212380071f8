//! Cells that were made before. Countries, states, cities, postal codes and names repeat over a list, and a repeated
//! one need not be normalized and hashed again.

use crate::country::CountryCode;
use crate::encoder::Outcome;
use crate::row::{Cell, Field};
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// Places for remembered cells: about half a megabyte, which stays in the processor's cache.
const PLACES: usize = 1 << 12;
/// Longer texts are rarely repeated.
const LONGEST: usize = 45;

/// Remembers the last cell of each place of a table; what a text is worth decides its place alone, so a hostile list can
/// make it forget, but not grow or slow down.
#[derive(Clone)]
pub(crate) struct Seen(Box<[Option<Remembered>]>);

/// What a text became. Everything the cell depends on is compared, so that nothing is ever mistaken for something else.
#[derive(Clone)]
struct Remembered {
    field: Field,
    /// The contact's own country, which the reading of a state or postal code depends on.
    own: Option<CountryCode>,
    length: u8,
    text: [u8; LONGEST],
    made: (Cell, Outcome),
}

impl Default for Seen {
    fn default() -> Self {
        Self(vec![None; PLACES].into_boxed_slice())
    }
}

impl Seen {
    /// The cell of a text, made by `make` unless it is remembered.
    pub(crate) fn cell(
        &mut self,
        field: Field,
        own: Option<CountryCode>,
        text: &str,
        make: impl FnOnce() -> (Cell, Outcome),
    ) -> (Cell, Outcome) {
        let bytes = text.as_bytes();
        let Ok(length @ 0..=MAX_LENGTH) = u8::try_from(bytes.len()) else { return make() };
        let mut hasher = FxHasher::default();
        (field, own, text).hash(&mut hasher);
        // The remainder is below the number of places, whatever the width of the machine.
        let place = &mut self.0[(hasher.finish() % PLACES as u64) as usize];
        if let Some(known) = place
            && known.length == length
            && known.field == field
            && known.own == own
            && &known.text[..bytes.len()] == bytes
        {
            return known.made;
        }
        let made = make();
        let mut kept = [0; LONGEST];
        kept[..bytes.len()].copy_from_slice(bytes);
        *place = Some(Remembered { field, own, length, text: kept, made });
        made
    }
}

const MAX_LENGTH: u8 = LONGEST as u8;

#[cfg(test)]
mod tests {
    use super::{LONGEST, PLACES, Seen};
    use crate::country::read;
    use crate::digest::hash;
    use crate::encoder::Outcome;
    use crate::row::Field;

    #[test]
    fn a_text_is_made_once_per_field_and_country() {
        let (us, de) = (read("US").ok(), read("DE").ok());
        let mut seen = Seen::default();
        let mut made = Vec::new();
        for (field, own, text) in [
            (Field::State, us, "ca"),
            (Field::State, us, "ca"),
            (Field::State, de, "ca"),
            (Field::State, None, "ca"),
            (Field::City, us, "ca"),
            (Field::State, us, "c"),
            (Field::State, us, "c\0"),
            (Field::State, us, "ca"),
        ] {
            let cell = seen.cell(field, own, text, || {
                made.push((field, own, text));
                (hash(text), Outcome::Hashed)
            });
            assert_eq!(cell, (hash(text), Outcome::Hashed));
        }
        let expected = [
            (Field::State, us, "ca"),
            (Field::State, de, "ca"),
            (Field::State, None, "ca"),
            (Field::City, us, "ca"),
            (Field::State, us, "c"),
            (Field::State, us, "c\0"),
        ];
        assert_eq!(made, expected);
    }

    #[test]
    fn more_texts_than_places_and_long_ones_are_made_right() {
        let mut seen = Seen::default();
        let mut texts: Vec<String> = (0..3 * PLACES).map(|n| format!("text {n}")).collect();
        texts.extend([LONGEST, LONGEST + 1, 255, 256, 70_000].map(|length| "x".repeat(length)));
        for _ in 0..2 {
            for text in &texts {
                let cell = seen.cell(Field::City, None, text, || (hash(text), Outcome::Hashed));
                assert_eq!(cell.0, hash(text), "{}", text.len());
            }
        }
    }
}
