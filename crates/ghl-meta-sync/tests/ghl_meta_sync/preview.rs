//! `preview`: the same figures as the sync that follows, and nothing sent, stored or shown of anybody.

use crate::account::{header, row};
use crate::crash::later;
use crate::instance::{Database, Instance, Outcome, on_both_databases, run, signal};
use chrono::TimeDelta;
use domain::{Bucket, Cancel};
use sandbox::faults::{Effect, Fault};
use sandbox::{Contacts, Service};
use serde_json::json;
use std::process::Stdio;
use sync::Reach;

const MESSY: &str = include_str!("../../../match-keys/tests/data/contacts_messy.csv");

on_both_databases!(a_preview_sends_nothing_and_counts_what_the_next_sync_counts,);

pub fn preview(instance: &Instance) -> Outcome {
    run(instance.program("preview"))
}

/// The number at the start of the one line that ends with these words.
fn figure(outcome: &Outcome, words: &str) -> u64 {
    let line = outcome.stdout.lines().find(|line| line.trim_end().ends_with(words));
    let line = line.unwrap_or_else(|| panic!("no line ends with `{words}`:\n{}", outcome.stdout));
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Filled, usable and dropped of one match key.
pub fn column(outcome: &Outcome, title: &str) -> [u64; 3] {
    let start = format!("  {title} ");
    let line = outcome.stdout.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("no column `{title}`:\n{}", outcome.stdout));
    let numbers: Vec<u64> =
        line[start.len()..].split_whitespace().take(3).map(|word| word.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// No working file is left, and no run is recorded.
fn assert_nothing_is_left(instance: &Instance) {
    let spool = instance.folder().join("data/spool");
    let left = std::fs::read_dir(&spool).map_or(0, Iterator::count);
    assert_eq!(left, 0, "working files are left");
    assert_eq!(instance.store().run_latest().unwrap(), None);
}

fn a_preview_sends_nothing_and_counts_what_the_next_sync_counts(database: Database) {
    let instance = Instance::with(Contacts::CsvText(MESSY.to_owned()), |_| {}).with_database(database);
    let outcome = preview(&instance).expect(0);
    assert_eq!(instance.sandbox.record().count(Service::Meta), 0, "Meta was called");
    assert!(instance.sandbox.mails().all().is_empty());
    assert!(instance.sandbox.record().count(Service::Claude) > 0, "Claude is asked");
    assert_nothing_is_left(&instance);

    instance.sync(&[]).expect(0);
    let synced = instance.last_run();
    let account = synced.accounting;
    assert_eq!(figure(&outcome, "contacts read, and where each of them would end:"), account.fetched);
    assert_eq!(figure(&outcome, "Would be sent to Meta"), account.sent);
    for (bucket, count) in account.buckets() {
        if bucket != Bucket::Sent && count > 0 {
            assert_eq!(figure(&outcome, bucket.title()), count);
        }
    }
    let stats = synced.stats.unwrap();
    let (top, middle, bottom) = (stats.top, stats.middle, stats.bottom);
    for words in [
        format!("{} lifetime values from {} to {}", stats.count, stats.min.grouped(), stats.max.grouped()),
        format!("top 10%: {top}   middle: {middle}   bottom 40%: {bottom}"),
        "Ranked by: Claude (claude-sonnet-5-5), every rank checked".to_owned(),
        format!("{} rows would be sent: one for each contact, 0 more", account.sent),
    ] {
        assert!(outcome.stdout.contains(&words), "`{words}` is missing:\n{}", outcome.stdout);
    }
}

#[test]
fn nothing_of_a_person_is_printed_or_logged() {
    let instance = Instance::with(Contacts::CsvText(MESSY.to_owned()), |_| {});
    let outcome = preview(&instance).expect(0);
    let shown = format!("{}{}{}", outcome.stdout, outcome.stderr, instance.log()).to_lowercase();
    let mut checked = 0;
    for person in instance.sandbox.population().people() {
        for text in [person.email_truth, person.phone_truth_digits, person.id.to_lowercase()] {
            assert!(text.is_empty() || !shown.contains(&text), "`{text}` is shown");
            checked += u32::from(!text.is_empty());
        }
    }
    assert!(checked > 10_000);
}

#[test]
fn every_column_tells_what_is_filled_usable_and_dropped_and_why() {
    let mut csv = header();
    for number in 0..120 {
        csv.push_str(&row(number, "20.00", "20.00", "ok"));
    }
    let bad_phone = row(120, "5.00", "5.00", "ok").replace("(202) 555-0120", "12");
    let placeholder = row(121, "6.00", "6.00", "ok").replace("ann121@example.com", "test@test.com");
    let blank_city = row(122, "7.00", "7.00", "ok").replace("Springfield", "");
    let instance = Instance::with(Contacts::CsvText(csv + &bad_phone + &placeholder + &blank_city), |_| {});
    let outcome = preview(&instance).expect(0);
    assert_eq!(column(&outcome, "Phone"), [123, 122, 1]);
    assert_eq!(column(&outcome, "E-mail"), [123, 122, 1]);
    assert_eq!(column(&outcome, "City"), [122, 122, 0]);
    assert_eq!(column(&outcome, "Country"), [123, 123, 0]);
    for reason in ["1 not a possible phone number", "1 a placeholder, not a real value"] {
        assert!(outcome.stdout.contains(reason), "{}", outcome.stdout);
    }
    let reach = "Lookalike in US: not in reach. 123 contacts of that country would be sent;";
    assert!(outcome.stdout.contains(reach), "{}", outcome.stdout);
}

#[test]
fn a_lookalike_that_can_not_be_reached_is_told_before_anything_is_sent() {
    let csv = (0..50).fold(header(), |csv, number| csv + &row(number, &format!("{number}.00"), "1.00", "ok"));
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {});
    instance.set("LOOKALIKE_COUNTRIES", "US,CA");
    let outcome = preview(&instance).expect(0);
    for words in [
        "Lookalike in US: not in reach. 50 contacts of that country",
        "Lookalike in CA: not in reach. 0 contacts of that country",
    ] {
        assert!(outcome.stdout.contains(words), "{}", outcome.stdout);
    }
    assert_eq!(instance.sandbox.record().count(Service::Meta), 0);
}

#[test]
fn what_would_stop_the_sync_is_told_with_the_counts_and_without_asking_claude() {
    let csv = header() + &row(1, "", "", "no_ltv") + &row(2, "TBD", "", "bad_ltv");
    let instance = Instance::with(Contacts::CsvText(csv), |_| {});
    let outcome = preview(&instance).expect(1).names(&["A sync would stop here", "GHL_LTV_FIELD"]);
    assert_eq!(figure(&outcome, Bucket::NoLtv.title()), 1);
    assert_eq!(column(&outcome, "E-mail"), [2, 2, 0]);
    assert_eq!(instance.sandbox.record().count(Service::Claude), 0);
    assert_nothing_is_left(&instance);

    let instance = Instance::with(Contacts::CsvText(header()), |_| {});
    preview(&instance).expect(1).names(&["no contacts", "GHL_SMART_LIST_ID"]);

    let mut instance = Instance::start();
    instance.sync(&[]).expect(0);
    let calls = instance.sandbox.record().count(Service::Meta);
    let outcome = preview(&instance).expect(0);
    assert!(outcome.stdout.contains("Matched by Meta at the last sync: 7"), "{}", outcome.stdout);
    instance.set("LTV_MIN", "100");
    preview(&instance).expect(1).names(&["Only ", "--accept-smaller-list"]);
    assert_eq!(instance.sandbox.record().count(Service::Meta), calls);
    assert_eq!(instance.store().run_list(1, 10).unwrap().total, 1);
}

#[test]
fn a_preview_with_local_ranks_needs_no_claude() {
    let mut instance = Instance::start();
    instance.set("NORMALIZER", "local").unset("CLAUDE_API_KEY");
    let outcome = preview(&instance).expect(0);
    assert!(outcome.stdout.contains("Ranked by: Calculated on this computer"), "{}", outcome.stdout);
    assert_eq!(instance.sandbox.record().count(Service::Claude), 0);
}

#[test]
fn a_failed_preview_is_told_and_leaves_no_working_files() {
    let mut instance = Instance::start();
    instance.set("CLAUDE_API_KEY", "sk-ant-wrong");
    preview(&instance).expect(1).names(&["The preview failed", "CLAUDE_API_KEY"]);
    assert_nothing_is_left(&instance);

    let instance = Instance::start();
    let body = r#"{"statusCode":401,"message":"The token is not authorized for this scope."}"#;
    let refused = Effect::Status { status: 401, body: body.to_owned(), headers: Vec::new() };
    instance
        .sandbox
        .faults()
        .add(Fault::new(Service::Ghl, refused).on_method("POST").on_path("/contacts/search").after(1));
    preview(&instance).expect(1).names(&["The preview failed", "contacts.readonly"]);
    assert_nothing_is_left(&instance);
}

#[test]
fn what_a_sync_could_not_begin_with_a_preview_can_not_either() {
    let mut instance = Instance::start();
    instance.unset("META_ACCESS_TOKEN");
    preview(&instance).expect(2).names(&["META_ACCESS_TOKEN"]);
    let mut instance = Instance::start();
    instance.set("GHL_LTV_FIELD", "contact.no_such_field");
    preview(&instance).expect(2).names(&["contact.no_such_field", "GHL_LTV_FIELD"]);
    instance.set("GHL_API_KEY", "pit-00000000-0000-4000-8000-000000000000");
    preview(&instance).expect(1).names(&["GHL_API_KEY"]);
    instance.unset("GHL_LTV_FIELD");
    preview(&instance).expect(2).names(&["GHL_LTV_FIELD"]);
    instance.set("TZ", "Mars");
    preview(&instance).expect(2).names(&["TZ"]);
}

#[test]
fn previews_and_a_sync_at_once_do_not_disturb_each_other() {
    let instance = Instance::start();
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let running: Vec<_> = ["preview", "sync", "preview", "preview"]
            .into_iter()
            .map(|command| scope.spawn(|| run(instance.program(command))))
            .collect();
        running.into_iter().map(|command| command.join().unwrap()).collect()
    });
    for outcome in outcomes {
        outcome.expect(0);
    }
    let run = instance.last_run();
    assert_eq!(instance.store().run_list(1, 10).unwrap().total, 1);
    let seen = instance.verification(&run.audience.unwrap().id);
    assert_eq!((&seen["missing_count"], &seen["wrong_value_count"]), (&json!(0), &json!(0)));
    assert_eq!(std::fs::read_dir(instance.folder().join("data/spool")).map_or(0, Iterator::count), 0);
}

