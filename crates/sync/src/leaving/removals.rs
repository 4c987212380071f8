//! Taking people out of all lists at Meta: who opted out since the last success, and who was erased.

use super::suppression::Suppression;
use crate::account::Account;
use crate::error::RunError;
use crate::membership::{hashes_of, removal_rows};
use crate::service::SyncService;
use crate::spool::{Spool, SpooledContact};
use domain::accounting::Bucket;
use domain::error_chain::Chain;
use domain::run::SyncConfig;
use domain::{Cancel, Explain, RunId};
use match_keys::Row;
use meta::MetaClient;
use persistence::{PersonHashes, Removal, RemovalCause, Store};
use std::collections::{BTreeSet, HashSet};

/// People per request. <https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences>
/// allows more, but requests that remove many are known to break.
const PEOPLE_AT_ONCE: u32 = 1_000;

/// Contacts whose past is looked up at once.
const CONTACTS_AT_ONCE: usize = 500;

impl SyncService {
    /// Sends all removals that wait. Those that Meta does not take wait on, and are sent again by the next call.
    ///
    /// # Errors
    /// What stood in the way; the removals behind it were not tried.
    pub fn deliver_removals(&self, cancel: &Cancel) -> Result<(), RunError> {
        deliver(&self.parts.store, &self.parts.meta, cancel)
    }

    /// Queues, when the contacts of a run are stored, the removal of everybody who was sent by the last success of the same
    /// list and field and has opted out since, and of erased people under whatever else the list holds of them. Whoever
    /// was erased while the run was going is taken out of what it stored. Repeating is harmless.
    ///
    /// An address or number that the run has sent for another contact stays, and a removal of it that still waits because
    /// of an earlier opt-out is dropped: it would take away what was just uploaded.
    pub(crate) fn queue_opt_outs(
        &self,
        run: RunId,
        config: &SyncConfig,
        account: &Account,
        spool: &Spool,
    ) -> Result<(), RunError> {
        queue_opt_outs(&self.parts.store, run, config, &account.buckets, spool)
    }
}

/// See [`SyncService::queue_opt_outs`].
pub(super) fn queue_opt_outs(
    store: &Store,
    run: RunId,
    config: &SyncConfig,
    buckets: &[Bucket],
    spool: &Spool,
) -> Result<(), RunError> {
    let suppression = Suppression::load(store)?;
    let before = store.run_last_success_of(&config.list_id, &config.ltv_field_key)?.map(|run| run.id);
    let (mut left, mut erased, mut swept) = (Vec::new(), Vec::new(), Vec::new());
    let mut erased_meanwhile = BTreeSet::new();
    let mut opted_out = Vec::new();
    for (bucket, contact) in buckets.iter().zip(spool.contacts()?) {
        let contact = contact?;
        match bucket {
            Bucket::Duplicate => {}
            Bucket::Suppressed if suppression.is_swept(&contact.id) => {}
            Bucket::Suppressed => {
                erased.extend(people(&contact));
                swept.push(suppression.key().swept(&contact.id));
            }
            _ if suppression.is_suppressed(&contact.id, rows(&contact)) => {
                // The run has just sent the person under every address, of which the erasure may know one only.
                erased.extend(people(&contact));
                swept.push(suppression.key().swept(&contact.id));
                erased_meanwhile.insert(contact.id);
            }
            Bucket::OptedOut => opted_out.push(contact),
            _ => {}
        }
        if opted_out.len() == CONTACTS_AT_ONCE {
            left.extend(sent_before(store, before, &std::mem::take(&mut opted_out))?);
        }
    }
    left.extend(sent_before(store, before, &opted_out)?);
    store.contacts_erase(&erased_meanwhile)?;
    let waiting: Vec<(i64, PersonHashes)> = store
        .removals_pending(u32::MAX)?
        .into_iter()
        .filter(|waiting| waiting.cause == RemovalCause::OptedOut)
        .map(|waiting| (waiting.id, waiting.person))
        .collect();
    let leaving = left.iter().chain(&erased).chain(waiting.iter().map(|(_, person)| person));
    let sent = addresses_sent(leaving, buckets, spool, &erased_meanwhile)?;
    let own = |person: &PersonHashes| PersonHashes {
        email: person.email.filter(|email| !sent.contains(email)),
        phone: person.phone.filter(|phone| !sent.contains(phone)),
    };
    let outdated: Vec<(i64, PersonHashes)> =
        waiting.into_iter().filter(|(_, person)| own(person) != *person).collect();
    left.extend(outdated.iter().map(|(_, person)| *person));
    let removals: Vec<Removal> = [(left, RemovalCause::OptedOut), (erased, RemovalCause::Erased)]
        .into_iter()
        .flat_map(|(people, cause)| people.into_iter().map(move |person| (person, cause)))
        .map(|(person, cause)| Removal { person: own(&person), cause })
        .filter(|removal| removal.person != PersonHashes::default())
        .collect();
    store.removals_queue(&removals)?;
    store.removals_done(&outdated.iter().map(|(id, _)| *id).collect::<Vec<i64>>())?;
    store.suppress(&swept)?;
    if !removals.is_empty() || !erased_meanwhile.is_empty() {
        log::info!(
            "{} removals from all lists wait after run {run}; {} contacts were erased while it was going",
            removals.len(),
            erased_meanwhile.len()
        );
    }
    Ok(())
}

