//! What is read of the location itself.

use crate::support::{LOCATION, Stage, TOKEN};
use domain::Cancel;
use ghl::{CustomField, GhlError, Location};
use testkit::Reply;

#[test]
fn the_location_is_read() {
    let body = r#"{"location":{"id":"x","name":"Dentist","country":"US","timezone":"America/Chicago","social":{},"phone":1}}"#;
    let stage = Stage::new(vec![
        Reply::json(200, body),
        Reply::json(200, r#"{"location":{"name":null,"country":""}}"#),
    ]);
    assert_eq!(
        stage.client.location(&Cancel::new()).unwrap(),
        Location {
            name: "Dentist".to_owned(),
            country: Some("US".to_owned()),
            timezone: Some("America/Chicago".to_owned())
        }
    );
    let request = &stage.received()[0];
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/locations/ve9EPM428h8vShlRW1KT")
    );
    assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("version"), Some("2021-07-28"));
    let bare = stage.client.location(&Cancel::new()).unwrap();
    assert_eq!((bare.name.as_str(), bare.country), (LOCATION, None));
}

#[test]
fn only_fields_of_contacts_are_listed() {
    let body = r#"{"customFields":[
        {"id":"f1","name":"Lifetime Value","fieldKey":"contact.lifetime_value","dataType":"MONETORY","model":"contact","position":0},
        {"id":"f2","name":"Deal","fieldKey":"opportunity.deal","dataType":"TEXT","model":"opportunity"},
        {"id":"f3","name":null,"fieldKey":"contact.x","dataType":"A_NEW_TYPE"},
        {"id":"f4","name":"Other","fieldKey":"opportunity.y"},
        {"id":"f5","name":"A folder","documentType":"folder"}]}"#;
    let stage = Stage::new(vec![Reply::json(200, body)]);
    let field = |id: &str, name: &str, field_key: &str, data_type: &str| CustomField {
        id: id.to_owned(),
        name: name.to_owned(),
        field_key: field_key.to_owned(),
        data_type: data_type.to_owned(),
    };
    assert_eq!(
        stage.client.custom_fields(&Cancel::new()).unwrap(),
        [
            field("f1", "Lifetime Value", "contact.lifetime_value", "MONETORY"),
            field("f3", "contact.x", "contact.x", "A_NEW_TYPE")
        ]
    );
    assert_eq!(stage.received()[0].target, format!("/locations/{LOCATION}/customFields?model=contact"));
}

#[test]
fn tags_are_listed_by_name() {
    let body =
        r#"{"tags":[{"id":"t1","name":"vip","locationId":"x"},{"id":"t2","name":null},{"name":"a: b"}]}"#;
    let stage = Stage::new(vec![Reply::json(200, body)]);
    assert_eq!(stage.client.tags(&Cancel::new()).unwrap(), ["vip", "a: b"]);
    assert_eq!(stage.received()[0].target, format!("/locations/{LOCATION}/tags"));
}

#[test]
fn a_reply_of_another_form_is_an_error_and_not_an_empty_list() {
    let stage = Stage::new(vec![Reply::json(200, "{}"), Reply::json(200, "{}"), Reply::json(200, "[]")]);
    let cancel = Cancel::new();
    assert!(matches!(stage.client.custom_fields(&cancel), Err(GhlError::Unreadable { .. })));
    assert!(matches!(stage.client.tags(&cancel), Err(GhlError::Unreadable { .. })));
    assert!(matches!(stage.client.location(&cancel), Err(GhlError::Unreadable { .. })));
}

#[test]
fn an_odd_location_id_stays_inside_the_path() {
    let stage = Stage::with(vec![Reply::json(200, r#"{"tags":[]}"#)], |settings| {
        settings.location_id = "../a b?c".to_owned();
    });
    stage.client.tags(&Cancel::new()).unwrap();
    assert_eq!(stage.received()[0].target, "/locations/..%2Fa%20b%3Fc/tags");
}
