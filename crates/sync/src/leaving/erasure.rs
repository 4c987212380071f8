//! Erasing one person, on somebody's word.

use super::known::{Known, Wanted, find};
use super::receipt::{AtMeta, ErasureReceipt};
use super::removals;
use super::suppression::SuppressionKey;
use crate::edges::ContactSource;
use crate::error::{EraseError, RunError};
use crate::lease::Lease;
use domain::error_chain::Chain;
use domain::{Cancel, Clock, Explain};
use match_keys::{CountryCode, Reason, country, email, hash, phone};
use meta::MetaClient;
use persistence::{PersonHashes, Removal, RemovalCause, Store};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Who is to be erased, as a person typed it.
#[derive(Clone, PartialEq, Eq)]
pub enum ErasePerson {
    /// By an e-mail address.
    Email(String),
    /// By a phone number.
    Phone(String),
    /// By the contact's id in GoHighLevel.
    Contact(String),
}

/// Personal data never reach a log line, so `Debug` shows the kind only.
impl fmt::Debug for ErasePerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email(_) => "Email(***)",
            Self::Phone(_) => "Phone(***)",
            Self::Contact(_) => "Contact(***)",
        })
    }
}

/// Erases people. It works with whatever is set up: without Meta's keys the removal there waits for them.
pub struct Leaving {
    /// The database.
    pub store: Store,
    /// Asked for the country in which phone numbers are read; `None` while its keys are missing.
    pub source: Option<Arc<dyn ContactSource>>,
    /// Where the lists are; `None` while its keys are missing. A person waits: it should not repeat for long.
    pub meta: Option<Arc<MetaClient>>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// How long the lease lasts without a heartbeat.
    pub lease_ttl: Duration,
}

impl Leaving {
    /// Erases a person: out of every list at Meta, out of the records of earlier syncs, and out of all later syncs. What
    /// is known of the person by earlier syncs (other addresses, the phone number, further contacts with the same address)
    /// goes with it, but for what another contact has too. What only the source knows of the person is removed by the next
    /// sync that meets the contact there.
    ///
    /// That the person is left out and that the removal waits is stored before anything else happens. When Meta can not be
    /// asked now, or a sync is running, the removal is sent later. Repeating is harmless.
    ///
    /// # Errors
    /// [`EraseError::Unusable`] when nobody can be found by what was given; then nothing was changed.
    pub fn erase(&self, who: &ErasePerson, cancel: &Cancel) -> Result<ErasureReceipt, EraseError> {
        let wanted = wanted(who, self.country(cancel))?;
        Ok(self.erase_wanted(&wanted, cancel)?)
    }

    /// The location's country, in which a number without a country code is read that somebody types. Without it only
    /// international numbers can be read, which is no reason to find nobody.
    fn country(&self, cancel: &Cancel) -> Option<CountryCode> {
        match self.source.as_deref()?.country(cancel) {
            Ok(country) => country.and_then(|country| country::read(&country).ok()),
            Err(error) => {
                log::warn!("the phone number is read without the location's country: {}", Chain(&error));
                None
            }
        }
    }

    fn erase_wanted(&self, wanted: &Wanted, cancel: &Cancel) -> Result<ErasureReceipt, RunError> {
        let store = &self.store;
        let key = SuppressionKey::load(store)?;
        // Before anybody is looked for: a sync that stores a contact after the look finds it erased, and takes it out.
        store.suppress(&match wanted {
            Wanted::Contact(id) => vec![key.contact(id)],
            Wanted::Person(person) => key.person(person).collect(),
        })?;
        let Known { ids, people, members, shared } = find(store, wanted)?;
        let mut suppressed: Vec<[u8; 32]> = ids.iter().map(|id| key.contact(id)).collect();
        suppressed.extend(people.iter().flat_map(|person| key.person(person)));
        suppressed.sort_unstable();
        suppressed.dedup();
        store.suppress(&suppressed)?;
        let everything: HashSet<PersonHashes> = people.union(&members).copied().collect();
        let removals: Vec<Removal> =
            everything.into_iter().map(|person| Removal { person, cause: RemovalCause::Erased }).collect();
        store.removals_queue(&removals)?;
        let changed = store.contacts_erase(&ids)?;
        let at_meta = if removals.is_empty() { AtMeta::NothingKnown } else { self.remove_now(cancel)? };
        let at = self.clock.now();
        let receipt = ErasureReceipt {
            number: format!("{}-{}", at.format("%Y%m%d"), &uuid::Uuid::new_v4().simple().to_string()[..8]),
            at,
            at_meta,
            contacts: ids.len() as u64,
            records_changed: changed as u64,
            suppressed: suppressed.len() as u64,
            kept_for_others: shared,
        };
        log::info!(
            "erasure {}: {} contacts, {} records changed, {} hashes kept, {} left to others, at Meta: {}",
            receipt.number,
            receipt.contacts,
            receipt.records_changed,
            receipt.suppressed,
            receipt.kept_for_others,
            receipt.at_meta.as_str()
        );
        Ok(receipt)
    }

    /// Sends what waits, unless a sync is running: it would bring the person back, so the removal comes at its end.
    fn remove_now(&self, cancel: &Cancel) -> Result<AtMeta, RunError> {
        let queued = |reason: &str| AtMeta::Queued { reason: reason.to_owned() };
        let Some(meta) = &self.meta else {
            return Ok(queued("META_ACCESS_TOKEN or META_AD_ACCOUNT_ID is not set."));
        };
        let lease = match Lease::take(&self.store, &self.clock, self.lease_ttl, cancel)? {
            Ok(lease) => lease,
            Err(Some(_run)) => return Ok(queued("a sync is running, and the removal follows at its end.")),
            Err(None) => {
                return Ok(queued(
                    "the service is busy for a moment, and the removal follows within minutes.",
                ));
            }
        };
        let now = self.clock.now();
        if removals::is_replacing(&self.store.replacements_open()?, now) {
            return Ok(queued("the members of an audience are being replaced, and the removal follows."));
        }
        match removals::deliver(&lease.store(), meta, now, cancel) {
            Ok(()) => Ok(AtMeta::Removed),
            Err(error @ RunError::Store(_)) => Err(error),
            Err(error) => Ok(queued(&error.explain().message)),
        }
    }
}

fn wanted(who: &ErasePerson, country: Option<CountryCode>) -> Result<Wanted, EraseError> {
    let unusable = |what| move |reason| EraseError::Unusable { what, reason };
    let hashed =
        |normalized: Cow<'_, str>| hash(&normalized).map(|digest| *digest.as_bytes()).ok_or(Reason::Blank);
    match who {
        ErasePerson::Email(raw) => {
            let hash = email::normalize(raw).and_then(hashed).map_err(unusable("e-mail address"))?;
            Ok(Wanted::Person(PersonHashes { email: Some(hash), phone: None }))
        }
        ErasePerson::Phone(raw) => {
            let hash = phone::normalize(raw, country).and_then(hashed).map_err(unusable("phone number"))?;
            Ok(Wanted::Person(PersonHashes { email: None, phone: Some(hash) }))
        }
        ErasePerson::Contact(raw) => match raw.trim() {
            "" => Err(unusable("contact id")(Reason::Blank)),
            id => Ok(Wanted::Contact(id.to_owned())),
        },
    }
}