/// Everything by which Meta may know the contact.
fn rows(contact: &SpooledContact) -> impl Iterator<Item = &Row> {
    std::iter::once(&contact.row).chain(&contact.further)
}

fn people(contact: &SpooledContact) -> impl Iterator<Item = PersonHashes> {
    rows(contact).filter(|row| row.is_identifiable()).map(hashes_of)
}

/// Those of the contacts that the run before sent.
fn sent_before(
    store: &Store,
    before: Option<RunId>,
    contacts: &[SpooledContact],
) -> Result<Vec<PersonHashes>, RunError> {
    let Some(before) = before else { return Ok(Vec::new()) };
    let ids: Vec<String> = contacts.iter().map(|contact| contact.id.clone()).collect();
    let sent = store.contacts_sent_in(before, &ids)?;
    Ok(contacts.iter().filter(|contact| sent.contains(&contact.id)).flat_map(people).collect())
}

/// Those addresses and numbers of the leaving that the run has sent for other contacts, who stay.
fn addresses_sent<'a>(
    leaving: impl Iterator<Item = &'a PersonHashes>,
    buckets: &[Bucket],
    spool: &Spool,
    erased_meanwhile: &BTreeSet<String>,
) -> Result<HashSet<[u8; 32]>, RunError> {
    let wanted: HashSet<[u8; 32]> =
        leaving.flat_map(|person| [person.email, person.phone]).flatten().collect();
    let mut sent = HashSet::new();
    if wanted.is_empty() {
        return Ok(sent);
    }
    for (bucket, contact) in buckets.iter().zip(spool.contacts()?) {
        let contact = contact?;
        if *bucket == Bucket::Sent && !erased_meanwhile.contains(&contact.id) {
            let addresses = people(&contact).flat_map(|person| [person.email, person.phone]).flatten();
            sent.extend(addresses.filter(|address| wanted.contains(address)));
        }
    }
    Ok(sent)
}

/// Sends all removals that wait, a thousand at a time. None while a replacement is open: Meta takes no other change then,
/// and its rows may bring somebody back.
pub(super) fn deliver(store: &Store, meta: &MetaClient, cancel: &Cancel) -> Result<(), RunError> {
    if !store.replacements_open()?.is_empty() {
        log::info!(
            "people are removed from the lists once the replacement of an audience's members is finished"
        );
        return Ok(());
    }
    loop {
        let waiting = store.removals_pending(PEOPLE_AT_ONCE)?;
        if waiting.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = waiting.iter().map(|removal| removal.id).collect();
        let people: Vec<PersonHashes> = waiting.iter().map(|removal| removal.person).collect();
        // Before the call: whatever becomes of it, who shares an address with them is delivered again by the next run.
        store.members_remove(&people)?;
        let rows = removal_rows(&people)?;
        if let Err(error) = meta.remove_from_all(&rows, cancel) {
            log::warn!("{} people could not be removed from the lists: {}", people.len(), Chain(&error));
            store.removals_failed(&ids, &error.explain().message)?;
            return Err(RunError::edge(error));
        }
        store.removals_done(&ids)?;
        log::info!("Meta took the request to remove {} people from all customer lists", people.len());
    }
}
