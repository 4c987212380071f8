//! The words of the mails.

use crate::runs::{at, context, failed, successful};
use domain::run::{LookalikeStatus, Matched, Trigger};
use mailer::{Expiry, LOOKALIKES_SETTLED, MailContext, OUTCOME, lookalike_unbuilt};

#[test]
fn the_success_mail_has_the_fields_of_the_contract() {
    let mail = mailer::success(&successful(), &context()).unwrap();
    assert_eq!(mail.subject, "✅ GHL Meta Sync Successful - 2026-11-21");
    assert_eq!(
        mail.text,
        "Sync completed successfully at 2026-11-21 01:03:04 (Europe/Berlin)

📊 Summary:
- Contacts Processed: 2357
- Contacts Matched by Meta: 1701 (73.6%)
- Custom Audience: GHL-HighValue-2026-11-21 (ID: 120211234567890123)
- Lookalike Audience: GHL-HighValue-2026-11-21-LAL-1% (ID: 120219876543210987)

Ad sets go on using the audience chosen in them. Choose the newest lookalike there, or set AUDIENCE_MODE=stable: then one audience is kept up to date.

🎯 Value Distribution:
- Top 10%: 232 contacts
- Middle 50%: 1164 contacts
- Bottom 40%: 931 contacts

🧾 Where every contact went:
- Sent to Meta: 2311
- Opted out: 12
- No lifetime value: 30
- Refused by Meta: 4
- In all: 2357

🔁 Changes: 31 contacts added, 4 removed since the last successful sync

View full details: https://sync.example.com/sync/7"
    );
    for part in
        ["<strong>1701 (73.6%)</strong>", "120219876543210987", "href=\"https://sync.example.com/sync/7\""]
    {
        assert!(mail.html.contains(part), "{part} in {}", mail.html);
    }
}

#[test]
fn ads_are_said_to_stay_on_their_audience_only_while_every_run_makes_one() {
    let told = |audience_per_run| {
        let mail = mailer::success(&successful(), &MailContext { audience_per_run, ..context() }).unwrap();
        [mail.text, mail.html].map(|part| part.contains("Ad sets go on using the audience chosen in them."))
    };
    assert_eq!([told(true), told(false)], [[true; 2], [false; 2]]);
}

#[test]
fn the_failure_mail_has_the_fields_of_the_contract() {
    let mail = mailer::failure(&failed(), &context()).unwrap();
    assert_eq!(mail.subject, "❌ GHL Meta Sync Failed - 2026-11-21");
    assert_eq!(
        mail.text,
        "Sync failed at 2026-11-21 01:03:04 (Europe/Berlin)

❌ Error: Meta refused the access token: “Session has expired”.

Failed at step: Upload to Meta

What to do: Make a new token in Business Settings and put it into META_ACCESS_TOKEN.

Details:
- Smart List: Tag: customer
- LTV Field: Lifetime Value
- Contacts Retrieved: 2357
- Provider Code: 190/463
- Trace ID: AbCdEf123

View logs: https://sync.example.com/sync/7

Please check the application and retry manually."
    );
    for part in ["Session has expired", "190/463", "AbCdEf123", "META_ACCESS_TOKEN"] {
        assert!(mail.html.contains(part), "{part} in {}", mail.html);
    }
}

#[test]
fn what_meta_did_not_report_reads_so() {
    let run = |matched| domain::Run { matched, ..successful() };
    let line = |matched| {
        let text = mailer::success(&run(matched), &context()).unwrap().text;
        text.lines().find(|line| line.contains("Matched")).unwrap().to_owned()
    };
    assert_eq!(line(Matched::default()), "- Contacts Matched by Meta: not reported by Meta");
    assert_eq!(
        line(Matched { exact: None, lower: Some(1100), upper: Some(1300) }),
        "- Contacts Matched by Meta: between 1100 and 1300 (between 47 % and 57 %)"
    );
}

