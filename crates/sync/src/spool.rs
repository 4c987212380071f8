//! The spool: hashed contacts on disk, so that a run's memory does not grow with the list.
//!
//! A contact is written once, when it is read, and read back when the ranks are known: for the upload, for the record
//! and, after a crash, for the clean-up. The files hold personal data: mode 0600, swept at every start.

use crate::error::RunError;
use domain::Cents;
use domain::accounting::Bucket;
use match_keys::{Digest, Reason, Row};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Per column of the row, why something that was filled in is not sent.
    pub dropped: [Option<Reason>; match_keys::SCHEMA.len()],
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

    /// Deletes every spool below `root` that no living process has locked: nothing of an earlier process is needed once
    /// its runs are closed.
    ///
    /// # Errors
    /// [`RunError::Spool`] when a folder can not be deleted.
    pub fn sweep(root: &Path) -> Result<(), RunError> {
        sweep(root).map_err(RunError::spool("clear"))
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
}

/// However a run ends, its personal data leave the disk; what a crash leaves is swept at the next start.
impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = remove_if_there(&self.folder) {
            log::warn!("the spool could not be deleted and is swept at the next start: {error}");
        }
    }
}

/// A spool of its own for work that is not a run, deleted when this is dropped. Runs are alone by their lease, but this
/// work is not: a lock keeps a sweep by another process away, and ends with this process however it ends.
pub(crate) struct LockedSpool {
    /// Deleted before the lock is given up: fields are dropped in this order.
    pub(crate) spool: Spool,
    _lock: File,
}

/// The file in a spool's folder that is locked while the spool is in use.
const LOCK: &str = "lock";
/// A folder without a lock is left alone for this long: its lock may be about to come.
const BEING_MADE: Duration = Duration::from_secs(60);
const CREATE_TRIES: u32 = 10;

impl LockedSpool {
    /// Makes a folder with a name that nobody else has below `root`; again when a sweep was faster than the lock.
    pub(crate) fn create(root: &Path, purpose: &str) -> Result<Self, RunError> {
        let make = || {
            let folder = root.join(format!("{purpose}-{}", uuid::Uuid::new_v4().simple()));
            fs::create_dir_all(&folder)?;
            let spool = Spool { folder };
            let lock = private_file(&spool.folder.join(LOCK))?;
            lock.lock()?;
            fs::metadata(spool.folder.join(LOCK))?;
            Ok(Self { spool, _lock: lock })
        };
        let mut made: io::Result<Self> = make();
        for _ in 1..CREATE_TRIES {
            if !matches!(&made, Err(error) if error.kind() == io::ErrorKind::NotFound) {
                break;
            }
            made = make();
        }
        made.map_err(RunError::spool("create"))
    }
}

fn sweep(root: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            // Held while the folder goes: whoever waits for the lock then finds that it has to begin anew.
            if let Some(_lock) = lock_abandoned(&path) {
                remove_if_there(&path)?;
            }
        } else {
            fs::remove_file(&path)?;
        }
    }
    match fs::remove_dir(root) {
        Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => Err(error),
        _ => Ok(()),
    }
}

/// The right to delete a folder, with its lock when it has one; `None` while somebody uses it or is just making it.
fn lock_abandoned(folder: &Path) -> Option<Option<File>> {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            _ => Some(Some(lock)),
        },
        Err(_no_lock) => {
            let age = fs::metadata(folder).and_then(|folder| folder.modified()).map(|made| made.elapsed());
            let is_new = matches!(age, Ok(Ok(age)) if age < BEING_MADE);
            let is_a_run = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with("run-"));
            (is_a_run || !is_new).then_some(None)
        }
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
    // Nothing dropped is 0, a reason is its place in `Reason::ALL` from 1 on.
    out.extend(contact.dropped.map(|reason| reason.map_or(0, |reason| reason as u8 + 1)));
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
    let mut dropped = [None; match_keys::SCHEMA.len()];
    for (reason, number) in dropped.iter_mut().zip(take::<{ match_keys::SCHEMA.len() }>(&mut rest)?) {
        *reason = match number.checked_sub(1) {
            None => None,
            Some(place) => Some(*Reason::ALL.get(usize::from(place))?),
        };
    }
    Some(SpooledContact {
        id,
        email,
        phone,
        first_name,
        last_name,
        ltv: has_ltv.then_some(ltv),
        ambiguous,
        excluded,
        reason,
        row: Row::from_cells(cells),
        dropped,
    })
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

#[cfg(test)]
mod tests {
    use super::{LockedSpool, Spool, SpooledContact};
    use domain::accounting::Bucket;
    use domain::{Cents, RunId};
    use match_keys::{Reason, Row, hash};

    #[test]
    fn contacts_read_back_as_they_were_written() {
        let root = tempfile::tempdir().unwrap();
        let spool = Spool::create(root.path(), RunId(1)).unwrap();
        let plain = SpooledContact { id: "a".to_owned(), ..SpooledContact::default() };
        let mut full = SpooledContact {
            id: "b".to_owned(),
            email: Some(String::new()),
            phone: Some("1".to_owned()),
            ltv: Some(Cents(-5)),
            ambiguous: true,
            excluded: Some(Bucket::OptedOut),
            reason: Some("why".to_owned()),
            row: Row::from_cells(["x", "", "y", "", "", "", "", "", "1990", "01", "31"].map(hash)),
            ..plain.clone()
        };
        for (dropped, reason) in full.dropped.iter_mut().zip(Reason::ALL) {
            *dropped = Some(reason);
        }
        let mut writer = spool.writer().unwrap();
        writer.push(&plain).unwrap();
        writer.push(&full).unwrap();
        writer.finish().unwrap();
        let read: Vec<SpooledContact> = spool.contacts().unwrap().map(Result::unwrap).collect();
        assert!(read == [plain, full]);
    }

    #[test]
    fn a_sweep_deletes_what_dead_processes_left_and_spares_what_is_in_use() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().join("spool");
        Spool::sweep(&root).unwrap();
        std::fs::create_dir_all(root.join("run-7")).unwrap();
        let used = LockedSpool::create(&root, "preview").unwrap();
        let abandoned = root.join("preview-of-a-dead-process");
        std::fs::create_dir(&abandoned).unwrap();
        std::fs::write(abandoned.join("lock"), "").unwrap();
        Spool::sweep(&root).unwrap();
        let left: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, std::slice::from_ref(&used.spool.folder));
        drop(used);
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
        Spool::sweep(&root).unwrap();
        assert!(!root.exists());
    }
}
