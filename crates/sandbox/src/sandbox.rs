//! Starting, stopping and announcing the simulators.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::Data;

use crate::announcement::{Addresses, Announcement, Credentials};
use crate::claude::{self, ClaudeSettings, ClaudeState};
use crate::clock::SandboxClock;
use crate::control::{self, Expectations};
use crate::faults::Faults;
use crate::ghl::{self, GhlSettings, GhlState, GhlStatePatch};
use crate::meta::{self, MetaSettings, MetaState};
use crate::people::{Contacts, ContactsError, Population};
use crate::record::{Record, Service};
use crate::server::RunningServer;
use crate::smtp::{Mails, SmtpServer, SmtpSettings};
use crate::tap::Tap;

/// What the sandbox is to be like. The default is the demo account on free ports, with a clock as fast as the real one.
#[derive(Clone)]
pub struct SandboxSettings {
    /// The contacts of the GHL location.
    pub contacts: Contacts,
    /// GHL listens here, Meta, Claude, SMTP and the control API on the next four; free ports when absent.
    pub first_port: Option<u16>,
    /// Sandbox seconds per real second, for Meta's hours.
    pub clock_rate: f64,
    /// The GHL location.
    pub ghl: GhlSettings,
    /// The ad account.
    pub meta: MetaSettings,
    /// The account at Anthropic.
    pub claude: ClaudeSettings,
    /// The mail receiver.
    pub smtp: SmtpSettings,
}

impl Default for SandboxSettings {
    fn default() -> Self {
        Self {
            contacts: Contacts::default(),
            first_port: None,
            clock_rate: 1.0,
            ghl: GhlSettings::default(),
            meta: MetaSettings::default(),
            claude: ClaudeSettings::default(),
            smtp: SmtpSettings::default(),
        }
    }
}

