//! The id of a request, by which Anthropic's support finds it again.

use domain::Secret;
use domain::foreign_text::presentable;
use http_client::Response;

/// Letters and digits of an id beside its prefix. Anthropic's have about 24; 48 are still no SHA-256.
const LONGEST: usize = 48;

/// The id from the reply's header, or else the one in its body, fit to be shown.
pub(crate) fn request_id(reply: &Response, in_body: Option<&str>, key: &Secret) -> Option<String> {
    let id = reply.header("request-id").or(in_body)?;
    Some(shown(id, key)).filter(|id| !id.is_empty())
}

/// An id of the documented form is kept whole, because support needs all of it; in other text a run of letters and digits
/// as long as this could be a token or a hash, and is masked.
fn shown(id: &str, key: &Secret) -> String {
    let is_documented = id.strip_prefix("req_").is_some_and(|rest| {
        (1..=LONGEST).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let holds_the_key = !key.expose().is_empty() && id.contains(key.expose());
    if is_documented && !holds_the_key { id.to_owned() } else { presentable(id, &[key.expose()]) }
}

#[cfg(test)]
mod tests {
    use super::shown;
    use domain::Secret;

    #[test]
    fn ids_are_shown_whole_and_nothing_else_is_unmasked() {
        let key = Secret::new("markedkey");
        let run = "0123456789abcdef".repeat(4);
        for (text, expected) in [
            ("req_018EeWyXxfu5pfWkrYcMdjWG", "req_018EeWyXxfu5pfWkrYcMdjWG"),
            (&format!("req_{}", &run[..32]), &format!("req_{}", &run[..32])),
            (&format!("req_{run}"), "req_***"),
            (&run[..32], "***"),
            (&format!("req_{} {}", &run[..32], &run[..32]), "req_*** ***"),
            ("req_1\u{1b}[2Jann@example.com", "req_1 ***"),
            ("req_xmarkedkeyx", "req_x***x"),
            ("", ""),
        ] {
            assert_eq!(shown(text, &key), *expected, "{text:?}");
        }
    }
}
