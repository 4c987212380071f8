//! Every condition a saved list can hold, by HTTP, counted by the simulated GoHighLevel.

use crate::api_server::{Api, Reply};
use sandbox::{Contacts, GhlSettings, SandboxSettings, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The vendor's table, word for word.
const TABLE: &str = include_str!("search_fields.md");

const OPERATORS: [&str; 8] =
    ["eq", "not_eq", "contains", "not_contains", "exists", "not_exists", "range", "nested"];

/// The custom field of each data type: what the location calls it, and the text box of the one that has several.
const CUSTOM: [(&str, &str); 11] = [
    ("TEXT", "contact.favourite"),
    ("LARGE_TEXT", "Remarks"),
    ("SINGLE_OPTIONS", "Size"),
    ("RADIO", "colour"),
    ("PHONE", "Other phone"),
    ("CHECKBOX", "Interests"),
    ("MULTIPLE_OPTIONS", "Services"),
    ("NUMERICAL", "Visits"),
    ("MONETORY", "Projected Value"),
    ("DATE", "Renewal"),
    ("TEXTBOX_LIST", "Boxes.c1b70ec9"),
];

/// An instance whose location has a custom field of every type, and these contacts.
fn instance(contacts: Contacts) -> Api {
    let ghl = GhlSettings { every_field_type: true, ..GhlSettings::default() };
    Api::on_sandbox(SandboxSettings { contacts, ghl, ..SandboxSettings::default() }, |_| {})
}

fn save(api: &Api, name: &str, filters: &Value) -> Reply {
    api.post_json("/api/smart-lists", &json!({"name": name, "filters": filters}).to_string())
}

/// How many contacts a list of these conditions holds, by its answer when it is saved.
fn count(api: &Api, filters: &Value) -> u64 {
    let name = format!("List {}", api.store.filters().unwrap().len());
    save(api, &name, filters).expect(201)["contacts"].as_u64().unwrap()
}

/// The fields that a row of the table names, and the operators it tells.
fn fields_and_operators() -> BTreeMap<String, Vec<&'static str>> {
    let named = |words: &str| -> Vec<&'static str> {
        let words: Vec<&str> = words.split([',', ' ', ';']).collect();
        OPERATORS.into_iter().filter(|operator| words.contains(operator)).collect()
    };
    let mut all: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut above = Vec::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let [fields, told] = line.trim_matches('|').split('|').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        // What stands behind the semicolon is asked inside of `nested`.
        let mut operators = named(told.split(';').next().unwrap());
        if told.trim().starts_with('+') {
            operators = [above, operators].concat();
        } else if told.trim() == "text set" {
            operators = all["customFields.contact.favourite"].clone();
        } else if operators.is_empty() {
            // The newest fields; their states are compared as a whole, like other words.
            assert!(told.contains("ISSUE 279"), "{line}");
            operators = all["email"].clone();
        }
        let outer = fields.split('→').next().unwrap();
        for field in outer.split('`').skip(1).step_by(2).filter(|field| !field.contains("{fieldId}")) {
            match field.split_once('{').and_then(|(before, rest)| Some((before, rest.split_once('}')?))) {
                None => drop(all.insert(field.to_owned(), operators.clone())),
                Some((before, (some, behind))) => {
                    for one in some.split(',') {
                        all.insert(format!("{before}{one}{behind}"), operators.clone());
                    }
                }
            }
        }
        for (data_type, name) in CUSTOM {
            if outer.split([' ', ',']).any(|word| word == data_type) {
                all.insert(format!("customFields.{name}"), operators.clone());
            }
        }
        above = operators;
    }
    all
}

/// A value that fits the field and the operator.
fn value(field: &str, operator: &str) -> Option<Value> {
    Some(match operator {
        "exists" | "not_exists" => return None,
        "contains" | "not_contains" => json!("abc"),
        "range" if field == "customFields.Visits" || field == "customFields.Projected Value" => {
            json!({"gte": 10, "lt": "20.50"})
        }
        "range" => json!({"gte": "2026-01-01", "lt": "2026-02-01T00:00:00Z"}),
        "nested" => json!([
            {"field": "pipelineId", "operator": "eq", "value": "pIpElInEuPsElL000002"},
            {"field": "pipelineStageId", "operator": "not_eq", "value": "none"},
            {"field": "status", "operator": "eq", "value": "won"},
        ]),
        _ if ["dnd", "isValidWhatsapp", "validEmail"].contains(&field) => json!(true),
        _ if field == "customFields.Visits" || field == "customFields.Projected Value" => json!(7.5),
        _ => json!("abc"),
    })
}

