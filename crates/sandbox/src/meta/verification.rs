//! What an audience received against what is true of the people: the proof of a whole run.
//!
//! The truth is hashed here, from the addresses and numbers the sandbox knows; nothing of what the client did is used.

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::members::{Key, Member};
use crate::people::{Expectation, Person, PersonIndex, Population};

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

/// The distinct rows of the audience, and which of them have found their person.
struct Rows {
    /// By both keys; of a repeated row the last.
    exact: HashMap<(Key, Key), usize>,
    by_email: HashMap<Key, Vec<usize>>,
    by_phone: HashMap<Key, Vec<usize>>,
    claimed: Vec<bool>,
}

impl Rows {
    fn new(members: &[Member]) -> Self {
        let mut exact = HashMap::with_capacity(members.len());
        for (row, member) in members.iter().enumerate() {
            exact.insert((member.email, member.phone), row);
        }
        let mut rows = Self {
            exact,
            by_email: HashMap::new(),
            by_phone: HashMap::new(),
            claimed: vec![false; members.len()],
        };
        for ((email, phone), row) in &rows.exact {
            rows.by_email.entry(*email).or_default().push(*row);
            rows.by_phone.entry(*phone).or_default().push(*row);
        }
        rows
    }

    /// The row with exactly these truths.
    fn claim_exact(&mut self, email: Key, phone: Key) -> Option<usize> {
        let row = *self.exact.get(&(email, phone))?;
        self.claimed[row] = true;
        Some(row)
    }

    /// For a single truth: a row nobody claimed that has it, beside a cell we know nothing about.
    fn claim_partial(&mut self, email: Key, phone: Key) -> Option<usize> {
        let rows = match (email.is_empty(), phone.is_empty()) {
            (false, true) => self.by_email.get(&email),
            (true, false) => self.by_phone.get(&phone),
            _ => None,
        };
        let row = *rows?.iter().find(|row| !self.claimed[**row])?;
        self.claimed[row] = true;
        Some(row)
    }
}

/// An expected person of whom not every row arrived exactly.
struct Incomplete {
    person: PersonIndex,
    arrived: Vec<usize>,
    wanting: Vec<(Key, Key)>,
}

/// Compares all rows with all people.
pub(super) fn verify(members: &[Member], population: &Population) -> Verification {
    let mut rows = Rows::new(members);
    let mut result = Verification {
        received_rows: members.len(),
        duplicates: members.len() - rows.exact.len(),
        ..Verification::default()
    };
    let mut incomplete = Vec::new();
    for person in population.people().filter(|person| person.expected == Expectation::Sent) {
        result.expected += 1;
        let (mut arrived, mut wanting) = (Vec::new(), Vec::new());
        for (email, phone) in keys(&person) {
            match rows.claim_exact(email, phone) {
                Some(row) => arrived.push(row),
                None => wanting.push((email, phone)),
            }
        }
        if wanting.is_empty() {
            result.found(&person, arrived.iter().map(|row| &members[*row]));
        } else {
            incomplete.push(Incomplete { person: person.index, arrived, wanting });
        }
    }
    // Last, so that nobody takes away a row that is exactly another one's.
    for Incomplete { person, mut arrived, wanting } in incomplete {
        let Some(person) = population.person(person) else { continue };
        let claimed = wanting.iter().map_while(|(email, phone)| rows.claim_partial(*email, *phone));
        let claimed: Vec<usize> = claimed.collect();
        if claimed.len() == wanting.len() {
            arrived.extend(claimed);
            result.found(&person, arrived.iter().map(|row| &members[*row]));
        } else {
            result.missing_count += 1;
            if result.missing.len() < NAMED {
                result.missing.push(person.id);
            }
        }
    }
    let mut unclaimed: Vec<usize> = rows.exact.values().copied().filter(|row| !rows.claimed[*row]).collect();
    unclaimed.sort_unstable();
    result.unexpected = unclaimed.len();
    unclaimed.truncate(NAMED);
    result.unexpected_rows =
        owners(&unclaimed.into_iter().map(|row| members[row]).collect::<Vec<_>>(), population);
    result
}

impl Verification {
    fn found<'a>(&mut self, person: &Person, mut rows: impl Iterator<Item = &'a Member>) {
        self.distinct_persons += 1;
        let expected = f64::from(person.expected_percentile.unwrap_or(0).max(1));
        if let Some(wrong) = rows.find(|row| row.value() != Some(expected)) {
            self.wrong_value_count += 1;
            if self.wrong_values.len() < NAMED {
                self.wrong_values.push(WrongValue { id: person.id.clone(), expected, got: wrong.value() });
            }
        }
    }
}

/// The contact each row probably belongs to, or its keys.
fn owners(rows: &[Member], population: &Population) -> Vec<String> {
    let hashes = |row: &Member| [row.email, row.phone].map(|key| key.hex().unwrap_or_default()).join("/");
    let mut owners: Vec<String> = rows.iter().map(hashes).collect();
    if rows.is_empty() {
        return owners;
    }
    for person in population.people() {
        for (email, phone) in keys(&person) {
            for (row, owner) in rows.iter().zip(&mut owners) {
                if (!email.is_empty() && email == row.email) || (!phone.is_empty() && phone == row.phone) {
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
