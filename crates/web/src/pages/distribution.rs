//! The value distribution as a picture and as a table with the same figures.
//!
//! A histogram of percentiles is flat by construction, so beside the contacts of each tenth stands its share of the
//! whole value: that is what shows how much the best customers matter. The picture exists twice: upright for wide
//! pages, lying for narrow ones, where ten columns would be too small to read.

use crate::wording::{Wording, grouped, share};
use domain::Cents;
use domain::run::{NormalizationStats, ValueRange};

/// The upright picture in its units, which are pixels on a wide page: where the highest bar may begin, where all bars
/// stand, where the first tenth begins, and how wide each is.
const TOP: i128 = 28;
const BASELINE: i128 = 208;
const LEFT: usize = 48;
const SLOT: usize = 99;
/// The lying picture: where the first tenth begins, how high each is, and the longest bar.
const FIRST: usize = 8;
const ROW: usize = 56;
const LONGEST: i128 = 272;
/// Distances of the lines behind the bars, in thousandths; the first that needs at most five of them is taken.
const GRIDS: [i128; 5] = [20, 50, 100, 200, 250];

/// The chart and its figures, ready-made.
pub(super) struct DistributionView {
    pub(super) count: String,
    pub(super) min: String,
    pub(super) median: String,
    pub(super) max: String,
    pub(super) segments: [(&'static str, String); 3],
    /// What there is to see; `None` when the shares are not known.
    pub(super) headline: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) grid: Vec<GridLine>,
    pub(super) tenths: Vec<Tenth>,
    pub(super) ambiguous: Option<String>,
}

/// A line behind the bars.
pub(super) struct GridLine {
    pub(super) y: i128,
    pub(super) label: String,
}

/// One of ten columns.
pub(super) struct Tenth {
    pub(super) label: String,
    pub(super) contacts: String,
    pub(super) value: String,
    pub(super) value_share: String,
    /// From the smallest to the largest value: exact, and where room is short.
    pub(super) range: String,
    pub(super) short_range: String,
    /// The middle of the column, and its two bars.
    pub(super) middle: usize,
    pub(super) contacts_bar: Bar,
    pub(super) value_bar: Bar,
    /// Where its row stands in the lying picture, and how long its two bars are.
    pub(super) row: usize,
    pub(super) contacts_length: i128,
    pub(super) value_length: i128,
}

/// An upright bar.
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
        let step = GRIDS.into_iter().find(|step| most <= step * 5).unwrap_or(250);
        let whole = (most + step - 1) / step * step;
        let height = |per_mille: i128| per_mille * (BASELINE - TOP) / whole;
        let bar = |x, per_mille| Bar { x, y: BASELINE - height(per_mille), height: height(per_mille) };
        let tenths = (0..10)
            .map(|at| Tenth {
                label: label(at),
                contacts: grouped(stats.distribution[at]),
                value: wording.money(stats.value_per_decile[at]),
                value_share: share(values[at], value_of_all),
                range: range(stats.range_per_decile[at], |amount| wording.money(amount)),
                short_range: range(stats.range_per_decile[at], Wording::short_amount),
                middle: LEFT + at * SLOT + SLOT / 2,
                contacts_bar: bar(LEFT + at * SLOT + 13, contact_shares[at]),
                value_bar: bar(LEFT + at * SLOT + 52, value_shares[at]),
                row: FIRST + at * ROW,
                contacts_length: contact_shares[at] * LONGEST / whole,
                value_length: value_shares[at] * LONGEST / whole,
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
            headline: (value_of_all > 0 && values[9] >= 0).then(|| {
                let (people, value) = (share(contacts[9], all), share(values[9], value_of_all));
                format!(
                    "The contacts ranked above 90 are {people} of those ranked and bring {value} of their value."
                )
            }),
            currency: wording.currency.clone(),
            grid: (0..=whole / step)
                .map(|at| GridLine { y: BASELINE - height(at * step), label: format!("{}%", at * step / 10) })
                .collect(),
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

/// A tenth without contacts has no range, and runs of older versions did not record it.
fn range(range: Option<ValueRange>, written: impl Fn(Cents) -> String) -> String {
    let Some(ValueRange { from, to }) = range else { return "n/a".to_owned() };
    if from == to { written(from) } else { format!("{} – {}", written(from), written(to)) }
}

#[cfg(test)]
mod tests {
    use super::{BASELINE, DistributionView, LONGEST, TOP, range};
    use crate::wording::Wording;
    use domain::Cents;
    use domain::run::{NormalizationStats, ValueRange};

    fn view(distribution: [u64; 10], values: [i64; 10]) -> DistributionView {
        let stats = NormalizationStats {
            count: 0,
            min: Cents(0),
            median: Cents(0),
            max: Cents(0),
            distribution,
            value_per_decile: values.map(Cents),
            range_per_decile: [None; 10],
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
        assert_eq!((last.value_share.as_str(), last.value.as_str()), ("75.0%", "75.00"));
        // The highest line is the next one above 75%: 80%.
        let lines: Vec<&str> = view.grid.iter().map(|line| line.label.as_str()).collect();
        assert_eq!(lines, ["0%", "20%", "40%", "60%", "80%"]);
        assert_eq!((view.grid[0].y, view.grid[4].y), (BASELINE, TOP));
        assert_eq!(last.value_bar.height, (BASELINE - TOP) * 750 / 800);
        assert_eq!(last.contacts_bar.height, (BASELINE - TOP) * 100 / 800);
        assert_eq!((last.value_length, last.contacts_length), (LONGEST * 750 / 800, LONGEST * 100 / 800));
        assert_eq!(
            view.headline.as_deref(),
            Some("The contacts ranked above 90 are 10.0% of those ranked and bring 75.0% of their value.")
        );
    }

    #[test]
    fn a_range_is_written_from_small_to_large_or_as_unknown() {
        let written = |cents: i64| Wording::short_amount(Cents(cents));
        let of = |from, to| {
            range(Some(ValueRange { from: Cents(from), to: Cents(to) }), |amount| written(amount.0))
        };
        assert_eq!((of(0, 655_270), of(500, 500)), ("0.00 – 6,553".to_owned(), "5.00".to_owned()));
        assert_eq!(range(None, Wording::short_amount), "n/a");
    }

    #[test]
    fn nothing_and_refunds_draw_no_bar_and_invent_no_share() {
        for values in [[0; 10], [-100; 10]] {
            let view = view([0; 10], values);
            assert!(
                view.tenths.iter().all(|tenth| tenth.value_bar.height == 0 && tenth.contacts_bar.height == 0)
            );
            assert!(view.tenths.iter().all(|tenth| tenth.value_share == "n/a"));
            assert_eq!(view.headline, None);
        }
        let mut values = [100; 10];
        values[0] = -500;
        assert_eq!(view([1; 10], values).tenths[0].value_bar.height, 0);
        assert_eq!(view([u64::MAX; 10], [i64::MAX; 10]).tenths[0].value_bar.height, BASELINE - TOP);
    }
}
