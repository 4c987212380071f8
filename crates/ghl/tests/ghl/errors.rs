//! Errors by meaning: every row of the table of error bodies.

use crate::support::{Stage, TOKEN, TRACE_ID, count_fails, refusal};
use domain::{Cancel, Explain};
use ghl::{GhlError, Meaning};
use serde_json::{Value, json};
use testkit::Reply;

/// What each row of the table means, and a part of its remedy.
const CASES: [(&str, Meaning, &str); 20] = [
    ("bad request", Meaning::Invalid, "choose the list and the field again"),
    ("duplicate contact", Meaning::Invalid, "report the trace id"),
    ("duplicate opportunity", Meaning::Invalid, "report the trace id"),
    ("foreign contact", Meaning::Invalid, "GHL_LOCATION_ID"),
    ("location paused", Meaning::LocationPaused, "Activate the sub-account"),
    ("bad token: access token", Meaning::DeadToken, "GHL_API_KEY"),
    ("bad token: JWT", Meaning::DeadToken, "Settings > Private Integrations"),
    ("bad token: private integration", Meaning::DeadToken, "Create or rotate the token"),
    ("version missing", Meaning::Version, "Update this program"),
    ("version unknown", Meaning::Version, "GHL_BASE_URL"),
    (
        "scope",
        Meaning::MissingScope("contacts.readonly"),
        "Add the scope contacts.readonly to the integration in GoHighLevel, inside the sub-account, under Settings > \
         Private Integrations",
    ),
    ("not for tokens: route", Meaning::WrongTokenKind, "not in the agency"),
    ("not for tokens: class", Meaning::WrongTokenKind, "GHL_API_KEY"),
    ("location", Meaning::WrongLocation, "GHL_LOCATION_ID"),
    ("edge", Meaning::Blocked, "VPN or proxy"),
    ("unknown route", Meaning::NotGoHighLevel, "Remove GHL_BASE_URL"),
    ("validation", Meaning::Invalid, "GHL_LOCATION_ID"),
    ("v3 envelope", Meaning::Unknown, "report the trace id"),
    ("too many in ten seconds", Meaning::Burst, "in a minute"),
    ("too many today", Meaning::DailyLimit, "Run again after 2026-11-22 00:00 UTC"),
];

#[test]
fn every_documented_error_has_its_own_meaning_and_remedy() {
    let table = include_str!("error_bodies.tsv");
    let rows: Vec<Vec<&str>> =
        table.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(names, CASES.map(|(name, ..)| name), "every row has a case");
    for (row, (name, meaning, remedy)) in rows.iter().zip(CASES) {
        let (status, body) = (row[1], row[2]);
        let json: Option<Value> = serde_json::from_str(body).ok();
        let mut reply =
            Reply::json(status.parse().unwrap(), body.replace("\"T\"", &format!("\"{TRACE_ID}\"")));
        if name == "too many today" {
            reply = reply
                .with_header("X-RateLimit-Daily-Remaining", "0")
                .with_header("X-RateLimit-Daily-Reset", "53999001")
                .with_header("Date", "Sat, 21 Nov 2026 09:00:00 GMT");
        }
        // The limit of ten seconds passes; nothing else does.
        let calls = if meaning == Meaning::Burst { 3 } else { 1 };
        let failed = count_fails(vec![reply; calls]);
        assert_eq!((failed.meaning, failed.calls), (meaning, calls), "{name}");
        let explanation = &failed.explanation;
        assert!(explanation.remedy.contains(remedy), "{name}: {}", explanation.remedy);
        assert_eq!(explanation.trace_id.as_deref(), json.as_ref().map(|_| TRACE_ID), "{name}");
        let code = json.as_ref().and_then(|json| json["code"].as_str().or(json["error"]["code"].as_str()));
        let code = code.map_or_else(|| status.to_owned(), |code| format!("{status}/{code}"));
        assert_eq!(explanation.provider_code, Some(code), "{name}");
        let words = match json.as_ref().map(|json| &json["message"]) {
            None => body.to_owned(),
            Some(Value::String(words)) => words.clone(),
            Some(Value::Array(parts)) => {
                parts.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join("; ")
            }
            Some(_) => "nothing here".to_owned(),
        };
        assert!(explanation.message.ends_with(&format!("GoHighLevel's words: \"{words}\"")), "{name}");
        assert!(!failed.everything.contains("Pat Example"), "{name}");
    }
    // Different meanings never share a sentence.
    let sentence = |meaning: Meaning| {
        let (name, ..) = CASES.iter().find(|(_, of, _)| *of == meaning).unwrap();
        let row = rows.iter().find(|row| row[0] == *name).unwrap();
        let failed = count_fails(vec![Reply::json(row[1].parse().unwrap(), row[2]); 3]);
        failed.explanation.message.split(" GoHighLevel's words").next().unwrap().to_owned()
    };
    let four = [
        Meaning::MissingScope("contacts.readonly"),
        Meaning::WrongLocation,
        Meaning::DeadToken,
        Meaning::Version,
    ];
    let sentences: std::collections::HashSet<String> = four.into_iter().map(sentence).collect();
    assert_eq!(sentences.len(), 4);
}

