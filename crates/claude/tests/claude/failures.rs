//! Errors that end the run: each by its meaning, with a remedy that names the setting.

use crate::support::{KEY, error, good, rank, rank_with, says};
use claude::{ClaudeError, RejectionKind};
use serde_json::json;
use testkit::Reply;

/// Kind, calls made, message and remedy of a script that must fail.
fn failed(script: Vec<Reply>) -> (RejectionKind, usize, String, String) {
    let outcome = rank(script);
    let kind = match &outcome.result {
        Err(ClaudeError::Rejected(rejection)) => rejection.kind,
        other => panic!("{other:?}"),
    };
    let explanation = outcome.explanation();
    (kind, outcome.received.len(), explanation.message, explanation.remedy)
}

#[test]
fn each_documented_error_has_its_own_meaning_and_is_not_retried() {
    for (status, word, kind, setting) in [
        (400, "invalid_request_error", RejectionKind::Invalid, "CLAUDE_MODEL"),
        (401, "authentication_error", RejectionKind::Key, "CLAUDE_API_KEY"),
        (402, "billing_error", RejectionKind::Billing, "CLAUDE_API_KEY"),
        (403, "permission_error", RejectionKind::Permission, "CLAUDE_API_KEY"),
        (404, "not_found_error", RejectionKind::UnknownModel, "CLAUDE_MODEL"),
        (413, "request_too_large", RejectionKind::TooLarge, "CLAUDE_BASE_URL"),
    ] {
        let outcome =
            rank(vec![error(status, word, "some words"), error(404, "not_found_error", ""), good()]);
        let questions = outcome.received.iter().filter(|call| call.target == "/v1/messages").count();
        assert_eq!(questions, 1, "{word}");
        let Err(ClaudeError::Rejected(rejection)) = &outcome.result else { panic!("{word}") };
        assert_eq!((rejection.kind, rejection.status), (kind, status));
        let explanation = outcome.explanation();
        assert!(explanation.message.ends_with("Claude's words: \"some words\""), "{}", explanation.message);
        assert!(explanation.remedy.contains(setting), "{}", explanation.remedy);
        assert_eq!(explanation.provider_code.as_deref(), Some(word));
        assert_eq!(explanation.trace_id.as_deref(), Some("req_error"));
    }
}

#[test]
fn the_type_and_the_code_decide_before_the_status() {
    assert_eq!(failed(vec![error(400, "authentication_error", "")]).0, RejectionKind::Key);
    assert_eq!(failed(vec![error(400, "a_new_type", "")]).0, RejectionKind::Invalid);
    assert_eq!(failed(vec![error(401, "a_new_type", "")]).0, RejectionKind::Key);
}

#[test]
fn a_retired_model_names_its_date_and_successor() {
    let outcome =
        rank_with(vec![error(404, "not_found_error", "model: claude-sonnet-4-20250514")], |settings| {
            settings.model = "claude-sonnet-4-20250514".to_owned();
        });
    let explanation = outcome.explanation();
    assert!(explanation.message.starts_with(
        "The model claude-sonnet-4-20250514 is no longer available: Anthropic's date for its retirement is 2026-06-15."
    ));
    assert_eq!(explanation.remedy, "Set CLAUDE_MODEL=claude-sonnet-5-5 and restart.");
    assert_eq!(outcome.received.len(), 1, "the day is known");
}

#[test]
fn the_models_api_is_asked_for_the_day_of_a_model_that_retired_since() {
    let gone = || error(404, "not_found_error", "model: claude-sonnet-5-5");
    let retired = r#"{"id":"claude-sonnet-5-5","lifecycle":"retired","retires_at":"2028-01-31T00:00:00Z"}"#;
    let outcome = rank(vec![gone(), Reply::json(200, retired)]);
    assert_eq!(outcome.received[1].target, "/v1/models/claude-sonnet-5-5");
    let explanation = outcome.explanation();
    assert!(explanation.message.contains("retirement is 2028-01-31."), "{}", explanation.message);
    assert!(
        explanation.remedy.contains("models/overview") && !explanation.remedy.contains("=claude-sonnet-5-5"),
        "the model that is gone is no advice: {}",
        explanation.remedy
    );

    for unknown in [gone(), Reply::json(200, retired.replace("retired", "active"))] {
        let explanation = rank(vec![gone(), unknown]).explanation();
        assert!(explanation.message.contains("may be retired or misspelt"), "{}", explanation.message);
        assert_eq!(explanation.provider_code.as_deref(), Some("not_found_error"));
    }
}

#[test]
fn a_model_whose_end_is_announced_ranks_with_a_warning() {
    let outcome = rank_with(vec![good()], |settings| settings.model = "claude-sonnet-4-5".to_owned());
    let [warning] = outcome.report().warnings.as_slice() else { panic!("{:?}", outcome.report()) };
    assert!(warning.contains("claude-sonnet-4-5 on 2026-11-30"), "{warning}");
    assert!(warning.contains("CLAUDE_MODEL=claude-sonnet-5-5"), "{warning}");
    assert_eq!(rank(vec![good()]).report().warnings, Vec::<String>::new());
}

#[test]
fn spending_limits_are_never_retried() {
    for code in ["enforced_spend_limit_reached", "contract_spend_limit_reached", "ramp_limit_exceeded"] {
        let body = json!({"type": "error", "error": {
            "type": "rate_limit_error", "message": "limit", "details": {"error_code": code}}});
        let limit = Reply::json(429, body.to_string()).with_header("x-should-retry", "true");
        let (kind, calls, message, _) = failed(vec![limit, good()]);
        assert_eq!((kind, calls), (RejectionKind::SpendLimit, 1), "{code}");
        assert!(message.starts_with("The spending limit of your Claude account is reached."));
    }
    let own = error(400, "invalid_request_error", "You have reached your specified API usage limits. Wait.");
    assert_eq!(failed(vec![own]).0, RejectionKind::SpendLimit);
}

