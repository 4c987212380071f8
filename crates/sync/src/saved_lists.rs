//! Lists that a person makes of conditions: saved, changed and deleted.

use crate::catalogue::{KnownList, ListInfo};
use crate::edges::{ContactList, ListNotOffered, ValueField};
use crate::error::{EdgeError, ListError};
use crate::service::SyncService;
use domain::foreign_text::one_line;
use domain::{Cancel, Conditions, ListSelection};
use ghl::Question;
use persistence::{FilterDeletion, SavedFilter, StoreError};
use serde_json::Value;

/// Longest name of a list, in characters: one line of a select element.
const LONGEST_NAME: usize = 80;

/// A field that conditions can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionField {
    /// As a condition names it.
    pub name: String,
    /// Other names a condition may have for it.
    pub other_names: Vec<String>,
    /// The name people see. Hostile input: escape it.
    pub title: String,
    /// What it can be asked.
    pub question: Question,
}

impl ConditionField {
    /// How the names of custom fields begin.
    pub const CUSTOM: &str = "customFields.";

    /// The fields every contact has.
    pub fn standard() -> Vec<Self> {
        let field = |(name, title, question): (&str, &str, Question)| Self {
            name: name.to_owned(),
            other_names: Vec::new(),
            title: title.to_owned(),
            question,
        };
        ghl::standard_fields().into_iter().map(field).collect()
    }

    /// Named by its key, which stays when people rename the field.
    fn custom(field: ValueField) -> Option<Self> {
        let key = field.key.strip_prefix("contact.").unwrap_or(&field.key);
        let named = |name: &str| format!("{}{name}", Self::CUSTOM);
        Some(Self {
            name: named(if key.is_empty() { &field.id } else { key }),
            other_names: [&field.id, &field.key, &field.name].map(|name| named(name)).to_vec(),
            question: ghl::custom_field(&field.data_type)?,
            title: field.name,
        })
    }

    /// Whether a condition that names this field means this one.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name || self.other_names.iter().any(|other| other.eq_ignore_ascii_case(name))
    }
}

impl SyncService {
    /// Saves a new list made of these conditions and counts its contacts. Nothing is saved unless every condition can be
    /// used and the contacts can be counted. Repeating is refused, because the name is taken then.
    ///
    /// # Errors
    /// [`ListError::Name`], [`ListError::NameTaken`] and [`ListError::Conditions`] say what is wrong.
    pub fn save_list(&self, name: &str, conditions: &Value) -> Result<ListInfo, ListError> {
        let (name, conditions, contacts) = self.checked(None, name, conditions)?;
        let saved = self.parts.store.filter_add(&name, &conditions).map_err(|error| taken(error, &name))?;
        Ok(info(saved, contacts))
    }

    /// Gives a saved list another name and other conditions, under the same rules as [`save_list`](Self::save_list).
    /// It stays the same list: the next run is compared with the last one, and says so when it stops because the list
    /// became much smaller. Repeating is harmless.
    ///
    /// # Errors
    /// [`ListError::Unknown`] when there is no saved list with this id.
    pub fn change_list(&self, id: &str, name: &str, conditions: &Value) -> Result<ListInfo, ListError> {
        let number = self.saved_list(id)?.id;
        let (name, conditions, contacts) = self.checked(Some(number), name, conditions)?;
        let changed = self.parts.store.filter_change(number, &name, &conditions);
        match changed.map_err(|error| taken(error, &name))? {
            Some(saved) => Ok(info(saved, contacts)),
            None => Err(ListError::Unknown(id.to_owned())),
        }
    }

    /// Deletes a saved list. `initial` is the list that is synced while nobody has saved a choice. Repeating is harmless.
    ///
    /// # Errors
    /// [`ListError::Unknown`] when there is no saved list with this id; [`ListError::InUse`] when it is the one that is
    /// synced.
    pub fn delete_list(&self, id: &str, initial: Option<&str>) -> Result<(), ListError> {
        let SavedFilter { id: number, name, .. } = self.saved_list(id)?;
        let store = &self.parts.store;
        // However it was written, such as with a space before it.
        let id = ListSelection::Filter(number).to_string();
        if initial.map(str::trim) == Some(id.as_str()) && store.config_latest()?.is_none() {
            return Err(ListError::InUse { name });
        }
        match store.filter_delete(number, &id)? {
            FilterDeletion::Deleted => Ok(()),
            FilterDeletion::InUse => Err(ListError::InUse { name }),
            FilterDeletion::Unknown => Err(ListError::Unknown(id)),
        }
    }

    /// How many contacts meet these conditions now. Nothing is saved.
    ///
    /// # Errors
    /// [`ListError::Conditions`] says what is wrong.
    pub fn count_conditions(&self, conditions: &Value) -> Result<u64, ListError> {
        let conditions =
            self.parts.source.check_conditions(conditions, &Cancel::new())?.map_err(ListError::Conditions)?;
        Ok(self.count(&ContactList::Conditions(conditions))?)
    }

    /// The fields a form of conditions can offer: those of every contact, then the custom fields of the location, which
    /// are remembered for five minutes unless `refresh` asks again.
    ///
    /// # Errors
    /// The source's own error; [`ListNotOffered`] from a source that keeps lists of its own instead.
    pub fn condition_fields(&self, refresh: bool) -> Result<Vec<ConditionField>, EdgeError> {
        if self.own_lists(refresh)?.is_some() {
            return Err(EdgeError::new(ListNotOffered));
        }
        let custom = self.fields(refresh)?.into_iter().filter_map(ConditionField::custom);
        Ok(ConditionField::standard().into_iter().chain(custom).collect())
    }

    fn saved_list(&self, id: &str) -> Result<SavedFilter, ListError> {
        let unknown = || ListError::Unknown(id.to_owned());
        let Ok(ListSelection::Filter(number)) = id.parse() else { return Err(unknown()) };
        self.parts.store.filter_get(number)?.ok_or_else(unknown)
    }

    /// Name and conditions as they are kept, and how many contacts meet them now. `own` is the list that is changed.
    fn checked(
        &self,
        own: Option<i64>,
        name: &str,
        conditions: &Value,
    ) -> Result<(String, Conditions, u64), ListError> {
        let name = name.trim();
        if name.is_empty() || one_line(name, LONGEST_NAME) != name {
            return Err(ListError::Name);
        }
        let others = self.parts.store.filters()?.into_iter().filter(|list| Some(list.id) != own);
        let mut others = others.map(|list| list.name).chain([KnownList::all().name]);
        if let Some(name) = others.find(|other| other.to_lowercase() == name.to_lowercase()) {
            return Err(ListError::NameTaken { name });
        }
        let conditions =
            self.parts.source.check_conditions(conditions, &Cancel::new())?.map_err(ListError::Conditions)?;
        let contacts = self.count(&ContactList::Conditions(conditions.clone()))?;
        Ok((name.to_owned(), conditions, contacts))
    }
}

/// Somebody saved a list of the same name after it was looked for.
fn taken(error: StoreError, name: &str) -> ListError {
    match error {
        StoreError::NameTaken { .. } => ListError::NameTaken { name: name.to_owned() },
        other => ListError::Store(other),
    }
}

fn info(saved: SavedFilter, contacts: u64) -> ListInfo {
    let list = KnownList::filter(saved);
    let conditions = list.conditions();
    ListInfo { id: list.id.to_string(), name: list.name, contacts: Some(contacts), conditions }
}
