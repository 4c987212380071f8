//! The rows of an upload, written as Meta wants them.

use std::fmt;
use std::io::Write;
use std::num::NonZeroU32;

/// Meta's limit per request.
pub const MAX_ROWS_PER_BATCH: usize = 10_000;

/// A cell in its quotes, and a comma.
const CELL: usize = 64 + 3;
/// What stands around the cells, the value and the columns of Limited Data Use included.
const LONGEST_REST: usize = 48;

const VALUE_COLUMN: &str = "LOOKALIKE_VALUE";

/// Limited Data Use. <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>
const DATA_PROCESSING_COLUMNS: [&str; 3] =
    ["DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE"];

/// Up to [`MAX_ROWS_PER_BATCH`] rows of hashed match keys, as the JSON array `[["<hex>","",…,85],…]`: an unknown cell is
/// `""`, the value Meta ranks by is a bare number. Which columns stand behind the match keys is decided once for all rows.
/// The buffer is kept by [`clear`](Self::clear), so one instance serves a whole upload.
pub struct UserRows {
    match_keys: &'static [&'static str],
    columns: Columns,
    /// The array without its closing bracket.
    json: Vec<u8>,
    count: usize,
}

/// The columns behind the match keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Columns {
    None,
    Value,
    ValueAndDataProcessing,
}

/// The value Meta ranks a member by: without a unit, above zero, in steps of one hundredth. Meta's documents disagree
/// on zero, and its own uploader refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemberValue {
    hundredths: NonZeroU32,
}

impl MemberValue {
    /// A value in hundredths: 3725 is sent as `37.25`.
    pub fn from_hundredths(hundredths: NonZeroU32) -> Self {
        Self { hundredths }
    }
}

impl fmt::Display for MemberValue {
    /// A JSON number without trailing zeros: `37`, `37.5`, `0.01`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.hundredths.get() / 100, self.hundredths.get() % 100);
        match (rest, rest % 10) {
            (0, _) => write!(f, "{whole}"),
            (_, 0) => write!(f, "{whole}.{}", rest / 10),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

/// Whether Meta may use a member's data freely. For customer lists Limited Data Use exists for California only. The flag
/// counts for one audience and is said in each upload again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataProcessing {
    /// A contact in California: `["LDU"]`, country 1 (United States), state 1000 (California).
    LimitedInCalifornia,
    /// Everybody else: `[]`, which says so explicitly. Nothing is limited then, so the place does not matter; a row needs
    /// its cells all the same, and zero names no place.
    Unlimited,
}

impl DataProcessing {
    fn cells(self) -> &'static str {
        match self {
            Self::LimitedInCalifornia => r#"["LDU"],1,1000"#,
            Self::Unlimited => "[],0,0",
        }
    }
}

/// Why a row was not added. The rows added before are untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The batch holds the maximum already.
    #[error("a batch holds at most {MAX_ROWS_PER_BATCH} rows")]
    Full,
    /// More or fewer cells than match keys.
    #[error("the row has {cells} cells for {columns} match keys")]
    Width {
        /// Cells of the row.
        cells: usize,
        /// Match keys of the schema.
        columns: usize,
    },
    /// The batch has a column for the value or for data processing and the row nothing for it, or the reverse.
    #[error("the row has other columns behind its match keys than the batch")]
    OtherColumns,
    /// Meta cannot match a row without any key.
    #[error("the row has no match key")]
    NoKey,
}

