//! ST.

use crate::country::Place;
use crate::reason::Reason;
use crate::text::{Filled, close, open, roman_letters};
use compact_str::CompactString;
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(Default)]
struct States {
    /// Codes and full names.
    names: HashMap<&'static str, &'static str>,
    /// Customary abbreviations (`Calif`), which elsewhere may be a word of their own.
    short: HashMap<&'static str, &'static str>,
}

impl States {
    fn find(&self, letters: &str, short_too: bool) -> Option<&'static str> {
        // `State of New York`, `Commonwealth of Virginia`.
        let formal = || ["stateof", "commonwealthof"].into_iter().find_map(|rank| letters.strip_prefix(rank));
        let short = || self.short.get(letters).filter(|_| short_too);
        self.names.get(letters).or_else(|| self.names.get(formal()?)).or_else(short).copied()
    }
}

struct Tables {
    us: States,
    canada: States,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables { us: States::default(), canada: States::default() };
    let lines = include_str!("../data/states.tsv").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let mut columns = line.split('\t');
        let (Some(country), Some(code)) = (columns.next(), columns.next()) else { continue };
        let states = if country == "us" { &mut tables.us } else { &mut tables.canada };
        states.names.insert(code, code);
        states.names.extend(columns.next().unwrap_or_default().split_whitespace().map(|name| (name, code)));
        states.short.extend(columns.next().unwrap_or_default().split_whitespace().map(|name| (name, code)));
    }
    tables
});

/// A state, province or region as Meta compares it.
///
/// In the US the two-letter code (customer-file guide), for states, DC, territories and military post; the same for
/// Canadian provinces, as Meta's newest code has it. Elsewhere the full name, a-z only, never cut: a code of two or
/// three letters stays what it is (`SP` in Brazil, `BR-SP` too). Which country applies: the contact's own, else the
/// location's; with neither, names and codes of the US and Canada are tried. A contact who says to live in the US
/// with a state that does not exist there has no usable state.
///
/// # Errors
/// The [`Reason`] the state is not sent.
pub fn normalize(raw: &str, place: Place) -> Result<CompactString, Reason> {
    let text = match open(raw)? {
        Filled::Hashed(hex) => return Ok(hex),
        Filled::Text(text) => text,
    };
    let letters = roman_letters(&text)?;
    let text = text.to_ascii_lowercase();
    if let Some(subdivision) = iso_subdivision(&text, place) {
        return subdivision;
    }
    let country = place.likely();
    let known = country.is_some();
    let found = match country.map(|country| (country.as_str(), country.is_served_by_usps())) {
        Some(("ca", _)) => in_table(&TABLES.canada, &letters, &text, known),
        Some((_, true)) | None => in_table(&TABLES.us, &letters, &text, known)
            // The location's country, or none at all, says little of the contact: Canada is next door.
            .or_else(|| if place.own.is_none() { TABLES.canada.find(&letters, false) } else { None }),
        Some(_) => None,
    };
    match found {
        Some(code) => Ok(code.into()),
        None if place.own.is_some_and(|own| own.as_str() == "us") => Err(Reason::Unknown),
        None if letters.len() < 2 => Err(Reason::Malformed),
        None => close(letters),
    }
}

/// The table's code for the whole text, or for what stands before a comma, bracket or dash (`Texas, USA`, `TX - Texas`).
fn in_table(states: &States, letters: &str, text: &str, short_too: bool) -> Option<&'static str> {
    states.find(letters, short_too).or_else(|| {
        let first = text.split(" - ").next()?.split([',', '(', '/']).next()?;
        states.find(&roman_letters(first).ok()?, short_too)
    })
}

