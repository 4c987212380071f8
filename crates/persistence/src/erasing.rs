//! Taking a person out of what earlier runs left: the rows stay, so that their accounts still add up; what tells who it
//! was goes.

use crate::connection::AnyConnection;
use crate::error::StoreError;
use crate::run_rows::json;
use crate::schema::{sync_configs, sync_contacts, sync_runs};
use crate::store::Store;
use crate::text::{storable, storable_id};
use diesel::prelude::*;
use domain::run::{RefusedSample, RunStatus};
use domain::{Bucket, RunId};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// Rows read at once while looking through the contacts of all runs.
const ROWS_AT_ONCE: i64 = 5_000;

/// Contact ids per statement, bound one by one.
const IDS_PER_STATEMENT: usize = 500;

/// What takes the place of an erased contact's id where no row must be told from another.
pub(crate) const ERASED: &str = "erased";

/// By what a contact of an earlier run can be known again.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sync_contacts)]
pub struct KnownContact {
    #[diesel(column_name = id)]
    row: i64,
    /// The source's id.
    pub ghl_contact_id: String,
    /// E-mail address as the source gave it.
    pub email: Option<String>,
    /// Phone number as the source gave it.
    pub phone: Option<String>,
    /// The country in which the run has read it, in two lower-case letters; `None` when it recorded none.
    pub country: Option<String>,
}

/// Personal data never reach a log line, so `Debug` shows the row only.
impl fmt::Debug for KnownContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownContact").field("row", &self.row).finish_non_exhaustive()
    }
}

impl Store {
    /// Looks through the contacts of all runs that are kept, oldest first, erased ones excepted. There may be millions,
    /// and one contact comes once per run.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn contacts_each(&self, mut look: impl FnMut(KnownContact)) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let rows: Vec<KnownContact> = self.read("look through the contacts", |connection| {
                sync_contacts::table
                    .filter(sync_contacts::id.gt(after))
                    .order(sync_contacts::id)
                    .limit(ROWS_AT_ONCE)
                    .select(KnownContact::as_select())
                    .load(connection)
            })?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.row;
            rows.into_iter().filter(|row| !row.ghl_contact_id.starts_with(ERASED)).for_each(&mut look);
        }
    }

    /// Takes name, e-mail address, phone number, reason and id out of every row of these contacts, in all runs, and their
    /// ids out of what runs name as refused; returns how many rows that changed. Each row keeps its bucket, value and rank under an
    /// id of its own. Repeating is harmless.
    ///
    /// # Errors
    /// Whatever the database refuses; some rows may be changed then.
    pub fn contacts_erase(&self, ghl_contact_ids: &BTreeSet<String>) -> Result<usize, StoreError> {
        let ids: Vec<_> = ghl_contact_ids.iter().map(|id| storable_id(id)).collect();
        self.erase_refused_samples(ghl_contact_ids)?;
        let mut changed = 0;
        for part in ids.chunks(IDS_PER_STATEMENT) {
            changed += self.write("erase contacts", |connection| {
                let erased_id = diesel::dsl::sql::<diesel::sql_types::Text>("'erased-' || id");
                diesel::update(sync_contacts::table.filter(sync_contacts::ghl_contact_id.eq_any(part)))
                    .set((
                        sync_contacts::ghl_contact_id.eq(erased_id),
                        sync_contacts::email.eq(None::<String>),
                        sync_contacts::phone.eq(None::<String>),
                        sync_contacts::country.eq(None::<String>),
                        sync_contacts::first_name.eq(None::<String>),
                        sync_contacts::last_name.eq(None::<String>),
                        // It may repeat what somebody typed into the value field.
                        sync_contacts::reason.eq(None::<String>),
                    ))
                    .execute(connection)
            })?;
        }
        Ok(changed)
    }

    /// As what the contacts were sent by the successes of the ad account whose contacts are kept: each since the last of
    /// them that met it as opted out, once per address, number and country; by the ids that were asked for. Whoever was
    /// met so by the newest, `last`, is left out at little cost, for those are nearly all who are opted out.
    ///
    /// # Errors
    /// Whatever the database refuses.
    pub fn contacts_sent_since_opt_out(
        &self,
        ad_account_id: &str,
        last: RunId,
        ghl_contact_ids: &[String],
    ) -> Result<HashMap<String, Vec<KnownContact>>, StoreError> {
        let mut sent = HashMap::new();
        for part in ghl_contact_ids.chunks(IDS_PER_STATEMENT) {
            let stored_ids: Vec<_> = part.iter().map(|id| storable_id(id)).collect();
            let found = self.read("look up who was sent before", |connection| {
                let out_already: HashSet<String> = sync_contacts::table
                    .filter(sync_contacts::sync_run_id.eq(last.0))
                    .filter(sync_contacts::bucket.eq(Bucket::OptedOut.as_str()))
                    .filter(sync_contacts::ghl_contact_id.eq_any(&stored_ids))
                    .select(sync_contacts::ghl_contact_id)
                    .load(connection)?
                    .into_iter()
                    .collect();
                let wanted = stored_ids.iter().filter(|id| !out_already.contains(id.as_ref()));
                pasts(connection, ad_account_id, wanted.map(AsRef::as_ref).collect())
            })?;
            let found = since_opt_out(found);
            sent.extend(
                part.iter()
                    .zip(&stored_ids)
                    .filter_map(|(asked, id)| Some((asked.clone(), found.get(id.as_ref())?.clone()))),
            );
        }
        Ok(sent)
    }

    fn erase_refused_samples(&self, ghl_contact_ids: &BTreeSet<String>) -> Result<(), StoreError> {
        let rows: Vec<(i64, Option<String>)> =
            self.read("look through the refused contacts", |connection| {
                sync_runs::table
                    .filter(sync_runs::refused_samples.is_not_null())
                    .select((sync_runs::id, sync_runs::refused_samples))
                    .load(connection)
            })?;
        for (run, text) in rows {
            let mut samples: Vec<RefusedSample> = json("refused contacts", &text.unwrap_or_default())?;
            let erased = samples.iter_mut().filter(|sample| ghl_contact_ids.contains(&sample.ghl_contact_id));
            if erased.map(|sample| ERASED.clone_into(&mut sample.ghl_contact_id)).count() > 0 {
                self.run_set_refused_samples(RunId(run), &samples)?;
            }
        }
        Ok(())
    }
}

