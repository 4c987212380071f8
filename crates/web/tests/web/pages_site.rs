//! A dashboard over the simulators, and a person who uses it with or without htmx.

use crate::dashboard_server::{Answer, check_page, read, settings, store};
use crate::fake_installation::FakeInstallation;
use domain::run::{RunStatus, SyncConfig};
use domain::{Run, RunId};
use persistence::Store;
use sandbox::{Contacts, Sandbox, SandboxSettings};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use web::{RunningServer, WebSettings};

/// Five people, of whom two have the tag `vip`.
pub const FIVE: &str = "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,city,state,postal_code,country,ltv_raw,ltv_expected,ltv_bucket,tags
c1,Ann,Lee,ann@example.com,,,,,,US,10.00,10.00,ok,vip
c2,Bea,Lee,bea@example.com,,,,,,US,20.00,20.00,ok,vip
c3,Cid,Lee,cid@example.com,,,,,,US,30.00,30.00,ok,
c4,Dan,Lee,dan@example.com,,,,,,US,40.00,40.00,ok,
c5,Eve,Lee,eve@example.com,,,,,,US,50.00,50.00,ok,
";

/// Meta's half hour of matching in half a second.
const CLOCK_RATE: f64 = 3600.0;

pub struct Site {
    pub store: Store,
    pub sandbox: Sandbox,
    pub server: RunningServer,
    agent: ureq::Agent,
    cookie: RefCell<String>,
    _folder: TempDir,
}

impl Site {
    /// Everything is set up, nothing is chosen.
    pub fn new() -> Self {
        Self::with(FIVE, |_| {})
    }

    pub fn with(contacts: &str, change: impl FnOnce(&mut FakeInstallation)) -> Self {
        Self::start(contacts, settings(), change)
    }

    /// Behind a proxy that serves it at this address.
    pub fn behind(public_url: &str) -> Self {
        let site =
            Self::start(FIVE, WebSettings { public_url: Some(public_url.to_owned()), ..settings() }, |_| {});
        site.choose("all", "All contacts");
        site
    }

    fn start(contacts: &str, settings: WebSettings, change: impl FnOnce(&mut FakeInstallation)) -> Self {
        let sandbox = Sandbox::start(SandboxSettings {
            contacts: Contacts::CsvText(contacts.to_owned()),
            clock_rate: CLOCK_RATE,
            ..SandboxSettings::default()
        })
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let mut installation = FakeInstallation::on(&sandbox, &store, folder.path());
        change(&mut installation);
        let server = web::start(settings, store.clone(), Arc::new(installation)).unwrap();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { store, sandbox, server, agent, cookie: RefCell::default(), _folder: folder }
    }

    /// All contacts and the field of the sandbox, saved.
    pub fn configured() -> Self {
        let site = Self::new();
        site.choose("all", "All contacts");
        site
    }

    pub fn choose(&self, list: &str, name: &str) {
        let config = SyncConfig {
            list_id: list.into(),
            list_name: name.into(),
            list_conditions: None,
            ltv_field_key: "contact.lifetime_value".into(),
            ltv_field_name: "Lifetime Value".into(),
            ad_account_id: format!("act_{}", self.sandbox.credentials().meta_ad_account_id),
            sync_enabled: true,
        };
        self.store.config_save(&config).unwrap();
    }

    /// A whole page.
    pub fn page(&self, path: &str) -> String {
        let answer = self.get(path, false);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        check_page(&answer.body);
        answer.body
    }

    /// What htmx gets.
    pub fn fragment(&self, path: &str) -> Answer {
        self.get(path, true)
    }

    pub fn get(&self, path: &str, htmx: bool) -> Answer {
        let mut request = self.agent.get(format!("http://{}{path}", self.server.address()));
        if htmx {
            request = request.header("HX-Request", "true");
        }
        let answer = read(request.header("Cookie", &*self.cookie.borrow()).call().unwrap());
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            cookie.clone_into(&mut self.cookie.borrow_mut());
        }
        answer
    }

    /// Sends a form of a page as a browser does: with the token the page holds.
    pub fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)], htmx: bool) -> Answer {
        let html = self.page(page);
        assert!(html.contains(&format!("action=\"{action}\"")), "no form for {action} in {html}");
        let token = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", token)]).collect();
        self.post(action, &fields, htmx)
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)], htmx: bool) -> Answer {
        let host = self.server.address();
        let mut request = self.agent.post(format!("http://{host}{path}"));
        if htmx {
            request = request.header("HX-Request", "true");
        }
        let request = request
            .header("Cookie", &*self.cookie.borrow())
            .header("Origin", format!("http://{host}"))
            .header("Sec-Fetch-Site", "same-origin");
        read(request.send_form(fields.iter().copied()).unwrap())
    }

    /// Starts a sync from the dashboard and waits for its end. A run that has just ended still sends its mail, so the
    /// next one may have to wait for it.
    pub fn sync(&self, fields: &[(&str, &str)]) -> Run {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            let answer = self.submit("/", "/sync", fields, false);
            if answer.status == 303 {
                return self.ended(self.latest());
            }
            assert!(answer.status == 409 && Instant::now() < give_up, "{}", answer.body);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the run has ended.
    pub fn ended(&self, run: RunId) -> Run {
        let give_up = Instant::now() + Duration::from_secs(60);
        loop {
            let found = self.store.run_get(run).unwrap().unwrap();
            if found.status != RunStatus::Running {
                return found;
            }
            assert!(Instant::now() < give_up, "the run does not end: {found:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn latest(&self) -> RunId {
        self.store.run_latest().unwrap().unwrap().id
    }
}
