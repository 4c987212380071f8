//! Creating, finding, reading and deleting audiences.

use crate::support::{TOKEN, body, codes, error, line, ok, pairs, start};
use domain::{Cancel, Explain};
use meta::{AudienceSummary, MetaError, NewCustomAudience};
use serde_json::json;
use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpListener;
use testkit::Reply;

fn new_audience() -> NewCustomAudience {
    NewCustomAudience {
        name: "GHL-HighValue-2026-11-21".to_owned(),
        description: "ghl-meta-sync 4f2a \"run 7\"".to_owned(),
    }
}

#[test]
fn a_value_based_customer_list_is_created() {
    let (server, client) = start(vec![ok(r#"{"id":"23850000000000000001","message":"ok"}"#)]);
    let id = client.create_custom_audience(&new_audience(), &Cancel::new()).unwrap();
    assert_eq!(id, "23850000000000000001");
    let request = &server.received()[0];
    assert_eq!(
        line(request),
        ("POST".to_owned(), "/v25.0/act_1234567890/customaudiences".to_owned(), vec![])
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    let expected = json!({
        "name": "GHL-HighValue-2026-11-21",
        "description": "ghl-meta-sync 4f2a \"run 7\"",
        "subtype": "CUSTOM",
        "customer_file_source": "USER_PROVIDED_ONLY",
        "is_value_based": true,
        "access_token": TOKEN,
    });
    assert_eq!(body(request), expected);
}

#[test]
fn a_creation_whose_outcome_is_unknown_is_never_repeated() {
    let lost: [(&str, Reply); 9] = [
        ("closed", Reply::Close),
        ("cut", Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{\"id\":".to_vec())),
        (
            "html",
            Reply::Http(502, vec![("content-type", "text/html".to_owned())], "<html>sorry</html>".to_owned()),
        ),
        ("text", ok("Service Unavailable")),
        ("1", error(1, None)),
        ("2", error(2, None)),
        ("5000", error(5000, None)),
        ("transient", Reply::json(400, r#"{"error":{"message":"m","code":777,"is_transient":true}}"#)),
        ("no id", ok("{}")),
    ];
    for (name, reply) in lost {
        let (server, client) = start(vec![reply, ok(r#"{"id":"2"}"#)]);
        let error = client.create_custom_audience(&new_audience(), &Cancel::new()).unwrap_err();
        assert!(matches!(error, MetaError::ReplyLost { .. }), "{name}: {error:?}");
        assert!(error.source().is_some(), "{name}");
        assert_eq!(server.received().len(), 1, "{name}");
        assert!(error.explain().remedy.contains("nothing is made twice"), "{name}");
    }
}

#[test]
fn a_creation_that_was_only_throttled_is_repeated() {
    let (server, client) = start(vec![error(80_003, Some(2_446_079)), error(17, None), ok(r#"{"id":"5"}"#)]);
    assert_eq!(client.create_custom_audience(&new_audience(), &Cancel::new()).unwrap(), "5");
    let received = server.received();
    assert_eq!((received.len(), &received[0].body), (3, &received[2].body));
}

#[test]
fn a_refused_creation_is_final_and_nobody_listening_is_no_lost_reply() {
    let (server, client) = start(vec![error(200, Some(1_870_090))]);
    let refused = client.create_custom_audience(&new_audience(), &Cancel::new()).unwrap_err();
    assert_eq!((codes(&refused), server.received().len()), ((200, Some(1_870_090)), 1));
    let remedy = refused.explain().remedy;
    assert!(
        remedy.contains("https://business.facebook.com/ads/manage/customaudiences/tos/?act=1234567890"),
        "{remedy}"
    );
    assert!(
        remedy.contains("https://www.facebook.com/customaudiences/value_based/tos.php?act=1234567890"),
        "{remedy}"
    );

    let free_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = meta::MetaClient::new(meta::MetaSettings {
        base_url: http_client::BaseUrl::parse(&format!("http://{free_port}")).unwrap(),
        ..crate::support::settings(&server)
    });
    let error = nobody.create_custom_audience(&new_audience(), &Cancel::new()).unwrap_err();
    assert!(matches!(error, MetaError::Transport { .. }), "{error:?}");
}

#[test]
fn a_creation_whose_encryption_broke_may_have_been_carried_out() {
    let (server, _client) = start(vec![]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    // What this server says is no record of an encrypted connection, as when one is damaged in the middle of a reply.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        }
    });
    let settings = meta::MetaSettings {
        base_url: http_client::BaseUrl::parse(&address).unwrap(),
        ..crate::support::settings(&server)
    };
    let encrypting = meta::MetaClient::new(settings);
    let error = encrypting.create_custom_audience(&new_audience(), &Cancel::new()).unwrap_err();
    let MetaError::ReplyLost { source, .. } = &error else { panic!("{error:?}") };
    let MetaError::Transport { source, .. } = source.as_ref() else { panic!("{source:?}") };
    assert_eq!(source.fault, http_client::TransportFault::Tls);
}

#[test]
fn audiences_are_found_by_their_exact_name_over_all_pages() {
    let first = r#"{"data":[{"id":"1","name":"GHL","description":"tag 1","subtype":"CUSTOM"},{"id":"2","name":"GHL-2"}],
        "paging":{"cursors":{"before":"b","after":"QVFI=="},"next":"https://graph.facebook.com/v25.0/act_1/customaudiences?access_token=x&after=QVFI"}}"#;
    let second = r#"{"data":[{"id":3,"name":"ghl"},{"id":"4","name":"GHL","subtype":"LOOKALIKE"}],"paging":{"cursors":{"before":"b","after":"c"}}}"#;
    let (server, client) = start(vec![ok(first), ok(second)]);
    let found = client.find_custom_audiences("GHL", &Cancel::new()).unwrap();
    let summary = |id: &str, description: Option<&str>, subtype: &str| AudienceSummary {
        id: id.to_owned(),
        name: "GHL".to_owned(),
        description: description.map(str::to_owned),
        subtype: subtype.to_owned(),
        is_value_based: false,
        time_created: None,
    };
    assert_eq!(found, [summary("1", Some("tag 1"), "CUSTOM"), summary("4", None, "LOOKALIKE")]);
    let received = server.received();
    let filter = r#"[{"field":"name","operator":"EQUAL","value":"GHL"}]"#;
    let query = [
        ("fields", "id,name,description,subtype,is_value_based,time_created"),
        ("filtering", filter),
        ("limit", "20"),
        ("access_token", TOKEN),
    ];
    let path = "/v25.0/act_1234567890/customaudiences";
    assert_eq!(line(&received[0]), ("GET".to_owned(), path.to_owned(), pairs(&query)));
    assert_eq!(line(&received[1]).2[3], ("after".to_owned(), "QVFI==".to_owned()));
}

#[test]
fn a_refused_name_filter_leads_to_reading_the_whole_list() {
    let (server, client) =
        start(vec![error(100, None), ok(r#"{"data":[{"id":"1","name":"other"},{"id":"2","name":"GHL"}]}"#)]);
    let found = client.find_custom_audiences("GHL", &Cancel::new()).unwrap();
    assert_eq!((found.len(), found[0].id.as_str()), (1, "2"));
    assert!(!server.received()[1].target.contains("filtering"));
}

#[test]
fn all_audiences_of_the_account_are_listed_by_large_pages() {
    let first = r#"{"data":[{"id":"1","name":"GHL","subtype":"CUSTOM","is_value_based":true,"time_created":1795219200},
        {"id":"2","name":"foreign","subtype":"WEBSITE","is_value_based":"0","time_created":"1795219201"}],
        "paging":{"cursors":{"after":"c"},"next":"https://graph.facebook.com/"}}"#;
    let (server, client) = start(vec![ok(first), ok(r#"{"data":[{"id":"3","subtype":"LOOKALIKE"}]}"#)]);
    let audiences = client.custom_audiences(&Cancel::new()).unwrap();
    let told: Vec<_> = audiences
        .iter()
        .map(|audience| {
            let created = audience.time_created.map(|time| time.timestamp());
            (audience.id.as_str(), audience.subtype.as_str(), audience.is_value_based, created)
        })
        .collect();
    let expected = [
        ("1", "CUSTOM", true, Some(1_795_219_200)),
        ("2", "WEBSITE", false, Some(1_795_219_201)),
        ("3", "LOOKALIKE", false, None),
    ];
    assert_eq!(told, expected);
    let fields = "id,name,description,subtype,is_value_based,time_created";
    let query = [("fields", fields), ("limit", "100"), ("access_token", TOKEN)];
    let (_, path, first_query) = line(&server.received()[0]);
    assert_eq!((path.as_str(), first_query), ("/v25.0/act_1234567890/customaudiences", pairs(&query)));
}

#[test]
fn a_page_that_is_too_large_is_asked_for_again_by_half() {
    let page =
        r#"{"data":[{"id":"1"}],"paging":{"cursors":{"after":"c"},"next":"https://graph.facebook.com/"}}"#;
    let (server, client) =
        start(vec![error(1, None), error(1, None), ok(page), error(2, None), ok(r#"{"data":[]}"#)]);
    assert_eq!(client.custom_audiences(&Cancel::new()).unwrap().len(), 1);
    let limits: Vec<String> = server
        .received()
        .iter()
        .filter_map(|request| line(request).2.into_iter().find(|(name, _)| name == "limit"))
        .map(|(_, limit)| limit)
        .collect();
    assert_eq!(limits, ["100", "50", "25", "25", "25"]);
}

#[test]
fn a_list_that_runs_in_circles_is_an_error() {
    let page = r#"{"data":[],"paging":{"cursors":{"after":"same"},"next":"https://graph.facebook.com/"}}"#;
    let (_server, client) = start(vec![ok(page), ok(page)]);
    let error = client.find_custom_audiences("GHL", &Cancel::new()).unwrap_err();
    assert!(matches!(error, MetaError::UnexpectedShape { .. }), "{error:?}");
    let (_server, client) = start(vec![ok(r#"{"data":[],"paging":{"next":"https://graph.facebook.com/"}}"#)]);
    assert!(client.find_custom_audiences("GHL", &Cancel::new()).is_err());
}

#[test]
fn the_state_of_an_audience_is_read_and_minus_one_is_not_a_size() {
    let full = r#"{"id":"9","name":"GHL","description":"tag","operation_status":{"code":200,"description":"Normal"},
        "approximate_count_lower_bound":4900,
        "approximate_count_upper_bound":"5100","lookalike_audience_ids":["11","12"],"is_value_based":true}"#;
    let bare = r#"{"id":"9","approximate_count_lower_bound":-1,"approximate_count_upper_bound":-1,"description":null}"#;
    let (server, client) = start(vec![ok(full), ok(bare)]);
    let state = client.audience("9", &Cancel::new()).unwrap();
    assert_eq!(
        (state.id.as_str(), state.name.as_str(), state.description.as_deref()),
        ("9", "GHL", Some("tag"))
    );
    assert_eq!((state.lower, state.upper, state.is_value_based), (Some(4900), Some(5100), true));
    assert_eq!(state.lookalike_ids, ["11", "12"]);
    assert_eq!((state.operation_status.code, state.operation_status.words()), (200, "ready"));
    assert!(state.is_ready());
    let state = client.audience("9", &Cancel::new()).unwrap();
    assert_eq!((state.lower, state.upper, state.is_value_based), (None, None, false));
    assert_eq!(state.operation_status.words(), "status unknown, look again later");
    assert!(!state.is_ready());
    let (method, path, query) = line(&server.received()[0]);
    assert_eq!((method.as_str(), path.as_str()), ("GET", "/v25.0/9"));
    let fields = "id,name,description,operation_status,approximate_count_lower_bound,approximate_count_upper_bound,lookalike_audience_ids,is_value_based";
    assert_eq!(query, pairs(&[("fields", fields), ("access_token", TOKEN)]));
}

#[test]
fn deleting_is_repeatable_and_what_is_gone_counts_as_deleted() {
    let (server, client) = start(vec![Reply::Close, error(100, Some(33))]);
    client.delete_audience("9", &Cancel::new()).unwrap();
    let received = server.received();
    assert_eq!(received.len(), 2);
    assert_eq!(
        line(&received[1]),
        ("DELETE".to_owned(), "/v25.0/9".to_owned(), pairs(&[("access_token", TOKEN)]))
    );
    let (server, client) = start(vec![error(2656, None)]);
    assert_eq!(codes(&client.delete_audience("9", &Cancel::new()).unwrap_err()), (2656, None));
    assert_eq!(server.received().len(), 1);
}

#[test]
fn the_ads_of_an_audience_are_listed() {
    let (server, client) = start(vec![ok(r#"{"data":[{"id":"71"},{"id":"72"}]}"#), error(190, Some(460))]);
    assert_eq!(client.ads_using("9", &Cancel::new()).unwrap(), ["71", "72"]);
    let query = pairs(&[("fields", "id"), ("limit", "20"), ("access_token", TOKEN)]);
    assert_eq!(line(&server.received()[0]), ("GET".to_owned(), "/v25.0/9/ads".to_owned(), query));
    assert!(client.ads_using("9", &Cancel::new()).is_err());
}
