//! The whole URL table.
//!
//! | address | what it is |
//! |---|---|
//! | `GET /` | dashboard; `?page=2` for older runs |
//! | `GET /fragments/run`, `GET /fragments/setup`, `GET /fragments/configuration` | parts of the dashboard, for htmx |
//! | `POST /config`, `POST /email/test` | forms of the dashboard |
//! | `POST /sync`, `POST /sync/{id}/cancel` | *Sync now*, *Run anyway*, *Cancel* |
//! | `GET /sync/{id}` | one run; what the mails link to |
//! | `GET /sync/{id}/contacts.csv` | its contacts that ended in a bucket, for a spreadsheet |
//! | `GET /filters`, `GET|POST /filters/new`, `GET|POST /filters/{id}` | lists made of conditions, and their form |
//! | `POST /filters/{id}/delete`, `POST /filters/count` | a list goes; how many contacts a form means, for htmx |
//! | `GET|POST /preview`, `POST /preview/cancel` | what a sync would send |
//! | `GET /connections`, `POST /connections/test`, `POST /connections/{service}/test` | the services and their tests |
//! | `GET|POST /settings` | what can be changed while the service runs |
//! | `POST /erase` | the form *Erase a person* of the settings page |
//! | `GET|POST /login`, `POST /logout` | the password, when one is set |
//! | `GET /static/{name}` | style sheet and icons, under hashed names |
//! | `GET /healthz` | `ok` while the process answers |
//! | `/api/…`, `GET /readyz`, `GET /metrics` | for programs: see [`api_table`] |

use crate::auth::login;
use crate::problem::Problem;
use crate::{api, assets, openapi, pages};
use actix_web::error::QueryPayloadError;
use actix_web::guard::{Any, Get, Head};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, web};
use std::collections::BTreeMap;

pub(crate) fn table(config: &mut web::ServiceConfig) {
    let unreadable = |error: QueryPayloadError, _: &HttpRequest| {
        let why = match &error {
            QueryPayloadError::Deserialize(error) => error.to_string(),
            other => other.to_string(),
        };
        Problem::Malformed(format!("what follows the question mark in the address ({why})")).into()
    };
    config.app_data(web::QueryConfig::default().error_handler(unreadable));
    add_api(config);
    page_table(config);
    config.service(resource(HEALTHZ, READ).route(read().to(healthz))).default_service(web::to(not_found));
}

/// The addresses for programs. The documentation of each handler names its own.
pub(crate) mod path {
    pub(crate) const SMART_LISTS: &str = "/api/smart-lists";
    pub(crate) const SMART_LIST: &str = "/api/smart-lists/{id}";
    pub(crate) const LIST_COUNT: &str = "/api/smart-lists/{id}/count";
    pub(crate) const CUSTOM_FIELDS: &str = "/api/custom-fields";
    pub(crate) const AUDIENCES: &str = "/api/audiences";
    pub(crate) const CONFIG: &str = "/api/config";
    pub(crate) const TRIGGER: &str = "/api/sync/trigger";
    pub(crate) const HISTORY: &str = "/api/sync/history";
    pub(crate) const STATUS: &str = "/api/sync/status";
    pub(crate) const RUN: &str = "/api/sync/{id}";
    pub(crate) const CANCEL: &str = "/api/sync/{id}/cancel";
    pub(crate) const TEST_MAIL: &str = "/api/email/test";
    pub(crate) const ERASE: &str = "/api/erase";
    pub(crate) const OPENAPI: &str = "/api/openapi.json";
    pub(crate) const METRICS: &str = "/metrics";
    pub(crate) const READY: &str = "/readyz";
}

