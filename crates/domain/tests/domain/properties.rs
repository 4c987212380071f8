//! What holds for any text, and for any amount in any style of writing.

use crate::promises::{check, read};
use domain::Cents;
use domain::ltv::{DecimalMark, LtvReading};
use proptest::prelude::*;

/// Text made of what amounts are made of, and of what breaks their parsers.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "0",
        "1",
        "9",
        "12",
        "234",
        "567",
        "000",
        "00",
        ".",
        ",",
        ".5",
        ",50",
        " ",
        "\u{a0}",
        "\u{202f}",
        "'",
        "’",
        "_",
        "-",
        "\u{2212}",
        "–",
        ",-",
        ".—",
        "/-",
        "+",
        "(",
        ")",
        "$",
        "€",
        "£",
        "USD",
        "eur",
        "kr.",
        "zł",
        "Rs.",
        "US$",
        "e",
        "E+03",
        "e-2",
        "e99",
        "N/A",
        "null",
        "NaN",
        "inf",
        "#REF!",
        "%",
        "k",
        "١",
        "٫",
        "٬",
        "３",
        "．",
        "९",
        "\u{200b}",
        "\u{feff}",
        "\0",
        "é",
        "İ",
        "ß",
        "🎈",
        "999999999999999",
        "\n",
        "\t",
        "=",
        "\"",
    ]);
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// How an amount is written somewhere.
#[derive(Debug, Clone, Copy)]
struct Style {
    /// Between groups of digits.
    group: &'static str,
    /// Before the cents.
    decimal: &'static str,
    /// Digits of all groups but the last, which has three.
    group_digits: usize,
}

const fn style(group: &'static str, decimal: &'static str) -> Style {
    Style { group, decimal, group_digits: 3 }
}

const STYLES: [Style; 9] = [
    style(",", "."),
    style(".", ","),
    style("\u{202f}", ","),
    style("\u{a0}", "."),
    style(" ", ","),
    style("'", "."),
    style("’", ","),
    style("", "."),
    Style { group: ",", decimal: ".", group_digits: 2 },
];

/// What stands before and behind the amount, with `#` for the sign's place.
const AFFIXES: [(&str, &str); 9] = [
    ("#", ""),
    ("#$", ""),
    ("$ #", ""),
    ("#", " €"),
    ("#", "€"),
    ("USD #", ""),
    ("#", " kr"),
    ("R$ #", ""),
    ("#£", " GBP"),
];

fn grouped(whole: u64, style: Style) -> String {
    let digits = whole.to_string();
    let (mut rest, mut text) = digits.split_at(digits.len().saturating_sub(3));
    let mut out = text.to_owned();
    while !rest.is_empty() {
        (rest, text) = rest.split_at(rest.len().saturating_sub(style.group_digits));
        out = format!("{text}{}{out}", style.group);
    }
    out
}

fn signed(amount: &str, (before, behind): (&str, &str), negative: bool, parentheses: bool) -> String {
    match (negative, parentheses) {
        (true, true) => format!("({}{amount}{behind})", before.replace('#', "")),
        (true, false) => format!("{}{amount}{behind}", before.replace('#', "-")),
        (false, _) => format!("{}{amount}{behind}", before.replace('#', "")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_text_keeps_the_promises(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn text_made_of_the_pieces_of_amounts_keeps_the_promises(text in pieces()) {
        check(&text);
    }

    #[test]
    fn an_amount_with_cents_reads_as_itself_in_every_style_under_every_locale(
        cents in prop_oneof![-1_000_000_i64..1_000_000, -(10_i64.pow(18) - 1)..10_i64.pow(18)],
        style in prop::sample::select(&STYLES[..]),
        affixes in prop::sample::select(&AFFIXES[..]),
        parentheses in any::<bool>(),
    ) {
        let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
        let amount = format!("{}{}{rest:02}", grouped(whole, style), style.decimal);
        let text = signed(&amount, affixes, cents < 0, parentheses);
        let same = LtvReading::Value { amount: Cents(cents), ambiguous: false };
        for mark in [DecimalMark::Point, DecimalMark::Comma] {
            prop_assert_eq!(read(&text, mark), same, "{} under {:?}", text, mark);
        }
    }

    #[test]
    fn a_whole_amount_reads_as_itself_under_its_own_locale_and_is_marked_where_another_differs(
        whole in prop_oneof![0_u64..10_000_000, 0..10_u64.pow(16)],
        style in prop::sample::select(&STYLES[..]),
    ) {
        let text = grouped(whole, style);
        let own = if style.decimal == "." { DecimalMark::Point } else { DecimalMark::Comma };
        let one_mark = [",", "."].contains(&style.group) && (1000..1_000_000).contains(&whole) && (style.group_digits == 3 || whole < 100_000);
        let cents = i64::try_from(whole * 100).unwrap();
        prop_assert_eq!(read(&text, own), LtvReading::Value { amount: Cents(cents), ambiguous: one_mark }, "{}", text);
    }
}
