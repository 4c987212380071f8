//! What is read of the location itself.

use serde::Deserialize;

/// The location (sub-account).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its name as shown in GoHighLevel; the id when it has none.
    pub name: String,
    /// ISO 3166-1 alpha-2, such as `US`, as GoHighLevel stores it.
    pub country: Option<String>,
    /// IANA name, such as `America/Chicago`.
    pub timezone: Option<String>,
}

/// A custom field of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// The id contacts carry; differs from location to location.
    pub id: String,
    /// The name as shown in GoHighLevel.
    pub name: String,
    /// The stable key, such as `contact.lifetime_value`.
    pub field_key: String,
    /// `TEXT`, `NUMERICAL`, `MONETORY` (so spelt) and others; an open list.
    pub data_type: String,
}

/// Reply of `GET /locations/{id}`.
#[derive(Deserialize)]
pub(crate) struct WireLocationReply {
    location: WireLocation,
}

#[derive(Deserialize)]
struct WireLocation {
    name: Option<String>,
    country: Option<String>,
    timezone: Option<String>,
}

impl WireLocationReply {
    pub(crate) fn into_location(self, id: &str) -> Location {
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Location {
            name: filled(self.location.name).unwrap_or_else(|| id.to_owned()),
            country: filled(self.location.country),
            timezone: filled(self.location.timezone),
        }
    }
}

/// Reply of `GET /locations/{id}/customFields`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireFieldsReply {
    custom_fields: Vec<WireFieldDefinition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireFieldDefinition {
    id: Option<String>,
    name: Option<String>,
    field_key: Option<String>,
    data_type: Option<String>,
    model: Option<String>,
}

impl WireFieldsReply {
    /// The fields of contacts. Asking with `model=contact` is not trusted to leave out those of opportunities; folders
    /// have no key.
    pub(crate) fn into_contact_fields(self) -> Vec<CustomField> {
        let contact_field = |wire: WireFieldDefinition| {
            let (id, field_key) = (wire.id?, wire.field_key?);
            let model = wire.model.as_deref().or(field_key.split('.').next());
            (model == Some("contact")).then(|| CustomField {
                name: wire.name.unwrap_or_else(|| field_key.clone()),
                data_type: wire.data_type.unwrap_or_default(),
                id,
                field_key,
            })
        };
        self.custom_fields.into_iter().filter_map(contact_field).collect()
    }
}

/// Reply of `GET /locations/{id}/tags`.
#[derive(Deserialize)]
pub(crate) struct WireTagsReply {
    tags: Vec<WireTag>,
}

#[derive(Deserialize)]
struct WireTag {
    name: Option<String>,
}

impl WireTagsReply {
    pub(crate) fn into_names(self) -> Vec<String> {
        self.tags.into_iter().filter_map(|tag| tag.name).filter(|name| !name.trim().is_empty()).collect()
    }
}
