//! The parts of an address.

use crate::client::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Display;

/// Everything but the unreserved characters of RFC 3986.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An id as one segment of a path.
pub fn path_segment(id: &str) -> impl Display + '_ {
    utf8_percent_encode(id, ESCAPED)
}

/// The part of an address that may be logged.
pub(crate) fn path_of(url: &str) -> &str {
    let url = url.split('?').next().unwrap_or(url);
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or("/", |at| &after_scheme[at..])
}

/// The address with its query.
pub(crate) fn with_query(request: &Request<'_>) -> String {
    let mut url = request.url.clone();
    for (at, (name, value)) in request.query.iter().enumerate() {
        url.push(if at == 0 { '?' } else { '&' });
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, ESCAPED));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::{path_of, path_segment};

    #[test]
    fn only_the_path_is_taken_for_the_log() {
        assert_eq!(path_of("https://host/a/b"), "/a/b");
        assert_eq!(path_of("https://host"), "/");
        assert_eq!(path_of("https://host/a?startAfterId=b/c"), "/a");
    }

    #[test]
    fn an_id_stays_one_segment() {
        assert_eq!(path_segment("a/b?c d-1_2.3~é").to_string(), "a%2Fb%3Fc%20d-1_2.3~%C3%A9");
    }
}
