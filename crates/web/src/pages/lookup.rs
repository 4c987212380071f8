//! What a page asks GoHighLevel for, without waiting for it longer than a person would.

use crate::app::App;
use crate::problem::Problem;
use actix_web::rt::time::timeout;
use actix_web::web;
use domain::{Explain, Explanation};
use std::time::Duration;
use sync::SyncService;

/// A page is shown after this even when GoHighLevel is silent; what it answers later is remembered for the next page.
const PATIENCE: Duration = Duration::from_secs(4);

/// Asks GoHighLevel; `None` while its keys are missing.
pub(super) async fn ask<T, E, F>(app: web::Data<App>, question: F) -> Result<Option<T>, Explanation>
where
    T: Send + 'static,
    E: Explain + Send + 'static,
    F: FnOnce(&SyncService) -> Result<T, E> + Send + 'static,
{
    match look_up(&app, move |app| Ok(app.installation.sync().map(|sync| question(&sync)))).await {
        Ok(Some(answer)) => answer.transpose().map_err(|error| error.explain()),
        Ok(None) => Err(silence()),
        Err(problem) => Err(problem.words().2),
    }
}

/// Looks something up at GoHighLevel on a thread that may block; `None` when it is silent.
pub(super) async fn look_up<T, F>(app: &web::Data<App>, question: F) -> Result<Option<T>, Problem>
where
    T: Send + 'static,
    F: FnOnce(&App) -> Result<T, Problem> + Send + 'static,
{
    timeout(PATIENCE, app.looking_up(question)).await.unwrap_or(Ok(None))
}

/// What to tell when a page has to be shown without GoHighLevel's answer.
pub(super) fn silence() -> Explanation {
    Explanation::new(
        "GoHighLevel has not answered yet, so only the saved choice can be shown.",
        "Wait a moment, then press Refresh from GoHighLevel.",
    )
}
