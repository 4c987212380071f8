//! Lifetime values made of won opportunities: what each contact's are worth together.

use crate::edges::{ContactSource, Pipeline, WonOpportunity};
use crate::error::RunError;
use crate::reading::{PageRead, key_of, read_until_complete};
use domain::ltv::{BadLtv, DecimalMark, LtvReading, read_ltv};
use domain::{Cancel, Cents};
use std::collections::HashMap;
use std::time::Duration;

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
    /// came as the source counts, the reading is complete; otherwise it is repeated after `pause`, and after the last time
    /// the run fails.
    pub(crate) fn read(
        source: &dyn ContactSource,
        pipelines: &[String],
        pause: Duration,
        page_read: &PageRead<'_>,
        cancel: &Cancel,
    ) -> Result<Self, RunError> {
        let pipelines = match pipelines {
            [] => Vec::new(),
            wanted => ids(wanted, &source.pipelines(cancel)?)?,
        };
        read_until_complete(pause, cancel, |_is_last| {
            let mut read = Opportunities::default();
            source.won_opportunities(&pipelines, cancel, &mut |page, total| {
                cancel.check()?;
                page.into_iter().for_each(|opportunity| read.add(&opportunity));
                let done = read.rows.len() as u64;
                page_read(done, total.max(done))
            })?;
            let distinct = read.forget_repeated();
            let counted = source.count_won_opportunities(&pipelines, cancel)?;
            if distinct == counted {
                Ok(read.sum())
            } else {
                Err(RunError::opportunities_changed(distinct, counted))
            }
        })
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
        if known.iter().any(|pipeline| pipeline.id == *wanted) {
            return Ok(wanted.clone());
        }
        let named =
            known.iter().filter(|pipeline| pipeline.name.trim().to_lowercase() == wanted.to_lowercase());
        let mut ids: Vec<String> = named.map(|pipeline| pipeline.id.clone()).collect();
        let wanted = wanted.clone();
        match ids.as_mut_slice() {
            [] => {
                let known = known.iter().map(|pipeline| pipeline.name.clone()).collect();
                Err(RunError::NoPipeline { wanted, known })
            }
            [id] => Ok(std::mem::take(id)),
            [..] => Err(RunError::AmbiguousPipeline { wanted, ids }),
        }
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
        let id = key_of(opportunity.id.as_bytes());
        let Some(contact) = &opportunity.contact_id else {
            // It is worth nothing to anybody on the list, but it counts as read.
            self.rows.push((id, Key::default(), None));
            return;
        };
        let contact = key_of(contact.as_bytes());
        // A machine wrote the value, in one way only.
        let value = match read_ltv(&opportunity.value, DecimalMark::Point) {
            LtvReading::Value { amount, .. } => Some(amount.0),
            LtvReading::NoLtv => None,
            LtvReading::BadLtv(why) => {
                self.bad.insert(contact, why);
                None
            }
        };
        self.rows.push((id, contact, value));
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

#[cfg(test)]
mod tests {
    use super::WonValues;
    use crate::edges::{Pipeline, WonOpportunity};
    use crate::error::RunError;
    use crate::scripted_source::ScriptedSource;
    use domain::ltv::{BadLtv, LtvReading};
    use domain::{Cancel, Cents, Explain, RawLtv};
    use std::sync::Mutex;
    use std::time::Duration;

    fn won(id: u32, contact: &str, value: &str) -> WonOpportunity {
        WonOpportunity {
            id: format!("o{id}"),
            contact_id: (!contact.is_empty()).then(|| contact.to_owned()),
            value: if value.is_empty() { RawLtv::Absent } else { RawLtv::Number(value.to_owned()) },
        }
    }

    fn source(readings: Vec<Vec<WonOpportunity>>, counts: &[u64]) -> ScriptedSource {
        let pipeline = |id: &str, name: &str| Pipeline { id: id.to_owned(), name: name.to_owned() };
        ScriptedSource {
            won: Mutex::new(readings.into()),
            counts: Mutex::new(counts.to_vec().into()),
            pipelines: vec![
                pipeline("p1", "Sales"),
                pipeline("p2", "p1"),
                pipeline("p3", " Upsell & more "),
                pipeline("p4", "Webinar"),
                pipeline("p5", "webinar "),
            ],
            ..ScriptedSource::default()
        }
    }

    fn read(source: &ScriptedSource, pipelines: &[&str]) -> Result<WonValues, RunError> {
        let pipelines: Vec<String> = pipelines.iter().map(|pipeline| (*pipeline).to_owned()).collect();
        WonValues::read(source, &pipelines, Duration::ZERO, &|_done, _total| Ok(()), &Cancel::new())
    }

    fn sum(cents: i64) -> LtvReading {
        LtvReading::Value { amount: Cents(cents), ambiguous: false }
    }

    #[test]
    fn what_a_contact_bought_is_added_up_exactly_and_nothing_bought_is_no_value() {
        let list = vec![
            won(1, "a", "0.1"),
            won(2, "b", "1234567890123456.78"),
            won(3, "a", "0.2"),
            won(4, "zero", "0"),
            won(5, "blank", ""),
            won(6, "a", "-0.05"),
            won(7, "partly", ""),
            won(8, "partly", "5"),
            won(9, "", "77"),
        ];
        let values = read(&source(vec![list], &[9]), &[]).unwrap();
        assert_eq!(values.of("a"), sum(25));
        assert_eq!(values.of("b"), sum(123_456_789_012_345_678));
        assert_eq!(values.of("zero"), sum(0), "a purchase of nothing is a value");
        assert_eq!(values.of("partly"), sum(500));
        for nothing in ["blank", "stranger", ""] {
            assert_eq!(values.of(nothing), LtvReading::NoLtv, "{nothing}");
        }
    }

    #[test]
    fn a_value_that_is_no_amount_or_a_sum_beyond_all_bounds_makes_the_contact_bad() {
        let list = vec![
            won(1, "a", "5"),
            WonOpportunity { value: RawLtv::NotScalar, ..won(2, "a", "") },
            won(3, "b", "9999999999999999"),
            won(4, "b", "9999999999999999"),
            won(5, "c", "7"),
        ];
        let values = read(&source(vec![list], &[5]), &[]).unwrap();
        assert_eq!(values.of("a"), LtvReading::BadLtv(BadLtv::NotScalar));
        assert_eq!(values.of("b"), LtvReading::BadLtv(BadLtv::TooLarge));
        assert_eq!(values.of("c"), sum(700));
    }

    #[test]
    fn an_opportunity_that_comes_twice_counts_once() {
        let list = vec![won(1, "a", "5"), won(2, "a", "7"), won(1, "a", "5"), won(2, "a", "7")];
        assert_eq!(read(&source(vec![list], &[2]), &[]).unwrap().of("a"), sum(1200));
    }

    #[test]
    fn opportunities_that_changed_are_read_up_to_four_times_and_then_the_run_fails() {
        let (one, two) = (vec![won(1, "a", "5")], vec![won(1, "a", "5"), won(2, "a", "7")]);
        let again = source(vec![one.clone(), one.clone(), one.clone(), two], &[2, 2, 2, 2]);
        assert_eq!(read(&again, &[]).unwrap().of("a"), sum(1200));
        let error = read(&source(vec![one; 4], &[2, 2, 2, 3]), &[]).unwrap_err();
        assert!(matches!(error, RunError::OpportunitiesChanged { read: 1, counted: 3 }), "{error:?}");
        assert!(error.explain().message.contains("kept changing"));
    }

    #[test]
    fn pipelines_are_chosen_by_id_before_name_and_an_unknown_or_ambiguous_one_is_told_with_those_there_are() {
        let source = source(vec![vec![]], &[0]);
        read(&source, &["sales", "p1", "upsell & more"]).unwrap();
        assert_eq!(*source.asked.lock().unwrap(), ["p1", "p1", "p3"]);
        let explained = read(&source, &["Renewals"]).unwrap_err().explain();
        assert!(explained.message.contains("Renewals"), "{explained:?}");
        assert!(
            explained.remedy.contains("LTV_PIPELINES") && explained.remedy.contains("Sales"),
            "{explained:?}"
        );
        let explained = read(&source, &["WEBINAR"]).unwrap_err().explain();
        assert!(explained.message.contains("WEBINAR"), "{explained:?}");
        for part in ["LTV_PIPELINES", "p4", "p5"] {
            assert!(explained.remedy.contains(part), "{explained:?}");
        }
    }
}
