//! `GET /readyz`: whether the service can do its work. `/healthz`, which only says that it runs, needs no login.

use crate::app::App;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::web;
use domain::Explanation;
use persistence::Store;
use serde::Serialize;
use utoipa::ToSchema;

/// The service is ready.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// Always `ready`.
    status: &'static str,
    /// The newest migration of the database.
    schema_version: String,
}

/// Whether the database answers and has the tables this program knows.
#[utoipa::path(get, path = path::READY, tag = "operation",
    responses(
        (status = 200, description = "Ready", body = Ready),
        (status = 503, description = "The database does not answer, or another version of the program has changed its tables", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn ready(app: web::Data<App>) -> Result<web::Json<Ready>, Problem> {
    let schema_version = app.read(Store::schema_version).await?;
    if schema_version != app.schema_version {
        return Err(Problem::NotReady(Explanation::new(
            format!(
                "The database is at version {schema_version}, but this program began with version {}.",
                app.schema_version
            ),
            "Another version of this program has changed the tables: stop this one, or start it again.",
        )));
    }
    Ok(web::Json(Ready { status: "ready", schema_version }))
}
