//! Text that came from elsewhere, made fit for one line of a mail or an error.

use domain::Secret;

/// Longest text of a provider or a name that is repeated.
pub(crate) const NAME_LIMIT: usize = 300;
/// Longest message of a failure, which quotes a provider inside our own sentence.
pub(crate) const MESSAGE_LIMIT: usize = 1000;

/// One line of at most `limit` characters: line breaks and other control characters become spaces, and the characters
/// that reverse the direction of text are dropped, so that a name can forge neither a header nor a line of a mail.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let turns =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let spaced: String =
        text.chars().filter(|&c| !turns(c)).map(|c| if breaks(c) { ' ' } else { c }).collect();
    let mut line = spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(limit) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A mail server's own words on one line, without e-mail addresses and without the password, in case it repeats them.
pub(crate) fn server_words(text: &str, password: Option<&Secret>) -> String {
    let without_password = match password.map(Secret::expose) {
        Some(password) if !password.is_empty() => text.replace(password, "***"),
        _ => text.to_owned(),
    };
    let masked: Vec<&str> = without_password
        .split_whitespace()
        .map(|word| if word.contains('@') { "[address]" } else { word })
        .collect();
    one_line(&masked.join(" "), NAME_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::{one_line, server_words};
    use domain::Secret;

    #[test]
    fn foreign_text_stays_on_one_line_of_limited_length() {
        assert_eq!(one_line("VIP\r\nBcc: x\u{0}\t  y", 300), "VIP Bcc: x y");
        assert_eq!(one_line("a\u{2028}b\u{85}c\u{202e}d", 300), "a b cd");
        assert_eq!(one_line("ääää", 3), "äää…");
        assert_eq!(one_line("äää", 3), "äää");
    }

    #[test]
    fn a_server_that_repeats_an_address_or_the_password_is_masked() {
        let password = Secret::new("hunter2");
        assert_eq!(
            server_words("5.1.1 <nobody@example.com>:\r\n user unknown, hunter2", Some(&password)),
            "5.1.1 [address] user unknown, ***"
        );
        assert_eq!(server_words("plain", Some(&Secret::new(""))), "plain");
    }
}
