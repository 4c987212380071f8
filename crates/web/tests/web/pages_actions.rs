//! *Sync now*, *Run anyway*, *Cancel*, the test e-mail, and how a run is followed.

use crate::dashboard_server::check_page;
use crate::pages_site::{FIVE, Site};
use crate::runs::{failed, running, successful};
use domain::run::{Failure, RunStatus, Step};
use sandbox::Service;
use sandbox::faults::{Effect, Fault};

#[test]
fn sync_now_works_without_javascript() {
    let site = Site::configured();
    let answer = site.submit("/", "/sync", &[], false);
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    let run = site.ended(site.latest());
    assert_eq!(run.status, RunStatus::Success, "{:?}", run.failure);
    let html = site.page("/");
    assert!(html.contains("Sent to Meta</span>\n<strong>5</strong>"), "{html}");
    assert!(html.contains(&run.audience.unwrap().id), "{html}");
}

#[test]
fn sync_now_with_htmx_leads_to_the_dashboard() {
    let site = Site::configured();
    let answer = site.submit("/settings", "/sync", &[], true);
    assert_eq!((answer.status, answer.header("hx-redirect")), (200, "/"), "{}", answer.body);
    assert_eq!(site.ended(site.latest()).status, RunStatus::Success);
}

#[test]
fn a_second_sync_is_refused_with_words() {
    let site = Site::configured();
    let slow = Effect::Delay { millis: 1500 };
    site.sandbox.faults().add(Fault::new(Service::Ghl, slow).on_path("/contacts/search"));
    assert_eq!(site.submit("/", "/sync", &[], false).status, 303);
    let html = site.page("/");
    assert!(
        html.contains("disabled aria-describedby=\"blocked\">Sync now") && html.contains("A sync is running")
    );
    let answer = site.submit("/", "/sync", &[], false);
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert!(answer.body.contains("role=\"alert\"") && answer.body.contains("Sync 1 is still running."));
    check_page(&answer.body);
    let answer = site.submit("/", "/sync", &[], true);
    assert_eq!((answer.status, answer.header("hx-redirect")), (200, "/"), "to the sync that runs");
    site.ended(site.latest());
}

#[test]
fn nothing_chosen_is_said_where_the_button_was_pressed() {
    let site = Site::new();
    let answer = site.submit("/", "/sync", &[], true);
    assert_eq!(answer.status, 422);
    assert!(answer.body.starts_with("<div class=\"notice bad\" role=\"alert\">"), "{}", answer.body);
    assert!(answer.body.contains("No Smart List or no value field is chosen."), "{}", answer.body);
    assert!(site.store.run_latest().unwrap().is_none());
}

#[test]
fn run_anyway_is_offered_after_the_guard_and_nowhere_else() {
    let site = Site::configured();
    site.sync(&[]);
    let run = failed(&site.store);
    assert!(!site.page("/").contains("Run anyway"), "{run} failed for another reason");

    // Five were sent: a list of two is fewer than half. The guard compares runs of one list only.
    let all = site.store.run_latest_success().unwrap().unwrap();
    site.choose("tag:vip", "Tag: vip");
    let vip = site.store.config_latest().unwrap().unwrap().0;
    let before = site.store.run_start(domain::run::Trigger::Manual, vip).unwrap();
    site.store.run_set_accounting(before, &all.accounting).unwrap();
    site.store.run_finish(before, RunStatus::Success, None).unwrap();
    let stopped = site.sync(&[]);
    assert_eq!(stopped.status, RunStatus::Failed);
    let html = site.page("/");
    assert!(html.contains("<input type=\"hidden\" name=\"accept_smaller_list\" value=\"yes\">\n<button class=\"button quiet\">Run anyway</button>"), "{html}");
    let page = format!("/sync/{}", stopped.id);
    let offers =
        |page: &str| ["Run anyway</button>", "Run again</button>"].map(|button| page.contains(button));
    assert_eq!(offers(&site.page(&page)), [true, false]);
    let run = site.sync(&[("accept_smaller_list", "yes")]);
    assert_eq!(offers(&site.page(&page)), [false, true], "the list has changed since");
    assert_eq!((run.status, run.accounting.sent), (RunStatus::Success, 2), "{:?}", run.failure);
}

#[test]
fn a_run_can_be_cancelled() {
    for htmx in [false, true] {
        let site = Site::configured();
        let slow = Effect::Delay { millis: 1500 };
        site.sandbox.faults().add(Fault::new(Service::Ghl, slow).on_path("/contacts/search"));
        assert_eq!(site.submit("/", "/sync", &[], false).status, 303);
        let answer = site.submit("/", "/sync/1/cancel", &[], htmx);
        if htmx {
            assert_eq!(answer.status, 200);
            assert!(
                answer.body.contains("role=\"status\"") && answer.body.contains("Sync 1 stops"),
                "{}",
                answer.body
            );
        } else {
            assert_eq!((answer.status, answer.header("location")), (303, "/?done=cancel"));
            assert!(site.page("/?done=cancel").contains("The sync stops before its next call."));
        }
        assert_eq!(site.ended(site.latest()).status, RunStatus::Cancelled);
    }
}

