//! A sync while it goes on: in two tabs, cancelled, and held back by Meta's limit.

use super::{MONTH, browse, hold_at_matching, small, wait_for_step};
use crate::serve::Served;
use domain::run::Step;
use sandbox::Service;
use sandbox::faults::{Effect, Fault, MetaError};

#[test]
fn what_one_tab_starts_the_other_shows() {
    let mut instance = small();
    hold_at_matching(&mut instance);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.find("button", "Sync now");
        let first = browser.open_tab();
        browser.open_page("/");
        browser.press("Sync now");
        browser.sees("Sync 1 is running");
        wait_for_step(&instance, Step::Wait);

        // The first tab was drawn before the sync began: it does not begin a second one, but shows that one.
        let second = browser.go_to_tab(first);
        browser.press("Sync now");
        browser.sees("Sync 1 is running");
        instance.sandbox.clock().advance(MONTH);
        browser.misses("heading", "Sync 1 is running");
        browser.has_title("Succeeded");
        browser.go_to_tab(second);
        browser.misses("heading", "Sync 1 is running");
        browser.has_title("Succeeded");
    });
    assert_eq!(instance.store().run_list(1, 20).unwrap().total, 1, "one sync");
}

#[test]
fn a_running_sync_is_cancelled() {
    let mut instance = small();
    hold_at_matching(&mut instance);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.press("Sync now");
        browser.sees("Sync 1 is running");
        wait_for_step(&instance, Step::Wait);
        browser.press("Cancel this sync");
        browser.has_title("Cancelled");
        browser.sees("Cancelled at step: Wait for Meta");
        browser.sees_no_more("stops before its next call");
        assert!(browser.is_enabled("button", "Sync now"), "the next one can begin");
        browser.judge("cancelled");
    });
}

#[test]
fn while_meta_limits_the_calls_the_page_says_when_the_sync_goes_on() {
    let mut instance = small();
    let limit = MetaError { wait_millis: Some(3_600_000), ..MetaError::new(80_003, Some(2_446_079)) };
    instance.sandbox.faults().add(Fault::new(Service::Meta, Effect::MetaError(limit)).on_path("/users"));
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.press("Sync now");
        browser.sees("Meta asks us to slow down; the sync continues at");
        browser.judge("waiting");
        browser.press("Cancel this sync");
        browser.has_title("Cancelled");
        browser.sees_no_more("slow down");
    });
}
