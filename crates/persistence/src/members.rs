//! Who is in a stable audience, with which value, as far as Meta certainly holds it.
//!
//! A run stages everybody it wants in the audience, delivers whoever is new or changed, removes the surplus, and says
//! at its end that all of it was delivered. A delivered value is forgotten before anything at Meta changes, so after a
//! crash at any moment the next run delivers too much, never too little.

mod staging;

use crate::connection::{AnyBackend, AnyConnection};
use crate::error::StoreError;
use crate::person::{PersonHashes, bytes, hash, hash_option};
use crate::schema::stable_members;
use crate::store::Store;
use crate::text::storable;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::RunId;

/// Most rows in one transaction: SQLite has one writer, and a heartbeat must get its turn.
const ROWS_PER_TRANSACTION: i64 = 5_000;

/// Most rows of one call: SQLite takes 32,766 bound values in a statement.
const ROWS_PER_STATEMENT: usize = 2_000;

/// One member of a stable audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// By what Meta finds the person; two members of an audience differ in it.
    pub hashes: PersonHashes,
    /// The value sent with the person, in the unit of the caller.
    pub value: u32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = stable_members)]
struct MemberRow {
    person_key: Vec<u8>,
    email_hash: Option<Vec<u8>>,
    phone_hash: Option<Vec<u8>>,
    value: i64,
}

impl TryFrom<MemberRow> for Member {
    type Error = StoreError;

    fn try_from(row: MemberRow) -> Result<Self, StoreError> {
        Ok(Self {
            hashes: PersonHashes {
                email: hash_option("hash of an e-mail address", row.email_hash)?,
                phone: hash_option("hash of a phone number", row.phone_hash)?,
            },
            value: u32::try_from(row.value).map_err(StoreError::corrupt("value of a member"))?,
        })
    }
}

impl Store {
    /// Up to `limit` (at most 2,000) members that the run did not stage, by key, beginning behind the key `after`: they
    /// are to be removed. Whoever is returned no longer counts as delivered.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored hash is none.
    pub fn members_surplus(
        &self,
        audience_id: &str,
        run: RunId,
        after: Option<[u8; 32]>,
        limit: u32,
    ) -> Result<Vec<([u8; 32], Member)>, StoreError> {
        let after = bytes(after).unwrap_or_default();
        let limit = i64::from(limit).min(ROWS_PER_STATEMENT as i64);
        let rows = self.write("find members to be removed", |connection| {
            let rows: Vec<MemberRow> = stable_members::table
                .filter(stable_members::audience_id.eq(storable(audience_id)))
                .filter(stable_members::run_id.ne(run.0))
                .filter(stable_members::person_key.gt(after))
                .order(stable_members::person_key)
                .limit(limit)
                .select(MemberRow::as_select())
                .load(connection)?;
            doubt(connection, audience_id, &rows)?;
            Ok(rows)
        })?;
        rows.into_iter()
            .map(|row| Ok((hash("key of a member", &row.person_key)?, Member::try_from(row)?)))
            .collect()
    }

    /// The members staged by the run that share an e-mail address or a phone number with any of the removed: Meta may
    /// have removed them too, so they no longer count as delivered and have to be added again.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored hash is none.
    pub fn members_sharing(
        &self,
        audience_id: &str,
        run: RunId,
        removed: &[PersonHashes],
    ) -> Result<Vec<Member>, StoreError> {
        let mut sharing = Vec::new();
        // Two bound values per person.
        for part in removed.chunks(ROWS_PER_STATEMENT) {
            let (emails, phones) = columns(part);
            let rows = self.write("find members that share an address", |connection| {
                let rows: Vec<MemberRow> = stable_members::table
                    .filter(stable_members::audience_id.eq(storable(audience_id)))
                    .filter(stable_members::run_id.eq(run.0))
                    .filter(
                        stable_members::email_hash
                            .eq_any(emails)
                            .or(stable_members::phone_hash.eq_any(phones))
                            .assume_not_null(),
                    )
                    .select(MemberRow::as_select())
                    .load(connection)?;
                for rows in rows.chunks(ROWS_PER_STATEMENT) {
                    doubt(connection, audience_id, rows)?;
                }
                Ok(rows)
            })?;
            sharing.extend(rows);
        }
        // One member may share with removed people of two parts.
        sharing.sort_unstable_by(|one, other| one.person_key.cmp(&other.person_key));
        sharing.dedup_by(|one, other| one.person_key == other.person_key);
        sharing.into_iter().map(Member::try_from).collect()
    }

    /// Records that Meta holds exactly what the run staged: those members count as delivered, all others are forgotten.
    /// Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be recorded then.
    pub fn members_delivered(&self, audience_id: &str, run: RunId) -> Result<(), StoreError> {
        self.in_ranges(audience_id, "record the members of the audience", |connection, range| {
            diesel::delete(
                stable_members::table
                    .filter(range.rows(audience_id))
                    .filter(stable_members::run_id.ne(run.0)),
            )
            .execute(connection)
        })?;
        self.members_added(audience_id, run)
    }

    /// Records that Meta holds what the run staged, and perhaps others besides: those stay known.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be recorded then.
    pub fn members_added(&self, audience_id: &str, run: RunId) -> Result<(), StoreError> {
        self.in_ranges(audience_id, "record the added members of the audience", |connection, range| {
            diesel::update(
                stable_members::table
                    .filter(range.rows(audience_id))
                    .filter(stable_members::run_id.eq(run.0)),
            )
            .set(stable_members::delivered_value.eq(stable_members::value.nullable()))
            .execute(connection)
        })
    }

