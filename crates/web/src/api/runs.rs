//! Runs: begin, stop, look up.

use super::body::{Nothing, OptionalJsonBody};
use super::run::{Run, RunWithSample};
use super::run_id;
use crate::actions;
use crate::app::App;
use crate::history::{PER_PAGE, pages};
use crate::next_run::NextRun;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use domain::run::RunStatus;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Contacts in a sample.
const SAMPLE: u32 = 10;

/// How to run.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggerOrder {
    /// Go on even when the list has fewer than half the contacts that were sent last time.
    #[serde(default)]
    accept_smaller_list: bool,
}

/// The run that an order is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunAnswer {
    run_id: i64,
}

/// How things stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SyncStatus {
    running: bool,
    /// The run now going on.
    run: Option<Run>,
    /// The newest run that has ended.
    last_run: Option<Run>,
    /// The newest run that succeeded.
    last_success: Option<Run>,
    /// When the schedule starts the next run; null when it is off or the setup is not complete.
    next_run_at: Option<DateTime<Utc>>,
    /// Settings without which no sync can run.
    missing_settings: Vec<&'static str>,
}

/// One page of the history.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    /// Newest first; empty behind the last page.
    items: Vec<Run>,
    page: u32,
    per_page: u32,
    /// Pages in all; an empty history has one.
    pages: u64,
    /// Runs in all.
    total: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// Counted from 1.
    #[serde(default = "first")]
    #[param(minimum = 1, maximum = 4_294_967_295_u32, default = 1)]
    page: u32,
}

fn first() -> u32 {
    1
}

/// Start a sync.
#[utoipa::path(post, path = path::TRIGGER, tag = "sync",
    request_body(content = Option<TriggerOrder>, description = "May be left out."),
    responses(
        (status = 202, description = "It has begun", body = RunAnswer),
        (status = 409, description = "One is running already: `run_id`; or the service is busy for a moment: `code` is `busy`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "No list or field is chosen, or settings are missing", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "GoHighLevel did not answer when it was asked for the list and the field of the environment", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn trigger(
    app: web::Data<App>,
    order: OptionalJsonBody<TriggerOrder>,
) -> Result<HttpResponse, Problem> {
    let accept_smaller_list = order.0.accept_smaller_list;
    let run = app.blocking(move |app| actions::begin(app, accept_smaller_list)).await?;
    let address = path::RUN.replace("{id}", &run.to_string());
    Ok(HttpResponse::Accepted().insert_header((LOCATION, address)).json(RunAnswer { run_id: run.0 }))
}

/// Stop a sync before its next call.
#[utoipa::path(post, path = path::CANCEL, tag = "sync",
    params(("id" = i64, Path, description = "The run", minimum = 1, example = 1)),
    request_body(content = Option<Nothing>, description = "May be left out."),
    responses(
        (status = 202, description = "It stops", body = RunAnswer),
        (status = 404, description = "There is no such sync", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It has ended, or runs in another process", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn cancel(
    app: web::Data<App>,
    id: web::Path<String>,
    _body: OptionalJsonBody<Nothing>,
) -> Result<HttpResponse, Problem> {
    let run = run_id(&id)?;
    app.blocking(move |app| actions::stop(app, run)).await?;
    Ok(HttpResponse::Accepted().json(RunAnswer { run_id: run.0 }))
}

/// One sync with everything known of it.
#[utoipa::path(get, path = path::RUN, tag = "sync",
    params(("id" = i64, Path, description = "The run", minimum = 1, example = 1)),
    responses(
        (status = 200, description = "The sync", body = RunWithSample),
        (status = 404, description = "There is no such sync", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    app: web::Data<App>,
    id: web::Path<String>,
) -> Result<web::Json<RunWithSample>, Problem> {
    let id = run_id(&id)?;
    let (run, sample) = app
        .read(move |store| {
            let run = store.run_get(id)?;
            let sample = match &run {
                Some(run) if run.has_contacts() => store.contacts_sample(id, SAMPLE)?,
                _ => Vec::new(),
            };
            Ok((run, sample))
        })
        .await?;
    Ok(web::Json(RunWithSample::new(run.ok_or(Problem::NoRun(id))?, sample)))
}

/// All syncs, newest first.
#[utoipa::path(get, path = path::HISTORY, tag = "sync", params(HistoryQuery),
    responses((status = 200, description = "One page", body = History)))]
pub(crate) async fn history(
    app: web::Data<App>,
    query: web::Query<HistoryQuery>,
) -> Result<web::Json<History>, Problem> {
    let page = query.page;
    if page == 0 {
        return Err(Problem::Malformed("pages are counted from 1".to_owned()));
    }
    let found = app.read(move |store| store.run_list(page, PER_PAGE)).await?;
    Ok(web::Json(History {
        items: found.items.into_iter().map(Run::from).collect(),
        page,
        per_page: PER_PAGE,
        pages: pages(found.total).into(),
        total: found.total,
    }))
}

/// Whether a sync runs, how the last ones ended, and when the next one starts.
#[utoipa::path(get, path = path::STATUS, tag = "sync",
    responses((status = 200, description = "How things stand", body = SyncStatus)))]
pub(crate) async fn status(app: web::Data<App>) -> Result<web::Json<SyncStatus>, Problem> {
    let status = app.blocking(|app| {
        let running = app.store.runs_running()?.into_iter().next();
        let newest = app.store.run_list(1, PER_PAGE)?.items;
        Ok(SyncStatus {
            running: running.is_some(),
            run: running.map(Run::from),
            last_run: newest.into_iter().find(|run| run.status != RunStatus::Running).map(Run::from),
            last_success: app.store.run_latest_success()?.map(Run::from),
            next_run_at: NextRun::read(&*app.installation, &app.store)?.at(),
            missing_settings: app.installation.missing_settings(),
        })
    });
    Ok(web::Json(status.await?))
}
