//! Copies of the embedded database: made while it is in use, and put back while it is not.

use crate::connection::{AnyConnection, connect};
use crate::database_url::DatabaseUrl;
use crate::error::StoreError;
use crate::migrate;
use crate::sqlite_file::beside;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How every file of SQLite begins. <https://sqlite.org/fileformat.html>
const BEGINNING: &[u8] = b"SQLite format 3\0";

/// What SQLite keeps beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

/// Writes the embedded database, as it is at one moment, into a file of its own with mode 0600, and returns its size in
/// bytes. The database may be in use, by a sync too; its tables are taken as they are, whatever version they have. An
/// earlier backup under that name is replaced when the new one is complete. Repeating is harmless.
///
/// # Errors
/// [`StoreError::Backup`] when there is no database, or when something else is kept under that name.
pub fn back_up(database: &Path, to: &Path) -> Result<u64, StoreError> {
    if !database.is_file() {
        return Err(refused(database, "does not exist"));
    }
    if let Ok(existing) = fs::metadata(to) {
        let own = fs::metadata(database).map_err(unwritable(database))?;
        if (existing.dev(), existing.ino()) == (own.dev(), own.ino()) {
            return Err(refused(to, "is the database itself"));
        }
        if !is_database(to)? {
            return Err(refused(to, "exists and is no backup"));
        }
    }
    let part = beside(to, ".part");
    new_file(&part)?;
    let written = copy_into(database, &part).and_then(|()| put_in_place(&part, to));
    if written.is_err() {
        // What is half written is of no use; the error that counts is the other one.
        fs::remove_file(&part).unwrap_or_default();
    }
    written?;
    Ok(fs::metadata(to).map_err(unwritable(to))?.len())
}

/// Puts a backup in the place of the embedded database, with mode 0600. The database that was there is kept beside it,
/// with `.before-restore` after its name, or `.before-restore-2` when there is one already, and so on; its path is returned.
/// Nothing is changed unless the whole backup was read and found sound.
///
/// # Errors
/// [`StoreError::Backup`] when the database is in use, or when this is no backup of this program;
/// [`StoreError::NewerSchema`] when a newer version of the program made it; [`StoreError::SetAside`] when the backup could
/// not be put in place, nor the database back.
pub fn restore(database: &Path, backup: &mut impl Read) -> Result<Option<PathBuf>, StoreError> {
    let part = beside(database, ".part");
    let mut file = new_file(&part)?;
    let copied = io::copy(backup, &mut file).and_then(|_| file.flush()).map_err(unwritable(&part));
    let restored = copied.and_then(|_| check(&part)).and_then(|()| {
        let kept = set_aside(database)?;
        put_in_place(&part, database).map_err(|error| match &kept {
            Some(kept) => put_back(kept, database, error),
            None => error,
        })?;
        Ok(kept)
    });
    if restored.is_err() {
        fs::remove_file(&part).unwrap_or_default();
    }
    for companion in COMPANIONS {
        fs::remove_file(beside(&part, companion)).unwrap_or_default();
    }
    restored
}

fn open(path: &Path) -> Result<AnyConnection, StoreError> {
    connect(&DatabaseUrl::Sqlite(path.to_owned()))
}

/// `VACUUM INTO` reads in one transaction, so that writers are not held up, and writes nothing but what is in use.
fn copy_into(database: &Path, part: &Path) -> Result<(), StoreError> {
    let path = part.to_str().ok_or_else(|| refused(part, "has a name that is not UTF-8"))?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(path)
        .execute(&mut open(database)?)
        .map(drop)
        .map_err(StoreError::query("copy the database"))
}

/// A sound database of this program, and not of a later version.
fn check(part: &Path) -> Result<(), StoreError> {
    let no_backup = || refused_backup("is no backup of this program, or was damaged");
    if !is_database(part)? {
        return Err(no_backup());
    }
    let Ok(mut connection) = open(part) else { return Err(no_backup()) };
    let verdict: Result<Verdict, _> = diesel::sql_query("PRAGMA quick_check(1)").get_result(&mut connection);
    let has_our_tables = connection.batch_execute("SELECT tag FROM instance LIMIT 1").is_ok();
    if !has_our_tables || !verdict.is_ok_and(|verdict| verdict.quick_check == "ok") {
        return Err(no_backup());
    }
    migrate::refuse_newer(&mut connection)?;
    // Whatever the check made beside the file belongs to it again.
    connection.batch_execute("PRAGMA journal_mode = DELETE").map_err(StoreError::query("read the backup"))
}

