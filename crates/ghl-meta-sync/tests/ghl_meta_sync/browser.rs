//! The dashboard in a real browser: Chromium, driven through ChromeDriver, against the real program.
//!
//! Things are found the way a person finds them: by role and name, or by the words on the page; so a new look changes
//! nothing here. Every flow ends with the browser's own log, which must name no broken script and nothing that the
//! content security policy refused. `scripts/browser` installs what is needed.

mod audit;
mod chrome;
mod connections;
mod dialog;
mod failure;
mod first_run;
mod history;
mod interrupted;
mod keyboard;
mod lists;
mod login;
mod page;
mod running;
mod settings;
mod sub_path;
mod without_javascript;

use crate::account::{header, row};
use crate::instance::Instance;
pub(crate) use chrome::browse;
use domain::run::Step;
use sandbox::Contacts;
use serde_json::json;
use std::time::Duration;

/// Longer than Meta ever takes; the sandbox's clock jumps over it.
const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// An installation with three hundred contacts whose values are ranked on this machine: its runs take a moment.
fn small() -> Instance {
    let csv = (0..300).fold(header(), |csv, number| {
        csv + &row(number, &format!("{number}.00"), &format!("{number}.00"), "ok")
    });
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {});
    instance.set("NORMALIZER", "local");
    instance
}

/// From now on Meta's matching takes a month, and a run waits for it: it goes on when the sandbox's clock jumps.
fn hold_at_matching(instance: &mut Instance) {
    instance.tell("/control/meta/state", &json!({"matching_delay_seconds": MONTH.as_secs()}));
    instance.set("META_POLL_TIMEOUT_SECONDS", "600");
}

/// Waits until the newest run is at this step.
fn wait_for_step(instance: &Instance, step: Step) {
    instance.wait_until(|| {
        let run = instance.store().run_latest().unwrap();
        run.is_some_and(|run| run.current_step().is_some_and(|current| current.name == step))
    });
}
