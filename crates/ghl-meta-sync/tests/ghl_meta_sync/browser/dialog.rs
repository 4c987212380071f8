//! A sync in a dialog, which has the address of the sync's own page.

use super::{browse, small};
use crate::serve::Served;
use fantoccini::key::Key;

#[test]
fn a_sync_opens_in_a_dialog_with_its_own_address() {
    let mut instance = small();
    instance.sync(&[]).expect(0);
    instance.sync(&[]).expect(0);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        let open = |id: u32| {
            browser.follow(&format!("View details of sync {id}"));
            browser.find("dialog", &format!("Sync {id}"));
            browser.is_at(&format!("/sync/{id}"));
        };
        let is_closed = |id: u32| {
            browser.misses("dialog", "");
            browser.is_at("/");
            let link = format!("View details of sync {id}");
            browser.wait_until("the focus is lost", || Ok(browser.focused() == link));
        };
        browser.open_page("/");
        open(1);
        browser.sees("Where every contact went");
        browser.assert_masked();
        assert!(browser.focus_is_in_dialog(), "the focus is at “{}”", browser.focused());
        browser.judge("run-dialog");
        browser.press("Close");
        is_closed(1);
        open(2);
        browser.key(Key::Escape);
        is_closed(2);
        open(1);
        browser.go_back();
        is_closed(1);

        // A second link was clicked before the first answer came: address and dialog show the same sync.
        open(1);
        let second = "document.querySelector('[aria-label=\"View details of sync 2\"]').click()";
        browser.script(second, vec![]);
        browser.find("dialog", "Sync 2");
        browser.is_at("/sync/2");
        // What is behind the dialog is out of reach, so it has lines of its own.
        browser.script("document.dispatchEvent(new Event('htmx:sendError'))", vec![]);
        let shown = "return document.querySelector('dialog .connection').checkVisibility()";
        assert_eq!(browser.script(shown, vec![]), true, "the connection is lost");
        browser.press("Close");
        browser.misses("dialog", "");
        browser.is_at("/");
        browser.open_page("/");

        // The address alone leads to the same, as a page.
        open(2);
        let in_dialog = browser.headings_of_run();
        assert!(in_dialog.len() > 4, "{in_dialog:?}");
        browser.reload();
        browser.misses("dialog", "");
        browser.find("heading", "Sync 2");
        browser.is_at("/sync/2");
        assert_eq!(browser.headings_of_run(), in_dialog);
        browser.go_back();
        browser.is_at("/");
        browser.find("link", "View details of sync 1");
        browser.open_page("/sync/1");
        browser.find("heading", "Sync 1");
        browser.follow("Dashboard");
        browser.is_at("/");
    });
}
