//! The lists and fields a person chooses from, remembered for five minutes so that a page does not ask GoHighLevel each
//! time it is opened.

use crate::edges::{ContactList, SourceList, ValueField};
use crate::error::{EdgeError, StartError};
use crate::service::SyncService;
use domain::error_chain::Chain;
use domain::{Cancel, Conditions, ListSelection};
use persistence::SavedFilter;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const REMEMBERED_FOR: Duration = Duration::from_secs(300);

/// A list to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListInfo {
    /// `all`, `tag:<tag>`, `filter:<id>` or `list:<id>`.
    pub id: String,
    /// As shown.
    pub name: String,
    /// How many contacts it holds; asked for `all` and the selected list only.
    pub contacts: Option<u64>,
    /// The conditions of a saved filter.
    pub conditions: Option<Conditions>,
}

/// A list that exists, with what the source needs to find its contacts.
pub(crate) struct KnownList {
    pub(crate) id: ListSelection,
    pub(crate) name: String,
    pub(crate) contacts: ContactList,
}

impl KnownList {
    pub(crate) fn all() -> Self {
        Self { id: ListSelection::All, name: "All contacts".to_owned(), contacts: ContactList::All }
    }

    fn tag(tag: String) -> Self {
        let name = format!("Tag: {tag}");
        Self { id: ListSelection::Tag(tag.clone()), name, contacts: ContactList::Tag(tag) }
    }

    pub(crate) fn filter(filter: SavedFilter) -> Self {
        let contacts = ContactList::Conditions(filter.conditions);
        Self { id: ListSelection::Filter(filter.id), name: filter.name, contacts }
    }

    fn of_source(list: SourceList) -> Self {
        Self {
            id: ListSelection::Source(list.id.clone()),
            name: list.name,
            contacts: ContactList::Source(list.id),
        }
    }

    /// The conditions of a saved filter.
    pub(crate) fn conditions(&self) -> Option<Conditions> {
        match &self.contacts {
            ContactList::Conditions(conditions) => Some(conditions.clone()),
            ContactList::All | ContactList::Tag(_) | ContactList::Source(_) => None,
        }
    }
}

/// What was asked lately.
#[derive(Debug, Default)]
pub(crate) struct Catalogue(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    /// `None` inside: the source keeps no lists.
    own_lists: Option<(Instant, Option<Vec<SourceList>>)>,
    tags: Option<(Instant, Vec<String>)>,
    fields: Option<(Instant, Vec<ValueField>)>,
    /// By the list itself, not by its id: conditions can be changed.
    counts: HashMap<ContactList, (Instant, u64)>,
}

impl Remembered {
    /// Forgets the counts that are outdated: the conditions of a list may name somebody's address.
    fn remember_count(&mut self, list: ContactList, count: u64, now: Instant) {
        self.counts.retain(|_, entry| fresh(Some(entry), now).is_some());
        self.counts.insert(list, (now, count));
    }
}

impl Catalogue {
    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fresh<T: Clone>(entry: Option<&(Instant, T)>, now: Instant) -> Option<T> {
    let is_fresh = |asked: Instant| now.saturating_duration_since(asked) < REMEMBERED_FOR;
    entry.filter(|(asked, _)| is_fresh(*asked)).map(|(_, value)| value.clone())
}

impl SyncService {
    /// All lists: `all` first, then the saved filters, then the tags in alphabetical order, with the size of `all` and of
    /// the selected list; from a source that keeps lists of its own, those. `refresh` asks again whatever is remembered.
    ///
    /// # Errors
    /// [`StartError::Edge`] or [`StartError::Store`].
    pub fn lists(&self, selected: Option<&str>, refresh: bool) -> Result<Vec<ListInfo>, StartError> {
        if refresh {
            self.catalogue.lock().counts.clear();
        }
        let lists = match self.own_lists(refresh).map_err(StartError::Edge)? {
            Some(own) => own.into_iter().map(KnownList::of_source).collect(),
            None => self.searched_lists(refresh)?,
        };
        lists
            .into_iter()
            .map(|list| {
                let id = list.id.to_string();
                let asked = list.id == ListSelection::All || selected == Some(id.as_str());
                let contacts = match self.count_if(asked, &list.contacts) {
                    Ok(contacts) => contacts,
                    // One list that can not be counted, such as a filter whose field is gone, must not hide the others.
                    Err(error) if list.id != ListSelection::All => {
                        log::warn!("the list {id} can not be counted: {}", Chain(&error));
                        None
                    }
                    Err(error) => return Err(error),
                };
                let conditions = list.conditions();
                Ok(ListInfo { id, name: list.name, contacts, conditions })
            })
            .collect::<Result<_, _>>()
            .map_err(StartError::Edge)
    }

    fn count_if(&self, asked: bool, list: &ContactList) -> Result<Option<u64>, EdgeError> {
        asked.then(|| self.count(list)).transpose()
    }

