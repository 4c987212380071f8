//! The contacts of a run: where each ended, and what was sent of it.

use crate::connection::AnyConnection;
use crate::erasing::ERASED;
use crate::error::StoreError;
use crate::run_rows::{count, word};
use crate::schema::sync_contacts;
use crate::store::Store;
use crate::text::{storable, storable_id, storable_option};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::run::{Changes, RefusedSample};
use domain::{Bucket, Cents, Percentile, RunId};
use std::borrow::Cow;
use std::fmt;

/// Most rows in one transaction: SQLite has one writer, and a heartbeat must get its turn.
pub(crate) const ROWS_PER_TRANSACTION: usize = 5_000;

/// Rows per statement: on SQLite 13 bound values each, far below the 32,766 it takes.
const ROWS_PER_STATEMENT: usize = 1_000;

/// One contact as a run left it.
#[derive(Clone, PartialEq, Eq)]
pub struct RunContact {
    /// The source's id. The first 255 characters are kept.
    pub ghl_contact_id: String,
    /// E-mail address as the source gave it.
    pub email: Option<String>,
    /// Phone number as the source gave it.
    pub phone: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Lifetime value, when it could be read as money.
    pub raw_ltv: Option<Cents>,
    /// Rank, when the contact took part in the ranking.
    pub normalized_value: Option<Percentile>,
    /// Where the contact ended.
    pub bucket: Bucket,
    /// Why, where the bucket alone does not say it.
    pub reason: Option<String>,
    /// `Some(false)` when Meta refused the row; otherwise `None`, because Meta reports no match per contact.
    pub meta_matched: Option<bool>,
    /// The country in which the phone number was read, in two lower-case letters (ISO 3166-1); `None` without a number, or
    /// when neither the contact nor its location has one.
    pub country: Option<String>,
}

impl RunContact {
    /// Whether the person was erased: then the id is none of the source's.
    pub fn is_erased(&self) -> bool {
        self.bucket == Bucket::Suppressed || self.ghl_contact_id.starts_with(ERASED)
    }
}

/// Personal data never reach a log line, so `Debug` shows the id and the bucket only.
impl fmt::Debug for RunContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunContact")
            .field("ghl_contact_id", &self.ghl_contact_id)
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

#[derive(Insertable)]
#[diesel(table_name = sync_contacts, treat_none_as_default_value = false)]
struct NewContact<'a> {
    sync_run_id: i64,
    ghl_contact_id: Cow<'a, str>,
    email: Option<Cow<'a, str>>,
    phone: Option<Cow<'a, str>>,
    first_name: Option<Cow<'a, str>>,
    last_name: Option<Cow<'a, str>>,
    raw_ltv_cents: Option<i64>,
    normalized_value: Option<i32>,
    bucket: &'static str,
    reason: Option<Cow<'a, str>>,
    meta_matched: Option<bool>,
    created_at: NaiveDateTime,
    country: Option<Cow<'a, str>>,
}

impl<'a> NewContact<'a> {
    fn new(run: RunId, contact: &'a RunContact, created_at: NaiveDateTime) -> Self {
        let bucket = contact.bucket.as_str();
        if contact.bucket == Bucket::Suppressed {
            // Of an erased person nothing is kept but that there was one.
            return Self {
                sync_run_id: run.0,
                ghl_contact_id: Cow::Borrowed(ERASED),
                email: None,
                phone: None,
                first_name: None,
                last_name: None,
                raw_ltv_cents: None,
                normalized_value: None,
                bucket,
                reason: None,
                meta_matched: None,
                created_at,
                country: None,
            };
        }
        Self {
            sync_run_id: run.0,
            ghl_contact_id: storable_id(&contact.ghl_contact_id),
            email: storable_option(contact.email.as_deref()),
            phone: storable_option(contact.phone.as_deref()),
            first_name: storable_option(contact.first_name.as_deref()),
            last_name: storable_option(contact.last_name.as_deref()),
            raw_ltv_cents: contact.raw_ltv.map(|cents| cents.0),
            normalized_value: contact.normalized_value.map(|rank| i32::from(rank.get())),
            bucket,
            reason: storable_option(contact.reason.as_deref()),
            meta_matched: contact.meta_matched,
            created_at,
            country: storable_option(contact.country.as_deref()),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sync_contacts)]
pub(crate) struct ContactRow {
    ghl_contact_id: String,
    email: Option<String>,
    phone: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    raw_ltv_cents: Option<i64>,
    normalized_value: Option<i32>,
    bucket: String,
    reason: Option<String>,
    meta_matched: Option<bool>,
    country: Option<String>,
}

impl TryFrom<ContactRow> for RunContact {
    type Error = StoreError;

