//! What every handler shares.

use crate::assets;
use crate::audiences::Audiences;
use crate::auth::Gate;
use crate::base::Base;
use crate::csrf::CsrfKey;
use crate::error::WebError;
use crate::host::AllowedHosts;
use crate::installation::Installation;
use crate::meta_check::MetaCheck;
use crate::previews::Previews;
use crate::problem::Problem;
use crate::settings::WebSettings;
use actix_web::web;
use domain::log_context;
use persistence::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;

/// A lookup holds its thread until GoHighLevel has answered or was given up, minutes after whoever asked has left. No more
/// than these are begun at once, so that the other threads serve whatever needs no GoHighLevel.
const LOOKUPS: usize = 32;

/// The state of the dashboard; the same for all workers.
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) installation: Arc<dyn Installation>,
    pub(crate) hosts: AllowedHosts,
    pub(crate) base: Base,
    /// The business portfolio in whose name Ads Manager is opened.
    pub(crate) business_id: Option<String>,
    /// Where the next audience is made.
    pub(crate) ad_account_id: Option<String>,
    /// Whose contacts are linked to.
    pub(crate) location_id: Option<String>,
    /// `None` when no password is set: everybody may come in.
    pub(crate) gate: Option<Gate>,
    /// Whether only this computer can reach the dashboard, as far as the settings tell: a proxy on it may let others in, and
    /// then they come by another name.
    pub(crate) is_of_this_computer: bool,
    pub(crate) csrf: CsrfKey,
    /// How long the body of a request may take to arrive.
    pub(crate) body_timeout: Duration,
    pub(crate) meta_check: MetaCheck,
    pub(crate) audiences: Audiences,
    /// Of which every lookup under way at GoHighLevel holds a clone.
    pub(crate) lookups: Arc<()>,
    pub(crate) previews: Arc<Previews>,
    /// The version of the tables when the dashboard was started.
    pub(crate) schema_version: String,
    /// Keeps the cookies of several instances on one host apart; browsers do not do it by port.
    cookie_suffix: String,
}

impl App {
    pub(crate) fn new(
        settings: WebSettings,
        store: Store,
        installation: Arc<dyn Installation>,
        hosts: AllowedHosts,
    ) -> Result<Self, WebError> {
        let gate = settings.password.as_ref().map(Gate::new).transpose();
        Ok(Self {
            base: Base::new(settings.public_url.as_deref())?,
            ad_account_id: settings.ad_account_id,
            location_id: settings.location_id,
            business_id: settings.business_id,
            gate: gate.map_err(|error| WebError::Login(error.into()))?,
            csrf: CsrfKey::new().map_err(|error| WebError::Login(error.into()))?,
            is_of_this_computer: settings.bind.is_loopback() && hosts.are_of_this_computer(),
            body_timeout: settings.limits.body,
            meta_check: MetaCheck::default(),
            audiences: Audiences::default(),
            lookups: Arc::default(),
            previews: Arc::default(),
            cookie_suffix: store.instance_tag()?.chars().take(8).collect(),
            schema_version: store.schema_version()?,
            hosts,
            store,
            installation,
        })
    }

    /// The address of a file of `static/`.
    pub(crate) fn asset(&self, name: &str) -> String {
        format!("{}{}", self.base.path(), assets::url(name))
    }

    /// The name of a cookie of ours.
    pub(crate) fn cookie(&self, name: &str) -> String {
        format!("{name}_{}", self.cookie_suffix)
    }

    /// Reads from the database on a thread that may block.
    pub(crate) async fn read<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    {
        let store = self.store.clone();
        let context = log_context::current();
        let blocking = move || {
            let _request = log_context::enter(context);
            read(&store)
        };
        Ok(web::block(blocking).await??)
    }

    /// Does whatever blocks (the database, the installation, a vendor) on a thread that may.
    pub(crate) async fn blocking<T, F>(self: &Arc<Self>, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    {
        let app = Arc::clone(self);
        let context = log_context::current();
        let blocking = move || {
            let _request = log_context::enter(context);
            work(&app)
        };
        web::block(blocking).await?
    }

    /// As [`blocking`](Self::blocking), for what GoHighLevel is asked; `None` when enough wait for it already.
    pub(crate) async fn looking_up<T, F>(self: &Arc<Self>, question: F) -> Result<Option<T>, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    {
        let place = Arc::clone(&self.lookups);
        // One is the dashboard's own.
        if Arc::strong_count(&place) - 1 > LOOKUPS {
            return Ok(None);
        }
        let answer = self.blocking(move |app| {
            let _place = place;
            question(app)
        });
        answer.await.map(Some)
    }
}
