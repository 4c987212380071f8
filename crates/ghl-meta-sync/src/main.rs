//! ghl-meta-sync keeps a Meta value-based custom audience and its lookalike in step with a GoHighLevel contact list.
//!
//! Owns the command line and its exit statuses, the reading of settings from the environment, logging, signals, and the
//! wiring: which client goes where. Refuses to know what a sync does (that is in `sync`), to talk to a vendor by itself,
//! and to touch the tables of the database.

mod backup_commands;
mod check_command;
mod command_line;
mod cost;
mod data_volume;
mod demo;
mod erase_command;
mod failure;
mod installed;
mod logging;
mod panics;
mod preview_command;
mod sandbox_process;
mod scheduler;
mod serve_command;
mod settings;
mod signals;
mod small_commands;
mod sync_command;
mod terminal;
mod wiring;

use clap::Parser;
use command_line::{Command, CommandLine, ServeOptions};
use failure::Failed;
use settings::{Environment, Settings};
use std::process::ExitCode;
use terminal::Terminal;

fn main() -> ExitCode {
    panics::tell_without_data();
    let terminal = Terminal::new();
    match run(CommandLine::parse().command.unwrap_or(Command::Serve(ServeOptions::default())), &terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            terminal.complain(&failed.to_string());
            ExitCode::from(failed.exit_code())
        }
    }
}

fn run(command: Command, terminal: &Terminal) -> Result<(), Failed> {
    let settings = || Settings::read(&Environment::of_process());
    match command {
        Command::Serve(options) => serve_command::run(&options, terminal),
        Command::Demo(options) => demo::run(&options, terminal),
        Command::Sync(options) => sync_command::run(&options, Environment::of_process(), terminal),
        Command::Preview => preview_command::run(Environment::of_process(), terminal),
        Command::Check(options) => check_command::run(&options, &Environment::of_process(), terminal),
        Command::Erase(options) => erase_command::run(&options, &settings()?, terminal),
        Command::Migrate => small_commands::migrate(&settings()?, terminal),
        Command::Backup(options) => backup_commands::back_up(&options, &settings()?, terminal),
        Command::Restore(options) => backup_commands::restore(&options, &settings()?, terminal),
        Command::Healthcheck => small_commands::healthcheck(&settings()?, terminal),
        Command::Sandbox(options) => sandbox_process::serve(&options),
    }
}
