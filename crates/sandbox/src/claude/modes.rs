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
}

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
        | ClaudeMode::UnknownStop => {}
    }
    if mode == ClaudeMode::BareArray {
        return Value::from_iter(rows.into_iter().map(|(_, p)| p)).to_string();
    }
    let rows: Vec<Value> = rows.into_iter().map(|(i, p)| json!({"i": i, "p": p})).collect();
    let answer = json!({"rows": rows, "notes": table.notes()}).to_string();
    if structured && mode != ClaudeMode::Fenced { answer } else { format!("```json\n{answer}\n```") }
}
