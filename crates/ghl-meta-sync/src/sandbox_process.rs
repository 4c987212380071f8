//! The sandbox as a process of its own: served by `sandbox`, started as a child by `demo`.

use crate::command_line::SandboxOptions;
use crate::cost::{self, process};
use crate::failure::Failed;
use monitoring::Process;
use sandbox::{Announcement, Contacts, SandboxSettings};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Serves the simulators until this process is killed, or its standard input closes when it is somebody's child.
///
/// # Errors
/// A configuration error when a port is taken.
pub fn serve(options: &SandboxOptions) -> Result<(), Failed> {
    env_logger::Builder::new().filter_level(log::LevelFilter::Warn).init();
    let settings = SandboxSettings {
        contacts: options.contacts.map_or(Contacts::Cdnow, Contacts::Generated),
        first_port: options.port,
        clock_rate: options.clock_rate,
        ..SandboxSettings::default()
    };
    sandbox::run_blocking(settings, std::io::stdout(), options.until_stdin_closes).map_err(|error| {
        Failed::configuration(format!(
            "The sandbox could not start: {}.\nFree the port, or choose another with --port.",
            domain::error_chain::Chain(&error)
        ))
    })
}

/// A running child. Dropping it ends the process.
pub struct SandboxProcess {
    child: Child,
    /// Where the simulators listen and what they accept.
    pub announced: Announcement,
}

impl SandboxProcess {
    /// Starts this program again as a sandbox, with nothing of this environment but the folder for temporary files.
    ///
    /// # Errors
    /// A failed job when the process does not start or does not announce itself.
    pub fn start(contacts: Option<u32>, clock_rate: f64) -> Result<Self, Failed> {
        let could_not = |why: String| Failed::job(format!("The sandbox could not be started: {why}."));
        let program = std::env::current_exe().map_err(|error| could_not(error.to_string()))?;
        let mut command = Command::new(program);
        command.args(["sandbox", "--until-stdin-closes", "--clock-rate", &clock_rate.to_string()]);
        if let Some(contacts) = contacts {
            command.args(["--contacts", &contacts.to_string()]);
        }
        // The sandbox keeps most of what it holds in temporary files.
        let mut child = command
            .env_clear()
            .env("TMPDIR", std::env::temp_dir())
            // The bodies of uploads go back to the system at once; by itself the C library would learn to keep them.
            .env("MALLOC_MMAP_THRESHOLD_", "262144")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| could_not(error.to_string()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(|error| could_not(error.to_string()))?;
        }
        match serde_json::from_str(&line) {
            Ok(announced) => Ok(Self { child, announced }),
            Err(error) => {
                end(&mut child);
                Err(could_not(format!("it did not announce its addresses ({error})")))
            }
        }
    }

    /// CPU time and peak memory so far, in words.
    pub fn cost(&self) -> String {
        let process = self.child.id();
        format!(
            "The simulators, a process of their own: {} CPU s, peak {} MB",
            cost::known(process::cpu_time(process).map(|time| format!("{:.2}", time.as_secs_f64()))),
            cost::known(Process::read(process).map(|process| cost::megabytes(process.peak_bytes))),
        )
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The process may have ended by itself already; then there is nothing left to do.
fn end(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        log::debug!("the sandbox process had ended already: {error}");
    }
}
