//! API v1: three routes, pages that name the next one, and a key that stays on its server.

use crate::support::{LOCATION, Pages, TOKEN, ids, refusal, settings};
use domain::{Cancel, Explain, RawLtv};
use ghl::{CustomField, GhlError, GhlV1Client, Meaning, SmartList};
use sandbox::{Contacts, GhlSettings as SandboxGhl, Sandbox, SandboxSettings, Service};
use serde_json::json;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;
use testkit::{Reply, ScriptedServer};

fn stage(script: Vec<Reply>) -> (ScriptedServer, GhlV1Client) {
    let server = ScriptedServer::start(script).unwrap();
    let client = GhlV1Client::new(settings(&format!("{}/v1", server.url())));
    (server, client)
}

fn read(client: &GhlV1Client, list: &str, field: &str) -> (Pages, Result<(), GhlError>) {
    let mut pages = Vec::new();
    let result = client.read_contacts(list, field, &Cancel::new(), &mut |page, total| {
        pages.push((page, total));
        ControlFlow::Continue(())
    });
    (pages, result)
}

fn page(contacts: &str, total: u64, next: &str) -> Reply {
    Reply::json(
        200,
        format!(
            r#"{{"contacts":[{contacts}],"meta":{{"total":{total},"nextPageUrl":{next},"currentPage":1}}}}"#
        ),
    )
}

#[test]
fn lists_and_fields_are_read_with_the_key_alone() {
    let (server, client) = stage(vec![
        Reply::json(200, r#"{"smartLists":[{"id":"l1","name":"Buyers"},{"id":7,"name":null},{"name":"x"}]}"#),
        Reply::json(
            200,
            r#"{"customFields":[{"id":"f1","name":"Lifetime Value","fieldKey":"contact.ltv","dataType":"MONETORY"}]}"#,
        ),
        Reply::json(200, "{}"),
    ]);
    let cancel = Cancel::new();
    let list = |id: &str, name: &str| SmartList { id: id.to_owned(), name: name.to_owned() };
    assert_eq!(client.smart_lists(&cancel).unwrap(), [list("l1", "Buyers"), list("7", "7")]);
    let field = CustomField {
        id: "f1".to_owned(),
        name: "Lifetime Value".to_owned(),
        field_key: "contact.ltv".to_owned(),
        data_type: "MONETORY".to_owned(),
    };
    assert_eq!(client.custom_fields(&cancel).unwrap(), [field]);
    assert!(matches!(client.smart_lists(&cancel), Err(GhlError::Unreadable { .. })));
    let targets: Vec<String> = server.received().iter().map(|request| request.target.clone()).collect();
    assert_eq!(targets[0], format!("/v1/contacts/smart-lists/{LOCATION}"));
    assert_eq!(targets[1], format!("/v1/custom-fields/{LOCATION}"));
    let request = &server.received()[0];
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("version"), None);
}

