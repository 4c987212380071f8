//! The first part of a run: read every contact, read its value, hash its match keys, put it into the spool.

use crate::edges::{ContactList, ContactSource};
use crate::error::RunError;
use crate::grouping::KeyFile;
use crate::leaving::Suppression;
use crate::settings::{OptOutRule, SyncSettings};
use crate::spool::{Spool, SpoolWriter, SpooledContact};
use crate::won::WonValues;
use domain::accounting::Bucket;
use domain::foreign_text::{one_line, presentable};
use domain::log_context;
use domain::ltv::{BadLtv, LtvReading, read_ltv};
use domain::{Cancel, Contact, RawLtv};
use match_keys::{CountryCode, Encoded, Encoder, Field, Outcome};
use sha2::{Digest, Sha256};
use std::sync::mpsc;
use std::time::Duration;

/// The whole list, in the spool.
pub(crate) struct ReadList {
    /// Contacts read, duplicates included: the rows of the spool.
    pub(crate) fetched: u64,
    /// Rows that repeat the id of an earlier row.
    pub(crate) duplicates: Vec<u32>,
    /// (e-mail, phone) of the contacts that could be sent, weighted by their value.
    pub(crate) identities: KeyFile,
    /// Contacts that were read and are counted no more.
    pub(crate) left: u64,
}

/// How often a list is read before the run fails. In a large one somebody comes or goes during nearly every reading.
const READINGS: u32 = 4;

/// What `read` brings, which is told whether it is the last time: while it says that something changed meanwhile, it is
/// repeated after a pause, in which the source catches up and a bulk action may end.
pub(crate) fn read_until_complete<T>(
    pause: Duration,
    cancel: &Cancel,
    read: impl Fn(bool) -> Result<T, RunError>,
) -> Result<T, RunError> {
    for _ in 1..READINGS {
        match read(false) {
            Err(error @ (RunError::CountMismatch { .. } | RunError::OpportunitiesChanged { .. })) => {
                log::warn!("{error}: reading once more in {} s", pause.as_secs());
                cancel.sleep(pause)?;
            }
            complete_or_failed => return complete_or_failed,
        }
    }
    read(true)
}

/// Pages read ahead of the hashing.
const PAGES_AHEAD: usize = 4;

/// Told after every page: the contacts read so far, and how many the list holds.
pub(crate) type PageRead<'a> = dyn Fn(u64, u64) -> Result<(), RunError> + Sync + 'a;

/// Where the values of the contacts come from.
pub(crate) enum ValueSource {
    /// The custom field with this id.
    Field(String),
    /// The sums of their won opportunities.
    Won(WonValues),
}

/// Reads one list.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a dyn ContactSource,
    pub(crate) list: &'a ContactList,
    pub(crate) values: &'a ValueSource,
    /// A new one for each reading is a copy of it.
    pub(crate) encoder: &'a Encoder,
    pub(crate) settings: &'a SyncSettings,
    pub(crate) suppression: &'a Suppression,
    pub(crate) spool: &'a Spool,
    pub(crate) page_read: &'a PageRead<'a>,
    pub(crate) cancel: &'a Cancel,
}

