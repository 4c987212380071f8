//! A reply whose JSON is not of the expected form.

use serde_json::Error;

/// What is wrong with a reply, and where. serde's own text may repeat the reply, and with it personal data; of that only
/// the name of a missing field is kept, which is ours.
pub fn unexpected_json(error: &Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field `") {
        return text;
    }
    let kind = error.classify();
    // A value that was parsed before has no places.
    match error.line() {
        0 => format!("{kind:?} error"),
        line => format!("{kind:?} error at line {line} column {}", error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::unexpected_json;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, Debug)]
    struct Numbered {
        #[expect(dead_code, reason = "only read")]
        id: u32,
    }

    #[test]
    fn the_reply_is_not_repeated() {
        let of_text = |text| unexpected_json(&serde_json::from_str::<Numbered>(text).unwrap_err());
        assert_eq!(of_text("{\"id\":\n\"ann@example.com\"}"), "Data error at line 2 column 17");
        assert_eq!(of_text("{\"id\": ann"), "Syntax error at line 1 column 8");
        assert_eq!(of_text("{}"), "missing field `id` at line 1 column 2");
        let of_value = |value| unexpected_json(&Numbered::deserialize(value).unwrap_err());
        assert_eq!(of_value(json!({"id": "ann@example.com"})), "Data error");
        assert_eq!(of_value(json!({"name": "Ann"})), "missing field `id`");
    }
}
