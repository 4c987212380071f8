//! How the whole service stands; every page shows it at the top.

use super::choice::Choice;
use crate::app::App;
use crate::installation::Setting;
use crate::next_run::NextRun;
use crate::problem::Problem;
use crate::wording::Wording;
use domain::Run;
use domain::run::RunStatus;

/// What every page needs to know, read in one go.
pub(super) struct Standing {
    pub(super) latest: Option<Run>,
    pub(super) latest_success: Option<Run>,
    pub(super) choice: Choice,
    pub(super) missing: Vec<&'static str>,
    pub(super) next_run: NextRun,
    pub(super) instance_name: Option<String>,
    pub(super) wording: Wording,
    /// Claude is not asked: the ranks are computed here.
    pub(super) ranked_here: bool,
    /// Every sync makes an audience of its own, and ad sets stay on theirs.
    pub(super) audience_per_run: bool,
}

impl Standing {
    /// Blocks.
    pub(super) fn read(app: &App) -> Result<Self, Problem> {
        let settings = app.installation.settings()?;
        let choice = Choice::read(app)?;
        let missing = app.installation.missing_settings();
        let is_set_up = choice.is_complete() && missing.is_empty();
        Ok(Self {
            latest: app.store.run_latest()?,
            latest_success: app.store.run_latest_success()?,
            next_run: NextRun::of(choice.sync_enabled, is_set_up, &app.installation.next_runs(1)),
            choice,
            missing,
            instance_name: app.installation.instance_name(),
            wording: wording(app, &settings),
            ranked_here: in_force(&settings, "NORMALIZER") == Some("local"),
            audience_per_run: in_force(&settings, "AUDIENCE_MODE") != Some("stable"),
        })
    }

    pub(super) fn is_running(&self) -> bool {
        self.latest.as_ref().is_some_and(|run| run.status == RunStatus::Running)
    }

    /// Why no sync can be started now; `None` when one can.
    pub(super) fn blocked(&self) -> Option<String> {
        self.cannot_begin().or_else(|| self.is_running().then(|| "A sync is running".to_owned()))
    }

    /// Why the list can not even be read: something is missing.
    pub(super) fn cannot_begin(&self) -> Option<String> {
        if !self.missing.is_empty() {
            Some(format!("Not possible yet: {} missing", said(&self.missing)))
        } else if !self.choice.is_complete() {
            Some("Not possible yet: choose a Smart List and a value field".to_owned())
        } else {
            None
        }
    }
}

/// How things are written by the settings in force.
pub(super) fn wording(app: &App, settings: &[Setting]) -> Wording {
    Wording {
        time_zone: in_force(settings, "TZ").and_then(|zone| zone.parse().ok()).unwrap_or_default(),
        currency: in_force(settings, "LTV_CURRENCY").map(str::to_ascii_uppercase),
        business_id: app.business_id.clone(),
    }
}

fn in_force<'a>(settings: &'a [Setting], name: &str) -> Option<&'a str> {
    let setting = settings.iter().find(|setting| setting.name == name)?;
    (!setting.value.is_empty()).then_some(setting.value.as_str())
}

fn said(missing: &[&str]) -> String {
    match missing {
        [one] => format!("{one} is"),
        [one, other] => format!("{one} and {other} are"),
        many => format!("{} settings are", many.len()),
    }
}
