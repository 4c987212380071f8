//! The control routes: dump, verification, state.

use serde_json::{Value, json};

use super::{Meta, MetaSettings, hash};
use sandbox::Contacts;

fn verification(meta: &Meta, audience: &str) -> Value {
    meta.control(&format!("audiences/{audience}/verification"))
}

#[test]
fn a_truthful_upload_is_confirmed() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let n = meta.rows().len();
    assert_eq!(
        verification(&meta, &seed),
        json!({"expected": n, "received_rows": n, "distinct_persons": n, "missing": [], "missing_count": 0, "unexpected": 0,
            "unexpected_rows": [], "duplicates": 0, "wrong_values": [], "wrong_value_count": 0})
    );
}

#[test]
fn a_wrong_hash_a_wrong_value_and_a_lost_person_are_named() {
    let meta = Meta::start();
    let seed = meta.seed();
    let people = meta.people();
    let mut rows = meta.rows();
    let with_both = |person: &&sandbox::people::Person| {
        !person.email_truth.is_empty() && !person.phone_truth_digits.is_empty()
    };
    let wrong_phone = people.iter().position(|person| with_both(&person)).unwrap();
    rows[wrong_phone][1] = json!(hash(&format!("+{}", people[wrong_phone].phone_truth_digits)));
    let wrong_value = wrong_phone + 1;
    rows[wrong_value][2] = json!(101);
    let lost = wrong_phone + 2;
    rows.remove(lost);
    meta.send(&seed, &rows, 1, 1, true).ok();
    let result = verification(&meta, &seed);
    assert_eq!(result["missing"], json!([people[wrong_phone].id, people[lost].id]));
    assert_eq!((&result["missing_count"], &result["unexpected"]), (&json!(2), &json!(1)));
    assert_eq!(result["unexpected_rows"], json!([people[wrong_phone].id]));
    let expected = f64::from(people[wrong_value].expected_percentile.unwrap().max(1));
    assert_eq!(
        result["wrong_values"],
        json!([{"id": people[wrong_value].id, "expected": expected, "got": 101.0}])
    );
    assert_eq!(result["distinct_persons"], people.len() - 2);
}

#[test]
fn people_who_must_not_be_sent_are_unexpected() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let opted_out = meta.population.people().find(|person| {
        person.expected == sandbox::people::Expectation::OptedOut && !person.email_truth.is_empty()
    });
    let opted_out = opted_out.unwrap();
    meta.send(&seed, &[super::row(&opted_out), json!([hash("nobody@example.com"), "", 1])], 2, 1, true).ok();
    let result = verification(&meta, &seed);
    assert_eq!(result["unexpected"], 2);
    assert_eq!(
        result["unexpected_rows"],
        json!([opted_out.id, format!("{}/", &hash("nobody@example.com")[..32])])
    );
    assert_eq!(result["missing_count"], 0);
}

#[test]
fn every_row_of_a_person_with_further_addresses_must_arrive() {
    let csv = "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,city,state,postal_code,country,ltv_raw,\
               ltv_expected,ltv_bucket,additional_emails,additional_phones,additional_phones_truth\n\
               c1,Ann,Lee,ann@example.com,+12025550101,+12025550101,,,,US,10,10.00,ok,ann@example.org;lee@example.com,\
               +12025550102,+12025550102\n\
               c2,Bob,Lee,bob@example.com,,,,,,US,20,20.00,ok,,,\n";
    let meta = Meta::with(&Contacts::CsvText(csv.to_owned()), MetaSettings::default());
    let seed = meta.seed();
    let people = meta.people();
    let mut rows: Vec<Value> = people
        .iter()
        .flat_map(|person| {
            let value = person.expected_percentile.unwrap().max(1);
            person.rows().map(move |(email, phone)| json!([hash(email), hash(phone), value]))
        })
        .collect();
    assert_eq!(rows.len(), 5);
    let last = rows.remove(3);
    meta.send(&seed, &rows, 1, 1, true).ok();
    let result = verification(&meta, &seed);
    assert_eq!((&result["missing"], &result["unexpected"]), (&json!(["c1"]), &json!(0)));
    meta.send(&seed, &[last, json!([hash("lee@example.com"), "", 1])], 2, 1, true).ok();
    let result = verification(&meta, &seed);
    assert_eq!((&result["distinct_persons"], &result["missing_count"]), (&json!(2), &json!(0)));
    assert_eq!((&result["unexpected_rows"], &result["wrong_value_count"]), (&json!(["c1"]), &json!(0)));
}

#[test]
fn only_twenty_differences_are_named() {
    let meta = Meta::start();
    let seed = meta.seed();
    meta.send(&seed, &[json!([hash("nobody@example.com"), "", 1])], 1, 1, true).ok();
    let result = verification(&meta, &seed);
    assert_eq!(result["missing"].as_array().unwrap().len(), 20);
    assert_eq!(result["missing_count"], meta.rows().len());
}

#[test]
fn the_member_dump_is_paged_and_in_order() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let rows = meta.rows();
    let page = meta.control(&format!("audiences/{seed}/members?offset=3&limit=2"));
    assert_eq!((&page["total"], &page["offset"]), (&json!(rows.len()), &json!(3)));
    for (dumped, sent) in page["members"].as_array().unwrap().iter().zip(&rows[3..5]) {
        for cell in 0..2 {
            let sent = sent[cell].as_str().unwrap();
            let half = if sent.is_empty() { Value::Null } else { json!(sent[..32]) };
            assert_eq!(dumped[cell], half);
        }
        assert_eq!(dumped[2].as_f64(), sent[2].as_f64());
    }
    assert_eq!(page["members"].as_array().unwrap().len(), 2);
}

#[test]
fn unknown_ids_are_not_found() {
    let meta = Meta::start();
    for path in ["audiences/1/members", "audiences/1/verification"] {
        assert_eq!(meta.raw_get(&format!("/control/meta/{path}")).status, 404);
    }
    let request =
        meta.agent.post(format!("{}/control/meta/ads", meta.url)).header("content-type", "application/json");
    assert_eq!(Meta::parse(request.send(r#"{"audience_id":"1"}"#)).status, 404);
}

#[test]
fn a_patch_with_a_slip_changes_nothing() {
    let meta = Meta::start();
    let request = meta
        .agent
        .post(format!("{}/control/meta/state", meta.url))
        .header("content-type", "application/json");
    let reply = Meta::parse(request.send(r#"{"token":"revoked","audience_limt":3}"#));
    assert_eq!(reply.status, 400);
    assert!(reply.json["detail"].as_str().unwrap().contains("audience_limt"));
    meta.get("act_1234567890").ok();
}
