//! `POST /sync` and `POST /sync/{id}/cancel`.

use super::dashboard::{Remarks, page_with};
use super::notice::Notice;
use super::{html, html_with, is_shown_in_place, leave_for, refusal_status, see_other, wants_fragment};
use crate::actions;
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::problem::Problem;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use domain::RunId;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Template)]
#[template(path = "partials/notice.html")]
struct NoticePart {
    notice: Notice,
}

#[derive(Deserialize)]
pub(crate) struct StartForm {
    accept_smaller_list: Option<String>,
}

/// *Sync now*, and *Run anyway* after the guard stopped a run.
pub(crate) async fn start(
    app: web::Data<App>,
    request: HttpRequest,
    CsrfForm(form): CsrfForm<StartForm>,
) -> Result<HttpResponse, Problem> {
    let accept_smaller_list = form.accept_smaller_list.is_some();
    match app.blocking(move |app| actions::begin(app, accept_smaller_list)).await {
        Ok(_) if wants_fragment(&request) => Ok(leave_for("/")),
        Ok(_) => Ok(see_other("/")),
        // The page was drawn before that sync began: the dashboard shows it.
        Err(Problem::AlreadyRunning(_)) if wants_fragment(&request) => Ok(leave_for("/")),
        Err(problem) => refused(&app, &request, problem).await,
    }
}

pub(crate) async fn cancel(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    _form: CsrfForm<IgnoredAny>,
) -> Result<HttpResponse, Problem> {
    let run = RunId(id.parse().ok().ok_or(Problem::NotFound)?);
    match app.blocking(move |app| actions::stop(app, run)).await {
        Ok(()) if wants_fragment(&request) => {
            html(&NoticePart { notice: Notice::done(format!("Sync {run} stops before its next call.")) })
        }
        Ok(()) => Ok(see_other("/?done=cancel")),
        Err(problem) => refused(&app, &request, problem).await,
    }
}

async fn refused(
    app: &web::Data<App>,
    request: &HttpRequest,
    problem: Problem,
) -> Result<HttpResponse, Problem> {
    if let Problem::NoRun(_) = problem {
        return Err(Problem::NotFound);
    }
    if !is_shown_in_place(&problem) {
        return Err(problem);
    }
    let notice = Notice::of(&problem);
    if wants_fragment(request) {
        return html_with(refusal_status(&problem, true), &NoticePart { notice });
    }
    let remarks = Remarks { action: Some(notice), ..Remarks::default() };
    page_with(app, request, problem.status_code(), 1, remarks).await
}
