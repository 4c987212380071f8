//! The published data go through the whole program, and every single contact is compared with what was published: in the
//! database and at Meta.

use crate::account::MESSY;
use crate::instance::{Database, Instance, on_both_databases};
use crate::people::{audience, installed, key, members};
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query};
use std::collections::BTreeMap;

const CDNOW: &str = include_str!("../../../domain/tests/data/ltv_cdnow.csv");
const CDNOW_EXPECTED: &str = include_str!("../../../domain/tests/data/ltv_cdnow_expected.csv");

on_both_databases!(
    every_messy_contact_ends_in_its_bucket_with_its_rank_and_arrives_as_itself,
    every_real_customer_is_stored_and_sent_with_the_published_percentile,
);

/// What became of a contact, and what Meta was sent of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct Outcome {
    #[diesel(sql_type = Text)]
    pub ghl_contact_id: String,
    #[diesel(sql_type = Text)]
    pub bucket: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub raw_ltv_cents: Option<i64>,
    #[diesel(sql_type = Nullable<Integer>)]
    pub normalized_value: Option<i32>,
}

/// Every contact of the last run as the database holds it.
pub fn stored(instance: &Instance) -> Vec<Outcome> {
    let run = instance.last_run().id;
    let query = sql_query(format!(
        "SELECT ghl_contact_id, bucket, raw_ltv_cents, normalized_value FROM sync_contacts WHERE sync_run_id = {run}"
    ));
    let mut stored: Vec<Outcome> = match instance.get("DATABASE_URL") {
        Some(url) => query.load(&mut PgConnection::establish(url).unwrap()).unwrap(),
        None => {
            let file = instance.database();
            query.load(&mut SqliteConnection::establish(file.to_str().unwrap()).unwrap()).unwrap()
        }
    };
    stored.sort();
    stored
}

/// Every row at Meta: e-mail address, phone and value.
pub fn received(instance: &Instance) -> Vec<(String, String, i64)> {
    let cell = |cell: &serde_json::Value| cell.as_str().unwrap_or_default().to_owned();
    let rows = members(instance, &audience(instance)).into_iter();
    let mut rows: Vec<_> =
        rows.map(|row| (cell(&row[0]), cell(&row[1]), row[2].as_f64().unwrap() as i64)).collect();
    rows.sort();
    rows
}

/// Compares contact by contact, so that a failure names the first ones that differ.
pub fn assert_same<T: PartialEq + std::fmt::Debug>(found: &[T], expected: &[T]) {
    let differ = found.iter().zip(expected).filter(|(found, expected)| found != expected);
    let differ: Vec<_> = differ.take(5).collect();
    assert!(differ.is_empty(), "found and expected: {differ:#?}");
    assert_eq!(found.len(), expected.len());
}

/// A row of the published contacts.
struct Published {
    id: String,
    email: String,
    phone: String,
    bucket: String,
    cents: Option<i64>,
}

impl Published {
    fn messy() -> Vec<Self> {
        let mut reader = csv::Reader::from_reader(MESSY.as_bytes());
        let rows = reader.deserialize().map(|row| {
            let row: BTreeMap<String, String> = row.unwrap();
            let expected = &row["ltv_expected"];
            Self {
                id: row["contact_id"].clone(),
                email: row["email"].trim().to_lowercase(),
                phone: row["phone_e164_truth"].trim_start_matches('+').to_owned(),
                bucket: row["ltv_bucket"].clone(),
                cents: (!expected.is_empty()).then(|| expected.replace('.', "").parse().unwrap()),
            }
        });
        rows.collect()
    }
}

/// `ceil(100 * less / (n - 1))`, by counting.
fn percentile(cents: i64, all: &[i64]) -> i32 {
    let less = all.iter().filter(|other| **other < cents).count();
    i32::try_from((100 * less).div_ceil(all.len() - 1)).unwrap()
}

