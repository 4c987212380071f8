//! Recording what became of every contact, and what follows a complete run.

use crate::account::Account;
use crate::delivery::Delivery;
use crate::error::RunError;
use crate::samples::Refused;
use crate::service::SyncService;
use crate::spool::Spool;
use domain::accounting::{Accounting, Bucket};
use domain::percentile::Sketch;
use domain::run::{RefusedSample, SyncConfig};
use domain::{Cancel, Explain, RunId};
use persistence::RunContact;

/// Rows per call to the database while saving.
const SAVE_CHUNK: usize = 2_000;

impl SyncService {
    /// Stores every distinct contact with its bucket and rank, as if Meta took everybody. Ends early when the run has
    /// failed meanwhile.
    pub(crate) fn save_contacts(
        &self,
        run: RunId,
        account: &Account,
        sketch: &Sketch,
        spool: &Spool,
        failed: &Cancel,
    ) -> Result<(), RunError> {
        let mut chunk = Vec::with_capacity(SAVE_CHUNK);
        let places = account.buckets.iter().zip(spool.contacts()?);
        for (bucket, contact) in places.filter(|(bucket, _)| **bucket != Bucket::Duplicate) {
            let contact = contact?;
            chunk.push(RunContact {
                ghl_contact_id: contact.id,
                email: contact.email,
                phone: contact.phone,
                first_name: contact.first_name,
                last_name: contact.last_name,
                raw_ltv: contact.ltv,
                normalized_value: contact.ltv.map(|ltv| sketch.percentile_of(ltv)),
                bucket: *bucket,
                reason: contact.reason,
                meta_matched: None,
                country: contact.country.map(|letters| letters.map(char::from).iter().collect()),
            });
            if chunk.len() == SAVE_CHUNK {
                failed.check()?;
                self.parts.store.contacts_insert(run, &chunk)?;
                chunk.clear();
            }
        }
        Ok(self.parts.store.contacts_insert(run, &chunk)?)
    }

    /// Puts right what Meta refused, records the figures of the run, and checks that what is stored is what was counted.
    pub(crate) fn settle_contacts(
        &self,
        run: RunId,
        config: &SyncConfig,
        counts: &Accounting,
        refused: &Refused,
        spool: &Spool,
    ) -> Result<(), RunError> {
        let store = &self.parts.store;
        let samples = refused_samples(refused, spool)?;
        let named = store.contacts_refuse(run, &samples)? as u64;
        store.run_set_refused_samples(run, &samples)?;
        self.check_saved(run, counts, named)?;
        let before = store.run_last_success_of(&config.list_id, &config.ltv_field_key)?;
        let changes = before.map(|before| store.contacts_changes(run, before.id)).transpose()?;
        store.run_set_changes(run, changes)?;
        store.run_set_accounting(run, counts)?;
        Ok(counts.check()?)
    }

    /// Every bucket of the account holds exactly the stored contacts; duplicates are counted, not stored, and of the
    /// contacts Meta refused those it did not name stand among the sent ones.
    fn check_saved(&self, run: RunId, counts: &Accounting, named: u64) -> Result<(), RunError> {
        let unnamed = counts.refused_by_meta.saturating_sub(named);
        let stored = self.parts.store.contacts_count_by_bucket(run)?;
        let in_store =
            |bucket| stored.iter().find(|(found, _)| *found == bucket).map_or(0, |(_, count)| *count);
        let fits = counts.buckets().into_iter().all(|(bucket, count)| {
            in_store(bucket)
                == match bucket {
                    Bucket::Duplicate => 0,
                    Bucket::RefusedByMeta => named,
                    Bucket::Sent => count + unnamed,
                    _ => count,
                }
        });
        if fits { Ok(()) } else { Err(RunError::StoredOtherwise) }
    }

    /// What follows a complete run: people who left are removed everywhere, old audiences go. Of this only the note
    /// who left can fail the run; what Meta does not do then, and what a cancellation leaves, is done later.
    pub(crate) fn after_saving(
        &self,
        delivery: &Delivery<'_>,
        config: &SyncConfig,
        account: &Account,
        spool: &Spool,
    ) -> Result<(), RunError> {
        self.queue_leavers(delivery.progress.run, config, account, spool)?;
        if let Err(error) = self.deliver_removals(delivery.cancel)
            && !delivery.cancel.is_cancelled()
        {
            delivery.warn(format!(
                "People who opted out could not be removed from all lists yet; it is tried again by itself, several times an hour. {}",
                error.explain().message
            ));
        }
        if let Some(warning) = self.clean_up_audiences(delivery.progress.run, delivery.cancel) {
            delivery.warn(warning);
        }
        Ok(())
    }
}

/// The contacts behind the rows that Meta refused and named.
fn refused_samples(refused: &Refused, spool: &Spool) -> Result<Vec<RefusedSample>, RunError> {
    if refused.named.is_empty() {
        return Ok(Vec::new());
    }
    let mut samples = Vec::with_capacity(refused.named.len());
    for (place, contact) in (0_u32..).zip(spool.contacts()?) {
        let contact = contact?;
        if let Some(reason) = refused.named.get(&place) {
            samples.push(RefusedSample { ghl_contact_id: contact.id, reason: reason.clone() });
        }
    }
    Ok(samples)
}

/// The account once Meta has said how many rows it can not use.
pub(crate) fn sent_counts(account: &Account, refused: &Refused) -> Accounting {
    let mut counts = account.counts;
    counts.refuse(refused.contacts);
    counts
}
