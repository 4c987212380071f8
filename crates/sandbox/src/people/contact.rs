//! A contact as the simulated GHL stores it.

use serde_json::{Map, Value, json};

/// Id of the MONETORY field that holds the lifetime value.
pub(crate) const FIELD_LTV: &str = "ltvF1eldAbCdEfGhIjKl";
/// Its key.
pub(crate) const KEY_LTV: &str = "contact.lifetime_value";
/// Id of the TEXT field `contact.notes_value`.
pub(crate) const FIELD_NOTES: &str = "noteF1eldAbCdEfGhIjK";
/// Id of the MONETORY field `contact.projected_value`, which nobody fills.
pub(crate) const FIELD_EMPTY: &str = "emptyF1eldAbCdEfGhIj";

/// One contact. Text fields are empty when unset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contact {
    /// 20 characters, or what the CSV says.
    pub id: String,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// As typed.
    pub email: String,
    /// As typed.
    pub phone: String,
    /// Further addresses, as typed.
    pub additional_emails: Vec<String>,
    /// Further numbers, as typed.
    pub additional_phones: Vec<String>,
    /// As typed; digits alone are milliseconds since 1970.
    pub date_of_birth: String,
    /// Street and number, as typed.
    pub address: String,
    /// As typed.
    pub city: String,
    /// As typed.
    pub state: String,
    /// As typed.
    pub postal_code: String,
    /// As typed.
    pub country: String,
    /// Where the contact came from.
    pub source: String,
    /// Lower case.
    pub tags: Vec<String>,
    /// Do not disturb on every channel.
    pub dnd: bool,
    /// `{"SMS":{"status":"active",…}}` in the casing of the date versions.
    pub dnd_settings: Map<String, Value>,
    /// Field id and value (string, number or array).
    pub custom_fields: Vec<(String, Value)>,
    /// Epoch milliseconds; `None` for a contact of which GHL does not know it.
    pub date_added: Option<i64>,
    /// Epoch milliseconds.
    pub date_updated: i64,
}

impl Contact {
    /// The document of `POST /contacts/search` (ghl-api §3.2): `address` instead of `address1`, names in lower case only.
    pub(crate) fn search_document(&self, location_id: &str, v3: bool, cursor: &Value) -> Value {
        let text = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
        let time = |ms: i64| chrono::DateTime::from_timestamp_millis(ms).map(crate::clock::rfc3339);
        json!({
            "id": self.id,
            "locationId": location_id,
            "additionalEmails": self.additional_emails,
            "additionalPhones": self.additional_phones.iter().map(|phone| json!({"phone": phone, "phoneLabel": null})).collect::<Vec<_>>(),
            "address": text(&self.address),
            "assignedTo": null,
            "businessId": null,
            "businessName": null,
            "city": text(&self.city),
            "companyName": null,
            "country": text(&self.country),
            "customFields": self.custom_fields.iter().map(|(id, value)| json!({"id": id, "value": value})).collect::<Vec<_>>(),
            "dateAdded": self.date_added.and_then(time),
            "dateOfBirth": self.date_of_birth.parse::<i64>().map_or_else(|_text| text(&self.date_of_birth), Value::from),
            "dateUpdated": time(self.date_updated),
            "dnd": self.dnd,
            "dndSettings": self.dnd_settings_as(v3),
            "email": text(&self.email),
            "firstNameLowerCase": text(&self.first_name.to_lowercase()),
            "lastNameLowerCase": text(&self.last_name.to_lowercase()),
            "followers": [],
            "phone": text(&self.phone),
            "phoneLabel": null,
            "postalCode": text(&self.postal_code),
            "source": text(&self.source),
            "state": text(&self.state),
            "tags": self.tags,
            "type": "lead",
            "validEmail": null,
            "website": null,
            "searchAfter": cursor,
        })
    }

    /// A contact of API v1 (ghl-api §1.2): names as typed, `customField`, no cursor of its own.
    pub(crate) fn v1_document(&self, location_id: &str) -> Value {
        let text = |text: &str| if text.is_empty() { Value::Null } else { Value::from(text) };
        let time = |ms: i64| chrono::DateTime::from_timestamp_millis(ms).map(crate::clock::rfc3339);
        json!({
            "id": self.id,
            "locationId": location_id,
            "firstName": text(&self.first_name),
            "lastName": text(&self.last_name),
            "email": text(&self.email),
            "phone": text(&self.phone),
            "dnd": self.dnd,
            "dndSettings": self.dnd_settings,
            "type": "lead",
            "source": text(&self.source),
            "address1": text(&self.address),
            "city": text(&self.city),
            "state": text(&self.state),
            "postalCode": text(&self.postal_code),
            "country": text(&self.country),
            "dateAdded": self.date_added.and_then(time),
            "dateOfBirth": text(&self.date_of_birth),
            "tags": self.tags,
            "customField": self.custom_fields.iter().map(|(id, value)| json!({"id": id, "value": value})).collect::<Vec<_>>(),
        })
    }

    /// The channels are lower-cased under `Version: v3`, but for `whatsApp` (ghl-api §1.3).
    fn dnd_settings_as(&self, v3: bool) -> Map<String, Value> {
        if !v3 {
            return self.dnd_settings.clone();
        }
        let renamed =
            |key: &String| if key == "WhatsApp" { "whatsApp".to_owned() } else { key.to_lowercase() };
        self.dnd_settings.iter().map(|(key, value)| (renamed(key), value.clone())).collect()
    }

    pub(crate) fn custom_field(&self, id: &str) -> Option<&Value> {
        self.custom_fields.iter().find(|(field, _)| field == id).map(|(_, value)| value)
    }
}
