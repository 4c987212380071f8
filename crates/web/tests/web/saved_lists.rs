//! Lists made of conditions, by HTTP alone.

use crate::api_server::{Api, Reply, With};
use sandbox::Service;
use serde_json::{Value, json};

fn send(api: &Api, method: &str, path: &str, body: &Value) -> Reply {
    let headers = [("Content-Type", "application/json")];
    api.send(method, path, With { headers: &headers, body: &body.to_string() })
}

fn delete(api: &Api, id: &str) -> Reply {
    api.send("DELETE", &format!("/api/smart-lists/{id}"), With::default())
}

fn vips(name: &str) -> Value {
    json!({"name": name, "filters": [
        {"field": "tags", "operator": "eq", "value": "vip"},
        {"group": "OR", "filters": [
            {"field": "customFields.Lifetime Value", "operator": "range", "value": {"gte": 50}},
            {"field": "email", "operator": "not_exists"},
        ]},
    ]})
}

/// The list as `GET` tells it.
fn listed(api: &Api, id: &str) -> Option<Value> {
    let lists = api.get("/api/smart-lists").expect(200);
    lists["smart_lists"].as_array().unwrap().iter().find(|list| list["id"] == id).cloned()
}

#[test]
fn a_list_is_saved_counted_chosen_changed_and_deleted() {
    let api = Api::empty_instance();
    let hostile = "O'Hara \"VIP\" <script>alert(1)</script> 🎈";
    let reply = send(&api, "POST", "/api/smart-lists", &vips(hostile));
    let saved = reply.expect(201);
    assert_eq!(reply.header("location"), "/api/smart-lists/filter%3A1");
    assert_eq!((&saved["id"], &saved["name"]), (&json!("filter:1"), &json!(hostile)));
    assert_eq!(saved["filters"], vips("")["filters"], "the conditions are kept as they were pasted");
    let members = saved["contacts"].as_u64().unwrap();
    assert!(members > 10 && members < 1000, "{members}");

    assert_eq!(
        api.get("/api/smart-lists/filter%3A1/count").expect(200),
        json!({"id": "filter:1", "contacts": members})
    );
    let all = api.get("/api/smart-lists").expect(200);
    let ids: Vec<&str> =
        all["smart_lists"].as_array().unwrap().iter().map(|list| list["id"].as_str().unwrap()).collect();
    assert_eq!(ids[..2], ["all", "filter:1"]);
    assert!(ids[2..].iter().all(|id| id.starts_with("tag:")), "{ids:?}");
    assert_eq!(listed(&api, "filter:1").unwrap()["contacts"], Value::Null, "only the chosen list is counted");

    let choice = json!({"ghl_smart_list_id": "filter:1", "ghl_ltv_field_name": "lifetime_value"});
    let chosen = send(&api, "POST", "/api/config", &choice).expect(200);
    assert_eq!(chosen["ghl_smart_list_name"], hostile);
    assert_eq!(listed(&api, "filter:1").unwrap()["contacts"], members);
    delete(&api, "filter:1").problem(409, "in_use", &[hostile, "Choose another Smart List"]);

    let narrower =
        json!({"name": " VIP ", "filters": [{"field": "tags", "operator": "eq", "value": "nobody"}]});
    let changed = send(&api, "PUT", "/api/smart-lists/filter%3A1", &narrower).expect(200);
    assert_eq!((&changed["name"], &changed["contacts"]), (&json!("VIP"), &json!(0)));
    assert_eq!(
        listed(&api, "filter:1").unwrap()["contacts"],
        0,
        "what was counted before the change is forgotten"
    );

    send(&api, "POST", "/api/config", &json!({"ghl_smart_list_id": "all"})).expect(200);
    let deleted = delete(&api, "filter:1");
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(listed(&api, "filter:1"), None);
    for reply in [delete(&api, "filter:1"), send(&api, "PUT", "/api/smart-lists/filter:1", &narrower)] {
        reply.problem(404, "no_list", &["filter:1"]);
    }
    let next = send(&api, "POST", "/api/smart-lists", &narrower).expect(201);
    assert_eq!(next["id"], "filter:2", "an id is never given twice");
}

#[test]
fn only_saved_lists_can_be_changed_or_deleted() {
    let api = Api::empty_instance();
    for id in ["all", "tag:vip", "filter:9", "filter:01", "filter:x"] {
        delete(&api, id).problem(404, "no_list", &[id]);
        send(&api, "PUT", &format!("/api/smart-lists/{id}"), &vips("a")).problem(404, "no_list", &[id]);
    }
    let reply = api.send("GET", "/api/smart-lists/filter:1", With::default());
    reply.problem(405, "method", &["PUT, DELETE"]);
}

#[test]
fn the_list_of_the_environment_can_not_be_deleted_while_nothing_else_is_chosen() {
    let api = Api::on_sandbox(sandbox::SandboxSettings::default(), |installation| {
        installation.initial = (Some("filter:1".into()), Some("lifetime_value".into()));
    });
    send(&api, "POST", "/api/smart-lists", &vips("VIP")).expect(201);
    delete(&api, "filter:1").problem(409, "in_use", &["VIP"]);
    send(&api, "POST", "/api/config", &json!({"ghl_smart_list_id": "filter:1"})).expect(200);
    for spelling in ["filter:1", "%20filter%3A1", "filter:01"] {
        assert_ne!(delete(&api, spelling).status, 204, "{spelling}");
    }
    send(&api, "POST", "/api/config", &json!({"ghl_smart_list_id": "all"})).expect(200);
    assert_eq!(delete(&api, "filter:1").status, 204);
}

