//! Why the figures could not be told.

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
