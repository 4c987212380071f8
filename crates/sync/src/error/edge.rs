//! The errors of those a run talks to, kept whole.

use domain::{Explain, Explanation};
use std::fmt;

/// An error of GoHighLevel, Claude, Meta or the mail server, kept with its source.
pub struct EdgeError(pub(super) Box<dyn Explain>);

impl EdgeError {
    /// Keeps the error.
    pub fn new(error: impl Explain) -> Self {
        Self(Box::new(error))
    }
}

impl fmt::Debug for EdgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for EdgeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for EdgeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Explain for EdgeError {
    fn explain(&self) -> Explanation {
        self.0.explain()
    }
}
