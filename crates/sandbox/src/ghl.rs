//! GoHighLevel API 2.0 as far as the product calls it: `POST /contacts/search`, `POST /opportunities/search` with the
//! pipelines, `GET /locations/{id}` and the location's custom fields and tags. API v1 stands beside it, below `/v1`.

mod account;
mod filtered;
mod filters;
mod gate;
mod opportunities;
mod reply;
mod search;
mod settings;
mod sorting;
mod v1;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::clock::{SandboxClock, rfc3339};
use crate::people::{FIELD_EMPTY, FIELD_LTV, FIELD_NOTES, KEY_LTV, Population};
use account::Account;
use gate::{Access, Gate, Scope};
use opportunities::Opportunities;
use reply::Refusal;
pub use settings::{ContactPatch, GhlSettings, GhlStatePatch, PlannedChange};

/// The simulated location.
pub(crate) struct GhlState {
    clock: SandboxClock,
    inner: Mutex<Inner>,
}

struct Inner {
    settings: GhlSettings,
    gate: Gate,
    account: Account,
    opportunities: Opportunities,
    planned: Vec<PlannedChange>,
    searches: u32,
}

/// Id, name, key and data type of the fields of [`GhlSettings::every_field_type`].
const FURTHER_FIELDS: [(&str, &str, &str, &str); 11] = [
    ("textF1eldAbCdEfGhIjK", "Favourite", "contact.favourite", "TEXT"),
    ("textF1eldTwiceEfGhIj", "favourite", "contact.favourite_2", "TEXT"),
    ("largeF1eldAbCdEfGhIj", "Remarks", "contact.remarks", "LARGE_TEXT"),
    ("s1ngleF1eldAbCdEfGhI", "Size", "contact.size", "SINGLE_OPTIONS"),
    ("rad1oF1eldAbCdEfGhIj", "Colour", "contact.colour", "RADIO"),
    ("phoneF1eldAbCdEfGhIj", "Other phone", "contact.other_phone", "PHONE"),
    ("checkF1eldAbCdEfGhIj", "Interests", "contact.interests", "CHECKBOX"),
    ("mult1F1eldAbCdEfGhIj", "Services", "contact.services", "MULTIPLE_OPTIONS"),
    ("numberF1eldAbCdEfGhI", "Visits", "contact.visits", "NUMERICAL"),
    ("dateF1eldAbCdEfGhIjK", "Renewal", "contact.renewal", "DATE"),
    ("boxesF1eldAbCdEfGhIj", "Boxes", "contact.boxes", "TEXTBOX_LIST"),
];

/// The data types of the location's custom fields, by id.
pub(crate) fn data_type(field_id: &str) -> Option<&'static str> {
    match field_id {
        FIELD_LTV | FIELD_EMPTY => Some("MONETORY"),
        FIELD_NOTES => Some("TEXT"),
        _ => FURTHER_FIELDS.iter().find(|(id, ..)| *id == field_id).map(|(.., data_type)| *data_type),
    }
}

impl GhlState {
    pub(crate) fn new(clock: SandboxClock, population: Arc<Population>, settings: GhlSettings) -> Self {
        let inner = Inner {
            gate: Gate::new(&settings),
            account: Account::new(Arc::clone(&population)),
            opportunities: Opportunities::new(population),
            settings,
            planned: Vec::new(),
            searches: 0,
        };
        Self { clock, inner: Mutex::new(inner) }
    }

