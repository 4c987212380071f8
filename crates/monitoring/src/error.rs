//! Why the figures could not be told.

use domain::{Explain, Explanation};
use persistence::StoreError;

/// The figures could not be told.
#[derive(Debug, thiserror::Error)]
pub enum MonitoringError {
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// The figures could not be written as text.
    #[error("the figures could not be written")]
    Text(#[from] std::fmt::Error),
}

impl Explain for MonitoringError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Store(error) => error.explain(),
            Self::Text(_) => Explanation::new(
                "The figures for Prometheus could not be written.",
                "This is a fault of this program: please report it.",
            ),
        }
    }
}
