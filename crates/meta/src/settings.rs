//! What a client needs to know before its first call.

use domain::Secret;
use http_client::{BaseUrl, RetryPolicy};
use std::fmt;
use std::time::Duration;

/// An ad account's number. Written `act_<digits>` in addresses and plain digits in links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdAccountId(String);

/// The text is not the number of an ad account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be the number of an ad account, such as 1234567890 or act_1234567890")]
pub struct AdAccountIdError;

impl AdAccountId {
    /// Takes `1234567890` or `act_1234567890`.
    ///
    /// # Errors
    /// [`AdAccountIdError`] for anything else; the caller names the setting.
    pub fn parse(text: &str) -> Result<Self, AdAccountIdError> {
        let text = text.trim();
        let digits = text.strip_prefix("act_").unwrap_or(text);
        let good = (1..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if good { Ok(Self(digits.to_owned())) } else { Err(AdAccountIdError) }
    }

    /// The number without `act_`.
    pub fn digits(&self) -> &str {
        &self.0
    }

    /// The pages where a person accepts the terms for customer lists and for value-based audiences. Meta's documents
    /// disagree whether the second is still separate, and no field tells whether it was signed: show both.
    pub fn terms_links(&self) -> [String; 2] {
        [
            format!("https://business.facebook.com/ads/manage/customaudiences/tos/?act={}", self.0),
            format!("https://www.facebook.com/customaudiences/value_based/tos.php?act={}", self.0),
        ]
    }
}

impl fmt::Display for AdAccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "act_{}", self.0)
    }
}

/// A version of the Marketing API, such as `v25.0`. Calls without one are invalid; each lives about a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiVersion(String);

/// The text is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be a version of the form v25.0")]
pub struct ApiVersionError;

impl ApiVersion {
    /// Takes `v<major>.<minor>`.
    ///
    /// # Errors
    /// [`ApiVersionError`] for anything else; the caller names the setting.
    pub fn parse(text: &str) -> Result<Self, ApiVersionError> {
        let text = text.trim();
        let number =
            |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        let parts = text.strip_prefix('v').and_then(|rest| rest.split_once('.'));
        match parts {
            Some((major, minor)) if number(major) && number(minor) => Ok(Self(text.to_owned())),
            _ => Err(ApiVersionError),
        }
    }
}

impl Default for ApiVersion {
    fn default() -> Self {
        Self("v25.0".to_owned())
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whom to call, as whom, and with how much patience.
#[derive(Debug, Clone)]
pub struct MetaSettings {
    /// `META_GRAPH_URL`, normally `https://graph.facebook.com`.
    pub base_url: BaseUrl,
    /// `META_API_VERSION`.
    pub api_version: ApiVersion,
    /// `META_ACCESS_TOKEN`.
    pub access_token: Secret,
    /// `META_AD_ACCOUNT_ID`.
    pub ad_account_id: AdAccountId,
    /// `META_APP_SECRET`; when set, every call carries the `appsecret_proof`.
    pub app_secret: Option<Secret>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time for one call with its whole reply; a full batch is several megabytes.
    pub total_timeout: Duration,
    /// After lost replies and errors Meta calls passing.
    pub retry: RetryPolicy,
    /// How often a call is repeated after throttling, and after which waits when Meta names none. More calls lengthen the
    /// throttling, so these waits are long.
    pub throttle_retry: RetryPolicy,
    /// While something made a moment ago does not show yet, about half a minute in all: an audience to the upload (code
    /// 803), an upload session after a lost reply.
    pub fresh_audience_retry: RetryPolicy,
    /// A longer limit, a longer pause before one, or an audience that is busy for longer is not waited for: the call fails
    /// and says why.
    pub longest_wait: Duration,
}

impl MetaSettings {
    /// Settings with the usual version and patience.
    pub fn new(base_url: BaseUrl, access_token: Secret, ad_account_id: AdAccountId) -> Self {
        let policy = |max_retries, first, longest| RetryPolicy {
            max_retries,
            first_wait: Duration::from_secs(first),
            longest_wait: Duration::from_secs(longest),
        };
        Self {
            base_url,
            api_version: ApiVersion::default(),
            access_token,
            ad_account_id,
            app_secret: None,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(120),
            retry: policy(5, 1, 30),
            throttle_retry: policy(5, 60, 300),
            fresh_audience_retry: policy(6, 1, 8),
            longest_wait: Duration::from_secs(6 * 3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AdAccountId, ApiVersion};

    #[test]
    fn an_account_is_digits_with_or_without_its_prefix() {
        for good in ["1234567890", "act_1234567890", " act_1234567890\n"] {
            let id = AdAccountId::parse(good).unwrap();
            assert_eq!((id.digits(), id.to_string().as_str()), ("1234567890", "act_1234567890"));
        }
        for bad in ["", "act_", "act_12x", "ACT_12", "12/../34", "１２", "123456789012345678901"] {
            assert!(AdAccountId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_is_a_v_and_two_numbers() {
        assert_eq!(ApiVersion::parse("v26.0").unwrap().to_string(), "v26.0");
        for bad in ["25.0", "v25", "v25.", "v25.0/x", "", "latest"] {
            assert!(ApiVersion::parse(bad).is_err(), "{bad}");
        }
    }
}