    fn try_from(row: ContactRow) -> Result<Self, StoreError> {
        let rank = |value: i32| -> Result<Option<Percentile>, StoreError> {
            Ok(Percentile::new(u8::try_from(value).map_err(StoreError::corrupt("rank"))?))
        };
        Ok(Self {
            ghl_contact_id: row.ghl_contact_id,
            email: row.email,
            phone: row.phone,
            first_name: row.first_name,
            last_name: row.last_name,
            raw_ltv: row.raw_ltv_cents.map(Cents),
            normalized_value: row.normalized_value.map(rank).transpose()?.flatten(),
            bucket: word("bucket", &row.bucket)?,
            reason: row.reason,
            meta_matched: row.meta_matched,
            country: row.country,
        })
    }
}

/// Both differences at once; `$1` is the run now, `$2` the run before. `EXCEPT` and not `NOT EXISTS`: PostgreSQL, which
/// has no statistics of rows it was just given, plans the latter as a nested loop that takes minutes for 20,000 contacts.
const CHANGES: &str = "
    SELECT
      (SELECT COUNT(*) FROM (
        SELECT ghl_contact_id FROM sync_contacts WHERE sync_run_id = $1 AND bucket = 'sent' EXCEPT
        SELECT ghl_contact_id FROM sync_contacts WHERE sync_run_id = $2 AND bucket = 'sent') came) AS added,
      (SELECT COUNT(*) FROM (
        SELECT ghl_contact_id FROM sync_contacts WHERE sync_run_id = $2 AND bucket = 'sent' EXCEPT
        SELECT ghl_contact_id FROM sync_contacts WHERE sync_run_id = $1 AND bucket = 'sent') went) AS removed";

#[derive(QueryableByName)]
struct ChangesRow {
    #[diesel(sql_type = BigInt)]
    added: i64,
    #[diesel(sql_type = BigInt)]
    removed: i64,
}

impl Store {
    /// Adds contacts to a run, at most 5,000 in one transaction. Of a suppressed contact nothing is stored but its bucket.
    /// After an error some of them may be stored already, and the run can not succeed any more.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such run; [`StoreError::Full`] when the disk is full.
    pub fn contacts_insert(&self, run: RunId, contacts: &[RunContact]) -> Result<(), StoreError> {
        let now = self.now_naive();
        for part in contacts.chunks(ROWS_PER_TRANSACTION) {
            self.write_referring("save contacts", ("run", run.0), |connection| {
                for statement in part.chunks(ROWS_PER_STATEMENT) {
                    let rows: Vec<_> =
                        statement.iter().map(|contact| NewContact::new(run, contact, now)).collect();
                    insert(connection, &rows)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Marks contacts of a run that stand among the sent ones as refused by Meta, each with Meta's reason, and returns how
    /// many those were: who was erased since can not be told from others.
    ///
    /// # Errors
    /// Whatever the database refuses; some may be marked then.
    pub fn contacts_refuse(&self, run: RunId, refused: &[RefusedSample]) -> Result<usize, StoreError> {
        let mut marked = 0;
        for part in refused.chunks(ROWS_PER_TRANSACTION) {
            marked += self.write("mark contacts that Meta refused", |connection| {
                let mut marked = 0;
                for RefusedSample { ghl_contact_id, reason } in part {
                    marked += diesel::update(sync_contacts::table)
                        .filter(sync_contacts::sync_run_id.eq(run.0))
                        .filter(sync_contacts::bucket.eq(Bucket::Sent.as_str()))
                        .filter(sync_contacts::ghl_contact_id.eq(storable_id(ghl_contact_id)))
                        .set((
                            sync_contacts::bucket.eq(Bucket::RefusedByMeta.as_str()),
                            sync_contacts::reason.eq(storable(reason)),
                            sync_contacts::meta_matched.eq(false),
                        ))
                        .execute(connection)?;
                }
                Ok(marked)
            })?;
        }
        Ok(marked)
    }

    /// The first `n` contacts that were sent, highest rank first, then highest value.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored value means nothing to this program.
    pub fn contacts_sample(&self, run: RunId, n: u32) -> Result<Vec<RunContact>, StoreError> {
        let rows: Vec<ContactRow> = self.read("load the sample of a run", |connection| {
            sync_contacts::table
                .filter(sync_contacts::sync_run_id.eq(run.0))
                .filter(sync_contacts::bucket.eq(Bucket::Sent.as_str()))
                // The engines disagree on where NULL sorts; whoever was sent has a rank.
                .filter(sync_contacts::normalized_value.is_not_null())
                .order((
                    sync_contacts::normalized_value.desc(),
                    sync_contacts::raw_ltv_cents.desc(),
                    sync_contacts::id.asc(),
                ))
                .limit(i64::from(n))
                .select(ContactRow::as_select())
                .load(connection)
        })?;
        rows.into_iter().map(RunContact::try_from).collect()
    }

    /// How many contacts of a run ended in each bucket, in the order of [`Bucket::ALL`]; empty buckets are left out.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored word means nothing to this program.
    pub fn contacts_count_by_bucket(&self, run: RunId) -> Result<Vec<(Bucket, u64)>, StoreError> {
        let rows: Vec<(String, i64)> = self.read("count the contacts of a run", |connection| {
            sync_contacts::table
                .filter(sync_contacts::sync_run_id.eq(run.0))
                .group_by(sync_contacts::bucket)
                .select((sync_contacts::bucket, diesel::dsl::count_star()))
                .load(connection)
        })?;
        let mut counts = rows
            .into_iter()
            .map(|(bucket, number)| Ok((word("bucket", &bucket)?, count("number of contacts", number)?)))
            .collect::<Result<Vec<(Bucket, u64)>, StoreError>>()?;
        counts.sort_unstable();
        Ok(counts)
    }

    /// Who was sent in the one run and not in the other, counted in the database.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn contacts_changes(&self, now: RunId, before: RunId) -> Result<Changes, StoreError> {
        let row: ChangesRow = self.read("compare with the last success", |connection| {
            diesel::sql_query(CHANGES)
                .bind::<BigInt, _>(now.0)
                .bind::<BigInt, _>(before.0)
                .get_result(connection)
        })?;
        Ok(Changes { added: count("changes", row.added)?, removed: count("changes", row.removed)? })
    }
}

/// PostgreSQL takes many rows fastest by `COPY`, SQLite by an insert of many rows.
fn insert(connection: &mut AnyConnection, rows: &Vec<NewContact<'_>>) -> QueryResult<usize> {
    match connection {
        AnyConnection::Sqlite(inner) => diesel::insert_into(sync_contacts::table).values(rows).execute(inner),
        AnyConnection::Postgres(inner) => {
            diesel::copy_from(sync_contacts::table).from_insertable(rows).execute(inner)
        }
    }
}
