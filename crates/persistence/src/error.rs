//! Everything that can go wrong with the database.

mod unreachable;

use domain::{Explain, Explanation};
use std::error::Error;
use std::path::PathBuf;
use unreachable::unreachable;

/// An error of the database, by what its reader does next.
///
/// No variant carries a value of a row: messages of the engines name tables and constraints, and their `DETAIL`, which
/// would quote values, is never read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database can not be understood. The address itself may hold a password and is not repeated.
    #[error("the database address can not be used: {problem}")]
    BadUrl {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The database did not let itself be opened: server down, wrong password, not a database file.
    ///
    /// The engine's words are kept as text, not as a source, because libpq quotes parts of a malformed address.
    #[error("could not open the database {database}: {reason}")]
    Unreachable {
        /// The database as it may be shown.
        database: String,
        /// The engine's own words, at most 300 characters.
        reason: String,
    },
    /// The folder or file of the embedded database can not be created or written.
    #[error("could not create or protect {}", path.display())]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A backup can not be made or put back.
    #[error("{what} {problem}")]
    Backup {
        /// The file.
        what: String,
        /// What is wrong with it, as the rest of a sentence.
        problem: &'static str,
    },
    /// A backup could not be put in the place of the database, nor the database back into it.
    #[error("the database was set aside and could not be put back")]
    SetAside {
        /// Where the database lies now.
        kept: PathBuf,
        /// Why the backup could not be put in place.
        #[source]
        source: Box<StoreError>,
    },
    /// No connection became free, or none could be made, within the pool's timeout.
    #[error("no database connection became free")]
    NoConnection(#[source] diesel::r2d2::PoolError),
    /// A newer version of the program has already changed the tables.
    #[error("the database is at version {found}, this program knows versions up to {known}")]
    NewerSchema {
        /// The newest version applied to the database.
        found: String,
        /// The newest version this program has.
        known: String,
    },
    /// The tables could not be created or changed.
    #[error("could not bring the tables up to date")]
    Migration(#[source] Box<dyn Error + Send + Sync>),
    /// The PostgreSQL database can not hold every name: its encoding is not UTF-8.
    #[error("the database's encoding is {encoding}, not UTF8")]
    Encoding {
        /// The encoding it has.
        encoding: String,
    },
    /// The disk or its quota is full.
    #[error("could not {doing}: the disk is full")]
    Full {
        /// What was attempted.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: diesel::result::Error,
    },
    /// The disk can not be written or read: damaged, over a limit on the size of files, or full in a place where SQLite does
    /// not tell.
    #[error("could not {doing}: the disk failed")]
    Disk {
        /// What was attempted.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: diesel::result::Error,
    },
    /// Somebody else holds the database for too long.
    #[error("could not {doing}: the database is busy")]
    Busy {
        /// What was attempted.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: diesel::result::Error,
    },
    /// The database may be read but not written.
    #[error("could not {doing}: the database is read-only")]
    ReadOnly {
        /// What was attempted.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: diesel::result::Error,
    },
    /// Any other refusal of the engine.
    #[error("could not {doing}")]
    Query {
        /// What was attempted.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: diesel::result::Error,
    },
    /// Another process has taken over what this one was doing; nothing was written.
    #[error("another process has taken over")]
    LeaseLost,
    /// The row that was to be changed or referred to does not exist.
    #[error("there is no {what} with id {id}")]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// A name that must be the only one of its kind is in use.
    #[error("there is another {what} of that name")]
    NameTaken {
        /// What was to be named.
        what: &'static str,
    },
    /// A stored word, number or JSON text means nothing to this program.
    #[error("the stored {what} can not be read")]
    Corrupt {
        /// Which value.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A count does not fit the database's 64-bit integers, or a report does not fit JSON.
    #[error("the {what} can not be stored")]
    Unstorable {
        /// Which value.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl StoreError {
    /// Sorts a refusal of the engine. Diesel does not pass on PostgreSQL's SQLSTATE, so the words have to do; a server
    /// that speaks another language ends in [`Self::Query`], which is less helpful but not wrong.
    pub(crate) fn query(doing: &'static str) -> impl Fn(diesel::result::Error) -> Self {
        move |source| {
            let words = source.to_string().to_lowercase();
            let says = |any: &[&str]| any.iter().any(|phrase| words.contains(phrase));
            if says(&["disk is full", "no space left on device", "disk quota exceeded"]) {
                Self::Full { doing, source }
            } else if says(&["disk i/o error", "input/output error", "file too large"]) {
                Self::Disk { doing, source }
            } else if says(&["database is locked", "lock timeout", "statement timeout", "deadlock detected"])
            {
                Self::Busy { doing, source }
            } else if says(&["readonly database", "read-only transaction"]) {
                Self::ReadOnly { doing, source }
            } else {
                Self::Query { doing, source }
            }
        }
    }

    /// [`Self::Missing`] when a row referred to one that does not exist, else [`Self::query`].
    pub(crate) fn reference(
        doing: &'static str,
        what: &'static str,
        id: i64,
    ) -> impl Fn(diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error::DatabaseError};
        move |source| match source {
            DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => Self::Missing { what, id },
            other => Self::query(doing)(other),
        }
    }

    /// [`Self::NameTaken`] when another row has the name, else [`Self::query`].
    pub(crate) fn naming(doing: &'static str, what: &'static str) -> impl Fn(diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error::DatabaseError};
        move |source| match source {
            DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Self::NameTaken { what },
            other => Self::query(doing)(other),
        }
    }

    /// [`Self::Corrupt`] with its cause.
    pub(crate) fn corrupt<E: Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Corrupt { what, source: Box::new(source) }
    }

    /// [`Self::Unstorable`] with its cause.
    pub(crate) fn unstorable<E: Error + Send + Sync + 'static>(what: &'static str) -> impl Fn(E) -> Self {
        move |source| Self::Unstorable { what, source: Box::new(source) }
    }
}

