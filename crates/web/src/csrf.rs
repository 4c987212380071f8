//! Forms of our own pages carry a token that no other page can know.
//!
//! The token is a keyed hash of a random cookie and of the login, so neither a planted cookie nor a token fetched by
//! somebody else is of use. The cookie is `SameSite=Lax`: it is never sent with a foreign form, which is all that
//! matters here, but it is when the dashboard is opened from a mail; a new one then would invalidate other tabs.
//!
//! Handlers of pages call [`token`] for the hidden input `csrf`, and take [`CsrfForm`] instead of `web::Form`.

use crate::app::App;
use crate::auth::SESSION;
use crate::problem::Problem;
use crate::random;
use actix_web::cookie::Cookie;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header::{HeaderValue, ORIGIN};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;

const COOKIE: &str = "csrf";

/// The key of this process; forms opened before a restart have to be opened again.
pub(crate) struct CsrfKey([u8; 32]);

/// The cookie of the request at hand, or the one it will be given.
struct Seed {
    text: String,
    is_new: bool,
    used: Cell<bool>,
}

/// A form that was sent with its token. Read like `web::Form<T>`; `T` must accept the extra field `csrf`.
#[derive(Debug)]
pub(crate) struct CsrfForm<T>(pub(crate) T);

/// What every form holds.
#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl CsrfKey {
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self(random::bytes()?))
    }

    fn mac(&self, request: &HttpRequest) -> Option<Hmac<Sha256>> {
        let app = request.app_data::<web::Data<App>>()?;
        let extensions = request.extensions();
        let seed = extensions.get::<Seed>()?;
        seed.used.set(true);
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(seed.text.as_bytes());
        mac.update(b"\n");
        if let Some(session) = request.cookie(&app.cookie(SESSION)) {
            mac.update(session.value().as_bytes());
        }
        Some(mac)
    }
}

/// The value of the hidden input `csrf` of a form on the page that answers this request.
pub(crate) fn token(request: &HttpRequest) -> String {
    let mac = request.app_data::<web::Data<App>>().and_then(|app| app.csrf.mac(request));
    // Without the state of the server there is no token, and the form is refused: the safe side.
    mac.map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())).unwrap_or_default()
}

/// Finds or makes the cookie before the page is made.
pub(crate) fn prepare(app: &App, request: &ServiceRequest) -> Result<(), Problem> {
    let known = request.cookie(&app.cookie(COOKIE)).map(|cookie| cookie.value().to_owned());
    let known = known.filter(|text| text.len() == random::TOKEN_LENGTH);
    let is_new = known.is_none();
    let text = match known {
        Some(text) => text,
        None => random::token()?,
    };
    request.extensions_mut().insert(Seed { text, is_new, used: Cell::new(false) });
    Ok(())
}

/// The cookie to set with the answer: only when a page with a form was made for a browser that has none yet.
pub(crate) fn cookie(app: &App, request: &HttpRequest) -> Option<Cookie<'static>> {
    // In a block, because the connection's information is kept in the same place.
    let text = {
        let extensions = request.extensions();
        extensions.get::<Seed>().filter(|seed| seed.is_new && seed.used.get())?.text.clone()
    };
    Some(app.base.cookie(request, app.cookie(COOKIE), text).finish())
}

impl<T: DeserializeOwned + 'static> FromRequest for CsrfForm<T> {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let body = web::Bytes::from_request(&request, payload);
        Box::pin(async move {
            if request.content_type() != "application/x-www-form-urlencoded" {
                return Err(Problem::MediaType("application/x-www-form-urlencoded").into());
            }
            let body = body.await?;
            Ok(Self(checked(&request, &body)?))
        })
    }
}

/// Whether the browser has no cookie of ours because cookies for https do not travel over plain http.
fn kept_back(app: &App, request: &HttpRequest) -> bool {
    let origin = request.headers().get(ORIGIN).map(HeaderValue::as_bytes);
    app.base.is_https()
        && origin.is_some_and(|origin| origin.starts_with(b"http://"))
        && request.cookie(&app.cookie(COOKIE)).is_none()
}

fn checked<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body)
        .map_err(|_unreadable| Problem::Malformed("the form is not UTF-8".to_owned()))?;
    let sent = web::Query::<Token>::from_query(text).map_err(|_missing| Problem::Csrf)?;
    let app = request.app_data::<web::Data<App>>().ok_or(Problem::Csrf)?;
    let wrong = || if kept_back(app, request) { Problem::PlainHttp } else { Problem::Csrf };
    let mac = app.csrf.mac(request).ok_or_else(wrong)?;
    let given = URL_SAFE_NO_PAD.decode(&sent.csrf).map_err(|_unreadable| wrong())?;
    mac.verify_slice(&given).map_err(|_wrong| wrong())?;
    let form = web::Query::<T>::from_query(text);
    Ok(form.map_err(|error| Problem::Malformed(error.to_string()))?.into_inner())
}
