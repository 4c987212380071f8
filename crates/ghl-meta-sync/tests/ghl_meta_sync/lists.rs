//! Saved filters as lists, and who is left out of a list by their own wish.

use crate::contact_by_contact::{assert_same, received};
use crate::instance::{Database, Instance, on_both_databases, run};
use crate::people::key;
use crate::serve::Served;
use domain::run::{RunStatus, Step, SyncConfig};
use domain::{Conditions, ListSelection};
use sandbox::{Contacts, Expectation, Service};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

on_both_databases!(
    a_saved_filter_is_a_list_and_a_run_keeps_the_name_and_conditions_it_ran_with,
    a_filter_that_was_made_much_narrower_stops_at_the_guard_with_words_of_its_own,
    a_deleted_filter_fails_the_run_before_anything_is_fetched,
);

fn conditions(filters: &Value) -> Conditions {
    Conditions(filters.to_string())
}

/// Contacts of the demo's account that have a value and came last: three of them share each moment.
fn last(contacts: u32) -> Conditions {
    let first_moment = (2357 - contacts) / 3;
    conditions(&json!([
        {"field": "customFields.Lifetime Value", "operator": "exists"},
        {"field": "dateAdded", "operator": "range", "value": {"gte": 1_704_067_200_000 + i64::from(first_moment) * 600_000}},
    ]))
}

/// The last calls to GoHighLevel that searched for contacts.
fn searches(instance: &Instance) -> usize {
    let calls = instance.sandbox.record().entries(Service::Ghl);
    calls.iter().filter(|call| call.path.contains("/contacts/search")).count()
}

fn a_saved_filter_is_a_list_and_a_run_keeps_the_name_and_conditions_it_ran_with(database: Database) {
    let mut instance = Instance::start().with_database(database);
    let saved = instance.store().filter_add("Big \"spenders\" <b>", &last(1001)).unwrap();
    let list = ListSelection::Filter(saved.id).to_string();
    instance.set("GHL_SMART_LIST_ID", &list).sync(&[]).expect(0);
    let first = instance.last_run();
    assert_eq!(first.accounting.fetched, 1001);
    assert_eq!(
        (first.config.list_id.as_str(), first.config.list_name.as_str()),
        (list.as_str(), saved.name.as_str())
    );

    instance.store().filter_change(saved.id, "Bigger spenders", &last(701)).unwrap();
    instance.sync(&[]).expect(0);
    let second = instance.last_run();
    assert_eq!(second.accounting.fetched, 701);
    assert_eq!(
        (second.config.list_name.as_str(), &second.config.list_conditions),
        ("Bigger spenders", &Some(last(701)))
    );
    let changes = second.changes.unwrap();
    assert_eq!(
        (changes.added, changes.removed),
        (0, first.accounting.sent - second.accounting.sent),
        "the same list"
    );
    let first = instance.store().run_get(first.id).unwrap().unwrap();
    assert_eq!((first.config.list_name, first.config.list_conditions), (saved.name, Some(last(1001))));
}

fn a_filter_that_was_made_much_narrower_stops_at_the_guard_with_words_of_its_own(database: Database) {
    let mut instance = Instance::start().with_database(database);
    let saved = instance.store().filter_add("Spenders", &last(1001)).unwrap();
    instance.set("GHL_SMART_LIST_ID", &format!("filter:{}", saved.id)).sync(&[]).expect(0);
    let before = instance.audiences("CUSTOM").len();
    instance.store().filter_change(saved.id, "Spenders", &last(401)).unwrap();
    instance
        .sync(&[])
        .expect(1)
        .names(&["conditions of the Smart List were changed", "meant to be that small"]);
    assert_eq!(instance.last_run().status, RunStatus::Failed);
    assert_eq!(instance.audiences("CUSTOM").len(), before, "Meta was not touched");
    instance.sync(&["--accept-smaller-list"]).expect(0);
    instance.sync(&[]).expect(0);
}

fn a_deleted_filter_fails_the_run_before_anything_is_fetched(database: Database) {
    let mut instance = Instance::start().with_database(database);
    let store = instance.store();
    let saved = store.filter_add("Spenders", &last(1001)).unwrap();
    let list = format!("filter:{}", saved.id);
    instance.set("GHL_SMART_LIST_ID", &list).sync(&[]).expect(0);
    // Chosen on the dashboard, and deleted by another process in the same moment.
    let chosen = SyncConfig { list_conditions: None, ..instance.last_run().config };
    store.config_save(&chosen).unwrap();
    store.filter_delete(saved.id, "").unwrap();
    let before = searches(&instance);
    instance.sync(&[]).expect(1).names(&["\"Spenders\" was deleted", "GHL_SMART_LIST_ID"]);
    let run = instance.last_run();
    assert_eq!((run.status, run.failure.unwrap().step), (RunStatus::Failed, Step::Fetch));
    assert_eq!(searches(&instance), before, "nothing was searched");
}

#[test]
fn a_filter_of_the_environment_that_does_not_exist_is_named_with_its_setting() {
    let mut instance = Instance::start();
    instance.set("GHL_SMART_LIST_ID", "filter:7");
    instance.sync(&[]).expect(2).names(&["filter:7", "does not exist", "GHL_SMART_LIST_ID"]);
}

