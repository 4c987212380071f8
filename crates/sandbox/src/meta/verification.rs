//! What an audience received against what is true of the people: the proof of a whole run.
//!
//! The truth is hashed here, from the addresses and numbers the sandbox knows; nothing of what the client did is used.
//! Rows and truths are sorted in temporary files and laid side by side. Only what differs is held.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::iter::Peekable;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::members::{Key, Member};
use crate::people::{Expectation, Person, PersonIndex, Population};
use crate::sorter::{Sorted, Sorter};
use crate::temporary::part;

/// How many ids are named of each kind of difference.
const NAMED: usize = 20;

/// The outcome. A perfect upload has `distinct_persons == expected` and nothing missing, unexpected or wrong.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verification {
    /// People who had to be sent.
    pub expected: usize,
    /// Accepted rows, with repetitions.
    pub received_rows: usize,
    /// Expected people of whom every row arrived: e-mail address and phone in one, each further one in one more.
    pub distinct_persons: usize,
    /// The first 20 contact ids of expected people of whom a row did not.
    pub missing: Vec<String>,
    pub missing_count: usize,
    /// Distinct rows that are no expected person's.
    pub unexpected: usize,
    /// The first 20 contact ids of known people among them; the row's hashes where nobody is known.
    pub unexpected_rows: Vec<String>,
    /// Rows that repeat an earlier one.
    pub duplicates: usize,
    pub wrong_values: Vec<WrongValue>,
    pub wrong_value_count: usize,
}

/// A person whose value is not the percentile, at least 1.
#[derive(Debug, Serialize)]
pub(super) struct WrongValue {
    pub id: String,
    pub expected: f64,
    /// `None` when no value was sent.
    pub got: Option<f64>,
}

/// E-mail and phone, position, value.
const ROW: usize = PAIR + 8 + 8;
/// E-mail and phone, person, which of the person's rows, value.
const TRUTH: usize = PAIR + 4 + 4 + 1;
const PAIR: usize = 16 + 16;

/// Both keys of a row.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Pair([u8; PAIR]);

impl Pair {
    fn new(email: Key, phone: Key) -> Self {
        let mut pair = [0; PAIR];
        pair[..16].copy_from_slice(&email.0);
        pair[16..].copy_from_slice(&phone.0);
        Self(pair)
    }

    fn email(&self) -> Key {
        Key(part(&self.0, 0))
    }

    fn phone(&self) -> Key {
        Key(part(&self.0, 16))
    }
}

/// The rows of an audience, collected for a comparison.
pub(super) struct Received {
    rows: Sorter<ROW>,
    count: usize,
}

impl Received {
    /// Reads all rows of an audience.
    ///
    /// # Errors
    /// A temporary file that can not be used.
    pub fn of(members: impl Iterator<Item = io::Result<Member>>) -> io::Result<Self> {
        let mut received = Self { rows: Sorter::new(), count: 0 };
        for member in members {
            let member = member?;
            let mut row = [0; ROW];
            row[..PAIR].copy_from_slice(&Pair::new(member.email, member.phone).0);
            row[PAIR..PAIR + 8].copy_from_slice(&(received.count as u64).to_be_bytes());
            row[PAIR + 8..].copy_from_slice(&member.value.unwrap_or(f64::NAN).to_be_bytes());
            received.rows.push(row)?;
            received.count += 1;
        }
        Ok(received)
    }
}

/// A distinct row; of a repeated one the last.
#[derive(Clone, Copy)]
struct Row {
    pair: Pair,
    position: u64,
    value: Option<f64>,
    /// It is an expected person's.
    claimed: bool,
}

/// The distinct rows by their keys, and those of them that were nobody's.
struct Rows {
    sorted: Peekable<Sorted<ROW>>,
    current: Option<Row>,
    distinct: usize,
    unclaimed: Vec<Row>,
}

impl Rows {
    fn new(sorted: Sorted<ROW>) -> io::Result<Self> {
        let mut rows = Self { sorted: sorted.peekable(), current: None, distinct: 0, unclaimed: Vec::new() };
        rows.pass()?;
        Ok(rows)
    }

