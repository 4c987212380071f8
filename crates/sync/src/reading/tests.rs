use super::{ReadList, Reader, ValueSource, why_bad_ltv};
use crate::account::{Account, decide};
use crate::edges::ContactList;
use crate::error::RunError;
use crate::leaving::Suppression;
use crate::scripted_source::ScriptedSource;
use crate::settings::{OptOutRule, SyncSettings};
use crate::spool::Spool;
use domain::contact::OptOut;
use domain::ltv::{BadLtv, DecimalMark, LtvReading, read_ltv};
use domain::{Accounting, Cancel, Cents, Contact, Explain, RawLtv, RunId, SystemClock};
use match_keys::{Encoder, country};
use persistence::{DatabaseUrl, Store};
use std::sync::{Arc, Mutex};

fn contact(number: u32) -> Contact {
    Contact {
        id: format!("c{number}"),
        email: Some(format!("person{number}@example.com")),
        ltv: RawLtv::Text(format!("{number}.00")),
        ..Contact::default()
    }
}

fn contacts(numbers: impl IntoIterator<Item = u32>) -> Vec<Contact> {
    numbers.into_iter().map(contact).collect()
}

/// Reads by the script; the result, and the pages told as (contacts read, size of the list).
fn read_with(
    source: &ScriptedSource,
    change: impl FnOnce(&mut SyncSettings),
) -> (Result<Account, RunError>, Vec<(u64, u64)>) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("a.db")), Arc::new(SystemClock)).unwrap();
    let spool = Spool::create(folder.path(), RunId(1)).unwrap();
    let mut settings = SyncSettings::of_tests(folder.path());
    change(&mut settings);
    let told = Mutex::new(Vec::new());
    let reader = Reader {
        source,
        list: &ContactList::All,
        values: &ValueSource::Field("f1".to_owned()),
        encoder: &Encoder::new(None, "2026-11-21".parse().unwrap()),
        settings: &settings,
        suppression: &Suppression::load(&store).unwrap(),
        spool: &spool,
        page_read: &|done, total| {
            told.lock().unwrap().push((done, total));
            Ok(())
        },
        cancel: &Cancel::new(),
    };
    let account = reader.read().and_then(|read: ReadList| decide(read, &spool));
    assert!(source.readings.lock().unwrap().is_empty() && source.counts.lock().unwrap().is_empty());
    (account, told.into_inner().unwrap())
}

/// A source whose readings bring these contacts, and which counts so many after each.
fn source(readings: Vec<Vec<Contact>>, counts: &[u64]) -> ScriptedSource {
    ScriptedSource {
        readings: Mutex::new(readings.into()),
        counts: Mutex::new(counts.to_vec().into()),
        ..ScriptedSource::default()
    }
}

fn read(readings: Vec<Vec<Contact>>, counts: &[u64]) -> Result<Account, RunError> {
    read_with(&source(readings, counts), |_settings| {}).0
}

#[test]
fn a_contact_that_comes_twice_is_dropped_and_counted_and_takes_no_part_in_the_ranks() {
    let account = read(vec![contacts([1, 2, 3, 2, 4, 1, 2])], &[4]).unwrap();
    let counts = Accounting { fetched: 7, duplicates: 3, sent: 4, ..Accounting::default() };
    assert_eq!(account.counts, counts);
    assert_eq!(account.values, [100, 200, 300, 400]);
}

#[test]
fn a_contact_that_vanished_while_pages_were_read_leads_to_a_second_reading_which_counts_alone() {
    let account = read(vec![contacts(1..=5), contacts(2..=5)], &[4, 4]).unwrap();
    assert_eq!((account.counts.fetched, account.counts.sent), (4, 4));
    assert_eq!(account.values, [200, 300, 400, 500], "nothing of the first reading is left");
}

#[test]
fn a_contact_that_appeared_while_pages_were_read_is_read_the_second_time() {
    let account = read(vec![contacts(1..=3), contacts(1..=4)], &[4, 4]).unwrap();
    assert_eq!(account.counts.sent, 4);
}