#[test]
fn a_list_is_read_by_the_pages_it_names() {
    let contact = |id: &str| {
        format!(r#"{{"id":"{id}","firstName":"Ann","customField":[{{"id":"f1","value":12.50}}]}}"#)
    };
    let (server, client) = stage(vec![
        page(&contact("c1"), 3, r#""/v1/next?a=1&b=%20""#),
        refusal(503, &json!("busy")),
        page(&contact("c2"), 3, r#""/v1/next?a=2""#),
        page(&contact("c3"), 3, "null"),
        page(&contact("c1"), 3, r#""/v1/next?a=1""#),
    ]);
    let (pages, result) = read(&client, "l 1/x", "f1");
    result.unwrap();
    assert_eq!(ids(&pages), ["c1", "c2", "c3"]);
    assert!(
        pages.iter().all(|(page, total)| *total == 3 && page[0].ltv == RawLtv::Number("12.50".to_owned()))
    );
    assert_eq!(client.contact_count("l1", &Cancel::new()).unwrap(), 3);
    let targets: Vec<String> = server.received().iter().map(|request| request.target.clone()).collect();
    assert_eq!(
        targets,
        [
            "/v1/contacts/smart-list/l%201%2Fx/contacts?limit=100",
            "/v1/next?a=1&b=%20",
            "/v1/next?a=1&b=%20",
            "/v1/next?a=2",
            "/v1/contacts/smart-list/l1/contacts?limit=1",
        ]
    );
}

#[test]
fn a_page_on_another_server_is_never_asked_for() {
    let other = ScriptedServer::start(vec![page("", 0, "null")]).unwrap();
    for next in [format!("{}/v1/next", other.url()), "//evil.example/v1".to_owned(), "next".to_owned()] {
        let (_server, client) = stage(vec![page(r#"{"id":"c1"}"#, 2, &json!(next).to_string())]);
        let (_, result) = read(&client, "l1", "f1");
        let error = result.unwrap_err();
        assert!(matches!(error, GhlError::ForeignPage { read: 1, total: 2 }), "{error:?}");
        assert!(error.explain().message.contains("It was not asked"));
    }
    assert!(other.received().is_empty());
}

#[test]
fn an_early_end_and_a_circle_are_errors() {
    let (_server, client) = stage(vec![page(r#"{"id":"c1"}"#, 2, "null")]);
    assert!(matches!(read(&client, "l1", "f1").1, Err(GhlError::Incomplete { read: 1, total: 2 })));
    let (_server, client) = stage(vec![page("", 2, r#""/v1/next""#)]);
    assert!(matches!(read(&client, "l1", "f1").1, Err(GhlError::Incomplete { read: 0, total: 2 })));
    let again = || page(r#"{"id":"c1"}"#, 9, r#""/v1/next""#);
    let (_server, client) = stage(vec![again(), again(), again()]);
    assert!(matches!(read(&client, "l1", "f1").1, Err(GhlError::RepeatedCursor { read: 2, total: 9 })));
    let (_server, client) = stage(vec![Reply::json(200, r#"{"contacts":[]}"#)]);
    assert!(matches!(read(&client, "l1", "f1").1, Err(GhlError::Unreadable { .. })));
}

#[test]
fn a_server_without_these_routes_is_explained() {
    let (_server, client) = stage(vec![refusal(404, &json!("Cannot GET /v1/contacts/smart-lists/x"))]);
    let error = client.smart_lists(&Cancel::new()).unwrap_err();
    let GhlError::Refused(refusal) = &error else { panic!("{error:?}") };
    assert_eq!(refusal.meaning, Meaning::NotGoHighLevel);
    assert!(
        error
            .explain()
            .message
            .starts_with("The server at GHL_BASE_URL does not know the request to read the smart lists")
    );
    assert!(error.explain().remedy.contains("GHL_API_VERSION"));
}

#[test]
fn a_key_that_is_refused_is_told_apart_from_a_token_of_api_2() {
    for words in ["Unauthorized", "The token is not authorized for this scope."] {
        let (_server, client) = stage(vec![refusal(401, &json!(words))]);
        let error = client.smart_lists(&Cancel::new()).unwrap_err();
        let GhlError::Refused(refusal) = &error else { panic!("{error:?}") };
        assert_eq!(refusal.meaning, Meaning::DeadV1Key, "{words}");
        assert!(error.explain().remedy.contains("remove GHL_API_VERSION"));
    }
}

#[test]
fn the_smart_lists_of_a_location_are_read_whole() {
    let ghl = SandboxGhl { burst_window: Duration::from_millis(500), ..SandboxGhl::default() };
    let contacts = Contacts::Generated(2_000);
    let sandbox = Sandbox::start(SandboxSettings { contacts, ghl, ..SandboxSettings::default() }).unwrap();
    let client = GhlV1Client::new(ghl::GhlSettings {
        window: Duration::from_millis(500),
        api_key: domain::Secret::new(&sandbox.credentials().ghl_token),
        location_id: sandbox.credentials().ghl_location_id.clone(),
        ..settings(&format!("{}/v1", sandbox.addresses().ghl))
    });
    let cancel = Cancel::new();
    let lists = client.smart_lists(&cancel).unwrap();
    let names: Vec<&str> = lists.iter().map(|list| list.name.as_str()).collect();
    assert_eq!(names, ["Everybody", "Tagged customer", "Tagged vip"]);
    let field = client.custom_fields(&cancel).unwrap()[0].id.clone();
    for (list, expected) in [(&lists[0], 2_000), (&lists[2], 250)] {
        let (pages, result) = read(&client, &list.id, &field);
        result.unwrap();
        assert_eq!(ids(&pages).into_iter().collect::<HashSet<_>>().len(), expected);
        assert_eq!(client.contact_count(&list.id, &cancel).unwrap(), expected as u64);
        let with_value =
            pages.iter().flat_map(|(page, _)| page).filter(|contact| contact.ltv != RawLtv::Absent);
        assert!(with_value.count() > expected * 9 / 10);
    }
    assert!(sandbox.record().entries(Service::Ghl).iter().all(|call| call.status == 200));
}