    /// Leaves the current row behind.
    fn pass(&mut self) -> io::Result<()> {
        self.unclaimed.extend(self.current.take().filter(|row| !row.claimed));
        let Some(mut row) = self.sorted.next().transpose()? else { return Ok(()) };
        let repeats =
            |next: &io::Result<[u8; ROW]>| next.as_ref().is_ok_and(|next| next[..PAIR] == row[..PAIR]);
        let mut last = None;
        while let Some(again) = self.sorted.next_if(repeats) {
            last = Some(again?);
        }
        if let Some(last) = last {
            row = last;
        }
        let value = f64::from_be_bytes(part(&row, PAIR + 8));
        self.distinct += 1;
        self.current = Some(Row {
            pair: Pair(part(&row, 0)),
            position: u64::from_be_bytes(part(&row, PAIR)),
            value: (!value.is_nan()).then_some(value),
            claimed: false,
        });
        Ok(())
    }

    /// The row with exactly these keys. They are asked for in order.
    fn claim(&mut self, pair: Pair) -> io::Result<Option<Row>> {
        while self.current.is_some_and(|row| row.pair < pair) {
            self.pass()?;
        }
        Ok(self.current.as_mut().filter(|row| row.pair == pair).map(|row| {
            row.claimed = true;
            *row
        }))
    }
}

/// A row that must arrive.
struct Truth {
    pair: Pair,
    person: PersonIndex,
    /// Of the person's rows.
    nth: u32,
    /// The percentile, at least 1.
    value: u8,
}

/// Every row that must arrive, by its keys; and how many people they are of.
fn truths(population: &Population) -> io::Result<(impl Iterator<Item = io::Result<Truth>>, usize)> {
    let (mut truths, mut people) = (Sorter::<TRUTH>::new(), 0);
    for person in population.people().filter(|person| person.expected == Expectation::Sent) {
        people += 1;
        for (nth, (email, phone)) in (0_u32..).zip(keys(&person)) {
            let mut truth = [0; TRUTH];
            truth[..PAIR].copy_from_slice(&Pair::new(email, phone).0);
            truth[PAIR..PAIR + 4].copy_from_slice(&person.index.to_be_bytes());
            truth[PAIR + 4..PAIR + 8].copy_from_slice(&nth.to_be_bytes());
            truth[PAIR + 8] = person.expected_percentile.unwrap_or(0).max(1);
            truths.push(truth)?;
        }
    }
    let truths = truths.sorted()?.map(|truth| {
        truth.map(|truth| Truth {
            pair: Pair(part(&truth, 0)),
            person: PersonIndex::from_be_bytes(part(&truth, PAIR)),
            nth: u32::from_be_bytes(part(&truth, PAIR + 4)),
            value: truth[PAIR + 8],
        })
    });
    Ok((truths, people))
}

/// Rows nobody claimed, for people of whom only the e-mail address or only the phone is known: such a row has it, beside a
/// cell we know nothing about.
struct Unclaimed {
    rows: Vec<Row>,
    by_email: HashMap<Key, Vec<usize>>,
    by_phone: HashMap<Key, Vec<usize>>,
}

impl Unclaimed {
    /// In the order received.
    fn new(mut rows: Vec<Row>) -> Self {
        rows.sort_unstable_by_key(|row| row.position);
        let mut unclaimed = Self { rows, by_email: HashMap::new(), by_phone: HashMap::new() };
        for (at, row) in unclaimed.rows.iter().enumerate() {
            unclaimed.by_email.entry(row.pair.email()).or_default().push(at);
            unclaimed.by_phone.entry(row.pair.phone()).or_default().push(at);
        }
        unclaimed
    }

    fn claim_partial(&mut self, pair: Pair) -> Option<Row> {
        let (email, phone) = (pair.email(), pair.phone());
        let rows = match (email.is_empty(), phone.is_empty()) {
            (false, true) => self.by_email.get(&email),
            (true, false) => self.by_phone.get(&phone),
            _ => None,
        };
        let at = *rows?.iter().find(|at| !self.rows[**at].claimed)?;
        self.rows[at].claimed = true;
        Some(self.rows[at])
    }
}

/// What differs, by person.
#[derive(Default)]
struct Differences {
    /// Rows that did not arrive exactly.
    wanting: BTreeMap<PersonIndex, Vec<Truth>>,
    /// The first row with a wrong value: which of the person's rows, and that value.
    wrong: BTreeMap<PersonIndex, (u32, Option<f64>)>,
}

