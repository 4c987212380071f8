//! Sizes and states of audiences, as time passes.

use serde_json::{Value, json};

use super::{Meta, hash, id_of};

fn bounds(meta: &Meta, audience: &str) -> (i64, i64) {
    let node = meta
        .get(&format!("{audience}?fields=approximate_count_lower_bound,approximate_count_upper_bound"))
        .ok();
    let bound = |name: &str| node[name].as_i64().unwrap();
    (bound("approximate_count_lower_bound"), bound("approximate_count_upper_bound"))
}

fn delivery(meta: &Meta, audience: &str) -> Value {
    meta.get(&format!("{audience}?fields=delivery_status")).ok()["delivery_status"]["code"].clone()
}

#[test]
fn an_audience_goes_from_empty_over_populating_to_ready() {
    let meta = Meta::start();
    let seed = meta.seed();
    assert_eq!((meta.operation_status(&seed), bounds(&meta, &seed)), (410, (-1, -1)));
    meta.send(&seed, &meta.rows(), 1, 1, true).ok();
    assert_eq!((meta.operation_status(&seed), bounds(&meta, &seed)), (441, (-1, -1)));
    assert_eq!(delivery(&meta, &seed), 300);
    meta.advance_minutes(31);
    assert_eq!((meta.operation_status(&seed), delivery(&meta, &seed)), (200, json!(200)));
    let matched = i64::try_from(meta.recognizable()).unwrap();
    let (lower, upper) = bounds(&meta, &seed);
    assert!(lower <= matched && matched <= upper && lower < upper, "{lower} {matched} {upper}");
    assert_eq!((lower % 100, upper % 100), (0, 0), "rounded");
    let node = meta.get(&format!("{seed}?fields=time_content_updated,operation_status")).ok();
    assert!(node["time_content_updated"].is_i64());
    assert!(!node["operation_status"]["description"].as_str().unwrap().is_empty());
}

#[test]
fn a_later_upload_leaves_a_ready_audience_ready() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    meta.send(&seed, &meta.rows(), 2, 1, true).ok();
    assert_eq!(meta.operation_status(&seed), 200);
}

#[test]
fn fewer_than_a_thousand_people_are_shown_as_a_thousand() {
    let meta = Meta::start();
    let seed = meta.seed();
    meta.send(&seed, &meta.rows()[..50], 1, 1, true).ok();
    meta.advance_minutes(31);
    assert_eq!(bounds(&meta, &seed), (1000, 1000));
    assert_eq!(delivery(&meta, &seed), 300, "fewer than 100 matched");
}

#[test]
fn wrong_hashes_are_received_without_a_word_and_match_nobody() {
    let meta = Meta::start();
    let seed = meta.seed();
    // The classic: the plus sign hashed along.
    let rows: Vec<Value> = meta
        .people()
        .iter()
        .filter(|person| !person.phone_truth_digits.is_empty())
        .map(|person| json!(["", hash(&format!("+{}", person.phone_truth_digits)), 1]))
        .collect();
    let reply = meta.send(&seed, &rows, 1, 1, true).ok();
    assert_eq!((&reply["num_received"], &reply["num_invalid_entries"]), (&json!(rows.len()), &json!(0)));
    meta.advance_minutes(31);
    assert_eq!(meta.operation_status(&seed), 411);
    let sessions = meta.get(&format!("{seed}/sessions")).ok();
    assert_eq!(sessions["data"][0]["num_matched"], "0");
}

#[test]
fn many_invalid_entries_show_in_the_status() {
    let meta = Meta::start();
    let seed = meta.seed();
    let mut rows = meta.rows()[..80].to_vec();
    rows.extend(vec![json!(["bad", "", 1]); 20]);
    meta.send(&seed, &rows, 1, 1, true).ok();
    meta.advance_minutes(31);
    assert_eq!(meta.operation_status(&seed), 412);
}

#[test]
fn a_name_that_hints_at_health_or_money_is_flagged_after_the_review() {
    let meta = Meta::start();
    let seed = id_of(&meta.try_create("High Income customers", true).ok());
    let node = |fields: &str| meta.get(&format!("{seed}?fields={fields}")).ok();
    assert_eq!(meta.operation_status(&seed), 410);
    assert_eq!(meta.send(&seed, &meta.rows()[..1], 1, 1, false).status, 200);
    meta.advance_minutes(16);
    assert_eq!(meta.operation_status(&seed), 471);
    assert_eq!(
        node("fields_violating_integrity_policy")["fields_violating_integrity_policy"],
        json!(["name"])
    );
    assert_eq!(delivery(&meta, &seed), 400);
    let reply = meta.send(&seed, &meta.rows()[..1], 1, 2, true);
    assert_eq!(reply.error(), (400, 100, 1_713_230));
    assert_eq!(reply.json["error"]["error_user_title"], "Audience Upload Blocked");
    let other = meta.seed();
    meta.advance_minutes(16);
    assert_eq!(meta.operation_status(&other), 410, "no word of its name is blocked");
}

#[test]
fn a_removal_is_no_upload() {
    let meta = Meta::start();
    let seed = meta.seed();
    let payload = json!({"schema": ["EMAIL"], "data": [[hash("a")], ["bad"]]}).to_string();
    let fields = [("method", "DELETE"), ("payload", payload.as_str())];
    meta.post(&format!("{seed}/users"), &fields).ok();
    meta.advance_minutes(31);
    assert_eq!((meta.operation_status(&seed), bounds(&meta, &seed)), (410, (-1, -1)));
}
