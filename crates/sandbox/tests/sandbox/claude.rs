//! The Messages API: checks, the ranking, and every mode.

use sandbox::faults::{Effect, Fault};
use sandbox::{ClaudeSettings, Contacts, Sandbox, SandboxSettings, Service};
use serde_json::{Value, json};

use crate::client::{Reply, control, send, start};

fn few() -> Sandbox {
    start(SandboxSettings { contacts: Contacts::Generated(1), ..SandboxSettings::default() })
}

fn headers<'a>() -> Vec<(&'a str, &'a str)> {
    vec![
        ("x-api-key", ClaudeSettings::KEY),
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
    ]
}

fn request() -> Value {
    let row = json!({"type": "object", "additionalProperties": false, "required": ["i", "p"],
        "properties": {"i": {"type": "integer"}, "p": {"type": "integer"}}});
    let schema = json!({"type": "object", "additionalProperties": false, "required": ["rows", "notes"],
        "properties": {"notes": {"type": "string"}, "rows": {"type": "array", "items": row}}});
    json!({"model": "claude-sonnet-5-5", "max_tokens": 8192, "system": "You assign percentile buckets.",
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": schema}},
        "messages": [{"role": "user", "content": "n=11 customers, 5 rows, ascending. Columns: i,value,below,at.\n\
            0,-5.00,0,1\n1,0.00,1,4\n2,7.50,5,2\n3,8.00,7,3\n4,100.00,10,1\n"}]})
}

fn post(sandbox: &Sandbox, body: &Value) -> Reply {
    send("POST", &format!("{}/v1/messages", sandbox.addresses().claude), &headers(), &body.to_string())
}

fn text(reply: &Reply) -> String {
    let reply = reply.json();
    let blocks = reply["content"].as_array().unwrap_or_else(|| panic!("{reply}"));
    blocks
        .iter()
        .filter(|block| block["type"] == "text")
        .map(|block| block["text"].as_str().unwrap())
        .collect()
}

fn percentiles(text: &str) -> Vec<Value> {
    let answer: Value = serde_json::from_str(text).unwrap();
    answer["rows"].as_array().unwrap().iter().map(|row| row["p"].clone()).collect()
}

fn set_mode(sandbox: &Sandbox, mode: &str, always: bool) {
    let reply = control(sandbox, "POST", "/control/claude/mode", &json!({"mode": mode, "always": always}));
    assert_eq!(reply.status, 204, "{mode}: {}", reply.text);
}

fn right() -> Vec<Value> {
    [0, 10, 50, 70, 100].map(Value::from).to_vec()
}

#[test]
fn the_table_is_ranked_behind_a_thinking_block() {
    let sandbox = few();
    let reply = post(&sandbox, &request());
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(percentiles(&text(&reply)), right());
    let body = reply.json();
    assert_eq!((&body["content"][0]["type"], &body["stop_reason"]), (&json!("thinking"), &json!("end_turn")));
    assert!(
        body["usage"]["input_tokens"].as_u64().unwrap() > 30
            && body["usage"]["output_tokens"].as_u64().unwrap() > 20
    );
    assert!(reply.header("request-id").unwrap().starts_with("req_"));
}

#[test]
fn key_version_and_content_type_are_checked() {
    let sandbox = few();
    let url = format!("{}/v1/messages", sandbox.addresses().claude);
    let refused = |headers: &[(&str, &str)]| {
        let reply = send("POST", &url, headers, &request().to_string());
        let body = reply.json();
        assert_eq!(reply.header("request-id"), body["request_id"].as_str());
        (reply.status, body["error"]["type"].as_str().unwrap().to_owned())
    };
    let [key, version, json] = [headers()[0], headers()[1], headers()[2]];
    assert_eq!(refused(&[version, json]), (401, "authentication_error".to_owned()));
    assert_eq!(refused(&[("x-api-key", "wrong"), version, json]), (401, "authentication_error".to_owned()));
    assert_eq!(refused(&[key, json]), (400, "invalid_request_error".to_owned()));
    assert_eq!(
        refused(&[key, ("anthropic-version", "2024-01-01"), json]),
        (400, "invalid_request_error".to_owned())
    );
    assert_eq!(
        refused(&[key, version, ("content-type", "text/plain")]),
        (400, "invalid_request_error".to_owned())
    );
    let bearer = ("authorization", concat!("Bearer ", "sk-ant-sandbox-0001"));
    assert_eq!(
        send("POST", &url, &[bearer, ("anthropic-version", "2026-10-21"), json], &request().to_string())
            .status,
        200
    );
}