impl Differences {
    fn arrived(&mut self, truth: &Truth, got: Option<f64>) {
        if got == Some(truth.value.into()) {
            return;
        }
        let first = self.wrong.entry(truth.person).or_insert((truth.nth, got));
        if truth.nth < first.0 {
            *first = (truth.nth, got);
        }
    }

    /// Gives people of whom a row is wanting what nobody else claimed. Last, so that nobody takes away a row that is exactly
    /// another one's. Leaves the people of whom a row is missing, whose values are not judged.
    fn settle(&mut self, unclaimed: &mut Unclaimed) {
        for (person, mut wanting) in std::mem::take(&mut self.wanting) {
            wanting.sort_unstable_by_key(|truth| truth.nth);
            let claimed = wanting.iter().map_while(|truth| unclaimed.claim_partial(truth.pair));
            let claimed: Vec<Row> = claimed.collect();
            if claimed.len() < wanting.len() {
                self.wrong.remove(&person);
                self.wanting.insert(person, wanting);
            } else if !self.wrong.contains_key(&person) {
                for (truth, row) in wanting.iter().zip(claimed) {
                    self.arrived(truth, row.value);
                }
            }
        }
    }
}

/// Compares all rows with all people.
///
/// # Errors
/// A temporary file that can not be used.
pub(super) fn verify(received: Received, population: &Population) -> io::Result<Verification> {
    let (truths, expected) = truths(population)?;
    let mut rows = Rows::new(received.rows.sorted()?)?;
    let mut differences = Differences::default();
    for truth in truths {
        let truth = truth?;
        match rows.claim(truth.pair)? {
            Some(row) => differences.arrived(&truth, row.value),
            None => differences.wanting.entry(truth.person).or_default().push(truth),
        }
    }
    while rows.current.is_some() {
        rows.pass()?;
    }
    let mut unclaimed = Unclaimed::new(rows.unclaimed);
    differences.settle(&mut unclaimed);
    let Differences { wanting: missing, wrong } = differences;
    let person = |index: &PersonIndex| population.person(*index);
    let wrong_value = |(index, (_, got)): (&PersonIndex, &(u32, Option<f64>))| {
        let Person { id, expected_percentile, .. } = person(index)?;
        Some(WrongValue { id, expected: expected_percentile.unwrap_or(0).max(1).into(), got: *got })
    };
    let unexpected: Vec<Row> = unclaimed.rows.into_iter().filter(|row| !row.claimed).collect();
    Ok(Verification {
        expected,
        received_rows: received.count,
        distinct_persons: expected - missing.len(),
        missing: missing.keys().take(NAMED).filter_map(person).map(|person| person.id).collect(),
        missing_count: missing.len(),
        unexpected: unexpected.len(),
        unexpected_rows: owners(&unexpected[..unexpected.len().min(NAMED)], population),
        duplicates: received.count - rows.distinct,
        wrong_values: wrong.iter().take(NAMED).filter_map(wrong_value).collect(),
        wrong_value_count: wrong.len(),
    })
}

/// The contact each row probably belongs to, or its keys.
fn owners(rows: &[Row], population: &Population) -> Vec<String> {
    let hashes =
        |row: &Row| [row.pair.email(), row.pair.phone()].map(|key| key.hex().unwrap_or_default()).join("/");
    let mut owners: Vec<String> = rows.iter().map(hashes).collect();
    if rows.is_empty() {
        return owners;
    }
    for person in population.people() {
        for (email, phone) in keys(&person) {
            for (row, owner) in rows.iter().zip(&mut owners) {
                let same = |ours: Key, theirs: Key| !ours.is_empty() && ours == theirs;
                if same(email, row.pair.email()) || same(phone, row.pair.phone()) {
                    owner.clone_from(&person.id);
                }
            }
        }
    }
    owners
}

/// Of every row that must arrive for a person.
fn keys(person: &Person) -> impl Iterator<Item = (Key, Key)> {
    person.rows().map(|(email, phone)| (key(email), key(phone)))
}

/// Empty for an empty truth.
fn key(truth: &str) -> Key {
    let hash = (!truth.is_empty()).then(|| Sha256::digest(truth.as_bytes()).into());
    Key::of(hash.as_ref())
}
