//! `/settings`.

use crate::dashboard_server::check_page;
use crate::fake_installation::FakeInstallation;
use crate::pages_site::{FIVE, Site};
use domain::Explanation;
use std::sync::atomic::Ordering;
use web::{ExistingAudience, Setting, SettingSource};

fn site() -> Site {
    Site::with(FIVE, |fake| {
        fake.settings.lock().unwrap().extend([
            Setting {
                name: "NORMALIZER",
                title: "Ranked by",
                help: "claude: ranked by Claude. `local`: computed here.",
                choices: &["claude", "local"],
                value: "claude".into(),
                source: SettingSource::Default,
                initial: "claude".into(),
            },
            Setting {
                name: "LTV_CURRENCY",
                title: "Currency",
                help: "Shown behind amounts.",
                choices: &[],
                value: "\"><script>x</script>".into(),
                source: SettingSource::Saved,
                initial: String::new(),
            },
        ]);
    })
}

#[test]
fn every_setting_is_shown_with_its_source() {
    let html = site().page("/settings");
    for shown in [
        "<label for=\"AUDIENCE_PREFIX\">Audience prefix</label> <code>AUDIENCE_PREFIX</code> <span class=\"source\">from the environment</span>",
        "name=\"AUDIENCE_PREFIX\" value=\"GHL-HighValue\"",
        "<code>NORMALIZER</code> <span class=\"source\">default</span>",
        "<option value=\"claude\" selected>claude</option>\n<option value=\"local\">local</option>",
        "<code>local</code>: computed here.",
        "<code>LTV_CURRENCY</code> <span class=\"source\">saved here</span>",
        "value=\"&#34;&#62;&#60;script&#62;x",
        "name=\"initial\" value=\"LTV_CURRENCY\"> <span>Go back to the initial value: <code>empty</code>",
        "<time datetime=\"2026-11-22T02:00:00Z\">2026-11-22 02:00 UTC</time>",
        "<time datetime=\"2026-11-23T02:00:00Z\">",
        "<legend>Contacts and values</legend>",
        "<legend>Audience and lookalike</legend>",
        "<dt>From</dt><dd>sync@example.com</dd>",
        "<dt>Licence</dt><dd>MIT OR Apache-2.0</dd>",
        "<dt>Database</dt><dd>SQLite 3.",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert!(!html.contains("value=\"AUDIENCE_PREFIX\"> <span>Go back"), "nothing is saved to go back from");
}

#[test]
fn a_value_is_saved_and_goes_back() {
    let site = site();
    let fields = [("AUDIENCE_PREFIX", "VIP & more"), ("NORMALIZER", "claude")];
    let answer = site.submit("/settings", "/settings", &fields, false);
    assert_eq!((answer.status, answer.header("location")), (303, "/settings?done=settings"));
    let html = site.page("/settings?done=settings");
    assert!(html.contains("The settings are saved.") && html.contains("value=\"VIP &#38; more\""), "{html}");
    assert!(html.contains("<code>AUDIENCE_PREFIX</code> <span class=\"source\">saved here</span>"), "{html}");
    assert!(html.contains("Go back to the initial value: <code>GHL-HighValue</code>"), "{html}");
    assert!(
        html.contains("<code>NORMALIZER</code> <span class=\"source\">default</span>"),
        "an equal value is not saved"
    );

    let back = [("AUDIENCE_PREFIX", "VIP & more"), ("initial", "AUDIENCE_PREFIX")];
    let answer = site.submit("/settings", "/settings", &back, true);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.starts_with("<div id=\"settings\">"), "{}", answer.body);
    assert!(answer.body.contains("name=\"AUDIENCE_PREFIX\" value=\"GHL-HighValue\""), "{}", answer.body);
    assert!(answer.body.contains("id=\"top\" hx-swap-oob=\"true\""), "the header shows the next sync");
}

#[test]
fn a_refused_value_stays_entered_beside_its_error_and_nothing_is_saved() {
    let site = site();
    for htmx in [false, true] {
        let fields = [("AUDIENCE_PREFIX", "bad"), ("NORMALIZER", "local"), ("initial", "LTV_CURRENCY")];
        let answer = site.submit("/settings", "/settings", &fields, htmx);
        assert_eq!(answer.status, 422, "{}", answer.body);
        if !htmx {
            check_page(&answer.body);
        }
        for shown in [
            "Nothing was saved, because some values can not be used.",
            "role=\"alert\"",
            "name=\"AUDIENCE_PREFIX\" value=\"bad\"",
            "aria-describedby=\"AUDIENCE_PREFIX-help AUDIENCE_PREFIX-problem\" aria-invalid=\"true\"",
            "<p class=\"problem\" id=\"AUDIENCE_PREFIX-problem\">✕ must be something else</p>",
            "<option value=\"local\" selected>",
            "name=\"initial\" value=\"LTV_CURRENCY\" checked>",
        ] {
            assert!(answer.body.contains(shown), "{shown} in {}", answer.body);
        }
    }
    let html = site.page("/settings");
    assert!(
        html.contains("value=\"GHL-HighValue\"") && html.contains("<option value=\"claude\" selected>"),
        "{html}"
    );
}

