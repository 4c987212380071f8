//! The value distribution as a picture and as a table with the same figures.
//!
//! A histogram of percentiles is flat by construction, so beside the contacts of each tenth stands its share of the
//! whole value: that is what shows how much the best customers matter.

use crate::wording::{Wording, grouped, share};
use domain::run::NormalizationStats;

/// Height of the tallest bar, and where the bars stand, in units of the picture.
const TALLEST: i128 = 150;
const BASELINE: i128 = 170;
/// Width of one tenth.
const SLOT: usize = 70;

/// The chart and its figures, ready-made.
pub(super) struct DistributionView {
    pub(super) count: String,
    pub(super) min: String,
    pub(super) median: String,
    pub(super) max: String,
    pub(super) segments: [(&'static str, String); 3],
    pub(super) tenths: Vec<Tenth>,
    pub(super) ambiguous: Option<String>,
}

/// One of ten columns.
pub(super) struct Tenth {
    pub(super) label: String,
    pub(super) contacts: String,
    pub(super) value: String,
    pub(super) value_share: String,
    pub(super) middle: usize,
    pub(super) contacts_bar: Bar,
    pub(super) value_bar: Bar,
}

/// The place of a bar.
pub(super) struct Bar {
    pub(super) x: usize,
    pub(super) y: i128,
    pub(super) height: i128,
}

impl DistributionView {
    pub(super) fn new(stats: &NormalizationStats, wording: &Wording) -> Self {
        let contacts: Vec<i128> = stats.distribution.iter().map(|&count| i128::from(count)).collect();
        let values: Vec<i128> = stats.value_per_decile.iter().map(|cents| i128::from(cents.0)).collect();
        let (all, value_of_all) = (contacts.iter().sum::<i128>(), values.iter().sum::<i128>());
        let (contact_shares, value_shares) = (per_mille(&contacts, all), per_mille(&values, value_of_all));
        let most = contact_shares.iter().chain(&value_shares).copied().max().unwrap_or(0).max(1);
        let bar = |x, per_mille: i128| {
            let height = per_mille * TALLEST / most;
            Bar { x, y: BASELINE - height, height }
        };
        let tenths = (0..10)
            .map(|at| Tenth {
                label: label(at),
                contacts: grouped(stats.distribution[at]),
                value: wording.money(stats.value_per_decile[at]),
                value_share: share(values[at], value_of_all),
                middle: at * SLOT + SLOT / 2,
                contacts_bar: bar(at * SLOT + 9, contact_shares[at]),
                value_bar: bar(at * SLOT + 37, value_shares[at]),
            })
            .collect();
        Self {
            count: grouped(stats.count),
            min: wording.money(stats.min),
            median: wording.money(stats.median),
            max: wording.money(stats.max),
            segments: [
                ("Top 10%", grouped(stats.top)),
                ("Middle 50%", grouped(stats.middle)),
                ("Bottom 40%", grouped(stats.bottom)),
            ],
            tenths,
            ambiguous: (stats.ambiguous > 0).then(|| grouped(stats.ambiguous)),
        }
    }
}

/// Shares in thousandths; a negative sum, as refunds make one, has no bar.
fn per_mille(parts: &[i128], whole: i128) -> Vec<i128> {
    parts.iter().map(|&part| if whole > 0 { (part * 1000 / whole).clamp(0, 1000) } else { 0 }).collect()
}

/// `0–10`, `11–20`, … `91–100`: the tenths are closed above.
fn label(at: usize) -> String {
    if at == 0 { "0–10".to_owned() } else { format!("{}–{}", at * 10 + 1, at * 10 + 10) }
}

#[cfg(test)]
mod tests {
    use super::{DistributionView, TALLEST};
    use crate::wording::Wording;
    use domain::Cents;
    use domain::run::NormalizationStats;

    fn view(distribution: [u64; 10], values: [i64; 10]) -> DistributionView {
        let stats = NormalizationStats {
            count: 0,
            min: Cents(0),
            median: Cents(0),
            max: Cents(0),
            distribution,
            value_per_decile: values.map(Cents),
            top: 0,
            middle: 0,
            bottom: 0,
            ambiguous: 0,
        };
        DistributionView::new(
            &stats,
            &Wording { time_zone: chrono_tz::UTC, currency: None, business_id: None },
        )
    }

    #[test]
    fn the_largest_share_is_the_tallest_bar() {
        let mut values = [0; 10];
        (values[0], values[9]) = (2_500, 7_500);
        let view = view([10; 10], values);
        let labels: Vec<&str> = view.tenths.iter().map(|tenth| tenth.label.as_str()).collect();
        assert_eq!(
            labels,
            ["0–10", "11–20", "21–30", "31–40", "41–50", "51–60", "61–70", "71–80", "81–90", "91–100"]
        );
        let last = &view.tenths[9];
        assert_eq!(
            (last.value_bar.height, last.value_share.as_str(), last.value.as_str()),
            (TALLEST, "75.0%", "75.00")
        );
        assert_eq!(view.tenths[0].value_bar.height, TALLEST / 3);
        assert_eq!(last.contacts_bar.height, TALLEST * 100 / 750);
    }

    #[test]
    fn nothing_and_refunds_draw_no_bar_and_invent_no_share() {
        for values in [[0; 10], [-100; 10]] {
            let view = view([0; 10], values);
            assert!(
                view.tenths.iter().all(|tenth| tenth.value_bar.height == 0 && tenth.contacts_bar.height == 0)
            );
            assert!(view.tenths.iter().all(|tenth| tenth.value_share == "n/a"));
        }
        let mut values = [100; 10];
        values[0] = -500;
        assert_eq!(view([1; 10], values).tenths[0].value_bar.height, 0);
        assert_eq!(view([u64::MAX; 10], [i64::MAX; 10]).tenths[0].value_bar.height, TALLEST);
    }
}
