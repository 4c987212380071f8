//! Creating, listing, reading and deleting audiences.

use serde_json::{Value, json};

use super::{Meta, id_of};

#[test]
fn ids_are_numeric_strings_beyond_what_a_float_holds() {
    let meta = Meta::start();
    let (first, second) = (meta.seed(), id_of(&meta.try_create("Other", false).ok()));
    assert_ne!(first, second);
    assert!(first.parse::<u64>().unwrap() > 1 << 53);
}

#[test]
fn an_audience_is_created_from_a_form_and_from_json() {
    let meta = Meta::start();
    let body = json!({"name": "J", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY", "is_value_based": true,
        "description": "d", "retention_days": 30, "opt_out_link": "https://example.com/out"});
    let id = id_of(&meta.post_json(&meta.audiences_path(), &body).ok());
    let fields = "name,description,subtype,is_value_based,customer_file_source,retention_days,opt_out_link,data_source,\
                  time_created,account_id,lookalike_audience_ids";
    let node = meta.get(&format!("{id}?fields={fields}")).ok();
    assert_eq!(node["name"], "J");
    assert_eq!(node["is_value_based"], true);
    assert_eq!(node["retention_days"], 30);
    assert_eq!(node["opt_out_link"], "https://example.com/out");
    assert_eq!(node["customer_file_source"], "USER_PROVIDED_ONLY");
    assert_eq!(node["data_source"], json!({"type": "UNKNOWN", "sub_type": "ANYTHING"}));
    assert!((node["time_created"].as_i64().unwrap() - meta.clock.now().timestamp()).abs() < 60);
    assert_eq!(node.get("lookalike_audience_ids"), None, "an empty field is left out");
    let seed = meta.get(&format!("{}?fields=is_value_based", meta.seed())).ok();
    assert_eq!(seed["is_value_based"], true, "1 means true in a form");
}

#[test]
fn without_fields_a_node_is_only_its_id_and_unknown_fields_are_refused() {
    let meta = Meta::start();
    let seed = meta.seed();
    assert_eq!(meta.get(&seed).ok(), json!({"id": seed}));
    let reply = meta.get(&format!("{seed}?fields=approximate_count"));
    assert_eq!(reply.error(), (400, 100, 0));
    let message =
        "(#100) Tried accessing nonexisting field (approximate_count) on node type (CustomAudience)";
    assert_eq!(reply.json["error"]["message"], message);
    // error_data is an object at times and a string at others; here it is a string.
    assert_eq!(reply.json["error"]["error_data"], r#"{"blame_field_specs":[["fields"]]}"#);
}

#[test]
fn creation_needs_name_subtype_and_a_known_source() {
    let meta = Meta::start();
    let good = [("name", "n"), ("subtype", "CUSTOM"), ("customer_file_source", "USER_PROVIDED_ONLY")];
    for missing in 0..good.len() {
        let fields: Vec<_> = (0..good.len()).filter(|at| *at != missing).map(|at| good[at]).collect();
        let reply = meta.post(&meta.audiences_path(), &fields);
        assert_eq!(reply.error(), (400, 100, 0), "{}", good[missing].0);
    }
    for wrong in [
        ("customer_file_source", "SOMEWHERE"),
        ("subtype", "WEBSITE"),
        ("retention_days", "181"),
        ("is_value_based", "maybe"),
        ("opt_out_link", "x"),
    ] {
        let mut fields = good.to_vec();
        fields.retain(|(name, _)| *name != wrong.0);
        fields.push(wrong);
        assert_eq!(meta.post(&meta.audiences_path(), &fields).error(), (400, 100, 0), "{}", wrong.0);
    }
    assert_eq!(meta.control("audiences")["audiences"], json!([]));
}

#[test]
fn creation_can_answer_with_fields() {
    let meta = Meta::start();
    let fields = [
        ("name", "n"),
        ("subtype", "CUSTOM"),
        ("customer_file_source", "USER_PROVIDED_ONLY"),
        ("fields", "name"),
    ];
    assert_eq!(meta.post(&meta.audiences_path(), &fields).ok()["name"], "n");
}

#[test]
fn terms_that_nobody_accepted_block_creation_and_upload() {
    let meta = Meta::start();
    let seed = meta.seed();
    meta.set(&json!({"value_based_terms_accepted": false}));
    let reply = meta.try_create("v", true);
    assert_eq!(reply.error(), (403, 200, 1_870_034));
    assert!(reply.json["error"]["error_user_msg"].as_str().unwrap().contains("value_based/tos.php"));
    assert_eq!(meta.try_create("plain", false).status, 200);
    meta.set(&json!({"audience_terms_accepted": false}));
    let reply = meta.try_create("plain", false);
    assert_eq!(reply.error(), (403, 200, 1_870_090));
    assert!(reply.json["error"]["error_user_msg"].as_str().unwrap().ends_with("?act=1234567890"));
    assert_eq!(meta.send(&seed, &meta.rows()[..1], 1, 1, true).error(), (403, 200, 1_870_090));
}

#[test]
fn the_number_of_customer_lists_is_limited() {
    let meta = Meta::start();
    meta.set(&json!({"audience_limit": 2}));
    let first = meta.seed();
    meta.seed();
    let reply = meta.try_create("third", false);
    assert_eq!(reply.error(), (400, 100, 0));
    assert!(reply.json["error"]["error_user_msg"].as_str().unwrap().contains("limit"));
    meta.delete(&first).ok();
    assert_eq!(meta.try_create("third", false).status, 200);
}

#[test]
fn fetch_or_create_finds_the_twin_unless_switched_off() {
    let meta = Meta::start();
    let fields = [
        ("name", "Seed"),
        ("subtype", "CUSTOM"),
        ("customer_file_source", "USER_PROVIDED_ONLY"),
        ("is_value_based", "true"),
        ("enable_fetch_or_create", "true"),
    ];
    let seed = meta.seed();
    let create = || id_of(&meta.post(&meta.audiences_path(), &fields).ok());
    assert_eq!(create(), seed);
    meta.set(&json!({"fetch_or_create": false}));
    assert_ne!(create(), seed);
    assert_ne!(meta.seed(), seed, "a plain creation always makes a twin");
}

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect()
}