    /// Whether anybody was ever staged for an audience.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn members_exist(&self, audience_id: &str) -> Result<bool, StoreError> {
        let any: Option<i64> = self.read("look for members of the audience", |connection| {
            stable_members::table
                .filter(stable_members::audience_id.eq(storable(audience_id)))
                .select(stable_members::run_id)
                .first(connection)
                .optional()
        })?;
        Ok(any.is_some())
    }

    /// Forgets every member of an audience. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be forgotten then.
    pub fn members_forget(&self, audience_id: &str) -> Result<(), StoreError> {
        self.in_ranges(audience_id, "forget the members of the audience", |connection, range| {
            diesel::delete(stable_members::table.filter(range.rows(audience_id))).execute(connection)
        })
    }

    /// From now on no member of the audience counts as delivered: everybody is sent again.
    ///
    /// # Errors
    /// Whatever the database refuses; some may still count then.
    pub fn members_doubt(&self, audience_id: &str) -> Result<(), StoreError> {
        self.in_ranges(audience_id, "prepare the replacement of the members", |connection, range| {
            diesel::update(
                stable_members::table
                    .filter(range.rows(audience_id))
                    .filter(stable_members::delivered_value.is_not_null()),
            )
            .set(stable_members::delivered_value.eq(None::<i64>))
            .execute(connection)
        })
    }

    /// As what the stable audiences hold these people: every member that has the e-mail address or the phone number of
    /// one of them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored hash is none.
    pub fn members_known_by(&self, people: &[PersonHashes]) -> Result<Vec<PersonHashes>, StoreError> {
        let mut known = Vec::new();
        for part in people.chunks(ROWS_PER_STATEMENT) {
            let (emails, phones) = columns(part);
            let rows: Vec<MemberRow> = self.read("find members of the audiences", |connection| {
                stable_members::table
                    .filter(
                        stable_members::email_hash
                            .eq_any(emails)
                            .or(stable_members::phone_hash.eq_any(phones)),
                    )
                    .select(MemberRow::as_select())
                    .load(connection)
            })?;
            for row in rows {
                known.push(Member::try_from(row)?.hashes);
            }
        }
        Ok(known)
    }

    /// Forgets these people in every stable audience, and takes care that whoever shares an e-mail address or a phone
    /// number with them is delivered again, since Meta may remove them too. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn members_remove(&self, people: &[PersonHashes]) -> Result<(), StoreError> {
        for part in people.chunks(ROWS_PER_STATEMENT) {
            let keys: Vec<Vec<u8>> = part.iter().map(|person| person.key().to_vec()).collect();
            let (emails, phones) = columns(part);
            self.write("forget members of the audiences", |connection| {
                diesel::delete(stable_members::table.filter(stable_members::person_key.eq_any(keys)))
                    .execute(connection)?;
                let sharing = stable_members::email_hash
                    .eq_any(emails)
                    .or(stable_members::phone_hash.eq_any(phones))
                    .assume_not_null();
                diesel::update(stable_members::table.filter(sharing))
                    .set(stable_members::delivered_value.eq(None::<i64>))
                    .execute(connection)
            })?;
        }
        Ok(())
    }

    /// Does `work` to all members of an audience, some thousand keys per transaction.
    fn in_ranges(
        &self,
        audience_id: &str,
        doing: &'static str,
        work: impl Fn(&mut AnyConnection, &KeyRange) -> QueryResult<usize>,
    ) -> Result<(), StoreError> {
        let mut after = Vec::new();
        loop {
            let last = self.write(doing, |connection| {
                let last: Option<Vec<u8>> = stable_members::table
                    .filter(stable_members::audience_id.eq(storable(audience_id)))
                    .filter(stable_members::person_key.gt(&after))
                    .order(stable_members::person_key)
                    .offset(ROWS_PER_TRANSACTION - 1)
                    .select(stable_members::person_key)
                    .first(connection)
                    .optional()?;
                // Longer than any key of these digits: behind the last one.
                let upto = last.clone().unwrap_or_else(|| vec![0xff; 33]);
                work(connection, &KeyRange { after: after.clone(), upto })?;
                Ok(last)
            })?;
            match last {
                Some(last) => after = last,
                None => return Ok(()),
            }
        }
    }
}

/// Part of the members of an audience, by key.
struct KeyRange {
    after: Vec<u8>,
    upto: Vec<u8>,
}

impl KeyRange {
    fn rows<'a>(&'a self, audience_id: &'a str) -> Rows<'a> {
        Box::new(
            stable_members::audience_id
                .eq(storable(audience_id))
                .and(stable_members::person_key.gt(&self.after))
                .and(stable_members::person_key.le(&self.upto)),
        )
    }
}

/// Some members, as a condition.
type Rows<'a> = Box<dyn BoxableExpression<stable_members::table, AnyBackend, SqlType = Bool> + 'a>;

/// The hashes that are there, by column.
fn columns(people: &[PersonHashes]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let emails = people.iter().filter_map(|person| bytes(person.email)).collect();
    let phones = people.iter().filter_map(|person| bytes(person.phone)).collect();
    (emails, phones)
}

/// These members no longer count as delivered. At most [`ROWS_PER_STATEMENT`] of them.
fn doubt(connection: &mut AnyConnection, audience_id: &str, rows: &[MemberRow]) -> QueryResult<usize> {
    let keys: Vec<&Vec<u8>> = rows.iter().map(|row| &row.person_key).collect();
    diesel::update(
        stable_members::table
            .filter(stable_members::audience_id.eq(storable(audience_id)))
            .filter(stable_members::person_key.eq_any(keys)),
    )
    .set(stable_members::delivered_value.eq(None::<i64>))
    .execute(connection)
}
