//! The history: twenty runs a page, newest first.

use super::heartbeat::{self, Heartbeat};
use super::pager::Pager;
use super::run_view::{match_rate, matched, run_duration, warnings};
use crate::history::{PER_PAGE, pages};
use crate::wording::{Badge, Moment, UNKNOWN, Wording, grouped, lookalike_state, state_badge};
use domain::Run;
use domain::run::RunStatus;
use persistence::{Store, StoreError};

/// The runs of one page and where it stands among the others.
pub(super) struct History {
    runs: Vec<Run>,
    /// The latest of all, whatever page it is.
    latest: Vec<Run>,
    pub(super) pager: Pager,
}

/// One line of the history.
pub(super) struct HistoryRow {
    pub(super) id: String,
    pub(super) started: Moment,
    pub(super) badge: Badge,
    pub(super) processed: String,
    pub(super) matched: String,
    pub(super) match_rate: String,
    pub(super) audience: String,
    pub(super) lookalike: String,
    pub(super) duration: String,
    pub(super) failed: bool,
}

impl History {
    /// Blocks. A page that is gone, or never was, shows the last one.
    pub(super) fn read(store: &Store, asked: u32) -> Result<Self, StoreError> {
        let mut page = asked;
        let mut list = store.run_list(page, PER_PAGE)?;
        let last = pages(list.total);
        if page > last {
            page = last;
            list = store.run_list(page, PER_PAGE)?;
        }
        let latest = store.run_list(1, heartbeat::SHOWN)?.items;
        Ok(Self { runs: list.items, latest, pager: Pager::new(page, list.total) })
    }

    pub(super) fn heartbeat(&self, wording: &Wording) -> Option<Heartbeat> {
        Heartbeat::new(&self.latest, wording)
    }

    pub(super) fn rows(&self, wording: &Wording) -> Vec<HistoryRow> {
        self.runs.iter().map(|run| HistoryRow::new(run, wording)).collect()
    }
}

impl HistoryRow {
    fn new(run: &Run, wording: &Wording) -> Self {
        let lookalike = run.lookalikes.first();
        Self {
            id: run.id.to_string(),
            started: wording.minute(run.started_at),
            badge: state_badge(run, !warnings(run).is_empty()),
            processed: grouped(run.contacts_read()),
            matched: matched(run),
            match_rate: match_rate(run),
            audience: run
                .audience
                .as_ref()
                .map_or_else(|| UNKNOWN.to_owned(), |audience| audience.name.clone()),
            lookalike: lookalike.map_or_else(
                || UNKNOWN.to_owned(),
                |lookalike| {
                    format!(
                        "{}% of {}, {}",
                        lookalike.ratio_percent,
                        lookalike.country,
                        lookalike_state(lookalike)
                    )
                },
            ),
            duration: run_duration(run),
            failed: run.status == RunStatus::Failed,
        }
    }
}
