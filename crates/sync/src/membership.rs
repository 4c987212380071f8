//! Who the audience is to hold: the rows of the contacts that are sent, in batches, read from the spool as often as
//! needed.

use crate::error::RunError;
use crate::spool::{Spool, SpooledContact};
use domain::SentValues;
use domain::accounting::Bucket;
use match_keys::{Cell, Columns, Digest, Field, Row, SCHEMA, hash};
use meta::{DataProcessing, MAX_ROWS_PER_BATCH, MemberValue, UserRows};
use persistence::PersonHashes;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::sync::mpsc::SyncSender;

/// The file of a spool that lets another process deliver the same rows.
const PLAN: &str = "plan";

/// Which columns an upload has. Every batch of a session must have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schema {
    /// Year, month and day of birth are among the match keys.
    pub(crate) birthdays: bool,
    /// The columns for Limited Data Use stand behind them.
    pub(crate) limited_data_use: bool,
}

impl Schema {
    fn columns(self) -> Columns {
        if self.birthdays { Columns::WithBirthday } else { Columns::Plain }
    }

    /// An empty batch with these columns.
    fn rows(self) -> UserRows {
        let keys = self.columns().keys();
        if self.limited_data_use { UserRows::with_data_processing(keys) } else { UserRows::new(keys) }
    }
}

/// The rows of all contacts that are sent.
pub(crate) struct Membership<'a> {
    pub(crate) spool: &'a Spool,
    plan: Plan,
}

#[derive(Serialize, Deserialize)]
struct Plan {
    values: SentValues,
    schema: Schema,
    /// Per contact of the spool, `1` when it is sent and `0` when not.
    sent: String,
}

/// Whose row it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    /// The contact's place in the spool.
    pub(crate) contact: u32,
    /// The place among the rows of the contact.
    pub(crate) row: u8,
}

/// One row of a contact.
pub(crate) struct Member {
    pub(crate) owner: Owner,
    pub(crate) row: Row,
    /// In hundredths.
    pub(crate) value: NonZeroU32,
}

/// Rows for one request. The rows of a contact are never torn apart.
pub(crate) struct Batch {
    pub(crate) rows: UserRows,
    /// Whose row each is.
    pub(crate) owners: Vec<Owner>,
    /// Whether no other batch follows.
    pub(crate) last: bool,
}

impl Member {
    /// What a person is told apart by.
    pub(crate) fn hashes(&self) -> PersonHashes {
        hashes_of(&self.row)
    }

    /// What is kept of the member beside the hashes: whoever has another one is delivered again. The value comes first,
    /// because the higher one counts of two rows with the same hashes; a contact who moved to or from California is sent
    /// another flag of Limited Data Use.
    pub(crate) fn delivered_as(&self) -> u32 {
        let limited = self.processing() == DataProcessing::LimitedInCalifornia;
        self.value.get() * 2 + u32::from(limited)
    }

    fn processing(&self) -> DataProcessing {
        if is_californian(&self.row) {
            DataProcessing::LimitedInCalifornia
        } else {
            DataProcessing::Unlimited
        }
    }
}

impl<'a> Membership<'a> {
    pub(crate) fn new(spool: &'a Spool, buckets: &[Bucket], values: SentValues, schema: Schema) -> Self {
        let sent = buckets.iter().map(|bucket| if *bucket == Bucket::Sent { '1' } else { '0' }).collect();
        Self { spool, plan: Plan { values, schema, sent } }
    }

    /// The columns of every batch.
    pub(crate) fn schema(&self) -> Schema {
        self.plan.schema
    }

    /// Writes down, beside the contacts, everything that is needed to deliver the same rows after a crash.
    pub(crate) fn write_plan(&self) -> Result<(), RunError> {
        let plan = serde_json::to_vec(&self.plan).map_err(|error| RunError::spool("write")(error.into()))?;
        self.spool.write_durably(PLAN, &plan)
    }

    /// The membership that an earlier process wrote down, or `None` when there is none.
    pub(crate) fn from_plan(spool: &'a Spool) -> Result<Option<Self>, RunError> {
        let Some(plan) = spool.read_side_file(PLAN)? else { return Ok(None) };
        let plan = serde_json::from_slice(&plan).map_err(|error| RunError::spool("read")(error.into()))?;
        Ok(Some(Self { spool, plan }))
    }

