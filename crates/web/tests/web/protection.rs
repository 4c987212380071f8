//! What protects a service without a login, and how it starts and stops.

use crate::dashboard_server::{Dashboard, check_page, settings, store};
use crate::fake_installation::FakeInstallation;
use crate::runs::successful;
use domain::Explain;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use web::{WebError, WebSettings};

fn nothing() -> Arc<FakeInstallation> {
    Arc::new(FakeInstallation::without_keys())
}

#[test]
fn every_answer_carries_the_security_headers() {
    let dashboard = Dashboard::new();
    for (path, status) in
        [("/", 200), ("/healthz", 200), ("/nothing", 404), ("/sync/1", 404), ("/static/x", 404)]
    {
        let answer = dashboard.get(path);
        assert_eq!(answer.status, status, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
            assert_eq!(answer.header(name), "same-origin", "{path}");
        }
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(dashboard.get("/healthz").body, "ok");
}

#[test]
fn a_foreign_host_name_is_refused_on_every_address() {
    let dashboard = Dashboard::with(WebSettings {
        public_url: Some("https://sync.example.com".into()),
        allowed_hosts: vec!["tower.local".into()],
        ..settings()
    });
    let run = successful(&dashboard.store);
    for path in ["/".to_owned(), format!("/sync/{run}"), "/healthz".to_owned(), "/nothing".to_owned()] {
        let refused = dashboard.get_from(&path, "evil.example.net");
        assert_eq!(refused.status, 421, "{path}");
        check_page(&refused.body);
        assert!(
            refused.body.contains("ALLOWED_HOSTS") && !refused.body.contains("2,311"),
            "{}",
            refused.body
        );
        assert!(refused.header("content-security-policy").contains("default-src 'none'"));
    }
    for host in ["sync.example.com", "tower.local:9876", "localhost", "192.168.1.10:9876", "[::1]:9876"] {
        assert_eq!(dashboard.get_from("/", host).status, 200, "{host}");
    }
}

#[test]
fn the_refusal_names_the_host_as_a_proxy_may_have_written_it() {
    let dashboard = Dashboard::new();
    let refused = dashboard.get_from("/", "ghl-meta-sync:9876");
    assert_eq!(refused.status, 421);
    assert!(refused.body.contains("asked for as &#34;ghl-meta-sync&#34;."), "{}", refused.body);
    for (host, shown) in [
        ("<b>hi</b>.example.net", "&#60;b&#62;hi&#60;/b&#62;.example.net&#34;".to_owned()),
        ("a\"b@example.net", "&#34;a&#34;b@example.net&#34;".to_owned()),
        (&"x".repeat(5_000), format!("&#34;{}…&#34;", "x".repeat(100))),
    ] {
        let refused = dashboard.get_from("/", host);
        assert_eq!(refused.status, 421, "{host}");
        check_page(&refused.body);
        assert!(refused.body.contains(&shown), "{}", refused.body);
        let refused = dashboard.get_from("/api/sync/status", host);
        assert_eq!(
            (refused.status, refused.header("content-type")),
            (421, "application/problem+json"),
            "{host}"
        );
    }
}

#[test]
fn the_style_sheet_has_a_hashed_address_that_browsers_may_keep() {
    let dashboard = Dashboard::new();
    let page = dashboard.page("/");
    for (name, kind) in [("/static/app.", "text/css; charset=utf-8"), ("/static/icon.", "image/svg+xml")] {
        let address = &page[page.find(name).unwrap()..];
        let address = &address[..address.find('"').unwrap()];
        let asset = dashboard.get(address);
        assert_eq!((asset.status, asset.header("content-type")), (200, kind), "{address}");
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(asset.body.len() > 100);
        let hash = address.rsplit('.').nth(1).unwrap();
        assert_eq!(dashboard.get(&address.replace(hash, "0000000000000000")).status, 404);
    }
    for path in ["/static/app.css", "/static/..%2fCargo.toml", "/static/%2e%2e/Cargo.0.toml", "/static/"] {
        assert_eq!(dashboard.get(path).status, 404, "{path}");
    }
}

#[test]
fn every_page_says_who_can_use_the_dashboard_when_no_password_is_set() {
    let everywhere = WebSettings { bind: "0.0.0.0".parse().unwrap(), ..settings() };
    let behind_a_proxy = WebSettings { public_url: Some("https://sync.example.com".into()), ..settings() };
    let by_another_name = WebSettings { allowed_hosts: vec!["tower.local".into()], ..settings() };
    let for_itself = WebSettings { public_url: Some("http://localhost:9876".into()), ..settings() };
    for (settings, words) in [
        (settings(), "whoever uses this computer can use the dashboard"),
        (for_itself, "whoever uses this computer can use the dashboard"),
        (behind_a_proxy, "whoever reaches this address can use the dashboard. Set WEB_PASSWORD"),
        (by_another_name, "whoever reaches this address can use the dashboard. Set WEB_PASSWORD"),
        (everywhere, "whoever reaches this address can use the dashboard. Set WEB_PASSWORD"),
    ] {
        let dashboard = Dashboard::with(settings);
        for path in ["/", "/connections", "/settings"] {
            let page = dashboard.get_from(path, "localhost").body;
            assert!(page.contains("No password is set") && page.contains(words), "{path}: {page}");
        }
    }
}

#[test]
fn pages_can_only_be_read() {
    let dashboard = Dashboard::new();
    let answer = dashboard.post("/");
    assert_eq!(answer.status, 405);
    check_page(&answer.body);
    let head = dashboard.head("/");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[test]
fn a_database_that_fails_is_said_without_detail() {
    let folder = tempfile::tempdir().unwrap();
    let broken = store(&folder);
    let server = web::start(settings(), broken, nothing()).unwrap();
    // In place, because open connections would go on to read files that were only unlinked.
    for file in ["sync.db", "sync.db-wal"] {
        std::fs::write(folder.path().join(file), "not a database").unwrap();
    }
    // The index of the log is memory that all connections share. Cleared in place, it makes them forget what they read.
    let index = folder.path().join("sync.db-shm");
    let zeros = vec![0; std::fs::metadata(&index).unwrap().len() as usize];
    OpenOptions::new().write(true).open(index).unwrap().write_all(&zeros).unwrap();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.get(format!("http://{}/", server.address())).call().unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    assert_eq!(response.status().as_u16(), 503, "{body}");
    check_page(&body);
    assert!(
        body.contains("The database failed")
            && body.contains("The database refused to ")
            && body.contains("href=\"/\""),
        "{body}"
    );
    assert!(!body.contains("sync.db") && !body.to_lowercase().contains("sqlite"), "{body}");
}

#[test]
fn a_taken_port_is_an_error_that_names_the_setting() {
    let running = Dashboard::new();
    let port = running.server.address().port();
    let error = web::start(WebSettings { port, ..settings() }, running.store.clone(), nothing()).unwrap_err();
    assert!(matches!(error, WebError::Bind { .. }), "{error:?}");
    let told = error.explain();
    assert!(told.message.contains(&format!("Port {port}")) && told.remedy.contains("WEB_PORT"), "{told:?}");

    let elsewhere = WebSettings { bind: "192.0.2.1".parse().unwrap(), ..settings() };
    let told = web::start(elsewhere, running.store.clone(), nothing()).unwrap_err().explain();
    assert!(told.remedy.contains("WEB_BIND"), "{told:?}");
}

#[test]
fn a_stopped_server_frees_its_port() {
    let dashboard = Dashboard::new();
    let address = dashboard.server.address();
    dashboard.page("/");
    let Dashboard { server, .. } = dashboard;
    server.stop();
    assert!(TcpStream::connect(address).is_err());
}
