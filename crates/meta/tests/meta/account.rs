//! The ad account, the token, and how calls are signed.

use crate::support::{APP_SECRET, PROOF, TOKEN, line, ok, pairs, settings, start};
use domain::{Cancel, Secret};
use meta::{AccountStatus, AdAccount, ApiVersion, MetaClient, TokenInfo};
use testkit::ScriptedServer;

#[test]
fn the_ad_account_is_read_with_its_terms() {
    let (server, client) = start(vec![ok(
        r#"{"name":"Example Shop","account_status":1,"currency":"USD","tos_accepted":{"custom_audience_tos":1},"id":"act_1234567890"}"#,
    )]);
    let account = client.ad_account(&Cancel::new()).unwrap();
    let expected = AdAccount {
        name: "Example Shop".to_owned(),
        account_status: AccountStatus(1),
        currency: Some("USD".to_owned()),
        terms_accepted: Some(true),
    };
    assert_eq!(account, expected);
    assert!(account.account_status.is_active());
    let query = [("fields", "name,account_status,currency,tos_accepted"), ("access_token", TOKEN)];
    assert_eq!(
        line(&server.received()[0]),
        ("GET".to_owned(), "/v25.0/act_1234567890".to_owned(), pairs(&query))
    );
}

#[test]
fn terms_are_unsigned_or_unknown_but_never_assumed() {
    let terms = |field: &str| {
        let (_server, client) = start(vec![ok(&format!(r#"{{"name":"Example Shop"{field}}}"#))]);
        client.ad_account(&Cancel::new()).unwrap().terms_accepted
    };
    assert_eq!(terms(""), None);
    assert_eq!(terms(r#","tos_accepted":{}"#), Some(false));
    assert_eq!(terms(r#","tos_accepted":[]"#), Some(false));
    assert_eq!(terms(r#","tos_accepted":{"web_custom_audience_tos":1}"#), Some(false));
    assert_eq!(terms(r#","tos_accepted":{"custom_audience_tos":0}"#), Some(false));
    assert_eq!(terms(r#","tos_accepted":{"custom_audience_tos":"1"}"#), Some(true));
}

#[test]
fn account_states_have_words() {
    assert_eq!(AccountStatus(2).words(), "disabled by Meta");
    assert_eq!(AccountStatus(0).words(), "status unknown");
    assert!(!AccountStatus(2).is_active());
}

#[test]
fn the_token_is_described() {
    let (server, client) = start(vec![
        ok(
            r#"{"data":{"app_id":"1","type":"SYSTEM_USER","is_valid":true,"expires_at":0,"scopes":["ads_management","ads_read"]}}"#,
        ),
        ok(r#"{"data":{"is_valid":false,"expires_at":1795219200,"error":{"code":190,"subcode":463}}}"#),
    ]);
    let lasting = client.debug_token(&Cancel::new()).unwrap();
    let scopes = vec!["ads_management".to_owned(), "ads_read".to_owned()];
    assert_eq!(lasting, TokenInfo { valid: true, expires_at: None, scopes });
    let expired = client.debug_token(&Cancel::new()).unwrap();
    assert_eq!((expired.valid, expired.scopes.len()), (false, 0));
    assert_eq!(expired.expires_at.unwrap().to_rfc3339(), "2026-11-21T00:00:00+00:00");
    let query = pairs(&[("input_token", TOKEN), ("access_token", TOKEN)]);
    assert_eq!(line(&server.received()[0]), ("GET".to_owned(), "/v25.0/debug_token".to_owned(), query));
}

#[test]
fn an_app_secret_signs_every_call_and_the_version_is_a_setting() {
    let server =
        ScriptedServer::start(vec![ok(r#"{"id":"1"}"#), ok(r#"{"id":"2"}"#), ok(r#"{"success":true}"#)])
            .unwrap();
    let client = MetaClient::new(meta::MetaSettings {
        app_secret: Some(Secret::new(APP_SECRET)),
        api_version: ApiVersion::parse("v26.0").unwrap(),
        ..settings(&server)
    });
    let cancel = Cancel::new();
    client.audience("1", &cancel).unwrap();
    let new = meta::NewCustomAudience { name: "n".to_owned(), description: "d".to_owned() };
    client.create_custom_audience(&new, &cancel).unwrap();
    client.delete_audience("2", &cancel).unwrap();
    let received = server.received();
    for at in [0, 2] {
        let (_, path, query) = line(&received[at]);
        assert!(path.starts_with("/v26.0/"), "{path}");
        assert!(query.ends_with(&pairs(&[("access_token", TOKEN), ("appsecret_proof", PROOF)])), "{query:?}");
    }
    let body = crate::support::body(&received[1]);
    assert_eq!((&body["access_token"], &body["appsecret_proof"]), (&TOKEN.into(), &PROOF.into()));
    assert!(!received[1].target.contains('?'));
    assert!(
        !received
            .iter()
            .any(|request| request.target.contains(APP_SECRET) || request.body.contains(APP_SECRET))
    );
    let debug = format!("{client:?}");
    for secret in [TOKEN, APP_SECRET, PROOF] {
        assert!(!debug.contains(secret), "{debug}");
    }
}

#[test]
fn the_last_warning_about_the_version_is_kept() {
    let warning = "The call has been auto-upgraded to v26.0 as v25.0 will be deprecated.";
    let (_server, client) = start(vec![
        ok(r#"{"id":"act_1"}"#),
        ok(r#"{"id":"act_1"}"#).with_header("X-Ad-Api-Version-Warning", "an earlier warning"),
        ok(r#"{"id":"act_1"}"#).with_header("X-Ad-Api-Version-Warning", warning),
        ok(r#"{"id":"act_1"}"#),
    ]);
    let cancel = Cancel::new();
    client.ad_account(&cancel).unwrap();
    assert_eq!(client.version_warning(), None);
    client.ad_account(&cancel).unwrap();
    assert_eq!(client.version_warning().as_deref(), Some("an earlier warning"));
    client.ad_account(&cancel).unwrap();
    client.ad_account(&cancel).unwrap();
    assert_eq!(client.version_warning().as_deref(), Some(warning));
}
