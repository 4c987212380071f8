//! The Marketing API simulator over real HTTP, one test per rule.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail like the test itself")]

mod access;
mod audiences;
mod control;
mod erasure;
mod limits;
mod lookalikes;
mod removals;
mod replacement;
mod sessions;
mod status;
mod users;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use actix_web::{App, HttpServer, rt, web};
use sandbox::clock::SandboxClock;
use sandbox::meta::{self, MetaSettings, MetaState};
use sandbox::people::{Contacts, Expectation, Person, Population};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A simulator on its own port; its thread ends with the test process.
struct Meta {
    url: String,
    agent: ureq::Agent,
    clock: SandboxClock,
    population: Arc<Population>,
    settings: MetaSettings,
}

/// A reply, parsed.
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    json: Value,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Status, code and subcode of an error (0 where absent).
    fn error(&self) -> (u16, u64, u64) {
        let error = &self.json["error"];
        (self.status, error["code"].as_u64().unwrap_or(0), error["error_subcode"].as_u64().unwrap_or(0))
    }

    /// The reply of a call that has to succeed.
    fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.json);
        self.json
    }
}

impl Meta {
    fn start() -> Self {
        Self::with(&Contacts::Generated(2000), MetaSettings::default())
    }

    fn with(contacts: &Contacts, settings: MetaSettings) -> Self {
        let population = Arc::new(Population::new(contacts).unwrap());
        let clock = SandboxClock::new(1.0);
        let state = web::Data::new(MetaState::new(clock.clone(), Arc::clone(&population), settings.clone()));
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let serve = async move {
                let app = move || {
                    App::new()
                        .app_data(state.clone())
                        .service(web::scope("/control/meta").configure(meta::control))
                        .configure(meta::configure)
                };
                let server =
                    HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
                sender.send(server.addrs()[0]).unwrap();
                server.run().await
            };
            rt::System::new().block_on(serve).unwrap();
        });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent();
        Self { url: format!("http://{}", receiver.recv().unwrap()), agent, clock, population, settings }
    }

    fn parse(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Reply {
        let mut response = result.unwrap();
        let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap().to_owned();
        Reply {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            json: serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap(),
        }
    }

    fn raw_get(&self, path_and_query: &str) -> Reply {
        Self::parse(self.agent.get(format!("{}{path_and_query}", self.url)).call())
    }

    /// GET with the token; `path` may carry a query.
    fn get(&self, path: &str) -> Reply {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.raw_get(&format!("/v25.0/{path}{mark}access_token={}", self.settings.access_token))
    }

    /// POST of form fields with the token in the body.
    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields).append_pair("access_token", &self.settings.access_token);
        let request = self.agent.post(format!("{}/v25.0/{path}", self.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Self::parse(request.send(form.finish()))
    }

    /// POST of a JSON body with the token in the query.
    fn post_json(&self, path: &str, body: &Value) -> Reply {
        let token = &self.settings.access_token;
        let request = self.agent.post(format!("{}/v25.0/{path}?access_token={token}", self.url));
        Self::parse(request.header("content-type", "application/json").send(body.to_string()))
    }

    fn delete(&self, path: &str) -> Reply {
        let token = &self.settings.access_token;
        Self::parse(self.agent.delete(format!("{}/v25.0/{path}?access_token={token}", self.url)).call())
    }

    /// POST to the control API.
    fn control_post(&self, path: &str, body: &Value) -> Reply {
        let request = self.agent.post(format!("{}/control/meta/{path}", self.url));
        Self::parse(request.header("content-type", "application/json").send(body.to_string()))
    }

    /// Changes settings through the control API.
    fn set(&self, patch: &Value) {
        self.control_post("state", patch).ok();
    }

    fn control(&self, path: &str) -> Value {
        self.raw_get(&format!("/control/meta/{path}")).ok()
    }

    fn advance_minutes(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }

    fn audiences_path(&self) -> String {
        format!("act_{}/customaudiences", self.settings.ad_account_id)
    }

    fn try_create(&self, name: &str, value_based: bool) -> Reply {
        let value_based = if value_based { "1" } else { "0" };
        let fields = [
            ("name", name),
            ("description", "made by a test"),
            ("subtype", "CUSTOM"),
            ("customer_file_source", "USER_PROVIDED_ONLY"),
            ("is_value_based", value_based),
        ];
        self.post(&self.audiences_path(), &fields)
    }

    /// A value-based audience.
    fn seed(&self) -> String {
        id_of(&self.try_create("Seed", true).ok())
    }

    fn people(&self) -> Vec<Person> {
        self.population.people().filter(|person| person.expected == Expectation::Sent).collect()
    }

    /// Truthful rows of everybody to be sent.
    fn rows(&self) -> Vec<Value> {
        self.people().iter().map(row).collect()
    }

    /// One batch of `EMAIL, PHONE, LOOKALIKE_VALUE`.
    fn send(&self, audience: &str, rows: &[Value], session: i64, batch_seq: u32, last: bool) -> Reply {
        let session = json!({"session_id": session, "batch_seq": batch_seq, "last_batch_flag": last});
        self.post_json(&format!("{audience}/users"), &json!({"session": session, "payload": payload(rows)}))
    }

    /// One batch of a replacement.
    fn replace(&self, audience: &str, rows: &[Value], session: i64, batch_seq: u32, last: bool) -> Reply {
        let session = json!({"session_id": session, "batch_seq": batch_seq, "last_batch_flag": last});
        let body = json!({"session": session, "payload": payload(rows)});
        self.post_json(&format!("{audience}/usersreplace"), &body)
    }

    /// An ad that uses the audience.
    fn ad(&self, audience: &str) -> String {
        let reply = self.control_post("ads", &json!({"audience_id": audience, "name": "Ad"}));
        assert_eq!(reply.status, 201);
        id_of(&reply.json)
    }

    /// The dump of an audience: its rows in order.
    fn members(&self, audience: &str) -> Vec<Value> {
        self.control(&format!("audiences/{audience}/members"))["members"].as_array().unwrap().clone()
    }

    /// A seed that holds everybody, matched.
    fn filled_seed(&self) -> String {
        let seed = self.seed();
        self.send(&seed, &self.rows(), 1, 1, true).ok();
        self.advance_minutes(31);
        seed
    }

    /// How many distinct people Meta can recognize among those to be sent.
    fn recognizable(&self) -> usize {
        self.people().iter().filter(|person| person.on_meta).count()
    }

    fn operation_status(&self, audience: &str) -> u64 {
        let node = self.get(&format!("{audience}?fields=operation_status")).ok();
        node["operation_status"]["code"].as_u64().unwrap()
    }
}

fn payload(rows: &[Value]) -> Value {
    json!({"schema": ["EMAIL", "PHONE", "LOOKALIKE_VALUE"], "is_raw": true, "data": rows})
}

fn id_of(reply: &Value) -> String {
    reply["id"].as_str().unwrap().to_owned()
}

/// Lower-case hex of SHA-256; empty for nothing.
fn hash(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    const_hex::encode(Sha256::digest(text))
}

fn row(person: &Person) -> Value {
    let value = person.expected_percentile.unwrap_or(0).max(1);
    json!([hash(&person.email_truth), hash(&person.phone_truth_digits), value])
}
