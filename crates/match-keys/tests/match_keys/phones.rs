//! The example numbers of every numbering plan: `tests/data/phones_examples.csv`.

use match_keys::{Reason, country, phone};

#[derive(Default, Debug, PartialEq, Eq)]
struct Figures {
    valid: u32,
    valid_forms_read: u32,
    national_without_iso_region: u32,
    invalid: u32,
    invalid_forms_dropped: u32,
    invalid_forms_sent_as_written: u32,
}

#[test]
fn example_numbers_of_all_regions_read_in_every_written_form() {
    let mut figures = Figures::default();
    let mut wrong = Vec::new();
    let mut reader = csv::Reader::from_reader(include_bytes!("../data/phones_examples.csv").as_slice());
    for record in reader.records() {
        let record = record.expect("a record");
        let [region, kind, e164, international, national, rfc3966, is_valid] =
            [0, 1, 2, 3, 4, 5, 6].map(|column| record.get(column).expect("seven columns"));
        let digits = e164.trim_start_matches('+');
        let own = country::read(region).ok();
        let valid = is_valid == "1";
        if valid {
            figures.valid += 1;
        } else {
            figures.invalid += 1;
        }
        let mut forms = vec![(e164, None), (e164, own), (international, None), (rfc3966, None)];
        if own.is_some() {
            forms.push((national, own));
        } else {
            // Ascension and the like: parts of other countries in ISO 3166-1, so no contact's country.
            figures.national_without_iso_region += 1;
        }
        for (form, country) in forms.into_iter().filter(|(form, _)| !form.is_empty()) {
            match phone::normalize(form, country) {
                Ok(number) if number == digits && valid => figures.valid_forms_read += 1,
                Ok(number) if number == digits => figures.invalid_forms_sent_as_written += 1,
                Err(_) if !valid => figures.invalid_forms_dropped += 1,
                other => wrong.push(format!("{region} {kind} {form} {country:?}: {other:?}, not {digits}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    let expected = Figures {
        valid: 767,
        valid_forms_read: 3832,
        national_without_iso_region: 5,
        invalid: 245,
        invalid_forms_dropped: 764,
        invalid_forms_sent_as_written: 214,
    };
    assert_eq!(figures, expected);
}

#[test]
fn without_any_country_a_number_is_read_by_its_country_code_or_not_at_all() {
    for raw in [
        "203 555 0168",
        "2035550168",
        "(604) 555-0120",
        "030 1234567",
        "020 7946 0958",
        "604-555-0120 ext. 5",
    ] {
        assert_eq!(phone::normalize(raw, None), Err(Reason::NoCountry), "{raw}");
    }
    for raw in ["+20 3 555 0168", "0020 3 5550168"] {
        assert_eq!(phone::normalize(raw, None).as_deref(), Ok("2035550168"), "{raw}: Alexandria");
    }
    for raw in ["1 (203) 555-0168", "12035550168", "+1 203 555 0168"] {
        assert_eq!(phone::normalize(raw, None).as_deref(), Ok("12035550168"), "{raw}: Connecticut");
    }
}
