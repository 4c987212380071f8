//! Reading a lifetime value as money, whatever way a person or a form wrote it.
//!
//! Blank is "no value", garbage is "bad value" and shown; neither ever becomes zero, because zero is a real rank.

mod affixes;
mod mark;
mod number;

pub use mark::DecimalMark;

use crate::contact::RawLtv;
use crate::money::Cents;
use affixes::{Affixes, without_currency};

/// What a raw value turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LtvReading {
    /// Blank, or a word that means blank.
    NoLtv,
    /// Not an amount.
    BadLtv(BadLtv),
    /// An amount.
    Value {
        /// The amount, rounded half away from zero at the third decimal.
        amount: Cents,
        /// Another locale would read it differently.
        ambiguous: bool,
    },
}

/// Why a value is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLtv {
    /// `TBD`, `#REF!`, `NaN`, `Infinity`, and any other text.
    #[error("the value is not a number")]
    NotANumber,
    /// Separators where no writing of numbers has them, such as `1,23,4` or `1.2,3.4`.
    #[error("the separators of the value do not make a number")]
    Separators,
    /// More than 18 digits.
    #[error("the value has more than 18 digits")]
    TooLarge,
    /// A list, an object, or true or false.
    #[error("the field holds a list or an object, not an amount")]
    NotScalar,
}

const BLANK_WORDS: &[&str] =
    &["n/a", "n.a.", "na", "null", "none", "nil", "unknown", "undefined", "-", "--", "–", "—"];

/// Reads a raw value.
pub fn read_ltv(raw: &RawLtv, mark: DecimalMark) -> LtvReading {
    match raw {
        RawLtv::Absent => LtvReading::NoLtv,
        RawLtv::NotScalar => LtvReading::BadLtv(BadLtv::NotScalar),
        // A JSON number has only one reading.
        RawLtv::Number(digits) => match read_amount(digits, DecimalMark::Point) {
            LtvReading::Value { amount, .. } => LtvReading::Value { amount, ambiguous: false },
            other => other,
        },
        RawLtv::Text(text) => read_amount(text, mark),
    }
}

fn read_amount(text: &str, mark: DecimalMark) -> LtvReading {
    let text = text.trim_matches(is_blank);
    let may_be_blank = !text.bytes().any(|byte| byte.is_ascii_digit());
    if may_be_blank && is_blank_word(text) {
        return LtvReading::NoLtv;
    }
    match parse(text, mark) {
        Ok((amount, ambiguous)) => LtvReading::Value { amount, ambiguous },
        Err(reason) => LtvReading::BadLtv(reason),
    }
}

