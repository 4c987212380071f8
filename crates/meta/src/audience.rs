//! Custom audiences: creating, finding, reading, deleting.

use crate::client::{Call, MetaClient, Verb};
use crate::error::MetaError;
use crate::paging::USUAL_PAGE;
use crate::patience::Repeat;
use crate::reply;
use crate::status::OperationStatus;
use crate::wire::Scalar;
use chrono::{DateTime, Utc};
use domain::Cancel;
use domain::foreign_text::presentable;
use serde::Deserialize;
use serde_json::{Value, json};

/// A customer list to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomAudience {
    /// Shown in Ads Manager. Words that hint at health or money get the audience blocked.
    pub name: String,
    /// Carries the tag by which the audience is found again.
    pub description: String,
}

/// An audience in a list. Texts are as Meta holds them, so that they can be compared: escape them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceSummary {
    /// Meta's id, digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// `CUSTOM`, `LOOKALIKE`, …
    pub subtype: String,
    /// Whether its members have values.
    pub is_value_based: bool,
    /// When it was made; `None` when Meta does not say.
    pub time_created: Option<DateTime<Utc>>,
}

/// An audience as Meta sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudienceState {
    /// Meta's id, digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// What Meta is doing with it.
    pub operation_status: OperationStatus,
    /// Lower bound of its size, rounded by Meta; `None` while not known.
    pub lower: Option<u64>,
    /// Upper bound of its size, rounded by Meta; `None` while not known.
    pub upper: Option<u64>,
    /// Lookalikes made from it.
    pub lookalike_ids: Vec<String>,
    /// Whether its members have values.
    pub is_value_based: bool,
}

impl AudienceState {
    /// Whether Meta has processed what was uploaded and ads can use the audience: ready, or only with a remark such as a
    /// low match rate (411) or many invalid rows (412).
    pub fn is_ready(&self) -> bool {
        self.operation_status.is_settled()
    }
}

/// Meta names a small audience only as "below 1000", with both bounds at 1000: that is no count of a thousand people.
fn size_range(lower: Option<u64>, upper: Option<u64>) -> (Option<u64>, Option<u64>) {
    match (lower, upper) {
        (Some(1000), Some(1000)) => (Some(0), Some(1000)),
        other => other,
    }
}

#[derive(Deserialize)]
struct Created {
    id: Option<Scalar>,
}

#[derive(Deserialize)]
struct SummaryBody {
    id: Scalar,
    name: Option<String>,
    description: Option<String>,
    subtype: Option<String>,
    is_value_based: Option<Scalar>,
    time_created: Option<Scalar>,
}

impl SummaryBody {
    fn summary(self, operation: &'static str) -> Result<AudienceSummary, MetaError> {
        let seconds = self.time_created.and_then(|time| time.count());
        Ok(AudienceSummary {
            id: known_id(&self.id, operation)?,
            name: self.name.unwrap_or_default(),
            description: self.description,
            subtype: self.subtype.unwrap_or_default(),
            is_value_based: self.is_value_based.is_some_and(|flag| flag.is_set()),
            time_created: seconds
                .and_then(|seconds| i64::try_from(seconds).ok())
                .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        })
    }
}

#[derive(Deserialize)]
struct IdBody {
    id: Scalar,
}

#[derive(Deserialize)]
struct StatusBody {
    code: Option<Scalar>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct StateBody {
    id: Scalar,
    name: Option<String>,
    description: Option<String>,
    operation_status: Option<StatusBody>,
    approximate_count_lower_bound: Option<Scalar>,
    approximate_count_upper_bound: Option<Scalar>,
    lookalike_audience_ids: Option<Vec<Scalar>>,
    is_value_based: Option<Scalar>,
}

const SUMMARY_FIELDS: &str = "id,name,description,subtype,is_value_based,time_created";

/// Summaries are short, and an account may hold a thousand and more.
const PAGE_OF_SUMMARIES: usize = 100;

const STATE_FIELDS: &str = "id,name,description,operation_status,approximate_count_lower_bound,approximate_count_upper_bound,lookalike_audience_ids,is_value_based";

impl MetaClient {
    /// Creates a value-based customer list and returns its id.
    ///
    /// Meta makes a twin when asked twice, so only throttling is repeated: it is refused before any work. After a lost
    /// reply, and equally after the passing errors 1, 2 and 5000, `is_transient` or an HTML page, nobody knows whether the
    /// audience exists (an answer "unknown error" does not say that nothing was done). All of these are
    /// [`MetaError::ReplyLost`]: look the audience up with [`find_custom_audiences`](Self::find_custom_audiences) by name
    /// and tag, and create again only when it is not there. `audience_labels` is left out: v25 does not know it.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn create_custom_audience(
        &self,
        new: &NewCustomAudience,
        cancel: &Cancel,
    ) -> Result<String, MetaError> {
        let operation = "create the custom audience";
        let fields = [
            ("name", new.name.as_str().into()),
            ("description", new.description.as_str().into()),
            ("subtype", "CUSTOM".into()),
            ("customer_file_source", "USER_PROVIDED_ONLY".into()),
            ("is_value_based", true.into()),
        ];
        let body = self.signed_body(fields);
        let path = format!("{}/customaudiences", self.ad_account_id());
        let call = Call { operation, path: &path, query: Vec::new(), verb: Verb::Post(&[&body]) };
        let result = self
            .patiently(Repeat::WhenNotDone, cancel, || self.once(&call, cancel))
            .and_then(|body| created_id(body, operation));
        match result {
            Err(error) if error.may_have_been_applied() => {
                Err(MetaError::ReplyLost { operation, source: Box::new(error) })
            }
            other => other,
        }
    }

