//! The settings, the test e-mail, a person who is erased, and a page that does not exist.

use super::{browse, small};
use crate::serve::Served;

#[test]
fn what_can_not_be_is_refused_beside_its_field_and_what_can_is_done() {
    let mut instance = small();
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/settings");
        browser.judge("settings");
        browser.fill("Schedule", "every night");
        browser.press("Save settings");
        browser.find("alert", "");
        assert_eq!(browser.value("Schedule"), "every night", "what was entered stays");
        browser.judge("settings-refused");
        browser.fill("Schedule", "30 4 * * *");
        browser.press("Save settings");
        browser.sees("04:30");
        browser.reload();
        assert_eq!(browser.value("Schedule"), "30 4 * * *");

        browser.open_page("/");
        browser.press("Send test e-mail");
        browser.sees("was handed to the mail server");
        assert_eq!(instance.sandbox.mails().all().len(), 1);

        browser.open_page("/settings");
        browser.choose("Known by", "E-mail address");
        browser.fill("Address, number or id", "ann7@example.com");
        browser.tick("Erase this person");
        browser.press("Erase");
        browser.sees("Receipt");
        browser.judge("erased");
        browser.assert_masked();

        browser.open_page("/sync/999");
        browser.judge("not-found");
        browser.follow("To the dashboard");
        browser.is_at("/");
    });
}
