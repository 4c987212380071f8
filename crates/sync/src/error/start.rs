//! Why a run was not begun.

use super::{EdgeError, names};
use domain::{Explain, Explanation, RunId};
use std::io;

/// Why a run was not begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// One is running already, here or in another process.
    #[error("sync {run} is already running")]
    AlreadyRunning {
        /// The running one.
        run: RunId,
    },
    /// The service, or another process, does something else for a moment.
    #[error("the service is busy")]
    Busy,
    /// The process is about to end.
    #[error("the service is being stopped")]
    Stopping,
    /// No list or no field is chosen.
    #[error("the sync is not configured")]
    NotConfigured,
    /// The chosen list or field does not exist.
    #[error("{what} `{value}` does not exist")]
    Unknown {
        /// `Smart List` or `custom field`.
        what: &'static str,
        /// What was chosen.
        value: String,
        /// The setting to change.
        setting: &'static str,
    },
    /// What was chosen by name is the name of several.
    #[error("{what} `{value}` is the name of several")]
    Ambiguous {
        /// `custom field`.
        what: &'static str,
        /// What was chosen.
        value: String,
        /// The setting to change.
        setting: &'static str,
        /// Key and id of each. Hostile input: escape them.
        known: Vec<String>,
    },
    /// GoHighLevel could not be asked for the list or the field.
    #[error("the configuration could not be checked")]
    Edge(#[source] EdgeError),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] persistence::StoreError),
    /// The thread could not be started.
    #[error("the run could not be started")]
    Thread(#[source] io::Error),
}

impl Explain for StartError {
    fn explain(&self) -> Explanation {
        match self {
            Self::AlreadyRunning { run } => Explanation::new(
                format!("Sync {run} is still running."),
                "Wait until it has ended, or cancel it.",
            ),
            Self::Busy => Explanation::new(
                "The service is finishing other work (a mail, or a request to Meta).",
                "Press Sync now again in a minute.",
            ),
            Self::Stopping => Explanation::new(
                "No sync was begun: the service is being stopped.",
                "Press Sync now when the service is started again.",
            ),
            Self::NotConfigured => Explanation::new(
                "No Smart List or no value field is chosen.",
                "Choose both on the dashboard, or set GHL_SMART_LIST_ID and GHL_LTV_FIELD.",
            ),
            Self::Unknown { what, value, setting } => Explanation::new(
                format!("The {what} \"{value}\" does not exist in this GoHighLevel location."),
                format!("Choose an existing one on the dashboard, or change {setting}."),
            ),
            Self::Ambiguous { what, value, setting, known } => Explanation::new(
                format!(
                    "Several {what}s of this GoHighLevel location are named \"{value}\": {}.",
                    names(known)
                ),
                format!("Choose one of them on the dashboard, or write its key or id in {setting}."),
            ),
            Self::Edge(error) => error.explain(),
            Self::Store(error) => error.explain(),
            Self::Thread(source) => Explanation::new(
                format!("The sync could not be started ({source})."),
                "The machine is out of resources: free memory or restart the program.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StartError;
    use domain::{Explain, RunId};

    #[test]
    fn only_a_known_run_is_told_to_be_running_and_to_be_cancelled() {
        let told = |error: StartError| {
            let told = error.explain();
            format!("{} {}", told.message, told.remedy)
        };
        let running = told(StartError::AlreadyRunning { run: RunId(7) });
        assert_eq!(running, "Sync 7 is still running. Wait until it has ended, or cancel it.");
        let busy = told(StartError::Busy);
        assert!(!busy.contains("running") && !busy.contains("cancel"), "{busy}");
    }
}
