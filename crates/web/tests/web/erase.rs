//! `POST /erase`, `POST /api/erase` and the card of the settings page.

use crate::api_server::Api;
use crate::pages_site::Site;
use sandbox::SandboxSettings;
use serde_json::json;

const MARY: &str = "mary@example.com";

fn fields(person: &str) -> [(&str, &str); 3] {
    [("by", "email"), ("person", person), ("understood", "yes")]
}

#[test]
fn the_receipt_is_the_answer_with_and_without_htmx_and_names_nobody() {
    let site = Site::new();
    let form = site.get("/settings", false).body;
    assert!(form.contains("<strong>everybody with it</strong>"), "{form}");
    for htmx in [false, true] {
        let answer = site.submit("/settings", "/erase", &fields(MARY), htmx);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body.contains("<html"), !htmx);
        for shown in ["Receipt 20", "Meta took the request", "GoHighLevel itself was not changed"] {
            assert!(answer.body.contains(shown), "{shown} in {}", answer.body);
        }
        assert!(!answer.body.contains("mary"), "{}", answer.body);
        assert!(answer.body.contains("action=\"/erase\""), "the form is there for the next person");
    }
    assert_eq!(site.store.suppressed_all().unwrap().len(), 1);
}

#[test]
fn who_can_not_be_found_is_told_why_in_place() {
    let site = Site::new();
    for (fields, why) in [
        (fields("mary.example.com"), "Nobody can be found by this e-mail address"),
        ([("by", "phone"), ("person", "(202) 555-0143"), ("understood", "yes")], "has no country code"),
        ([("by", "contact_id"), ("person", ""), ("understood", "yes")], "contact id: it is empty"),
        ([("by", "email"), ("person", MARY), ("csrf2", "")], "the box"),
    ] {
        for htmx in [false, true] {
            let answer = site.submit("/settings", "/erase", &fields, htmx);
            assert_eq!(answer.status, 422, "{}", answer.body);
            assert!(answer.body.contains(why), "{why} in {}", answer.body);
            assert!(!answer.body.contains("mary") && !answer.body.contains("555-01"), "{}", answer.body);
        }
    }
    assert_eq!(site.store.suppressed_all().unwrap().len(), 0);
    assert_eq!(site.post("/erase", &fields(MARY), false).status, 403, "without its token");
    assert_eq!(site.submit("/settings", "/erase", &[("by", "name")], false).status, 400);
}

#[test]
fn programs_erase_by_exactly_one_of_three() {
    let api = Api::on_sandbox(SandboxSettings::default(), |_| {});
    let erase = |body: serde_json::Value| api.post_json("/api/erase", &body.to_string());
    let receipt = erase(json!({"email": MARY})).expect(200);
    assert_eq!((&receipt["at_meta"], &receipt["queued_because"]), (&json!("removed"), &json!(null)));
    assert_eq!((&receipt["records_changed"], &receipt["suppressed_hashes"]), (&json!(0), &json!(1)));
    assert_eq!(receipt["contacts_erased"], 0);
    assert!(
        receipt["receipt"].as_str().unwrap().len() > 8 && receipt["sentences"].as_array().unwrap().len() > 3
    );
    assert!(!receipt.to_string().contains("mary"));
    let unknown = erase(json!({"contact_id": "c77"})).expect(200);
    assert_eq!(unknown["at_meta"], "nothing_known");
    for refused in [
        json!({}),
        json!({"email": MARY, "phone": "+12025550143"}),
        json!({"phone": 12_025_550_143_u64}),
        json!({"email": null}),
        json!({"email": "mary"}),
    ] {
        let problem = erase(refused).problem(422, "refused", &["."]);
        let words = problem.to_string();
        assert!(!words.contains("mary") && !words.contains("12025550143"), "{words}");
    }
    let unknown = erase(json!({"name": "Mary"}));
    unknown.problem(400, "malformed", &["name"]);
}
