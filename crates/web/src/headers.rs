//! What every answer says to the browser, and which requests are answered at all.

use crate::app::App;
use crate::in_context::InContext;
use crate::problem::Problem;
use crate::unread::Unread;
use crate::{auth, body, csrf, host, routes};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, web};
use domain::foreign_text::presentable;
use domain::log_context;
use std::time::Instant;

/// Nothing but our own files: no inline script or style, no frame around us, no form to elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SECURITY: [(HeaderName, HeaderValue); 6] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // For browsers that do not know `frame-ancestors`.
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    // No page of another site gets hold of our window, or of what we answer to it.
    (header::CROSS_ORIGIN_OPENER_POLICY, HeaderValue::from_static("same-origin")),
    (header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

/// Refuses foreign host names, changes asked for by foreign pages, whoever lacks the password, and bodies that are too
/// long or too slow, writes the answer of
/// every [`Problem`], and adds the security headers to every answer, errors included. Answers are not to be kept by
/// browsers or proxies unless the handler says otherwise.
///
/// Every line of the log that is written for the request carries its number.
pub(crate) async fn guard(
    app: web::Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    InContext::new(log_context::next_request(), guarded(app, request, next)).await
}

async fn guarded(
    app: web::Data<App>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    app.base.strip(&mut request);
    // Anybody can write anything into an address.
    let asked = format!("{} {}", request.method(), presentable(request.path(), &[]));
    let mut payload = request.take_payload();
    let body = match allow(&app, &request).await {
        Ok(()) => body::whole(&app, &mut payload).await,
        Err(problem) => Err(problem),
    };
    let response = match body {
        Ok(body) => {
            request.set_payload(body.into());
            next.call(request).await?.map_into_boxed_body()
        }
        Err(problem) => request.error_response(problem),
    };
    let problem = response.response().error().and_then(Error::as_error::<Problem>);
    let mut response = match problem.map(|problem| problem.tell(response.request())) {
        Some(told) => response.into_response(told),
        None => response,
    };
    if let Some(cookie) = csrf::cookie(&app, response.request()) {
        response.response_mut().add_cookie(&cookie)?;
    }
    let headers = response.headers_mut();
    app.base.lead(headers);
    for (name, value) in SECURITY {
        headers.insert(name, value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let response = response.map_body(|_, answer| BoxBody::new(Unread { answer, _request: payload }));
    log::debug!("{asked} -> {} in {} ms", response.status().as_u16(), begun.elapsed().as_millis());
    Ok(response)
}

async fn allow(app: &web::Data<App>, request: &ServiceRequest) -> Result<(), Problem> {
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let host = header(header::HOST);
    if !app.hosts.allow(host) {
        return Err(Problem::ForeignHost(host::as_asked(host.unwrap_or_default())));
    }
    if !request.method().is_safe() && !host::is_own_page(&app.hosts, request.headers()) {
        return Err(Problem::ForeignOrigin);
    }
    csrf::prepare(app, request)?;
    if routes::is_public(request.path()) {
        return Ok(());
    }
    auth::admit(app, request.request()).await
}
