//! More syncs than fit on a page.

use super::{browse, small};
use crate::instance::Instance;
use crate::serve::Served;
use chrono::{DateTime, TimeDelta, Utc};
use domain::run::{Failure, RunStatus, Step, Trigger};
use domain::{Clock, SystemClock};
use std::sync::Arc;

/// A clock that stands still.
struct At(DateTime<Utc>);

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// One real sync, and after it one a night that came to the same; every tenth failed.
fn record_nights(instance: &Instance, nights: u32) {
    instance.sync(&[]).expect(0);
    let like = instance.last_run();
    let config_id = instance.store().config_of_run(&like.config).unwrap();
    for night in 1..=nights {
        let store =
            instance.store_with(Arc::new(At(SystemClock.now() - TimeDelta::days(i64::from(nights - night)))));
        let run = store.run_start(Trigger::Scheduled, config_id).unwrap();
        store.run_set_accounting(run, &like.accounting).unwrap();
        if night % 10 == 0 {
            let failure = Failure {
                step: Step::Fetch,
                message: "GoHighLevel did not answer in time.".to_owned(),
                remedy: "Nothing needs to be done: the next sync tries again.".to_owned(),
                provider_code: None,
                trace_id: None,
            };
            store.run_finish(run, RunStatus::Failed, Some(&failure)).unwrap();
            continue;
        }
        store.run_set_audience(run, like.audience.as_ref().unwrap()).unwrap();
        store.run_set_matched(run, &like.matched).unwrap();
        store.run_set_lookalikes(run, &like.lookalikes).unwrap();
        store.run_finish(run, RunStatus::Success, None).unwrap();
    }
}

#[test]
fn the_history_is_leafed_through_and_each_page_has_its_address() {
    let mut instance = small();
    record_nights(&instance, 44);
    let served = Served::start(&mut instance);
    browse(&served.base, |browser| {
        let rows = || browser.count("link", "View details of sync");
        let shows = |id: u32| browser.count("link", &format!("View details of sync {id}")) == 1;
        browser.open_page("/");
        browser.sees("Page 1 of 3");
        assert_eq!(rows(), 20);
        browser.follow("Older");
        browser.sees("Page 2 of 3");
        browser.is_at("/?page=2");
        assert!(rows() == 20 && shows(25) && !shows(26), "{}", browser.text());
        browser.judge("history-page-2");

        browser.reload();
        browser.sees("Page 2 of 3");
        browser.follow("Oldest");
        browser.sees("Page 3 of 3");
        assert!(rows() == 5 && shows(1), "{}", browser.text());
        browser.go_back();
        browser.sees("Page 2 of 3");
        browser.is_at("/?page=2");
        browser.go_back();
        browser.sees("Page 1 of 3");
        browser.is_at("/");
        browser.go_forward();
        browser.sees("Page 2 of 3");
        browser.follow("Newest");
        browser.sees("Page 1 of 3");
        browser.open_page("/?page=99");
        browser.sees("Page 3 of 3");
    });
}
