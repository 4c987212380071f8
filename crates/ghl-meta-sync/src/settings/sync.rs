//! Reading what is synced, and what becomes of it at Meta.

use super::Sync;
use super::reader::{Reader, digits, short_line};
use domain::Cents;
use domain::ltv::DecimalMark;
use meta::flagged_words;
use sync::{AudienceMode, LtvSource, OptOutRule, ValueMode};

impl Reader<'_> {
    pub(super) fn sync(&mut self) -> Sync {
        Sync {
            list: self.optional(
                "GHL_SMART_LIST_ID",
                "`all`, `tag:<tag>`, `filter:<id>` or, with GHL_API_VERSION=v1, `list:<id>`",
                |text| text.parse().ok(),
            ),
            field: self.text("GHL_LTV_FIELD"),
            respect_opt_out: self.parse(
                "RESPECT_OPT_OUT",
                OptOutRule::All,
                "one of all, email_and_sms, off",
                |text| match text {
                    "all" => Some(OptOutRule::All),
                    "email_and_sms" => Some(OptOutRule::EmailAndSms),
                    "off" => Some(OptOutRule::Off),
                    _ => None,
                },
            ),
            ltv_source: self.ltv_source(),
            decimal_mark: self.parse(
                "LTV_LOCALE",
                DecimalMark::Point,
                "a language such as en or de",
                DecimalMark::of_locale,
            ),
            ltv_min: self.optional("LTV_MIN", "an amount such as 10 or 10.50", amount),
            audience_mode: self.parse("AUDIENCE_MODE", AudienceMode::Dated, "dated or stable", |text| {
                match text {
                    "dated" => Some(AudienceMode::Dated),
                    "stable" => Some(AudienceMode::Stable),
                    _ => None,
                }
            }),
            existing_audience: self.optional("STABLE_AUDIENCE_ID", "the digits of an audience's id", digits),
            audience_prefix: self.audience_prefix(),
            audience_keep: self.parse("AUDIENCE_KEEP", 14, "a number from 1 to 400", |text| {
                text.parse().ok().filter(|keep| (1..=400).contains(keep))
            }),
            value_mode: self.parse("VALUE_MODE", ValueMode::Percentile, "percentile or scaled", |text| {
                match text {
                    "percentile" => Some(ValueMode::Percentile),
                    "scaled" => Some(ValueMode::Scaled),
                    _ => None,
                }
            }),
            limited_data_use: self.parse("META_LIMITED_DATA_USE", false, "california or off", |text| {
                match text {
                    "california" => Some(true),
                    "off" => Some(false),
                    _ => None,
                }
            }),
            lookalike_countries: self.countries(),
            lookalike_percents: self.percents(),
        }
    }

    fn ltv_source(&mut self) -> LtvSource {
        let pipelines = self.list("LTV_PIPELINES", "");
        let source =
            self.parse("LTV_SOURCE", LtvSource::Field, "field or won_opportunities", |text| match text {
                "field" => Some(LtvSource::Field),
                "won_opportunities" => Some(LtvSource::WonOpportunities { pipelines }),
                _ => None,
            });
        if source != LtvSource::Field && self.text("GHL_API_VERSION").as_deref() == Some("v1") {
            self.problem(
                "LTV_SOURCE",
                "must be field with GHL_API_VERSION=v1, which has no opportunities".to_owned(),
            );
        }
        source
    }

    /// Every name at Meta begins with it, so it must hold nothing that gets an audience blocked.
    fn audience_prefix(&mut self) -> String {
        let prefix = self.parse(
            "AUDIENCE_PREFIX",
            "GHL-HighValue".to_owned(),
            "1 to 60 characters without line breaks",
            short_line,
        );
        let flagged = flagged_words(&prefix);
        if !flagged.is_empty() {
            let why = "Meta blocks audiences whose names hint at the health or the money matters of people";
            self.problem("AUDIENCE_PREFIX", format!("must not contain `{}`: {why}", flagged.join("`, `")));
        }
        prefix
    }

    fn countries(&mut self) -> Vec<String> {
        let countries: Vec<String> = self
            .list("LOOKALIKE_COUNTRIES", "US")
            .iter()
            .map(|country| country.to_ascii_uppercase())
            .collect();
        let is_code =
            |country: &String| country.len() == 2 && country.chars().all(|c| c.is_ascii_uppercase());
        if countries.is_empty() || !countries.iter().all(is_code) {
            self.problem(
                "LOOKALIKE_COUNTRIES",
                "must be two-letter country codes such as US or US,CA".to_owned(),
            );
        }
        without_repetition(countries)
    }

    fn percents(&mut self) -> Vec<u8> {
        let ratios = self.list("LOOKALIKE_RATIOS", "0.01");
        let percents: Option<Vec<u8>> = ratios.iter().map(|ratio| percent(ratio)).collect();
        match percents {
            Some(percents) if !percents.is_empty() => without_repetition(percents),
            _ => {
                self.problem(
                    "LOOKALIKE_RATIOS",
                    "must be ratios from 0.01 to 0.20 in steps of 0.01".to_owned(),
                );
                Vec::new()
            }
        }
    }
}

/// The first of each: what is named twice, perhaps in two ways, is one lookalike.
fn without_repetition<T: PartialEq>(items: Vec<T>) -> Vec<T> {
    let mut distinct = Vec::with_capacity(items.len());
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    distinct
}

fn amount(text: &str) -> Option<Cents> {
    match domain::ltv::read_ltv(&domain::RawLtv::Text(text.to_owned()), DecimalMark::Point) {
        // What another locale would read differently is refused rather than guessed.
        domain::ltv::LtvReading::Value { amount, ambiguous: false } => Some(amount),
        _ => None,
    }
}

/// `0.01` … `0.20` as whole percent, read as text so that no float rounds.
pub(super) fn percent(ratio: &str) -> Option<u8> {
    let digits = ratio.strip_prefix("0.").or_else(|| ratio.strip_prefix('.'))?;
    let padded = format!("{digits:0<2}");
    let (hundredths, rest) = padded.split_at_checked(2)?;
    let percent: u8 = hundredths.parse().ok()?;
    (rest.chars().all(|c| c == '0') && (1..=20).contains(&percent)).then_some(percent)
}