#[test]
fn a_pending_or_refused_lookalike_is_explained() {
    let mut run = successful();
    run.lookalikes[0].id = None;
    run.lookalikes[0].status = LookalikeStatus::Pending;
    let pending = mailer::success(&run, &context()).unwrap();
    assert!(pending.text.contains("- Lookalike Audience: GHL-HighValue-2026-11-21-LAL-1% (pending)\n"));
    assert!(pending.text.contains("is pending: Meta has not finished matching"), "{}", pending.text);
    assert!(pending.html.contains("is pending: Meta has not finished matching"));

    run.lookalikes[0].status = LookalikeStatus::Failed;
    run.lookalikes[0].note = Some("The seed is too small (2654).".into());
    let refused = mailer::success(&run, &context()).unwrap();
    assert!(refused.text.contains("LAL-1% (not created)\n"));
    assert!(
        refused.text.contains("complete all the same. The seed is too small (2654)."),
        "{}",
        refused.text
    );
}

#[test]
fn the_lookalike_mail_tells_how_each_stands() {
    let mut run = successful();
    let mut second = run.lookalikes[0].clone();
    (second.country, second.ratio_percent) = ("CA".into(), 5);
    run.lookalikes.push(second);
    let done = mailer::lookalikes(&run, &context(), LOOKALIKES_SETTLED).unwrap();
    assert_eq!(done.subject, "✅ GHL Meta Sync Lookalike Finished - 2026-11-21");
    assert_eq!(
        done.text,
        "The sync that began at 2026-11-21 00:55:00 (Europe/Berlin) was complete but for its lookalikes, which Meta makes later. This is how they stand now:

- created: GHL-HighValue-2026-11-21-LAL-1% (ID: 120219876543210987), US, 1%
- created: GHL-HighValue-2026-11-21-LAL-1% (ID: 120219876543210987), CA, 5%

Custom Audience: GHL-HighValue-2026-11-21 (ID: 120211234567890123)

View full details: https://sync.example.com/sync/7"
    );
    run.lookalikes[1].id = None;
    run.lookalikes[1].status = LookalikeStatus::Failed;
    run.lookalikes[1].note = Some("<b>Source too small</b>\n- created: all".into());
    let failed = mailer::lookalikes(&run, &context(), LOOKALIKES_SETTLED).unwrap();
    assert_eq!(failed.subject, "❌ GHL Meta Sync Lookalike Failed - 2026-11-21");
    let line = "\n- failed: GHL-HighValue-2026-11-21-LAL-1% (not created), CA, 5%. <b>Source too small</b> - created: all\n";
    assert!(failed.text.contains(line), "{}", failed.text);
    assert!(
        failed.text.contains("\nWhat to do: see the reason above. A lookalike needs at least 100 people")
    );
    assert!(!failed.html.contains("<b>") && failed.html.contains("LOOKALIKE_COUNTRIES"), "{}", failed.html);
    for part in ["<li>created: ", "<li>failed: ", "href=\"https://sync.example.com/sync/7\""] {
        assert!(failed.html.contains(part), "{part} in {}", failed.html);
    }
    // An unbuilt one is told with the id it has at Meta, and as failed though another one still waits.
    run.lookalikes[1].id = Some("77".into());
    run.lookalikes[0].status = LookalikeStatus::Pending;
    let unbuilt = mailer::lookalikes(&run, &context(), &lookalike_unbuilt(1)).unwrap();
    assert_eq!(unbuilt.subject, failed.subject);
    assert!(unbuilt.text.contains("\n- still pending: "), "{}", unbuilt.text);
    assert!(unbuilt.text.contains("(ID: 77; of no use), CA, 5%"), "{}", unbuilt.text);
    // What settles all is told once, however it ends, and each unbuilt one for itself.
    let ids = [done.message_id, failed.message_id, unbuilt.message_id];
    let expected = ["lookalikes_settled", "lookalikes_settled", "lookalike_unbuilt_2"]
        .map(|kind| format!("<run-7-1795218900.{kind}.k3v9@ghl-meta-sync.invalid>"));
    assert_eq!(ids, expected);
}

