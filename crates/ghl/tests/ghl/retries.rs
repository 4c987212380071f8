//! What is repeated, how often, and how calls are spaced.

use crate::support::{Stage, contacts, count_fails, ids, page, refusal};
use domain::Cancel;
use ghl::{ContactQuery, GhlError, Meaning};
use http_client::TransportFault;
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::Reply;

fn busy() -> Reply {
    refusal(429, &json!("Too Many Requests"))
}

fn good() -> Reply {
    page(&contacts(0..1), 7)
}

/// Calls made by a script that ends well.
fn calls(script: Vec<Reply>) -> usize {
    let stage = Stage::new(script);
    assert_eq!(stage.client.contact_count(&ContactQuery::all(), &Cancel::new()).unwrap(), 7);
    stage.received().len()
}

#[test]
fn passing_faults_are_repeated() {
    for status in [408, 500, 502, 503, 504, 520] {
        assert_eq!(calls(vec![refusal(status, &json!("x")), good()]), 2, "{status}");
    }
    assert_eq!(calls(vec![Reply::Http(502, Vec::new(), "<html>".into()), good()]), 2);
    assert_eq!(calls(vec![Reply::Close, good()]), 2);
    assert_eq!(
        calls(vec![Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{".to_vec()), good()]),
        2
    );
    assert_eq!(calls(vec![busy(), busy(), good()]), 3);
}

#[test]
fn the_tries_are_bounded() {
    let trouble = || refusal(503, &json!("down"));
    let failed = count_fails(vec![trouble(), trouble(), trouble(), good()]);
    assert_eq!((failed.meaning, failed.calls), (Meaning::Trouble, 3));
}

#[test]
fn a_page_that_fails_in_passing_is_repeated_and_not_skipped() {
    let trouble = || refusal(500, &json!("x"));
    let stage = Stage::new(vec![page(&contacts(0..2), 3), trouble(), Reply::Close, page(&contacts(2..3), 3)]);
    assert_eq!(stage.ids(), ["c0", "c1", "c2"]);
    assert_eq!(stage.body(1), stage.body(3), "the same page is asked for again");
}

#[test]
fn a_page_that_keeps_failing_fails_the_list() {
    let trouble = || refusal(500, &json!("x"));
    let stage =
        Stage::new(vec![page(&contacts(0..2), 3), trouble(), trouble(), trouble(), page(&contacts(2..3), 3)]);
    let (pages, result) = stage.read();
    assert_eq!(ids(&pages), ["c0", "c1"]);
    assert!(matches!(result, Err(GhlError::Refused(_))));
}

#[test]
fn the_server_names_the_wait_after_too_many_calls() {
    // The policy's own waits are an hour here: only the named one lets the script end.
    let script = vec![busy().with_header("X-RateLimit-Interval-Milliseconds", "20"), good()];
    let stage = Stage::with(script, |settings| {
        settings.retry.first_wait = Duration::from_secs(3600);
        settings.retry.longest_wait = Duration::from_secs(3600);
    });
    assert_eq!(stage.client.contact_count(&ContactQuery::all(), &Cancel::new()).unwrap(), 7);
    assert_eq!(stage.received().len(), 2);
}

#[test]
fn used_up_days_are_not_retried() {
    let used_up = busy()
        .with_header("X-RateLimit-Daily-Remaining", "0")
        .with_header("X-RateLimit-Interval-Milliseconds", "10");
    let failed = count_fails(vec![used_up, good()]);
    assert_eq!((failed.meaning, failed.calls), (Meaning::DailyLimit, 1));
    assert!(failed.explanation.remedy.starts_with("Run again tomorrow."));
    assert_eq!(calls(vec![busy().with_header("X-RateLimit-Daily-Remaining", "10"), good()]), 2);
}

#[test]
fn silence_is_a_timeout_and_is_repeated() {
    let silence = || Reply::Silence(Duration::from_secs(5));
    let stage = Stage::with(vec![silence(), silence(), silence(), good()], |settings| {
        settings.total_timeout = Duration::from_millis(100);
    });
    let error = stage.client.tags(&Cancel::new()).unwrap_err();
    assert_eq!(stage.received().len(), 3);
    assert!(matches!(error, GhlError::Transport(error) if error.fault == TransportFault::Timeout));
}

#[test]
fn all_calls_of_a_client_share_one_window() {
    let window = Duration::from_millis(60);
    let stage = Stage::with(
        vec![good(), Reply::json(200, r#"{"tags":[]}"#), refusal(500, &json!("x")), good()],
        |settings| {
            settings.window_calls = 1;
            settings.window = window;
        },
    );
    let (begun, cancel) = (Instant::now(), Cancel::new());
    stage.client.contact_count(&ContactQuery::all(), &cancel).unwrap();
    stage.client.tags(&cancel).unwrap();
    stage.client.contact_count(&ContactQuery::all(), &cancel).unwrap();
    // Three calls and one repetition: three waits. A slow machine can only make it longer.
    assert!(begun.elapsed() >= 3 * window);
    assert_eq!(stage.received().len(), 4);
}

#[test]
fn a_call_that_waits_for_its_place_ends_when_the_run_is_cancelled() {
    let stage = Stage::with(vec![good()], |settings| {
        settings.window_calls = 1;
        settings.window = Duration::from_secs(3600);
    });
    let cancel = Cancel::new();
    stage.client.contact_count(&ContactQuery::all(), &cancel).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| stage.client.contact_count(&ContactQuery::all(), &cancel));
        cancel.cancel();
        assert!(matches!(second.join().unwrap(), Err(GhlError::Cancelled(_))));
    });
}

#[test]
fn a_cancelled_run_reads_no_page() {
    let stage = Stage::new(vec![good()]);
    let cancel = Cancel::new();
    cancel.cancel();
    let result =
        stage.client.read_contacts(&ContactQuery::all(), "f1", &cancel, &mut |_, _| panic!("a page"));
    assert!(matches!(result, Err(GhlError::Cancelled(_))));
    assert!(stage.received().is_empty());
}
