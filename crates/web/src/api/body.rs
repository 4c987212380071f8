//! JSON bodies. They are taken only with their content type, because a form of a foreign page can send JSON as plain
//! text without the browser asking us first.

use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};
use domain::foreign_text::{LONGEST, one_line};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;
use utoipa::ToSchema;

const JSON: &str = "application/json";

/// A body that must be there.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// A body that may be left out, or be `null`.
pub(crate) struct OptionalJsonBody<T>(pub(crate) T);

/// A body without anything in it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = bytes(request, payload);
        Box::pin(async move {
            let body = body.await?.ok_or_else(|| Problem::Malformed("the body is empty".to_owned()))?;
            Ok(Self(parse(&body)?))
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalJsonBody<T> {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = bytes(request, payload);
        Box::pin(async move {
            match body.await? {
                None => Ok(Self(T::default())),
                Some(body) => Ok(Self(parse::<Option<T>>(&body)?.unwrap_or_default())),
            }
        })
    }
}

/// The body; `None` when it is empty. One of another kind is refused even when it is empty: a form of a foreign page
/// always names its kind.
fn bytes(request: &HttpRequest, payload: &mut Payload) -> Extracted<Option<web::Bytes>> {
    let kind = request.headers().get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let body = web::Bytes::from_request(request, payload);
    Box::pin(async move {
        if essence.as_deref().is_some_and(|essence| essence != JSON) {
            return Err(Problem::MediaType(JSON).into());
        }
        let body = body.await?;
        match essence {
            _ if body.is_empty() => Ok(None),
            Some(_) => Ok(Some(body)),
            None => Err(Problem::MediaType(JSON).into()),
        }
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let unexpected =
        |why: &str| Problem::Malformed(format!("the body is not the JSON that is expected here ({why})"));
    // serde would take a list for an object, its values in the order in which our code names them.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(unexpected("a list, not an object"));
    }
    serde_json::from_slice(body).map_err(|error| unexpected(&one_line(&error.to_string(), LONGEST)))
}
