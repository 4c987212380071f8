//! A service as a program sees it: JSON over HTTP, on top of the simulated vendors.

use crate::dashboard_server::settings;
use crate::fake_installation::FakeInstallation;
use domain::SystemClock;
use persistence::{DatabaseUrl, Store};
use sandbox::{Sandbox, SandboxSettings};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use web::{RunningServer, WebSettings};

pub struct Api {
    pub sandbox: Option<Sandbox>,
    pub store: Store,
    pub server: RunningServer,
    agent: ureq::Agent,
    _folder: TempDir,
}

/// What a request adds to method and path.
#[derive(Clone, Copy, Default)]
pub struct With<'a> {
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a str,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The answer, when it is this success.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/json");
        self.json()
    }

    /// The problem, when it is this one; its `detail` must hold these words.
    pub fn problem(&self, status: u16, code: &str, words: &[&str]) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!((&problem["status"], &problem["type"]), (&status.into(), &"about:blank".into()));
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with('.'), "{detail}");
        for word in words {
            assert!(detail.contains(word), "{word} in {detail}");
        }
        problem
    }
}

impl Api {
    /// All keys are set, nothing is chosen.
    pub fn empty_instance() -> Self {
        Self::on_sandbox(SandboxSettings { clock_rate: 3600.0, ..SandboxSettings::default() }, |_| {})
    }

    pub fn on_sandbox(sandbox: SandboxSettings, change: impl FnOnce(&mut FakeInstallation)) -> Self {
        Self::in_database(sandbox, None, change)
    }

    pub fn in_database(
        sandbox: SandboxSettings,
        database: Option<&str>,
        change: impl FnOnce(&mut FakeInstallation),
    ) -> Self {
        let sandbox = Sandbox::start(sandbox).unwrap();
        let (folder, store) = open(database);
        let mut installation = FakeInstallation::on(&sandbox, &store, folder.path());
        change(&mut installation);
        Self::start(Some(sandbox), folder, store, installation, settings())
    }

    /// No keys are set.
    pub fn without_keys() -> Self {
        Self::with_settings(settings())
    }

    pub fn with_settings(settings: WebSettings) -> Self {
        let (folder, store) = open(None);
        Self::start(None, folder, store, FakeInstallation::without_keys(), settings)
    }

    fn start(
        sandbox: Option<Sandbox>,
        folder: TempDir,
        store: Store,
        installation: FakeInstallation,
        settings: WebSettings,
    ) -> Self {
        let server = web::start(settings, store.clone(), Arc::new(installation)).unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { sandbox, store, server, agent, _folder: folder }
    }

    pub fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    /// One request, with nothing but what is given.
    pub fn send(&self, method: &str, path: &str, with: With<'_>) -> Reply {
        let mut request = ureq::http::Request::builder().method(method).uri(self.url(path));
        for (name, value) in with.headers {
            request = request.header(*name, *value);
        }
        let response = if with.body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(with.body).unwrap())
        };
        let (parts, mut body) = response.unwrap().into_parts();
        Reply { status: parts.status.as_u16(), headers: parts.headers, text: body.read_to_string().unwrap() }
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, With::default())
    }

    /// Without a body.
    pub fn post(&self, path: &str) -> Reply {
        self.send("POST", path, With::default())
    }

    pub fn post_json(&self, path: &str, body: &str) -> Reply {
        self.send("POST", path, With { headers: &[("Content-Type", "application/json")], body })
    }

    /// Chooses all contacts and the usual field.
    pub fn configure(&self) {
        let choice = r#"{"ghl_smart_list_id": "all", "ghl_ltv_field_name": "contact.lifetime_value"}"#;
        self.post_json("/api/config", choice).expect(200);
    }

    /// Polls as a program would, until no sync runs and the mail about the last one is on its way.
    pub fn wait(&self) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.get("/api/sync/status").expect(200);
            let last = &status["last_run"];
            // A success is told after it is recorded: its last step may not have begun yet.
            let steps = last["steps"].as_array().map_or(&[][..], Vec::as_slice);
            let is_told = steps.iter().any(|step| step["name"] == "notify");
            let is_over = last["step"].is_null() && (is_told || last["status"] != "success");
            if status["running"] == false && is_over {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{status}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn open(database: Option<&str>) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let url = match database {
        Some(url) => url.parse().unwrap(),
        None => DatabaseUrl::Sqlite(folder.path().join("sync.db")),
    };
    (folder, Store::open(&url, Arc::new(SystemClock)).unwrap())
}
