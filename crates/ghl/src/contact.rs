//! One contact of a search reply.

use crate::client::Operation;
use crate::error::GhlError;
use crate::search::{Endpoint, Listing, Row};
use crate::wire_text::{identifier, moment, string, text};
use domain::contact::OptOut;
use domain::{Contact, RawLtv};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// A contact as `POST /contacts/search` returns it, every field still in the bytes that were sent. Fields may be absent,
/// null or of an unexpected type; unknown ones are skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireContact<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    first_name: Option<&'a RawValue>,
    /// Search results document only the lower-case copies of the names.
    first_name_lower_case: Option<&'a RawValue>,
    last_name: Option<&'a RawValue>,
    last_name_lower_case: Option<&'a RawValue>,
    email: Option<&'a RawValue>,
    phone: Option<&'a RawValue>,
    additional_emails: Option<&'a RawValue>,
    additional_phones: Option<&'a RawValue>,
    date_of_birth: Option<&'a RawValue>,
    city: Option<&'a RawValue>,
    state: Option<&'a RawValue>,
    postal_code: Option<&'a RawValue>,
    country: Option<&'a RawValue>,
    dnd: Option<&'a RawValue>,
    dnd_settings: Option<&'a RawValue>,
    inbound_dnd_settings: Option<&'a RawValue>,
    /// API v1 calls it `customField`.
    #[serde(alias = "customField")]
    custom_fields: Option<&'a RawValue>,
    date_added: Option<&'a RawValue>,
    search_after: Option<&'a RawValue>,
}

/// A custom field of a contact. The value stands under `value` in replies; the other two are the names for writing, which
/// some replies use as well.
#[derive(Deserialize)]
struct WireField<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    value: Option<&'a RawValue>,
    #[serde(rename = "fieldValue")]
    field_value: Option<&'a RawValue>,
    #[serde(rename = "field_value")]
    old_field_value: Option<&'a RawValue>,
}

/// A further address or number with its label, which some replies have in place of the bare text.
#[derive(Deserialize)]
struct WireFurther<'a> {
    #[serde(borrow)]
    email: Option<&'a RawValue>,
    phone: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireChannel {
    status: Option<String>,
}

/// Rows of `POST /contacts/search`, with the value of one custom field.
pub(crate) struct Contacts<'a> {
    pub(crate) ltv_field_id: &'a str,
}

impl Listing for Contacts<'_> {
    type Item = Contact;

    const ENDPOINT: Endpoint = Endpoint {
        operation: Operation {
            doing: "read the contacts",
            scope: "contacts.readonly",
            version: "2021-07-28",
        },
        path: "/contacts/search",
        limit: "pageLimit",
        added: "dateAdded",
    };

    fn read(&self, row: &RawValue, position: usize) -> Result<Row<Contact>, GhlError> {
        read(row, position, self.ltv_field_id)
    }
}

/// Reads the contact that stands at `position` (from 1) of its page.
///
/// # Errors
/// [`GhlError::UnreadableContact`] names the contact and the field, never what stands in it.
pub(crate) fn read(json: &RawValue, position: usize, ltv_field_id: &str) -> Result<Row<Contact>, GhlError> {
    let unreadable = |contact: String, reason: String| GhlError::UnreadableContact { contact, reason };
    let in_place = || format!("number {position} of its page");
    let wire = object::<WireContact<'_>>(json)
        .ok_or_else(|| unreadable(in_place(), "it is not a JSON object with each field once".to_owned()))?;
    let id = match text(wire.id) {
        Ok(Some(id)) if !id.trim().is_empty() => id,
        _ => return Err(unreadable(in_place(), "it has no id".to_owned())),
    };
    let shown = identifier(&id).map_or_else(in_place, str::to_owned);
    let odd = |field: &str| unreadable(shown.clone(), format!("its field `{field}` has an unknown form"));
    let field = |name: &str, value| text(value).map_err(|_not_text| odd(name));
    let name_of = |name: &str, value, lower_case| match field(name, value)? {
        Some(own) if !own.trim().is_empty() => Ok(Some(own)),
        _ => field(name, lower_case),
    };
    let contact = Contact {
        first_name: name_of("firstName", wire.first_name, wire.first_name_lower_case)?,
        last_name: name_of("lastName", wire.last_name, wire.last_name_lower_case)?,
        email: field("email", wire.email)?,
        phone: field("phone", wire.phone)?,
        additional_emails: further(wire.additional_emails, |further| further.email),
        additional_phones: further(wire.additional_phones, |further| further.phone),
        birth_date: as_written(wire.date_of_birth),
        city: field("city", wire.city)?,
        state: field("state", wire.state)?,
        postal_code: field("postalCode", wire.postal_code)?,
        country: field("country", wire.country)?,
        opt_out: opt_out(&wire).map_err(odd)?,
        ltv: ltv(wire.custom_fields, ltv_field_id).ok_or_else(|| odd("customFields"))?,
        id,
    };
    let cursor = wire.search_after.and_then(cursor);
    Ok(Row { item: contact, cursor, added: moment(wire.date_added) })
}

