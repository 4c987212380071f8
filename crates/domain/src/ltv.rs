//! Reading a lifetime value as money, whatever way a person or a form wrote it.
//!
//! Blank is "no value", garbage is "bad value" and shown; neither ever becomes zero, because zero is a real rank.

use crate::contact::RawLtv;
use crate::money::Cents;

/// Which mark separates decimals when a value could be read both ways (`1,797` or `1.234`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DecimalMark {
    /// `1,797` is one thousand seven hundred and ninety-seven; `1.234` is 1.23.
    #[default]
    Point,
    /// `1.234` is one thousand two hundred and thirty-four; `1,797` is 1.80.
    Comma,
}

impl DecimalMark {
    /// The mark of a locale such as `en`, `de` or `pt-BR`. `None` when the language is not known.
    pub fn of_locale(tag: &str) -> Option<Self> {
        let lower = tag.trim().to_ascii_lowercase().replace('_', "-");
        let mut parts = lower.split('-');
        let language = parts.next().unwrap_or_default();
        let region = parts.next_back().unwrap_or_default();
        match (language, region) {
            ("es", "mx" | "us" | "pr" | "gt" | "hn" | "ni" | "pa" | "pe" | "sv" | "do")
            | ("de" | "fr" | "it", "ch")
            | ("de", "li") => Some(Self::Point),
            ("en", "za") => Some(Self::Comma),
            (
                "en" | "he" | "iw" | "ja" | "ko" | "zh" | "th" | "hi" | "bn" | "ur" | "ms" | "fil" | "tl"
                | "ga" | "cy",
                _,
            ) => Some(Self::Point),
            (
                "de" | "fr" | "es" | "it" | "pt" | "nl" | "pl" | "tr" | "el" | "ru" | "uk" | "cs" | "sk"
                | "hu" | "ro" | "bg" | "hr" | "sr" | "sl" | "da" | "nb" | "nn" | "no" | "sv" | "fi" | "et"
                | "lv" | "lt" | "is" | "id" | "vi" | "af" | "ca" | "eu" | "gl",
                _,
            ) => Some(Self::Comma),
            _ => None,
        }
    }
}

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

/// Written before or after an amount; longer ones first, so that `US$` goes before `$`.
const CURRENCY_WORDS: &[&str] = &[
    "us$", "au$", "ca$", "nz$", "hk$", "mx$", "sg$", "c$", "a$", "r$", "s$", "usd", "eur", "gbp", "aud",
    "cad", "nzd", "chf", "jpy", "cny", "rmb", "hkd", "sgd", "inr", "mxn", "brl", "pln", "czk", "huf", "ron",
    "bgn", "sek", "nok", "dkk", "isk", "try", "ils", "sar", "aed", "zar", "krw", "vnd", "thb", "php", "idr",
    "myr", "cop", "clp", "ars", "pen", "uah", "rub", "ngn", "kes", "egp", "fr.", "kr.", "kr", "zł", "zl",
    "lei", "kč", "ft", "rs.", "rs", "rp",
];

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
    if text.is_empty() || BLANK_WORDS.contains(&text.to_lowercase().as_str()) {
        return LtvReading::NoLtv;
    }
    match parse(text, mark) {
        Ok((amount, ambiguous)) => LtvReading::Value { amount, ambiguous },
        Err(reason) => LtvReading::BadLtv(reason),
    }
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{200b}' | '\u{200c}' | '\u{200d}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

fn parse(text: &str, mark: DecimalMark) -> Result<(Cents, bool), BadLtv> {
    let mut rest: &str = text;
    let mut negative = false;
    let mut signed = false;
    if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        (rest, negative, signed) = (inner.trim_matches(is_blank), true, true);
    }
    // Signs and currencies come in any order at both ends: `-$4.50`, `$-4.50`, `4.50- €`, `(USD 4.50)`.
    let mut currency_seen = false;
    loop {
        let before = rest.len();
        rest = rest.trim_matches(is_blank);
        if let Some((shorter, minus)) = strip_sign(rest) {
            if signed {
                return Err(BadLtv::NotANumber);
            }
            (rest, signed, negative) = (shorter, true, minus);
        }
        if let Some(shorter) = strip_currency(rest) {
            if currency_seen {
                return Err(BadLtv::NotANumber);
            }
            (rest, currency_seen) = (shorter, true);
        }
        if rest.len() == before {
            break;
        }
    }
    let digits: String = rest.chars().map(ascii_digit).collect();
    let (mantissa, exponent) = split_exponent(&digits)?;
    let (whole, decimals, ambiguous) = split_decimals(mantissa, mark)?;
    if exponent != 0 && ambiguous {
        // `1.234e3` is only ever the scientific notation, where the point is the decimal mark.
        let (whole, decimals, _) = split_decimals(mantissa, DecimalMark::Point)?;
        return Ok((to_cents(&whole, &decimals, exponent, negative)?, false));
    }
    Ok((to_cents(&whole, &decimals, exponent, negative)?, ambiguous))
}