/// A contact as successes left it, in the newest of their rows that say the same, with the bucket.
type Past = (KnownContact, String);

/// How the contacts were sent or met as opted out by the successes of the ad account. The runs are asked for one row at a
/// time: a contact has one per run, and a run has those of the whole list.
fn pasts(connection: &mut AnyConnection, ad_account_id: &str, ids: Vec<&str>) -> QueryResult<Vec<Past>> {
    let of_account = sync_runs::table
        .inner_join(sync_configs::table)
        .filter(sync_runs::id.eq(sync_contacts::sync_run_id))
        .filter(sync_runs::status.eq(RunStatus::Success.as_str()))
        .filter(sync_configs::meta_ad_account_id.eq(storable(ad_account_id)))
        .select(sync_runs::id);
    sync_contacts::table
        .filter(sync_contacts::ghl_contact_id.eq_any(ids))
        .filter(sync_contacts::bucket.eq_any([Bucket::Sent.as_str(), Bucket::OptedOut.as_str()]))
        .filter(diesel::dsl::exists(of_account))
        .group_by((
            sync_contacts::ghl_contact_id,
            sync_contacts::email,
            sync_contacts::phone,
            sync_contacts::country,
            sync_contacts::bucket,
        ))
        .select((
            (
                diesel::dsl::max(sync_contacts::id).assume_not_null(),
                sync_contacts::ghl_contact_id,
                sync_contacts::email,
                sync_contacts::phone,
                sync_contacts::country,
            ),
            sync_contacts::bucket,
        ))
        .load(connection)
}

/// Those of them that were sent, by the stored id: rows of a later run have greater ids.
fn since_opt_out(pasts: Vec<Past>) -> HashMap<String, Vec<KnownContact>> {
    let mut opted_out: HashMap<String, i64> = HashMap::new();
    for (known, _) in pasts.iter().filter(|(_, bucket)| bucket == Bucket::OptedOut.as_str()) {
        let newest = opted_out.entry(known.ghl_contact_id.clone()).or_default();
        *newest = known.row.max(*newest);
    }
    let mut sent: HashMap<String, Vec<KnownContact>> = HashMap::new();
    for (known, bucket) in pasts {
        let is_later = opted_out.get(&known.ghl_contact_id).is_none_or(|out| known.row > *out);
        if bucket == Bucket::Sent.as_str() && is_later {
            sent.entry(known.ghl_contact_id.clone()).or_default().push(known);
        }
    }
    sent
}