/// ISO 3166-2, `US-CA`: the part after the country, when that is the US, Canada or the contact's likely country.
fn iso_subdivision(text: &str, place: Place) -> Option<Result<CompactString, Reason>> {
    let (country, code) = text.split_once('-')?;
    let code = code.trim();
    let table = match country.trim() {
        "us" => Some(&TABLES.us),
        "ca" => Some(&TABLES.canada),
        other if place.likely().is_some_and(|likely| likely.as_str() == other) => None,
        _ => return None,
    };
    match table {
        Some(states) => states.find(code, false).filter(|found| *found == code).map(|found| Ok(found.into())),
        None if !(1..=3).contains(&code.len()) => None,
        None if code.bytes().all(|byte| byte.is_ascii_alphabetic()) && code.len() > 1 => {
            Some(Ok(code.into()))
        }
        None => Some(Err(Reason::Malformed)),
    }
}

#[cfg(test)]
mod tests {
    use super::{TABLES, normalize};
    use crate::country::{Place, read};

    fn state(raw: &str, own: &str, location: &str) -> String {
        let place = Place { own: read(own).ok(), location: read(location).ok() };
        normalize(raw, place).map_or_else(|reason| format!("{reason:?}"), Into::into)
    }

    #[test]
    fn the_tables_are_whole() {
        let codes = |states: &super::States| states.names.iter().filter(|(name, code)| name == code).count();
        // 50 states, DC, 6 territories, 3 associated states, 3 military; 13 provinces and territories.
        assert_eq!((codes(&TABLES.us), codes(&TABLES.canada)), (63, 13));
    }

    #[test]
    fn states_follow_the_country() {
        for (raw, own, location, expected) in [
            ("N.Y.", "us", "", "ny"),
            ("new york", "us", "", "ny"),
            ("US-CA", "us", "", "ca"),
            ("us-ca", "", "", "ca"),
            ("Calif.", "us", "", "ca"),
            ("Texas, USA", "us", "", "tx"),
            ("TX - Texas", "us", "", "tx"),
            ("CA - California", "us", "", "ca"),
            ("State of Washington", "us", "", "wa"),
            ("Commonwealth of Virginia", "us", "", "va"),
            ("State of Sarawak", "", "us", "stateofsarawak"),
            ("USVI", "us", "", "vi"),
            ("Newfoundland & Labrador", "ca", "", "nl"),
            ("CA 94035", "us", "", "ca"),
            ("Georgia", "us", "", "ga"),
            ("Georgia", "", "", "ga"),
            ("Washington D.C.", "us", "", "dc"),
            ("District of Columbia", "us", "", "dc"),
            ("Puerto Rico", "us", "", "pr"),
            ("Puerto Rico", "pr", "us", "pr"),
            ("W. Virginia", "us", "", "wv"),
            ("Hawai‘i", "us", "", "hi"),
            ("AE", "us", "", "ae"),
            ("Bavaria", "us", "", "Unknown"),
            ("ZZ", "us", "", "Unknown"),
            ("Ontario", "us", "", "Unknown"),
            ("Bavaria", "", "us", "bavaria"),
            ("Ontario", "", "us", "on"),
            ("Carolina", "", "", "carolina"),
            ("Québec", "ca", "us", "qc"),
            ("QC", "ca", "", "qc"),
            ("PQ", "ca", "", "qc"),
            ("CA-ON", "ca", "", "on"),
            ("Terre-Neuve-et-Labrador", "ca", "", "nl"),
            ("NY", "ca", "", "ny"),
            ("Baden-Württemberg", "de", "us", "badenwurttemberg"),
            ("DE-BY", "de", "", "by"),
            ("BY", "de", "", "by"),
            ("SP", "br", "us", "sp"),
            ("BR-SP", "br", "", "sp"),
            ("MX-JAL", "mx", "", "jal"),
            ("FR-75", "fr", "", "Malformed"),
            ("CA", "it", "us", "ca"),
            ("Georgia", "de", "", "georgia"),
            ("Kent", "", "", "kent"),
            ("Kent", "gb", "us", "kent"),
            ("東京都", "jp", "", "NotRoman"),
            ("75", "fr", "", "Malformed"),
            ("unknown", "", "", "Placeholder"),
            ("un known", "de", "", "Placeholder"),
        ] {
            assert_eq!(state(raw, own, location), expected, "{raw} own {own} location {location}");
        }
    }
}
