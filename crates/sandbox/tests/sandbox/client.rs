//! Raw JSON over HTTP, as any client would send it.

use std::time::Duration;

use sandbox::{Sandbox, SandboxSettings};
use serde_json::{Value, json};

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub fn start(settings: SandboxSettings) -> Sandbox {
    Sandbox::start(settings).unwrap()
}

/// Sends a request; an error is one of the connection, never of the status.
pub fn try_send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Result<Reply, ureq::Error> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)));
    let agent = ureq::Agent::new_with_config(config.build());
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(body.to_owned()).unwrap())?;
    let headers = response.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let text = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
    Ok(Reply { status: response.status().as_u16(), headers, text })
}

pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    try_send(method, url, headers, body).unwrap()
}

pub fn control(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let url = format!("{}{path}", sandbox.addresses().control);
    send(method, &url, &[("content-type", "application/json")], &body)
}

/// The headers every GHL call needs.
pub fn ghl_headers<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        ("version", "2021-07-28"),
        ("authorization", concat!("Bearer ", "pit-5a4d0b0c-0000-4000-8000-5a4db0c5a4db")),
        ("content-type", "application/json"),
    ]
}

pub fn ghl_get(sandbox: &Sandbox, path: &str) -> Reply {
    send("GET", &format!("{}{path}", sandbox.addresses().ghl), &ghl_headers(), "")
}

/// A search of the sandbox's location; `body` says the rest.
pub fn search(sandbox: &Sandbox, mut body: Value) -> Reply {
    body["locationId"] = json!(sandbox.credentials().ghl_location_id);
    send("POST", &format!("{}/contacts/search", sandbox.addresses().ghl), &ghl_headers(), &body.to_string())
}

pub fn ids(reply: &Reply) -> Vec<String> {
    let reply = reply.json();
    let contacts = reply["contacts"].as_array().unwrap_or_else(|| panic!("no contacts: {reply}"));
    contacts.iter().map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
}
