//! The spool: hashed contacts on disk, so that a run's memory does not grow with the list.
//!
//! A contact is written once, when it is read, and read back when the ranks are known: for the upload, for the record
//! and, after a crash, for the clean-up. The files hold personal data: mode 0600, swept at every start.

use crate::error::RunError;
use domain::Cents;
use domain::accounting::Bucket;
use match_keys::{Digest, Row};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// One contact as it waits in the spool.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SpooledContact {
    /// The source's id.
    pub id: String,
    /// As read, for the record.
    pub email: Option<String>,
    /// As read, for the record.
    pub phone: Option<String>,
    /// As read, for the record.
    pub first_name: Option<String>,
    /// As read, for the record.
    pub last_name: Option<String>,
    /// The lifetime value.
    pub ltv: Option<Cents>,
    /// Another locale would read the value differently.
    pub ambiguous: bool,
    /// The bucket the contact falls into by itself, when it can not be sent.
    pub excluded: Option<Bucket>,
    /// Why, for the record: one phrase without personal data.
    pub reason: Option<String>,
    /// The hashed match keys.
    pub row: Row,
}

/// The folder of one run's spool.
pub struct Spool {
    folder: PathBuf,
}

impl Spool {
    /// Makes an empty folder for the run below `root`, replacing what an earlier try left.
    ///
    /// # Errors
    /// [`RunError::Spool`] when the folder can not be made.
    pub fn create(root: &Path, run: domain::RunId) -> Result<Self, RunError> {
        let folder = root.join(format!("run-{run}"));
        remove_if_there(&folder).map_err(RunError::spool("clear"))?;
        fs::create_dir_all(&folder).map_err(RunError::spool("create"))?;
        Ok(Self { folder })
    }

    /// Deletes every spool below `root`: nothing of an earlier process is needed once its runs are closed.
    ///
    /// # Errors
    /// [`RunError::Spool`] when a folder can not be deleted.
    pub fn sweep(root: &Path) -> Result<(), RunError> {
        remove_if_there(root).map_err(RunError::spool("clear"))
    }

    /// Begins (again) to write contacts.
    pub(crate) fn writer(&self) -> Result<SpoolWriter, RunError> {
        let file = private_file(&self.folder.join("contacts")).map_err(RunError::spool("create"))?;
        Ok(SpoolWriter { out: BufWriter::with_capacity(1 << 16, file), buffer: Vec::with_capacity(1024) })
    }

    /// Reads the contacts back in the order they were written.
    pub(crate) fn contacts(&self) -> Result<SpoolReader, RunError> {
        let file = File::open(self.folder.join("contacts")).map_err(RunError::spool("open"))?;
        Ok(SpoolReader { input: BufReader::with_capacity(1 << 16, file), buffer: Vec::with_capacity(1024) })
    }

    /// A further private file beside the contacts.
    pub(crate) fn side_file(&self, name: &str) -> Result<File, RunError> {
        private_file(&self.folder.join(name)).map_err(RunError::spool("create"))
    }

    /// Deletes the spool.
    pub(crate) fn remove(&self) -> Result<(), RunError> {
        remove_if_there(&self.folder).map_err(RunError::spool("delete"))
    }
}

fn remove_if_there(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Appends contacts.
pub(crate) struct SpoolWriter {
    out: BufWriter<File>,
    buffer: Vec<u8>,
}

impl SpoolWriter {
    /// Appends one contact.
    pub(crate) fn push(&mut self, contact: &SpooledContact) -> Result<(), RunError> {
        self.buffer.clear();
        encode(contact, &mut self.buffer);
        let length = u32::try_from(self.buffer.len()).unwrap_or(u32::MAX);
        self.out
            .write_all(&length.to_le_bytes())
            .and_then(|()| self.out.write_all(&self.buffer))
            .map_err(RunError::spool("write"))
    }

    /// Writes everything out and makes it durable.
    pub(crate) fn finish(mut self) -> Result<(), RunError> {
        self.out.flush().and_then(|()| self.out.get_ref().sync_data()).map_err(RunError::spool("write"))
    }
}

/// Iterates over the contacts of a spool.
pub(crate) struct SpoolReader {
    input: BufReader<File>,
    buffer: Vec<u8>,
}

impl Iterator for SpoolReader {
    type Item = Result<SpooledContact, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut length = [0; 4];
        match self.input.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => return Some(Err(RunError::Spool { doing: "read", source: error })),
            Ok(()) => {}
        }
        self.buffer.resize(u32::from_le_bytes(length) as usize, 0);
        let contact = self.input.read_exact(&mut self.buffer).and_then(|()| {
            decode(&self.buffer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a damaged record"))
        });
        Some(contact.map_err(RunError::spool("read")))
    }
}

fn encode(contact: &SpooledContact, out: &mut Vec<u8>) {
    push_text(Some(&contact.id), out);
    for text in [&contact.email, &contact.phone, &contact.first_name, &contact.last_name, &contact.reason] {
        push_text(text.as_deref(), out);
    }
    push_text(contact.excluded.map(Bucket::as_str), out);
    out.push(u8::from(contact.ltv.is_some()));
    out.push(u8::from(contact.ambiguous));
    out.extend_from_slice(&contact.ltv.unwrap_or_default().0.to_le_bytes());
    for cell in contact.row.cells() {
        match cell {
            None => out.push(0),
            Some(digest) => {
                out.push(1);
                out.extend_from_slice(digest.as_bytes());
            }
        }
    }
}

/// Absent text is the length `u32::MAX`.
fn push_text(text: Option<&str>, out: &mut Vec<u8>) {
    let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(u32::MAX - 1));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.unwrap_or_default().as_bytes());
}

fn decode(bytes: &[u8]) -> Option<SpooledContact> {
    let mut rest = bytes;
    let id = take_text(&mut rest)??;
    let email = take_text(&mut rest)?;
    let phone = take_text(&mut rest)?;
    let first_name = take_text(&mut rest)?;
    let last_name = take_text(&mut rest)?;
    let reason = take_text(&mut rest)?;
    let excluded = match take_text(&mut rest)? {
        None => None,
        Some(word) => Some(word.parse().ok()?),
    };
    let has_ltv = take::<1>(&mut rest)? == [1];
    let ambiguous = take::<1>(&mut rest)? == [1];
    let ltv = Cents(i64::from_le_bytes(take(&mut rest)?));
    let mut cells = [None; match_keys::SCHEMA.len()];
    for cell in &mut cells {
        if take::<1>(&mut rest)? == [1] {
            *cell = Some(Digest::from_bytes(take(&mut rest)?));
        }
    }
    let row = Row::from_cells(cells);
    let ltv = has_ltv.then_some(ltv);
    Some(SpooledContact { id, email, phone, first_name, last_name, ltv, ambiguous, excluded, reason, row })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[expect(clippy::option_option, reason = "outside: the record is damaged; inside: the text is absent")]
fn take_text(rest: &mut &[u8]) -> Option<Option<String>> {
    let length = u32::from_le_bytes(take(rest)?);
    if length == u32::MAX {
        return Some(None);
    }
    let (head, tail) = rest.split_at_checked(length as usize)?;
    *rest = tail;
    Some(Some(String::from_utf8(head.to_vec()).ok()?))
}
