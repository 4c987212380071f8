//! The whole flow with JavaScript off: forms post, links load.

use super::{MONTH, browse, hold_at_matching, wait_for_step};
use crate::instance::Instance;
use crate::serve::Served;
use domain::run::Step;

#[test]
fn everything_works_without_javascript() {
    let mut instance = Instance::start();
    instance.unset("GHL_SMART_LIST_ID").unset("GHL_LTV_FIELD").set("NORMALIZER", "local");
    hold_at_matching(&mut instance);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.without_javascript();
        browser.open_page("/");
        browser.choose("Smart List", "All contacts");
        browser.choose("Lifetime value field", "Lifetime Value");
        browser.press("Save configuration");
        browser.sees("saved");
        browser.follow("Preview what would be sent");
        browser.press("Make a preview");
        browser.wait_until("the page does not come back by itself", || {
            Ok(browser.text().contains("Where every contact would end"))
        });
        browser.press("Sync now");
        browser.sees("Sync 1 is running");
        wait_for_step(&instance, Step::Wait);
        browser.press("Cancel this sync");
        browser.sees("stops before its next call");
        instance.wait_until(|| instance.last_run().completed_at.is_some());
        browser.follow("Dashboard");
        browser.sees("Cancelled");

        instance.sandbox.clock().advance(MONTH);
        browser.press("Sync now");
        browser.sees("Sync 2 is running");
        wait_for_step(&instance, Step::Wait);
        instance.sandbox.clock().advance(MONTH);
        instance.wait_until(|| instance.last_run().completed_at.is_some());
        browser.follow("Dashboard");
        browser.sees("Succeeded");
        browser.follow("View details of sync 2");
        browser.is_at("/sync/2");
        browser.sees("Where every contact went");

        browser.follow("Connections");
        browser.press("Test GoHighLevel");
        browser.sees("Works");
        browser.press("Test all");
        browser.sees_in("Database", "Works");

        browser.follow("Settings");
        browser.fill("Schedule", "every night");
        browser.press("Save settings");
        browser.find("alert", "");
        browser.fill("Schedule", "30 4 * * *");
        browser.press("Save settings");
        browser.sees("04:30");
        browser.open_page("/");
        browser.press("Send test e-mail");
        browser.sees("The test message was sent.");
    });
}
