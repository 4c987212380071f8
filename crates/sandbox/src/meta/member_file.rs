//! The rows of an audience, in an unlinked temporary file: however many there are, none is held.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use super::members::{DataProcessing, Key, Member};
use crate::people::PersonIndex;
use crate::temporary::{made, part};

/// E-mail, phone, value, person, session, limited data use.
const LENGTH: usize = 16 + 16 + 8 + 4 + 4 + 1;
/// Bytes read or written at a time.
const BUFFER: usize = 1 << 16;
/// Stands for nobody.
const NOBODY: PersonIndex = PersonIndex::MAX;

/// Accepted rows in the order received. The file is made with the first one.
#[derive(Default)]
pub(super) struct MemberFile {
    file: Option<File>,
    len: usize,
}

impl MemberFile {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Adds rows.
    ///
    /// # Errors
    /// A temporary file that can not be made or written.
    pub fn append(&mut self, members: &[Member]) -> io::Result<()> {
        if members.is_empty() {
            return Ok(());
        }
        let file = made(&mut self.file)?;
        file.seek(SeekFrom::Start(position(self.len)))?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        members.iter().try_for_each(|member| out.write_all(&encoded(member)))?;
        out.flush()?;
        self.len += members.len();
        Ok(())
    }

    /// All rows from this one on, in order. Only one such reading may go on at a time.
    ///
    /// # Errors
    /// A temporary file that can not be read; so has every row.
    pub fn from(&self, first: usize) -> io::Result<impl Iterator<Item = io::Result<Member>> + '_> {
        let mut input = self.file.as_ref().map(|file| BufReader::with_capacity(BUFFER, file));
        if let Some(input) = &mut input {
            input.seek(SeekFrom::Start(position(first)))?;
        }
        Ok((first..self.len).map_while(move |_| {
            let mut record = [0; LENGTH];
            Some(input.as_mut()?.read_exact(&mut record).map(|()| decoded(&record)))
        }))
    }

    /// Leaves only the rows that are wanted; returns how many went.
    ///
    /// # Errors
    /// A temporary file that can not be read or written.
    pub fn retain(&mut self, wanted: impl Fn(&Member) -> bool) -> io::Result<usize> {
        let mut left = Self::default();
        let mut kept = Vec::new();
        for member in self.from(0)? {
            kept.extend(Some(member?).filter(&wanted));
            if kept.len() * LENGTH > BUFFER {
                left.append(&kept)?;
                kept.clear();
            }
        }
        left.append(&kept)?;
        let gone = self.len - left.len;
        *self = left;
        Ok(gone)
    }
}

fn position(row: usize) -> u64 {
    (row * LENGTH) as u64
}

fn encoded(member: &Member) -> [u8; LENGTH] {
    let mut record = [0; LENGTH];
    record[..16].copy_from_slice(&member.email.0);
    record[16..32].copy_from_slice(&member.phone.0);
    record[32..40].copy_from_slice(&member.value.unwrap_or(f64::NAN).to_le_bytes());
    record[40..44].copy_from_slice(&member.person.unwrap_or(NOBODY).to_le_bytes());
    record[44..48].copy_from_slice(&member.session.to_le_bytes());
    record[48] = match member.processing {
        DataProcessing::Unsaid => 0,
        DataProcessing::Unlimited => 1,
        DataProcessing::Limited => 2,
    };
    record
}

fn decoded(record: &[u8; LENGTH]) -> Member {
    let value = f64::from_le_bytes(part(record, 32));
    let person = PersonIndex::from_le_bytes(part(record, 40));
    Member {
        email: Key(part(record, 0)),
        phone: Key(part(record, 16)),
        value: (!value.is_nan()).then_some(value),
        person: (person != NOBODY).then_some(person),
        session: u32::from_le_bytes(part(record, 44)),
        processing: match record[48] {
            0 => DataProcessing::Unsaid,
            1 => DataProcessing::Unlimited,
            _ => DataProcessing::Limited,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u32) -> Member {
        let key = |byte: u8| Key([byte; 16]);
        let value = (!n.is_multiple_of(3)).then_some(f64::from(n) / 2.0);
        let mut member = Member::new(key(n as u8), key(0), value, n.is_multiple_of(2).then_some(n));
        member.session = n / 1000;
        member.processing =
            [DataProcessing::Unsaid, DataProcessing::Unlimited, DataProcessing::Limited][n as usize % 3];
        member
    }

    fn rows(members: &MemberFile, from: usize) -> Vec<Member> {
        members.from(from).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn rows_come_back_as_they_were_and_in_order() {
        let mut members = MemberFile::default();
        assert!(rows(&members, 0).is_empty());
        let all: Vec<Member> = (0..5000).map(member).collect();
        for batch in all.chunks(999) {
            members.append(batch).unwrap();
            assert_eq!(rows(&members, 0).last(), batch.last());
        }
        assert_eq!(members.len(), all.len());
        assert!(rows(&members, 0) == all);
        assert!(rows(&members, 4990) == all[4990..]);
        assert!(rows(&members, 6000).is_empty());
    }

    #[test]
    fn what_is_not_wanted_goes_and_the_rest_keeps_its_order() {
        let mut members = MemberFile::default();
        let all: Vec<Member> = (0..5000).map(member).collect();
        members.append(&all).unwrap();
        assert_eq!(members.retain(|member| member.value.is_some()).unwrap(), 1667);
        let left: Vec<Member> = all.into_iter().filter(|member| member.value.is_some()).collect();
        assert!(rows(&members, 0) == left);
        members.append(&[member(7)]).unwrap();
        assert_eq!(rows(&members, left.len()), [member(7)]);
    }
}
