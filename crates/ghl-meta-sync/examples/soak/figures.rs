//! What is counted and measured while the soak goes on.

use crate::Failure;
use crate::installation::Installation;
use monitoring::Process;
use std::collections::BTreeMap;

/// What the service's process used after one run.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    process: u32,
    pub resident_kb: u64,
    pub threads: u64,
    pub files: u64,
    pub spooled: u64,
}

/// Counts and measures of the whole soak.
#[derive(Debug, Default)]
pub struct Figures {
    /// Runs by status.
    pub runs: BTreeMap<String, u32>,
    in_trouble: u32,
    kills: u32,
    samples: Vec<Sample>,
    /// Rows of the whole database, every tenth run.
    pub rows: Vec<i64>,
}

impl Figures {
    /// The service was killed soon after a run was begun.
    pub fn killed(&mut self, in_trouble: bool) {
        self.kills += 1;
        self.ended("killed", in_trouble);
    }

    pub fn ended(&mut self, status: &str, in_trouble: bool) {
        *self.runs.entry(status.to_owned()).or_default() += 1;
        self.in_trouble += u32::from(in_trouble);
    }

    /// All runs that were begun.
    pub fn begun(&self) -> u32 {
        self.runs.values().sum()
    }

    /// Looks at the process of the service.
    pub fn measure(&mut self, installation: &Installation, number: u32) -> Result<(), Failure> {
        let process = installation.service_id();
        let used = Process::read(process).ok_or("the system tells nothing of the service")?;
        self.samples.push(Sample {
            process,
            resident_kb: used.resident_bytes / 1024,
            threads: used.threads,
            files: used.open_files.ok_or("the system does not tell the files of the service")?,
            spooled: installation.spooled() as u64,
        });
        if number.is_multiple_of(10) {
            self.rows.push(rows::count(installation)?);
        }
        Ok(())
    }

    pub fn line(&self) -> String {
        let runs: Vec<String> = self.runs.iter().map(|(status, count)| format!("{count} {status}")).collect();
        let last = self.samples.last().map_or_else(String::new, |last| {
            format!("{} MB, {} threads, {} files", last.resident_kb / 1024, last.threads, last.files)
        });
        format!("{} ({} in trouble, {} kills); {last}", runs.join(", "), self.in_trouble, self.kills)
    }

    /// The samples of the process that lived longest, without those in which it warmed up.
    pub fn of_the_longest_life(&self) -> &[Sample] {
        let lives = self.samples.chunk_by(|one, next| one.process == next.process);
        let longest = lives.max_by_key(|life| life.len()).unwrap_or_default();
        &longest[longest.len() / 10..]
    }
}

/// The rows of all tables.
mod rows {
    use crate::Failure;
    use crate::installation::Installation;
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Text};

    #[derive(QueryableByName)]
    struct Table {
        #[diesel(sql_type = Text)]
        name: String,
    }

    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }

    macro_rules! count {
        ($connection:expr, $tables:expr) => {{
            let mut connection = $connection;
            let tables: Vec<Table> = diesel::sql_query($tables).load(&mut connection)?;
            let mut sum = 0;
            for Table { name } in tables {
                let query = format!("SELECT count(*) AS rows FROM \"{name}\"");
                let count: Count = diesel::sql_query(query).get_result(&mut connection)?;
                sum += count.rows;
            }
            Ok(sum)
        }};
    }

    pub fn count(installation: &Installation) -> Result<i64, Failure> {
        match installation.postgres() {
            None => count!(
                SqliteConnection::establish(&installation.sqlite_file().to_string_lossy())?,
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ),
            Some(address) => count!(
                PgConnection::establish(address)?,
                "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'"
            ),
        }
    }
}
