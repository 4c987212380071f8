//! The contacts of a run that ended in one bucket, part by part: there may be millions.

use crate::contacts::{ContactRow, RunContact};
use crate::error::StoreError;
use crate::schema::sync_contacts;
use crate::store::Store;
use diesel::prelude::*;
use domain::{Bucket, RunId};
use std::fmt;

/// Where a part ended: the next one begins behind it.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactPlace {
    ghl_contact_id: String,
    row: i64,
}

/// A contact id tells who it was, so `Debug` shows the row only.
impl fmt::Debug for ContactPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContactPlace").field("row", &self.row).finish_non_exhaustive()
    }
}

/// Some contacts of a bucket, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPart {
    /// The contacts.
    pub contacts: Vec<RunContact>,
    /// Where they end; `None` when there are none.
    pub end: Option<ContactPlace>,
}

impl Store {
    /// At most `n` contacts of a run that ended in this bucket, behind a place or from the first one on. The order is that
    /// of an index, so that a part costs the same wherever it begins.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a stored value means nothing to this program.
    pub fn contacts_of_bucket(
        &self,
        run: RunId,
        bucket: Bucket,
        behind: Option<&ContactPlace>,
        n: u32,
    ) -> Result<BucketPart, StoreError> {
        let rows: Vec<(i64, ContactRow)> = self.read("load the contacts of a bucket", |connection| {
            let mut found = sync_contacts::table
                .filter(sync_contacts::sync_run_id.eq(run.0))
                .filter(sync_contacts::bucket.eq(bucket.as_str()))
                .order((sync_contacts::ghl_contact_id.asc(), sync_contacts::id.asc()))
                .limit(i64::from(n))
                .select((sync_contacts::id, ContactRow::as_select()))
                .into_boxed();
            if let Some(place) = behind {
                // Erased people share one id, so the row decides among equals.
                let later = sync_contacts::ghl_contact_id.gt(&place.ghl_contact_id);
                found = found
                    .filter(sync_contacts::ghl_contact_id.ge(&place.ghl_contact_id))
                    .filter(later.or(sync_contacts::id.gt(place.row)));
            }
            found.load(connection)
        })?;
        let last_row = rows.last().map(|(row, _)| *row);
        let contacts = rows
            .into_iter()
            .map(|(_, contact)| RunContact::try_from(contact))
            .collect::<Result<Vec<_>, _>>()?;
        let end = contacts
            .last()
            .zip(last_row)
            .map(|(last, row)| ContactPlace { ghl_contact_id: last.ghl_contact_id.clone(), row });
        Ok(BucketPart { contacts, end })
    }
}
