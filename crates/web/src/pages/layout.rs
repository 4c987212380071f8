//! The frame of every page.

use super::notice::Notice;
use super::progress;
use super::run_view::warnings;
use super::standing::Standing;
use crate::app::App;
use crate::csrf;
use crate::next_run::NextRun;
use crate::wording::{Badge, Moment, state_badge};
use actix_web::HttpRequest;
use domain::run::RunStatus;
use domain::{Clock, SystemClock};

/// The pages of the menu.
const PAGES: [(&str, &str); 3] =
    [("/", "Dashboard"), ("/connections", "Connections"), ("/settings", "Settings")];

/// A link of the menu.
pub(super) struct MenuEntry {
    pub(super) address: &'static str,
    pub(super) name: &'static str,
    pub(super) is_here: bool,
}

/// What the frame shows.
pub(super) struct Layout {
    /// For the browser's tab; begins with the state, so that it can be read there.
    pub(super) title: String,
    /// Stands before every address on the page; see [`crate::base`].
    pub(super) base: String,
    pub(super) menu: [MenuEntry; 3],
    pub(super) instance_name: Option<String>,
    pub(super) stylesheet: String,
    pub(super) htmx: String,
    pub(super) script: String,
    pub(super) icon: String,
    pub(super) badge: Badge,
    /// How far the run is that goes on.
    pub(super) percent: Option<u8>,
    pub(super) last_success: Option<Moment>,
    /// When the schedule begins the next run, or that it does not.
    pub(super) next_run: Result<Moment, &'static str>,
    /// Why *Sync now* can not be pressed.
    pub(super) blocked: Option<String>,
    pub(super) csrf: String,
    pub(super) with_logout: bool,
    /// What became of the last action, when it has no place of its own on the page.
    pub(super) notice: Option<Notice>,
    /// Whether the parts travel beside another answer and find their place by their ids.
    pub(super) out_of_band: bool,
    /// Who can use the dashboard when no password keeps anybody out.
    pub(super) open_to: Option<&'static str>,
    pub(super) version: &'static str,
}

/// What a part needs of the layout when it travels alone.
pub(super) struct PartLayout {
    pub(super) base: String,
    pub(super) csrf: String,
}

impl PartLayout {
    pub(super) fn new(app: &App, request: &HttpRequest) -> Self {
        Self { base: app.base.path().to_owned(), csrf: csrf::token(request) }
    }
}

impl Layout {
    pub(super) fn new(
        app: &App,
        request: &HttpRequest,
        address: &str,
        title: &str,
        standing: &Standing,
    ) -> Self {
        let badge = match &standing.latest {
            None => Badge { class: "idle", icon: "○", word: "Never run" },
            Some(run) => state_badge(run, !warnings(run).is_empty()),
        };
        let before = standing.latest_success.as_ref();
        let percent =
            standing.latest.as_ref().and_then(|run| progress::percent(run, before, SystemClock.now()));
        let icon = match standing.latest.as_ref().map(|run| run.status) {
            Some(RunStatus::Failed) => "icon-failed.svg",
            Some(RunStatus::Running) => "icon-running.svg",
            _ => "icon.svg",
        };
        let moment = |at| standing.wording.minute(at);
        let last_success = standing.latest_success.as_ref();
        Self {
            title: match percent {
                Some(percent) => format!("{} {percent}% - {title}", badge.word),
                None => format!("{} - {title}", badge.word),
            },
            percent,
            base: app.base.path().to_owned(),
            menu: PAGES.map(|(page, name)| MenuEntry { address: page, name, is_here: page == address }),
            instance_name: standing.instance_name.clone(),
            stylesheet: app.asset("app.css"),
            htmx: app.asset("htmx-2.0.11.min.js"),
            script: app.asset("app.js"),
            icon: app.asset(icon),
            badge,
            last_success: last_success.map(|run| moment(run.completed_at.unwrap_or(run.started_at))),
            next_run: match standing.next_run {
                NextRun::At(at) => Ok(moment(at)),
                NextRun::Off => Err("The schedule is off"),
                NextRun::Never | NextRun::NotSetUp => Err("No sync is due"),
            },
            blocked: standing.blocked(),
            csrf: csrf::token(request),
            with_logout: app.gate.is_some(),
            notice: None,
            out_of_band: false,
            open_to: open_to(app),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

fn open_to(app: &App) -> Option<&'static str> {
    match (&app.gate, app.is_of_this_computer) {
        (Some(_), _) => None,
        (None, true) => Some("No password is set: whoever uses this computer can use the dashboard."),
        (None, false) => Some(
            "No password is set: whoever reaches this address can use the dashboard. Set WEB_PASSWORD in the environment.",
        ),
    }
}
