//! Opportunities: what a contact has bought, where GoHighLevel knows it.

use crate::client::{DATED, Operation};
use crate::contact::{cursor, object, raw_ltv};
use crate::error::GhlError;
use crate::search::{Endpoint, Listing, Row};
use crate::wire_text::{identifier, moment, text};
use domain::RawLtv;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A won opportunity of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WonOpportunity {
    /// Its own id: an opportunity that comes twice is the same one.
    pub id: String,
    /// The contact it belongs to; `None` when that one is gone.
    pub contact_id: Option<String>,
    /// `monetaryValue`, digit for digit.
    pub value: RawLtv,
}

/// A pipeline of the location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipeline {
    /// Its id.
    pub id: String,
    /// Its name; the id when it has none. Hostile input: escape it.
    pub name: String,
}

/// Reply of `GET /opportunities/pipelines`.
#[derive(Deserialize)]
pub(crate) struct WirePipelinesReply {
    pipelines: Vec<WirePipeline>,
}

#[derive(Deserialize)]
struct WirePipeline {
    id: Option<String>,
    name: Option<String>,
}

impl WirePipelinesReply {
    pub(crate) fn into_pipelines(self) -> Vec<Pipeline> {
        let named = |wire: WirePipeline| {
            let id = wire.id.filter(|id| !id.trim().is_empty())?;
            let name = wire.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| id.clone());
            Some(Pipeline { id, name })
        };
        self.pipelines.into_iter().filter_map(named).collect()
    }
}

/// The won opportunities of these pipelines, of all when there are none. The names of this endpoint's fields are those of
/// <https://marketplace.gohighlevel.com/docs/ghl/opportunities/search-opportunities-advanced>.
pub(crate) fn won(pipelines: &[String]) -> Vec<Value> {
    let equal = |field: &str, value: &str| json!({"field": field, "operator": "eq", "value": value});
    let mut conditions = vec![equal("status", "won")];
    if !pipelines.is_empty() {
        let any: Vec<Value> = pipelines.iter().map(|id| equal("pipeline_id", id)).collect();
        conditions.push(json!({"group": "OR", "filters": any}));
    }
    conditions
}

/// Rows of `POST /opportunities/search`.
pub(crate) struct Opportunities;

/// An opportunity in the bytes that were sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireOpportunity<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    contact_id: Option<&'a RawValue>,
    contact: Option<&'a RawValue>,
    monetary_value: Option<&'a RawValue>,
    created_at: Option<&'a RawValue>,
    search_after: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireContactOfOpportunity<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
}

impl Listing for Opportunities {
    type Item = WonOpportunity;

    const ENDPOINT: Endpoint = Endpoint {
        operation: Operation {
            doing: "read the opportunities",
            scope: "opportunities.readonly",
            version: DATED,
        },
        path: "/opportunities/search",
        limit: "limit",
        added: "date_added",
    };

    fn read(&self, row: &RawValue, position: usize) -> Result<Row<WonOpportunity>, GhlError> {
        let in_place = || format!("number {position} of its page");
        let odd = |opportunity: String, reason: &str| GhlError::UnreadableOpportunity {
            opportunity,
            reason: reason.to_owned(),
        };
        let wire = object::<WireOpportunity<'_>>(row)
            .ok_or_else(|| odd(in_place(), "it is not a JSON object with each field once"))?;
        let id = match text(wire.id) {
            Ok(Some(id)) if !id.trim().is_empty() => id,
            _ => return Err(odd(in_place(), "it has no id")),
        };
        let shown = identifier(&id).map_or_else(in_place, str::to_owned);
        let inner =
            wire.contact.and_then(object::<WireContactOfOpportunity<'_>>).and_then(|contact| contact.id);
        let own = text(wire.contact_id)
            .map_err(|_not_text| odd(shown.clone(), "its field `contactId` has an unknown form"))?;
        let contact_id = own.or_else(|| text(inner).ok()?).filter(|id| !id.trim().is_empty());
        let value = match wire.monetary_value {
            None => RawLtv::Absent,
            Some(value) if value.get() == "null" => RawLtv::Absent,
            Some(value) => raw_ltv(value),
        };
        let added = moment(wire.created_at);
        // The documents show the cursor as the time and the id, and do not say where in a reply it stands.
        let made = || {
            let made = json!([added?, id]).to_string();
            RawValue::from_string(made).ok()
        };
        let cursor = wire.search_after.and_then(cursor).or_else(made);
        let item = WonOpportunity { id, contact_id, value };
        Ok(Row { item, cursor, added })
    }
}
