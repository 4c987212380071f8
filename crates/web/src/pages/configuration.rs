//! The list and the value field: `POST /config`, and `GET /fragments/configuration` to ask GoHighLevel anew.

use super::choice::Choice;
use super::dashboard::{Remarks, page_with};
use super::heartbeat::Heartbeat;
use super::history::{History, HistoryRow};
use super::layout::Layout;
use super::lookup::{ask, silence};
use super::notice::Notice;
use super::offers::{Offer, field_offers, list_offers};
use super::pager::Pager;
use super::setup::Setup;
use super::standing::Standing;
use super::{html_with, is_shown_in_place, refusal_status, see_other, wants_fragment};
use crate::actions;
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use askama::Template;
use domain::run::SyncConfig;
use domain::{Explain, Run};
use persistence::StoreError;
use serde::Deserialize;
use sync::StartError;

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
    /// What the form held before a person changed it, so that what is as it was does not take back what was saved since;
    /// `None` when that is not known.
    pub(super) drawn: Option<Entries>,
}

/// What a form holds.
pub(super) struct Entries {
    pub(super) list: String,
    pub(super) field: String,
    pub(super) sync_enabled: bool,
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
    #[serde(rename = "was:list")]
    was_list: Option<String>,
    #[serde(rename = "was:field")]
    was_field: Option<String>,
    #[serde(rename = "was:sync_enabled")]
    was_sync_enabled: Option<String>,
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
    let entered = Entries::of(&form.list, &form.field, form.sync_enabled.is_some());
    let drawn = form.was_list.zip(form.was_field).zip(form.was_sync_enabled);
    let drawn = drawn.map(|((list, field), enabled)| Entries::of(&list, &field, !enabled.is_empty()));
    let shown = Choice::entered(entered.list.clone(), entered.field.clone(), entered.sync_enabled);
    let (drawn, outcome) = app
        .blocking(move |app| {
            let outcome = store_choice(app, entered, drawn.as_ref());
            Ok((drawn, outcome))
        })
        .await?;
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
    let mut configuration = with_choice(&app, shown, false).await;
    configuration.drawn = drawn;
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

impl Entries {
    fn of(list: &str, field: &str, sync_enabled: bool) -> Self {
        Self { list: list.trim().to_owned(), field: field.trim().to_owned(), sync_enabled }
    }

    /// What somebody else has saved since the form was drawn stays, unless it was changed here too.
    fn over(self, saved: &SyncConfig, drawn: &Self) -> Self {
        let newer = |sent: String, drawn: &str, saved: &str| {
            if sent == drawn { saved.to_owned() } else { sent }
        };
        let is_as_drawn = self.sync_enabled == drawn.sync_enabled;
        Self {
            list: newer(self.list, &drawn.list, &saved.list_id),
            field: newer(self.field, &drawn.field, &saved.ltv_field_key),
            sync_enabled: if is_as_drawn { saved.sync_enabled } else { self.sync_enabled },
        }
    }
}

/// Looks the choice up at GoHighLevel and appends it. Blocks.
fn store_choice(app: &App, sent: Entries, drawn: Option<&Entries>) -> Result<(), Refusal> {
    let saved = app.store.config_latest()?.map(|(_, saved)| saved);
    let Entries { list, field, sync_enabled } = match (&saved, drawn) {
        (Some(saved), Some(drawn)) => sent.over(saved, drawn),
        _ => sent,
    };
    if list.is_empty() {
        return Err(Refusal::List("Choose a Smart List.".to_owned()));
    }
    if field.is_empty() {
        return Err(Refusal::Field("Choose the field that holds the lifetime value.".to_owned()));
    }
    let config = match saved {
        // Only the schedule changes: that must be possible even when GoHighLevel does not answer.
        Some(saved) if saved.list_id == list && saved.ltv_field_key == field => saved,
        _ => actions::service(app)?.resolve(Some(&list), Some(&field))?,
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
    let notices = problem.cloned().map(Notice::refused).into_iter().collect();
    let possible = !matches!((&lists, &fields), (Ok(None), _) | (_, Ok(None)));
    let lists = list_offers(lists.ok().flatten(), choice.list);
    let fields = field_offers(fields.ok().flatten(), choice.field);
    let selected = |offers: &[Offer]| {
        offers.iter().find(|offer| offer.selected).map_or_else(String::new, |offer| offer.value.clone())
    };
    let sync_enabled = choice.sync_enabled;
    Configuration {
        notices,
        possible,
        drawn: Some(Entries { list: selected(&lists), field: selected(&fields), sync_enabled }),
        lists,
        fields,
        list_problem: None,
        field_problem: None,
        sync_enabled,
    }
}