impl Reader<'_> {
    /// Reads the list completely. When the source counts another number of contacts afterwards, the list changed
    /// meanwhile: it is read again, [`READINGS`] times at most, and after that the run fails rather than working with a
    /// part. Nobody is missing when a few have left.
    pub(crate) fn read(&self) -> Result<ReadList, RunError> {
        read_until_complete(self.settings.reread_after, self.cancel, |is_last| self.read_and_count(is_last))
    }

    fn read_and_count(&self, is_last: bool) -> Result<ReadList, RunError> {
        let mut read = self.read_once()?;
        let counted = self.source.count(self.list, self.cancel)?;
        let distinct = read.distinct();
        read.left = distinct.saturating_sub(counted);
        if distinct == counted || (is_last && distinct > counted && read.left <= few_of(distinct)) {
            Ok(read)
        } else {
            Err(RunError::count_mismatch(distinct, counted))
        }
    }

    /// The source is read in a thread of its own, so that the next pages arrive while this one is hashed.
    fn read_once(&self) -> Result<ReadList, RunError> {
        let field_id = match self.values {
            ValueSource::Field(id) => Some(id.as_str()),
            ValueSource::Won(_) => None,
        };
        std::thread::scope(|scope| {
            let (send, receive) = mpsc::sync_channel::<(Vec<Contact>, u64)>(PAGES_AHEAD);
            let context = log_context::current();
            let fetch = scope.spawn(move || {
                let _context = log_context::enter(context);
                self.source.read(self.list, field_id, self.cancel, &mut |contacts, total| {
                    self.cancel.check()?;
                    // The receiver is gone only when the other side failed; its error is the one that counts.
                    send.send((contacts, total)).map_err(|_gone| RunError::Cancelled(domain::Cancelled))
                })
            });
            let spooled = self.spool_pages(receive);
            let fetched = fetch.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let read = spooled?;
            fetched?;
            Ok(read)
        })
    }

    fn spool_pages(&self, pages: mpsc::Receiver<(Vec<Contact>, u64)>) -> Result<ReadList, RunError> {
        let mut contacts: SpoolWriter = self.spool.writer()?;
        let mut ids = KeyFile::new(self.spool.side_file("ids")?);
        let mut identities = KeyFile::new(self.spool.side_file("identities")?);
        let mut encoder = self.encoder.clone();
        let mut row: u32 = 0;
        for (page, total) in pages {
            for contact in page {
                let contact = self.prepare(contact, &mut encoder);
                ids.push(key_of(contact.id.as_bytes()), 0, row)?;
                if let (None, Some(identity)) = (contact.excluded, contact.row.identity()) {
                    identities.push(key_of(&identity), contact.ltv.unwrap_or_default().0, row)?;
                }
                contacts.push(&contact)?;
                row = row.saturating_add(1);
            }
            (self.page_read)(u64::from(row), total.max(u64::from(row)))?;
        }
        contacts.finish()?;
        let mut duplicates = Vec::new();
        ids.surplus(|_| false, |row| duplicates.push(row))?;
        Ok(ReadList { fetched: u64::from(row), duplicates, identities, left: 0 })
    }

    /// Reads the value, hashes the match keys and finds the bucket, in the order of the account.
    fn prepare(&self, contact: Contact, encoder: &mut Encoder) -> SpooledContact {
        let encoded = encoder.encode(&contact);
        let country = contact.phone.as_ref().and(encoded.phone_country).map(CountryCode::letters);
        let reading = match self.values {
            ValueSource::Field(_) => read_ltv(&contact.ltv, self.settings.decimal_mark),
            ValueSource::Won(sums) => sums.of(&contact.id),
        };
        let (ltv, ambiguous) = match reading {
            LtvReading::Value { amount, ambiguous } => (Some(amount), ambiguous),
            _ => (None, false),
        };
        let (excluded, reason) = match reading {
            _ if self.suppression.is_suppressed(&contact.id, encoded.rows()) => {
                (Some(Bucket::Suppressed), None)
            }
            _ if self.opted_out(&contact) => (Some(Bucket::OptedOut), None),
            LtvReading::NoLtv => (Some(Bucket::NoLtv), None),
            LtvReading::BadLtv(why) => (Some(Bucket::BadLtv), Some(why_bad_ltv(why, &contact.ltv))),
            LtvReading::Value { amount, .. } if self.settings.ltv_min.is_some_and(|min| amount < min) => {
                (Some(Bucket::BelowMinimum), None)
            }
            _ if !encoded.row.is_identifiable() => {
                (Some(Bucket::NoIdentifier), Some(why_no_identifier(&encoded)))
            }
            _ => (None, None),
        };
        let mut dropped = [None; match_keys::SCHEMA.len()];
        for (field, reason) in encoded.dropped() {
            dropped[field as usize] = Some(reason);
        }
        SpooledContact {
            id: contact.id,
            email: contact.email,
            phone: contact.phone,
            country,
            first_name: contact.first_name,
            last_name: contact.last_name,
            ltv,
            ambiguous,
            excluded,
            reason,
            row: encoded.row,
            further: encoded.further,
            dropped,
        }
    }

    fn opted_out(&self, contact: &Contact) -> bool {
        let asked = contact.opt_out;
        match self.settings.respect_opt_out {
            OptOutRule::All => asked.all,
            OptOutRule::EmailAndSms => asked.all || (asked.email && asked.sms),
            OptOutRule::Off => false,
        }
    }
}

impl ReadList {
    fn distinct(&self) -> u64 {
        self.fetched - self.duplicates.len() as u64
    }
}

/// How many of that many contacts may leave the list while it is read: one, or one in a thousand.
fn few_of(contacts: u64) -> u64 {
    (contacts / 1000).max(1)
}

/// 128 bits of a SHA-256: far beyond any chance of two of a list being alike.
pub(crate) fn key_of(bytes: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    key
}

/// Most characters of a bad value that are repeated.
const SHOWN_OF_A_BAD_VALUE: usize = 40;

/// From this many digits on a text may hold a phone number or that of a card, however it is written.
const DIGITS_OF_A_PHONE: usize = 7;

/// `the value is not a number: "TBD"`. What stands in the field is repeated, because whoever corrects it looks for it;
/// not when it may be a person's number.
fn why_bad_ltv(why: BadLtv, raw: &RawLtv) -> String {
    match raw {
        RawLtv::Text(text) | RawLtv::Number(text)
            if text.chars().filter(|c| c.is_numeric()).count() >= DIGITS_OF_A_PHONE =>
        {
            format!("{why}: \"***\"")
        }
        RawLtv::Text(text) | RawLtv::Number(text) => {
            format!("{why}: \"{}\"", one_line(&presentable(text, &[]), SHOWN_OF_A_BAD_VALUE))
        }
        RawLtv::Absent | RawLtv::NotScalar => why.to_string(),
    }
}

/// `E-mail: empty; Phone: not a possible phone number`.
fn why_no_identifier(encoded: &Encoded) -> String {
    let reasons: Vec<String> = [Field::Email, Field::Phone]
        .into_iter()
        .filter_map(|field| match encoded.outcome(field) {
            Outcome::Dropped(reason) => Some(format!("{}: {reason}", field.title())),
            Outcome::Blank => Some(format!("{}: empty", field.title())),
            Outcome::Hashed | Outcome::AlreadyHashed => None,
        })
        .collect();
    reasons.join("; ")
}

#[cfg(test)]
mod tests;
