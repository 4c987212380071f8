//! Birthdays, further addresses, people who opt out, and values in proportion: what of each person arrives at Meta.

use crate::account::{MESSY, header, row};
use crate::crash::{later, received};
use crate::instance::{Database, Instance, on_both_databases};
use crate::preview::{column, preview};
use crate::serve::Served;
use chrono::TimeDelta;
use domain::run::RunStatus;
use match_keys::hash;
use sandbox::faults::{Effect, Fault, MetaError};
use sandbox::{Contacts, Service};
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_databases!(
    birthdays_are_sent_when_the_list_has_any,
    who_is_known_by_a_further_address_or_number_only_is_matched,
    who_opts_out_is_removed_from_all_lists_once,
    an_opt_out_that_meta_does_not_take_waits_for_the_follow_up,
    values_in_proportion_follow_a_change_in_a_stable_audience,
    a_stable_audience_of_messy_contacts_matches_everybody_again,
);

/// The first eight match keys and the value.
const PLAIN: [&str; 9] = ["EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY", "LOOKALIKE_VALUE"];
const BIRTHDAY: [&str; 12] =
    ["EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY", "DOBY", "DOBM", "DOBD", "LOOKALIKE_VALUE"];

/// That many plain contacts, worth as many dollars as their number, with further columns.
pub fn people(count: u32, columns: &str, cells: impl Fn(u32) -> String) -> String {
    let mut csv = header().replace('\n', &format!(",{columns}\n"));
    for number in 0..count {
        let value = format!("{number}.00");
        csv.push_str(&row(number, &value, &value, "ok").replace('\n', &format!(",{}\n", cells(number))));
    }
    csv
}

/// An installation with these contacts, ranked without Claude.
pub fn installed(csv: String, database: Database) -> Instance {
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {}).with_database(database);
    instance.set("NORMALIZER", "local");
    instance
}

/// The address of a plain contact.
pub fn address(number: u32) -> String {
    format!("ann{number}@example.com")
}

/// A hash as the sandbox shows it.
pub fn key(truth: &str) -> String {
    hash(truth).unwrap().to_string()[..32].to_owned()
}

/// The audience of the last run.
pub fn audience(instance: &Instance) -> String {
    instance.last_run().audience.unwrap().id
}

/// Every row of an audience: e-mail, phone, value, limited data use, session.
pub fn members(instance: &Instance, audience: &str) -> Vec<Value> {
    let path = format!("/control/meta/audiences/{audience}/members?limit=100000");
    instance.control(&path)["members"].as_array().unwrap().clone()
}

/// Whether any row of an audience has the e-mail address.
pub fn holds(instance: &Instance, audience: &str, address: &str) -> bool {
    members(instance, audience).iter().any(|member| member[0] == key(address))
}

/// The columns of each upload, in the order of the calls.
pub fn schemas(instance: &Instance) -> Vec<Vec<String>> {
    let calls = instance.sandbox.record().entries(Service::Meta);
    let uploads = calls.iter().filter(|call| call.path.contains("/users"));
    uploads
        .map(|call| {
            let (_, rest) = call.body.split_once("\"schema\":").unwrap();
            serde_json::from_str(&rest[..=rest.find(']').unwrap()]).unwrap()
        })
        .collect()
}

/// The cells of the person's row in the first upload.
fn first_cells(instance: &Instance, address: &str) -> Vec<Value> {
    let calls = instance.sandbox.record().entries(Service::Meta);
    let body = &calls.iter().find(|call| call.path.contains("/users")).unwrap().body;
    let start = body.find(&format!("[\"{}\"", hash(address).unwrap())).unwrap();
    serde_json::from_str(&body[start..=start + body[start..].find(']').unwrap()]).unwrap()
}

