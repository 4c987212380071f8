//! `/connections` and its tests.

use crate::dashboard_server::check_page;
use crate::pages_site::{FIVE, Site};
use domain::Explanation;
use sync::checks::Checked;

#[test]
fn every_service_has_a_card_that_says_what_is_set_and_never_the_value() {
    let site = Site::with(FIVE, |fake| {
        (fake.missing, fake.mailer) = (vec!["META_ACCESS_TOKEN", "SMTP_HOST"], None);
    });
    let html = site.page("/connections");
    for (name, state) in [
        ("GHL_API_KEY", "Set"),
        ("GHL_LOCATION_ID", "Set"),
        ("META_ACCESS_TOKEN", "Not set"),
        ("META_AD_ACCOUNT_ID", "Set"),
        ("CLAUDE_API_KEY", "Set"),
        ("SMTP_HOST", "Not set"),
        ("SMTP_FROM_EMAIL", "Set"),
    ] {
        let (_, after) = html.split_once(&format!("<code>{name}</code>")).unwrap();
        let shown = after.split("</li>").next().unwrap();
        assert!(shown.contains(&format!("</span> {state}</span>")), "{name}: {shown}");
    }
    let credentials = site.sandbox.credentials();
    for secret in [&credentials.ghl_token, &credentials.meta_access_token, &credentials.claude_key] {
        assert!(!html.contains(secret.as_str()) && !html.contains(&secret[secret.len() - 6..]), "{html}");
    }
    assert!(!html.contains("class=\"result\""));
}

#[test]
fn a_test_shows_what_was_found_in_its_card() {
    let site = Site::new();
    let part = site.submit("/connections", "/connections/meta/test", &[], true);
    assert_eq!(part.status, 200);
    assert!(part.body.starts_with("<section class=\"card\" id=\"meta\""), "{}", part.body);
    for shown in [
        "✓</span> Works",
        "<span class=\"num\">120 ms</span>",
        "<li>It answers.</li>",
        "role=\"status\"",
        "action=\"/connections/meta/test\"",
    ] {
        assert!(part.body.contains(shown), "{shown} in {}", part.body);
    }
    let page = site.submit("/connections", "/connections/meta/test", &[], false);
    assert_eq!(page.status, 200);
    check_page(&page.body);
    assert_eq!(page.body.matches("class=\"result\"").count(), 1);
    assert_eq!(
        site.submit("/connections", "/connections/test", &[], false).body.matches("Works").count(),
        5,
        "a webhook is not tried"
    );
    let all = site.submit("/connections", "/connections/test", &[], true);
    assert!(all.body.trim().starts_with("<div class=\"services\" id=\"services\">"), "{}", all.body);
    assert_eq!(all.body.matches("Works").count(), 5);
}

#[test]
fn what_is_not_set_up_is_not_said_to_work() {
    let site = Site::with(FIVE, |fake| fake.unused = vec![Checked::Claude, Checked::Smtp, Checked::Webhook]);
    let html = site.submit("/connections", "/connections/test", &[], false).body;
    let results: Vec<&str> = html
        .split("class=\"result\"")
        .skip(1)
        .map(|result| result.split("</span> ").nth(1).unwrap().split("</span>").next().unwrap())
        .collect();
    assert_eq!(results, ["Works", "Works", "Not needed", "Works", "Not set up", "Not set up"]);
    assert_eq!(html.matches("120 ms").count(), 3, "no call was made to the others: {html}");
}

#[test]
fn a_dead_service_is_said_with_what_to_do_and_hostile_words_stay_text() {
    let site = Site::with(FIVE, |fake| {
        let problem =
            Explanation::new("Meta says: <script>alert(1)</script>", "Make a new META_ACCESS_TOKEN.");
        fake.check_problems = vec![problem.with_code("190/463").with_trace(Some("\"><img>".into()))];
    });
    for htmx in [false, true] {
        let answer = site.submit("/connections", "/connections/meta/test", &[], htmx);
        assert_eq!(answer.status, 200);
        for shown in [
            "✕</span> Does not work",
            "role=\"alert\"",
            "&#60;script&#62;alert(1)",
            "Make a new META_ACCESS_TOKEN.",
            "190/463",
            "&#34;&#62;&#60;img&#62;",
            "120 ms",
        ] {
            assert!(answer.body.contains(shown), "{shown} in {}", answer.body);
        }
    }
}

#[test]
fn an_unknown_service_is_not_tested() {
    let site = Site::new();
    let html = site.page("/connections");
    let token = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(site.post("/connections/paypal/test", &[("csrf", token)], true).status, 404);
}

#[test]
fn claude_is_not_needed_when_the_ranks_are_computed_here() {
    let site = Site::with(FIVE, |fake| {
        fake.settings.lock().unwrap().push(web::Setting {
            name: "NORMALIZER",
            title: "Ranked by",
            help: "",
            choices: &["claude", "local"],
            value: "local".into(),
            source: web::SettingSource::Environment,
            initial: "local".into(),
        });
    });
    assert!(site.page("/connections").contains("</span> Not needed</span>"));
    let setup = site.page("/");
    let named = |name: &str| setup.contains(&format!("<span class=\"name\">{name}</span>"));
    assert_eq!((named("GoHighLevel"), named("Claude")), (true, false), "nothing to set up");
}
