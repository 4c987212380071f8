//! Errors by meaning: every row of the reference's table of error bodies that a reading call can meet.

use crate::support::{Stage, TOKEN, TRACE_ID, count_fails, refusal};
use domain::{Cancel, Explain};
use ghl::{GhlError, Meaning};
use serde_json::{Value, json};
use testkit::Reply;

#[test]
fn each_error_has_its_own_meaning_and_is_not_retried() {
    let text = |words: &str| json!(words);
    let rows: Vec<(u16, Value, Meaning, &str)> = vec![
        (400, text("Invalid field firstName"), Meaning::Invalid, "choose the list and the field again"),
        (401, text("Invalid token: access token is invalid"), Meaning::DeadToken, "GHL_API_KEY"),
        (401, text("Invalid JWT"), Meaning::DeadToken, "Settings > Private Integrations"),
        (401, text("Invalid Private Integration token"), Meaning::DeadToken, "GHL_API_KEY"),
        (401, text("version header was not found."), Meaning::Version, "Update this program"),
        (401, text("version header is invalid"), Meaning::Version, "GHL_BASE_URL"),
        (
            401,
            text("The token is not authorized for this scope."),
            Meaning::MissingScope("contacts.readonly"),
            "Add the scope contacts.readonly to the integration in GoHighLevel, inside the sub-account, under Settings > \
             Private Integrations",
        ),
        (
            401,
            text("This route is not yet supported by the IAM Service. Please update your IAM config."),
            Meaning::WrongTokenKind,
            "not in the agency",
        ),
        (
            401,
            text("This authClass type is not allowed to access this scope. Please reach out to support."),
            Meaning::WrongTokenKind,
            "GHL_API_KEY",
        ),
        (
            403,
            text("The token does not have access to this location."),
            Meaning::WrongLocation,
            "GHL_LOCATION_ID",
        ),
        (400, text("Location with id abc not found"), Meaning::WrongLocation, "GHL_LOCATION_ID"),
        (404, text("Cannot GET /path"), Meaning::NotGoHighLevel, "GHL_BASE_URL"),
        (
            422,
            json!(["property x should not exist", "pageLimit must be a number"]),
            Meaning::Invalid,
            "GHL_LOCATION_ID",
        ),
        (418, text("something new"), Meaning::Unknown, "GHL_API_KEY"),
    ];
    for (status, message, meaning, remedy) in rows {
        let failed = count_fails(vec![refusal(status, &message)]);
        assert_eq!(failed.meaning, meaning, "{message}");
        assert_eq!(failed.calls, 1, "{message}");
        assert!(failed.explanation.remedy.contains(remedy), "{}", failed.explanation.remedy);
        assert_eq!(failed.explanation.provider_code, Some(status.to_string()));
        assert_eq!(failed.explanation.trace_id.as_deref(), Some(TRACE_ID));
        let words = message.as_array().map_or_else(
            || message.as_str().unwrap().to_owned(),
            |parts| parts.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join("; "),
        );
        assert!(failed.explanation.message.ends_with(&format!("GoHighLevel's words: \"{words}\"")));
    }
}

#[test]
fn each_operation_names_the_scope_it_lacks() {
    let scope = json!("The token is not authorized for this scope.");
    let stage = Stage::new(vec![refusal(401, &scope), refusal(401, &scope), refusal(401, &scope)]);
    let cancel = Cancel::new();
    let lacking = |error: GhlError| {
        let GhlError::Refused(refusal) = &error else { panic!("{error:?}") };
        (refusal.meaning, error.explain().remedy)
    };
    for (found, name) in [
        (lacking(stage.client.location(&cancel).unwrap_err()), "locations.readonly"),
        (lacking(stage.client.custom_fields(&cancel).unwrap_err()), "locations/customFields.readonly"),
        (lacking(stage.client.tags(&cancel).unwrap_err()), "locations/tags.readonly"),
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
