//! Lists that a person makes of conditions: saved, changed and deleted.

use crate::catalogue::{KnownList, ListInfo};
use crate::edges::ContactList;
use crate::error::ListError;
use crate::service::SyncService;
use domain::foreign_text::one_line;
use domain::{Cancel, Conditions, ListSelection};
use persistence::{FilterDeletion, SavedFilter};
use serde_json::Value;

/// Longest name of a list, in characters: one line of a select element.
const LONGEST_NAME: usize = 80;

impl SyncService {
    /// Saves a new list made of these conditions and counts its contacts. Nothing is saved unless every condition can be
    /// used and the contacts can be counted. Repeating is refused, because the name is taken then.
    ///
    /// # Errors
    /// [`ListError::Name`], [`ListError::NameTaken`] and [`ListError::Conditions`] say what is wrong.
    pub fn save_list(&self, name: &str, conditions: &Value) -> Result<ListInfo, ListError> {
        let (name, conditions, contacts) = self.checked(None, name, conditions)?;
        let saved = self.parts.store.filter_add(&name, &conditions)?;
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
        match self.parts.store.filter_change(number, &name, &conditions)? {
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
        if initial.map(str::trim) == Some(id) && store.config_latest()?.is_none() {
            return Err(ListError::InUse { name });
        }
        match store.filter_delete(number, id)? {
            FilterDeletion::Deleted => Ok(()),
            FilterDeletion::InUse => Err(ListError::InUse { name }),
            FilterDeletion::Unknown => Err(ListError::Unknown(id.to_owned())),
        }
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

fn info(saved: SavedFilter, contacts: u64) -> ListInfo {
    let list = KnownList::filter(saved);
    let conditions = list.conditions();
    ListInfo { id: list.id.to_string(), name: list.name, contacts: Some(contacts), conditions }
}
