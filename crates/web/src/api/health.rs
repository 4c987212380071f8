//! `GET /readyz`: whether the service can do its work. `/healthz`, which only says that it runs, needs no login.

use crate::app::App;
use crate::installation::SchedulerState;
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
    /// `ready`; `starting` while the dashboard is open and the scheduler has not been started yet.
    status: &'static str,
    /// The newest migration of the database.
    schema_version: String,
}

/// Whether the database answers and has the tables this program knows, and the scheduler is at work.
#[utoipa::path(get, path = path::READY, tag = "operation",
    responses(
        (status = 200, description = "Ready", body = Ready),
        (status = 503, description = "The database does not answer, another version of the program has changed its tables, or a part of the scheduler has stopped; the text says which", body = ProblemDetails, content_type = "application/problem+json"),
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
    let scheduler = app.installation.scheduler();
    if let Some(stopped) = scheduler.and_then(stopped) {
        return Err(Problem::NotReady(Explanation::new(
            stopped,
            "Start the program again, and send its log to whoever maintains it.",
        )));
    }
    let status = if scheduler.is_some() { "ready" } else { "starting" };
    Ok(web::Json(Ready { status, schema_version }))
}

/// Which part of the scheduler does not do its work, and what that means.
fn stopped(scheduler: SchedulerState) -> Option<&'static str> {
    match scheduler {
        SchedulerState { schedule: false, .. } => Some("The schedule has stopped: no sync begins by itself."),
        SchedulerState { upkeep: false, .. } => {
            Some("The work between syncs has stopped: mails, lookalikes and removals that wait do not go on.")
        }
        SchedulerState { schedule: true, upkeep: true } => None,
    }
}
