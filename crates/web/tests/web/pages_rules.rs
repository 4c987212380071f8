//! What holds for every page: parts and pages from one address, the menu, and the weight.

use crate::dashboard_server::read;
use crate::pages_site::{FIVE, Site};
use crate::runs::{running, successful};
use domain::run::Step;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

#[test]
fn the_dialog_shows_the_content_of_the_page() {
    let site = Site::configured();
    let run = successful(&site.store);
    let path = format!("/sync/{run}");
    let (page, part) = (site.page(&path), site.fragment(&path));
    assert_eq!((part.status, part.header("vary")), (200, "HX-Request"));
    assert!(part.body.contains("id=\"run-title\"") && !part.body.contains("<!DOCTYPE"), "{}", part.body);
    assert!(page.contains(part.body.trim()), "{page}\n---\n{}", part.body);
    assert_eq!(site.get(&path, false).header("vary"), "HX-Request");
    let dashboard = site.page("/");
    assert!(dashboard.contains(&format!(
        "<a href=\"{path}\" hx-get=\"{path}\" hx-target=\"#run-dialog-body\" hx-swap=\"innerHTML\" aria-label=\"View details of sync {run}\">View details</a>"
    )), "{dashboard}");
    assert!(dashboard.contains("<dialog id=\"run-dialog\" aria-labelledby=\"run-title\">"));
}

#[test]
fn a_page_restored_from_the_history_is_whole() {
    let site = Site::configured();
    let run = successful(&site.store);
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    for path in ["/".to_owned(), format!("/sync/{run}")] {
        let request = agent.get(format!("http://{}{path}", site.server.address()));
        let request = request.header("HX-Request", "true").header("HX-History-Restore-Request", "true");
        let body = request.call().unwrap().body_mut().read_to_string().unwrap();
        assert!(body.starts_with("<!DOCTYPE html>"), "{path}: {body}");
    }
}

#[test]
fn leafing_through_the_history_changes_the_history_only() {
    let site = Site::configured();
    for _ in 0..21 {
        successful(&site.store);
    }
    let part = site.fragment("/?page=2");
    assert!(part.body.starts_with("<section id=\"history\""), "{}", part.body);
    assert!(part.body.contains("Page 2 of 2") && !part.body.contains("<header"), "{}", part.body);
    assert!(part.body.contains("href=\"/sync/1\"") && !part.body.contains("href=\"/sync/2\""));
    assert!(part.body.contains("<a id=\"pager-newer\" href=\"/?page=1#history\" rel=\"prev\" hx-get=\"/?page=1\" hx-target=\"#history\" hx-swap=\"outerHTML\" hx-push-url=\"true\">Newer</a>"), "{}", part.body);
    assert_eq!(part.header("vary"), "HX-Request");
}

#[test]
fn every_page_has_the_menu_and_the_standing() {
    let site = Site::configured();
    let run = successful(&site.store);
    for (path, here) in
        [("/", true), ("/connections", true), ("/settings", true), (&format!("/sync/{run}"), false)]
    {
        let html = site.page(path);
        let mark = format!("<a href=\"{path}\" aria-current=\"page\">");
        assert_eq!(html.contains(&mark), here, "{html}");
        for shown in [
            "GHL → Meta Audience Sync",
            "✓</span> Succeeded</span>",
            "Last success <time datetime=\"2026-11-21T02:00:00Z\"",
            "Next sync <time datetime=\"2026-11-22T02:00:00Z\"",
            "action=\"/sync\"",
            "<a class=\"skip\" href=\"#content\">",
        ] {
            assert!(html.contains(shown), "{shown} in {path}: {html}");
        }
        assert!(!html.contains("Log out"), "there is no password");
        assert!(html.contains(r#"<meta name="htmx-config" content='{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0,"refreshOnHistoryMiss":true,"timeout":15000,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"4(00|09|22)","swap":true},{"code":"[45]..","swap":false,"error":true}]}'>"#));
    }
}

#[test]
fn saved_settings_change_what_the_pages_show() {
    let setting = |name, value: &str| web::Setting {
        name,
        title: name,
        help: "",
        choices: &[],
        value: value.into(),
        source: web::SettingSource::Saved,
        initial: String::new(),
    };
    let site = Site::with(FIVE, |fake| {
        let settings = [
            setting("TZ", "Europe/Berlin"),
            setting("LTV_CURRENCY", "EUR"),
            setting("INSTANCE_NAME", "<b>Acme"),
        ];
        fake.settings.lock().unwrap().extend(settings);
    });
    let run = successful(&site.store);
    let html = site.page(&format!("/sync/{run}"));
    for shown in ["2026-11-21 03:00:00 CET", "13,991.16 EUR", "&#60;b&#62;Acme"] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
}

#[test]
fn a_first_visit_weighs_at_most_forty_kilobytes() {
    let site = Site::configured();
    for _ in 0..20 {
        successful(&site.store);
    }
    let html = site.page("/");
    let mut weight = compressed(html.as_bytes());
    let assets = html.split("\"/static/").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut kinds = vec![];
    for name in assets {
        let asset = site.get(&format!("/static/{name}"), false);
        assert_eq!(asset.status, 200, "{name}");
        kinds.push(name.rsplit('.').next().unwrap().to_owned());
        weight += compressed(asset.body.as_bytes());
    }
    assert_eq!(kinds, ["svg", "css", "js", "js"]);
    assert!(weight <= 40_000, "{weight} bytes");
}

#[test]
fn what_the_page_asks_for_again_is_small_and_costs_nothing_while_it_is_the_same() {
    let site = Site::configured();
    successful(&site.store);
    let run = running(&site.store);
    let path = format!("/fragments/run?run={run}&step=fetch");
    let part = site.fragment(&path);
    assert!(compressed(part.body.as_bytes()) <= 3_000 && part.body.len() <= 3_072, "{}", part.body);
    assert_eq!((part.header("vary"), part.header("cache-control")), ("HX-Request", "private, no-cache"));

    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let ask = |path: &str, tag: &str| {
        let request = agent.get(format!("http://{}{path}", site.server.address()));
        let request = request.header("HX-Request", "true").header("If-None-Match", tag);
        read(request.call().unwrap())
    };
    // The checklist stays as it is once Meta was checked.
    let setup = loop {
        let setup = site.fragment("/fragments/setup");
        if !setup.body.contains("hx-trigger") {
            break setup;
        }
    };
    let tag = setup.header("etag");
    let same = ask("/fragments/setup", tag);
    assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", tag));
    assert_eq!(same.header("vary"), "HX-Request");
    let other = ask("/fragments/setup", "W/\"other\"");
    assert_eq!((other.status, other.body == setup.body), (200, true));
    // Another run is another answer.
    let tag = part.header("etag").to_owned();
    site.store.step_progress(run, Step::Fetch, 2000, Some(2357)).unwrap();
    assert_eq!(ask(&path, &tag).status, 200);
    // What holds a token for forms, or people, is never kept.
    for path in ["/", "/sync/1"] {
        assert_eq!(
            (site.fragment(path).header("cache-control"), site.fragment(path).header("etag")),
            ("no-store", "")
        );
    }

    let html = site.page("/");
    let name = html.split("\"/static/").nth(1).unwrap().split('"').next().unwrap();
    let asset = format!("/static/{name}");
    let tag = site.get(&asset, false).header("etag").to_owned();
    let same = ask(&asset, &tag);
    assert_eq!((same.status, same.body.as_str()), (304, ""), "{tag}");
    assert_eq!(same.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(ask(&asset, "\"0\"").status, 200);
}

fn compressed(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(vec![], Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}