fn birthdays_are_sent_when_the_list_has_any(database: Database) {
    // Written, given in milliseconds, missing, and in no calendar; the first half has none at all.
    let birthday = |number| match number % 4 {
        _ if number < 60 => ",old".to_owned(),
        0 => "1990-01-31,".to_owned(),
        1 => "633744000000,".to_owned(),
        2 => ",".to_owned(),
        _ => "1990-02-31,".to_owned(),
    };
    let mut instance = installed(people(120, "date_of_birth,tags", birthday), database);
    instance.set("AUDIENCE_MODE", "stable");
    let shown = preview(&instance).expect(0);
    for part in ["Year of birth", "Month of birth", "Day of birth"] {
        assert_eq!(column(&shown, part), [45, 30, 15], "{part}");
    }
    instance.sync(&[]).expect(0);
    assert_eq!(schemas(&instance), [BIRTHDAY]);
    for (number, date) in
        [(60, ["1990", "01", "31"]), (61, ["1990", "01", "31"]), (62, [""; 3]), (63, [""; 3])]
    {
        let cells = first_cells(&instance, &address(number));
        let expected = date.map(|part| hash(part).map(|hash| hash.to_string()).unwrap_or_default());
        assert_eq!(cells[8..11], expected.map(Value::from), "{number}");
        assert_eq!(cells.len(), BIRTHDAY.len());
    }
    // Its columns are those of the audience for ever, whoever is in the list.
    instance.set("GHL_SMART_LIST_ID", "tag:old");
    let shown = preview(&instance).expect(0);
    assert!(!shown.stdout.contains("of birth"), "{}", shown.stdout);
    instance.sync(&[]).expect(0);
    assert_eq!(schemas(&instance), [BIRTHDAY, BIRTHDAY]);
    instance.set("AUDIENCE_MODE", "dated").sync(&[]).expect(0);
    assert_eq!(schemas(&instance)[2], PLAIN);
    assert_eq!(members(&instance, &audience(&instance)).len(), 60);
}

#[test]
fn a_stable_audience_without_birthdays_stays_so() {
    let birthday = |number| if number < 60 { ",old".to_owned() } else { "1990-01-31,".to_owned() };
    let mut instance = installed(people(120, "date_of_birth,tags", birthday), Database::Sqlite);
    instance.set("AUDIENCE_MODE", "stable").set("GHL_SMART_LIST_ID", "tag:old").sync(&[]).expect(0);
    instance.set("GHL_SMART_LIST_ID", "all").sync(&[]).expect(0);
    assert_eq!(schemas(&instance), [PLAIN, PLAIN]);
    let seen = instance.verification(&audience(&instance));
    assert_eq!((&seen["missing_count"], &seen["unexpected"]), (&json!(0), &json!(0)), "{seen}");
}

/// Meta knows everybody, but the first three by one further address or number only.
fn known_otherwise() -> String {
    let columns = "additional_emails,additional_phones,additional_phones_truth,known_to_meta";
    people(120, columns, |number| match number {
        0 => "second@example.com,,,second@example.com".to_owned(),
        1 => ",(202) 555-0199,+12025550199,+12025550199".to_owned(),
        2 => "second2@example.com;third2@example.com,,,third2@example.com".to_owned(),
        // The same again is no further row.
        3 => "ANN3@example.com,(201) 555-0103,+12015550103,ann3@example.com".to_owned(),
        _ => format!(",,,{}", address(number)),
    })
}

fn who_is_known_by_a_further_address_or_number_only_is_matched(database: Database) {
    let mut instance = installed(known_otherwise(), database);
    let shown = preview(&instance).expect(0).stdout;
    assert!(shown.contains("124 rows would be sent: one for each contact, 4 more"), "{shown}");
    let served = Served::start(&mut instance);
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!((run.accounting.fetched, run.accounting.sent, run.accounting.check()), (120, 120, Ok(())));
    assert_eq!(run.matched.exact, Some(120), "without the further rows it would be 117");
    let id = audience(&instance);
    let seen = instance.verification(&id);
    assert_eq!((&seen["distinct_persons"], &seen["received_rows"]), (&json!(120), &json!(124)), "{seen}");
    for nothing in ["missing_count", "unexpected", "duplicates", "wrong_value_count"] {
        assert_eq!(seen[nothing], 0, "{nothing}: {seen}");
    }
    // Rows are nowhere taken for contacts.
    let mail = instance.sandbox.mails().all().pop().unwrap().text.unwrap();
    for words in ["Contacts Processed: 120", "Contacts Matched by Meta: 120 (100", "- Sent to Meta: 120"] {
        assert!(mail.contains(words), "`{words}` is missing in\n{mail}");
    }
    let page = served.page(&format!("/sync/{}", run.id));
    assert!(page.contains("120 contacts (124 rows) in one session"), "{page}");
    let api = served.get(&format!("/api/sync/{}", run.id));
    assert_eq!((&api["accounting"]["sent"], &api["contacts_matched"]), (&json!(120), &json!(120)));
    assert_eq!(instance.store().contacts_count_by_bucket(run.id).unwrap(), [(domain::Bucket::Sent, 120)]);
}

