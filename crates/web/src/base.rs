//! Where the dashboard stands in the address bar: the path of `PUBLIC_URL`, such as `/ghl` behind a proxy that serves more
//! than us.
//!
//! Every address that leaves the program begins with it: templates write `{{ layout.base }}/sync/7`, and redirects get it
//! in [`Base::lead`]. Inside the program addresses are without it. Proxies may strip it or pass it on; both are answered.

use crate::error::WebError;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, CookieBuilder, SameSite};
use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use actix_web::http::uri::PathAndQuery;

/// The beginnings of our own addresses. A path of `PUBLIC_URL` that begins with one could be meant either way.
const OWN: [&str; 16] = [
    "api",
    "config",
    "connections",
    "email",
    "erase",
    "filters",
    "fragments",
    "healthz",
    "login",
    "logout",
    "metrics",
    "preview",
    "readyz",
    "settings",
    "static",
    "sync",
];

/// The part of `PUBLIC_URL` behind the host, and what follows from its scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Base {
    /// Empty, or `/ghl`: without a slash at its end.
    path: String,
    is_https: bool,
}

impl Base {
    /// Reads `PUBLIC_URL`.
    pub(crate) fn new(public_url: Option<&str>) -> Result<Self, WebError> {
        let Some(url) = public_url.map(str::trim) else { return Ok(Self::default()) };
        let refused = |problem: String| WebError::Setting { variable: "PUBLIC_URL", problem };
        let uri: Uri = url.parse().map_err(|error| refused(format!("is not an address ({error})")))?;
        let path = uri.path().trim_end_matches('/');
        let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
        let has_names = path.split('/').skip(1).all(|part| !matches!(part, "" | "." | ".."));
        if !is_plain || !has_names || uri.query().is_some() || url.contains('#') {
            return Err(refused(
                "may have a path of letters, digits, -, ., _ and ~, such as https://example.com/ghl, and nothing after it"
                    .to_owned(),
            ));
        }
        if let Some(own) = path.split('/').nth(1).filter(|first| OWN.contains(first)) {
            return Err(refused(format!(
                "has a path that begins with /{own}, which is an address of the dashboard itself: choose another, such as /ghl"
            )));
        }
        Ok(Self { path: path.to_owned(), is_https: uri.scheme_str() == Some("https") })
    }

    /// What stands before every address of ours: empty, or `/ghl`.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether browsers open the dashboard over https, as far as `PUBLIC_URL` tells.
    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    /// Takes the path off the request of a proxy that passes it on.
    pub(crate) fn strip(&self, request: &mut ServiceRequest) {
        let Some(rest) = request.path().strip_prefix(&self.path) else { return };
        if self.path.is_empty() || !(rest.is_empty() || rest.starts_with('/')) {
            return;
        }
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = if rest.is_empty() { "/" } else { rest };
        let Ok(path) = PathAndQuery::try_from(format!("{path}{query}")) else { return };
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path);
        let Ok(uri) = Uri::from_parts(parts) else { return };
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }

    /// Puts the path before the addresses to which an answer sends the browser.
    pub(crate) fn lead(&self, headers: &mut HeaderMap) {
        for name in [LOCATION, HeaderName::from_static("hx-redirect")] {
            let address = headers.get(&name).and_then(|value| value.to_str().ok());
            let ours = address.filter(|address| address.starts_with('/'));
            let led = ours.map(|address| HeaderValue::try_from(format!("{}{address}", self.path)));
            if let Some(Ok(led)) = led {
                headers.insert(name, led);
            }
        }
    }

    /// A cookie of ours: for our path only, out of reach of scripts, and over https alone where the dashboard is opened that
    /// way. A proxy that says so is believed without `PUBLIC_URL` too: the worst that a lie does is to keep the cookie back.
    pub(crate) fn cookie(
        &self,
        request: &HttpRequest,
        name: String,
        value: String,
    ) -> CookieBuilder<'static> {
        Cookie::build(name, value)
            .path(if self.path.is_empty() { "/".to_owned() } else { self.path.clone() })
            .http_only(true)
            // Not strict: the dashboard is opened from links in mails, and has to know its people there.
            .same_site(SameSite::Lax)
            .secure(self.is_https || request.connection_info().scheme() == "https")
    }
}

#[cfg(test)]
mod tests {
    use super::{Base, OWN};
    use crate::routes;
    use std::collections::BTreeSet;

    fn path(url: &str) -> Option<String> {
        Base::new(Some(url)).ok().map(|base| base.path().to_owned())
    }

    #[test]
    fn the_path_of_the_public_address_is_taken_and_doubtful_ones_are_refused() {
        for (url, expected) in [
            ("https://example.com", ""),
            ("https://example.com/", ""),
            ("https://example.com/ghl", "/ghl"),
            ("http://example.com:81/a/b-c_1.2~/", "/a/b-c_1.2~"),
            ("https://example.com/syncs", "/syncs"),
        ] {
            assert_eq!(path(url).as_deref(), Some(expected), "{url}");
        }
        for url in [
            "https://example.com/sync",
            "https://example.com/api/x",
            "https://example.com/a//b",
            "https://example.com/../b",
            "https://example.com/a%2fb",
            "https://example.com/a\"b",
            "https://example.com/ghl?x=1",
            "https://example.com/ghl#x",
        ] {
            assert_eq!(path(url), None, "{url}");
        }
    }

    #[test]
    fn every_address_of_ours_is_known() {
        // The pages are told to the server alone, so the text of the table is read.
        let (_, pages) = include_str!("routes.rs").split_once("fn page_table(").unwrap();
        let pages: Vec<&str> = pages.split('"').filter(|text| text.starts_with('/')).collect();
        assert!(pages.len() > 20, "{pages:?}");
        let others = [routes::path::READY, "/healthz", "/login"];
        let api = routes::api_table();
        let api = api.iter().map(|(_, address, _)| *address);
        let mut known = BTreeSet::new();
        for address in api.chain(pages).chain(others).filter(|address| *address != "/") {
            let first = address.split('/').nth(1).unwrap();
            assert!(OWN.contains(&first), "{address}");
            known.insert(first);
        }
        assert_eq!(known, BTreeSet::from(OWN), "nothing is refused without need");
    }
}
