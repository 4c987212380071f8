//! `GET /metrics`: figures for Prometheus.

use crate::app::App;
use crate::next_run::NextRun;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::{HttpResponse, web};
use domain::{Clock, SystemClock};
use monitoring::Surroundings;

/// How the service and its runs stand, for Prometheus.
///
/// OpenMetrics text. What the database knows is read with each call; calls to the services and waits for their limits
/// are counted from the start of the process. No label holds anything of a contact. With a password Prometheus needs
/// `basic_auth`; any user name will do.
#[utoipa::path(get, path = path::METRICS, tag = "operation",
    responses(
        (status = 200, description = "The figures of this moment", body = String, content_type = "application/openmetrics-text"),
        (status = 503, description = "The database does not answer", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn metrics(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let text = app
        .blocking(|app| {
            let scheduler = app.installation.scheduler();
            let surroundings = Surroundings {
                now: SystemClock.now(),
                next_run_at: NextRun::read(&*app.installation, &app.store)?.at(),
                scheduler: scheduler.map(|parts| [("schedule", parts.schedule), ("upkeep", parts.upkeep)]),
            };
            Ok(monitoring::text(&app.store, &surroundings)?)
        })
        .await?;
    Ok(HttpResponse::Ok().content_type(monitoring::CONTENT_TYPE).body(text))
}
