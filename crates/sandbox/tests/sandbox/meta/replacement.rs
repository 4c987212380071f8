//! Replacing all members: the session rules, the refusals, what survives.

use serde_json::{Value, json};

use super::{Meta, hash, id_of, payload};

const IN_PROGRESS: (u16, u64, u64) = (400, 2650, 1_870_145);
const NOT_OPENED: (u16, u64, u64) = (400, 2650, 1_870_147);
const WENT_WRONG: (u16, u64, u64) = (400, 2650, 1_870_148);
const TIMED_OUT: (u16, u64, u64) = (400, 2650, 1_870_158);
const FINISHED: (u16, u64, u64) = (400, 2650, 1_870_159);
const TOO_LARGE: (u16, u64, u64) = (400, 2650, 1_870_144);
/// No subcode is known.
const NOT_POSSIBLE: (u16, u64, u64) = (400, 2650, 0);

fn total(meta: &Meta, audience: &str) -> u64 {
    meta.control(&format!("audiences/{audience}/members"))["total"].as_u64().unwrap()
}

#[test]
fn the_first_batch_empties_the_audience_and_the_last_makes_it_ready_after_matching() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    assert_eq!(meta.operation_status(&seed), 200);
    let first = meta.replace(&seed, &rows[..10], 9, 1, false).ok();
    assert_eq!(
        first,
        json!({"audience_id": seed, "session_id": "9", "num_received": 10, "num_invalid_entries": 0, "invalid_entry_samples": {}})
    );
    assert_eq!((total(&meta, &seed), meta.operation_status(&seed)), (10, 414));
    // Others may repeat and skip.
    assert_eq!(meta.replace(&seed, &rows[10..700], 9, 3, false).ok()["num_received"], 700);
    assert_eq!(meta.replace(&seed, &rows[10..700], 9, 3, false).ok()["num_received"], 1390);
    assert_eq!(meta.replace(&seed, &rows[700..], 9, 2, true).ok()["num_received"], 690 + rows.len());
    assert_eq!(meta.operation_status(&seed), 414, "not matched yet");
    meta.advance_minutes(31);
    assert_eq!(meta.operation_status(&seed), 200);
    let audience = &meta.control("audiences")["audiences"][0];
    assert_eq!(audience["matched"], meta.recognizable());
    let receipt = meta.get(&format!("{seed}/sessions?session_id=9")).ok();
    assert_eq!(
        (&receipt["data"][0]["stage"], &receipt["data"][0]["num_matched"]),
        (&json!("completed"), &json!(meta.recognizable().to_string()))
    );
    let verification = meta.control(&format!("audiences/{seed}/verification"));
    assert_eq!(
        (&verification["distinct_persons"], &verification["missing_count"]),
        (&json!(rows.len()), &json!(0))
    );
}

#[test]
fn form_bodies_are_read_as_well() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let payload = payload(&meta.rows()[..3]).to_string();
    let session = r#"{"session_id":"5","batch_seq":1,"last_batch_flag":true}"#;
    let path = format!("{seed}/usersreplace");
    let reply = meta.post(&path, &[("payload", &payload), ("session", session)]).ok();
    assert_eq!((&reply["num_received"], total(&meta, &seed)), (&json!(3), 3));
}

#[test]
fn the_first_batch_again_is_refused_and_wipes_nothing() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    meta.replace(&seed, &rows[..10], 9, 1, false).ok();
    meta.replace(&seed, &rows[10..20], 9, 2, false).ok();
    assert_eq!(meta.replace(&seed, &rows[..10], 9, 1, false).error(), IN_PROGRESS);
    assert_eq!(total(&meta, &seed), 20);
}

#[test]
fn a_session_begins_with_batch_one() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    assert_eq!(meta.replace(&seed, &rows[..1], 9, 2, false).error(), NOT_OPENED);
    assert_eq!(total(&meta, &seed), rows.len() as u64, "nothing was emptied");
    assert_eq!(meta.operation_status(&seed), 200);
    meta.replace(&seed, &rows[..1], 9, 1, false).ok();
    assert_eq!(meta.replace(&seed, &rows[..1], 10, 2, false).error(), NOT_OPENED, "another session");
}