/// What must become of each published contact when those below the minimum are left out.
fn expected(published: &[Published], minimum: Option<i64>) -> (Vec<Outcome>, Vec<(String, String, i64)>) {
    let all: Vec<i64> = published.iter().filter_map(|contact| contact.cents).collect();
    let (mut outcomes, mut rows) = (Vec::new(), Vec::new());
    for Published { id, email, phone, bucket, cents } in published {
        let rank = cents.map(|cents| percentile(cents, &all));
        let bucket = match bucket.as_str() {
            "ok" if *cents < minimum => "below_ltv_min",
            "ok" if email.is_empty() && phone.is_empty() => "no_identifier",
            "ok" => "sent",
            other => other,
        };
        if bucket == "sent" {
            let hashed = |truth: &str| if truth.is_empty() { String::new() } else { key(truth) };
            rows.push((hashed(email), hashed(phone), i64::from(rank.unwrap().max(1))));
        }
        let (ghl_contact_id, bucket) = (id.clone(), bucket.to_owned());
        outcomes.push(Outcome { ghl_contact_id, bucket, raw_ltv_cents: *cents, normalized_value: rank });
    }
    outcomes.sort();
    rows.sort();
    (outcomes, rows)
}

fn every_messy_contact_ends_in_its_bucket_with_its_rank_and_arrives_as_itself(database: Database) {
    let mut instance =
        Instance::with(sandbox::Contacts::CsvText(MESSY.to_owned()), |_| {}).with_database(database);
    let published = Published::messy();
    assert_eq!(published.len(), 5000);
    // The second time somebody leaves out whoever is worth less than a hundred; nobody's rank moves.
    for minimum in [None, Some(100)] {
        if let Some(dollars) = minimum {
            instance.set("LTV_MIN", &format!("{dollars}")).sync(&["--accept-smaller-list"]).expect(0);
        } else {
            instance.sync(&[]).expect(0);
        }
        let (outcomes, rows) = expected(&published, minimum.map(|dollars| dollars * 100));
        assert_same(&stored(&instance), &outcomes);
        assert_same(&received(&instance), &rows);
        let of = |bucket: &str| outcomes.iter().filter(|outcome| outcome.bucket == bucket).count();
        assert_eq!((of("no_ltv"), of("bad_ltv")), (392, 236), "as many as were published");
        if minimum.is_none() {
            assert_eq!((of("sent"), of("no_identifier")), (4328, 44));
        } else {
            assert!(of("below_ltv_min") > 100 && of("sent") > 1000);
        }
    }
}

fn every_real_customer_is_stored_and_sent_with_the_published_percentile(database: Database) {
    let mut csv = crate::account::header();
    let mut customers = csv::Reader::from_reader(CDNOW.as_bytes());
    for customer in customers.records() {
        let customer = customer.unwrap();
        let (id, ltv) = (&customer[0], &customer[1]);
        csv.push_str(&format!(
            "{id},Ann,Example,{id}@example.com,,,Springfield,IL,62701,US,{ltv},{ltv},ok\n"
        ));
    }
    let mut instance = installed(csv, database);
    instance.set("NORMALIZER", "claude").sync(&[]).expect(0);
    let (mut outcomes, mut rows) = (Vec::new(), Vec::new());
    for customer in csv::Reader::from_reader(CDNOW_EXPECTED.as_bytes()).records() {
        let customer = customer.unwrap();
        let (id, cents, percentile) =
            (&customer[0], customer[1].parse().unwrap(), customer[2].parse().unwrap());
        outcomes.push(Outcome {
            ghl_contact_id: id.to_owned(),
            bucket: "sent".to_owned(),
            raw_ltv_cents: Some(cents),
            normalized_value: Some(percentile),
        });
        rows.push((key(&format!("{id}@example.com")), String::new(), i64::from(percentile.max(1))));
    }
    outcomes.sort();
    rows.sort();
    assert_eq!(outcomes.len(), 2357);
    assert_same(&stored(&instance), &outcomes);
    assert_same(&received(&instance), &rows);
}
