//! The latest runs as a strip of bars, oldest first: whether all is well is seen before a line is read.

use super::run_view::warnings;
use crate::wording::{Moment, Wording, state_badge};
use domain::Run;

/// Runs in the strip.
pub(super) const SHOWN: u32 = 30;
/// Width of one run in units of the picture, the gap included.
const SLOT: usize = 12;
const TALLEST: usize = 32;

/// The strip.
pub(super) struct Heartbeat {
    pub(super) beats: Vec<Beat>,
    pub(super) width: usize,
    /// The strip in words: `30 syncs: 28 succeeded, 2 failed`.
    pub(super) words: String,
    pub(super) from: Moment,
}

/// One run. What did not succeed is shorter, so that colour does not stand alone.
pub(super) struct Beat {
    pub(super) class: &'static str,
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) height: usize,
    pub(super) title: String,
}

impl Heartbeat {
    /// Of runs newest first; `None` for a single one, whose state the page shows anyway.
    pub(super) fn new(runs: &[Run], wording: &Wording) -> Option<Self> {
        let [_, .., oldest] = runs else { return None };
        let beat = |(at, run): (usize, &Run)| {
            let badge = state_badge(run, !warnings(run).is_empty());
            let height = match badge.class {
                "ok" => TALLEST,
                "warn" => TALLEST * 3 / 4,
                "bad" => TALLEST / 2,
                _ => TALLEST / 4,
            };
            let title = format!("Sync {}, {}: {}", run.id, wording.minute(run.started_at).text, badge.word);
            Beat { class: badge.class, x: at * SLOT, y: TALLEST - height, height, title }
        };
        let beats: Vec<Beat> = runs.iter().rev().enumerate().map(beat).collect();
        let count = |class| beats.iter().filter(|beat| beat.class == class).count();
        let parts = [
            ("ok", "succeeded"),
            ("warn", "succeeded with warnings"),
            ("bad", "failed"),
            ("idle", "cancelled"),
            ("running", "running"),
        ]
        .into_iter()
        .map(|(class, word)| (count(class), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"));
        Some(Self {
            words: format!("The last {} syncs: {}", beats.len(), parts.collect::<Vec<_>>().join(", ")),
            width: beats.len() * SLOT,
            from: wording.minute(oldest.started_at),
            beats,
        })
    }
}