#[test]
fn after_the_last_batch_the_session_is_finished() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    meta.replace(&seed, &rows[..1], 9, 1, false).ok();
    meta.replace(&seed, &rows[1..2], 9, 2, true).ok();
    assert_eq!(meta.replace(&seed, &rows[1..2], 9, 2, true).error(), FINISHED, "even the last one again");
    assert_eq!(meta.replace(&seed, &rows[..1], 9, 1, false).error(), FINISHED);
    assert_eq!(total(&meta, &seed), 2);
}

#[test]
fn after_ninety_minutes_the_audience_is_what_arrived() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    meta.replace(&seed, &rows[..200], 9, 1, false).ok();
    meta.advance_minutes(89);
    meta.replace(&seed, &rows[200..300], 9, 2, false).ok();
    meta.advance_minutes(2);
    assert_eq!(meta.replace(&seed, &rows[300..], 9, 3, true).error(), TIMED_OUT);
    assert_eq!((total(&meta, &seed), meta.operation_status(&seed)), (300, 414));
    meta.advance_minutes(31);
    assert_eq!(meta.operation_status(&seed), 200);
    assert_eq!(meta.replace(&seed, &rows[300..], 9, 3, true).error(), TIMED_OUT);
    // What is missing is added.
    meta.send(&seed, &rows[300..], 10, 1, true).ok();
    assert_eq!(total(&meta, &seed), rows.len() as u64);
}

#[test]
fn while_one_replacement_runs_nothing_else_changes_members() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    meta.replace(&seed, &rows[..10], 9, 1, false).ok();
    let refused = || {
        assert_eq!(meta.replace(&seed, &rows, 10, 1, true).error(), IN_PROGRESS);
        assert_eq!(meta.send(&seed, &rows, 11, 1, true).error(), IN_PROGRESS);
        let payload = payload(&rows).to_string();
        let fields = [("method", "DELETE"), ("payload", payload.as_str())];
        assert_eq!(meta.post(&format!("{seed}/users"), &fields).error(), IN_PROGRESS);
    };
    refused();
    meta.replace(&seed, &rows[10..20], 9, 2, true).ok();
    refused();
    assert_eq!(total(&meta, &seed), 20);
    meta.advance_minutes(31);
    meta.replace(&seed, &rows, 10, 1, true).ok();
    assert_eq!(total(&meta, &seed), rows.len() as u64);
}

#[test]
fn an_audience_that_was_never_filled_is_not_normal_unless_set() {
    let meta = Meta::start();
    let seed = meta.seed();
    let replace = || meta.replace(&seed, &meta.rows()[..1], 9, 1, true);
    assert_eq!(replace().error(), IN_PROGRESS);
    meta.set(&json!({"replaces_never_filled": true}));
    replace().ok();
    let filling = meta.seed();
    meta.send(&filling, &meta.rows(), 1, 1, true).ok();
    assert_eq!(meta.operation_status(&filling), 441);
    assert_eq!(meta.replace(&filling, &meta.rows()[..1], 10, 1, true).error(), IN_PROGRESS);
}

#[test]
fn values_can_not_come_or_go_with_a_replacement() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let plain = id_of(&meta.try_create("plain", false).ok());
    meta.set(&json!({"replaces_never_filled": true}));
    let session = json!({"session_id": 9, "batch_seq": 1, "last_batch_flag": true});
    let without = json!({"session": session, "payload": {"schema": ["EMAIL"], "data": [[hash("a")]]}});
    assert_eq!(meta.post_json(&format!("{seed}/usersreplace"), &without).error(), NOT_POSSIBLE);
    assert_eq!(meta.replace(&plain, &meta.rows()[..1], 8, 1, true).error(), NOT_POSSIBLE);
    meta.post_json(&format!("{plain}/usersreplace"), &without).ok();
    assert_eq!((total(&meta, &plain), total(&meta, &seed)), (1, meta.rows().len() as u64));
}

