//! Lists made of conditions, for people: `GET /filters`, and the form at `/filters/new` and `/filters/{id}`. Whatever it
//! holds is checked, counted and saved by the same code as `POST /api/smart-lists`. Without JavaScript every button of
//! the form sends it and gets the whole page back; with it only the form, and the count follows while one types.

mod form;
mod view;

use super::choice::Choice;
use super::layout::Layout;
use super::lookup::{ask, look_up};
use super::notice::Notice;
use super::standing::Standing;
use super::{html, html_with, leave_for, refusal_status, see_other, wants_fragment};
use crate::actions::service;
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::problem::Problem;
use crate::wording::{Moment, contacts};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use askama::Template;
use domain::{Explain, Explanation, ListSelection};
use form::{Entered, FilterForm, Pressed, Row};
use persistence::SavedFilter;
use serde::Deserialize;
use serde_json::Value;
use sync::{ConditionField, ListError};
use view::{FilterView, Problems, not_counted};

#[derive(Template)]
#[template(path = "pages/filters.html")]
struct FiltersPage {
    layout: Layout,
    saved: Vec<SavedView>,
}

/// A saved list among the others.
struct SavedView {
    number: i64,
    name: String,
    changed: Moment,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "pages/filter.html", blocks = ["form"])]
struct FilterPage {
    layout: Layout,
    /// The list that is changed; `None` for a new one.
    saved: Option<SavedFilter>,
    /// The address of the form.
    action: String,
    filter: FilterView,
}

#[derive(Template)]
#[template(path = "partials/filter_count.html")]
struct CountPart {
    count: String,
}

type Sent = Vec<(String, String)>;

#[derive(Deserialize)]
pub(crate) struct DeleteForm {
    understood: Option<String>,
}

/// The saved lists.
pub(crate) async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    query: web::Query<Sent>,
) -> Result<HttpResponse, Problem> {
    let (standing, saved) = app.blocking(|app| Ok((Standing::read(app)?, app.store.filters()?))).await?;
    let mut layout = Layout::new(&app, &request, "/filters", "Smart Lists", &standing);
    layout.notice = match query.iter().find(|(key, _)| key == "done").map(|(_, done)| done.as_str()) {
        Some("saved") => {
            Some(Notice::done("The Smart List is saved. Choose it in the configuration to sync it."))
        }
        Some("deleted") => Some(Notice::done("The Smart List is deleted.")),
        _ => None,
    };
    let view = |filter: SavedFilter| SavedView {
        number: filter.id,
        is_chosen: is_chosen(&filter, &standing.choice),
        name: filter.name,
        changed: standing.wording.minute(filter.updated_at),
    };
    let saved = saved.into_iter().map(view).collect();
    html(&FiltersPage { layout, saved })
}

fn is_chosen(filter: &SavedFilter, choice: &Choice) -> bool {
    let id = ListSelection::Filter(filter.id).to_string();
    choice.list.as_ref().is_some_and(|list| list.value == id)
}

/// An empty form.
pub(crate) async fn new(app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let form = FilterForm { name: String::new(), conditions: Entered::Rows { any: false, rows: Vec::new() } };
    Page::new(&app, &request, None).await?.show(StatusCode::OK, form, Problems::default(), None)
}

/// The form of a saved list.
pub(crate) async fn edit(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let saved = find(&app, &id).await?;
    let page = Page::new(&app, &request, Some(saved.clone())).await?;
    let form = as_saved(&saved, &page.fields);
    let json = serde_json::from_str(&saved.conditions.0).unwrap_or_default();
    let (problems, counted) = match count(&app, json).await {
        Ok(counted) => (Problems::default(), Some(counted)),
        Err(Refused::Conditions(problems)) => (*problems, None),
        // The form is as good without the count.
        Err(Refused::Other(_)) => (Problems::default(), None),
    };
    page.show(StatusCode::OK, form, problems, counted)
}

pub(crate) async fn create(
    app: web::Data<App>,
    request: HttpRequest,
    CsrfForm(sent): CsrfForm<Sent>,
) -> Result<HttpResponse, Problem> {
    answer(&app, &request, None, &sent).await
}

pub(crate) async fn change(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    CsrfForm(sent): CsrfForm<Sent>,
) -> Result<HttpResponse, Problem> {
    let saved = find(&app, &id).await?;
    answer(&app, &request, Some(saved), &sent).await
}

