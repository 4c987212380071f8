//! What can be pasted, what is refused and where, and what is sent.

use super::Filter;
use crate::location::CustomField;
use serde_json::{Value, json};

fn problems(json: &Value) -> Vec<String> {
    let problems = Filter::parse(json).err().unwrap_or_default();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_pasted_filter_is_written_back_as_it_was() {
    let list = json!([
        {"field": "dnd", "operator": "eq", "value": true},
        {"group": "OR", "filters": [
            {"field": "city", "operator": "eq", "value": "New York"},
            {"group": "AND", "filters": [
                {"field": "tags", "operator": "eq", "value": ["vip", "gold"]},
                {"field": "dateAdded", "operator": "range", "value": {"gte": "2026-01-01", "lt": "2026-02-01T00:00:00Z"}},
            ]},
        ]},
        {"field": "email", "operator": "exists"},
        {"field": "customFields.Lifetime Value", "operator": "range", "value": {"gt": 100.5}},
        {"field": "opportunities", "operator": "nested", "value": [
            {"field": "status", "operator": "eq", "value": "won"}, {"field": "pipelineId", "operator": "exists"}]},
    ]);
    let filter = Filter::parse(&list).unwrap();
    assert_eq!(serde_json::to_value(&filter).unwrap(), list);
    assert_eq!(serde_json::from_value::<Filter>(list.clone()).unwrap(), filter);
    let body = json!({"locationId": "l", "page": 1, "pageLimit": 20, "query": " ", "filters": list,
        "sort": [{"field": "dateAdded", "direction": "desc"}]});
    assert_eq!(Filter::parse(&body).unwrap(), filter);
    let one = json!({"field": "email", "operator": "exists", "value": null});
    assert_eq!(
        serde_json::to_value(Filter::parse(&one).unwrap()).unwrap(),
        json!([{"field": "email", "operator": "exists"}])
    );
    assert_eq!(format!("{filter:?}"), "Filter { .. }");
}

/// Fields, and their operators with a value each.
type Table = (&'static [&'static str], Vec<(&'static str, Value)>);

/// The tables of the vendor's page.
fn tables() -> Vec<Table> {
    let whole = || {
        vec![("eq", json!("x")), ("not_eq", json!("x")), ("exists", Value::Null), ("not_exists", Value::Null)]
    };
    let flag = || {
        vec![
            ("eq", json!(true)),
            ("not_eq", json!(false)),
            ("exists", Value::Null),
            ("not_exists", Value::Null),
        ]
    };
    let part = || [whole(), vec![("contains", json!("abc")), ("not_contains", json!("abc"))]].concat();
    let date =
        vec![("range", json!({"gte": "2026-01-31"})), ("exists", Value::Null), ("not_exists", Value::Null)];
    let nested = json!([{"field": "pipelineStageId", "operator": "not_eq", "value": "x"}]);
    vec![
        (&["id"], vec![("eq", json!("x")), ("not_eq", json!("x"))]),
        (
            &[
                "contactName",
                "assignedTo",
                "country",
                "email",
                "followers",
                "timezone",
                "type",
                "website",
                "activeWorkflows",
                "finishedWorkflows",
                "dndSettings.Email.status",
                "dndSettings.SMS.status",
                "dndSettings.Call.status",
                "inboundDndSettings.all.status",
            ],
            whole(),
        ),
        (&["dnd", "isValidWhatsapp", "validEmail"], flag()),
        (
            &[
                "address",
                "businessName",
                "city",
                "companyName",
                "firstNameLowerCase",
                "lastNameLowerCase",
                "phone",
                "postalCode",
                "source",
                "state",
                "tags",
            ],
            part(),
        ),
        (
            &[
                "dateAdded",
                "dateUpdated",
                "dateOfBirth",
                "lastEmailClickedDate",
                "lastEmailOpenedDate",
                "lastAppointment",
            ],
            date,
        ),
        (&["opportunities"], vec![("nested", nested)]),
    ]
}

fn condition(field: &str, operator: &str, value: &Value) -> Value {
    let mut condition = json!({"field": field, "operator": operator});
    if !value.is_null() {
        condition["value"] = value.clone();
    }
    condition
}

#[test]
fn every_field_takes_its_operators_and_no_other() {
    let all = ["eq", "not_eq", "contains", "not_contains", "exists", "not_exists", "range", "nested"];
    let mut fields_seen = 0;
    for (fields, operators) in tables() {
        for field in fields {
            fields_seen += 1;
            for (operator, value) in &operators {
                assert_eq!(
                    problems(&json!([condition(field, operator, value)])),
                    [""; 0],
                    "{field} {operator}"
                );
            }
            for other in all.iter().filter(|name| operators.iter().all(|(operator, _)| operator != *name)) {
                let found = problems(&json!([condition(field, other, &json!("x"))]));
                assert!(found[0].starts_with("filters[0].operator `"), "{field} {other}: {found:?}");
            }
        }
    }
    assert_eq!(fields_seen, 36);
}

#[test]
fn every_problem_is_named_with_its_path() {
    let long = "x".repeat(76);
    for (json, expected) in [
        (json!(7), "filters must be a list of conditions"),
        (json!([]), "filters must hold at least one condition; the list of all contacts needs no filter"),
        (
            json!({"filters": []}),
            "filters must hold at least one condition; the list of all contacts needs no filter",
        ),
        (
            json!({"limit": 1, "filters": [{"field": "email", "operator": "exists"}]}),
            "limit is no key of a search",
        ),
        (
            json!({"query": "ann", "filters": [{"field": "email", "operator": "exists"}]}),
            "query can not be saved; express it as conditions",
        ),
        (
            json!([7]),
            "filters[0] must be an object with `field` and `operator`, or with `group` and `filters`",
        ),
        (
            json!([{"group": "NOT", "filters": [{"field": "email", "operator": "exists"}]}]),
            "filters[0].group must be \"AND\" or \"OR\"",
        ),
        (json!([{"group": "OR"}]), "filters[0].filters must be a list of conditions"),
        (json!([{"group": "OR", "filters": [], "x": 1}]), "filters[0].x is not known here"),
        (json!([{"operator": "exists"}]), "filters[0].field must be the name of a field"),
        (json!([{"field": "email"}]), "filters[0].operator must be the name of an operator"),
        (json!([{"field": "email", "operator": "is"}]), "filters[0].operator `is` is not known"),
        (
            json!([{"field": "dateAdded", "operator": "gt", "value": 1}]),
            "filters[0].operator is no operator of its own; use `range` with a value such as {\"gte\": 100}",
        ),
        (
            json!([{"field": "firstName", "operator": "exists"}]),
            "filters[0].field `firstName` can not be searched; use `firstNameLowerCase`",
        ),
        (
            json!([{"field": "Lifetime Value", "operator": "exists"}]),
            "filters[0].field `Lifetime Value` is not known; a custom field is written `customFields.` with its name, key or id",
        ),
        (
            json!([{"field": "customFields. ", "operator": "exists"}]),
            "filters[0].field names no custom field",
        ),
        (
            json!([{"field": "email", "operator": "exists", "value": 1}]),
            "filters[0].value must be left out with this operator",
        ),
        (json!([{"field": "email", "operator": "eq"}]), "filters[0].value is missing"),
        (
            json!([{"field": "email", "operator": "eq", "value": " "}]),
            "filters[0].value is empty; use `not_exists` instead",
        ),
        (
            json!([{"field": "email", "operator": "eq", "value": long}]),
            "filters[0].value must not be longer than 75 characters",
        ),
        (
            json!([{"field": "email", "operator": "eq", "value": ["a"]}]),
            "filters[0].value must be a text, a number, true or false",
        ),
        (
            json!([{"field": "tags", "operator": "eq", "value": [["a"]]}]),
            "filters[0].value must be a text, a number, true or false",
        ),
        (
            json!([{"field": "dnd", "operator": "eq", "value": "yes"}]),
            "filters[0].value must be true or false",
        ),
        (json!([{"field": "city", "operator": "contains", "value": 7}]), "filters[0].value must be a text"),
        (json!([{"field": "city", "operator": "contains", "value": ""}]), "filters[0].value is empty"),
        (
            json!([{"field": "city", "operator": "not_contains", "value": " ab "}]),
            "filters[0].value must have at least 3 characters",
        ),
        (
            json!([{"field": "city", "operator": "contains", "value": long}]),
            "filters[0].value must not be longer than 75 characters",
        ),
        (
            json!([{"field": "tags", "operator": "eq", "value": ["a", long]}]),
            "filters[0].value must not be longer than 75 characters",
        ),
        (
            json!([{"field": "customFields.f1", "operator": "range", "value": {"gte": format!("{:0>76}", 1)}}]),
            "filters[0].value.gte must not be longer than 75 characters",
        ),
        (
            json!([{"field": "dateAdded", "operator": "range", "value": {}}]),
            "filters[0].value must be an object of gte, gt, lte or lt",
        ),
        (
            json!([{"field": "dateAdded", "operator": "range", "value": {"from": 1}}]),
            "filters[0].value.from is none of gte, gt, lte, lt",
        ),
        (
            json!([{"field": "dateAdded", "operator": "range", "value": {"gte": "31.1.2026"}}]),
            "filters[0].value.gte must be a day such as 2026-01-31 or a time such as 2026-01-31T00:00:00Z",
        ),
        (
            json!([{"field": "opportunities", "operator": "nested", "value": [{"field": "name", "operator": "exists"}]}]),
            "filters[0].value[0].field is none of pipelineId, pipelineStageId, status",
        ),
        (
            json!([{"field": "opportunities", "operator": "nested", "value": []}]),
            "filters[0].value must be a list of conditions",
        ),
        (json!([{"field": "email", "operator": "exists", "or": 1}]), "filters[0].or is not known here"),
    ] {
        assert!(problems(&json).contains(&expected.to_owned()), "{json}: {:?}", problems(&json));
    }
    let deep = json!([{"field": "email", "operator": "exists"},
        {"group": "OR", "filters": [{"field": "a", "operator": "eq", "value": 1}, {"group": "AND", "filters": [{"field": "dnd"}]}]}]);
    let paths: Vec<String> =
        Filter::parse(&deep).unwrap_err().into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["filters[1].filters[0].field", "filters[1].filters[1].filters[0].operator"]);
    let error = serde_json::from_value::<Filter>(deep).unwrap_err().to_string();
    assert!(error.contains("filters[1].filters[0].field `a` is not known"), "{error}");
}

#[test]
fn problems_do_not_repeat_values_and_make_foreign_names_harmless() {
    let mark = "person@example.com";
    for json in [
        json!([{"field": "email", "operator": "eq", "value": [mark]}]),
        json!([{"field": mark, "operator": mark, "value": mark, mark: 1}]),
        json!([{"group": mark, "filters": mark}]),
        json!({"query": mark, mark: 1}),
    ] {
        let found = problems(&json);
        assert!(!found.is_empty() && !found.join(" ").contains(mark), "{found:?}");
    }
}

fn fields() -> Vec<CustomField> {
    let field = |id: &str, name: &str, key: &str, data_type: &str| CustomField {
        id: id.to_owned(),
        name: name.to_owned(),
        field_key: format!("contact.{key}"),
        data_type: data_type.to_owned(),
    };
    vec![
        field("f1", "Lifetime Value", "lifetime_value", "MONETORY"),
        field("f2", "Notes", "notes", "LARGE_TEXT"),
        field("f3", "Birthday", "birthday", "DATE"),
        field("f4", "Interests", "interests", "CHECKBOX"),
        field("f5", "Boxes", "boxes", "TEXTBOX_LIST"),
        field("f6", "Twice", "twice", "TEXT"),
        field("f7", "twice ", "twice_1", "TEXT"),
        field("f8", "A. B", "a_b", "TEXT"),
        field("f9", "New", "new", "A_NEW_TYPE"),
    ]
}

#[test]
fn custom_fields_are_sent_by_id_however_they_were_named() {
    let sent = |field: &str| {
        let filter =
            Filter::parse(&json!([{"group": "OR", "filters": [{"field": field, "operator": "exists"}]}]))
                .unwrap();
        filter.resolve(&fields()).map(|query| query.conditions()[0]["filters"][0]["field"].clone())
    };
    for (named, id) in [
        ("customFields.f1", "customFields.f1"),
        ("customFields.lifetime_value", "customFields.f1"),
        ("customFields.contact.lifetime_value", "customFields.f1"),
        ("customFields.lifetime VALUE", "customFields.f1"),
        ("customFields.A. B", "customFields.f8"),
        ("customFields.twice", "customFields.f6"),
        ("customFields.Boxes.c1b70ec9-664f", "customFields.f5.c1b70ec9-664f"),
        ("customFields.contact.boxes.c1b70ec9-664f", "customFields.f5.c1b70ec9-664f"),
        ("customFields.New", "customFields.f9"),
        ("email", "email"),
    ] {
        assert_eq!(sent(named).unwrap(), id, "{named}");
    }
    for (named, message) in [
        ("customFields.Elsewhere", "names no custom field of this location: `Elsewhere`"),
        ("customFields.Notes.x", "names no custom field of this location: `Notes.x`"),
        (
            "customFields.Twice",
            "`Twice` is the name of 2 custom fields; write the key or id of one: contact.twice (id f6), contact.twice_1 (id f7)",
        ),
        ("customFields.boxes", "has several text boxes; write a dot and the id of one of them behind it"),
    ] {
        let problems = sent(named).unwrap_err();
        assert_eq!(problems[0].path, "filters[0].filters[0].field");
        assert_eq!(problems[0].message, message);
    }
}

#[test]
fn operators_and_values_fit_the_type_of_the_custom_field() {
    let check = |field: &str, operator: &str, value: Value| {
        let filter = Filter::parse(&json!([condition(&format!("customFields.{field}"), operator, &value)]));
        filter.and_then(|filter| filter.resolve(&fields())).err().map(|problems| problems[0].path.clone())
    };
    let (operator, value) = (Some("filters[0].operator".to_owned()), Some("filters[0].value".to_owned()));
    assert_eq!(check("f1", "range", json!({"gte": 100, "lt": "200.50"})), None);
    assert_eq!(check("f1", "eq", json!(99.5)), None);
    assert_eq!(check("f1", "contains", json!("999")), operator);
    assert_eq!(check("f1", "eq", json!("much")), value);
    assert_eq!(check("f1", "range", json!({"gte": "2026-01-31"})), Some("filters[0].value.gte".to_owned()));
    assert_eq!(check("f2", "contains", json!("abc")), None);
    assert_eq!(check("f2", "range", json!({"gte": 1})), operator);
    assert_eq!(check("f3", "range", json!({"gte": "2026-01-31"})), None);
    assert_eq!(check("f3", "eq", json!("2026-01-31")), operator);
    assert_eq!(check("f4", "eq", json!(["a", "b"])), None);
    assert_eq!(check("f4", "contains", json!("abc")), operator);
    assert_eq!(check("f5.x", "not_contains", json!("abc")), None);
    assert_eq!(check("f2", "nested", json!([{}])), operator);
}
