//! What is repeated, how often, and how long the client waits.

use crate::support::{codes, error, ok, settings, start};
use domain::{Cancel, Explain};
use meta::{ErrorKind, MetaClient, MetaError};
use std::time::{Duration, Instant};
use testkit::{Reply, ScriptedServer};

const GOOD: &str = r#"{"id":"9"}"#;

#[test]
fn passing_faults_are_repeated() {
    let html = Reply::Http(502, vec![("content-type", "text/html".to_owned())], "<html></html>".to_owned());
    for reply in [Reply::Close, html, ok("Service Unavailable"), error(2, None)] {
        let (server, client) = start(vec![reply.clone(), reply, ok(GOOD)]);
        assert_eq!(client.audience("9", &Cancel::new()).unwrap().id, "9");
        assert_eq!(server.received().len(), 3);
    }
}

#[test]
fn repetitions_end() {
    let (server, client) = start((0..9).map(|_| error(2, None)).collect());
    assert_eq!(codes(&client.audience("9", &Cancel::new()).unwrap_err()), (2, None));
    assert_eq!(server.received().len(), 3);
    let (server, client) = start((0..9).map(|_| error(17, None)).collect());
    assert_eq!(codes(&client.audience("9", &Cancel::new()).unwrap_err()), (17, None));
    assert_eq!(server.received().len(), 3);
}

#[test]
fn a_server_that_keeps_silent_is_given_up() {
    let silence = Reply::Silence(Duration::from_secs(5));
    let server = ScriptedServer::start(vec![silence, ok(GOOD)]).unwrap();
    let patience = meta::MetaSettings { total_timeout: Duration::from_millis(300), ..settings(&server) };
    assert_eq!(MetaClient::new(patience).audience("9", &Cancel::new()).unwrap().id, "9");
    assert_eq!(server.received().len(), 2);
}

#[test]
fn an_unknown_code_is_decided_by_is_transient() {
    let unknown = |transient: bool| {
        Reply::json(
            400,
            format!(r#"{{"error":{{"message":"new","code":424242,"is_transient":{transient}}}}}"#),
        )
    };
    let (server, client) = start(vec![unknown(true), ok(GOOD)]);
    client.audience("9", &Cancel::new()).unwrap();
    assert_eq!(server.received().len(), 2);
    let (server, client) = start(vec![unknown(false), ok(GOOD)]);
    let error = client.audience("9", &Cancel::new()).unwrap_err();
    assert_eq!((error.api().unwrap().kind(), server.received().len()), (ErrorKind::UserMustAct, 1));
    assert!(error.explain().message.ends_with("Meta says: new"), "{error:?}");
}

#[test]
fn is_transient_does_not_overrule_a_known_code() {
    let expired = r#"{"error":{"message":"expired","code":190,"error_subcode":463,"is_transient":true}}"#;
    let (server, client) = start(vec![Reply::json(400, expired), ok(GOOD)]);
    assert_eq!(codes(&client.audience("9", &Cancel::new()).unwrap_err()), (190, Some(463)));
    assert_eq!(server.received().len(), 1);
}

#[test]
fn the_wait_meta_names_is_kept() {
    let throttled =
        |header: &'static str, text: &str| error(80_003, Some(2_446_079)).with_header(header, text);
    for reply in [
        throttled("X-Ad-Account-Usage", r#"{"acc_id_util_pct":100,"reset_time_duration":0.05}"#),
        throttled(
            "X-Business-Use-Case-Usage",
            r#"{"77":[{"type":"custom_audience","call_count":100,"estimated_time_to_regain_access":0.001}]}"#,
        ),
    ] {
        let (server, client) = start(vec![reply, ok(GOOD)]);
        let begun = Instant::now();
        client.audience("9", &Cancel::new()).unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(50), "the policy alone waits at most 4 ms");
        assert_eq!(server.received().len(), 2);
    }
}

#[test]
fn a_wait_beyond_the_longest_is_not_waited_for_but_told() {
    let usage =
        r#"{"77":[{"type":"custom_audience","call_count":100,"estimated_time_to_regain_access":28}]}"#;
    let (server, client) =
        start(vec![error(80_003, Some(2_446_079)).with_header("X-Business-Use-Case-Usage", usage), ok(GOOD)]);
    let error = client.audience("9", &Cancel::new()).unwrap_err();
    assert_eq!(error.api().unwrap().kind(), ErrorKind::Wait(Some(Duration::from_secs(28 * 60))));
    assert_eq!(server.received().len(), 1);
    let message = error.explain().message;
    assert!(
        message.ends_with("Meta asks this program to slow down. It names a wait of about 28 min."),
        "{message}"
    );
}

#[test]
fn a_wait_nobody_named_is_not_told() {
    let (_server, client) = start(vec![error(368, None)]);
    let message = client.audience("9", &Cancel::new()).unwrap_err().explain().message;
    assert!(message.ends_with("Meta blocked this action for now. Meta says: words of Meta"), "{message}");
}

#[test]
fn a_cancelled_run_sends_nothing() {
    let (server, client) = start(vec![ok(GOOD)]);
    let cancel = Cancel::new();
    cancel.cancel();
    let error = client.audience("9", &cancel).unwrap_err();
    assert!(matches!(error, MetaError::Cancelled(_)), "{error:?}");
    assert!(server.received().is_empty());
}
