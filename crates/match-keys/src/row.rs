//! One row of a customer list.

use crate::digest::Digest;
use std::fmt;

/// A match key: a hash, or nothing, which is sent as the empty text.
pub type Cell = Option<Digest>;

/// The columns this crate fills, in the order of [`SCHEMA`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// E-mail address.
    Email,
    /// Phone number.
    Phone,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// City.
    City,
    /// State, province or region.
    State,
    /// Postal code.
    Zip,
    /// Country.
    Country,
    /// Year of birth. The three parts of a date of birth are filled together or not at all.
    BirthYear,
    /// Month of birth.
    BirthMonth,
    /// Day of birth.
    BirthDay,
}

/// Meta's names of the columns: `payload.schema` of `POST /{audience}/users`, without `LOOKALIKE_VALUE`. An upload sends
/// the part of them that its [`Columns`] name.
pub const SCHEMA: [&str; 11] =
    ["EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY", "DOBY", "DOBM", "DOBD"];

/// The columns of one upload. Every row of an upload has the same ones, so a list in which nobody has a birthday goes
/// without the three columns that would be empty throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns {
    /// The first eight of [`SCHEMA`].
    Plain,
    /// All of [`SCHEMA`].
    WithBirthday,
}

impl Columns {
    /// Meta's names of the columns: `payload.schema`, without `LOOKALIKE_VALUE`.
    pub fn keys(self) -> &'static [&'static str] {
        &SCHEMA[..self.count()]
    }

    /// The cells of a row under these columns, in the order of [`Columns::keys`].
    pub fn cells(self, row: &Row) -> &[Cell] {
        &row.0[..self.count()]
    }

    fn count(self) -> usize {
        match self {
            Self::Plain => Field::Country as usize + 1,
            Self::WithBirthday => SCHEMA.len(),
        }
    }
}

impl Field {
    /// Every field, in the order of [`SCHEMA`].
    pub const ALL: [Self; SCHEMA.len()] = [
        Self::Email,
        Self::Phone,
        Self::FirstName,
        Self::LastName,
        Self::City,
        Self::State,
        Self::Zip,
        Self::Country,
        Self::BirthYear,
        Self::BirthMonth,
        Self::BirthDay,
    ];

    /// The three parts of a date of birth: year, month and day.
    pub(crate) const BIRTHDAY: [Self; 3] = [Self::BirthYear, Self::BirthMonth, Self::BirthDay];

    /// Meta's name of the column.
    pub fn key(self) -> &'static str {
        SCHEMA[self as usize]
    }

    /// The field in a marketer's words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Phone => "Phone",
            Self::FirstName => "First name",
            Self::LastName => "Last name",
            Self::City => "City",
            Self::State => "State",
            Self::Zip => "Postal code",
            Self::Country => "Country",
            Self::BirthYear => "Year of birth",
            Self::BirthMonth => "Month of birth",
            Self::BirthDay => "Day of birth",
        }
    }
}

/// The match keys of one person, under one e-mail address and one phone number. `Debug` shows which cells are filled, never what is in them.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Row([Cell; SCHEMA.len()]);

impl Row {
    /// A row from cells in the order of [`SCHEMA`], for rows that were stored in between.
    pub fn from_cells(cells: [Cell; SCHEMA.len()]) -> Self {
        Self(cells)
    }

    /// The cells in the order of [`SCHEMA`].
    pub fn cells(&self) -> &[Cell; SCHEMA.len()] {
        &self.0
    }

    /// The cell of one field.
    pub fn cell(&self, field: Field) -> Cell {
        self.0[field as usize]
    }

    pub(crate) fn set(&mut self, field: Field, cell: Cell) {
        self.0[field as usize] = cell;
    }

    /// Whether the contact can be matched at all: a usable e-mail address or phone number.
    pub fn is_identifiable(&self) -> bool {
        self.cell(Field::Email).is_some() || self.cell(Field::Phone).is_some()
    }

    /// Whether the date of birth is filled in: its three cells are filled together or not at all.
    pub fn has_birthday(&self) -> bool {
        self.cell(Field::BirthYear).is_some()
    }

    /// 32 bytes that are equal for two contacts exactly when both their normalized e-mail address and their normalized
    /// phone number are (an absent one equals an absent one only). `None` for a contact that can not be identified:
    /// nothing makes two strangers the same person.
    pub fn identity(&self) -> Option<[u8; 32]> {
        if !self.is_identifiable() {
            return None;
        }
        // Half of each SHA-256: 128 bits, far beyond any chance of two being alike. Zeros stand for an absent one.
        let mut identity = [0; 32];
        let (email, phone) = identity.split_at_mut(16);
        for (half, field) in [(email, Field::Email), (phone, Field::Phone)] {
            if let Some(digest) = self.cell(field) {
                half.copy_from_slice(&digest.as_bytes()[..16]);
            }
        }
        Some(identity)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let filled = Field::ALL.into_iter().filter(|field| self.cell(*field).is_some()).map(Field::key);
        f.write_str("Row")?;
        f.debug_set().entries(filled).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{Columns, Field, Row, SCHEMA};
    use crate::digest::hash;

    fn row(email: &str, phone: &str) -> Row {
        let mut row = Row::default();
        row.set(Field::Email, hash(email));
        row.set(Field::Phone, hash(phone));
        row
    }

    #[test]
    fn identity_is_the_pair_of_email_and_phone() {
        let both = row("mary@example.com", "15559876543").identity();
        assert_eq!(both, row("mary@example.com", "15559876543").identity());
        assert_ne!(both, row("mary@example.com", "").identity());
        assert_ne!(both, row("", "15559876543").identity());
        assert_ne!(row("a", "").identity(), row("", "a").identity());
        assert_eq!(row("", "").identity(), None);
        assert!(!row("", "").is_identifiable());
        assert!(row("", "15559876543").is_identifiable());
    }

    #[test]
    fn debug_tells_filled_cells_only() {
        assert_eq!(format!("{:?}", row("mary@example.com", "")), r#"Row{"EMAIL"}"#);
    }

    #[test]
    fn an_upload_has_eight_columns_or_eleven() {
        let mut row = row("mary@example.com", "");
        assert_eq!(Columns::Plain.keys(), &SCHEMA[..8]);
        assert_eq!(Columns::Plain.keys().last(), Some(&"COUNTRY"));
        assert_eq!(Columns::WithBirthday.keys(), SCHEMA);
        assert!(!row.has_birthday());
        for field in Field::BIRTHDAY {
            row.set(field, hash("01"));
        }
        assert!(row.has_birthday());
        assert_eq!(Columns::WithBirthday.cells(&row), row.cells());
        assert_eq!(Columns::Plain.cells(&row), &row.cells()[..8]);
    }
}
