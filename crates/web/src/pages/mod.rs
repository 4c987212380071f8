//! The pages, one file each, and what they share.

pub(crate) mod dashboard;
mod distribution;
mod pager;
pub(crate) mod run;
mod run_view;

use crate::app::App;
use crate::assets;
use crate::problem::Problem;
use crate::wording::{Badge, Moment, run_badge};
use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use askama::Template;
use domain::Run;
use domain::run::RunStatus;
use persistence::{Store, StoreError};

/// How the whole service stands; every page shows it at the top.
struct Standing {
    latest: Option<Run>,
    latest_success: Option<Run>,
}

impl Standing {
    fn read(store: &Store) -> Result<Self, StoreError> {
        Ok(Self { latest: store.run_latest()?, latest_success: store.run_latest_success()? })
    }
}

/// The frame of a page.
struct Layout {
    /// For the browser's tab; begins with the state, so that it can be read there.
    title: String,
    instance_name: Option<String>,
    stylesheet: String,
    icon: String,
    badge: Badge,
    last_success: Option<Moment>,
    version: &'static str,
}

impl Layout {
    fn new(app: &App, title: &str, standing: &Standing) -> Self {
        let badge = match &standing.latest {
            None => Badge { class: "idle", icon: "○", word: "Never run" },
            Some(run) => run_badge(run.status, !run_view::warnings(run).is_empty()),
        };
        let icon = match standing.latest.as_ref().map(|run| run.status) {
            Some(RunStatus::Failed) => "icon-failed.svg",
            Some(RunStatus::Running) => "icon-running.svg",
            _ => "icon.svg",
        };
        let last_success = standing.latest_success.as_ref();
        Self {
            title: format!("{} - {title}", badge.word),
            instance_name: app.instance_name.clone(),
            stylesheet: assets::url("app.css"),
            icon: assets::url(icon),
            badge,
            last_success: last_success
                .map(|run| app.wording.moment(run.completed_at.unwrap_or(run.started_at))),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn html(page: &impl Template) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().insert_header(ContentType::html()).body(page.render()?))
}
