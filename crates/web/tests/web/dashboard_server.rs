//! A dashboard on a free port with a database of its own.

use crate::fake_installation::{FakeInstallation, saved};
use chrono::{DateTime, Utc};
use domain::Clock;
use persistence::{DatabaseUrl, Store};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use tempfile::TempDir;
use web::{ClientLimits, RunningServer, WebSettings};

/// A clock that stands still at 02:00 UTC.
struct TwoInTheMorning;

impl Clock for TwoInTheMorning {
    fn now(&self) -> DateTime<Utc> {
        "2026-11-21T02:00:00Z".parse().unwrap()
    }
}

pub struct Dashboard {
    pub store: Store,
    pub server: RunningServer,
    /// How often the database was asked for the settings.
    pub asked_for_settings: Arc<AtomicU32>,
    agent: ureq::Agent,
    _folder: TempDir,
}

/// One answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
    headers: ureq::http::HeaderMap,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub fn settings() -> WebSettings {
    WebSettings {
        bind: IpAddr::from([127, 0, 0, 1]),
        port: 0,
        public_url: None,
        allowed_hosts: vec![],
        password: None,
        ad_account_id: Some("act_42".to_owned()),
        location_id: Some("loc1".to_owned()),
        business_id: Some("9876543210123456".to_owned()),
        limits: ClientLimits::default(),
    }
}

pub fn store(folder: &TempDir) -> Store {
    Store::open(&DatabaseUrl::Sqlite(folder.path().join("sync.db")), Arc::new(TwoInTheMorning)).unwrap()
}

impl Dashboard {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: WebSettings) -> Self {
        Self::with_saved(settings, &[])
    }

    /// With names and values that were saved on the settings page.
    pub fn with_saved(settings: WebSettings, values: &[(&'static str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let mut installation = FakeInstallation::without_keys();
        installation
            .settings
            .get_mut()
            .unwrap()
            .extend(values.iter().map(|(name, value)| saved(name, value)));
        let asked_for_settings = Arc::clone(&installation.asked_for_settings);
        let server = web::start(settings, store.clone(), Arc::new(installation)).unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { store, server, asked_for_settings, agent, _folder: folder }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_from(path, &self.server.address().to_string())
    }

    /// Asks under another host name.
    pub fn get_from(&self, path: &str, host: &str) -> Answer {
        read(self.agent.get(self.url(path)).header("Host", host).call().unwrap())
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.agent.get(self.url(path));
        read(
            headers
                .iter()
                .fold(request, |request, (name, value)| request.header(*name, *value))
                .call()
                .unwrap(),
        )
    }

    /// Sends a form.
    pub fn submit(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.agent.post(self.url(path)).content_type("application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        read(request.send(form).unwrap())
    }

    pub fn post(&self, path: &str) -> Answer {
        read(self.agent.post(self.url(path)).send("x=1").unwrap())
    }

    pub fn head(&self, path: &str) -> Answer {
        read(self.agent.head(self.url(path)).call().unwrap())
    }

    /// A page that is there, checked against what every page must keep.
    pub fn page(&self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        check_page(&answer.body);
        answer.body
    }
}

/// The policy of the pages forbids inline script and style, so a page that holds some would be broken; and since every
/// value is escaped, every `<` begins a tag of ours.
pub fn check_page(html: &str) {
    for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.split_whitespace().next().unwrap_or_default();
        // Scripts come from our own files only.
        let is_ours =
            tag.starts_with("script src=\"/") && tag.contains("/static/") && tag.ends_with("\" defer");
        assert!(is_ours || !["script", "style", "img", "iframe", "object", "b"].contains(&name), "<{tag}>");
        for attribute in tag.split_whitespace().skip(1) {
            assert!(!attribute.starts_with("on") && !attribute.starts_with("style"), "<{tag}>");
        }
        assert!(!tag.contains("javascript:"), "<{tag}>");
    }
    assert_eq!(html.matches("<h1").count(), 1, "{html}");
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{html}");
    for broken in ["NaN", "null", "None", "Some("] {
        assert!(!html.contains(broken), "{broken} in {html}");
    }
    let ids: Vec<&str> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "an id stands twice: {ids:?}");
}

pub fn read(response: ureq::http::Response<ureq::Body>) -> Answer {
    let (parts, mut body) = response.into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: body.read_to_string().unwrap() }
}
