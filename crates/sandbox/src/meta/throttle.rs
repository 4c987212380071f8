//! Rate limits (meta-api §6.3): counters, the usage headers of every reply, and the refusal.

use actix_web::http::header::{HeaderName, HeaderValue};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::call::Verb;
use super::errors::GraphError;
use super::settings::MetaSettings;

/// Of the custom audience bucket.
const BUCKET: TimeDelta = TimeDelta::hours(1);
/// In which the ad account's score decays.
const SCORE: TimeDelta = TimeDelta::seconds(300);
/// Each call made while limited lengthens the wait.
const PENALTY: TimeDelta = TimeDelta::seconds(60);

/// What was used up, on the steady clock.
#[derive(Default)]
pub(super) struct Usage {
    bucket: Window,
    score: Window,
    limited: Option<Limited>,
}

#[derive(Default)]
struct Window {
    started: Option<DateTime<Utc>>,
    used: u32,
}

/// Calls are refused.
struct Limited {
    code: u32,
    subcode: Option<u32>,
    until: DateTime<Utc>,
}

impl Window {
    /// Adds; true when that is over the limit.
    fn add(&mut self, n: u32, length: TimeDelta, limit: u32, steady: DateTime<Utc>) -> bool {
        if self.started.is_none_or(|started| started + length <= steady) {
            *self = Self { started: Some(steady), used: 0 };
        }
        self.used = self.used.saturating_add(n);
        self.used > limit
    }

    fn end(&self, length: TimeDelta, steady: DateTime<Utc>) -> DateTime<Utc> {
        self.started.map_or(steady, |started| started + length)
    }

    /// 0-100; a window that is over counts nothing.
    fn percent(&self, length: TimeDelta, limit: u32, steady: DateTime<Utc>) -> f64 {
        let used = if self.end(length, steady) <= steady { 0 } else { self.used };
        (f64::from(used) * 100.0 / f64::from(limit.max(1))).min(100.0)
    }
}

impl Usage {
    /// Counts one call.
    ///
    /// # Errors
    /// The limit's own code while it lasts; asking then makes it last longer.
    pub fn count(
        &mut self,
        verb: Verb,
        settings: &MetaSettings,
        steady: DateTime<Utc>,
    ) -> Result<(), GraphError> {
        if let Some(limited) = self.limited.as_mut().filter(|limited| limited.until > steady) {
            limited.until += PENALTY;
            return Err(refusal(limited.code, limited.subcode));
        }
        self.limited = None;
        let score = if verb == Verb::Get { 1 } else { 3 };
        if self.bucket.add(1, BUCKET, settings.calls_per_hour, steady) {
            let until = self.bucket.end(BUCKET, steady);
            self.limited = Some(Limited { code: 80_003, subcode: Some(2_446_079), until });
        } else if self.score.add(score, SCORE, settings.score_limit, steady) {
            let until = self.score.end(SCORE, steady);
            self.limited = Some(Limited { code: 17, subcode: Some(2_446_079), until });
        }
        self.limited.as_ref().map_or(Ok(()), |limited| Err(refusal(limited.code, limited.subcode)))
    }

    /// Limits the account from now on.
    pub fn limit(&mut self, code: u32, subcode: Option<u32>, until: DateTime<Utc>) {
        self.limited = Some(Limited { code, subcode, until });
    }

    /// Lifts a limit and forgets what was used.
    pub fn lift(&mut self) {
        *self = Self::default();
    }

    /// The usage headers.
    pub fn headers(&self, settings: &MetaSettings, steady: DateTime<Utc>) -> Vec<(HeaderName, HeaderValue)> {
        let limited = self.limited.as_ref().filter(|limited| limited.until > steady);
        let minutes = limited.map_or(0, |limited| ((limited.until - steady).num_seconds() + 59) / 60);
        let calls = match limited {
            Some(_) => 100.0,
            None => self.bucket.percent(BUCKET, settings.calls_per_hour, steady),
        };
        let bucket = json!({&settings.business_id: [{
            "type": "custom_audience",
            "call_count": calls.ceil() as u64,
            "total_cputime": (calls * 0.8).ceil() as u64,
            "total_time": (calls * 0.9).ceil() as u64,
            "estimated_time_to_regain_access": minutes,
            "ads_api_access_tier": settings.access_tier,
        }]});
        let score = self.score.percent(SCORE, settings.score_limit, steady);
        let reset = (self.score.end(SCORE, steady) - steady).num_seconds().max(0);
        let account = json!({
            "acc_id_util_pct": (score * 100.0).round() / 100.0,
            "reset_time_duration": reset,
            "ads_api_access_tier": settings.access_tier,
        });
        let headers = [
            (HeaderName::from_static("x-business-use-case-usage"), bucket),
            (HeaderName::from_static("x-ad-account-usage"), account),
        ];
        let value = |json: serde_json::Value| HeaderValue::from_str(&json.to_string()).ok();
        headers.into_iter().filter_map(|(name, json)| Some((name, value(json)?))).collect()
    }
}

/// Always HTTP 400 (airbyte#10655, singer#192).
fn refusal(code: u32, subcode: Option<u32>) -> GraphError {
    let (title, message) = match code {
        4 => ("Application limit", "Application request limit reached"),
        17 => ("User limit", "User request limit reached"),
        613 => ("Call limit", "Calls to this api have exceeded the rate limit."),
        _ => (
            "Ad account limit",
            "There have been too many calls to this ad-account. Wait a bit and try again. For more info, please refer \
             to https://developers.facebook.com/docs/graph-api/overview/rate-limiting#custom-audience.",
        ),
    };
    let error = GraphError::new(code, title, message);
    match subcode {
        Some(subcode) => error.sub(subcode),
        None => error,
    }
}
