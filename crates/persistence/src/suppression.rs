//! People who were erased and must not come back: kept as keyed hashes only, and never forgotten.

use crate::connection::on_backend;
use crate::error::StoreError;
use crate::person::hash;
use crate::schema::{instance, suppressed_people};
use crate::store::Store;
use diesel::prelude::*;
use std::collections::HashSet;

/// Rows per statement, each with two bound values.
const ROWS_PER_STATEMENT: usize = 1_000;

impl Store {
    /// The random key under which identifiers of erased people are hashed, made once per database and never changed.
    /// With it a hash in this database says nothing to whoever has only the hashes. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn suppression_key(&self) -> Result<[u8; 32], StoreError> {
        // The row of the installation is made with its tag.
        self.instance_tag()?;
        let made = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
        let known: Vec<u8> = self.write("read the key of erased people", |connection| {
            diesel::update(instance::table.filter(instance::suppression_key.is_null()))
                .set(instance::suppression_key.eq(made))
                .execute(connection)?;
            instance::table.select(instance::suppression_key.assume_not_null()).first(connection)
        })?;
        hash("key of erased people", &known)
    }

    /// Remembers keyed hashes of identifiers of erased people for ever, and returns how many were new. Repeating is
    /// harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn suppress(&self, key_hashes: &[[u8; 32]]) -> Result<usize, StoreError> {
        let now = self.now_naive();
        self.write("remember an erased person", |connection| {
            let mut new = 0;
            for part in key_hashes.chunks(ROWS_PER_STATEMENT) {
                let rows: Vec<_> = part
                    .iter()
                    .map(|key| {
                        (suppressed_people::key_hash.eq(key.to_vec()), suppressed_people::created_at.eq(now))
                    })
                    .collect();
                new += on_backend!(connection, inner => diesel::insert_into(suppressed_people::table)
                    .values(&rows)
                    .on_conflict_do_nothing()
                    .execute(inner))?;
            }
            Ok(new)
        })
    }

    /// Every keyed hash: a few per erased person.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored hash is none.
    pub fn suppressed_all(&self) -> Result<HashSet<[u8; 32]>, StoreError> {
        let rows: Vec<Vec<u8>> = self.read("load the erased people", |connection| {
            suppressed_people::table.select(suppressed_people::key_hash).load(connection)
        })?;
        rows.iter().map(|row| hash("hash of an erased person", row)).collect()
    }
}