fn strip_sign(text: &str) -> Option<(&str, bool)> {
    for (sign, minus) in [('-', true), ('\u{2212}', true), ('+', false)] {
        if let Some(rest) = text.strip_prefix(sign).or_else(|| text.strip_suffix(sign)) {
            return Some((rest, minus));
        }
    }
    None
}

fn strip_currency(text: &str) -> Option<&str> {
    for word in CURRENCY_WORDS {
        // Only in front of or behind something that is not a letter, so that `USD777` loses its currency and `Euro` stays text.
        if let Some(head) = text.get(..word.len()).filter(|head| head.to_lowercase() == *word) {
            let rest = &text[head.len()..];
            if !rest.chars().next().is_none_or(char::is_alphabetic) {
                return Some(rest);
            }
        }
        let at = text.len().checked_sub(word.len());
        if let Some(tail) = at.and_then(|at| text.get(at..)).filter(|tail| tail.to_lowercase() == *word) {
            let rest = &text[..text.len() - tail.len()];
            if !rest.chars().next_back().is_none_or(char::is_alphabetic) {
                return Some(rest);
            }
        }
    }
    text.strip_prefix(is_currency_symbol).or_else(|| text.strip_suffix(is_currency_symbol))
}

fn is_currency_symbol(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '֏' | '؋' | '৲' | '৳' | '฿' | '៛' | '\u{20a0}'..='\u{20c0}' | '﷼' | '﹩' | '＄' | '￠' | '￡' | '￥' | '￦')
}

/// Full-width, Arabic-Indic, Extended Arabic-Indic and Devanagari digits are digits too; so are their separators.
fn ascii_digit(c: char) -> char {
    for zero in ['\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}'] {
        if let Some(digit) = u32::from(c).checked_sub(u32::from(zero)).filter(|digit| *digit < 10) {
            return char::from_digit(digit, 10).unwrap_or(c);
        }
    }
    match c {
        '\u{66b}' | '\u{ff0e}' => '.',
        '\u{66c}' | '\u{ff0c}' => ',',
        other => other,
    }
}

fn split_exponent(text: &str) -> Result<(&str, i32), BadLtv> {
    match text.split_once(['e', 'E']) {
        None => Ok((text, 0)),
        Some((mantissa, exponent)) => {
            let exponent: i32 = match exponent.parse() {
                Ok(exponent) => exponent,
                Err(_) => return Err(BadLtv::NotANumber),
            };
            if exponent.abs() > 30 { Err(BadLtv::TooLarge) } else { Ok((mantissa, exponent)) }
        }
    }
}

/// The digits before and after the decimal mark, and whether the other locale would read them differently.
fn split_decimals(text: &str, mark: DecimalMark) -> Result<(String, String, bool), BadLtv> {
    let is_space = |c: char| is_blank(c) || matches!(c, '\'' | '’' | '`' | '´' | '_');
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',')
        || !text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',' || is_space(c))
        || !text.contains(|c: char| c.is_ascii_digit())
    {
        return Err(BadLtv::NotANumber);
    }
    let (points, commas) = (text.matches('.').count(), text.matches(',').count());
    let last = |c: char| text.rfind(c);
    let (decimal_at, ambiguous) = match (points, commas) {
        (0, 0) => (None, false),
        (1.., 1..) => {
            // The last kind is the decimal mark and may stand only once.
            let (at, count) = if last('.') > last(',') { (last('.'), points) } else { (last(','), commas) };
            if count != 1 {
                return Err(BadLtv::Separators);
            }
            (at, false)
        }
        (2.., 0) | (0, 2..) => (None, false),
        (_, _) => {
            let at = text.find(['.', ',']).unwrap_or_default();
            let (before, after) = (&text[..at], &text[at + 1..]);
            let could_be_thousands = after.len() == 3
                && after.chars().all(|c| c.is_ascii_digit())
                && (1..=3).contains(&before.len())
                && before.chars().all(|c| c.is_ascii_digit())
                && !before.starts_with('0');
            let is_decimal =
                !could_be_thousands || (text[at..].starts_with('.') == (mark == DecimalMark::Point));
            (is_decimal.then_some(at), could_be_thousands)
        }
    };
    let (whole, decimals) = match decimal_at {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    };
    if !decimals.chars().all(|c| c.is_ascii_digit()) || !grouped_well(whole) {
        return Err(BadLtv::Separators);
    }
    Ok((whole.chars().filter(char::is_ascii_digit).collect(), decimals.to_owned(), ambiguous))
}

