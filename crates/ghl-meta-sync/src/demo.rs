//! `demo`: the whole job on this machine, without any account, network or configuration.

mod confirmation;
mod summary;

use crate::command_line::{DemoOptions, Simulator};
use crate::cost::{Cost, Meter};
use crate::failure::{Failed, words};
use crate::installed::Installed;
use crate::sandbox_process::SandboxProcess;
use crate::settings::{Environment, Settings};
use crate::signals::{SYNC_STOPS_WITHIN, Signals};
use crate::sync_command::{report, run_once};
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use crate::{logging, scheduler, serve_command};
use confirmation::Witness;
use domain::run::Step;
use domain::{Run, SystemClock};
use persistence::Store;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use web::{Installation, RunningServer};

/// Sandbox seconds per second: Meta's half hour of matching passes in a second and a half.
const CLOCK_RATE: f64 = 1200.0;

/// Runs the demo.
///
/// # Errors
/// Exit status 1 when the sync failed or a figure was not confirmed, 2 when the dashboard's port is taken or no
/// temporary folder can be made.
pub fn run(options: &DemoOptions, terminal: &Terminal) -> Result<(), Failed> {
    let folder = tempfile::Builder::new().prefix("ghl-meta-sync-demo-").tempdir().map_err(|error| {
        Failed::configuration(format!("No temporary folder can be made ({error}).\nFree some disk space, or set TMPDIR to a writable folder."))
    })?;
    let _log = logging::start(&folder.path().join("logs"), log::LevelFilter::Info, false)?;
    let sandbox = SandboxProcess::start(options.contacts, CLOCK_RATE)?;
    let witness = Witness::new(&sandbox.announced.addresses.control)?;
    if let Some(simulator) = options.without {
        witness.stop(simulator)?;
        terminal.say(&format!("The simulator of {} is switched off.", service_name(simulator)));
    }
    let environment = demo_environment(&sandbox.announced.settings, folder.path(), options.port);
    let store = wiring::open_store(&Settings::read(&environment)?)?;
    let meter = Arc::new(Meter::new(Arc::new(terminal.clone())));
    let watcher = Arc::<Meter>::clone(&meter);
    let installed = Arc::new(Installed::new(environment, store.clone(), watcher, Patience::WithSimulators)?);
    let service = installed.sync().ok_or_else(|| Failed::job("The sandbox announced no credentials."))?;
    let dashboard = if options.once { None } else { Some(open_dashboard(&installed, &store, terminal)?) };
    let signals = Signals::watch()?;
    let begun = Instant::now();
    let work = {
        let (installed, service, store) = (Arc::clone(&installed), service.clone(), store.clone());
        move || {
            // Whatever fails from here on is a failed job, not a wrong setting: the demo has none.
            installed
                .choice(&service)
                .map_err(|error| failed_at(Step::Fetch, &error))
                .and_then(|config| run_once(&service, &store, &config, false, |_run| {}))
        }
    };
    let mut stopped = false;
    let ended = signals.attend(work, || {
        stopped = true;
        service.stop(SYNC_STOPS_WITHIN);
    })?;
    // The simulators go with this process, and so does everything that was recorded: even a run that ended is not told.
    let Some(ended) = ended.filter(|_| !stopped) else {
        return Err(Failed::job("The demo was stopped."));
    };
    let outcome = ended.and_then(|run| {
        let cost = meter.cost(run.accounting.fetched);
        summarize(&run, &witness, begun.elapsed(), cost.as_ref(), terminal)?;
        cost.zip(options.json_cost.as_ref()).map_or(Ok(()), |(cost, file)| cost.write(file))
    });
    terminal.say(&sandbox.cost());
    match dashboard {
        None => outcome,
        Some(dashboard) => {
            if let Err(failed) = &outcome {
                terminal.complain(&failed.to_string());
            }
            terminal.say(&format!(
                "The dashboard stays open at http://localhost:{} until you press Ctrl-C.",
                dashboard.address().port()
            ));
            let scheduler = scheduler::start(Arc::clone(&installed), store, Arc::new(SystemClock))?;
            signals.wait();
            serve_command::stop(&installed, scheduler, dashboard);
            outcome
        }
    }
}

fn open_dashboard(
    installed: &Arc<Installed>,
    store: &Store,
    terminal: &Terminal,
) -> Result<RunningServer, Failed> {
    let settings = wiring::web_settings(&installed.settings_in_force());
    let installation = Arc::clone(installed) as Arc<dyn Installation>;
    let dashboard =
        web::start(settings, store.clone(), installation).map_err(|error| Failed::explained(&error))?;
    terminal.say(&format!("Dashboard: http://localhost:{}", dashboard.address().port()));
    Ok(dashboard)
}

fn summarize(
    run: &Run,
    witness: &Witness,
    took: Duration,
    cost: Option<&Cost>,
    terminal: &Terminal,
) -> Result<(), Failed> {
    report(run, terminal)?;
    summary::print(run, took, cost, terminal);
    let differences = witness.confirm(run, terminal)?;
    if differences.is_empty() {
        terminal.say("Every figure above was confirmed by what the simulators received.");
        return Ok(());
    }
    Err(Failed::job(format!("These figures were not confirmed:\n  {}", differences.join("\n  "))))
}

fn failed_at(step: Step, error: &impl domain::Explain) -> Failed {
    let why = words(&error.explain());
    Failed::job(format!("The sync failed at step \"{}\" ({step}).\n{why}", step.title()))
}

/// The environment of the demo: nothing of this process's own, everything from the sandbox.
fn demo_environment(sandbox: &BTreeMap<String, String>, folder: &Path, port: u16) -> Environment {
    let (port, data) = (port.to_string(), folder.join("data"));
    let own = [
        ("META_POLL_TIMEOUT_SECONDS", "60"),
        ("WEB_PORT", &port),
        ("DATA_DIR", &data.to_string_lossy()),
        ("INSTANCE_NAME", "Demo"),
        ("LTV_CURRENCY", "USD"),
    ];
    let simulators = sandbox.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Environment::of(&simulators.chain(own).collect::<Vec<_>>())
}

fn service_name(simulator: Simulator) -> &'static str {
    match simulator {
        Simulator::Ghl => "GoHighLevel",
        Simulator::Meta => "Meta",
        Simulator::Claude => "Claude",
        Simulator::Smtp => "the mail server",
    }
}
