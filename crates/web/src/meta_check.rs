//! What the check of Meta found last. A page view makes no call to Meta: it shows this, and has it renewed in the background
//! when it is old or when a run has failed since.

use crate::app::App;
use chrono::{DateTime, Utc};
use domain::run::RunStatus;
use domain::{Clock, Run, RunId, SystemClock};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sync::checks::{CheckResult, Checked};

/// A check is not repeated before this time has passed, unless a run fails.
pub(crate) const FRESH_FOR: Duration = Duration::from_secs(15 * 60);

/// The memory of the check; the same for all workers.
#[derive(Debug, Default)]
pub(crate) struct MetaCheck(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    known: Known,
    /// When the latest check began, and the failed run it already knew of.
    begun: Option<(Instant, Option<RunId>)>,
}

/// What is known of Meta now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// What the latest check found, and when it ended.
    pub(crate) last: Option<(CheckResult, DateTime<Utc>)>,
    /// Whether a check is under way that will change this.
    pub(crate) under_way: bool,
}

impl MetaCheck {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what a check found, whoever asked for it.
    pub(crate) fn learn(&self, result: CheckResult) {
        let mut state = self.lock();
        state.known = Known { last: Some((result, SystemClock.now())), under_way: false };
    }

    /// A check that ended without a result changes nothing; the next one is due in its time.
    fn give_up(&self) {
        self.lock().known.under_way = false;
    }
}

/// What is known of Meta. When that is old a check begins in the background; nothing is asked while Meta's variables are
/// among those `missing`.
pub(crate) fn look(app: &Arc<App>, missing: &[&str], latest: Option<&Run>) -> Known {
    let failed = latest.filter(|run| run.status == RunStatus::Failed).map(|run| run.id);
    let mut state = app.meta_check.lock();
    let has_keys = missing.iter().all(|name| !name.starts_with("META_"));
    let before = state.begun.map(|(begun, failed_before)| (begun.elapsed(), failed_before));
    if has_keys && !state.known.under_way && is_due(before, failed) {
        state.begun = Some((Instant::now(), failed));
        state.known.under_way = begin(app);
    }
    state.known.clone()
}

/// `before`: how long ago the latest check began, and the failed run it knew of.
fn is_due(before: Option<(Duration, Option<RunId>)>, failed: Option<RunId>) -> bool {
    match before {
        None => true,
        Some((age, failed_before)) => age >= FRESH_FOR || (failed.is_some() && failed != failed_before),
    }
}

fn begin(app: &Arc<App>) -> bool {
    let app = Arc::clone(app);
    let check = move || match catch_unwind(AssertUnwindSafe(|| app.installation.check(Checked::Meta))) {
        Ok(result) => app.meta_check.learn(result),
        Err(_panic) => app.meta_check.give_up(),
    };
    let thread = std::thread::Builder::new().name("check-meta".to_owned()).spawn(check);
    thread.map_err(|error| log::error!("Meta could not be checked: {error}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{FRESH_FOR, is_due};
    use domain::RunId;
    use std::time::Duration;

    #[test]
    fn a_check_is_due_at_the_start_after_a_quarter_of_an_hour_and_after_a_failed_run() {
        let (first, second) = (Some(RunId(7)), Some(RunId(8)));
        let young = FRESH_FOR - Duration::from_secs(1);
        assert!(is_due(None, None));
        assert!(!is_due(Some((young, None)), None) && is_due(Some((FRESH_FOR, None)), None));
        assert!(is_due(Some((Duration::ZERO, None)), first));
        assert!(!is_due(Some((young, first)), first), "it is asked once for each failed run");
        assert!(is_due(Some((young, first)), second) && !is_due(Some((young, first)), None));
    }
}
