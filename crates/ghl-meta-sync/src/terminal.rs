//! What people see on the terminal: progress bars where there is one, plain lines elsewhere.

use domain::RunId;
use domain::run::{Step, StepStatus};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use sync::Watcher;

/// Standard output and error. A closed pipe ends the output, not the sync.
#[derive(Clone)]
pub struct Terminal {
    bars: Option<MultiProgress>,
    steps: Arc<Mutex<HashMap<Step, ProgressBar>>>,
}

impl Terminal {
    pub fn new() -> Self {
        let bars =
            io::stdout().is_terminal().then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stdout()));
        Self { bars, steps: Arc::default() }
    }

    /// One line on standard output, above any progress bars.
    pub fn say(&self, line: &str) {
        let printed = match &self.bars {
            Some(bars) => bars.println(line),
            None => writeln!(io::stdout(), "{line}"),
        };
        if let Err(error) = printed {
            log::debug!("standard output is closed: {error}");
        }
    }

    /// Text on standard error.
    pub fn complain(&self, text: &str) {
        if let Err(error) = writeln!(io::stderr(), "{text}") {
            log::debug!("standard error is closed: {error}");
        }
    }

    fn bar(&self, step: Step) -> Option<ProgressBar> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).get(&step).cloned()
    }
}

impl Watcher for Terminal {
    fn step_started(&self, _run: RunId, step: Step) {
        let Some(bars) = &self.bars else { return };
        let bar = bars.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {prefix:24} {elapsed:>4}"));
        bar.set_prefix(step.title());
        bar.enable_steady_tick(Duration::from_millis(120));
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).insert(step, bar);
    }

    fn step_progressed(&self, _run: RunId, step: Step, done: u64, total: Option<u64>) {
        let Some(bar) = self.bar(step) else { return };
        if let Some(total) = total {
            bar.set_style(style(
                "{spinner} {prefix:24} {elapsed:>4} [{wide_bar}] {human_pos}/{human_len} {per_sec}",
            ));
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    fn step_finished(&self, _run: RunId, step: Step, status: StepStatus, detail: Option<&str>) {
        let mark = match status {
            StepStatus::Done => "✓",
            StepStatus::Failed => "✗",
            StepStatus::Skipped => "-",
            StepStatus::Running => "…",
        };
        if let Some(bar) = self.steps.lock().unwrap_or_else(PoisonError::into_inner).remove(&step) {
            bar.finish_and_clear();
        }
        self.say(&format!("{mark} {:24} {}", step.title(), detail.unwrap_or_default()));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_invalid| ProgressStyle::default_spinner())
}
