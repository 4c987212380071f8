//! Finding people by the hash of an address or number, however many there are: the keys lie sorted in an unlinked temporary
//! file, 13 bytes each; only every 256th is held.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use super::PersonIndex;
use crate::sorter::Sorter;
use crate::temporary::part;

/// Key, whether the person gives way to another one, and the person: of equal keys the kept contact comes first.
const ENTRY: usize = 8 + 1 + 4;
/// Entries between two keys that are held: one is found by reading 3 kB.
const BLOCK: usize = 256;

/// Collects the keys.
pub(super) struct Unsorted(Sorter<ENTRY>);

impl Unsorted {
    pub(super) fn new() -> Self {
        Self(Sorter::new())
    }

    /// Adds a person's key.
    ///
    /// # Errors
    /// A temporary file that can not be written.
    pub(super) fn push(&mut self, key: u64, gives_way: bool, person: PersonIndex) -> io::Result<()> {
        let mut entry = [0; ENTRY];
        entry[..8].copy_from_slice(&key.to_be_bytes());
        entry[8] = gives_way.into();
        entry[9..].copy_from_slice(&person.to_be_bytes());
        self.0.push(entry)
    }

    /// Makes them searchable.
    ///
    /// # Errors
    /// A temporary file that can not be used.
    pub(super) fn indexed(self) -> io::Result<HashIndex> {
        let mut file = BufWriter::with_capacity(1 << 16, tempfile::tempfile()?);
        let (mut firsts, mut len) = (Vec::new(), 0);
        for entry in self.0.sorted()? {
            let entry = entry?;
            if len % BLOCK == 0 {
                firsts.push(key_of(&entry));
            }
            file.write_all(&entry)?;
            len += 1;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(HashIndex { firsts, len, file: Mutex::new(file) })
    }
}

/// Keys and whose they are.
#[derive(Debug)]
pub(super) struct HashIndex {
    /// The first key of every block.
    firsts: Vec<u64>,
    len: usize,
    file: Mutex<File>,
}

impl HashIndex {
    /// Whose key it is; of several people the kept contact, then the first.
    ///
    /// # Errors
    /// A temporary file that can not be read.
    pub(super) fn find(&self, key: u64) -> io::Result<Option<PersonIndex>> {
        let block = self.firsts.partition_point(|first| *first < key);
        // It may be at the end of the block before, or the very first entry of this one.
        let from = block.saturating_sub(1) * BLOCK;
        let mut entries = [[0; ENTRY]; BLOCK + 1];
        let entries = &mut entries[..(self.len - from).min(BLOCK + 1)];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start((from * ENTRY) as u64))?;
        file.read_exact(entries.as_flattened_mut())?;
        drop(file);
        let at = entries.partition_point(|entry| key_of(entry) < key);
        let found = entries.get(at).filter(|entry| key_of(*entry) == key);
        Ok(found.map(|entry| PersonIndex::from_be_bytes(part(entry, 9))))
    }
}

/// A hash and an entry begin with the key.
pub(super) fn key_of(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(part(bytes, 0))
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Unsorted};

    #[test]
    fn every_key_is_found_and_no_other_one() {
        for count in [0, 1, BLOCK as u32, BLOCK as u32 + 1, 5 * BLOCK as u32 + 3] {
            let mut keys = Unsorted::new();
            for person in (0..count).rev() {
                keys.push(u64::from(person) * 10 + 10, false, person).unwrap();
            }
            let index = keys.indexed().unwrap();
            for person in 0..count {
                assert_eq!(index.find(u64::from(person) * 10 + 10).unwrap(), Some(person));
                assert_eq!(index.find(u64::from(person) * 10 + 5).unwrap(), None);
            }
            assert_eq!(index.find(0).unwrap(), None);
            assert_eq!(index.find(u64::MAX).unwrap(), None);
        }
    }

    #[test]
    fn of_equal_keys_the_kept_contact_is_found_then_the_first() {
        let mut keys = Unsorted::new();
        for _ in 0..2 {
            for person in 0..BLOCK as u32 {
                keys.push(7, person < 3, person).unwrap();
            }
        }
        keys.push(8, false, 1).unwrap();
        let index = keys.indexed().unwrap();
        assert_eq!((index.find(7).unwrap(), index.find(8).unwrap()), (Some(3), Some(1)));
    }
}