fn condition(field: &str, operator: &str) -> Value {
    let mut condition = json!({"field": field, "operator": operator});
    if let Some(value) = value(field, operator) {
        condition["value"] = value;
    }
    condition
}

#[test]
fn every_field_takes_the_operators_of_the_vendor_s_table_and_no_other() {
    let api = instance(Contacts::default());
    let table = fields_and_operators();
    assert_eq!(table.len(), 36 + CUSTOM.len());
    let (mut accepted, mut refused) = (0, 0);
    for (field, operators) in &table {
        let any: Vec<Value> = operators.iter().map(|operator| condition(field, operator)).collect();
        let counted = count(&api, &json!([{"group": "OR", "filters": any}]));
        let everybody = operators.contains(&"not_exists") || operators.contains(&"not_eq");
        assert!(if everybody { counted == 2357 } else { (1..2357).contains(&counted) }, "{field}: {counted}");
        accepted += operators.len();

        // The type of a custom field is looked up when all else is in order, so `nested` is told by itself.
        let others = OPERATORS.into_iter().filter(|name| !operators.contains(name));
        let (nested, others): (Vec<&str>, Vec<&str>) =
            others.partition(|name| *name == "nested" && field.starts_with("customFields."));
        for others in [nested, others].into_iter().filter(|others| !others.is_empty()) {
            let conditions: Vec<Value> = others.iter().map(|operator| condition(field, operator)).collect();
            let told = others.iter().enumerate();
            let told: Vec<String> =
                told.map(|(at, name)| format!("filters[{at}].operator `{name}` can not be asked")).collect();
            let told: Vec<&str> = told.iter().map(String::as_str).collect();
            save(&api, "refused", &json!(conditions)).problem(422, "refused", &told);
            refused += others.len();
        }
    }
    assert_eq!((accepted, refused), (212, 47 * 8 - 212));
    assert_eq!(api.store.filters().unwrap().len(), 47, "a list of each field, and none that was refused");
    for unknown in ["firstName", "lastName", "additional_phones", "dndSettings.Fax.status", "customFields"] {
        let filters = json!([{"field": unknown, "operator": "exists"}]);
        save(&api, "unknown", &filters).problem(422, "refused", &["filters[0].field", unknown]);
    }
    let inner = json!([{"field": "opportunities", "operator": "nested", "value": [
        {"field": "status", "operator": "contains", "value": "won"}, {"field": "name", "operator": "exists"}]}]);
    let words = ["filters[0].value[0].operator", "filters[0].value[1].field"];
    save(&api, "inner", &inner).problem(422, "refused", &words);
}

/// A hundred contacts worth as many dollars as their number; every third is tagged, every fifth has no e-mail address.
fn hundred() -> Contacts {
    let mut csv = "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,city,state,postal_code,country,ltv_raw,\
                   ltv_type,ltv_expected,ltv_bucket,tags\n"
        .to_owned();
    for number in 0..100 {
        let email = if number % 5 == 0 { String::new() } else { format!("ann{number}@example.com") };
        let tag = if number % 3 == 0 { "third" } else { "" };
        csv.push_str(&format!(
            "c{number},Ann,Example,{email},,,Springfield,IL,62701,US,{number}.00,number,{number}.00,ok,{tag}\n"
        ));
    }
    Contacts::CsvText(csv)
}

fn holding(test: impl Fn(u64) -> bool) -> u64 {
    (0..100).filter(|number| test(*number)).count() as u64
}