#[test]
fn a_duplicate_never_stands_in_for_a_contact_that_was_not_read() {
    // As many rows as the list holds, but one contact came twice and one not at all.
    let account = read(vec![contacts([1, 2, 2]), contacts(1..=3)], &[3, 3]).unwrap();
    assert_eq!((account.counts.fetched, account.counts.duplicates), (3, 0));
}

#[test]
fn a_list_that_changes_whenever_it_is_read_fails_the_run_rather_than_being_sent_in_part() {
    let changing = source(vec![contacts(1..=3); 4], &[4, 4, 4, 5]);
    let (result, told) = read_with(&changing, |_settings| {});
    let error = result.map(|account| account.counts).unwrap_err();
    assert!(matches!(error, RunError::CountMismatch { read: 3, counted: 5 }), "{error:?}");
    assert!(error.explain().message.contains("kept changing"));
    assert_eq!(told, [(3, 3); 4]);
    let account = read(vec![contacts(1..=3), contacts(1..=3), contacts(1..=3), contacts(1..=4)], &[4; 4]);
    assert_eq!(account.unwrap().counts.sent, 4);
}

#[test]
fn a_few_who_leave_during_the_last_reading_are_told_of_and_do_not_fail_the_run() {
    let leaving = |contacts: &dyn Fn() -> Vec<Contact>, counted: u64| {
        read(vec![contacts(), contacts(), contacts(), contacts()], &[counted; 4])
    };
    let large = || contacts(1..=2000);
    for (list, counted) in [(&large as &dyn Fn() -> Vec<Contact>, 1998), (&|| contacts(1..=3), 2)] {
        let account = leaving(list, counted).unwrap();
        let left = account.counts.fetched - counted;
        assert_eq!((account.left, account.counts.sent), (left, counted + left));
        let told =
            format!("Contacts that left the list while it was read: {left}. The next sync leaves them out.");
        assert_eq!(account.warnings(), [told]);
        // One more than a few.
        let error = leaving(list, counted - 1).map(|account| account.counts).unwrap_err();
        assert!(matches!(error, RunError::CountMismatch { .. }), "{error:?}");
    }
}

#[test]
fn a_reading_that_was_cut_short_is_repeated_although_the_count_fits() {
    // One contact was never given, and one that was is gone by the time of the count.
    let cut_short = |missing: Vec<u64>, readings, counts: &[u64]| {
        let source = ScriptedSource { missing: Mutex::new(missing.into()), ..source(readings, counts) };
        read_with(&source, |_settings| {}).0
    };
    let account = cut_short(vec![1, 0], vec![contacts(1..=3), contacts(2..=4)], &[3]).unwrap();
    assert_eq!(account.values, [200, 300, 400]);
    let whenever = cut_short(vec![1; 4], vec![contacts(1..=3); 4], &[]);
    assert!(matches!(whenever, Err(RunError::CountMismatch { read: 3, counted: 4 })));
}

#[test]
fn an_opt_out_counts_by_the_rule_and_never_shifts_a_rank() {
    let of = |all, email, sms| OptOut { all, email, sms };
    let asked = [
        of(false, false, false),
        of(true, false, false),
        of(false, true, true),
        of(false, true, false),
        of(false, false, true),
        of(true, true, true),
    ];
    let list = || {
        let with = |(number, opt_out): (u32, &OptOut)| Contact { opt_out: *opt_out, ..contact(number) };
        vec![(1..).zip(&asked).map(with).collect()]
    };
    for (rule, excluded) in [(OptOutRule::All, 2), (OptOutRule::EmailAndSms, 3), (OptOutRule::Off, 0)] {
        let (account, _) = read_with(&source(list(), &[6]), |settings| settings.respect_opt_out = rule);
        let account = account.unwrap();
        assert_eq!(
            (account.counts.excluded_opted_out, account.counts.sent),
            (excluded, 6 - excluded),
            "{rule:?}"
        );
        assert_eq!(account.values.len(), 6, "the values of those who are left out are ranked too");
    }
}

