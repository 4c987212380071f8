//! The small traits through which a run talks to the world, and their implementations by the clients.
//!
//! They exist where a run has more than one partner (API 2.0 or API v1 as the source of contacts; Claude or exact local
//! ranks). The database is not behind a trait: `Store` already hides two engines.

mod ranker;
mod v1;

pub use ranker::{LocalRanker, Ranker};

use crate::error::{EdgeError, RunError};
use domain::{Cancel, Conditions, Contact, Explain, Explanation, RawLtv};
use ghl::{ContactQuery, Filter};
use serde_json::{Value, json};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// A custom field that may hold the lifetime value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueField {
    /// The source's id, unique per location.
    pub id: String,
    /// The key, such as `contact.lifetime_value`; the same in every location.
    pub key: String,
    /// The name people see.
    pub name: String,
    /// The source's word for its type, such as `MONETORY`.
    pub data_type: String,
}

/// A list as the source is asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ContactList {
    /// Every contact.
    All,
    /// The contacts that carry exactly this tag.
    Tag(String),
    /// The contacts that meet these conditions, which [`ContactSource::check_conditions`] returned.
    Conditions(Conditions),
    /// The source's own list with this id.
    Source(String),
}

/// A list that the source itself keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceList {
    /// The source's id.
    pub id: String,
    /// The name people see. Hostile input: escape it.
    pub name: String,
}

/// What is wrong with the conditions of a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} conditions can not be used", .0.len())]
pub struct ConditionsRefused(pub Vec<ConditionProblem>);

/// One thing that is wrong with the conditions of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionProblem {
    /// Where, such as `filters[1].value`.
    pub path: String,
    /// What; never the value, which may be personal data.
    pub message: String,
}

impl fmt::Display for ConditionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.message)
    }
}

/// A list, or a way to a value, that this version of the source's API does not offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this version of the API does not offer the list")]
pub struct ListNotOffered;

impl Explain for ListNotOffered {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "The chosen list or source of values is not offered by the version of GoHighLevel's API in GHL_API_VERSION.",
            "Choose the list and the field again. With v1 there are the smart lists of that server and custom fields only; \
             with v2 all contacts, tags, saved conditions and won opportunities.",
        )
    }
}

/// Problems that are told at once; a pasted text may have any number of them.
const MOST_PROBLEMS: usize = 10;

impl Explain for ConditionsRefused {
    fn explain(&self) -> Explanation {
        let mut told: Vec<String> = self.0.iter().take(MOST_PROBLEMS).map(ToString::to_string).collect();
        if let Some(further) = self.0.len().checked_sub(MOST_PROBLEMS).filter(|further| *further > 0) {
            told.push(format!("and {further} more"));
        }
        Explanation::new(
            format!("The conditions can not be used: {}.", told.join("; ")),
            "Correct them; conditions are written as GoHighLevel's contact search takes them.",
        )
    }
}

/// An opportunity that was won.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WonOpportunity {
    /// Its own id: one that comes twice is the same.
    pub id: String,
    /// The contact it belongs to; `None` when that one is gone.
    pub contact_id: Option<String>,
    /// What it is worth, digit for digit.
    pub value: RawLtv,
}

/// A pipeline of opportunities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// The source's id.
    pub id: String,
    /// The name people see. Hostile input: escape it.
    pub name: String,
}

/// Where contacts come from.
pub trait ContactSource: Send + Sync {
    /// The location's country as the source writes it; phones without a country are read with it.
    ///
    /// # Errors
    /// The source's own error.
    fn country(&self, cancel: &Cancel) -> Result<Option<String>, EdgeError>;

    /// The custom fields of contacts.
    ///
    /// # Errors
    /// The source's own error.
    fn fields(&self, cancel: &Cancel) -> Result<Vec<ValueField>, EdgeError>;

    /// The lists the source itself keeps. `None` from a source that keeps none and is asked for all contacts, tags and
    /// conditions instead.
    ///
    /// # Errors
    /// The source's own error.
    fn own_lists(&self, cancel: &Cancel) -> Result<Option<Vec<SourceList>>, EdgeError>;

    /// The tags in use.
    ///
    /// # Errors
    /// The source's own error.
    fn tags(&self, cancel: &Cancel) -> Result<Vec<String>, EdgeError>;

    /// How many contacts the list holds now.
    ///
    /// # Errors
    /// The source's own error.
    fn count(&self, list: &ContactList, cancel: &Cancel) -> Result<u64, EdgeError>;