/// What programs may ask for.
pub(crate) fn api_table() -> [(Method, &'static str, Route); 19] {
    [
        (Method::GET, path::SMART_LISTS, web::to(api::choices::lists)),
        (Method::POST, path::SMART_LISTS, web::to(api::saved_lists::add)),
        (Method::PUT, path::SMART_LIST, web::to(api::saved_lists::change)),
        (Method::DELETE, path::SMART_LIST, web::to(api::saved_lists::delete)),
        (Method::GET, path::LIST_COUNT, web::to(api::choices::count)),
        (Method::GET, path::CUSTOM_FIELDS, web::to(api::choices::fields)),
        (Method::GET, path::AUDIENCES, web::to(api::choices::audiences)),
        (Method::GET, path::CONFIG, web::to(api::config::show)),
        (Method::POST, path::CONFIG, web::to(api::config::save)),
        (Method::POST, path::TRIGGER, web::to(api::runs::trigger)),
        (Method::GET, path::HISTORY, web::to(api::runs::history)),
        (Method::GET, path::STATUS, web::to(api::runs::status)),
        (Method::GET, path::RUN, web::to(api::runs::show)),
        (Method::POST, path::CANCEL, web::to(api::runs::cancel)),
        (Method::POST, path::TEST_MAIL, web::to(api::mail::send_test)),
        (Method::POST, path::ERASE, web::to(api::erase::erase)),
        (Method::GET, path::OPENAPI, web::to(openapi::document)),
        (Method::GET, path::METRICS, web::to(api::metrics::metrics)),
        (Method::GET, path::READY, web::to(api::health::ready)),
    ]
}

fn add_api(config: &mut web::ServiceConfig) {
    // In alphabetical order a fixed name stands before a `{…}` in the same place, as it must.
    let mut addresses: BTreeMap<&str, Vec<(Method, Route)>> = BTreeMap::new();
    for (method, path, route) in api_table() {
        addresses.entry(path).or_default().push((method, route));
    }
    for (path, routes) in addresses {
        let takes = |wanted: &Method| routes.iter().any(|(method, _)| method == wanted);
        let methods = match (takes(&Method::GET), takes(&Method::POST)) {
            (true, true) => BOTH,
            (true, false) => READ,
            (false, true) => WRITE,
            (false, false) => REPLACE,
        };
        let resource = routes.into_iter().fold(resource(path, methods), |resource, (method, route)| {
            resource.route(match method {
                Method::GET => route.guard(Any(Get()).or(Head())),
                other => route.method(other),
            })
        });
        config.service(resource);
    }
}

const HEALTHZ: &str = "/healthz";
const LOGIN: &str = "/login";
const READ: &str = "GET, HEAD";
const WRITE: &str = "POST";
const REPLACE: &str = "PUT, DELETE";
const BOTH: &str = "GET, HEAD, POST";

/// Whether programs are answered here: errors are JSON, and the password comes by HTTP Basic.
pub(crate) fn is_api(address: &str) -> bool {
    address == "/api" || address.starts_with("/api/") || [path::METRICS, path::READY].contains(&address)
}

/// Whether this is served without a login.
pub(crate) fn is_public(path: &str) -> bool {
    path == HEALTHZ || path == LOGIN || path.starts_with("/static/")
}

fn page_table(config: &mut web::ServiceConfig) {
    config
        .service(resource("/", READ).route(read().to(pages::dashboard::show)))
        .service(resource("/fragments/run", READ).route(read().to(pages::dashboard::run)))
        .service(resource("/fragments/setup", READ).route(read().to(pages::setup::show)))
        .service(resource("/fragments/configuration", READ).route(read().to(pages::configuration::refresh)))
        .service(resource("/config", WRITE).route(web::post().to(pages::configuration::save)))
        .service(resource("/email/test", WRITE).route(web::post().to(pages::mail::test)))
        .service(resource("/sync", WRITE).route(web::post().to(pages::actions::start)))
        .service(resource("/sync/{id}", READ).route(read().to(pages::run::show)))
        .service(resource("/sync/{id}/contacts.csv", READ).route(read().to(pages::contacts_file::download)))
        .service(resource("/sync/{id}/cancel", WRITE).route(web::post().to(pages::actions::cancel)))
        .service(resource("/filters", READ).route(read().to(pages::filters::list)))
        .service(resource("/filters/count", WRITE).route(web::post().to(pages::filters::recount)))
        .service(
            resource("/filters/new", BOTH)
                .route(read().to(pages::filters::new))
                .route(web::post().to(pages::filters::create)),
        )
        .service(
            resource("/filters/{id}", BOTH)
                .route(read().to(pages::filters::edit))
                .route(web::post().to(pages::filters::change)),
        )
        .service(resource("/filters/{id}/delete", WRITE).route(web::post().to(pages::filters::delete)))
        .service(
            resource("/preview", BOTH)
                .route(read().to(pages::preview::show))
                .route(web::post().to(pages::preview::begin)),
        )
        .service(resource("/preview/cancel", WRITE).route(web::post().to(pages::preview::cancel)))
        .service(resource("/connections", READ).route(read().to(pages::connections::show)))
        .service(resource("/connections/test", WRITE).route(web::post().to(pages::connections::test_all)))
        .service(
            resource("/connections/{service}/test", WRITE).route(web::post().to(pages::connections::test)),
        )
        .service(
            resource("/settings", BOTH)
                .route(read().to(pages::settings::show))
                .route(web::post().to(pages::settings::save)),
        )
        .service(resource("/erase", WRITE).route(web::post().to(pages::erase::erase)))
        .service(resource(LOGIN, BOTH).route(read().to(login::show)).route(web::post().to(login::submit)))
        .service(resource("/logout", WRITE).route(web::post().to(login::logout)))
        .service(resource("/static/{name}", READ).route(read().to(assets::serve)));
}

/// An address that answers every method but those of its routes with 405 and their list.
fn resource(path: &str, methods: &'static str) -> Resource {
    let refuse = move || async move { Err::<HttpResponse, _>(Problem::Method(methods)) };
    web::resource(path.to_owned()).default_service(web::to(refuse))
}

fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().body("ok")
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(if is_api(request.path()) { Problem::NoRoute } else { Problem::NotFound })
}