#[test]
fn blank_bad_and_small_values_have_buckets_of_their_own_and_values_of_two_readings_are_counted() {
    let values = ["12.00", "", "N/A", "#REF!", "1,797", "1.797", "0.50", "0.00"];
    let with =
        |(number, text): (u32, &&str)| Contact { ltv: RawLtv::Text((*text).to_owned()), ..contact(number) };
    let list = || vec![(1..).zip(&values).map(with).collect()];
    let (account, _) = read_with(&source(list(), &[8]), |settings| settings.ltv_min = Some(Cents(100)));
    let account = account.unwrap();
    let counts = &account.counts;
    assert_eq!(
        (counts.skipped_no_ltv, counts.rejected_bad_ltv, counts.below_ltv_min, counts.sent),
        (2, 1, 2, 3)
    );
    assert_eq!(account.values, [1200, 179_700, 180, 50, 0], "ranks are taken over all values");
    assert_eq!(account.ambiguous, 2);
    let (account, _) =
        read_with(&source(list(), &[8]), |settings| settings.decimal_mark = DecimalMark::Comma);
    let account = account.unwrap();
    assert_eq!((account.values, account.ambiguous), (vec![1200, 180, 179_700, 50, 0], 2));
}

#[test]
fn what_stands_in_place_of_an_amount_is_repeated_in_short_and_without_addresses() {
    let text = |text: &str| RawLtv::Text(text.to_owned());
    for (raw, shown) in [
        (text("TBD"), "the value is not a number: \"TBD\""),
        (text("ask ann@example.com"), "the value is not a number: \"ask ***\""),
        (text("x\r\n=1"), "the value is not a number: \"x =1\""),
        (RawLtv::Number("1".repeat(20)), "the value has more than 18 digits: \"***\""),
        (text("+1 (415) 555 0199"), "the value is not a number: \"***\""),
        (text("4155550199x12"), "the value is not a number: \"***\""),
        (text("tel:+14155550199"), "the value is not a number: \"***\""),
        (text("card 4111 1111 1111 1111"), "the value is not a number: \"***\""),
        (text("call ４１５５５５０"), "the value is not a number: \"***\""),
        (text("call 415 555"), "the value is not a number: \"call 415 555\""),
        (RawLtv::NotScalar, "the field holds a list or an object, not an amount"),
    ] {
        let LtvReading::BadLtv(why) = read_ltv(&raw, DecimalMark::Point) else { panic!("{shown}") };
        assert_eq!(why_bad_ltv(why, &raw), shown);
    }
    let long = why_bad_ltv(BadLtv::NotANumber, &text(&"word ".repeat(30)));
    assert_eq!(long.chars().count(), "the value is not a number: \"\"".len() + 41);
}

#[test]
fn beside_a_number_it_is_kept_in_which_country_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&DatabaseUrl::Sqlite(folder.path().join("a.db")), Arc::new(SystemClock)).unwrap();
    let mut encoder = Encoder::new(country::read("DE").ok(), "2026-11-21".parse().unwrap());
    let reader = Reader {
        source: &ScriptedSource::default(),
        list: &ContactList::All,
        values: &ValueSource::Field("f1".to_owned()),
        encoder: &encoder.clone(),
        settings: &SyncSettings::of_tests(folder.path()),
        suppression: &Suppression::load(&store).unwrap(),
        spool: &Spool::create(folder.path(), RunId(1)).unwrap(),
        page_read: &|_done, _total| Ok(()),
        cancel: &Cancel::new(),
    };
    let mut kept = |country: Option<&str>, phone: Option<&str>| {
        let (country, phone) = (country.map(str::to_owned), phone.map(str::to_owned));
        let prepared = reader.prepare(Contact { country, phone, ..contact(1) }, &mut encoder);
        prepared.country
    };
    assert_eq!(kept(Some("Schweiz"), Some("044 555 01 43")), Some(*b"ch"));
    assert_eq!(kept(None, Some("030 555 0143")), Some(*b"de"));
    assert_eq!(kept(Some("Schweiz"), None), None);
}
