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
/// Each call made while limited lengthens the wait by at most this; a wait shorter than that by its own length.
const PENALTY: TimeDelta = TimeDelta::seconds(60);

/// What was used up, on the steady clock.
#[derive(Default)]
pub(super) struct Usage {
    bucket: Window,
    score: Window,
    limited: Option<Limited>,
    /// A planted error asked for silence until then.
    silence_until: Option<DateTime<Utc>>,
    /// A reply has said that calls are not welcome now.
    told: bool,
    /// Calls by clients that had been told to wait.
    pub calls_while_limited: u64,
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
    penalty: TimeDelta,
}

impl Limited {
    fn new(code: u32, subcode: Option<u32>, until: DateTime<Utc>, steady: DateTime<Utc>) -> Self {
        Self { code, subcode, until, penalty: PENALTY.min(until - steady) }
    }
}

impl Window {
    fn add(&mut self, n: u32, length: TimeDelta, steady: DateTime<Utc>) {
        if self.started.is_none_or(|started| started + length <= steady) {
            *self = Self { started: Some(steady), used: 0 };
        }
        self.used = self.used.saturating_add(n);
    }

    fn end(&self, length: TimeDelta, steady: DateTime<Utc>) -> DateTime<Utc> {
        self.started.map_or(steady, |started| started + length)
    }

    /// With what others use; over 100 is over the limit. A window that has ended counts nothing.
    fn percent(&self, length: TimeDelta, limit: u32, settings: &MetaSettings, steady: DateTime<Utc>) -> f64 {
        let used = if self.end(length, steady) <= steady { 0 } else { self.used };
        settings.usage_percent + f64::from(used) * 100.0 / f64::from(limit.max(1))
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
            limited.until += limited.penalty;
            return Err(refusal(limited.code, limited.subcode));
        }
        self.limited = None;
        self.bucket.add(1, BUCKET, steady);
        self.score.add(if verb == Verb::Get { 1 } else { 3 }, SCORE, steady);
        if self.bucket.percent(BUCKET, settings.calls_per_hour, settings, steady) > 100.0 {
            self.limit(80_003, Some(2_446_079), self.bucket.end(BUCKET, steady), steady);
        } else if self.score.percent(SCORE, settings.score_limit, settings, steady) > 100.0 {
            self.limit(17, Some(2_446_079), self.score.end(SCORE, steady), steady);
        }
        self.limited.as_ref().map_or(Ok(()), |limited| Err(refusal(limited.code, limited.subcode)))
    }

    /// Notes a call that comes although its client was told to wait.
    pub fn overhear(&mut self, steady: DateTime<Utc>) {
        self.told &= self.welcome_at(steady).is_some();
        self.calls_while_limited += u64::from(self.told);
    }

    /// Limits the account from now on.
    pub fn limit(&mut self, code: u32, subcode: Option<u32>, until: DateTime<Utc>, steady: DateTime<Utc>) {
        self.limited = Some(Limited::new(code, subcode, until, steady));
    }

    /// Asks for silence in the headers, and refuses nothing.
    pub fn ask_for_silence(&mut self, until: DateTime<Utc>) {
        self.silence_until = Some(until);
    }

    /// When calls are welcome again; `None` when they are now.
    fn welcome_at(&self, steady: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let limited = self.limited.as_ref().map(|limited| limited.until);
        limited.max(self.silence_until).filter(|until| *until > steady)
    }

    /// Lifts a limit and forgets what was used.
    pub fn lift(&mut self) {
        *self = Self { calls_while_limited: self.calls_while_limited, ..Self::default() };
    }

    /// The usage headers of a reply. From the first one that names a wait on, a client is told.
    pub fn headers(
        &mut self,
        settings: &MetaSettings,
        steady: DateTime<Utc>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let welcome_at = self.welcome_at(steady);
        self.told = welcome_at.is_some();
        let calls = match welcome_at {
            Some(_) => 100.0,
            None => self.bucket.percent(BUCKET, settings.calls_per_hour, settings, steady).min(100.0),
        };
        let wait = welcome_at.map_or(TimeDelta::zero(), |until| until - steady);
        let bucket = json!({&settings.business_id: [{
            "type": "custom_audience",
            "call_count": calls.ceil() as u64,
            "total_cputime": (calls * 0.8).ceil() as u64,
            "total_time": (calls * 0.9).ceil() as u64,
            "estimated_time_to_regain_access": minutes(wait),
            "ads_api_access_tier": settings.access_tier,
        }]});
        let score = self.score.percent(SCORE, settings.score_limit, settings, steady).min(100.0);
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

/// Whole minutes, rounded up, as Meta names a wait. Less than one is told in hundredths, which Meta does not do, so that
/// a test can wait for it.
fn minutes(wait: TimeDelta) -> serde_json::Value {
    match wait.num_milliseconds() {
        millis @ 1..59_400 => json!((millis as f64 / 600.0).ceil() / 100.0),
        millis => json!((millis + 59_999) / 60_000),
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
