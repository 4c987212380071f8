//! Cells that were made before. States, cities, postal codes, first names and countries repeat over a list, and a
//! repeated one need not be normalized and hashed again.

use crate::country::{self, CountryCode};
use crate::encoder::{Outcome, made};
use crate::reason::Reason;
use crate::row::{Cell, Field};
use compact_str::CompactString;
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// Places for remembered cells: about a third of a megabyte, which stays in the processor's cache.
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
    length: u8,
    /// The contact's own country, which the reading of a state or postal code depends on.
    own: Option<[u8; 2]>,
    text: [u8; LONGEST],
    made: (Cell, Outcome),
}

impl Default for Seen {
    fn default() -> Self {
        Self(vec![None; PLACES].into_boxed_slice())
    }
}

impl Seen {
    /// The cell of what is filled in, normalized unless it is remembered.
    pub(crate) fn cell(
        &mut self,
        field: Field,
        own: Option<CountryCode>,
        filled_in: &Option<String>,
        normalize: impl FnOnce(&str) -> Result<CompactString, Reason>,
    ) -> (Cell, Outcome) {
        let Some(text) = filled_in else { return (None, Outcome::Blank) };
        let bytes = text.as_bytes();
        let Ok(length @ 0..=MAX_LENGTH) = u8::try_from(bytes.len()) else { return made(normalize(text)) };
        let own = own.map(CountryCode::letters);
        let mut hasher = FxHasher::default();
        hasher.write(bytes);
        hasher.write_u8(field as u8);
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
        let made = made(normalize(text));
        let mut kept = [0; LONGEST];
        kept[..bytes.len()].copy_from_slice(bytes);
        *place = Some(Remembered { field, length, own, text: kept, made });
        made
    }
}

const MAX_LENGTH: u8 = LONGEST as u8;

/// The last text of a country and what became of it: neighbours of a list mostly share it.
#[derive(Clone)]
pub(crate) struct LastCountry {
    text: String,
    code: Option<CountryCode>,
    made: (Cell, Outcome),
}

impl Default for LastCountry {
    fn default() -> Self {
        Self::of("")
    }
}

impl LastCountry {
    /// The country and its cell, read anew when it is another text than the last.
    pub(crate) fn read(&mut self, text: &str) -> (Option<CountryCode>, (Cell, Outcome)) {
        if self.text != text {
            *self = Self::of(text);
        }
        (self.code, self.made)
    }

    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), code: country::read(text).ok(), made: made(country::normalize(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, PLACES, Seen};
    use crate::country::{CountryCode, read};
    use crate::digest::hash;
    use crate::encoder::Outcome;
    use crate::row::Field;

    #[test]
    fn a_text_is_made_once_per_field_and_country() {
        let (us, de) = (read("US").ok(), read("DE").ok());
        let mut seen = Seen::default();
        let mut made = 0;
        let mut cell = |field, own: Option<CountryCode>, text: &str, times| {
            let cell = seen.cell(field, own, &Some(text.to_owned()), |text| {
                made += 1;
                Ok(text.into())
            });
            assert_eq!((cell, made), ((hash(text), Outcome::Hashed), times), "{field:?} {own:?} {text:?}");
        };
        cell(Field::State, us, "ca", 1);
        cell(Field::State, us, "ca", 1);
        cell(Field::City, us, "ca", 2);
        cell(Field::City, us, "ca", 2);
        cell(Field::State, us, "c", 3);
        cell(Field::State, us, "c\0", 4);
        cell(Field::State, us, "ca", 4);
        // The place of a text in one country is the place of the same text in another.
        cell(Field::State, de, "ca", 5);
        cell(Field::State, None, "ca", 6);
        cell(Field::State, None, "ca", 6);
        cell(Field::State, us, "ca", 7);
        assert_eq!(seen.cell(Field::City, us, &None, |_| unreachable!()), (None, Outcome::Blank));
    }

    #[test]
    fn more_texts_than_places_and_long_ones_are_made_right() {
        let mut seen = Seen::default();
        let mut texts: Vec<String> = (0..3 * PLACES).map(|n| format!("text {n}")).collect();
        texts.extend([LONGEST, LONGEST + 1, 255, 256, 70_000].map(|length| "x".repeat(length)));
        for _ in 0..2 {
            for text in &texts {
                let cell = seen.cell(Field::City, None, &Some(text.clone()), |text| Ok(text.into()));
                assert_eq!(cell.0, hash(text), "{}", text.len());
            }
        }
    }
}
