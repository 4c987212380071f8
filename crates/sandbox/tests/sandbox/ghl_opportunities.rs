//! Opportunities, API v1, contacts without a date, and random trouble.

use sandbox::faults::Trouble;
use sandbox::{Contacts, GhlSettings, Sandbox, SandboxSettings, Service};
use serde_json::{Value, json};

use crate::client::{Reply, control, ghl_get, ghl_headers, ids, search, send, start, try_send};

fn generated(n: u32) -> Sandbox {
    let ghl = GhlSettings { burst: 10_000, ..GhlSettings::default() };
    start(SandboxSettings { contacts: Contacts::Generated(n), ghl, ..SandboxSettings::default() })
}

fn opportunities(sandbox: &Sandbox, mut body: Value) -> Reply {
    body["locationId"] = json!(sandbox.credentials().ghl_location_id);
    let url = format!("{}/opportunities/search", sandbox.addresses().ghl);
    send("POST", &url, &ghl_headers(), &body.to_string())
}

fn total(sandbox: &Sandbox, filters: &Value) -> u64 {
    opportunities(sandbox, json!({"limit": 1, "filters": filters})).json()["total"].as_u64().unwrap()
}

#[test]
fn opportunities_are_found_by_what_the_documents_name() {
    let sandbox = generated(300);
    let population = sandbox.population();
    let all: Vec<_> = (0..300).flat_map(|index| population.opportunities(index)).collect();
    let count = |test: &dyn Fn(&sandbox::people::Opportunity) -> bool| {
        all.iter().filter(|one| test(one)).count() as u64
    };
    let eq = |field: &str, value: &Value| json!({"field": field, "operator": "eq", "value": value});
    let pipeline = all[0].pipeline_id();
    let won = count(&|one| one.status == "won");
    assert!(won > 300 && won < all.len() as u64);
    assert_eq!(total(&sandbox, &json!([])), all.len() as u64);
    assert_eq!(total(&sandbox, &json!([eq("status", &json!("won"))])), won);
    assert_eq!(
        total(&sandbox, &json!([eq("pipeline_id", &json!(pipeline))])),
        count(&|one| one.pipeline_id() == pipeline)
    );
    assert_eq!(
        total(
            &sandbox,
            &json!([{"field": "monetary_value", "operator": "range", "value": {"gte": 100, "lt": 200.5}}])
        ),
        count(&|one| (10_000..20_050).contains(&one.cents))
    );
    let of_one = all.iter().filter(|one| one.contact_id == all[0].contact_id).count() as u64;
    assert_eq!(total(&sandbox, &json!([eq("contact_id", &json!(all[0].contact_id))])), of_one);
    let nested = |status: &str| {
        let filter = json!([{"field": "opportunities", "operator": "nested", "value": [eq("status", &json!(status))]}]);
        search(&sandbox, json!({"pageLimit": 1, "filters": filter})).json()["total"].as_u64().unwrap()
    };
    let with = |status: &str| {
        (0..300)
            .filter(|index| population.opportunities(*index).iter().any(|one| one.status == status))
            .count() as u64
    };
    assert_eq!((nested("won"), nested("lost"), nested("abandoned")), (with("won"), with("lost"), 0));
    let refused = |body: Value| opportunities(&sandbox, body).status;
    assert_eq!(refused(json!({"pageLimit": 20})), 422);
    assert_eq!(refused(json!({"limit": 501})), 422);
    assert_eq!(refused(json!({"limit": 1, "filters": [eq("pipelineId", &json!("x"))]})), 400);
    assert_eq!(refused(json!({"limit": 500, "page": 21})), 400);
    assert_eq!(refused(json!({"limit": 1, "searchAfter": [1, "x"]})), 400);
    control(&sandbox, "POST", "/control/ghl/state", &json!({"scopes": ["contacts.readonly"]}));
    assert_eq!(refused(json!({"limit": 1})), 401);
}

