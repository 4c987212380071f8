//! Lifetime values as people write them: in which language, and in which currency they are shown.

use crate::account::{header, row};
use crate::contact_by_contact::stored;
use crate::instance::{Database, Instance};
use crate::people::{audience, installed};
use crate::preview::preview;
use crate::serve::Served;
use domain::run::Step;
use serde_json::json;

/// As typed, and in cents where a point separates the decimals and where a comma does.
const TWO_READINGS: [(&str, i64, i64); 3] =
    [("1.234", 123, 123_400), ("\"1,797\"", 179_700, 180), ("2.500", 250, 250_000)];

/// 120 contacts, of whom three have a value that reads differently elsewhere.
fn in_locale(is_comma: bool) -> Instance {
    let mut csv = header();
    for number in 0..120_u32 {
        match TWO_READINGS.get(number as usize) {
            Some((raw, point, comma)) => {
                let cents = if is_comma { comma } else { point };
                csv.push_str(&row(number, raw, &format!("{}.{:02}", cents / 100, cents % 100), "ok"));
            }
            None => csv.push_str(&row(number, &format!("\"{number},50\""), &format!("{number}.50"), "ok")),
        }
    }
    installed(csv, Database::Sqlite)
}

#[test]
fn values_with_two_readings_follow_the_locale_and_are_told_in_preview_page_api_and_mail() {
    for (locale, largest) in [(None, "1,797.00"), (Some("de-DE"), "2,500.00")] {
        let mut instance = in_locale(locale.is_some());
        if let Some(locale) = locale {
            instance.set("LTV_LOCALE", locale);
        }
        instance.set("LTV_CURRENCY", "eur");
        let shown = preview(&instance).expect(0).stdout;
        let told = "Values that can be read in two ways, such as 1,797 or 1.234: 3. LTV_LOCALE decided.";
        let amounts = format!("to {largest} EUR, median");
        for words in [told, &amounts] {
            assert!(shown.contains(words), "`{words}` is missing in\n{shown}");
        }

        let served = Served::start(&mut instance);
        instance.sync(&[]).expect(0);
        for (outcome, (raw, point, comma)) in stored(&instance).iter().zip(TWO_READINGS) {
            let cents = if locale.is_some() { comma } else { point };
            assert_eq!((outcome.bucket.as_str(), outcome.raw_ltv_cents), ("sent", Some(cents)), "{raw}");
        }
        let seen = instance.verification(&audience(&instance));
        assert_eq!((&seen["wrong_value_count"], &seen["missing_count"]), (&json!(0), &json!(0)), "{seen}");

        let run = instance.last_run();
        let api = served.get(&format!("/api/sync/{}", run.id));
        assert_eq!(api["normalization_stats"]["ambiguous"], 3);
        assert_eq!(api["ranking"]["warnings"], json!([told]));
        let page = served.page(&format!("/sync/{}", run.id));
        let amount = format!("{largest} EUR");
        for words in [told, "<dd>3 (see LTV_LOCALE)</dd>", &amount] {
            assert!(page.contains(words), "`{words}` is missing in\n{page}");
        }
        let mail = instance.sandbox.mails().all().pop().unwrap().text.unwrap();
        let mail = mail.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(mail.contains(told), "{mail}");
    }
}

#[test]
fn nothing_is_told_of_the_locale_or_a_currency_where_none_matters() {
    let csv = (0..120).fold(header(), |csv, number| {
        csv + &row(number, &format!("{number}.50"), &format!("{number}.50"), "ok")
    });
    let mut instance = installed(csv, Database::Sqlite);
    let shown = preview(&instance).expect(0).stdout;
    assert!(shown.contains("from 0.50 to 119.50, median") && !shown.contains("Warning"), "{shown}");
    let served = Served::start(&mut instance);
    instance.sync(&[]).expect(0);
    let page = served.page(&format!("/sync/{}", instance.last_run().id));
    assert!(page.contains("119.50") && !page.contains("LTV_LOCALE"), "{page}");
}

#[test]
fn values_with_two_readings_are_told_also_where_they_are_why_nobody_would_be_sent() {
    let mut instance = in_locale(false);
    instance.set("LTV_MIN", "100000");
    let shown = preview(&instance);
    assert!(shown.stdout.contains("such as 1,797 or 1.234: 3. LTV_LOCALE decided."), "{}", shown.stdout);
    instance.sync(&[]).expect(1).names(&["None of the 120 contacts can be sent"]);
    let read = instance.last_run().steps.into_iter().find(|step| step.name == Step::ReadLtv).unwrap();
    assert_eq!(
        read.detail.as_deref(),
        Some("120 values, 0 without a value, 0 unreadable, 3 readable in two ways")
    );
}
