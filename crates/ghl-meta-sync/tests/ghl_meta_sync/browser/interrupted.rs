//! The service dies while a sync goes on, and comes back.

use super::browse;
use crate::crash::later;
use crate::instance::Instance;
use crate::serve::Served;
use chrono::TimeDelta;
use sandbox::Service;
use sandbox::faults::{Effect, Fault};

#[test]
fn a_dashboard_whose_service_died_says_so_and_then_tells_how_the_sync_ended() {
    let mut instance = Instance::start();
    // The contacts stop coming in the middle of the list, for longer than this test lasts.
    let silence = Fault::new(Service::Ghl, Effect::Hang { millis: 600_000 });
    instance.sandbox.faults().add(silence.on_path("/contacts/search").after(4).times(1000));
    let served = Served::start(&mut instance);
    let base = served.base.clone();
    let mut served = Some(served);
    browse(&base, |browser| {
        browser.open_page("/");
        browser.press("Sync now");
        browser.sees("Sync 1 is running");
        browser.sees(" of 2,357");
        browser.judge("running");
        browser.open_page("/sync/1");
        browser.sees("Started by hand");
        browser.judge("run-page-running");
        browser.open_page("/");
        browser.sees("Sync 1 is running");

        drop(served.take());
        browser.sees("The connection to the service is lost");
        browser.judge("unreachable");

        instance.sandbox.faults().clear();
        later(&instance, TimeDelta::minutes(5)).recover().unwrap();
        served = Some(Served::start_again(&instance));
        browser.sees("was interrupted");
        browser.sees_no_more("The connection to the service is lost");
        browser.misses("heading", "Sync 1 is running");
        browser.judge("interrupted");
    });
}