    fn searched_lists(&self, refresh: bool) -> Result<Vec<KnownList>, StartError> {
        let filters = self.parts.store.filters()?.into_iter().map(KnownList::filter);
        let mut tags = self.tags(refresh).map_err(StartError::Edge)?;
        tags.sort_by_key(|tag| tag.to_lowercase());
        let tags = tags.into_iter().map(KnownList::tag);
        Ok(std::iter::once(KnownList::all()).chain(filters).chain(tags).collect())
    }

    /// How many contacts a list holds. `refresh` asks again whatever is remembered.
    ///
    /// # Errors
    /// [`StartError::Unknown`] when there is no such list; the source's own error.
    pub fn list_count(&self, id: &str, refresh: bool) -> Result<u64, StartError> {
        let list = self.known_list(id)?.contacts;
        if refresh {
            self.catalogue.lock().counts.remove(&list);
        }
        self.count(&list).map_err(StartError::Edge)
    }

    /// The custom fields that may hold the lifetime value. `refresh` asks again whatever is remembered.
    ///
    /// # Errors
    /// The source's own error.
    pub fn fields(&self, refresh: bool) -> Result<Vec<ValueField>, EdgeError> {
        let remembered = fresh(self.catalogue.lock().fields.as_ref(), Instant::now()).filter(|_| !refresh);
        if let Some(fields) = remembered {
            return Ok(fields);
        }
        let fields = self.parts.source.fields(&Cancel::new())?;
        self.catalogue.lock().fields = Some((Instant::now(), fields.clone()));
        Ok(fields)
    }

    /// The list of that id, if it exists. One that is not remembered may be new, so it is asked for again.
    pub(crate) fn known_list(&self, id: &str) -> Result<KnownList, StartError> {
        let unknown =
            || StartError::Unknown { what: "Smart List", value: id.to_owned(), setting: "GHL_SMART_LIST_ID" };
        match id.parse().map_err(|_unknown| unknown())? {
            ListSelection::Source(id) => {
                let find = |refresh| {
                    let own = self.own_lists(refresh).map_err(StartError::Edge)?.unwrap_or_default();
                    Ok::<_, StartError>(own.into_iter().find(|list| list.id == id))
                };
                let known = find(false)?.map_or_else(|| find(true), |list| Ok(Some(list)))?;
                known.map(KnownList::of_source).ok_or_else(unknown)
            }
            _ if self.own_lists(false).map_err(StartError::Edge)?.is_some() => Err(unknown()),
            ListSelection::All => Ok(KnownList::all()),
            ListSelection::Tag(tag) => {
                let known =
                    |refresh| self.tags(refresh).map(|tags| tags.contains(&tag)).map_err(StartError::Edge);
                if known(false)? || known(true)? { Ok(KnownList::tag(tag)) } else { Err(unknown()) }
            }
            ListSelection::Filter(id) => {
                self.parts.store.filter_get(id)?.map(KnownList::filter).ok_or_else(unknown)
            }
        }
    }

    pub(crate) fn own_lists(&self, refresh: bool) -> Result<Option<Vec<SourceList>>, EdgeError> {
        let remembered = fresh(self.catalogue.lock().own_lists.as_ref(), Instant::now()).filter(|_| !refresh);
        if let Some(lists) = remembered {
            return Ok(lists);
        }
        let lists = self.parts.source.own_lists(&Cancel::new())?;
        self.catalogue.lock().own_lists = Some((Instant::now(), lists.clone()));
        Ok(lists)
    }

    fn tags(&self, refresh: bool) -> Result<Vec<String>, EdgeError> {
        let remembered = fresh(self.catalogue.lock().tags.as_ref(), Instant::now()).filter(|_| !refresh);
        if let Some(tags) = remembered {
            return Ok(tags);
        }
        let tags = self.parts.source.tags(&Cancel::new())?;
        self.catalogue.lock().tags = Some((Instant::now(), tags.clone()));
        Ok(tags)
    }

    pub(crate) fn count(&self, list: &ContactList) -> Result<u64, EdgeError> {
        if let Some(count) = fresh(self.catalogue.lock().counts.get(list), Instant::now()) {
            return Ok(count);
        }
        let count = self.parts.source.count(list, &Cancel::new())?;
        self.catalogue.lock().remember_count(list.clone(), count, Instant::now());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::{Remembered, fresh};
    use crate::edges::ContactList;
    use std::time::{Duration, Instant};

    #[test]
    fn what_was_asked_is_remembered_for_five_minutes() {
        let asked = Instant::now();
        let after = |seconds| fresh(Some(&(asked, 7)), asked + Duration::from_secs(seconds));
        assert_eq!([after(0), after(299), after(300)], [Some(7), Some(7), None]);
        assert_eq!(fresh::<u64>(None, asked), None);
    }

    #[test]
    fn what_was_counted_long_ago_is_forgotten_with_the_next_count() {
        let mut remembered = Remembered::default();
        let begun = Instant::now();
        let tag = |name: &str| ContactList::Tag(name.to_owned());
        for (name, seconds) in [("old", 0), ("younger", 200), ("new", 300)] {
            remembered.remember_count(tag(name), 1, begun + Duration::from_secs(seconds));
        }
        assert_eq!(remembered.counts.len(), 2);
        assert!(!remembered.counts.contains_key(&tag("old")));
    }
}
