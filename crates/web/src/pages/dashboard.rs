//! `GET /`: how things stand, what is chosen, the last success, and the history. `GET /fragments/run`: how the present
//! run goes on.

use super::configuration::{self, Configuration};
use super::heartbeat::Heartbeat;
use super::history::{History, HistoryRow};
use super::layout::{Layout, PartLayout};
use super::mail::MailView;
use super::notice::Notice;
use super::pager::{Pager, asked};
use super::run_view::warnings;
use super::run_view::{RunView, step_word};
use super::setup::Setup;
use super::standing::{Standing, wording};
use super::tiles::{Tile, tiles};
use super::{html, html_with, polled, response, wants_fragment};
use crate::app::App;
use crate::problem::Problem;
use crate::wording::{Moment, ads_manager, state_badge};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use domain::Run;
use domain::run::{ADS_STAY, RunStatus, Step};
use persistence::Store;

const TITLE: &str = "GHL → Meta Audience Sync";

#[derive(Template)]
#[template(path = "pages/dashboard.html")]
struct Dashboard {
    layout: Layout,
    setup: Setup,
    /// The latest run, when it is not the success that the rest of the page shows.
    latest: Option<RunView>,
    success: Option<Success>,
    next_account: Option<AdAccount>,
    configuration: Configuration,
    heartbeat: Option<Heartbeat>,
    rows: Vec<HistoryRow>,
    pager: Pager,
    mail: MailView,
}

/// The latest success.
struct Success {
    run: RunView,
    /// To the minute.
    started: Moment,
    tiles: Vec<Tile>,
    /// The sync that the tiles compare it with.
    compared_with: Option<String>,
    /// What to know about the ads that use the audience of a sync before.
    ads_stay: Option<&'static str>,
}

/// The ad account of the next audience, when no success is shown that names it.
struct AdAccount {
    id: String,
    /// The address of its audiences in Ads Manager.
    ads_manager: String,
}

/// One page of the history, for its place on the dashboard.
#[derive(Template)]
#[template(path = "partials/history.html")]
struct HistoryPart {
    layout: Layout,
    heartbeat: Option<Heartbeat>,
    rows: Vec<HistoryRow>,
    pager: Pager,
}

/// The run while it goes on: the only part that asks for itself again.
#[derive(Template)]
#[template(path = "partials/run_going_on.html")]
struct RunGoingOn {
    layout: PartLayout,
    title: &'static str,
    run: RunView,
    /// For screen readers, and only when a step has begun since the last time.
    announcement: Option<&'static str>,
}

/// Everything on the dashboard that the end of a run changes. It asks for nothing again.
#[derive(Template)]
#[template(path = "partials/run_ended.html")]
struct RunEnded {
    layout: Layout,
    setup: Setup,
    latest: Option<RunView>,
    success: Option<Success>,
    next_account: Option<AdAccount>,
    heartbeat: Option<Heartbeat>,
    rows: Vec<HistoryRow>,
    pager: Pager,
    announcement: String,
}

/// What became of a form, to be shown on the dashboard it belongs to.
#[derive(Default)]
pub(super) struct Remarks {
    pub(super) action: Option<Notice>,
    pub(super) configuration: Option<Configuration>,
    pub(super) mail: Option<Notice>,
}

pub(crate) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let page = asked(&query);
    if wants_fragment(&request) {
        let (standing, _, history) = read(&app, page).await?;
        return html(&HistoryPart {
            layout: Layout::new(&app, &request, "/", TITLE, &standing),
            heartbeat: history.heartbeat(&standing.wording),
            rows: history.rows(&standing.wording),
            pager: history.pager,
        });
    }
    let value = |name| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut remarks = Remarks::default();
    match value("done") {
        Some("configuration") => {
            remarks.configuration = Some(configuration::saved(&app).await?);
        }
        Some("mail") => remarks.mail = Some(Notice::done("The test message was sent.")),
        Some("cancel") => remarks.action = Some(Notice::done("The sync stops before its next call.")),
        _ => {}
    }
    if value("refresh").is_some() {
        remarks.configuration = Some(configuration::in_force(&app, true).await?);
    }
    page_with(&app, &request, StatusCode::OK, page, remarks).await
}

