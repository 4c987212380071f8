//! The pages, one file each, and what they share.
//!
//! Every page works without JavaScript: forms are real forms that end in a redirect or in the page with what is wrong,
//! links are real links. With htmx the same addresses answer the part of the page that changes.

mod account_view;
pub(crate) mod actions;
mod choice;
pub(crate) mod configuration;
pub(crate) mod connections;
pub(crate) mod contacts_file;
pub(crate) mod dashboard;
mod distribution;
pub(crate) mod erase;
mod existing_audience;
pub(crate) mod filters;
mod heartbeat;
mod history;
mod layout;
mod linked;
mod lookup;
pub(crate) mod mail;
mod notice;
mod offers;
mod pager;
pub(crate) mod preview;
mod preview_view;
mod problem_rows;
mod progress;
pub(crate) mod run;
mod run_view;
pub(crate) mod settings;
pub(crate) mod setup;
mod standing;
mod tiles;

use crate::etag;
use crate::problem::Problem;
use actix_web::http::header::{ContentType, ETag, EntityTag, LOCATION};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Whether htmx asks for a part of the page. When it restores the page from the history it needs the whole.
fn wants_fragment(request: &HttpRequest) -> bool {
    let is_true = |name| request.headers().get(name).is_some_and(|value| value == "true");
    is_true("HX-Request") && !is_true("HX-History-Restore-Request")
}

/// A page or a part of one. The same address answers both, which caches must know.
fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    html_with(StatusCode::OK, page)
}

fn html_with(status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
    Ok(response(status).body(page.render()?))
}

fn response(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header(ContentType::html()).insert_header((header::VARY, "HX-Request"));
    response
}

/// A part that a page asks for again and again. The browser keeps it and hears in a few bytes that nothing has changed;
/// there is nothing personal in it.
fn polled(request: &HttpRequest, part: &impl Template) -> Result<HttpResponse, Problem> {
    let body = part.render()?;
    let tag = EntityTag::new_weak(URL_SAFE_NO_PAD.encode(&Sha256::digest(&body)[..12]));
    let is_known = etag::is_known(request, &tag);
    let mut response = response(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, "private, no-cache"));
    Ok(if is_known { response.finish() } else { response.body(body) })
}

/// After a form has done its work: the page is asked for anew, so that reloading does not repeat the work.
fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, address)).finish()
}

/// The same for htmx, when more than a part of the page changes.
fn leave_for(address: &str) -> HttpResponse {
    HttpResponse::Ok().insert_header(("HX-Redirect", address)).finish()
}

/// The status of a refusal. htmx shows what it gets with 409 and 422 in place, and takes a 5xx for a lost connection.
fn refusal_status(problem: &Problem, fragment: bool) -> StatusCode {
    match problem.status_code() {
        StatusCode::BAD_GATEWAY if fragment => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    }
}

/// Whether a person can do something about it on the page they are on; everything else gets a page of its own.
fn is_shown_in_place(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::Refused(_)
            | Problem::MissingSettings(_)
            | Problem::AlreadyRunning(_)
            | Problem::Busy
            | Problem::NotCancellable(..)
            | Problem::Service(_)
    )
}
