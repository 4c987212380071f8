//! An audience and what can be said of it: size, delivery status, operation status.

use std::collections::HashMap;
use std::io;

use chrono::{DateTime, Utc};

use super::lookalikes::Lookalike;
use super::member_file::MemberFile;
use super::members::{Member, PersonSet};
use super::payload::Family;
use super::session::{Purpose, Session};
use super::settings::MetaSettings;
use super::{Instants, seconds};
use crate::people::Population;

/// Fewer matched people than this deliver nothing and seed nothing.
pub(super) const MINIMUM: u32 = 100;

/// One audience; a deleted one is kept so that a test can see that it was.
pub(super) struct Audience {
    pub id: u64,
    pub name: String,
    pub description: String,
    pub created_at: DateTime<Utc>,
    pub content_updated_at: Option<DateTime<Utc>>,
    pub deleted: bool,
    pub kind: Kind,
}

pub(super) enum Kind {
    List(CustomerList),
    Lookalike(Lookalike),
}

/// A customer file audience.
#[derive(Default)]
pub(super) struct CustomerList {
    pub value_based: bool,
    pub customer_file_source: String,
    pub retention_days: Option<u32>,
    pub opt_out_link: Option<String>,
    /// How many more calls to `/users` fail with 803.
    pub refusals: u32,
    pub family: Option<Family>,
    /// Every accepted row in the order received; a row sent twice stands twice here and counts once in any size.
    pub members: MemberFile,
    pub sessions: Vec<Session>,
}

/// Who was matched, of the sessions that are settled.
#[derive(Default)]
pub(super) struct Size {
    pub rows: u32,
    pub matched: u32,
    /// Lower-case ISO code and distinct people.
    pub by_country: HashMap<[u8; 2], u32>,
}

impl Audience {
    pub fn list(&self) -> Option<&CustomerList> {
        match &self.kind {
            Kind::List(list) => Some(list),
            Kind::Lookalike(_) => None,
        }
    }

    pub fn lookalike(&self) -> Option<&Lookalike> {
        match &self.kind {
            Kind::List(_) => None,
            Kind::Lookalike(lookalike) => Some(lookalike),
        }
    }

    /// What is visible of a customer list; nothing of a lookalike.
    ///
    /// # Errors
    /// A temporary file that can not be read.
    pub fn size(&self, population: &Population, at: Instants, settings: &MetaSettings) -> io::Result<Size> {
        self.list().map_or_else(|| Ok(Size::default()), |list| list.size(population, at, settings))
    }

    /// The fields that suggest health or finances, once the review is over.
    pub fn flagged(&self, at: Instants, settings: &MetaSettings) -> Vec<&'static str> {
        if self.created_at + seconds(settings.integrity_delay_seconds) > at.now {
            return Vec::new();
        }
        let blocked = |text: &str| {
            let text = text.to_lowercase();
            settings.blocked_words.iter().any(|word| text.contains(&word.to_lowercase()))
        };
        let fields = [("name", &self.name), ("description", &self.description)];
        fields.into_iter().filter(|(_, text)| blocked(text)).map(|(field, _)| field).collect()
    }

    pub fn populated(&self, at: Instants, settings: &MetaSettings) -> bool {
        self.created_at + seconds(settings.lookalike_delay_seconds) <= at.now
    }

    /// Code of `operation_status`.
    pub fn operation(&self, size: &Size, at: Instants, settings: &MetaSettings) -> u32 {
        if !self.flagged(at, settings).is_empty() {
            return 471;
        }
        match &self.kind {
            Kind::Lookalike(_) if self.populated(at, settings) => 200,
            Kind::Lookalike(_) => 441,
            Kind::List(list) => list.operation(size, at, settings),
        }
    }

    /// Code of `delivery_status`.
    pub fn delivery(&self, size: &Size, at: Instants, settings: &MetaSettings) -> u32 {
        let large_enough = match &self.kind {
            Kind::Lookalike(_) => self.populated(at, settings),
            Kind::List(_) => size.matched >= MINIMUM,
        };
        match (self.flagged(at, settings).is_empty(), large_enough) {
            (false, _) => 400,
            (true, false) => 300,
            (true, true) => 200,
        }
    }

    /// Rounded bounds; -1 while nothing is known.
    pub fn bounds(&self, size: &Size, at: Instants, settings: &MetaSettings) -> (i64, i64) {
        match &self.kind {
            Kind::Lookalike(lookalike) if self.populated(at, settings) => rounded(lookalike.people()),
            Kind::List(list) if list.settled(at, settings).next().is_some() => rounded(size.matched.into()),
            Kind::List(list) if settings.sizes_while_matching && !list.sessions.is_empty() => rounded(0),
            _ => (-1, -1),
        }
    }
}

