//! `/filters`: a list made of conditions, built, counted, saved, changed and deleted in the browser, without JavaScript.

use crate::dashboard_server::{Answer, Dashboard, check_page};
use crate::pages_site::Site;
use domain::Conditions;
use sandbox::Service;
use serde_json::{Value, json};

const NEW: &str = "/filters/new";

/// The fields of a form with these conditions and a button pressed.
fn fields<'a>(rows: &[[&'a str; 3]], pressed: &'a str) -> Vec<(&'a str, &'a str)> {
    let mut fields = vec![("name", "VIP"), ("match", "all")];
    for [field, operator, value] in rows {
        fields.extend([("field", *field), ("operator", *operator), ("value", *value)]);
    }
    fields.push(("do", pressed));
    fields
}

const VIP: [&str; 3] = ["tags", "eq", "vip"];
const FORTY: [&str; 3] = ["customFields.lifetime_value", "gte", "40"];

fn press(site: &Site, rows: &[[&str; 3]], pressed: &str) -> Answer {
    let answer = site.submit(NEW, NEW, &fields(rows, pressed), false);
    if answer.status != 303 {
        check_page(&answer.body);
    }
    answer
}

fn saved(site: &Site) -> Value {
    let filters = site.store.filters().unwrap();
    assert_eq!(filters.len(), 1);
    serde_json::from_str(&filters[0].conditions.0).unwrap()
}

/// What stands between two places of the page.
fn between<'a>(html: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = html.split_once(begin).unwrap_or_else(|| panic!("{begin} in {html}"));
    rest.split_once(end).unwrap().0
}

