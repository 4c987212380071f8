//! What stands around the number: its sign, parentheses, and the currency.

use super::{BadLtv, is_blank};

/// Written before or after an amount; longer ones first, so that `US$` goes before `$`.
const CURRENCY_WORDS: &[&str] = &[
    "us$", "au$", "ca$", "nz$", "hk$", "mx$", "sg$", "c$", "a$", "r$", "s$", "usd", "eur", "gbp", "aud",
    "cad", "nzd", "chf", "jpy", "cny", "rmb", "hkd", "sgd", "inr", "mxn", "brl", "pln", "czk", "huf", "ron",
    "bgn", "sek", "nok", "dkk", "isk", "try", "ils", "sar", "aed", "zar", "krw", "vnd", "thb", "php", "idr",
    "myr", "cop", "clp", "ars", "pen", "uah", "rub", "ngn", "kes", "egp", "fr.", "kr.", "kr", "zł", "zl",
    "lei", "kč", "ft", "rs.", "rs", "rp",
];

/// A value taken apart.
pub(super) struct Affixes<'a> {
    pub(super) negative: bool,
    pub(super) number: &'a str,
}

impl<'a> Affixes<'a> {
    pub(super) fn strip(text: &'a str) -> Result<Self, BadLtv> {
        let mut rest: &str = text;
        let mut negative = false;
        let mut signed = false;
        // Signs, parentheses and currencies come in any order at both ends: `-$4.50`, `$-4.50`, `4.50- €`, `(USD 4.50)`,
        // `$(4.50)`.
        let mut currencies = (false, false);
        loop {
            let before = rest.len();
            rest = rest.trim_matches(is_blank);
            if let Some(shorter) = strip_no_cents(rest) {
                rest = shorter;
            }
            if let Some((shorter, minus)) = strip_parentheses(rest).or_else(|| strip_sign(rest)) {
                if signed {
                    return Err(BadLtv::NotANumber);
                }
                (rest, signed, negative) = (shorter, true, minus);
            }
            if let Some((shorter, is_symbol)) = strip_currency(rest) {
                // A symbol and a code may stand together: `$1,250.00 USD`.
                let seen = if is_symbol { &mut currencies.0 } else { &mut currencies.1 };
                if std::mem::replace(seen, true) {
                    return Err(BadLtv::NotANumber);
                }
                rest = shorter;
            }
            if rest.len() == before {
                break;
            }
        }
        Ok(Self { negative, number: rest })
    }
}

/// The text without its currencies: `-` of `$ -`, as accountants write that there is nothing.
pub(super) fn without_currency(text: &str) -> &str {
    let mut rest = text;
    while let Some((shorter, _)) = strip_currency(rest) {
        rest = shorter.trim_matches(is_blank);
    }
    rest
}

/// Parentheses mean minus.
fn strip_parentheses(text: &str) -> Option<(&str, bool)> {
    Some((text.strip_prefix('(')?.strip_suffix(')')?, true))
}

/// `150,-`, `CHF 150.—`, `500/-` and `500:-`: a dash where the cents would stand says that there are none. The decimal mark
/// stays, because `1.500,` and `1,500.` have one reading in every locale.
fn strip_no_cents(text: &str) -> Option<&str> {
    let is_dash = |c: char| matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let rest = text.strip_suffix(is_dash)?.trim_end_matches(is_dash).trim_end_matches(is_blank);
    let (whole, kept) = match rest.strip_suffix(['/', ':']) {
        Some(whole) => (whole, whole),
        None => (rest.strip_suffix(['.', ','])?, rest),
    };
    whole.ends_with(char::is_numeric).then_some(kept)
}

/// In front of anything, and behind digits: behind a decimal mark or `kr.` a dash is no sign.
fn strip_sign(text: &str) -> Option<(&str, bool)> {
    let is_behind_digits = |rest: &&str| rest.trim_end_matches(is_blank).ends_with(char::is_numeric);
    for (sign, minus) in [('-', true), ('\u{2212}', true), ('+', false)] {
        let behind = || text.strip_suffix(sign).filter(is_behind_digits);
        if let Some(rest) = text.strip_prefix(sign).or_else(behind) {
            return Some((rest, minus));
        }
    }
    None
}

/// The text without its currency, and whether that was a symbol.
fn strip_currency(text: &str) -> Option<(&str, bool)> {
    // Most values have no letters, and the words have: a million contacts would spend seconds on looking for them.
    let words = if text.chars().any(char::is_alphabetic) { CURRENCY_WORDS } else { &[] };
    for word in words {
        let is_symbol = word.ends_with('$');
        // Only in front of or behind something that is not a letter, so that `USD777` loses its currency and `Euro` stays text.
        if let Some(head) = text.get(..word.len()).filter(|head| head.to_lowercase() == *word) {
            let rest = &text[head.len()..];
            if !rest.chars().next().is_none_or(char::is_alphabetic) {
                return Some((rest, is_symbol));
            }
        }
        let at = text.len().checked_sub(word.len());
        if let Some(tail) = at.and_then(|at| text.get(at..)).filter(|tail| tail.to_lowercase() == *word) {
            let rest = &text[..text.len() - tail.len()];
            if !rest.chars().next_back().is_none_or(char::is_alphabetic) {
                return Some((rest, is_symbol));
            }
        }
    }
    let rest = text.strip_prefix(is_currency_symbol).or_else(|| text.strip_suffix(is_currency_symbol))?;
    Some((rest, true))
}

fn is_currency_symbol(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '֏' | '؋' | '৲' | '৳' | '฿' | '៛' | '\u{20a0}'..='\u{20c0}' | '﷼' | '﹩' | '＄' | '￠' | '￡' | '￥' | '￦')
}
