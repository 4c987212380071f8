//! `/preview`: asked for by a form, made in the background, shown when it is there.

use crate::dashboard_server::{Answer, Dashboard, check_page, read};
use crate::pages_site::{FIVE, Site};
use crate::runs::successful;
use domain::Conditions;
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};
use sync::SyncService;

const HEADER: &str = "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,city,state,postal_code,country,ltv_raw,ltv_expected,ltv_bucket,tags\n";

/// Only without JavaScript, which asks for the progress alone.
const REFRESH: &str = "<noscript><meta http-equiv=\"refresh\" content=\"3\"></noscript>";

/// Waits for the end of the preview as a browser without JavaScript does; the page with what it found.
fn made(site: &Site) -> String {
    let give_up = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = site.get("/preview", false);
        if !answer.body.contains(REFRESH) {
            return answer.body;
        }
        assert!(Instant::now() < give_up, "{}", answer.body);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What the part that shows the progress gets when it asks for itself again.
fn asked_again(site: &Site) -> Answer {
    let request = ureq::get(format!("http://{}/preview", site.server.address()));
    read(request.header("HX-Request", "true").header("HX-Target", "preview-live").call().unwrap())
}

/// Claude's answer takes this long.
fn slow_claude(site: &Site, millis: u64) {
    site.sandbox.faults().add(Fault::new(Service::Claude, Effect::Delay { millis }));
}

#[test]
fn a_preview_tells_what_would_be_sent_and_sends_nothing() {
    let rows = "c6,Fay,Lee,not an address,,,,,,US,60.00,60.00,ok,\nc7,Gil,Lee,gil@example.com,,,,,,US,TBD,,bad_ltv,\n";
    let site = Site::with(&format!("{FIVE}{rows}"), |_| {});
    site.choose("all", "All <b>contacts");
    assert!(site.page("/preview").contains("No preview has been made since the service was started."));
    let answer = site.submit("/preview", "/preview", &[], false);
    assert_eq!((answer.status, answer.header("location")), (303, "/preview"));
    let html = made(&site);
    check_page(&html);
    for shown in [
        "Nothing was sent to Meta.",
        "All &#60;b&#62;contacts, values from Lifetime Value",
        "5 contacts would be sent in 5 rows: one for each, 0 more",
        "<th scope=\"row\">Would be sent to Meta</th><td class=\"num\">5</td>",
        "<th scope=\"row\">Lifetime value is not an amount</th><td class=\"num\">1</td>",
        "<th scope=\"row\">No usable e-mail or phone</th><td class=\"num\">1</td>",
        "<th scope=\"row\">Read from the list</th><td class=\"num\">7</td>",
        "<dt>Lookalike in US</dt><dd><strong>not in reach</strong>",
        "100 matched people are needed. This is an estimate.",
        "not known before the first sync of this list",
        "Claude (claude-sonnet-5-5), every rank checked",
        "data-label=\"Match key\">E-mail</th><td data-label=\"Filled\" class=\"num\">7</td><td data-label=\"Usable\" class=\"num\">6</td><td data-label=\"Dropped\" class=\"num\">1</td><td data-label=\"Why dropped\">1 not in a valid form</td>",
        "id=\"preview-chart-title\"",
        "Make the preview again",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert_eq!(site.sandbox.record().count(Service::Meta), 0, "Meta was called");
    assert!(site.store.run_latest().unwrap().is_none() && site.sandbox.mails().all().is_empty());
    for personal in ["gil@", "Fay", "example.com"] {
        assert!(!html.contains(personal), "{personal} in {html}");
    }
    // What is chosen later is not what was previewed.
    site.choose("tag:vip", "Tag: vip");
    assert!(site.page("/preview").contains("Another list or field was chosen since."));
}

#[test]
fn a_preview_is_made_by_the_settings_that_another_copy_of_the_service_saved() {
    let mut followed = None;
    let site = Site::with(FIVE, |fake| followed = Some(Arc::clone(&fake.followed)));
    site.choose("all", "All contacts");
    assert_eq!(site.submit("/preview", "/preview", &[], false).status, 303);
    assert_eq!(followed.unwrap().load(std::sync::atomic::Ordering::Relaxed), 1);
    made(&site);
}

#[test]
fn while_it_is_made_the_page_asks_again_and_a_second_one_is_not_begun() {
    let site = Site::configured();
    slow_claude(&site, 1500);
    assert_eq!(site.submit("/preview", "/preview", &[], false).status, 303);
    let answer = site.get("/preview", false);
    let head = answer.body.split("</head>").next().unwrap();
    assert!(head.contains(REFRESH), "without JavaScript it comes back by itself: {head}");
    assert!(answer.header("refresh").is_empty(), "with JavaScript it does not");
    check_page(&answer.body);
    assert!(
        answer.body.contains("A preview is being made") && answer.body.contains("action=\"/preview/cancel\"")
    );
    let part = site.fragment("/preview");
    assert!(part.body.trim_start().starts_with("<section class=\"card\" id=\"preview\""), "{}", part.body);
    assert!(!part.body.contains("http-equiv") && part.body.contains("hx-trigger=\"every 2s\""));
    assert_eq!(part.header("vary"), "HX-Request");
    let live = asked_again(&site);
    assert!(live.body.starts_with("<div id=\"preview-live\""), "{}", live.body);
    assert!(!live.body.contains("<button") && live.header("hx-retarget").is_empty(), "{}", live.body);
    let token = answer.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    for htmx in [false, true] {
        let again = site.post("/preview", &[("csrf", token)], htmx);
        assert_eq!(again.status, if htmx { 200 } else { 303 }, "{}", again.body);
    }
    // Everything else is served meanwhile.
    assert_eq!(site.get("/healthz", false).status, 200);
    let html = made(&site);
    assert!(html.contains("5 contacts would be sent"), "{html}");
    assert_eq!(site.sandbox.record().count(Service::Claude), 1, "one preview asked once");
    let part = asked_again(&site);
    assert_eq!((part.header("hx-retarget"), part.header("hx-reswap")), ("#preview", "outerHTML"));
    assert!(part.body.contains("<p id=\"announce\" hx-swap-oob=\"innerHTML\">The preview has ended.</p>"));
    assert!(!part.body.contains("hx-trigger"), "nothing asks again once it is there: {}", part.body);
}

#[test]
fn a_preview_can_be_stopped() {
    let site = Site::configured();
    slow_claude(&site, 30_000);
    assert_eq!(site.submit("/preview", "/preview", &[], false).status, 303);
    let answer = site.submit("/preview", "/preview/cancel", &[], false);
    assert_eq!((answer.status, answer.header("location")), (303, "/preview"));
    let html = made(&site);
    assert!(html.contains("The preview was stopped before its end."), "{html}");
}

#[test]
fn a_preview_that_is_stopped_leaves_what_the_last_one_found() {
    let site = Site::configured();
    site.submit("/preview", "/preview", &[], false);
    assert!(made(&site).contains("5 contacts would be sent"));
    slow_claude(&site, 30_000);
    site.submit("/preview", "/preview", &[], false);
    site.submit("/preview", "/preview/cancel", &[], false);
    let html = made(&site);
    assert!(html.contains("5 contacts would be sent") && !html.contains("was stopped"), "{html}");
}

#[test]
fn a_service_that_is_being_stopped_ends_the_preview_and_begins_none() {
    let site = Site::configured();
    slow_claude(&site, 30_000);
    site.submit("/preview", "/preview", &[], false);
    site.server.close_previews();
    let html = made(&site);
    assert!(html.contains("The preview was stopped before its end."), "{html}");
    let answer = site.submit("/preview", "/preview", &[], false);
    assert!(answer.status == 503 && answer.body.contains("is being stopped"), "{}", answer.body);
    assert!(!site.page("/preview").contains("A preview is being made"));
}

#[test]
fn a_preview_of_conditions_or_settings_that_were_changed_since_says_so() {
    let outdated = "were changed since. Make the preview again";
    let (mut parts, mut changed) = (None, Arc::default());
    let site = Site::with(FIVE, |fake| {
        (parts, changed) = (fake.parts.take(), Arc::clone(&fake.changed_sync));
    });
    let conditions =
        |tag: &str| Conditions(json!([{"field": "tags", "operator": "not_eq", "value": tag}]).to_string());
    site.store.filter_add("Nobody", &conditions("nobody")).unwrap();
    site.choose("filter:1", "Nobody");
    site.submit("/preview", "/preview", &[], false);
    let html = made(&site);
    assert!(html.contains("5 contacts would be sent") && !html.contains(outdated), "{html}");
    site.store.filter_change(1, "Nobody", &conditions("vip")).unwrap();
    let html = site.page("/preview");
    assert!(html.contains("The conditions of the list were changed since."), "{html}");
    site.store.filter_change(1, "Another name", &conditions("nobody")).unwrap();
    assert!(!site.page("/preview").contains(outdated), "the same contacts under another name");
    let mut parts = parts.unwrap();
    *changed.lock().unwrap() = Some(SyncService::new(parts.clone()));
    assert!(!site.page("/preview").contains(outdated), "settings that are the sync's are the same");
    parts.settings.lookalike_countries = vec!["CA".to_owned()];
    *changed.lock().unwrap() = Some(SyncService::new(parts));
    let html = site.page("/preview");
    assert!(html.contains("Settings were changed since."), "{html}");
}

#[test]
fn a_service_that_fails_is_named_and_the_button_stays() {
    let site = Site::configured();
    site.sandbox.stop(Service::Ghl);
    assert_eq!(site.submit("/preview", "/preview", &[], false).status, 303);
    let html = made(&site);
    assert!(html.contains("could not be made") && html.contains("GoHighLevel"), "{html}");
    assert!(html.contains("role=\"alert\"") && html.contains("Make the preview again"), "{html}");
}

#[test]
fn a_list_that_a_sync_would_refuse_says_so_before_anything_else() {
    let site = Site::with(&format!("{HEADER}c1,Ann,Lee,ann@example.com,,,,,,US,,,no_ltv,\n"), |_| {});
    site.choose("all", "All contacts");
    site.submit("/preview", "/preview", &[], false);
    let html = made(&site);
    assert!(html.contains("A sync would stop here, before Meta"), "{html}");
    assert!(html.contains("<th scope=\"row\">No lifetime value</th><td class=\"num\">1</td>"), "{html}");
    assert!(!html.contains("Ranked by") && !html.contains("<svg"), "nothing was ranked");
    assert_eq!(site.sandbox.record().count(Service::Claude), 0);
}

#[test]
fn what_is_missing_is_said_and_nothing_begins() {
    let site = Site::new();
    let html = site.page("/preview");
    assert!(html.contains("disabled aria-describedby=\"preview-impossible\">Make a preview"), "{html}");
    for htmx in [false, true] {
        let answer = site.submit("/preview", "/preview", &[], htmx);
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains("No Smart List or no value field is chosen."), "{}", answer.body);
        assert_eq!(answer.body.contains("<!DOCTYPE html>"), !htmx);
    }
    let dashboard = Dashboard::new();
    assert!(dashboard.page("/preview").contains("GHL_API_KEY"));
    assert_eq!(site.post("/preview", &[], false).status, 403, "without its token");
}

#[test]
fn the_dashboard_leads_to_it_before_the_first_success_and_the_configuration_always() {
    let site = Site::configured();
    let hint = "Preview what the first sync would send";
    let html = site.page("/");
    assert!(html.contains(hint) && html.contains("Preview what would be sent"), "{html}");
    assert!(!Site::new().page("/").contains(hint), "there is nothing to preview yet");
    successful(&site.store);
    let html = site.page("/");
    assert!(!html.contains(hint) && html.contains("Preview what would be sent"), "{html}");
}
