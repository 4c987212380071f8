//! The log: a file per day under the log folder, thirty kept, `app.log` pointing at the newest; on demand standard
//! output as well.

use crate::failure::Failed;
use flexi_logger::{Age, Cleanup, Criterion, DeferredNow, FileSpec, Logger, LoggerHandle, Naming};
use log::Record;
use std::io::Write;
use std::path::Path;

/// Days of log files kept beside the current one.
const KEEP_DAYS: usize = 30;

/// Starts logging to `<folder>`; with `echo` to standard output too. Logging ends when the handle is dropped.
///
/// # Errors
/// A configuration error when the folder can not be written.
pub fn start(folder: &Path, level: log::LevelFilter, echo: bool) -> Result<LoggerHandle, Failed> {
    let unwritable = |error: flexi_logger::FlexiLoggerError| {
        Failed::configuration(format!(
            "The log folder {} can not be written ({error}).\nMake it writable, or choose another with LOG_DIR.",
            folder.display()
        ))
    };
    // Libraries below us would log what we must not: addresses with tokens, statements with personal data.
    let mut levels = flexi_logger::LogSpecBuilder::new();
    levels.default(level.min(log::LevelFilter::Warn));
    for module in OUR_MODULES {
        levels.module(module, level);
    }
    let daily = Naming::TimestampsCustomFormat { current_infix: None, format: "%Y-%m-%d" };
    let mut logger = Logger::with(levels.build())
        .log_to_file(FileSpec::default().directory(folder).basename("app"))
        .rotate(Criterion::Age(Age::Day), daily, Cleanup::KeepLogFiles(KEEP_DAYS))
        .create_symlink(folder.join("app.log"))
        .append()
        .use_utc()
        .format(line);
    if echo {
        logger = logger.duplicate_to_stdout(flexi_logger::Duplicate::All);
    }
    logger.start().map_err(unwritable)
}

/// The crates of this program, as the log calls them.
const OUR_MODULES: &[&str] = &[
    "claude",
    "domain",
    "ghl",
    "ghl_meta_sync",
    "http_client",
    "mailer",
    "match_keys",
    "meta",
    "persistence",
    "sync",
    "web",
];

/// `2026-11-21T02:00:00.123Z INFO [run-7] sync::pipeline: message`, the thread's name standing for run and request.
fn line(out: &mut dyn Write, now: &mut DeferredNow, record: &Record<'_>) -> std::io::Result<()> {
    let thread = std::thread::current();
    write!(
        out,
        "{} {:5} [{}] {}: {}",
        now.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
        record.level(),
        thread.name().unwrap_or("-"),
        record.target(),
        record.args()
    )
}
