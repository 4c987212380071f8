//! Lifetime values that are made of won opportunities.

use crate::instance::{Database, Instance, on_both_databases, run};
use domain::run::{RunStatus, Step};
use sandbox::{Contacts, Service};

const MESSY: &str = include_str!("../../../match-keys/tests/data/contacts_messy.csv");

on_both_databases!(the_won_opportunities_of_every_contact_add_up_to_the_value_that_ranks_it);

fn on_won_opportunities() -> Instance {
    let mut instance = Instance::with(Contacts::CsvText(MESSY.to_owned()), |_| {});
    instance.set("LTV_SOURCE", "won_opportunities").unset("GHL_LTV_FIELD");
    instance
}

fn the_won_opportunities_of_every_contact_add_up_to_the_value_that_ranks_it(database: Database) {
    let instance = on_won_opportunities().with_database(database);
    instance.sync(&[]).expect(0);
    let (run, expected) = (instance.last_run(), instance.sandbox.expectations());
    let account = &run.accounting;
    assert_eq!((account.fetched, account.sent), (expected.fetched, expected.sent));
    // Who bought nothing has no value, which is not zero; text in a field does not matter here.
    assert_eq!(account.skipped_no_ltv, expected.no_ltv + expected.bad_ltv);
    assert_eq!(account.rejected_bad_ltv, 0);
    let seen = instance.verification(&run.audience.unwrap().id);
    for nothing in ["missing_count", "unexpected", "duplicates", "wrong_value_count"] {
        assert_eq!(seen[nothing], 0, "{nothing}: {seen}");
    }
    assert_eq!(
        (run.config.ltv_field_key.as_str(), run.config.ltv_field_name.as_str()),
        ("won_opportunities", "Won opportunities")
    );
}

#[test]
fn only_the_chosen_pipelines_count_and_they_are_a_source_of_their_own() {
    let mut instance = on_won_opportunities();
    instance.sync(&[]).expect(0);
    instance.set("LTV_PIPELINES", "upsell & renewals").sync(&[]).expect(0);
    let run = instance.last_run();
    let (mut contacts, mut sum) = (0, 0);
    let population = instance.sandbox.population();
    for person in population.people() {
        let of_pipeline = population.opportunities(person.index).into_iter().filter(|opportunity| {
            opportunity.status == "won" && opportunity.pipeline_id() == "pIpElInEuPsElL000002"
        });
        let values: Vec<i64> = of_pipeline.map(|opportunity| opportunity.cents).collect();
        contacts += u64::from(!values.is_empty());
        sum += values.iter().sum::<i64>();
    }
    let stats = run.stats.unwrap();
    assert_eq!(stats.count, contacts);
    assert!(contacts > 1000 && contacts < 4000, "{contacts}");
    assert_eq!(stats.value_per_decile.iter().map(|cents| cents.0).sum::<i64>(), sum);
    assert_eq!(run.config.ltv_field_name, "Won opportunities of upsell & renewals");
    assert_eq!(run.changes, None, "a run by other values is no predecessor");
}

#[test]
fn a_pipeline_that_does_not_exist_stops_the_run_before_a_contact_is_read() {
    let mut instance = on_won_opportunities();
    instance.set("LTV_PIPELINES", "Sales,Renewals");
    instance.sync(&[]).expect(1).names(&[
        "\"Renewals\" does not exist",
        "LTV_PIPELINES",
        "Upsell & renewals",
    ]);
    let run = instance.last_run();
    assert_eq!((run.status, run.failure.unwrap().step), (RunStatus::Failed, Step::Fetch));
    let calls = instance.sandbox.record().entries(Service::Ghl);
    assert!(calls.iter().all(|call| !call.path.contains("/search")), "nothing was searched");
    instance.assert_meta_is_untouched();
}

#[test]
fn a_preview_tells_where_the_values_come_from() {
    let instance = on_won_opportunities();
    let outcome = run(instance.program("preview")).expect(0);
    assert!(outcome.stdout.contains("by \"Won opportunities\""), "{}", outcome.stdout);
    assert_eq!(instance.store().run_latest().unwrap(), None);
}

#[test]
fn going_back_to_a_field_needs_one_to_be_chosen() {
    let mut instance = on_won_opportunities();
    instance.set("LTV_SOURCE", "field");
    instance.sync(&[]).expect(2).names(&["GHL_LTV_FIELD"]);
}
