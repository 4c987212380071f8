//! A sync that fails, what the page tells to do about it, and the sync after it was done.

use super::{MONTH, browse, small};
use crate::crash::later;
use crate::serve::Served;
use chrono::TimeDelta;
use serde_json::json;

#[test]
fn a_failed_sync_names_step_cause_and_remedy_and_after_it_the_next_one_succeeds() {
    let mut instance = small();
    instance.tell("/control/meta/state", &json!({"value_based_terms_accepted": false}));
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.press("Sync now");
        browser.find("heading", "Failed at step");
        browser.has_title("Failed");
        browser.sees("Why:");
        browser.sees("What to do:");
        assert!(browser.count("link", "https://business.facebook.com/") > 0, "the remedy has its link");
        browser.press("Technical details");
        browser.sees("1870034");
        browser.judge("failed");
        browser.open_page("/sync/1");
        browser.find("heading", "Failed at step");
        browser.judge("run-page-failed");

        instance.tell("/control/meta/state", &json!({"value_based_terms_accepted": true}));
        browser.open_page("/");
        browser.press("Sync now");
        browser.misses("heading", "Failed at step");
        browser.has_title("Succeeded");
        assert_eq!(browser.count("link", "View errors of sync 1"), 1, "the history keeps it");
    });
}

#[test]
fn a_lookalike_that_has_to_wait_is_shown_as_pending_until_it_is_made() {
    let mut instance = small();
    instance.tell("/control/meta/state", &json!({"matching_delay_seconds": MONTH.as_secs()}));
    instance.set("META_POLL_TIMEOUT_SECONDS", "1");
    instance.sync(&[]).expect(0);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.sees("(pending");
        browser.sees("not reported by Meta");
        browser.judge("lookalike-pending");
        instance.sandbox.clock().advance(MONTH);
        later(&instance, TimeDelta::hours(2)).follow_up();
        browser.reload();
        browser.sees("(created");
        browser.sees_no_more("(pending");
    });
}

#[test]
fn a_list_that_shrank_stops_the_sync_until_a_person_runs_it_anyway() {
    let mut instance = small();
    instance.sync(&[]).expect(0);
    // A minimum that leaves a third stands for a list that shrank.
    instance.set("LTV_MIN", "200");
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.press("Sync now");
        browser.has_title("Failed");
        browser.sees("Run anyway");
        browser.judge("shrunk");
        browser.press("Run anyway");
        browser.has_title("Succeeded");
    });
    assert_eq!(instance.last_run().accounting.sent, 100);
}