#[test]
fn a_list_is_built_row_by_row_counted_and_saved_without_javascript() {
    let site = Site::new();
    let html = site.page(NEW);
    for shown in [
        "No condition yet.",
        "<option value=\"tags\">Tag</option>",
        "<option value=\"customFields.lifetime_value\">Lifetime Value</option>",
        "<optgroup label=\"Custom fields\">",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    let mut sent = fields(&[VIP], "add");
    sent.push(("new_field", "customFields.lifetime_value"));
    let answer = site.submit(NEW, NEW, &sent, false);
    assert_eq!(answer.status, 200);
    check_page(&answer.body);
    let second = between(&answer.body, "Condition 2: Lifetime Value", "</fieldset>");
    assert!(second.contains("<option value=\"gte\" selected>is at least</option>"), "{second}");
    assert!(!second.contains("contains"), "only what can be asked of an amount: {second}");
    assert!(answer.body.contains("name=\"value\" value=\"vip\""), "what was entered stays");

    let counted = press(&site, &[VIP], "count");
    assert!(counted.body.contains("2 contacts meet these conditions now."), "{}", counted.body);
    let counted = press(&site, &[VIP, FORTY], "");
    assert!(counted.body.contains("0 contacts meet these conditions now."), "Enter counts: {}", counted.body);
    let removed = press(&site, &[VIP, FORTY], "remove:0");
    assert!(removed.body.contains("value=\"40\"") && !removed.body.contains("value=\"vip\""));

    let mut any = fields(&[VIP, FORTY], "save");
    any[1] = ("match", "any");
    let answer = site.submit(NEW, NEW, &any, false);
    assert_eq!((answer.status, answer.header("location")), (303, "/filters?done=saved"));
    let group = json!([{"group": "OR", "filters": [
        {"field": "tags", "operator": "eq", "value": "vip"},
        {"field": "customFields.lifetime_value", "operator": "range", "value": {"gte": 40}},
    ]}]);
    assert_eq!(saved(&site), group);
    let list = site.page("/filters?done=saved");
    assert!(
        list.contains("The Smart List is saved.") && list.contains("<a href=\"/filters/1\">VIP</a>"),
        "{list}"
    );
    assert!(site.page("/").contains("<option value=\"filter:1\">VIP</option>"));
    let html = site.page("/filters/1");
    assert!(html.contains("<option value=\"any\" selected>") && html.contains("4 contacts meet"), "{html}");
}

#[test]
fn a_list_is_renamed_and_deleted_but_not_while_it_is_synced() {
    let site = Site::new();
    press(&site, &[VIP], "save");
    let mut sent = fields(&[FORTY], "save");
    sent[0] = ("name", " Forty ");
    assert_eq!(site.submit("/filters/1", "/filters/1", &sent, false).status, 303);
    let filter = site.store.filter_get(1).unwrap().unwrap();
    assert_eq!(filter.name, "Forty");
    assert!(filter.conditions.0.contains("lifetime_value") && !filter.conditions.0.contains("vip"));

    let (path, tick) = ("/filters/1/delete", [("understood", "yes")]);
    let answer = site.submit("/filters/1", path, &[], false);
    assert!(answer.status == 422 && answer.body.contains("was not ticked"), "{}", answer.body);
    site.choose("filter:1", "Forty");
    assert!(site.page("/filters").contains("Synced</span>"));
    let answer = site.submit("/filters/1", path, &tick, false);
    assert!(answer.status == 409 && answer.body.contains("is the one that is synced"), "{}", answer.body);
    check_page(&answer.body);
    site.choose("all", "All contacts");
    let answer = site.submit("/filters/1", path, &tick, false);
    assert_eq!((answer.status, answer.header("location")), (303, "/filters?done=deleted"));
    assert_eq!(site.store.filters().unwrap(), []);
    assert!(site.page("/filters?done=deleted").contains("No list has been saved yet."));
    for gone in ["/filters/1", "/filters/0", "/filters/x", "/filters/-1", "/filters/99999999999999999999"] {
        assert_eq!(site.get(gone, false).status, 404, "{gone}");
    }
}

#[test]
fn a_problem_stands_beside_its_condition_and_what_was_entered_stays() {
    let site = Site::new();
    for htmx in [false, true] {
        for (row, words) in [
            (["customFields.lifetime_value", "gte", "much"], "The value must be a number"),
            (["email", "contains", "x"], "The operator `contains` can not be asked of this field"),
            (["tags", "eq", ""], "The value is missing."),
            (["tags", "exists", "x"], "The value must be left out with this operator."),
            (["customFields.Shoe size", "eq", "43"], "The field names no custom field of this location"),
            (["shoeSize", "eq", "43"], "The field `shoeSize` is not known"),
            (["dnd", "eq", "maybe"], "The value must be true or false."),
            (["email", "is like", "x"], "The operator `is like` is not known"),
            (["dateAdded", "gte", "soon"], "The value must be a day such as"),
        ] {
            for pressed in ["save", "count"] {
                let answer = site.submit(NEW, NEW, &fields(&[VIP, row], pressed), htmx);
                assert_eq!(answer.status, 422, "{row:?}: {}", answer.body);
                assert_eq!(answer.body.contains("<!DOCTYPE html>"), !htmx);
                let second = between(&answer.body, "Condition 2: ", "</fieldset>");
                let told = between(second, "id=\"row-1-problem\">✕ ", "</p>");
                assert!(told.contains(words), "{words} in {told}");
                assert!(second.contains("aria-describedby=\"row-1-problem\""), "{second}");
                let kept = row[0] == "dnd" || second.contains(&format!("value=\"{}\"", row[2]));
                assert!(kept, "{second}");
                let chosen = format!("<option value=\"{}\" selected>", row[1]);
                assert!(second.contains(&chosen), "{chosen} in {second}");
                assert!(!answer.body.contains("id=\"row-0-problem\""), "the other one is good");
            }
        }
    }
    let nameless: Vec<_> = fields(&[VIP], "save").into_iter().skip(1).collect();
    let answer = site.submit(NEW, NEW, &nameless, false);
    assert!(
        answer.status == 422 && answer.body.contains("id=\"filter-name-problem\">✕ The name of a Smart List")
    );
    let answer = press(&site, &[], "save");
    assert!(answer.body.contains("must hold at least one condition"), "{}", answer.body);
    assert_eq!(site.store.filters().unwrap(), [], "nothing of all that was saved");
}

#[test]
fn conditions_that_rows_can_not_hold_open_as_text_and_go_both_ways() {
    let site = Site::new();
    let deep = json!([
        {"field": "tags", "operator": "eq", "value": "vip"},
        {"group": "OR", "filters": [{"field": "dnd", "operator": "eq", "value": true}, {"field": "email", "operator": "exists"}]},
    ]);
    site.store.filter_add("Deep", &Conditions(deep.to_string())).unwrap();
    let html = site.page("/filters/1");
    assert!(html.contains("name=\"json\"") && html.contains("&#34;group&#34;: &#34;OR&#34;"), "{html}");
    assert!(html.contains("2 contacts meet these conditions now."), "{html}");
    let text = |json: &str, pressed: &'static str| {
        let json = json.to_owned();
        let answer = site.submit(
            "/filters/1",
            "/filters/1",
            &[("name", "Deep"), ("json", &json), ("do", pressed)],
            false,
        );
        (answer.status, answer.body)
    };
    let (status, body) = text(&deep.to_string(), "as_form");
    assert!(status == 422 && body.contains("The form can not hold these conditions"), "{body}");
    let (status, body) = text("[{\"field\": ", "save");
    assert!(
        status == 422
            && body.contains("This is not JSON: ")
            && body.contains("[{&#34;field&#34;: </textarea>"),
        "{body}"
    );
    let (status, body) = text("[{\"field\": \"tags\", \"operator\": \"gt\", \"value\": 1}]", "save");
    assert!(status == 422 && body.contains("filters[0].operator is no operator of its own"), "{body}");
    let pasted = json!({"locationId": "x", "filters": [{"field": "customFields.Lifetime Value", "operator": "range", "value": {"gte": 20, "lt": 40}}]});
    let (status, body) = text(&pasted.to_string(), "as_form");
    assert_eq!(status, 200);
    assert_eq!(body.matches("name=\"field\" value=\"customFields.lifetime_value\"").count(), 2, "{body}");
    let (_, body) = text(&pasted.to_string(), "count");
    assert!(body.contains("2 contacts meet these conditions now."), "{body}");
    assert_eq!(text(&pasted.to_string(), "save").0, 303);
    assert_eq!(saved(&site), pasted["filters"]);
    let back = press(&site, &[VIP], "as_json");
    assert!(back.body.contains("&#34;operator&#34;: &#34;eq&#34;") && back.body.contains("Edit in the form"));
}

