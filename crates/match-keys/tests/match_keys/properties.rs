//! What holds for any text at all.

use crate::{country, promises, today};
use chrono::NaiveDate;
use domain::Contact;
use match_keys::{Digest, Reason, birth, hash, phone};
use proptest::prelude::*;

/// Any text, and text made of what breaks parsers of contact fields.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "+",
        "00",
        "0",
        "1",
        "(0)",
        "(650)",
        "555",
        "-",
        " ",
        ".",
        ",",
        ";",
        "/",
        "x12",
        " ext. 9",
        "@",
        "example.com",
        "a",
        "É",
        "e\u{301}",
        "\u{200b}",
        "\u{feff}",
        "\u{661}",
        "１",
        "ß",
        "İ",
        "Σ",
        "李",
        "US-",
        "us",
        "N/A",
        "📞",
        "\u{0}",
        "%",
        "\"",
        "tel:",
        "FLOWERS",
        "44",
        "20 7946 0958",
        "94035",
        "-1234",
        ".0",
        "İstanbul",
        "ª",
        "ʼ",
        "\u{301}",
        "ﬁ",
        "々",
        "\r\n",
    ]);
    prop_oneof![
        any::<String>(),
        "\\PC{0,20}",
        prop::collection::vec(pieces, 0..8).prop_map(|parts| parts.concat())
    ]
}

fn any_country() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "", "us", "ca", "gb", "de", "fr", "it", "br", "mx", "ar", "au", "jp", "in", "pl", "va", "aq", "pr",
    ])
}

/// Any text, and dates that are nearly right.
fn any_date() -> impl Strategy<Value = String> {
    prop_oneof![
        any_text(),
        (0..2100_u16, 0..14_u8, 0..33_u8)
            .prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}")),
        (0..40_u8, 0..40_u8, 1890..2040_u16)
            .prop_map(|(first, second, year)| format!("{first}/{second}/{year}")),
        any::<i64>().prop_map(|number| number.to_string()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_for_any_contact(
        texts in prop::collection::vec(prop::option::of(any_text()), 8),
        own in any_country(),
        near in any_country(),
        birth_date in prop::option::of(any_date()),
        additional_emails in prop::collection::vec(any_text(), 0..4),
        additional_phones in prop::collection::vec(any_text(), 0..4),
    ) {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().flatten();
        let contact = Contact {
            email: next(),
            phone: next(),
            first_name: next(),
            last_name: next(),
            city: next(),
            state: next(),
            postal_code: next(),
            // A country that is one decides how the other fields are read.
            country: if own.is_empty() { next() } else { Some(own.to_owned()) },
            birth_date,
            additional_emails,
            additional_phones,
            ..Contact::default()
        };
        promises::check(&contact, country(near));
    }

    #[test]
    fn every_day_reads_the_same_in_every_form(days in 0..46_000_i64, seconds in 0..86_400_i64) {
        let first = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a date");
        let date = first + chrono::Days::new(days.unsigned_abs());
        let parts = ["%Y", "%m", "%d"].map(|part| date.format(part).to_string());
        let expected = if date > today() { Err(Reason::OutOfRange) } else { Ok(parts) };
        for form in ["%Y-%m-%d", "%Y/%m/%d", "%m/%d/%Y", "%m-%d-%Y", "%-m.%-d.%Y", "%Y_%m_%d", "%B %-d, %Y", "%Y%m%d"] {
            prop_assert_eq!(&birth::normalize(&date.format(form).to_string(), today()), &expected, "{}", form);
        }
        // A number of seconds within the day leaves the date alone.
        let moment = date.and_time(chrono::NaiveTime::MIN).and_utc() + chrono::TimeDelta::seconds(seconds);
        let milliseconds = moment.timestamp_millis();
        if milliseconds.abs() >= 100_000_000 {
            prop_assert_eq!(&birth::normalize(&milliseconds.to_string(), today()), &expected);
        }
        prop_assert_eq!(&birth::normalize(&moment.to_rfc3339(), today()), &expected);
    }

    #[test]
    fn a_number_with_country_code_reads_back_from_any_spacing(
        national in 2_000_000_000_u64..9_999_999_999,
        gaps in prop::collection::vec(prop::sample::select(vec!["", " ", "-", ".", "\u{a0}", "\u{2011}"]), 11),
    ) {
        let number = format!("1{national}");
        let spaced: String = number.chars().zip(&gaps).map(|(digit, gap)| format!("{digit}{gap}")).collect();
        let raw = format!("+{spaced}");
        let read = phone::normalize(&raw, country("de"));
        // One digit over and over is a placeholder.
        prop_assert!(read.as_deref() == Ok(&number) || read == Err(Reason::Placeholder), "{read:?}");
    }

    #[test]
    fn a_hash_is_never_hashed_again(bytes in any::<[u8; 32]>()) {
        let given = Digest::from_bytes(bytes);
        prop_assert_eq!(hash(&given.to_string()), Some(given));
        prop_assert_eq!(hash(&given.to_string().to_uppercase()), Some(given));
    }
}
