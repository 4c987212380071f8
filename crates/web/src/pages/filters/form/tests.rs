use super::{Entered, FilterForm, Pressed, Row, find, operators};
use serde_json::{Value, json};
use sync::{ConditionField, Entry, Question};

fn fields() -> Vec<ConditionField> {
    let field = |name: &str, operators: &[&'static str], entry| ConditionField {
        name: name.to_owned(),
        other_names: vec![format!("{name} by another name")],
        title: name.to_uppercase(),
        question: Question { operators: operators.to_vec(), entry },
    };
    vec![
        field("tags", &["eq", "not_eq", "contains", "exists", "not_exists"], Entry::Text),
        field("dnd", &["eq", "not_eq"], Entry::Flag),
        field("dateAdded", &["range", "exists"], Entry::Day),
        field("customFields.ltv", &["range", "eq"], Entry::Number),
    ]
}

fn row(field: &str, operator: &str, value: &str) -> Row {
    Row { field: field.into(), operator: operator.into(), value: value.into() }
}

fn rows(any: bool, rows: &[Row]) -> Entered {
    Entered::Rows { any, rows: rows.to_vec() }
}

#[test]
fn rows_become_conditions_and_conditions_rows() {
    let all = [
        row("tags", "eq", "vip"),
        row("dnd", "eq", "false"),
        row("dateAdded", "gte", "2026-01-31"),
        row("customFields.ltv", "lt", "100.50"),
        row("tags", "not_exists", ""),
    ];
    let conditions = json!([
        {"field": "tags", "operator": "eq", "value": "vip"},
        {"field": "dnd", "operator": "eq", "value": false},
        {"field": "dateAdded", "operator": "range", "value": {"gte": "2026-01-31"}},
        {"field": "customFields.ltv", "operator": "range", "value": {"lt": 100.50}},
        {"field": "tags", "operator": "not_exists"},
    ]);
    for (any, json) in [(false, conditions.clone()), (true, json!([{"group": "OR", "filters": conditions}]))]
    {
        assert_eq!(rows(any, &all).to_json(&fields()).unwrap(), json);
        let read = Entered::rows_of(&json, &fields()).unwrap();
        assert_eq!(read.to_json(&fields()).unwrap(), json, "{read:?}");
    }
    let one = rows(true, &all[..1]);
    assert_eq!(one.to_json(&fields()).unwrap(), json!([conditions[0]]), "one alone needs no group");
    let renamed = json!({"field": "customFields.ltv by another name", "operator": "eq", "value": 1});
    assert_eq!(
        Entered::rows_of(&renamed, &fields()),
        Some(rows(false, &[row("customFields.ltv", "eq", "1")]))
    );
    let between = json!([{"field": "dateAdded", "operator": "range", "value": {"gte": "a", "lt": "b"}}]);
    let both = rows(false, &[row("dateAdded", "gte", "a"), row("dateAdded", "lt", "b")]);
    assert_eq!(Entered::rows_of(&between, &fields()), Some(both));
}

#[test]
fn what_rows_can_not_hold_stays_text() {
    let condition = |value: Value| json!({"field": "tags", "operator": "eq", "value": value});
    for json in [
        json!([condition(json!("a")), {"group": "OR", "filters": [condition(json!("b"))]}]),
        json!([{"group": "OR", "filters": [{"group": "AND", "filters": []}]}]),
        json!([{"group": "OR", "filters": [
            {"field": "dateAdded", "operator": "range", "value": {"gte": "a", "lt": "b"}}]}]),
        json!([condition(json!(["a", "b"]))]),
        json!([condition(json!(" a"))]),
        json!([condition(json!("a\nb"))]),
        json!([condition(json!(""))]),
        json!([condition(Value::Null)]),
        json!([{"field": "tags", "operator": "eq", "value": "a", "more": 1}]),
        json!([{"field": "opportunities", "operator": "nested", "value": [{}]}]),
        json!([{"group": "XOR", "filters": []}]),
        json!({"filters": [condition(json!("a"))], "query": "ann"}),
        json!({"filters": [condition(json!("a"))], "limit": 5}),
        json!({"group": "OR", "filters": [condition(json!("a"))], "more": 1}),
        json!([{"group": "OR", "filters": [condition(json!("a"))], "field": "tags"}]),
        condition(json!(2024)),
        condition(json!(true)),
        json!({"field": "customFields.ltv", "operator": "eq", "value": "40"}),
        json!({"field": "customFields.ltv", "operator": "range", "value": {"gte": "40"}}),
        json!({"field": "dnd", "operator": "eq", "value": "true"}),
        json!({"field": "dateAdded", "operator": "range", "value": {"gte": 1_767_225_600_000_u64}}),
        json!("tags eq vip"),
        json!([7]),
    ] {
        assert_eq!(Entered::rows_of(&json, &fields()), None, "{json}");
    }
}

