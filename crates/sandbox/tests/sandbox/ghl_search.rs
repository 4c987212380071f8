//! `POST /contacts/search`: strict bodies, paging, the cursor, filters, sorts, changes and the index lag.

use std::collections::HashSet;

use sandbox::{Contacts, GhlSettings, Sandbox, SandboxSettings};
use serde_json::{Value, json};

use crate::client::{control, ghl_headers, ids, search, send, start};

fn generated(n: u32) -> Sandbox {
    let ghl = GhlSettings { burst: 10_000, ..GhlSettings::default() };
    start(SandboxSettings { contacts: Contacts::Generated(n), ghl, ..SandboxSettings::default() })
}

/// Reads to the end by cursor.
fn read_all(sandbox: &Sandbox, mut body: Value) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let reply = search(sandbox, body.clone());
        let page = ids(&reply);
        let Some(last) = reply.json()["contacts"].as_array().and_then(|list| list.last().cloned()) else {
            return all;
        };
        all.extend(page);
        body["searchAfter"] = last["searchAfter"].clone();
    }
}

#[test]
fn a_body_with_faults_gets_all_of_them_listed() {
    let sandbox = generated(3);
    let url = format!("{}/contacts/search", sandbox.addresses().ghl);
    let body = r#"{"email":"a@example.com","pageLimit":"20","sort":{},"query":7}"#;
    let reply = send("POST", &url, &ghl_headers(), body);
    assert_eq!(reply.status, 422);
    let messages = reply.json()["message"].as_array().unwrap().clone();
    let wanted = [
        "property email should not exist",
        "locationId should not be empty",
        "locationId must be a string",
        "pageLimit must be a number conforming to the specified constraints",
        "query must be shorter than or equal to 75 characters",
        "sort must be an array",
    ];
    assert_eq!(messages, wanted.map(Value::from));
    let message =
        |body: Value| search(&sandbox, body).json()["message"][0].as_str().unwrap_or_default().to_owned();
    assert_eq!(message(json!({"pageLimit": 501})), "pageLimit must not be greater than 500");
    assert_eq!(message(json!({"pageLimit": 0})), "pageLimit must not be less than 1");
    assert_eq!(message(json!({"pageLimit": 1, "page": 0})), "page must not be less than 1");
    assert_eq!(send("POST", &url, &ghl_headers(), "{").status, 400);
}

