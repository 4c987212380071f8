//! Records in unlinked temporary files.

use std::fs::File;
use std::io;

/// The temporary file, made when it is needed first.
///
/// # Errors
/// No room for one.
pub(crate) fn made(file: &mut Option<File>) -> io::Result<&mut File> {
    match file {
        Some(file) => Ok(file),
        none => Ok(none.insert(tempfile::tempfile()?)),
    }
}

/// The bytes of a record from there on, as many as are asked for; the record has them.
pub(crate) fn part<const N: usize>(record: &[u8], from: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&record[from..from + N]);
    part
}
