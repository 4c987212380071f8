//! EMAIL.

use crate::reason::Reason;
use crate::text::{Filled, open};
use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Dot-separated atoms, an `@`, and a domain of at least two labels: what Meta's own parameter builder accepts.
#[expect(clippy::expect_used, reason = "the pattern is a constant that every test of this module compiles")]
static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^ [a-z0-9!\#$%&'*+/=?^_`{|}~-]+ (?: \. [a-z0-9!\#$%&'*+/=?^_`{|}~-]+ )*
        @ (?: [a-z0-9] (?: [a-z0-9-]* [a-z0-9] )? \. )+ [a-z0-9] (?: [a-z0-9-]* [a-z0-9] )? $",
    )
    .expect("a constant pattern")
});

/// Local parts that mean "there is no address" at whatever domain.
const NO_ADDRESS: [&str; 14] = [
    "n/a",
    "no-email",
    "no.email",
    "no_email",
    "noemail",
    "noemailprovided",
    "nomail",
    "no-mail",
    "notprovided",
    "not.provided",
    "donotemail",
    "noaddress",
    "undefined",
    "noemailaddress",
];

/// Words that mean the same at one of the [`ANYWHERE`] domains, or when they are the domain's name too. Gmail gives
/// out no address as short as these.
const NOBODY: [&str; 14] = [
    "none", "no", "na", "nil", "null", "unknown", "test", "asdf", "abc", "a", "x", "email", "fake", "nobody",
];

const ANYWHERE: [&str; 11] = [
    "gmail.com",
    "email.com",
    "mail.com",
    "noemail.com",
    "nomail.com",
    "test.com",
    "none.com",
    "no.com",
    "na.com",
    "fake.com",
    "domain.com",
];

/// An e-mail address as Meta compares it: trimmed, lower case, dots and `+tags` kept (customer-file guide).
///
/// The address is never edited to make it fit, but for two lossless steps: dots at the very end go, and an
/// international domain is written in punycode. What Meta's parameter builder would reject is dropped, and so is an
/// address that stands for none (`none@none.com`), because it would merge strangers into one person.
///
/// # Errors
/// The [`Reason`] the address is not sent.
pub fn normalize(raw: &str) -> Result<Cow<'_, str>, Reason> {
    let text = match open(raw)? {
        Filled::Hashed(hex) => return Ok(hex.into_string().into()),
        Filled::Text(text) => text,
    };
    let mut address = in_lower_case(text);
    let at = address.rfind('@').ok_or(Reason::Malformed)?;
    if !address[at..].is_ascii() {
        let domain = idna::domain_to_ascii(&address[at + 1..]).map_err(|_not_a_domain| Reason::Malformed)?;
        address = format!("{}@{domain}", &address[..at]).into();
    }
    // RFC 5321 §4.5.3.1: at most 64 octets before the `@` and 254 in all.
    if at > 64 || address.len() > 254 || !has_shape(&address) || ends_in_a_number(&address) {
        return Err(Reason::Malformed);
    }
    if is_nobody(&address) { Err(Reason::Placeholder) } else { Ok(address) }
}

/// [`SHAPE`]. Nearly every address has only letters, digits and single dots before a domain of the same and dashes, which
/// is seen without the pattern.
fn has_shape(address: &str) -> bool {
    let (mut labels, mut length, mut in_domain) = (0, 0, false);
    for byte in address.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => length += 1,
            b'.' if length > 0 => (labels, length) = (labels + 1, 0),
            b'@' if length > 0 && !in_domain => (labels, length, in_domain) = (0, 0, true),
            _ => return SHAPE.is_match(address),
        }
    }
    in_domain && labels > 0 && length > 0
}

/// Without dots at the end. Most addresses are what they should be already, and need no text of their own.
fn in_lower_case(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.ends_with('.') || text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        text.trim_end_matches('.').to_lowercase().into()
    } else {
        text
    }
}

/// An IP address is no domain that a person has an account with.
fn ends_in_a_number(address: &str) -> bool {
    address.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_nobody(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let name = domain.split('.').next().unwrap_or_default();
    domain.ends_with(".invalid")
        || NO_ADDRESS.contains(&local)
        || (NOBODY.contains(&local) && (local == name || ANYWHERE.contains(&domain)))
}

#[cfg(test)]
mod tests {
    use super::{SHAPE, has_shape, normalize};
    use crate::reason::Reason;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_seen_without_the_pattern_is_what_the_pattern_sees(address in "[a9.@_-]{0,3}[a9.@-]{0,9}[a9@.]{0,3}") {
            prop_assert_eq!(has_shape(&address), SHAPE.is_match(&address));
        }
    }

    #[test]
    fn addresses_are_kept_as_their_owners_write_them() {
        for (raw, address) in [
            (" First.Last+tag@Example.COM ", "first.last+tag@example.com"),
            ("user@münchen.example", "user@xn--mnchen-3ya.example"),
            ("user@xn--mnchen-3ya.example", "user@xn--mnchen-3ya.example"),
            ("\u{feff}o'neil@example.com...", "o'neil@example.com"),
            ("test@example.com", "test@example.com"),
            ("email@example.com", "email@example.com"),
            ("info@test.com", "info@test.com"),
        ] {
            assert_eq!(normalize(raw).as_deref(), Ok(address), "{raw}");
        }
    }

    #[test]
    fn what_is_no_address_is_dropped() {
        for raw in [
            "a@b@example.com",
            "<jo@example.com>",
            "jo@example.com, al@example.com",
            "jo@-example.com",
            "jo@127.0.0.1",
            "jörg@example.com",
            "ｊｏ@example.com",
            "foo\"@bar.com",
            "jo@example",
            "@example.com",
            "mailto:jo@example.com",
            "jo@exa_mple.com",
            "jo smith@example.com",
        ] {
            assert_eq!(normalize(raw), Err(Reason::Malformed), "{raw}");
        }
        assert_eq!(normalize(&format!("{}@example.com", "a".repeat(65))), Err(Reason::Malformed));
        for raw in [
            "none",
            "N/A",
            "test@test.com",
            "NONE@none.com",
            "noemail@gmail.com",
            "no@email.com",
            "x@y.invalid",
        ] {
            assert_eq!(normalize(raw), Err(Reason::Placeholder), "{raw}");
        }
    }
}
