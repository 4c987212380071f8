//! Lifetime values made of won opportunities: what each contact's are worth together.

use crate::edges::{ContactSource, Pipeline, WonOpportunity};
use crate::error::RunError;
use crate::reading::{PageRead, key_of};
use domain::ltv::{BadLtv, DecimalMark, LtvReading, read_ltv};
use domain::{Cancel, Cents};
use std::collections::HashMap;

type Key = [u8; 16];

/// The sum of the won opportunities of every contact that has any. A contact without one has no lifetime value, which is
/// not zero; nor has one whose won opportunities all have no value.
///
/// 24 bytes per contact; while the opportunities are read, 48 bytes for each of them. A million contacts with one
/// opportunity each take 24 MB, and up to 75 MB while the list of opportunities grows.
#[derive(Debug)]
pub(crate) struct WonValues {
    /// Sorted by the key of the contact's id.
    sums: Vec<(Key, i64)>,
    /// Contacts with an opportunity whose value is not an amount, or whose sum is too large.
    bad: HashMap<Key, BadLtv>,
}

impl WonValues {
    /// Reads every won opportunity of these pipelines (ids or names), of all pipelines when there are none. When as many
    /// came as the source counts, the reading is complete; otherwise it is repeated once, and after that the run fails.
    pub(crate) fn read(
        source: &dyn ContactSource,
        pipelines: &[String],
        page_read: &PageRead<'_>,
        cancel: &Cancel,
    ) -> Result<Self, RunError> {
        let pipelines = match pipelines {
            [] => Vec::new(),
            wanted => ids(wanted, &source.pipelines(cancel)?)?,
        };
        let once = || -> Result<Result<Self, (u64, u64)>, RunError> {
            let mut read = Opportunities::default();
            source.won_opportunities(&pipelines, cancel, &mut |page, total| {
                cancel.check()?;
                page.into_iter().for_each(|opportunity| read.add(&opportunity));
                let done = read.rows.len() as u64;
                page_read(done, total.max(done))
            })?;
            let distinct = read.forget_repeated();
            let counted = source.count_won_opportunities(&pipelines, cancel)?;
            Ok(if distinct == counted { Ok(read.sum()) } else { Err((distinct, counted)) })
        };
        match once()? {
            Ok(values) => Ok(values),
            Err((read, counted)) => {
                log::warn!(
                    "{read} won opportunities were read but there are {counted}: reading them once more"
                );
                once()?.map_err(|(read, counted)| RunError::OpportunitiesChanged { read, counted })
            }
        }
    }

    /// What the contact's won opportunities are worth together.
    pub(crate) fn of(&self, contact_id: &str) -> LtvReading {
        let key = key_of(contact_id.as_bytes());
        if let Some(why) = self.bad.get(&key) {
            return LtvReading::BadLtv(*why);
        }
        match self.sums.binary_search_by_key(&key, |(contact, _)| *contact) {
            Ok(at) => LtvReading::Value { amount: Cents(self.sums[at].1), ambiguous: false },
            Err(_nowhere) => LtvReading::NoLtv,
        }
    }
}

/// The ids of the pipelines that were chosen by id or by name.
fn ids(wanted: &[String], known: &[Pipeline]) -> Result<Vec<String>, RunError> {
    let find = |wanted: &String| {
        let by_id = known.iter().find(|pipeline| pipeline.id == *wanted);
        let by_name =
            || known.iter().find(|pipeline| pipeline.name.trim().to_lowercase() == wanted.to_lowercase());
        by_id.or_else(by_name).map(|pipeline| pipeline.id.clone()).ok_or_else(|| RunError::NoPipeline {
            wanted: wanted.clone(),
            known: known.iter().map(|pipeline| pipeline.name.clone()).collect(),
        })
    };
    wanted.iter().map(find).collect()
}

/// What was read so far.
#[derive(Default)]
struct Opportunities {
    /// Key of the opportunity, key of its contact, and its value; those without one too, so that they can be counted.
    rows: Vec<(Key, Key, Option<i64>)>,
    bad: HashMap<Key, BadLtv>,
}

impl Opportunities {
    fn add(&mut self, opportunity: &WonOpportunity) {
        // One whose contact is gone is worth nothing to anybody, but it counts as read.
        let contact = key_of(opportunity.contact_id.as_deref().unwrap_or_default().as_bytes());
        // A machine wrote the value, in one way only.
        let value = match read_ltv(&opportunity.value, DecimalMark::Point) {
            LtvReading::Value { amount, .. } => Some(amount.0),
            LtvReading::NoLtv => None,
            LtvReading::BadLtv(why) => {
                self.bad.insert(contact, why);
                None
            }
        };
        self.rows.push((key_of(opportunity.id.as_bytes()), contact, value));
    }

    /// Keeps one row of each opportunity and counts them.
    fn forget_repeated(&mut self) -> u64 {
        self.rows.sort_unstable();
        self.rows.dedup_by_key(|(opportunity, ..)| *opportunity);
        self.rows.len() as u64
    }

    fn sum(self) -> WonValues {
        let Self { rows, mut bad } = self;
        let mut values: Vec<(Key, i64)> =
            rows.into_iter().filter_map(|(_, contact, value)| Some((contact, value?))).collect();
        values.sort_unstable();
        values.dedup_by(|next, sum| {
            let same = next.0 == sum.0;
            if same {
                match sum.1.checked_add(next.1).filter(|sum| Cents(*sum).is_readable()) {
                    Some(total) => sum.1 = total,
                    None => drop(bad.insert(sum.0, BadLtv::TooLarge)),
                }
            }
            same
        });
        values.shrink_to_fit();
        WonValues { sums: values, bad }
    }
}