#[test]
fn a_saved_list_that_is_refused_by_now_says_why_when_it_opens() {
    let site = Site::new();
    let gone = json!([{"field": "tags", "operator": "eq", "value": "vip"},
        {"field": "customFields.gone", "operator": "exists"}]);
    site.store.filter_add("Gone", &Conditions(gone.to_string())).unwrap();
    let html = site.page("/filters/1");
    let told = between(&html, "id=\"row-1-problem\">✕ ", "</p>");
    assert!(told.contains("names no custom field of this location"), "{told}");
}

#[test]
fn what_the_form_would_change_stays_json() {
    let site = Site::new();
    let tag = json!({"field": "tags", "operator": "eq", "value": 2024});
    let body = json!({"query": "ann", "filters": [{"field": "tags", "operator": "eq", "value": "vip"}]});
    for json in [json!([tag]), body] {
        let sent = [("name", "VIP"), ("json", &json.to_string()), ("do", "as_form")];
        let answer = site.submit(NEW, NEW, &sent, false);
        assert_eq!(answer.status, 422, "{json}");
        check_page(&answer.body);
        assert!(answer.body.contains("The form can not hold these conditions"), "{}", answer.body);
        assert!(answer.body.contains("name=\"json\""), "{}", answer.body);
    }
    let day =
        |value: &str| site.submit(NEW, NEW, &fields(&[["dateAdded", "gte", value]], "as_form"), false).body;
    assert!(
        day("2026-01-05").contains("<input type=\"date\" id=\"value-0\" name=\"value\" value=\"2026-01-05\"")
    );
    let other = day("2026-1-5");
    assert!(
        other.contains("<input type=\"text\" id=\"value-0\" name=\"value\" value=\"2026-1-5\""),
        "{other}"
    );
}

