//! How long Meta asks to wait, from the usage headers of a throttled reply.

use http_client::Response;
use serde::Deserialize;
use std::collections::HashMap;
use std::time::Duration;

#[derive(Deserialize)]
struct UseCase {
    #[serde(default)]
    r#type: String,
    /// Minutes.
    #[serde(default)]
    estimated_time_to_regain_access: f64,
}

#[derive(Deserialize)]
struct AccountUsage {
    /// Seconds.
    #[serde(default)]
    reset_time_duration: f64,
}

/// `X-Business-Use-Case-Usage` (minutes; the custom-audience bucket before others), else `X-Ad-Account-Usage` (seconds).
/// `None` when neither names a time.
pub(crate) fn regain_after(reply: &Response) -> Option<Duration> {
    let business = reply.header("x-business-use-case-usage").and_then(minutes_to_regain_access);
    let seconds = business.map(|minutes| minutes * 60.0).or_else(|| {
        let usage: AccountUsage = serde_json::from_str(reply.header("x-ad-account-usage")?).ok()?;
        Some(usage.reset_time_duration)
    });
    seconds.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn minutes_to_regain_access(header: &str) -> Option<f64> {
    let usage: HashMap<String, Vec<UseCase>> = serde_json::from_str(header).ok()?;
    let waits: Vec<&UseCase> =
        usage.values().flatten().filter(|case| case.estimated_time_to_regain_access > 0.0).collect();
    let longest = |custom_audience_only: bool| {
        waits
            .iter()
            .filter(|case| !custom_audience_only || case.r#type == "custom_audience")
            .map(|case| case.estimated_time_to_regain_access)
            .reduce(f64::max)
    };
    longest(true).or_else(|| longest(false))
}

#[cfg(test)]
mod tests {
    use super::minutes_to_regain_access;

    #[test]
    fn the_bucket_of_custom_audiences_comes_first() {
        let header = r#"{"1":[{"type":"ads_insights","call_count":100,"estimated_time_to_regain_access":55},
            {"type":"custom_audience","call_count":100,"total_cputime":25,"total_time":25,"estimated_time_to_regain_access":7}],
            "2":[{"type":"custom_audience","estimated_time_to_regain_access":9}]}"#;
        assert_eq!(minutes_to_regain_access(header), Some(9.0));
        let other = r#"{"1":[{"type":"ads_management","estimated_time_to_regain_access":3},{"type":"custom_audience","estimated_time_to_regain_access":0}]}"#;
        assert_eq!(minutes_to_regain_access(other), Some(3.0));
        for none in ["", "[]", "{}", r#"{"1":[{"type":"custom_audience"}]}"#, r#"{"1":"x"}"#] {
            assert_eq!(minutes_to_regain_access(none), None, "{none}");
        }
    }
}
