//! The contacts of the location as search sees them.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::filtered::ContactRow;
use super::reply::Refusal;
use super::search::{From, Search};
use super::sorting::{Order, Sort, Sorting, compare};
use super::{ContactPatch, PlannedChange};
use crate::people::{Contact, FIELD_LTV, Population, mix};

/// Contacts of the population at their index, added ones behind them; changed and deleted ones in an overlay.
pub(super) struct Account {
    population: Arc<Population>,
    /// What is changed, deleted (`None`) or added.
    overlay: HashMap<u32, Option<Contact>>,
    added: HashMap<String, u32>,
    deleted: u64,
    /// Not yet visible to search, in order.
    coming: Vec<(DateTime<Utc>, DateTime<Utc>, PlannedChange)>,
    /// Totals and orders hold only until the next change becomes visible.
    totals: HashMap<String, u64>,
    ordered: Option<(Sorting, Arc<Vec<Entry>>)>,
}

/// A cursor and whose it is.
type Entry = (Vec<Value>, u32);

/// Contacts with their cursors, and how many match in all.
type Page = (Vec<(Contact, Value)>, u64);

impl Account {
    pub(super) fn new(population: Arc<Population>) -> Self {
        Self {
            population,
            overlay: HashMap::new(),
            added: HashMap::new(),
            deleted: 0,
            coming: Vec::new(),
            totals: HashMap::new(),
            ordered: None,
        }
    }

    /// A change made now that search shows later.
    pub(super) fn change(&mut self, change: PlannedChange, now: DateTime<Utc>, visible_at: DateTime<Utc>) {
        self.coming.push((visible_at, now, change));
    }

    /// One page.
    pub(super) fn search(&mut self, search: &Search, now: DateTime<Utc>) -> Result<Page, Refusal> {
        self.catch_up(now);
        let total = self.total(search);
        let mut skip = match &search.from {
            From::Page(page) => (page - 1) * search.page_limit,
            From::Cursor(_) => 0,
        };
        let mut page = Vec::new();
        for index in self.indices(search)? {
            let Some(contact) = self.contact(index).filter(|contact| self.matches(search, contact)) else {
                continue;
            };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let cursor = search.sorting.cursor_of(&contact);
            page.push((contact, cursor));
            if page.len() == search.page_limit {
                break;
            }
        }
        Ok((page, total))
    }

    /// All tags in use.
    pub(super) fn tags(&mut self, now: DateTime<Utc>) -> BTreeSet<String> {
        self.catch_up(now);
        // Generated contacts repeat themselves, so that the first thousands show every tag.
        let looked_at = (0..self.size().min(10_000)).chain(self.population.len()..self.size());
        looked_at.filter_map(|index| self.contact(index)).flat_map(|contact| contact.tags).collect()
    }

    fn size(&self) -> u32 {
        self.population.len() + u32::try_from(self.added.len()).unwrap_or(0)
    }

    fn contact(&self, index: u32) -> Option<Contact> {
        match self.overlay.get(&index) {
            Some(changed) => changed.clone(),
            None => (index < self.population.len()).then(|| self.population.known(index).contact),
        }
    }

    fn index_of(&self, id: &str) -> Option<u32> {
        self.added.get(id).copied().or_else(|| self.population.index_of(id))
    }

    fn total(&mut self, search: &Search) -> u64 {
        if search.filters.is_empty() && search.query.is_empty() {
            return u64::from(self.size()) - self.deleted;
        }
        let selection = search.selection();
        if let Some(total) = self.totals.get(&selection) {
            return *total;
        }
        let window = self.window(search);
        let matching =
            |index: &u32| self.contact(*index).is_some_and(|contact| self.matches(search, &contact));
        let total = if search.filters.only_added() && search.query.is_empty() {
            let gone = self.overlay.iter().filter(|(index, kept)| window.contains(*index) && kept.is_none());
            window.len() as u64 - gone.count() as u64 + self.added_ones().filter(matching).count() as u64
        } else {
            window.chain(self.added_ones()).filter(matching).count() as u64
        };
        self.totals.insert(selection, total);
        total
    }

    /// Where in the population the contacts of a search are: those added in its bounds of `dateAdded`.
    fn window(&self, search: &Search) -> Range<u32> {
        let (from, until) = search.filters.added();
        let (from, until) = (self.population.added_before(from), self.population.added_before(until));
        from..until.max(from)
    }

    /// Contacts that came later.
    fn added_ones(&self) -> Range<u32> {
        self.population.len()..self.size()
    }

    /// All positions that can match, in the wanted order, from the wanted start on.
    fn indices(&mut self, search: &Search) -> Result<Box<dyn Iterator<Item = u32>>, Refusal> {
        let sorts = match search.sorting.order() {
            Order::Values(sorts) => sorts,
            Order::Added { descending } => {
                let last = match &search.from {
                    From::Page(_) => None,
                    From::Cursor(cursor) => {
                        let id = cursor.last().and_then(Value::as_str).unwrap_or_default();
                        Some(self.index_of(id).ok_or_else(|| Refusal::bad_request("Invalid searchAfter"))?)
                    }
                };
                return Ok(self.by_date(self.window(search), descending, last));
            }
        };
        let entries = self.ordered(&search.sorting, sorts);
        let start = match &search.from {
            From::Page(_) => 0,
            From::Cursor(cursor) => {
                entries.partition_point(|(entry, _)| compare(sorts, entry, cursor).is_le())
            }
        };
        Ok(Box::new((start..entries.len()).map(move |at| entries[at].1)))
    }

