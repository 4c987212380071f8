//! The number Meta ranks people by, made of a lifetime value.

use crate::money::Cents;
use crate::percentile::{Distribution, Sketch};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// One hundredth of a unit: the finest step that is sent.
const UNIT: u32 = 100;
/// The value of the greatest customers in both ways: 100.
const GREATEST: u32 = 100 * UNIT;
/// Values above this percentage of the list are sent as if they were equal to it, so that one whale does not push
/// everybody else towards zero.
const CAPPED_AT_PERCENT: u8 = 99;

/// How lifetime values become the numbers sent to Meta. Both are above 0 and at most 100, and never decrease with the
/// lifetime value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum SentValues {
    /// The percentile rank.
    Percentile(Sketch),
    /// Proportional to the money.
    Scaled {
        /// The lifetime value that is sent as 100, like everything above it.
        cap: Cents,
    },
}

impl SentValues {
    /// Proportional values for a list, capped at the value of its 99th percentile.
    pub fn scaled(distribution: &Distribution) -> Self {
        Self::Scaled { cap: distribution.value_at(CAPPED_AT_PERCENT) }
    }

    /// The number for one contact, in hundredths: 1 to 10,000. What is nothing or a debt is sent as the smallest, for
    /// Meta refuses zero.
    pub fn hundredths(&self, ltv: Cents) -> NonZeroU32 {
        let hundredths = match self {
            Self::Percentile(sketch) => u32::from(sketch.percentile_of(ltv).value_for_meta()) * UNIT,
            Self::Scaled { cap } => proportion(ltv, *cap),
        };
        NonZeroU32::new(hundredths).unwrap_or(NonZeroU32::MIN)
    }
}

/// `ltv` of `cap` in hundredths of a percent, rounded half up.
fn proportion(ltv: Cents, cap: Cents) -> u32 {
    if ltv >= cap {
        return GREATEST;
    }
    let (part, whole) = (i128::from(ltv.0.max(0)), i128::from(cap.0.max(1)));
    u32::try_from((part * i128::from(GREATEST) * 2 + whole) / (whole * 2)).unwrap_or(GREATEST)
}

#[cfg(test)]
mod tests {
    use super::SentValues;
    use crate::money::Cents;
    use crate::percentile::Distribution;

    fn by_rank(list: &[i64]) -> Vec<u32> {
        let sketch = Distribution::new(list.to_vec()).unwrap().sketch();
        sent(&SentValues::Percentile(sketch), list)
    }

    fn scaled(list: &[i64]) -> Vec<u32> {
        sent(&SentValues::scaled(&Distribution::new(list.to_vec()).unwrap()), list)
    }

    fn sent(values: &SentValues, list: &[i64]) -> Vec<u32> {
        list.iter().map(|ltv| values.hundredths(Cents(*ltv)).get()).collect()
    }

    #[test]
    fn percentiles_are_sent_whole_and_never_as_zero() {
        assert_eq!(by_rank(&[0, 500, 1000]), [100, 5000, 10_000]);
    }

    #[test]
    fn scaled_values_are_proportional_up_to_the_cap() {
        assert_eq!(scaled(&[1, 2500, 3333, 10_000]), [1, 2500, 3333, 10_000]);
        assert_eq!(scaled(&[-500, 0, 30_000]), [1, 1, 10_000]);
        let mut list: Vec<i64> = (1..=200).map(|i| i * 100).collect();
        list[199] = 99_000_000;
        let sent = scaled(&list);
        assert_eq!((sent[98], sent[196], sent[197], sent[199]), (5000, 9949, 10_000, 10_000));
    }

    #[test]
    fn a_list_without_money_is_sent_with_equal_values() {
        assert_eq!(scaled(&[0, 0]), [10_000, 10_000]);
        assert_eq!(scaled(&[-3, -2]), [1, 10_000]);
        assert_eq!(scaled(&[i64::MIN, i64::MAX]), [1, 10_000]);
    }
}
