//! What Meta tells of its limits with each reply.
//!
//! `X-Business-Use-Case-Usage` counts calls and computing time of an hour, `X-Ad-Account-Usage` the score of the ad account,
//! `X-App-Usage` the app; each in percent of what is allowed.
//! <https://developers.facebook.com/documentation/ads-commerce/marketing-api/overview/rate-limiting>

use crate::wire::Scalar;
use http_client::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Nothing Meta limits lasts longer; a larger figure is a mistake.
const LONGEST_NAMED: Duration = Duration::from_secs(7 * 24 * 3600);

/// Meta tells a figure only "once enough calls have been made", so an old one is never taken back: it is forgotten when its
/// counter must be down again. Those of the app and of the business count an hour,
const ONE_HOUR: Duration = Duration::from_secs(3600);
/// and that of the ad account empties in five minutes at the lower access tier, in one at the upper.
const ACCOUNT_WINDOW: Duration = Duration::from_secs(300);

/// The bucket this client's calls count in.
const OWN_BUCKET: &str = "custom_audience";

#[derive(Deserialize)]
struct UseCase {
    r#type: Option<String>,
    #[serde(flatten)]
    counters: Counters,
    /// Minutes.
    estimated_time_to_regain_access: Option<Scalar>,
    ads_api_access_tier: Option<String>,
}

#[derive(Deserialize)]
struct AccountUsage {
    acc_id_util_pct: Option<Scalar>,
    /// Seconds.
    reset_time_duration: Option<Scalar>,
    ads_api_access_tier: Option<String>,
}

/// Percentages.
#[derive(Deserialize)]
struct Counters {
    call_count: Option<Scalar>,
    total_cputime: Option<Scalar>,
    total_time: Option<Scalar>,
}

impl Counters {
    fn highest(&self) -> Option<f64> {
        highest([&self.call_count, &self.total_cputime, &self.total_time].map(decimal))
    }
}

/// A percentage, and when Meta told it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figure {
    percent: f64,
    told: Instant,
}

impl Figure {
    /// The percentage, unless it was told longer ago than its counter counts.
    fn within(self, window: Duration, now: Instant) -> Option<f64> {
        (now.saturating_duration_since(self.told) < window).then_some(self.percent)
    }
}

/// What is known of the limits. A reply names some of it; the rest is what an earlier one said.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    business: Option<Figure>,
    account: Option<Figure>,
    app: Option<Figure>,
    /// How long until the counter is down again; of the last reply alone.
    pub(crate) named_wait: Option<Duration>,
    full_access: Option<bool>,
}

impl Usage {
    /// The headers of one reply.
    pub(crate) fn of(reply: &Response) -> Self {
        let business = header::<HashMap<String, Vec<UseCase>>>(reply, "x-business-use-case-usage");
        let cases: Vec<UseCase> = business.into_iter().flat_map(HashMap::into_values).flatten().collect();
        let account = header::<AccountUsage>(reply, "x-ad-account-usage");
        let mut tiers = cases.iter().filter_map(|case| case.ads_api_access_tier.as_deref());
        let told = Instant::now();
        let figure = |percent: Option<f64>| percent.map(|percent| Figure { percent, told });
        let tier = account.as_ref().and_then(|account| account.ads_api_access_tier.as_deref());
        Self {
            business: figure(own_or_any(&cases, |case| case.counters.highest())),
            account: figure(account.as_ref().and_then(|account| decimal(&account.acc_id_util_pct))),
            app: figure(header::<Counters>(reply, "x-app-usage").and_then(|counters| counters.highest())),
            named_wait: named_wait(&cases, account.as_ref()),
            full_access: tier.or(tiers.next()).map(is_full_access),
        }
    }

    #[cfg(test)]
    pub(crate) fn of_account(percent: f64, named_wait: Option<Duration>) -> Self {
        let account = Some(Figure { percent, told: Instant::now() });
        Self { account, named_wait, ..Self::default() }
    }

