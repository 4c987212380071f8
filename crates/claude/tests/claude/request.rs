//! What leaves the machine.

use crate::support::{KEY, good, rank, sketch};
use serde_json::json;

#[test]
fn the_request_is_exactly_the_documented_one() {
    let outcome = rank(vec![good()]);
    let request = &outcome.received[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/messages"));
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(request.header("content-type"), Some("application/json"));

    let mut body = outcome.body(0);
    let prompt = body["messages"][0]["content"].take();
    assert_eq!(
        body,
        json!({
            "model": "claude-sonnet-5-5",
            "max_tokens": 8192,
            "system": "You assign percentile buckets to customer lifetime values. Use only the numbers given.",
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {
                "type": "object", "additionalProperties": false, "required": ["rows", "notes"],
                "properties": {
                    "notes": {"type": "string"},
                    "rows": {"type": "array", "items": {
                        "type": "object", "additionalProperties": false, "required": ["i", "p"],
                        "properties": {"i": {"type": "integer"}, "p": {"type": "integer"}},
                    }},
                },
            }}},
            "messages": [{"role": "user", "content": null}],
        })
    );

    let lines: Vec<&str> = prompt.as_str().unwrap().lines().collect();
    assert!(
        lines[0].starts_with("n=2357 customers, 101 rows, ascending. Columns: i,value,below,at."),
        "{}",
        lines[0]
    );
    for ((i, line), row) in lines[1..].iter().enumerate().zip(&sketch().rows) {
        assert_eq!(*line, format!("{i},{},{},{}", row.value, row.below, row.at));
    }
    assert_eq!(lines.len(), 102);
}

#[test]
fn the_report_carries_what_a_run_shows() {
    let outcome = rank(vec![good()]);
    let report = outcome.report();
    assert_eq!(report.normalizer, "claude");
    assert_eq!(report.model.as_deref(), Some("claude-sonnet-5-5"));
    assert_eq!((report.input_tokens, report.output_tokens), (2029, 1139));
    assert_eq!(report.request_ids, ["req_ok"]);
    assert_eq!((report.corrections, report.max_deviation), (0, Some(0)));
    assert_eq!((report.retries, report.problems.len()), (0, 0));
    assert_eq!(report.cost.unwrap().to_string(), "0.015448");
    assert_eq!(report.note.as_deref(), Some("no ties"));
    // SHA-256 of the 101 lines, computed apart from this program.
    assert_eq!(
        report.table_sha256.as_deref(),
        Some("8a0e24406b6e75de5a0fcc92f195fb83476225fbee9228182a349435a625cdc4")
    );
}
