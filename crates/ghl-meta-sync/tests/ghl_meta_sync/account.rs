//! Every contact in the right bucket, every percentile right, and what follows from one run to the next.

use crate::crash::questions;
use crate::instance::{Database, Instance, on_both_databases};
use domain::run::{LookalikeStatus, RunStatus, StepStatus};
use domain::{Bucket, Cents};
use sandbox::Contacts;
use serde_json::json;

pub const MESSY: &str = include_str!("../../../match-keys/tests/data/contacts_messy.csv");

on_both_databases!(
    five_thousand_messy_contacts_end_in_the_right_buckets_and_match_by_the_right_hashes,
    a_tag_is_a_list_of_its_own_and_the_second_audience_of_a_day_is_numbered,
    added_and_removed_are_counted_against_the_last_success_of_the_same_list,
    a_list_that_lost_half_its_contacts_stops_before_meta_until_it_is_accepted,
    a_seed_that_meta_has_not_matched_in_time_leaves_the_lookalike_pending_and_the_run_successful,
    steps_are_recorded_with_times_and_save_ends_last_before_notify,
);

fn five_thousand_messy_contacts_end_in_the_right_buckets_and_match_by_the_right_hashes(database: Database) {
    let instance = Instance::with(Contacts::CsvText(MESSY.to_owned()), |_| {}).with_database(database);
    instance.sync(&[]).expect(0);
    let (run, expected) = (instance.last_run(), instance.sandbox.expectations());
    assert_eq!(run.status, RunStatus::Success);
    let account = run.accounting;
    assert_eq!(
        (account.fetched, account.sent, account.skipped_no_ltv, account.rejected_bad_ltv),
        (expected.fetched, expected.sent, expected.no_ltv, expected.bad_ltv)
    );
    assert_eq!((account.skipped_no_identifier, account.merged), (expected.no_identifier, expected.merged));
    assert_eq!(account.fetched, 5000);
    assert_eq!(account.check(), Ok(()));
    let audience = run.audience.unwrap();
    let seen = instance.verification(&audience.id);
    assert_eq!(seen["distinct_persons"], expected.sent, "{seen}");
    for nothing in ["missing_count", "unexpected", "duplicates", "wrong_value_count"] {
        assert_eq!(seen[nothing], 0, "{nothing}: {seen}");
    }
    // Some people share a phone number, so Meta counts a few fewer accounts than contacts.
    let matched = instance.audiences("CUSTOM")[0]["matched"].as_u64();
    assert_eq!(run.matched.exact, matched);
    assert!(matched > Some(expected.sent_on_meta * 99 / 100) && matched <= Some(expected.sent_on_meta));
    // The record holds every contact with its value and rank.
    let stored = instance.store().contacts_count_by_bucket(run.id).unwrap();
    let of = |bucket| stored.iter().find(|(found, _)| *found == bucket).map_or(0, |(_, count)| *count);
    assert_eq!(
        (of(Bucket::Sent), of(Bucket::NoLtv), of(Bucket::BadLtv)),
        (expected.sent, expected.no_ltv, expected.bad_ltv)
    );
}

fn a_tag_is_a_list_of_its_own_and_the_second_audience_of_a_day_is_numbered(database: Database) {
    let mut instance = Instance::start().with_database(database);
    instance.sync(&[]).expect(0);
    let all = instance.last_run();
    instance.set("GHL_SMART_LIST_ID", "tag:vip").sync(&[]).expect(0);
    let vip = instance.last_run();
    assert!(vip.accounting.fetched > 100 && vip.accounting.fetched < all.accounting.fetched);
    assert_eq!(vip.config.list_name, "Tag: vip");
    assert_eq!(vip.changes, None, "another list is no predecessor");
    assert_eq!(vip.audience.unwrap().name, format!("{}-2", all.audience.unwrap().name));
    assert_eq!(instance.audiences("CUSTOM").len(), 2);
}

fn added_and_removed_are_counted_against_the_last_success_of_the_same_list(database: Database) {
    let instance = Instance::start().with_database(database);
    instance.sync(&[]).expect(0);
    let first = instance.last_run();
    assert_eq!(first.changes, None);
    let gone: Vec<String> = instance
        .store()
        .contacts_sample(first.id, 3)
        .unwrap()
        .into_iter()
        .map(|contact| contact.ghl_contact_id)
        .collect();
    instance.tell("/control/ghl/state", &json!({"changes": [{"delete": gone}]}));
    instance.sync(&[]).expect(0);
    let second = instance.last_run();
    let changes = second.changes.unwrap();
    assert_eq!((changes.added, changes.removed), (0, 3));
    assert_eq!(second.accounting.sent, first.accounting.sent - 3);
}

