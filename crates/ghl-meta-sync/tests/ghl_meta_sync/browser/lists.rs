//! A list built from conditions, counted while it is built, and chosen for the sync.

use super::{browse, small};
use crate::serve::Served;

#[test]
fn a_list_is_built_from_conditions_counted_saved_and_chosen() {
    let mut instance = small();
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        browser.open_page("/");
        browser.follow("Build a list from conditions");
        browser.judge("lists-empty");
        browser.follow("New Smart List");
        browser.fill("Name of the list", "From a hundred on");
        browser.choose("Field of the next condition", "Lifetime Value");
        browser.press("Add condition");
        browser.choose("How Lifetime Value is compared", "is at least");
        browser.fill("Lifetime Value: value", "100");
        browser.press("Count the contacts");
        browser.sees("200 contacts");
        browser.judge("list");
        browser.press("Save the list");
        browser.is_at("/filters?done=saved");
        browser.find("link", "From a hundred on");

        browser.open_page("/");
        browser.choose("Smart List", "From a hundred on");
        browser.press("Save configuration");
        browser.sees_in("Configuration", "saved");
        browser.press("Sync now");
        browser.has_title("Succeeded");
        assert_eq!(instance.last_run().accounting.fetched, 200);
    });
}
