//! What the filters find in contacts and opportunities.

use serde_json::Value;

use super::filters::{Field, Filtered};
use super::opportunities::amount;
use crate::people::{Contact, Opportunity, Population, STAGES};

/// A contact of the location; its opportunities do not follow changes.
pub(super) struct ContactRow<'a> {
    pub contact: &'a Contact,
    pub population: &'a Population,
}

impl Filtered for ContactRow<'_> {
    fn values(&self, field: &Field) -> Vec<Value> {
        let contact = self.contact;
        let text = |text: &str| if text.is_empty() { Vec::new() } else { vec![Value::from(text)] };
        match field {
            Field::Id => text(&contact.id),
            Field::Dnd => vec![Value::from(contact.dnd)],
            Field::Tags => contact.tags.iter().map(|tag| Value::from(tag.as_str())).collect(),
            Field::Keyword(name) | Field::Text(name) => match name.as_str() {
                "contactName" => text(format!("{} {}", contact.first_name, contact.last_name).trim()),
                "country" => text(&contact.country),
                "email" => text(&contact.email),
                "type" => text("lead"),
                "city" => text(&contact.city),
                "firstNameLowerCase" => text(&contact.first_name.to_lowercase()),
                "lastNameLowerCase" => text(&contact.last_name.to_lowercase()),
                "phone" => text(&contact.phone),
                "postalCode" => text(&contact.postal_code),
                "source" => text(&contact.source),
                "state" => text(&contact.state),
                _ => Vec::new(), // nobody here has one
            },
            Field::Date(name) => match name.as_str() {
                "dateAdded" => contact.date_added.map(Value::from).into_iter().collect(),
                "dateUpdated" => vec![Value::from(contact.date_updated)],
                "dateOfBirth" => text(&contact.date_of_birth),
                _ => Vec::new(),
            },
            Field::DndChannel(channel) => contact
                .dnd_settings
                .get(channel)
                .map(|setting| setting["status"].clone())
                .into_iter()
                .collect(),
            Field::CustomText(id) | Field::CustomNumber(id) => match contact.custom_field(id) {
                Some(Value::Array(list)) => list.clone(),
                Some(value) => vec![value.clone()],
                None => Vec::new(),
            },
            Field::CustomUnknown | Field::Number | Field::Opportunities => Vec::new(),
        }
    }

    fn opportunities(&self) -> Vec<Opportunity> {
        let index = self.population.index_of(&self.contact.id);
        index.map(|index| self.population.opportunities(index)).unwrap_or_default()
    }
}

impl Filtered for Opportunity {
    fn values(&self, field: &Field) -> Vec<Value> {
        let value = match field {
            Field::Id => Value::from(self.id.as_str()),
            Field::Keyword(name) => match name.as_str() {
                "status" => Value::from(self.status),
                "pipeline_id" => Value::from(self.pipeline_id()),
                "pipeline_stage_id" => Value::from(STAGES[self.pipeline]),
                _ => Value::from(self.contact_id.as_str()),
            },
            Field::Number => amount(self.cents),
            Field::Date(_) => Value::from(self.added),
            _ => return Vec::new(),
        };
        vec![value]
    }

    fn opportunities(&self) -> Vec<Opportunity> {
        Vec::new()
    }
}
