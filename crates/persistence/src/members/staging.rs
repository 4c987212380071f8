//! Staging: whom a run wants in the audience, and who of them still has to be delivered.

use super::{Member, ROWS_PER_STATEMENT};
use crate::connection::{AnyConnection, on_backend};
use crate::error::StoreError;
use crate::person::{PersonHashes, bytes};
use crate::schema::stable_members;
use crate::store::Store;
use crate::text::storable;
use diesel::prelude::*;
use diesel::upsert::excluded;
use domain::RunId;
use std::borrow::Cow;
use std::collections::HashMap;

/// What is known of a member before it is staged.
#[derive(Queryable, Selectable)]
#[diesel(table_name = stable_members)]
struct StandingRow {
    person_key: Vec<u8>,
    value: i64,
    delivered_value: Option<i64>,
    run_id: i64,
}

#[derive(Insertable)]
#[diesel(table_name = stable_members, treat_none_as_default_value = false)]
struct NewMember<'a> {
    audience_id: Cow<'a, str>,
    person_key: Vec<u8>,
    email_hash: Option<Vec<u8>>,
    phone_hash: Option<Vec<u8>>,
    value: i64,
    delivered_value: Option<i64>,
    run_id: i64,
}

impl Store {
    /// Stages members: the run wants them in the audience with these values. Returns for each whether it still has to be
    /// delivered, because Meta does not certainly hold it with that value.
    ///
    /// Of one person staged twice by a run the higher value counts, and the other needs no delivery. Repeating is
    /// harmless and returns what has to be delivered by then. Call it with a few thousand members; each 2,000 are a
    /// transaction.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be staged then.
    pub fn members_stage(
        &self,
        audience_id: &str,
        run: RunId,
        members: &[Member],
    ) -> Result<Vec<bool>, StoreError> {
        let mut undelivered = Vec::with_capacity(members.len());
        for part in members.chunks(ROWS_PER_STATEMENT) {
            let keys: Vec<[u8; 32]> = part.iter().map(|member| member.hashes.key()).collect();
            let staged = self.write("stage members of the audience", |connection| {
                stage(connection, audience_id, run, part, &keys)
            })?;
            undelivered
                .extend(part.iter().zip(&keys).map(|(member, key)| staged.get(key) == Some(&member.value)));
        }
        Ok(undelivered)
    }
}

/// Stages at most [`ROWS_PER_STATEMENT`] members; returns the undelivered ones with the value that counts, by key.
fn stage(
    connection: &mut AnyConnection,
    audience_id: &str,
    run: RunId,
    members: &[Member],
    keys: &[[u8; 32]],
) -> QueryResult<HashMap<[u8; 32], u32>> {
    let audience_id = storable(audience_id);
    let standing: Vec<StandingRow> = stable_members::table
        .filter(stable_members::audience_id.eq(&audience_id))
        .filter(stable_members::person_key.eq_any(keys.iter().map(|key| key.to_vec())))
        .select(StandingRow::as_select())
        .load(connection)?;
    let standing: HashMap<&[u8], &StandingRow> =
        standing.iter().map(|row| (row.person_key.as_slice(), row)).collect();
    let mut wanted: HashMap<[u8; 32], (u32, PersonHashes)> = HashMap::with_capacity(members.len());
    for (member, key) in members.iter().zip(keys) {
        let entry = wanted.entry(*key).or_insert((member.value, member.hashes));
        entry.0 = entry.0.max(member.value);
    }
    let mut undelivered = HashMap::with_capacity(members.len());
    let mut changed = Vec::new();
    for (key, (wanted, hashes)) in wanted {
        let before = standing.get(key.as_slice());
        let staged_before = before.filter(|row| row.run_id == run.0).map(|row| row.value);
        let value = staged_before.map_or(i64::from(wanted), |before| before.max(i64::from(wanted)));
        let delivered_value =
            before.and_then(|row| row.delivered_value).filter(|delivered| *delivered == value);
        if delivered_value.is_none() && value == i64::from(wanted) {
            undelivered.insert(key, wanted);
        }
        if staged_before != Some(value) {
            changed.push(NewMember {
                audience_id: audience_id.clone(),
                person_key: key.to_vec(),
                email_hash: bytes(hashes.email),
                phone_hash: bytes(hashes.phone),
                value,
                delivered_value,
                run_id: run.0,
            });
        }
    }
    // SQLite answers an empty batch with the row count of the statement before it.
    if !changed.is_empty() {
        on_backend!(connection, inner => diesel::insert_into(stable_members::table)
            .values(&changed)
            .on_conflict((stable_members::audience_id, stable_members::person_key))
            .do_update()
            .set((
                stable_members::value.eq(excluded(stable_members::value)),
                stable_members::delivered_value.eq(excluded(stable_members::delivered_value)),
                stable_members::run_id.eq(excluded(stable_members::run_id)),
            ))
            .execute(inner))?;
    }
    Ok(undelivered)
}
