//! The list and the value field: `POST /config`, and `GET /fragments/configuration` to ask GoHighLevel anew.

use super::choice::{Choice, Chosen};
use super::dashboard::{Remarks, page_with};
use super::heartbeat::Heartbeat;
use super::history::{History, HistoryRow};
use super::layout::Layout;
use super::notice::Notice;
use super::pager::Pager;
use super::setup::Setup;
use super::standing::Standing;
use super::{html_with, is_shown_in_place, refusal_status, see_other, wants_fragment};
use crate::actions;
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::problem::Problem;
use crate::wording::contacts;
use actix_web::http::StatusCode;
use actix_web::rt::time::timeout;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use askama::Template;
use domain::run::SyncConfig;
use domain::{Explain, Explanation, Run};
use persistence::StoreError;
use serde::Deserialize;
use std::time::Duration;
use sync::{ListInfo, StartError, SyncService, ValueField};

/// A page is shown after this even when GoHighLevel is silent; what it answers later is remembered for the next page.
const PATIENCE: Duration = Duration::from_secs(4);

/// The form.
pub(super) struct Configuration {
    pub(super) notices: Vec<Notice>,
    /// Whether GoHighLevel can be asked at all.
    pub(super) possible: bool,
    pub(super) lists: Vec<Offer>,
    pub(super) fields: Vec<Offer>,
    pub(super) list_problem: Option<String>,
    pub(super) field_problem: Option<String>,
    pub(super) sync_enabled: bool,
}

/// One line of a select element.
pub(super) struct Offer {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) selected: bool,
}

#[derive(Template)]
#[template(path = "partials/configuration_saved.html")]
struct ConfigurationPart {
    layout: Layout,
    configuration: Configuration,
    setup: Setup,
    success: Option<Run>,
    /// Sent only while there are no runs: nobody is thrown back to its first page.
    heartbeat: Option<Heartbeat>,
    rows: Vec<HistoryRow>,
    pager: Pager,
}

#[derive(Deserialize)]
pub(crate) struct ConfigForm {
    #[serde(default)]
    list: String,
    #[serde(default)]
    field: String,
    sync_enabled: Option<String>,
}

/// Why what a form sent was not saved.
enum Refusal {
    List(String),
    Field(String),
    Other(Problem),
}

/// The form with the choice in force. `refresh` asks GoHighLevel even for what it answered lately.
pub(super) async fn in_force(app: &web::Data<App>, refresh: bool) -> Result<Configuration, Problem> {
    let choice = app.blocking(Choice::read).await?;
    Ok(with_choice(app, choice, refresh).await)
}

/// The form right after it was saved.
pub(super) async fn saved(app: &web::Data<App>) -> Result<Configuration, Problem> {
    let mut configuration = in_force(app, false).await?;
    // First, lest a silent GoHighLevel looks as if nothing had been saved.
    configuration.notices.insert(0, Notice::done("The configuration is saved."));
    Ok(configuration)
}

pub(crate) async fn refresh(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    if !wants_fragment(&request) {
        return Ok(see_other("/?refresh=1#configuration"));
    }
    let configuration = in_force(&app, true).await?;
    part(&app, &request, StatusCode::OK, configuration, false).await
}

