//! Lists that people made of conditions. What a condition means is not known here.

use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::schema::{saved_filters, sync_configs};
use crate::store::Store;
use crate::text::storable;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use domain::Conditions;

/// A saved filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFilter {
    /// Its id, never given to another one.
    pub id: i64,
    /// The name a person gave it. Hostile input: escape it.
    pub name: String,
    /// What its contacts meet.
    pub conditions: Conditions,
    /// When it was saved last.
    pub updated_at: DateTime<Utc>,
}

/// What came of deleting a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterDeletion {
    /// It is gone.
    Deleted,
    /// The choice saved last is this filter, so it was kept.
    InUse,
    /// There is none with that id.
    Unknown,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = saved_filters)]
struct FilterRow {
    id: i64,
    name: String,
    conditions: String,
    updated_at: NaiveDateTime,
}

impl From<FilterRow> for SavedFilter {
    fn from(row: FilterRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            conditions: Conditions(row.conditions),
            updated_at: row.updated_at.and_utc(),
        }
    }
}

fn row(id: i64, connection: &mut AnyConnection) -> QueryResult<FilterRow> {
    saved_filters::table.find(id).select(FilterRow::as_select()).first(connection)
}

impl Store {
    /// Saves a new filter and returns it with its id. Repeating is refused, because the name is taken then.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] when another filter has exactly this name.
    pub fn filter_add(&self, name: &str, conditions: &Conditions) -> Result<SavedFilter, StoreError> {
        let now = self.now_naive();
        let row: FilterRow = self.write_named("save the filter", "saved filter", |connection| {
            diesel::insert_into(saved_filters::table)
                .values((
                    saved_filters::name.eq(storable(name)),
                    saved_filters::conditions.eq(storable(&conditions.0)),
                    saved_filters::created_at.eq(now),
                    saved_filters::updated_at.eq(now),
                ))
                .returning(saved_filters::id)
                .get_result(connection)
                .and_then(|id: i64| row(id, connection))
        })?;
        Ok(row.into())
    }

    /// Changes name and conditions; `None` when there is no such filter. Repeating is harmless.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`] when another filter has exactly this name.
    pub fn filter_change(
        &self,
        id: i64,
        name: &str,
        conditions: &Conditions,
    ) -> Result<Option<SavedFilter>, StoreError> {
        let now = self.now_naive();
        let row: Option<FilterRow> = self.write_named("change the filter", "saved filter", |connection| {
            let changed = diesel::update(saved_filters::table.find(id))
                .set((
                    saved_filters::name.eq(storable(name)),
                    saved_filters::conditions.eq(storable(&conditions.0)),
                    saved_filters::updated_at.eq(now),
                ))
                .execute(connection)?;
            if changed == 0 { Ok(None) } else { row(id, connection).map(Some) }
        })?;
        Ok(row.map(SavedFilter::from))
    }

    /// Deletes a filter unless the choice saved last is `list_id`, the list made of it. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn filter_delete(&self, id: i64, list_id: &str) -> Result<FilterDeletion, StoreError> {
        self.write("delete the filter", |connection| {
            let chosen: Option<String> = sync_configs::table
                .filter(sync_configs::chosen.eq(true))
                .order(sync_configs::id.desc())
                .select(sync_configs::ghl_smart_list_id)
                .first(connection)
                .optional()?;
            if chosen.as_deref() == Some(list_id) {
                return Ok(FilterDeletion::InUse);
            }
            let deleted = diesel::delete(saved_filters::table.find(id)).execute(connection)?;
            Ok(if deleted == 0 { FilterDeletion::Unknown } else { FilterDeletion::Deleted })
        })
    }

    /// One filter.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn filter_get(&self, id: i64) -> Result<Option<SavedFilter>, StoreError> {
        let row: Option<FilterRow> =
            self.read("load the filter", |connection| row(id, connection).optional())?;
        Ok(row.map(SavedFilter::from))
    }

    /// Every filter, the oldest first.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn filters(&self) -> Result<Vec<SavedFilter>, StoreError> {
        let rows: Vec<FilterRow> = self.read("list the filters", |connection| {
            saved_filters::table.order(saved_filters::id).select(FilterRow::as_select()).load(connection)
        })?;
        Ok(rows.into_iter().map(SavedFilter::from).collect())
    }
}
