//! From an empty installation to the first success.

use super::{MONTH, browse, hold_at_matching, wait_for_step};
use crate::instance::Instance;
use crate::serve::Served;
use domain::run::Step;

#[test]
fn a_dashboard_without_keys_says_where_each_is_found() {
    let mut instance = Instance::start();
    for key in [
        "GHL_API_KEY",
        "GHL_LOCATION_ID",
        "META_ACCESS_TOKEN",
        "META_AD_ACCOUNT_ID",
        "CLAUDE_API_KEY",
        "NORMALIZER",
    ] {
        instance.unset(key);
    }
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.sees("Private Integrations");
        browser.sees("System users");
        browser.sees("platform.claude.com");
        browser.judge("without-keys");
    });
}

#[test]
fn an_empty_dashboard_leads_to_the_first_success() {
    let mut instance = Instance::start();
    instance.unset("GHL_SMART_LIST_ID").unset("GHL_LTV_FIELD");
    instance.set("INSTANCE_NAME", "Example Ltd").set("LTV_CURRENCY", "USD");
    hold_at_matching(&mut instance);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.sees("Never run");
        browser.find("heading", "Setup");
        assert!(!browser.is_enabled("button", "Sync now"));
        browser.sees("choose a Smart List and a value field");
        browser.judge("empty");

        browser.choose("Smart List", "All contacts");
        browser.choose("Lifetime value field", "Lifetime Value");
        browser.press("Save configuration");
        browser.misses("heading", "Setup");
        browser.wait_until("Sync now stays disabled", || Ok(browser.is_enabled("button", "Sync now")));
        browser.reload();
        assert!(browser.value("Smart List").starts_with("All contacts"));
        assert!(browser.value("Lifetime value field").starts_with("Lifetime Value"));
        browser.judge("configured");

        browser.follow("Preview what would be sent");
        browser.press("Make a preview");
        browser.sees("Where every contact would end");
        instance.assert_meta_is_untouched();
        browser.assert_masked();
        browser.judge("preview");

        browser.press("Sync now");
        browser.sees("Sync 1 is running");
        browser.is_at("/");
        assert!(!browser.is_enabled("button", "Sync now"));
        browser.sees("A sync is running");
        browser.has_title("Running");
        wait_for_step(&instance, Step::Wait);
        instance.sandbox.clock().advance(MONTH);
        browser.misses("heading", "Sync 1 is running");
        browser.has_title("Succeeded");
        browser.wait_until("the end is not announced", || Ok(browser.announced() == "Sync 1: Succeeded"));
        browser.press("Value distribution in figures");
        browser.judge("succeeded");
        browser.assert_masked();

        browser.open_page("/sync/1");
        browser.sees("Where every contact went");
        browser.assert_masked();
        browser.judge("run-page");
    });
}