    /// Calls `take` with the rows of each contact that is sent, in the order of the spool.
    pub(crate) fn for_each_contact(
        &self,
        mut take: impl FnMut(&[Member]) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let mut members = Vec::new();
        let sent = self.plan.sent.bytes().map(|sent| sent == b'1');
        for ((at, sent), contact) in (0_u32..).zip(sent).zip(self.spool.contacts()?) {
            let contact = contact?;
            if sent {
                members.clear();
                self.rows_of(at, &contact, &mut members);
                take(&members)?;
            }
        }
        Ok(())
    }

    fn rows_of(&self, at: u32, contact: &SpooledContact, out: &mut Vec<Member>) {
        let value = self.plan.values.hundredths(contact.ltv.unwrap_or_default());
        let rows = std::iter::once(&contact.row).chain(&contact.further);
        out.extend((0..).zip(rows).map(|(number, row)| Member {
            owner: Owner { contact: at, row: number },
            row: *row,
            value,
        }));
    }

    /// Encodes the wanted rows and hands them over batch by batch; the last one says so. Ends early without an error when
    /// nobody takes them any more: the other side has failed and tells why.
    pub(crate) fn encode(
        &self,
        mut wanted: impl FnMut(&Member) -> bool,
        batches: &SyncSender<Batch>,
    ) -> Result<(), RunError> {
        // Only the end of the spool tells that a full batch was the last one, so one is held back.
        let mut waiting: Option<Batch> = None;
        let mut gone = false;
        let mut filling = self.empty_batch();
        self.for_each_contact(|members| {
            if gone {
                return Ok(());
            }
            if filling.rows.len() + members.len() > MAX_ROWS_PER_BATCH {
                let full = std::mem::replace(&mut filling, self.empty_batch());
                gone = waiting.replace(full).is_some_and(|batch| batches.send(batch).is_err());
            }
            for member in members {
                if wanted(member) {
                    self.push(&mut filling, member)?;
                }
            }
            Ok(())
        })?;
        if filling.rows.is_empty() {
            filling = match waiting.take() {
                Some(batch) => batch,
                None => return Ok(()),
            };
        }
        filling.last = true;
        for batch in waiting.into_iter().chain([filling]) {
            if gone || batches.send(batch).is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn empty_batch(&self) -> Batch {
        let owners = Vec::with_capacity(MAX_ROWS_PER_BATCH);
        Batch { rows: self.plan.schema.rows(), owners, last: false }
    }

    fn push(&self, batch: &mut Batch, member: &Member) -> Result<(), RunError> {
        let cells = member.row.cells().each_ref().map(|cell| cell.as_ref().map(Digest::as_bytes));
        let width = self.plan.schema.columns().keys().len();
        let cells = &cells[..width];
        let value = MemberValue::from_hundredths(member.value);
        let processing = self.plan.schema.limited_data_use.then(|| member.processing());
        batch.rows.push_row(cells, Some(value), processing).map_err(RunError::Row)?;
        batch.owners.push(member.owner);
        Ok(())
    }
}

/// What the person of a row is told apart by.
pub(crate) fn hashes_of(row: &Row) -> PersonHashes {
    let hash = |field| row.cell(field).map(|digest| *digest.as_bytes());
    PersonHashes { email: hash(Field::Email), phone: hash(Field::Phone) }
}

/// The rows that name people for a removal: their hashed e-mail address and phone number are enough.
pub(crate) fn removal_rows(people: &[PersonHashes]) -> Result<UserRows, RunError> {
    const KEYS: [&str; 2] = [SCHEMA[Field::Email as usize], SCHEMA[Field::Phone as usize]];
    let mut rows = UserRows::without_values(&KEYS);
    for person in people {
        rows.push_row(&[person.email.as_ref(), person.phone.as_ref()], None, None).map_err(RunError::Row)?;
    }
    Ok(rows)
}

/// How the state of a Californian reads: as Meta's two letters, and as it was written where the location's country has
/// states of its own.
static CALIFORNIA: LazyLock<[Cell; 5]> =
    LazyLock::new(|| ["ca", "california", "calif", "cal", "cali"].map(hash));
static UNITED_STATES: LazyLock<Cell> = LazyLock::new(|| hash("us"));

/// California by the state, unless the country says that the word is something else there. A contact without a readable
/// country counts: limiting too much costs a little, limiting too little breaks the law.
fn is_californian(row: &Row) -> bool {
    let country = row.cell(Field::Country);
    CALIFORNIA.contains(&row.cell(Field::State)) && (country.is_none() || country == *UNITED_STATES)
}
