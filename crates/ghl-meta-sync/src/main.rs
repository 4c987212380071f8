//! ghl-meta-sync keeps a Meta value-based custom audience and its lookalike in step with a GoHighLevel contact list.
//!
//! This binary only wires: command line, settings, logging, and which client goes where. What a sync does is in `sync`.

mod command_line;
mod demo;
mod failure;
mod logging;
mod sandbox_process;
mod settings;
mod sync_command;
mod terminal;
mod wiring;

use clap::Parser;
use command_line::{Command, CommandLine};
use failure::Failed;
use settings::{Environment, Settings};
use std::process::ExitCode;
use terminal::Terminal;

fn main() -> ExitCode {
    let terminal = Terminal::new();
    match run(CommandLine::parse().command, &terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            terminal.complain(&failed.to_string());
            ExitCode::from(failed.exit_code())
        }
    }
}

fn run(command: Command, terminal: &Terminal) -> Result<(), Failed> {
    match command {
        Command::Demo(options) => demo::run(&options, terminal),
        Command::Sandbox(options) => sandbox_process::serve(&options),
        Command::Sync(options) => {
            let settings = Settings::read(&Environment::of_process())?;
            sync_command::run(&options, &settings, terminal)
        }
    }
}
