//! The spool: hashed contacts on disk, so that a run's memory does not grow with the list.
//!
//! A contact is written once, when it is read, and read back when the ranks are known: for the upload, for the record
//! and, after a crash, for the clean-up. The files hold personal data: mode 0600, swept at every start.

mod record;

use crate::error::RunError;
use chrono::{DateTime, TimeDelta, Utc};
use domain::accounting::Bucket;
use domain::{Cents, RunId};
use match_keys::{Reason, Row};
use record::{decode, encode};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// One contact as it waits in the spool.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SpooledContact {
    /// The source's id.
    pub id: String,
    /// As read, for the record.
    pub email: Option<String>,
    /// As read, for the record.
    pub phone: Option<String>,
    /// In which country the number was read, for the record: two lower-case letters, as ASCII.
    pub country: Option<[u8; 2]>,
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
    /// The same person under additional addresses and numbers.
    pub further: Vec<Row>,
    /// Per column of the row, why something that was filled in is not sent.
    pub dropped: [Option<Reason>; match_keys::SCHEMA.len()],
}

/// The folder of one run's spool.
pub struct Spool {
    folder: PathBuf,
    /// Whether the folder outlives this value, because somebody may have to go on with it.
    kept: AtomicBool,
}

impl Spool {
    /// Makes an empty folder for the run below `root`, replacing what an earlier try left.
    ///
    /// # Errors
    /// [`RunError::Spool`] when the folder can not be made.
    pub fn create(root: &Path, run: RunId) -> Result<Self, RunError> {
        let folder = root.join(run_folder(run));
        remove_if_there(&folder).map_err(RunError::spool("clear"))?;
        fs::create_dir_all(&folder).map_err(RunError::spool("create"))?;
        Ok(Self { folder, kept: AtomicBool::new(false) })
    }

    /// The spool that an earlier process kept for a run, or `None` when it is not on this machine. It is kept on until
    /// [`release`](Self::release).
    pub(crate) fn reopen(root: &Path, run: RunId) -> Option<Self> {
        let folder = root.join(run_folder(run));
        folder.is_dir().then(|| Self { folder, kept: AtomicBool::new(true) })
    }

    /// Deletes every spool below `root` that no living process has locked, but those of the runs named in `spared`:
    /// nothing else of an earlier process is needed once its runs are closed.
    ///
    /// # Errors
    /// [`RunError::Spool`] when a folder can not be deleted.
    pub fn sweep(root: &Path, spared: &[RunId], now: DateTime<Utc>) -> Result<(), RunError> {
        let spared: Vec<PathBuf> = spared.iter().map(|run| root.join(run_folder(*run))).collect();
        sweep(root, &spared, now).map_err(RunError::spool("clear"))
    }

    /// Keeps the folder beyond this process, whatever becomes of it.
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::SeqCst);
    }

    /// The folder is not needed any more and goes with this value.
    pub(crate) fn release(&self) {
        self.kept.store(false, Ordering::SeqCst);
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

    /// Writes a side file that is complete and safe on disk when this returns, together with its folders.
    pub(crate) fn write_durably(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let mut file = self.side_file(name)?;
        let synced = file.write_all(bytes).and_then(|()| file.sync_data());
        let folders = [Some(self.folder.as_path()), self.folder.parent()];
        synced
            .and_then(|()| {
                folders.into_iter().flatten().try_for_each(|folder| File::open(folder)?.sync_all())
            })
            .map_err(RunError::spool("write"))
    }

    /// What a side file holds, or `None` when there is none.
    pub(crate) fn read_side_file(&self, name: &str) -> Result<Option<Vec<u8>>, RunError> {
        match fs::read(self.folder.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some).map_err(RunError::spool("read")),
        }
    }
}

fn run_folder(run: RunId) -> String {
    format!("run-{run}")
}

