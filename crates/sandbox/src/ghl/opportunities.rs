//! `POST /opportunities/search` and the pipelines (ghl-api §6.1).

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use serde_json::{Value, json};

use super::filters::{Field, Filters};
use super::reply::Refusal;
use super::search::{WINDOW, array, object, only_keys, own_id, whole};
use crate::clock::rfc3339;
use crate::people::{Opportunity, PIPELINES, Population, STAGES, person_at, place_of_id};

const KEYS: [&str; 8] =
    ["locationId", "page", "limit", "searchAfter", "query", "filters", "sort", "additionalDetails"];

/// The opportunities of the location.
pub(super) struct Opportunities {
    population: Arc<Population>,
    totals: HashMap<String, u64>,
}

impl Opportunities {
    pub(super) fn new(population: Arc<Population>) -> Self {
        Self { population, totals: HashMap::new() }
    }

    /// The reply to a search; `own` judges the location.
    pub(super) fn search(
        &mut self,
        body: &[u8],
        content_type: Option<&HeaderValue>,
        own: impl FnOnce(&str) -> Result<(), Refusal>,
    ) -> Result<Value, Refusal> {
        let body = object(body, content_type)?;
        let mut problems = Vec::new();
        only_keys(&body, &KEYS, &mut problems);
        let location_id = own_id(&body, &mut problems);
        let limit = whole(&body, "limit", Some(500), &mut problems);
        let page = whole_or(&body, "page", 1, &mut problems);
        let cursor = array(&body, "searchAfter", &mut problems);
        let filters = array(&body, "filters", &mut problems);
        let sort = array(&body, "sort", &mut problems);
        let descending = match sort {
            [] => true,
            [sort] if sort["field"] == "date_added" => sort["direction"] != "asc",
            _ => {
                problems.push("sort.0.field must be date_added here".to_owned());
                true
            }
        };
        if !problems.is_empty() {
            return Err(Refusal::unprocessable(problems));
        }
        let filters = Filters::parse(filters, Field::of_opportunity)?;
        own(&location_id)?;
        if page.saturating_mul(limit) > WINDOW {
            return Err(Refusal::bad_request("Result window is too large"));
        }
        let behind = match cursor.last() {
            None => None,
            Some(id) => Some(
                id.as_str()
                    .and_then(place_of_id)
                    .ok_or_else(|| Refusal::bad_request("Invalid searchAfter"))?,
            ),
        };
        let total = self.total(&filters);
        let skipped =
            if behind.is_some() { 0 } else { usize::try_from((page - 1) * limit).unwrap_or(usize::MAX) };
        let rows: Vec<Value> = self
            .found(&filters, descending, behind)
            .skip(skipped)
            .take(usize::try_from(limit).unwrap_or(1))
            .map(|opportunity| document(&opportunity, &location_id))
            .collect();
        Ok(json!({"opportunities": rows, "total": total, "aggregations": {}}))
    }

    fn total(&mut self, filters: &Filters) -> u64 {
        let key = format!("{filters:?}");
        if let Some(total) = self.totals.get(&key) {
            return *total;
        }
        let total = self.found(filters, false, None).count() as u64;
        self.totals.insert(key, total);
        total
    }

    /// In the order they were added, behind the one at that place.
    fn found(
        &self,
        filters: &Filters,
        descending: bool,
        behind: Option<u64>,
    ) -> impl Iterator<Item = Opportunity> {
        let (from, until) = filters.added();
        let (from, until) = (self.population.added_before(from), self.population.added_before(until));
        let start = behind.map_or(0, person_at);
        let people: Box<dyn Iterator<Item = u32>> = if descending {
            Box::new((from..until.min(behind.map_or(u32::MAX, |place| person_at(place) + 1))).rev())
        } else {
            Box::new(from.max(start)..until)
        };
        let of_person = move |index: u32| {
            let mut all = self.population.opportunities(index);
            if descending {
                all.reverse();
            }
            all
        };
        let is_behind = move |opportunity: &Opportunity| match behind {
            None => true,
            Some(place) if descending => opportunity.place < place,
            Some(place) => opportunity.place > place,
        };
        people.flat_map(of_person).filter(is_behind).filter(|opportunity| filters.matches(opportunity))
    }
}

fn whole_or(
    body: &serde_json::Map<String, Value>,
    key: &str,
    default: u64,
    problems: &mut Vec<String>,
) -> u64 {
    if body.contains_key(key) { whole(body, key, None, problems) } else { default }
}

/// An amount as GHL sends it: without needless zeros.
pub(super) fn amount(cents: i64) -> Value {
    if cents % 100 == 0 { json!(cents / 100) } else { json!(cents as f64 / 100.0) }
}

fn document(opportunity: &Opportunity, location_id: &str) -> Value {
    let time = chrono::DateTime::from_timestamp_millis(opportunity.added).map(rfc3339);
    json!({
        "id": opportunity.id,
        "name": "Order",
        "monetaryValue": amount(opportunity.cents),
        "pipelineId": opportunity.pipeline_id(),
        "pipelineStageId": STAGES[opportunity.pipeline],
        "assignedTo": null,
        "status": opportunity.status,
        "source": null,
        "lastStatusChangeAt": time,
        "lastStageChangeAt": time,
        "createdAt": time,
        "updatedAt": time,
        "contactId": opportunity.contact_id,
        "locationId": location_id,
        "contact": {"id": opportunity.contact_id},
        "relations": [],
        "customFields": [],
        "followers": [],
        "searchAfter": [opportunity.added, opportunity.id],
    })
}

/// `GET /opportunities/pipelines`.
pub(super) fn pipelines(location_id: &str) -> Value {
    let pipeline = |((id, name), stage): (&(&str, &str), &str)| {
        json!({"id": id, "name": name, "stages": [{"id": stage, "name": "Closed", "position": 0}],
            "showInFunnel": true, "showInPieChart": true, "locationId": location_id})
    };
    json!({"pipelines": PIPELINES.iter().zip(STAGES).map(pipeline).collect::<Vec<_>>()})
}