#[test]
fn a_whole_search_body_becomes_rows_when_it_only_pages() {
    let condition = json!({"field": "tags", "operator": "eq", "value": "a"});
    let body = json!({"locationId": "x", "page": 1, "pageLimit": 20, "searchAfter": [], "sort": [], "query": " ",
        "filters": [condition]});
    assert_eq!(Entered::rows_of(&body, &fields()), Some(rows(false, &[row("tags", "eq", "a")])));
}

#[test]
fn a_name_of_several_fields_means_none_of_them() {
    let mut fields = fields();
    fields[3].other_names = vec!["customFields.Size".to_owned()];
    let mut second = fields[3].clone();
    second.name = "customFields.size_2".to_owned();
    fields.push(second);
    for (name, field) in [
        ("customFields.Size", None),
        ("customFields.size", None),
        ("customFields.ltv", Some("customFields.ltv")),
        ("customFields.size_2", Some("customFields.size_2")),
    ] {
        assert_eq!(find(name, &fields).map(|field| field.name.as_str()), field, "{name}");
    }
    let json = json!([{"field": "customFields.Size", "operator": "exists"}]);
    let read = Entered::rows_of(&json, &fields).unwrap();
    assert_eq!(read.to_json(&fields).unwrap(), json, "its name stays, for the check to refuse");
}

#[test]
fn what_is_entered_wrongly_is_left_to_the_check() {
    let wrong = rows(
        false,
        &[
            row("customFields.ltv", "gte", "1,200"),
            row("dnd", "eq", "maybe"),
            row("tags", "exists", "x"),
            row("tags", "eq", "  "),
        ],
    );
    assert_eq!(
        wrong.to_json(&fields()).unwrap(),
        json!([
            {"field": "customFields.ltv", "operator": "range", "value": {"gte": "1,200"}},
            {"field": "dnd", "operator": "eq", "value": "maybe"},
            {"field": "tags", "operator": "exists", "value": "x"},
            {"field": "tags", "operator": "eq"},
        ])
    );
    assert!(Entered::Json("[".into()).to_json(&fields()).unwrap_err().contains("line 1"));
}

#[test]
fn a_problem_stands_beside_its_row() {
    let two = [row("tags", "eq", "a"), row("tags", "eq", "b")];
    for (any, path, place) in [
        (false, "filters[1].value", Some(1)),
        (false, "filters[0]", Some(0)),
        (false, "filters[2].value", None),
        (false, "filters", None),
        (true, "filters[0].filters[1].value.gte", Some(1)),
        (true, "filters[0].filters", None),
    ] {
        assert_eq!(rows(any, &two).row_of(path), place, "{path}");
    }
    assert_eq!(rows(true, &two[..1]).row_of("filters[0].operator"), Some(0));
    assert_eq!(Entered::Json(String::new()).row_of("filters[0]"), None);
}

#[test]
fn a_form_is_read_in_its_order() {
    let sent = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let (form, pressed) = FilterForm::read(&sent(&[
        ("operator", "stray"),
        ("name", "VIP"),
        ("match", "any"),
        ("field", "tags"),
        ("operator", "eq"),
        ("value", "a"),
        ("field", "dnd"),
        ("do", "remove:1"),
    ]));
    assert_eq!(form.conditions, rows(true, &[row("tags", "eq", "a"), row("dnd", "", "")]));
    assert_eq!((form.name.as_str(), pressed), ("VIP", Pressed::Remove(1)));
    for (pairs, expected) in [
        (&[("do", "add"), ("new_field", "tags")][..], Pressed::Add("tags".into())),
        (&[("do", "remove:x")][..], Pressed::Count),
        (&[][..], Pressed::Count),
        (&[("do", "save")][..], Pressed::Save),
    ] {
        assert_eq!(FilterForm::read(&sent(pairs)).1, expected);
    }
    let (form, _) = FilterForm::read(&sent(&[("json", "[]"), ("field", "tags")]));
    assert_eq!(form.conditions, Entered::Json("[]".into()));
}

#[test]
fn a_new_row_asks_what_is_usual_of_its_field() {
    assert_eq!(Row::new("dateAdded", &fields()), row("dateAdded", "gte", ""));
    assert_eq!(Row::new("tags", &fields()), row("tags", "eq", ""));
    assert_eq!(Row::new("gone", &fields()), row("gone", "eq", ""));
    assert_eq!(operators(&fields()[2]), ["gte", "gt", "lte", "lt", "exists"]);
}