#[test]
fn groups_within_groups_hold_whom_they_say() {
    let api = instance(hundred());
    let worth =
        |bounds: Value| json!({"field": "customFields.Lifetime Value", "operator": "range", "value": bounds});
    let tagged = json!({"field": "tags", "operator": "eq", "value": "third"});
    let no_email = json!({"field": "email", "operator": "not_exists"});
    let group = |name: &str, filters: &[&Value]| json!({"group": name, "filters": filters});
    let (low, high) = (worth(json!({"lt": 30})), worth(json!({"gte": 60, "lte": "80"})));
    for (filters, expected) in [
        (json!([low, tagged]), holding(|n| n < 30 && n % 3 == 0)),
        (json!([group("OR", &[&low, &high])]), holding(|n| n < 30 || (60..=80).contains(&n))),
        (
            json!([group("OR", &[&group("AND", &[&low, &tagged]), &group("AND", &[&high, &no_email])])]),
            holding(|n| n < 30 && n % 3 == 0 || (60..=80).contains(&n) && n % 5 == 0),
        ),
        (
            json!([no_email, group("OR", &[&high, &group("AND", &[&tagged, &group("OR", &[&low, &high])])])]),
            holding(|n| n % 5 == 0 && ((60..=80).contains(&n) || n % 3 == 0 && n < 30)),
        ),
    ] {
        assert!(expected > 0);
        assert_eq!(count(&api, &filters), expected, "{filters}");
    }
    // However deep, as far as JSON goes.
    let deep =
        (0..50).fold(tagged.clone(), |inner, at| group(if at % 2 == 0 { "AND" } else { "OR" }, &[&inner]));
    assert_eq!(count(&api, &json!([deep])), holding(|n| n % 3 == 0));
    let too_deep = (0..100).fold(tagged, |inner, _| group("AND", &[&inner]));
    save(&api, "deep", &json!([too_deep])).problem(400, "malformed", &[]);
}

#[test]
fn a_custom_field_goes_by_name_key_or_id_and_a_name_of_several_is_refused_with_their_ids() {
    let api = instance(hundred());
    for name in [
        "Lifetime Value",
        " lifetime VALUE ",
        "lifetime_value",
        "contact.lifetime_value",
        "ltvF1eldAbCdEfGhIjKl",
    ] {
        let field = format!("customFields.{name}");
        assert_eq!(count(&api, &json!([{"field": field, "operator": "eq", "value": 7}])), 1, "{name}");
    }
    // `favourite` is the key of one field as well; as `Favourite` it is only the name of two.
    count(&api, &json!([{"field": "customFields.favourite", "operator": "exists"}]));
    let several = ["filters[0].field", "textF1eldAbCdEfGhIjK", "contact.favourite_2", "textF1eldTwiceEfGhIj"];
    let filters = json!([{"field": "customFields.Favourite", "operator": "exists"}]);
    save(&api, "several", &filters).problem(422, "refused", &several);
    let filters = json!([{"field": "customFields.Shoe size", "operator": "exists"}]);
    save(&api, "none", &filters).problem(422, "refused", &["filters[0].field", "Shoe size"]);

    // So it is with the field that holds the values.
    let choose = |field: &str| {
        api.post_json(
            "/api/config",
            &json!({"ghl_smart_list_id": "all", "ghl_ltv_field_name": field}).to_string(),
        )
    };
    choose("FAVOURITE").problem(
        422,
        "refused",
        &["contact.favourite (id textF1eldAbCdEfGhIjK)", "textF1eldTwiceEfGhIj"],
    );
    assert_eq!(choose("contact.favourite_2").expect(200)["ghl_ltv_field_name"], "contact.favourite_2");
    assert_eq!(choose(" lifetime VALUE ").expect(200)["ghl_ltv_field_name"], "contact.lifetime_value");
}

#[test]
fn conditions_are_pasted_as_a_list_one_by_one_or_in_a_whole_search() {
    let api = instance(hundred());
    let one = json!({"field": "tags", "operator": "eq", "value": "third"});
    let body = json!({"locationId": "anywhere", "page": 1, "pageLimit": 20, "query": "", "filters": [one],
        "sort": [{"field": "dateAdded", "direction": "desc"}]});
    for pasted in
        [json!([one]), one.clone(), json!({"filters": [one]}), json!({"group": "OR", "filters": [one]}), body]
    {
        assert_eq!(count(&api, &pasted), 34, "{pasted}");
    }
    for (pasted, word) in [
        (json!({"filters": [one], "query": "ann"}), "query"),
        (json!({"filters": [one], "limit": 5}), "limit"),
        (json!({"filters": one}), "filters must be a list"),
        (json!({"contacts": []}), "filters must be a list"),
        (Value::Null, "filters must be a list"),
        (one.to_string().into(), "filters must be a list"),
    ] {
        save(&api, "refused", &pasted).problem(422, "refused", &[word]);
    }
}

