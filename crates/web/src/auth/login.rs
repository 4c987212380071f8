//! `GET /login`, `POST /login`, `POST /logout`.

use super::{SESSION, address, sessions};
use crate::app::App;
use crate::csrf::{self, CsrfForm};
use crate::problem::Problem;
use crate::random;
use actix_web::cookie::time::Duration;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "pages/login.html")]
struct LoginPage {
    instance_name: Option<String>,
    base: String,
    stylesheet: String,
    icon: String,
    /// Where to go afterwards; one of our own paths.
    next: String,
    csrf: String,
    /// Why the last attempt did not succeed.
    error: Option<&'static str>,
}

#[derive(Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct Login {
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

pub(crate) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    query: web::Query<Next>,
) -> Result<HttpResponse, Problem> {
    let next = own_path(&query.next);
    if super::admit(&app, &request).await.is_ok() {
        return Ok(see_other(next));
    }
    page(&app, &request, next, None)
}

pub(crate) async fn submit(
    app: web::Data<App>,
    request: HttpRequest,
    form: CsrfForm<Login>,
) -> Result<HttpResponse, Problem> {
    let CsrfForm(Login { password, next }) = form;
    let next = own_path(&next).to_owned();
    let from = address(&request);
    let session = random::token()?;
    let id = session.clone();
    let is_right = app
        .blocking(move |app| {
            let Some(gate) = &app.gate else { return Ok(true) };
            let is_right = gate.try_password(from, password.as_bytes())?;
            if is_right {
                gate.sessions.begin(id);
            }
            Ok(is_right)
        })
        .await?;
    if !is_right {
        return page(&app, &request, &next, Some("This is not the password."));
    }
    let mut response = see_other(&next);
    if app.gate.is_some() {
        let lifetime = Duration::try_from(sessions::LIFETIME).unwrap_or(Duration::DAY);
        set_session(&app, &request, &mut response, &session, lifetime);
    }
    Ok(response)
}

pub(crate) async fn logout(app: web::Data<App>, request: HttpRequest, _form: CsrfForm<Next>) -> HttpResponse {
    let mut response = see_other("/");
    if let (Some(gate), Some(cookie)) = (&app.gate, request.cookie(&app.cookie(SESSION))) {
        gate.sessions.end(cookie.value());
        set_session(&app, &request, &mut response, "", Duration::ZERO);
    }
    response
}

/// Sends a person who is not logged in to the login page, and back from there. What htmx asked for is a part of a page;
/// the header makes it leave the whole page.
pub(crate) fn to_login(request: &HttpRequest) -> HttpResponse {
    let is_read = request.method().is_safe();
    let from_htmx = request.headers().contains_key("hx-request");
    let back = if is_read && !from_htmx {
        request.uri().path_and_query().map_or("/", |path| path.as_str())
    } else {
        "/"
    };
    let address = match own_path(back) {
        "/" => "/login".to_owned(),
        next => format!("/login?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC)),
    };
    if from_htmx {
        let mut response = HttpResponse::Unauthorized();
        return response.insert_header((HeaderName::from_static("hx-redirect"), address)).finish();
    }
    see_other(&address)
}

fn page(
    app: &App,
    request: &HttpRequest,
    next: &str,
    error: Option<&'static str>,
) -> Result<HttpResponse, Problem> {
    let page = LoginPage {
        instance_name: app.installation.instance_name(),
        base: app.base.path().to_owned(),
        stylesheet: app.asset("app.css"),
        icon: app.asset("icon.svg"),
        next: next.to_owned(),
        csrf: csrf::token(request),
        error,
    };
    let status = if error.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    Ok(HttpResponse::build(status).insert_header(ContentType::html()).body(page.render()?))
}

fn set_session(
    app: &App,
    request: &HttpRequest,
    response: &mut HttpResponse,
    value: &str,
    lifetime: Duration,
) {
    let cookie = app.base.cookie(request, app.cookie(SESSION), value.to_owned()).max_age(lifetime).finish();
    if let Err(error) = response.add_cookie(&cookie) {
        log::error!("the cookie of a login could not be set: {error}");
    }
}

fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish()
}

/// The path when it is one of ours, else the dashboard: a link must not lead from our login to another site. Browsers
/// read `//host`, `/\host` and paths with line breaks as other sites.
fn own_path(path: &str) -> &str {
    let is_ours = path.starts_with('/')
        && !path.starts_with("//")
        && !path.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control() || !byte.is_ascii())
        && !path.starts_with("/login");
    if is_ours { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn a_login_leads_to_our_own_paths_only() {
        for ours in ["/", "/sync/7", "/?page=2", "/settings#x", "/sync/7?next=//a"] {
            assert_eq!(own_path(ours), ours);
        }
        for foreign in [
            "",
            "sync/7",
            "//evil.example.com",
            "/\\evil.example.com",
            "/\t/evil.example.com",
            "/\n",
            "https://evil.example.com",
            "javascript:alert(1)",
            "/ä",
            "/login",
            "/login?next=/",
        ] {
            assert_eq!(own_path(foreign), "/", "{foreign}");
        }
    }
}
