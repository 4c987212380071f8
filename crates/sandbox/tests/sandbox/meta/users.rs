//! Adding members: rows, cells, values, schemas.

use serde_json::{Value, json};

use super::{Meta, hash, id_of, payload};

/// The counts of a reply.
pub fn counts(reply: &Value) -> (u64, u64) {
    (reply["num_received"].as_u64().unwrap(), reply["num_invalid_entries"].as_u64().unwrap())
}

fn upload(meta: &Meta, audience: &str, payload: &Value) -> super::Reply {
    meta.post(&format!("{audience}/users"), &[("payload", &payload.to_string())])
}

#[test]
fn a_form_and_a_json_body_say_the_same() {
    let meta = Meta::start();
    let (form, json) = (meta.seed(), meta.seed());
    let rows = &meta.rows()[..3];
    let session = r#"{"session_id":5,"batch_seq":1,"last_batch_flag":true}"#;
    let reply = meta
        .post(&format!("{form}/users"), &[("payload", &payload(rows).to_string()), ("session", session)])
        .ok();
    assert_eq!(
        reply,
        json!({"audience_id": form, "session_id": "5", "num_received": 3, "num_invalid_entries": 0, "invalid_entry_samples": {}})
    );
    assert_eq!(counts(&meta.send(&json, rows, 6, 1, true).ok()), (3, 0));
    let members = |id: &str| -> Vec<Vec<Value>> {
        meta.members(id).iter().map(|member| member.as_array().unwrap()[..4].to_vec()).collect()
    };
    assert_eq!(members(&form), members(&json));
    assert_eq!(members(&form)[0][0], rows[0][0].as_str().unwrap()[..32]);
    assert_eq!(members(&form)[0][2].as_f64(), rows[0][2].as_f64());
}

#[test]
fn clean_samples_can_be_an_empty_list() {
    let meta = Meta::start();
    meta.set(&json!({"samples_as_list": true}));
    let reply = meta.send(&meta.seed(), &meta.rows()[..1], 1, 1, true).ok();
    assert_eq!(reply["invalid_entry_samples"], json!([]));
}

#[test]
fn ten_thousand_rows_pass_and_one_more_does_not() {
    let meta = Meta::start();
    let seed = meta.seed();
    let rows: Vec<Value> = (0..10_001).map(|n| json!([hash(&format!("{n}@example.com")), "", 1])).collect();
    assert_eq!(counts(&meta.send(&seed, &rows[..10_000], 1, 1, false).ok()), (10_000, 0));
    let reply = meta.send(&seed, &rows, 1, 2, false);
    assert_eq!(reply.error(), (400, 1, 99));
    assert_eq!(reply.json["error"]["message"], "An unknown error occurred");
    assert_eq!(reply.json["error"]["is_transient"], false);
    assert_eq!(meta.control(&format!("audiences/{seed}/members"))["total"], 10_000);
}

#[test]
fn a_body_of_ten_megabytes_is_read() {
    let meta = Meta::start();
    let seed = meta.seed();
    let schema = [
        "EMAIL",
        "PHONE",
        "FN",
        "LN",
        "CT",
        "ST",
        "ZIP",
        "COUNTRY",
        "DOBY",
        "DOBM",
        "DOBD",
        "GEN",
        "LOOKALIKE_VALUE",
    ];
    let cell = hash("x");
    let rows: Vec<Value> = (0..10_000)
        .map(|n| {
            let mut row = vec![json!(cell); 12];
            row[0] = json!(hash(&n.to_string()));
            row.push(json!(1.5));
            json!(row)
        })
        .collect();
    let payload = json!({"schema": schema, "data": rows});
    assert!(payload.to_string().len() > 7_000_000);
    assert_eq!(counts(&upload(&meta, &seed, &payload).ok()), (10_000, 0));
}

#[test]
fn a_row_of_the_wrong_width_fails_the_whole_request() {
    let meta = Meta::start();
    let seed = meta.seed();
    let good = meta.rows()[0].clone();
    for bad in [json!([hash("x"), ""]), json!([hash("x"), "", 1, 1]), json!([]), json!(hash("x")), json!({})]
    {
        let reply = upload(&meta, &seed, &payload(&[good.clone(), bad]));
        assert_eq!(reply.error(), (400, 100, 0));
        assert_eq!(reply.json["error"]["message"], "(#100) Data is missing or does not match schema");
    }
    assert_eq!(upload(&meta, &seed, &payload(&[])).error(), (400, 100, 0));
    assert_eq!(upload(&meta, &seed, &json!({"schema": ["EMAIL"]})).error(), (400, 100, 0));
    assert_eq!(meta.post(&format!("{seed}/users"), &[]).error(), (400, 100, 0));
    assert_eq!(meta.control(&format!("audiences/{seed}/members"))["total"], 0);
}