#[test]
fn a_value_is_as_long_as_gohighlevel_takes_it() {
    let api = instance(hundred());
    let letters = |count: usize| "ä".repeat(count);
    for (field, operator, value, refused) in [
        ("city", "eq", json!(letters(75)), None),
        ("city", "eq", json!(letters(76)), Some("filters[0].value")),
        ("tags", "not_eq", json!(["a", letters(76)]), Some("filters[0].value")),
        ("city", "contains", json!(letters(3)), None),
        ("city", "contains", json!(letters(75)), None),
        ("city", "contains", json!(letters(76)), Some("filters[0].value")),
        ("city", "not_contains", json!(letters(2)), Some("at least 3 characters")),
        ("customFields.Visits", "eq", json!("0".repeat(76)), Some("filters[0].value")),
        ("customFields.Visits", "range", json!({"gte": "0".repeat(75)}), None),
        ("customFields.Visits", "range", json!({"gte": "0".repeat(76)}), Some("filters[0].value.gte")),
    ] {
        let filters = json!([{"field": field, "operator": operator, "value": value}]);
        match refused {
            None => drop(count(&api, &filters)),
            Some(words) => drop(save(&api, "long", &filters).problem(422, "refused", &[words])),
        }
    }
}

#[test]
fn no_two_lists_have_one_name() {
    let api = instance(hundred());
    let filters = json!([{"field": "email", "operator": "exists"}]);
    save(&api, "Buyers", &filters).expect(201);
    save(&api, "Others", &filters).expect(201);
    for taken in ["Buyers", " buyers ", "BUYERS", "all contacts"] {
        save(&api, taken, &filters).problem(422, "refused", &["already", "Choose another name"]);
    }
    let change = |id: &str, name: &str| {
        let body = json!({"name": name, "filters": filters}).to_string();
        let with = crate::api_server::With { headers: &[("Content-Type", "application/json")], body: &body };
        api.send("PUT", &format!("/api/smart-lists/{id}"), with)
    };
    change("filter:2", "buyers").problem(422, "refused", &["\"Buyers\" already"]);
    assert_eq!(change("filter:1", "BUYERS").expect(200)["name"], "BUYERS", "its own name in another case");
    assert_eq!(api.store.filters().unwrap().len(), 2);
}

/// How often each address of GoHighLevel was asked.
fn asked(api: &Api) -> BTreeMap<String, u32> {
    let mut calls = BTreeMap::new();
    for call in api.sandbox().record().entries(Service::Ghl) {
        let path = call.path.split('?').next().unwrap();
        *calls.entry(path.rsplit('/').next().unwrap().to_owned()).or_default() += 1;
    }
    calls
}

#[test]
fn lists_tags_counts_and_fields_are_asked_for_once_in_five_minutes_or_by_a_refresh() {
    let api = instance(hundred());
    let calls = |search: u32, tags: u32, fields: u32| {
        let calls = [("search", search), ("tags", tags), ("customFields", fields)];
        calls
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(path, count)| (path.to_owned(), count))
            .collect()
    };
    for (path, expected) in [
        ("/api/smart-lists", calls(1, 1, 0)),
        ("/api/smart-lists", calls(1, 1, 0)),
        ("/api/smart-lists/all/count", calls(1, 1, 0)),
        ("/api/smart-lists/tag:third/count", calls(2, 1, 0)),
        ("/api/smart-lists/tag:third/count", calls(2, 1, 0)),
        ("/api/smart-lists/tag:third/count?refresh=true", calls(3, 1, 0)),
        ("/api/custom-fields", calls(3, 1, 1)),
        ("/api/custom-fields", calls(3, 1, 1)),
        ("/api/custom-fields?refresh=true", calls(3, 1, 2)),
        ("/api/smart-lists?refresh=true", calls(4, 2, 2)),
        ("/api/smart-lists?refresh=false", calls(4, 2, 2)),
    ] {
        api.get(path).expect(200);
        assert_eq!(asked(&api), expected, "{path}");
    }
    // A list that was just saved has been counted; a tag nobody knows may be new.
    save(&api, "No address", &json!([{"field": "email", "operator": "not_exists"}])).expect(201);
    assert_eq!(api.get("/api/smart-lists/filter:1/count").expect(200)["contacts"], 20);
    assert_eq!(asked(&api), calls(5, 2, 2));
    api.get("/api/smart-lists/tag:new/count").problem(404, "no_list", &["tag:new"]);
    assert_eq!(asked(&api), calls(5, 3, 2));
}