#[test]
fn conditions_that_can_not_be_used_are_named_by_their_place_and_nothing_is_saved() {
    let api = Api::empty_instance();
    let condition = |field: &str, operator: &str, value: Value| json!([{"field": field, "operator": operator, "value": value}]);
    let too_many: Vec<Value> = (0..12).map(|_| json!({"field": "x", "operator": "eq", "value": 1})).collect();
    for (filters, words) in [
        (condition("shoeSize", "eq", json!(43)), vec!["filters[0].field", "shoeSize"]),
        (condition("email", "contains", json!("@example.com")), vec!["filters[0].operator", "not_eq"]),
        (condition("tags", "gt", json!(1)), vec!["filters[0].operator", "range"]),
        (condition("dateAdded", "range", json!({"from": 1})), vec!["filters[0].value.from", "gte"]),
        (condition("customFields.Shoe size", "eq", json!("x")), vec!["filters[0].field", "Shoe size"]),
        (
            condition("customFields.Lifetime Value", "contains", json!("123")),
            vec!["filters[0].operator", "contains"],
        ),
        (json!([{"group": "XOR", "filters": []}]), vec!["filters[0].group", "filters[0].filters"]),
        (json!([]), vec!["filters", "all contacts needs no filter"]),
        (json!("tags eq vip"), vec!["filters must be a list"]),
        (json!(too_many), vec!["filters[0]", "filters[9]", "and 2 more"]),
    ] {
        let reply = send(&api, "POST", "/api/smart-lists", &json!({"name": "a", "filters": filters}));
        let problem = reply.problem(422, "refused", &words);
        assert!(
            !problem["detail"].as_str().unwrap().contains("example.com"),
            "a value is not repeated: {problem}"
        );
    }
    assert_eq!(api.store.filters().unwrap(), []);
}

#[test]
fn a_selected_filter_whose_field_is_gone_is_not_counted_and_hides_no_other_list() {
    let api = Api::on_sandbox(sandbox::SandboxSettings::default(), |installation| {
        installation.initial = (Some("filter:1".into()), Some("lifetime_value".into()));
    });
    let gone = r#"[{"field": "customFields.Shoe size", "operator": "exists"}]"#;
    api.store.filter_add("Shoes", &domain::Conditions(gone.to_owned())).unwrap();
    let lists = api.get("/api/smart-lists").expect(200);
    let count = |id: &str| {
        let all = lists["smart_lists"].as_array().unwrap();
        all.iter().find(|list| list["id"] == id).unwrap()["contacts"].clone()
    };
    assert_eq!((count("filter:1"), count("all").is_u64()), (Value::Null, true));
    let form = api.get("/").text;
    assert!(form.contains("Shoes") && form.contains("value=\"all\""), "another list can be chosen");
}

#[test]
fn a_name_must_be_seen_and_fit_a_line() {
    let api = Api::empty_instance();
    for name in ["", "  ", "a\nb", "a\u{202e}b", "a\u{0}b", "a  b", &"x".repeat(81)] {
        let reply = send(&api, "POST", "/api/smart-lists", &vips(name));
        reply.problem(422, "refused", &["1 to 80 characters"]);
    }
    send(&api, "POST", "/api/smart-lists", &vips(&"ä".repeat(80))).expect(201);
    let unknown = json!({"name": "a", "filters": [], "id": "filter:1"});
    send(&api, "POST", "/api/smart-lists", &unknown).problem(400, "malformed", &["id"]);
    send(&api, "POST", "/api/smart-lists", &json!({"name": "a"})).problem(400, "malformed", &["filters"]);
}

#[test]
fn nothing_is_saved_while_gohighlevel_does_not_answer() {
    let api = Api::empty_instance();
    api.sandbox().stop(Service::Ghl);
    let reply = send(&api, "POST", "/api/smart-lists", &vips("VIP"));
    reply.problem(502, "service", &["GoHighLevel"]);
    assert_eq!(api.store.filters().unwrap(), []);
}

#[test]
fn a_change_asked_for_by_a_foreign_page_is_refused() {
    let api = Api::empty_instance();
    send(&api, "POST", "/api/smart-lists", &vips("VIP")).expect(201);
    let body = vips("evil").to_string();
    for (method, path) in [
        ("POST", "/api/smart-lists"),
        ("PUT", "/api/smart-lists/filter:1"),
        ("DELETE", "/api/smart-lists/filter:1"),
    ] {
        let headers = [("Content-Type", "application/json"), ("Sec-Fetch-Site", "cross-site")];
        let body = if method == "DELETE" { "" } else { body.as_str() };
        api.send(method, path, With { headers: &headers, body }).problem(403, "foreign_origin", &[]);
        if method != "DELETE" {
            let headers = [("Content-Type", "text/plain")];
            api.send(method, path, With { headers: &headers, body }).problem(415, "media_type", &[]);
        }
    }
    let kept = api.store.filters().unwrap();
    assert_eq!((kept.len(), kept[0].name.as_str()), (1, "VIP"));
}

#[test]
fn the_count_of_a_list_is_remembered_until_it_is_asked_for_anew() {
    let api = Api::empty_instance();
    send(&api, "POST", "/api/smart-lists", &vips("VIP")).expect(201);
    let path = "/api/smart-lists/filter:1/count";
    let first = api.get(path).expect(200);
    let calls = api.sandbox().record().count(Service::Ghl);
    assert_eq!(api.get(path).expect(200), first);
    assert_eq!(api.sandbox().record().count(Service::Ghl), calls);
    assert_eq!(api.get(&format!("{path}?refresh=true")).expect(200), first);
    assert!(api.sandbox().record().count(Service::Ghl) > calls);
}
