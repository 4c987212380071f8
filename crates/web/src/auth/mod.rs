//! The password of the dashboard (`WEB_PASSWORD`): a login form for people, HTTP Basic for programs.

pub(crate) mod login;
mod password;
mod sessions;
mod throttle;

use crate::app::App;
use crate::problem::Problem;
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Secret;
use password::Password;
use sessions::Sessions;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use throttle::Throttle;

/// The cookie of a login; see [`App::cookie`].
pub(crate) const SESSION: &str = "session";

/// What stands between a request and everything but the login page.
pub(crate) struct Gate {
    password: Password,
    pub(crate) sessions: Sessions,
    throttle: Throttle,
}

impl Gate {
    /// Hashes the password; the text itself is not kept.
    pub(crate) fn new(password: &Secret) -> Result<Self, Problem> {
        Ok(Self {
            password: Password::new(password)?,
            sessions: Sessions::default(),
            throttle: Throttle::default(),
        })
    }

    /// Whether the password is right. Wrong ones are counted by address; an address with too many gets no answer for a
    /// while, not even to the right one, or trying would never end. Hashes, so it blocks.
    pub(crate) fn try_password(&self, from: IpAddr, password: &[u8]) -> Result<bool, Problem> {
        self.throttle.begin(from).map_err(Problem::Throttled)?;
        let is_right = self.password.is(password)?;
        if is_right {
            self.throttle.take_back(from);
        } else {
            log::warn!("a wrong password for the dashboard was sent from {from}");
        }
        Ok(is_right)
    }
}

/// Lets the request pass when no password is set, when it belongs to a login, or when it carries the password.
///
/// # Errors
/// [`Problem::Login`], [`Problem::Throttled`].
pub(crate) async fn admit(app: &Arc<App>, request: &HttpRequest) -> Result<(), Problem> {
    let Some(gate) = &app.gate else { return Ok(()) };
    let session = request.cookie(&app.cookie(SESSION));
    if session.is_some_and(|cookie| gate.sessions.contains(cookie.value())) {
        return Ok(());
    }
    let Some(password) = basic_password(request) else { return Err(Problem::Login) };
    let from = address(request);
    let app = Arc::clone(app);
    let is_right = app
        .blocking(move |app| match &app.gate {
            Some(gate) => gate.try_password(from, &password),
            None => Ok(true),
        })
        .await?;
    if is_right { Ok(()) } else { Err(Problem::Login) }
}

/// The password of `Authorization: Basic …`, whatever the user name.
fn basic_password(request: &HttpRequest) -> Option<Vec<u8>> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = STANDARD.decode(encoded.trim()).ok()?;
    let colon = credentials.iter().position(|byte| *byte == b':')?;
    Some(credentials[colon + 1..].to_vec())
}

/// Where the connection comes from. Headers of proxies are not believed: anybody can send them.
fn address(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}
