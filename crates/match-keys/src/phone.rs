//! PHONE.

use crate::country::CountryCode;
use crate::reason::Reason;
use crate::text::{Filled, ascii_digits, open};
use regex::Regex;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, Region};
use std::borrow::Cow;
use std::cell::LazyCell;
use std::sync::LazyLock;

/// An extension at the end: `ext. 12`, `x12`, `#12`, `;ext=12`, `,,12`, and the same in a few other languages.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test of this module compiles")]
static EXTENSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?ix) [\s,;(]* (?: \b (?:e?xt(?:n|ensi[oó]n)?|int(?:erno)?|anexo|ramal|poste|durchwahl|dw|доб) \b | x | \# | ,, | ;ext )
        [\s.:=]* [0-9]{1,7} [\s)]* (?: \( [^0-9()]* \) \s* )? $",
    )
    .expect("a constant pattern")
});

/// Longer text holds no phone number, and the numbering library is not made for it.
const MAX_CHARS: usize = 250;

/// The longest number that can be dialled from abroad (E.164), country code included.
const MAX_DIGITS: usize = 15;

/// A phone number as Meta compares it: digits with the country code, without plus (customer-information page: numbers
/// "must include a country code to be used for matching").
///
/// A number without country code is read in `country`, the contact's or else the location's. It must be possible in
/// its country's numbering plan; whether it is assigned is not asked, so that the 555 numbers of Meta's own examples
/// pass. Extensions go, letters of vanity numbers become digits, of two numbers the first is taken. `00…`, `+00…` and
/// `01(650)…` are read as international. An explicit plus is trusted: such a number is never read as a national one.
///
/// # Errors
/// The [`Reason`] the number is not sent.
pub fn normalize(raw: &str, country: Option<CountryCode>) -> Result<Cow<'_, str>, Reason> {
    let text = match open(raw)? {
        Filled::Hashed(hex) => return Ok(hex.into_string().into()),
        Filled::Text(Cow::Borrowed(text)) => match stored_north_american(text) {
            Some(number) if is_one_digit_over_and_over(number) => return Err(Reason::Placeholder),
            Some(number) => return Ok(number.into()),
            None => text.into(),
        },
        Filled::Text(text) => text,
    };
    if text.chars().count() > MAX_CHARS {
        return Err(Reason::Malformed);
    }
    let text = ascii_digits(text);
    let region = country.and_then(|country| Region::from_code(country.as_str()).ok());
    let number = north_american(&text, region).or_else(|| {
        let text = without_fraction(&text);
        let number = EXTENSION.find(text).map_or(text, |extension| &text[..extension.start()]);
        let first = number.split([',', ';', '/', '|', '\\', '\n']).find(|part| digits(part).len() > 4);
        // Words go first: `home` behind a number must not become digits of it. A vanity number is what is left.
        read(&without_words(number), region)
            .or_else(|| read(&without_words(first?), region))
            .or_else(|| vanity(number, region))
    });
    match number {
        Some(number) if is_one_digit_over_and_over(&number) => Err(Reason::Placeholder),
        Some(number) => Ok(number.into()),
        None if is_one_digit_over_and_over(&digits(&text)) => Err(Reason::Placeholder),
        None if digits(&text).is_empty() => Err(Reason::Malformed),
        None if region.is_none() && !text.contains('+') => Err(Reason::NoCountry),
        None => Err(Reason::NotPossible),
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// `6505551212.0`: a spreadsheet took the number for one to calculate with.
fn without_fraction(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, "0" | "00")) if whole.len() > 6 && digits(whole).len() + 1 >= whole.len() => whole,
        _ => text,
    }
}

fn without_words(text: &str) -> String {
    text.chars().map(|c| if c.is_alphabetic() { ' ' } else { c }).collect()
}

/// `+16505550100`: how GoHighLevel stores a number of the North American plan. It is taken as it stands.
fn stored_north_american(text: &str) -> Option<&str> {
    let number = text.strip_prefix('+')?;
    let is_one = number.len() == 11
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && number.strip_prefix('1')?.starts_with(|first| ('2'..='9').contains(&first));
    is_one.then_some(number)
}

/// The form of nearly every number of a US list, without the cost of a full parse: `+1` and ten digits, or `1` and ten
/// digits in a country of the North American plan.
fn north_american(text: &str, region: Option<Region>) -> Option<String> {
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let plain = rest.bytes().all(|byte| byte.is_ascii_digit() || b" ()-.".contains(&byte));
    if !plain || !(plus || region.is_some_and(|region| PHONE_NUMBER_UTIL.is_nanpa_country(region))) {
        return None;
    }
    let number = digits(rest);
    let national = number.strip_prefix('1').filter(|national| national.len() == 10)?;
    national.starts_with(|first| ('2'..='9').contains(&first)).then_some(number)
}