fn is_blank_word(text: &str) -> bool {
    text.is_empty() || BLANK_WORDS.contains(&without_currency(text).to_lowercase().as_str())
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

fn parse(text: &str, mark: DecimalMark) -> Result<(Cents, bool), BadLtv> {
    let Affixes { negative, number } = Affixes::strip(text)?;
    number::read(number, mark, negative)
}

#[cfg(test)]
mod tests {
    use super::{BadLtv, DecimalMark, LtvReading, read_ltv};
    use crate::contact::RawLtv;
    use crate::money::Cents;

    fn read(text: &str) -> LtvReading {
        read_ltv(&RawLtv::Text(text.to_owned()), DecimalMark::Point)
    }

    fn read_de(text: &str) -> LtvReading {
        read_ltv(&RawLtv::Text(text.to_owned()), DecimalMark::Comma)
    }

    fn value(cents: i64, ambiguous: bool) -> LtvReading {
        LtvReading::Value { amount: Cents(cents), ambiguous }
    }

    #[test]
    fn every_way_to_write_an_amount() {
        for (text, cents) in [
            ("0", 0),
            ("1545", 154_500),
            ("1839.31", 183_931),
            ("$1,797.24", 179_724),
            ("£1,757.55", 175_755),
            ("742,93 €", 74_293),
            ("1.849,11 €", 184_911),
            ("1 234,50", 123_450),
            ("1\u{202f}124,01", 112_401),
            ("3\u{a0}281,63", 328_163),
            ("1\u{2009}000", 100_000),
            ("1'234.50", 123_450),
            ("2’218.02", 221_802),
            ("2.662060e+03", 266_206),
            ("4.31E3", 431_000),
            ("-3.200000e+01", -3_200),
            ("1.234e3", 123_400),
            ("1,234E+03", 123_400),
            ("12e-1", 120),
            ("USD 777", 77_700),
            ("777USD", 77_700),
            ("US$ 5", 500),
            ("$1,250.00 USD", 125_000),
            ("USD -$5", -500),
            ("R$ 1.234,56", 123_456),
            ("100 zł", 10_000),
            ("Fr. 12.50", 1_250),
            ("-$4.50", -450),
            ("$-227.44", -22_744),
            ("4.50-", -450),
            ("\u{2212}7.50", -750),
            ("(1,165.30)", -116_530),
            ("($5)", -500),
            ("$(1,165.30)", -116_530),
            ("$ (1,165.30)", -116_530),
            ("(5.00) USD", -500),
            ("US$ ( 5 ) USD", -500),
            ("€( 5 )", -500),
            ("-95,93 €", -9_593),
            ("-0", 0),
            ("+5", 500),
            (".5", 50),
            ("5.", 500),
            ("1,234,567", 123_456_700),
            ("1.234.567", 123_456_700),
            ("1,23,456.78", 12_345_678),
            ("0.004", 0),
            ("0.005", 1),
            ("-0.005", -1),
            ("0.30000000000000004", 30),
            ("1,7972", 180),
            ("0,500", 50),
            ("١٢٣٫٥", 12_350),
            ("１２３.５", 12_350),
            ("9999999999999999.99", 999_999_999_999_999_999),
        ] {
            assert_eq!(read(text), value(cents, false), "{text}");
        }
    }

    #[test]
    fn a_dash_for_no_cents_is_no_minus_in_any_locale() {
        for (text, cents) in [
            ("150,-", 15_000),
            ("150.-", 15_000),
            ("150,—", 15_000),
            ("150.–", 15_000),
            ("150,--", 15_000),
            ("150, -", 15_000),
            ("150,\u{2212}", 15_000),
            ("1.500,- €", 150_000),
            ("€1.234,-", 123_400),
            ("1.234.567,-", 123_456_700),
            ("CHF 500.-", 50_000),
            ("Fr. 150.-", 15_000),
            ("1'500.-", 150_000),
            ("$1,500.-", 150_000),
            ("-150,-", -15_000),
            ("(150,-)", -15_000),
            ("Rs. 500/-", 50_000),
            ("500:-", 50_000),
            ("150 -", -15_000),
        ] {
            assert_eq!(read(text), value(cents, false), "{text}");
            assert_eq!(read_de(text), value(cents, false), "{text}");
        }
        for text in [",-", "150 kr.-", "150,-50", "150,-,-", "150/", "150:"] {
            assert_eq!(read(text), LtvReading::BadLtv(BadLtv::NotANumber), "{text}");
        }
    }

    #[test]
    fn three_digits_behind_one_separator_follow_the_locale() {
        assert_eq!(read("1,797"), value(179_700, true));
        assert_eq!(read("1.234"), value(123, true));
        assert_eq!(read_de("1,797"), value(180, true));
        assert_eq!(read_de("1.234"), value(123_400, true));
        assert_eq!(read("USD 2,232"), value(223_200, true));
        let number = RawLtv::Number("1.234".to_owned());
        assert_eq!(read_ltv(&number, DecimalMark::Comma), value(123, false), "a JSON number has one reading");
    }

    #[test]
    fn blank_is_no_value_and_never_zero() {
        for text in [
            "", " ", "\u{a0}", "N/A", "n/a", "-", "—", "null", "unknown", "UNKNOWN", "None", "$ -", "$-",
            "— €", "USD N/A",
        ] {
            assert_eq!(read(text), LtvReading::NoLtv, "{text:?}");
        }
        assert_eq!(read_ltv(&RawLtv::Absent, DecimalMark::Point), LtvReading::NoLtv);
    }

    #[test]
    fn garbage_is_bad_and_never_zero() {
        for text in [
            "NaN",
            "Infinity",
            "-inf",
            "#REF!",
            "TBD",
            "$",
            "abc",
            "12abc",
            "100\n200",
            "100\t200",
            "100\r\n200",
            "100\u{2028}200",
            "Euro 5 5",
            "--5",
            "(-5)",
            "-(5)",
            "$(-5)",
            "((5))",
            "$(5",
            "()",
            "$ (-)",
            "$ $",
            "1e",
            "5 $ €",
            "USD 5 EUR",
        ] {
            assert_eq!(read(text), LtvReading::BadLtv(BadLtv::NotANumber), "{text}");
        }
        for text in ["1,23,4", "1.2,3.4", "12,34,56", "1.234,567,890", "1 23", "1234 567", ",1,"] {
            assert_eq!(read(text), LtvReading::BadLtv(BadLtv::Separators), "{text}");
        }
        for text in ["10000000000000000", "1e17", "99999999999999999999", "1e31"] {
            assert_eq!(read(text), LtvReading::BadLtv(BadLtv::TooLarge), "{text}");
        }
        assert_eq!(read_ltv(&RawLtv::NotScalar, DecimalMark::Point), LtvReading::BadLtv(BadLtv::NotScalar));
    }
}
