//! COUNTRY, and what is known of where a contact lives.

use crate::reason::Reason;
use crate::text::{Filled, is_letter_digit_or_mark, open};
use compact_str::CompactString;
use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// A country of ISO 3166-1, two lower-case letters. It exists only for codes and names that are in the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode(&'static str);

impl CountryCode {
    /// Two lower-case letters.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The same two letters, as ASCII.
    pub fn letters(self) -> [u8; 2] {
        self.0.as_bytes().try_into().unwrap_or_default()
    }

    /// Whether addresses there have US ZIP codes and USPS state codes: the United States, their territories and the
    /// freely associated states.
    pub(crate) fn is_served_by_usps(self) -> bool {
        matches!(self.0, "us" | "pr" | "vi" | "gu" | "as" | "mp" | "um" | "fm" | "mh" | "pw")
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CountryCode({})", self.0)
    }
}

/// What is known of where a contact lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The contact's own country.
    pub own: Option<CountryCode>,
    /// The country of the location the contact belongs to: a likely guess, no more.
    pub location: Option<CountryCode>,
}

impl Place {
    /// The contact's own country, else the location's.
    pub fn likely(self) -> Option<CountryCode> {
        self.own.or(self.location)
    }
}

struct Table {
    codes: HashMap<&'static str, CountryCode>,
    names: HashMap<&'static str, CountryCode>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table { codes: HashMap::new(), names: HashMap::new() };
    let lines = include_str!("../data/country_names.tsv").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let mut columns = line.split('\t');
        let (Some(alpha2), Some(alpha3), Some(names)) = (columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let country = CountryCode(alpha2);
        table.codes.insert(alpha2, country);
        table.codes.insert(alpha3, country);
        table.names.extend(names.split(' ').map(|name| (name, country)));
    }
    table
});

/// Reads a country as people write it: alpha-2, alpha-3, `UK`, `U.S.`, or the name in any of some forty languages.
///
/// # Errors
/// [`Reason::Unknown`] for a word in no table: nothing is ever cut to its first two letters, so that `Österreich`
/// is `at`, and `Ruritania` is nothing. Else why there is no word to read.
pub fn read(raw: &str) -> Result<CountryCode, Reason> {
    match open(raw)? {
        Filled::Hashed(_) => Err(Reason::Unknown),
        Filled::Text(text) => look_up(&text).ok_or(Reason::Unknown),
    }
}

/// A country as Meta compares it: ISO 3166-1 alpha-2 in lower case, to be hashed like the rest (customer-file guide).
///
/// # Errors
/// As [`read`].
pub fn normalize(raw: &str) -> Result<CompactString, Reason> {
    match open(raw)? {
        Filled::Hashed(hex) => Ok(hex),
        Filled::Text(text) => look_up(&text).map(|country| country.0.into()).ok_or(Reason::Unknown),
    }
}

fn look_up(text: &str) -> Option<CountryCode> {
    one_name(text).or_else(|| every_part(text))
}

/// `United Kingdom (UK)`, `US - United States`, `Netherlands (the)`: when every part names the same country. One part
/// alone decides nothing, because `San Diego (CA)` is not in Canada.
fn every_part(text: &str) -> Option<CountryCode> {
    let mut countries = text
        .split(['(', ')'])
        .flat_map(|part| part.split(" - "))
        .map(str::trim)
        .filter(|part| !part.is_empty() && !part.eq_ignore_ascii_case("the"))
        .map(one_name);
    let first = countries.next()??;
    countries.all(|country| country == Some(first)).then_some(first)
}

fn one_name(text: &str) -> Option<CountryCode> {
    // `US`, `u.s.` and `U S A`, but not `n/a`.
    if text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.' || byte == b' ')
    {
        let code: CompactString = text
            .chars()
            .filter(char::is_ascii_alphabetic)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if let Some(country) = TABLE.codes.get(code.as_str()) {
            return Some(*country);
        }
    }
    // A short name may be told from another by its accents alone, so the full spelling comes first.
    let exact: CompactString =
        text.to_lowercase().chars().filter(|c| is_letter_digit_or_mark(*c)).nfc().collect();
    TABLE.names.get(exact.as_str()).or_else(|| TABLE.names.get(without_accents(&exact).as_str())).copied()
}

/// Without the diacritics of Latin, Greek and Cyrillic letters. `data/country_names.py` folds the same way.
fn without_accents(exact: &str) -> String {
    let plain = exact.nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c));
    let mut folded = String::with_capacity(exact.len());
    for c in plain {
        match c {
            'ł' => folded.push('l'),
            'ø' => folded.push('o'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            other => folded.push(other),
        }
    }
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::{TABLE, normalize, read};
    use crate::reason::Reason;

    #[test]
    fn the_table_holds_every_country() {
        let two: Vec<_> = TABLE.codes.keys().filter(|code| code.len() == 2).collect();
        let three = TABLE.codes.keys().filter(|code| code.len() == 3).count();
        // 249 of ISO 3166-1 and Kosovo.
        assert_eq!((two.len(), three), (250, 250));
        assert!(TABLE.names.len() > 4000, "{}", TABLE.names.len());
    }

    #[test]
    fn every_key_of_the_table_reads_back() {
        for (name, country) in &TABLE.names {
            assert_eq!(read(name), Ok(*country), "{name}");
        }
    }

    #[test]
    fn countries_are_read_as_people_write_them() {
        for (raw, code) in [
            ("US", "us"),
            ("u.s.a.", "us"),
            ("Estados Unidos", "us"),
            ("ESTADOS UNIDOS DE AMERICA", "us"),
            ("UK", "gb"),
            ("Northern Ireland", "gb"),
            ("Österreich", "at"),
            ("Osterreich", "at"),
            ("Áo", "at"),
            ("Republic of Korea", "kr"),
            ("Korea, Republic of", "kr"),
            ("Côte d’Ivoire", "ci"),
            ("Cote d'Ivoire", "ci"),
            ("TÜRKİYE", "tr"),
            ("Turkey", "tr"),
            ("México", "mx"),
            ("mexico", "mx"),
            ("日本", "jp"),
            ("Россия", "ru"),
            ("ÍNDIA", "in"),
            ("Danmark", "dk"),
            ("Holland", "nl"),
            ("Hong Kong", "hk"),
            ("the Netherlands", "nl"),
            ("مصر", "eg"),
            ("भारत", "in"),
            ("대한민국", "kr"),
            ("Jersey", "je"),
            ("Georgia", "ge"),
            ("GBR", "gb"),
            ("NGA", "ng"),
            ("Viet Nam", "vn"),
            ("Việt Nam", "vn"),
            ("ประเทศไทย", "th"),
            ("한국", "kr"),
            ("アメリカ", "us"),
            ("US of A", "us"),
            ("United States of America (the)", "us"),
            ("United Kingdom (UK)", "gb"),
            ("US - United States", "us"),
            ("Congo (DRC)", "cd"),
            ("KSA", "sa"),
        ] {
            assert_eq!(normalize(raw).as_deref(), Ok(code), "{raw}");
        }
    }

    #[test]
    fn nothing_is_invented() {
        for raw in [
            "en",
            "EU",
            "Ruritania",
            "unknownland",
            "U1",
            "us123",
            "Korea",
            "Congo",
            "New Jersey",
            "California",
            "San Diego (CA)",
            "CA - California",
            "Georgia (US)",
            "(the)",
            "AN",
            "SU",
            "XX",
        ] {
            assert_eq!(read(raw), Err(Reason::Unknown), "{raw}");
        }
        assert_eq!(read("N/A"), Err(Reason::Placeholder));
    }
}
