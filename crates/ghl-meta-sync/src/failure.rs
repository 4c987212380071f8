//! How a command ends without success.

use crate::settings::Problems;
use domain::Explain;
use domain::error_chain::Chain;
use std::fmt;

/// What is printed, and the exit status.
#[derive(Debug)]
pub struct Failed {
    exit_code: u8,
    message: String,
}

impl Failed {
    /// The job was tried and failed: exit status 1.
    pub fn job(message: impl Into<String>) -> Self {
        Self { exit_code: 1, message: message.into() }
    }

    /// The job could not be tried: exit status 2.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self { exit_code: 2, message: message.into() }
    }

    /// An error that has words for the user, as a configuration error.
    pub fn explained(error: &impl Explain) -> Self {
        log::error!("{}", Chain(error));
        let explained = error.explain();
        Self::configuration(format!("{}\n{}", explained.message, explained.remedy))
    }

    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

/// Lines for whoever asks the support of a service: its code and its trace id, as far as they are known.
pub fn technical<'a>(
    provider_code: Option<&'a str>,
    trace_id: Option<&'a str>,
) -> impl Iterator<Item = String> {
    let known = [("Provider code", provider_code), ("Trace id", trace_id)];
    known.into_iter().filter_map(|(name, value)| value.map(|value| format!("{name}: {value}")))
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Problems> for Failed {
    fn from(problems: Problems) -> Self {
        Self::configuration(problems.to_string())
    }
}
