//! One pace for all threads of a client, from the usage headers of every reply.

use crate::support::{codes, error, ok, settings, start};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Cancel, Clock, Explain, SystemClock};
use http_client::RetryPolicy;
use meta::{ErrorKind, MetaClient, MetaError, MetaSettings};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use testkit::{Reply, ScriptedServer};

const SECOND: Duration = Duration::from_secs(1);
const GOOD: &str = r#"{"id":"9"}"#;
const BUSINESS: &str = "X-Business-Use-Case-Usage";
const ACCOUNT: &str = "X-Ad-Account-Usage";

type Told = Arc<Mutex<Vec<Option<DateTime<Utc>>>>>;

/// A client with the patience of the product.
fn patient(script: Vec<Reply>) -> (ScriptedServer, MetaClient) {
    let server = ScriptedServer::start(script).unwrap();
    let longest_wait = Duration::from_secs(6 * 3600);
    let client = MetaClient::new(MetaSettings { longest_wait, ..settings(&server) });
    (server, client)
}

/// Raises `cancel` as soon as a wait is told: no test waits for it.
fn cancel_when_told(client: &MetaClient, cancel: &Cancel) -> Told {
    let told = Told::default();
    let (cancel, kept) = (cancel.clone(), Arc::clone(&told));
    client.watch_waits(move |until| {
        kept.lock().unwrap().push(until);
        cancel.cancel();
    });
    told
}

fn limited(minutes: u32) -> Reply {
    let usage = format!(
        r#"{{"77":[{{"type":"custom_audience","call_count":100,"estimated_time_to_regain_access":{minutes}}}]}}"#
    );
    error(80_003, Some(2_446_079)).with_header(BUSINESS, usage)
}

/// How long the wait that was told lasts, in whole minutes.
fn told_minutes(told: &Told, begun: DateTime<Utc>) -> i64 {
    let told = told.lock().unwrap();
    let [Some(until), None] = told[..] else { panic!("{told:?}") };
    assert!(until - begun < TimeDelta::hours(7), "{told:?}");
    (until - begun).num_minutes()
}

#[test]
fn a_limit_is_waited_for_where_everybody_can_see_and_cancel_it() {
    let (server, client) = patient(vec![limited(28), ok(GOOD)]);
    let cancel = Cancel::new();
    let told = cancel_when_told(&client, &cancel);
    let begun = SystemClock.now();
    let result = client.audience("9", &cancel);
    assert!(matches!(result, Err(MetaError::Cancelled(_))), "{result:?}");
    assert_eq!((told_minutes(&told, begun), server.received().len()), (28, 1));
}

#[test]
fn the_waits_of_the_table_hold_when_meta_names_none() {
    for (code, subcode) in [(613, None), (368, None)] {
        let (server, client) = patient(vec![error(code, subcode), ok(GOOD)]);
        let cancel = Cancel::new();
        let told = cancel_when_told(&client, &cancel);
        let begun = SystemClock.now();
        client.audience("9", &cancel).unwrap_err();
        assert_eq!((told_minutes(&told, begun), server.received().len()), (60, 1), "{code}");
    }
}

#[test]
fn nobody_calls_while_a_limit_lasts() {
    let (server, client) = start(vec![limited(28), ok(GOOD)]);
    assert_eq!(codes(&client.audience("9", &Cancel::new()).unwrap_err()), (80_003, Some(2_446_079)));
    let refused = client.ads_using("9", &Cancel::new()).unwrap_err();
    let MetaError::Limited { remaining, .. } = refused else { panic!("{refused:?}") };
    assert!(remaining > Duration::from_secs(27 * 60) && remaining <= Duration::from_secs(28 * 60));
    let explanation = refused.explain();
    assert_eq!(
        explanation.message,
        "Could not read which ads use the audience. Meta asks this program to slow down and lets it call again in about 28 min."
    );
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_limit_holds_for_every_thread_and_then_all_go_on() {
    let soon =
        r#"{"77":[{"type":"custom_audience","call_count":10,"estimated_time_to_regain_access":0.002}]}"#;
    let throttled = error(80_003, None).with_header(BUSINESS, soon);
    let (server, client) = start(vec![throttled, ok(GOOD), ok(GOOD), ok(GOOD)]);
    let cancel = Cancel::new();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let limited = scope.spawn(|| client.audience("9", &cancel).unwrap());
        while server.received().is_empty() {
            std::thread::yield_now();
        }
        limited.join().unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(120), "the wait Meta names");
        let others = [(); 2].map(|()| scope.spawn(|| client.audience("9", &cancel).unwrap()));
        others.into_iter().for_each(|other| drop(other.join().unwrap()));
    });
    assert_eq!(server.received().len(), 4);
}

