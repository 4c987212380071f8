//! `GET /sync/{id}`.

use crate::dashboard_server::Dashboard;
use crate::runs::{failed, running, successful};
use domain::Cents;
use domain::run::{LookalikeStatus, RankingReport, RefusedSample, RunStatus};

#[test]
fn a_successful_run_shows_everything_about_it() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    let html = dashboard.page(&format!("/sync/{run}"));
    for shown in [
        "<title>Succeeded - Sync 1</title>",
        "Started by hand",
        "Customers (tag:customer)",
        "Lifetime Value (contact.lifetime_value)",
        "<span class=\"detail\">24 pages</span>",
        "Claude (claude-sonnet-5-5)",
        "3,456 read, 789 written",
        "req_1",
        "<th scope=\"row\">Read from the list</th><td class=\"num\">2,357</td>",
        "<dd>1,701</dd>",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert!(!html.contains("Refresh") && !html.contains("Failed at step"));
}

#[test]
fn values_sent_in_proportion_are_shown_as_they_were_sent() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    let stats = dashboard.store.run_get(run).unwrap().unwrap().stats.unwrap();
    let ranking = RankingReport { scaled_cap: Some(Cents(1_600_000)), ..RankingReport::default() };
    dashboard.store.run_set_ranking(run, &stats, &ranking).unwrap();
    let html = dashboard.page(&format!("/sync/{run}"));
    let cells = "12,000.00</td><td data-label=\"Percentile\" class=\"num\">96</td><td data-label=\"Value sent\" class=\"num\">75.00</td>";
    assert!(html.contains(cells), "{html}");
}

#[test]
fn the_sample_shows_ten_contacts_nobody_can_be_reached_with() {
    let dashboard = Dashboard::new();
    let html = dashboard.page(&format!("/sync/{}", successful(&dashboard.store)));
    assert_eq!(html.matches("<code>contact-").count(), 10, "{html}");
    assert!(html.contains(
        "<code>contact-12</code></th><td data-label=\"Address\">j***@e***.com</td><td data-label=\"LTV\" class=\"num\">12,000.00</td><td data-label=\"Percentile\" class=\"num\">96</td><td data-label=\"Value sent\" class=\"num\">96</td>"
    ), "{html}");
    assert!(html.contains("<code>contact-10</code></th><td data-label=\"Address\">***10</td>"), "{html}");
    let (_, sample) = html.split_once("id=\"run-sample-title\"").unwrap();
    assert!(!sample.contains("opted-out"), "a sample of those that were sent: {sample}");
    for personal in ["jane12", "example.com", "1555010", "Janet", "Marple"] {
        assert!(!html.contains(personal), "{personal} in {html}");
    }
}

#[test]
fn a_run_whose_contacts_were_removed_says_so_and_keeps_its_figures() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    let words = "The contacts of this sync have been removed";
    assert!(!dashboard.page(&format!("/sync/{run}")).contains(words));
    while dashboard.store.contacts_delete_some(run).unwrap() > 0 {}
    let html = dashboard.page(&format!("/sync/{run}"));
    assert!(html.contains(words) && html.contains("RETENTION_DAYS"), "{html}");
    assert!(html.contains("<th scope=\"row\">Read from the list</th><td class=\"num\">2,357</td>"), "{html}");
    assert!(!html.contains("contacts.csv"), "no file without rows: {html}");
}

#[test]
fn a_failed_run_says_first_what_failed_why_and_what_to_do() {
    let dashboard = Dashboard::new();
    let html = dashboard.page(&format!("/sync/{}", failed(&dashboard.store)));
    let places: Vec<usize> = [
        "Failed at step: Upload to Meta",
        "<strong>Why:</strong> Meta refused the access token.",
        "<strong>What to do:</strong> Make a new token",
        "190/463",
        "AbCdEf123",
        ">Facts<",
        ">Steps<",
    ]
    .iter()
    .map(|shown| html.find(shown).unwrap_or_else(|| panic!("{shown} in {html}")))
    .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(html.contains("Not reached") && html.contains("No contacts that were sent are stored"));
    assert!(!html.contains("<svg"), "no chart without figures");
}

#[test]
fn a_running_run_shows_what_is_known() {
    let dashboard = Dashboard::new();
    let run = running(&dashboard.store);
    let html = dashboard.page(&format!("/sync/{run}"));
    assert!(
        html.contains("<dt>Ended</dt><dd>not yet</dd>") && html.contains("<dt>Match rate</dt><dd>n/a</dd>"),
        "{html}"
    );
    assert!(html.contains(&format!("href=\"/sync/{run}\">Refresh</a>")));
}

#[test]
fn the_figures_lead_to_a_part_that_is_there_after_the_rows_are_removed() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    while dashboard.store.contacts_delete_some(run).unwrap() > 0 {}
    assert!(dashboard.page("/").contains(&format!("href=\"/sync/{run}#problems\"")));
    let html = dashboard.page(&format!("/sync/{run}"));
    let (_, part) = html.split_once("id=\"problems\"").expect(&html);
    assert!(part.contains("their rows have been removed since. The figures stay."), "{part}");
}

#[test]
fn figures_that_do_not_add_up_are_never_hidden() {
    let dashboard = Dashboard::new();
    let run = running(&dashboard.store);
    let lost = domain::Accounting { fetched: 2000, sent: 1999, ..Default::default() };
    dashboard.store.run_set_accounting(run, &lost).unwrap();
    assert!(
        dashboard.page(&format!("/sync/{run}")).contains("2,000 contacts were read; 1,999 had been sorted")
    );
    dashboard.store.run_finish(run, RunStatus::Success, None).unwrap();
    assert!(dashboard.page(&format!("/sync/{run}")).contains("These figures do not add up"));
}

