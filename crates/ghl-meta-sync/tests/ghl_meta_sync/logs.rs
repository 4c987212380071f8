//! The log tells what happened, and nothing of anybody: no name, address, number or hash of a contact, no secret.

use crate::account::header;
use crate::instance::{Instance, run};
use crate::serve::Served;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const WEB_PASSWORD: &str = "web-Kennwort-7";
const WRONG_PASSWORD: &str = "guessed-Kennwort-8";
const SMTP_PASSWORD: &str = "smtp-Kennwort-9";
const APP_SECRET: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
/// Typed into a condition, where whoever edits it sees it again.
const TYPED: &str = "typed.by.hand@example.com";
const PEOPLE: u32 = 120;

/// Somebody whose names are found in no other text.
struct Person {
    first: String,
    last: String,
    email: String,
    /// Area code, exchange, line.
    phone: [String; 3],
}

impl Person {
    fn number(number: u32) -> Self {
        let letter = |at: u32| char::from(b'a' + u8::try_from(number / 26_u32.pow(at) % 26).unwrap());
        let (one, two) = (letter(0), letter(1));
        Self {
            first: format!("Xq{one}{two}vey"),
            last: format!("Zwo{two}{one}nig"),
            email: format!("xq{one}{two}.zwo@example.com"),
            phone: [(201 + number / 100).to_string(), "555".to_owned(), format!("0{}", 100 + number % 100)],
        }
    }

    fn row(&self, number: u32) -> String {
        let [area, exchange, line] = &self.phone;
        let Self { first, last, email, .. } = self;
        format!(
            "c{number:05},{first},{last},{email},({area}) {exchange}-{line},+1{area}{exchange}{line},Springfield,IL,62701,US,{number}.00,{number}.00,ok\n"
        )
    }
}

/// A service with a password, and everything it must not tell.
struct Watched {
    instance: Instance,
    served: Served,
    agent: ureq::Agent,
}

impl Watched {
    fn start() -> Self {
        let rows: String = (0..PEOPLE).map(|number| Person::number(number).row(number)).collect();
        let mut instance = Instance::with(Contacts::CsvText(header() + &rows), |settings| {
            settings.smtp.login = Some(("sync-user".to_owned(), SMTP_PASSWORD.to_owned()));
            settings.meta.app_secret = Some(APP_SECRET.to_owned());
        });
        instance
            .set("SMTP_USERNAME", "sync-user")
            .set("SMTP_PASSWORD", SMTP_PASSWORD)
            .set("WEB_PASSWORD", WEB_PASSWORD)
            .set("META_APP_SECRET", APP_SECRET)
            .set("LOG_LEVEL", "TRACE");
        let served = Served::start(&mut instance);
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        Self { instance, served, agent }
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
        let credential = STANDARD.encode(format!("anybody:{WEB_PASSWORD}"));
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.served.base))
            .header("Authorization", format!("Basic {credential}"));
        let answer = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json");
                self.agent.run(request.body(body.to_string()).unwrap())
            }
            None => self.agent.run(request.body(()).unwrap()),
        };
        let mut answer = answer.unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// One sync to its end; how it ended.
    fn sync(&self) -> String {
        let (status, begun) = self.ask("POST", "/api/sync/trigger", Some(&json!({})));
        assert_eq!(status, 202, "{begun}");
        let begun: Value = serde_json::from_str(&begun).unwrap();
        let path = format!("/api/sync/{}", begun["run_id"]);
        let run = || serde_json::from_str::<Value>(&self.ask("GET", &path, None).1).unwrap();
        let told = |run: &Value| {
            let is_told = |step: &Value| step["name"] == "notify" && step["completed_at"] != Value::Null;
            run["status"] != "running" && run["steps"].as_array().unwrap().iter().any(is_told)
        };
        self.instance.wait_until(|| told(&run()));
        run()["status"].as_str().unwrap().to_owned()
    }

    /// A sentence as a careless vendor answers it: with the person it was sent and the secret it was shown.
    fn echo(&self, number: u32, secret: &str) -> String {
        let person = Person::number(number);
        let [area, exchange, line] = &person.phone;
        let hash = match_keys::hash(&person.email).unwrap();
        format!(
            "bad contact {} (+1{area}{exchange}{line}, {area}-{exchange}-{line}) row [\"{hash}\"] for {}",
            person.email,
            self.instance.value(secret),
        )
    }

    fn fail(&self, service: Service, status: u16, body: &Value, path: &str) {
        let effect = Effect::Status { status, body: body.to_string(), headers: vec![] };
        self.instance.sandbox.faults().add(Fault::new(service, effect).on_path(path));
    }

    /// Everything that must not be in the log, in small letters.
    fn secrets(&self) -> BTreeSet<String> {
        let mut secrets: BTreeSet<String> = ["GHL_API_KEY", "META_ACCESS_TOKEN", "CLAUDE_API_KEY"]
            .map(|name| self.instance.value(name).to_owned())
            .into();
        for text in [
            WEB_PASSWORD,
            WRONG_PASSWORD,
            SMTP_PASSWORD,
            APP_SECRET,
            "sync@example.com",
            "marketing@example.com",
            "somebody.else@example.com",
            TYPED,
        ] {
            secrets.insert(text.to_owned());
            secrets.insert(STANDARD.encode(text));
        }
        secrets.insert(STANDARD.encode(format!("anybody:{WEB_PASSWORD}")));
        for number in 0..PEOPLE {
            let Person { first, last, email, phone: [area, exchange, line] } = Person::number(number);
            let national = format!("{area}{exchange}{line}");
            secrets.extend([
                first,
                last,
                email,
                format!("({area}) {exchange}-{line}"),
                format!("{area}-{exchange}-{line}"),
                format!("{area} {exchange} {line}"),
                format!("{area}.{exchange}.{line}"),
                national,
            ]);
        }
        // Hashes of whatever was sent, the proofs of Meta's app secret among them.
        let mut hashes = 0;
        for call in self.instance.sandbox.record().entries(Service::Meta) {
            for text in [&call.path, &call.body] {
                let found = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|word| word.len() == 64);
                hashes += found.clone().count();
                secrets.extend(found.map(str::to_owned));
            }
        }
        assert!(hashes > 1_000, "{hashes} hashes were found in what Meta received");
        secrets.into_iter().map(|secret| secret.to_lowercase()).collect()
    }
}

