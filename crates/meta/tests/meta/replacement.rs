//! Replacing the members of an audience in one session.

use crate::support::{
    MARY, PHONE, RECEIPT, TOKEN, batch, body, bytes, codes, error, line, ok, rows, settings, start,
};
use domain::{Cancel, Explain};
use http_client::{BaseUrl, RetryPolicy};
use meta::{MetaClient, MetaError, MetaSettings, ReplaceRefusal, UploadBatch, UploadReceipt, UserRows};
use serde_json::json;
use std::time::Duration;
use testkit::{Received, Reply, ScriptedServer};

const SESSION: u64 = 653_573_199_724_136_401;

/// What `/sessions` says of a session of so many rows.
fn session(num_received: u64) -> Reply {
    ok(&format!(
        r#"{{"data":[{{"session_id":"{SESSION}","num_received":"{num_received}","num_matched":"-1","num_invalid_entries":"1","stage":"uploading"}}]}}"#
    ))
}

fn no_session() -> Reply {
    ok(r#"{"data":[]}"#)
}

fn first(rows: &UserRows) -> UploadBatch<'_> {
    UploadBatch { last: false, ..batch(rows) }
}

fn later(rows: &UserRows) -> UploadBatch<'_> {
    UploadBatch { batch_seq: 2, last: false, ..batch(rows) }
}

fn from_session(num_received: u64, resent_rows: u64) -> UploadReceipt {
    UploadReceipt {
        num_received,
        num_invalid_entries: 1,
        samples: Vec::new(),
        resent_rows,
        from_session: true,
    }
}

fn replacements(received: &[Received]) -> usize {
    received.iter().filter(|request| request.target.ends_with("/usersreplace")).count()
}