#[test]
fn the_list_is_paged_newest_first_by_cursor_and_by_next() {
    let meta = Meta::start();
    for n in 0..5 {
        meta.try_create(&format!("A{n}"), false).ok();
    }
    let path = format!("{}?fields=name&limit=2", meta.audiences_path());
    let first = meta.get(&path).ok();
    assert_eq!(names(&first), ["A4", "A3"]);
    let after = first["paging"]["cursors"]["after"].as_str().unwrap();
    assert_eq!(names(&meta.get(&format!("{path}&after={after}")).ok()), ["A2", "A1"]);
    let next = first["paging"]["next"].as_str().unwrap().strip_prefix(&meta.url).unwrap();
    let second = meta.raw_get(next).ok();
    assert_eq!(names(&second), ["A2", "A1"]);
    let next = second["paging"]["next"].as_str().unwrap().strip_prefix(&meta.url).unwrap();
    let third = meta.raw_get(next).ok();
    assert_eq!(names(&third), ["A0"]);
    assert_eq!(third["paging"].get("next"), None);
    assert_eq!(meta.get(&format!("{path}&after=nonsense")).error(), (400, 100, 0));
    assert_eq!(meta.get(&format!("{}?limit=0", meta.audiences_path())).error(), (400, 100, 0));
}

#[test]
fn an_empty_list_has_no_paging() {
    let meta = Meta::start();
    assert_eq!(meta.get(&meta.audiences_path()).ok(), json!({"data": []}));
}

