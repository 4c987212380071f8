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
use std::time::Duration;

/// Nothing Meta limits lasts longer; a larger figure is a mistake.
const LONGEST_NAMED: Duration = Duration::from_secs(7 * 24 * 3600);

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

/// What is known of the limits. A reply names some of it; the rest is what an earlier one said.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    business: Option<f64>,
    account: Option<f64>,
    app: Option<f64>,
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
        let tier = account.as_ref().and_then(|account| account.ads_api_access_tier.as_deref());
        Self {
            business: own_or_any(&cases, |case| case.counters.highest()),
            account: account.as_ref().and_then(|account| decimal(&account.acc_id_util_pct)),
            app: header::<Counters>(reply, "x-app-usage").and_then(|counters| counters.highest()),
            named_wait: named_wait(&cases, account.as_ref()),
            full_access: tier.or(tiers.next()).map(is_full_access),
        }
    }

    #[cfg(test)]
    pub(crate) fn of_account(percent: f64, named_wait: Option<Duration>) -> Self {
        Self { account: Some(percent), named_wait, ..Self::default() }
    }

    /// Takes over what a later reply says.
    pub(crate) fn update(&mut self, later: Self) {
        self.business = later.business.or(self.business);
        self.account = later.account.or(self.account);
        self.app = later.app.or(self.app);
        self.full_access = later.full_access.or(self.full_access);
        self.named_wait = later.named_wait;
    }

    /// How much of the tightest limit is used, in percent; 0 while nothing is known.
    pub(crate) fn percent(&self) -> f64 {
        highest([self.business, self.account, self.app]).unwrap_or(0.0)
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
