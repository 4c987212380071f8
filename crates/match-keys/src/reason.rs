//! Why a field is not sent.

use std::fmt;

/// Why a field gives no match key. The texts are for people and hold nothing of the field itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nothing was filled in.
    Blank,
    /// A word or number that stands for "nothing here": `n/a`, `test@test.com`, `0000000000`.
    Placeholder,
    /// Not of the shape the field must have.
    Malformed,
    /// A phone number that exists in no numbering plan.
    NotPossible,
    /// A phone number without country code, and neither the contact nor the location has a country.
    NoCountry,
    /// A country or US state that is in no table.
    Unknown,
    /// A city or state in a script other than the Roman one, where Meta compares a-z only.
    NotRoman,
    /// The hash of the empty string, made by another tool from an empty field.
    HashOfNothing,
    /// A date that is in no calendar, such as the 30th of February.
    NoSuchDate,
    /// A date of birth before 1900 or in the future.
    OutOfRange,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Blank,
        Self::Placeholder,
        Self::Malformed,
        Self::NotPossible,
        Self::NoCountry,
        Self::Unknown,
        Self::NotRoman,
        Self::HashOfNothing,
        Self::NoSuchDate,
        Self::OutOfRange,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "empty",
            Self::Placeholder => "a placeholder, not a real value",
            Self::Malformed => "not in a valid form",
            Self::NotPossible => "not a possible phone number",
            Self::NoCountry => "a phone number without country code, and no country is known",
            Self::Unknown => "not a known name or code",
            Self::NotRoman => "not in the Roman alphabet",
            Self::HashOfNothing => "the hash of an empty value",
            Self::NoSuchDate => "a date that does not exist",
            Self::OutOfRange => "a date of birth before 1900 or in the future",
        })
    }
}

impl std::error::Error for Reason {}
