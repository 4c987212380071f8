//! A soak: hundreds of syncs against the simulators, with random faults and kill -9, and in the end an account of
//! everything: every run closed, every contact in one bucket, Meta's members those of the last success, nothing left over,
//! and threads, files and memory as flat as they began.
//!
//! ```text
//! cargo build --release -p ghl-meta-sync && cargo run --release -p ghl-meta-sync --example soak -- --runs 500 --kills 50
//! ```
//!
//! The sandbox and the service are processes of their own. Exit status 1 when anything is wrong. The same seed makes the
//! same faults; when they strike depends on the machine.

mod figures;
mod installation;
mod trouble;
mod verdict;

use clap::Parser;
use figures::Figures;
use installation::Installation;
use serde_json::{Value, json};
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Anything that keeps the soak itself from going on.
type Failure = Box<dyn Error>;

/// A run that is not closed by then hangs.
const LONGEST_RUN: Duration = Duration::from_secs(180);

/// Syncs again and again under faults and kills, and checks at the end that nothing was lost and nothing leaked.
#[derive(Debug, Parser)]
struct Options {
    /// Syncs to trigger.
    #[arg(long, default_value_t = 500)]
    runs: u32,
    /// Contacts of the list.
    #[arg(long, default_value_t = 500)]
    contacts: u32,
    /// How often the service is killed in the first two thirds of the runs; the rest runs in one process, whose memory
    /// is compared.
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Of faults and kills; chosen and printed when it is not given.
    #[arg(long)]
    seed: Option<u64>,
    /// `sqlite`, or the address of an empty PostgreSQL database, `postgres://…`.
    #[arg(long, default_value = "sqlite")]
    database: String,
    /// The program; otherwise the one that was built beside this example.
    #[arg(long)]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    match soak(&Options::parse()) {
        Ok(wrong) if wrong.is_empty() => {
            say("Nothing is wrong.");
            ExitCode::SUCCESS
        }
        Ok(wrong) => {
            for line in wrong {
                say(&format!("WRONG: {line}"));
            }
            ExitCode::FAILURE
        }
        Err(failure) => {
            say(&format!("The soak could not go on: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// One line on standard output.
fn say(line: &str) {
    // A closed pipe is no reason to end.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Runs it all; what is wrong in the end.
fn soak(options: &Options) -> Result<Vec<String>, Failure> {
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
    say(&format!(
        "{} runs of {} contacts, {} kills, seed {seed}, {}",
        options.runs, options.contacts, options.kills, options.database
    ));
    let mut random = fastrand::Rng::with_seed(seed);
    let mut installation = Installation::start(options)?;
    let mut figures = Figures::default();
    let begun = Instant::now();
    let kills = kills(options, &mut random);
    for number in 0..options.runs {
        let planted = trouble::plant(&installation, &mut random)?;
        let run = trigger(&installation)?;
        if kills.contains(&number) {
            std::thread::sleep(Duration::from_millis(random.u64(0..2500)));
            installation.kill_and_start_again()?;
            // The next run closes this one, once the lease of the dead process has run out.
            figures.killed(planted);
        } else {
            let status = wait_for_the_end(&installation, run)?;
            figures.ended(&status, planted);
        }
        trouble::clear(&installation)?;
        figures.measure(&installation, number)?;
        if (number + 1) % 10 == 0 {
            say(&format!("{:>5} s  {}", begun.elapsed().as_secs(), figures.line()));
        }
    }
    // One more without any trouble: what it leaves is what a success leaves.
    let last = trigger(&installation)?;
    let status = wait_for_the_end(&installation, last)?;
    figures.ended(&status, false);
    let wrong = verdict::look(&mut installation, options, &figures)?;
    say(&format!("{} s in all", begun.elapsed().as_secs()));
    Ok(wrong)
}

/// The numbers of the runs in which the service is killed.
fn kills(options: &Options, random: &mut fastrand::Rng) -> Vec<u32> {
    let mut numbers: Vec<u32> = (0..options.runs * 2 / 3).collect();
    random.shuffle(&mut numbers);
    numbers.truncate(options.kills as usize);
    numbers
}

/// Presses *Sync now* until a run begins: just after a kill the dead process's lease has to run out, and a fault may keep
/// GoHighLevel from being asked.
fn trigger(installation: &Installation) -> Result<i64, Failure> {
    let begun = Instant::now();
    loop {
        if let Some((status, begun)) = installation.post("/api/sync/trigger", &json!({}))
            && status == 202
            && let Some(run) = begun["run_id"].as_i64()
        {
            return Ok(run);
        }
        if begun.elapsed() > LONGEST_RUN {
            return Err("no run begins".into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// How the run ended, its mail included.
fn wait_for_the_end(installation: &Installation, run: i64) -> Result<String, Failure> {
    let begun = Instant::now();
    loop {
        let seen = installation.get(&format!("/api/sync/{run}"));
        let is_told = seen["steps"]
            .as_array()
            .is_some_and(|steps| steps.iter().all(|step| step["completed_at"] != Value::Null));
        if let Some(status) = seen["status"].as_str().filter(|status| is_told && *status != "running") {
            return Ok(status.to_owned());
        }
        if begun.elapsed() > LONGEST_RUN {
            return Err(format!("run {run} does not end: {seen}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
