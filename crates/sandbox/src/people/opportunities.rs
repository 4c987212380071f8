//! What the people bought, as opportunities: the won ones of a person add up to the true lifetime value.

use super::{Known, PersonIndex, TrueLtv, mix};

/// The pipelines of the location: id and name.
pub(crate) const PIPELINES: [(&str, &str); 2] =
    [("pIpElInEsAlEs0000001", "Sales"), ("pIpElInEuPsElL000002", "Upsell & renewals")];
/// The only stage of each pipeline.
pub(crate) const STAGES: [&str; 2] =
    ["e93ba61a-53b3-45e7-985a-000000000001", "e93ba61a-53b3-45e7-985a-000000000002"];

/// An opportunity of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opportunity {
    /// 20 characters.
    pub id: String,
    /// The contact it belongs to.
    pub contact_id: String,
    /// 0 or 1.
    pub(crate) pipeline: usize,
    /// `won`, `open` or `lost`.
    pub status: &'static str,
    /// What it is worth.
    pub cents: i64,
    /// Epoch milliseconds.
    pub(crate) added: i64,
    /// The position among all opportunities; some are left free.
    pub(crate) place: u64,
}

impl Opportunity {
    /// The pipeline's id.
    pub fn pipeline_id(&self) -> &'static str {
        PIPELINES[self.pipeline].0
    }
}

/// Places per person.
const PLACES: u64 = 5;

/// The opportunities of a person, in order: up to three won ones, then one that is lost or open.
pub(super) fn opportunities(index: PersonIndex, known: &Known) -> Vec<Opportunity> {
    let chance = mix(u64::from(index) ^ 0x0bb0);
    let place = u64::from(index) * PLACES;
    let opportunity = |nth: u64, status: &'static str, cents: i64| Opportunity {
        id: format!("opp{:017}", place + nth),
        contact_id: known.contact.id.clone(),
        pipeline: usize::from((chance ^ nth) & 1 == 1),
        status,
        cents,
        added: known.contact.date_added.unwrap_or_default(),
        place: place + nth,
    };
    let mut all = Vec::new();
    if let TrueLtv::Cents(cents) = known.ltv {
        let parts = 1 + chance / 2 % 3;
        let each = cents / i64::try_from(parts).unwrap_or(1);
        all.extend((1..parts).map(|nth| opportunity(nth, "won", each)));
        all.push(opportunity(0, "won", cents - each * i64::try_from(parts - 1).unwrap_or(0)));
        all.sort_by_key(|won| won.place);
    }
    match chance / 16 % 4 {
        0 => all.push(opportunity(PLACES - 1, "lost", 99_999)),
        1 => all.push(opportunity(PLACES - 1, "open", 123_456)),
        _ => {}
    }
    all
}

/// The position an id carries.
pub(crate) fn place_of_id(id: &str) -> Option<u64> {
    id.strip_prefix("opp")?.parse().ok()
}

/// Whose place it is.
pub(crate) fn person_at(place: u64) -> PersonIndex {
    PersonIndex::try_from(place / PLACES).unwrap_or(PersonIndex::MAX)
}
