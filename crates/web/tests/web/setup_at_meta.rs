//! What the dashboard tells of Meta before a sync meets it.

use crate::dashboard_server::Answer;
use crate::fake_installation::FakeInstallation;
use crate::pages_site::{FIVE, Site};
use crate::runs::failed;
use domain::Explanation;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const TERMS: &str = "https://business.facebook.com/ads/manage/customaudiences/tos/?act=1234567890";

/// Everything is set and chosen; the checks find what `change` says.
fn site(change: impl FnOnce(&mut FakeInstallation)) -> (Site, Arc<AtomicU32>) {
    let mut checks = None;
    let site = Site::with(FIVE, |fake| {
        change(fake);
        checks = Some(fake.checks.clone());
    });
    site.choose("all", "All contacts");
    (site, checks.unwrap())
}

/// Asks as the page does until the setup is as wanted.
fn until(site: &Site, is_wanted: impl Fn(&str) -> bool) -> Answer {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let part = site.fragment("/fragments/setup");
        assert_eq!(part.status, 200);
        if is_wanted(&part.body) {
            return part;
        }
        assert!(Instant::now() < give_up, "{}", part.body);
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn is_checked(part: &str) -> bool {
    !part.contains("hx-trigger")
}

#[test]
fn each_thing_missing_at_meta_is_a_line_with_its_link_and_the_time_of_the_check() {
    let (site, checks) = site(|fake| {
        fake.check_problems = vec![
            Explanation::new("Meta's terms are not accepted <b>.", format!("Accept them at {TERMS}.")),
            Explanation::new("The token lacks a permission.", "Create a token with it."),
        ];
        fake.check_found = vec!["It answers.".to_owned(), "Warning: 451 of 500 lists are in use.".to_owned()];
    });
    let part = until(&site, is_checked).body;
    let html = site.page("/");
    assert!(html.contains(part.trim()), "{html}\n---\n{part}");
    for shown in [
        "✕</span> Problem</span>\n<span class=\"name\">Meta</span> <span class=\"detail\">Meta&#39;s terms are not accepted &#60;b&#62;. Accept them at ",
        &format!("<a href=\"{TERMS}\" rel=\"noreferrer\">{TERMS}</a>."),
        "The token lacks a permission. Create a token with it.",
        "⚠</span> Note</span>\n<span class=\"name\">Meta</span> <span class=\"detail\">451 of 500 lists",
        "Meta was checked at <time datetime=\"",
    ] {
        assert!(part.contains(shown), "{shown} in {part}");
    }
    assert!(
        !part.contains("It answers.") && !part.contains("Done</span>"),
        "only what needs attention: {part}"
    );
    assert_eq!(checks.load(Ordering::Relaxed), 1, "no page view makes a call");
}

#[test]
fn nothing_is_shown_while_all_is_well_and_nothing_asked_while_keys_are_missing() {
    let (site, checks) = site(|_| {});
    let part = until(&site, is_checked).body;
    assert!(part.trim().starts_with("<div id=\"setup\" hidden"), "{part}");
    assert_eq!(checks.load(Ordering::Relaxed), 1);

    let mut checks = None;
    let site = Site::with(FIVE, |fake| {
        fake.missing = vec!["META_ACCESS_TOKEN"];
        checks = Some(fake.checks.clone());
    });
    let html = site.page("/");
    assert!(html.contains("Set META_ACCESS_TOKEN in the .env file"), "{html}");
    let way = "<a href=\"https://business.facebook.com/settings\" rel=\"noreferrer\">https://business.facebook.com/settings</a> under Users → System users.";
    assert!(html.contains(way), "{html}");
    assert_eq!(checks.unwrap().load(Ordering::Relaxed), 0);
}

#[test]
fn a_run_that_failed_has_meta_checked_once_more() {
    let (site, checks) = site(|_| {});
    until(&site, is_checked);
    failed(&site.store);
    for _ in 0..3 {
        site.page("/");
        until(&site, is_checked);
    }
    assert_eq!(checks.load(Ordering::Relaxed), 2);
}

#[test]
fn a_test_of_the_connection_renews_what_the_dashboard_shows() {
    let (site, checks) = site(|fake| {
        fake.check_problems = vec![Explanation::new("The ad account is closed.", "Open another.")];
    });
    until(&site, is_checked);
    let first = site.fragment("/fragments/setup").body;
    site.submit("/connections", "/connections/meta/test", &[], true);
    let second = site.fragment("/fragments/setup").body;
    assert!(first.contains("The ad account is closed.") && second.contains("The ad account is closed."));
    assert_eq!(checks.load(Ordering::Relaxed), 2, "one at the start and the one that was asked for");
    let without_htmx = site.get("/fragments/setup", false);
    assert_eq!((without_htmx.status, without_htmx.header("location")), (303, "/"));
}
