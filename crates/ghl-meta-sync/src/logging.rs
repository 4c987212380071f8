//! The log: `app.log` under the log folder, a new file every day, thirty old ones kept; on demand standard output as well.
//!
//! A line is `2026-11-21T02:00:00.123Z INFO  run-7 req-12 sync::pipeline: message`: the time in UTC, the run and the
//! request it belongs to ([`domain::log_context`]), who wrote it, and the message. A line is always one line.

use crate::failure::Failed;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::log_context::{self, Context};
use flexi_logger::{Age, Cleanup, Criterion, DeferredNow, FileSpec, Logger, LoggerHandle, Naming};
use log::Record;
use std::io::Write;
use std::path::Path;

/// Files of earlier days kept beside the current one.
const KEEP_FILES: usize = 30;

/// Starts logging to `<folder>/app.log`, creating the folder; with `echo` to standard output too. Logging ends when the
/// handle is dropped.
///
/// The first line of a day moves `app.log` to `app_<date of its first line>.log`. The day begins at midnight of the
/// process's zone (the variable TZ), the only one the library knows; only the times on the lines are UTC. A link
/// named `app.log` would point nowhere when the folder is looked at from outside the container.
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
    let daily = Naming::TimestampsCustomFormat { current_infix: Some(""), format: "%Y-%m-%d" };
    let mut logger = Logger::with(levels.build())
        .log_to_file(FileSpec::default().directory(folder).basename("app"))
        .rotate(Criterion::Age(Age::Day), daily, Cleanup::KeepLogFiles(KEEP_FILES))
        .append()
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

fn line(out: &mut dyn Write, now: &mut DeferredNow, record: &Record<'_>) -> std::io::Result<()> {
    write_line(out, now.now_utc_owned(), log_context::current(), record)
}

fn write_line(
    out: &mut dyn Write,
    now: DateTime<Utc>,
    context: Context,
    record: &Record<'_>,
) -> std::io::Result<()> {
    let time = now.to_rfc3339_opts(SecondsFormat::Millis, true);
    let message = on_one_line(&record.args().to_string());
    write!(out, "{time} {:5} {context} {}: {message}", record.level(), record.target())
}

/// Text from elsewhere could forge a line of the log with a line break, or its look with escape sequences and marks that
/// turn the direction of writing; all these are written as escapes, so that nothing is lost.
fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                line.extend(c.escape_default());
            }
            _ if c.is_control() => line.extend(c.escape_default()),
            _ => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{KEEP_FILES, start, write_line};
    use domain::RunId;
    use domain::log_context::{self, Context};
    use log::{Level, LevelFilter, Record};
    use std::path::Path;

    fn written(level: Level, context: Context, message: &str) -> String {
        let mut out = Vec::new();
        let now = "2026-11-21T02:00:00.123456Z".parse().unwrap();
        let args = format_args!("{message}");
        let record = Record::builder().level(level).target("sync::pipeline").args(args).build();
        write_line(&mut out, now, context, &record).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_says_when_how_grave_for_which_run_and_request_and_who() {
        let run = Some(RunId(7));
        for (level, context, expected) in [
            (
                Level::Info,
                Context { run, request: Some(12) },
                "2026-11-21T02:00:00.123Z INFO  run-7 req-12 sync::pipeline: 3 contacts",
            ),
            (
                Level::Error,
                Context { run, request: None },
                "2026-11-21T02:00:00.123Z ERROR run-7 - sync::pipeline: 3 contacts",
            ),
            (
                Level::Warn,
                Context::default(),
                "2026-11-21T02:00:00.123Z WARN  - - sync::pipeline: 3 contacts",
            ),
        ] {
            assert_eq!(written(level, context, "3 contacts"), expected);
        }
    }

    #[test]
    fn a_message_can_not_forge_a_second_line_or_another_look() {
        let forged = "no\r\n2026-11-21T02:00:01.000Z INFO  run-8 - sync::pipeline: all is well";
        for (message, expected) in [
            (forged, "no\\r\\n2026-11-21T02:00:01.000Z INFO  run-8 - sync::pipeline: all is well"),
            ("a\u{85}b\u{2028}c\u{2029}d\u{b}e\u{c}f", "a\\u{85}b\\u{2028}c\\u{2029}d\\u{b}e\\u{c}f"),
            ("\u{1b}[2Jgone\u{0}", "\\u{1b}[2Jgone\\u{0}"),
            ("abc\u{202e}fed\u{2066}", "abc\\u{202e}fed\\u{2066}"),
            ("Käufer \u{1f600} zahlen 10 €", "Käufer \u{1f600} zahlen 10 €"),
        ] {
            let line = written(Level::Info, Context::default(), message);
            assert_eq!(line, format!("2026-11-21T02:00:00.123Z INFO  - - sync::pipeline: {expected}"));
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// The one test here that starts the logger, of which a process has one.
    #[test]
    fn the_log_is_app_log_and_thirty_older_files() {
        let temporary = tempfile::tempdir().unwrap();
        let occupied = temporary.path().join("file");
        std::fs::write(&occupied, "").unwrap();
        let refused = start(&occupied, LevelFilter::Info, false).err().unwrap();
        assert!(refused.to_string().contains("choose another with LOG_DIR"), "{refused}");

        let folder = temporary.path().join("new").join("logs");
        std::fs::create_dir_all(&folder).unwrap();
        for day in 1..=31 {
            std::fs::write(folder.join(format!("app_2025-01-{day:02}.log")), "old").unwrap();
            std::fs::write(folder.join(format!("app_2025-03-{day:02}.log")), "old").unwrap();
        }
        std::fs::write(folder.join("app.log"), "from before the restart\n").unwrap();
        std::fs::write(folder.join("notes.txt"), "not ours").unwrap();

        let handle = start(&folder, LevelFilter::Info, false).unwrap();
        {
            let _run = log_context::enter(Context::of_run(RunId(7)));
            log::info!("begun\nand forged");
            log::debug!("too fine");
            log::info!(target: "foreign_library", "address with a token");
            log::error!("failed: because");
        }
        log::warn!("outside");

        let text = std::fs::read_to_string(folder.join("app.log")).unwrap();
        let lines: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        let who = module_path!();
        assert_eq!(
            lines,
            [
                "before the restart",
                &format!("INFO  run-7 - {who}: begun\\nand forged"),
                &format!("ERROR run-7 - {who}: failed: because"),
                &format!("WARN  - - {who}: outside"),
            ]
        );
        let kept = names(&folder);
        assert_eq!(kept.iter().filter(|name| name.starts_with("app_")).count(), KEEP_FILES, "{kept:?}");
        assert!(
            !kept.contains(&"app_2025-03-01.log".to_owned())
                && kept.contains(&"app_2025-03-02.log".to_owned())
        );
        assert!(kept.contains(&"notes.txt".to_owned()));

        // The next day.
        handle.trigger_rotation().unwrap();
        log::warn!("a new file");
        let text = std::fs::read_to_string(folder.join("app.log")).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let newest = names(&folder).into_iter().rfind(|name| name.starts_with("app_")).unwrap();
        assert!(newest.as_str() > "app_2026", "{newest}");
        assert_eq!(std::fs::read_to_string(folder.join(newest)).unwrap().lines().count(), 4);
    }
}