    /// The contacts of the window and those that came later, behind `last`. Whoever has no date comes last either way.
    fn by_date(
        &self,
        window: Range<u32>,
        descending: bool,
        last: Option<u32>,
    ) -> Box<dyn Iterator<Item = u32>> {
        let is_undated =
            |index: &u32| self.contact(*index).is_some_and(|contact| contact.date_added.is_none());
        let (undated, dated): (Vec<u32>, Vec<u32>) = self.added_ones().partition(is_undated);
        let Some(last) = last else {
            let dated = window.chain(dated);
            return if descending {
                Box::new(dated.rev().chain(undated))
            } else {
                Box::new(dated.chain(undated))
            };
        };
        if undated.contains(&last) {
            return Box::new(undated.into_iter().filter(move |index| *index > last));
        }
        if descending {
            let dated = (window.start..window.end.min(last))
                .chain(dated.into_iter().filter(move |index| *index < last));
            Box::new(dated.rev().chain(undated))
        } else {
            let dated = (window.start.max(last + 1)..window.end)
                .chain(dated.into_iter().filter(move |index| *index > last));
            Box::new(dated.chain(undated))
        }
    }

    fn ordered(&mut self, sorting: &Sorting, sorts: &[Sort]) -> Arc<Vec<Entry>> {
        if let Some((kept, entries)) = &self.ordered
            && kept == sorting
        {
            return Arc::clone(entries);
        }
        let entry = |index: u32| match sorting.cursor_of(&self.contact(index)?) {
            Value::Array(cursor) => Some((cursor, index)),
            _ => None,
        };
        let mut entries: Vec<Entry> = (0..self.size()).filter_map(entry).collect();
        entries.sort_by(|(a, _), (b, _)| compare(sorts, a, b));
        let entries = Arc::new(entries);
        self.ordered = Some((sorting.clone(), Arc::clone(&entries)));
        entries
    }

    fn matches(&self, search: &Search, contact: &Contact) -> bool {
        let row = ContactRow { contact, population: &self.population };
        search.filters.matches(&row) && (search.query.is_empty() || mentions(contact, &search.query))
    }

    /// Applies the changes that have become visible.
    fn catch_up(&mut self, now: DateTime<Utc>) {
        while self.coming.first().is_some_and(|(visible_at, ..)| *visible_at <= now) {
            let (_, made_at, change) = self.coming.remove(0);
            for id in &change.delete {
                if let Some(index) = self.index_of(id)
                    && self.contact(index).is_some()
                {
                    self.overlay.insert(index, None);
                    self.deleted += 1;
                }
            }
            for patch in change.insert {
                let index = self.size();
                let id = patch
                    .id
                    .clone()
                    .unwrap_or_else(|| format!("added{:015}", mix(u64::from(index)) % 1_000_000_000_000_000));
                let added = made_at.timestamp_millis();
                let date_added = (!patch.undated).then_some(added);
                let blank = Contact { id: id.clone(), date_added, date_updated: added, ..Contact::default() };
                self.overlay.insert(index, Some(patched(blank, patch, added)));
                self.added.insert(id, index);
            }
            for patch in change.update {
                if let Some(index) = patch.id.as_deref().and_then(|id| self.index_of(id))
                    && let Some(contact) = self.contact(index)
                {
                    self.overlay.insert(index, Some(patched(contact, patch, made_at.timestamp_millis())));
                }
            }
            self.totals.clear();
            self.ordered = None;
        }
    }
}

/// The "searchable fields": name, e-mail, phone.
fn mentions(contact: &Contact, query: &str) -> bool {
    let name = format!("{} {}", contact.first_name, contact.last_name);
    [&name, &contact.email, &contact.phone].iter().any(|text| text.to_lowercase().contains(query))
}

fn patched(mut contact: Contact, patch: ContactPatch, now: i64) -> Contact {
    let texts = [
        (&mut contact.first_name, patch.first_name),
        (&mut contact.last_name, patch.last_name),
        (&mut contact.email, patch.email),
        (&mut contact.phone, patch.phone),
        (&mut contact.city, patch.city),
        (&mut contact.state, patch.state),
        (&mut contact.postal_code, patch.postal_code),
        (&mut contact.country, patch.country),
    ];
    for (text, new) in texts {
        if let Some(new) = new {
            *text = new;
        }
    }
    if let Some(tags) = patch.tags {
        contact.tags = tags.iter().map(|tag| tag.to_lowercase()).collect();
    }
    contact.dnd = patch.dnd.unwrap_or(contact.dnd);
    contact.dnd_settings = patch.dnd_settings.unwrap_or(contact.dnd_settings);
    if let Some(value) = patch.lifetime_value {
        contact.custom_fields.retain(|(id, _)| id != FIELD_LTV);
        if !value.is_null() {
            contact.custom_fields.push((FIELD_LTV.to_owned(), value));
        }
    }
    contact.date_updated = now;
    contact
}
