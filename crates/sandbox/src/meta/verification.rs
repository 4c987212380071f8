//! What an audience received against what is true of the people: the proof of a whole run.
//!
//! The truth is hashed here, from the addresses and numbers the sandbox knows; nothing of what the client did is used.

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::members::{Key, Member};
use crate::people::{Expectation, Person, Population};

/// How many ids are named of each kind of difference.
const NAMED: usize = 20;

/// The outcome. A perfect upload has `distinct_persons == expected` and nothing missing, unexpected or wrong.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verification {
    /// People who had to be sent.
    pub expected: usize,
    /// Accepted rows, with repetitions.
    pub received_rows: usize,
    /// Expected people of whom every truth (e-mail address and phone) arrived in one row.
    pub distinct_persons: usize,
    /// The first 20 contact ids of expected people who did not.
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
struct Rows<'a> {
    /// By both keys; of a repeated row the last.
    exact: HashMap<(Key, Key), usize>,
    by_email: HashMap<Key, Vec<usize>>,
    by_phone: HashMap<Key, Vec<usize>>,
    members: &'a [Member],
    claimed: Vec<bool>,
}

impl<'a> Rows<'a> {
    fn new(members: &'a [Member]) -> Self {
        let mut exact = HashMap::with_capacity(members.len());
        for (row, member) in members.iter().enumerate() {
            exact.insert((member.email, member.phone), row);
        }
        let mut rows = Self {
            exact,
            by_email: HashMap::new(),
            by_phone: HashMap::new(),
            members,
            claimed: vec![false; members.len()],
        };
        for ((email, phone), row) in &rows.exact {
            rows.by_email.entry(*email).or_default().push(*row);
            rows.by_phone.entry(*phone).or_default().push(*row);
        }
        rows
    }

    /// The row with exactly the person's truths.
    fn claim_exact(&mut self, email: Key, phone: Key) -> Option<&Member> {
        let row = *self.exact.get(&(email, phone))?;
        self.claimed[row] = true;
        Some(&self.members[row])
    }

    /// For a person with one truth: a row nobody claimed that has it, beside a cell we know nothing about.
    fn claim_partial(&mut self, email: Key, phone: Key) -> Option<&Member> {
        let rows = match (email.is_empty(), phone.is_empty()) {
            (false, true) => self.by_email.get(&email),
            (true, false) => self.by_phone.get(&phone),
            _ => None,
        };
        let row = *rows?.iter().find(|row| !self.claimed[**row])?;
        self.claimed[row] = true;
        Some(&self.members[row])
    }
}

/// Compares all rows with all people.
pub(super) fn verify(members: &[Member], population: &Population) -> Verification {
    let mut rows = Rows::new(members);
    let mut result = Verification {
        received_rows: members.len(),
        duplicates: members.len() - rows.exact.len(),
        ..Verification::default()
    };
    let mut not_exact = Vec::new();
    for person in population.people().filter(|person| person.expected == Expectation::Sent) {
        result.expected += 1;
        let (email, phone) = (key(&person.email_truth), key(&person.phone_truth_digits));
        match rows.claim_exact(email, phone) {
            Some(member) => result.found(&person, member),
            None => not_exact.push(person.index),
        }
    }
    for person in not_exact.into_iter().filter_map(|index| population.person(index)) {
        let (email, phone) = (key(&person.email_truth), key(&person.phone_truth_digits));
        match rows.claim_partial(email, phone) {
            Some(member) => result.found(&person, member),
            None => {
                result.missing_count += 1;
                if result.missing.len() < NAMED {
                    result.missing.push(person.id);
                }
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
    fn found(&mut self, person: &Person, member: &Member) {
        self.distinct_persons += 1;
        let expected = f64::from(person.expected_percentile.unwrap_or(0).max(1));
        if member.value() != Some(expected) {
            self.wrong_value_count += 1;
            if self.wrong_values.len() < NAMED {
                self.wrong_values.push(WrongValue { id: person.id.clone(), expected, got: member.value() });
            }
        }
    }
}

/// The contact each row probably belongs to, or its keys.
fn owners(rows: &[Member], population: &Population) -> Vec<String> {
    let keys = |row: &Member| [row.email, row.phone].map(|key| key.hex().unwrap_or_default()).join("/");
    let mut owners: Vec<String> = rows.iter().map(keys).collect();
    if rows.is_empty() {
        return owners;
    }
    for person in population.people() {
        let (email, phone) = (key(&person.email_truth), key(&person.phone_truth_digits));
        for (row, owner) in rows.iter().zip(&mut owners) {
            if (!email.is_empty() && email == row.email) || (!phone.is_empty() && phone == row.phone) {
                owner.clone_from(&person.id);
            }
        }
    }
    owners
}

/// Empty for an empty truth.
fn key(truth: &str) -> Key {
    let hash = (!truth.is_empty()).then(|| Sha256::digest(truth.as_bytes()).into());
    Key::of(hash.as_ref())
}
