//! The control API: what tests, the demo and a curious person use to look behind the simulators and to make trouble.
//! JSON over HTTP on its own port.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Data, Json, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, error};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::claude::ModeSetting;
use crate::faults::{Effect, Fault, Trouble};
use crate::ghl::GhlStatePatch;
use crate::people::{Expectation, Person, Population};
use crate::record::{RecordedRequest, Service};
use crate::sandbox::Inside;

/// `GET /control/people/expectations`: what a run over all contacts must come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectations {
    /// Contacts in the account.
    pub fetched: u64,
    /// Contacts that must be sent.
    pub sent: u64,
    /// Of those, how many Meta knows.
    pub sent_on_meta: u64,
    /// Contacts with a valid lifetime value: those that are ranked.
    pub ranked: u64,
    /// Left out for wanting no mail, calls or messages.
    pub opted_out: u64,
    /// Left out without a lifetime value.
    pub no_ltv: u64,
    /// Left out with something that is no amount.
    pub bad_ltv: u64,
    /// Left out without e-mail address and phone.
    pub no_identifier: u64,
    /// Left out for another contact with the same e-mail address and phone.
    pub merged: u64,
}

impl Expectations {
    pub(crate) fn of(population: &Population) -> Self {
        let mut sum = Self {
            fetched: u64::from(population.len()),
            sent: 0,
            sent_on_meta: 0,
            ranked: 0,
            opted_out: 0,
            no_ltv: 0,
            bad_ltv: 0,
            no_identifier: 0,
            merged: 0,
        };
        for person in population.people() {
            sum.ranked += u64::from(person.ltv_cents.is_some());
            let count = match person.expected {
                Expectation::Sent => {
                    sum.sent_on_meta += u64::from(person.on_meta);
                    &mut sum.sent
                }
                Expectation::OptedOut => &mut sum.opted_out,
                Expectation::NoLtv => &mut sum.no_ltv,
                Expectation::BadLtv => &mut sum.bad_ltv,
                Expectation::NoIdentifier => &mut sum.no_identifier,
                Expectation::MergedInto(_) => &mut sum.merged,
            };
            *count += 1;
        }
        sum
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .app_data(web::JsonConfig::default().limit(crate::tap::BODY_LIMIT).error_handler(refusal))
        .app_data(web::QueryConfig::default().error_handler(refusal_of_query))
        .route("/control/faults", web::post().to(add_fault))
        .route("/control/faults", web::delete().to(clear_faults))
        .route("/control/trouble", web::post().to(set_trouble))
        .route("/control/clock", web::post().to(advance))
        .route("/control/clock", web::get().to(times))
        .route("/control/services/{service}/stop", web::post().to(stop))
        .route("/control/record", web::get().to(record))
        .route("/control/record/counts", web::get().to(counts))
        .route("/control/mails", web::get().to(mails))
        .route("/control/ghl/state", web::post().to(ghl_state))
        .route("/control/claude/mode", web::post().to(claude_mode))
        .route("/control/people", web::get().to(people))
        .route("/control/people/expectations", web::get().to(expectations))
        .service(web::scope("/control/meta").configure(crate::meta::control))
        .default_service(web::to(unknown_route));
}

fn problem(message: &impl ToString) -> HttpResponse {
    HttpResponse::BadRequest().json(json!({"error": message.to_string()}))
}

fn refusal(problem_found: error::JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    let reply = problem(&problem_found);
    error::InternalError::from_response(problem_found, reply).into()
}

fn refusal_of_query(problem_found: error::QueryPayloadError, _: &HttpRequest) -> actix_web::Error {
    let reply = problem(&problem_found);
    error::InternalError::from_response(problem_found, reply).into()
}

async fn unknown_route(request: HttpRequest) -> HttpResponse {
    HttpResponse::NotFound()
        .json(json!({"error": format!("no control route {} {}", request.method(), request.path())}))
}

async fn add_fault(inside: Data<Arc<Inside>>, fault: Json<Fault>) -> HttpResponse {
    let fault = fault.into_inner();
    if fault.service != Service::Meta && matches!(fault.effect, Effect::MetaError(_)) {
        return problem(&"only the Meta simulator answers with errors of Meta's");
    }
    inside.faults.add(fault);
    HttpResponse::NoContent().finish()
}

async fn set_trouble(inside: Data<Arc<Inside>>, trouble: Json<Trouble>) -> HttpResponse {
    inside.faults.set_trouble(*trouble);
    HttpResponse::NoContent().finish()
}

async fn clear_faults(inside: Data<Arc<Inside>>) -> HttpResponse {
    inside.faults.clear();
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

async fn advance(inside: Data<Arc<Inside>>, advance: Json<Advance>) -> HttpResponse {
    inside.clock.advance(Duration::from_secs(advance.advance_seconds));
    times(inside).await
}

async fn times(inside: Data<Arc<Inside>>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"now": inside.clock.now(), "steady": inside.clock.steady()}))
}

async fn stop(inside: Data<Arc<Inside>>, service: web::Path<Service>) -> HttpResponse {
    let stopped = web::block(move || inside.stop(*service)).await;
    stopped.map_or_else(|error| problem(&error), |()| HttpResponse::NoContent().finish())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordQuery {
    service: Service,
    #[serde(default)]
    from: usize,
}

async fn record(inside: Data<Arc<Inside>>, query: Query<RecordQuery>) -> HttpResponse {
    let entries: Vec<RecordedRequest> =
        inside.record.entries(query.service).into_iter().skip(query.from).collect();
    HttpResponse::Ok().json(json!({"entries": entries}))
}

async fn counts(inside: Data<Arc<Inside>>) -> HttpResponse {
    let counts: BTreeMap<&str, u64> =
        Service::ALL.iter().map(|service| (service.name(), inside.record.count(*service))).collect();
    HttpResponse::Ok().json(counts)
}

async fn mails(inside: Data<Arc<Inside>>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"mails": inside.mails.all()}))
}

async fn ghl_state(inside: Data<Arc<Inside>>, patch: Json<GhlStatePatch>) -> HttpResponse {
    inside.ghl.patch(patch.into_inner());
    HttpResponse::NoContent().finish()
}

async fn claude_mode(inside: Data<Arc<Inside>>, setting: Json<ModeSetting>) -> HttpResponse {
    inside.claude.set_mode(setting.into_inner());
    HttpResponse::NoContent().finish()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeopleQuery {
    #[serde(default)]
    from: u32,
    #[serde(default = "a_thousand")]
    limit: u32,
}

fn a_thousand() -> u32 {
    1000
}

async fn people(inside: Data<Arc<Inside>>, query: Query<PeopleQuery>) -> HttpResponse {
    let end = query.from.saturating_add(query.limit.min(10_000));
    let people: Vec<Person> = (query.from..end).map_while(|index| inside.population.person(index)).collect();
    HttpResponse::Ok().json(json!({"people": people, "total": inside.population.len()}))
}

async fn expectations(inside: Data<Arc<Inside>>) -> HttpResponse {
    let population = Arc::clone(&inside.population);
    let counted = web::block(move || Expectations::of(&population)).await;
    counted.map_or_else(|error| problem(&error), |expectations| HttpResponse::Ok().json(expectations))
}
