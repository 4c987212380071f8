//! The list, field and account to sync. Every save appends a row, so that a run keeps the names it ran with.

use crate::error::StoreError;
use crate::schema::sync_configs;
use crate::store::Store;
use crate::text::storable;
use diesel::prelude::*;
use domain::Conditions;
use domain::run::SyncConfig;

/// A row without its times.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_configs)]
pub(crate) struct ConfigRow {
    id: i64,
    ghl_smart_list_id: String,
    ghl_smart_list_name: String,
    ghl_ltv_field_name: String,
    ghl_ltv_field_label: String,
    meta_ad_account_id: String,
    sync_enabled: bool,
    list_conditions: Option<String>,
}

impl From<ConfigRow> for SyncConfig {
    fn from(row: ConfigRow) -> Self {
        Self {
            list_id: row.ghl_smart_list_id,
            list_name: row.ghl_smart_list_name,
            list_conditions: row.list_conditions.map(Conditions),
            ltv_field_key: row.ghl_ltv_field_name,
            ltv_field_name: row.ghl_ltv_field_label,
            ad_account_id: row.meta_ad_account_id,
            sync_enabled: row.sync_enabled,
        }
    }
}

impl Store {
    /// Appends what a person chose and returns its id. Repeating appends another equal row, which is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn config_save(&self, config: &SyncConfig) -> Result<i64, StoreError> {
        self.config_append(config, true)
    }

    /// The row a run refers to: the newest if it says the same, else a new one, which is not taken for a person's choice.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn config_of_run(&self, config: &SyncConfig) -> Result<i64, StoreError> {
        match self.config_newest(false)? {
            Some((id, newest)) if newest == *config => Ok(id),
            _ => self.config_append(config, false),
        }
    }

    /// What a person chose last, and its id; `None` while nobody did.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn config_latest(&self) -> Result<Option<(i64, SyncConfig)>, StoreError> {
        self.config_newest(true)
    }

    fn config_newest(&self, only_chosen: bool) -> Result<Option<(i64, SyncConfig)>, StoreError> {
        let row: Option<ConfigRow> = self.read("load the settings", |connection| {
            let mut rows = sync_configs::table.order(sync_configs::id.desc()).into_boxed();
            if only_chosen {
                rows = rows.filter(sync_configs::chosen.eq(true));
            }
            rows.select(ConfigRow::as_select()).first(connection).optional()
        })?;
        Ok(row.map(|row| (row.id, row.into())))
    }

    fn config_append(&self, config: &SyncConfig, chosen: bool) -> Result<i64, StoreError> {
        let now = self.now_naive();
        self.write("save the settings", |connection| {
            diesel::insert_into(sync_configs::table)
                .values((
                    sync_configs::ghl_smart_list_id.eq(storable(&config.list_id)),
                    sync_configs::ghl_smart_list_name.eq(storable(&config.list_name)),
                    sync_configs::ghl_ltv_field_name.eq(storable(&config.ltv_field_key)),
                    sync_configs::ghl_ltv_field_label.eq(storable(&config.ltv_field_name)),
                    sync_configs::meta_ad_account_id.eq(storable(&config.ad_account_id)),
                    sync_configs::sync_enabled.eq(config.sync_enabled),
                    sync_configs::chosen.eq(chosen),
                    sync_configs::created_at.eq(now),
                    sync_configs::updated_at.eq(now),
                    sync_configs::list_conditions
                        .eq(config.list_conditions.as_ref().map(|conditions| storable(&conditions.0))),
                ))
                .returning(sync_configs::id)
                .get_result(connection)
        })
    }
}
