//! Upload sessions and their receipt.

use serde_json::{Value, json};

use super::Meta;

fn receipt(meta: &Meta, audience: &str, session: i64) -> Value {
    let list = meta.get(&format!("{audience}/sessions?session_id={session}")).ok();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    list["data"][0].clone()
}

#[test]
fn received_rows_add_up_within_a_session_only() {
    let meta = Meta::start();
    let seed = meta.seed();
    let rows = meta.rows();
    let received = |reply: super::Reply| reply.ok()["num_received"].as_u64().unwrap();
    assert_eq!(received(meta.send(&seed, &rows[..10], 1, 1, false)), 10);
    assert_eq!(received(meta.send(&seed, &rows[10..15], 1, 2, false)), 15);
    assert_eq!(received(meta.send(&seed, &rows[15..16], 2, 1, false)), 1);
}

#[test]
fn invalid_rows_are_told_per_request_and_summed_in_the_receipt() {
    let meta = Meta::start();
    let seed = meta.seed();
    let bad = [json!(["bad", "", 1])];
    for batch_seq in 1..=2 {
        assert_eq!(meta.send(&seed, &bad, 1, batch_seq, false).ok()["num_invalid_entries"], 1);
    }
    let receipt = receipt(&meta, &seed, 1);
    assert_eq!((&receipt["num_received"], &receipt["num_invalid_entries"]), (&json!("2"), &json!("2")));
}

#[test]
fn a_batch_sent_twice_is_counted_twice_but_adds_nobody_twice() {
    let meta = Meta::start();
    let seed = meta.seed();
    let rows = meta.rows();
    meta.send(&seed, &rows, 1, 1, false).ok();
    let reply = meta.send(&seed, &rows, 1, 1, true).ok();
    assert_eq!(reply["num_received"], 2 * rows.len());
    meta.advance_minutes(31);
    assert_eq!(receipt(&meta, &seed, 1)["num_matched"], meta.recognizable().to_string());
    assert_eq!(meta.control("audiences")["audiences"][0]["matched"], meta.recognizable());
    let verification = meta.control(&format!("audiences/{seed}/verification"));
    assert_eq!(verification["distinct_persons"], rows.len());
    assert_eq!(verification["duplicates"], rows.len());
}

#[test]
fn the_receipt_passes_its_stages_in_strings() {
    let meta = Meta::start();
    let seed = meta.seed();
    let rows = meta.rows();
    meta.send(&seed, &rows, 77, 1, false).ok();
    let uploading = receipt(&meta, &seed, 77);
    for (field, value) in [
        ("session_id", "77"),
        ("end_time", "0"),
        ("num_received", &rows.len().to_string()),
        ("num_matched", "-1"),
        ("num_invalid_entries", "0"),
        ("progress", "0"),
        ("stage", "uploading"),
    ] {
        assert_eq!(uploading[field], value, "{field}");
    }
    assert!(uploading["start_time"].as_str().unwrap().parse::<i64>().unwrap() > 1_700_000_000);
    meta.send(&seed, &rows[..1], 77, 2, true).ok();
    let processing = receipt(&meta, &seed, 77);
    assert_eq!((&processing["stage"], &processing["num_matched"]), (&json!("processing"), &json!("-1")));
    meta.advance_minutes(29);
    assert_eq!(receipt(&meta, &seed, 77)["stage"], "processing");
    meta.advance_minutes(2);
    let completed = receipt(&meta, &seed, 77);
    assert_eq!((&completed["stage"], &completed["progress"]), (&json!("completed"), &json!("100")));
    assert_eq!(completed["num_matched"], meta.recognizable().to_string());
    assert_ne!(completed["end_time"], "0");
}

#[test]
fn the_edge_lists_all_sessions_or_the_one_asked_for() {
    let meta = Meta::start();
    let seed = meta.seed();
    for session in [4, 5] {
        meta.send(&seed, &meta.rows()[..1], session, 1, true).ok();
    }
    assert_eq!(meta.get(&format!("{seed}/sessions")).ok()["data"].as_array().unwrap().len(), 2);
    assert_eq!(receipt(&meta, &seed, 5)["session_id"], "5");
    assert_eq!(meta.get(&format!("{seed}/sessions?session_id=6")).ok(), json!({"data": []}));
}

