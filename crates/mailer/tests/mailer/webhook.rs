//! Messages for a chat, over real HTTP.

use crate::runs::{context, failed, successful};
use domain::error_chain::Chain;
use domain::{Explain, Secret};
use http_client::TransportFault;
use mailer::{Webhook, WebhookError};
use std::time::Duration;
use testkit::{Reply, ScriptedServer};

/// Whoever knows this can post, as with Slack's addresses.
const PATH: &str = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";

fn webhook(server: &ScriptedServer) -> Webhook {
    Webhook::new(&Secret::new(format!("{}{PATH}", server.url()))).unwrap()
}

fn ok() -> Reply {
    Reply::Http(200, vec![], "ok".to_owned())
}

/// The error of a message; whatever it was, it does not show the address.
fn error_of(reply: Reply) -> WebhookError {
    let server = ScriptedServer::start(vec![reply]).unwrap();
    let error = webhook(&server).post(&mailer::success(&successful(), &context()).unwrap()).unwrap_err();
    assert_eq!(server.received().len(), 1, "nothing is repeated here");
    let shown = format!("{} {error:?} {:?}", Chain(&error), error.explain());
    for secret in ["XXXXXX", "T00000000", "B00000000", server.url()] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(error.explain().remedy.contains("NOTIFY_WEBHOOK_URL"));
    error
}

#[test]
fn a_message_is_one_post_of_subject_and_text() {
    let server = ScriptedServer::start(vec![ok(), ok()]).unwrap();
    let mail = mailer::success(&successful(), &context()).unwrap();
    webhook(&server).post(&mail).unwrap();
    let received = server.received().remove(0);
    assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", PATH));
    assert_eq!(received.header("content-type"), Some("application/json"));
    let body: serde_json::Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(body, serde_json::json!({ "text": format!("{}\n\n{}", mail.subject, mail.text) }));

    let mut run = failed();
    run.config.list_name = "<!channel> & @here".into();
    webhook(&server).post(&mailer::failure(&run, &context()).unwrap()).unwrap();
    let body: serde_json::Value = serde_json::from_str(&server.received()[1].body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("- Smart List: &lt;!channel&gt; &amp; @\u{200b}here\n"), "{text}");
    let debug = format!("{:?}", webhook(&server));
    assert!(!debug.contains("services"), "{debug}");
}

#[test]
fn a_refusal_is_told_in_the_servers_own_words() {
    for (status, said) in [
        (400, "invalid_payload"),
        (403, "action_prohibited"),
        (404, "no_service"),
        (410, "channel_is_archived"),
        (429, ""),
        (503, "upstream"),
    ] {
        let error = error_of(Reply::Http(status, vec![], said.to_owned()));
        assert!(
            matches!(&error, WebhookError::Refused { status: code, said: words } if *code == status && words == said),
            "{error:?}"
        );
        assert_eq!(error.explain().provider_code, Some(status.to_string()));
    }
    // It may repeat what it was asked for.
    error_of(Reply::Http(404, vec![], format!("no route POST {PATH}, T00000000 is unknown")));
}

#[test]
fn a_redirect_is_not_followed() {
    let other = ScriptedServer::start(vec![ok()]).unwrap();
    let error = error_of(Reply::Http(307, vec![("location", other.url().to_owned())], String::new()));
    assert!(matches!(error, WebhookError::Refused { status: 307, .. }), "{error:?}");
    assert!(other.received().is_empty());
}

#[test]
fn a_server_that_breaks_off_or_talks_for_ever_is_told_apart() {
    let fault = |reply| match error_of(reply) {
        WebhookError::Transport(fault) => fault,
        refused @ WebhookError::Refused { .. } => panic!("{refused:?}"),
    };
    assert_eq!(fault(Reply::Close), TransportFault::Broken);
    assert_eq!(fault(Reply::Http(200, vec![], "x".repeat(100_000))), TransportFault::TooLarge);
    assert_eq!(fault(Reply::Raw(b"nonsense\r\n\r\n".to_vec())), TransportFault::Protocol);
}

#[test]
fn a_silent_server_is_given_up() {
    let server = ScriptedServer::start(vec![Reply::Silence(Duration::from_secs(60))]).unwrap();
    let webhook = webhook(&server).with_timeout(Duration::from_millis(300));
    let error = webhook.post(&mailer::success(&successful(), &context()).unwrap()).unwrap_err();
    assert!(matches!(error, WebhookError::Transport(TransportFault::Timeout)), "{error:?}");
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    for bad in ["http://hooks.example.com/x", "hooks.example.com/x", "https://user@hooks.example.com/x", ""] {
        let error = Webhook::new(&Secret::new(bad)).unwrap_err();
        assert!(!error.to_string().contains("hooks"), "{error}");
    }
}
