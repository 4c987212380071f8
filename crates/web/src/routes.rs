//! The whole URL table.
//!
//! | address | page |
//! |---|---|
//! | `GET /` | dashboard; `?page=2` for older runs |
//! | `GET /sync/{id}` | one run; what the mails link to |
//! | `GET /static/{name}` | style sheet and icons, under hashed names |
//! | `GET /healthz` | `ok` while the process answers |

use crate::problem::Problem;
use crate::{assets, pages};
use actix_web::guard::{Any, Get, Head};
use actix_web::{HttpResponse, Resource, Route, web};

pub(crate) fn table(config: &mut web::ServiceConfig) {
    config
        .service(read_only("/").route(read().to(pages::dashboard::show)))
        .service(read_only("/sync/{id}").route(read().to(pages::run::show)))
        .service(read_only("/static/{name}").route(read().to(assets::serve)))
        .service(read_only("/healthz").route(read().to(healthz)))
        .default_service(web::to(not_found));
}

fn read_only(path: &str) -> Resource {
    web::resource(path.to_owned()).default_service(web::to(method))
}

fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().body("ok")
}

async fn not_found() -> Result<HttpResponse, Problem> {
    Err(Problem::NotFound)
}

async fn method() -> Result<HttpResponse, Problem> {
    Err(Problem::Method)
}