#[test]
fn an_account_without_credit_has_a_problem_with_its_payment_not_with_the_model() {
    let words = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to \
                 upgrade or purchase credits.";
    let (kind, calls, message, remedy) = failed(vec![error(400, "invalid_request_error", words), good()]);
    assert_eq!((kind, calls), (RejectionKind::Billing, 1));
    assert!(message.contains("payment") && message.contains("credit balance is too low"), "{message}");
    assert!(remedy.contains("Check billing") && !remedy.contains("CLAUDE_MODEL"), "{remedy}");
}

#[test]
fn html_instead_of_json_is_understood_by_its_status() {
    let html =
        |status| Reply::Http(status, vec![("content-type", "text/html".into())], "<html>no</html>".into());
    let (kind, calls, message, _) = failed(vec![html(413), good()]);
    assert_eq!((kind, calls), (RejectionKind::TooLarge, 1));
    assert!(!message.contains("html"), "{message}");
    for status in [301, 400, 401, 402, 403, 404, 405] {
        let (kind, calls, message, _) = failed(vec![html(status), good()]);
        assert_eq!((kind, calls), (RejectionKind::NotClaude, 1), "{status}");
        assert!(message.contains(&format!("with status {status}.")), "{message}");
    }
    for (status, kind) in [(429, RejectionKind::RateLimit), (503, RejectionKind::Trouble)] {
        assert_eq!(failed(vec![html(status), html(status), html(status)]).0, kind);
    }
    assert!(failed(vec![html(404)]).3.contains("CLAUDE_BASE_URL"));

    let outcome = rank(vec![html(200), good()]);
    assert!(matches!(outcome.result, Err(ClaudeError::Unreadable { .. })));
    assert!(outcome.explanation().remedy.contains("CLAUDE_BASE_URL"));
    assert_eq!(outcome.received.len(), 1);
}

#[test]
fn hostile_words_are_cut_and_never_hold_the_key() {
    let words = format!("{KEY}\u{1b}[31m\r\n{}", "xy ".repeat(50_000));
    let outcome = rank(vec![error(401, "authentication_error", &words)]);
    let explanation = outcome.explanation();
    assert!(explanation.message.contains("\"*** [31m xy xy"), "{}", explanation.message);
    assert!(explanation.message.len() < 500);
    let everything = format!("{:?} {explanation:?}", outcome.result);
    assert!(!everything.contains(KEY) && !everything.contains('\u{1b}'));
}

#[test]
fn a_key_that_can_not_be_sent_is_explained() {
    let outcome = rank_with(vec![good()], |settings| settings.api_key = domain::Secret::new("two\nlines"));
    assert!(outcome.received.is_empty());
    let explanation = outcome.explanation();
    assert!(explanation.remedy.contains("CLAUDE_API_KEY"), "{explanation:?}");
    assert!(!format!("{:?} {explanation:?}", outcome.result).contains("two"));
}

#[test]
fn what_a_model_does_not_take_is_left_out_step_by_step() {
    let refusal = |words: &str| error(400, "invalid_request_error", words);
    let effort = || refusal("output_config.effort: This model does not support the effort parameter.");
    let schema = || refusal("output_config.format: not supported by this model");

    let without_effort = rank(vec![effort(), good()]);
    let (first, second) = (without_effort.body(0), without_effort.body(1));
    assert_eq!(second["output_config"]["format"], first["output_config"]["format"]);
    assert!(second["output_config"].get("effort").is_none());
    assert_eq!((&second["system"], &second["messages"]), (&first["system"], &first["messages"]));
    assert_eq!((without_effort.report().retries, without_effort.report().corrections), (1, 0));

    for script in [vec![schema(), good()], vec![effort(), schema(), good()]] {
        let plain = rank(script);
        let last = plain.body(plain.received.len() - 1);
        assert!(last.get("output_config").is_none(), "{last}");
        assert!(last["system"].as_str().unwrap().contains("Return only JSON"));
        assert_eq!(last["messages"], first["messages"]);
        plain.report();
    }

    let never = rank(vec![effort(), schema(), schema(), good()]);
    assert!(matches!(never.result, Err(ClaudeError::Rejected(_))));
    assert_eq!(never.received.len(), 3);
}

#[test]
fn a_ranking_that_failed_tells_what_it_asked_and_what_that_cost() {
    let wrong = says("[1, 2]");
    let outcome = rank(vec![error(500, "api_error", ""), wrong.clone(), wrong]);
    assert!(matches!(outcome.result, Err(ClaudeError::WrongRanks { .. })));
    let report = &outcome.report;
    assert_eq!((report.retries, report.corrections, report.max_deviation), (1, 1, None));
    assert_eq!(report.request_ids, ["req_error", "req_ok", "req_ok"]);
    assert_eq!((report.input_tokens, report.output_tokens), (2 * 2029, 2 * 1139));
    assert_eq!(report.cost.unwrap().to_string(), "0.030896");
    assert_eq!(report.problems, ["expected 101 rows, got 2"]);

    let refused = rank(vec![error(401, "authentication_error", "")]).report;
    assert_eq!((refused.model, refused.cost, refused.input_tokens), (None, None, 0));
}
