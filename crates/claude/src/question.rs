//! What is sent: the table, the words around it and the request body.

use crate::rejection::Rejection;
use domain::percentile::Sketch;
use serde_json::{Value, json};

/// Tokens Claude may write for one answer. The answer itself takes about 1,100; thinking counts too.
pub(crate) const MAX_TOKENS: u32 = 8192;

const SYSTEM: &str = "You assign percentile buckets to customer lifetime values. Use only the numbers given.";

/// Stands in for the schema when the model does not take one.
const JSON_ONLY: &str =
    "Return only JSON, without any other text, of the form {\"rows\":[{\"i\":0,\"p\":0}],\"notes\":\"\"}.";

/// One request to rank, as it changes between tries.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// The user message.
    pub(crate) text: String,
    /// Tokens Claude may write.
    pub(crate) max_tokens: u32,
    /// Whether `output_config.effort` is sent.
    pub(crate) effort: bool,
    /// Whether `output_config.format` is sent.
    pub(crate) schema: bool,
}

impl Question {
    /// The request body of `POST /v1/messages`. Neither `temperature` nor `thinking` nor `tools` is ever sent: current
    /// models refuse some of them with status 400.
    pub(crate) fn body(&self, model: &str) -> Value {
        let mut body = json!({
            "model": model,
            "max_tokens": self.max_tokens,
            "system": SYSTEM,
            "messages": [{"role": "user", "content": self.text}],
        });
        if self.effort {
            body["output_config"]["effort"] = json!("low");
        }
        if self.schema {
            body["output_config"]["format"] = answer_format();
        } else {
            body["system"] = Value::String(format!("{SYSTEM} {JSON_ONLY}"));
        }
        body
    }

    /// Leaves out what a refusal names: the effort first, then the schema with it. False when nothing is left to leave out.
    pub(crate) fn give_way(&mut self, refusal: &Rejection) -> bool {
        if self.effort && refusal.names("effort") {
            self.effort = false;
        } else if self.schema && (refusal.names("output_config") || refusal.names("json_schema")) {
            (self.effort, self.schema) = (false, false);
        } else {
            return false;
        }
        true
    }
}

/// The schema can not demand a row count or a range (the API refuses such keywords), so the answer is checked here.
fn answer_format() -> Value {
    json!({
        "type": "json_schema",
        "schema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["rows", "notes"],
            "properties": {
                "notes": {"type": "string"},
                "rows": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["i", "p"],
                        "properties": {"i": {"type": "integer"}, "p": {"type": "integer"}},
                    },
                },
            },
        },
    })
}

/// The rows `i,value,below,at`, one per line.
pub(crate) fn table(sketch: &Sketch) -> String {
    let rows: Vec<String> = sketch
        .rows
        .iter()
        .enumerate()
        .map(|(i, row)| format!("{i},{},{},{}", row.value, row.below, row.at))
        .collect();
    rows.join("\n")
}

/// The user message of the first request.
pub(crate) fn prompt(sketch: &Sketch, table: &str) -> String {
    format!(
        "n={} customers, {} rows, ascending. Columns: i,value,below,at. below = customers with a strictly smaller \
         value, at = customers with exactly this value. For each row return p = ceil(100*below/(n-1)); the last row is \
         100; p never decreases. Return every i exactly once, in order. notes: at most 300 characters on ties, zeros, \
         negatives, outliers.\n{table}",
        sketch.n,
        sketch.rows.len()
    )
}

/// Problems quoted back to Claude and kept of a refused answer.
pub(crate) const QUOTED_PROBLEMS: usize = 10;

/// The length of its own answer that is repeated to Claude.
const QUOTED_ANSWER_CHARS: usize = 20_000;

/// The user message of the second request: the first one, the answer that failed and why. One message instead of a
/// conversation, because an assistant turn would have to repeat Claude's thinking blocks unchanged.
pub(crate) fn correction(prompt: &str, answer: &str, problems: &[String]) -> String {
    let answer: String = answer.chars().take(QUOTED_ANSWER_CHARS).collect();
    let quoted = &problems[..problems.len().min(QUOTED_PROBLEMS)];
    format!(
        "{prompt}\n\nYour previous answer was:\n{answer}\n\nYour answer was rejected by a check: {}. Return the complete \
         corrected JSON.",
        quoted.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::{correction, prompt, table};
    use domain::Distribution;

    #[test]
    fn the_prompt_is_the_documented_text_and_the_table() {
        let sketch = Distribution::new(vec![-428_763, 0, 0, 1250]).unwrap().sketch();
        let table = table(&sketch);
        assert_eq!(table, "0,-4287.63,0,1\n1,0.00,1,2\n2,12.50,3,1");
        let prompt = prompt(&sketch, &table);
        assert!(prompt.starts_with("n=4 customers, 3 rows, ascending. Columns: i,value,below,at. below = customers with a strictly smaller value, at"));
        assert!(prompt.ends_with("negatives, outliers.\n0,-4287.63,0,1\n1,0.00,1,2\n2,12.50,3,1"));
    }

    #[test]
    fn a_correction_quotes_ten_problems_at_most() {
        let problems: Vec<String> = (0..12).map(|i| format!("problem {i}")).collect();
        let text = correction("PROMPT", "ANSWER", &problems);
        assert!(text.starts_with("PROMPT\n\n"));
        assert!(text.contains("\nANSWER\n") && text.contains("problem 9.") && !text.contains("problem 10"));
        assert!(correction("", &"x".repeat(50_000), &problems).len() < 21_000);
    }
}
