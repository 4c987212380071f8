//! `backup` and `restore`: the embedded database in one file, and back.

use crate::command_line::FileOptions;
use crate::failure::Failed;
use crate::settings::Settings;
use crate::terminal::Terminal;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Clock, SystemClock};
use persistence::DatabaseUrl;
use std::fs::{self, DirEntry, File};
use std::io;
use std::path::{Path, PathBuf};

/// The name that stands for standard output or input.
const STANDARD: &str = "-";

/// What stands behind the database's name in that of a copy on its way to standard output, before the process's id.
const ON_ITS_WAY: &str = ".to-standard-output-";

/// A copy that is being made is written to all the time; one that nobody has touched for this long belongs to nobody.
const ABANDONED_AFTER: TimeDelta = TimeDelta::minutes(10);

/// Copies the embedded database into a file, or to standard output.
///
/// # Errors
/// Exit status 2 when there is none, or when the file can not be written.
pub fn back_up(options: &FileOptions, settings: &Settings, terminal: &Terminal) -> Result<(), Failed> {
    let database = embedded(settings, "pg_dump --format=custom --file=FILE DATABASE")?;
    let explained = |error| Failed::explained(&error);
    if options.file != Path::new(STANDARD) {
        let bytes = persistence::back_up(database, &options.file).map_err(explained)?;
        terminal.say(&format!("{} holds the database now, {bytes} bytes.", options.file.display()));
        return Ok(());
    }
    remove_abandoned_copies(database, SystemClock.now());
    // The copy has to be complete before its first byte is given away.
    let mut copy = database.as_os_str().to_owned();
    copy.push(format!("{ON_ITS_WAY}{}", std::process::id()));
    let copy = PathBuf::from(copy);
    persistence::back_up(database, &copy).map_err(explained)?;
    let opened = File::open(&copy);
    // It holds personal data, and whoever reads it may go away at any moment: from here on nothing of it stays.
    fs::remove_file(&copy)
        .map_err(|error| Failed::job(format!("{} could not be removed: {error}.", copy.display())))?;
    let copied = opened.and_then(|mut file| io::copy(&mut file, &mut io::stdout().lock()));
    copied.map(drop).map_err(|error| Failed::job(format!("The backup could not be written: {error}.")))
}

/// Deletes what backups to standard output left beside the database when they were killed: all its personal data.
pub fn remove_abandoned_copies(database: &Path, now: DateTime<Utc>) {
    let Some(name) = database.file_name().and_then(|name| name.to_str()) else { return };
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beginning = format!("{name}{ON_ITS_WAY}");
    let is_abandoned = |entry: &DirEntry| {
        let touched = entry.metadata().and_then(|file| file.modified());
        entry.file_name().to_string_lossy().starts_with(&beginning)
            && touched.is_ok_and(|touched| now - DateTime::<Utc>::from(touched) > ABANDONED_AFTER)
    };
    // A folder that can not be read is told when the database is opened.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(is_abandoned) {
        match fs::remove_file(entry.path()) {
            Ok(()) => log::info!("{} was left by a backup that was killed: deleted", entry.path().display()),
            Err(error) => log::warn!("{} could not be deleted: {error}", entry.path().display()),
        }
    }
}

/// Puts a backup from a file, or from standard input, in the place of the embedded database.
///
/// # Errors
/// Exit status 2 when the service runs, or when this is no backup; then nothing was changed.
pub fn restore(options: &FileOptions, settings: &Settings, terminal: &Terminal) -> Result<(), Failed> {
    let database = embedded(
        settings,
        "psql --dbname=DATABASE --command='DROP SCHEMA public CASCADE; CREATE SCHEMA public' && pg_restore --dbname=DATABASE --no-owner --single-transaction FILE\nThe first of the two deletes everything in the database.",
    )?;
    let explained = |error| Failed::explained(&error);
    let kept = if options.file == Path::new(STANDARD) {
        persistence::restore(database, &mut io::stdin().lock()).map_err(explained)?
    } else {
        let mut file = File::open(&options.file).map_err(|error| {
            Failed::configuration(format!("{} can not be read: {error}.", options.file.display()))
        })?;
        persistence::restore(database, &mut file).map_err(explained)?
    };
    terminal.say(&format!("The backup is in place as {}; start the service again.", database.display()));
    terminal.say(&match kept {
        Some(kept) => format!("The database that was there is kept as {}.", kept.display()),
        None => "No database was there before. If the service had one, it is in another folder, and this was not the place: see DATA_DIR, or the folder that is mounted there.".to_owned(),
    });
    Ok(())
}

/// The file of the embedded database.
fn embedded<'a>(settings: &'a Settings, instead: &str) -> Result<&'a Path, Failed> {
    match &settings.database {
        DatabaseUrl::Sqlite(path) => Ok(path),
        DatabaseUrl::Postgres(_) => Err(Failed::configuration(format!(
            "The database is on a PostgreSQL server, which has tools of its own.\nUse: {instead}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::remove_abandoned_copies;
    use domain::{Clock, SystemClock};
    use std::fs::File;
    use std::time::SystemTime;

    #[test]
    fn a_copy_is_abandoned_by_the_clock_that_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("database");
        let copy = folder.path().join("database.to-standard-output-7");
        let touched = SystemClock.now();
        File::create(&copy).unwrap().set_modified(SystemTime::from(touched)).unwrap();
        for (minutes, stays) in [(-60, true), (10, true), (11, false)] {
            remove_abandoned_copies(&database, touched + chrono::TimeDelta::minutes(minutes));
            assert_eq!(copy.exists(), stays, "{minutes}");
        }
    }
}
