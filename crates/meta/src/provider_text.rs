//! Meta's own words are hostile input: they may be long, carry control characters, or echo the token back.

const MAX_CHARS: usize = 300;
const LONGEST_WORD: usize = 32;

/// The text without control characters, without the secrets, without any run of letters and digits long enough to be a
/// token or a hash, and at most 300 characters long.
pub(crate) fn clean(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
    }
    let mut cleaned = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !cleaned.is_empty() {
            cleaned.push(' ');
        }
        cleaned.push_str(&without_long_runs(word));
    }
    if cleaned.chars().count() > MAX_CHARS {
        cleaned = cleaned.chars().take(MAX_CHARS - 1).chain(['…']).collect();
    }
    cleaned
}

fn without_long_runs(word: &str) -> String {
    let mut result = String::new();
    let mut run = String::new();
    for c in word.chars().map(Some).chain([None]) {
        match c {
            Some(c) if c.is_ascii_alphanumeric() => run.push(c),
            other => {
                result.push_str(if run.len() >= LONGEST_WORD { "***" } else { &run });
                run.clear();
                result.extend(other);
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn secrets_hashes_and_control_characters_do_not_pass() {
        let hash = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79";
        let text = format!("Malformed\u{1b}[31m access\r\n token tok-1! row [\"{hash}\",\"\"]");
        assert_eq!(clean(&text, &["tok-1"]), "Malformed [31m access token ***! row [\"***\",\"\"]");
    }

    #[test]
    fn long_words_of_meta_are_cut() {
        let text = clean(&"word ".repeat(100), &[]);
        assert_eq!(text.chars().count(), 300);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn addresses_stay_readable() {
        let link = "https://business.facebook.com/ads/manage/customaudiences/tos/?act=1234567890";
        assert_eq!(clean(link, &[""]), link);
    }
}
