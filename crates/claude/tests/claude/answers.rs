//! Answers that are accepted, corrected or refused.

use crate::support::{KEY, answer, exact_ranks, good, message, rank, ranks, says, stopped};
use claude::ClaudeError;
use serde_json::{Value, json};
use testkit::Reply;

#[test]
fn every_form_of_a_right_answer_is_accepted_at_once() {
    let object = answer(&exact_ranks());
    let array = serde_json::to_string(&exact_ranks()).unwrap();
    let mut without_thinking = message(&object);
    without_thinking["content"] = json!([{"type": "text", "text": object}]);
    let mut in_two_blocks = message("");
    in_two_blocks["content"] =
        json!([{"type": "text", "text": &object[..40]}, {"type": "text", "text": &object[40..]}]);
    for reply in [
        good(),
        says(&array),
        says(&format!("```json\n{object}\n```")),
        Reply::json(200, without_thinking.to_string()),
        Reply::json(200, in_two_blocks.to_string()),
    ] {
        let outcome = rank(vec![reply]);
        assert_eq!((outcome.report().corrections, outcome.received.len()), (0, 1));
    }
}

#[test]
fn every_wrong_answer_is_quoted_back_once_and_fails_when_it_comes_again() {
    let wrong: Vec<(&str, String)> = vec![
        ("a row missing", answer(&ranks(|r| r.truncate(100)))),
        ("two rows too many", answer(&ranks(|r| r.extend([100, 100])))),
        ("reversed", answer(&ranks(|r| r.reverse()))),
        ("beyond 100", answer(&ranks(|r| r[100] = 101))),
        ("the top not 100", answer(&ranks(|r| r[100] = 99))),
        ("shifted by two", answer(&ranks(|r| r.iter_mut().for_each(|p| *p = (*p + 2).min(100))))),
        ("floats", answer(&exact_ranks()).replace("\"p\":50}", "\"p\":50.5}")),
        ("strings", answer(&exact_ranks()).replace("\"p\":50}", "\"p\":\"50\"}")),
        ("an id twice", answer(&exact_ranks()).replace("\"i\":50,", "\"i\":51,")),
        ("prose", "The ranks run from 0 to 100.".to_owned()),
        ("nothing", String::new()),
    ];
    for (what, text) in wrong {
        let outcome = rank(vec![says(&text), says(&text)]);
        assert_eq!(outcome.received.len(), 2, "{what}");
        match &outcome.result {
            Err(ClaudeError::WrongRanks { problems, request_ids }) => {
                assert!(!problems.is_empty() && *request_ids == ["req_ok", "req_ok"], "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
        let explanation = outcome.explanation();
        assert!(
            explanation.remedy.contains("CLAUDE_MODEL") && explanation.remedy.contains("NORMALIZER=local")
        );
        assert_eq!(explanation.trace_id.as_deref(), Some("req_ok, req_ok"));

        let corrected = rank(vec![says(&text), good()]);
        assert_eq!(corrected.report().corrections, 1, "{what}");
    }
}

#[test]
fn empty_content_is_a_wrong_answer() {
    let mut empty = message("");
    empty["content"] = json!([]);
    let outcome = rank(vec![Reply::json(200, empty.to_string()), good()]);
    assert_eq!(outcome.report().corrections, 1);
}

#[test]
fn the_correction_is_one_message_with_the_question_the_answer_and_the_mistakes() {
    let wrong = answer(&ranks(|r| r[41] = 39));
    let outcome = rank(vec![says(&wrong), good()]);
    let content = |at: usize| outcome.body(at)["messages"][0]["content"].as_str().unwrap().to_owned();
    let rest = content(1).strip_prefix(&content(0)).unwrap().to_owned();
    assert!(rest.contains(&wrong));
    assert!(rest.contains(
        "Your answer was rejected by a check: row 41: 39 is lower than the previous row (40); row 41: "
    ));
    assert!(rest.ends_with(". Return the complete corrected JSON."));
    assert_eq!(outcome.body(1)["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(outcome.body(1)["output_config"], outcome.body(0)["output_config"]);

    let report = outcome.report();
    assert_eq!((report.input_tokens, report.output_tokens), (2 * 2029, 2 * 1139), "both calls are counted");
    assert_eq!(report.request_ids.len(), 2);
    assert_eq!(report.cost.unwrap().to_string(), "0.030896", "4,058 x 2 USD and 2,278 x 10 USD per million");
    assert_eq!(report.problems.len(), 2, "what was wrong is kept");
}

#[test]
fn one_rank_of_difference_is_tolerated_only_after_a_correction() {
    let off_by_one = answer(&ranks(|r| r[50] += 1));
    let outcome = rank(vec![says(&off_by_one), says(&off_by_one)]);
    assert_eq!(outcome.received.len(), 2);
    assert_eq!((outcome.report().corrections, outcome.report().max_deviation), (1, Some(1)));

    let exact_after_all = rank(vec![says(&off_by_one), good()]);
    assert_eq!((exact_after_all.report().corrections, exact_after_all.report().max_deviation), (1, Some(0)));

    let worse = rank(vec![says(&off_by_one), says(&answer(&ranks(|r| r[50] += 2)))]);
    assert!(matches!(worse.result, Err(ClaudeError::WrongRanks { .. })));
}

#[test]
fn an_answer_that_is_cut_off_is_asked_for_once_more_with_twice_the_room() {
    let outcome = rank(vec![stopped("max_tokens"), good()]);
    assert_eq!(
        (outcome.body(0)["max_tokens"].as_u64(), outcome.body(1)["max_tokens"].as_u64()),
        (Some(8192), Some(16384))
    );
    assert_eq!((outcome.report().corrections, outcome.report().input_tokens), (0, 2 * 2029));

    let outcome = rank(vec![stopped("max_tokens"), stopped("max_tokens"), good()]);
    assert!(matches!(outcome.result, Err(ClaudeError::CutOff { .. })));
    assert_eq!(outcome.received.len(), 2);
    assert_eq!(outcome.explanation().trace_id.as_deref(), Some("req_stop, req_stop"));
}

#[test]
fn refusals_and_unknown_stop_reasons_end_the_run_even_with_right_ranks() {
    let mut refusal = message(&answer(&exact_ranks()));
    refusal["stop_reason"] = json!("refusal");
    refusal["stop_details"] = json!({"type": "refusal", "category": "x", "explanation": "I\nwill\u{7} not"});
    let outcome = rank(vec![Reply::json(200, refusal.to_string())]);
    assert!(matches!(outcome.result, Err(ClaudeError::Declined { .. })));
    assert_eq!(outcome.explanation().provider_code.as_deref(), Some("refusal"));
    assert_eq!(
        outcome.explanation().message,
        "Claude declined to rank the values. Claude's words: \"I will not\""
    );

    for (reason, code, words) in [
        (json!("tool_use"), "tool_use", "(stop_reason `tool_use`)"),
        (json!("stop_sequence"), "stop_sequence", "(stop_reason `stop_sequence`)"),
        (json!("pause_turn"), "pause_turn", "Claude paused before"),
        (json!("model_context_window_exceeded"), "model_context_window_exceeded", "too long for the model"),
        (json!("brand_new"), "brand_new", "(stop_reason `brand_new`)"),
        (Value::Null, "none", "does not say whether it is complete"),
    ] {
        let mut other = message(&answer(&exact_ranks()));
        other["stop_reason"] = reason;
        let outcome = rank(vec![Reply::json(200, other.to_string()), good()]);
        assert!(matches!(outcome.result, Err(ClaudeError::Stopped { .. })), "{code}");
        assert_eq!(outcome.explanation().provider_code.as_deref(), Some(code));
        assert!(outcome.explanation().message.contains(words), "{}", outcome.explanation().message);
        assert_eq!(outcome.received.len(), 1);
    }
}

#[test]
fn a_hostile_note_is_shortened_and_stripped() {
    let rows: Vec<Value> = exact_ranks().iter().enumerate().map(|(i, p)| json!({"i": i, "p": p})).collect();
    let note = format!("a\u{1b}[2J\r\n<script>{}", "xy ".repeat(5000));
    let outcome = rank(vec![says(&json!({"rows": rows, "notes": note}).to_string())]);
    let kept = outcome.report().note.clone().unwrap();
    assert!(kept.starts_with("a [2J <script>xy xy") && kept.chars().count() == 301, "{kept}");

    // It is made of amounts; what looks like a phone number is one of them.
    let amounts = format!("from -1,234,567.89 to 14155550100.00 with {KEY}");
    let told = rank(vec![says(&json!({"rows": rows, "notes": amounts}).to_string())]);
    assert_eq!(told.report().note.as_deref(), Some("from -1,234,567.89 to 14155550100.00 with ***"));

    let silent = rank(vec![says(&json!({"rows": rows, "notes": " \n"}).to_string())]);
    assert_eq!(silent.report().note, None);
}
