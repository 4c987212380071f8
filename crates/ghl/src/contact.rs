//! One contact of a search reply.

use crate::client::{DATED, Operation};
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
        operation: Operation { doing: "read the contacts", scope: "contacts.readonly", version: DATED },
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
/// the match keys treat it as such; a main address or date is counted there, an additional one is left out.
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
    let mut channels = HashMap::new();
    for (name, channel) in wire {
        let (name, status) = (name.to_ascii_lowercase(), status(channel));
        // A channel may come in both spellings: then whoever opted out in one of them did.
        if !channels.get(&name).is_some_and(|known: &String| blocks(known)) {
            channels.insert(name, status);
        }
    }
    Some(channels)
}

fn blocks(status: &str) -> bool {
    status.eq_ignore_ascii_case("active") || status.eq_ignore_ascii_case("permanent")
}

fn is_blocked(channels: &HashMap<String, String>, name: &str) -> bool {
    channels.get(name).is_some_and(|status| blocks(status))
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
mod tests;
