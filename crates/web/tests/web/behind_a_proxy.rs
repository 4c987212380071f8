//! The dashboard below a path of another host, as reverse proxies serve it.

use crate::dashboard_server::{Answer, Dashboard, check_page, settings};
use crate::pages_site::Site;
use crate::runs::{running, successful};
use domain::Secret;
use web::{WebError, WebSettings};

const PUBLIC: &str = "https://example.com/ghl/";

fn behind(public_url: &str, password: Option<&str>) -> Dashboard {
    Dashboard::with(WebSettings {
        public_url: Some(public_url.to_owned()),
        password: password.map(Secret::new),
        ..settings()
    })
}

/// Every address of ours on a page.
fn addresses(html: &str) -> Vec<&str> {
    ["href", "action", "src", "hx-get", "hx-post"]
        .iter()
        .flat_map(|name| html.split(&format!(" {name}=\"")).skip(1).collect::<Vec<_>>())
        .map(|rest| rest.split('"').next().unwrap())
        .filter(|address| !address.starts_with('#') && !address.starts_with("https://"))
        .collect()
}

#[test]
fn every_address_on_every_page_begins_with_the_path_and_leads_somewhere() {
    let site = Site::behind(PUBLIC);
    for _ in 0..21 {
        successful(&site.store);
    }
    let run = running(&site.store);
    let mut seen = vec![];
    for path in ["/", "/?page=2", "/connections", "/settings", "/sync/1", &format!("/sync/{run}")] {
        let html = site.page(&format!("/ghl{path}"));
        assert_eq!(addresses(&html), addresses(&site.page(path)), "{path}: stripped by the proxy or not");
        for address in addresses(&html) {
            assert!(address.starts_with("/ghl/"), "{address} on {path}");
            seen.push(address.replace("&#38;", "&"));
        }
    }
    let fragments = ["/", "/fragments/setup", "/fragments/configuration", "/fragments/run", "/connections"];
    let live = format!("/fragments/run?run={run}&step=fetch");
    for path in fragments.into_iter().chain([live.as_str()]) {
        for address in addresses(&site.fragment(&format!("/ghl{path}")).body) {
            assert!(address.starts_with("/ghl/"), "{address} in {path}");
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() > 40, "{seen:?}");
    for address in seen {
        // Forms answer 405 to reading, what is only for htmx sends elsewhere; nothing is missing.
        for address in [address.as_str(), address.strip_prefix("/ghl").unwrap()] {
            let status = site.get(address, false).status;
            assert!([200, 303, 405].contains(&status), "{address}: {status}");
        }
    }
}

#[test]
fn forms_and_redirects_stay_below_the_path_whether_the_proxy_strips_it_or_not() {
    for public in ["http://example.com/ghl", "http://example.com/ghl/"] {
        let site = Site::behind(public);
        for (page, action) in [("/ghl/", "/ghl/email/test"), ("/", "/ghl/email/test")] {
            let sent = site.submit(page, action, &[], false);
            assert_eq!((sent.status, sent.header("location")), (303, "/ghl/?done=mail#mail"));
        }
        let started = site.submit("/ghl/connections", "/ghl/sync", &[], true);
        assert_eq!((started.status, started.header("hx-redirect")), (200, "/ghl/"), "{}", started.body);
        site.ended(site.latest());
        assert_eq!(site.get("/ghl", false).status, 200);
        assert_eq!(site.get("/ghlx/", false).status, 404);
        assert_eq!(site.get("/ghl/ghl/", false).status, 404, "it is taken off once");
        assert!(site.get("/ghl/nothing", false).body.contains("href=\"/ghl/\""));
    }
}

#[test]
fn the_api_and_its_description_know_the_path() {
    let dashboard = behind(PUBLIC, None);
    for path in ["/ghl/api/sync/status", "/api/sync/status", "/ghl/healthz"] {
        assert_eq!(dashboard.get(path).status, 200, "{path}");
    }
    assert!(dashboard.get("/ghl/api/openapi.json").body.contains("\"servers\":[{\"url\":\"/ghl\"}]"));
    assert!(!Dashboard::new().get("/api/openapi.json").body.contains("\"servers\""));
}

#[test]
fn a_login_below_the_path_leads_back_below_it() {
    let dashboard = behind(PUBLIC, Some("correct horse"));
    for path in ["/ghl/sync/7", "/sync/7"] {
        let sent = dashboard.get(path);
        assert_eq!((sent.status, sent.header("location")), (303, "/ghl/login?next=%2Fsync%2F7"), "{path}");
    }
    let page = dashboard.get("/ghl/login?next=%2Fsync%2F7");
    check_page(&page.body);
    assert!(page.body.contains("action=\"/ghl/login\"") && page.body.contains("value=\"/sync/7\""));
    let answer =
        submit(&dashboard, &page, "/ghl/login", "password=correct+horse&next=/sync/7", "https://example.com");
    assert_eq!((answer.status, answer.header("location")), (303, "/ghl/sync/7"), "{}", answer.body);
    let session = answer.header("set-cookie");
    assert!(session.starts_with("session_") && session.contains("; Secure"), "{session}");
    assert!(session.contains("; Path=/ghl;") || session.ends_with("; Path=/ghl"), "{session}");
}

/// Sends the form of a page with its cookie, from a page of this origin.
fn submit(dashboard: &Dashboard, page: &Answer, path: &str, fields: &str, origin: &str) -> Answer {
    let token = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let cookie = page.header("set-cookie").split(';').next().unwrap();
    dashboard.submit(path, &format!("csrf={token}&{fields}"), &[("Cookie", cookie), ("Origin", origin)])
}

#[test]
fn cookies_are_for_https_alone_where_the_dashboard_is_opened_that_way() {
    for (public, forwarded, secure, path) in [
        (Some(PUBLIC), None, true, "/ghl"),
        (Some("https://example.com"), None, true, "/"),
        (Some("http://example.com/ghl"), None, false, "/ghl"),
        (None, None, false, "/"),
        (None, Some("https"), true, "/"),
    ] {
        let dashboard = Dashboard::with(WebSettings { public_url: public.map(Into::into), ..settings() });
        let header = forwarded.map(|scheme| ("X-Forwarded-Proto", scheme));
        let answer = dashboard.get_with("/", header.as_slice());
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("csrf_"), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), secure, "{public:?}: {cookie}");
        assert!(cookie.split("; ").any(|part| part == format!("Path={path}")), "{public:?}: {cookie}");
    }
}

