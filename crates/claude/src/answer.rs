//! What comes back: the message around the answer, and the ranks inside it.

use domain::percentile::Sketch;
use serde::Deserialize;
use serde_json::Value;

/// A reply of `POST /v1/messages`, as far as it is used. New block types and fields may appear at any time.
#[derive(Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) model: Option<String>,
    pub(crate) stop_reason: Option<String>,
    pub(crate) stop_details: Option<StopDetails>,
    #[serde(default)]
    content: Vec<Block>,
    #[serde(default)]
    pub(crate) usage: Usage,
}

/// Why Claude declined.
#[derive(Debug, Deserialize)]
pub(crate) struct StopDetails {
    pub(crate) explanation: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

/// Tokens of one call.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Usage {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Usage {
    /// Everything the model read; the API counts cached input apart.
    pub(crate) fn input(&self) -> u64 {
        self.uncached().saturating_add(self.cached())
    }

    /// What of it came with the request itself.
    pub(crate) fn uncached(&self) -> u64 {
        self.input_tokens.unwrap_or_default()
    }

    /// What of it went into a cache or came from there.
    pub(crate) fn cached(&self) -> u64 {
        let written = self.cache_creation_input_tokens.unwrap_or_default();
        written.saturating_add(self.cache_read_input_tokens.unwrap_or_default())
    }

    /// Everything the model wrote, thinking included.
    pub(crate) fn output(&self) -> u64 {
        self.output_tokens.unwrap_or_default()
    }
}

impl Message {
    /// The text blocks together. Blocks are chosen by type, because a thinking block may come first.
    pub(crate) fn text(&self) -> String {
        self.content
            .iter()
            .filter(|block| block.kind == "text")
            .filter_map(|block| block.text.as_deref())
            .collect()
    }
}

/// Ranks in row order, and Claude's remark.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) ranks: Vec<i64>,
    pub(crate) notes: Option<String>,
}

/// Reads the answer for a sketch: `{"rows":[{"i":0,"p":0},…],"notes":"…"}` or a bare array of whole numbers, with or
/// without a code fence.
///
/// # Errors
/// The problems, as phrases that can be quoted back to Claude; they never repeat its text.
pub(crate) fn read(text: &str, sketch: &Sketch) -> Result<Answer, Vec<String>> {
    let Ok(value) = serde_json::from_str::<Value>(without_fence(text)) else {
        return Err(vec!["the answer is not a single JSON document".to_owned()]);
    };
    let Some(rows) = value.get("rows").unwrap_or(&value).as_array() else {
        return Err(vec!["the answer has no array `rows`".to_owned()]);
    };
    let notes = value.get("notes").and_then(Value::as_str).map(str::to_owned);
    let expected = sketch.rows.len();
    if rows.len() != expected {
        return Err(vec![format!("expected {expected} rows, got {}", rows.len())]);
    }
    let mut ranks = vec![None; expected];
    let mut problems = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        // A bare number is the rank of the row in its place.
        let (i, p) = if row.is_object() {
            (row.get("i").and_then(Value::as_u64), row.get("p").and_then(Value::as_i64))
        } else {
            (Some(at as u64), row.as_i64())
        };
        let slot = i.and_then(|i| usize::try_from(i).ok()).and_then(|i| ranks.get_mut(i));
        match (slot, p) {
            (None, _) => {
                problems.push(format!("element {at}: i is not an integer from 0 to {}", expected - 1));
            }
            (_, None) => problems.push(format!("element {at}: p is not an integer")),
            (Some(Some(_)), _) => problems.push(format!("element {at}: its i was already given")),
            (Some(slot), p) => *slot = p,
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // As many elements as rows and none given twice: every slot is filled.
    Ok(Answer { ranks: ranks.into_iter().flatten().collect(), notes })
}

fn without_fence(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else { return text };
    // The first line is the language, such as `json`, or empty.
    inner.split_once('\n').map_or(inner, |(_, body)| body).trim()
}

#[cfg(test)]
mod tests {
    use super::{Answer, Message, read};
    use domain::Distribution;
    use domain::percentile::Sketch;

    fn sketch() -> Sketch {
        Distribution::new(vec![100, 200, 300]).unwrap().sketch()
    }

    fn ranks(text: &str) -> Option<Vec<i64>> {
        read(text, &sketch()).ok().map(|answer| answer.ranks)
    }

    #[test]
    fn objects_arrays_and_fences_are_read() {
        let object = r#"{"rows":[{"i":0,"p":0},{"i":1,"p":50},{"i":2,"p":100}],"notes":"no ties"}"#;
        let expected = Answer { ranks: vec![0, 50, 100], notes: Some("no ties".to_owned()) };
        assert_eq!(read(object, &sketch()).unwrap(), expected);
        assert_eq!(read(&format!("```json\n{object}\n```"), &sketch()).unwrap(), expected);
        assert_eq!(read(&format!("  ```\n{object}```\n"), &sketch()).unwrap(), expected);
        assert_eq!(ranks("[0, 50, 100]"), Some(vec![0, 50, 100]));
        assert_eq!(ranks("```json\n[0,50,100]\n```"), Some(vec![0, 50, 100]));
        assert_eq!(ranks(r#"[{"i":2,"p":100},{"i":0,"p":0},{"i":1,"p":50}]"#), Some(vec![0, 50, 100]));
    }

    #[test]
    fn whatever_is_not_one_whole_number_per_row_is_refused() {
        let problem = |text: &str| read(text, &sketch()).unwrap_err().join("; ");
        assert_eq!(problem("The ranks are 0, 50 and 100."), "the answer is not a single JSON document");
        assert_eq!(problem(""), "the answer is not a single JSON document");
        assert_eq!(problem("[0,50,100] [0]"), "the answer is not a single JSON document");
        assert_eq!(problem("{}"), "the answer has no array `rows`");
        assert_eq!(problem("[0,50]"), "expected 3 rows, got 2");
        assert_eq!(problem("[0,50.0,100]"), "element 1: p is not an integer");
        assert_eq!(problem(r#"[0,"50",100]"#), "element 1: p is not an integer");
        assert_eq!(problem("[0,null,100]"), "element 1: p is not an integer");
        assert_eq!(
            problem(r#"[{"i":0,"p":0},{"i":0,"p":50},{"i":2,"p":100}]"#),
            "element 1: its i was already given"
        );
        assert_eq!(
            problem(r#"[{"i":0,"p":0},{"i":3,"p":50},{"i":-1,"p":100}]"#),
            "element 1: i is not an integer from 0 to 2; element 2: i is not an integer from 0 to 2"
        );
    }

    #[test]
    fn text_is_taken_by_block_type_and_all_input_tokens_count() {
        let message: Message = serde_json::from_str(
            r#"{"content":[{"type":"thinking","thinking":"[9]","signature":"x"},{"type":"text","text":"[0,"},
                {"type":"new_kind"},{"type":"text","text":"1]"}],
                "usage":{"input_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"output_tokens":7}}"#,
        )
        .unwrap();
        assert_eq!(message.text(), "[0,1]");
        assert_eq!((message.usage.input(), message.usage.cached(), message.usage.output()), (10, 5, 7));
    }
}
