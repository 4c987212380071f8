//! Choosing the list and the value field on the dashboard.

use crate::pages_site::{FIVE, Site};
use domain::run::SyncConfig;
use sandbox::Service;
use sandbox::faults::{Effect, Fault};
use sync::{LtvSource, SyncService};

const FORM: [(&str, &str); 3] =
    [("list", "tag:vip"), ("field", "contact.lifetime_value"), ("sync_enabled", "yes")];

#[test]
fn lists_and_fields_are_offered_with_their_counts() {
    let html = Site::new().page("/");
    for shown in [
        "<option value=\"\" selected>Choose a Smart List</option>",
        "<option value=\"all\">All contacts (5 contacts)</option>",
        "<option value=\"tag:vip\">Tag: vip</option>",
        "<option value=\"\" selected>Choose a field</option>",
        "<option value=\"contact.lifetime_value\">",
        "<input type=\"checkbox\" name=\"sync_enabled\" value=\"yes\" checked>",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert!(html.contains("Not possible yet: choose a Smart List and a value field"), "{html}");
}

#[test]
fn a_choice_is_saved_and_selected_and_opens_the_way_to_sync_now() {
    let site = Site::new();
    assert!(site.page("/").contains("id=\"setup-title\""));
    let answer = site.submit("/", "/config", &FORM, false);
    assert_eq!((answer.status, answer.header("location")), (303, "/?done=configuration#configuration"));
    let (_, saved) = site.store.config_latest().unwrap().unwrap();
    assert_eq!((saved.list_id.as_str(), saved.list_name.as_str()), ("tag:vip", "Tag: vip"));
    assert_eq!(saved.ltv_field_key, "contact.lifetime_value");
    assert!(saved.sync_enabled);
    let html = site.page("/?done=configuration");
    assert!(html.contains("The configuration is saved."), "{html}");
    assert!(html.contains("<option value=\"tag:vip\" selected>Tag: vip (2 contacts)</option>"), "{html}");
    assert!(html.contains("<button class=\"button\">Sync now</button>"), "{html}");
    assert!(!html.contains("id=\"setup-title\""), "the checklist is gone: {html}");

    let answer = site.submit("/", "/config", &FORM[..2], false);
    assert_eq!(answer.status, 303);
    assert!(!site.store.config_latest().unwrap().unwrap().1.sync_enabled);
    assert!(site.page("/").contains("The schedule is off"));
}

#[test]
fn htmx_gets_the_form_and_the_parts_that_depend_on_it() {
    let site = Site::new();
    let answer = site.submit("/", "/config", &FORM, true);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let html = &answer.body;
    assert!(html.starts_with("<section class=\"card\" id=\"configuration\""), "{html}");
    assert!(html.contains("role=\"status\"") && html.contains("The configuration is saved."), "{html}");
    for part in
        ["<header class=\"top\" id=\"top\" hx-swap-oob=\"true\">", "id=\"setup\" hidden hx-swap-oob=\"true\""]
    {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(html.contains("<button class=\"button\">Sync now</button>"), "{html}");
    assert!(html.contains("id=\"preview-hint\" hx-swap-oob=\"true\">No sync has succeeded yet."), "{html}");
    assert!(html.contains("Press Sync now to start the first one."), "{html}");
    assert!(site.store.config_latest().unwrap().is_some());
    crate::runs::successful(&site.store);
    let later = site.submit("/", "/config", &FORM, true).body;
    assert!(later.contains("id=\"preview-hint\" hidden"), "{later}");
    assert!(!later.contains("id=\"history\""), "it may be at another page: {later}");
}

#[test]
fn what_can_not_be_used_is_said_beside_its_field_and_stays_entered() {
    let site = Site::new();
    for htmx in [false, true] {
        for (list, field, place, words) in [
            ("tag:gone", "contact.lifetime_value", "id=\"list-problem\"", "tag:gone"),
            ("all", "contact.gone", "id=\"field-problem\"", "contact.gone"),
            ("", "contact.lifetime_value", "id=\"list-problem\"", "Choose a Smart List."),
            ("all", " ", "id=\"field-problem\"", "Choose the field"),
        ] {
            let answer = site.submit("/", "/config", &[("list", list), ("field", field)], htmx);
            assert_eq!(answer.status, 422, "{}", answer.body);
            let (_, after) =
                answer.body.split_once(place).unwrap_or_else(|| panic!("{place} in {}", answer.body));
            assert!(after.split("</span>").next().unwrap().contains(words), "{words} in {after}");
            assert!(list.is_empty() || answer.body.contains(&format!("<option value=\"{list}\" selected>")));
            assert!(
                answer.body.contains("name=\"sync_enabled\" value=\"yes\">"),
                "unchecked stays unchecked"
            );
            assert_eq!(answer.body.contains("<!DOCTYPE html>"), !htmx);
        }
    }
    assert!(site.store.config_latest().unwrap().is_none());
}

#[test]
fn a_silent_gohighlevel_leaves_the_saved_choice_selectable_and_says_why() {
    let site = Site::configured();
    site.sandbox.stop(Service::Ghl);
    let html = site.page("/");
    let (_, card) = html.split_once("id=\"configuration\"").unwrap();
    let (card, _) = card.split_once("</section>").unwrap();
    assert!(card.contains("role=\"alert\"") && card.contains("GoHighLevel"), "{card}");
    assert!(card.contains("<option value=\"all\" selected>All contacts</option>"), "{card}");
    assert!(
        card.contains("<option value=\"contact.lifetime_value\" selected>Lifetime Value</option>"),
        "{card}"
    );
    for htmx in [false, true] {
        let answer = site.submit("/", "/config", &FORM, htmx);
        assert_eq!(answer.status, if htmx { 422 } else { 502 }, "{}", answer.body);
        assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("value=\"tag:vip\" selected"));
    }
    let schedule_off = [("list", "all"), ("field", "contact.lifetime_value")];
    assert_eq!(site.submit("/", "/config", &schedule_off, false).status, 303, "the schedule needs nobody");
    let part = site.submit("/", "/config", &schedule_off, true);
    for saved in [site.page("/?done=configuration"), part.body] {
        let (_, after) = saved.split_once("The configuration is saved.").expect(&saved);
        assert!(after.contains("role=\"alert\""), "GoHighLevel is silent all the same: {saved}");
    }
    assert!(!site.store.config_latest().unwrap().unwrap().1.sync_enabled);
}

#[test]
fn many_who_look_while_gohighlevel_is_silent_hold_no_more_than_some_threads() {
    let site = Site::configured();
    let silence = Fault::new(Service::Ghl, Effect::Hang { millis: 60_000 });
    site.sandbox.faults().add(silence.times(1_000));
    let address = format!("http://{}", site.server.address());
    let pages: Vec<String> = std::thread::scope(|scope| {
        let look = || ureq::get(format!("{address}/")).call().unwrap().body_mut().read_to_string().unwrap();
        let looking: Vec<_> = (0..40).map(|_| scope.spawn(look)).collect();
        looking.into_iter().map(|looking| looking.join().unwrap()).collect()
    });
    for page in pages {
        assert!(page.contains("GoHighLevel has not answered yet"), "{page}");
    }
    // Each page asks for the lists and for the fields, and each lookup waits at its first call.
    let asked = site.sandbox.record().count(Service::Ghl);
    assert!((1..=32).contains(&asked), "{asked} lookups are under way");
    assert_eq!(site.get("/readyz", false).status, 200);
    let entered = [("json", r#"[{"field":"tags","operator":"eq","value":"vip"}]"#), ("do", "count")];
    let counted = site.submit("/filters/new", "/filters/new", &entered, true);
    assert!(counted.body.contains("GoHighLevel has not counted the contacts yet"), "{}", counted.body);
    let asked = site.get("/api/smart-lists?refresh=true", false);
    assert_eq!(asked.status, 502, "{}", asked.body);
    assert!(asked.body.contains("this one was not asked"), "{}", asked.body);
}

#[test]
fn refresh_asks_again_what_was_remembered() {
    let site = Site::new();
    site.page("/");
    let asked = site.sandbox.record().count(Service::Ghl);
    site.page("/");
    assert_eq!(site.sandbox.record().count(Service::Ghl), asked, "remembered");
    site.page("/?refresh=1");
    let again = site.sandbox.record().count(Service::Ghl);
    assert!(again > asked);
    let answer = site.fragment("/fragments/configuration?refresh=1");
    assert!(answer.body.starts_with("<section class=\"card\" id=\"configuration\""), "{}", answer.body);
    assert!(!answer.body.contains("hx-swap-oob"));
    assert!(site.sandbox.record().count(Service::Ghl) > again);
    let page = site.get("/fragments/configuration?refresh=1", false);
    assert_eq!((page.status, page.header("location")), (303, "/?refresh=1#configuration"));
}

#[test]
fn the_choice_of_the_environment_is_selected_until_one_is_saved() {
    let site =
        Site::with(FIVE, |fake| fake.initial = (Some("tag:vip".into()), Some("lifetime_value".into())));
    let html = site.page("/");
    assert!(html.contains("<option value=\"tag:vip\" selected>Tag: vip (2 contacts)</option>"), "{html}");
    assert!(html.contains("<button class=\"button\">Sync now</button>"), "{html}");
}

#[test]
fn without_keys_there_is_nothing_to_choose_from_and_the_checklist_says_what_is_missing() {
    let site =
        Site::with(FIVE, |fake| (fake.sync, fake.missing) = (None, vec!["GHL_API_KEY", "CLAUDE_API_KEY"]));
    let html = site.page("/");
    for shown in [
        "Set GHL_API_KEY in the .env file or Unraid&#39;s form",
        "in the sub-account under Settings → Private Integrations.",
        "Set CLAUDE_API_KEY in the .env file or Unraid&#39;s form",
        "at platform.claude.com under API keys",
        "disabled aria-describedby=\"blocked\">Sync now",
    ] {
        assert!(html.contains(shown), "{shown} in {html}");
    }
    assert!(html.contains("Not possible yet: GHL_API_KEY and CLAUDE_API_KEY are missing"), "{html}");
    assert!(!html.contains("action=\"/config\""), "{html}");
    assert!(!html.contains("behind location/"), "the location id is there: {html}");
    assert!(html.contains("✓</span> Done</span>\n<span class=\"name\">Meta</span>"), "{html}");
}

#[test]
fn hostile_names_of_tags_and_fields_stay_text() {
    let tag = "\"\"><script>alert(1)</script>";
    let site = Site::with(&FIVE.replace("ok,vip", &format!("ok,\"{tag}\"")), |_| {});
    let fields = r#"{"customFields":[{"id":"f1","name":"</option><script>alert(2)</script>","fieldKey":"contact.x\"onfocus=\"alert(3)","dataType":"MONETORY"}]}"#;
    let effect = Effect::Status { status: 200, body: fields.into(), headers: vec![] };
    site.sandbox.faults().add(Fault::new(Service::Ghl, effect).on_path("customFields").times(9));
    let html = site.page("/");
    assert!(html.contains("&#60;script&#62;alert(1)") && html.contains("&#60;script&#62;alert(2)"), "{html}");
    assert!(html.contains("contact.x&#34;onfocus=&#34;alert(3)"), "{html}");
    let answer = site.submit("/", "/config", &[("list", "tag:<b>\""), ("field", "<i>'")], true);
    assert!(answer.body.contains("&#60;b&#62;&#34;") && !answer.body.contains("<b>"), "{}", answer.body);
}

#[test]
fn a_form_takes_back_nothing_that_somebody_else_has_saved_since_it_was_drawn() {
    let site = Site::configured();
    let html = site.page("/");
    let drawn = [("was:list", "all"), ("was:field", "contact.lifetime_value"), ("was:sync_enabled", "yes")];
    for (name, value) in drawn {
        let hidden = format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        assert!(html.contains(&hidden), "{hidden} in {html}");
    }
    let saved = || site.store.config_latest().unwrap().unwrap().1;
    let send = |fields: &[(&str, &str)], status| {
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain(drawn).collect();
        let answer = site.submit("/", "/config", &fields, true);
        assert_eq!(answer.status, status, "{}", answer.body);
        answer.body
    };
    site.choose("tag:vip", "Tag: vip");
    // Only the tick is taken away, then only put back, then only the list is changed.
    send(&[("list", "all"), ("field", "contact.lifetime_value")], 200);
    assert_eq!((saved().list_id.as_str(), saved().sync_enabled), ("tag:vip", false));
    let refused = send(&[("list", "tag:gone"), ("field", "contact.lifetime_value")], 422);
    assert!(refused.contains("name=\"was:list\" value=\"all\""), "the form drawn then: {refused}");
    send(&[("list", "all"), ("field", "contact.lifetime_value"), ("sync_enabled", "yes")], 200);
    assert_eq!((saved().list_id.as_str(), saved().sync_enabled), ("tag:vip", false), "as it was drawn");
    site.choose("all", "All contacts");
    send(&[("list", "tag:vip"), ("field", "contact.lifetime_value"), ("sync_enabled", "yes")], 200);
    assert_eq!((saved().list_id.as_str(), saved().sync_enabled), ("tag:vip", true));
}

#[test]
fn the_schedule_can_be_switched_while_the_settings_say_where_values_come_from_and_gohighlevel_is_silent() {
    let site = Site::with(FIVE, |fake| {
        let mut parts = fake.parts.clone().unwrap();
        parts.settings.ltv_source = LtvSource::WonOpportunities { pipelines: vec![] };
        fake.sync = Some(SyncService::new(parts));
    });
    site.choose("all", "All contacts");
    let html = site.page("/");
    let drawn = [("was:list", "all"), ("was:field", "won_opportunities"), ("was:sync_enabled", "yes")];
    for (name, value) in drawn {
        let hidden = format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        assert!(html.contains(&hidden), "{hidden} in {html}");
    }
    let effect = Effect::Status { status: 401, body: "{}".into(), headers: vec![] };
    site.sandbox.faults().add(Fault::new(Service::Ghl, effect).times(99));
    let sent = [("list", "all"), ("field", "won_opportunities")];
    let fields: Vec<(&str, &str)> = sent.into_iter().chain(drawn).collect();
    let answer = site.submit("/", "/config", &fields, true);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let saved = site.store.config_latest().unwrap().unwrap().1;
    let kept = (saved.ltv_field_key.as_str(), saved.sync_enabled);
    assert_eq!(
        kept,
        ("contact.lifetime_value", false),
        "the field is there again when the setting goes back"
    );
    // Nor does it matter to the choice of a list that the field is gone at GoHighLevel.
    site.sandbox.faults().clear();
    let gone = SyncConfig { ltv_field_key: "contact.gone".into(), ..saved };
    site.store.config_save(&gone).unwrap();
    let fields: Vec<(&str, &str)> = [("list", "tag:vip"), sent[1]].into_iter().chain(drawn).collect();
    let answer = site.submit("/", "/config", &fields, true);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(site.store.config_latest().unwrap().unwrap().1.list_id, "tag:vip");
}
