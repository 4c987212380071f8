//! WEB_PASSWORD.

use crate::api_server::{Api, Reply, With};
use crate::dashboard_server::{Dashboard, check_page, settings};
use domain::Secret;
use std::sync::atomic::Ordering;
use web::WebSettings;

const PASSWORD: &str = "correct: horse ü";
/// `anybody:correct: horse ü`.
const BASIC: (&str, &str) = ("Authorization", "Basic YW55Ym9keTpjb3JyZWN0OiBob3JzZSDDvA==");
/// `anybody:wrong`.
const WRONG: (&str, &str) = ("Authorization", "Basic YW55Ym9keTp3cm9uZw==");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn guarded() -> Api {
    Api::with_settings(WebSettings { password: Some(Secret::new(PASSWORD)), ..settings() })
}

/// A browser's cookies and the token of the form it sees.
struct Browser<'a> {
    api: &'a Api,
    cookies: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    fn new(api: &'a Api) -> Self {
        Self { api, cookies: vec![] }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Reply {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Cookie", cookies.as_str())];
        if !body.is_empty() {
            headers.push(FORM);
        }
        let reply = self.api.send(method, path, With { headers: &headers, body });
        for cookie in reply.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            for needed in ["HttpOnly", "SameSite=Lax", "Path=/"] {
                assert!(cookie.contains(needed), "{needed} in {cookie}");
            }
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !cookie.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        reply
    }

    fn token(&mut self, path: &str) -> String {
        let page = self.ask("GET", path, "");
        assert_eq!(page.status, 200, "{}", page.text);
        check_page(&page.text);
        let rest = page.text.split("name=\"csrf\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn log_in(&mut self, password: &str, next: &str) -> Reply {
        let token = self.token("/login");
        self.ask("POST", "/login", &format!("csrf={token}&password={password}&next={next}"))
    }
}

#[test]
fn everything_but_the_sign_of_life_the_login_and_its_looks_asks_for_the_password() {
    let api = guarded();
    for path in [
        "/api/sync/status",
        "/api/config",
        "/api/smart-lists",
        "/api/sync/1",
        "/api/openapi.json",
        "/api/nothing",
        "/readyz",
    ] {
        let refused = api.get(path);
        refused.problem(401, "login", &["WEB_PASSWORD", "Basic"]);
        assert_eq!(refused.header("www-authenticate"), "Basic realm=\"ghl-meta-sync\", charset=\"UTF-8\"");
        api.send("GET", path, With { headers: &[WRONG], body: "" }).problem(401, "login", &[]);
    }
    for path in ["/api/config", "/api/sync/trigger", "/api/sync/1/cancel", "/api/email/test"] {
        api.post_json(path, "{}").problem(401, "login", &[]);
    }
    for (path, login) in [
        ("/", "/login"),
        ("/sync/7", "/login?next=%2Fsync%2F7"),
        ("/?page=2", "/login?next=%2F%3Fpage%3D2"),
        ("/nothing", "/login?next=%2Fnothing"),
    ] {
        let sent = api.get(path);
        assert_eq!((sent.status, sent.header("location")), (303, login), "{path}");
    }
    assert_eq!((api.get("/healthz").status, api.get("/login").status), (200, 200));
    let page = api.get("/login").text;
    let address = &page[page.find("/static/app.").unwrap()..];
    assert_eq!(api.get(&address[..address.find('"').unwrap()]).status, 200);
    let part = api.send("GET", "/?page=2", With { headers: &[("HX-Request", "true")], body: "" });
    assert_eq!(
        (part.status, part.header("hx-redirect")),
        (401, "/login"),
        "the whole page is left, not a part filled"
    );
    assert_eq!(part.header("www-authenticate"), "", "no window of the browser's own");
}

#[test]
fn programs_send_the_password_with_any_user_name() {
    let api = guarded();
    for _ in 0..2 {
        api.send("GET", "/api/sync/status", With { headers: &[BASIC], body: "" }).expect(200);
        assert_eq!(api.send("GET", "/", With { headers: &[BASIC], body: "" }).status, 200);
    }
    for header in
        [WRONG.1, "Basic", "Basic !!!", "Basic YW55Ym9keQ==", "Bearer YW55Ym9keTpjb3JyZWN0OiBob3JzZSDDvA=="]
    {
        let reply =
            api.send("GET", "/api/sync/status", With { headers: &[("Authorization", header)], body: "" });
        reply.problem(401, "login", &[]);
    }
}

#[test]
fn people_log_in_see_what_they_wanted_and_log_out() {
    let api = guarded();
    let mut browser = Browser::new(&api);
    let wrong = browser.log_in("wrong", "/sync/7");
    assert_eq!(wrong.status, 403);
    assert!(
        wrong.text.contains("This is not the password.") && wrong.text.contains("value=\"/sync/7\""),
        "{}",
        wrong.text
    );
    check_page(&wrong.text);
    assert_eq!(browser.ask("GET", "/", "").status, 303, "still outside");

    let entered = browser.log_in("correct%3A+horse+%C3%BC", "%2F%3Fpage%3D2");
    assert_eq!((entered.status, entered.header("location")), (303, "/?page=2"));
    assert_eq!(browser.ask("GET", "/", "").status, 200);
    browser.ask("GET", "/api/sync/status", "").expect(200);
    assert_eq!(browser.ask("GET", "/login?next=/sync/7", "").header("location"), "/sync/7", "already inside");

    let session = browser.cookies.iter().find(|(name, _)| name.starts_with("session_")).unwrap().clone();
    assert!(session.1.len() >= 43, "256 bits");
    let token = browser.token("/");
    assert_eq!(browser.ask("POST", "/logout", "csrf=wrong").status, 403);
    assert_eq!(browser.ask("GET", "/", "").status, 200, "nobody else's form logs out");
    assert_eq!(browser.ask("POST", "/logout", &format!("csrf={token}")).status, 303);
    assert_eq!(browser.ask("GET", "/", "").status, 303);
    browser.cookies.push(session);
    assert_eq!(browser.ask("GET", "/", "").status, 303, "the login is over on the server too");
}

#[test]
fn a_login_never_leads_to_another_site() {
    let api = guarded();
    for next in [
        "https%3A%2F%2Fevil.example.com",
        "%2F%2Fevil.example.com",
        "%2F%5Cevil.example.com",
        "javascript%3Aalert(1)",
        "",
    ] {
        let mut browser = Browser::new(&api);
        let entered = browser.log_in("correct%3A+horse+%C3%BC", next);
        assert_eq!((entered.status, entered.header("location")), (303, "/"), "{next}");
        let page = api.get(&format!("/login?next={next}")).text;
        assert!(page.contains("name=\"next\" value=\"/\""), "{page}");
    }
}

#[test]
fn a_login_form_of_a_foreign_page_is_refused() {
    let api = guarded();
    let password = "correct%3A+horse+%C3%BC";
    let mut victim = Browser::new(&api);
    victim.token("/login");
    let stolen = Browser::new(&api).token("/login");
    for (token, why) in [("", "none"), ("x", "no token"), (stolen.as_str(), "of another browser")] {
        let reply = victim.ask("POST", "/login", &format!("csrf={token}&password={password}"));
        assert_eq!(reply.status, 403, "{why}");
        assert!(reply.text.contains("reload the page"), "{}", reply.text);
        check_page(&reply.text);
    }
    let token = victim.token("/login");
    let cookies = format!("{}={}", victim.cookies[0].0, victim.cookies[0].1);
    let body = format!("csrf={token}&password={password}");
    let headers = [("Cookie", cookies.as_str()), FORM, ("Origin", "https://evil.example.com")];
    assert_eq!(api.send("POST", "/login", With { headers: &headers, body: &body }).status, 403);
    let headers = [("Cookie", cookies.as_str()), ("Content-Type", "text/plain")];
    assert_eq!(api.send("POST", "/login", With { headers: &headers, body: &body }).status, 415);
    let headers = [("Cookie", cookies.as_str()), FORM];
    assert_eq!(
        api.send("POST", "/login", With { headers: &headers, body: &body }).status,
        303,
        "else it is good"
    );
}

#[test]
fn an_address_that_guesses_has_to_wait_even_with_the_right_password() {
    let api = guarded();
    let mut inside = Browser::new(&api);
    inside.log_in("correct%3A+horse+%C3%BC", "/");
    for _ in 0..10 {
        api.send("GET", "/api/sync/status", With { headers: &[WRONG], body: "" }).problem(401, "login", &[]);
    }
    for header in [WRONG, BASIC] {
        let reply = api.send("GET", "/api/sync/status", With { headers: &[header], body: "" });
        reply.problem(429, "throttled", &["seconds"]);
        let seconds: u64 = reply.header("retry-after").parse().unwrap();
        assert!((1..=61).contains(&seconds), "{seconds}");
    }
    let mut outside = Browser::new(&api);
    let refused = outside.log_in("correct%3A+horse+%C3%BC", "/");
    assert_eq!(refused.status, 429);
    assert!(refused.text.contains("Too many attempts"), "{}", refused.text);
    inside.ask("GET", "/api/sync/status", "").expect(200);
    assert_eq!(api.get("/api/sync/status").status, 401, "asking without a password is no guess");
}

#[test]
fn two_instances_on_one_host_do_not_log_each_other_out() {
    let (one, other) = (guarded(), guarded());
    let mut browser = Browser::new(&one);
    browser.log_in("correct%3A+horse+%C3%BC", "/");
    let cookies = std::mem::take(&mut browser.cookies);
    let mut browser = Browser { api: &other, cookies };
    assert_eq!(browser.ask("GET", "/", "").status, 303);
    browser.log_in("correct%3A+horse+%C3%BC", "/");
    let mut browser = Browser { api: &one, cookies: browser.cookies };
    assert_eq!(browser.ask("GET", "/", "").status, 200);
}

#[test]
fn without_a_password_there_is_nothing_to_log_in_to() {
    let api = Api::without_keys();
    assert_eq!(api.get("/").status, 200);
    let login = api.get("/login?next=/sync/7");
    assert_eq!((login.status, login.header("location")), (303, "/sync/7"));
    assert_eq!(login.header("set-cookie"), "");
}

#[test]
fn neither_the_password_nor_a_session_is_in_debug_output() {
    let shown = format!("{:?}", WebSettings { password: Some(Secret::new(PASSWORD)), ..settings() });
    assert!(!shown.contains("horse"), "{shown}");
}

#[test]
fn the_login_shows_strangers_the_name_of_the_instance_without_asking_the_database() {
    let guarded = WebSettings { password: Some(Secret::new(PASSWORD)), ..settings() };
    let dashboard = Dashboard::with_saved(guarded, &[("INSTANCE_NAME", "Acme & Sons")]);
    let html = dashboard.page("/login");
    assert!(html.contains("<span class=\"instance\">Acme &#38; Sons</span>"), "{html}");
    assert_eq!(dashboard.asked_for_settings.load(Ordering::Relaxed), 0);
}