/// Every address there is, as the table of the dashboard has them.
fn addresses() -> BTreeSet<String> {
    let table = include_str!("../../../web/src/routes.rs");
    let paths = ["resource(\"", "&str = \""]
        .into_iter()
        .flat_map(|before| table.split(before).skip(1))
        .filter_map(|rest| rest.split('"').next())
        .filter(|path| path.starts_with('/'));
    let paths: BTreeSet<String> = paths
        .map(|path| path.replace("{id}", "4").replace("{service}", "meta").replace("{name}", "app.css"))
        .collect();
    assert!(paths.len() >= 38, "{paths:?}");
    paths
}

/// No page and no route answers a secret, or tells in full who somebody is. Whom mails go to and what was typed is told.
fn nothing_of_it_is_answered(watched: &Watched, secrets: &BTreeSet<String>) {
    let told = ["sync@example.com", "marketing@example.com", TYPED];
    let secrets: Vec<&String> = secrets.iter().filter(|secret| !told.contains(&secret.as_str())).collect();
    let changes = ["/connections/test", "/connections/meta/test", "/api/email/test", "/api/sync/4/cancel"];
    let asked = addresses().into_iter().map(|path| ("GET", path));
    let mut seen = 0;
    for (method, path) in asked.chain(changes.map(|path| ("POST", path.to_owned()))) {
        let body = json!({});
        let (status, text) = watched.ask(method, &path, (method == "POST").then_some(&body));
        seen += usize::from(status == 200);
        let text = text.to_lowercase();
        let told = secrets.iter().find(|secret| text.contains(secret.as_str()));
        assert_eq!(told, None, "{method} {path}: {text}");
    }
    assert!(seen >= 20, "{seen} addresses answered");
}

