//! What holds for every address there is, read from the table itself, so that a new one can not be forgotten.

use crate::api_server::{Api, Reply, With};
use crate::dashboard_server::settings;
use domain::Secret;
use sandbox::Service;
use std::collections::BTreeSet;
use web::WebSettings;

const TABLE: &str = include_str!("../../src/routes.rs");
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];
const JSON: (&str, &str) = ("Content-Type", "application/json");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const TEXT: (&str, &str) = ("Content-Type", "text/plain");

/// Every address of the table, with something in the place of what varies.
fn addresses() -> BTreeSet<String> {
    let texts = TABLE.lines().filter(|line| line.contains("resource(") || line.contains("&str = \"/"));
    let addresses: BTreeSet<String> = texts
        .filter_map(|line| line.split('"').nth(1))
        .chain(TABLE.split("resource(\"").skip(1).filter_map(|rest| rest.split('"').next()))
        .map(|path| path.replace("{id}", "1").replace("{service}", "meta").replace("{name}", "app.0.css"))
        .collect();
    assert!(addresses.len() >= 38 && addresses.iter().all(|path| path.starts_with('/')), "{addresses:?}");
    for known in ["/", "/metrics", "/api/sync/trigger", "/filters/1/delete", "/static/app.0.css", "/login"] {
        assert!(addresses.contains(known), "{known}");
    }
    addresses
}

fn is_public(path: &str) -> bool {
    ["/healthz", "/login"].contains(&path) || path.starts_with("/static/")
}

/// What every answer carries, whatever it is.
fn check_headers(what: &str, reply: &Reply) {
    assert!(reply.header("content-security-policy").contains("frame-ancestors 'none'"), "{what}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(reply.header("cache-control"), "no-store", "{what}");
    assert_eq!(reply.header("access-control-allow-origin"), "", "{what}");
}

#[test]
fn without_the_password_nothing_is_answered_but_the_sign_of_life_and_the_login() {
    let api = Api::with_settings(WebSettings { password: Some(Secret::new("correct horse")), ..settings() });
    for path in addresses() {
        for method in METHODS {
            let what = format!("{method} {path}");
            let reply = api.send(method, &path, With::default());
            check_headers(&what, &reply);
            let for_programs = ["/api/", "/readyz", "/metrics"].iter().any(|begin| path.starts_with(begin));
            if is_public(&path) {
                assert!([200, 403, 404, 405, 415].contains(&reply.status), "{what}: {}", reply.status);
            } else if for_programs {
                reply.problem(401, "login", &[]);
            } else {
                assert_eq!(reply.status, 303, "{what}");
                assert!(reply.header("location").starts_with("/login"), "{what}");
            }
        }
    }
}

#[test]
fn no_address_is_served_under_a_foreign_host_name() {
    let api = Api::without_keys();
    for path in addresses() {
        for method in METHODS {
            let headers = [("Host", "evil.example.com")];
            let reply = api.send(method, &path, With { headers: &headers, body: "" });
            assert_eq!(reply.status, 421, "{method} {path}");
            check_headers(&path, &reply);
        }
    }
}

#[test]
fn no_page_of_another_site_changes_anything_whatever_it_posts() {
    let api = Api::empty_instance();
    api.configure();
    let config = api.store.config_latest().unwrap();
    let own = format!("http://{}", api.server.address());
    let cross_site: &[&[(&str, &str)]] = &[
        &[("Origin", "https://evil.example.com"), ("Sec-Fetch-Site", "cross-site")],
        &[("Origin", "http://localhost:1")],
        &[("Origin", "null")],
        // A page of an older browser may come without either, but then it knows no token and can not send JSON.
        &[],
        &[("Origin", &own)],
    ];
    for path in addresses() {
        for method in &METHODS[1..] {
            for from in cross_site {
                for (kind, body) in
                    [(FORM, "csrf=&password=x"), (FORM, "csrf=AAAA"), (TEXT, "{}"), (TEXT, "")]
                {
                    let headers: Vec<(&str, &str)> = from.iter().copied().chain([kind]).collect();
                    let reply = api.send(method, &path, With { headers: &headers, body });
                    let what = format!("{method} {path} {headers:?}: {}", reply.text);
                    assert!([403, 404, 405, 415].contains(&reply.status), "{} {what}", reply.status);
                    check_headers(&what, &reply);
                }
                // JSON is what only our own pages and programs can send.
                if from.first().is_some_and(|(_, origin)| *origin != own) {
                    let headers: Vec<(&str, &str)> = from.iter().copied().chain([JSON]).collect();
                    let reply = api.send(method, &path, With { headers: &headers, body: "{}" });
                    assert_eq!(reply.status, 403, "{method} {path}");
                }
            }
        }
    }
    assert_eq!(api.store.config_latest().unwrap(), config);
    assert!(api.store.run_latest().unwrap().is_none(), "nothing was started");
    assert_eq!((api.sandbox().record().count(Service::Claude), api.sandbox().mails().all().len()), (0, 0));
}
