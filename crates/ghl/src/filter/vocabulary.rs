//! What a form can offer: the fields by the words GoHighLevel shows, and what each can be asked.

use super::field::{Kind, TEXTBOX_LIST};

/// What is entered as the value of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Any text.
    Text,
    /// An amount.
    Number,
    /// A day.
    Day,
    /// Yes or no.
    Flag,
}

/// What can be asked of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The names of the operators, the usual one first.
    pub operators: Vec<&'static str>,
    /// What its value is.
    pub entry: Entry,
}

/// The fields every contact has, by their names in a condition and for people. Opportunities are missing: they are asked
/// for by conditions of their own.
const STANDARD: [(&str, &str); 35] = [
    ("tags", "Tag"),
    ("type", "Contact type"),
    ("source", "Source"),
    ("assignedTo", "Assigned to (user id)"),
    ("followers", "Follower (user id)"),
    ("contactName", "Full name"),
    ("firstNameLowerCase", "First name (lower case)"),
    ("lastNameLowerCase", "Last name (lower case)"),
    ("email", "E-mail"),
    ("phone", "Phone"),
    ("businessName", "Business name"),
    ("companyName", "Company name"),
    ("website", "Website"),
    ("address", "Street address"),
    ("city", "City"),
    ("state", "State"),
    ("postalCode", "Postal code"),
    ("country", "Country (code)"),
    ("timezone", "Time zone"),
    ("dateAdded", "Added on"),
    ("dateUpdated", "Updated on"),
    ("dateOfBirth", "Date of birth"),
    ("lastAppointment", "Last appointment"),
    ("lastEmailOpenedDate", "Last e-mail opened"),
    ("lastEmailClickedDate", "Last e-mail clicked"),
    ("dnd", "Do not disturb, all channels"),
    ("dndSettings.Email.status", "Do not disturb, e-mail (status)"),
    ("dndSettings.SMS.status", "Do not disturb, SMS (status)"),
    ("dndSettings.Call.status", "Do not disturb, calls (status)"),
    ("inboundDndSettings.all.status", "Do not disturb, inbound (status)"),
    ("validEmail", "E-mail is valid"),
    ("isValidWhatsapp", "WhatsApp number is valid"),
    ("activeWorkflows", "Active workflow (id)"),
    ("finishedWorkflows", "Finished workflow (id)"),
    ("id", "Contact id"),
];

/// The fields every contact has: name in a condition, name for people, and what can be asked.
pub fn standard_fields() -> Vec<(&'static str, &'static str, Question)> {
    let known =
        |(name, title): (&'static str, &'static str)| Some((name, title, question(Kind::of_contact(name)?)));
    STANDARD.into_iter().filter_map(known).collect()
}

/// What can be asked of a custom field with that data type. `None` when each of its parts is asked for by its own id.
pub fn custom_field(data_type: &str) -> Option<Question> {
    (data_type != TEXTBOX_LIST).then(|| question(Kind::of_custom(data_type)))
}

fn question(kind: Kind) -> Question {
    let entry = match kind {
        Kind::Flag => Entry::Flag,
        Kind::Date => Entry::Day,
        Kind::Number => Entry::Number,
        _ => Entry::Text,
    };
    Question { operators: kind.operators().iter().map(|operator| operator.name()).collect(), entry }
}

#[cfg(test)]
mod tests {
    use super::{Entry, STANDARD, custom_field, standard_fields};
    use crate::Filter;
    use serde_json::{Value, json};

    #[test]
    fn everything_that_is_offered_can_be_asked() {
        let fields = standard_fields();
        assert_eq!(fields.len(), STANDARD.len());
        for (field, title, question) in fields {
            assert!(!title.is_empty() && !question.operators.is_empty(), "{field}");
            for operator in question.operators {
                let value = match (operator, question.entry) {
                    ("exists" | "not_exists", _) => Value::Null,
                    ("range", Entry::Day) => json!({"gte": "2026-01-31"}),
                    ("range", _) => json!({"gte": 1}),
                    (_, Entry::Flag) => json!(true),
                    (_, Entry::Number) => json!(1),
                    _ => json!("abc"),
                };
                let condition = json!([{"field": field, "operator": operator, "value": value}]);
                assert!(Filter::parse(&condition).is_ok(), "{condition}");
            }
        }
    }

    #[test]
    fn custom_fields_are_asked_by_their_type() {
        for (data_type, first, entry) in [
            ("MONETORY", "range", Entry::Number),
            ("DATE", "range", Entry::Day),
            ("CHECKBOX", "eq", Entry::Text),
            ("TEXT", "eq", Entry::Text),
            ("OF_TOMORROW", "range", Entry::Text),
        ] {
            let question = custom_field(data_type).unwrap();
            assert_eq!((question.operators[0], question.entry), (first, entry), "{data_type}");
        }
        assert_eq!(custom_field("TEXTBOX_LIST"), None);
    }
}