/// Thousands (and Indian lakh) grouping: the last group has three digits, those between two or three, the first one to three.
fn grouped_well(whole: &str) -> bool {
    let groups: Vec<&str> = whole.split(|c: char| !c.is_ascii_digit()).collect();
    let Some((last, before)) = groups.split_last() else { return true };
    match before.split_first() {
        None => true,
        Some((first, between)) => {
            last.len() == 3
                && (1..=3).contains(&first.len())
                && between.iter().all(|group| group.len() == 2 || group.len() == 3)
        }
    }
}

fn to_cents(whole: &str, decimals: &str, exponent: i32, negative: bool) -> Result<Cents, BadLtv> {
    let digits: String = [whole, decimals].concat();
    if digits.len() > 60 {
        return Err(BadLtv::TooLarge);
    }
    let point = i32::try_from(whole.len()).unwrap_or(i32::MAX) + exponent;
    // Cents are the digits up to two places behind the point; the digit after them decides the rounding.
    let mut cents: i64 = 0;
    for place in 0..point + 2 {
        let digit = usize::try_from(place)
            .ok()
            .and_then(|at| digits.as_bytes().get(at))
            .map_or(0, |d| i64::from(d - b'0'));
        cents = cents.checked_mul(10).and_then(|sum| sum.checked_add(digit)).ok_or(BadLtv::TooLarge)?;
    }
    let next = usize::try_from(point + 2).ok().and_then(|at| digits.as_bytes().get(at));
    if next.is_some_and(|digit| *digit >= b'5') {
        cents += 1;
    }
    let amount = Cents(if negative { -cents } else { cents });
    if amount.is_readable() { Ok(amount) } else { Err(BadLtv::TooLarge) }
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
            ("12e-1", 120),
            ("USD 777", 77_700),
            ("777USD", 77_700),
            ("US$ 5", 500),
            ("R$ 1.234,56", 123_456),
            ("100 zł", 10_000),
            ("Fr. 12.50", 1_250),
            ("-$4.50", -450),
            ("$-227.44", -22_744),
            ("4.50-", -450),
            ("\u{2212}7.50", -750),
            ("(1,165.30)", -116_530),
            ("($5)", -500),
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
        for text in ["", " ", "\u{a0}", "N/A", "n/a", "-", "—", "null", "unknown", "UNKNOWN", "None"] {
            assert_eq!(read(text), LtvReading::NoLtv, "{text:?}");
        }
        assert_eq!(read_ltv(&RawLtv::Absent, DecimalMark::Point), LtvReading::NoLtv);
    }

    #[test]
    fn garbage_is_bad_and_never_zero() {
        for text in [
            "NaN", "Infinity", "-inf", "#REF!", "TBD", "$", "abc", "12abc", "Euro 5 5", "--5", "(-5)", "1e",
            "5 $ €",
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

    #[test]
    fn locales_know_their_mark() {
        for (tag, mark) in [
            ("en", Some(DecimalMark::Point)),
            ("en-US", Some(DecimalMark::Point)),
            ("de", Some(DecimalMark::Comma)),
            ("de_CH", Some(DecimalMark::Point)),
            ("pt-BR", Some(DecimalMark::Comma)),
            ("es-MX", Some(DecimalMark::Point)),
            ("klingon", None),
            ("", None),
        ] {
            assert_eq!(DecimalMark::of_locale(tag), mark, "{tag}");
        }
    }
}
