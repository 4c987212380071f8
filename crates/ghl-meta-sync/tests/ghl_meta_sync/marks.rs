//! Personal data and secrets reach the vendors they belong to and nothing else: no log at DEBUG, no error, no output.

use crate::account::header;
use crate::instance::{Instance, Outcome, run};
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use std::fmt::Write;

/// One unlikely word per personal field; the numbers are from the reserved range.
const FIRST: &str = "Qzfirstname";
const LAST: &str = "Qzlastname";
const EMAIL: &str = "qzmailbox";
const CITY: &str = "Qzcity";
const ZIP: &str = "62709";
const STREET: &str = "Qzstreet";
const FURTHER_EMAIL: &str = "qzsecondmailbox";
const FURTHER_PHONE: &str = "5559998";
const BIRTHDAY: &str = "1987-06-05";
const TAG: &str = "qztag";
const CUSTOM_TEXT: &str = "Qzcustomtext";
const ID: &str = "qzid";
const NOTE: &str = "qzgarbagevalue";
const GHL_TOKEN: &str = "pit-5ec7e7aa-0000-4000-8000-00000000ab5e";
const META_TOKEN: &str = "EAABmarkedmetatoken0123456789";
const APP_SECRET: &str = "markedappsecret0123456789abcdef0";
const CLAUDE_KEY: &str = "sk-ant-markedclaudekey-0123456789";
const SMTP_PASSWORD: &str = "markedsmtppassword";

/// 400 contacts with a mark in every field a person fills, and one whose lifetime value is a mark too.
fn contacts() -> String {
    let columns = "additional_emails,additional_phones,address,date_of_birth,tags,notes_value";
    let mut csv = format!("{},{columns}\n", header().trim_end());
    let mut person = |number: u32, value: &str, expected: &str, bucket: &str| {
        let (area, line) = (201 + number / 100, 100 + number % 100);
        writeln!(
            csv,
            "{ID}{number:05},{FIRST}{number},{LAST}{number},{EMAIL}{number}@example.com,({area}) 555-0{line},+1{area}5550{line},{CITY},IL,{ZIP},US,{value},{expected},{bucket},{FURTHER_EMAIL}{number}@example.com,+1201{FURTHER_PHONE},{STREET} {number},{BIRTHDAY},{TAG}{number},{CUSTOM_TEXT} {number}"
        )
        .unwrap();
    };
    for number in 0..400 {
        let value = format!("{number}.25");
        person(number, &value, &value, "ok");
    }
    person(400, NOTE, "", "bad_ltv");
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
        STREET,
        FURTHER_EMAIL,
        FURTHER_PHONE,
        BIRTHDAY,
        TAG,
        CUSTOM_TEXT,
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
}

/// What GoHighLevel says of the first contacts.
fn contacts_at_ghl(instance: &Instance) -> String {
    let search = json!({"locationId": instance.value("GHL_LOCATION_ID"), "pageLimit": 20});
    let mut reply = ureq::post(format!("{}/contacts/search", instance.value("GHL_BASE_URL")))
        .header("Authorization", format!("Bearer {GHL_TOKEN}"))
        .header("Version", "2021-07-28")
        .header("Content-Type", "application/json")
        .send(search.to_string())
        .unwrap();
    reply.body_mut().read_to_string().unwrap()
}

#[test]
fn only_numbers_go_to_claude_whatever_it_is_asked() {
    let instance = marked();
    let marks =
        [FIRST, LAST, EMAIL, CITY, ZIP, STREET, FURTHER_EMAIL, FURTHER_PHONE, BIRTHDAY, TAG, CUSTOM_TEXT, ID];
    let planted = contacts_at_ghl(&instance).to_lowercase();
    for mark in marks {
        assert!(planted.contains(&mark.to_lowercase()), "no contact holds `{mark}`");
    }
    // A right answer, one that is quoted back, one that is cut off, settings that are refused, and a run that fails.
    for (mode, code) in
        [("good", 0), ("reversed", 0), ("prose", 0), ("max_tokens", 0), ("hostile_note", 0), ("refusal", 1)]
    {
        instance.tell("/control/claude/mode", &json!({"mode": mode}));
        instance.sync(&[]).expect(code);
    }
    let refused =
        json!({"type": "error", "error": {"type": "invalid_request_error", "message": "output_config"}});
    let effect = Effect::Status { status: 400, body: refused.to_string(), headers: Vec::new() };
    instance.sandbox.faults().add(Fault::new(Service::Claude, effect));
    assert_eq!(run(instance.program("preview")).code, Some(0));
    let mut check = instance.program("check");
    check.arg("claude");
    run(check).expect(0);

    let asked = instance.sandbox.record().entries(Service::Claude);
    let questions = asked.iter().filter(|call| call.method == "POST").count();
    assert_eq!(questions, 6 + 3 + 2, "three more for what was not good at once, two for the preview");
    assert_eq!(
        asked.len() - questions,
        6 + 1,
        "each process looks once whether the model retires, one checks it"
    );
    for call in asked {
        let everything = format!("{} {:?} {}", call.path, call.headers, call.body).to_lowercase();
        for mark in
            marks.into_iter().chain([NOTE, "555-01", "@example.com", GHL_TOKEN, META_TOKEN, SMTP_PASSWORD])
        {
            assert!(!everything.contains(&mark.to_lowercase()), "Claude received `{mark}`");
        }
        if call.method == "POST" {
            assert_numbers(&call.body);
        }
    }
}

/// The question is the fixed text and rows of numbers; a correction repeats Claude's own answer below.
fn assert_numbers(body: &str) {
    let body: Value = serde_json::from_str(body).unwrap();
    let question = body["messages"][0]["content"].as_str().unwrap();
    let question = question.split("\n\nYour previous answer was:\n").next().unwrap();
    let (words, table) = question.split_once('\n').unwrap();
    assert!(words.starts_with("n=400 customers, 101 rows, ascending."), "{words}");
    assert_eq!(table.lines().count(), 101);
    let is_of_numbers = |c: char| c.is_ascii_digit() || ",.-\n".contains(c);
    assert!(table.chars().all(is_of_numbers), "{table}");
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