/// Moves the database away with its companions: a log of the old one must not be taken for one of the new.
fn set_aside(database: &Path) -> Result<Option<PathBuf>, StoreError> {
    let exists = database.exists();
    // Whoever has the database open holds a lock that keeps it from leaving the mode; a damaged one can not be asked.
    if exists
        && let Ok(mut connection) = open(database)
        && let Err(StoreError::Busy { .. }) = connection
            .batch_execute("PRAGMA journal_mode = DELETE")
            .map_err(StoreError::query("close the database"))
    {
        return Err(refused(database, "is in use"));
    }
    let aside = free_name(database);
    move_whole(database, &aside)?;
    Ok(exists.then_some(aside))
}

/// Better the old database than none. The error that counts is the one that kept the new one from its place.
fn put_back(kept: &Path, database: &Path, error: StoreError) -> StoreError {
    match move_whole(kept, database) {
        Ok(()) => error,
        Err(_) => StoreError::SetAside { kept: kept.to_owned(), source: Box::new(error) },
    }
}

fn move_whole(from: &Path, to: &Path) -> Result<(), StoreError> {
    for companion in COMPANIONS.into_iter().chain([""]) {
        let (from, to) = (beside(from, companion), beside(to, companion));
        if from.exists() {
            fs::rename(&from, &to).map_err(unwritable(&from))?;
        }
    }
    Ok(())
}

/// Where nothing is kept yet: of two restores the first may have been the mistake.
fn free_name(database: &Path) -> PathBuf {
    let (mut aside, mut number) = (beside(database, ".before-restore"), 2);
    // A log of another database must not stand beside it either.
    while COMPANIONS.into_iter().chain([""]).any(|end| beside(&aside, end).exists()) {
        aside = beside(database, &format!(".before-restore-{number}"));
        number += 1;
    }
    aside
}

/// On the disk first, then under its name.
fn put_in_place(part: &Path, to: &Path) -> Result<(), StoreError> {
    let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
    sync(part).map_err(unwritable(part))?;
    fs::rename(part, to).map_err(unwritable(to))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync(folder).map_err(unwritable(folder))
}

/// An empty file that nobody else can read; one that a crash left is begun anew.
fn new_file(path: &Path) -> Result<File, StoreError> {
    if path.exists() {
        fs::remove_file(path).map_err(unwritable(path))?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unwritable(path))
}

fn is_database(path: &Path) -> Result<bool, StoreError> {
    let mut beginning = Vec::new();
    let file = File::open(path).map_err(unwritable(path))?;
    file.take(BEGINNING.len() as u64).read_to_end(&mut beginning).map_err(unwritable(path))?;
    Ok(beginning == BEGINNING)
}

fn refused(path: &Path, problem: &'static str) -> StoreError {
    StoreError::Backup { what: path.display().to_string(), problem }
}

fn refused_backup(problem: &'static str) -> StoreError {
    StoreError::Backup { what: "what was given".to_owned(), problem }
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Unwritable { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::{put_back, refused_backup};
    use domain::Explain;
    use std::fs;

    #[test]
    fn a_database_that_can_not_be_put_back_is_told_to_lie_where_it_was_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let [kept, database] = ["a.db.before-restore", "a.db"].map(|name| folder.path().join(name));
        fs::write(&kept, "the database").unwrap();
        // In its place stands what no file can be moved to.
        fs::create_dir(&database).unwrap();
        let told = put_back(&kept, &database, refused_backup("was damaged")).explain();
        assert!(told.message.contains("What was given was damaged."), "{told:?}");
        assert!(told.message.contains(&kept.display().to_string()), "{told:?}");
        fs::remove_dir(&database).unwrap();
        let told = put_back(&kept, &database, refused_backup("was damaged")).explain();
        assert_eq!(told.message, "What was given was damaged.");
        assert_eq!(fs::read_to_string(&database).unwrap(), "the database");
    }
}
