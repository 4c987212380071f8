//! The cheap call behind `check`.

use crate::support::{KEY, error, settings};
use claude::{ClaudeClient, ClaudeError, ModelInfo};
use domain::{Cancel, Explain};
use testkit::{Received, Reply, ScriptedServer};

fn model(script: Vec<Reply>, id: &str) -> (Result<ModelInfo, ClaudeError>, Vec<Received>) {
    let server = ScriptedServer::start(script).unwrap();
    let mut settings = settings(server.url());
    settings.model = id.to_owned();
    (ClaudeClient::new(settings).model(&Cancel::new()), server.received())
}

#[test]
fn the_model_is_asked_for_by_its_id() {
    let body = r#"{"type":"model","id":"claude-sonnet-5-5","display_name":"Claude Sonnet 5.5","lifecycle":"active",
        "created_at":"2026-09-28T00:00:00Z","retires_at":"2027-09-28T00:00:00Z","capabilities":{"effort":{}}}"#;
    let (info, received) = model(vec![Reply::json(200, body)], "claude-sonnet-5-5");
    let info = info.unwrap();
    assert_eq!(
        (received[0].method.as_str(), received[0].target.as_str()),
        ("GET", "/v1/models/claude-sonnet-5-5")
    );
    assert_eq!(received[0].header("x-api-key"), Some(KEY));
    assert_eq!(info.display_name.as_deref(), Some("Claude Sonnet 5.5"));
    assert_eq!(info.lifecycle.as_deref(), Some("active"));
    assert_eq!(info.retires_on.unwrap().to_string(), "2027-09-28");
}

#[test]
fn a_day_of_retirement_that_is_left_out_is_the_announced_one() {
    let day = |body: &str, id: &str| model(vec![Reply::json(200, body)], id).0.unwrap().retires_on;
    let announced = day(r#"{"id":"claude-sonnet-4-5"}"#, "claude-sonnet-4-5");
    assert_eq!(announced.unwrap().to_string(), "2026-11-30");
    let told = r#"{"id":"claude-sonnet-4-5","retires_at":"2026-12-24T00:00:00Z"}"#;
    assert_eq!(day(told, "claude-sonnet-4-5").unwrap().to_string(), "2026-12-24");
    assert_eq!(day(r#"{"id":"claude-sonnet-5-5"}"#, "claude-sonnet-5-5"), None);
}

#[test]
fn an_odd_model_id_stays_inside_the_path() {
    let (_, received) = model(vec![Reply::json(200, r#"{"id":"x"}"#)], "../a b?c#d");
    assert_eq!(received[0].target, "/v1/models/..%2Fa%20b%3Fc%23d");
}

#[test]
fn an_unknown_model_and_a_wrong_key_are_explained() {
    let (info, _) = model(vec![error(404, "not_found_error", "model: nope")], "nope");
    let explanation = info.unwrap_err().explain();
    assert!(explanation.message.starts_with("Claude does not know the model nope"));
    assert_eq!(explanation.remedy, "Set CLAUDE_MODEL=claude-sonnet-5-5 and restart.");
    let (info, _) = model(vec![error(401, "authentication_error", "invalid x-api-key")], "nope");
    assert!(info.unwrap_err().explain().message.contains("CLAUDE_API_KEY"));
}
