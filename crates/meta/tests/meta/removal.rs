//! Removing people, from one audience and from all.

use crate::support::{
    MARY, PHONE, RECEIPT, TOKEN, batch, body, bytes, codes, error, line, ok, rows as rows_with_values, start,
};
use domain::{Cancel, Explain};
use meta::{MetaError, UserRows};
use serde_json::json;
use testkit::Reply;

fn rows() -> UserRows {
    let mut rows = UserRows::without_values(&["EMAIL", "PHONE"]);
    rows.push_row(&[Some(&bytes(MARY)), None], None, None).unwrap();
    rows.push_row(&[None, Some(&bytes(PHONE))], None, None).unwrap();
    rows
}

fn payload() -> serde_json::Value {
    json!({"is_raw": true, "schema": ["EMAIL", "PHONE"], "data": [[MARY, ""], ["", PHONE]]})
}

fn html() -> Reply {
    Reply::Http(502, vec![("content-type", "text/html".to_owned())], "<html>sorry</html>".to_owned())
}

#[test]
fn members_are_removed_by_a_post_that_says_delete() {
    let (server, client) = start(vec![ok(RECEIPT)]);
    let rows = rows();
    let receipt = client.remove_users("9", &batch(&rows), &Cancel::new()).unwrap();
    assert_eq!((receipt.num_received, receipt.num_invalid_entries), (2, 0));
    let request = &server.received()[0];
    assert_eq!(line(request), ("POST".to_owned(), "/v25.0/9/users".to_owned(), vec![]));
    let expected = json!({
        "access_token": TOKEN,
        "method": "DELETE",
        "session": {
            "session_id": 653_573_199_724_136_401_u64,
            "batch_seq": 1,
            "last_batch_flag": true,
            "estimated_num_total": 2,
        },
        "payload": payload(),
    });
    assert_eq!(body(request), expected);
}

#[test]
fn a_removal_is_repeated_until_it_is_answered() {
    let script =
        vec![Reply::Close, html(), error(80_003, Some(2_446_079)), error(2650, Some(1_870_145)), ok(RECEIPT)];
    let (server, client) = start(script);
    let rows = rows();
    let receipt = client.remove_users("9", &batch(&rows), &Cancel::new()).unwrap();
    let received = server.received();
    assert_eq!((receipt.resent_rows, received.len()), (4, 5), "two tries of two rows are in doubt");
    assert!(received.iter().all(|request| request.body == received[0].body));
}

#[test]
fn a_removal_that_would_leave_too_few_people_is_told_apart() {
    let (server, client) = start(vec![error(200, Some(1_870_047)), error(200, Some(1_870_090))]);
    let rows = rows();
    let refused = client.remove_users("9", &batch(&rows), &Cancel::new()).unwrap_err();
    assert!(refused.would_be_too_small());
    assert!(refused.explain().message.contains("nothing was removed"));
    let other = client.remove_users("9", &batch(&rows), &Cancel::new()).unwrap_err();
    assert_eq!((other.would_be_too_small(), codes(&other)), (false, (200, Some(1_870_090))));
    assert_eq!(server.received().len(), 2);
}

#[test]
fn people_are_removed_from_all_audiences_without_a_session() {
    let (server, client) = start(vec![ok(RECEIPT)]);
    client.remove_from_all(&rows(), &Cancel::new()).unwrap();
    let request = &server.received()[0];
    let path = "/v25.0/act_1234567890/usersofanyaudience".to_owned();
    assert_eq!(line(request), ("POST".to_owned(), path, vec![]));
    assert_eq!(body(request), json!({"access_token": TOKEN, "method": "DELETE", "payload": payload()}));
}

#[test]
fn a_removal_from_all_is_repeated_and_its_reply_may_be_bare() {
    let script = vec![Reply::Close, html(), error(17, None), ok(r#"{"success":true}"#)];
    let (server, client) = start(script);
    client.remove_from_all(&rows(), &Cancel::new()).unwrap();
    let received = server.received();
    assert_eq!(received.len(), 4);
    assert!(received.iter().all(|request| request.body == received[0].body));

    let (_server, client) = start(vec![ok(r#"{"success":false}"#)]);
    let failed = client.remove_from_all(&rows(), &Cancel::new()).unwrap_err();
    assert!(matches!(failed, MetaError::NotSuccessful { .. }), "{failed:?}");
    let (server, client) = start(vec![error(190, Some(463))]);
    let expired = client.remove_from_all(&rows(), &Cancel::new()).unwrap_err();
    assert_eq!((codes(&expired), server.received().len()), ((190, Some(463)), 1));
}

#[test]
fn a_removal_from_all_of_which_meta_refuses_rows_has_failed() {
    let refusing = r#"{"num_received":2,"num_invalid_entries":1,"invalid_entry_samples":{"[\"x\"]":"EMAIL of ann@example.com is bad"}}"#;
    let bare = r#"{"num_received":2,"num_invalid_entries":"2"}"#;
    let (server, client) = start(vec![ok(refusing), ok(bare)]);
    let told = || client.remove_from_all(&rows(), &Cancel::new()).unwrap_err().explain().message;
    let message = told();
    assert!(message.contains("refused 1 row(s)") && message.contains("EMAIL of *** is bad"), "{message}");
    assert!(told().ends_with("refused 2 row(s) of the request."));
    assert_eq!(server.received().len(), 2, "nothing is repeated here");
}

#[test]
fn a_removal_with_values_or_of_nobody_is_not_sent() {
    let (server, client) = start(vec![]);
    let cancel = Cancel::new();
    let (valued, empty) = (rows_with_values(), UserRows::without_values(&["EMAIL"]));
    for rows in [&valued, &empty] {
        for result in [
            client.remove_users("9", &batch(rows), &cancel).map(|_| ()),
            client.remove_from_all(rows, &cancel).map(|_| ()),
        ] {
            assert!(matches!(result, Err(MetaError::InvalidInput { .. })), "{result:?}");
        }
    }
    assert!(server.received().is_empty());
}