/// Reads text without letters.
fn read(text: &str, region: Option<Region>) -> Option<String> {
    let start = text.find(|c: char| c == '+' || c.is_ascii_digit())?;
    let text = text[start..].trim_end();
    let all = digits(text);
    if text.starts_with('+') {
        let zeros = all.len() - all.trim_start_matches('0').len();
        return match zeros {
            0 => possible(parse(text, None).or_else(|| parse(&text.replace("(0)", ""), None)), &all)
                .or_else(|| old_mexican_mobile(&all)),
            // `+0…` is a national number with a plus that somebody's form put there.
            1 => valid(parse(&all, region)),
            _ => possible(parse(&format!("+{}", &all[zeros..]), None), &all[zeros..]),
        };
    }
    if let Some(rest) = all.strip_prefix("00") {
        let international = parse(&format!("+{rest}"), None);
        // In some countries another code dials abroad (0011 in Australia); the library knows it by the region.
        return valid(international.clone())
            .or_else(|| valid(parse(text, region)))
            .or_else(|| possible(international, rest));
    }
    let national = region.and_then(|region| parse(text, Some(region)));
    let international =
        LazyCell::new(|| if all.starts_with('0') { None } else { parse(&format!("+{all}"), None) });
    // Eleven digits and more that begin with the country's own code are taken as written with it: `49151…` in
    // Germany, where the same digits with a zero before them are a number in Leer.
    let long = all.len() >= 11;
    // Fewer may be a whole number of one country and a number inside another: `203 555 0168` is in Connecticut, or in
    // Alexandria. Without any country nobody knows.
    if region.is_none() && !long {
        return None;
    }
    let own_code = region.and_then(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region));
    let in_full = || international.clone().filter(|number| own_code == Some(number.country_code));
    valid(if long { in_full() } else { None })
        .or_else(|| valid(national.clone()))
        // An assigned number elsewhere is likelier than an unassigned one here, unless it is grouped like one of here.
        .or_else(|| if long || text == all { valid(international.clone()) } else { None })
        .or_else(|| possible(national, &all))
        .or_else(|| zero_and_one(&all, region))
        .or_else(|| old_mexican_mobile(&all))
        .or_else(|| valid(international.clone()))
        // Without any country the digits are sent as they were typed, if they can be a whole number.
        .or_else(|| if long && region.is_none() { possible(international.clone(), &all) } else { None })
}

/// `01(650)123-4567`: the trunk zero of one country before the code of another, as Meta's own tests have it.
fn zero_and_one(all: &str, region: Option<Region>) -> Option<String> {
    let rest = all.strip_prefix("01").filter(|rest| rest.len() == 10)?;
    if PHONE_NUMBER_UTIL.is_nanpa_country(region?) {
        possible(parse(&format!("+1{rest}"), None), rest)
    } else {
        None
    }
}

/// `+52 1` and ten digits: how Mexican mobiles were dialled from abroad until 2019. The same number without the 1.
fn old_mexican_mobile(all: &str) -> Option<String> {
    let national = all.strip_prefix("521").filter(|rest| rest.len() == 10)?;
    valid(parse(&format!("+52{national}"), None))
}

/// `1-800-FLOWERS`. Only a number that is assigned, because any word can be dialled.
fn vanity(text: &str, region: Option<Region>) -> Option<String> {
    let ascii_letters = text.chars().filter(char::is_ascii_alphabetic).count();
    if ascii_letters < 3 { None } else { valid(parse(text, region)) }
}

/// The number, unless it is of an impossible length.
fn parse(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
    // A number that can be dialled inside its town only is not possible for us.
    if length != Ok(NumberLengthType::IsPossible) {
        return None;
    }
    // The library asks for the length alone. In the North American plan no area code begins with 0 or 1, and few
    // countries have a zero that belongs to the number: elsewhere it is a trunk zero the library could not place.
    let plausible = match (number.country_code, number.get_national_significant_number().as_bytes().first()) {
        (1, Some(b'0' | b'1')) => false,
        (_, Some(b'0')) => number.is_valid(),
        _ => true,
    };
    plausible.then_some(number)
}

/// The digits, when they read again as the same number: in China and Brazil a carrier's code at the front is taken off, and
/// what is left of an odd number may begin with one again. Nothing is taken off what is `written` like this.
fn possible(number: Option<PhoneNumber>, written: &str) -> Option<String> {
    let digits = e164(&number?)?;
    let again = || parse(&format!("+{digits}"), None).and_then(|number| e164(&number));
    (digits == written || again().as_ref() == Some(&digits)).then_some(digits)
}

fn valid(number: Option<PhoneNumber>) -> Option<String> {
    number.filter(PhoneNumber::is_valid).and_then(|number| e164(&number))
}

fn e164(number: &PhoneNumber) -> Option<String> {
    let digits = format!("{}{}", number.country_code, number.get_national_significant_number());
    // The library allows what can be dialled inside one country only, such as 17 digits in Japan.
    (digits.len() <= MAX_DIGITS).then_some(digits)
}

/// `9999999999`, also behind a country code of one or two digits.
fn is_one_digit_over_and_over(number: &str) -> bool {
    let mut last = number.bytes().rev();
    let Some(digit) = last.next() else { return false };
    let run = 1 + last.take_while(|byte| *byte == digit).count();
    run >= 7 && run + 2 >= number.len()
}
