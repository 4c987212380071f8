//! Where the dashboard listens and how it shows things.

use crate::base::Base;
use crate::error::WebError;
use crate::host::AllowedHosts;
use domain::Secret;
use std::net::IpAddr;
use std::time::Duration;

/// What the dashboard needs to know of the configuration.
#[derive(Debug, Clone)]
pub struct WebSettings {
    /// `WEB_BIND`: loopback unless the service runs in a container.
    pub bind: IpAddr,
    /// `WEB_PORT`; 0 takes any free port.
    pub port: u16,
    /// `PUBLIC_URL`, when it is set: its host may be used to open the dashboard, and its path stands before every address.
    pub public_url: Option<String>,
    /// `ALLOWED_HOSTS`: further host names, without port.
    pub allowed_hosts: Vec<String>,
    /// `WEB_PASSWORD`; without one everybody who reaches the dashboard may use it.
    pub password: Option<Secret>,
    /// `META_BUSINESS_ID`: the business portfolio in whose name Ads Manager is opened.
    pub business_id: Option<String>,
    /// `META_AD_ACCOUNT_ID` as runs record it, such as `act_1234567890`: where the next audience is made.
    pub ad_account_id: Option<String>,
    /// `GHL_LOCATION_ID`: where the contacts that are linked to are.
    pub location_id: Option<String>,
    /// What one client may take up.
    pub limits: ClientLimits,
}

/// How much of the dashboard one client may take up, so that a slow or hostile one leaves room for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// The head of a request has to arrive within this time.
    pub head: Duration,
    /// The body of a request has to arrive within this time.
    pub body: Duration,
    /// Connections that one address, or of IPv6 one network, may hold at once. A proxy is one address, whoever is behind it.
    pub connections: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(30), connections: 128 }
    }
}

impl WebSettings {
    /// Checks the path and the host of `PUBLIC_URL` and the names of `ALLOWED_HOSTS`, as [`start`](crate::start) will.
    ///
    /// # Errors
    /// [`WebError::Setting`] names the variable.
    pub fn check(public_url: Option<&str>, allowed_hosts: &[String]) -> Result<(), WebError> {
        AllowedHosts::new(public_url, allowed_hosts)?;
        Base::new(public_url).map(drop)
    }
}