    /// Every audience of the account with exactly this name, whatever its kind. GETs, repeated after passing errors.
    ///
    /// Meta filters by name; because that filter is not documented, a refusal of it (code 100) leads to reading the
    /// whole list. Either way the names are compared here.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn find_custom_audiences(
        &self,
        name: &str,
        cancel: &Cancel,
    ) -> Result<Vec<AudienceSummary>, MetaError> {
        let operation = "look the custom audience up by name";
        let path = format!("{}/customaudiences", self.ad_account_id());
        let fields = ("fields", SUMMARY_FIELDS.to_owned());
        let filter = json!([{"field": "name", "operator": "EQUAL", "value": name}]).to_string();
        let filtered = [fields, ("filtering", filter)];
        let found: Vec<SummaryBody> = match self.list(operation, &path, USUAL_PAGE, &filtered, cancel) {
            Err(MetaError::Api(error)) if error.code == 100 => self.all_audiences(operation, cancel)?,
            other => other?,
        };
        let named = found.into_iter().filter(|body| body.name.as_deref() == Some(name));
        named.map(|body| body.summary(operation)).collect()
    }

    /// Every audience of the account, lookalikes and those of other tools included: to be counted against Meta's limits
    /// and to be chosen from. GETs, repeated after passing errors.
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn custom_audiences(&self, cancel: &Cancel) -> Result<Vec<AudienceSummary>, MetaError> {
        let operation = "read the audiences of the ad account";
        let found = self.all_audiences(operation, cancel)?;
        found.into_iter().map(|body| body.summary(operation)).collect()
    }

    fn all_audiences(&self, operation: &'static str, cancel: &Cancel) -> Result<Vec<SummaryBody>, MetaError> {
        let path = format!("{}/customaudiences", self.ad_account_id());
        let fields = [("fields", SUMMARY_FIELDS.to_owned())];
        self.list(operation, &path, PAGE_OF_SUMMARIES, &fields, cancel)
    }

    /// The state of an audience or a lookalike. A GET, repeated after passing errors.
    ///
    /// # Errors
    /// [`MetaError`]; a deleted audience is code 100/33.
    pub fn audience(&self, audience_id: &str, cancel: &Cancel) -> Result<AudienceState, MetaError> {
        let operation = "read the audience";
        let query = vec![("fields", STATE_FIELDS.to_owned())];
        let body = self.call(&Call { operation, path: audience_id, query, verb: Verb::Get }, cancel)?;
        let body: StateBody = reply::shape(body, operation)?;
        let bound = |bound: Option<Scalar>| bound.and_then(|bound| bound.count());
        let (lower, upper) =
            size_range(bound(body.approximate_count_lower_bound), bound(body.approximate_count_upper_bound));
        Ok(AudienceState {
            id: known_id(&body.id, operation)?,
            name: body.name.unwrap_or_default(),
            description: body.description,
            operation_status: status(body.operation_status),
            lower,
            upper,
            lookalike_ids: body
                .lookalike_audience_ids
                .unwrap_or_default()
                .iter()
                .filter_map(Scalar::id)
                .collect(),
            is_value_based: body.is_value_based.is_some_and(|flag| flag.is_set()),
        })
    }

    /// Deletes an audience or a lookalike for ever; ads that use it stop and can never be restarted, so ask
    /// [`ads_using`](Self::ads_using) just before. A DELETE, repeated after passing errors and lost replies: one that is
    /// already gone (100/33, also Meta's answer to a login that cannot see it) counts as deleted.
    ///
    /// # Errors
    /// [`MetaError`]; 2656 while lookalikes made from it exist.
    pub fn delete_audience(&self, audience_id: &str, cancel: &Cancel) -> Result<(), MetaError> {
        let operation = "delete the audience";
        let call = Call { operation, path: audience_id, query: Vec::new(), verb: Verb::Delete };
        match self.call(&call, cancel) {
            Err(error) if error.is_gone() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Ids of the ads that use or exclude the audience. GETs, repeated after passing errors. Treat an error as "used".
    ///
    /// # Errors
    /// [`MetaError`].
    pub fn ads_using(&self, audience_id: &str, cancel: &Cancel) -> Result<Vec<String>, MetaError> {
        let operation = "read which ads use the audience";
        let path = format!("{audience_id}/ads");
        let ads: Vec<IdBody> =
            self.list(operation, &path, USUAL_PAGE, &[("fields", "id".to_owned())], cancel)?;
        ads.iter().map(|ad| known_id(&ad.id, operation)).collect()
    }
}

impl MetaError {
    /// 100/33: the object does not exist, or not for this login.
    pub fn is_gone(&self) -> bool {
        self.api().is_some_and(|error| (error.code, error.subcode) == (100, Some(33)))
    }
}

/// The id in the reply to a creation.
pub(crate) fn created_id(body: Value, operation: &'static str) -> Result<String, MetaError> {
    let created: Created = reply::shape(body, operation)?;
    let id = created.id.and_then(|id| id.id());
    id.ok_or_else(|| MetaError::UnexpectedShape { operation, detail: "no usable id".to_owned() })
}

fn known_id(id: &Scalar, operation: &'static str) -> Result<String, MetaError> {
    id.id()
        .ok_or_else(|| MetaError::UnexpectedShape { operation, detail: "an id is not a number".to_owned() })
}

fn status(body: Option<StatusBody>) -> OperationStatus {
    let Some(body) = body else { return OperationStatus { code: 0, description: String::new() } };
    let code = body.code.and_then(|code| code.count()).and_then(|code| u32::try_from(code).ok());
    let description = presentable(&body.description.unwrap_or_default(), &[]);
    OperationStatus { code: code.unwrap_or_default(), description }
}
