//! Lookalike audiences.

use std::fmt::Write as _;

use sandbox::people::Contacts;
use serde_json::json;

use super::{Meta, MetaSettings, Reply, id_of};

fn lookalike(meta: &Meta, origin: &str, spec: &str) -> Reply {
    let fields =
        [("name", "LAL"), ("subtype", "LOOKALIKE"), ("origin_audience_id", origin), ("lookalike_spec", spec)];
    meta.post(&meta.audiences_path(), &fields)
}

const US: &str = r#"{"ratio":0.01,"country":"US"}"#;

#[test]
fn a_lookalike_is_built_in_hours_and_follows_the_seed() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let id = id_of(&lookalike(&meta, &seed, US).ok());
    let fields = "name,subtype,is_value_based,lookalike_spec,operation_status,delivery_status,approximate_count_lower_bound";
    let node = || meta.get(&format!("{id}?fields={fields}")).ok();
    let young = node();
    assert_eq!(young["subtype"], "LOOKALIKE");
    assert_eq!(young["is_value_based"], true);
    assert_eq!(
        young["lookalike_spec"],
        json!({"type": "custom_ratio", "ratio": 0.01, "country": "US", "target_countries": ["US"],
            "origin": [{"id": seed, "name": "Seed", "type": "custom_audience", "deleted": false}]})
    );
    assert_eq!(
        (&young["operation_status"]["code"], &young["approximate_count_lower_bound"]),
        (&json!(441), &json!(-1))
    );
    assert_eq!(young["delivery_status"]["code"], 300);
    meta.advance_minutes(181);
    let grown = node();
    assert_eq!(
        (&grown["operation_status"]["code"], &grown["delivery_status"]["code"]),
        (&json!(200), &json!(200))
    );
    assert!(grown["approximate_count_lower_bound"].as_i64().unwrap() > 2_000_000);
    let seed = meta.get(&format!("{seed}?fields=lookalike_audience_ids")).ok();
    assert_eq!(seed["lookalike_audience_ids"], json!([id]));
}

#[test]
fn the_seed_has_to_be_matched_first() {
    let meta = Meta::start();
    let seed = meta.seed();
    meta.send(&seed, &meta.rows(), 1, 1, true).ok();
    let reply = lookalike(&meta, &seed, US);
    assert_eq!(reply.error(), (400, 2654, 0));
    assert_eq!(reply.json["error"]["error_user_title"], "Source Audience is Too Small");
    meta.advance_minutes(31);
    assert_eq!(lookalike(&meta, &seed, US).status, 200);
}

/// 200 Canadians and 1,000 Americans, all with an e-mail address.
fn two_countries() -> Meta {
    let mut csv = "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,city,state,postal_code,country,ltv_raw,\
                   ltv_expected,ltv_bucket\n"
        .to_owned();
    for n in 0..1200 {
        let country = if n < 200 { "CA" } else { "US" };
        writeln!(csv, "c{n:019},A,B,p{n}@example.com,,,,,,{country},{n}.00,{n}.00,ok").unwrap();
    }
    Meta::with(&Contacts::CsvText(csv), MetaSettings::default())
}

