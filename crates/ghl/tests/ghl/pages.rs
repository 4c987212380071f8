//! Lists are read completely or not at all.

use crate::support::{LOCATION, Stage, TOKEN, contacts, ids, page};
use domain::{Cancel, Explain, RawLtv};
use ghl::{ContactQuery, GhlError};
use serde_json::{Value, json};
use testkit::Reply;

#[test]
fn a_list_is_read_by_cursor_to_its_end() {
    let stage =
        Stage::new(vec![page(&contacts(0..2), 5), page(&contacts(2..4), 5), page(&contacts(4..5), 5)]);
    let (pages, result) = stage.read();
    result.unwrap();
    assert_eq!(ids(&pages), ["c0", "c1", "c2", "c3", "c4"]);
    assert!(pages.iter().all(|(_, total)| *total == 5));
    assert!(pages[2].0[0].ltv == RawLtv::Number("4".to_owned()));

    let request = &stage.received()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/contacts/search"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("version"), Some("2021-07-28"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("location-id"), None);
    let sort = json!([{"field": "dateAdded", "direction": "asc"}]);
    assert_eq!(stage.body(0), json!({"locationId": LOCATION, "pageLimit": 2, "sort": sort}));
    assert_eq!(
        stage.body(1),
        json!({"locationId": LOCATION, "pageLimit": 2, "sort": sort, "searchAfter": [1_778_692_000_001_u64, "c1"]})
    );
    assert_eq!(stage.received().len(), 3);
}

#[test]
fn a_tag_is_matched_exactly() {
    let stage = Stage::new(vec![page(&contacts(0..1), 1)]);
    assert_eq!(stage.client.contact_count(&ContactQuery::tag("vip: a"), &Cancel::new()).unwrap(), 1);
    assert_eq!(stage.body(0)["filters"], json!([{"field": "tags", "operator": "eq", "value": "vip: a"}]));
}

#[test]
fn a_full_last_page_is_followed_by_a_look_behind_it() {
    let stage = Stage::new(vec![page(&contacts(0..2), 2), page(&[], 2)]);
    assert_eq!(stage.ids(), ["c0", "c1"]);
    assert_eq!(stage.received().len(), 2);
}

#[test]
fn an_empty_list_has_no_pages() {
    let stage = Stage::new(vec![page(&[], 0)]);
    assert!(stage.ids().is_empty());
}

#[test]
fn a_short_page_in_the_middle_does_not_end_the_list() {
    let stage =
        Stage::new(vec![page(&contacts(0..1), 3), page(&contacts(1..2), 3), page(&contacts(2..3), 3)]);
    assert_eq!(stage.ids(), ["c0", "c1", "c2"]);
}

#[test]
fn contacts_that_appear_or_vanish_while_reading_are_no_error() {
    let vanishing = Stage::new(vec![page(&contacts(0..2), 4), page(&contacts(3..4), 3)]);
    assert_eq!(vanishing.ids(), ["c0", "c1", "c3"]);
    let appearing = Stage::new(vec![page(&contacts(0..2), 3), page(&contacts(2..4), 4), page(&[], 4)]);
    assert_eq!(appearing.ids(), ["c0", "c1", "c2", "c3"]);
}

/// The pages of a script whose last result is an error, and that error.
fn failing(script: Vec<Reply>) -> (Vec<String>, GhlError, usize) {
    let stage = Stage::new(script);
    let (pages, result) = stage.read();
    (ids(&pages), result.unwrap_err(), stage.received().len())
}

#[test]
fn a_missing_cursor_is_an_error_and_not_an_end() {
    let without: Vec<Value> = contacts(0..2)
        .into_iter()
        .map(|mut contact| {
            contact.as_object_mut().unwrap().remove("searchAfter");
            contact
        })
        .collect();
    for script in [vec![page(&without, 5)], vec![page(&without, 2)], vec![page(&without[..1], 5)]] {
        let (_, error, calls) = failing(script);
        assert!(matches!(error, GhlError::MissingCursor { .. }), "{error:?}");
        assert_eq!(calls, 1);
        assert!(error.explain().remedy.contains("GHL_BASE_URL"));
    }
}

