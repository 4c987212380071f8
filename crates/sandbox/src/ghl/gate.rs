//! What stands before every route: version header, token, rate limits, scope (ghl-api §8, §11).

use std::collections::VecDeque;

use actix_web::HttpRequest;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::reply::Refusal;
use super::{GhlSettings, GhlStatePatch};

const VERSIONS: [&str; 4] = ["2021-04-15", "2021-07-28", "2023-02-21", "v3"];

/// The scopes of our routes, all of them `.readonly`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Contacts,
    Locations,
    CustomFields,
    Tags,
    Opportunities,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Self::Contacts => "contacts.readonly",
            Self::Locations => "locations.readonly",
            Self::CustomFields => "locations/customFields.readonly",
            Self::Tags => "locations/tags.readonly",
            Self::Opportunities => "opportunities.readonly",
        }
    }
}

/// What a route asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// API 2.0: a version header, and a scope where the route has one.
    V2(Option<Scope>),
    /// API v1: the key alone.
    V1,
}

pub(super) struct Gate {
    token: String,
    token_valid: bool,
    /// `None`: all of them.
    scopes: Option<Vec<String>>,
    burst: u32,
    window: TimeDelta,
    recent: VecDeque<DateTime<Utc>>,
    daily: u32,
    day: Option<NaiveDate>,
    used_today: u32,
}

impl Gate {
    pub(super) fn new(settings: &GhlSettings) -> Self {
        Self {
            token: settings.token.clone(),
            token_valid: true,
            scopes: None,
            burst: settings.burst,
            window: TimeDelta::from_std(settings.burst_window).unwrap_or(TimeDelta::MAX),
            recent: VecDeque::new(),
            daily: settings.daily,
            day: None,
            used_today: 0,
        }
    }

    pub(super) fn patch(&mut self, patch: &GhlStatePatch) {
        self.token_valid = patch.token_valid.unwrap_or(self.token_valid);
        self.burst = patch.burst.unwrap_or(self.burst);
        if let Some(scopes) = &patch.scopes {
            self.scopes = Some(scopes.clone());
        }
        if let Some(remaining) = patch.daily_remaining {
            self.used_today = self.daily.saturating_sub(remaining);
        }
    }

    /// Version header, token, the limits, then the scope, in this order.
    pub(super) fn admit(
        &mut self,
        request: &HttpRequest,
        access: Access,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        match header("version") {
            _ if access == Access::V1 => {}
            None => return Err(Refusal::unauthorized("version header was not found.")),
            Some(version) if !VERSIONS.contains(&version) => {
                return Err(Refusal::unauthorized("version header is invalid"));
            }
            Some(_) => {}
        }
        let token = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match token {
            None => return Err(Refusal::unauthorized("Invalid token: access token is invalid")),
            Some(token) if token == self.token && self.token_valid => {}
            Some(token) if token.starts_with("pit-") => {
                return Err(Refusal::unauthorized("Invalid Private Integration token"));
            }
            Some(_) => return Err(Refusal::unauthorized("Invalid JWT")),
        }
        self.forget_old(now);
        if self.used_today >= self.daily || self.recent.len() >= self.burst as usize {
            return Err(Refusal::too_many_requests());
        }
        self.used_today += 1;
        self.recent.push_back(now);
        self.authorize(access)
    }

    /// Whether the token has the scope.
    fn authorize(&self, access: Access) -> Result<(), Refusal> {
        let (Access::V2(Some(scope)), Some(scopes)) = (access, &self.scopes) else { return Ok(()) };
        if scopes.iter().any(|name| name == scope.name()) {
            Ok(())
        } else {
            Err(Refusal::unauthorized("The token is not authorized for this scope."))
        }
    }

    fn forget_old(&mut self, now: DateTime<Utc>) {
        while self.recent.front().is_some_and(|time| now - *time >= self.window) {
            self.recent.pop_front();
        }
        let today = now.date_naive();
        if self.day.is_some_and(|day| day != today) {
            self.used_today = 0;
        }
        self.day = Some(today);
    }

    /// The rate-limit headers of every reply.
    pub(super) fn headers(&mut self, now: DateTime<Utc>) -> Vec<(&'static str, String)> {
        self.forget_old(now);
        let midnight = (now + TimeDelta::days(1)).date_naive().and_time(NaiveTime::MIN).and_utc();
        let remaining = self.burst.saturating_sub(u32::try_from(self.recent.len()).unwrap_or(u32::MAX));
        vec![
            ("x-ratelimit-limit-daily", self.daily.to_string()),
            ("x-ratelimit-daily-remaining", self.daily.saturating_sub(self.used_today).to_string()),
            ("x-ratelimit-daily-reset", (midnight - now).num_milliseconds().to_string()),
            ("x-ratelimit-interval-milliseconds", self.window.num_milliseconds().to_string()),
            ("x-ratelimit-max", self.burst.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
        ]
    }
}