#[test]
fn a_malformed_cell_makes_only_its_row_invalid() {
    let meta = Meta::start();
    let seed = meta.seed();
    let bad = [
        json!([hash("x").to_uppercase(), "", 1]),
        json!(["person@example.com", "", 1]),
        json!([hash("x")[..63], "", 1]),
        json!([format!("g{}", &hash("x")[1..]), "", 1]),
        json!(["", "+15550100", 1]),
        json!([null, hash("x"), 1]),
        json!(["", "", 1]),
    ];
    let mut rows = vec![json!([hash("a"), "", 1])];
    rows.extend(bad.clone());
    rows.push(json!(["", hash("b"), 1]));
    let reply = upload(&meta, &seed, &payload(&rows)).ok();
    assert_eq!(counts(&reply), (9, 7));
    let samples = reply["invalid_entry_samples"].as_object().unwrap();
    assert_eq!(samples.keys().collect::<Vec<_>>(), ["1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(samples["1"], "EMAIL is not a SHA-256 hash in lower-case hex");
    assert_eq!(samples["5"], "PHONE is not a SHA-256 hash in lower-case hex");
    assert_eq!(samples["7"], "the row has no identifier");
    assert_eq!(meta.control(&format!("audiences/{seed}/members"))["total"], 2);
}

#[test]
fn at_most_a_hundred_invalid_rows_are_named() {
    let meta = Meta::start();
    let rows = vec![json!(["bad", "", 1]); 150];
    let reply = upload(&meta, &meta.seed(), &payload(&rows)).ok();
    assert_eq!(counts(&reply), (150, 150));
    assert_eq!(reply["invalid_entry_samples"].as_object().unwrap().len(), 100);
}

#[test]
fn rows_with_a_refused_address_or_number_are_invalid_when_they_are_added() {
    let meta = Meta::start();
    meta.set(&json!({"refused_hashes": [hash("a"), hash("p")]}));
    let rows = [json!([hash("a"), "", 1]), json!([hash("b"), hash("p"), 1]), json!([hash("b"), "", 1])];
    let seed = meta.seed();
    let reply = upload(&meta, &seed, &payload(&rows)).ok();
    assert_eq!(counts(&reply), (3, 2));
    assert_eq!(reply["invalid_entry_samples"], json!({"0": "the row is refused", "1": "the row is refused"}));
    assert_eq!(meta.control(&format!("audiences/{seed}/members"))["total"], 1);
    let removal = json!({"schema": ["EMAIL"], "data": [[hash("a")]]}).to_string();
    let removed = meta.post(&format!("{seed}/users"), &[("method", "DELETE"), ("payload", &removal)]).ok();
    assert_eq!(counts(&removed), (1, 0));
}

#[test]
fn samples_come_as_a_list_of_the_rows_or_as_a_map_by_what_they_hold() {
    let meta = Meta::start();
    meta.set(&json!({"refused_hashes": [hash("a"), hash("b")], "samples_as_list": true}));
    let rows = |names: [&str; 3]| payload(&names.map(|name| json!([hash(name), "", 1])));
    let samples = |names| upload(&meta, &meta.seed(), &rows(names)).ok()["invalid_entry_samples"].clone();
    let held = |name| json!([hash(name), "", 1.0]).to_string();
    assert_eq!(samples(["a", "c", "b"]), json!([held("a"), held("b")]));
    meta.set(&json!({"samples_as_list": false}));
    assert_eq!(samples(["a", "c", "b"]), json!({"0": "the row is refused", "2": "the row is refused"}));
    meta.set(&json!({"samples_hold_rows": true}));
    assert_eq!(samples(["a", "c", "c"]), json!({held("a"): "the row is refused"}));
}

#[test]
fn a_country_in_clear_is_invalid() {
    let meta = Meta::start();
    let payload = json!({"schema": ["EMAIL", "COUNTRY", "LOOKALIKE_VALUE"],
        "data": [[hash("a"), "us", 1], [hash("b"), hash("us"), 1], [hash("c"), "", 1], ["", hash("us"), 1]]});
    let reply = upload(&meta, &meta.seed(), &payload).ok();
    assert_eq!(counts(&reply), (4, 2), "a country alone finds nobody");
    assert_eq!(reply["invalid_entry_samples"]["0"], "COUNTRY is not a SHA-256 hash in lower-case hex");
}

#[test]
fn a_value_is_a_bare_number_above_zero() {
    let meta = Meta::start();
    let values =
        [json!(44.5), json!(140), json!(0.9), json!(0), json!(-1), json!("44.5"), json!(""), json!(null)];
    let rows: Vec<Value> = values.iter().map(|value| json!([hash("a"), "", value])).collect();
    let reply = upload(&meta, &meta.seed(), &payload(&rows)).ok();
    assert_eq!(counts(&reply), (8, 5));
    assert_eq!(reply["invalid_entry_samples"]["3"], "LOOKALIKE_VALUE is not a number greater than 0");
}

#[test]
fn value_based_audiences_and_value_columns_belong_together() {
    let meta = Meta::start();
    let plain = id_of(&meta.try_create("plain", false).ok());
    let rows = &meta.rows()[..1];
    assert_eq!(upload(&meta, &plain, &payload(rows)).error(), (400, 100, 0));
    let without = json!({"schema": ["EMAIL"], "data": [[hash("a")]]});
    assert_eq!(upload(&meta, &meta.seed(), &without).error(), (400, 100, 0));
    assert_eq!(counts(&upload(&meta, &plain, &without).ok()), (1, 0));
    assert_eq!(meta.control(&format!("audiences/{plain}/members"))["members"][0][2], Value::Null);
}

#[test]
fn only_documented_keys_make_a_schema() {
    let meta = Meta::start();
    let seed = meta.seed();
    for schema in [
        json!(["EMAIL", "VALUE"]),
        json!(["EMAIL_SHA256"]),
        json!([]),
        json!([1]),
        json!("NAME"),
        json!(["EMAIL", "EMAIL"]),
    ] {
        let payload = json!({"schema": schema, "data": [[hash("a"), 1]]});
        assert_eq!(upload(&meta, &seed, &payload).error(), (400, 100, 0), "{schema}");
    }
}

#[test]
fn an_audience_keeps_to_its_family_of_schemas() {
    let meta = Meta::start();
    let plain = id_of(&meta.try_create("plain", false).ok());
    let list = json!({"schema": ["EMAIL"], "data": [[hash("a")]]});
    let single = json!({"schema": "EMAIL_SHA256", "data": [hash("a"), [hash("b")]]});
    upload(&meta, &plain, &list).ok();
    let reply = upload(&meta, &plain, &single);
    assert_eq!(reply.error(), (400, 2650, 0));
    let message = "(#2650) Failed to update the custom audience: This audience was created from data source \
                   FILE_IMPORTED.MULTI_HASHES, which does not support data source FILE_IMPORTED.HASHES_OR_USER_IDS.";
    assert_eq!(reply.json["error"]["message"], message);
    let other = id_of(&meta.try_create("other", false).ok());
    assert_eq!(counts(&upload(&meta, &other, &single).ok()), (2, 0));
    assert_eq!(upload(&meta, &other, &list).error(), (400, 2650, 0));
    let source = meta.get(&format!("{other}?fields=data_source")).ok();
    assert_eq!(source["data_source"], json!({"type": "FILE_IMPORTED", "sub_type": "HASHES_OR_USER_IDS"}));
}

#[test]
fn limited_data_use_columns_are_read_and_counted() {
    let meta = Meta::start();
    let schema = [
        "EMAIL",
        "LOOKALIKE_VALUE",
        "DATA_PROCESSING_OPTIONS",
        "DATA_PROCESSING_OPTIONS_COUNTRY",
        "DATA_PROCESSING_OPTIONS_STATE",
    ];
    let rows = json!([
        [hash("a"), 1, ["LDU"], 1, 1000],
        [hash("b"), 1, [], 0, 0],
        [hash("c"), 1, [], "", ""],
        [hash("d"), 1, "", "", ""],
        [hash("e"), 1, ["LDU"], 0, 0],
        [hash("bad"), 1, ["LDV"], 1, 1000],
        [hash("bad"), 1, ["LDU", "LDU"], 1, 1000],
        [hash("bad"), 1, "LDU", 1, 1000],
        [hash("bad"), 1, null, 1, 1000],
        [hash("bad"), 1, ["LDU"], "1", 1000],
        [hash("bad"), 1, ["LDU"], 2, 1000],
        [hash("bad"), 1, ["LDU"], 1, 1],
        [hash("bad"), 1, ["LDU"], 1, ["1000"]],
    ]);
    let seed = meta.seed();
    let reply = upload(&meta, &seed, &json!({"schema": schema, "data": rows})).ok();
    assert_eq!(counts(&reply), (13, 8));
    let samples = &reply["invalid_entry_samples"];
    assert_eq!(samples["5"], "DATA_PROCESSING_OPTIONS names an unknown option");
    assert_eq!(samples["7"], "DATA_PROCESSING_OPTIONS is not a list");
    assert_eq!(samples["10"], "DATA_PROCESSING_OPTIONS_COUNTRY is neither 0 nor 1");
    assert_eq!(samples["11"], "DATA_PROCESSING_OPTIONS_STATE is neither 0 nor 1000");
    let said: Vec<Value> = meta.members(&seed).iter().map(|member| member[3].clone()).collect();
    assert_eq!(json!(said), json!([true, false, false, null, true]));
    assert_eq!(meta.control("audiences")["audiences"][0]["limited_data_use_rows"], 2);
    let remove = json!({"schema": schema, "data": [[hash("a"), "any", "any", "any", "any"]]}).to_string();
    meta.post(&format!("{seed}/users"), &[("method", "DELETE"), ("payload", &remove)]).ok();
    assert_eq!(meta.control("audiences")["audiences"][0]["limited_data_use_rows"], 1);
}

#[test]
fn birthdays_and_own_ids_are_columns_and_a_birthday_alone_finds_nobody() {
    let meta = Meta::start();
    let schema = ["EXTERN_ID", "EMAIL", "DOBY", "DOBM", "DOBD", "LOOKALIKE_VALUE"];
    let birthday = ["1990", "02", "28"].map(hash);
    let [year, month, day] = &birthday;
    let rows = json!([
        ["contact-1", hash("a"), year, month, day, 1],
        ["contact-2", hash("b"), "", "", "", 1],
        [3, "", "", "", "", 1],
        ["", "", year, month, day, 1],
        ["contact-5", hash("e"), "1990", "02", "28", 1],
        [["contact-6"], hash("f"), "", "", "", 1],
    ]);
    let reply = upload(&meta, &meta.seed(), &json!({"schema": schema, "data": rows})).ok();
    assert_eq!(counts(&reply), (6, 3));
    let samples = &reply["invalid_entry_samples"];
    assert_eq!(samples["3"], "the row has no identifier");
    assert_eq!(samples["4"], "DOBY is not a SHA-256 hash in lower-case hex");
    assert_eq!(samples["5"], "EXTERN_ID is neither text nor number");
}

#[test]
fn values_are_kept_as_sent_with_their_session_and_in_order() {
    let meta = Meta::start();
    let seed = meta.seed();
    let values = [json!(0.01), json!(1999.95), json!(37), json!(123_456_789.37), json!(0.1)];
    let rows: Vec<Value> = values.iter().map(|value| json!([hash(&value.to_string()), "", value])).collect();
    meta.send(&seed, &rows[..3], 71, 1, true).ok();
    meta.send(&seed, &rows[3..], 72, 1, true).ok();
    let members = meta.members(&seed);
    for (member, value) in members.iter().zip(&values) {
        assert_eq!(member[0], hash(&value.to_string())[..32]);
        assert_eq!(member[2].as_f64(), value.as_f64());
    }
    let sessions: Vec<&Value> = members.iter().map(|member| &member[4]).collect();
    assert_eq!(json!(sessions), json!(["71", "71", "71", "72", "72"]));
}

#[test]
fn a_fresh_audience_may_not_be_known_yet() {
    let meta = Meta::start();
    meta.set(&json!({"fresh_audience_refusals": 2}));
    let seed = meta.seed();
    let send = || meta.send(&seed, &meta.rows()[..1], 1, 1, true);
    for _ in 0..2 {
        let reply = send();
        assert_eq!(reply.error(), (400, 803, 0));
        assert_eq!(
            reply.json["error"]["message"],
            "(#803) Some of the aliases you requested do not exist: users"
        );
    }
    assert_eq!(counts(&send().ok()), (1, 0));
}