    /// The conditions of a filter as they are kept, made of what a person pasted, when all of them can be used now:
    /// fields and operators are known, values fit, custom fields exist.
    ///
    /// # Errors
    /// The source's own error; within, everything that is wrong with the conditions.
    fn check_conditions(
        &self,
        pasted: &Value,
        cancel: &Cancel,
    ) -> Result<Result<Conditions, ConditionsRefused>, EdgeError>;

    /// The pipelines opportunities are in.
    ///
    /// # Errors
    /// The source's own error.
    fn pipelines(&self, cancel: &Cancel) -> Result<Vec<Pipeline>, EdgeError>;

    /// How many won opportunities these pipelines (ids; all of them when there are none) hold now.
    ///
    /// # Errors
    /// The source's own error.
    fn count_won_opportunities(&self, pipelines: &[String], cancel: &Cancel) -> Result<u64, EdgeError>;

    /// Reads every won opportunity of these pipelines (ids; of all pipelines when there are none). `page` gets them and
    /// how many there are as the source states it; it ends the reading by returning an error. One that was changed
    /// meanwhile may come twice.
    ///
    /// # Errors
    /// The source's own error, or the one `page` returned; [`RunError::OpportunitiesChanged`] when fewer came than there
    /// were at the end, which another reading may put right.
    fn won_opportunities(
        &self,
        pipelines: &[String],
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<WonOpportunity>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError>;

    /// Reads the whole list page by page, with the value of the field when one is named. `page` gets the contacts and
    /// the size of the list as the source states it; it ends the reading by returning an error.
    ///
    /// # Errors
    /// The source's own error, or the one `page` returned; [`RunError::CountMismatch`] when fewer came than the list held
    /// at the end, which another reading may put right.
    fn read(
        &self,
        list: &ContactList,
        field_id: Option<&str>,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError>;
}

impl ContactSource for ghl::GhlClient {
    fn country(&self, cancel: &Cancel) -> Result<Option<String>, EdgeError> {
        Ok(self.location(cancel).map_err(EdgeError::new)?.country)
    }

    fn fields(&self, cancel: &Cancel) -> Result<Vec<ValueField>, EdgeError> {
        Ok(value_fields(self.custom_fields(cancel).map_err(EdgeError::new)?))
    }

    fn own_lists(&self, _cancel: &Cancel) -> Result<Option<Vec<SourceList>>, EdgeError> {
        Ok(None)
    }

    fn tags(&self, cancel: &Cancel) -> Result<Vec<String>, EdgeError> {
        Self::tags(self, cancel).map_err(EdgeError::new)
    }

    fn count(&self, list: &ContactList, cancel: &Cancel) -> Result<u64, EdgeError> {
        self.contact_count(&query(self, list, cancel)?, cancel).map_err(EdgeError::new)
    }

    fn check_conditions(
        &self,
        pasted: &Value,
        cancel: &Cancel,
    ) -> Result<Result<Conditions, ConditionsRefused>, EdgeError> {
        let filter = match Filter::parse(pasted) {
            Ok(filter) => filter,
            Err(problems) => return Ok(Err(refused(problems))),
        };
        let fields = fields_for(self, &filter, cancel)?;
        Ok(filter.resolve(&fields).map(|_query| Conditions(json!(filter).to_string())).map_err(refused))
    }

    fn pipelines(&self, cancel: &Cancel) -> Result<Vec<Pipeline>, EdgeError> {
        let pipelines = Self::pipelines(self, cancel).map_err(EdgeError::new)?;
        Ok(pipelines.into_iter().map(|pipeline| Pipeline { id: pipeline.id, name: pipeline.name }).collect())
    }

    fn count_won_opportunities(&self, pipelines: &[String], cancel: &Cancel) -> Result<u64, EdgeError> {
        self.won_opportunity_count(pipelines, cancel).map_err(EdgeError::new)
    }

    fn won_opportunities(
        &self,
        pipelines: &[String],
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<WonOpportunity>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let opportunity = |won: ghl::WonOpportunity| WonOpportunity {
            id: won.id,
            contact_id: won.contact_id,
            value: won.value,
        };
        let mut page = |rows: Vec<_>, total| page(rows.into_iter().map(opportunity).collect(), total);
        pages(RunError::opportunities_changed, &mut page, |page| {
            self.won_opportunity_values(pipelines, cancel, page)
        })
    }

    fn read(
        &self,
        list: &ContactList,
        field_id: Option<&str>,
        cancel: &Cancel,
        page: &mut dyn FnMut(Vec<Contact>, u64) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        let query = query(self, list, cancel)?;
        pages(RunError::count_mismatch, page, |page| {
            self.read_contacts(&query, field_id.unwrap_or_default(), cancel, page)
        })
    }
}

/// GoHighLevel by the version of its API (`GHL_API_VERSION`).
#[derive(Debug, Clone)]
pub enum GhlApi {
    /// API 2.0.
    V2(Arc<ghl::GhlClient>),
    /// API v1, for servers that offer it.
    V1(Arc<ghl::GhlV1Client>),
}

impl GhlApi {
    /// The same client for a person who waits for the answer (see [`ghl::GhlClient::impatient`]).
    #[must_use]
    pub fn impatient(&self, connect_timeout: Duration, total_timeout: Duration) -> Self {
        match self {
            Self::V2(client) => Self::V2(Arc::new(client.impatient(connect_timeout, total_timeout))),
            Self::V1(client) => Self::V1(Arc::new(client.impatient(connect_timeout, total_timeout))),
        }
    }

    /// The client as a source of contacts.
    pub fn source(&self) -> Arc<dyn ContactSource> {
        match self {
            Self::V2(client) => Arc::clone(client) as Arc<dyn ContactSource>,
            Self::V1(client) => Arc::clone(client) as Arc<dyn ContactSource>,
        }
    }
}

fn value_fields(fields: Vec<ghl::CustomField>) -> Vec<ValueField> {
    let field = |field: ghl::CustomField| ValueField {
        id: field.id,
        key: field.field_key,
        name: field.name,
        data_type: field.data_type,
    };
    fields.into_iter().map(field).collect()
}

/// What the client hands pages to.
type Deliver<'a, T> = dyn FnMut(Vec<T>, u64) -> ControlFlow<()> + 'a;

/// Reads with the client and returns the error of whoever takes the pages, if it has one. The list may have changed while
/// it was read, so `incomplete` makes an error after which it is read again.
fn pages<T>(
    incomplete: fn(u64, u64) -> RunError,
    page: &mut dyn FnMut(Vec<T>, u64) -> Result<(), RunError>,
    read: impl FnOnce(&mut Deliver<'_, T>) -> Result<(), ghl::GhlError>,
) -> Result<(), RunError> {
    let mut failed = None;
    let result = read(&mut |rows, total| {
        page(rows, total).map_or_else(
            |error| {
                failed = Some(error);
                ControlFlow::Break(())
            },
            ControlFlow::Continue,
        )
    });
    match (failed, result) {
        (Some(error), _) => Err(error),
        (None, Err(ghl::GhlError::Incomplete { read, total })) => Err(incomplete(read, total)),
        (None, result) => result.map_err(RunError::edge),
    }
}

/// The search for a list. Its custom fields are looked up each time, so that one that was deleted is named and not searched.
fn query(ghl: &ghl::GhlClient, list: &ContactList, cancel: &Cancel) -> Result<ContactQuery, EdgeError> {
    match list {
        // There are none, so the id is that of another version of the API.
        ContactList::Source(_) => Err(EdgeError::new(ListNotOffered)),
        ContactList::All => Ok(ContactQuery::all()),
        ContactList::Tag(tag) => Ok(ContactQuery::tag(tag)),
        ContactList::Conditions(conditions) => {
            let pasted: Value = serde_json::from_str(&conditions.0).unwrap_or_default();
            let filter = Filter::parse(&pasted).map_err(|problems| EdgeError::new(refused(problems)))?;
            let fields = fields_for(ghl, &filter, cancel)?;
            filter.resolve(&fields).map_err(|problems| EdgeError::new(refused(problems)))
        }
    }
}

/// The location's custom fields, asked for when the filter names any.
fn fields_for(
    ghl: &ghl::GhlClient,
    filter: &Filter,
    cancel: &Cancel,
) -> Result<Vec<ghl::CustomField>, EdgeError> {
    if !filter.names_custom_fields() {
        return Ok(Vec::new());
    }
    ghl.custom_fields(cancel).map_err(EdgeError::new)
}

fn refused(problems: Vec<ghl::Problem>) -> ConditionsRefused {
    let problem = |problem: ghl::Problem| ConditionProblem { path: problem.path, message: problem.message };
    ConditionsRefused(problems.into_iter().map(problem).collect())
}
