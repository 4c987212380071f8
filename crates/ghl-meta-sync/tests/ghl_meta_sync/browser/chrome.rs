//! One Chromium of its own for each flow.

#![expect(clippy::disallowed_methods, reason = "the environment says whether a flow may be left out")]

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind};
use std::process::{Child, Command, Stdio};
use tokio::runtime::Runtime;
use url::{ParseError, Url};

/// A browser window on one installation.
pub struct Browser {
    /// Where the installation listens, without a slash at the end.
    pub(super) base: String,
    pub(super) client: Client,
    /// The library is asynchronous, the flows are not.
    runtime: Runtime,
}

/// Width in CSS pixels: a desk, a telephone, the narrowest telephone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    Desk,
    Phone,
    Narrow,
}

/// The colours the person's system asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
}

impl Width {
    pub fn pixels(self) -> u32 {
        match self {
            Self::Desk => 1280,
            Self::Phone => 375,
            Self::Narrow => 320,
        }
    }
}

impl Scheme {
    pub fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// Runs a flow in a new browser, then reads the browser's log. Without Chromium or ChromeDriver the flow is left out
/// and a line says so; with `REQUIRE_BROWSER=1` that is a failure.
pub(crate) fn browse(base: &str, flow: impl FnOnce(&Browser)) {
    let driver = match Driver::start() {
        Ok(driver) => driver,
        Err(error)
            if error.kind() == ErrorKind::NotFound && std::env::var_os("REQUIRE_BROWSER").is_none() =>
        {
            println!("left out: chromedriver can not be run ({error}); scripts/browser installs it");
            return;
        }
        Err(error) => panic!("chromedriver can not be run: {error}"),
    };
    let browser = Browser::open(base.to_owned(), &driver.address());
    // ChromeDriver takes its browser along when it is told to; a failed flow must not leave one behind.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        flow(&browser);
        browser.assert_quiet();
    }));
    browser.close();
    drop(driver);
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure);
    }
}

/// A running ChromeDriver, on a port it chose.
struct Driver {
    process: Child,
    port: u16,
}

impl Driver {
    /// It takes a port of ::1 that nobody uses, and gives up when the same of 127.0.0.1 is in use: then once more.
    fn start() -> std::io::Result<Self> {
        let mut said = String::new();
        for _ in 0..10 {
            let mut process = Command::new("chromedriver")
                .arg("--port=0")
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()?;
            for line in BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok) {
                let port = line.strip_suffix('.').and_then(|line| line.split_once("successfully on port "));
                if let Some((_, port)) = port {
                    return Ok(Self { port: port.parse().unwrap(), process });
                }
                said.push_str(&line);
            }
            process.wait()?;
        }
        Err(std::io::Error::other(said))
    }

    fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A command of ChromeDriver's own: its address below the session, and its body.
#[derive(Debug)]
struct Own(&'static str, Value);

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _url: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}

impl Browser {
    fn open(base: String, driver: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // As root, as in a container, Chromium runs only without its sandbox. Through a pipe it ends with its driver.
        let options = json!({
            "goog:chromeOptions": {"args": [
                "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--remote-debugging-pipe",
                "--disable-background-networking", "--no-first-run", "--lang=en-US", "--force-color-profile=srgb", "--hide-scrollbars",
            ]},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 60_000, "pageLoad": 60_000},
        });
        let capabilities = options.as_object().unwrap().clone();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = runtime.block_on(builder.capabilities(capabilities).connect(driver)).unwrap();
        let browser = Self { base, client, runtime };
        browser.view(Width::Desk, Scheme::Light);
        browser
    }

    pub(super) fn wait<T>(&self, command: impl Future<Output = T>) -> T {
        self.runtime.block_on(command)
    }

    /// A command of the Chrome DevTools protocol.
    pub(super) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": command, "params": parameters});
        self.wait(self.client.issue_cmd(Own("goog/cdp/execute", body))).unwrap()
    }

    pub(super) fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.wait(self.client.execute(script, arguments)).unwrap()
    }

    /// Shows the page as on another device. Nothing moves, so that pictures are the same each time.
    pub fn view(&self, width: Width, scheme: Scheme) {
        let (pixels, mobile) = (width.pixels(), width != Width::Desk);
        let height = if mobile { 812 } else { 900 };
        let screen = json!({"width": pixels, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme.name()},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.devtools("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// From the next page on.
    pub fn without_javascript(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    }

    /// Fails when a script broke or the content security policy refused something since the last time. What the
    /// network answers, which htmx logs as well, is judged by the flow itself.
    fn assert_quiet(&self) {
        let entries = self.wait(self.client.issue_cmd(Own("se/log", json!({"type": "browser"})))).unwrap();
        let of_the_network = |entry: &&Value| {
            let message = entry["message"].as_str().unwrap();
            entry["source"] == "network"
                || ["htmx:sendError", "htmx:responseError", "htmx:afterRequest"]
                    .iter()
                    .any(|event| message.contains(event))
        };
        let severe = entries.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE");
        let loud: Vec<&Value> = severe.filter(|entry| !of_the_network(entry)).collect();
        assert!(loud.is_empty(), "the browser complains: {loud:#?}");
    }

    fn close(self) {
        // A browser that is gone already is closed.
        let _ = self.runtime.block_on(self.client.close());
    }
}