/// However a run ends, its personal data leave the disk, unless they are needed to finish what it began at Meta; what a
/// crash leaves is swept at the next start.
impl Drop for Spool {
    fn drop(&mut self) {
        if self.kept.load(Ordering::SeqCst) {
            return;
        }
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
const BEING_MADE: TimeDelta = TimeDelta::minutes(1);
const CREATE_TRIES: u32 = 10;

impl LockedSpool {
    /// Makes a folder with a name that nobody else has below `root`; again when a sweep was faster than the lock.
    pub(crate) fn create(root: &Path, purpose: &str) -> Result<Self, RunError> {
        let make = || {
            let folder = root.join(format!("{purpose}-{}", uuid::Uuid::new_v4().simple()));
            fs::create_dir_all(&folder)?;
            let spool = Spool { folder, kept: AtomicBool::new(false) };
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

fn sweep(root: &Path, spared: &[PathBuf], now: DateTime<Utc>) -> io::Result<()> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        if spared.contains(&path) {
            continue;
        }
        if path.is_dir() {
            // Held while the folder goes: whoever waits for the lock then finds that it has to begin anew.
            if let Some(_lock) = lock_abandoned(&path, now) {
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
fn lock_abandoned(folder: &Path, now: DateTime<Utc>) -> Option<Option<File>> {
    match File::open(folder.join(LOCK)) {
        Ok(lock) => match lock.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            _ => Some(Some(lock)),
        },
        Err(_no_lock) => {
            let made = fs::metadata(folder).and_then(|folder| folder.modified());
            let age = made.map(|made| now - DateTime::<Utc>::from(made));
            let is_new = age.is_ok_and(|age| TimeDelta::zero() <= age && age < BEING_MADE);
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

#[cfg(test)]
mod tests {
    use super::{LockedSpool, Spool, SpooledContact};
    use chrono::TimeDelta;
    use domain::accounting::Bucket;
    use domain::{Cents, Clock, RunId, SystemClock};
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
            country: Some(*b"ch"),
            ltv: Some(Cents(-5)),
            ambiguous: true,
            excluded: Some(Bucket::OptedOut),
            reason: Some("why".to_owned()),
            row: Row::from_cells(["x", "", "y", "", "", "", "", "", "1990", "01", "31"].map(hash)),
            further: vec![Row::from_cells([hash("z"); match_keys::SCHEMA.len()]), Row::default()],
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
        Spool::sweep(&root, &[], SystemClock.now()).unwrap();
        std::fs::create_dir_all(root.join("run-7")).unwrap();
        let used = LockedSpool::create(&root, "preview").unwrap();
        let abandoned = root.join("preview-of-a-dead-process");
        std::fs::create_dir(&abandoned).unwrap();
        std::fs::write(abandoned.join("lock"), "").unwrap();
        let needed = Spool::create(&root, RunId(8)).unwrap();
        needed.write_durably("plan", b"rows").unwrap();
        needed.keep();
        drop(needed);
        Spool::sweep(&root, &[RunId(8)], SystemClock.now()).unwrap();
        let reopened = Spool::reopen(&root, RunId(8)).unwrap();
        assert_eq!(reopened.read_side_file("plan").unwrap().as_deref(), Some(&b"rows"[..]));
        assert_eq!(reopened.read_side_file("other").unwrap(), None);
        reopened.release();
        drop(reopened);
        assert!(Spool::reopen(&root, RunId(8)).is_none());
        let left: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, std::slice::from_ref(&used.spool.folder));
        drop(used);
        assert_eq!(std::fs::read_dir(&root).unwrap().count(), 0);
        Spool::sweep(&root, &[], SystemClock.now()).unwrap();
        assert!(!root.exists());
    }

    #[test]
    fn a_folder_without_a_lock_is_spared_while_its_lock_may_be_about_to_come() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().join("spool");
        std::fs::create_dir_all(root.join("preview-about-to-be-locked")).unwrap();
        let now = SystemClock.now();
        Spool::sweep(&root, &[], now).unwrap();
        assert!(root.exists());
        Spool::sweep(&root, &[], now + TimeDelta::minutes(1)).unwrap();
        assert!(!root.exists());
    }
}
