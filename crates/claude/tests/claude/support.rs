//! A client for a scripted server, and the replies Claude gives.

use claude::{ClaudeClient, ClaudeError, ClaudeSettings, DEFAULT_MODEL};
use domain::percentile::Sketch;
use domain::run::RankingReport;
use domain::{Cancel, Distribution, Explain, Explanation, Secret};
use http_client::{BaseUrl, RetryPolicy};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Received, Reply, ScriptedServer};

pub const KEY: &str = "sk-ant-test-0123456789";

/// 2,357 customers, 101 rows.
pub fn sketch() -> Sketch {
    Distribution::new((0..2357).map(|i| i * i).collect()).unwrap().sketch()
}

pub fn exact_ranks() -> Vec<i64> {
    sketch().rows.iter().map(|row| i64::from(row.exact.get())).collect()
}

/// The exact ranks after a change.
pub fn ranks(change: impl FnOnce(&mut Vec<i64>)) -> Vec<i64> {
    let mut ranks = exact_ranks();
    change(&mut ranks);
    ranks
}

/// The documented answer for these ranks.
pub fn answer(ranks: &[i64]) -> String {
    let rows: Vec<Value> = ranks.iter().enumerate().map(|(i, p)| json!({"i": i, "p": p})).collect();
    json!({"rows": rows, "notes": "no ties"}).to_string()
}

/// A message as the API sends it, thinking block first.
pub fn message(text: &str) -> Value {
    json!({
        "id": "msg_01", "type": "message", "role": "assistant", "model": "claude-sonnet-5-5",
        "stop_reason": "end_turn", "stop_sequence": null,
        "content": [{"type": "thinking", "thinking": "", "signature": "x"}, {"type": "text", "text": text}],
        "usage": {"input_tokens": 2029, "output_tokens": 1139, "output_tokens_details": {"thinking_tokens": 0}},
    })
}

/// A success with the text as its answer.
pub fn says(text: &str) -> Reply {
    Reply::json(200, message(text).to_string()).with_header("request-id", "req_ok")
}

/// A success with the exact ranks.
pub fn good() -> Reply {
    says(&answer(&exact_ranks()))
}

/// A message that ended with another stop reason.
pub fn stopped(reason: &str) -> Reply {
    let mut message = message("{\"rows\":[{\"i\":0");
    message["stop_reason"] = json!(reason);
    Reply::json(200, message.to_string()).with_header("request-id", "req_stop")
}

/// An error as the API sends it.
pub fn error(status: u16, kind: &str, words: &str) -> Reply {
    Reply::json(
        status,
        json!({"type": "error", "error": {"type": kind, "message": words}, "request_id": "req_error"})
            .to_string(),
    )
}

/// What the client did with a script.
pub struct Outcome {
    pub result: Result<(), ClaudeError>,
    /// Also of a ranking that failed.
    pub report: RankingReport,
    pub received: Vec<Received>,
}

impl Outcome {
    pub fn report(&self) -> &RankingReport {
        self.result.as_ref().unwrap();
        &self.report
    }

    pub fn explanation(&self) -> Explanation {
        self.result.as_ref().unwrap_err().explain()
    }

    /// The JSON body of a request.
    pub fn body(&self, at: usize) -> Value {
        serde_json::from_str(&self.received[at].body).unwrap()
    }
}

pub fn settings(url: &str) -> ClaudeSettings {
    let base_url = BaseUrl::parse(url).unwrap();
    ClaudeSettings {
        total_timeout: Duration::from_secs(20),
        retry: RetryPolicy {
            max_retries: 2,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(2),
        },
        ..ClaudeSettings::new(base_url, Secret::new(KEY), DEFAULT_MODEL)
    }
}

/// Ranks [`sketch`] against a server that follows the script.
pub fn rank(script: Vec<Reply>) -> Outcome {
    rank_with(script, |_| {})
}

/// The same with other settings.
pub fn rank_with(script: Vec<Reply>, change: impl FnOnce(&mut ClaudeSettings)) -> Outcome {
    let server = ScriptedServer::start(script).unwrap();
    let mut settings = settings(server.url());
    change(&mut settings);
    let mut report = RankingReport::default();
    let result = ClaudeClient::new(settings).rank(&sketch(), &Cancel::new(), &mut report);
    let received = server.received();
    let calls = received.iter().filter(|call| call.method == "POST").count();
    let told = (1 + report.retries + report.corrections) as usize;
    assert!(calls == told || calls == 0, "{calls} calls were made, and the report tells of {told}");
    Outcome { result, report, received }
}
