//! `META_LIMITED_DATA_USE=california`: who is a Californian, and that each of their rows says so.

use crate::instance::{Database, Instance, on_both_databases};
use crate::people::{address, audience, installed, key, members, people, schemas};
use sandbox::Contacts;
use serde_json::{Value, json};
use std::collections::BTreeMap;

on_both_databases!(only_californians_are_limited_in_both_modes,);

/// State and country as typed, and whether Californian law applies.
const PLACES: [(&str, &str, bool); 12] = [
    ("CA", "US", true),
    ("California", "United States", true),
    (" calif. ", "USA", true),
    ("US-CA", "", true),
    ("CA", "", true),
    ("California", "", true),
    ("TX", "US", false),
    ("", "US", false),
    ("CA", "IT", false),
    ("Baja California", "MX", false),
    ("ON", "CA", false),
    ("California", "Colombia", false),
];

fn in_places() -> String {
    let mut csv = people(120, "country_truth", |_| "US".to_owned());
    for (number, (state, country, _)) in (0..).zip(PLACES) {
        let place = |state, country| {
            format!(
                "ann{number}@example.com,(201) 555-0{:03},+1201555{:04},Springfield,{state},62701,{country},",
                100 + number,
                100 + number
            )
        };
        assert!(csv.contains(&place("IL", "US")));
        csv = csv.replace(&place("IL", "US"), &place(state, country));
    }
    csv
}

/// What the newest row of each person says of limited data use.
fn limited(instance: &Instance) -> BTreeMap<String, Value> {
    let members = members(instance, &audience(instance));
    members.iter().map(|member| (member[0].as_str().unwrap().to_owned(), member[3].clone())).collect()
}

/// Californians, and whoever else is named, are limited; all others say that they are not.
fn assert_only_californians(instance: &Instance, besides: &[u32]) {
    let limited = limited(instance);
    assert_eq!(limited.len(), 120);
    for number in 0..120 {
        let californian = PLACES.get(number as usize).is_some_and(|(_, _, californian)| *californian);
        let expected = californian || besides.contains(&number);
        assert_eq!(limited[&key(&address(number))], expected, "{number}: {:?}", PLACES.get(number as usize));
    }
}

fn only_californians_are_limited_in_both_modes(database: Database) {
    let mut instance = installed(in_places(), database);
    instance.set("META_LIMITED_DATA_USE", "california").sync(&[]).expect(0);
    assert_only_californians(&instance, &[]);
    let rows = &instance.audiences("CUSTOM")[0]["limited_data_use_rows"];
    assert_eq!(rows, 6, "a row per Californian");
    let with_places =
        ["DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE"];
    assert_eq!(schemas(&instance)[0][8..], [&["LOOKALIKE_VALUE"][..], &with_places].concat());

    // In stable mode the flag can be switched on later, and follows who moves.
    instance.set("AUDIENCE_MODE", "stable").unset("META_LIMITED_DATA_USE").sync(&[]).expect(0);
    assert!(
        limited(&instance).values().all(Value::is_null),
        "nothing is said of it unless it is switched on"
    );
    instance.set("META_LIMITED_DATA_USE", "california").sync(&[]).expect(0);
    assert_only_californians(&instance, &[]);
    for (refuse, mover) in [(false, 50), (true, 51), (true, 52)] {
        instance.tell("/control/meta/state", &json!({"refuse_value_based_replace": refuse}));
        let moved = json!({"id": format!("c{mover:05}"), "state": "California"});
        instance.tell("/control/ghl/state", &json!({"changes": [{"update": [moved]}]}));
        instance.sync(&[]).expect(0);
        assert_only_californians(&instance, &(50..=mover).collect::<Vec<_>>());
    }
}

#[test]
fn a_californian_without_a_country_is_limited_wherever_the_location_is() {
    for location in ["CA", "GB", "DE"] {
        let mut instance = Instance::with(Contacts::CsvText(in_places()), |settings| {
            settings.ghl.location_country = location.to_owned();
        });
        instance.set("NORMALIZER", "local").set("META_LIMITED_DATA_USE", "california").sync(&[]).expect(0);
        assert_only_californians(&instance, &[]);
    }
}