/// The count alone, while somebody types: for htmx.
pub(crate) async fn recount(
    app: web::Data<App>,
    CsrfForm(sent): CsrfForm<Sent>,
) -> Result<HttpResponse, Problem> {
    let (form, _) = FilterForm::read(&sent);
    let fields = known_fields(&app).await.0;
    let count = match form.conditions.to_json(&fields) {
        Err(problem) => problem,
        Ok(json) if json.as_array().is_some_and(Vec::is_empty) => NOTHING_TO_COUNT.to_owned(),
        Ok(json) => match count(&app, json).await {
            Ok(count) => count,
            Err(Refused::Conditions(problems)) => not_counted(&form.conditions, &problems.conditions),
            Err(Refused::Other(problem)) => problem.words().2.message,
        },
    };
    html(&CountPart { count })
}

const NOTHING_TO_COUNT: &str = "Add a condition, and the contacts that meet it are counted.";

pub(crate) async fn delete(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
    CsrfForm(form): CsrfForm<DeleteForm>,
) -> Result<HttpResponse, Problem> {
    let saved = find(&app, &id).await?;
    let list = ListSelection::Filter(saved.id).to_string();
    let outcome = if form.understood.is_none() {
        Err(Problem::Refused(Explanation::new(
            "The Smart List was not deleted: the box beside the button was not ticked.",
            "Tick it and press the button again.",
        )))
    } else {
        app.blocking(move |app| {
            let initial = app.installation.initial_choice().0;
            Ok(service(app)?.delete_list(&list, initial.as_deref())?)
        })
        .await
    };
    match outcome {
        Ok(()) => Ok(see_other("/filters?done=deleted")),
        Err(problem @ (Problem::Refused(_) | Problem::InUse(_) | Problem::MissingSettings(_))) => {
            let page = Page::new(&app, &request, Some(saved.clone())).await?;
            let form = as_saved(&saved, &page.fields);
            page.show(problem.status_code(), form, Problems::told(Notice::of(&problem)), None)
        }
        Err(problem) => Err(problem),
    }
}

/// Does what the pressed button says.
async fn answer(
    app: &web::Data<App>,
    request: &HttpRequest,
    saved: Option<SavedFilter>,
    sent: &Sent,
) -> Result<HttpResponse, Problem> {
    let (mut form, pressed) = FilterForm::read(sent);
    let page = Page::new(app, request, saved).await?;
    let json = match (form.conditions.to_json(&page.fields), &mut form.conditions, pressed) {
        (_, Entered::Rows { rows, .. }, Pressed::Add(field)) => {
            if !field.is_empty() {
                rows.push(Row::new(&field, &page.fields));
            }
            return page.show(StatusCode::OK, form, Problems::default(), None);
        }
        (_, Entered::Rows { rows, .. }, Pressed::Remove(place)) => {
            if place < rows.len() {
                rows.remove(place);
            }
            return page.show(StatusCode::OK, form, Problems::default(), None);
        }
        (Ok(json), conditions, Pressed::AsJson) => {
            *conditions = as_text(&json);
            return page.show(StatusCode::OK, form, Problems::default(), None);
        }
        (Ok(json), conditions, Pressed::AsForm) => {
            let Some(rows) = Entered::rows_of(&json, &page.fields) else {
                let problem = "The form can not hold these conditions: groups within groups, several values in one condition, opportunities, values of another kind than their field asks for, and a search body that says more than conditions. They stay as text, which can be saved unless the check refuses it.";
                return page.show(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    form,
                    Problems::of_text(problem.to_owned()),
                    None,
                );
            };
            *conditions = rows;
            return page.show(StatusCode::OK, form, Problems::default(), None);
        }
        (Err(problem), ..) => {
            return page.show(StatusCode::UNPROCESSABLE_ENTITY, form, Problems::of_text(problem), None);
        }
        (Ok(json), _, Pressed::Save) => {
            let (id, name) = (page.saved.as_ref().map(|saved| saved.id), form.name.clone());
            let outcome = app.blocking(move |app| Ok(save(app, id, &name, &json))).await?;
            return match outcome {
                Ok(()) if page.fragment => Ok(leave_for("/filters?done=saved")),
                Ok(()) => Ok(see_other("/filters?done=saved")),
                Err(refused) => page.refuse(form, refused),
            };
        }
        (Ok(json), ..) => json,
    };
    if json.as_array().is_some_and(Vec::is_empty) {
        return page.show(StatusCode::OK, form, Problems::default(), Some(NOTHING_TO_COUNT.to_owned()));
    }
    match count(app, json).await {
        Ok(count) => page.show(StatusCode::OK, form, Problems::default(), Some(count)),
        Err(refused) => page.refuse(form, refused),
    }
}

/// Why what was entered was not counted or saved.
enum Refused {
    /// What is wrong with it.
    Conditions(Box<Problems>),
    Other(Problem),
}

impl From<ListError> for Refused {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Conditions(refused) => Self::Conditions(Box::new(Problems::of_conditions(refused))),
            ListError::Name | ListError::NameTaken { .. } => {
                let explained = error.explain();
                let name = Some(format!("{} {}", explained.message, explained.remedy));
                Self::Conditions(Box::new(Problems { name, ..Problems::default() }))
            }
            other => Self::Other(other.into()),
        }
    }
}

