//! `GET /sync/{id}/contacts.csv` and the contacts that were not sent on the page of a run.

use crate::dashboard_server::Dashboard;
use crate::runs::{running, successful};
use domain::run::RunStatus;
use domain::{Bucket, Cents, Percentile, RunId};
use persistence::{RunContact, Store};

fn contact(id: &str, bucket: Bucket, reason: Option<&str>) -> RunContact {
    RunContact {
        ghl_contact_id: id.into(),
        email: Some(format!("{id}@example.com")),
        phone: Some("+12025550143".into()),
        first_name: Some("Janet".into()),
        last_name: Some("Marple".into()),
        raw_ltv: (bucket != Bucket::NoLtv).then_some(Cents(-123_450)),
        normalized_value: Percentile::new(7),
        bucket,
        reason: reason.map(Into::into),
        meta_matched: None,
        country: None,
    }
}

/// A run with one contact in each bucket that is stored.
fn every_bucket(dashboard: &Dashboard) -> RunId {
    let run = done(&dashboard.store);
    let stored = Bucket::ALL.iter().filter(|bucket| **bucket != Bucket::Duplicate);
    let contacts: Vec<RunContact> =
        stored.map(|bucket| contact(&format!("c-{bucket}"), *bucket, Some("a reason"))).collect();
    dashboard.store.contacts_insert(run, &contacts).unwrap();
    run
}

/// A run that has ended well; contacts of others are shown to nobody.
fn done(store: &Store) -> RunId {
    let run = running(store);
    assert!(store.run_finish(run, RunStatus::Success, None).unwrap());
    run
}

/// The rows of a file, without its heading.
fn rows(body: &str) -> Vec<Vec<String>> {
    let text = body.strip_prefix('\u{feff}').unwrap();
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text}");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(reader.headers().unwrap().get(0), Some("Contact id"));
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[test]
fn a_bucket_is_a_file_that_names_the_contact_and_the_reason_and_reaches_nobody() {
    let dashboard = Dashboard::new();
    let run = done(&dashboard.store);
    let bad = [
        contact("c1", Bucket::BadLtv, Some("the value is not a number: \"TBD; =maybe\"")),
        contact("=cmd|'/c calc'!A1", Bucket::BadLtv, Some("=SUM(A1) of ann@example.com")),
    ];
    dashboard.store.contacts_insert(run, &bad).unwrap();
    let answer = dashboard.get(&format!("/sync/{run}/contacts.csv?bucket=bad_ltv"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    for (header, value) in [
        ("content-type", "text/csv; charset=utf-8"),
        ("content-disposition", "attachment; filename=\"sync-1-bad_ltv.csv\""),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.header(header), value);
    }
    let rows = rows(&answer.body);
    let hostile =
        "https://app.gohighlevel.com/v2/location/loc1/contacts/detail/%3Dcmd%7C%27%2Fc%20calc%27%21A1";
    assert_eq!(
        rows[0],
        [
            "'=cmd|'/c calc'!A1",
            hostile,
            "Lifetime value is not an amount",
            "'=SUM(A1) of ***",
            "-1234.50",
            "7",
            "'=***@e***.com",
            "***43"
        ]
    );
    assert_eq!(rows[1][1], "https://app.gohighlevel.com/v2/location/loc1/contacts/detail/c1");
    assert_eq!(rows[1][3], "the value is not a number: \"TBD,' =maybe\"");
    for personal in ["Janet", "Marple", "ann@", "example.com", "5550143"] {
        assert!(!answer.body.contains(personal), "{personal} in {}", answer.body);
    }
}

#[test]
fn groups_hold_every_contact_that_was_not_sent_once() {
    let dashboard = Dashboard::new();
    let run = every_bucket(&dashboard);
    let ended = |word: &str| {
        let rows = rows(&dashboard.get(&format!("/sync/{run}/contacts.csv?bucket={word}")).body);
        rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ended("rejected"), ["c-bad_ltv", "c-no_identifier", "c-refused_by_meta"]);
    assert_eq!(ended("refused"), ["c-refused_by_meta"]);
    assert_eq!(ended("skipped"), ["erased", "c-opted_out", "c-no_ltv", "c-below_ltv_min", "c-merged"]);
    assert_eq!(ended("sent"), ["c-sent"]);
    let erased = rows(&dashboard.get(&format!("/sync/{run}/contacts.csv?bucket=suppressed")).body);
    assert_eq!(erased[0][1], "", "nobody is linked to who was erased");
}

#[test]
fn a_long_bucket_is_sent_whole_and_in_order() {
    let dashboard = Dashboard::new();
    let run = done(&dashboard.store);
    let many: Vec<RunContact> =
        (0..2_500).map(|n| contact(&format!("c{n:05}"), Bucket::NoLtv, None)).collect();
    dashboard.store.contacts_insert(run, &many).unwrap();
    let answer = dashboard.get(&format!("/sync/{run}/contacts.csv?bucket=skipped"));
    assert_eq!(answer.header("content-length"), "", "its length is not known when it begins");
    let ids: Vec<String> = rows(&answer.body).into_iter().map(|row| row[0].clone()).collect();
    assert!(ids.len() == 2_500 && ids.is_sorted());
    let html = dashboard.page(&format!("/sync/{run}"));
    assert!(html.contains("<summary>Why: the first 100 of 2,500</summary>"), "{html}");
    assert_eq!(html.matches("<td data-label=\"Why\">No lifetime value</td>").count(), 100);
}

#[test]
fn a_file_that_is_not_there_is_a_page_that_says_why() {
    let dashboard = Dashboard::new();
    let run = every_bucket(&dashboard);
    for path in [
        "/sync/99/contacts.csv?bucket=sent".to_owned(),
        "/sync/x/contacts.csv?bucket=sent".to_owned(),
        format!("/sync/{run}/contacts.csv"),
        format!("/sync/{run}/contacts.csv?bucket=everything"),
    ] {
        assert_eq!(dashboard.get(&path).status, 404, "{path}");
    }
    let answer = dashboard.get(&format!("/sync/{run}/contacts.csv?bucket=duplicate"));
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("RETENTION_DAYS") && answer.header("content-disposition").is_empty());
    assert_eq!(dashboard.post(&format!("/sync/{run}/contacts.csv")).status, 405);
}

