//! The address of a vendor's API.

use std::fmt;
use std::net::IpAddr;
use ureq::http::Uri;

/// `https://host[:port][/path]` without a trailing slash; plain http only on loopback, so that no token travels in clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// Why an address can not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an absolute http(s) address.
    #[error("it is not an address of the form https://host")]
    NotAnAddress,
    /// Plain http to another machine.
    #[error(
        "plain http would send the token in clear; use https (http is accepted for loopback addresses only)"
    )]
    PlainHttp,
    /// User, query or fragment inside.
    #[error("it must not contain a user name, a query or a fragment")]
    Extras,
}

impl BaseUrl {
    /// Checks and keeps the address.
    ///
    /// # Errors
    /// [`BaseUrlError`] says what is wrong; the caller names the setting.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let text = text.trim().trim_end_matches('/');
        let Ok(uri) = text.parse::<Uri>() else { return Err(BaseUrlError::NotAnAddress) };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(BaseUrlError::NotAnAddress);
        };
        if authority.as_str().contains('@') || uri.query().is_some() || text.contains('#') {
            return Err(BaseUrlError::Extras);
        }
        match scheme {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_loopback(authority.host()) => Ok(Self(text.to_owned())),
            "http" => Err(BaseUrlError::PlainHttp),
            _ => Err(BaseUrlError::NotAnAddress),
        }
    }

    /// The address of a path below this base; `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The address a server names for what follows, if it is on this very server: same host and port. It is asked for with
    /// this base's scheme whatever its own, so that nothing travels in clear.
    pub fn following(&self, url: &str) -> Option<String> {
        let (scheme, rest) = self.0.split_once("://")?;
        let authority = rest.split('/').next()?;
        let uri: Uri = url.trim().parse().ok()?;
        let path = uri.path_and_query()?.as_str();
        let same = match (uri.scheme_str(), uri.authority()) {
            (Some("http" | "https"), Some(other)) => other.as_str().eq_ignore_ascii_case(authority),
            (None, None) => true,
            _ => false,
        };
        (same && path.starts_with('/') && !path.starts_with("//"))
            .then(|| format!("{scheme}://{authority}{path}"))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, BaseUrlError};

    #[test]
    fn only_what_follows_on_the_same_server_is_followed() {
        let base = BaseUrl::parse("https://rest.example.com/v1").unwrap();
        let next = "https://rest.example.com/v1/contacts?page=2";
        for same in [
            next,
            "http://rest.example.com/v1/contacts?page=2",
            "/v1/contacts?page=2",
            "https://REST.example.com/v1/contacts?page=2",
        ] {
            assert_eq!(base.following(same).as_deref(), Some(next), "{same}");
        }
        for other in [
            "https://rest.example.com.evil.example/v1",
            "https://evil.example/v1",
            "//evil.example/v1",
            "https://rest.example.com:8443/v1",
            "https://rest.example.com@evil.example/v1",
            "https://user@rest.example.com/v1",
            "ftp://rest.example.com/v1",
            "file:///etc/passwd",
            "contacts?page=2",
            "https://evil.example\\@rest.example.com/",
            "",
            "*",
            "http://169.254.169.254/latest",
        ] {
            assert_eq!(base.following(other), None, "{other}");
        }
        let local = BaseUrl::parse("http://127.0.0.1:8080").unwrap();
        assert_eq!(local.following("http://127.0.0.1:8080/x").as_deref(), Some("http://127.0.0.1:8080/x"));
        assert_eq!(local.following("http://127.0.0.1:8081/x"), None);
    }

    #[test]
    fn only_safe_addresses_are_accepted() {
        for good in [
            "https://services.example.com",
            "http://127.0.0.1:8080/",
            "http://localhost:1",
            "http://[::1]:9/x",
        ] {
            assert!(BaseUrl::parse(good).is_ok(), "{good}");
        }
        assert_eq!(BaseUrl::parse("https://host/v1/").unwrap().join("/contacts"), "https://host/v1/contacts");
        assert_eq!(BaseUrl::parse("http://graph.example.com"), Err(BaseUrlError::PlainHttp));
        assert_eq!(BaseUrl::parse("http://localhost.example.com"), Err(BaseUrlError::PlainHttp));
        assert_eq!(BaseUrl::parse("https://user:pw@host"), Err(BaseUrlError::Extras));
        assert_eq!(BaseUrl::parse("https://host/?a=b"), Err(BaseUrlError::Extras));
        for bad in ["", "host", "ftp://host", "/path", "https://"] {
            assert_eq!(BaseUrl::parse(bad), Err(BaseUrlError::NotAnAddress), "{bad}");
        }
    }
}