    /// Applies toggles of the control API.
    pub(crate) fn patch(&self, patch: GhlStatePatch) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        if let Some(lag) = patch.search_lag_millis {
            inner.settings.search_lag = std::time::Duration::from_millis(lag);
        }
        inner.gate.patch(&patch);
        if let Some(change) = patch.changes {
            for change in change {
                if change.after_searches == 0 {
                    inner.apply(&self.clock, change);
                } else {
                    let after_searches = inner.searches.saturating_add(change.after_searches);
                    inner.planned.push(PlannedChange { after_searches, ..change });
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page takes its time; others are answered meanwhile.
    async fn be_slow(&self) {
        let latency = self.lock().settings.page_latency;
        if !latency.is_zero() {
            actix_web::rt::time::sleep(latency).await;
        }
    }

    /// Lets the call through the gate, answers it, and puts the rate-limit headers and the trace id on whatever comes out.
    fn answer(
        &self,
        request: &HttpRequest,
        access: Access,
        route: impl FnOnce(&mut Inner, &Call) -> Result<Value, Refusal>,
    ) -> HttpResponse {
        let now = self.clock.steady();
        let mut inner = self.lock();
        let result = inner.gate.admit(request, access, now).and_then(|()| {
            let v3 = request.headers().get("version").is_some_and(|version| version == "v3");
            route(&mut inner, &Call { v3, now })
        });
        reply::reply(result, inner.gate.headers(now))
    }
}

/// What a route needs to know of the call.
struct Call {
    v3: bool,
    now: chrono::DateTime<chrono::Utc>,
}

impl Inner {
    fn apply(&mut self, clock: &SandboxClock, change: PlannedChange) {
        let visible_at = clock.steady() + self.settings.search_lag;
        self.account.change(change, clock.steady(), visible_at);
    }

    fn after_search(&mut self, clock: &SandboxClock) {
        self.searches += 1;
        let searches = self.searches;
        let (due, later) = std::mem::take(&mut self.planned)
            .into_iter()
            .partition(|change| change.after_searches <= searches);
        self.planned = later;
        let due: Vec<PlannedChange> = due;
        for change in due {
            self.apply(clock, change);
        }
    }

    fn own_location(&self, id: &str) -> Result<(), Refusal> {
        if id == self.settings.location_id { Ok(()) } else { Err(Refusal::foreign_location()) }
    }
}

/// Registers the routes; `web::Data<GhlState>` must be added.
pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route("/contacts/search", web::post().to(search_contacts))
        .route("/opportunities/search", web::post().to(search_opportunities))
        .route("/opportunities/pipelines", web::get().to(pipelines))
        .route("/locations/{id}", web::get().to(location))
        .route("/locations/{id}/customFields", web::get().to(custom_fields))
        .route("/locations/{id}/tags", web::get().to(tags))
        .configure(v1::configure)
        .default_service(web::to(unknown_route));
}

async fn search_contacts(state: Data<GhlState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let clock = &state.clock;
    state.be_slow().await;
    state.answer(&request, Access::V2(Some(Scope::Contacts)), |inner, call| {
        let search = search::Search::parse(&body, request.headers().get("content-type"))?;
        inner.own_location(&search.location_id)?;
        let (contacts, total) = inner.account.search(&search, call.now)?;
        let documents: Vec<Value> = contacts
            .into_iter()
            .map(|(contact, cursor)| contact.search_document(&search.location_id, call.v3, &cursor))
            .collect();
        inner.after_search(clock);
        Ok(json!({"contacts": documents, "total": total}))
    })
}

async fn search_opportunities(state: Data<GhlState>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    state.be_slow().await;
    state.answer(&request, Access::V2(Some(Scope::Opportunities)), |inner, _| {
        let settings = &inner.settings;
        let own =
            |id: &str| if id == settings.location_id { Ok(()) } else { Err(Refusal::foreign_location()) };
        inner.opportunities.search(&body, request.headers().get("content-type"), own)
    })
}

async fn pipelines(state: Data<GhlState>, request: HttpRequest) -> HttpResponse {
    state.answer(&request, Access::V2(Some(Scope::Opportunities)), |inner, _| {
        let query = web::Query::<HashMap<String, String>>::from_query(request.query_string());
        let location = query.ok().and_then(|query| query.get("locationId").cloned()).unwrap_or_default();
        inner.own_location(&location)?;
        Ok(opportunities::pipelines(&location))
    })
}

async fn location(state: Data<GhlState>, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    state.answer(&request, Access::V2(Some(Scope::Locations)), |inner, call| {
        inner.own_location(&id)?;
        let settings = &inner.settings;
        Ok(json!({"location": {
            "id": settings.location_id,
            "companyId": "5DP4iH6HLkQsiKESj6rh",
            "name": settings.location_name,
            "address": "1 Example Street",
            "city": "Springfield",
            "state": "IL",
            "country": settings.location_country,
            "postalCode": "62701",
            "website": "https://www.example.com",
            "timezone": settings.location_timezone,
            "firstName": "Sam",
            "lastName": "Example",
            "email": "owner@example.com",
            "phone": "+12175550100",
            "business": {"name": settings.location_name, "country": settings.location_country,
                "timezone": settings.location_timezone},
            "social": {},
            "settings": {"allowDuplicateContact": false},
            "dateAdded": rfc3339(call.now - chrono::TimeDelta::days(1000)),
        }}))
    })
}

async fn custom_fields(state: Data<GhlState>, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    state.answer(&request, Access::V2(Some(Scope::CustomFields)), |inner, _| {
        inner.own_location(&id)?;
        let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
        let model =
            query.ok().and_then(|query| query.iter().find(|(key, _)| key == "model").map(|(_, v)| v.clone()));
        let model = model.unwrap_or_else(|| "contact".to_owned());
        if !["contact", "opportunity", "all"].contains(&model.as_str()) {
            let message = "model must be one of the following values: contact, opportunity, all";
            return Err(Refusal::unprocessable(vec![message.to_owned()]));
        }
        let fields = field_definitions(&inner.settings);
        Ok(json!({"customFields": if model == "opportunity" { Vec::new() } else { fields }}))
    })
}

/// The custom fields of contacts.
fn field_definitions(settings: &GhlSettings) -> Vec<Value> {
    let location_id = &settings.location_id;
    let field = |position: u32, id: &str, name: &str, key: &str| {
        json!({"id": id, "name": name, "fieldKey": key, "placeholder": "", "dataType": data_type(id), "position": position,
            "picklistOptions": [], "picklistImageOptions": [], "isAllowedCustomOption": false, "isMultiFileAllowed": false,
            "maxFileLimit": 1, "locationId": location_id, "model": "contact"})
    };
    let mut fields = vec![
        field(50, FIELD_LTV, "Lifetime Value", KEY_LTV),
        field(100, FIELD_NOTES, "Notes Value", "contact.notes_value"),
        field(150, FIELD_EMPTY, "Projected Value", "contact.projected_value"),
    ];
    if settings.every_field_type {
        fields
            .extend((4..).zip(FURTHER_FIELDS).map(|(at, (id, name, key, _))| field(at * 50, id, name, key)));
    }
    fields
}

async fn tags(state: Data<GhlState>, request: HttpRequest, id: web::Path<String>) -> HttpResponse {
    state.answer(&request, Access::V2(Some(Scope::Tags)), |inner, call| {
        inner.own_location(&id)?;
        let location = inner.settings.location_id.clone();
        let tags = inner.account.tags(call.now);
        let tag = |(number, name): (usize, String)| json!({"id": format!("tag{number:017}"), "name": name, "locationId": location});
        Ok(json!({"tags": tags.into_iter().enumerate().map(tag).collect::<Vec<_>>()}))
    })
}

async fn unknown_route(state: Data<GhlState>, request: HttpRequest) -> HttpResponse {
    state.answer(&request, Access::V2(None), |_, _| {
        Err(Refusal::no_route(request.method().as_str(), request.path()))
    })
}
