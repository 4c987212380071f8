//! What is repeated, how often, and what is not.

use crate::support::{error, good, rank, rank_with, settings, sketch};
use claude::{ClaudeClient, ClaudeError, RejectionKind};
use domain::ranking::RankingReport;
use domain::{Cancel, Explain};
use http_client::TransportFault;
use std::time::Duration;
use testkit::{Reply, ScriptedServer};

fn overloaded() -> Reply {
    error(529, "overloaded_error", "Overloaded")
}

fn busy() -> Reply {
    error(429, "rate_limit_error", "slow down")
}

/// Calls made by a script that ends well.
fn calls(script: Vec<Reply>) -> usize {
    let outcome = rank(script);
    outcome.report();
    outcome.received.len()
}

#[test]
fn passing_faults_are_repeated() {
    assert_eq!(calls(vec![error(500, "api_error", ""), error(500, "api_error", ""), good()]), 3);
    assert_eq!(calls(vec![Reply::Http(502, Vec::new(), "<html>".into()), good()]), 2);
    assert_eq!(calls(vec![error(408, "timeout", ""), good()]), 2);
    assert_eq!(calls(vec![error(409, "conflict_error", ""), good()]), 2);
    assert_eq!(calls(vec![busy(), good()]), 2);
    assert_eq!(calls(vec![Reply::Close, good()]), 2);
    assert_eq!(
        calls(vec![Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec()), good()]),
        2
    );
}

#[test]
fn the_tries_are_three() {
    let outcome = rank(vec![overloaded(), overloaded(), overloaded(), good()]);
    assert_eq!(outcome.received.len(), 3);
    let Err(ClaudeError::Rejected(rejection)) = &outcome.result else { panic!() };
    assert_eq!(rejection.kind, RejectionKind::Trouble);
    assert_eq!(outcome.explanation().provider_code.as_deref(), Some("overloaded_error"));
    assert!(outcome.explanation().remedy.contains("CLAUDE_BASE_URL"));
}

#[test]
fn a_timeout_inside_claude_is_repeated_once() {
    let timeout = || error(504, "timeout_error", "");
    assert_eq!(calls(vec![timeout(), good()]), 2);
    let outcome = rank(vec![timeout(), timeout(), good()]);
    assert_eq!(outcome.received.len(), 2);
    assert!(outcome.result.is_err());
}

#[test]
fn the_named_wait_is_honoured_in_every_form() {
    // The policy's own waits are an hour here: only the named ones let these scripts end.
    for (name, value) in [("retry-after", "1"), ("retry-after", "0.01"), ("retry-after-ms", "10")] {
        let outcome = rank_with(vec![busy().with_header(name, value), good()], |settings| {
            settings.retry.first_wait = Duration::from_secs(3600);
            settings.retry.longest_wait = Duration::from_secs(3600);
        });
        assert_eq!(outcome.received.len(), 2, "{name}: {value}");
        outcome.report();
    }
    let dated = busy()
        .with_header("date", "Sat, 21 Nov 2026 10:00:00 GMT")
        .with_header("retry-after", "Sat, 21 Nov 2026 10:00:01 GMT");
    let outcome = rank_with(vec![dated, good()], |settings| {
        settings.retry.first_wait = Duration::from_secs(3600);
        settings.retry.longest_wait = Duration::from_secs(3600);
    });
    outcome.report();
}

#[test]
fn an_unreadable_wait_falls_back_to_the_policy() {
    for value in ["soon", "-5", "NaN", "Sat, 21 Nov 2026 10:00:00 GMT"] {
        assert_eq!(calls(vec![busy().with_header("retry-after", value), good()]), 2, "{value}");
    }
}

#[test]
fn the_server_can_forbid_and_demand_a_repetition() {
    let outcome = rank(vec![overloaded().with_header("x-should-retry", "false"), good()]);
    assert_eq!(outcome.received.len(), 1);
    assert!(outcome.result.is_err());
    assert_eq!(
        calls(vec![error(400, "invalid_request_error", "").with_header("x-should-retry", "true"), good()]),
        2
    );
}

#[test]
fn silence_is_a_timeout_and_is_repeated() {
    let silence = || Reply::Silence(Duration::from_secs(5));
    let outcome = rank_with(vec![silence(), silence(), silence(), good()], |settings| {
        settings.total_timeout = Duration::from_millis(100);
    });
    assert_eq!(outcome.received.len(), 3);
    let Err(ClaudeError::Transport(error)) = &outcome.result else { panic!() };
    assert_eq!(error.fault, TransportFault::Timeout);
    assert!(outcome.explanation().message.starts_with("Claude did not answer in time"));
}

#[test]
fn nobody_at_the_address_is_explained() {
    let nowhere = "http://127.0.0.1:1";
    let error = ClaudeClient::new(settings(nowhere))
        .rank(&sketch(), &Cancel::new(), &mut RankingReport::default())
        .unwrap_err();
    assert_eq!(error.explain().message, "Claude can not be reached, so the values could not be ranked.");
    assert!(error.explain().remedy.contains("CLAUDE_BASE_URL"));
}

#[test]
fn a_cancelled_run_asks_nothing() {
    let server = ScriptedServer::start(vec![good()]).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let result =
        ClaudeClient::new(settings(server.url())).rank(&sketch(), &cancel, &mut RankingReport::default());
    assert!(matches!(result, Err(ClaudeError::Cancelled(_))));
    assert!(server.received().is_empty());
}
