//! `GET /`: how things stand, the last success, and the history.

use super::pager::{PER_PAGE, Pager, asked, pages};
use super::run_view::{RunView, run_duration, warnings};
use super::{Layout, Standing, html};
use crate::app::App;
use crate::problem::Problem;
use crate::wording::{Badge, Moment, UNKNOWN, Wording, grouped, lookalike_state, matched_count, run_badge};
use actix_web::{HttpResponse, web};
use askama::Template;
use domain::Run;
use domain::run::RunStatus;

#[derive(Template)]
#[template(path = "pages/dashboard.html")]
struct Dashboard {
    layout: Layout,
    /// The latest run, when it is not the success that the rest of the page shows.
    latest: Option<RunView>,
    success: Option<RunView>,
    rows: Vec<HistoryRow>,
    pager: Pager,
}

/// One line of the history.
struct HistoryRow {
    id: String,
    started: Moment,
    badge: Badge,
    processed: String,
    matched: String,
    match_rate: String,
    audience: String,
    lookalike: String,
    duration: String,
    failed: bool,
}

pub(crate) async fn show(
    app: web::Data<App>,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let asked = asked(&query);
    let (standing, page, history) = app
        .read(move |store| {
            let standing = Standing::read(store)?;
            let history = store.run_list(asked, PER_PAGE)?;
            let last = pages(history.total);
            // A page that is gone, or never was, shows the last one.
            if asked > last {
                return Ok((standing, last, store.run_list(last, PER_PAGE)?));
            }
            Ok((standing, asked, history))
        })
        .await?;
    let latest = standing.latest.as_ref().filter(|run| run.status != RunStatus::Success);
    html(&Dashboard {
        latest: latest.map(|run| RunView::new(run, &app.wording)),
        success: standing.latest_success.as_ref().map(|run| RunView::new(run, &app.wording)),
        rows: history.items.iter().map(|run| HistoryRow::new(run, &app.wording)).collect(),
        pager: Pager::new(page, history.total),
        layout: Layout::new(&app, "GHL → Meta Audience Sync", &standing),
    })
}

impl HistoryRow {
    fn new(run: &Run, wording: &Wording) -> Self {
        let lookalike = run.lookalikes.first();
        Self {
            id: run.id.to_string(),
            started: wording.moment(run.started_at),
            badge: run_badge(run.status, !warnings(run).is_empty()),
            processed: grouped(run.accounting.fetched),
            matched: matched_count(&run.matched),
            match_rate: run.matched.rate_text(run.accounting.sent),
            audience: run
                .audience
                .as_ref()
                .map_or_else(|| UNKNOWN.to_owned(), |audience| audience.name.clone()),
            lookalike: lookalike.map_or_else(
                || UNKNOWN.to_owned(),
                |lookalike| format!("{} ({})", lookalike.name, lookalike_state(lookalike)),
            ),
            duration: run_duration(run),
            failed: run.status == RunStatus::Failed,
        }
    }
}