impl Explain for StoreError {
    fn explain(&self) -> Explanation {
        match self {
            Self::BadUrl { .. } => Explanation::new(
                format!("{}.", capital(&self.to_string())),
                "Correct DATABASE_URL: `postgres://user:password@host:5432/database`, or `sqlite:/path/to/file.db`.",
            ),
            Self::Unreachable { database, reason } => unreachable(database, reason),
            Self::Unwritable { path, source } => Explanation::new(
                format!("The folder or file {} can not be written: {source}.", path.display()),
                "Let DATA_DIR name a folder that the user this program runs as may write to.",
            ),
            Self::Backup { what, problem } => Explanation::new(
                format!("{} {problem}.", capital(what)),
                "Nothing was changed. A backup is made while the service runs or not, under a name that is free or that of \
                 an earlier backup; before one is put back, the service is stopped.",
            ),
            Self::SetAside { kept, source } => Explanation::new(
                format!(
                    "{} The database could not be put back: it is kept as {}.",
                    source.explain().message,
                    kept.display()
                ),
                "Once the cause is removed, put the backup back again, or give the file that was kept its name without \
                 `.before-restore` and what follows.",
            ),
            Self::NoConnection(_) => Explanation::new(
                "The database does not answer.",
                "Check that the disk that holds DATA_DIR is there and not full, or, with PostgreSQL, that the server named by \
                 POSTGRES_HOST or DATABASE_URL runs and accepts more connections; the program connects again by itself.",
            ),
            Self::NewerSchema { .. } => Explanation::new(
                format!("{}.", capital(&self.to_string())),
                "A newer version of this program has used the database. Run that version, or restore a backup made \
                 before the update.",
            ),
            Self::Migration(source) if may_not_create(&source.to_string()) => Explanation::new(
                "The database user may not create tables.",
                "Make it the owner of the database, or run `GRANT ALL ON SCHEMA public TO` the user named by \
                 POSTGRES_USER.",
            ),
            Self::Migration(_) => Explanation::new(
                "The tables of the database could not be brought up to date; nothing was changed.",
                "See the log for the database's own words, and start again once the cause is removed.",
            ),
            Self::Encoding { encoding } => Explanation::new(
                format!("The PostgreSQL database stores text as {encoding}, which can not hold every name."),
                "Create the database named by POSTGRES_DB with `ENCODING 'UTF8' TEMPLATE template0`.",
            ),
            Self::Full { doing, .. } => Explanation::new(
                format!("Could not {doing}: the disk of the database is full."),
                "Free some space on the disk that holds DATA_DIR (or the PostgreSQL server's data), then run again.",
            ),
            Self::Disk { doing, .. } => Explanation::new(
                format!(
                    "Could not {doing}: the disk of the database can not be written or read. It is full, or damaged."
                ),
                "Free some space on the disk that holds DATA_DIR (or the PostgreSQL server's data), and check its health; then run again.",
            ),
            Self::Busy { doing, .. } => Explanation::new(
                format!("Could not {doing}: another program held the database for too long."),
                "Close other programs that have the database open (a browser of tables, a backup), then run again.",
            ),
            Self::ReadOnly { doing, .. } => Explanation::new(
                format!("Could not {doing}: the database may only be read."),
                "Make the files in DATA_DIR writable for the user this program runs as, or let POSTGRES_HOST name the \
                 primary server and not a replica.",
            ),
            Self::Query { doing, .. } => Explanation::new(
                format!("The database refused to {doing}."),
                "See the log for the database's own words; if it goes on, report it with that line.",
            ),
            Self::LeaseLost => Explanation::new(
                "Another copy of this program took over while this one was not answering.",
                "Check that only one copy is meant to run, and that the machine was not suspended.",
            ),
            Self::Missing { what, id } => Explanation::new(
                format!("There is no {what} with id {id}."),
                "It may have been removed; reload the page and choose again.",
            ),
            Self::NameTaken { what } => {
                Explanation::new(format!("There is another {what} of that name."), "Choose another name.")
            }
            Self::Corrupt { what, .. } => Explanation::new(
                format!("The stored {what} can not be read."),
                "The database was changed by another program or another version of this one; restore a backup or run \
                 the newest version.",
            ),
            Self::Unstorable { what, .. } => Explanation::new(
                format!("The {what} can not be stored."),
                "This is a fault of the program; report it with the line from the log.",
            ),
        }
    }
}

