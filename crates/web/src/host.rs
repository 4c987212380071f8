//! Under which names the dashboard may be opened.
//!
//! A hostile page can point a name of its own at this computer and then read what we answer ("DNS rebinding"); only the
//! `Host` header tells such a request from an honest one.

use crate::error::WebError;
use crate::settings::WebSettings;
use actix_web::http::Uri;
use actix_web::http::uri::Authority;
use std::net::{IpAddr, Ipv6Addr};

/// The names beside loopback and IP addresses, in lower case.
#[derive(Debug, Clone)]
pub(crate) struct AllowedHosts(Vec<String>);

impl AllowedHosts {
    /// Takes the host of `PUBLIC_URL` and the entries of `ALLOWED_HOSTS`.
    pub(crate) fn new(settings: &WebSettings) -> Result<Self, WebError> {
        let mut names = Vec::new();
        if let Some(url) = &settings.public_url {
            let host = url.trim().parse::<Uri>().ok().and_then(|uri| uri.host().map(plain));
            names.push(host.ok_or_else(|| WebError::Setting {
                variable: "PUBLIC_URL",
                problem: "is not an address like http://192.168.1.10:9876".to_owned(),
            })?);
        }
        for entry in &settings.allowed_hosts {
            let host = entry.trim().parse::<Authority>().ok().map(|authority| plain(authority.host()));
            names.push(host.ok_or_else(|| WebError::Setting {
                variable: "ALLOWED_HOSTS",
                problem: "holds an entry that is not a host name".to_owned(),
            })?);
        }
        Ok(Self(names))
    }

    /// Whether a request with this `Host` header is served. The port plays no part: it may differ behind a proxy.
    pub(crate) fn allow(&self, header: Option<&[u8]>) -> bool {
        let Some(authority) = header.and_then(|bytes| Authority::try_from(bytes).ok()) else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = plain(authority.host());
        host == "localhost"
            || host.ends_with(".localhost")
            || host.parse::<IpAddr>().is_ok()
            || host
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|literal| literal.parse::<Ipv6Addr>().is_ok())
            || self.0.contains(&host)
    }
}

/// Lower case, without the dot that ends a fully qualified name.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::AllowedHosts;
    use crate::error::WebError;
    use crate::settings::WebSettings;

    fn hosts(public_url: Option<&str>, allowed: &[&str]) -> Result<AllowedHosts, WebError> {
        AllowedHosts::new(&WebSettings {
            bind: [127, 0, 0, 1].into(),
            port: 0,
            public_url: public_url.map(str::to_owned),
            allowed_hosts: allowed.iter().map(|&host| host.to_owned()).collect(),
            instance_name: None,
            time_zone: chrono_tz::UTC,
            currency: None,
        })
    }

    #[test]
    fn only_names_that_can_not_be_rebound_are_served() {
        let hosts =
            hosts(Some("https://Sync.example.com:8443/x"), &["tower.local", "nas.example.com:9876"]).unwrap();
        for host in [
            "localhost",
            "LOCALHOST:9876",
            "localhost.",
            "app.localhost",
            "127.0.0.1:9876",
            "192.168.1.10",
            "[::1]:9876",
            "[2001:db8::1]",
            "sync.example.com",
            "SYNC.example.com:1",
            "tower.local",
            "nas.example.com",
        ] {
            assert!(hosts.allow(Some(host.as_bytes())), "{host}");
        }
        for host in [
            "evil.example.com",
            "localhost.evil.example.com",
            "127.0.0.1.evil.example.com",
            "xlocalhost",
            "",
            "a b",
            "user@localhost",
            "[::1",
            "[localhost]",
            "[127.0.0.1]",
        ] {
            assert!(!hosts.allow(Some(host.as_bytes())), "{host}");
        }
        assert!(!hosts.allow(None));
        assert!(!hosts.allow(Some(b"\xff")));
    }

    #[test]
    fn a_setting_that_holds_no_host_is_named() {
        for (url, allowed, variable) in [
            (Some("/sync"), &[][..], "PUBLIC_URL"),
            (Some(""), &[], "PUBLIC_URL"),
            (None, &["http://a/b"], "ALLOWED_HOSTS"),
        ] {
            let error = hosts(url, allowed).unwrap_err();
            assert!(
                matches!(error, WebError::Setting { variable: named, .. } if named == variable),
                "{error:?}"
            );
        }
    }
}