#[test]
fn a_form_sent_over_plain_http_says_where_to_open_the_dashboard() {
    let dashboard = behind(PUBLIC, None);
    let origin = dashboard.url("");
    let answer = dashboard.submit("/ghl/sync", "csrf=x", &[("Origin", &origin)]);
    assert_eq!(answer.status, 403);
    check_page(&answer.body);
    assert!(answer.body.contains("Opened over plain http") && answer.body.contains("PUBLIC_URL"));
    let answer = dashboard.submit("/ghl/sync", "csrf=x", &[("Origin", "https://example.com")]);
    assert!(answer.status == 403 && answer.body.contains("The page is too old"), "{}", answer.body);
}

#[test]
fn headers_of_proxies_open_nothing() {
    let dashboard = behind(PUBLIC, None);
    let evil = [("X-Forwarded-Host", "evil.example.net"), ("Forwarded", "host=evil.example.net;proto=https")];
    for header in evil {
        let refused =
            dashboard.submit("/ghl/sync", "csrf=x", &[header, ("Origin", "https://evil.example.net")]);
        assert!(refused.status == 403 && refused.body.contains("another site"), "{}", refused.body);
    }
    let refused =
        dashboard.get_with("/", &[("Host", "evil.example.net"), ("X-Forwarded-Host", "example.com")]);
    assert_eq!(refused.status, 421);
    let page = dashboard.get_with("/", &[("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Host", "evil")]);
    assert!(!page.body.contains("evil"), "{}", page.body);
}

#[test]
fn a_path_that_could_be_meant_either_way_is_refused_with_its_name() {
    for url in ["https://example.com/sync", "https://example.com/a?b=1"] {
        let refused = WebSettings::check(Some(url), &[]);
        assert!(matches!(refused, Err(WebError::Setting { variable: "PUBLIC_URL", .. })), "{url}");
    }
}
