//! The file of the embedded database: made readable to its owner alone before SQLite writes a byte into it.

use crate::error::StoreError;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Creates missing folders (0700) and the missing file (0600), and takes the rights of others from an existing file.
/// SQLite gives `-wal` and `-shm` the mode of the file itself; existing ones are treated like the file.
///
/// An existing file is never opened here: closing it would drop the POSIX locks that SQLite holds on it elsewhere in
/// this process. For the same reason two threads never create it at once.
pub(crate) fn prepare(path: &Path) -> Result<(), StoreError> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Unwritable { path, source }
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unwritable(folder))?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unwritable(path)(error)),
    }
    for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match std::fs::metadata(&file) {
            Ok(found) if found.is_file() && found.permissions().mode() & 0o077 != 0 => {
                std::fs::set_permissions(&file, Permissions::from_mode(0o600)).map_err(unwritable(&file))?;
            }
            Err(error) if file == path => return Err(unwritable(&file)(error)),
            // The others come and go with the connections.
            _ => {}
        }
    }
    Ok(())
}

/// The file whose name has this after it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