#[test]
fn the_page_of_a_run_names_who_was_not_sent_and_offers_the_files() {
    let dashboard = Dashboard::new();
    let run = every_bucket(&dashboard);
    dashboard
        .store
        .contacts_insert(run, &[contact("<b>", Bucket::RefusedByMeta, Some("<script> of ann@example.com"))])
        .unwrap();
    let html = dashboard.page(&format!("/sync/{run}"));
    for shown in [
        "<summary>Why: the first 9 of 9</summary>",
        "<a href=\"https://app.gohighlevel.com/v2/location/loc1/contacts/detail/%3Cb%3E\" rel=\"noreferrer\"><code>&#60;b&#62;</code></a></th><td data-label=\"Why\">Refused by Meta: &#60;script&#62; of ***</td>",
        "<code>erased</code></th><td data-label=\"Why\">Erased person, never sent</td>",
        "class=\"num\">-1,234.50</td>",
        "contacts.csv?bucket=bad_ltv\" download>Lifetime value is not an amount</a> (1)",
        "contacts.csv?bucket=sent\" download>Sent to Meta</a> (1)",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert!(html.find("Refused by Meta: &#60;").unwrap() < html.find("No lifetime value: ").unwrap());
    let html = dashboard.page(&format!("/sync/{}", running(&dashboard.store)));
    assert!(!html.contains("contacts.csv"), "nothing is stored yet");
    let run = successful(&dashboard.store);
    let html = dashboard.page(&format!("/sync/{run}"));
    assert_eq!(html.matches("<code>contact-11</code>").count(), 1, "who was sent is a sample, not a problem");
}

#[test]
fn what_is_saved_of_a_run_that_has_not_succeeded_is_shown_to_nobody() {
    let dashboard = Dashboard::new();
    let run = running(&dashboard.store);
    dashboard.store.contacts_insert(run, &[contact("contact-1", Bucket::Sent, None)]).unwrap();
    let bad = contact("contact-2", Bucket::BadLtv, Some("the value is not a number"));
    dashboard.store.contacts_insert(run, &[bad]).unwrap();
    for end in [None, Some(RunStatus::Failed)] {
        if let Some(end) = end {
            assert!(dashboard.store.run_finish(run, end, None).unwrap());
        }
        assert_eq!(dashboard.get(&format!("/sync/{run}/contacts.csv?bucket=sent")).status, 422);
        let page = dashboard.get(&format!("/sync/{run}"));
        assert!(page.status == 200 && !page.body.contains("contact-2"), "{}", page.body);
        let told: serde_json::Value =
            serde_json::from_str(&dashboard.get(&format!("/api/sync/{run}")).body).unwrap();
        assert_eq!(told["sample"], serde_json::json!([]));
    }
}