fn a_list_that_lost_half_its_contacts_stops_before_meta_until_it_is_accepted(database: Database) {
    let mut instance = Instance::start().with_database(database);
    instance.sync(&[]).expect(0);
    let before = instance.audiences("CUSTOM").len();
    // A minimum that leaves fewer than half stands for a list that shrank.
    instance.set("LTV_MIN", "100");
    instance.sync(&[]).expect(1).names(&["Only ", "--accept-smaller-list"]);
    let stopped = instance.last_run();
    assert_eq!((stopped.status, stopped.accounting.sent), (RunStatus::Failed, 0));
    assert_eq!(instance.audiences("CUSTOM").len(), before, "Meta was not touched");
    instance.sync(&["--accept-smaller-list"]).expect(0);
    let run = instance.last_run();
    assert!(run.accounting.below_ltv_min > 1000);
    assert_eq!(run.stats.unwrap().count, 2357, "ranks are taken over all values, whatever is left out");
    let sample = instance.store().contacts_sample(run.id, 1).unwrap();
    assert!(sample[0].raw_ltv >= Some(Cents(10_000)));
}

#[test]
fn exact_local_ranks_need_no_key_and_give_the_same_audience() {
    let mut instance = Instance::start();
    instance.set("NORMALIZER", "local").unset("CLAUDE_API_KEY").sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(run.ranking.unwrap().normalizer, "local");
    let seen = instance.verification(&run.audience.unwrap().id);
    assert_eq!((&seen["wrong_value_count"], &seen["missing_count"]), (&json!(0), &json!(0)));
    assert_eq!(questions(&instance), 0);
}

#[test]
fn equal_values_are_ranked_fifty_without_a_call_and_with_a_warning() {
    let mut csv = header();
    for number in 0..150 {
        csv.push_str(&row(number, "20.00", "20.00", "ok"));
    }
    let instance = Instance::with(Contacts::CsvText(csv), |_| {});
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    assert!(run.ranking.unwrap().warnings[0].contains("All lifetime values are equal"));
    assert_eq!(questions(&instance), 0);
    let sample = instance.store().contacts_sample(run.id, 1).unwrap();
    assert_eq!(sample[0].normalized_value.map(domain::Percentile::get), Some(50));
}

fn a_seed_that_meta_has_not_matched_in_time_leaves_the_lookalike_pending_and_the_run_successful(
    database: Database,
) {
    let mut instance = Instance::with(Contacts::default(), |settings| {
        settings.meta.matching_delay_seconds = 365 * 24 * 3600;
    })
    .with_database(database);
    // The wait ends in time, also between two looks.
    instance.set("META_POLL_SECONDS", "3600").set("META_POLL_TIMEOUT_SECONDS", "1").sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!((run.status, run.lookalike_status()), (RunStatus::Success, LookalikeStatus::Pending));
    assert!(run.lookalikes[0].name.ends_with("-LAL-1%"));
    assert_eq!(run.matched.exact, None);
    assert_eq!(run.matched.count_text(run.accounting.sent), "not reported by Meta");
    let mail = &instance.sandbox.mails().all()[0];
    assert!(mail.text.as_deref().unwrap().contains("not reported by Meta"), "{:?}", mail.text);
    assert!(instance.audiences("LOOKALIKE").is_empty());
}

#[test]
fn a_contact_that_appears_or_vanishes_while_pages_are_read_leads_to_a_second_complete_reading() {
    let instance = Instance::start();
    let victim =
        instance.control("/control/people?from=5&limit=1")["people"][0]["id"].as_str().unwrap().to_owned();
    instance.tell("/control/ghl/state", &json!({"changes": [{"after_searches": 3, "delete": [victim]}]}));
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    assert_eq!(run.accounting.fetched, 2356);
    assert!(instance.log().contains("reading once more"));
    let seen = instance.verification(&run.audience.unwrap().id);
    assert_eq!((&seen["unexpected"], &seen["duplicates"]), (&json!(0), &json!(0)), "{seen}");
}

fn steps_are_recorded_with_times_and_save_ends_last_before_notify(database: Database) {
    let instance = Instance::start().with_database(database);
    instance.sync(&[]).expect(0);
    let run = instance.last_run();
    let names: Vec<&str> = run.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "fetch",
            "read_ltv",
            "hash",
            "normalize",
            "create_audience",
            "upload",
            "wait",
            "lookalike",
            "save",
            "notify"
        ]
    );
    assert!(run.steps.iter().all(|step| step.status == StepStatus::Done && step.completed_at.is_some()));
    let end = |name: &str| run.steps.iter().find(|step| step.name.as_str() == name).unwrap().completed_at;
    let others = run.steps.iter().filter(|step| !["save", "notify"].contains(&step.name.as_str()));
    assert!(others.map(|step| step.completed_at).max() <= Some(end("save")));
    assert_eq!(run.steps[0].done, 2357);
}

/// The header of a contacts CSV of the sandbox.
pub fn header() -> String {
    "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,city,state,postal_code,country,ltv_raw,ltv_expected,ltv_bucket\n"
        .to_owned()
}

/// A plain contact in the United States with a number of the reserved range.
pub fn row(number: u32, raw: &str, expected: &str, bucket: &str) -> String {
    let (area, line) = (201 + number / 100, 100 + number % 100);
    format!(
        "c{number:05},Ann{number},Example,ann{number}@example.com,({area}) 555-0{line},+1{area}5550{line},Springfield,IL,62701,US,{raw},{expected},{bucket}\n"
    )
}
