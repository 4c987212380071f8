//! How a command ends without success.

use crate::settings::Problems;
use domain::error_chain::Chain;
use domain::{Explain, Explanation};
use std::fmt;
use sync::StartError;

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
        explained(error).into()
    }

    /// An error that has words for the user, as a job that failed.
    pub fn explained_job(error: &impl Explain) -> Self {
        Self::job(words(&explained(error)))
    }

    /// Why a run or preview did not begin. Only what is chosen wrongly is a configuration error: the others pass.
    pub fn not_begun(error: &StartError) -> Self {
        match error {
            StartError::NotConfigured | StartError::Unknown { .. } | StartError::Ambiguous { .. } => {
                Self::explained(error)
            }
            StartError::AlreadyRunning { .. }
            | StartError::Busy
            | StartError::Stopping
            | StartError::Edge(_)
            | StartError::Store(_)
            | StartError::Thread(_) => Self::explained_job(error),
        }
    }

    pub fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

/// An error in the user's words; its causes are logged.
pub fn explained(error: &impl Explain) -> Explanation {
    log::error!("{}", Chain(error));
    error.explain()
}

/// What happened, what to do about it, and what the support of a service asks for: a line each.
pub fn words(explained: &Explanation) -> String {
    let technical = technical(explained.provider_code.as_deref(), explained.trace_id.as_deref());
    let lines = [explained.message.clone(), explained.remedy.clone()].into_iter().chain(technical);
    lines.collect::<Vec<_>>().join("\n")
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

impl From<Explanation> for Failed {
    fn from(explained: Explanation) -> Self {
        Self::configuration(words(&explained))
    }
}

impl From<Problems> for Failed {
    fn from(problems: Problems) -> Self {
        Self::configuration(problems.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::Failed;
    use domain::{Explain, Explanation};
    use std::fmt;

    #[derive(Debug)]
    struct Refused;

    impl fmt::Display for Refused {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("refused")
        }
    }

    impl std::error::Error for Refused {}

    impl Explain for Refused {
        fn explain(&self) -> Explanation {
            let explained = Explanation::new("It was refused.", "Ask again.");
            explained.with_code("190/463").with_trace(Some("AbC1".to_owned()))
        }
    }

    #[test]
    fn whoever_asks_the_support_of_a_service_has_its_code_and_trace_id() {
        let told = Failed::explained(&Refused).to_string();
        assert_eq!(told, "It was refused.\nAsk again.\nProvider code: 190/463\nTrace id: AbC1");
    }
}
