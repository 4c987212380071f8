//! `GET /`.

use crate::dashboard_server::{Dashboard, settings};
use crate::runs::{config, failed, lookalike, running, successful};
use domain::run::{Failure, LookalikeStatus, Matched, RunStatus, Step, StepStatus, SyncConfig, Trigger};
use web::WebSettings;

#[test]
fn an_empty_dashboard_says_what_to_do_next() {
    let html = Dashboard::new().page("/");
    assert!(html.contains("<title>Never run - GHL → Meta Audience Sync</title>"), "{html}");
    assert!(html.contains("No syncs yet. Finish the setup above, then press Sync now."));
    for (name, state) in [
        ("GoHighLevel", "Missing"),
        ("Meta", "Missing"),
        ("Claude", "Done"),
        ("Smart List", "Missing"),
        ("Lifetime value field", "Missing"),
        ("E-mail", "Optional"),
    ] {
        let line = format!("</span> {state}</span>\n<span class=\"name\">{name}</span>");
        assert!(html.contains(&line), "{line} in {html}");
    }
    assert!(html.contains("<dt>Ad account</dt><dd><code>act_42</code>"), "known before any success: {html}");
    assert!(!html.contains("<table") && !html.contains("<svg"), "no empty table, no empty chart");
}

#[test]
fn a_success_shows_counts_that_add_up_and_the_distribution() {
    let saved = [("INSTANCE_NAME", "Acme"), ("LTV_CURRENCY", "usd"), ("TZ", "America/New_York")];
    let dashboard = Dashboard::with_saved(settings(), &saved);
    let run = successful(&dashboard.store);
    let html = dashboard.page("/");
    assert!(html.contains("<title>Succeeded - "), "{html}");
    let ads_manager =
        "https://adsmanager.facebook.com/adsmanager/audiences?act=42&#38;business_id=9876543210123456";
    assert!(html.contains(&format!("<a href=\"{ads_manager}\" rel=\"noreferrer\">")), "{html}");
    assert!(html.contains("<span aria-hidden=\"true\">✓</span> Succeeded</span>"));
    for shown in [
        "Acme",
        "<time datetime=\"2026-11-21T02:00:00Z\" data-ago>2026-11-20 21:00 EST</time>",
        "Contacts in the list</span>\n<strong>2,357</strong>",
        "Sent to Meta</span>\n<strong>2,311</strong>",
        "Skipped</span>\n<strong>42</strong>",
        "Rejected</span>\n<strong>4</strong>",
        "Match rate</span>\n<strong>73.6%</strong>",
        "2,357 read = 2,311 sent + 42 skipped + 4 rejected",
        "<code>120211234567890123</code>",
        "<code>120219876543210987</code>",
        "1,031 contacts added, 4 removed",
        "<th scope=\"row\" data-label=\"Percentile\">91–100</th><td data-label=\"Lifetime values\" class=\"num\">90.00 USD – 13,991.16 USD</td><td data-label=\"Contacts\" class=\"num\">232</td><td data-label=\"Value\" class=\"num\">640.00 USD</td><td data-label=\"Share of value\" class=\"num\">64.0%</td>",
        "The contacts ranked above 90 are 10.0% of those ranked and bring 64.0% of their value.",
        "<text x=\"988\" y=\"249\">90.00 – 13,991</text>\n<text class=\"share\" x=\"988\" y=\"268\">64.0%</text>",
        "0.00 USD, 43.50 USD, 13,991.16 USD",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert!(!html.contains("do not add up") && !html.contains("Below the minimum"), "{html}");
    assert!(
        html.contains("<rect class=\"value\" x=\"991\" y=\"64\" width=\"34\" height=\"144\" rx=\"2\"/>"),
        "{html}"
    );
    assert!(html.contains(&format!("href=\"/sync/{run}\"")));
}

#[test]
fn the_ad_account_of_the_next_sync_is_named_when_it_is_another() {
    for (account, is_named) in [("act_42", false), ("act_43", true)] {
        let dashboard = Dashboard::with(WebSettings { ad_account_id: Some(account.into()), ..settings() });
        successful(&dashboard.store);
        let html = dashboard.page("/");
        assert!(html.contains("<dt>Ad account</dt><dd><code>act_42</code>"), "{html}");
        assert_eq!(html.contains("<dt>Ad account of the next sync</dt><dd><code>act_43</code>"), is_named);
        assert_eq!(html.matches("Open in Ads Manager").count(), if is_named { 2 } else { 1 });
    }
}

#[test]
fn a_failure_stands_at_the_top_and_the_last_success_below_it() {
    let dashboard = Dashboard::new();
    successful(&dashboard.store);
    let run = failed(&dashboard.store);
    let html = dashboard.page("/");
    let (top, below) = html.split_once("Last successful sync").unwrap();
    for shown in [
        "Failed at step: Upload to Meta",
        "Meta refused the access token.",
        "META_ACCESS_TOKEN",
        "190/463",
        "AbCdEf123",
    ] {
        assert!(top.contains(shown), "{shown} in {top}");
    }
    assert!(below.contains("Sent to Meta</span>\n<strong>2,311</strong>"));
    assert!(below.contains(&format!("href=\"/sync/{run}#failure\" hx-get=\"/sync/{run}\"")));
    assert!(below.contains(">View errors</a>"));
    assert!(html.contains("<title>Failed - ") && html.contains("/static/icon-failed."));
}

#[test]
fn a_running_sync_shows_its_steps_and_can_be_cancelled_or_reloaded() {
    let dashboard = Dashboard::new();
    let run = running(&dashboard.store);
    let html = dashboard.page("/");
    assert!(html.contains("Sync 1 is running</h2>"), "{html}");
    assert!(html.contains("1,200 of 2,357") && html.contains("Waiting"));
    assert!(html.contains("<a href=\"/\">Reload the page</a>"));
    assert!(html.contains(&format!("<form class=\"actions\" method=\"post\" action=\"/sync/{run}/cancel\"")));
    assert!(html.contains("<td data-label=\"Duration\" class=\"num\">n/a</td>"), "{html}");
}

#[test]
fn a_cancelled_sync_is_neither_error_nor_success() {
    let dashboard = Dashboard::new();
    let run = running(&dashboard.store);
    dashboard.store.run_finish(run, RunStatus::Cancelled, None).unwrap();
    let html = dashboard.page("/");
    assert!(html.contains("The latest sync: Cancelled") && !html.contains("Failed"), "{html}");
}

#[test]
fn unknown_matches_and_a_pending_lookalike_are_said_in_words() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    dashboard.store.run_set_matched(run, &Matched::default()).unwrap();
    dashboard
        .store
        .run_set_lookalikes(run, &[lookalike(LookalikeStatus::Pending, Some("Meta is still matching."))])
        .unwrap();
    let html = dashboard.page("/");
    assert!(html.contains("Match rate</span>\n<strong>not reported by Meta</strong>"), "{html}");
    assert!(html.contains("LAL-1% (pending)<br>Meta is still matching.</dd>"), "{html}");
    assert!(html.contains("<title>Succeeded, lookalike pending - "), "pending is no warning");
    assert!(html.contains("<td data-label=\"Lookalike\">1% of US, pending</td>"), "{html}");
}

