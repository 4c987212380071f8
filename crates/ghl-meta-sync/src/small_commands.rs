//! `migrate` and `healthcheck`.

use crate::failure::Failed;
use crate::settings::Settings;
use crate::terminal::Terminal;
use crate::wiring;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Secret;
use http_client::{Body, HeaderText, HttpClient, HttpSettings, Method, Request};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// Brings the database up to date and prints its version.
///
/// # Errors
/// Exit status 2 when the database can not be used.
pub fn migrate(settings: &Settings, terminal: &Terminal) -> Result<(), Failed> {
    let store = wiring::open_store(settings)?;
    let version = store.schema_version().map_err(|error| Failed::explained(&error))?;
    terminal.say(&format!("{} is at version {version}.", settings.database));
    Ok(())
}

/// Asks the running service whether it is ready.
///
/// # Errors
/// Exit status 1 when it is not.
pub fn healthcheck(settings: &Settings, terminal: &Terminal) -> Result<(), Failed> {
    let address = SocketAddr::new(reachable(settings.web.bind), settings.web.port);
    let http = HttpClient::new(HttpSettings {
        service: "Dashboard",
        connect_timeout: Duration::from_secs(3),
        total_timeout: Duration::from_secs(5),
        max_body_bytes: 64 << 10,
    });
    let login = settings.web.password.as_ref().map(|password| {
        let credential = STANDARD.encode(format!("healthcheck:{}", password.expose()));
        ("authorization", HeaderText::Secret("Basic ", Secret::new(credential)))
    });
    let reply = http.send(Request {
        method: Method::Get,
        url: format!("http://{address}/readyz"),
        query: Vec::new(),
        headers: login.into_iter().collect(),
        body: Body::None,
    });
    match reply {
        Ok(reply) if reply.is_success() => {
            terminal.say("ready");
            Ok(())
        }
        Ok(reply) => {
            Err(Failed::job(format!("The service at {address} is not ready (status {}).", reply.status)))
        }
        Err(error) => Err(Failed::job(format!("The service at {address} does not answer: {error}."))),
    }
}

/// An address bound to every interface is reached over loopback.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        other => other,
    }
}