#[test]
fn a_repeated_cursor_is_an_error_and_not_an_endless_loop() {
    let (read, error, calls) = failing(vec![page(&contacts(0..2), 9), page(&contacts(0..2), 9)]);
    assert!(matches!(error, GhlError::RepeatedCursor { read: 4, total: 9 }), "{error:?}");
    assert_eq!((read.len(), calls), (2, 2));
    let circle = vec![page(&contacts(0..2), 9), page(&contacts(2..4), 9), page(&contacts(0..2), 9)];
    assert!(matches!(failing(circle).1, GhlError::RepeatedCursor { .. }));
}

#[test]
fn an_early_end_is_an_error() {
    let (_, error, _) = failing(vec![page(&contacts(0..2), 5), page(&[], 5)]);
    assert!(matches!(error, GhlError::Incomplete { read: 2, total: 5 }), "{error:?}");
    assert!(error.explain().message.starts_with("GoHighLevel gave only 2 of the 5 entries"));
    assert!(matches!(failing(vec![page(&[], 5)]).1, GhlError::Incomplete { read: 0, total: 5 }));
}

#[test]
fn a_page_without_contacts_or_total_is_an_error_and_not_an_empty_list() {
    for body in [
        "{}",
        r#"{"total":5}"#,
        r#"{"contacts":null,"total":0}"#,
        r#"{"contacts":[]}"#,
        r#"{"contacts":[],"total":"many"}"#,
        r#"{"contacts":{"0":{}},"total":1}"#,
        r#"{"contacts":[{"id":"c1","email":"person@example.com""#,
        "<html>",
        "",
    ] {
        let (_, error, calls) = failing(vec![Reply::json(200, body)]);
        assert!(matches!(error, GhlError::Unreadable { .. }), "{body}: {error:?}");
        assert!(!format!("{error:?}{error}{:?}", error.explain()).contains("person"), "{body}");
        assert_eq!(calls, 1);
    }
}

#[test]
fn an_unreadable_contact_ends_the_list_and_is_named() {
    let mut second = contacts(0..2);
    second[1]["phone"] = json!({"number": "+14155550100"});
    let (_, error, _) = failing(vec![page(&second, 2)]);
    assert!(matches!(error, GhlError::UnreadableContact { .. }));
    let explanation = error.explain();
    assert!(
        explanation
            .message
            .starts_with("The contact c1 can not be read: its field `phone` has an unknown form.")
    );
    assert!(!format!("{error:?}{explanation:?}").contains("4155550100"));
}

#[test]
fn odd_contacts_are_read_whole() {
    let odd = r#"{"contacts":[{"id":"c0","firstName":"Ann \ud83d","phone":14155550100,"email":null,"postalCode":94103,
        "dnd":null,"tags":null,"customFields":null,"attributionSource":{"x":"\udc00"},"searchAfter":[1,"c0"]}],"total":"1"}"#;
    let stage = Stage::new(vec![Reply::json(200, odd)]);
    let (pages, result) = stage.read();
    result.unwrap();
    let contact = &pages[0].0[0];
    assert!(contact.first_name.as_deref().unwrap().starts_with("Ann "));
    assert_eq!(
        (contact.phone.as_deref(), contact.postal_code.as_deref()),
        (Some("14155550100"), Some("94103"))
    );
    assert!(contact.ltv == RawLtv::Absent);
}

#[test]
fn counting_asks_for_one_contact() {
    let stage = Stage::new(vec![page(&contacts(0..1), 2357), page(&[], 0)]);
    let count = |query| stage.client.contact_count(&query, &Cancel::new()).unwrap();
    assert_eq!(count(ContactQuery::all()), 2357);
    assert_eq!(count(ContactQuery::tag("vip")), 0);
    assert_eq!(stage.body(0)["pageLimit"], 1);
    assert_eq!(stage.body(1)["filters"][0]["value"], "vip");
}
