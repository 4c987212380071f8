//! Under which names the dashboard may be opened.
//!
//! A hostile page can point a name of its own at this computer and then read what we answer ("DNS rebinding"); only the
//! `Host` header tells such a request from an honest one.

use crate::error::WebError;
use actix_web::http::Uri;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::uri::Authority;
use std::net::{IpAddr, Ipv6Addr};

/// Where the dashboard is served, besides loopback and IP addresses.
#[derive(Debug, Clone)]
pub(crate) struct AllowedHosts {
    /// In lower case.
    names: Vec<String>,
    /// `PUBLIC_URL` as browsers write it in `Origin`.
    public_origin: Option<Origin>,
}

/// Host in lower case and port; the scheme only decides which port is meant when none is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    host: String,
    port: u16,
}

impl Origin {
    fn parse(url: &str) -> Option<Self> {
        let uri = url.parse::<Uri>().ok()?;
        let default = match uri.scheme_str()? {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some(Self { host: plain(uri.host()?), port: uri.port_u16().unwrap_or(default) })
    }
}

/// Whether a change is asked for by a page of ours, or by no page at all, as by a program.
///
/// Browsers send `Origin` with every change, and no page can forge it; `null` stands for a page that hides where it is
/// from. It must be the origin in the `Host` header, or that of `PUBLIC_URL` for proxies that write their own `Host`.
pub(crate) fn is_own_page(hosts: &AllowedHosts, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if matches!(text(HeaderName::from_static("sec-fetch-site")), Some("cross-site" | "same-site")) {
        return false;
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    let Some(origin) = Origin::parse(origin) else { return false };
    let host = text(header::HOST).and_then(|host| host.parse::<Authority>().ok());
    let same_host = host.is_some_and(|host| {
        let same_port = match host.port_u16() {
            Some(port) => port == origin.port,
            None => matches!(origin.port, 80 | 443),
        };
        same_port && plain(host.host()) == origin.host
    });
    same_host || hosts.public_origin.as_ref() == Some(&origin)
}

impl AllowedHosts {
    /// Takes the host of `PUBLIC_URL` and the entries of `ALLOWED_HOSTS`.
    pub(crate) fn new(public_url: Option<&str>, allowed_hosts: &[String]) -> Result<Self, WebError> {
        let mut names = Vec::new();
        if let Some(url) = public_url {
            let host = url.trim().parse::<Uri>().ok().and_then(|uri| uri.host().map(plain));
            names.push(host.ok_or_else(|| WebError::Setting {
                variable: "PUBLIC_URL",
                problem: "is not an address like http://192.168.1.10:9876".to_owned(),
            })?);
        }
        for entry in allowed_hosts {
            let host = entry.trim().parse::<Authority>().ok().map(|authority| plain(authority.host()));
            names.push(host.ok_or_else(|| WebError::Setting {
                variable: "ALLOWED_HOSTS",
                problem: "holds an entry that is not a host name".to_owned(),
            })?);
        }
        let public_origin = public_url.and_then(|url| Origin::parse(url.trim()));
        Ok(Self { names, public_origin })
    }

    /// Whether every name of `PUBLIC_URL` and `ALLOWED_HOSTS` leads back to the computer that it is opened on.
    pub(crate) fn are_of_this_computer(&self) -> bool {
        self.names.iter().all(|host| {
            let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
            is_localhost(host) || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        })
    }

    /// Whether a request with this `Host` header is served. The port plays no part: it may differ behind a proxy.
    pub(crate) fn allow(&self, header: Option<&[u8]>) -> bool {
        let Some(host) = header.and_then(named) else { return false };
        is_localhost(&host)
            || host.parse::<IpAddr>().is_ok()
            || host
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .is_some_and(|literal| literal.parse::<Ipv6Addr>().is_ok())
            || self.names.contains(&host)
    }
}

/// The name in a `Host` header without its port, as `ALLOWED_HOSTS` takes it; whatever stands there when it is no name.
pub(crate) fn as_asked(header: &[u8]) -> String {
    named(header).unwrap_or_else(|| String::from_utf8_lossy(header).into_owned())
}

fn named(header: &[u8]) -> Option<String> {
    let authority = Authority::try_from(header).ok()?;
    (!authority.as_str().contains('@')).then(|| plain(authority.host()))
}

fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

/// Lower case, without the dot that ends a fully qualified name.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::{AllowedHosts, is_own_page};
    use crate::error::WebError;
    use actix_web::http::header::{self, HeaderMap, HeaderName};

    fn hosts(public_url: Option<&str>, allowed: &[&str]) -> Result<AllowedHosts, WebError> {
        let allowed: Vec<String> = allowed.iter().map(|&host| host.to_owned()).collect();
        AllowedHosts::new(public_url, &allowed)
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
    fn a_name_of_another_computer_is_told_from_those_of_this_one() {
        let of_this =
            |url: Option<&str>, allowed: &[&str]| hosts(url, allowed).unwrap().are_of_this_computer();
        assert!(of_this(None, &[]));
        assert!(of_this(
            Some("http://localhost:9876"),
            &["127.0.0.1", "127.1.2.3:80", "[::1]:9876", "app.localhost."]
        ));
        for host in ["sync.example.com", "192.168.1.10", "[2001:db8::1]", "0.0.0.0", "localhost.example.com"]
        {
            assert!(!of_this(Some(&format!("https://{host}/ghl")), &[]), "{host}");
            assert!(!of_this(None, &["localhost", host]), "{host}");
        }
    }

    #[test]
    fn a_change_is_taken_from_our_own_pages_and_from_programs_only() {
        let hosts = hosts(Some("https://sync.example.com/app"), &["tower.local"]).unwrap();
        let own = |host: &str, origin: Option<&str>, site: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            if let Some(site) = site {
                headers.insert(HeaderName::from_static("sec-fetch-site"), site.parse().unwrap());
            }
            is_own_page(&hosts, &headers)
        };
        for (host, origin) in [
            ("localhost:9876", "http://localhost:9876"),
            ("LOCALHOST:9876", "http://localhost:9876"),
            ("[::1]:9876", "http://[::1]:9876"),
            ("tower.local", "http://tower.local"),
            ("tower.local", "https://tower.local"),
            ("tower.local:443", "https://tower.local"),
            ("10.0.0.5:9876", "https://sync.example.com"),
        ] {
            assert!(own(host, Some(origin), Some("same-origin")), "{host} {origin}");
            assert!(own(host, Some(origin), None), "{host} {origin}");
        }
        for (host, origin) in [
            ("localhost:9876", "http://localhost:8080"),
            ("localhost:9876", "http://localhost"),
            ("localhost:9876", "http://localhost.evil.example.com:9876"),
            ("10.0.0.5:9876", "http://sync.example.com"),
            ("10.0.0.5:9876", "https://sync.example.com:444"),
            ("10.0.0.5:9876", "http://tower.local"),
            ("tower.local", "null"),
            ("tower.local", ""),
            ("tower.local", "tower.local"),
            ("tower.local", "file://tower.local"),
        ] {
            assert!(!own(host, Some(origin), None), "{host} {origin}");
        }
        assert!(own("tower.local", None, None), "a program");
        assert!(own("tower.local", None, Some("none")), "a person who typed the address");
        for site in ["cross-site", "same-site"] {
            assert!(!own("tower.local", None, Some(site)), "{site}");
            assert!(!own("tower.local", Some("http://tower.local"), Some(site)), "{site}");
        }
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
