//! What is synced: what was saved last, else what the environment says.

use crate::installation::Installation;
use domain::run::SyncConfig;
use persistence::Store;
use sync::{StartError, SyncService};

/// What was saved on the dashboard last, else what the environment says, looked up at GoHighLevel. Blocks.
///
/// # Errors
/// [`StartError`] when nothing is chosen, or when the choice of the environment does not exist or can not be looked up.
pub fn chosen(
    installation: &dyn Installation,
    store: &Store,
    sync: &SyncService,
) -> Result<SyncConfig, StartError> {
    if let Some((_, saved)) = store.config_latest()? {
        return Ok(saved);
    }
    let (list, field) = installation.initial_choice();
    sync.resolve(list.as_deref(), field.as_deref())
}