#[test]
fn what_newer_models_refuse_is_refused() {
    let sandbox = few();
    let refused = |pointer: &str, value: Value| {
        let mut body = request();
        body[pointer] = value;
        let reply = post(&sandbox, &body);
        (reply.status, reply.json()["error"]["message"].as_str().unwrap_or_default().to_owned())
    };
    for (key, value) in
        [("temperature", json!(1.0)), ("top_p", json!(0.9)), ("top_k", json!(5)), ("surprise", json!(1))]
    {
        assert_eq!(refused(key, value), (400, format!("{key}: Extra inputs are not permitted")));
    }
    assert_eq!(refused("thinking", json!({"type": "disabled"})).0, 400);
    assert_eq!(refused("thinking", json!({"type": "enabled", "budget_tokens": 1000})).0, 400);
    assert_eq!(refused("thinking", json!({"type": "adaptive"})).0, 200);
    assert_eq!(refused("tool_choice", json!({"type": "any"})).0, 400);
    assert_eq!(refused("max_tokens", json!(200_000)).0, 400);
    assert_eq!(refused("max_tokens", Value::Null).0, 400);
    let message = refused(
        "output_config",
        json!({"format": {"type": "json_schema", "schema": {"type": "integer", "maximum": 100}}}),
    )
    .1;
    assert!(message.contains("maximum"), "{message}");
    assert_eq!(refused("output_config", json!({"effort": "least"})).0, 400);
    let prefill = json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "["}]);
    assert!(refused("messages", prefill).1.contains("prefill"));
    assert_eq!(refused("messages", json!([])).0, 400);
    assert_eq!(
        refused("model", json!("claude-sonnet-4-20250514")),
        (404, "model: claude-sonnet-4-20250514".to_owned())
    );
    let mut haiku = request();
    haiku["model"] = json!("claude-haiku-5-5");
    haiku["thinking"] = json!({"type": "disabled"});
    assert_eq!(post(&sandbox, &haiku).status, 200);
    haiku["model"] = json!("claude-haiku-4-5");
    assert!(post(&sandbox, &haiku).json()["error"]["message"].as_str().unwrap().contains("effort"));
}

#[test]
fn models_are_described_and_retired_ones_are_gone() {
    let sandbox = few();
    let get =
        |id: &str| send("GET", &format!("{}/v1/models/{id}", sandbox.addresses().claude), &headers(), "");
    let model = get("claude-sonnet-5-5").json();
    assert_eq!(
        (&model["lifecycle"], &model["capabilities"]["effort"]["supported"]),
        (&json!("active"), &json!(true))
    );
    assert_eq!(get("claude-haiku-4-5").json()["capabilities"]["effort"]["supported"], false);
    let ending = get("claude-sonnet-4-5").json();
    assert_eq!(
        (&ending["lifecycle"], &ending["retires_at"]),
        (&json!("deprecated"), &json!("2026-11-30T00:00:00Z"))
    );
    let gone = get("claude-sonnet-4-20250514");
    assert_eq!((gone.status, &gone.json()["error"]["type"]), (404, &json!("not_found_error")));
}

