//! Uploading batches and reading the receipt of their session.

use crate::support::{
    MARY, PHONE, RECEIPT, TOKEN, batch, body, bytes, codes, error, line, ok, pairs, rows, start,
};
use domain::Cancel;
use meta::{DataProcessing, MemberValue, MetaError, SessionStatus, UploadBatch, UploadReceipt, UserRows};
use serde_json::json;
use testkit::Reply;

#[test]
fn a_batch_is_sent_as_documented() {
    let (server, client) = start(vec![ok(RECEIPT)]);
    let rows = rows();
    let receipt = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap();
    assert_eq!((receipt.num_received, receipt.num_invalid_entries, receipt.resent_rows), (2, 0, 0));
    assert!(receipt.samples.is_empty());
    let request = &server.received()[0];
    assert_eq!(line(request), ("POST".to_owned(), "/v25.0/9/users".to_owned(), vec![]));
    let expected = json!({
        "access_token": TOKEN,
        "session": {
            "session_id": 653_573_199_724_136_401_u64,
            "batch_seq": 1,
            "last_batch_flag": true,
            "estimated_num_total": 2,
        },
        "payload": {
            "is_raw": true,
            "schema": ["EMAIL", "PHONE", "LOOKALIKE_VALUE"],
            "data": [[MARY, "", 85], ["", PHONE, 1]],
        },
    });
    assert_eq!(body(request), expected);
    assert!(
        request.body.contains(&format!(r#"[["{MARY}","",85],["","{PHONE}",1]]"#)),
        "the value is a bare number"
    );
}

#[test]
fn refused_rows_are_reported() {
    let reply = format!(
        r#"{{"session_id":9778993,"num_received":"2","num_invalid_entries":"1","invalid_entry_samples":{{"[\"{MARY}\",\"\",85]":"hash {MARY} is\nbad"}}}}"#
    );
    let (_server, client) = start(vec![ok(&reply)]);
    let rows = rows();
    let receipt = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap();
    assert_eq!((receipt.num_received, receipt.num_invalid_entries), (2, 1));
    assert_eq!(receipt.samples[0].row, format!(r#"["{MARY}","",85]"#));
    assert_eq!(receipt.samples[0].reason, "hash *** is bad");
    assert!(!format!("{receipt:?}").contains(MARY));
}

#[test]
fn a_lost_reply_is_sent_again_and_counted() {
    let (server, client) = start(vec![Reply::Close, error(1, None), ok(RECEIPT)]);
    let rows = rows();
    let receipt = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap();
    assert_eq!((receipt.resent_rows, receipt.from_session), (4, false), "two tries of two rows");
    let received = server.received();
    assert_eq!(received.len(), 3);
    assert!(received.iter().all(|request| request.body == received[0].body));
    let length = received[0].body.len().to_string();
    assert!(received.iter().all(|request| request.header("content-length") == Some(length.as_str())));
    assert!(received.iter().all(|request| request.header("transfer-encoding").is_none()));
}

#[test]
fn limited_data_use_is_sent_in_three_columns() {
    let (server, client) = start(vec![ok(RECEIPT)]);
    let mut rows = UserRows::with_data_processing(&["EMAIL"]);
    let value = MemberValue::from_hundredths(3725.try_into().unwrap());
    for processing in [DataProcessing::LimitedInCalifornia, DataProcessing::Unlimited] {
        rows.push_row(&[Some(&bytes(MARY))], Some(value), Some(processing)).unwrap();
    }
    client.add_users("9", &batch(&rows), &Cancel::new()).unwrap();
    let payload = json!({
        "is_raw": true,
        "schema": [
            "EMAIL",
            "LOOKALIKE_VALUE",
            "DATA_PROCESSING_OPTIONS",
            "DATA_PROCESSING_OPTIONS_COUNTRY",
            "DATA_PROCESSING_OPTIONS_STATE",
        ],
        "data": [[MARY, 37.25, ["LDU"], 1, 1000], [MARY, 37.25, [], 0, 0]],
    });
    assert_eq!(body(&server.received()[0])["payload"], payload);
}

#[test]
fn an_audience_that_is_being_updated_is_waited_for() {
    let (server, client) = start(vec![error(2650, Some(1_870_145)), ok(RECEIPT)]);
    let rows = rows();
    let receipt = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap();
    assert_eq!((receipt.resent_rows, server.received().len()), (0, 2));
}

#[test]
fn a_lost_reply_to_the_last_batch_ends_with_the_receipt_of_its_session() {
    let session = r#"{"data":[{"session_id":"653573199724136401","num_received":"10002","num_matched":"-1","num_invalid_entries":"3","stage":"uploading"}]}"#;
    let (server, client) = start(vec![Reply::Close, error(2650, Some(1_870_159)), ok(session)]);
    let rows = rows();
    let receipt = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap();
    let expected = UploadReceipt {
        num_received: 10_002,
        num_invalid_entries: 3,
        samples: Vec::new(),
        resent_rows: 0,
        from_session: true,
    };
    assert_eq!(receipt, expected, "the lost try was the only one that arrived");
    assert!(server.received()[2].target.starts_with("/v25.0/9/sessions?session_id=653573199724136401"));
}

#[test]
fn a_finished_session_is_an_error_unless_this_batch_may_have_finished_it() {
    let finished = || error(2650, Some(1_870_159));
    let rows = rows();
    let (server, client) = start(vec![finished()]);
    let refused = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap_err();
    assert_eq!((codes(&refused), server.received().len()), ((2650, Some(1_870_159)), 1));

    let (_server, client) = start(vec![Reply::Close, finished()]);
    let not_last = UploadBatch { last: false, ..batch(&rows) };
    let refused = client.add_users("9", &not_last, &Cancel::new()).unwrap_err();
    assert_eq!(codes(&refused), (2650, Some(1_870_159)));

    let unknown = || ok(r#"{"data":[]}"#);
    let (_server, client) = start(vec![Reply::Close, finished(), unknown(), unknown(), unknown(), unknown()]);
    let refused = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap_err();
    assert_eq!(codes(&refused), (2650, Some(1_870_159)), "the session is not known");
}

#[test]
fn refusals_before_the_work_are_not_counted_as_resent() {
    let script = vec![
        error(803, None),
        error(80_003, Some(2_446_079)),
        error(803, None),
        error(803, None),
        ok(RECEIPT),
    ];
    let (server, client) = start(script);
    let rows = rows();
    let receipt = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap();
    assert_eq!((receipt.resent_rows, server.received().len()), (0, 5));
}

#[test]
fn an_audience_that_stays_unknown_ends_the_upload() {
    let (server, client) = start((0..9).map(|_| error(803, None)).collect());
    let rows = rows();
    let error = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap_err();
    assert_eq!((codes(&error), server.received().len()), ((803, None), 4));
}

#[test]
fn a_token_that_expires_stops_the_upload_at_once() {
    let (server, client) = start(vec![error(190, Some(463)), ok(RECEIPT)]);
    let rows = rows();
    let error = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap_err();
    assert_eq!((codes(&error), server.received().len()), ((190, Some(463)), 1));
}

#[test]
fn a_batch_against_the_rules_is_not_sent() {
    let (server, client) = start(vec![]);
    let (empty, rows) = (UserRows::new(&["EMAIL"]), rows());
    let mut without_values = UserRows::without_values(&["EMAIL"]);
    without_values.push_row(&[Some(&bytes(MARY))], None, None).unwrap();
    for wrong in [
        batch(&without_values),
        batch(&empty),
        UploadBatch { batch_seq: 0, ..batch(&rows) },
        UploadBatch { session_id: 0, ..batch(&rows) },
        UploadBatch { session_id: 1 << 63, ..batch(&rows) },
    ] {
        let error = client.add_users("9", &wrong, &Cancel::new()).unwrap_err();
        assert!(matches!(error, MetaError::InvalidInput { .. }), "{error:?}");
    }
    assert!(server.received().is_empty());
}

#[test]
fn a_receipt_without_counts_is_not_taken_for_success() {
    for reply in [r#"{"success":true}"#, r#"{"num_received":"many","num_invalid_entries":0}"#] {
        let (_server, client) = start(vec![ok(reply)]);
        let rows = rows();
        let error = client.add_users("9", &batch(&rows), &Cancel::new()).unwrap_err();
        assert!(matches!(error, MetaError::UnexpectedShape { .. }), "{error:?}");
    }
}

#[test]
fn the_receipt_of_a_session_is_read_and_minus_one_is_no_match_count() {
    let real = r#"{"data":[{"session_id":"1","num_matched":"5"},{"session_id":"653573199724136401","start_time":"1757326241","end_time":"0","num_received":"10000","num_matched":"-1","num_invalid_entries":"0","progress":"0","stage":"uploading"}]}"#;
    let done = r#"{"data":[{"session_id":653573199724136401,"num_received":10000,"num_matched":7431,"num_invalid_entries":3,"progress":100,"stage":"done"}]}"#;
    let (server, client) = start(vec![ok(real), ok(done), ok(r#"{"data":[]}"#)]);
    let session = || client.session("9", 653_573_199_724_136_401, &Cancel::new()).unwrap();
    let status = |num_matched, num_invalid_entries| SessionStatus {
        num_received: Some(10_000),
        num_matched,
        num_invalid_entries: Some(num_invalid_entries),
    };
    assert_eq!(session(), Some(status(None, 0)));
    assert_eq!(session(), Some(status(Some(7431), 3)));
    assert_eq!(session(), None);
    let query = pairs(&[("session_id", "653573199724136401"), ("limit", "20"), ("access_token", TOKEN)]);
    assert_eq!(line(&server.received()[0]), ("GET".to_owned(), "/v25.0/9/sessions".to_owned(), query));
}