/// Saves a new list, or the one of this number under the same id. Blocks.
fn save(app: &App, id: Option<i64>, name: &str, conditions: &Value) -> Result<(), Refused> {
    let sync = service(app).map_err(Refused::Other)?;
    match id {
        None => sync.save_list(name, conditions)?,
        Some(id) => sync.change_list(&ListSelection::Filter(id).to_string(), name, conditions)?,
    };
    Ok(())
}

/// `1,204 contacts meet these conditions now.`
async fn count(app: &web::Data<App>, conditions: Value) -> Result<String, Refused> {
    let counted = look_up(app, move |app| Ok(service(app)?.count_conditions(&conditions)));
    let Some(counted) = counted.await.map_err(Refused::Other)? else {
        return Err(Refused::Other(Problem::Service(Explanation::new(
            "GoHighLevel has not counted the contacts yet.",
            "Wait a moment, then press Count the contacts.",
        ))));
    };
    let count = counted?;
    let verb = if count == 1 { "meets" } else { "meet" };
    Ok(format!("{} {verb} these conditions now.", contacts(count)))
}

/// The form of a saved list: as rows when they can hold its conditions, else as text.
fn as_saved(saved: &SavedFilter, fields: &[ConditionField]) -> FilterForm {
    let conditions = match serde_json::from_str(&saved.conditions.0) {
        Ok(json) => Entered::rows_of(&json, fields).unwrap_or_else(|| as_text(&json)),
        Err(_unreadable) => Entered::Json(saved.conditions.0.clone()),
    };
    FilterForm { name: saved.name.clone(), conditions }
}

fn as_text(json: &Value) -> Entered {
    Entered::Json(format!("{json:#}"))
}

async fn find(app: &web::Data<App>, id: &str) -> Result<SavedFilter, Problem> {
    let id: i64 = id.parse().ok().filter(|id| *id > 0).ok_or(Problem::NotFound)?;
    app.read(move |store| store.filter_get(id)).await?.ok_or(Problem::NotFound)
}

/// The fields to offer, and why they are not all.
async fn known_fields(app: &web::Data<App>) -> (Vec<ConditionField>, Option<Notice>) {
    match ask(app.clone(), |sync| sync.condition_fields(false)).await {
        Ok(Some(fields)) => (fields, None),
        Ok(None) => {
            let missing = Problem::MissingSettings(app.installation.missing_settings());
            (ConditionField::standard(), Some(Notice::of(&missing)))
        }
        Err(explained) => (ConditionField::standard(), Some(Notice::refused(explained))),
    }
}

/// The page of the form, once everything around it is known.
struct Page {
    layout: Layout,
    saved: Option<SavedFilter>,
    fields: Vec<ConditionField>,
    notice: Option<Notice>,
    fragment: bool,
}

impl Page {
    async fn new(
        app: &web::Data<App>,
        request: &HttpRequest,
        saved: Option<SavedFilter>,
    ) -> Result<Self, Problem> {
        let (fields, notice) = known_fields(app).await;
        let standing = app.blocking(Standing::read).await?;
        let title = if saved.is_some() { "Change a Smart List" } else { "New Smart List" };
        let layout = Layout::new(app, request, "/filters", title, &standing);
        Ok(Self { layout, saved, fields, notice, fragment: wants_fragment(request) })
    }

    fn show(
        self,
        status: StatusCode,
        form: FilterForm,
        mut problems: Problems,
        count: Option<String>,
    ) -> Result<HttpResponse, Problem> {
        problems.notice = problems.notice.or(self.notice);
        let filter = FilterView::new(form, &self.fields, problems, count);
        let action = match &self.saved {
            None => "/filters/new".to_owned(),
            Some(saved) => format!("/filters/{}", saved.id),
        };
        let page = FilterPage { layout: self.layout, saved: self.saved, action, filter };
        if self.fragment { html_with(status, &page.as_form()) } else { html_with(status, &page) }
    }

    fn refuse(self, form: FilterForm, refused: Refused) -> Result<HttpResponse, Problem> {
        match refused {
            Refused::Conditions(problems) => {
                self.show(StatusCode::UNPROCESSABLE_ENTITY, form, *problems, None)
            }
            Refused::Other(Problem::NoList(_)) => Err(Problem::NotFound),
            Refused::Other(problem @ (Problem::Service(_) | Problem::MissingSettings(_))) => {
                let status = refusal_status(&problem, self.fragment);
                self.show(status, form, Problems::told(Notice::of(&problem)), None)
            }
            Refused::Other(problem) => Err(problem),
        }
    }
}
