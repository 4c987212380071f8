//! The contacts of a run that were not sent, on its page: the first of them with the reason, and files with all.

use crate::app::App;
use crate::wording::{UNKNOWN, Wording, ghl_contact, grouped};
use domain::foreign_text::presentable;
use domain::{Bucket, RunId};
use persistence::{RunContact, StoreError};

/// Contacts shown on the page.
const SHOWN: u32 = 100;

/// Who can be repaired comes first.
const ORDER: [Bucket; 8] = [
    Bucket::RefusedByMeta,
    Bucket::BadLtv,
    Bucket::NoIdentifier,
    Bucket::NoLtv,
    Bucket::BelowMinimum,
    Bucket::Merged,
    Bucket::OptedOut,
    Bucket::Suppressed,
];

/// What the page shows of them.
pub(super) struct ProblemRows {
    /// `100 of 1,234`.
    pub(super) shown: String,
    pub(super) rows: Vec<ProblemRow>,
    pub(super) files: Vec<ContactsFile>,
}

/// One contact.
pub(super) struct ProblemRow {
    pub(super) contact_id: String,
    pub(super) link: Option<String>,
    pub(super) bucket: &'static str,
    pub(super) reason: Option<String>,
    pub(super) ltv: String,
}

/// A file to download.
pub(super) struct ContactsFile {
    pub(super) word: &'static str,
    pub(super) title: &'static str,
    pub(super) count: String,
}

impl ProblemRows {
    /// `None` when no contacts are stored for the run. Blocks.
    pub(super) fn read(app: &App, run: RunId, wording: &Wording) -> Result<Option<Self>, StoreError> {
        let counts = app.store.contacts_count_by_bucket(run)?;
        let stored = |wanted| counts.iter().find(|(bucket, _)| *bucket == wanted).map(|(_, count)| *count);
        let mut rows = Vec::new();
        for bucket in ORDER.into_iter().filter(|bucket| stored(*bucket).is_some()) {
            let room = SHOWN.saturating_sub(u32::try_from(rows.len()).unwrap_or(SHOWN));
            let part = app.store.contacts_of_bucket(run, bucket, None, room)?;
            let location = app.location_id.as_deref();
            rows.extend(part.contacts.iter().map(|contact| ProblemRow::new(contact, location, wording)));
        }
        let file = |bucket: Bucket| {
            let count = grouped(stored(bucket)?);
            Some(ContactsFile { word: bucket.as_str(), title: bucket.title(), count })
        };
        let files: Vec<_> = ORDER.into_iter().chain([Bucket::Sent]).filter_map(file).collect();
        let not_sent: u64 = ORDER.into_iter().filter_map(stored).sum();
        let shown = format!("{} of {}", grouped(rows.len() as u64), grouped(not_sent));
        Ok((!files.is_empty()).then_some(Self { shown, rows, files }))
    }
}

impl ProblemRow {
    fn new(contact: &RunContact, location: Option<&str>, wording: &Wording) -> Self {
        Self {
            contact_id: contact.ghl_contact_id.clone(),
            link: link(contact, location),
            bucket: contact.bucket.title(),
            reason: contact.reason.as_deref().map(|reason| presentable(reason, &[])),
            ltv: contact.raw_ltv.map_or_else(|| UNKNOWN.to_owned(), |amount| wording.money(amount)),
        }
    }
}

/// The contact's page in GoHighLevel; `None` while the location is not set, and for a person who was erased.
pub(super) fn link(contact: &RunContact, location: Option<&str>) -> Option<String> {
    let location = location.filter(|_| !contact.is_erased())?;
    Some(ghl_contact(location, &contact.ghl_contact_id))
}