#[test]
fn a_run_that_can_not_be_cancelled_from_here_is_said_so() {
    let site = Site::configured();
    let run = running(&site.store);
    let answer = site.submit("/", &format!("/sync/{run}/cancel"), &[], true);
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("started by another process"), "{}", answer.body);
    site.store.run_finish(run, RunStatus::Cancelled, None).unwrap();
    let html = site.page("/");
    let token = html.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = site.post(&format!("/sync/{run}/cancel"), &[("csrf", token)], false);
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("has already ended"), "{}", answer.body);
    assert_eq!(site.post("/sync/99/cancel", &[("csrf", token)], false).status, 404);
}

#[test]
fn only_a_running_sync_is_asked_for_again() {
    let site = Site::configured();
    assert!(!site.page("/").contains("/fragments/run"));
    let run = running(&site.store);
    let html = site.page("/");
    let polling = format!("hx-get=\"/fragments/run?run={run}&#38;step=fetch\" hx-trigger=\"every 2s\"");
    assert!(html.contains(&polling), "{html}");
    assert!(html.contains("<progress value=\"15\" max=\"100\""), "{html}");

    let same = site.fragment(&format!("/fragments/run?run={run}&step=fetch"));
    assert!(same.body.contains(&polling) && !same.body.contains("announce"), "{}", same.body);
    assert!(same.body.len() <= 3072, "{} bytes", same.body.len());
    let other = site.fragment(&format!("/fragments/run?run={run}&step="));
    assert!(
        other.body.contains("<p id=\"announce\" hx-swap-oob=\"innerHTML\">Fetch contacts</p>"),
        "{}",
        other.body
    );

    site.store.run_finish(run, RunStatus::Cancelled, None).unwrap();
    let last = site.fragment(&format!("/fragments/run?run={run}&step=fetch"));
    assert!(!last.body.contains("/fragments/run") && !last.body.contains("run-live"), "{}", last.body);
    assert_eq!(last.header("hx-reswap"), "none");
    for part in ["top", "setup", "run", "preview-hint", "last", "status", "figures", "history", "icon"] {
        assert!(last.body.contains(&format!(" id=\"{part}\"")), "{part} in {}", last.body);
    }
    assert_eq!(last.body.matches("hx-swap-oob=\"true\"").count(), 9, "{}", last.body);
    assert!(last.body.starts_with("<title>Cancelled - "), "{}", last.body);
    assert!(last.body.contains(&format!("Sync {run}: Cancelled</p>")), "{}", last.body);
    assert!(!site.page("/").contains("/fragments/run"));
}

#[test]
fn the_end_of_a_run_leaves_the_reader_on_the_page_of_the_history() {
    let site = Site::configured();
    for _ in 0..20 {
        failed(&site.store);
    }
    let run = running(&site.store);
    let html = site.page("/?page=2");
    assert!(html.contains("<input type=\"hidden\" id=\"history-page\" name=\"page\" value=\"2\">"), "{html}");
    assert!(html.contains("hx-swap=\"outerHTML\" hx-include=\"#history-page\""), "{html}");
    site.store.run_finish(run, RunStatus::Cancelled, None).unwrap();
    let last = site.fragment(&format!("/fragments/run?run={run}&step=fetch&page=2"));
    assert!(last.body.contains("aria-current=\"page\">Page 2 of 2<"), "{}", last.body);
}

#[test]
fn run_anyway_says_why_it_can_not_be_pressed() {
    let site = Site::with(FIVE, |fake| fake.missing = vec!["GHL_API_KEY"]);
    let run = running(&site.store);
    let remedy = format!("Press {}.", Failure::RUN_ANYWAY);
    let failure = Failure {
        step: Step::Fetch,
        message: "The list shrank.".into(),
        remedy,
        provider_code: None,
        trace_id: None,
    };
    site.store.run_finish(run, RunStatus::Failed, Some(&failure)).unwrap();
    let html = site.page("/");
    assert!(html.contains("disabled aria-describedby=\"run-anyway-blocked\">Run anyway"), "{html}");
    assert!(html.contains("id=\"run-anyway-blocked\">Not possible yet"), "{html}");
}

#[test]
fn a_page_that_follows_an_older_run_is_led_to_the_new_one() {
    let site = Site::configured();
    let old = successful(&site.store);
    let new = running(&site.store);
    let parts = site.fragment(&format!("/fragments/run?run={old}&step=save"));
    assert_eq!(parts.header("hx-reswap"), "none");
    assert!(
        parts.body.contains(&format!("/fragments/run?run={new}&#38;step=fetch\" hx-trigger")),
        "{}",
        parts.body
    );
    assert!(parts.body.contains(&format!("action=\"/sync/{new}/cancel\"")), "{}", parts.body);
}

