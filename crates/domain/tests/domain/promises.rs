//! What holds for the reading of any text as a lifetime value. The property tests, the replay of the fuzzer's corpus and the
//! fuzzer itself check the same.

use domain::ltv::{DecimalMark, LtvReading, read_ltv};
use domain::{Cents, RawLtv};

pub fn read(text: &str, mark: DecimalMark) -> LtvReading {
    read_ltv(&RawLtv::Text(text.to_owned()), mark)
}

/// Panics when a promise is broken.
pub fn check(text: &str) {
    let (point, comma) = (read(text, DecimalMark::Point), read(text, DecimalMark::Comma));
    match (point, comma) {
        (LtvReading::Value { amount, ambiguous }, LtvReading::Value { amount: other, ambiguous: also }) => {
            assert_eq!(ambiguous, also, "{text:?}");
            assert_eq!(ambiguous, amount != other, "`{text}`: {amount} or {other}");
            check_amount(text, amount);
            check_amount(text, other);
        }
        _ => assert_eq!(point, comma, "a locale never decides whether {text:?} is an amount"),
    }
    if text.contains(|c: char| c.is_ascii_digit()) {
        assert_ne!(point, LtvReading::NoLtv, "{text:?} is not blank");
    }
    if !text.contains(char::is_numeric) {
        assert!(!matches!(point, LtvReading::Value { .. }), "{text:?} holds no digit");
    }
    let digits = |reading| match reading {
        LtvReading::Value { amount, .. } => LtvReading::Value { amount, ambiguous: false },
        other => other,
    };
    for mark in [DecimalMark::Point, DecimalMark::Comma] {
        let number = read_ltv(&RawLtv::Number(text.to_owned()), mark);
        assert_eq!(number, digits(point), "a JSON number has one reading: {text:?}");
        check_surroundings(text, mark);
    }
}

/// An amount can be written down and read back.
fn check_amount(text: &str, amount: Cents) {
    assert!(amount.is_readable(), "{text:?}");
    let same = LtvReading::Value { amount, ambiguous: false };
    for written in [amount.to_string(), amount.grouped()] {
        assert_eq!(read(&written, DecimalMark::Point), same, "{text:?} as {written}");
        assert_eq!(read(&written, DecimalMark::Comma), same, "{text:?} as {written}");
    }
}

/// Blanks and currencies change nothing, and a sign only the sign.
fn check_surroundings(text: &str, mark: DecimalMark) {
    let reading = read(text, mark);
    assert_eq!(read(&format!(" \u{a0}{text}\u{202f}\n"), mark), reading, "{text:?} between blanks");
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let LtvReading::Value { amount, ambiguous } = reading else { return };
    if !is_digit(text.chars().next()) || !is_digit(text.chars().next_back()) {
        return;
    }
    for written in [
        format!("${text}"),
        format!("{text} €"),
        format!("usd {text}"),
        format!("{text}ZŁ"),
        format!("£ {text} GBP"),
    ] {
        assert_eq!(read(&written, mark), reading, "{written:?}");
    }
    let negative = LtvReading::Value { amount: Cents(-amount.0), ambiguous };
    for written in [
        format!("-{text}"),
        format!("({text})"),
        format!("\u{2212} {text}"),
        format!("{text}-"),
        format!("$-{text}"),
    ] {
        assert_eq!(read(&written, mark), negative, "{written:?}");
    }
}