#[test]
fn a_remark_of_the_model_stays_text() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    let stats = dashboard.store.run_get(run).unwrap().unwrap().stats.unwrap();
    let report = RankingReport {
        normalizer: "local".into(),
        note: Some("<script>fetch('//evil')</script>".into()),
        warnings: vec!["<b>careful</b>".into()],
        ..RankingReport::default()
    };
    dashboard.store.run_set_ranking(run, &stats, &report).unwrap();
    let html = dashboard.page(&format!("/sync/{run}"));
    assert!(html.contains("Calculated on this computer") && html.contains("&#60;b&#62;careful"), "{html}");
    assert!(!html.contains("Tokens"));
}

#[test]
fn a_run_that_is_not_there_is_a_page_with_a_way_out() {
    let dashboard = Dashboard::new();
    for path in [
        "/sync/1",
        "/sync/x",
        "/sync/-1",
        "/sync/99999999999999999999",
        "/sync/",
        "/nothing",
        "/sync/%3Cscript%3E",
    ] {
        let answer = dashboard.get(path);
        assert_eq!(answer.status, 404, "{path}");
        crate::dashboard_server::check_page(&answer.body);
        assert!(answer.body.contains("Page not found") && answer.body.contains("href=\"/\""), "{path}");
    }
}

#[test]
fn a_pause_that_meta_asked_for_is_told_with_its_end_on_the_page_and_on_the_live_card() {
    let dashboard = Dashboard::new();
    let run = running(&dashboard.store);
    let words = "Meta asks us to slow down; the sync continues at <time datetime=\"2026-11-21T03:30:00Z\">03:30 UTC</time>, by itself.";
    let live = format!("/fragments/run?run={run}&step=fetch");
    let shown = || {
        [dashboard.page("/"), dashboard.page(&format!("/sync/{run}")), dashboard.get(&live).body]
            .map(|html| html.contains(words))
    };
    assert_eq!(shown(), [false; 3]);
    dashboard.store.run_set_waiting_until(run, "2026-11-21T03:30:00Z".parse().ok()).unwrap();
    assert_eq!(shown(), [true; 3]);
    dashboard.store.run_set_waiting_until(run, None).unwrap();
    assert_eq!(shown(), [false; 3]);
}

fn refuse(dashboard: &Dashboard, samples: &[(&str, &str)]) -> String {
    let run = successful(&dashboard.store);
    let samples: Vec<_> = samples
        .iter()
        .map(|(contact, reason)| RefusedSample {
            ghl_contact_id: (*contact).to_owned(),
            reason: (*reason).to_owned(),
        })
        .collect();
    dashboard.store.run_set_refused_samples(run, &samples).unwrap();
    dashboard.page(&format!("/sync/{run}"))
}

#[test]
fn refused_contacts_are_named_with_the_reason_as_far_as_meta_names_them() {
    let dashboard = Dashboard::new();
    let html = refuse(&dashboard, &[("c<7>", "bad row of ann@example.com <b>"), ("c8", "no country")]);
    for shown in [
        "<summary>Refused by Meta: 4, of which named: 2</summary>",
        "<code>c&#60;7&#62;</code></th><td data-label=\"Meta&#39;s reason\">bad row of *** &#60;b&#62;</td>",
        "<code>c8</code></th><td data-label=\"Meta&#39;s reason\">no country</td>",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    let html = refuse(&dashboard, &[]);
    assert!(html.contains("Refused by Meta: 4, of which named: none</summary>"), "{html}");
    assert!(html.contains("Meta told only how many rows it refused, not which."), "{html}");
    let html = dashboard.page(&format!("/sync/{}", running(&dashboard.store)));
    assert!(!html.contains("of which named"), "{html}");
}

#[test]
fn an_audience_that_the_clean_up_noted_as_gone_is_said_to_be_gone_whoever_deleted_it() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    let path = format!("/sync/{run}");
    assert!(!dashboard.page(&path).contains("clean-up"));
    dashboard.store.audience_mark_deleted(run).unwrap();
    let words = "No longer at Meta, with its lookalikes: noted by the clean-up on <time datetime=\"2026-11-21T02:00:00Z\">2026-11-21 02:00 UTC</time>";
    assert!(dashboard.page(&path).contains(words));
}

#[test]
fn a_lookalike_that_meta_built_badly_is_not_said_to_be_missing() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    let mut lookalikes = dashboard.store.run_get(run).unwrap().unwrap().lookalikes;
    let name = lookalikes[0].name.clone();
    lookalikes[0].status = LookalikeStatus::Failed;
    lookalikes[0].note = Some("Meta says so.".to_owned());
    for (id, warning, state) in [
        (Some("77".to_owned()), "is of no use: Meta says so.", "of no use"),
        (None, "was not created: Meta says so.", "not created"),
    ] {
        lookalikes[0].id = id;
        dashboard.store.run_set_lookalikes(run, &lookalikes).unwrap();
        let html = dashboard.page(&format!("/sync/{run}"));
        assert!(html.contains(&format!("The lookalike {name} {warning}")), "{html}");
        assert!(html.contains(&format!("{name} ({state})")), "{html}");
    }
}
