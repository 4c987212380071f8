//! Removing members, and what a change of the members does to ads.

use serde_json::json;

use super::users::counts;
use super::{Meta, hash, payload, row};

#[test]
fn members_are_removed_by_delete_and_by_method_override() {
    let meta = Meta::start();
    let seed = meta.seed();
    let people = meta.people();
    let rows = meta.rows();
    meta.send(&seed, &rows[..100], 1, 1, true).ok();
    let total = || meta.control(&format!("audiences/{seed}/members"))["total"].as_u64().unwrap();
    // Without a value column: that is the plain schema Meta's own tool removes with.
    let plain = |at: usize| json!([hash(&people[at].email_truth), hash(&people[at].phone_truth_digits)]);
    let payload =
        json!({"schema": ["EMAIL", "PHONE"], "data": [plain(0), plain(1), [hash("nobody@example.com"), ""]]});
    let session = r#"{"session_id":2,"batch_seq":1,"last_batch_flag":true}"#;
    let fields = [("method", "DELETE"), ("payload", &payload.to_string()), ("session", session)];
    let reply = meta.post(&format!("{seed}/users"), &fields).ok();
    assert_eq!((counts(&reply), total()), ((3, 0), 98));
    let url = format!("{}/v25.0/{seed}/users?access_token={}", meta.url, meta.settings.access_token);
    let body =
        json!({"payload": {"schema": ["EMAIL", "PHONE", "LOOKALIKE_VALUE"], "data": [row(&people[2])]}});
    let request = meta.agent.delete(url).force_send_body().header("content-type", "application/json");
    Meta::parse(request.send(body.to_string())).ok();
    assert_eq!(total(), 97);
}

#[test]
fn a_removed_person_is_gone_under_every_address_meta_knows_them_by() {
    let meta = Meta::start();
    let seed = meta.seed();
    let both = |person: &&sandbox::people::Person| {
        person.on_meta && !person.email_truth.is_empty() && !person.phone_truth_digits.is_empty()
    };
    let person = meta.people().into_iter().find(|person| both(&person)).unwrap();
    let rows = [
        json!([hash(&person.email_truth), "", 1]),
        json!([hash("unknown@example.com"), hash(&person.phone_truth_digits), 1]),
        json!([hash("other@example.com"), "", 1]),
    ];
    meta.send(&seed, &rows, 1, 1, true).ok();
    let payload = json!({"schema": ["PHONE"], "data": [[hash(&person.phone_truth_digits)]]}).to_string();
    meta.post(&format!("{seed}/users"), &[("method", "DELETE"), ("payload", &payload)]).ok();
    let left = meta.members(&seed);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0][0], hash("other@example.com")[..32]);
}

#[test]
fn adding_and_removing_reset_the_learning_phase_of_ads() {
    let meta = Meta::start();
    let (seed, other) = (meta.seed(), meta.seed());
    let ads = [meta.ad(&seed), meta.ad(&other)];
    meta.send(&seed, &meta.rows()[..2], 1, 1, true).ok();
    let payload = json!({"schema": ["EMAIL"], "data": [[hash("a")]]}).to_string();
    meta.post(&format!("{seed}/users"), &[("method", "DELETE"), ("payload", &payload)]).ok();
    meta.send(&seed, &[json!(["x"])], 2, 1, true);
    let control = meta.control("audiences");
    let resets: Vec<(&str, u64)> = control["ads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ad| (ad["id"].as_str().unwrap(), ad["learning_phase_resets"].as_u64().unwrap()))
        .collect();
    assert_eq!(resets, [(ads[0].as_str(), 2), (ads[1].as_str(), 0)], "a refused call resets nothing");
}

#[test]
fn a_removal_that_would_leave_too_few_is_refused() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    meta.set(&json!({"removal_floor": meta.recognizable()}));
    let payload = payload(&meta.rows()).to_string();
    let fields = [("method", "DELETE"), ("payload", payload.as_str())];
    let reply = meta.post(&format!("{seed}/users"), &fields);
    assert_eq!(reply.error(), (403, 200, 1_870_047));
    assert_eq!(meta.control(&format!("audiences/{seed}/members"))["total"], meta.rows().len());
    meta.set(&json!({"removal_floor": 0}));
    meta.post(&format!("{seed}/users"), &fields).ok();
    assert_eq!(meta.control(&format!("audiences/{seed}/members"))["total"], 0);
}