fn with_existing_audience(fake: &mut FakeInstallation, value: &str) {
    fake.settings.get_mut().unwrap().push(Setting {
        name: "STABLE_AUDIENCE_ID",
        title: "Use an existing audience",
        help: "For `stable` only.",
        choices: &[],
        value: value.to_owned(),
        source: SettingSource::Default,
        initial: String::new(),
    });
}

fn audiences() -> Vec<ExistingAudience> {
    [("120210000000000017", "Customers <script>"), ("120210000000000018", "VIP")]
        .map(|(id, name)| ExistingAudience { id: id.to_owned(), name: name.to_owned() })
        .into()
}

#[test]
fn an_existing_audience_is_chosen_by_its_name_and_meta_is_asked_once() {
    let mut asked = None;
    let site = Site::with(FIVE, |fake| {
        with_existing_audience(fake, "");
        fake.audiences = Ok(audiences());
        asked = Some(fake.asked_for_audiences.clone());
    });
    let html = site.page("/settings");
    for shown in [
        "<select id=\"STABLE_AUDIENCE_ID\" name=\"STABLE_AUDIENCE_ID\"",
        "<option value=\"\" selected>A new one, made by the first sync</option>",
        "<option value=\"120210000000000017\">Customers &#60;script&#62; (120210000000000017)</option>",
        "<option value=\"120210000000000018\">VIP (120210000000000018)</option>",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    let fields = [("STABLE_AUDIENCE_ID", "120210000000000018")];
    assert_eq!(site.submit("/settings", "/settings", &fields, false).status, 303);
    let html = site.page("/settings");
    assert!(html.contains("<option value=\"120210000000000018\" selected>VIP"), "{html}");
    assert_eq!(asked.unwrap().load(Ordering::Relaxed), 1, "what Meta answered is remembered");
}

#[test]
fn an_audience_can_be_typed_while_meta_is_silent() {
    let site = Site::with(FIVE, |fake| {
        with_existing_audience(fake, "120210000000000018");
        fake.audiences = Err(Explanation::new("Meta does not accept the <token>.", "Create a new one."));
    });
    let html = site.page("/settings");
    for shown in [
        "<input type=\"text\" id=\"STABLE_AUDIENCE_ID\" name=\"STABLE_AUDIENCE_ID\" value=\"120210000000000018\"",
        "The audiences of the ad account can not be listed. Meta does not accept the &#60;token&#62;. Create a new one. Until then its id can be typed here.",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
}

#[test]
fn saving_one_setting_leaves_alone_what_somebody_else_has_saved_since_the_form_was_drawn() {
    let site = site();
    let html = site.page("/settings");
    for drawn in [
        "<input type=\"hidden\" name=\"was:AUDIENCE_PREFIX\" value=\"GHL-HighValue\">",
        "<input type=\"hidden\" name=\"was:NORMALIZER\" value=\"claude\">",
    ] {
        assert!(html.contains(drawn), "{drawn} in {html}");
    }
    assert_eq!(site.submit("/settings", "/settings", &[("AUDIENCE_PREFIX", "Theirs")], false).status, 303);
    // The form that was drawn before that.
    let fields = |normalizer| {
        [
            ("AUDIENCE_PREFIX", "GHL-HighValue"),
            ("was:AUDIENCE_PREFIX", "GHL-HighValue"),
            ("NORMALIZER", normalizer),
            ("was:NORMALIZER", "claude"),
        ]
    };
    let refused = site.submit("/settings", "/settings", &fields("bad"), true);
    assert_eq!(refused.status, 422);
    let drawn = "name=\"was:AUDIENCE_PREFIX\" value=\"GHL-HighValue\"";
    assert!(refused.body.contains(drawn), "it is still the form that was drawn then: {}", refused.body);
    assert_eq!(site.submit("/settings", "/settings", &fields("local"), false).status, 303);
    let html = site.page("/settings");
    assert!(html.contains("name=\"AUDIENCE_PREFIX\" value=\"Theirs\""), "{html}");
    assert!(html.contains("<option value=\"local\" selected>"), "{html}");
}

#[test]
fn what_is_saved_but_not_in_force_is_not_said_to_be_lost() {
    let site = site();
    let told = "The settings are saved, but not in force: CLAUDE_API_KEY is not set.";
    for (htmx, name) in [(false, "late"), (true, "later")] {
        let answer = site.submit("/settings", "/settings", &[("AUDIENCE_PREFIX", name)], htmx);
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(answer.body.contains(told) && !answer.body.contains("Nothing was saved"), "{}", answer.body);
        assert!(answer.body.contains("Set it.") && !answer.body.contains("environment and start"));
        let field = format!("name=\"AUDIENCE_PREFIX\" value=\"{name}\"");
        assert!(answer.body.contains(&field), "{}", answer.body);
    }
    // Whoever opens the page later learns of it too.
    assert!(site.page("/settings?done=settings").contains(told));
    let refused = site.submit("/settings", "/settings", &[("AUDIENCE_PREFIX", "bad")], true).body;
    assert!(refused.contains("Nothing was saved") && !refused.contains(told), "{refused}");
    assert_eq!(site.submit("/settings", "/settings", &[("AUDIENCE_PREFIX", "Mine")], true).status, 200);
    assert!(!site.page("/settings").contains(told));
}
