//! The command line.

use crate::check_command::CheckOptions;
use crate::erase_command::EraseOptions;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where everything is that no option says.
const SETTINGS: &str = concat!(
    "Settings are read from the environment. The file .env.example lists them all, each with its value when it is not set:\n\n",
    include_str!("../../../.env.example"),
);

/// Keeps a Meta value-based custom audience and its lookalike in step with a GoHighLevel contact list.
#[derive(Debug, Parser)]
#[command(version, about, after_help = "Settings are read from the environment: --help lists every setting.", after_long_help = SETTINGS)]
pub struct CommandLine {
    /// `serve` when none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves the dashboard and runs the schedule, until it is stopped. The default. Exit status 0 when it was stopped, 1
    /// when the system lets it start no thread, 2 when the settings, the database or the port can not be used.
    Serve(ServeOptions),
    /// Shows the whole job on real data without any account, network or configuration: starts simulators of
    /// GoHighLevel, Meta, Claude and a mail server on this machine, runs one full sync, checks every figure against
    /// what the simulators received, then serves the dashboard. Exit status 0 when every figure was confirmed, 1 when the
    /// sync failed or a figure was not, 2 when the port is taken or there is no temporary folder.
    Demo(DemoOptions),
    /// Runs one sync now with the settings of the environment. Exit status 0 success, 1 failed, 2 configuration error.
    Sync(SyncOptions),
    /// Reads and ranks the list and prints what a sync would send. Nothing is sent to Meta. Exit status 0, 1 when a sync
    /// would stop, 2 configuration error.
    Preview,
    /// Makes one cheap real call per service and prints what was found. Exit status 0 when all is well, 1 when not.
    Check(CheckOptions),
    /// Takes one person out of every customer list of the Meta ad account, out of what earlier syncs recorded, and out of
    /// every later sync. Prints a receipt without personal data. Exit status 0 done, 1 failed, 2 when nobody can be found
    /// by what was given or the configuration is wrong.
    Erase(EraseOptions),
    /// Brings the database up to date and prints its version. Exit status 0 done, 2 when the settings or the database can
    /// not be used.
    Migrate,
    /// Copies the embedded database into a file, also while the service runs. A PostgreSQL database is copied by pg_dump.
    /// Exit status 0 done, 1 when standard output did not take the copy, 2 when there is nothing to copy or the file can
    /// not be written.
    Backup(FileOptions),
    /// Puts a backup in the place of the embedded database, which is kept beside it. The service must be stopped. Exit
    /// status 0 done, 2 when it was refused and nothing was changed.
    Restore(FileOptions),
    /// Exit status 0 when the running service is ready.
    Healthcheck,
    /// Starts only the simulators, for trying any client against them. Prints their addresses and what to set as JSON,
    /// and runs until it is stopped. Exit status 2 when a port is taken.
    Sandbox(SandboxOptions),
}

#[derive(Debug, Default, Args)]
pub struct ServeOptions {
    /// Wait only shortly before a call is repeated, and take a silent process for dead after seconds: for the soak.
    #[arg(long, hide = true)]
    pub with_simulators: bool,
}

#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Exit after the sync: status 0 only if every figure of the summary was confirmed.
    #[arg(long)]
    pub once: bool,
    /// Sync this many generated contacts instead of the 2,357 real customers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub contacts: Option<u32>,
    /// Start with one simulator switched off, to see how its failure looks.
    #[arg(long, value_name = "SERVICE")]
    pub without: Option<Simulator>,
    /// Port of the dashboard.
    #[arg(long, default_value_t = 9876)]
    pub port: u16,
    /// Write what the sync cost to this file as JSON, too.
    #[arg(long, hide = true, value_name = "FILE")]
    pub json_cost: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Simulator {
    /// GoHighLevel
    Ghl,
    /// Meta
    Meta,
    /// Claude
    Claude,
    /// The mail server
    Smtp,
}

#[derive(Debug, Args)]
pub struct SyncOptions {
    /// Go on although the list holds fewer than half the contacts sent last time.
    #[arg(long)]
    pub accept_smaller_list: bool,
    /// Write what the sync cost to this file as JSON.
    #[arg(long, hide = true, value_name = "FILE")]
    pub json_cost: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct FileOptions {
    /// The file of the backup; `-` for standard output or input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub struct SandboxOptions {
    /// First of five neighbouring ports (GoHighLevel, Meta, Claude, SMTP, control); free ports are chosen otherwise.
    #[arg(long)]
    pub port: Option<u16>,
    /// Serve this many generated contacts instead of the 2,357 real customers.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub contacts: Option<u32>,
    /// How many times faster than real time Meta works.
    #[arg(long, default_value_t = 1.0)]
    pub clock_rate: f64,
    /// End when standard input is closed, that is, together with the process that started this one.
    #[arg(long, hide = true)]
    pub until_stdin_closes: bool,
}
