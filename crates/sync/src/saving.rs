//! Recording what became of every contact, and what follows a complete run.

use crate::account::Account;
use crate::delivery::Delivery;
use crate::error::RunError;
use crate::progress::Progress;
use crate::samples::Refused;
use crate::service::SyncService;
use crate::spool::Spool;
use domain::Explain;
use domain::accounting::{Accounting, Bucket};
use domain::percentile::Sketch;
use domain::run::{RefusedSample, Step, SyncConfig};
use persistence::RunContact;

/// Rows per call to the database while saving.
const SAVE_CHUNK: usize = 2_000;

/// What is recorded of a run.
#[derive(Clone, Copy)]
pub(crate) struct Outcome<'a> {
    pub(crate) account: &'a Account,
    pub(crate) counts: &'a Accounting,
    pub(crate) sketch: &'a Sketch,
    pub(crate) refused: &'a Refused,
    pub(crate) spool: &'a Spool,
}

impl SyncService {
    /// Stores every distinct contact with its bucket and rank, and checks that what is stored is what was counted.
    pub(crate) fn save(
        &self,
        progress: &Progress<'_>,
        config: &SyncConfig,
        outcome: Outcome<'_>,
    ) -> Result<(), RunError> {
        let Outcome { account, counts, sketch, refused, spool } = outcome;
        let (store, run) = (&self.parts.store, progress.run);
        let mut chunk = Vec::with_capacity(SAVE_CHUNK);
        let (mut saved, mut samples) = (0, Vec::new());
        let places = (0_u32..).zip(&account.buckets).zip(spool.contacts()?);
        for ((place, bucket), contact) in places.filter(|((_, bucket), _)| **bucket != Bucket::Duplicate) {
            let contact = contact?;
            let refusal = refused.named.get(&place);
            if let Some(reason) = refusal {
                samples.push(RefusedSample { ghl_contact_id: contact.id.clone(), reason: reason.clone() });
            }
            chunk.push(RunContact {
                ghl_contact_id: contact.id,
                email: contact.email,
                phone: contact.phone,
                first_name: contact.first_name,
                last_name: contact.last_name,
                raw_ltv: contact.ltv,
                normalized_value: contact.ltv.map(|ltv| sketch.percentile_of(ltv)),
                bucket: if refusal.is_some() { Bucket::RefusedByMeta } else { *bucket },
                reason: refusal.cloned().or(contact.reason),
                meta_matched: refusal.map(|_| false),
            });
            if chunk.len() == SAVE_CHUNK {
                saved += chunk.len() as u64;
                store.contacts_insert(run, &chunk)?;
                chunk.clear();
                progress.advance(Step::Save, saved, Some(counts.fetched - counts.duplicates))?;
            }
        }
        saved += chunk.len() as u64;
        store.contacts_insert(run, &chunk)?;
        progress.complete(Step::Save, saved)?;
        store.run_set_refused_samples(run, &samples)?;
        self.check_saved(progress, counts, refused)?;
        let before = store.run_last_success_of(&config.list_id, &config.ltv_field_key)?;
        let changes = before.map(|before| store.contacts_changes(run, before.id)).transpose()?;
        store.run_set_changes(run, changes)?;
        store.run_set_accounting(run, counts)?;
        Ok(counts.check()?)
    }

    /// Every bucket of the account holds exactly the stored contacts; duplicates are counted, not stored, and of the
    /// contacts Meta refused those it did not name stand among the sent ones.
    fn check_saved(
        &self,
        progress: &Progress<'_>,
        counts: &Accounting,
        refused: &Refused,
    ) -> Result<(), RunError> {
        let named = refused.named.len() as u64;
        let unnamed = counts.refused_by_meta.saturating_sub(named);
        let stored = self.parts.store.contacts_count_by_bucket(progress.run)?;
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

    /// What follows a complete run: people who left are removed everywhere, old audiences go. Neither ends the run.
    pub(crate) fn after_saving(
        &self,
        delivery: &Delivery<'_>,
        config: &SyncConfig,
        account: &Account,
        spool: &Spool,
    ) -> Result<(), RunError> {
        self.queue_leavers(delivery.progress.run, config, account, spool, delivery.cancel)?;
        if let Err(error) = self.deliver_removals(delivery.cancel) {
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

/// The account once Meta has said how many rows it can not use.
pub(crate) fn sent_counts(account: &Account, refused: &Refused) -> Accounting {
    let mut counts = account.counts;
    counts.refuse(refused.contacts);
    counts
}