    /// Takes over what a later reply says.
    pub(crate) fn update(&mut self, later: Self) {
        self.business = later.business.or(self.business);
        self.account = later.account.or(self.account);
        self.app = later.app.or(self.app);
        self.full_access = later.full_access.or(self.full_access);
        self.named_wait = later.named_wait;
    }

    /// How much of the tightest limit is used, in percent; 0 while nothing is known any more.
    pub(crate) fn percent(&self, now: Instant) -> f64 {
        let told = [(self.business, ONE_HOUR), (self.account, ACCOUNT_WINDOW), (self.app, ONE_HOUR)];
        highest(told.map(|(figure, window)| figure?.within(window, now))).unwrap_or(0.0)
    }

    /// Whether a reply has shown the upper access tier.
    pub(crate) fn has_full_access(&self) -> bool {
        self.full_access == Some(true)
    }
}

/// The wait of the custom-audience bucket before that of others, else of the ad account. `None` when neither names one.
fn named_wait(cases: &[UseCase], account: Option<&AccountUsage>) -> Option<Duration> {
    let positive = |number: &Option<Scalar>| decimal(number).filter(|number| *number > 0.0);
    let minutes = own_or_any(cases, |case| positive(&case.estimated_time_to_regain_access));
    let seconds = minutes
        .map(|minutes| minutes * 60.0)
        .or_else(|| account.and_then(|account| positive(&account.reset_time_duration)))?;
    Some(Duration::try_from_secs_f64(seconds).map_or(LONGEST_NAMED, |wait| wait.min(LONGEST_NAMED)))
}

/// The highest figure of our own bucket, or of any when ours has none.
fn own_or_any(cases: &[UseCase], figure: impl Fn(&UseCase) -> Option<f64>) -> Option<f64> {
    let own = cases.iter().filter(|case| case.r#type.as_deref() == Some(OWN_BUCKET));
    highest(own.map(&figure)).or_else(|| highest(cases.iter().map(&figure)))
}

/// The header calls the upper tier `standard_access` and the lower one `development_access`; the dashboard has called the
/// upper one Advanced and, since May 2026, Full. A name that is not known is taken for the lower tier, which is only slower.
fn is_full_access(tier: &str) -> bool {
    matches!(
        tier.trim().to_ascii_lowercase().as_str(),
        "standard_access" | "full" | "full_access" | "advanced" | "advanced_access"
    )
}

fn header<T: DeserializeOwned>(reply: &Response, name: &str) -> Option<T> {
    serde_json::from_str(reply.header(name)?).ok()
}

fn decimal(number: &Option<Scalar>) -> Option<f64> {
    number.as_ref().and_then(Scalar::decimal)
}

fn highest(numbers: impl IntoIterator<Item = Option<f64>>) -> Option<f64> {
    numbers.into_iter().flatten().reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::{ACCOUNT_WINDOW, Figure, ONE_HOUR, Usage};
    use std::time::{Duration, Instant};

    #[test]
    fn a_figure_that_meta_repeats_no_more_is_forgotten_when_its_counter_is_down() {
        let told = Instant::now();
        let figure = |percent| Some(Figure { percent, told });
        let mut usage = Usage {
            business: figure(90.0),
            account: figure(95.0),
            app: figure(80.0),
            full_access: Some(true),
            named_wait: None,
        };
        let second = Duration::from_secs(1);
        for _ in 0..2 {
            assert_eq!(usage.percent(told), 95.0);
            assert_eq!(usage.percent(told + ACCOUNT_WINDOW - second), 95.0);
            assert_eq!(usage.percent(told + ACCOUNT_WINDOW), 90.0);
            assert_eq!(usage.percent(told + ONE_HOUR - second), 90.0);
            assert_eq!(usage.percent(told + ONE_HOUR), 0.0);
            assert!(usage.has_full_access(), "the tier stays known");
            // A reply without figures makes none younger.
            usage.update(Usage::default());
        }
        let later = told + ONE_HOUR;
        usage.update(Usage { app: Some(Figure { percent: 76.0, told: later }), ..Usage::default() });
        assert_eq!(usage.percent(later), 76.0);
    }
}
