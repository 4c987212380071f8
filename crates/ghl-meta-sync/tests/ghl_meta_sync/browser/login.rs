//! The password.

use super::{browse, small};
use crate::serve::Served;

#[test]
fn the_password_opens_the_page_that_was_asked_for_until_the_logout() {
    let mut instance = small();
    instance.set("WEB_PASSWORD", "correct horse");
    instance.sync(&[]).expect(0);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/sync/1");
        browser.find("heading", "Log in");
        assert!(!browser.text().contains("GHL-HighValue"), "nothing of the sync is shown");
        browser.judge("login");
        browser.fill("Password", "wrong horse");
        browser.press("Log in");
        browser.sees("This is not the password.");
        browser.judge("login-refused");
        browser.fill("Password", "correct horse");
        browser.press("Log in");
        browser.is_at("/sync/1");
        browser.sees("GHL-HighValue");

        browser.press("Log out");
        browser.find("heading", "Log in");
        browser.go_back();
        browser.find("heading", "Log in");
        assert!(!browser.text().contains("GHL-HighValue"), "going back shows nothing");
    });
}