#[test]
fn a_filter_whose_custom_field_is_gone_is_not_searched_without_it() {
    let mut instance = Instance::start();
    let gone = conditions(&json!([{"field": "customFields.Shoe size", "operator": "exists"}]));
    let saved = instance.store().filter_add("Shoes", &gone).unwrap();
    instance.set("GHL_SMART_LIST_ID", &format!("filter:{}", saved.id));
    instance.sync(&[]).expect(1).names(&["filters[0].field", "Shoe size"]);
    assert_eq!(searches(&instance), 0);
    instance.assert_meta_is_untouched();
}

#[test]
fn an_opt_out_is_respected_by_the_rule_whatever_the_spelling_of_its_channels() {
    let mut csv = "contact_id,first_name,email,country,ltv_raw,ltv_expected,ltv_bucket,dnd\n".to_owned();
    let asked = ["", "all", "SMS;Email", "sms;email", "Email", "sms", "Call;WhatsApp", "EMAIL;Sms"];
    for number in 0..200 {
        let dnd = asked.get(number).unwrap_or(&"");
        csv.push_str(&format!("c{number},Ann,ann{number}@example.com,US,{number}.00,{number}.00,ok,{dnd}\n"));
    }
    let mut instance = Instance::with(Contacts::CsvText(csv), |_| {});
    for (rule, excluded) in [("all", 1), ("email_and_sms", 4), ("off", 0)] {
        instance.set("RESPECT_OPT_OUT", rule).sync(&[]).expect(0);
        let account = instance.last_run().accounting;
        assert_eq!((account.excluded_opted_out, account.sent), (excluded, 200 - excluded), "{rule}");
        assert_eq!(instance.last_run().stats.unwrap().count, 200, "{rule}: ranks stay as they are");
    }
}

/// Contacts of the demo's account whose number nobody can read who does not know the location's country: no country code,
/// and no country beside it.
fn without_any_country() -> BTreeSet<String> {
    let csv = include_str!("../../../sandbox/data/demo_contacts.csv");
    let contacts = csv::Reader::from_reader(csv.as_bytes()).into_deserialize();
    let contacts = contacts.map(|contact| -> BTreeMap<String, String> { contact.unwrap() });
    let national = |contact: &BTreeMap<String, String>| {
        let digits = contact["phone_raw"].chars().filter(char::is_ascii_digit).count();
        let international = contact["phone_raw"].trim().starts_with('+') || digits > 10;
        contact["country"].trim().is_empty() && !contact["phone_e164_truth"].is_empty() && !international
    };
    contacts.filter(national).map(|contact| contact["contact_id"].clone()).collect()
}

#[test]
fn api_v1_offers_its_own_smart_lists_and_sends_the_same_people_with_the_numbers_it_can_read() {
    let mut instance = Instance::start();
    let v1 = format!("{}/v1", instance.value("GHL_BASE_URL"));
    instance.set("GHL_BASE_URL", &v1).set("GHL_API_VERSION", "v1");
    // A list of the other version is not taken for one of these.
    instance.sync(&[]).expect(2).names(&["\"all\" does not exist", "GHL_SMART_LIST_ID"]);
    let checked = run({
        let mut check = instance.program("check");
        check.arg("ghl");
        check
    });
    assert!(checked.expect(0).stdout.contains("API v1: "));
    instance.set("GHL_SMART_LIST_ID", "list:everybody");
    let served = Served::start(&mut instance);
    instance.sync(&[]).expect(0);
    let (synced, everybody) = (instance.last_run(), instance.sandbox.expectations());
    assert_eq!((synced.config.list_name.as_str(), synced.accounting.fetched), ("Everybody", 2357));

    // API v1 does not tell the location's country. A number of which nothing tells the country is left out and not guessed;
    // the contact is sent by its other match keys, and has no identifier when the number was its only one.
    let unreadable = without_any_country();
    let (mut sent, mut lost, mut left_out) = (Vec::new(), 0, 0);
    for person in instance.sandbox.population().people() {
        let unreadable = unreadable.contains(&person.id);
        let phone = if unreadable { "" } else { &person.phone_truth_digits };
        if person.expected == Expectation::Sent {
            left_out += u64::from(unreadable);
            if person.email_truth.is_empty() && phone.is_empty() {
                lost += 1;
                continue;
            }
            let cell = |truth: &str| if truth.is_empty() { String::new() } else { key(truth) };
            sent.push((
                cell(&person.email_truth),
                cell(phone),
                i64::from(person.expected_percentile.unwrap().max(1)),
            ));
        }
    }
    sent.sort();
    assert!(left_out > 50 && lost > 0, "{left_out}, {lost}");
    assert_same(&received(&instance), &sent);
    let account = &synced.accounting;
    assert_eq!(
        (account.sent, account.skipped_no_identifier),
        (everybody.sent - lost, everybody.no_identifier + lost)
    );
    assert_eq!(account.check(), Ok(()));

    let told = format!("Phone numbers that were left out: {left_out}. They have no country code");
    let page = served.page(&format!("/sync/{}", synced.id));
    let api = served.get(&format!("/api/sync/{}", synced.id)).to_string();
    let mail = instance.sandbox.mails().all().pop().unwrap().text.unwrap();
    let preview = run(instance.program("preview")).expect(0).stdout;
    for shown in [page, api, mail.split_whitespace().collect::<Vec<_>>().join(" "), preview] {
        assert!(shown.contains(&told), "`{told}` is missing in\n{shown}");
    }
}
