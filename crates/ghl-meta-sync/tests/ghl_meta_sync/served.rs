//! A running service, as programs and browsers reach it.

use crate::instance::{Instance, ended_in_time, signal};
use http_client::{Body, HeaderText, HttpClient, HttpSettings, Method, Request};
use serde_json::Value;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running `ghl-meta-sync serve`.
pub struct Served {
    child: Child,
    /// Its address, without a slash at the end.
    pub base: String,
    http: HttpClient,
}

impl Served {
    pub fn start(instance: &mut Instance) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_again(instance.set("WEB_PORT", &port.to_string()))
    }

    /// A file that can grow no further does not kill it, as a full disk would not.
    pub fn start_limited(instance: &mut Instance) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        instance.set("WEB_PORT", &port.to_string());
        Self::of(instance.through_shell("trap '' XFSZ; exec \"$0\" serve"), instance)
    }

    /// Where it was before.
    pub fn start_again(instance: &Instance) -> Self {
        Self::of(instance.program("serve"), instance)
    }

    fn of(mut command: Command, instance: &Instance) -> Self {
        let port = instance.value("WEB_PORT");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let http = HttpClient::new(HttpSettings {
            service: "Dashboard",
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            max_body_bytes: 16 << 20,
        });
        let served = Self { child, base: format!("http://127.0.0.1:{port}"), http };
        // Behind a password it answers those who have it.
        served.wait_for("the service is ready", || matches!(served.status("/readyz"), Some(200 | 401)));
        served
    }

    pub fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let bytes = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let reply = self
            .http
            .send(Request {
                method,
                url: format!("{}{path}", self.base),
                query: Vec::new(),
                headers: vec![("accept", HeaderText::Plain("application/json".to_owned()))],
                body: if body.is_some() { Body::Json(&bytes) } else { Body::None },
            })
            .ok()?;
        Some((reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null)))
    }

    /// Opens the page as a browser does, fills in its form for `action` and sends it; status and page of the answer.
    pub fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> (u16, String) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let mut opened = agent.get(format!("{}{page}", self.base)).call().unwrap();
        let cookies = opened.headers().get_all("set-cookie").iter();
        let cookies: Vec<String> =
            cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap().to_owned()).collect();
        let html = opened.body_mut().read_to_string().unwrap();
        assert!(html.contains(&format!("action=\"{action}\"")), "no form for {action} in {html}");
        let token = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = fields.iter().copied().chain([("csrf", token)]);
        let request = agent
            .post(format!("{}{action}", self.base))
            .header("Cookie", cookies.join("; "))
            .header("Origin", &self.base)
            .header("Sec-Fetch-Site", "same-origin");
        let mut answer = request.send_form(fields).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    pub fn page(&self, path: &str) -> String {
        let (status, page) = self.any_page(path);
        assert_eq!(status, 200, "{path}");
        page
    }

    /// Status and body of an answer that need not be a good one.
    pub fn answer(&self, path: &str) -> (u16, Value) {
        self.send(Method::Get, path, None).unwrap()
    }

    /// Status and text of a page that need not be a good one.
    pub fn any_page(&self, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.base);
        let page =
            Request { method: Method::Get, url, query: Vec::new(), headers: Vec::new(), body: Body::None };
        let reply = self.http.send(page).unwrap();
        (reply.status, String::from_utf8(reply.body).unwrap())
    }

    pub fn status(&self, path: &str) -> Option<u16> {
        self.send(Method::Get, path, None).map(|(status, _)| status)
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(Method::Get, path, None).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(Method::Post, path, Some(body)).unwrap()
    }

    pub fn wait_for(&self, what: &str, reached: impl Fn() -> bool) {
        let begun = Instant::now();
        while !reached() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}: never");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The id of the process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Asks the process to end, as Docker does.
    pub fn terminate(mut self) -> Option<i32> {
        signal(&self.child, "-TERM");
        ended_in_time(&mut self.child).code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
