//! The audiences a person may choose from, remembered for five minutes so that a page does not ask Meta each time it is
//! opened.

use crate::app::App;
use crate::installation::ExistingAudience;
use domain::Explanation;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const REMEMBERED_FOR: Duration = Duration::from_secs(300);

/// What Meta answered last; the same for all workers.
#[derive(Debug, Default)]
pub(crate) struct Audiences(Mutex<Option<(Instant, Vec<ExistingAudience>)>>);

impl App {
    /// The value-based customer lists of the ad account. `refresh` asks even for what was answered lately. Blocks.
    pub(crate) fn audiences(&self, refresh: bool) -> Result<Vec<ExistingAudience>, Explanation> {
        let lock = || self.audiences.0.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = lock().clone().filter(|(asked, _)| !refresh && asked.elapsed() < REMEMBERED_FOR);
        if let Some((_, audiences)) = remembered {
            return Ok(audiences);
        }
        let audiences = self.installation.audiences()?;
        *lock() = Some((Instant::now(), audiences.clone()));
        Ok(audiences)
    }
}
