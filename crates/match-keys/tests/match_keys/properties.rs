//! What holds for any text at all.

use crate::{country, encoder};
use domain::Contact;
use match_keys::{
    Digest, Field, Place, Reason, birth, city, country as countries, email, hash, name, phone, state, zip,
};
use proptest::prelude::*;

const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

type Normalizer<'a> = &'a dyn Fn(&str) -> Result<String, Reason>;

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_normalized_value_normalizes_to_itself(raw in any_text(), own in any_country(), near in any_country()) {
        let place = Place { own: country(own), location: country(near) };
        let normalizers: [(&str, Normalizer); 9] = [
            ("email", &email::normalize),
            ("name", &name::normalize),
            ("city", &city::normalize),
            ("state", &|raw| state::normalize(raw, place)),
            ("zip", &|raw| zip::normalize(raw, place)),
            ("country", &countries::normalize),
            ("year", &|raw| birth::year(raw, 2026)),
            ("month", &birth::month),
            ("day", &birth::day),
        ];
        for (field, normalize) in normalizers {
            if let Ok(once) = normalize(&raw) {
                prop_assert!(!once.is_empty(), "{field}");
                prop_assert_eq!(normalize(&once), Ok(once.clone()), "{}", field);
            }
        }
    }

    #[test]
    fn a_phone_number_is_5_to_17_digits_and_reads_again_with_a_plus(raw in any_text(), own in any_country()) {
        if let Ok(number) = phone::normalize(&raw, country(own)) && Digest::from_hex(&number).is_none() {
            prop_assert!((5..=17).contains(&number.len()), "{number}");
            prop_assert!(number.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
            prop_assert!(!number.starts_with('0'), "{number}");
            prop_assert_eq!(phone::normalize(&format!("+{number}"), country(own)), Ok(number.clone()));
        }
    }

    #[test]
    fn a_cell_is_64_lower_case_digits_or_nothing(texts in prop::collection::vec(prop::option::of(any_text()), 8), near in any_country()) {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().flatten();
        let contact = Contact {
            email: next(), phone: next(), first_name: next(), last_name: next(), city: next(), state: next(),
            postal_code: next(), country: next(), ..Contact::default()
        };
        let encoded = encoder(country(near)).encode(&contact);
        for field in Field::ALL {
            if let Some(digest) = encoded.row.cell(field) {
                let hex = digest.to_string();
                prop_assert!(hex.len() == 64 && hex.bytes().all(|byte| b"0123456789abcdef".contains(&byte)));
                prop_assert_ne!(hex, OF_NOTHING);
            }
        }
        prop_assert_eq!(encoded.row.identity().is_some(), encoded.row.is_identifiable());
    }

    #[test]
    fn a_number_with_country_code_reads_back_from_any_spacing(
        national in 2_000_000_000_u64..9_999_999_999,
        gaps in prop::collection::vec(prop::sample::select(vec!["", " ", "-", ".", "\u{a0}", "\u{2011}"]), 11),
    ) {
        let number = format!("1{national}");
        let spaced: String = number.chars().zip(&gaps).map(|(digit, gap)| format!("{digit}{gap}")).collect();
        let read = phone::normalize(&format!("+{spaced}"), country("de"));
        // One digit over and over is a placeholder.
        prop_assert!(read.as_ref() == Ok(&number) || read == Err(Reason::Placeholder), "{read:?}");
    }

    #[test]
    fn a_hash_is_never_hashed_again(bytes in any::<[u8; 32]>()) {
        let given = Digest::from_bytes(bytes);
        prop_assert_eq!(hash(&given.to_string()), Some(given));
        prop_assert_eq!(hash(&given.to_string().to_uppercase()), Some(given));
    }
}
