//! Removing people from all customer lists of the account.

use serde_json::{Value, json};

use super::{Meta, hash};

fn payload(meta: &Meta, people: std::ops::Range<usize>) -> Value {
    let rows: Vec<Value> = meta.people()[people]
        .iter()
        .map(|person| json!([hash(&person.email_truth), hash(&person.phone_truth_digits)]))
        .collect();
    json!({"schema": ["EMAIL", "PHONE"], "data": rows})
}

fn rows_in(meta: &Meta) -> Vec<u64> {
    let control = meta.control("audiences");
    control["audiences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|audience| audience["rows"].as_u64().unwrap())
        .collect()
}

#[test]
fn people_leave_every_list_by_post_and_by_delete() {
    let meta = Meta::start();
    let (first, second) = (meta.seed(), meta.seed());
    let rows = meta.rows();
    meta.send(&first, &rows[..50], 1, 1, true).ok();
    meta.send(&second, &rows[5..60], 2, 1, true).ok();
    let path = format!("act_{}/usersofanyaudience", meta.settings.ad_account_id);
    let session = r#"{"session_id":3,"batch_seq":1,"last_batch_flag":true}"#;
    let removed = payload(&meta, 0..10).to_string();
    let reply = meta.post(&path, &[("method", "DELETE"), ("payload", &removed), ("session", session)]).ok();
    assert_eq!(
        reply,
        json!({"audience_id": "0", "session_id": "3", "num_received": 10, "num_invalid_entries": 0, "invalid_entry_samples": {}})
    );
    assert_eq!(rows_in(&meta), [40, 50]);
    assert_eq!(meta.control("audiences")["rows_removed_from_any"], 15);
    let url = format!("{}/v25.0/{path}?access_token={}", meta.url, meta.settings.access_token);
    let request = meta.agent.delete(url).force_send_body().header("content-type", "application/json");
    Meta::parse(request.send(json!({"payload": payload(&meta, 10..11)}).to_string())).ok();
    assert_eq!(rows_in(&meta), [39, 49]);
}

#[test]
fn received_rows_add_up_within_a_session_and_bad_ones_are_told() {
    let meta = Meta::start();
    let path = format!("act_{}/usersofanyaudience", meta.settings.ad_account_id);
    let send = |batch_seq: u32, payload: Value| {
        let session = json!({"session_id": 3, "batch_seq": batch_seq, "last_batch_flag": batch_seq == 2});
        meta.post_json(&path, &json!({"method": "delete", "session": session, "payload": payload})).ok()
    };
    assert_eq!(send(1, payload(&meta, 0..4))["num_received"], 4);
    let second = send(2, json!({"schema": ["EMAIL"], "data": [["mary@example.com"], [hash("a")]]}));
    assert_eq!((&second["num_received"], &second["num_invalid_entries"]), (&json!(6), &json!(1)));
}

#[test]
fn an_account_that_no_business_owns_answers_and_does_nothing() {
    let meta = Meta::start();
    meta.set(&json!({"removes_from_any_audience": false}));
    let seed = meta.seed();
    meta.send(&seed, &meta.rows()[..5], 1, 1, true).ok();
    let path = format!("act_{}/usersofanyaudience", meta.settings.ad_account_id);
    let removed = payload(&meta, 0..5).to_string();
    let reply = meta.post(&path, &[("method", "DELETE"), ("payload", &removed)]).ok();
    assert_eq!((&reply["num_received"], rows_in(&meta)), (&json!(5), vec![5]));
}

#[test]
fn without_terms_payload_or_the_method_nothing_is_removed() {
    let meta = Meta::start();
    let seed = meta.seed();
    meta.send(&seed, &meta.rows()[..5], 1, 1, true).ok();
    let path = format!("act_{}/usersofanyaudience", meta.settings.ad_account_id);
    let removed = payload(&meta, 0..5).to_string();
    assert_eq!(meta.post(&path, &[("payload", &removed)]).error(), (400, 2500, 0));
    assert_eq!(meta.post(&path, &[("method", "DELETE")]).error(), (400, 100, 0));
    meta.set(&json!({"audience_terms_accepted": false}));
    let reply = meta.post(&path, &[("method", "DELETE"), ("payload", &removed)]);
    assert_eq!(reply.error(), (403, 200, 1_870_090));
    assert_eq!(rows_in(&meta), [5]);
}