#[test]
fn the_list_is_filtered_by_name_and_status() {
    let meta = Meta::start();
    for name in ["GHL-A", "GHL-B", "other"] {
        meta.try_create(name, false).ok();
    }
    let filtered = |filter: &str| {
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        meta.get(&format!("{}?fields=name&filtering={filter}", meta.audiences_path()))
    };
    let equal = filtered(r#"[{"field":"name","operator":"EQUAL","value":"GHL-A"}]"#).ok();
    assert_eq!(names(&equal), ["GHL-A"]);
    let contain = filtered(r#"[{"field":"name","operator":"CONTAIN","value":"ghl-"}]"#).ok();
    assert_eq!(names(&contain), ["GHL-B", "GHL-A"]);
    let status = filtered(r#"[{"field":"operation_status.code","operator":"IN","value":[410]}]"#).ok();
    assert_eq!(names(&status).len(), 3);
    let expiring = filtered(r#"[{"field":"delete_time","operator":"GREATER_THAN","value":0}]"#).ok();
    assert_eq!(names(&expiring).len(), 0);
    assert_eq!(filtered(r#"[{"field":"mood","operator":"EQUAL","value":"x"}]"#).error(), (400, 100, 0));
    assert_eq!(filtered("nonsense").error(), (400, 100, 0));
}

#[test]
fn too_large_a_page_is_refused_as_a_passing_error() {
    let meta = Meta::start();
    let reply = meta.get(&format!("{}?limit=5000&fields=name,description", meta.audiences_path()));
    assert_eq!(reply.error(), (500, 1, 0));
    assert_eq!(reply.json["error"]["is_transient"], true);
}

#[test]
fn a_deleted_audience_is_gone_for_the_client_and_remembered_by_the_control_api() {
    let meta = Meta::start();
    let seed = meta.seed();
    assert_eq!(meta.delete(&seed).ok(), json!({"success": true}));
    assert_eq!(meta.get(&seed).error(), (400, 100, 33));
    assert_eq!(meta.delete(&seed).error(), (400, 100, 33));
    assert_eq!(meta.send(&seed, &meta.rows()[..1], 1, 1, true).error(), (400, 100, 33));
    assert_eq!(meta.get(&meta.audiences_path()).ok()["data"], json!([]));
    assert_eq!(meta.control("audiences")["audiences"][0]["deleted"], true);
    let other = meta.seed();
    assert_eq!(meta.post(&other, &[("method", "DELETE")]).ok(), json!({"success": true}));
    assert_eq!(meta.get(&other).error(), (400, 100, 33));
}

#[test]
fn ads_of_an_audience_are_listed_and_stop_when_it_is_deleted() {
    let meta = Meta::start();
    let (seed, other) = (meta.seed(), meta.seed());
    assert_eq!(meta.get(&format!("{seed}/ads")).ok(), json!({"data": []}));
    let ad = meta.control_post("ads", &json!({"audience_id": seed, "name": "Ad", "excluded": true}));
    assert_eq!(ad.status, 201);
    meta.ad(&other);
    let listed = meta.get(&format!("{seed}/ads?fields=id,name,effective_status")).ok();
    assert_eq!(listed["data"], json!([{"id": ad.json["id"], "name": "Ad", "effective_status": "ACTIVE"}]));
    assert_eq!(meta.get(&format!("{seed}/ads?fields=mood")).error(), (400, 100, 0));
    assert_eq!(meta.control("audiences")["ads_stopped"], json!([]));
    meta.delete(&seed).ok();
    let control = meta.control("audiences");
    assert_eq!(control["ads"][0]["effective_status"], "WITH_ISSUES");
    assert_eq!(control["ads_stopped"], json!([ad.json["id"]]));
}

#[test]
fn the_ads_of_one_audience_can_be_unreadable() {
    let meta = Meta::start();
    let (seed, other) = (meta.seed(), meta.seed());
    meta.set(&json!({"ads_unreadable": [seed]}));
    assert_eq!(meta.get(&format!("{seed}/ads")).error(), (403, 200, 0));
    assert_eq!(meta.get(&format!("{other}/ads")).ok(), json!({"data": []}));
}

#[test]
fn health_is_an_empty_list() {
    let meta = Meta::start();
    assert_eq!(meta.get(&format!("{}/health", meta.seed())).ok(), json!({"data": []}));
    assert_eq!(meta.get("120999999999999999/health").error(), (400, 100, 33));
}

#[test]
fn an_account_is_filled_with_foreign_lists_up_to_the_limit_and_listed_by_pages() {
    let meta = Meta::start();
    meta.seed();
    let filled =
        meta.control_post("audiences", &json!({"count": 499, "name": "Shop", "is_value_based": true}));
    assert_eq!((filled.status, filled.json["ids"].as_array().unwrap().len()), (201, 499));
    assert_eq!(meta.try_create("one too many", false).error(), (400, 100, 0));
    let fields = "id,name,description,subtype,is_value_based,time_created,operation_status,\
                  approximate_count_lower_bound,approximate_count_upper_bound";
    let mut page = meta.get(&format!("{}?fields={fields}&limit=100", meta.audiences_path())).ok();
    assert_eq!(page["data"][0]["name"], "Shop 499");
    assert_eq!(page["data"][0]["is_value_based"], true);
    assert_eq!(page["data"][0]["operation_status"]["code"], 410);
    assert!(page["data"][0]["time_created"].is_i64());
    let mut all = Vec::new();
    loop {
        all.extend(page["data"].as_array().unwrap().iter().map(id_of));
        let Some(next) = page["paging"]["next"].as_str() else { break };
        page = meta.raw_get(next.strip_prefix(&meta.url).unwrap()).ok();
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 500);
}

#[test]
fn a_name_and_a_description_can_be_changed_and_nothing_else() {
    let meta = Meta::start();
    let seed = meta.seed();
    assert_eq!(meta.post(&seed, &[("description", "new words")]).ok(), json!({"success": true}));
    assert_eq!(meta.post(&seed, &[("name", "New")]).ok(), json!({"success": true}));
    let node = meta.get(&format!("{seed}?fields=name,description")).ok();
    assert_eq!((&node["name"], &node["description"]), (&json!("New"), &json!("new words")));
    assert_eq!(meta.post(&seed, &[]).error(), (400, 100, 0));
    for fixed in [("is_value_based", "0"), ("subtype", "LOOKALIKE")] {
        assert_eq!(meta.post(&seed, &[("name", "x"), fixed]).error(), (400, 100, 0));
    }
    meta.set(&json!({"blocked_words": ["new"], "integrity_delay_seconds": 0}));
    assert_eq!(meta.post(&seed, &[("name", "x")]).error(), (400, 100, 1_713_228));
    assert_eq!(meta.post("120999999999999999", &[("name", "x")]).error(), (400, 100, 33));
}
