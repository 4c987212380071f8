//! Creating and finding lookalikes.

use crate::support::{TOKEN, body, codes, error, line, ok, pairs, start};
use domain::Cancel;
use meta::{LookalikeOutcome, LookalikeSummary, MetaError, NewLookalike};
use serde_json::json;
use testkit::Reply;

fn one_percent() -> NewLookalike {
    NewLookalike {
        name: "GHL-HighValue-2026-11-21-LAL-1%".to_owned(),
        description: "ghl-meta-sync 4f2a".to_owned(),
        origin_audience_id: "23850000000000000001".to_owned(),
        country: "US".to_owned(),
        ratio_percent: 1,
    }
}

#[test]
fn a_lookalike_is_created_by_ratio_without_a_type() {
    let (server, client) = start(vec![ok(r#"{"id":"23850000000000000002"}"#)]);
    let outcome = client.create_lookalike(&one_percent(), &Cancel::new()).unwrap();
    assert_eq!(outcome, LookalikeOutcome::Created("23850000000000000002".to_owned()));
    let request = &server.received()[0];
    assert_eq!(
        line(request),
        ("POST".to_owned(), "/v25.0/act_1234567890/customaudiences".to_owned(), vec![])
    );
    let expected = json!({
        "name": "GHL-HighValue-2026-11-21-LAL-1%",
        "description": "ghl-meta-sync 4f2a",
        "subtype": "LOOKALIKE",
        "origin_audience_id": "23850000000000000001",
        "lookalike_spec": r#"{"ratio":0.01,"country":"US"}"#,
        "access_token": TOKEN,
    });
    assert_eq!(body(request), expected);
}

#[test]
fn every_size_has_two_decimals() {
    for (percent, ratio) in [(9, "0.09"), (10, "0.10"), (20, "0.20")] {
        let (server, client) = start(vec![ok(r#"{"id":"2"}"#)]);
        let new = NewLookalike { ratio_percent: percent, country: "DE".to_owned(), ..one_percent() };
        client.create_lookalike(&new, &Cancel::new()).unwrap();
        let spec = body(&server.received()[0])["lookalike_spec"].clone();
        assert_eq!(spec, format!(r#"{{"ratio":{ratio},"country":"DE"}}"#));
    }
}

#[test]
fn a_seed_that_is_not_matched_yet_is_no_error() {
    let too_small = r#"{"error":{"message":"(#2654) Source Audience is Too Small","code":2654,"error_user_title":"Source Audience is Too Small","error_user_msg":"There aren't enough people in your source."}}"#;
    let (server, client) = start(vec![Reply::json(400, too_small), error(2654, Some(1_713_004))]);
    let outcome = client.create_lookalike(&one_percent(), &Cancel::new()).unwrap();
    let message = "Source Audience is Too Small: There aren't enough people in your source.".to_owned();
    assert_eq!(outcome, LookalikeOutcome::SeedNotReady { message });
    let outcome = client.create_lookalike(&one_percent(), &Cancel::new()).unwrap();
    assert_eq!(outcome, LookalikeOutcome::SeedNotReady { message: "words of Meta".to_owned() });
    assert_eq!(server.received().len(), 2, "neither is repeated here");
}

#[test]
fn a_lost_reply_ends_as_the_existing_lookalike() {
    let (server, client) = start(vec![Reply::Close, error(2654, Some(1_713_007))]);
    assert_eq!(client.create_lookalike(&one_percent(), &Cancel::new()).unwrap(), LookalikeOutcome::Exists);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn real_refusals_are_errors() {
    for (code, subcode) in [(2654, Some(1_713_092)), (100, Some(1_713_232)), (200, Some(1_870_090))] {
        let (server, client) = start(vec![error(code, subcode)]);
        let error = client.create_lookalike(&one_percent(), &Cancel::new()).unwrap_err();
        assert_eq!((codes(&error), server.received().len()), ((code, subcode), 1));
    }
}

#[test]
fn a_country_or_size_against_the_rules_is_not_sent() {
    let (server, client) = start(vec![]);
    for (country, ratio_percent) in [("us", 1), ("USA", 1), ("", 1), ("U\"", 1), ("US", 0), ("US", 21)] {
        let new = NewLookalike { country: country.to_owned(), ratio_percent, ..one_percent() };
        let error = client.create_lookalike(&new, &Cancel::new()).unwrap_err();
        assert!(matches!(error, MetaError::InvalidInput { .. }), "{error:?}");
    }
    assert!(server.received().is_empty());
}

#[test]
fn the_lookalikes_of_a_seed_are_read_one_by_one() {
    let (server, client) = start(vec![
        ok(r#"{"lookalike_audience_ids":["11","12","13"],"id":"9"}"#),
        ok(
            r#"{"id":"11","name":"a","description":"tag","lookalike_spec":{"type":"custom_ratio","ratio":0.01,"country":"US","origin":[{"id":"9","name":"GHL","type":"custom_audience"}]}}"#,
        ),
        error(100, Some(33)),
        ok(
            r#"{"id":"13","name":"b","lookalike_spec":{"ratio":"0.05","starting_ratio":0,"target_countries":["CA"]}}"#,
        ),
    ]);
    let found = client.lookalikes_of("9", &Cancel::new()).unwrap();
    let summary =
        |id: &str, name: &str, description: Option<&str>, country: &str, percent| LookalikeSummary {
            id: id.to_owned(),
            name: name.to_owned(),
            description: description.map(str::to_owned),
            country: Some(country.to_owned()),
            ratio_percent: Some(percent),
        };
    assert_eq!(found, [summary("11", "a", Some("tag"), "US", 1), summary("13", "b", None, "CA", 5)]);
    let received = server.received();
    let query = |fields| pairs(&[("fields", fields), ("access_token", TOKEN)]);
    assert_eq!(
        line(&received[0]),
        ("GET".to_owned(), "/v25.0/9".to_owned(), query("lookalike_audience_ids"))
    );
    let fields = "id,name,description,lookalike_spec";
    assert_eq!(line(&received[1]), ("GET".to_owned(), "/v25.0/11".to_owned(), query(fields)));
    assert_eq!(received.len(), 4);
}

#[test]
fn a_seed_without_lookalikes_has_none() {
    let (_server, client) = start(vec![ok(r#"{"id":"9"}"#)]);
    assert_eq!(client.lookalikes_of("9", &Cancel::new()).unwrap(), []);
}