#[test]
fn a_success_with_warnings_says_so() {
    let dashboard = Dashboard::new();
    let run = successful(&dashboard.store);
    dashboard
        .store
        .run_set_lookalikes(run, &[lookalike(LookalikeStatus::Failed, Some("Too small."))])
        .unwrap();
    dashboard.store.step_start(run, Step::Notify).unwrap();
    dashboard.store.step_finish(run, Step::Notify, StepStatus::Failed, Some("The server said no.")).unwrap();
    let html = dashboard.page("/");
    assert!(html.contains("Succeeded with warnings"), "{html}");
    assert!(html.contains("LAL-1% was not created: Too small.</li>"), "{html}");
    assert!(
        html.contains("<li>The message about this sync was not sent: The server said no.</li>"),
        "{html}"
    );
}

#[test]
fn the_history_has_twenty_rows_a_page_newest_first() {
    let dashboard = Dashboard::new();
    let config = dashboard.store.config_save(&config()).unwrap();
    for _ in 0..41 {
        let run = dashboard.store.run_start(Trigger::Scheduled, config).unwrap();
        dashboard.store.run_finish(run, RunStatus::Success, None).unwrap();
    }
    let rows = |html: &str| {
        html.split("<tr>\n<th scope=\"row\" data-label=\"Date\"><a href=\"/sync/")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().parse::<u32>().unwrap())
            .collect::<Vec<_>>()
    };
    let first = dashboard.page("/");
    assert_eq!(rows(&first), (22..=41).rev().collect::<Vec<_>>());
    assert!(
        first.contains("Page 1 of 3")
            && first.contains("href=\"/?page=2#history\"")
            && !first.contains(">Newer<")
    );
    let second = dashboard.page("/?page=2");
    assert_eq!(rows(&second), (2..=21).rev().collect::<Vec<_>>());
    assert!(second.contains(">Newer<") && second.contains(">Older<"));
    for beyond in ["/?page=3", "/?page=4", "/?page=4294967295"] {
        let last = dashboard.page(beyond);
        assert_eq!(rows(&last), [1], "{beyond}");
        assert!(last.contains("Page 3 of 3") && !last.contains(">Older<"));
    }
    for unreadable in
        ["/?page=0", "/?page=-1", "/?page=x", "/?page=", "/?page=99999999999999", "/?page=1&page=2", "/?%ff"]
    {
        assert!(dashboard.page(unreadable).contains("Page 1 of 3"), "{unreadable}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let dashboard = Dashboard::with_saved(settings(), &[("INSTANCE_NAME", "<script>alert(1)</script>")]);
    let hostile = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let config = SyncConfig { list_name: hostile.into(), ltv_field_name: hostile.into(), ..config() };
    let config = dashboard.store.config_save(&config).unwrap();
    let run = dashboard.store.run_start(Trigger::Manual, config).unwrap();
    let failure = Failure {
        step: Step::Fetch,
        message: hostile.into(),
        remedy: hostile.into(),
        provider_code: Some(hostile.into()),
        trace_id: Some(hostile.into()),
    };
    dashboard
        .store
        .run_set_lookalikes(
            run,
            &[domain::run::Lookalike {
                name: hostile.into(),
                note: Some(hostile.into()),
                ..lookalike(LookalikeStatus::Failed, None)
            }],
        )
        .unwrap();
    dashboard.store.run_finish(run, RunStatus::Failed, Some(&failure)).unwrap();
    for path in ["/".to_owned(), format!("/sync/{run}")] {
        let html = dashboard.page(&path);
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    }
}