#[test]
fn every_mode_spoils_the_answer_in_its_way() {
    let sandbox = few();
    let answer = |mode: &str| {
        set_mode(&sandbox, mode, false);
        post(&sandbox, &request())
    };
    let changed = |at: usize, value: Value| {
        let mut list = right();
        list[at] = value;
        list
    };
    assert_eq!(text(&answer("bare_array")), "[0,10,50,70,100]");
    let fenced = text(&answer("fenced"));
    let inner = fenced.strip_prefix("```json\n").and_then(|rest| rest.strip_suffix("\n```")).unwrap();
    assert_eq!(percentiles(inner), right());
    assert_eq!(percentiles(&text(&answer("count_minus_1"))).len(), 4);
    assert_eq!(percentiles(&text(&answer("count_plus_2"))).len(), 7);
    assert_eq!(percentiles(&text(&answer("reversed"))), right().into_iter().rev().collect::<Vec<_>>());
    assert_eq!(percentiles(&text(&answer("off_by_one"))), changed(2, json!(51)));
    assert_eq!(percentiles(&text(&answer("off_by_two"))), changed(2, json!(52)));
    assert_eq!(percentiles(&text(&answer("p_101"))), changed(4, json!(101)));
    assert_eq!(percentiles(&text(&answer("floats")))[1], 10.5);
    assert!(serde_json::from_str::<Value>(&text(&answer("prose"))).is_err());
    assert_eq!(answer("empty_content").json()["content"], json!([]));
    let cut = answer("max_tokens");
    assert_eq!(cut.json()["stop_reason"], "max_tokens");
    assert!(serde_json::from_str::<Value>(&text(&cut)).is_err());
    let refusal = answer("refusal").json();
    assert_eq!(refusal["stop_reason"], "refusal");
    assert!(refusal["stop_details"]["explanation"].is_string());
    assert_eq!(answer("unknown_stop").json()["stop_reason"], "paused_for_review");
    for (mode, reason) in
        [("pause_turn", "pause_turn"), ("context_exceeded", "model_context_window_exceeded")]
    {
        let broken = answer(mode);
        assert_eq!(broken.json()["stop_reason"], reason);
        assert!(serde_json::from_str::<Value>(&text(&broken)).is_err());
    }
    let plain = answer("without_thinking");
    assert_eq!((&plain.json()["content"][0]["type"], percentiles(&text(&plain))), (&json!("text"), right()));
    let hostile = text(&answer("hostile_note"));
    assert_eq!(percentiles(&hostile), right());
    let note = serde_json::from_str::<Value>(&hostile).unwrap()["notes"].as_str().unwrap().to_owned();
    assert!(note.len() > 1000 && note.contains("<script>") && note.contains('\u{1b}'), "{note}");
    assert_eq!(percentiles(&text(&post(&sandbox, &request()))), right());
    assert_eq!(control(&sandbox, "POST", "/control/claude/mode", &json!({"mode": "drunk"})).status, 400);
}

#[test]
fn a_correction_is_answered_well_unless_the_mode_stays() {
    let sandbox = few();
    let mut correction = request();
    let prompt = correction["messages"][0]["content"].as_str().unwrap().to_owned();
    correction["messages"][0]["content"] = json!(format!(
        "{prompt}\n\nYour answer was rejected by a check: row 2: 52 is wrong. Return the complete corrected JSON."
    ));
    set_mode(&sandbox, "reversed", false);
    assert_eq!(percentiles(&text(&post(&sandbox, &correction))), right());
    set_mode(&sandbox, "reversed", true);
    assert_ne!(percentiles(&text(&post(&sandbox, &request()))), right());
    assert_ne!(percentiles(&text(&post(&sandbox, &correction))), right());
}

#[test]
fn too_few_tokens_cut_the_answer_and_without_a_schema_it_is_fenced() {
    let sandbox = few();
    let mut body = request();
    body["max_tokens"] = json!(10);
    let reply = post(&sandbox, &body).json();
    assert_eq!((&reply["stop_reason"], &reply["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(10)));
    let mut plain = request();
    plain.as_object_mut().unwrap().remove("output_config");
    assert!(text(&post(&sandbox, &plain)).starts_with("```json"));
    plain["messages"][0]["content"] = json!("hello");
    assert!(text(&post(&sandbox, &plain)).contains("could not find"));
}

#[test]
fn an_overloaded_reply_can_be_planted() {
    let sandbox = few();
    let body =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}).to_string();
    let effect =
        Effect::Status { status: 529, body, headers: vec![("request-id".to_owned(), "req_1".to_owned())] };
    sandbox.faults().add(Fault::new(Service::Claude, effect));
    let reply = post(&sandbox, &request());
    assert_eq!((reply.status, reply.header("request-id")), (529, Some("req_1")));
    assert_eq!(post(&sandbox, &request()).status, 200);
}
