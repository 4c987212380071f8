//! Below a path of another address, as a reverse proxy shows it.

use super::{browse, small};
use crate::serve::Served;

#[test]
fn below_a_path_everything_stays_below_it() {
    let mut instance = small();
    let served = Served::start(&mut instance);
    let public = format!("{}/ghl", served.base);
    instance.set("PUBLIC_URL", &public).set("WEB_PASSWORD", "correct horse");
    // Killed in the middle of its upkeep it would leave the lease behind.
    served.terminate();
    let _served = Served::start_again(&instance);
    browse(&public, |browser| {
        browser.open_page("/");
        browser.fill("Password", "correct horse");
        browser.press("Log in");
        browser.is_at("/");
        browser.press("Sync now");
        browser.has_title("Succeeded");
        browser.is_at("/");
        browser.follow("View details of sync 1");
        browser.find("dialog", "Sync 1");
        browser.is_at("/sync/1");
        browser.reload();
        browser.find("heading", "Sync 1");
        browser.follow("Dashboard");
        browser.is_at("/");
        browser.follow("View details of sync 1");
        browser.find("dialog", "Sync 1");
        browser.press("Close");
        browser.is_at("/");
        for (path, heading) in
            [("/filters", "Smart Lists"), ("/filters/new", "New Smart List"), ("/preview", "Preview")]
        {
            browser.open_page(path);
            browser.find("heading", heading);
            browser.is_at(path);
        }
        browser.follow("Connections");
        browser.press("Test Meta");
        browser.sees_in("Meta", "Works");
        browser.press("Log out");
        browser.find("heading", "Log in");
    });
}
