//! `demo`: the whole job on this machine, without any account, network or configuration.

mod confirmation;
mod summary;

use crate::command_line::{DemoOptions, Simulator};
use crate::failure::Failed;
use crate::logging;
use crate::sandbox_process::SandboxProcess;
use crate::settings::{self, Environment, Settings};
use crate::sync_command::{report, run_once};
use crate::terminal::Terminal;
use crate::wiring::{self, Patience};
use confirmation::Witness;
use domain::run::Step;
use domain::{Run, Secret};
use http_client::{BaseUrl, RetryPolicy};
use mailer::{MailerSettings, Tls};
use meta::AdAccountId;
use persistence::DatabaseUrl;
use sandbox::Announcement;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// Sandbox seconds per second: Meta's half hour of matching passes in a second and a half.
const CLOCK_RATE: f64 = 1200.0;
/// On loopback nothing is worth waiting long for.
const PATIENCE: Patience = Patience::Fixed(RetryPolicy {
    max_retries: 3,
    first_wait: Duration::from_millis(100),
    longest_wait: Duration::from_secs(2),
});

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
    let witness = Witness::new(&sandbox.announcement.addresses.control)?;
    if let Some(simulator) = options.without {
        witness.stop(simulator)?;
        terminal.say(&format!("The simulator of {} is switched off.", service_name(simulator)));
    }
    let settings = demo_settings(&sandbox.announcement, folder.path(), options.port)?;
    let store = wiring::open_store(&settings)?;
    let dashboard = if options.once { None } else { Some(wiring::dashboard(&settings, store.clone())?) };
    if let Some(dashboard) = &dashboard {
        terminal.say(&format!("Dashboard: http://localhost:{}", dashboard.address().port()));
    }
    let service = wiring::sync_service(&settings, store.clone(), Arc::new(terminal.clone()), PATIENCE)?;
    let begun = Instant::now();
    // Whatever fails from here on is a failed job, not a wrong setting: the demo has none.
    let outcome = service
        .resolve("all", "contact.lifetime_value")
        .map_err(|error| failed_at(Step::Fetch, &error))
        .and_then(|config| run_once(&service, &store, &config, false))
        .and_then(|run| summarize(&run, &witness, begun.elapsed(), terminal));
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
            wait_for_interrupt()?;
            dashboard.stop();
            outcome
        }
    }
}

fn summarize(run: &Run, witness: &Witness, took: Duration, terminal: &Terminal) -> Result<(), Failed> {
    report(run, terminal)?;
    summary::print(run, took, terminal);
    let differences = witness.confirm(run, terminal)?;
    if differences.is_empty() {
        terminal.say("Every figure above was confirmed by what the simulators received.");
        return Ok(());
    }
    Err(Failed::job(format!("These figures were not confirmed:\n  {}", differences.join("\n  "))))
}

fn failed_at(step: Step, error: &impl domain::Explain) -> Failed {
    let explained = error.explain();
    Failed::job(format!(
        "The sync failed at step \"{}\" ({step}).\n{}\n{}",
        step.title(),
        explained.message,
        explained.remedy
    ))
}

/// The settings of the demo: nothing of the environment, everything from the sandbox.
fn demo_settings(sandbox: &Announcement, folder: &Path, port: u16) -> Result<Settings, Failed> {
    let mut settings = Settings::read(&Environment::default())?;
    let url = |text: &str| {
        BaseUrl::parse(text)
            .map_err(|error| Failed::job(format!("The sandbox announced an unusable address: {error}.")))
    };
    let (addresses, credentials) = (&sandbox.addresses, &sandbox.credentials);
    settings.ghl = settings::Ghl {
        base_url: url(&addresses.ghl)?,
        api_key: Some(Secret::new(&credentials.ghl_token)),
        location_id: Some(credentials.ghl_location_id.clone()),
    };
    settings.meta.base_url = url(&addresses.meta)?;
    settings.meta.access_token = Some(Secret::new(&credentials.meta_access_token));
    settings.meta.ad_account_id = AdAccountId::parse(&credentials.meta_ad_account_id).ok();
    settings.meta.poll_every = Duration::from_millis(250);
    settings.meta.poll_timeout = Duration::from_secs(60);
    settings.claude.base_url = url(&addresses.claude)?;
    settings.claude.api_key = Some(Secret::new(&credentials.claude_key));
    settings.smtp = Some(MailerSettings {
        host: addresses.smtp_host.clone(),
        port: addresses.smtp_port,
        username: None,
        password: None,
        from: "sync@example.com".to_owned(),
        to: vec!["marketing@example.com".to_owned()],
        tls: Tls::None,
        timeout: Duration::from_secs(10),
    });
    settings.web.bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
    settings.web.port = port;
    settings.data_dir = folder.join("data");
    settings.database = DatabaseUrl::Sqlite(settings.data_dir.join("ghl-meta-sync.sqlite3"));
    settings.instance_name = Some("Demo".to_owned());
    settings.currency = Some("USD".to_owned());
    Ok(settings)
}

fn service_name(simulator: Simulator) -> &'static str {
    match simulator {
        Simulator::Ghl => "GoHighLevel",
        Simulator::Meta => "Meta",
        Simulator::Claude => "Claude",
        Simulator::Smtp => "the mail server",
    }
}

fn wait_for_interrupt() -> Result<(), Failed> {
    let (send, interrupted) = mpsc::sync_channel(1);
    // A second Ctrl-C finds the channel full or closed; the first one is enough.
    ctrlc::set_handler(move || send.try_send(()).unwrap_or_default())
        .map_err(|error| Failed::job(format!("Ctrl-C can not be watched: {error}.")))?;
    interrupted.recv().map_err(|error| Failed::job(format!("Ctrl-C can not be watched: {error}.")))
}