#[test]
fn meta_may_refuse_to_replace_value_based_audiences_at_all() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    meta.set(&json!({"refuse_value_based_replace": true}));
    let reply = meta.replace(&seed, &meta.rows(), 9, 1, true);
    assert_eq!(reply.error(), NOT_POSSIBLE);
    assert_eq!(reply.json["error"].get("error_subcode"), None);
    assert!(reply.json["error"]["error_user_msg"].as_str().unwrap().contains("not supported"));
    assert_eq!((total(&meta, &seed), meta.operation_status(&seed)), (meta.rows().len() as u64, 200));
}

#[test]
fn a_replacement_can_break_off_half_done_and_be_run_again() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    meta.set(&json!({"replace_goes_wrong_at_batch": 2}));
    meta.replace(&seed, &rows[..10], 9, 1, false).ok();
    assert_eq!(meta.replace(&seed, &rows[10..20], 9, 2, false).error(), WENT_WRONG);
    assert_eq!((total(&meta, &seed), meta.operation_status(&seed)), (15, 415));
    assert_eq!(meta.replace(&seed, &rows[20..], 9, 3, true).error(), FINISHED);
    meta.replace(&seed, &rows[..1000], 10, 1, false).ok();
    meta.replace(&seed, &rows[1000..], 10, 2, true).ok();
    meta.advance_minutes(31);
    assert_eq!((total(&meta, &seed), meta.operation_status(&seed)), (rows.len() as u64, 200));
}

#[test]
fn too_large_an_audience_is_not_replaced() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    meta.set(&json!({"replace_size_limit": meta.rows().len()}));
    assert_eq!(meta.replace(&seed, &meta.rows(), 9, 1, true).error(), TOO_LARGE);
    meta.set(&json!({"replace_size_limit": meta.rows().len() + 1}));
    meta.replace(&seed, &meta.rows(), 9, 1, true).ok();
}

#[test]
fn payload_and_session_are_required_and_the_schema_stays() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let path = format!("{seed}/usersreplace");
    let refused = |body: &Value| assert_eq!(meta.post_json(&path, body).error(), (400, 100, 0), "{body}");
    let payload = payload(&meta.rows()[..1]);
    refused(&json!({"payload": payload}));
    refused(&json!({"session": {"session_id": 9, "batch_seq": 1}}));
    refused(&json!({"session": {"session_id": 9}, "payload": payload}));
    refused(
        &json!({"session": {"session_id": 1, "batch_seq": 1}, "payload": {"schema": ["EMAIL"], "data": []}}),
    );
    assert_eq!(total(&meta, &seed), meta.rows().len() as u64);
    meta.replace(&seed, &meta.rows()[..1], 9, 1, false).ok();
    let other = json!({"schema": ["EMAIL", "LOOKALIKE_VALUE"], "data": [[hash("a"), 1]]});
    refused(&json!({"session": {"session_id": 9, "batch_seq": 2}, "payload": other}));
    // The session that filled the audience was one of adding.
    refused(&json!({"session": {"session_id": 1, "batch_seq": 1}, "payload": payload}));
}

#[test]
fn replacing_leaves_the_learning_phase_alone() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    meta.ad(&seed);
    meta.replace(&seed, &meta.rows()[..5], 9, 1, false).ok();
    meta.replace(&seed, &meta.rows()[5..], 9, 2, true).ok();
    assert_eq!(meta.control("audiences")["ads"][0]["learning_phase_resets"], 0);
}

#[test]
fn a_deleted_or_flagged_audience_is_not_replaced() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    meta.set(&json!({"blocked_words": ["seed"]}));
    assert_eq!(meta.replace(&seed, &meta.rows(), 9, 1, true).error(), (400, 100, 1_713_230));
    meta.set(&json!({"blocked_words": []}));
    meta.delete(&seed).ok();
    assert_eq!(meta.replace(&seed, &meta.rows(), 9, 1, true).error(), (400, 100, 33));
}
