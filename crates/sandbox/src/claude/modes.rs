//! The ways an answer can look: right, dressed differently, or wrong.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ranking::Table;

/// How the answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaudeMode {
    /// Right.
    #[default]
    Good,
    /// Right, as an array of numbers without ids.
    BareArray,
    /// Right, in a Markdown fence.
    Fenced,
    /// The middle row is missing.
    #[serde(rename = "count_minus_1")]
    CountMinus1,
    /// Two rows too many.
    #[serde(rename = "count_plus_2")]
    CountPlus2,
    /// The percentiles in reverse.
    Reversed,
    /// The middle row is one too high.
    OffByOne,
    /// The middle row is two too high.
    OffByTwo,
    /// The last row is 101.
    #[serde(rename = "p_101")]
    P101,
    /// Every percentile is a half too high.
    Floats,
    /// A sentence instead of JSON.
    Prose,
    /// No content block at all.
    EmptyContent,
    /// The answer breaks off.
    MaxTokens,
    /// Refused, with status 200.
    Refusal,
    /// Right, but with a stop reason nobody knows.
    UnknownStop,
    /// Breaks off because Claude paused.
    PauseTurn,
    /// Breaks off because question and answer are longer than the model's context.
    ContextExceeded,
    /// Right, without a thinking block before it.
    WithoutThinking,
    /// Right, with a remark that is long, breaks lines and would be markup.
    HostileNote,
}

impl ClaudeMode {
    /// Every mode.
    pub const ALL: [Self; 19] = [
        Self::Good,
        Self::BareArray,
        Self::Fenced,
        Self::CountMinus1,
        Self::CountPlus2,
        Self::Reversed,
        Self::OffByOne,
        Self::OffByTwo,
        Self::P101,
        Self::Floats,
        Self::Prose,
        Self::EmptyContent,
        Self::MaxTokens,
        Self::Refusal,
        Self::UnknownStop,
        Self::PauseTurn,
        Self::ContextExceeded,
        Self::WithoutThinking,
        Self::HostileNote,
    ];

    /// Why the answer ended, unless it was too long.
    pub(super) fn stop_reason(self) -> &'static str {
        match self {
            Self::MaxTokens => "max_tokens",
            Self::Refusal => "refusal",
            Self::UnknownStop => "paused_for_review",
            Self::PauseTurn => "pause_turn",
            Self::ContextExceeded => "model_context_window_exceeded",
            _ => "end_turn",
        }
    }

    /// Whether the text breaks off in the middle.
    pub(super) fn is_cut(self) -> bool {
        matches!(self, Self::MaxTokens | Self::PauseTurn | Self::ContextExceeded)
    }
}

/// What a remark must never do to a page, a mail or a terminal.
const HOSTILE_NOTE: &str = "<script>alert(1)</script>\r\nBcc: everybody\u{1b}[31m \u{202e}evil <b>bold</b>";

/// A mode and for how long. Also the body of `POST /control/claude/mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeSetting {
    /// How the next answer looks.
    pub mode: ClaudeMode,
    /// Every answer, corrections included; otherwise only the next one.
    #[serde(default)]
    pub always: bool,
}

/// The text of the answer. Without a schema a model puts its JSON in a fence.
pub(super) fn text(mode: ClaudeMode, table: &Table, structured: bool) -> String {
    let percentiles = table.percentiles();
    let mut rows: Vec<(u64, Value)> =
        table.rows.iter().zip(&percentiles).map(|(row, p)| (row.i, json!(p))).collect();
    let middle = rows.len() / 2;
    match mode {
        ClaudeMode::CountMinus1 => drop(rows.remove(middle)),
        ClaudeMode::CountPlus2 => {
            rows.extend((0..2).map(|extra| (percentiles.len() as u64 + extra, json!(100))));
        }
        ClaudeMode::Reversed => {
            for (row, p) in rows.iter_mut().zip(percentiles.iter().rev()) {
                row.1 = json!(p);
            }
        }
        ClaudeMode::OffByOne => rows[middle].1 = json!(percentiles[middle] + 1),
        ClaudeMode::OffByTwo => rows[middle].1 = json!(percentiles[middle] + 2),
        ClaudeMode::P101 => {
            if let Some(last) = rows.last_mut() {
                last.1 = json!(101);
            }
        }
        ClaudeMode::Floats => {
            for (row, p) in rows.iter_mut().zip(&percentiles) {
                row.1 = json!(*p as f64 + 0.5);
            }
        }
        ClaudeMode::Prose => {
            return "Here are the percentiles you asked for: they rise steadily from 0 to 100.".to_owned();
        }
        ClaudeMode::Refusal => return "I can't help with that.".to_owned(),
        ClaudeMode::Good
        | ClaudeMode::BareArray
        | ClaudeMode::Fenced
        | ClaudeMode::EmptyContent
        | ClaudeMode::MaxTokens
        | ClaudeMode::UnknownStop
        | ClaudeMode::PauseTurn
        | ClaudeMode::ContextExceeded
        | ClaudeMode::WithoutThinking
        | ClaudeMode::HostileNote => {}
    }
    if mode == ClaudeMode::BareArray {
        return Value::from_iter(rows.into_iter().map(|(_, p)| p)).to_string();
    }
    let rows: Vec<Value> = rows.into_iter().map(|(i, p)| json!({"i": i, "p": p})).collect();
    let notes = match mode {
        ClaudeMode::HostileNote => format!("{HOSTILE_NOTE} {}", "and so on ".repeat(100)),
        _ => table.notes(),
    };
    let answer = json!({"rows": rows, "notes": notes}).to_string();
    if structured && mode != ClaudeMode::Fenced { answer } else { format!("```json\n{answer}\n```") }
}