/// The whole dashboard.
pub(super) async fn page_with(
    app: &web::Data<App>,
    request: &HttpRequest,
    status: StatusCode,
    page: u32,
    remarks: Remarks,
) -> Result<HttpResponse, Problem> {
    let configuration = match remarks.configuration {
        Some(configuration) => configuration,
        None => configuration::in_force(app, false).await?,
    };
    let (standing, before, history) = read(app, page).await?;
    let mail = MailView::read(app, remarks.mail).await?;
    let (latest, success) = runs(&standing, before.as_ref());
    let mut layout = Layout::new(app, request, "/", TITLE, &standing);
    layout.notice = remarks.action;
    html_with(
        status,
        &Dashboard {
            setup: Setup::new(app, &standing, mail.addresses.is_some()),
            latest,
            success,
            next_account: AdAccount::next(app, &standing),
            configuration,
            heartbeat: history.heartbeat(&standing.wording),
            rows: history.rows(&standing.wording),
            pager: history.pager,
            mail,
            layout,
        },
    )
}

/// `?run=7&step=fetch&page=2` says what the asking page shows.
pub(crate) async fn run(
    app: web::Data<App>,
    request: HttpRequest,
    query: web::Query<Vec<(String, String)>>,
) -> Result<HttpResponse, Problem> {
    let shown = |name| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let latest = app.read(Store::run_latest).await?;
    if let Some(run) = latest.filter(|run| run.status == RunStatus::Running)
        && shown("run") == Some(run.id.to_string().as_str())
    {
        let step = run.current_step().map(|step| step.name);
        let (wording, before) = app
            .blocking(|app| {
                Ok((wording(app, &app.installation.settings()?), app.store.run_latest_success()?))
            })
            .await?;
        let part = RunGoingOn {
            layout: PartLayout::new(&app, &request),
            title: TITLE,
            announcement: step.filter(|_| shown("step") != Some(step_word(&run))).map(Step::title),
            run: RunView::new(&run, before.as_ref(), &wording, "latest-"),
        };
        return polled(&request, &part);
    }
    let (standing, before, history) = read(&app, asked(&query)).await?;
    let mail = app.blocking(|app| Ok(app.installation.mail_addresses())).await?;
    let (latest, success) = runs(&standing, before.as_ref());
    let mut layout = Layout::new(&app, &request, "/", TITLE, &standing);
    layout.out_of_band = true;
    let parts = RunEnded {
        // A run that failed has Meta checked, which may tell why.
        setup: Setup::new(&app, &standing, mail.is_some()),
        latest,
        success,
        next_account: AdAccount::next(&app, &standing),
        heartbeat: history.heartbeat(&standing.wording),
        rows: history.rows(&standing.wording),
        pager: history.pager,
        announcement: standing.latest.as_ref().map(how_it_ended).unwrap_or_default(),
        layout,
    };
    // Each part finds its own place; the part that asked goes with the section around it.
    Ok(response(StatusCode::OK).insert_header(("HX-Reswap", "none")).body(parts.render()?))
}

fn how_it_ended(run: &Run) -> String {
    format!("Sync {}: {}", run.id, state_badge(run, !warnings(run).is_empty()).word)
}

/// How things stand, the success that the latest one is compared with, and a page of the history.
async fn read(app: &web::Data<App>, page: u32) -> Result<(Standing, Option<Run>, History), Problem> {
    app.blocking(move |app| {
        let standing = Standing::read(app)?;
        let before = match &standing.latest_success {
            Some(success) => app.store.run_success_before(success)?,
            None => None,
        };
        Ok((standing, before, History::read(&app.store, page)?))
    })
    .await
}

impl AdAccount {
    fn next(app: &App, standing: &Standing) -> Option<Self> {
        let id = app.ad_account_id.clone()?;
        let named = standing.latest_success.as_ref().map(|run| &run.config.ad_account_id);
        let ads_manager = ads_manager(&id, standing.wording.business_id.as_deref());
        (named != Some(&id)).then_some(Self { id, ads_manager })
    }
}

/// The latest run, when it is not the success that is shown anyway, and the latest success.
fn runs(standing: &Standing, before: Option<&Run>) -> (Option<RunView>, Option<Success>) {
    let latest = standing.latest.as_ref().filter(|run| run.status != RunStatus::Success);
    let success = standing.latest_success.as_ref();
    let wording = &standing.wording;
    (
        latest.map(|run| RunView::new(run, success, wording, "latest-")),
        success.map(|run| Success {
            run: RunView::new(run, None, wording, "last-"),
            started: wording.minute(run.started_at),
            tiles: tiles(run, before),
            compared_with: before.map(|before| before.id.to_string()),
            ads_stay: standing.audience_per_run.then_some(ADS_STAY),
        }),
    )
}
