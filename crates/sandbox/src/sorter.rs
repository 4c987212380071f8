//! Sorting more records than memory should hold: sorted runs wait in an unlinked temporary file and are merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use crate::temporary::made;

/// Records sorted at once: 2 MB of those with 60 bytes.
const RUN: usize = 1 << 15;
/// Bytes of a run that wait in memory to be merged.
const AHEAD: usize = 1 << 14;

/// Takes records of `N` bytes in any order. They are compared byte by byte, so numbers are written big-endian.
pub(crate) struct Sorter<const N: usize> {
    run: Vec<[u8; N]>,
    file: Option<File>,
    /// Every run in the file has [`RUN`] records.
    runs: usize,
}

impl<const N: usize> Sorter<N> {
    /// Without records.
    pub(crate) fn new() -> Self {
        Self { run: Vec::new(), file: None, runs: 0 }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// A temporary file that can not be made or written.
    pub(crate) fn push(&mut self, record: [u8; N]) -> io::Result<()> {
        self.run.push(record);
        if self.run.len() < RUN {
            return Ok(());
        }
        self.run.sort_unstable();
        made(&mut self.file)?.write_all(self.run.as_flattened())?;
        self.run.clear();
        self.runs += 1;
        Ok(())
    }

    /// The records in order.
    ///
    /// # Errors
    /// A temporary file that can not be read.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted<N>> {
        self.run.sort_unstable();
        self.run.shrink_to_fit();
        let length = (RUN * N) as u64;
        let in_file = (0..self.runs as u64)
            .map(|run| Run { waiting: Vec::new().into_iter(), rest: run * length..(run + 1) * length });
        let in_memory = Run { waiting: self.run.into_iter(), rest: 0..0 };
        let mut sorted =
            Sorted { file: self.file, runs: in_file.chain([in_memory]).collect(), heads: BinaryHeap::new() };
        for run in 0..sorted.runs.len() {
            sorted.refill(run)?;
        }
        Ok(sorted)
    }
}

/// The records in order.
pub(crate) struct Sorted<const N: usize> {
    file: Option<File>,
    runs: Vec<Run<N>>,
    /// The first record of every run that has one.
    heads: BinaryHeap<Reverse<([u8; N], usize)>>,
}

struct Run<const N: usize> {
    waiting: std::vec::IntoIter<[u8; N]>,
    /// What is still in the file.
    rest: std::ops::Range<u64>,
}

impl<const N: usize> Sorted<N> {
    /// Brings the next record of a run to the front.
    fn refill(&mut self, run: usize) -> io::Result<()> {
        let Run { waiting, rest } = &mut self.runs[run];
        if let Some(file) = self.file.as_mut().filter(|_| waiting.len() == 0 && !rest.is_empty()) {
            let left = usize::try_from(rest.end - rest.start).unwrap_or(usize::MAX) / N;
            let mut records = vec![[0; N]; left.min(AHEAD / N)];
            file.seek(SeekFrom::Start(rest.start))?;
            file.read_exact(records.as_flattened_mut())?;
            rest.start += records.as_flattened().len() as u64;
            *waiting = records.into_iter();
        }
        self.heads.extend(waiting.next().map(|record| Reverse((record, run))));
        Ok(())
    }
}

impl<const N: usize> Iterator for Sorted<N> {
    type Item = io::Result<[u8; N]>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((record, run)) = self.heads.pop()?;
        Some(self.refill(run).map(|()| record))
    }
}

#[cfg(test)]
mod tests {
    use super::{RUN, Sorter};
    use crate::people::mix;

    #[test]
    fn records_of_many_runs_and_of_one_come_in_order() {
        for count in [0, 1, 1000, RUN, 3 * RUN + 17] {
            let mut records: Vec<[u8; 12]> = (0..count as u64)
                .map(|n| {
                    let mut record = [7; 12];
                    record[..8].copy_from_slice(&mix(n % 1000).to_be_bytes()); // most stand several times
                    record
                })
                .collect();
            let mut sorter = Sorter::new();
            for record in &records {
                sorter.push(*record).unwrap();
            }
            let sorted: Vec<[u8; 12]> = sorter.sorted().unwrap().map(Result::unwrap).collect();
            records.sort_unstable();
            assert!(sorted == records, "{count} records");
        }
    }
}