#[test]
fn the_test_mail_arrives_and_is_confirmed_in_place() {
    let site = Site::new();
    let html = site.page("/");
    assert!(
        html.contains("<dd>sync@example.com</dd>") && html.contains("<dd>marketing@example.com</dd>"),
        "{html}"
    );
    let answer = site.submit("/", "/email/test", &[], false);
    assert_eq!((answer.status, answer.header("location")), (303, "/?done=mail#mail"));
    assert_eq!(site.sandbox.mails().all().len(), 1);
    assert!(site.page("/?done=mail").contains("The test message was sent."));
    let answer = site.submit("/", "/email/test", &[], true);
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("<section class=\"card\" id=\"mail\""), "{}", answer.body);
    assert!(answer.body.contains("The test e-mail to marketing@example.com was handed"), "{}", answer.body);
    assert_eq!(site.sandbox.mails().all().len(), 2);
}

#[test]
fn a_mail_that_was_not_sent_is_said_in_place() {
    let site = Site::new();
    site.sandbox.stop(Service::Smtp);
    for (htmx, status) in [(false, 502), (true, 422)] {
        let answer = site.submit("/", "/email/test", &[], htmx);
        assert_eq!(answer.status, status);
        let (_, card) = answer.body.split_once("id=\"mail\"").unwrap();
        assert!(card.contains("role=\"alert\"") && card.contains("SMTP_HOST"), "{card}");
    }
    let site = Site::with(crate::pages_site::FIVE, |fake| fake.mailer = None);
    let html = site.page("/");
    assert!(html.contains("E-mail is not set up") && !html.contains("action=\"/email/test\""), "{html}");
}

#[test]
fn a_test_message_is_told_for_both_channels_and_a_webhook_alone_is_not_called_e_mail() {
    let refused = || Err(domain::Explanation::new("NOTIFY_WEBHOOK_URL did not take it.", "Check it."));
    let told = |webhook, with_mail: bool, mail_server: bool| {
        let site = Site::with(FIVE, |fake| {
            fake.webhook = Some(webhook);
            if !with_mail {
                fake.mailer = None;
            }
        });
        if !mail_server {
            site.sandbox.stop(Service::Smtp);
        }
        let answer = site.submit("/", "/email/test", &[], true);
        (answer.status, answer.body)
    };
    let (status, card) = told(Ok(()), true, false);
    assert!(status == 422 && card.contains("SMTP_HOST"), "{card}");
    assert!(card.contains("A test message was posted to the webhook."), "{card}");
    let (status, card) = told(refused(), true, true);
    assert!(status == 422 && card.contains("did not take it. The test e-mail to marketing@"), "{card}");
    let (status, card) = told(refused(), true, false);
    assert!(status == 422 && card.contains("SMTP_HOST") && card.contains("did not take it."), "{card}");
    assert!(card.contains("The same is posted to the webhook") && card.contains(">Send test e-mail<"));
    let (status, card) = told(Ok(()), false, true);
    assert!(status == 200 && card.contains("A test message was posted to the webhook."), "{card}");
    assert!(card.contains("E-mail is not set up. How a sync ended is posted to the webhook"), "{card}");
    assert!(card.contains(">Send test message<") && !card.contains("The same"), "{card}");
}

#[test]
fn a_form_without_its_token_changes_nothing() {
    let site = Site::configured();
    site.page("/");
    let config = site.store.config_latest().unwrap();
    for path in [
        "/sync",
        "/sync/1/cancel",
        "/config",
        "/email/test",
        "/connections/test",
        "/connections/ghl/test",
        "/settings",
    ] {
        for fields in [&[][..], &[("csrf", "")], &[("csrf", "00")], &[("csrf", &"0".repeat(64))]] {
            for htmx in [false, true] {
                let answer = site.post(path, fields, htmx);
                assert_eq!(answer.status, 403, "{path} {fields:?}: {}", answer.body);
            }
        }
        assert_eq!(site.get(path, false).status, if path == "/settings" { 200 } else { 405 }, "{path}");
    }
    assert!(site.store.run_latest().unwrap().is_none());
    assert!(site.sandbox.mails().all().is_empty());
    assert_eq!(site.store.config_latest().unwrap(), config);
}

#[test]
fn words_of_a_provider_stay_text() {
    let site = Site::configured();
    let run = running(&site.store);
    let hostile = "<script>alert('1')</script>\" onclick=\"x";
    let failure = Failure {
        step: Step::Upload,
        message: hostile.into(),
        remedy: format!("Run anyway {hostile}"),
        provider_code: Some(hostile.into()),
        trace_id: Some(hostile.into()),
    };
    site.store.run_finish(run, RunStatus::Failed, Some(&failure)).unwrap();
    assert!(site.page("/").contains("&#60;script&#62;alert(&#39;1&#39;)"));
    let dialog = site.fragment(&format!("/sync/{run}")).body;
    assert!(!dialog.contains("<script") && dialog.contains("&#34; onclick=&#34;x"), "{dialog}");
}