#[test]
fn rows_that_are_counted_twice_after_a_lost_reply_stay_within_the_bounds() {
    for refuse_repeated_last_batch in [false, true] {
        for mode in ["dated", "stable"] {
            let mut instance = installed(known_otherwise(), Database::Sqlite);
            instance.tell(
                "/control/meta/state",
                &json!({"refuse_repeated_last_batch": refuse_repeated_last_batch}),
            );
            instance.set("AUDIENCE_MODE", mode);
            if mode == "stable" {
                instance.sync(&[]).expect(0);
            }
            instance
                .sandbox
                .faults()
                .add(Fault::new(Service::Meta, Effect::ResetAfterApply).on_path("/users"));
            instance.sync(&[]).expect(0);
            let run = instance.last_run();
            assert_eq!((run.status, run.accounting.sent), (RunStatus::Success, 120));
            assert_eq!(run.matched.exact, Some(120), "{mode}");
            let seen = instance.verification(&audience(&instance));
            assert_eq!((&seen["distinct_persons"], &seen["unexpected"]), (&json!(120), &json!(0)), "{seen}");
            let sessions = instance.audiences("CUSTOM")[0]["sessions"].as_array().unwrap().clone();
            let counted: u64 = sessions.last().unwrap()["num_received"].as_str().unwrap().parse().unwrap();
            assert!((124..=248).contains(&counted), "{mode}: {counted}");
        }
    }
}

fn opt_out(instance: &Instance, number: u32, dnd: bool) {
    let update = json!({"id": format!("c{number:05}"), "dnd": dnd});
    instance.tell("/control/ghl/state", &json!({"changes": [{"update": [update]}]}));
}

fn removed_rows(instance: &Instance) -> u64 {
    instance.control("/control/meta/audiences")["rows_removed_from_any"].as_u64().unwrap()
}

/// Meta knows everybody by the first address; the first person has another one, and shares the phone with the second.
fn household() -> String {
    let csv = people(120, "additional_emails,known_to_meta", |number| match number {
        0 => format!("second@example.com,{}", address(0)),
        _ => format!(",{}", address(number)),
    });
    csv.replace("(201) 555-0101,+12015550101", "(201) 555-0100,+12015550100")
}

fn who_opts_out_is_removed_from_all_lists_once(database: Database) {
    let mut instance = installed(household(), database);
    instance.sync(&[]).expect(0);
    let dated = audience(&instance);
    instance.set("AUDIENCE_MODE", "stable").sync(&[]).expect(0);
    let stable = audience(&instance);
    for (list, rows) in [(&dated, 121), (&stable, 121)] {
        assert_eq!(members(&instance, list).len(), rows);
    }
    opt_out(&instance, 0, true);
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(
        (run.status, run.accounting.excluded_opted_out, run.accounting.sent),
        (RunStatus::Success, 1, 119)
    );
    assert_eq!(run.changes.map(|changes| (changes.added, changes.removed)), Some((0, 1)));
    for list in [&dated, &stable] {
        assert_eq!(members(&instance, list).len(), 119, "and the one with the same phone stays");
        assert!(holds(&instance, list, &address(1)));
        for left in [&address(0), "second@example.com"] {
            assert!(!holds(&instance, list, left), "{left}");
        }
    }
    assert_eq!(removed_rows(&instance), 2, "the stable audience was replaced without them before");
    assert_eq!(instance.store().removals_pending(10).unwrap(), []);
    for _ in 0..2 {
        instance.sync(&[]).expect(0);
    }
    assert_eq!(
        received(&instance, Service::Meta, "/usersofanyaudience"),
        1,
        "they are asked to be removed once"
    );
    // Whoever changes their mind is sent again.
    opt_out(&instance, 0, false);
    instance.sync(&[]).expect(0);
    assert_eq!((instance.last_run().accounting.sent, members(&instance, &stable).len()), (120, 121));
    assert_eq!(received(&instance, Service::Meta, "/usersofanyaudience"), 1);
    assert!(!instance.log().contains(&address(0)));
}

fn an_opt_out_that_meta_does_not_take_waits_for_the_follow_up(database: Database) {
    let mut instance = installed(household(), database);
    instance.sync(&[]).expect(0);
    let first = audience(&instance);
    opt_out(&instance, 0, true);
    let down = Fault::new(Service::Meta, Effect::MetaError(MetaError::new(200, None)))
        .on_path("/usersofanyaudience")
        .times(100);
    instance.sandbox.faults().add(down);
    instance.sandbox.mails().clear();
    let served = Served::start(&mut instance);
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!((run.status, run.accounting.excluded_opted_out), (RunStatus::Success, 1));
    let warning = "People who opted out could not be removed from all lists yet";
    let mail = instance.sandbox.mails().all().pop().unwrap();
    assert!(mail.subject.contains("Successful"), "{}", mail.subject);
    assert!(mail.text.as_ref().unwrap().contains(warning), "{:?}", mail.text);
    let page = served.page(&format!("/sync/{}", run.id));
    assert!(page.contains(warning), "{page}");
    drop(served);
    assert!(holds(&instance, &first, &address(0)));
    assert_eq!(instance.store().removals_pending(10).unwrap().len(), 2, "each row of the person");

    instance.sandbox.faults().clear();
    later(&instance, TimeDelta::minutes(5)).follow_up();
    assert_eq!(instance.store().removals_pending(10).unwrap(), []);
    assert_eq!((members(&instance, &first).len(), removed_rows(&instance)), (119, 2));
    assert!(holds(&instance, &first, &address(1)));
}