#[test]
fn the_cursor_reads_every_opportunity_once_in_both_directions() {
    let sandbox = generated(300);
    let read = |direction: &str| {
        let mut body = json!({"limit": 37, "sort": [{"field": "date_added", "direction": direction}]});
        let mut all = Vec::new();
        loop {
            let reply = opportunities(&sandbox, body.clone()).json();
            let rows = reply["opportunities"].as_array().unwrap().clone();
            let Some(last) = rows.last() else { return all };
            body["searchAfter"] = last["searchAfter"].clone();
            all.extend(rows.into_iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        }
    };
    let mut ascending = read("asc");
    assert_eq!(ascending.len() as u64, total(&sandbox, &json!([])));
    assert!(ascending.is_sorted_by(|a, b| a < b));
    ascending.reverse();
    assert_eq!(read("desc"), ascending);
}

#[test]
fn contacts_without_a_date_come_last_in_both_directions() {
    let sandbox = generated(5);
    let change = json!({"changes": [{"insert": [{"id": "u1", "undated": true}, {"id": "d1"}, {"id": "u2", "undated": true}]}]});
    control(&sandbox, "POST", "/control/ghl/state", &change);
    for (direction, tail) in [("asc", vec!["d1", "u1", "u2"]), ("desc", vec!["u1", "u2"])] {
        let mut body = json!({"pageLimit": 2, "sort": [{"field": "dateAdded", "direction": direction}]});
        let mut all = Vec::new();
        for _ in 0..4 {
            let reply = search(&sandbox, body.clone());
            body["searchAfter"] =
                reply.json()["contacts"].as_array().unwrap().last().unwrap()["searchAfter"].clone();
            all.extend(ids(&reply));
        }
        assert_eq!(all.len(), 8);
        assert!(all.ends_with(&tail.iter().map(ToString::to_string).collect::<Vec<_>>()), "{all:?}");
    }
    let count = |filter: Value| {
        search(&sandbox, json!({"pageLimit": 1, "filters": [filter]})).json()["total"].clone()
    };
    assert_eq!(count(json!({"field": "dateAdded", "operator": "not_exists"})), 2);
    assert_eq!(count(json!({"field": "dateAdded", "operator": "range", "value": {"gte": "2024-01-01"}})), 6);
}

#[test]
fn v1_asks_for_the_key_alone_and_keeps_the_limits() {
    let sandbox = generated(250);
    let location = &sandbox.credentials().ghl_location_id;
    let get = |path: &str, headers: &[(&str, &str)]| {
        send("GET", &format!("{}/v1{path}", sandbox.addresses().ghl), headers, "")
    };
    let key = &ghl_headers()[1..2];
    let lists = get(&format!("/contacts/smart-lists/{location}"), key).json();
    assert_eq!(lists["smartLists"].as_array().unwrap().len(), 3);
    assert_eq!(get(&format!("/contacts/smart-lists/{location}"), &[]).status, 401);
    assert_eq!(get("/contacts/smart-lists/other", key).status, 403);
    assert_eq!(get("/contacts/smart-list/nobody/contacts", key).status, 400);
    let page = get("/contacts/smart-list/everybody/contacts", key);
    assert_eq!(page.header("x-ratelimit-max"), Some("10000"));
    let page = page.json();
    assert_eq!((page["contacts"].as_array().unwrap().len(), &page["meta"]["total"]), (100, &json!(250)));
    assert!(page["contacts"][0]["customField"].is_array() && page["contacts"][0]["firstName"].is_string());
    let next = page["meta"]["nextPageUrl"].as_str().unwrap();
    assert!(next.starts_with(&sandbox.addresses().ghl));
    let second = send("GET", next, key, "").json();
    assert_ne!(second["contacts"][0]["id"], page["contacts"][0]["id"]);
    assert_eq!(ghl_get(&sandbox, "/v1/nothing").status, 404);
}

#[test]
fn random_trouble_strikes_the_same_calls_for_the_same_seed() {
    let struck = |seed: u64| {
        let sandbox = generated(3);
        let trouble = Trouble { service: Service::Ghl, seed, per_mille: 300, slow_millis: 1 };
        control(&sandbox, "POST", "/control/trouble", &serde_json::to_value(trouble).unwrap());
        let body = json!({"locationId": sandbox.credentials().ghl_location_id, "pageLimit": 1}).to_string();
        let url = format!("{}/contacts/search", sandbox.addresses().ghl);
        let calls: Vec<u16> = (0..60)
            .map(|_| try_send("POST", &url, &ghl_headers(), &body).map_or(0, |reply| reply.status))
            .collect();
        (calls, sandbox.faults().struck_by_trouble())
    };
    let (calls, by_trouble) = struck(1);
    assert_eq!((&calls, by_trouble), (&struck(1).0, by_trouble));
    assert_ne!(calls, struck(2).0);
    let failed = calls.iter().filter(|status| **status != 200).count() as u64;
    assert!((8..=28).contains(&by_trouble) && failed <= by_trouble && failed > 0, "{by_trouble} {calls:?}");
    assert!(calls.contains(&0) && calls.contains(&200) && calls.iter().any(|status| *status >= 500));
}