impl CustomerList {
    fn settled<'a>(&'a self, at: Instants, settings: &'a MetaSettings) -> impl Iterator<Item = &'a Session> {
        self.sessions
            .iter()
            .filter(move |session| session.purpose != Purpose::Remove && session.settled(at, settings))
    }

    /// The last replacement, running, ended or broken off.
    fn replacement(&self) -> Option<&Session> {
        self.sessions.iter().rfind(|session| session.purpose == Purpose::Replace)
    }

    /// From the first batch of a replacement until its members are matched. Meanwhile members change in no other way.
    pub fn replacing(&self, at: Instants, settings: &MetaSettings) -> bool {
        self.replacement().is_some_and(|session| !session.failed && !session.settled(at, settings))
    }

    /// What is visible of it.
    ///
    /// # Errors
    /// A temporary file that can not be read.
    pub fn size(&self, population: &Population, at: Instants, settings: &MetaSettings) -> io::Result<Size> {
        let settled: Vec<bool> = self.sessions.iter().map(|session| session.settled(at, settings)).collect();
        self.size_of_those(population, |member| settled[member.session as usize])
    }

    /// Distinct people among some of the rows.
    ///
    /// # Errors
    /// A temporary file that can not be read.
    pub fn size_of_those(
        &self,
        population: &Population,
        counted: impl Fn(&Member) -> bool,
    ) -> io::Result<Size> {
        let (mut size, mut seen) = (Size::default(), PersonSet::default());
        for member in self.members.from(0)? {
            let member = member?;
            if !counted(&member) {
                continue;
            }
            size.rows += 1;
            if let Some(person) = member.person.filter(|person| seen.insert(*person)) {
                *size.by_country.entry(population.country(person)).or_default() += 1;
            }
        }
        size.matched = seen.len();
        Ok(size)
    }

    /// Code of `operation_status`, but for what concerns the name.
    pub fn operation(&self, size: &Size, at: Instants, settings: &MetaSettings) -> u32 {
        if self.replacing(at, settings) {
            return 414;
        }
        if self.replacement().is_some_and(|session| session.failed) {
            return 415;
        }
        let Some(last) = self.settled(at, settings).last() else {
            let uploaded = self.sessions.iter().any(|session| session.purpose != Purpose::Remove);
            return if uploaded { 441 } else { 410 };
        };
        // "Many" is not defined by Meta; one in ten is taken for both.
        if last.invalid * 10 > last.received {
            412
        } else if size.rows > 0 && u64::from(size.matched) * 10 < u64::from(size.rows) {
            411
        } else {
            200
        }
    }
}

/// Below 1,000 Meta says "1000" for both bounds (shown as "Below 1000"); above, ±2 % rounded to two leading digits,
/// after the sample 4900/5100.
fn rounded(people: u64) -> (i64, i64) {
    if people < 1000 {
        return (1000, 1000);
    }
    let step = 10_u64.pow(people.ilog10() - 1);
    let lower = people * 98 / 100 / step * step;
    let upper = (people * 102).div_ceil(100).div_ceil(step) * step;
    (i64::try_from(lower.max(1000)).unwrap_or(i64::MAX), i64::try_from(upper).unwrap_or(i64::MAX))
}

/// The words Meta has for a code of `operation_status` or `delivery_status`.
pub(super) fn description(code: u32) -> &'static str {
    match code {
        200 => "This audience is ready for use.",
        300 => "This audience is too small to be used in ads.",
        400 => "This audience can't be used in ads.",
        410 => "No data was uploaded to this audience yet.",
        411 => "The match rate of this audience is low.",
        412 => "Many entries of the last upload were invalid.",
        414 => "The members of this audience are being replaced.",
        415 => "The last replacement of this audience's members failed.",
        441 => "We're finding people who fit your audience criteria. You can already use it in ads.",
        471 => "This audience was flagged for its name or description.",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_rounded_around_the_truth() {
        assert_eq!(rounded(0), (1000, 1000));
        assert_eq!(rounded(999), (1000, 1000));
        assert_eq!(rounded(1000), (1000, 1100));
        assert_eq!(rounded(1744), (1700, 1800));
        assert_eq!(rounded(5000), (4900, 5100));
        assert_eq!(rounded(74_000), (72_000, 76_000));
        assert_eq!(rounded(740_123), (720_000, 760_000));
    }
}
