//! The ad account and the token, as `check` shows them.

use crate::client::{Call, MetaClient, Verb};
use crate::error::MetaError;
use crate::reply;
use crate::wire::Scalar;
use chrono::{DateTime, Utc};
use domain::Cancel;
use domain::foreign_text::{LONGEST, one_line, presentable};
use serde::Deserialize;
use serde_json::Value;

/// An ad account. Texts are Meta's: escape them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdAccount {
    /// Its name in Ads Manager.
    pub name: String,
    /// Whether it may advertise.
    pub account_status: AccountStatus,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Whether the terms for customer lists are accepted; `None` when Meta does not say. Nothing tells whether the
    /// separate terms for value-based audiences are.
    pub terms_accepted: Option<bool>,
}

/// Meta's number for the state of an ad account; 0 when it gave none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountStatus(pub u64);

impl AccountStatus {
    /// Whether ads and audiences can be made.
    pub fn is_active(self) -> bool {
        matches!(self.0, 1 | 9)
    }

    /// The state in a marketer's words.
    /// <https://developers.facebook.com/docs/marketing-api/reference/ad-account>
    pub fn words(self) -> &'static str {
        match self.0 {
            1 => "active",
            2 => "disabled by Meta",
            3 => "unsettled: a payment is due",
            7 => "under risk review at Meta",
            8 => "a payment is being settled",
            9 => "active, in a grace period for payment",
            100 => "about to be closed",
            101 => "closed",
            _ => "status unknown",
        }
    }
}

/// What Meta says of the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    /// Whether it is accepted.
    pub valid: bool,
    /// When it ends; `None` for a token without end.
    pub expires_at: Option<DateTime<Utc>>,
    /// Its permissions, such as `ads_management`.
    pub scopes: Vec<String>,
}

#[derive(Deserialize)]
struct AccountBody {
    name: Option<String>,
    account_status: Option<Scalar>,
    currency: Option<String>,
    tos_accepted: Option<Value>,
}

#[derive(Deserialize)]
struct TokenBody {
    data: TokenData,
}

#[derive(Deserialize)]
struct TokenData {
    is_valid: Option<Scalar>,
    expires_at: Option<Scalar>,
    #[serde(default)]
    scopes: Vec<String>,
}

impl MetaClient {
    /// Reads the ad account. A GET, repeated after passing errors.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn ad_account(&self, cancel: &Cancel) -> Result<AdAccount, MetaError> {
        let operation = "read the ad account";
        let query = vec![("fields", "name,account_status,currency,tos_accepted".to_owned())];
        let path = self.ad_account_id().to_string();
        let body = self.call(&Call { operation, path: &path, query, verb: Verb::Get }, cancel)?;
        let body: AccountBody = reply::shape(body, operation)?;
        Ok(AdAccount {
            name: one_line(&body.name.unwrap_or_default(), LONGEST),
            account_status: AccountStatus(
                body.account_status.and_then(|code| code.count()).unwrap_or_default(),
            ),
            currency: body.currency.map(|text| presentable(&text, &[])),
            terms_accepted: body.tos_accepted.map(|terms| terms_accepted(&terms)),
        })
    }

    /// Asks Meta about the token of this client. A GET, repeated after passing errors.
    ///
    /// # Errors
    /// [`MetaError`]; a token that is not even good for this question is code 190.
    pub fn debug_token(&self, cancel: &Cancel) -> Result<TokenInfo, MetaError> {
        let operation = "check the access token";
        let query = vec![("input_token", self.token().expose().to_owned())];
        let body = self.call(&Call { operation, path: "debug_token", query, verb: Verb::Get }, cancel)?;
        let TokenBody { data } = reply::shape(body, operation)?;
        let expires = data.expires_at.and_then(|time| time.count()).filter(|time| *time != 0);
        Ok(TokenInfo {
            valid: data.is_valid.is_some_and(|flag| flag.is_set()),
            expires_at: expires
                .and_then(|time| i64::try_from(time).ok())
                .and_then(|time| DateTime::from_timestamp(time, 0)),
            scopes: data.scopes.iter().map(|scope| presentable(scope, &[])).collect(),
        })
    }
}

/// A map of term to 1; an empty map is written `{}` or `[]`.
fn terms_accepted(terms: &Value) -> bool {
    let signed = terms.get("custom_audience_tos").cloned().map(Scalar::deserialize);
    matches!(signed, Some(Ok(flag)) if flag.is_set())
}
