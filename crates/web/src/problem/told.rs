//! What people and programs read of a [`Problem`].

use super::Problem;
use crate::app::App;
use crate::{assets, routes};
use actix_web::http::header::{self, ContentType};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use domain::error_chain::Chain;
use domain::foreign_text::{LONGEST, one_line, presentable};
use domain::{Explain, Explanation};
use serde::Serialize;
use sync::StartError;
use utoipa::ToSchema;

/// A host name that is longer is nobody's who mistyped it.
const LONGEST_HOST: usize = 100;

/// The body of every answer that is not a success (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemDetails {
    /// Always `about:blank`: the status and `code` say what kind of problem it is.
    r#type: &'static str,
    /// The HTTP status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What happened and what to do, in a marketer's words.
    detail: String,
    /// A fixed word for programs, such as `already_running`.
    code: &'static str,
    /// The run it is about, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<i64>,
    /// The settings that are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_settings: Vec<&'static str>,
    /// The code of the service that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_code: Option<String>,
    /// The id to quote to the support of the service that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage<'a> {
    title: &'static str,
    what: &'a str,
    advice: &'a str,
    base: &'a str,
    stylesheet: String,
    way_out: bool,
}

impl Problem {
    /// The answer: JSON below `/api`, a page elsewhere.
    pub(crate) fn tell(&self, request: &HttpRequest) -> HttpResponse {
        if self.status_code().is_server_error() {
            let path = presentable(request.path(), &[]);
            log::error!("{} {path} failed: {}", request.method(), Chain(self));
        }
        let mut response = if routes::is_api(request.path()) { self.json() } else { self.page(request) };
        let headers = response.headers_mut();
        let text = match self {
            Self::Method(allowed) => Some((header::ALLOW, (*allowed).to_owned())),
            Self::Throttled(seconds) => Some((header::RETRY_AFTER, seconds.to_string())),
            _ => None,
        };
        if let Some((name, Ok(value))) = text.map(|(name, text)| (name, text.parse())) {
            headers.insert(name, value);
        }
        response
    }

    fn json(&self) -> HttpResponse {
        let status = self.status_code();
        let (_, code, explained) = self.words();
        let mut response = HttpResponse::build(status);
        if matches!(self, Self::Login) {
            response.insert_header((
                header::WWW_AUTHENTICATE,
                "Basic realm=\"ghl-meta-sync\", charset=\"UTF-8\"",
            ));
        }
        let details = ProblemDetails {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: format!("{} {}", explained.message, explained.remedy).trim().to_owned(),
            code,
            run_id: match self {
                Self::NoRun(run) | Self::NotCancellable(run, _) | Self::AlreadyRunning(run) => Some(run.0),
                _ => None,
            },
            missing_settings: match self {
                Self::MissingSettings(names) => names.clone(),
                _ => Vec::new(),
            },
            provider_code: explained.provider_code,
            trace_id: explained.trace_id,
        };
        // `json` keeps a content type that is already set.
        response.content_type("application/problem+json").json(details)
    }

    fn page(&self, request: &HttpRequest) -> HttpResponse {
        if matches!(self, Self::Login) {
            return crate::auth::login::to_login(request);
        }
        let (title, _, explained) = self.words();
        let base = request.app_data::<web::Data<App>>().map_or("", |app| app.base.path());
        let page = ErrorPage {
            title,
            what: &explained.message,
            advice: &explained.remedy,
            stylesheet: format!("{base}{}", assets::url("app.css")),
            base,
            way_out: !matches!(self, Self::ForeignHost(_)),
        };
        let mut response = HttpResponse::build(self.status_code());
        match page.render() {
            Ok(html) => response.insert_header(ContentType::html()).body(html),
            Err(_) => response
                .insert_header(ContentType::plaintext())
                .body(format!("{title}. {} {}", explained.message, explained.remedy)),
        }
    }