/// Further addresses or numbers: bare texts, or objects that hold the text beside a label.
fn further<'a>(
    list: Option<&'a RawValue>,
    of: impl Fn(WireFurther<'a>) -> Option<&'a RawValue>,
) -> Vec<String> {
    let Some(list) = list else { return Vec::new() };
    let items: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_else(|_one| vec![list]);
    items.into_iter().filter_map(|item| as_written(object(item).and_then(&of).or(Some(item)))).collect()
}

/// The text of a field that a contact can do without. What is no text is taken as it stands: it is no address and no date, and
/// is counted as such where the match keys are made.
fn as_written(value: Option<&RawValue>) -> Option<String> {
    text(value).unwrap_or_else(|_not_text| value.map(|json| json.get().to_owned()))
}

/// serde would also build a struct from an array.
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a RawValue) -> Option<T> {
    json.get().starts_with('{').then(|| serde_json::from_str(json.get()).ok()).flatten()
}

/// The cursor is handed back byte for byte: it holds numbers that must not become floats.
pub(crate) fn cursor(value: &RawValue) -> Option<Box<RawValue>> {
    let is_array = value.get().starts_with('[') && value.get()[1..].trim_start() != "]";
    is_array.then(|| value.to_owned())
}

/// What the contact asked not to receive; the name of the field when its form is unknown, because to guess would send
/// someone who opted out.
fn opt_out(wire: &WireContact<'_>) -> Result<OptOut, &'static str> {
    let dnd = match wire.dnd.map(RawValue::get) {
        None | Some("null" | "false" | "0" | "\"false\"" | "\"\"") => false,
        Some("true" | "1" | "\"true\"") => true,
        Some(_) => return Err("dnd"),
    };
    let channels = channels(wire.dnd_settings).ok_or("dndSettings")?;
    let inbound = self::channels(wire.inbound_dnd_settings).ok_or("inboundDndSettings")?;
    Ok(OptOut {
        all: dnd || is_blocked(&inbound, "all"),
        email: is_blocked(&channels, "email"),
        sms: is_blocked(&channels, "sms"),
    })
}

/// Status per channel. Versions before v3 write `Email` and `SMS`, v3 writes `email` and `sms`.
fn channels(settings: Option<&RawValue>) -> Option<HashMap<String, String>> {
    let Some(settings) = settings.filter(|json| json.get() != "null" && json.get() != "[]") else {
        return Some(HashMap::new());
    };
    let wire: HashMap<String, Option<WireChannel>> = object(settings)?;
    let status =
        |channel: Option<WireChannel>| channel.and_then(|channel| channel.status).unwrap_or_default();
    Some(wire.into_iter().map(|(name, channel)| (name.to_ascii_lowercase(), status(channel))).collect())
}

fn is_blocked(channels: &HashMap<String, String>, name: &str) -> bool {
    channels.get(name).is_some_and(|status| {
        status.eq_ignore_ascii_case("active") || status.eq_ignore_ascii_case("permanent")
    })
}

/// The value of one custom field; `None` when the list of fields has an unknown form.
fn ltv(custom_fields: Option<&RawValue>, ltv_field_id: &str) -> Option<RawLtv> {
    let Some(custom_fields) = custom_fields.filter(|json| json.get() != "null") else {
        return Some(RawLtv::Absent);
    };
    let fields: Vec<Option<&RawValue>> = serde_json::from_str(custom_fields.get()).ok()?;
    for field in fields.into_iter().flatten() {
        let field: WireField<'_> = object(field)?;
        if text(field.id).ok()?.as_deref() == Some(ltv_field_id) {
            let value = [field.value, field.field_value, field.old_field_value].into_iter().flatten().next();
            if let Some(value) = value {
                return Some(raw_ltv(value));
            }
        }
    }
    Some(RawLtv::Absent)
}

pub(crate) fn raw_ltv(value: &RawValue) -> RawLtv {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'"') => string(json).map_or(RawLtv::NotScalar, RawLtv::Text),
        Some(b'-' | b'0'..=b'9') => RawLtv::Number(json.to_owned()),
        _ => RawLtv::NotScalar,
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(
            (contact.postal_code.as_deref(), contact.city, contact.state),
            (Some("94103"), None, None)
        );
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
            (
                format!(r#"["{mark}"]"#),
                "number 3 of its page",
                "it is not a JSON object with each field once",
            ),
            ("null".to_owned(), "number 3 of its page", "it is not a JSON object with each field once"),
            (format!(r#"{{"email":"{mark}"}}"#), "number 3 of its page", "it has no id"),
            (format!(r#"{{"id":" ","email":"{mark}"}}"#), "number 3 of its page", "it has no id"),
            (
                format!(r#"{{"id":"{mark}","email":[]}}"#),
                "number 3 of its page",
                "its field `email` has an unknown form",
            ),
            (format!(r#"{{"id":"c9","email":["{mark}"]}}"#), "c9", "its field `email` has an unknown form"),
            (
                format!(r#"{{"id":"c9","phone":{{"x":"{mark}"}}}}"#),
                "c9",
                "its field `phone` has an unknown form",
            ),
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
}