#[test]
fn hostile_names_and_values_stay_text() {
    let site = Site::new();
    let evil = "\"><script>alert(1)</script>";
    let mut sent = fields(&[[evil, evil, evil]], "count");
    sent[0] = ("name", evil);
    let answer = site.submit(NEW, NEW, &sent, false);
    check_page(&answer.body);
    let row = json!([{"field": "tags", "operator": "eq", "value": evil}]);
    site.store.filter_add("<script>&\"'", &Conditions(row.to_string())).unwrap();
    site.store.filter_add("broken", &Conditions("not json".to_owned())).unwrap();
    for page in ["/filters", "/filters/1", "/filters/2"] {
        site.page(page);
    }
    let text =
        site.submit(NEW, NEW, &[("name", evil), ("json", "</textarea><script>"), ("do", "save")], false);
    check_page(&text.body);
    assert_eq!(site.post(NEW, &fields(&[VIP], "save"), false).status, 403, "without its token");
}

#[test]
fn htmx_gets_the_form_alone_and_a_count_while_one_types() {
    let site = Site::new();
    let answer = site.submit(NEW, NEW, &fields(&[VIP], "count"), true);
    assert!(
        answer.status == 200 && answer.body.trim_start().starts_with("<div id=\"filter\">"),
        "{}",
        answer.body
    );
    let html = site.page(NEW);
    let token = between(&html, "name=\"csrf\" value=\"", "\"").to_owned();
    let count = |rows: &[[&str; 3]]| {
        let mut sent = fields(rows, "");
        sent.push(("csrf", &token));
        let answer = site.post("/filters/count", &sent, true);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body.trim().to_owned()
    };
    assert_eq!(count(&[VIP]), "2 contacts meet these conditions now.");
    assert_eq!(count(&[["tags", "eq", ""]]), "Not counted yet. Condition 1: The value is missing.");
    assert_eq!(
        count(&[VIP, ["dnd", "eq", "maybe"]]),
        "Not counted yet. Condition 2: The value must be true or false."
    );
    assert_eq!(count(&[]), "Add a condition, and the contacts that meet it are counted.");
    assert!(html.contains("hx-trigger=\"load, input from:#filter-form delay:700ms\""));
    let saved = site.submit(NEW, NEW, &fields(&[VIP], "save"), true);
    assert_eq!((saved.status, saved.header("hx-redirect")), (200, "/filters?done=saved"));
}

#[test]
fn without_gohighlevel_the_form_says_why_and_keeps_what_was_entered() {
    let site = Site::new();
    press(&site, &[FORTY], "save");
    site.sandbox.stop(Service::Ghl);
    for htmx in [false, true] {
        let answer = site.submit("/filters/1", "/filters/1", &fields(&[VIP], "save"), htmx);
        assert_eq!(answer.status, if htmx { 422 } else { 502 }, "{}", answer.body);
        assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("GoHighLevel"));
        assert!(answer.body.contains("name=\"value\" value=\"vip\""), "{}", answer.body);
    }
    assert!(saved(&site).to_string().contains("lifetime_value"), "nothing was changed");
    let html = Dashboard::new().page(NEW);
    assert!(html.contains("GHL_API_KEY") && html.contains("<option value=\"tags\">"), "{html}");
}
