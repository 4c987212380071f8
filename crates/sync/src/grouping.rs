//! Finding equal keys among any number of rows with little memory.
//!
//! Keys of 16 bytes wait in a file; each pass looks only at the part of the key space that fits in memory.

use crate::error::RunError;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// Rows looked at per pass: about 4 MB of memory.
const ROWS_PER_PASS: u64 = 1 << 16;
const ENTRY: usize = 16 + 8 + 4;

/// The keys of some rows of the spool, each with a weight.
pub(crate) struct KeyFile {
    out: BufWriter<File>,
    rows: u64,
}

impl KeyFile {
    pub(crate) fn new(file: File) -> Self {
        Self { out: BufWriter::with_capacity(1 << 16, file), rows: 0 }
    }

    /// Adds a row with its key and weight.
    pub(crate) fn push(&mut self, key: [u8; 16], weight: i64, row: u32) -> Result<(), RunError> {
        let mut entry = [0; ENTRY];
        entry[..16].copy_from_slice(&key);
        entry[16..24].copy_from_slice(&weight.to_le_bytes());
        entry[24..].copy_from_slice(&row.to_le_bytes());
        self.rows += 1;
        self.out.write_all(&entry).map_err(RunError::spool("write"))
    }

    /// Calls `surplus` with every row whose key another row has with a greater weight, or with the same weight and
    /// earlier: one row per key is never named. Rows for which `skip` is true take no part.
    pub(crate) fn surplus(
        self,
        skip: impl Fn(u32) -> bool,
        mut surplus: impl FnMut(u32),
    ) -> Result<(), RunError> {
        let mut file = self
            .out
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .map_err(RunError::spool("write"))?;
        let passes = self.rows.div_ceil(ROWS_PER_PASS);
        for pass in 0..passes {
            let mut best: HashMap<[u8; 16], (i64, u32)> = HashMap::new();
            file.seek(SeekFrom::Start(0)).map_err(RunError::spool("read"))?;
            let mut input = BufReader::with_capacity(1 << 16, &file);
            let mut entry = [0; ENTRY];
            for _ in 0..self.rows {
                input.read_exact(&mut entry).map_err(RunError::spool("read"))?;
                let (key, weight, row) = parse(&entry);
                if part_of(&key) % passes != pass || skip(row) {
                    continue;
                }
                match best.get_mut(&key) {
                    None => {
                        best.insert(key, (weight, row));
                    }
                    Some(kept) if weight > kept.0 => {
                        surplus(kept.1);
                        *kept = (weight, row);
                    }
                    Some(_) => surplus(row),
                }
            }
        }
        Ok(())
    }
}

fn parse(entry: &[u8; ENTRY]) -> ([u8; 16], i64, u32) {
    let (mut key, mut weight, mut row) = ([0; 16], [0; 8], [0; 4]);
    key.copy_from_slice(&entry[..16]);
    weight.copy_from_slice(&entry[16..24]);
    row.copy_from_slice(&entry[24..]);
    (key, i64::from_le_bytes(weight), u32::from_le_bytes(row))
}

/// Keys are cut from hashes, so any bytes of them spread evenly.
fn part_of(key: &[u8; 16]) -> u64 {
    let mut part = [0; 8];
    part.copy_from_slice(&key[8..]);
    u64::from_le_bytes(part)
}

#[cfg(test)]
mod tests {
    use super::{KeyFile, ROWS_PER_PASS};

    fn key(number: u64) -> [u8; 16] {
        let mut key = [0; 16];
        key[8..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        key
    }

    #[test]
    fn one_row_per_key_is_kept_and_it_has_the_greatest_weight() {
        let mut keys = KeyFile::new(tempfile::tempfile().unwrap());
        for (row, (name, weight)) in [(1, 5), (2, 9), (1, 7), (1, 7), (2, 1), (3, 0)].into_iter().enumerate()
        {
            keys.push(key(name), weight, row as u32).unwrap();
        }
        let mut surplus = Vec::new();
        keys.surplus(|_| false, |row| surplus.push(row)).unwrap();
        surplus.sort_unstable();
        assert_eq!(surplus, [0, 3, 4]);
    }

    #[test]
    fn skipped_rows_take_no_part() {
        let mut keys = KeyFile::new(tempfile::tempfile().unwrap());
        keys.push(key(1), 9, 0).unwrap();
        keys.push(key(1), 1, 1).unwrap();
        keys.surplus(|row| row == 0, |row| panic!("row {row} stands alone")).unwrap();
    }

    #[test]
    fn many_passes_find_every_pair() {
        let mut keys = KeyFile::new(tempfile::tempfile().unwrap());
        let pairs = ROWS_PER_PASS + 10;
        for row in 0..2 * pairs {
            keys.push(key(row % pairs), 0, row as u32).unwrap();
        }
        let mut surplus = 0;
        keys.surplus(
            |_| false,
            |row| {
                assert!(u64::from(row) >= pairs, "the earlier row is kept");
                surplus += 1;
            },
        )
        .unwrap();
        assert_eq!(surplus, pairs);
    }
}
