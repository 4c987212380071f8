//! The people: the demo's truth, generated contacts, matching.

use sandbox::people::{Expectation, Population};
use sandbox::{Contacts, SandboxSettings};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::client::{search, start};

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[test]
fn the_demo_account_is_what_its_readme_says() {
    let sandbox = start(SandboxSettings::default());
    let sum = sandbox.expectations();
    assert_eq!(
        (sum.fetched, sum.ranked, sum.opted_out, sum.no_identifier, sum.merged),
        (2357, 2357, 25, 10, 3)
    );
    assert_eq!((sum.no_ltv, sum.bad_ltv, sum.sent), (0, 0, 2319));
    assert!((1_600..1_800).contains(&sum.sent_on_meta), "{}", sum.sent_on_meta);
    let zeros = sandbox.population().people().filter(|person| person.ltv_cents == Some(0)).count();
    assert_eq!(zeros, 8);
}

/// The ranks in the data were computed by scipy and pandas; ours are computed here, from the values alone.
#[test]
fn the_ranks_of_the_demo_are_the_definition() {
    let demo = include_str!("../../data/demo_contacts.csv");
    let mut reader = csv::Reader::from_reader(demo.as_bytes());
    let column = reader.headers().unwrap().iter().position(|name| name == "expected_percentile").unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let without = |record: &csv::StringRecord| {
        record
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != column)
            .map(|(_, cell)| cell.to_owned())
            .collect::<Vec<_>>()
    };
    writer.write_record(without(&reader.headers().unwrap().clone())).unwrap();
    for record in reader.records() {
        writer.write_record(without(&record.unwrap())).unwrap();
    }
    let computed =
        Population::new(&Contacts::CsvText(String::from_utf8(writer.into_inner().unwrap()).unwrap()))
            .unwrap();
    let given = Population::new(&Contacts::Cdnow).unwrap();
    let ranks = |population: &Population| {
        population.people().map(|person| person.expected_percentile).collect::<Vec<_>>()
    };
    assert_eq!(ranks(&computed), ranks(&given));
    assert!(ranks(&given).iter().all(Option::is_some));
}

#[test]
fn somebody_is_found_by_the_literal_hash_and_by_nothing_else() {
    let population = Population::new(&Contacts::Cdnow).unwrap();
    let mut found = [0; 2];
    for person in population.people().filter(|person| person.expected == Expectation::Sent) {
        let by_email = population.match_person(Some(&hash(&person.email_truth)), None).unwrap();
        let by_phone = population.match_person(None, Some(&hash(&person.phone_truth_digits))).unwrap();
        assert!(by_email.is_none_or(|index| index == person.index));
        assert_eq!(by_email.is_some(), person.on_meta && !person.email_truth.is_empty(), "{}", person.id);
        assert_eq!(
            by_phone.is_some(),
            person.on_meta && !person.phone_truth_digits.is_empty(),
            "{}",
            person.id
        );
        found[0] += usize::from(by_email.is_some());
        found[1] += usize::from(by_phone.is_some());
        if person.on_meta && !person.email_truth.is_empty() {
            assert_eq!(
                population.match_person(Some(&hash(&person.email_truth.to_uppercase())), None).unwrap(),
                None
            );
        }
        if !person.phone_truth_digits.is_empty() {
            assert_eq!(
                population
                    .match_person(None, Some(&hash(&format!("+{}", person.phone_truth_digits))))
                    .unwrap(),
                None
            );
        }
    }
    assert!(found[0] > 1_500 && found[1] > 1_200, "{found:?}");
}

#[test]
fn a_pair_is_merged_into_the_higher_value() {
    let population = Population::new(&Contacts::Cdnow).unwrap();
    let by_id = |id: &str| population.people().find(|person| person.id == id).unwrap();
    let (mut pairs, mut found) = (0, 0);
    for person in population.people() {
        if let Expectation::MergedInto(kept) = &person.expected {
            let kept = by_id(kept);
            assert!(kept.ltv_cents > person.ltv_cents && kept.expected == Expectation::Sent);
            let matched = population.match_person(Some(&hash(&person.email_truth)), None).unwrap();
            assert_eq!(matched, kept.on_meta.then_some(kept.index));
            pairs += 1;
            found += usize::from(matched.is_some());
        }
    }
    assert_eq!((pairs, found), (3, 2), "Meta does not know one of them");
}

