//! Why a page can not be shown, and the page that says so.

use actix_web::error::BlockingError;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use domain::error_chain::Chain;
use persistence::StoreError;

/// A request that ends without its page. What is inside is for the log; people read [`ErrorPage`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// There is no such page or run.
    #[error("there is no such page")]
    NotFound,
    /// The page exists, but not for this method.
    #[error("the page can only be read")]
    Method,
    /// The `Host` header names a host that is not ours.
    #[error("the host name is not allowed")]
    ForeignHost,
    /// The database did not answer.
    #[error("the database did not answer")]
    Store(#[from] StoreError),
    /// The blocking call was lost.
    #[error("the database call was not finished")]
    Lost(#[from] BlockingError),
    /// A template could not be rendered.
    #[error("the page could not be rendered")]
    Template(#[from] askama::Error),
}

#[derive(Template)]
#[template(path = "pages/error.html")]
struct ErrorPage {
    title: &'static str,
    what: &'static str,
    advice: &'static str,
    stylesheet: String,
    way_out: bool,
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Lost(_) | Self::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if self.status_code().is_server_error() {
            log::error!("a page could not be shown: {}", Chain(self));
        }
        let (title, what, advice) = match self {
            Self::NotFound => (
                "Page not found",
                "There is no page at this address, or the sync it shows is not in this database.",
                "Check the address, or look for the sync in the history.",
            ),
            Self::Method => (
                "Not possible here",
                "This page can only be read.",
                "Go back to the dashboard and try again from there.",
            ),
            Self::ForeignHost => (
                "Address not allowed",
                "The dashboard was opened under a name it does not know. This protects it from hostile web pages.",
                "Open it by IP address, or add the name to ALLOWED_HOSTS or PUBLIC_URL and start the service again.",
            ),
            Self::Store(_) => (
                "The database did not answer",
                "The page could not be read from the database. Syncs and their results are not affected by this page.",
                "Wait a moment and reload. If it stays, check that the disk is not full and look at the log.",
            ),
            Self::Lost(_) | Self::Template(_) => (
                "Something went wrong",
                "The page could not be made. This is a fault of this program.",
                "Reload the page. If it stays, please report it together with the log.",
            ),
        };
        let page = ErrorPage {
            title,
            what,
            advice,
            stylesheet: crate::assets::url("app.css"),
            way_out: !matches!(self, Self::ForeignHost),
        };
        let mut response = HttpResponse::build(self.status_code());
        match page.render() {
            Ok(html) => response.insert_header(ContentType::html()).body(html),
            Err(_) => {
                response.insert_header(ContentType::plaintext()).body(format!("{title}. {what} {advice}"))
            }
        }
    }
}
