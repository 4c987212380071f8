//! Oddities of replies, and what of them may reach a user.

use crate::support::{APP_SECRET, MARY, PROOF, TOKEN, ok, policy, settings, start};
use domain::error_chain::Chain;
use domain::{Cancel, Explain, Secret};
use meta::{MetaClient, MetaError};
use testkit::{Reply, ScriptedServer};

/// One attempt at reading an audience.
fn attempt(reply: Reply) -> MetaError {
    let server = ScriptedServer::start(vec![reply]).unwrap();
    let client = MetaClient::new(meta::MetaSettings {
        app_secret: Some(Secret::new(APP_SECRET)),
        retry: policy(0),
        throttle_retry: policy(0),
        fresh_audience_retry: policy(0),
        ..settings(&server)
    });
    client.audience("9", &Cancel::new()).unwrap_err()
}

#[test]
fn an_error_inside_http_200_is_an_error() {
    let error =
        attempt(ok(r#"{"error":{"message":"Invalid parameter","code":100,"error_subcode":1713230}}"#));
    assert_eq!(crate::support::codes(&error), (100, Some(1_713_230)));
}

#[test]
fn success_false_is_an_error() {
    assert!(matches!(attempt(ok(r#"{"success":false}"#)), MetaError::NotSuccessful { .. }));
}

#[test]
fn what_is_not_a_reply_of_the_api_is_told_apart() {
    let html = |status| {
        Reply::Http(status, vec![("content-type", "text/html".to_owned())], "<!DOCTYPE html>".to_owned())
    };
    for reply in [
        html(200),
        html(500),
        ok("Service Unavailable"),
        ok(r#""Service Unavailable""#),
        ok(""),
        ok("[]"),
        Reply::json(500, "{}"),
        ok(r#"{"error":"sorry"}"#),
    ] {
        let error = attempt(reply.clone());
        assert!(matches!(error, MetaError::UnusableReply { .. }), "{reply:?}: {error:?}");
        assert!(error.explain().message.contains("usually a passing fault"));
    }
}

#[test]
fn a_reply_without_what_is_documented_is_told_apart() {
    for body in ["{}", r#"{"id":"../me"}"#, r#"{"id":null}"#] {
        let error = attempt(ok(body));
        assert!(matches!(error, MetaError::UnexpectedShape { .. }), "{body}: {error:?}");
        assert!(error.explain().remedy.contains("META_API_VERSION"));
    }
}

#[test]
fn error_data_is_read_as_an_object_and_as_json_text() {
    for data in [
        r#"{"blame_field_specs":[["lookalike_spec","ratio"],["name"]]}"#,
        r#""{\"blame_field_specs\":[[\"lookalike_spec\",\"ratio\"],[\"name\"]]}""#,
    ] {
        let error = attempt(Reply::json(400, format!(r#"{{"error":{{"code":100,"error_data":{data}}}}}"#)));
        let api = error.api().unwrap();
        assert_eq!(api.blamed_fields, ["lookalike_spec.ratio", "name"]);
        assert!(error.explain().message.ends_with("(fields: lookalike_spec.ratio, name)"), "{error:?}");
    }
    let error = attempt(Reply::json(400, r#"{"error":{"code":"100","error_data":"not json"}}"#));
    assert_eq!((crate::support::codes(&error), error.api().unwrap().blamed_fields.len()), ((100, None), 0));
}

#[test]
fn the_user_sees_metas_own_words_with_code_and_trace() {
    let error = attempt(Reply::json(
        400,
        r#"{"error":{"message":"Invalid parameter","code":100,"error_subcode":1713232,"is_transient":false,"error_user_title":"Seed audience restricted","error_user_msg":"Please use a different seed audience","fbtrace_id":"F78cCCJoZPx"}}"#,
    ));
    let explanation = error.explain();
    assert_eq!(
        explanation.message,
        "Could not read the audience. Meta blocked this audience because its name or description hints at health or money matters. Meta says: Seed audience restricted: Please use a different seed audience"
    );
    assert_eq!(explanation.provider_code.as_deref(), Some("100/1713232"));
    assert_eq!(explanation.trace_id.as_deref(), Some("F78cCCJoZPx"));
}

#[test]
fn no_secret_and_no_hash_reaches_an_error() {
    let echo =
        format!("Malformed access token {TOKEN}, proof {PROOF}, secret {APP_SECRET}, row {MARY}\\u001b[2J");
    let body = format!(
        r#"{{"error":{{"message":"{echo}","code":190,"error_user_title":"{echo}","error_user_msg":"{echo}","fbtrace_id":"{echo}","error_data":{{"blame_field_specs":[["{echo}"]]}}}}}}"#
    );
    let errors = [
        attempt(Reply::json(400, body)),
        attempt(ok(&format!(r#"{{"id":"9","lookalike_audience_ids":"{MARY}"}}"#))),
        attempt(Reply::Close),
        attempt(Reply::Raw(b"nonsense\r\n\r\n".to_vec())),
        attempt(Reply::Http(
            302,
            vec![("location", format!("https://example.com/?access_token={TOKEN}"))],
            String::new(),
        )),
    ];
    for error in errors {
        let shown = format!("{error:?} {} {:?}", Chain(&error), error.explain());
        for secret in [TOKEN, APP_SECRET, PROOF, MARY, "\u{1b}"] {
            assert!(!shown.contains(secret), "{secret:?} in {shown}");
        }
    }
}

#[test]
fn a_reply_beyond_the_cap_is_refused_without_repetition() {
    let (server, client) = start(vec![ok(&" ".repeat(5 * 1024 * 1024)), ok(r#"{"id":"9"}"#)]);
    let error = client.audience("9", &Cancel::new()).unwrap_err();
    assert!(matches!(error, MetaError::Transport { .. }), "{error:?}");
    assert_eq!(server.received().len(), 1);
}
