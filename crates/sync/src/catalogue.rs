//! The lists and fields a person chooses from, remembered for five minutes so that a page does not ask GoHighLevel each
//! time it is opened.

use crate::edges::ValueField;
use crate::error::{EdgeError, StartError};
use crate::service::SyncService;
use domain::{Cancel, ListSelection};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const REMEMBERED_FOR: Duration = Duration::from_secs(300);

/// A list to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListInfo {
    /// `all` or `tag:<tag>`.
    pub id: String,
    /// As shown.
    pub name: String,
    /// How many contacts it holds; asked for `all` and the selected list only.
    pub contacts: Option<u64>,
}

/// What was asked lately.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    tags: Option<(Instant, Vec<String>)>,
    fields: Option<(Instant, Vec<ValueField>)>,
    counts: HashMap<String, (Instant, u64)>,
}

impl Catalogue {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh<T: Clone>(entry: Option<&(Instant, T)>) -> Option<T> {
    entry.filter(|(asked, _)| asked.elapsed() < REMEMBERED_FOR).map(|(_, value)| value.clone())
}

/// A list's name as people see it.
pub(crate) fn list_name(list: &ListSelection) -> String {
    match list {
        ListSelection::All => "All contacts".to_owned(),
        ListSelection::Tag(tag) => format!("Tag: {tag}"),
    }
}

impl SyncService {
    /// All lists, `all` first, then the tags in alphabetical order, with the size of `all` and of the selected list.
    /// `refresh` asks again whatever is remembered.
    ///
    /// # Errors
    /// The source's own error.
    pub fn lists(&self, selected: Option<&str>, refresh: bool) -> Result<Vec<ListInfo>, EdgeError> {
        if refresh {
            self.catalogue.lock().counts.clear();
        }
        let mut tags = self.tags(refresh)?;
        tags.sort_by_key(|tag| tag.to_lowercase());
        let lists = std::iter::once(ListSelection::All).chain(tags.into_iter().map(ListSelection::Tag));
        lists
            .map(|list| {
                let id = list.to_string();
                let asked = list == ListSelection::All || selected == Some(id.as_str());
                let contacts = if asked { Some(self.count(&list)?) } else { None };
                Ok(ListInfo { id, name: list_name(&list), contacts })
            })
            .collect()
    }

    /// How many contacts a list holds.
    ///
    /// # Errors
    /// [`StartError::Unknown`] when there is no such list; the source's own error.
    pub fn list_count(&self, id: &str) -> Result<u64, StartError> {
        let list = self.known_list(id)?;
        self.count(&list).map_err(StartError::Edge)
    }

    /// The custom fields that may hold the lifetime value. `refresh` asks again whatever is remembered.
    ///
    /// # Errors
    /// The source's own error.
    pub fn fields(&self, refresh: bool) -> Result<Vec<ValueField>, EdgeError> {
        let remembered = fresh(self.catalogue.lock().fields.as_ref()).filter(|_| !refresh);
        if let Some(fields) = remembered {
            return Ok(fields);
        }
        let fields = self.parts.source.fields(&Cancel::new())?;
        self.catalogue.lock().fields = Some((Instant::now(), fields.clone()));
        Ok(fields)
    }

    /// The list of that id, if it exists. A tag that is not remembered may be new, so it is asked for again.
    pub(crate) fn known_list(&self, id: &str) -> Result<ListSelection, StartError> {
        let unknown =
            || StartError::Unknown { what: "Smart List", value: id.to_owned(), setting: "GHL_SMART_LIST_ID" };
        let list: ListSelection = id.parse().map_err(|_unknown| unknown())?;
        if let ListSelection::Tag(tag) = &list {
            let known = |refresh| self.tags(refresh).map(|tags| tags.contains(tag)).map_err(StartError::Edge);
            if !known(false)? && !known(true)? {
                return Err(unknown());
            }
        }
        Ok(list)
    }

    fn tags(&self, refresh: bool) -> Result<Vec<String>, EdgeError> {
        let remembered = fresh(self.catalogue.lock().tags.as_ref()).filter(|_| !refresh);
        if let Some(tags) = remembered {
            return Ok(tags);
        }
        let tags = self.parts.source.tags(&Cancel::new())?;
        self.catalogue.lock().tags = Some((Instant::now(), tags.clone()));
        Ok(tags)
    }

    fn count(&self, list: &ListSelection) -> Result<u64, EdgeError> {
        let id = list.to_string();
        if let Some(count) = fresh(self.catalogue.lock().counts.get(&id)) {
            return Ok(count);
        }
        let count = self.parts.source.count(list, &Cancel::new())?;
        self.catalogue.lock().counts.insert(id, (Instant::now(), count));
        Ok(count)
    }
}