#[test]
fn no_secret_and_nothing_of_anybody_is_in_the_log_whatever_fails() {
    let watched = Watched::start();
    let meta_error = || {
        let message = Some(watched.echo(3, "META_ACCESS_TOKEN"));
        let user_message = Some(watched.echo(4, "META_APP_SECRET"));
        Effect::MetaError(MetaError { message, user_message, ..MetaError::new(100, None) })
    };

    // Each vendor fails in words that repeat what it was told.
    watched.fail(
        Service::Ghl,
        422,
        &json!({"statusCode": 422, "message": watched.echo(1, "GHL_API_KEY")}),
        "/contacts/search",
    );
    assert_eq!(watched.sync(), "failed");
    let of_claude = json!({"type": "error", "error": {"type": "invalid_request_error", "message": watched.echo(2, "CLAUDE_API_KEY")}});
    watched.fail(Service::Claude, 400, &of_claude, "/v1/messages");
    assert_eq!(watched.sync(), "failed");
    watched.instance.sandbox.faults().add(Fault::new(Service::Meta, meta_error()).on_path("/users"));
    assert_eq!(watched.sync(), "failed");
    let refused = |verb: &str| {
        let body = format!("5.1.1 <marketing@example.com>: {}", watched.echo(5, "SMTP_PASSWORD"));
        let effect = Effect::Status { status: 550, body, headers: vec![] };
        watched.instance.sandbox.faults().add(Fault::new(Service::Smtp, effect).on_method(verb));
    };
    refused("RCPT");
    assert_eq!(watched.sync(), "success");
    refused("AUTH");
    assert_eq!(watched.ask("POST", "/api/email/test", Some(&json!({}))).0, 502);

    // People leave.
    let opted_out = json!({"id": "c00007", "dnd": true});
    watched.instance.tell("/control/ghl/state", &json!({"changes": [{"update": [opted_out]}]}));
    assert_eq!(watched.sync(), "success");
    let person = Person::number(9);
    let (status, receipt) = watched.ask("POST", "/api/erase", Some(&json!({"email": person.email})));
    assert_eq!(status, 200, "{receipt}");
    watched
        .instance
        .sandbox
        .faults()
        .add(Fault::new(Service::Meta, meta_error()).on_path("/usersofanyaudience"));
    let (status, told) = watched.ask("POST", "/api/erase", Some(&json!({"phone": "(201) 555-0110"})));
    assert_eq!(status, 200, "{told}");
    for (by, what) in [("email", "xqqqvey(at)example.com"), ("phone", "20155501")] {
        assert_eq!(watched.ask("POST", "/api/erase", Some(&json!({by: what}))).0, 422);
    }

    // Whatever a browser or a program may send.
    for path in [
        "/sync/4/contacts.csv?bucket=sent",
        "/sync/4",
        "/connections",
        "/settings",
        "/api/smart-lists/tag:somebody.else@example.com/count",
        "/api/somebody.else@example.com",
        "/?page=somebody.else@example.com",
        "/static/somebody.else@example.com",
    ] {
        watched.ask("GET", path, None);
    }
    let conditions = json!([{"field": "email", "operator": "eq", "value": TYPED}]);
    let (status, saved) =
        watched.ask("POST", "/api/smart-lists", Some(&json!({"name": "One person", "filters": conditions})));
    assert_eq!(status, 201, "{saved}");
    let saved: Value = serde_json::from_str(&saved).unwrap();
    watched.fail(
        Service::Ghl,
        400,
        &json!({"statusCode": 400, "message": watched.echo(6, "GHL_API_KEY")}),
        "/contacts/search",
    );
    let path = format!("/api/smart-lists/{}/count?refresh=true", saved["id"].as_str().unwrap());
    let (status, told) = watched.ask("GET", &path, None);
    assert_eq!(status, 502, "{path} {told}");
    let (status, _) =
        watched.served.submit("/login", "/login", &[("password", WRONG_PASSWORD), ("next", "/")]);
    assert_eq!(status, 403);
    let (status, _) = watched.served.submit("/login", "/login", &[("password", WEB_PASSWORD), ("next", "/")]);
    assert_eq!(status, 303);
    assert_eq!(watched.ask("GET", "/metrics", None).0, 200);
    run(watched.instance.program("preview")).expect(0);
    run(watched.instance.program("check"));

    let secrets = watched.secrets();
    nothing_of_it_is_answered(&watched, &secrets);
    let Watched { instance, served, .. } = watched;
    assert_eq!(served.terminate(), Some(0));
    let log = instance.log().to_lowercase();
    for expected in [
        " debug run-4 req-",
        "gohighlevel post /contacts/search",
        "the run failed at step",
        "bad contact ***",
        "a wrong password for the dashboard was sent from",
        "5.1.1 ***",
        "get /sync/4/contacts.csv -> 200",
        " their request ",
    ] {
        assert!(log.contains(expected), "{expected} in {log}");
    }
    for line in log.lines() {
        let told = secrets.iter().find(|secret| line.contains(secret.as_str()));
        assert_eq!(told, None, "{line}");
        // However a number is written: nothing but its digits are looked at.
        let joined: String = line.chars().filter(|c| !" ().-/+".contains(*c)).collect();
        let told = secrets.iter().find(|secret| secret.len() == 10 && joined.contains(secret.as_str()));
        assert_eq!(told, None, "{line}");
    }
}