pub(crate) async fn save(
    app: web::Data<App>,
    request: HttpRequest,
    CsrfForm(form): CsrfForm<ConfigForm>,
) -> Result<HttpResponse, Problem> {
    let (list, field) = (form.list.trim().to_owned(), form.field.trim().to_owned());
    let sync_enabled = form.sync_enabled.is_some();
    let entered = Choice::entered(list.clone(), field.clone(), sync_enabled);
    let outcome = app.blocking(move |app| Ok(store_choice(app, &list, &field, sync_enabled))).await?;
    let fragment = wants_fragment(&request);
    let refusal = match outcome {
        Ok(()) if fragment => {
            let configuration = saved(&app).await?;
            return part(&app, &request, StatusCode::OK, configuration, true).await;
        }
        Ok(()) => return Ok(see_other("/?done=configuration#configuration")),
        Err(Refusal::Other(problem)) if !is_shown_in_place(&problem) => return Err(problem),
        Err(refusal) => refusal,
    };
    let mut configuration = with_choice(&app, entered, false).await;
    let status = match refusal {
        Refusal::List(problem) => {
            configuration.list_problem = Some(problem);
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refusal::Field(problem) => {
            configuration.field_problem = Some(problem);
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Refusal::Other(problem) => {
            configuration.notices = vec![Notice::of(&problem)];
            refusal_status(&problem, fragment)
        }
    };
    if fragment {
        return part(&app, &request, status, configuration, false).await;
    }
    let remarks = Remarks { configuration: Some(configuration), ..Remarks::default() };
    page_with(&app, &request, status, 1, remarks).await
}

/// The form for its place on the dashboard; once it is saved, with the parts that depend on it.
async fn part(
    app: &web::Data<App>,
    request: &HttpRequest,
    status: StatusCode,
    configuration: Configuration,
    is_saved: bool,
) -> Result<HttpResponse, Problem> {
    let (standing, history, with_mail) = app
        .blocking(|app| {
            let with_mail = app.installation.mail_addresses().is_some();
            Ok((Standing::read(app)?, History::read(&app.store, 1)?, with_mail))
        })
        .await?;
    let mut layout = Layout::new(app, request, "/", "", &standing);
    layout.out_of_band = is_saved;
    let setup = Setup::new(app, &standing, with_mail);
    let (heartbeat, rows) = (history.heartbeat(&standing.wording), history.rows(&standing.wording));
    let (success, pager) = (standing.latest_success, history.pager);
    html_with(status, &ConfigurationPart { layout, configuration, setup, success, heartbeat, rows, pager })
}

/// Looks the choice up at GoHighLevel and appends it. Blocks.
fn store_choice(app: &App, list: &str, field: &str, sync_enabled: bool) -> Result<(), Refusal> {
    if list.is_empty() {
        return Err(Refusal::List("Choose a Smart List.".to_owned()));
    }
    if field.is_empty() {
        return Err(Refusal::Field("Choose the field that holds the lifetime value.".to_owned()));
    }
    let config = match app.store.config_latest()? {
        // Only the schedule changes: that must be possible even when GoHighLevel does not answer.
        Some((_, saved)) if saved.list_id == list && saved.ltv_field_key == field => saved,
        _ => actions::service(app)?.resolve(Some(list), Some(field))?,
    };
    app.store.config_save(&SyncConfig { sync_enabled, ..config })?;
    Ok(())
}

impl From<StartError> for Refusal {
    fn from(error: StartError) -> Self {
        match &error {
            StartError::Unknown { what: "Smart List", .. } => Self::List(error.explain().message),
            StartError::Unknown { .. } | StartError::Ambiguous { .. } => Self::Field(error.explain().message),
            _ => Self::Other(error.into()),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

/// The form with this choice and whatever GoHighLevel offers beside it.
async fn with_choice(app: &web::Data<App>, choice: Choice, refresh: bool) -> Configuration {
    let selected = choice.list.as_ref().map(|list| list.value.clone());
    // Both at once, so that the page waits for the slower one only.
    let fields = rt::spawn(ask(app.clone(), move |sync| match sync.value_source() {
        // There is nothing to choose: the settings say where the values come from.
        Some(source) => Ok(vec![source]),
        None => sync.fields(refresh),
    }));
    let lists = ask(app.clone(), move |sync| sync.lists(selected.as_deref(), refresh)).await;
    let fields = fields.await.unwrap_or_else(|_| Err(silence()));
    let problem = lists.as_ref().err().or(fields.as_ref().err());
    Configuration {
        notices: problem.cloned().map(Notice::refused).into_iter().collect(),
        possible: !matches!((&lists, &fields), (Ok(None), _) | (_, Ok(None))),
        lists: list_offers(lists.ok().flatten(), choice.list),
        fields: field_offers(fields.ok().flatten(), choice.field),
        list_problem: None,
        field_problem: None,
        sync_enabled: choice.sync_enabled,
    }
}

/// Asks GoHighLevel; `None` while its keys are missing.
pub(super) async fn ask<T, E, F>(app: web::Data<App>, question: F) -> Result<Option<T>, Explanation>
where
    T: Send + 'static,
    E: Explain,
    F: FnOnce(&SyncService) -> Result<T, E> + Send + 'static,
{
    let answer = app.blocking(move |app| Ok(app.installation.sync().map(|sync| question(&sync))));
    match timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => answer.transpose().map_err(|error| error.explain()),
        Ok(Err(problem)) => Err(problem.words().2),
        Err(_elapsed) => Err(silence()),
    }
}

fn silence() -> Explanation {
    Explanation::new(
        "GoHighLevel has not answered yet, so only the saved choice can be shown.",
        "Wait a moment, then press Refresh from GoHighLevel.",
    )
}

fn list_offers(lists: Option<Vec<ListInfo>>, chosen: Option<Chosen>) -> Vec<Offer> {
    let known = lists.is_some();
    let offer = |list: ListInfo| {
        let text = match list.contacts {
            Some(count) => format!("{} ({})", list.name, contacts(count)),
            None => list.name,
        };
        Offer { value: list.id, text, selected: false }
    };
    with_selection(
        lists.unwrap_or_default().into_iter().map(offer).collect(),
        chosen,
        known,
        "Choose a Smart List",
    )
}

fn field_offers(fields: Option<Vec<ValueField>>, chosen: Option<Chosen>) -> Vec<Offer> {
    let known = fields.is_some();
    let fields = fields.unwrap_or_default();
    // The environment may name a field by its id or its name.
    let chosen = chosen.map(|chosen| {
        let wanted = &chosen.value;
        let is_meant = |field: &&ValueField| {
            field.key == *wanted || field.id == *wanted || field.name.eq_ignore_ascii_case(wanted)
        };
        match fields.iter().find(is_meant) {
            Some(field) => Chosen { value: field.key.clone(), name: Some(field.name.clone()) },
            None => chosen,
        }
    });
    let offer = |field: ValueField| {
        let text = format!("{} ({})", field.name, field.key);
        Offer { value: field.key, text, selected: false }
    };
    with_selection(fields.into_iter().map(offer).collect(), chosen, known, "Choose a field")
}

/// What is chosen stays selectable, even when GoHighLevel is silent or no longer has it.
fn with_selection(mut offers: Vec<Offer>, chosen: Option<Chosen>, known: bool, prompt: &str) -> Vec<Offer> {
    let selected = match chosen {
        None => Offer { value: String::new(), text: prompt.to_owned(), selected: true },
        Some(chosen) => {
            if let Some(offer) = offers.iter_mut().find(|offer| offer.value == chosen.value) {
                offer.selected = true;
                return offers;
            }
            let name = chosen.name.unwrap_or_else(|| chosen.value.clone());
            let text = if known { format!("{name} (not in GoHighLevel now)") } else { name };
            Offer { value: chosen.value, text, selected: true }
        }
    };
    offers.insert(0, selected);
    offers
}

#[cfg(test)]
mod tests {
    use super::{Chosen, Offer, field_offers, list_offers};
    use sync::{ListInfo, ValueField};

    fn lists() -> Vec<ListInfo> {
        let list = |id: &str, name: &str, contacts| ListInfo {
            id: id.into(),
            name: name.into(),
            contacts,
            conditions: None,
        };
        vec![list("all", "All contacts", Some(2357)), list("tag:vip", "Tag: vip", None)]
    }

    fn chosen(value: &str, name: Option<&str>) -> Option<Chosen> {
        Some(Chosen { value: value.into(), name: name.map(str::to_owned) })
    }

    fn shown(offers: &[Offer]) -> Vec<(&str, &str, bool)> {
        offers.iter().map(|offer| (offer.value.as_str(), offer.text.as_str(), offer.selected)).collect()
    }

    #[test]
    fn what_is_chosen_stays_selectable() {
        let (all, vip) = (("all", "All contacts (2,357 contacts)", false), ("tag:vip", "Tag: vip", false));
        let nothing = list_offers(Some(lists()), None);
        assert_eq!(shown(&nothing), [("", "Choose a Smart List", true), all, vip]);
        let found = list_offers(Some(lists()), chosen("tag:vip", None));
        assert_eq!(shown(&found), [all, ("tag:vip", "Tag: vip", true)]);
        let gone = list_offers(Some(lists()), chosen("tag:old", Some("Tag: old")));
        assert_eq!(shown(&gone), [("tag:old", "Tag: old (not in GoHighLevel now)", true), all, vip]);
        let silent = list_offers(None, chosen("tag:old", Some("Tag: old")));
        assert_eq!(shown(&silent), [("tag:old", "Tag: old", true)]);
    }

    #[test]
    fn a_field_of_the_environment_is_found_by_key_id_or_name() {
        let field = ValueField {
            id: "f1".into(),
            key: "contact.lifetime_value".into(),
            name: "Lifetime Value".into(),
            data_type: "MONETORY".into(),
        };
        for wanted in ["contact.lifetime_value", "f1", "lifetime value"] {
            let offers = field_offers(Some(vec![field.clone()]), chosen(wanted, None));
            let text = "Lifetime Value (contact.lifetime_value)";
            assert_eq!(shown(&offers), [("contact.lifetime_value", text, true)], "{wanted}");
        }
    }
}