#[test]
fn ctrl_c_ends_a_preview_and_leaves_no_working_files() {
    let instance = Instance::start();
    let slow = Fault::new(Service::Ghl, Effect::Delay { millis: 3000 });
    instance.sandbox.faults().add(slow.on_method("POST").on_path("/contacts/search").after(1));
    let child = instance.program("preview").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let spool = instance.folder().join("data/spool");
    let searched = || {
        let entries = instance.sandbox.record().entries(Service::Ghl);
        entries.iter().any(|entry| entry.path.contains("/contacts/search"))
    };
    instance.wait_until(searched);
    assert_eq!(std::fs::read_dir(&spool).unwrap().count(), 1);
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim(), "The preview was cancelled.");
    assert_nothing_is_left(&instance);
}

#[test]
fn further_rows_and_birthdays_are_counted_only_where_there_are_any() {
    let previewed = |csv: String| {
        let instance = Instance::with(Contacts::CsvText(csv), |_| {});
        let service = later(&instance, TimeDelta::zero());
        let config = service.resolve(Some("all"), Some("contact.lifetime_value")).unwrap();
        service.preview(&config, &Cancel::new(), &|_, _, _| {}).unwrap()
    };
    let plain: Vec<String> = (0..140).map(|number| row(number, "7.00", "7.00", "ok")).collect();
    let preview = previewed(header() + &plain.concat());
    assert_eq!((preview.further_rows, preview.columns.len()), (0, 8));
    let reach = &preview.lookalike_reach[0];
    assert_eq!((reach.usable, reach.verdict), (140, Reach::NotInReach));

    let head = header().replace('\n', ",additional_emails,additional_phones,date_of_birth\n");
    let rich = |(number, line): (usize, &String)| {
        let more = match number {
            0 => "ann.two@example.com;ann.three@example.com;no-address,,1990-02-30",
            1 => ",(202) 555-0199,1990-02-28",
            2 => "ann2@example.com,,",
            _ => ",,",
        };
        format!("{},{more}\n", line.trim_end())
    };
    let many = plain.iter().enumerate().map(rich).collect::<String>();
    let preview = previewed(head + &many);
    assert_eq!(preview.further_rows, 3, "two addresses of the first and a number of the second contact");
    let year = preview.columns.iter().find(|column| column.field.title() == "Year of birth").unwrap();
    assert_eq!((year.filled, year.usable), (2, 1));
    assert_eq!(preview.columns.len(), 11);
}
