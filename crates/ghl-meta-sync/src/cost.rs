//! What a run costs: time, CPU time, memory and bytes sent, by step.
//!
//! CPU time and bytes are those of the whole process between two moments, so they can not be told apart for steps that
//! run at the same time: such steps share one line.

pub mod process;

use crate::failure::Failed;
use domain::RunId;
use domain::run::{Step, StepStatus};
use monitoring::Process;
use serde::Serialize;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use sync::Watcher;

/// Measures one run, and passes on everything to another watcher.
pub struct Meter {
    watched_by: Arc<dyn Watcher>,
    /// Nothing any more when the cost was told.
    stages: Mutex<Option<Stages>>,
}

struct Stages {
    begun: Sample,
    all: Vec<Stage>,
    running: Vec<Step>,
}

/// Steps that ran at the same time, one of them at every moment.
struct Stage {
    steps: Vec<Step>,
    begun: Sample,
    ended: Option<Sample>,
}

/// What the process had used up at a moment.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    cpu: Option<Duration>,
    peak_bytes: Option<u64>,
    sent_bytes: u64,
}

impl Sample {
    fn now() -> Self {
        Self {
            at: Instant::now(),
            cpu: process::own_cpu_time(),
            peak_bytes: Process::read(std::process::id()).map(|process| process.peak_bytes),
            sent_bytes: http_client::traffic().sent.get(),
        }
    }
}

impl Meter {
    /// Measures from now on.
    pub fn new(watched_by: Arc<dyn Watcher>) -> Self {
        let stages = Stages { begun: Sample::now(), all: Vec::new(), running: Vec::new() };
        Self { watched_by, stages: Mutex::new(Some(stages)) }
    }

    /// The cost of a run over this many contacts, which ended just now. Nothing the second time.
    pub fn cost(&self, contacts: u64) -> Option<Cost> {
        let stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(stages.cost(contacts, Sample::now()))
    }

    fn change(&self, change: impl FnOnce(&mut Stages)) {
        if let Some(stages) = &mut *self.stages.lock().unwrap_or_else(PoisonError::into_inner) {
            change(stages);
        }
    }
}

impl Watcher for Meter {
    fn step_started(&self, run: RunId, step: Step) {
        self.change(|stages| stages.begin(step, Sample::now()));
        self.watched_by.step_started(run, step);
    }

    fn step_progressed(&self, run: RunId, step: Step, done: u64, total: Option<u64>) {
        self.watched_by.step_progressed(run, step, done, total);
    }

    fn step_finished(&self, run: RunId, step: Step, status: StepStatus, detail: Option<&str>) {
        self.change(|stages| stages.end(step, Sample::now()));
        self.watched_by.step_finished(run, step, status, detail);
    }
}

impl Stages {
    fn begin(&mut self, step: Step, now: Sample) {
        match self.all.last_mut().filter(|_| !self.running.is_empty()) {
            Some(stage) => stage.steps.push(step),
            None => self.all.push(Stage { steps: vec![step], begun: now, ended: None }),
        }
        self.running.push(step);
    }

    fn end(&mut self, step: Step, now: Sample) {
        self.running.retain(|running| *running != step);
        if let Some(stage) = self.all.last_mut().filter(|stage| stage.ended.is_none())
            && self.running.is_empty()
        {
            stage.ended = Some(now);
        }
    }

    fn cost(&self, contacts: u64, now: Sample) -> Cost {
        let of = |stage: &Stage| {
            let names: Vec<&str> = stage.steps.iter().map(|step| step.as_str()).collect();
            let contacts = stage.steps.iter().any(|step| takes_every_contact(*step)).then_some(contacts);
            Line::between(names.join(", "), contacts, stage.begun, stage.ended.unwrap_or(now))
        };
        Cost {
            contacts,
            steps: self.all.iter().map(of).collect(),
            total: Line::between("all".to_owned(), Some(contacts), self.begun, now),
        }
    }
}

/// Whether a step takes longer for more contacts. Contacts are saved beside the upload, so its line holds that too, and that of
/// the step *save* what was left.
fn takes_every_contact(step: Step) -> bool {
    matches!(step, Step::Fetch | Step::ReadLtv | Step::Hash | Step::Upload)
}

/// What a run cost.
#[derive(Debug, Serialize)]
pub struct Cost {
    contacts: u64,
    /// In order.
    steps: Vec<Line>,
    total: Line,
}

/// A step, or several that ran at the same time.
#[derive(Debug, PartialEq, Serialize)]
struct Line {
    name: String,
    seconds: f64,
    /// All that were read by the seconds; nothing for steps that take no longer for more contacts.
    contacts_per_second: Option<f64>,
    /// Of this process meanwhile.
    cpu_seconds: Option<f64>,
    /// The most this process ever had resident until then.
    peak_bytes: Option<u64>,
    /// Bodies of requests, each time they were sent.
    sent_bytes: u64,
}