#[test]
fn a_limit_met_in_one_thread_stops_another_until_both_are_cancelled() {
    let (server, client) = patient(vec![limited(28), ok(GOOD)]);
    let (tell, told) = mpsc::channel();
    client.watch_waits(move |until| tell.send(until).unwrap());
    let cancels = [Cancel::new(), Cancel::new()];
    // What is told between the two cancellations; asserted when no thread is left behind.
    let between = std::thread::scope(|scope| {
        let threads = cancels.each_ref().map(|cancel| {
            let thread = scope.spawn(|| client.audience("9", cancel));
            assert!(told.recv().unwrap().is_some(), "the second one never reaches the server");
            thread
        });
        let ended = threads.into_iter().zip(&cancels).map(|(thread, cancel)| {
            cancel.cancel();
            let cancelled = matches!(thread.join().unwrap(), Err(MetaError::Cancelled(_)));
            (cancelled, told.try_recv())
        });
        ended.collect::<Vec<_>>()
    });
    assert_eq!(between, [(true, Err(mpsc::TryRecvError::Empty)), (true, Ok(None))], "one still waited");
    assert_eq!(server.received().len(), 1);
}

#[test]
fn calls_are_slowed_down_before_a_limit_by_any_header_of_a_good_reply() {
    let cases = [
        (
            BUSINESS,
            r#"{"77":[{"type":"custom_audience","call_count":1,"total_cputime":100,"total_time":2}]}"#,
        ),
        (BUSINESS, r#"{"77":[{"type":"ads_management","call_count":100}]}"#),
        (ACCOUNT, r#"{"acc_id_util_pct":"100"}"#),
        ("X-App-Usage", r#"{"call_count":100,"total_time":1,"total_cputime":1}"#),
    ];
    for (header, text) in cases {
        let (server, client) = patient(vec![ok(GOOD).with_header(header, text), ok(GOOD), ok(GOOD)]);
        let cancel = Cancel::new();
        client.audience("9", &cancel).unwrap();
        let told = cancel_when_told(&client, &cancel);
        let begun = SystemClock.now();
        let result = client.audience("9", &cancel);
        assert!(matches!(result, Err(MetaError::Cancelled(_))), "{text}: {result:?}");
        told_minutes(&told, begun);
        assert_eq!(server.received().len(), 1, "{text}");
    }
}

#[test]
fn the_usage_of_other_buckets_and_of_headers_that_make_no_sense_slows_nobody_down() {
    let cases = [
        (
            BUSINESS,
            r#"{"77":[{"type":"custom_audience","call_count":74},{"type":"ads_insights","call_count":100}]}"#,
        ),
        (ACCOUNT, r#"{"acc_id_util_pct":74.9,"reset_time_duration":300}"#),
        (ACCOUNT, "not json"),
        (BUSINESS, r#"{"77":"x"}"#),
        ("X-App-Usage", r#"{"call_count":-5}"#),
    ];
    for (header, text) in cases {
        let (server, client) = patient(vec![ok(GOOD).with_header(header, text), ok(GOOD)]);
        let told = cancel_when_told(&client, &Cancel::new());
        for _ in 0..2 {
            client.audience("9", &Cancel::new()).unwrap();
        }
        assert_eq!((told.lock().unwrap().len(), server.received().len()), (0, 2), "{text}");
    }
}

#[test]
fn a_pause_ends_by_itself() {
    let usage = r#"{"acc_id_util_pct":100,"reset_time_duration":0.06}"#;
    let (server, client) = start(vec![ok(GOOD).with_header(ACCOUNT, usage), ok(GOOD)]);
    client.audience("9", &Cancel::new()).unwrap();
    let begun = Instant::now();
    client.audience("9", &Cancel::new()).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(55), "all of the time until the counter is down");
    assert_eq!(server.received().len(), 2);
}

/// Those who come round again in a minute, and a person who waits for the answer.
fn hasty(client: &MetaClient) -> [MetaClient; 2] {
    [client.with_longest_wait(Duration::from_secs(60)), client.impatient(SOON, SOON)]
}

const SOON: Duration = Duration::from_secs(5);

#[test]
fn a_caller_without_patience_shares_the_limit_and_does_not_wait_for_it() {
    for caller in 0..2 {
        let (server, client) = patient(vec![ok(GOOD), limited(28), ok(GOOD)]);
        let hasty = &hasty(&client)[caller];
        hasty.audience("9", &Cancel::new()).unwrap();
        let error = hasty.audience("9", &Cancel::new()).unwrap_err();
        assert_eq!(error.api().unwrap().kind(), ErrorKind::Wait(Some(Duration::from_secs(28 * 60))));
        let behind = hasty.audience("9", &Cancel::new()).unwrap_err();
        assert!(matches!(behind, MetaError::Limited { .. }), "{behind:?}");
        assert!(error.is_limit() && behind.is_limit());
        let cancel = Cancel::new();
        let told = cancel_when_told(&client, &cancel);
        let begun = SystemClock.now();
        client.audience("9", &cancel).unwrap_err();
        assert_eq!((told_minutes(&told, begun) >= 27, server.received().len()), (true, 2));
    }
}

#[test]
fn a_pause_before_a_limit_counts_as_a_wait_for_it() {
    for caller in 0..2 {
        let slow = r#"{"acc_id_util_pct":99,"reset_time_duration":300}"#;
        let (server, client) = patient(vec![ok(GOOD).with_header(ACCOUNT, slow), ok(GOOD)]);
        client.audience("9", &Cancel::new()).unwrap();
        let error = hasty(&client)[caller].audience("9", &Cancel::new()).unwrap_err();
        let MetaError::Limited { remaining, .. } = error else { panic!("{error:?}") };
        assert!(
            remaining > Duration::from_secs(250) && remaining <= Duration::from_secs(288),
            "{remaining:?}"
        );
        let cancel = Cancel::new();
        let told = cancel_when_told(&client, &cancel);
        let begun = SystemClock.now();
        client.audience("9", &cancel).unwrap_err();
        assert_eq!((told_minutes(&told, begun), server.received().len()), (4, 1), "whoever can wait does");
    }
}

#[test]
fn a_person_who_waits_hears_of_a_fault_at_once() {
    let busy = error(2650, Some(1_870_145));
    for fault in [Reply::json(503, "Service Unavailable"), error(2, None), error(803, None), busy] {
        let (server, client) = patient(vec![fault.clone(), ok(GOOD)]);
        client.impatient(SOON, SOON).audience("9", &Cancel::new()).unwrap_err();
        assert_eq!(server.received().len(), 1, "{fault:?}");
    }
    // The settings of the tests repeat a busy audience at once; a wait of minutes is left to those who have them.
    let ages = RetryPolicy { max_retries: 3, first_wait: 120 * SECOND, longest_wait: 120 * SECOND };
    let server = ScriptedServer::start(vec![error(2650, Some(1_870_145)), ok(GOOD)]).unwrap();
    let client = MetaClient::new(MetaSettings { throttle_retry: ages, ..settings(&server) });
    client.with_longest_wait(60 * SECOND).audience("9", &Cancel::new()).unwrap_err();
    assert_eq!(server.received().len(), 1);
}

#[test]
fn several_uploads_go_at_once_only_with_full_access_and_room() {
    let tier = |tier: &str, percent: u32| {
        ok(GOOD).with_header(
            ACCOUNT,
            format!(r#"{{"acc_id_util_pct":{percent},"ads_api_access_tier":"{tier}"}}"#),
        )
    };
    let business = r#"{"77":[{"type":"custom_audience","ads_api_access_tier":"Full"}]}"#;
    let cases = [
        (ok(GOOD), 1),
        (tier("full_access", 1), 4),
        (ok(GOOD), 4),
        (tier("full_access", 75), 1),
        (tier("advanced_access", 74), 4),
        (tier("standard_access", 1), 4),
        (ok(GOOD).with_header(BUSINESS, business), 4),
        (tier("development_access", 1), 1),
        (tier("limited_access", 1), 1),
        (tier("a name to come", 1), 1),
    ];
    let (server, client) = start(cases.iter().map(|(reply, _)| reply.clone()).collect());
    assert_eq!(client.uploads_in_flight(), 1, "nothing is known yet");
    for (at, (_, uploads)) in cases.iter().enumerate() {
        client.with_longest_wait(Duration::ZERO).audience("9", &Cancel::new()).unwrap();
        assert_eq!(client.uploads_in_flight(), *uploads, "case {at}");
    }
    assert_eq!(server.received().len(), cases.len());

    let (_server, client) = start(vec![tier("full_access", 1), limited(28)]);
    client.audience("9", &Cancel::new()).unwrap();
    client.audience("9", &Cancel::new()).unwrap_err();
    assert_eq!(client.uploads_in_flight(), 1, "behind a limit");
}
