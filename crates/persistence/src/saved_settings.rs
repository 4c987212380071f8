//! Settings saved on the settings page. Their names are those of the environment; what a value means is not known here.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::schema::saved_settings;
use crate::store::Store;
use crate::text::storable;
use diesel::prelude::*;

impl Store {
    /// Every saved setting as name and value, by name. Secrets are never among them: they live in the environment only.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn settings_saved(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.read("load the saved settings", |connection| {
            saved_settings::table
                .order(saved_settings::name)
                .select((saved_settings::name, saved_settings::value))
                .load(connection)
        })
    }

    /// Saves each value under its name, and forgets the names whose value is `None`: all of them or, after an error,
    /// none. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn settings_change(&self, changes: &[(String, Option<String>)]) -> Result<(), StoreError> {
        let now = self.now_naive();
        self.write("change the saved settings", |connection| {
            for (name, value) in changes {
                let name = storable(name);
                let Some(value) = value else {
                    diesel::delete(saved_settings::table.find(name)).execute(connection)?;
                    continue;
                };
                let new = (saved_settings::value.eq(storable(value)), saved_settings::updated_at.eq(now));
                on_backend!(connection, inner => diesel::insert_into(saved_settings::table)
                    .values((saved_settings::name.eq(name), new.clone()))
                    .on_conflict(saved_settings::name)
                    .do_update()
                    .set(new)
                    .execute(inner))?;
            }
            Ok(())
        })
    }
}