#[test]
fn warnings_of_the_ranking_are_shown() {
    let mut run = successful();
    run.ranking.as_mut().unwrap().warnings.push("All values are equal, so everybody got rank 50.".into());
    let mail = mailer::success(&run, &context()).unwrap();
    assert!(mail.text.contains("⚠️ Please note:\n- All values are equal, so everybody got rank 50.\n"));
    assert!(mail.html.contains("<li>All values are equal, so everybody got rank 50.</li>"));
}

#[test]
fn a_run_that_came_to_nothing_invents_no_figure() {
    let mut run = successful();
    (run.audience, run.stats, run.changes, run.ranking, run.completed_at) = (None, None, None, None, None);
    run.lookalikes.clear();
    let text = mailer::success(&run, &context()).unwrap().text;
    assert!(
        text.starts_with("Sync completed successfully (started at 2026-11-21 00:55:00 (Europe/Berlin))\n")
    );
    assert!(text.contains("- Custom Audience: none\n- Lookalike Audience: none\n"), "{text}");
    assert!(!text.contains("Value Distribution") && !text.contains("Changes"), "{text}");

    run.failure = None;
    let text = mailer::failure(&run, &context()).unwrap().text;
    assert!(text.contains("❌ Error: No reason was recorded.\n"), "{text}");
    assert!(!text.contains("Failed at step"), "{text}");
}

#[test]
fn hostile_names_and_messages_stay_text() {
    let mut run = failed();
    run.config.list_name = "<script>alert(1)</script>\r\nBcc: victim@example.com".into();
    let failure = run.failure.as_mut().unwrap();
    failure.message = "<img src=x onerror=1>\n\nView logs: http://evil.example.com".into();
    failure.trace_id = Some("x".repeat(5000));
    let instance = MailContext { instance_name: Some("Acme\r\nBcc: x@example.com\"<b>".into()), ..context() };
    let mail = mailer::failure(&run, &instance).unwrap();
    assert_eq!(mail.subject, "❌ GHL Meta Sync Failed - 2026-11-21 (Acme Bcc: x@example.com\"<b>)");
    assert!(!mail.html.contains("<script") && !mail.html.contains("<img"), "{}", mail.html);
    assert!(mail.text.contains("- Smart List: <script>alert(1)</script> Bcc: victim@example.com\n"));
    assert_eq!(mail.text.matches("\nView logs: ").count(), 1, "a message can not forge a line");
    assert!(mail.text.len() < 2000, "long texts are capped");
}

#[test]
fn without_a_public_address_the_mail_says_where_its_link_works() {
    let local =
        MailContext { public_url: "http://localhost:9876".into(), public_url_is_set: false, ..context() };
    let mails = [
        (mailer::success(&successful(), &local).unwrap(), "http://localhost:9876/sync/7"),
        (mailer::failure(&failed(), &local).unwrap(), "http://localhost:9876/sync/7"),
        (mailer::test(&local, at("2026-11-21T00:00:00Z")).unwrap(), "http://localhost:9876"),
    ];
    for (mail, link) in mails {
        assert!(
            mail.text.contains(&format!("{link}\n(This link works only on the computer")),
            "{}",
            mail.text
        );
        assert!(mail.html.contains("Set PUBLIC_URL"), "{}", mail.html);
    }
    assert!(!mailer::success(&successful(), &context()).unwrap().text.contains("PUBLIC_URL"));
}

