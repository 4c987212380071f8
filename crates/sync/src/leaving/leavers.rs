//! Who leaves with a run: who opted out since earlier uploads, and who was erased.

use super::known::hashes;
use super::suppression::Suppression;
use crate::account::Account;
use crate::error::RunError;
use crate::membership::hashes_of;
use crate::service::SyncService;
use crate::spool::{Spool, SpooledContact};
use domain::RunId;
use domain::accounting::Bucket;
use domain::run::SyncConfig;
use match_keys::Row;
use persistence::{KnownContact, PersonHashes, Removal, RemovalCause, Store};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Contacts whose past is looked up at once.
const CONTACTS_AT_ONCE: usize = 500;

impl SyncService {
    /// Queues, when the contacts of a run are stored, the removal of everybody who was sent before and has opted out
    /// since, and of erased people under whatever else the list holds of them. Of whoever was erased nothing stays in the
    /// records, also when that was while the run was going. Repeating is harmless.
    ///
    /// An address or number that the run has sent for another contact stays, and a removal of it that still waits because
    /// of an earlier opt-out is dropped: it would take away what was just uploaded.
    pub(crate) fn queue_leavers(
        &self,
        run: RunId,
        config: &SyncConfig,
        account: &Account,
        spool: &Spool,
    ) -> Result<(), RunError> {
        Leavers { store: &self.parts.store, run, config, buckets: &account.buckets, spool }.queue()
    }
}

/// See [`SyncService::queue_leavers`].
pub(super) struct Leavers<'a> {
    pub(super) store: &'a Store,
    pub(super) run: RunId,
    pub(super) config: &'a SyncConfig,
    /// Per contact of the spool.
    pub(super) buckets: &'a [Bucket],
    pub(super) spool: &'a Spool,
}

/// What is known of earlier uploads to the ad account.
struct Past {
    /// The last success, if there is one: it and those before it tell who was sent, and as what.
    last: Option<RunId>,
    /// Whether a later run uploaded its audience and failed then, so that nothing tells who was sent.
    unrecorded: bool,
}

impl Leavers<'_> {
    pub(super) fn queue(&self) -> Result<(), RunError> {
        let store = self.store;
        let suppression = Suppression::load(store)?;
        let past = self.past()?;
        let (mut left, mut erased, mut swept) = (Vec::new(), Vec::new(), Vec::new());
        let mut erased_ids = BTreeSet::new();
        let mut opted_out = Vec::new();
        for (bucket, contact) in self.buckets.iter().zip(self.spool.contacts()?) {
            let contact = contact?;
            match bucket {
                Bucket::Duplicate => {}
                Bucket::Suppressed if suppression.is_swept(&contact.id) => {}
                // Whoever is in another bucket was erased while the run was going: it has perhaps sent the person under
                // every address, of which the erasure may know one only.
                _ if *bucket == Bucket::Suppressed
                    || suppression.is_suppressed(&contact.id, rows(&contact)) =>
                {
                    erased.extend(people(&contact));
                    swept.push(suppression.key().swept(&contact.id));
                    erased_ids.insert(contact.id);
                }
                Bucket::OptedOut => opted_out.push(contact),
                _ => {}
            }
            if opted_out.len() == CONTACTS_AT_ONCE {
                left.extend(self.sent_before(&past, &std::mem::take(&mut opted_out))?);
            }
        }
        left.extend(self.sent_before(&past, &opted_out)?);
        store.contacts_erase(&erased_ids)?;
        let waiting: Vec<(i64, PersonHashes)> = store
            .removals_pending(u32::MAX)?
            .into_iter()
            .filter(|waiting| waiting.cause == RemovalCause::OptedOut)
            .map(|waiting| (waiting.id, waiting.person))
            .collect();
        let leaving = left.iter().chain(&erased).chain(waiting.iter().map(|(_, person)| person));
        let sent = self.addresses_sent(leaving, &erased_ids)?;
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
        if !removals.is_empty() || !erased_ids.is_empty() {
            log::info!(
                "{} removals from all lists wait after run {}; {} erased contacts were met",
                removals.len(),
                self.run,
                erased_ids.len()
            );
        }
        Ok(())
    }

    fn past(&self) -> Result<Past, RunError> {
        let (store, account) = (self.store, &self.config.ad_account_id);
        let last = store.run_last_success_in(account)?.map(|run| run.id);
        let newest = store.audiences_made(account)?.first().map(|made| made.run);
        Ok(Past { last, unrecorded: newest > last })
    }

    /// As what those of the contacts were sent that earlier runs have sent, and as what they would be now. Not the last
    /// success alone counts: who was below LTV_MIN then, or not in its list, is in older audiences all the same.
    fn sent_before(&self, past: &Past, contacts: &[SpooledContact]) -> Result<Vec<PersonHashes>, RunError> {
        let ids: Vec<String> = contacts.iter().map(|contact| contact.id.clone()).collect();
        let account = &self.config.ad_account_id;
        let sent = match past.last {
            Some(last) => self.store.contacts_sent_since_opt_out(account, last, &ids)?,
            None => HashMap::new(),
        };
        let mut left = Vec::new();
        for contact in contacts {
            let known = sent.get(&contact.id);
            left.extend(known.into_iter().flatten().filter_map(|known| as_sent(known, contact)));
            if past.unrecorded || known.is_some() {
                left.extend(people(contact));
            }
        }
        Ok(left)
    }

    /// Those addresses and numbers of the leaving that the run has sent for other contacts, who stay.
    fn addresses_sent<'p>(
        &self,
        leaving: impl Iterator<Item = &'p PersonHashes>,
        erased_ids: &BTreeSet<String>,
    ) -> Result<HashSet<[u8; 32]>, RunError> {
        let wanted: HashSet<[u8; 32]> =
            leaving.flat_map(|person| [person.email, person.phone]).flatten().collect();
        let mut sent = HashSet::new();
        if wanted.is_empty() {
            return Ok(sent);
        }
        for (bucket, contact) in self.buckets.iter().zip(self.spool.contacts()?) {
            let contact = contact?;
            if *bucket == Bucket::Sent && !erased_ids.contains(&contact.id) {
                let addresses = people(&contact).flat_map(|person| [person.email, person.phone]).flatten();
                sent.extend(addresses.filter(|address| wanted.contains(address)));
            }
        }
        Ok(sent)
    }
}

/// Everything by which Meta may know the contact.
fn rows(contact: &SpooledContact) -> impl Iterator<Item = &Row> {
    std::iter::once(&contact.row).chain(&contact.further)
}

fn people(contact: &SpooledContact) -> impl Iterator<Item = PersonHashes> {
    rows(contact).filter(|row| row.is_identifiable()).map(hashes_of)
}

/// As what the contact was sent, when its address, its number or the country of its number was another then. What has not
/// changed is taken as it is read now, and so is the same number of a record without a country: older ones lack it.
fn as_sent(known: &KnownContact, now: &SpooledContact) -> Option<PersonHashes> {
    let has_changed = |then: &Option<String>, now: &Option<String>| then.is_some() && then != now;
    let read_elsewhere = |then: &str| now.country.is_none_or(|letters| letters != then.as_bytes());
    let moved = known.phone.is_some() && known.country.as_deref().is_some_and(read_elsewhere);
    let changed = (has_changed(&known.email, &now.email), has_changed(&known.phone, &now.phone) || moved);
    if changed == (false, false) {
        return None;
    }
    let (then, now) = (hashes(known), hashes_of(&now.row));
    Some(PersonHashes {
        email: if changed.0 { then.email } else { now.email },
        phone: if changed.1 { then.phone } else { now.phone },
    })
}