/// Why the sandbox could not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Usually another program listens there.
    #[error("port {port} on 127.0.0.1 can not be used; choose another first port")]
    Port {
        /// The port.
        port: u16,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The five ports do not fit below 65536.
    #[error("the sandbox needs five ports from {first} on, which reach beyond 65535")]
    PortsBeyondEnd {
        /// The wanted first port.
        first: u16,
    },
    /// The contacts.
    #[error("the sandbox has no contacts to show")]
    Contacts(#[from] ContactsError),
    /// A thread could not be started.
    #[error("the sandbox can not start its servers")]
    Start(#[source] std::io::Error),
    /// The announcement could not be written.
    #[error("the sandbox can not announce its addresses")]
    Announce(#[source] std::io::Error),
}

/// What the control API works on.
pub(crate) struct Inside {
    pub clock: SandboxClock,
    pub record: Record,
    pub faults: Faults,
    pub mails: Mails,
    pub population: Arc<Population>,
    pub ghl: Data<GhlState>,
    pub claude: Data<ClaudeState>,
    services: Mutex<HashMap<Service, Running>>,
}

#[expect(dead_code, reason = "held for their Drop, which closes the port")]
enum Running {
    Http(RunningServer),
    Smtp(SmtpServer),
}

impl Inside {
    /// Returns once the port is closed.
    pub(crate) fn stop(&self, service: Service) {
        let running = self.services.lock().unwrap_or_else(PoisonError::into_inner).remove(&service);
        drop(running);
    }
}

/// The running simulators. Dropping it stops them all.
pub struct Sandbox {
    addresses: Addresses,
    credentials: Credentials,
    inside: Arc<Inside>,
    control: Option<RunningServer>,
}

impl Sandbox {
    /// Starts all simulators and the control API.
    ///
    /// # Errors
    /// A port that can not be used, by its number; contacts that can not be read.
    pub fn start(settings: SandboxSettings) -> Result<Self, SandboxError> {
        let [ghl_port, meta_port, claude_port, smtp_port, control_port] = listeners(settings.first_port)?;
        let population = Arc::new(Population::new(&settings.contacts)?);
        let clock = SandboxClock::new(settings.clock_rate);
        let (record, faults, mails) = (Record::new(), Faults::new(), Mails::default());
        let credentials = Credentials {
            ghl_token: settings.ghl.token.clone(),
            ghl_location_id: settings.ghl.location_id.clone(),
            meta_access_token: settings.meta.access_token.clone(),
            meta_ad_account_id: settings.meta.ad_account_id.clone(),
            claude_key: settings.claude.key.clone(),
        };
        let ghl = Data::new(GhlState::new(clock.clone(), Arc::clone(&population), settings.ghl));
        let meta = Data::new(MetaState::new(clock.clone(), Arc::clone(&population), settings.meta));
        let claude = Data::new(ClaudeState::new(settings.claude));
        let tap = |service| Some(Tap { service, record: record.clone(), faults: faults.clone() });

        let state = ghl.clone();
        let ghl_server = RunningServer::start(ghl_port, tap(Service::Ghl), move |config| {
            ghl::configure(config.app_data(state.clone()));
        });
        let state = meta.clone();
        let meta_server = RunningServer::start(meta_port, tap(Service::Meta), move |config| {
            meta::configure(config.app_data(state.clone()));
        });
        let state = claude.clone();
        let claude_server = RunningServer::start(claude_port, tap(Service::Claude), move |config| {
            claude::configure(config.app_data(state.clone()));
        });
        let smtp_address = smtp_port.local_addr().map_err(SandboxError::Start)?;
        let smtp_server =
            SmtpServer::start(smtp_port, settings.smtp, mails.clone(), record.clone(), faults.clone());
        let [ghl_server, meta_server, claude_server] = [
            ghl_server.map_err(SandboxError::Start)?,
            meta_server.map_err(SandboxError::Start)?,
            claude_server.map_err(SandboxError::Start)?,
        ];
        let urls = [ghl_server.url(), meta_server.url(), claude_server.url()];
        let services = HashMap::from([
            (Service::Ghl, Running::Http(ghl_server)),
            (Service::Meta, Running::Http(meta_server)),
            (Service::Claude, Running::Http(claude_server)),
            (Service::Smtp, Running::Smtp(smtp_server.map_err(SandboxError::Start)?)),
        ]);
        let services = Mutex::new(services);
        let inside = Arc::new(Inside { clock, record, faults, mails, population, ghl, claude, services });
        let behind = Data::new(Arc::clone(&inside));
        let control = RunningServer::start(control_port, None, move |config| {
            control::configure(config.app_data(behind.clone()).app_data(meta.clone()));
        })
        .map_err(SandboxError::Start)?;
        let [ghl, meta, claude] = urls;
        let (smtp_host, smtp_port) = (smtp_address.ip().to_string(), smtp_address.port());
        let addresses = Addresses { ghl, meta, claude, smtp_host, smtp_port, control: control.url() };
        Ok(Self { addresses, credentials, inside, control: Some(control) })
    }

    /// Where the simulators listen.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// How to call them.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What leads a program to the simulators.
    pub fn announcement(&self) -> Announcement {
        Announcement::new(self.addresses.clone(), &self.credentials)
    }

    /// Stops one simulator: from now on its connections are refused.
    pub fn stop(&self, service: Service) {
        self.inside.stop(service);
    }

    /// Everything received so far.
    pub fn record(&self) -> &Record {
        &self.inside.record
    }

    /// The planted faults.
    pub fn faults(&self) -> &Faults {
        &self.inside.faults
    }

    /// Changes the GHL location, as the control API does.
    pub fn ghl_state(&self, patch: GhlStatePatch) {
        self.inside.ghl.patch(patch);
    }

    /// The sandbox's time.
    pub fn clock(&self) -> &SandboxClock {
        &self.inside.clock
    }

    /// The mails received so far.
    pub fn mails(&self) -> &Mails {
        &self.inside.mails
    }

    /// The people behind the contacts.
    pub fn population(&self) -> &Population {
        &self.inside.population
    }

    /// What a run over all contacts must come to.
    pub fn expectations(&self) -> Expectations {
        Expectations::of(&self.inside.population)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.control.take());
        for service in Service::ALL {
            self.inside.stop(service);
        }
    }
}

/// Five loopback listeners.
fn listeners(first: Option<u16>) -> Result<[TcpListener; 5], SandboxError> {
    let port = |offset: u16| match first {
        None => Ok(0),
        Some(first) => first.checked_add(offset).ok_or(SandboxError::PortsBeyondEnd { first }),
    };
    let listen = |port: u16| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|source| SandboxError::Port { port, source })
    };
    Ok([listen(port(0)?)?, listen(port(1)?)?, listen(port(2)?)?, listen(port(3)?)?, listen(port(4)?)?])
}

/// The body of a `sandbox` process: starts, writes its [`Announcement`] as one line of JSON to `out`, then serves.
///
/// With `until_stdin_closes` it returns when its standard input ends, so that it does not outlive the process that
/// started it and holds the other end. Without, it serves until it is killed.
///
/// # Errors
/// As [`Sandbox::start`]; and when `out` does not take the line.
pub fn run_blocking(
    settings: SandboxSettings,
    mut out: impl Write,
    until_stdin_closes: bool,
) -> Result<(), SandboxError> {
    let sandbox = Sandbox::start(settings)?;
    let line = serde_json::to_string(&sandbox.announcement())
        .map_err(|error| SandboxError::Announce(error.into()))?;
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(SandboxError::Announce)?;
    drop(out);
    if until_stdin_closes {
        let mut buffer = [0; 256];
        let mut stdin = std::io::stdin().lock();
        while stdin.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
    } else {
        loop {
            std::thread::park();
        }
    }
    Ok(())
}