#[test]
fn the_same_mail_about_the_same_run_always_has_the_same_id() {
    let id = mailer::success(&successful(), &context()).unwrap().message_id;
    assert_eq!(id, "<run-7-1795218900.outcome.k3v9@ghl-meta-sync.invalid>");
    let of = |run: &domain::Run| mailer::message_id(&context(), run, OUTCOME);
    assert_eq!(id, of(&successful()));
    assert_ne!(id, of(&domain::Run { id: domain::RunId(8), ..successful() }));
    let again = domain::Run { started_at: at("2026-11-22T23:55:00Z"), ..successful() };
    assert_ne!(id, of(&again), "run 7 of a database that was restored");
    let tagged = MailContext { instance_tag: "a\r\nBcc: b@c>".into(), ..context() };
    assert_eq!(
        mailer::success(&successful(), &tagged).unwrap().message_id,
        "<run-7-1795218900.outcome.aBccbc@ghl-meta-sync.invalid>"
    );
    let (one, other) = (at("2026-11-21T00:00:00Z"), at("2026-11-21T00:00:01Z"));
    let test = |now| mailer::test(&context(), now).unwrap().message_id;
    assert_ne!(test(one), test(other), "a second test mail is not folded into the first");
}

#[test]
fn the_test_mail_names_instance_and_time() {
    let named = MailContext { instance_name: Some("Acme".into()), ..context() };
    let mail = mailer::test(&named, at("2026-07-01T10:00:00Z")).unwrap();
    assert_eq!(mail.subject, "GHL Meta Sync test e-mail - 2026-07-01 (Acme)");
    assert!(mail.text.starts_with("This is a test e-mail, sent at 2026-07-01 12:00:00 (Europe/Berlin).\n"));
}

#[test]
fn a_made_up_run_says_so_and_which_moment_was_missed() {
    let made_up = |run| domain::Run { trigger: Trigger::MadeUp, ..run };
    let told = "This sync was made up: the service was not running at 2026-11-21 00:55:00 (Europe/Berlin), when it was due.";
    let mails = [
        mailer::success(&made_up(successful()), &context()),
        mailer::failure(&made_up(failed()), &context()),
    ];
    for mail in mails {
        let mail = mail.unwrap();
        let beginning: Vec<&str> = mail.text.lines().take(4).collect();
        assert_eq!((beginning[1], beginning[2], beginning[3]), ("", told, ""), "{}", mail.text);
        assert!(mail.html.contains(&format!("<p>{told}</p>")), "{}", mail.html);
    }
    assert!(!mailer::success(&successful(), &context()).unwrap().text.contains("made up"));
}

#[test]
fn what_ends_soon_is_told_with_the_day_and_the_way_out() {
    let on = "2026-12-05".parse().unwrap();
    let token = mailer::expiry(&Expiry::MetaToken { on }, &context()).unwrap();
    assert_eq!(token.subject, "⚠️ GHL Meta Sync: Meta Token Expires - 2026-12-05");
    assert_eq!(
        token.text,
        "The Meta access token (META_ACCESS_TOKEN) expires on 2026-12-05 (UTC). From then on every sync fails.

What to do: create a new token at https://business.facebook.com/settings/system-users, set it as META_ACCESS_TOKEN and start the service again. A system user's token need not expire.

Connections: https://sync.example.com/connections"
    );
    assert_eq!(token.message_id, "<meta-token-2026-12-05.k3v9@ghl-meta-sync.invalid>");
    let hostile = "claude-<b>\r\nBcc: x@example.com";
    let model = mailer::expiry(&Expiry::ClaudeModel { model: hostile.into(), on }, &context()).unwrap();
    assert_eq!(model.subject, "⚠️ GHL Meta Sync: Claude Model Retires - 2026-12-05");
    assert!(model.text.starts_with(
        "Anthropic retires the Claude model claude-<b> Bcc: x@example.com (CLAUDE_MODEL) on 2026-12-05 (UTC)."
    ));
    assert!(!model.html.contains("<b>") && model.html.contains("CLAUDE_MODEL"), "{}", model.html);
    assert_eq!(
        model.message_id,
        "<claude-model-claude--b---Bcc--x-example-com-2026-12-05.k3v9@ghl-meta-sync.invalid>"
    );
}