/// PostgreSQL 15 and later let only the owner create tables in `public`.
fn may_not_create(words: &str) -> bool {
    words.contains("permission denied") || words.contains("no schema has been selected to create in")
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::StoreError;
    use diesel::result::Error::DatabaseError;
    use diesel::result::{DatabaseErrorKind, Error};
    use domain::Explain;

    fn refusal(words: &str) -> Error {
        DatabaseError(DatabaseErrorKind::Unknown, Box::new(words.to_owned()))
    }

    #[test]
    fn refusals_are_sorted_by_what_to_do() {
        let sorted = |words| StoreError::query("save contacts")(refusal(words));
        for words in [
            "database or disk is full",
            "could not extend file \"base/1/2\": No space left on device",
            "could not write: Disk quota exceeded",
        ] {
            assert!(matches!(sorted(words), StoreError::Full { .. }), "{words}");
        }
        for words in ["disk I/O error", "could not write block 7: Input/output error"] {
            assert!(matches!(sorted(words), StoreError::Disk { .. }), "{words}");
        }
        for words in ["database is locked", "canceling statement due to lock timeout"] {
            assert!(matches!(sorted(words), StoreError::Busy { .. }), "{words}");
        }
        for words in
            ["attempt to write a readonly database", "cannot execute INSERT in a read-only transaction"]
        {
            assert!(matches!(sorted(words), StoreError::ReadOnly { .. }), "{words}");
        }
        assert!(matches!(sorted("no such table: x"), StoreError::Query { .. }));
    }

    #[test]
    fn an_unreachable_server_names_the_setting_that_is_wrong() {
        let remedy = |reason: &str| {
            let error = StoreError::Unreachable { database: "postgres://h/d".into(), reason: reason.into() };
            error.explain().remedy
        };
        assert!(remedy("could not translate host name \"h\" to address").contains("POSTGRES_HOST"));
        assert!(
            remedy("FATAL: password authentication failed for user \"app\"").contains("POSTGRES_PASSWORD")
        );
        assert!(remedy("FATAL: database \"d\" does not exist").contains("POSTGRES_DB"));
        let unencrypted = remedy("FATAL: no pg_hba.conf entry for host \"192.0.2.1\", no encryption");
        let build = if cfg!(feature = "postgres-tls") { "sslmode=require" } else { "postgres-tls" };
        assert!(unencrypted.contains(build), "{unencrypted}");
    }

    #[test]
    fn a_full_disk_names_the_folder_setting() {
        let explained = StoreError::query("save contacts")(refusal("database or disk is full")).explain();
        assert_eq!(explained.message, "Could not save contacts: the disk of the database is full.");
        assert!(explained.remedy.contains("DATA_DIR"));
    }
}
