//! The rows of an upload, written as Meta wants them.

use std::fmt;

/// Meta's limit per request.
pub const MAX_ROWS_PER_BATCH: usize = 10_000;

const VALUE_COLUMN: &str = "LOOKALIKE_VALUE";

/// Up to [`MAX_ROWS_PER_BATCH`] rows of hashed match keys with the value Meta ranks by, as the JSON array
/// `[["<hex>","",…,85],…]`: an unknown cell is `""`, the value is a bare number. The buffer is kept by
/// [`clear`](Self::clear), so one instance serves a whole upload.
pub struct UserRows {
    schema: Vec<String>,
    /// The array without its closing bracket.
    json: Vec<u8>,
    count: usize,
}

/// Why a row was not added. The rows added before are untouched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The batch holds the maximum already.
    #[error("a batch holds at most {MAX_ROWS_PER_BATCH} rows")]
    Full,
    /// More or fewer cells than columns.
    #[error("the row has {cells} cells for {columns} match keys")]
    Width {
        /// Cells of the row.
        cells: usize,
        /// Match keys of the schema.
        columns: usize,
    },
    /// A cell that is not a hash would send personal data in clear, or be worthless.
    #[error("cell {column} is not 64 lower-case hexadecimal digits")]
    NotAHash {
        /// Index of the column.
        column: usize,
    },
    /// Meta cannot match a row without any key.
    #[error("the row has no match key")]
    NoKey,
    /// Meta's documents disagree on zero, and its own uploader refuses it.
    #[error("the value is zero")]
    ZeroValue,
}

impl UserRows {
    /// An empty batch for these match keys (`EMAIL`, `PHONE`, `FN`, …); the value column is added behind them.
    pub fn new(match_keys: &[&str]) -> Self {
        let schema = match_keys.iter().copied().chain([VALUE_COLUMN]).map(str::to_owned).collect();
        Self { schema, json: vec![b'['], count: 0 }
    }

    /// Adds a person: one cell per match key in the order of the schema, 64 lower-case hexadecimal digits or `None`,
    /// and the value, above zero.
    ///
    /// # Errors
    /// [`RowError`]; nothing is added then.
    pub fn push_row(&mut self, cells: &[Option<&str>], value: u8) -> Result<(), RowError> {
        let columns = self.schema.len() - 1;
        if self.is_full() {
            return Err(RowError::Full);
        }
        if cells.len() != columns {
            return Err(RowError::Width { cells: cells.len(), columns });
        }
        if let Some(column) = cells.iter().position(|cell| cell.is_some_and(|cell| !is_hash(cell))) {
            return Err(RowError::NotAHash { column });
        }
        if cells.iter().all(Option::is_none) {
            return Err(RowError::NoKey);
        }
        if value == 0 {
            return Err(RowError::ZeroValue);
        }
        if self.count > 0 {
            self.json.push(b',');
        }
        self.json.push(b'[');
        for cell in cells {
            self.json.push(b'"');
            self.json.extend_from_slice(cell.unwrap_or_default().as_bytes());
            self.json.extend_from_slice(b"\",");
        }
        self.json.extend_from_slice(value.to_string().as_bytes());
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

    /// Forgets the rows and keeps the schema.
    pub fn clear(&mut self) {
        self.json.truncate(1);
        self.count = 0;
    }

    pub(crate) fn schema(&self) -> &[String] {
        &self.schema
    }

    /// Writes the complete array.
    pub(crate) fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.json);
        out.push(b']');
    }
}

impl fmt::Debug for UserRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRows")
            .field("schema", &self.schema)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

fn is_hash(cell: &str) -> bool {
    cell.len() == 64 && cell.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{MAX_ROWS_PER_BATCH, RowError, UserRows};

    const MARY: &str = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79";
    const PHONE: &str = "1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e";

    fn json(rows: &UserRows) -> String {
        let mut out = Vec::new();
        rows.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rows_are_written_byte_for_byte_as_meta_documents_them() {
        let mut rows = UserRows::new(&["EMAIL", "PHONE"]);
        assert_eq!((json(&rows).as_str(), rows.is_empty()), ("[]", true));
        rows.push_row(&[Some(MARY), Some(PHONE)], 100).unwrap();
        rows.push_row(&[Some(MARY), None], 85).unwrap();
        rows.push_row(&[None, Some(PHONE)], 1).unwrap();
        let expected = concat!(
            r#"[["f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79","#,
            r#""1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e",100],"#,
            r#"["f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79","",85],"#,
            r#"["","1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e",1]]"#
        );
        assert_eq!((json(&rows).as_str(), rows.len()), (expected, 3));
        assert_eq!(rows.schema(), ["EMAIL", "PHONE", "LOOKALIKE_VALUE"]);
        rows.clear();
        rows.push_row(&[None, Some(PHONE)], 7).unwrap();
        assert_eq!(json(&rows), format!(r#"[["","{PHONE}",7]]"#));
    }

    #[test]
    fn a_row_that_would_be_useless_or_in_clear_is_refused_and_changes_nothing() {
        let mut rows = UserRows::new(&["EMAIL", "PHONE"]);
        rows.push_row(&[Some(MARY), None], 2).unwrap();
        let before = json(&rows);
        let upper = MARY.to_uppercase();
        let cases: [(&[Option<&str>], u8, RowError); 7] = [
            (&[Some(MARY)], 1, RowError::Width { cells: 1, columns: 2 }),
            (&[Some(MARY), None, None], 1, RowError::Width { cells: 3, columns: 2 }),
            (&[None, Some("mary@example.com")], 1, RowError::NotAHash { column: 1 }),
            (&[Some(&upper), None], 1, RowError::NotAHash { column: 0 }),
            (&[Some(""), None], 1, RowError::NotAHash { column: 0 }),
            (&[None, None], 1, RowError::NoKey),
            (&[Some(MARY), None], 0, RowError::ZeroValue),
        ];
        for (cells, value, error) in cases {
            assert_eq!(rows.push_row(cells, value), Err(error));
        }
        assert_eq!((json(&rows), rows.len()), (before, 1));
    }

    #[test]
    fn ten_thousand_rows_fit_and_not_one_more() {
        let mut rows = UserRows::new(&["EMAIL"]);
        for _ in 0..MAX_ROWS_PER_BATCH {
            rows.push_row(&[Some(MARY)], 50).unwrap();
        }
        assert!(rows.is_full());
        assert_eq!(rows.push_row(&[Some(MARY)], 50), Err(RowError::Full));
        assert_eq!(rows.len(), 10_000);
        assert_eq!(json(&rows).len(), 10_000 * (64 + 2 + 1 + 2 + 2) + 10_000 - 1 + 2);
    }

    #[test]
    fn debug_shows_no_hash() {
        let mut rows = UserRows::new(&["EMAIL"]);
        rows.push_row(&[Some(MARY)], 50).unwrap();
        assert!(!format!("{rows:?}").contains("f1904"));
    }
}