/// Dollars that are spread as money is, with a whale, a debt and nothing.
fn money(number: u32) -> i64 {
    match number {
        0 => 0,
        1 => -500,
        2 => 99_000_000,
        _ => i64::from(number) * i64::from(number) * 37 % 100_003 + 1,
    }
}

/// Every value is the contact's share of the value that 99 of 100 do not exceed, in percent with two decimals.
fn assert_in_proportion(instance: &Instance, cents: &BTreeMap<u32, i64>) {
    let mut sorted: Vec<i64> = cents.values().copied().collect();
    sorted.sort_unstable();
    let cap = sorted[(sorted.len() * 99).div_ceil(100) - 1];
    let mut sent = BTreeMap::new();
    for member in members(instance, &audience(instance)) {
        sent.insert(member[0].as_str().unwrap().to_owned(), member[2].as_f64().unwrap());
    }
    assert_eq!(sent.len(), cents.len());
    for (number, cents) in cents {
        let share = (cents * 10_000 * 2 + cap) / (cap * 2);
        let expected = share.clamp(1, 10_000) as f64 / 100.0;
        let got = sent[&key(&address(*number))];
        assert!((got - expected).abs() < 1e-9, "{number}: {cents} of {cap} is {expected}, not {got}");
    }
    assert!(sent.values().filter(|value| **value == 100.0).count() <= sent.len() / 50, "few are capped");
}

fn values_in_proportion_follow_a_change_in_a_stable_audience(database: Database) {
    let dollars = |cents: i64| {
        format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
    };
    let mut cents: BTreeMap<u32, i64> = (0..300).map(|number| (number, money(number))).collect();
    let mut csv = header();
    for (number, cents) in &cents {
        csv.push_str(&row(*number, &dollars(*cents), &dollars(*cents), "ok"));
    }
    let mut instance = installed(csv, database);
    instance.set("AUDIENCE_MODE", "stable").set("VALUE_MODE", "scaled").sync(&[]).expect(0);
    assert_in_proportion(&instance, &cents);
    // The cap moves with the list, so everybody's value changes.
    for refuse in [false, true] {
        instance.tell("/control/meta/state", &json!({"refuse_value_based_replace": refuse}));
        let mut updates = Vec::new();
        for number in (3..300).step_by(7) {
            let value = cents.get_mut(&number).unwrap();
            *value = *value * 3 + 11;
            updates.push(json!({"id": format!("c{number:05}"), "lifetimeValue": dollars(*value)}));
        }
        instance.tell("/control/ghl/state", &json!({"changes": [{"update": updates}]}));
        instance.sync(&[]).expect(0);
        assert_in_proportion(&instance, &cents);
    }
}

fn a_stable_audience_of_messy_contacts_matches_everybody_again(database: Database) {
    let mut instance = installed(MESSY.to_owned(), database);
    instance.set("AUDIENCE_MODE", "stable").set("LOG_LEVEL", "INFO");
    let expected = instance.sandbox.expectations();
    for _ in 0..2 {
        instance.sync(&[]).expect(0);
        let run = instance.last_run();
        assert_eq!((run.status, run.accounting.sent), (RunStatus::Success, expected.sent));
        let seen = instance.verification(&audience(&instance));
        assert_eq!(seen["distinct_persons"], expected.sent, "{seen}");
        for nothing in ["missing_count", "unexpected", "duplicates", "wrong_value_count"] {
            assert_eq!(seen[nothing], 0, "{nothing}: {seen}");
        }
        let matched = instance.audiences("CUSTOM")[0]["matched"].as_u64();
        assert_eq!(run.matched.exact, matched);
        assert!(matched > Some(expected.sent_on_meta * 99 / 100) && matched <= Some(expected.sent_on_meta));
    }
    assert_eq!(received(&instance, Service::Meta, "/usersreplace"), 1);
}
