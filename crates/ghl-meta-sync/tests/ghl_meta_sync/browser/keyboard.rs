//! The keyboard alone.

use super::{browse, hold_at_matching, small, wait_for_step};
use crate::serve::Served;
use domain::run::Step;
use fantoccini::key::Key;

#[test]
fn tab_reaches_everything_and_enter_starts_a_sync() {
    let mut instance = small();
    instance.sync(&[]).expect(0);
    hold_at_matching(&mut instance);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        for page in ["/", "/sync/1", "/connections", "/settings", "/filters/new", "/preview"] {
            browser.open_page(page);
            assert_eq!(browser.unreached_by_tab(), Vec::<String>::new(), "{page}");
        }
        browser.open_page("/");
        browser.key(Key::Tab);
        assert_eq!(browser.focused(), "Skip to content");

        // A sync is opened and closed again.
        browser.tab_to("View details of sync 1");
        browser.key(Key::Enter);
        browser.find("dialog", "Sync 1");
        browser.tab_to("Close");
        browser.key(Key::Enter);
        browser.misses("dialog", "");
        assert_eq!(browser.focused(), "View details of sync 1");

        // The figures behind the chart are unfolded.
        browser.open_page("/");
        browser.tab_to("Value distribution in figures");
        browser.key(Key::Enter);
        browser.sees("91–100");

        // What was pressed keeps the focus, although its form is drawn anew.
        for (page, button, answer) in [
            ("/connections", "Test Database", "Works"),
            ("/", "Save configuration", "The configuration is saved."),
        ] {
            browser.open_page(page);
            browser.tab_to(button);
            browser.key(Key::Enter);
            browser.sees(answer);
            assert_eq!(browser.focused(), button);
        }

        browser.open_page("/");
        browser.tab_to("Sync now");
        browser.key(Key::Enter);
        browser.sees("Sync 2 is running");
        wait_for_step(&instance, Step::Wait);
        browser.tab_to("Cancel this sync");
        browser.key(Key::Enter);
        browser.has_title("Cancelled");
    });
}
