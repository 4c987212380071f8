//! `backup` and `restore`: the embedded database in one file, and back.

use crate::command_line::FileOptions;
use crate::failure::Failed;
use crate::settings::Settings;
use crate::terminal::Terminal;
use persistence::DatabaseUrl;
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The name that stands for standard output or input.
const STANDARD: &str = "-";

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
    // The copy has to be complete before its first byte is given away.
    let copy = database.with_extension(format!("{}.backup", std::process::id()));
    let written = persistence::back_up(database, &copy).map_err(explained).and_then(|_| {
        let copied = File::open(&copy).and_then(|mut file| io::copy(&mut file, &mut io::stdout().lock()));
        copied.map(drop).map_err(|error| Failed::job(format!("The backup could not be written: {error}.")))
    });
    // It holds personal data.
    let removed = fs::remove_file(&copy);
    written?;
    removed.map_err(|error| Failed::job(format!("{} could not be removed: {error}.", copy.display())))
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