impl UserRows {
    /// An empty batch for these match keys (`EMAIL`, `PHONE`, `FN`, …) and the value behind them, as a value-based
    /// audience wants it.
    pub fn new(match_keys: &'static [&'static str]) -> Self {
        Self::with_columns(match_keys, Columns::Value)
    }

    /// An empty batch for match keys alone: for removals.
    pub fn without_values(match_keys: &'static [&'static str]) -> Self {
        Self::with_columns(match_keys, Columns::None)
    }

    /// An empty batch for match keys, the value and the three columns of Limited Data Use.
    pub fn with_data_processing(match_keys: &'static [&'static str]) -> Self {
        Self::with_columns(match_keys, Columns::ValueAndDataProcessing)
    }

    fn with_columns(match_keys: &'static [&'static str], columns: Columns) -> Self {
        // Room for a full batch at once: a million contacts make a hundred batches, and what each left behind while it grew
        // would stay with the process. Memory that is never written to costs nothing.
        let row = match_keys.len() * CELL + LONGEST_REST;
        let mut json = Vec::with_capacity(MAX_ROWS_PER_BATCH * row + 2);
        json.push(b'[');
        Self { match_keys, columns, json, count: 0 }
    }

    /// Adds a person: one cell per match key in their order, a SHA-256 or `None`, and exactly what the batch has columns
    /// for. That a cell is 32 bytes keeps personal data in clear out of it.
    ///
    /// # Errors
    /// [`RowError`]; nothing is added then.
    pub fn push_row(
        &mut self,
        cells: &[Option<&[u8; 32]>],
        value: Option<MemberValue>,
        data_processing: Option<DataProcessing>,
    ) -> Result<(), RowError> {
        let columns = self.match_keys.len();
        if self.is_full() {
            return Err(RowError::Full);
        }
        if cells.len() != columns {
            return Err(RowError::Width { cells: cells.len(), columns });
        }
        let has_its_columns = match self.columns {
            Columns::None => value.is_none() && data_processing.is_none(),
            Columns::Value => value.is_some() && data_processing.is_none(),
            Columns::ValueAndDataProcessing => value.is_some() && data_processing.is_some(),
        };
        if !has_its_columns {
            return Err(RowError::OtherColumns);
        }
        if cells.iter().all(Option::is_none) {
            return Err(RowError::NoKey);
        }
        if self.count > 0 {
            self.json.push(b',');
        }
        self.json.push(b'[');
        for cell in cells {
            match cell {
                Some(hash) => {
                    let mut quoted = [b'"'; CELL];
                    quoted[CELL - 1] = b',';
                    // The slice has exactly the length of the digits.
                    let _fits = const_hex::encode_to_slice(hash, &mut quoted[1..CELL - 2]);
                    self.json.extend_from_slice(&quoted);
                }
                None => self.json.extend_from_slice(b"\"\","),
            }
        }
        // The comma behind the last cell stands before what follows it, or goes.
        self.json.pop();
        if let Some(value) = value {
            self.json.push(b',');
            // Writing to memory can not fail.
            write!(self.json, "{value}").unwrap_or_default();
        }
        if let Some(processing) = data_processing {
            self.json.push(b',');
            self.json.extend_from_slice(processing.cells().as_bytes());
        }
        self.json.push(b']');
        self.count += 1;
        Ok(())
    }

    /// Rows in the batch.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the batch has no rows.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether no further row fits.
    pub fn is_full(&self) -> bool {
        self.count >= MAX_ROWS_PER_BATCH
    }

    /// Forgets the rows and keeps the columns.
    pub fn clear(&mut self) {
        self.json.truncate(1);
        self.count = 0;
    }

    /// Whether the rows carry values.
    pub(crate) fn have_values(&self) -> bool {
        self.columns != Columns::None
    }

    /// The names of all columns in their order.
    pub(crate) fn schema(&self) -> Vec<&'static str> {
        let behind: &[&[&str]] = match self.columns {
            Columns::None => &[],
            Columns::Value => &[&[VALUE_COLUMN]],
            Columns::ValueAndDataProcessing => &[&[VALUE_COLUMN], &DATA_PROCESSING_COLUMNS],
        };
        self.match_keys.iter().chain(behind.iter().copied().flatten()).copied().collect()
    }

    /// The array of rows without its closing bracket: it is sent from where it stands.
    pub(crate) fn open_json(&self) -> &[u8] {
        &self.json
    }
}

