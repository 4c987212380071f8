//! Personal data and secrets reach the vendors they belong to and nothing else: no log at DEBUG, no error, no output.

use crate::account::header;
use crate::instance::{Instance, Outcome};
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use std::fmt::Write;

/// One unlikely word per personal field; the numbers are from the reserved range.
const FIRST: &str = "Qzfirstname";
const LAST: &str = "Qzlastname";
const EMAIL: &str = "qzmailbox";
const CITY: &str = "Qzcity";
const ZIP: &str = "62709";
const NOTE: &str = "qzgarbagevalue";
const GHL_TOKEN: &str = "pit-5ec7e7aa-0000-4000-8000-00000000ab5e";
const META_TOKEN: &str = "EAABmarkedmetatoken0123456789";
const APP_SECRET: &str = "markedappsecret0123456789abcdef0";
const CLAUDE_KEY: &str = "sk-ant-markedclaudekey-0123456789";
const SMTP_PASSWORD: &str = "markedsmtppassword";

fn contacts() -> String {
    let mut csv = header();
    for number in 0..400 {
        let (area, line) = (201 + number / 100, 100 + number % 100);
        writeln!(
            csv,
            "c{number:05},{FIRST}{number},{LAST}{number},{EMAIL}{number}@example.com,({area}) 555-0{line},+1{area}5550{line},{CITY},IL,{ZIP},US,{number}.25,{number}.25,ok"
        )
        .unwrap();
    }
    writeln!(csv, "c90000,{FIRST},{LAST},{EMAIL}@example.com,(301) 555-0100,+13015550100,{CITY},IL,{ZIP},US,{NOTE},,bad_ltv").unwrap();
    csv
}

fn marked() -> Instance {
    let mut instance = Instance::with(Contacts::CsvText(contacts()), |settings| {
        settings.ghl.token = GHL_TOKEN.to_owned();
        settings.meta.access_token = META_TOKEN.to_owned();
        settings.meta.app_secret = Some(APP_SECRET.to_owned());
        settings.claude.key = CLAUDE_KEY.to_owned();
        settings.smtp.login = Some(("markeduser".to_owned(), SMTP_PASSWORD.to_owned()));
    });
    instance
        .set("META_APP_SECRET", APP_SECRET)
        .set("SMTP_USERNAME", "markeduser")
        .set("SMTP_PASSWORD", SMTP_PASSWORD);
    instance
}

/// Nothing that leaves the program for people holds a mark.
fn assert_no_mark(instance: &Instance, outcome: &Outcome) {
    let run = instance.store().run_latest().unwrap();
    let mails: String = instance.sandbox.mails().all().into_iter().map(|mail| mail.raw).collect();
    let log = instance.log();
    assert!(log.contains("DEBUG") && log.len() > 1000, "the log is written at DEBUG");
    let places = [
        ("the log", log),
        ("standard output", outcome.stdout.clone()),
        ("standard error", outcome.stderr.clone()),
        ("the stored run", format!("{run:?}")),
        ("the mails", mails),
    ];
    let marks = [
        FIRST,
        LAST,
        EMAIL,
        CITY,
        ZIP,
        NOTE,
        GHL_TOKEN,
        META_TOKEN,
        APP_SECRET,
        CLAUDE_KEY,
        SMTP_PASSWORD,
        "555-01",
        "2015550",
    ];
    for (place, text) in &places {
        let text = text.to_lowercase();
        for mark in marks {
            assert!(!text.contains(&mark.to_lowercase()), "{place} holds `{mark}`");
        }
    }
}

#[test]
fn a_whole_run_leaves_no_mark_although_the_vendors_received_them() {
    let instance = marked();
    let outcome = instance.sync(&[]).expect(0);
    let run = instance.last_run();
    let seen = instance.verification(&run.audience.as_ref().unwrap().id);
    assert_eq!((&seen["distinct_persons"], &seen["missing_count"]), (&400.into(), &0.into()), "{seen}");
    let headers = |service| format!("{:?}", instance.sandbox.record().entries(service));
    assert!(headers(Service::Ghl).contains(GHL_TOKEN));
    assert!(headers(Service::Claude).contains(CLAUDE_KEY));
    assert!(headers(Service::Meta).contains(META_TOKEN));
    assert_no_mark(&instance, &outcome);
    // Claude sees numbers only.
    let asked = headers(Service::Claude).to_lowercase();
    for mark in [FIRST, LAST, EMAIL, CITY, NOTE] {
        assert!(!asked.contains(&mark.to_lowercase()), "Claude received {mark}");
    }
}

#[test]
fn failing_runs_leave_no_mark_even_when_the_vendor_echoes_what_it_was_sent() {
    let echo_meta = format!(
        r#"{{"error":{{"message":"Invalid OAuth access token {META_TOKEN}","code":190,"error_subcode":463,"error_user_msg":"token {META_TOKEN} of {EMAIL}1@example.com","fbtrace_id":"T"}}}}"#
    );
    let echo_ghl =
        format!(r#"{{"statusCode":401,"message":"Invalid token: {GHL_TOKEN} of {EMAIL}1@example.com"}}"#);
    let echo_claude = format!(
        r#"{{"type":"error","error":{{"type":"authentication_error","message":"invalid x-api-key {CLAUDE_KEY}"}},"request_id":"req_1"}}"#
    );
    for (service, path, code, body) in [
        (Service::Meta, "/customaudiences", 400, &echo_meta),
        (Service::Meta, "/users", 400, &echo_meta),
        (Service::Ghl, "/contacts/search", 401, &echo_ghl),
        (Service::Claude, "/v1/messages", 401, &echo_claude),
    ] {
        let instance = marked();
        let effect = Effect::Status { status: code, body: body.clone(), headers: Vec::new() };
        let mut fault = Fault::new(service, effect);
        (fault.path_contains, fault.times) = (Some(path.to_owned()), 1000);
        instance.sandbox.faults().add(fault);
        let outcome = instance.sync(&[]).expect(1);
        assert_no_mark(&instance, &outcome);
    }
}