    /// The headline of the page, the fixed word for programs, and the sentences for both.
    pub(crate) fn words(&self) -> (&'static str, &'static str, Explanation) {
        let (title, code, message, remedy): (_, _, &str, &str) = match self {
            Self::NotFound => (
                "Page not found",
                "not_found",
                "There is no page at this address, or the sync it shows is not in this database.",
                "Check the address, or look for the sync in the history.",
            ),
            Self::NoRoute => (
                "Page not found",
                "no_route",
                "The API has no such address.",
                "GET /api/openapi.json lists every address it has.",
            ),
            Self::NoRun(run) => (
                "Sync not found",
                "no_run",
                &format!("There is no sync {run} in this database."),
                "GET /api/sync/history lists every sync there is.",
            ),
            Self::NoList(id) => (
                "Smart List not found",
                "no_list",
                &format!(
                    "There is no Smart List \"{}\", neither in this GoHighLevel location nor saved here.",
                    one_line(id, LONGEST)
                ),
                "GET /api/smart-lists lists those there are.",
            ),
            Self::Method(allowed) => (
                "Not possible here",
                "method",
                &format!("This address only takes {allowed}."),
                "Go back to the dashboard and try again from there.",
            ),
            Self::ForeignHost(name) => (
                "Address not allowed",
                "foreign_host",
                &match one_line(name, LONGEST_HOST).as_str() {
                    "" => "The dashboard was asked for under no name. Refusing it protects it from hostile web pages.".to_owned(),
                    name => format!(
                        "The dashboard was opened under a name it does not know. It was asked for as \"{name}\". Refusing it protects it from hostile web pages."
                    ),
                },
                "Open it by IP address, or add this name to ALLOWED_HOSTS or PUBLIC_URL, or let the proxy pass the Host header on, and start the service again.",
            ),
            Self::ForeignOrigin => (
                "Not from this dashboard",
                "foreign_origin",
                "The request comes from a page of another site, so nothing was changed.",
                "Do it on the dashboard itself. If the dashboard is behind a proxy, set PUBLIC_URL to the address in the browser.",
            ),
            Self::Csrf => (
                "The page is too old",
                "csrf",
                "The form was opened before the service was restarted, or its cookie is gone, so nothing was changed.",
                "Go back, reload the page and send it again.",
            ),
            Self::PlainHttp => (
                "Opened over plain http",
                "plain_http",
                "The dashboard's address (PUBLIC_URL) is an https one, and browsers send its cookies over https only, so nothing was changed.",
                "Open it at the address in PUBLIC_URL.",
            ),
            Self::Login => (
                "Login needed",
                "login",
                "This needs the password of the dashboard (WEB_PASSWORD).",
                "Programs send it by HTTP Basic with any user name.",
            ),
            Self::Throttled(seconds) => (
                "Too many attempts",
                "throttled",
                &format!(
                    "Too many wrong passwords came from this address; it may try again in {seconds} seconds."
                ),
                "Wait, then use the password of WEB_PASSWORD.",
            ),
            Self::MediaType(wanted) => (
                "Not understood",
                "media_type",
                &format!("The body is not marked as {wanted}."),
                "Send the header Content-Type with exactly that.",
            ),
            Self::TooLarge(limit) => {
                ("Too large", "too_large", &format!("The body is larger than {limit} bytes."), "Send less.")
            }
            Self::TooSlow => {
                ("Too slow", "too_slow", "What was sent did not arrive in time.", "Send it again.")
            }
            Self::Malformed(why) => {
                ("Not understood", "malformed", &format!("The request can not be read: {why}."), "")
            }
            Self::Refused(explained) => return ("Not possible", "refused", explained.clone()),
            Self::MissingSettings(names) => (
                "The setup is not complete",
                "missing_settings",
                &format!("These settings are missing: {}.", names.join(", ")),
                "Set them in the environment of the service and start it again.",
            ),
            Self::AlreadyRunning(run) => {
                let explained = StartError::AlreadyRunning { run: *run }.explain();
                return ("A sync is already running", "already_running", explained);
            }
            Self::Busy => return ("Busy for a moment", "busy", StartError::Busy.explain()),
            Self::NotCancellable(_, explained) => {
                return ("Not running", "not_cancellable", explained.clone());
            }
            Self::Service(explained) => {
                return ("A service did not do its part", "service", explained.clone());
            }
            Self::InUse(explained) => return ("In use", "in_use", explained.clone()),
            Self::NotReady(explained) => return ("Not ready", "not_ready", explained.clone()),
            Self::Store(error) => return ("The database failed", "database", error.explain()),
            Self::Lost(_) | Self::Template(_) | Self::System(_) => (
                "Something went wrong",
                "internal",
                "The page could not be made. This is a fault of this program.",
                "Reload the page. If it stays, please report it together with the log.",
            ),
        };
        (title, code, Explanation::new(message, remedy))
    }
}
