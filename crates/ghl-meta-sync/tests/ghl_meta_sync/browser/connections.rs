//! The tests of the connections, and what the dashboard can do without GoHighLevel.

use super::{browse, small};
use crate::serve::Served;
use sandbox::Service;

#[test]
fn each_test_tells_in_its_card_what_works_and_what_does_not() {
    let mut instance = small();
    instance.unset("NORMALIZER").set("CLAUDE_API_KEY", "sk-ant-api03-wrong");
    let served = Served::start(&mut instance);
    instance.sandbox.stop(Service::Ghl);
    browse(&served.base, |browser| {
        browser.open_page("/connections");
        browser.judge("connections");
        browser.press("Test Meta");
        browser.sees_in("Meta", "Works");
        browser.sees_in("Meta", " ms");
        browser.press("Test GoHighLevel");
        browser.sees_in("GoHighLevel", "Does not work");
        browser.sees_in("GoHighLevel", "What to do:");

        browser.press("Test all");
        for (name, words) in [
            ("GoHighLevel", "Does not work"),
            ("Meta", "Works"),
            ("Claude", "Does not work"),
            ("Database", "Works"),
            ("E-mail", "Works"),
        ] {
            browser.sees_in(name, words);
        }
        browser.judge("connections-failed");

        // What was chosen stays chosen while GoHighLevel is away.
        browser.open_page("/");
        browser.follow("Refresh from GoHighLevel");
        browser.sees_in("Configuration", "What to do:");
        assert!(browser.value("Smart List").contains("all"), "{}", browser.value("Smart List"));
        browser.judge("gohighlevel-unreachable");
    });
}