#[test]
fn a_hundred_matched_people_of_the_country_are_needed() {
    let meta = two_countries();
    let seed = meta.filled_seed();
    assert_eq!(lookalike(&meta, &seed, r#"{"ratio":0.01,"country":"CA"}"#).status, 200);
    assert_eq!(lookalike(&meta, &seed, r#"{"ratio":0.01,"country":"DE"}"#).error(), (400, 2654, 0));
    let international = r#"{"ratio":0.01,"country":"DE","allow_international_seeds":true}"#;
    assert_eq!(lookalike(&meta, &seed, international).status, 200);
    let several = r#"{"ratio":0.01,"location_spec":{"geo_locations":{"countries":["FR","US"]}}}"#;
    assert_eq!(lookalike(&meta, &seed, several).status, 200);
    let small = id_of(&meta.try_create("small", true).ok());
    let canadians: Vec<_> = meta.people()[..120].iter().map(super::row).collect();
    meta.send(&small, &canadians, 2, 1, true).ok();
    meta.advance_minutes(31);
    let reply = lookalike(&meta, &small, r#"{"ratio":0.01,"country":"CA"}"#);
    assert_eq!(reply.error(), (400, 2654, 0), "74 % of 120 are fewer than 100");
}

#[test]
fn a_second_one_of_the_same_seed_country_and_ratio_is_a_duplicate() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let first = id_of(&lookalike(&meta, &seed, US).ok());
    let reply = lookalike(&meta, &seed, US);
    assert_eq!(reply.error(), (400, 2654, 1_713_007));
    assert_eq!(reply.json["error"]["error_user_title"], "Can't Create a Duplicate Lookalike");
    assert_eq!(lookalike(&meta, &seed, r#"{"ratio":0.02,"country":"US"}"#).status, 200);
    let band = r#"{"starting_ratio":0.01,"ratio":0.02,"country":"US"}"#;
    assert_eq!(lookalike(&meta, &seed, band).status, 200);
    let fields = [
        ("name", "LAL"),
        ("subtype", "LOOKALIKE"),
        ("origin_audience_id", seed.as_str()),
        ("lookalike_spec", US),
        ("enable_fetch_or_create", "1"),
    ];
    assert_eq!(id_of(&meta.post(&meta.audiences_path(), &fields).ok()), first);
    meta.delete(&first).ok();
    assert_eq!(lookalike(&meta, &seed, US).status, 200);
}

#[test]
fn beside_a_type_the_ratio_is_ignored() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let id = id_of(&lookalike(&meta, &seed, r#"{"type":"similarity","ratio":0.03,"country":"US"}"#).ok());
    let spec = meta.get(&format!("{id}?fields=lookalike_spec")).ok();
    assert_eq!(spec["lookalike_spec"]["ratio"], 0.01);
    let again = lookalike(&meta, &seed, r#"{"type":"similarity","ratio":0.05,"country":"US"}"#);
    assert_eq!(again.error(), (400, 2654, 1_713_007));
    assert_eq!(lookalike(&meta, &seed, r#"{"type":"reach","country":"US"}"#).status, 200);
    assert_eq!(lookalike(&meta, &seed, r#"{"type":"custom_ratio","ratio":0.04,"country":"US"}"#).status, 200);
}

#[test]
fn a_malformed_spec_is_refused() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    for spec in [
        r#"{"country":"US"}"#,
        r#"{"ratio":0,"country":"US"}"#,
        r#"{"ratio":0.21,"country":"US"}"#,
        r#"{"ratio":0.015,"country":"US"}"#,
        r#"{"ratio":0.01}"#,
        r#"{"ratio":0.01,"country":"us"}"#,
        r#"{"ratio":0.01,"country":"USA"}"#,
        r#"{"ratio":0.01,"starting_ratio":0.01,"country":"US"}"#,
        r#"{"type":"custom_ratio","country":"US"}"#,
    ] {
        assert_eq!(lookalike(&meta, &seed, spec).error(), (400, 100, 0), "{spec}");
    }
    for spec in ["nonsense", "null", r#"{"ratio":0.01,"country":"US","is_value_based":true}"#] {
        assert_eq!(lookalike(&meta, &seed, spec).error(), (400, 2654, 0), "{spec}");
    }
    for ratio in 1..=20 {
        let spec = format!(r#"{{"ratio":0.{ratio:02},"country":"US"}}"#);
        assert_eq!(lookalike(&meta, &seed, &spec).status, 200, "{spec}");
    }
}

#[test]
fn the_seed_has_to_be_a_living_customer_list() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let first = id_of(&lookalike(&meta, &seed, US).ok());
    assert_eq!(lookalike(&meta, &first, US).error(), (400, 100, 0));
    assert_eq!(lookalike(&meta, "120999999999999999", US).error(), (400, 100, 0));
    assert_eq!(
        meta.send(&first, &meta.rows()[..1], 9, 1, true).error(),
        (400, 100, 33),
        "a lookalike takes no members"
    );
}

#[test]
fn a_flagged_seed_is_restricted() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    meta.set(&json!({"blocked_words": ["SEED"]}));
    let reply = lookalike(&meta, &seed, US);
    assert_eq!(reply.error(), (400, 100, 1_713_232));
    assert_eq!(reply.json["error"]["error_user_title"], "Seed audience restricted");
}

#[test]
fn a_seed_with_lookalikes_can_not_be_deleted() {
    let meta = Meta::start();
    let seed = meta.filled_seed();
    let id = id_of(&lookalike(&meta, &seed, US).ok());
    assert_eq!(meta.delete(&seed).error(), (400, 2656, 0));
    meta.delete(&id).ok();
    meta.delete(&seed).ok();
}

#[test]
fn the_number_of_lookalikes_is_limited() {
    let meta = Meta::start();
    meta.set(&json!({"lookalike_limit": 1}));
    let seed = meta.filled_seed();
    lookalike(&meta, &seed, US).ok();
    assert_eq!(lookalike(&meta, &seed, r#"{"ratio":0.02,"country":"US"}"#).error(), (400, 100, 0));
}