/// Every way in which nobody knows whether Meta carried a call out.
fn doubtful() -> Vec<(&'static str, Reply)> {
    vec![
        ("closed", Reply::Close),
        ("cut", Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"num".to_vec())),
        (
            "html",
            Reply::Http(502, vec![("content-type", "text/html".to_owned())], "<html>sorry</html>".to_owned()),
        ),
        ("1", error(1, None)),
        ("2", error(2, None)),
        ("5000", error(5000, None)),
        ("no counts", ok(r#"{"success":true}"#)),
        ("no success", ok(r#"{"success":false}"#)),
    ]
}

#[test]
fn a_batch_of_a_replacement_is_sent_as_documented() {
    let (server, client) = start(vec![ok(RECEIPT)]);
    let rows = rows();
    let receipt = client.replace_users("9", &first(&rows), &Cancel::new()).unwrap();
    assert_eq!((receipt.num_received, receipt.resent_rows, receipt.from_session), (2, 0, false));
    let request = &server.received()[0];
    assert_eq!(line(request), ("POST".to_owned(), "/v25.0/9/usersreplace".to_owned(), vec![]));
    let expected = json!({
        "access_token": TOKEN,
        "session": {"session_id": SESSION, "batch_seq": 1, "last_batch_flag": false, "estimated_num_total": 2},
        "payload": {
            "is_raw": true,
            "schema": ["EMAIL", "PHONE", "LOOKALIKE_VALUE"],
            "data": [[MARY, "", 85], ["", PHONE, 1]],
        },
    });
    assert_eq!(body(request), expected);
}

#[test]
fn the_first_batch_is_never_sent_twice_but_found_in_its_session() {
    for (name, reply) in doubtful() {
        let (server, client) = start(vec![reply, session(2)]);
        let rows = rows();
        let receipt = client.replace_users("9", &first(&rows), &Cancel::new());
        assert_eq!(receipt.unwrap(), from_session(2, 0), "{name}");
        let received = server.received();
        assert_eq!((replacements(&received), received.len()), (1, 2), "{name}");
        assert!(
            received[1].target.starts_with(&format!("/v25.0/9/sessions?session_id={SESSION}&")),
            "{name}"
        );
    }
}

#[test]
fn a_session_may_show_late() {
    let script = vec![Reply::Close, no_session(), session(1), session(2)];
    let (server, client) = start(script);
    let rows = rows();
    let receipt = client.replace_users("9", &first(&rows), &Cancel::new()).unwrap();
    assert_eq!(
        (receipt, server.received().len()),
        (from_session(2, 0), 4),
        "one row of two is not the batch"
    );
}

#[test]
fn a_first_batch_that_does_not_show_is_lost_and_not_sent_again() {
    for (name, reply) in doubtful() {
        let (server, client) = start([vec![reply], (0..4).map(|_| no_session()).collect()].concat());
        let rows = rows();
        let lost = client.replace_users("9", &first(&rows), &Cancel::new()).unwrap_err();
        assert!(matches!(lost, MetaError::ReplyLost { .. }), "{name}: {lost:?}");
        assert_eq!(lost.replace_refusal(), None, "{name}");
        let received = server.received();
        assert_eq!((replacements(&received), received.len()), (1, 5), "{name}");
        let message = lost.explain().message;
        assert!(message.contains("to replace the members of the audience was lost"), "{message}");
    }
}

#[test]
fn a_look_up_that_fails_leaves_the_first_batch_lost_with_the_reason() {
    let (server, client) = start(vec![Reply::Close, error(190, Some(463))]);
    let rows = rows();
    let lost = client.replace_users("9", &first(&rows), &Cancel::new()).unwrap_err();
    assert!(matches!(lost, MetaError::ReplyLost { .. }), "{lost:?}");
    assert_eq!((codes(&lost), server.received().len()), ((190, Some(463)), 2));
}

#[test]
fn a_first_batch_that_was_certainly_not_taken_is_sent_again() {
    let script = vec![
        error(80_003, Some(2_446_079)),
        error(803, None),
        error(17, None),
        error(803, None),
        ok(RECEIPT),
    ];
    let (server, client) = start(script);
    let rows = rows();
    let receipt = client.replace_users("9", &first(&rows), &Cancel::new()).unwrap();
    let received = server.received();
    assert_eq!((receipt.resent_rows, received.len()), (0, 5));
    assert!(received.iter().all(|request| request.body == received[0].body));
}

#[test]
fn nobody_listening_is_no_lost_replacement() {
    let server = ScriptedServer::start(vec![]).unwrap();
    let free_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = MetaClient::new(MetaSettings {
        base_url: BaseUrl::parse(&format!("http://{free_port}")).unwrap(),
        ..settings(&server)
    });
    let rows = rows();
    let error = client.replace_users("9", &first(&rows), &Cancel::new()).unwrap_err();
    assert!(matches!(error, MetaError::Transport { .. }), "{error:?}");
}

#[test]
fn a_later_batch_whose_reply_was_lost_is_sent_again() {
    for (name, reply) in doubtful() {
        // What is JSON but no receipt is not repeated: the caller must know.
        if name.starts_with("no ") {
            continue;
        }
        let (server, client) = start(vec![reply, ok(RECEIPT)]);
        let rows = rows();
        let receipt = client.replace_users("9", &later(&rows), &Cancel::new()).unwrap();
        assert_eq!((receipt.resent_rows, receipt.from_session), (2, false), "{name}");
        let received = server.received();
        assert_eq!((received.len(), &received[0].body), (2, &received[1].body), "{name}");
    }
}

#[test]
fn a_last_batch_whose_reply_was_lost_is_found_in_its_session() {
    let script = vec![Reply::Close, error(2650, Some(1_870_159)), no_session(), session(4)];
    let (server, client) = start(script);
    let rows = rows();
    let last = UploadBatch { last: true, ..later(&rows) };
    assert_eq!(client.replace_users("9", &last, &Cancel::new()).unwrap(), from_session(4, 0));
    assert_eq!(replacements(&server.received()), 2);
}

#[test]
fn each_refusal_of_a_replacement_is_told_apart_and_answered_at_once() {
    use ReplaceRefusal::{Finished, InProgress, NotOpened, NotPossible, TimedOut, TooLarge, WentWrong};
    let cases = [
        ((2650, Some(1_870_145)), Some(InProgress)),
        ((2650, Some(1_870_158)), Some(TimedOut)),
        ((2650, Some(1_870_147)), Some(NotOpened)),
        ((2650, Some(1_870_159)), Some(Finished)),
        ((2650, Some(1_870_148)), Some(WentWrong)),
        ((2650, Some(1_870_144)), Some(TooLarge)),
        ((2650, None), Some(NotPossible)),
        ((2650, Some(7)), Some(NotPossible)),
        ((100, None), Some(NotPossible)),
        ((100, Some(7)), Some(NotPossible)),
        ((100, Some(33)), None),
        ((100, Some(1_713_230)), None),
        ((190, Some(463)), None),
        ((200, Some(1_870_047)), None),
    ];
    for ((code, subcode), refusal) in cases {
        let (server, client) = start(vec![error(code, subcode), ok(RECEIPT)]);
        let rows = rows();
        let error = client.replace_users("9", &first(&rows), &Cancel::new()).unwrap_err();
        assert_eq!(
            (error.replace_refusal(), codes(&error), server.received().len()),
            (refusal, (code, subcode), 1)
        );
    }
}

#[test]
fn a_run_that_is_cancelled_after_a_lost_reply_waits_no_longer() {
    let server = ScriptedServer::start(vec![Reply::Close, no_session()]).unwrap();
    let ages = Duration::from_secs(600);
    let slow = RetryPolicy { max_retries: 3, first_wait: ages, longest_wait: ages };
    let client = MetaClient::new(MetaSettings { fresh_audience_retry: slow, ..settings(&server) });
    let (rows, cancel) = (rows(), Cancel::new());
    let result = std::thread::scope(|scope| {
        let replacing = scope.spawn(|| client.replace_users("9", &first(&rows), &cancel));
        while server.received().len() < 2 {
            std::thread::yield_now();
        }
        cancel.cancel();
        replacing.join().unwrap()
    });
    let Err(MetaError::ReplyLost { source, .. }) = result else { panic!("it may have arrived: {result:?}") };
    assert!(matches!(*source, MetaError::Cancelled(_)), "{source:?}");
}

#[test]
fn a_replacement_against_the_rules_is_not_sent() {
    let (server, client) = start(vec![]);
    let empty = UserRows::new(&["EMAIL"]);
    let mut without_values = UserRows::without_values(&["EMAIL"]);
    without_values.push_row(&[Some(&bytes(MARY))], None, None).unwrap();
    for wrong in [first(&empty), first(&without_values)] {
        let error = client.replace_users("9", &wrong, &Cancel::new()).unwrap_err();
        assert!(matches!(error, MetaError::InvalidInput { .. }), "{error:?}");
    }
    assert!(server.received().is_empty());
}
