//! The figures as text: OpenMetrics, which every Prometheus reads
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use crate::error::MonitoringError;
use crate::process::Process;
use chrono::{DateTime, TimeDelta, Utc};
use domain::Run;
use domain::run::RunStatus;
use http_client::traffic;
use persistence::{Standing, Store};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// What [`text`] returns, as HTTP calls it.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric that is about this service begins with it; those of the process have the names that all programs use.
const PREFIX: &str = "ghl_meta_sync";

/// What the program around knows and the database does not.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The present moment.
    pub now: DateTime<Utc>,
    /// When the schedule starts the next run; `None` when it is off or the setup is not complete.
    pub next_run_at: Option<DateTime<Utc>>,
    /// The parts of the scheduler, and whether each is alive; `None` before it is started.
    pub scheduler: Option<[(&'static str, bool); 2]>,
}

/// A gauge of numbers with fractions.
type Decimal = Gauge<f64, AtomicU64>;
/// One figure for each word of one label.
type ByWord<G> = Family<[(&'static str, &'static str); 1], G>;

/// Every figure of this moment. Blocks: it asks the database.
///
/// # Errors
/// [`MonitoringError`]; then Prometheus sees the service as down.
pub fn text(store: &Store, surroundings: &Surroundings) -> Result<String, MonitoringError> {
    let mut registry = Registry::default();
    let mut figures = Figures(registry.sub_registry_with_prefix(PREFIX));
    figures.info("build", "The program", "version", env!("CARGO_PKG_VERSION").to_owned());
    figures.info("schema", "The newest migration of the database", "version", store.schema_version()?);
    figures.standing(&store.standing()?);
    if let Some(run) = store.run_latest_ended()? {
        figures.last_run(&run);
    }
    if let Some(ended) = store.run_latest_success()?.and_then(|run| run.completed_at) {
        let name = "last_success_timestamp";
        figures.time(name, "When the newest run that succeeded had ended, since 1970", ended);
        let age = surroundings.now - ended;
        figures.seconds("last_success_age", "How long ago the newest run that succeeded had ended", age);
    }
    if let Some(next) = surroundings.next_run_at {
        figures.time("next_run_timestamp", "When the schedule starts the next run, since 1970", next);
    }
    let alive = ByWord::<Gauge>::default();
    for (part, is_alive) in surroundings.scheduler.into_iter().flatten() {
        alive.get_or_create(&[("part", part)]).set(i64::from(is_alive));
    }
    figures.0.register("scheduler_alive", "Whether a part of the scheduler is at work: 1 or 0", alive);
    figures.traffic();
    if let Some(process) = Process::read(std::process::id()) {
        Figures(&mut registry).process(&process);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

/// The figures so far.
struct Figures<'a>(&'a mut Registry);

impl Figures<'_> {
    fn info(&mut self, name: &str, help: &str, label: &'static str, value: String) {
        self.0.register(name, help, Info::new([(label, value)]));
    }

    fn number(&mut self, name: &str, help: &str, value: u64) {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        self.0.register(name, help, gauge);
    }

    fn time(&mut self, name: &str, help: &str, at: DateTime<Utc>) {
        self.seconds(name, help, at - DateTime::UNIX_EPOCH);
    }

    fn seconds(&mut self, name: &str, help: &str, length: TimeDelta) {
        let gauge = Decimal::default();
        gauge.set(length.as_seconds_f64());
        self.0.register_with_unit(name, help, Unit::Seconds, gauge);
    }

    fn standing(&mut self, standing: &Standing) {
        let runs = ByWord::<Gauge>::default();
        for status in RunStatus::ALL {
            let count =
                standing.runs.iter().find(|(known, _)| known == status).map_or(0, |(_, count)| *count);
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            runs.get_or_create(&[("status", status.as_str())]).set(count);
        }
        self.0.register("runs", "Runs in the database by status", runs);
        let pending = standing.lookalikes_pending;
        self.number("lookalikes_pending", "Lookalikes whose seed Meta has not matched yet", pending);
        self.number(
            "messages_waiting",
            "Mails and webhook messages that were neither sent nor given up",
            standing.messages_waiting,
        );
        let removals = standing.removals_waiting;
        self.number("removals_waiting", "People whose removal at Meta is not confirmed yet", removals);
    }

    fn last_run(&mut self, run: &Run) {
        let ended = ByWord::<Gauge>::default();
        for status in RunStatus::ALL.iter().filter(|status| **status != RunStatus::Running) {
            ended.get_or_create(&[("status", status.as_str())]).set(i64::from(*status == run.status));
        }
        self.0.register("last_run", "How the newest run that has ended had ended: 1 for its status", ended);
        if let Some(completed_at) = run.completed_at {
            self.time(
                "last_run_timestamp",
                "When the newest run that has ended had ended, since 1970",
                completed_at,
            );
            let length = completed_at - run.started_at;
            self.seconds("last_run_duration", "How long the newest run that has ended took", length);
        }
        let steps = ByWord::<Decimal>::default();
        for step in &run.steps {
            if let Some(completed_at) = step.completed_at {
                let length = (completed_at - step.started_at).as_seconds_f64();
                steps.get_or_create(&[("step", step.name.as_str())]).set(length);
            }
        }
        let help = "How long each step of the newest run that has ended took";
        self.0.register_with_unit("last_run_step_duration", help, Unit::Seconds, steps);
        // A run that failed before its list was read knows nothing of contacts, which is not the same as none.
        if run.accounting.fetched > 0 || run.status == RunStatus::Success {
            let help = "Contacts that the newest run that has ended had read";
            self.number("last_run_contacts_read", help, run.accounting.fetched);
            let buckets = ByWord::<Gauge>::default();
            for (bucket, count) in run.accounting.buckets() {
                let count = i64::try_from(count).unwrap_or(i64::MAX);
                buckets.get_or_create(&[("bucket", bucket.as_str())]).set(count);
            }
            let help = "Where those contacts ended; the buckets add up to the contacts read";
            self.0.register("last_run_contacts", help, buckets);
        }
    }

    fn traffic(&mut self) {
        let traffic = traffic().clone();
        let help = "Calls to a service that ended since the start, by HTTP status or why no reply came";
        self.0.register("api_calls", help, traffic.calls);
        let help = "Waits since the start because a service limits the calls";
        self.0.register("rate_limit_waits", help, traffic.waits);
        let help = "How long the waits since the start took";
        self.0.register_with_unit("rate_limit_wait", help, Unit::Seconds, traffic.waited);
    }

    fn process(&mut self, process: &Process) {
        for (name, help, unit, value) in [
            ("process_resident_memory", "Memory in use", Some(Unit::Bytes), Some(process.resident_bytes)),
            ("process_threads", "Threads", None, Some(process.threads)),
            ("process_open_fds", "Open files and connections", None, process.open_files),
        ] {
            let Some(value) = value else { continue };
            let gauge = Gauge::<u64, AtomicU64>::default();
            gauge.set(value);
            match unit {
                Some(unit) => self.0.register_with_unit(name, help, unit, gauge),
                None => self.0.register(name, help, gauge),
            }
        }
    }
}
