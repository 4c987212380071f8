//! Text that came from elsewhere (a provider's message, a list's name), made fit to be shown, logged or mailed.
//!
//! It is hostile input: it may be long, forge lines, turn the direction of writing, or echo a token or an address.

use chrono::NaiveDate;

/// Longest text of a provider or a name that is repeated, in characters.
pub const LONGEST: usize = 300;

/// A run of this many letters and digits is a token or a hash, not a word.
const LONGEST_RUN: usize = 32;

/// One line of at most `limit` characters: every kind of break and blank becomes one space, control characters and those
/// that reverse the direction of text are dropped.
pub fn one_line(text: &str, limit: usize) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let visible: String =
        text.chars().filter(|c| !turns(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(limit) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A provider's own words on one line of at most [`LONGEST`] characters, without our `secrets`, and without whatever
/// looks like an e-mail address, a phone number, a token or a hash. A plain name can not be recognized. Names that people
/// gave their own lists and audiences are shown as they are, by [`one_line`].
pub fn presentable(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
    }
    let line = one_line(&text, usize::MAX);
    let words: Vec<&str> = line.split(' ').collect();
    let mut shown = Vec::new();
    for group in words.chunk_by(|word, next| goes_on(word) && is_of_a_phone(next)) {
        if is_a_phone(group) {
            shown.push("***".to_owned());
        } else {
            shown.extend(group.iter().map(|word| masked(word)));
        }
    }
    one_line(&shown.join(" "), LONGEST)
}

fn masked(word: &str) -> String {
    if word.contains('@') {
        return "***".to_owned();
    }
    let mut result = String::new();
    for part in word.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let run = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if run.len() >= LONGEST_RUN {
            result.push_str("***");
            result.push_str(&part[run.len()..]);
        } else {
            result.push_str(part);
        }
    }
    result
}

/// A phone number, typed in one word or with blanks, or several of them.
fn is_a_phone(group: &[&str]) -> bool {
    group.iter().all(|word| is_of_a_phone(word)) && group.iter().map(|word| digits(word)).sum::<usize>() >= 7
}

/// Digits and the marks of phone numbers; not a date, and not the many digits of an id.
fn is_of_a_phone(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit() || "+-().,;:'\"/".contains(c))
        && digits(word) <= 15
        && !is_a_date(word)
}

/// Whether the next word may belong to the same phone number; behind a comma another one begins.
fn goes_on(word: &str) -> bool {
    is_of_a_phone(word) && !word.ends_with([',', ';', ':', '.'])
}

fn digits(word: &str) -> usize {
    word.chars().filter(char::is_ascii_digit).count()
}

/// `2026-12-01`, with whatever stands around it in a sentence.
fn is_a_date(word: &str) -> bool {
    let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
    word.len() == "2026-12-01".len() && word.parse::<NaiveDate>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{one_line, presentable};

    #[test]
    fn foreign_text_stays_on_one_line_of_limited_length() {
        assert_eq!(one_line("VIP\r\nBcc: x\u{0}\t  y", 300), "VIP Bcc: x y");
        assert_eq!(one_line("a\u{2028}b\u{85}c\u{202e}d", 300), "a b cd");
        assert_eq!(one_line(" a\u{1b}[31m ", 300), "a [31m");
        assert_eq!((one_line("ääää", 3), one_line("äää", 3)), ("äää…".to_owned(), "äää".to_owned()));
    }

    #[test]
    fn words_lose_secrets_personal_data_tokens_and_hashes() {
        let hash = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79";
        for (text, shown) in [
            ("token pit-1 of\r\nann@example.com, +14155550100\u{0} is 42", "token *** of *** *** is 42"),
            ("5.1.1 <nobody@example.com>:\r\n user unknown", "5.1.1 *** user unknown"),
            (&format!("row [\"{hash}\",\"\"] bad"), "row [\"***\",\"\"] bad"),
            ("code 613, call (415)555-0100", "code 613, call ***"),
            ("row of +1 415 555 0100 is bad", "row of *** is bad"),
            ("call 415 - 555 - 0100, (415) 555 0101. Or", "call *** *** Or"),
            ("of 4155550100 4155550101", "of ***"),
            ("of +1415\u{200e}5550100", "of ***"),
            ("rows 120210000000000017 415 555 0100", "rows 120210000000000017 ***"),
        ] {
            assert_eq!(presentable(text, &["pit-1", ""]), shown);
        }
        assert_eq!(
            presentable(&"word ".repeat(100), &[]).chars().count(),
            301,
            "300 and the mark of the cut"
        );
    }

    #[test]
    fn links_and_ids_stay_readable() {
        for text in [
            "https://business.facebook.com/ads/manage/customaudiences/tos/?act=1234567890",
            "audience 120210000000000017 in act_1234567890",
            "you will regain access on 2026-12-01.",
            "from 2026-12-01 (until \"2026-12-31\")",
            "codes 100, 2650, 613 after 3 attempts",
        ] {
            assert_eq!(presentable(text, &[]), text);
        }
    }
}