#[test]
fn a_foreign_location_is_refused_after_the_body_was_checked() {
    let sandbox = generated(3);
    let url = format!("{}/contacts/search", sandbox.addresses().ghl);
    let status = |body: &str| send("POST", &url, &ghl_headers(), body).status;
    assert_eq!(status(r#"{"locationId":"other","pageLimit":1}"#), 403);
    assert_eq!(status(r#"{"locationId":"other","pageLimit":0}"#), 422);
}

#[test]
fn the_cursor_reads_every_contact_once_and_pages_end_at_ten_thousand() {
    let sandbox = generated(25_000);
    let all = read_all(&sandbox, json!({"pageLimit": 500}));
    assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (25_000, 25_000));
    let last_page = search(&sandbox, json!({"pageLimit": 500, "page": 20}));
    assert_eq!(ids(&last_page), &all[9_500..10_000]);
    assert_eq!(last_page.json()["total"], 25_000);
    let beyond = search(&sandbox, json!({"pageLimit": 500, "page": 21}));
    assert_eq!(beyond.status, 400);
    assert!(beyond.json()["message"].as_str().unwrap().contains("10000"));
    let ascending =
        read_all(&sandbox, json!({"pageLimit": 499, "sort": [{"field": "dateAdded", "direction": "asc"}]}));
    assert_eq!(ascending, all.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_cursor_must_fit_and_stand_alone() {
    let sandbox = generated(10);
    let first = search(&sandbox, json!({"pageLimit": 1})).json()["contacts"][0]["searchAfter"].clone();
    assert!(first[0].is_i64() && first[1].is_string());
    assert_eq!(search(&sandbox, json!({"pageLimit": 1, "page": 2, "searchAfter": first})).status, 400);
    assert_eq!(search(&sandbox, json!({"pageLimit": 1, "searchAfter": ["x"]})).status, 400);
    assert_eq!(search(&sandbox, json!({"pageLimit": 1, "searchAfter": [1, "nobody"]})).status, 400);
}

#[test]
fn documents_have_the_shape_of_search_results() {
    let sandbox = start(SandboxSettings::default());
    let document = search(
        &sandbox,
        json!({"pageLimit": 1, "filters": [{"field": "dnd", "operator": "eq", "value": true}]}),
    );
    let contact = document.json()["contacts"][0].clone();
    for absent in ["firstName", "lastName", "address1", "contactName"] {
        assert!(contact.get(absent).is_none(), "{absent}");
    }
    for present in [
        "address",
        "firstNameLowerCase",
        "lastNameLowerCase",
        "customFields",
        "postalCode",
        "searchAfter",
        "additionalEmails",
    ] {
        assert!(contact.get(present).is_some(), "{present}");
    }
    assert_eq!(
        contact["firstNameLowerCase"].as_str().map(str::to_lowercase).as_deref(),
        contact["firstNameLowerCase"].as_str()
    );
    assert_eq!(contact["dndSettings"]["SMS"]["status"], "active");
    let mut headers = ghl_headers();
    headers[0].1 = "v3";
    let url = format!("{}/contacts/search", sandbox.addresses().ghl);
    let body = json!({"locationId": sandbox.credentials().ghl_location_id, "pageLimit": 1,
        "filters": [{"field": "dnd", "operator": "eq", "value": true}]});
    let v3 = send("POST", &url, &headers, &body.to_string()).json()["contacts"][0].clone();
    assert_eq!(
        (&v3["dndSettings"]["sms"]["status"], &v3["dndSettings"]["SMS"]),
        (&json!("active"), &Value::Null)
    );
    assert!(v3["dndSettings"].get("whatsApp").is_some());
}

#[test]
fn filters_match_what_the_tables_say() {
    let sandbox = start(SandboxSettings::default());
    let total = |filters: Value| {
        let reply = search(&sandbox, json!({"pageLimit": 1, "filters": filters})).json();
        reply["total"].as_u64().unwrap_or_else(|| panic!("{filters}: {reply}"))
    };
    let one = |field: &str, operator: &str, value: Value| {
        let mut filter = json!({"field": field, "operator": operator});
        if !value.is_null() {
            filter["value"] = value;
        }
        filter
    };
    let ltv = "customFields.ltvF1eldAbCdEfGhIjKl";
    let vip = total(json!([one("tags", "eq", json!("vip"))]));
    assert!((250..350).contains(&vip), "{vip}");
    assert_eq!(total(json!([])), 2357);
    assert_eq!(total(json!([one("tags", "eq", json!("customer"))])), 2357);
    assert_eq!(total(json!([one("tags", "eq", json!("VIP"))])), 0);
    assert_eq!(total(json!([one("tags", "not_eq", json!("vip"))])), 2357 - vip);
    assert_eq!(total(json!([one("tags", "contains", json!("ustom"))])), 2357);
    assert_eq!(total(json!([one("dnd", "eq", json!(true))])), 25);
    assert_eq!(total(json!([one("dndSettings.Call.status", "eq", json!("active"))])), 35);
    assert_eq!(total(json!([one(ltv, "exists", Value::Null)])), 2357);
    assert_eq!(total(json!([one("customFields.emptyF1eldAbCdEfGhIj", "exists", Value::Null)])), 0);
    assert_eq!(total(json!([one("customFields.emptyF1eldAbCdEfGhIj", "not_exists", Value::Null)])), 2357);
    assert_eq!(total(json!([one("customFields.Name", "not_eq", json!("x"))])), 0);
    let [from_200, below_200] =
        ["gte", "lt"].map(|bound| total(json!([one(ltv, "range", json!({bound: 200}))])));
    // An amount typed with its currency is text, which a number range can not find.
    let with_currency = include_str!("../../data/demo_contacts.csv").matches(" USD,").count() as u64;
    assert_eq!((from_200 + below_200, with_currency > 20), (2357 - with_currency, true));
    assert!((vip - 15..=vip).contains(&from_200), "{from_200} of {vip}");
    assert_eq!(total(json!([one(ltv, "eq", json!(0))])), 8);
    assert_eq!(total(json!([one("dateAdded", "range", json!({"gte": "2030-01-01"}))])), 0);
    assert_eq!(total(json!([one("dateAdded", "range", json!({"gte": "2024-01-01T00:00:00Z"}))])), 2357);
    let boston = one("city", "eq", json!("boston"));
    let miami = one("city", "contains", json!("miam"));
    let either = json!({"group": "OR", "filters": [boston, miami]});
    let (in_boston, in_miami) = (total(json!([boston])), total(json!([miami])));
    assert!(in_boston > 0 && in_miami > 0);
    assert_eq!(total(json!([either])), in_boston + in_miami);
    assert_eq!(total(json!([{"group": "AND", "filters": [boston, miami]}])), 0);
    let all =
        search(&sandbox, json!({"pageLimit": 500, "filters": [either, one("tags", "eq", json!("vip"))]}));
    assert_eq!(ids(&all).len() as u64, all.json()["total"].as_u64().unwrap());
    let one_id = ids(&all)[0].clone();
    assert_eq!(total(json!([one("id", "eq", json!([one_id]))])), 1);
    let found = search(&sandbox, json!({"pageLimit": 5, "query": "Susan Hill"})).json();
    assert!(found["total"].as_u64().unwrap() >= 1);
}

#[test]
fn filters_that_the_tables_do_not_know_are_refused() {
    let sandbox = generated(3);
    let refused = |filter: Value| {
        let reply = search(&sandbox, json!({"pageLimit": 1, "filters": [filter]}));
        (reply.status, reply.json()["message"].clone())
    };
    let invalid = (422, json!(["Invalid Operator"]));
    assert_eq!(
        refused(json!({"field": "firstName", "operator": "eq", "value": "x"})),
        (400, json!("Invalid field firstName"))
    );
    assert_eq!(refused(json!({"field": "email", "operator": "contains", "value": "x"})), invalid);
    assert_eq!(refused(json!({"field": "dateAdded", "operator": "gt", "value": 1})), invalid);
    assert_eq!(refused(json!({"field": "tags", "operator": "range", "value": {"gt": 1}})), invalid);
    assert_eq!(refused(json!({"field": "tags", "operator": "exists", "value": 1})).0, 422);
    assert_eq!(refused(json!({"field": "tags", "operator": "eq", "value": "x".repeat(76)})).0, 422);
    assert_eq!(refused(json!({"field": "dateAdded", "operator": "range", "value": {"min": 1}})).0, 422);
    assert_eq!(refused(json!({"field": "tags", "operator": "eq", "value": "x", "not": true})).0, 422);
    assert_eq!(refused(json!({"group": "XOR", "filters": []})).0, 422);
}

#[test]
fn sorts_order_and_their_cursors_read_everything() {
    let sandbox = generated(700);
    let sort =
        json!([{"field": "lastNameLowerCase", "direction": "desc"}, {"field": "email", "direction": "asc"}]);
    let all = read_all(&sandbox, json!({"pageLimit": 90, "sort": sort}));
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 700);
    let reply = search(&sandbox, json!({"pageLimit": 500, "sort": sort})).json();
    let names: Vec<&str> = reply["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["lastNameLowerCase"].as_str().unwrap())
        .collect();
    assert!(names.is_sorted_by(|a, b| a >= b) && names.first() != names.last());
    let three = json!([{"field": "email", "direction": "asc"}, {"field": "dnd", "direction": "asc"}, {"field": "source", "direction": "asc"}]);
    for wrong in [
        three,
        json!([{"field": "phone", "direction": "asc"}]),
        json!([{"field": "email", "direction": "up"}]),
    ] {
        assert_eq!(search(&sandbox, json!({"pageLimit": 5, "sort": wrong})).status, 422);
    }
}

#[test]
fn contacts_can_come_and_go_between_two_pages() {
    let sandbox = generated(10);
    let all = read_all(&sandbox, json!({"pageLimit": 5}));
    let change = json!({"changes": [{"after_searches": 1, "insert": [{"email": "new@example.com", "tags": ["Late"]}], "delete": [all[7]],
        "update": [{"id": all[8], "dnd": true, "lifetimeValue": null}]}]});
    assert_eq!(control(&sandbox, "POST", "/control/ghl/state", &change).status, 204);
    let first = ids(&search(&sandbox, json!({"pageLimit": 5, "page": 1})));
    assert_eq!(first, all[..5]);
    // The newest comes first, so that the second page by number repeats a contact.
    let second = search(&sandbox, json!({"pageLimit": 5, "page": 2}));
    assert_eq!(ids(&second), [&all[4..7], &all[8..9], &all[9..]].concat());
    assert_eq!(second.json()["total"], 10);
    let changed = second.json()["contacts"][3].clone();
    assert_eq!((&changed["id"], &changed["dnd"]), (&json!(all[8]), &json!(true)));
    let late = search(
        &sandbox,
        json!({"pageLimit": 5, "filters": [{"field": "tags", "operator": "eq", "value": "late"}]}),
    )
    .json();
    assert_eq!((&late["total"], &late["contacts"][0]["email"]), (&json!(1), &json!("new@example.com")));
    assert_eq!(read_all(&sandbox, json!({"pageLimit": 3})).len(), 10);
}

#[test]
fn search_lags_behind_changes() {
    let sandbox = generated(10);
    let change =
        json!({"search_lag_millis": 10_000, "changes": [{"insert": [{"email": "new@example.com"}]}]});
    control(&sandbox, "POST", "/control/ghl/state", &change);
    let total = || search(&sandbox, json!({"pageLimit": 1})).json()["total"].clone();
    assert_eq!(total(), 10);
    control(&sandbox, "POST", "/control/clock", &json!({"advance_seconds": 10}));
    assert_eq!(total(), 11);
}