#[test]
fn generated_people_are_unique_and_of_every_kind() {
    let n = 40_000;
    let population = Population::new(&Contacts::Generated(n)).unwrap();
    let (mut ids, mut emails, mut phones) = (Vec::new(), Vec::new(), Vec::new());
    let mut kinds = std::collections::BTreeMap::new();
    for person in population.people() {
        *kinds.entry(format!("{:?}", person.expected)).or_insert(0) += 1;
        ids.push(person.id);
        emails.extend(Some(person.email_truth).filter(|text| !text.is_empty()));
        phones.extend(Some(person.phone_truth_digits).filter(|text| !text.is_empty()));
    }
    for (list, least) in [(&mut ids, 40_000), (&mut emails, 38_000), (&mut phones, 30_000)] {
        list.sort_unstable();
        assert!(list.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(list.len() >= least, "{}", list.len());
    }
    let share = |kind: &str| f64::from(kinds[kind]) / f64::from(n) * 100.0;
    assert!((1.5..2.5).contains(&share("NoLtv")) && (0.3..0.7).contains(&share("BadLtv")));
    assert!((0.7..1.3).contains(&share("OptedOut")) && (0.3..0.7).contains(&share("NoIdentifier")));
}

#[test]
fn a_messy_export_can_be_loaded() {
    let header = "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,city,state,postal_code,country,ltv_raw,ltv_expected,ltv_bucket";
    let rows = [
        "a,Ann,Lee, ANN@example.com ,,,Bonn,NRW,53111,DE,\"1,797.24\",1797.24,ok",
        "b,Bob,Ray,,n/a,,X,Y,1,US,N/A,,no_ltv",
        "c,Cy,Poe,,(201) 555-0100,+12015550100,X,Y,1,US,#REF!,,bad_ltv",
        "d,Di,Orr,,,,X,Y,1,US,-1.00,-1.00,ok",
    ];
    let population = Population::new(&Contacts::CsvText(format!("{header}\n{}\n", rows.join("\n")))).unwrap();
    let people: Vec<_> = population.people().collect();
    assert_eq!(
        (people[0].email_truth.as_str(), people[0].ltv_cents, people[0].country.as_str()),
        ("ann@example.com", Some(179_724), "de")
    );
    let expected: Vec<_> = people.iter().map(|person| &person.expected).collect();
    assert_eq!(
        expected,
        [&Expectation::Sent, &Expectation::NoLtv, &Expectation::BadLtv, &Expectation::NoIdentifier]
    );
    assert_eq!((people[0].expected_percentile, people[3].expected_percentile), (Some(100), Some(0)));
    let error = Population::new(&Contacts::CsvText(format!("{header}\n{}", rows[0].replace(",ok", ",fine"))))
        .unwrap_err();
    assert_eq!(error.to_string(), "row 1 of the contacts: ltv_bucket is none of ok, no_ltv, bad_ltv");
}

#[test]
fn a_person_can_be_known_to_meta_by_an_additional_address_or_number_alone() {
    let header = "contact_id,first_name,last_name,email,phone_raw,phone_e164_truth,additional_emails,additional_emails_truth,additional_phones,additional_phones_truth,date_of_birth,known_to_meta,city,state,postal_code,country,ltv_raw,ltv_expected,ltv_bucket";
    let rows = [
        "a,Ann,Lee,ann@example.com,,,Lee@example.com;n/a,lee@example.com,,,1990-01-31,lee@example.com,,,,US,1.00,1.00,ok",
        "b,Bob,Ray,,(201) 555-0100,+12015550100,,,201 555 0101;201 555 0100,+12015550101;+12015550100,633744000000,+12015550101,,,,US,2.00,2.00,ok",
        "c,Cy,Poe,,,,cy@example.com,cy@example.com,,,,,,,,US,3.00,3.00,ok",
    ];
    let contacts = Contacts::CsvText(format!("{header}\n{}\n", rows.join("\n")));
    let sandbox = start(SandboxSettings { contacts, ..SandboxSettings::default() });
    let population = sandbox.population();
    let people: Vec<_> = population.people().collect();
    assert!(people.iter().all(|person| person.expected == Expectation::Sent));
    let rows = |at: usize| people[at].rows().collect::<Vec<_>>();
    assert_eq!(rows(0), [("ann@example.com", ""), ("lee@example.com", "")]);
    assert_eq!(rows(1), [("", "12015550100"), ("", "12015550101")]);
    assert_eq!(rows(2), [("cy@example.com", "")]);
    let (ann, lee) = (hash("ann@example.com"), hash("lee@example.com"));
    let (main, second) = (hash("12015550100"), hash("12015550101"));
    assert_eq!(population.match_person(Some(&ann), None).unwrap(), None);
    assert_eq!(population.match_person(Some(&lee), None).unwrap(), Some(0));
    assert_eq!(population.match_person(None, Some(&main)).unwrap(), None);
    assert_eq!(population.match_person(None, Some(&second)).unwrap(), Some(1));
    assert!(people[0].on_meta && people[1].on_meta);

    let contacts = search(&sandbox, json!({"pageLimit": 3})).json()["contacts"].clone();
    let of =
        |id: &str| contacts.as_array().unwrap().iter().find(|contact| contact["id"] == id).unwrap().clone();
    assert_eq!(of("a")["additionalEmails"], json!(["Lee@example.com", "n/a"]));
    assert_eq!(of("b")["additionalPhones"][1], json!({"phone": "201 555 0100", "phoneLabel": null}));
    assert_eq!(
        ["a", "b", "c"].map(|id| of(id)["dateOfBirth"].clone()),
        [json!("1990-01-31"), json!(633_744_000_000_i64), Value::Null]
    );
}
