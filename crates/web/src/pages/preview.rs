//! `GET /preview`: what a sync would send, before anything is sent; `POST /preview` has it found out, and
//! `POST /preview/cancel` ends that. While it goes on the page asks for itself again, with and without JavaScript.

use super::choice::Choice;
use super::layout::{Layout, PartLayout};
use super::notice::Notice;
use super::preview_view::PreviewView;
use super::standing::Standing;
use super::{html, html_with, is_shown_in_place, refusal_status, response, see_other, wants_fragment};
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::previews::{self, Made, State, UnderWay};
use crate::problem::Problem;
use crate::wording::{Moment, duration, grouped};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use domain::run::Step;
use domain::{Clock, ListSelection, SystemClock};
use serde::de::IgnoredAny;

#[derive(Template)]
#[template(path = "pages/preview.html", blocks = ["preview"])]
struct PreviewPage {
    layout: Layout,
    notice: Option<Notice>,
    /// Why no preview can be made now.
    impossible: Option<String>,
    under_way: Option<UnderWayView>,
    made: Option<MadeView>,
    /// In which way a sync would now work with something else than was previewed.
    outdated: Option<&'static str>,
    again: bool,
    /// Whether screen readers are told that it has ended.
    announced: bool,
}

/// A preview that is being made.
struct UnderWayView {
    begun: Moment,
    elapsed: String,
    doing: &'static str,
    counts: Option<String>,
    progress: Option<(u64, u64)>,
}

/// The only part that asks for itself again.
#[derive(Template)]
#[template(path = "partials/preview_live.html")]
struct LivePart {
    layout: PartLayout,
    under_way: UnderWayView,
}

/// What the latest preview found.
struct MadeView {
    at: Moment,
    failed: Option<Notice>,
    found: Option<PreviewView>,
}

pub(crate) async fn show(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&app, &request, StatusCode::OK, None).await
}

/// Begins a preview; while one is being made, shows that one.
pub(crate) async fn begin(
    app: web::Data<App>,
    request: HttpRequest,
    _form: CsrfForm<IgnoredAny>,
) -> Result<HttpResponse, Problem> {
    let maker = app.clone();
    match app.blocking(move |_| previews::begin(&maker)).await {
        Ok(()) if !wants_fragment(&request) => Ok(see_other("/preview")),
        Ok(()) => page(&app, &request, StatusCode::OK, None).await,
        Err(problem) if is_shown_in_place(&problem) => {
            let notice = Some(Notice::of(&problem));
            let status = refusal_status(&problem, wants_fragment(&request));
            page(&app, &request, status, notice).await
        }
        Err(problem) => Err(problem),
    }
}

/// Asks the preview that is being made to end.
pub(crate) async fn cancel(
    app: web::Data<App>,
    request: HttpRequest,
    _form: CsrfForm<IgnoredAny>,
) -> Result<HttpResponse, Problem> {
    app.previews.cancel();
    if wants_fragment(&request) {
        return page(&app, &request, StatusCode::OK, None).await;
    }
    Ok(see_other("/preview"))
}

/// The page, or for htmx the part of it that changes.
async fn page(
    app: &web::Data<App>,
    request: &HttpRequest,
    status: StatusCode,
    notice: Option<Notice>,
) -> Result<HttpResponse, Problem> {
    let State { under_way, last, .. } = app.previews.state();
    let (standing, outdated, last) = app
        .blocking(move |app| {
            let standing = Standing::read(app)?;
            let outdated = match &last {
                Some(made) => outdated(app, made, &standing.choice)?,
                None => None,
            };
            Ok((standing, outdated, last))
        })
        .await?;
    let under_way = under_way.map(|under_way| UnderWayView::new(&under_way, &standing));
    let under_way = match under_way {
        Some(under_way) if asks_again(request) => {
            return html(&LivePart { layout: PartLayout::new(app, request), under_way });
        }
        under_way => under_way,
    };
    let page = PreviewPage {
        layout: Layout::new(app, request, "/preview", "Preview", &standing),
        notice,
        impossible: standing.cannot_begin(),
        outdated,
        again: last.is_some(),
        announced: asks_again(request) && under_way.is_none(),
        under_way,
        made: last.map(|made| MadeView::new(made, &standing)),
    };
    if wants_fragment(request) {
        // The part that asks for itself again is inside the one that changes at the end.
        let mut response = response(status);
        response.insert_header(("HX-Retarget", "#preview")).insert_header(("HX-Reswap", "outerHTML"));
        return Ok(response.body(page.as_preview().render()?));
    }
    html_with(status, &page)
}

/// Whether the part that shows the progress asks how far it is now.
fn asks_again(request: &HttpRequest) -> bool {
    wants_fragment(request)
        && request.headers().get("HX-Target").is_some_and(|target| target == "preview-live")
}

/// What was chosen or changed since.
fn outdated(app: &App, made: &Made, choice: &Choice) -> Result<Option<&'static str>, Problem> {
    let (Ok(preview), Some(list), Some(field)) = (&made.outcome, &choice.list, &choice.field) else {
        return Ok(None);
    };
    let then = &preview.config;
    if then.list_id != list.value || then.ltv_field_key != field.value {
        return Ok(Some("Another list or field was chosen since. Make the preview again to see that one."));
    }
    if let Ok(ListSelection::Filter(id)) = then.list_id.parse() {
        let conditions = app.store.filter_get(id)?.map(|saved| saved.conditions);
        if conditions != then.list_conditions {
            return Ok(Some(
                "The conditions of the list were changed since. Make the preview again to see them.",
            ));
        }
    }
    let now = app.installation.sync();
    let is_changed = now.is_some_and(|sync| *sync.settings() != made.settings);
    Ok(is_changed.then_some("Settings were changed since. Make the preview again to see what they change."))
}

impl UnderWayView {
    fn new(under_way: &UnderWay, standing: &Standing) -> Self {
        let UnderWay { begun, step, done, total, .. } = under_way;
        let counts = match (done, total) {
            (0, None) => None,
            (done, Some(total)) => Some(format!("{} of {}", grouped(*done), grouped(*total))),
            (done, None) => Some(grouped(*done)),
        };
        Self {
            begun: standing.wording.moment(*begun),
            elapsed: duration(SystemClock.now() - *begun),
            doing: match step {
                Step::Fetch => "Reading contacts",
                Step::ReadLtv => "Reading lifetime values",
                _ => "Ranking the values, which may take a few minutes",
            },
            counts,
            progress: total.filter(|total| *total > 0).map(|total| (*done, total)),
        }
    }
}

impl MadeView {
    fn new(made: Made, standing: &Standing) -> Self {
        let at = standing.wording.minute(made.at);
        match made.outcome {
            Ok(preview) => {
                let found = Some(PreviewView::new(&preview, &standing.wording));
                Self { at, failed: None, found }
            }
            Err(explained) => Self { at, failed: Some(Notice::refused(explained)), found: None },
        }
    }
}