impl fmt::Debug for UserRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRows")
            .field("schema", &self.schema())
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{DataProcessing, MAX_ROWS_PER_BATCH, MemberValue, RowError, UserRows};
    use std::num::NonZeroU32;

    const MARY: &str = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79";
    const PHONE: &str = "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e";
    const KEYS: &[&str] = &["EMAIL", "PHONE"];

    fn bytes(hex: &str) -> [u8; 32] {
        const_hex::decode_to_array(hex).unwrap()
    }

    fn json(rows: &UserRows) -> String {
        format!("{}]", String::from_utf8(rows.open_json().to_vec()).unwrap())
    }

    fn value(hundredths: u32) -> Option<MemberValue> {
        NonZeroU32::new(hundredths).map(MemberValue::from_hundredths)
    }

    #[test]
    fn rows_are_written_byte_for_byte_as_meta_documents_them() {
        let mut rows = UserRows::new(KEYS);
        assert_eq!((json(&rows).as_str(), rows.is_empty()), ("[]", true));
        rows.push_row(&[Some(&bytes(MARY)), Some(&bytes(PHONE))], value(10000), None).unwrap();
        rows.push_row(&[Some(&bytes(MARY)), None], value(3725), None).unwrap();
        rows.push_row(&[None, Some(&bytes(PHONE))], value(1), None).unwrap();
        let expected = concat!(
            r#"[["f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79","#,
            r#""1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e",100],"#,
            r#"["f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79","",37.25],"#,
            r#"["","1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e",0.01]]"#
        );
        assert_eq!((json(&rows).as_str(), rows.len()), (expected, 3));
        assert_eq!(rows.schema(), ["EMAIL", "PHONE", "LOOKALIKE_VALUE"]);
        rows.clear();
        rows.push_row(&[None, Some(&bytes(PHONE))], value(700), None).unwrap();
        assert_eq!(json(&rows), format!(r#"[["","{PHONE}",7]]"#));
    }

    #[test]
    fn removals_have_no_value_and_limited_data_use_has_three_columns_more() {
        let mut rows = UserRows::without_values(KEYS);
        rows.push_row(&[Some(&bytes(MARY)), None], None, None).unwrap();
        assert_eq!((json(&rows), rows.schema()), (format!(r#"[["{MARY}",""]]"#), KEYS.to_vec()));

        let mut rows = UserRows::with_data_processing(KEYS);
        let processing = [DataProcessing::LimitedInCalifornia, DataProcessing::Unlimited];
        for processing in processing {
            rows.push_row(&[Some(&bytes(MARY)), None], value(150), Some(processing)).unwrap();
        }
        let expected = format!(r#"[["{MARY}","",1.5,["LDU"],1,1000],["{MARY}","",1.5,[],0,0]]"#);
        assert_eq!(json(&rows), expected);
        let schema = [
            "EMAIL",
            "PHONE",
            "LOOKALIKE_VALUE",
            "DATA_PROCESSING_OPTIONS",
            "DATA_PROCESSING_OPTIONS_COUNTRY",
            "DATA_PROCESSING_OPTIONS_STATE",
        ];
        assert_eq!(rows.schema(), schema);
    }

    #[test]
    fn values_are_bare_numbers_without_trailing_zeros() {
        let shown = |hundredths| value(hundredths).unwrap().to_string();
        let cases = [(1, "0.01"), (10, "0.1"), (99, "0.99"), (100, "1"), (3700, "37"), (3750, "37.5")];
        for (hundredths, expected) in cases {
            assert_eq!(shown(hundredths), expected);
        }
        assert_eq!(shown(10_009), "100.09");
    }

    #[test]
    fn a_row_that_would_be_useless_is_refused_and_changes_nothing() {
        let one = value(100);
        let mut rows = UserRows::new(KEYS);
        rows.push_row(&[Some(&bytes(MARY)), None], one, None).unwrap();
        let before = json(&rows);
        let mary = bytes(MARY);
        let cases: [(&[Option<&[u8; 32]>], RowError); 3] = [
            (&[Some(&mary)], RowError::Width { cells: 1, columns: 2 }),
            (&[Some(&mary), None, None], RowError::Width { cells: 3, columns: 2 }),
            (&[None, None], RowError::NoKey),
        ];
        for (cells, error) in cases {
            assert_eq!(rows.push_row(cells, one, None), Err(error));
        }
        assert_eq!((json(&rows), rows.len()), (before, 1));
    }

    #[test]
    fn a_row_has_exactly_the_columns_of_its_batch() {
        let (one, unlimited) = (value(100), Some(DataProcessing::Unlimited));
        let batches = [
            (UserRows::without_values(KEYS), (None, None)),
            (UserRows::new(KEYS), (one, None)),
            (UserRows::with_data_processing(KEYS), (one, unlimited)),
        ];
        for (mut rows, right) in batches {
            for columns in [(None, None), (one, None), (None, unlimited), (one, unlimited)] {
                let result = rows.push_row(&[Some(&bytes(MARY)), None], columns.0, columns.1);
                let expected = if columns == right { Ok(()) } else { Err(RowError::OtherColumns) };
                assert_eq!(result, expected, "{rows:?} {columns:?}");
            }
            assert_eq!(rows.len(), 1);
        }
    }

    #[test]
    fn ten_thousand_rows_fit_and_not_one_more() {
        let mut rows = UserRows::new(&["EMAIL"]);
        let mary = bytes(MARY);
        for _ in 0..MAX_ROWS_PER_BATCH {
            rows.push_row(&[Some(&mary)], value(5000), None).unwrap();
        }
        assert!(rows.is_full());
        assert_eq!(rows.push_row(&[Some(&bytes(MARY))], value(5000), None), Err(RowError::Full));
        assert_eq!(rows.len(), 10_000);
        assert_eq!(json(&rows).len(), 10_000 * (64 + 2 + 1 + 2 + 2) + 10_000 - 1 + 2);
    }

    #[test]
    fn debug_shows_no_hash() {
        let mut rows = UserRows::without_values(&["EMAIL"]);
        rows.push_row(&[Some(&bytes(MARY))], None, None).unwrap();
        assert!(!format!("{rows:?}").contains("f1904"));
    }
}