#[test]
fn words_that_are_in_no_table_are_judged_by_their_status() {
    for (status, words, meaning) in [
        (400, "Location with id abc not found", Meaning::WrongLocation),
        (418, "something new", Meaning::Unknown),
    ] {
        let failed = count_fails(vec![refusal(status, &json!(words))]);
        assert_eq!((failed.meaning, failed.calls), (meaning, 1), "{words}");
    }
}

#[test]
fn each_operation_names_the_scope_it_lacks() {
    let scope = json!("The token is not authorized for this scope.");
    let stage = Stage::new(vec![refusal(401, &scope); 5]);
    let cancel = Cancel::new();
    let won = |stage: &Stage| {
        stage.client.won_opportunity_values(&[], &cancel, &mut |_, _| panic!("a page")).unwrap_err()
    };
    let lacking = |error: GhlError| {
        let GhlError::Refused(refusal) = &error else { panic!("{error:?}") };
        (refusal.meaning, error.explain().remedy)
    };
    for (found, name) in [
        (lacking(stage.client.location(&cancel).unwrap_err()), "locations.readonly"),
        (lacking(stage.client.custom_fields(&cancel).unwrap_err()), "locations/customFields.readonly"),
        (lacking(stage.client.tags(&cancel).unwrap_err()), "locations/tags.readonly"),
        (lacking(stage.client.pipelines(&cancel).unwrap_err()), "opportunities.readonly"),
        (lacking(won(&stage)), "opportunities.readonly"),
    ] {
        assert_eq!(found.0, Meaning::MissingScope(name));
        assert!(found.1.contains(name), "{}", found.1);
    }
}

#[test]
fn the_firewall_and_foreign_servers_are_recognized() {
    let plain =
        |status, body: &str| Reply::Http(status, vec![("content-type", "text/plain".into())], body.into());
    assert_eq!(count_fails(vec![plain(403, "error code: 1010")]).meaning, Meaning::Blocked);
    assert_eq!(count_fails(vec![plain(403, "<html>blocked</html>")]).meaning, Meaning::Blocked);
    assert_eq!(count_fails(vec![plain(404, "<html>nginx</html>")]).meaning, Meaning::NotGoHighLevel);
    let moved = count_fails(vec![plain(302, "").with_header("location", "http://example.com/")]);
    assert_eq!((moved.meaning, moved.calls), (Meaning::NotGoHighLevel, 1));
    assert!(!count_fails(vec![plain(404, "<html>nginx</html>")]).everything.contains("nginx"));
}

#[test]
fn machine_readable_codes_are_kept() {
    let body = json!({"error": {"code": "RESOURCE_NOT_FOUND", "message": "nothing here", "details": {}}, "traceId": "t9"});
    let failed = count_fails(vec![Reply::json(404, body.to_string())]);
    assert_eq!(failed.meaning, Meaning::Unknown);
    assert_eq!(failed.explanation.provider_code.as_deref(), Some("404/RESOURCE_NOT_FOUND"));
    assert!(failed.explanation.message.ends_with("\"nothing here\""));
}

#[test]
fn hostile_words_are_cut_and_hold_neither_the_token_nor_personal_data() {
    let words = format!("{TOKEN} person@example.com +14155550100 \u{1b}[31m\r\n{}", "x".repeat(100_000));
    for reply in [
        refusal(400, &json!(words)),
        refusal(422, &json!([words, words, 7, {"email": "person@example.com"}])),
        refusal(400, &json!({"email": "person@example.com"})),
        Reply::json(400, json!({"message": "m", "code": words, "traceId": words}).to_string()),
        Reply::json(400, json!({"message": "m", "code": TOKEN, "traceId": TOKEN}).to_string()),
        Reply::Http(403, Vec::new(), words.clone()),
        Reply::json(
            400,
            json!({"message": "This location does not allow duplicated contacts.",
                "meta": {"contactName": "person", "matchingField": "phone"}})
            .to_string(),
        ),
    ] {
        let failed = count_fails(vec![reply]);
        for mark in [TOKEN, "person", "4155550100", "\u{1b}"] {
            assert!(!failed.everything.contains(mark), "{mark} in {}", failed.everything);
        }
        assert!(failed.explanation.message.len() < 600, "{}", failed.explanation.message);
    }
}

#[test]
fn a_token_that_can_not_be_sent_is_explained() {
    let stage = Stage::with(Vec::new(), |settings| settings.api_key = domain::Secret::new("two\nlines"));
    let error = stage.client.location(&Cancel::new()).unwrap_err();
    assert!(stage.received().is_empty());
    assert!(error.explain().remedy.contains("GHL_API_KEY"));
    assert!(!format!("{error:?}").contains("two"));
}

#[test]
fn nobody_at_the_address_is_explained() {
    let client = ghl::GhlClient::new(crate::support::settings("http://127.0.0.1:1"));
    let explanation = client.location(&Cancel::new()).unwrap_err().explain();
    assert_eq!(explanation.message, "GoHighLevel can not be reached, so nothing could be read.");
    assert!(explanation.remedy.contains("GHL_BASE_URL"));
}