impl Line {
    fn between(name: String, contacts: Option<u64>, begun: Sample, ended: Sample) -> Self {
        let seconds = (ended.at - begun.at).as_secs_f64();
        let cpu = ended.cpu.zip(begun.cpu).map(|(ended, begun)| (ended - begun).as_secs_f64());
        Self {
            name,
            seconds,
            contacts_per_second: contacts.map(|contacts| contacts as f64 / seconds.max(1e-9)),
            cpu_seconds: cpu,
            peak_bytes: ended.peak_bytes,
            sent_bytes: ended.sent_bytes - begun.sent_bytes,
        }
    }

    fn text(&self) -> String {
        row(
            &self.name,
            &[
                format!("{:.1}", self.seconds),
                self.contacts_per_second.map_or_else(String::new, |rate| format!("{rate:.0}")),
                known(self.cpu_seconds.map(|seconds| format!("{seconds:.2}"))),
                known(self.peak_bytes.map(megabytes)),
                megabytes(self.sent_bytes),
            ],
        )
    }
}

impl Cost {
    /// Writes it as JSON.
    ///
    /// # Errors
    /// A configuration error when the file can not be written.
    pub fn write(&self, file: &Path) -> Result<(), Failed> {
        serde_json::to_vec_pretty(self)
            .map_err(io::Error::from)
            .and_then(|text| std::fs::write(file, text))
            .map_err(|error| {
                Failed::configuration(format!(
                    "The cost can not be written to {} ({error}).\nName a file in a folder that exists.",
                    file.display()
                ))
            })
    }

    /// A table for the terminal.
    pub fn table(&self) -> Vec<String> {
        let columns = ["seconds", "contacts/s", "CPU s", "peak MB", "sent MB"];
        let heading = row("", &columns.map(str::to_owned));
        let lines = self.steps.iter().chain([&self.total]).map(Line::text);
        ["Cost of each step (steps that ran at the same time share a line; sent are the bodies of requests):".to_owned(), heading]
            .into_iter()
            .chain(lines)
            .collect()
    }
}

fn row(name: &str, cells: &[String]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>14}")).collect();
    format!("  {name:<22}{}", cells.concat())
}

/// A figure, or that this system does not tell it.
pub fn known(figure: Option<String>) -> String {
    figure.unwrap_or_else(|| "not known here".to_owned())
}

/// Millions of bytes.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At this second; one CPU second, a megabyte and 500,000 bytes sent per second since.
    fn at(start: Instant, second: u32) -> Sample {
        let seconds = u64::from(second);
        Sample {
            at: start + Duration::from_secs(seconds),
            cpu: Some(Duration::from_secs(seconds)),
            peak_bytes: Some(seconds * 1_000_000),
            sent_bytes: seconds * 500_000,
        }
    }

    #[test]
    fn steps_at_the_same_time_share_a_line_and_others_have_their_own() {
        let start = Instant::now();
        let mut stages = Stages { begun: at(start, 0), all: Vec::new(), running: Vec::new() };
        stages.begin(Step::Fetch, at(start, 1));
        stages.begin(Step::Hash, at(start, 1));
        stages.end(Step::Hash, at(start, 4));
        stages.end(Step::Fetch, at(start, 5));
        stages.end(Step::Lookalike, at(start, 6)); // skipped, so it never began
        stages.begin(Step::Upload, at(start, 7));
        stages.end(Step::Upload, at(start, 8));
        stages.begin(Step::Save, at(start, 8));
        let cost = stages.cost(2000, at(start, 10));
        let told = |line: &Line| (line.name.clone(), line.seconds, line.cpu_seconds, line.peak_bytes);
        assert_eq!(
            cost.steps.iter().map(told).collect::<Vec<_>>(),
            [
                ("fetch, hash".to_owned(), 4.0, Some(4.0), Some(5_000_000)),
                ("upload".to_owned(), 1.0, Some(1.0), Some(8_000_000)),
                ("save".to_owned(), 2.0, Some(2.0), Some(10_000_000)),
            ]
        );
        assert_eq!((cost.steps[0].contacts_per_second, cost.steps[0].sent_bytes), (Some(500.0), 2_000_000));
        assert_eq!((cost.total.seconds, cost.total.sent_bytes), (10.0, 5_000_000));
        let table = cost.table();
        assert_eq!(
            table[2],
            "  fetch, hash                      4.0           500          4.00           5.0           2.0"
        );
        assert_eq!(table.len(), 2 + 3 + 1);
    }

    #[test]
    fn a_system_that_does_not_tell_is_said_to_be_such() {
        let unknown = |second| Sample { cpu: None, peak_bytes: None, ..at(Instant::now(), second) };
        let line = Line::between("all".to_owned(), None, unknown(0), unknown(1));
        assert_eq!((line.contacts_per_second, line.cpu_seconds, line.peak_bytes), (None, None, None));
        assert_eq!(line.text().matches("not known here").count(), 2);
    }

    #[test]
    fn what_one_run_cost_is_told_once_and_later_runs_are_not_measured() {
        let meter = Meter::new(Arc::new(sync::NobodyWatches));
        meter.step_started(RunId(1), Step::Fetch);
        meter.step_finished(RunId(1), Step::Fetch, StepStatus::Done, None);
        assert_eq!(meter.cost(5).unwrap().steps.len(), 1);
        meter.step_started(RunId(2), Step::Fetch);
        assert!(meter.cost(5).is_none());
    }
}