#[test]
fn a_batch_after_the_last_one_is_refused() {
    let meta = Meta::start();
    let seed = meta.seed();
    let rows = meta.rows();
    meta.send(&seed, &rows[..1], 1, 1, true).ok();
    assert_eq!(meta.send(&seed, &rows[1..2], 1, 2, false).error(), (400, 2650, 1_870_159));
    assert_eq!(receipt(&meta, &seed, 1)["num_received"], "1");
}

#[test]
fn the_last_batch_sent_again_is_taken_again_or_refused_as_configured() {
    let meta = Meta::start();
    let seed = meta.seed();
    let send = || meta.send(&seed, &meta.rows()[..1], 1, 1, true);
    send().ok();
    assert_eq!(send().ok()["num_received"], 2);
    meta.set(&json!({"refuse_repeated_last_batch": true}));
    assert_eq!(send().error(), (400, 2650, 1_870_159));
}

#[test]
fn ninety_minutes_after_the_first_batch_later_ones_are_dropped() {
    let meta = Meta::start();
    let seed = meta.seed();
    let rows = meta.rows();
    meta.send(&seed, &rows[..10], 1, 1, false).ok();
    meta.advance_minutes(89);
    assert_eq!(meta.send(&seed, &rows[10..20], 1, 2, false).ok()["num_received"], 20);
    meta.advance_minutes(2);
    assert_eq!(meta.send(&seed, &rows[20..30], 1, 3, true).ok()["num_received"], 20);
    assert_eq!(meta.control(&format!("audiences/{seed}/members"))["total"], 20);
    meta.advance_minutes(31);
    assert_eq!(receipt(&meta, &seed, 1)["stage"], "completed", "it closed by itself");
}

#[test]
fn a_session_id_belongs_to_one_audience_and_one_purpose() {
    let meta = Meta::start();
    let (first, second) = (meta.seed(), meta.seed());
    let rows = &meta.rows()[..1];
    meta.send(&first, rows, 1, 1, false).ok();
    assert_eq!(meta.send(&second, rows, 1, 1, false).error(), (400, 100, 0));
    let payload = super::payload(rows).to_string();
    let session = r#"{"session_id":1,"batch_seq":2,"last_batch_flag":false}"#;
    let fields = [("method", "delete"), ("payload", payload.as_str()), ("session", session)];
    assert_eq!(meta.post(&format!("{first}/users"), &fields).error(), (400, 100, 0));
}

#[test]
fn all_batches_of_a_session_have_one_schema() {
    let meta = Meta::start();
    let seed = meta.seed();
    meta.send(&seed, &meta.rows()[..1], 1, 1, false).ok();
    let body = json!({
        "session": {"session_id": 1, "batch_seq": 2, "last_batch_flag": false},
        "payload": {"schema": ["EMAIL", "LOOKALIKE_VALUE"], "data": [[super::hash("a"), 1]]},
    });
    assert_eq!(meta.post_json(&format!("{seed}/users"), &body).error(), (400, 100, 0));
}

#[test]
fn a_malformed_session_is_refused_and_a_missing_one_is_its_own() {
    let meta = Meta::start();
    let seed = meta.seed();
    let payload = super::payload(&meta.rows()[..1]);
    for session in [
        json!({"session_id": 0}),
        json!({"session_id": -4}),
        json!({"batch_seq": 1}),
        json!({"session_id": 1, "batch_seq": 0}),
        json!({"session_id": "x"}),
        json!(7),
    ] {
        let body = json!({"session": session, "payload": payload});
        assert_eq!(meta.post_json(&format!("{seed}/users"), &body).error(), (400, 100, 0), "{session}");
    }
    let text = json!({"session": {"session_id": "9223372036854775807"}, "payload": payload});
    assert_eq!(meta.post_json(&format!("{seed}/users"), &text).ok()["session_id"], "9223372036854775807");
    let none = meta.post_json(&format!("{seed}/users"), &json!({"payload": payload})).ok();
    assert_eq!(none["num_received"], 1);
    let session = none["session_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(receipt(&meta, &seed, session)["stage"], "processing");
}

#[test]
fn a_session_can_stay_silent_for_ever() {
    let meta = Meta::start();
    meta.set(&json!({"reports_num_matched": false}));
    let seed = meta.filled_seed();
    let receipt = receipt(&meta, &seed, 1);
    assert_eq!((&receipt["stage"], &receipt["num_matched"]), (&json!("uploading"), &json!("-1")));
    assert_eq!(meta.operation_status(&seed), 200, "the audience itself is filled all the same");
}
