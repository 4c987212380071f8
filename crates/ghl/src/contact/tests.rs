//! The oddities of contacts on the wire.

use super::read;
use crate::error::GhlError;
use crate::search::Row;
use domain::contact::OptOut;
use domain::{Contact, RawLtv};
use serde_json::value::RawValue;

fn contact(json: &str) -> Result<Row<Contact>, GhlError> {
    read(&RawValue::from_string(json.to_owned()).unwrap(), 3, "f1")
}

fn ltv(custom_fields: &str) -> RawLtv {
    contact(&format!(r#"{{"id":"c","customFields":{custom_fields}}}"#)).unwrap().item.ltv
}

#[test]
fn values_keep_every_digit_and_their_type() {
    let number = |text: &str| RawLtv::Number(text.to_owned());
    let words = |text: &str| RawLtv::Text(text.to_owned());
    for (custom_fields, expected) in [
        (r#"[{"id":"f0","value":"9"},{"id":"f1","value":"$1,234.50"}]"#, words("$1,234.50")),
        (r#"[{"id":"f1","value":1234.10}]"#, number("1234.10")),
        (
            r#"[{"id":"f1","value":0.1000000000000000055511151231257827}]"#,
            number("0.1000000000000000055511151231257827"),
        ),
        (r#"[{"id":"f1","value":4.31E+03}]"#, number("4.31E+03")),
        (r#"[{"id":"f1","value":-0}]"#, number("-0")),
        (r#"[{"id":"f1","value":12345678901234567890123}]"#, number("12345678901234567890123")),
        (r#"[{"id":"f1","fieldValue":7}]"#, number("7")),
        (r#"[{"id":"f1","field_value":"8"}]"#, words("8")),
        (r#"[{"id":"f1","value":null,"fieldValue":9}]"#, number("9")),
        (r#"[{"id":"f1","value":""}]"#, words("")),
        (r#"[{"id":"f1","value":["1"]}]"#, RawLtv::NotScalar),
        (r#"[{"id":"f1","value":{"currency":"default","value":2240}}]"#, RawLtv::NotScalar),
        (r#"[{"id":"f1","value":true}]"#, RawLtv::NotScalar),
        (r#"[{"id":"f1","value":null}]"#, RawLtv::Absent),
        (r#"[{"id":"f1"}]"#, RawLtv::Absent),
        (r#"[{"id":"f2","value":5}, null]"#, RawLtv::Absent),
        ("[]", RawLtv::Absent),
        ("null", RawLtv::Absent),
    ] {
        assert!(ltv(custom_fields) == expected, "{custom_fields}");
    }
    assert!(contact(r#"{"id":"c"}"#).unwrap().item.ltv == RawLtv::Absent);
}

#[test]
fn every_spelling_of_an_opt_out_is_understood() {
    let of = |fields: &str| contact(&format!(r#"{{"id":"c",{fields}}}"#)).unwrap().item.opt_out;
    let none = OptOut::default();
    let all = OptOut { all: true, ..none };
    let email = OptOut { email: true, ..none };
    let sms = OptOut { sms: true, ..none };
    for (fields, expected) in [
        (r#""dnd":false"#, none),
        (r#""dnd":null,"dndSettings":null,"inboundDndSettings":null"#, none),
        (r#""dnd":true"#, all),
        (r#""dnd":"true""#, all),
        (
            r#""dndSettings":{"Email":{"status":"active","message":"m","code":"c"},"SMS":{"status":"inactive"}}"#,
            email,
        ),
        (r#""dndSettings":{"email":{"status":"permanent"},"whatsApp":{"status":"active"}}"#, email),
        (r#""dndSettings":{"SMS":{"status":"permanent"},"Email":null}"#, sms),
        (r#""dndSettings":{"sms":{"status":"active"},"email":{}}"#, sms),
        (r#""dndSettings":{"Call":{"status":"active"},"GMB":{"status":"active"}}"#, none),
        (r#""inboundDndSettings":{"all":{"status":"active"}}"#, all),
        (r#""inboundDndSettings":{"all":{"status":"inactive"}}"#, none),
        (r#""dndSettings":{},"inboundDndSettings":[]"#, none),
    ] {
        assert_eq!(of(fields), expected, "{fields}");
    }
    let both = r#""dndSettings":{"Email":{"status":"active"},"email":{"status":"inactive"},"sms":{"status":"active"},"SMS":{}}"#;
    for _ in 0..20 {
        assert_eq!(of(both), OptOut { email: true, sms: true, ..none }, "in whatever order they are read");
    }
}

#[test]
fn fields_are_taken_as_they_are() {
    let read = contact(
        r#"{"id":"c","firstNameLowerCase":"ann","firstName":"Ann","lastNameLowerCase":"lee","lastName":" ",
            "email":"ann@example.com","phone":14155550100,"postalCode":94103,"city":null,"country":"US","x":{"y":[1]},
            "tags":["vip"],"searchAfter":[1778692000876,"c"]}"#,
    )
    .unwrap();
    let contact = read.item;
    assert_eq!((contact.first_name.as_deref(), contact.last_name.as_deref()), (Some("Ann"), Some("lee")));
    assert_eq!(
        (contact.email.as_deref(), contact.phone.as_deref()),
        (Some("ann@example.com"), Some("14155550100"))
    );
    assert_eq!((contact.postal_code.as_deref(), contact.city, contact.state), (Some("94103"), None, None));
    assert_eq!(contact.country.as_deref(), Some("US"));
    assert_eq!(read.cursor.unwrap().get(), r#"[1778692000876,"c"]"#);
}

#[test]
fn further_addresses_numbers_and_the_birthday_are_read_in_every_form() {
    for (fields, emails, phones, birth_date) in [
        ("", "", "", None),
        (r#""additionalEmails":null,"additionalPhones":[],"dateOfBirth":null"#, "", "", None),
        (
            r#""additionalEmails":["a@example.com",null,"b@example.com"],"additionalPhones":["+16505550101",16505550102],
                "dateOfBirth":"1990-01-31T00:00:00.000Z""#,
            "a@example.com b@example.com",
            "+16505550101 16505550102",
            Some("1990-01-31T00:00:00.000Z"),
        ),
        (
            r#""additionalEmails":[{"email":"a@example.com","label":"home"}],
                "additionalPhones":[{"phone":"+16505550101","phoneLabel":"Mobile"},{"phone":16505550102,"phoneLabel":null}],
                "dateOfBirth":633744000000"#,
            "a@example.com",
            "+16505550101 16505550102",
            Some("633744000000"),
        ),
        // Nothing of this costs the contact; what can not be used is dropped later, and counted.
        (
            r#""additionalEmails":"a@example.com","additionalPhones":[true,{"phone":null}],"dateOfBirth":{"y":1990}"#,
            "a@example.com",
            r#"true {"phone":null}"#,
            Some(r#"{"y":1990}"#),
        ),
    ] {
        let separator = if fields.is_empty() { "" } else { "," };
        let read = contact(&format!(r#"{{"id":"c"{separator}{fields}}}"#)).unwrap().item;
        assert_eq!(read.additional_emails.join(" "), emails, "{fields}");
        assert_eq!(read.additional_phones.join(" "), phones, "{fields}");
        assert_eq!(read.birth_date.as_deref(), birth_date, "{fields}");
    }
}

#[test]
fn cursors_that_are_no_cursors_are_not_taken() {
    for odd in ["null", "[]", "[ ]", "7", "\"x\"", "{}"] {
        let read = contact(&format!(r#"{{"id":"c","searchAfter":{odd}}}"#)).unwrap();
        assert!(read.cursor.is_none(), "{odd}");
    }
}

#[test]
fn a_contact_that_can_not_be_read_is_named_without_its_data() {
    let mark = "person@example.com";
    for (json, contact_name, reason) in [
        (format!(r#"["{mark}"]"#), "number 3 of its page", "it is not a JSON object with each field once"),
        ("null".to_owned(), "number 3 of its page", "it is not a JSON object with each field once"),
        (format!(r#"{{"email":"{mark}"}}"#), "number 3 of its page", "it has no id"),
        (format!(r#"{{"id":" ","email":"{mark}"}}"#), "number 3 of its page", "it has no id"),
        (
            format!(r#"{{"id":"{mark}","email":[]}}"#),
            "number 3 of its page",
            "its field `email` has an unknown form",
        ),
        (format!(r#"{{"id":"c9","email":["{mark}"]}}"#), "c9", "its field `email` has an unknown form"),
        (format!(r#"{{"id":"c9","phone":{{"x":"{mark}"}}}}"#), "c9", "its field `phone` has an unknown form"),
        (format!(r#"{{"id":"c9","dnd":"{mark}"}}"#), "c9", "its field `dnd` has an unknown form"),
        (
            format!(r#"{{"id":"c9","dndSettings":"{mark}"}}"#),
            "c9",
            "its field `dndSettings` has an unknown form",
        ),
        (
            format!(r#"{{"id":"c9","dndSettings":{{"Email":{{"status":["{mark}"]}}}}}}"#),
            "c9",
            "its field `dndSettings` has an unknown form",
        ),
        (
            format!(r#"{{"id":"c9","customFields":{{"f1":"{mark}"}}}}"#),
            "c9",
            "its field `customFields` has an unknown form",
        ),
    ] {
        let error = contact(&json).unwrap_err();
        assert!(!format!("{error:?}{error}").contains(mark));
        let GhlError::UnreadableContact { contact, reason: found } = error else { panic!("{json}") };
        assert_eq!((contact.as_str(), found.as_str()), (contact_name, reason), "{json}");
    }
}
