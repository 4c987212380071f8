//! What every handler shares.

use crate::host::AllowedHosts;
use crate::problem::Problem;
use crate::settings::WebSettings;
use crate::wording::Wording;
use actix_web::web;
use persistence::{Store, StoreError};

/// The state of the dashboard; the same for all workers.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) hosts: AllowedHosts,
    pub(crate) instance_name: Option<String>,
    pub(crate) wording: Wording,
}

impl App {
    pub(crate) fn new(settings: WebSettings, store: Store, hosts: AllowedHosts) -> Self {
        Self {
            store,
            hosts,
            instance_name: settings.instance_name,
            wording: Wording { time_zone: settings.time_zone, currency: settings.currency },
        }
    }

    /// Reads from the database on a thread that may block.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.store.clone();
        Ok(web::block(move || read(&store)).await??)
    }
}
