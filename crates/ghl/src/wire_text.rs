//! Text as GoHighLevel really sends it: as a string, a bare number, null, or not at all.

use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A value that is neither a string nor a number nor null.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotText;

/// The text of a value. A number keeps its digits as they were sent, so that a phone number typed as a number survives.
pub(crate) fn text(value: Option<&RawValue>) -> Result<Option<String>, NotText> {
    let Some(json) = value.map(RawValue::get) else { return Ok(None) };
    match json.as_bytes().first() {
        Some(b'"') => string(json).map(Some).ok_or(NotText),
        Some(b'-' | b'0'..=b'9') => Ok(Some(json.to_owned())),
        Some(b'n') => Ok(None),
        _ => Err(NotText),
    }
}

/// A time in milliseconds since 1970, written so or as RFC 3339; `None` for anything else.
pub(crate) fn moment(value: Option<&RawValue>) -> Option<i64> {
    let text = text(value).ok()??;
    let text = text.trim();
    text.parse().ok().or_else(|| Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis()))
}

/// Decodes a JSON string. Half of a surrogate pair (a name cut off inside an emoji, which JavaScript sends as `\ud83d`)
/// becomes U+FFFD instead of an error, because it must not cost the contact.
pub(crate) fn string(json: &str) -> Option<String> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<String, E> {
            Ok(String::from_utf8_lossy(bytes).into_owned())
        }
    }
    serde_json::Deserializer::from_str(json).deserialize_bytes(Bytes).ok()
}

/// Longest id or code that is shown.
const IDENTIFIER_BYTES: usize = 100;

/// An id or code of the provider, if it looks like one; anything else could be personal data or hostile text and is not
/// shown.
pub(crate) fn identifier(text: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'/');
    ((1..=IDENTIFIER_BYTES).contains(&text.len()) && text.bytes().all(allowed)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::{NotText, identifier, moment, text};
    use serde_json::value::RawValue;

    fn of(json: &str) -> Result<Option<String>, NotText> {
        text(Some(&RawValue::from_string(json.to_owned()).unwrap()))
    }

    #[test]
    fn strings_and_numbers_are_text_and_null_is_nothing() {
        assert_eq!(of(r#""a\n\u00e9\ud83d\ude00""#), Ok(Some("a\né😀".to_owned())));
        assert_eq!(of("14155550100"), Ok(Some("14155550100".to_owned())));
        assert_eq!(of("-1.50e3"), Ok(Some("-1.50e3".to_owned())));
        assert_eq!(of("null"), Ok(None));
        assert_eq!(text(None), Ok(None));
        for odd in ["true", "[1]", r#"{"a":1}"#] {
            assert_eq!(of(odd), Err(NotText), "{odd}");
        }
    }

    #[test]
    fn times_are_milliseconds_or_rfc_3339() {
        let of = |json: &str| moment(Some(&RawValue::from_string(json.to_owned()).unwrap()));
        assert_eq!(of("1778692000876"), Some(1_778_692_000_876));
        assert_eq!(of(r#""1778692000876""#), Some(1_778_692_000_876));
        assert_eq!(of(r#""2026-05-13T17:06:40.876Z""#), Some(1_778_692_000_876));
        assert_eq!(of(r#""2026-05-13T19:06:40.876+02:00""#), Some(1_778_692_000_876));
        for odd in ["null", r#""""#, "1.5", "true", r#""yesterday""#] {
            assert_eq!(of(odd), None, "{odd}");
        }
        assert_eq!(moment(None), None);
    }

    #[test]
    fn half_an_emoji_does_not_cost_the_text() {
        assert_eq!(of(r#""Ann \ud83d""#).unwrap().unwrap().trim_end_matches('\u{fffd}'), "Ann ");
    }

    #[test]
    fn only_ids_count_as_ids() {
        for good in ["ocQHyuzHvysMo5N5VsXc", "b2b1ee54-22c4-4eb8-9e29-0b5b0a1f8d8c", "RESOURCE_NOT_FOUND"] {
            assert_eq!(identifier(good), Some(good));
        }
        for bad in ["", "ann@example.com", "+14155550100", "two words", "a\u{1b}[1m", "é", &"x".repeat(101)]
        {
            assert_eq!(identifier(bad), None, "{bad}");
        }
    }
}
