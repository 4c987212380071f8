//! `GET /sync/{id}`: one run, from what failed down to a sample of its contacts. The mails link here; the dashboard shows
//! the same in a dialog.

use super::layout::Layout;
use super::problem_rows::ProblemRows;
use super::run_view::RunView;
use super::standing::Standing;
use super::{html, wants_fragment};
use crate::app::App;
use crate::problem::Problem;
use crate::wording::{UNKNOWN, Wording, masked_email, masked_phone};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use domain::run::RunStatus;
use domain::{Cents, RunId, SentValues};
use persistence::RunContact;

/// Contacts shown as a sample.
const SAMPLE: u32 = 10;

#[derive(Template)]
#[template(path = "pages/run.html", blocks = ["detail"])]
struct RunPage {
    layout: Layout,
    run: RunView,
    /// The runs right before and after it.
    before: Option<String>,
    after: Option<String>,
    sample: Vec<SampleRow>,
    contacts_removed: bool,
    problems: Option<ProblemRows>,
}

/// One contact of the sample; nobody can be reached with what is shown.
struct SampleRow {
    contact_id: String,
    who: String,
    ltv: String,
    rank: String,
    value: String,
}

pub(crate) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = RunId(id.parse().ok().ok_or(Problem::NotFound)?);
    let (standing, run, (before, after), sample, problems) = app
        .blocking(move |app| {
            let store = &app.store;
            let standing = Standing::read(app)?;
            let run = store.run_get(id)?.ok_or(Problem::NotFound)?;
            let (sample, problems) = if run.has_contacts() {
                (store.contacts_sample(id, SAMPLE)?, ProblemRows::read(app, id, &standing.wording)?)
            } else {
                (Vec::new(), None)
            };
            Ok((standing, run, store.run_neighbours(id)?, sample, problems))
        })
        .await?;
    let scaled_cap = run.ranking.as_ref().and_then(|ranking| ranking.scaled_cap);
    let mut view = RunView::new(&run, standing.latest_success.as_ref(), &standing.wording, "");
    // The remedy of an older failure is not for the list as it is now.
    view.may_run_anyway &= standing.latest.as_ref().is_some_and(|latest| latest.id == id);
    // A success has saved everybody it read; of other runs nobody can tell what was ever stored.
    let contacts_removed =
        run.status == RunStatus::Success && run.accounting.fetched > 0 && problems.is_none();
    let page = RunPage {
        layout: Layout::new(&app, &request, "/sync", &format!("Sync {id}"), &standing),
        run: view,
        sample: sample.iter().map(|contact| SampleRow::new(contact, scaled_cap, &standing.wording)).collect(),
        contacts_removed,
        problems,
        before: before.map(|run| run.to_string()),
        after: after.map(|run| run.to_string()),
    };
    if wants_fragment(&request) { html(&page.as_detail()) } else { html(&page) }
}

impl SampleRow {
    fn new(contact: &RunContact, scaled_cap: Option<Cents>, wording: &Wording) -> Self {
        let who = match (&contact.email, &contact.phone) {
            (Some(email), _) => masked_email(email),
            (None, Some(phone)) => masked_phone(phone),
            (None, None) => UNKNOWN.to_owned(),
        };
        let rank = contact.normalized_value;
        Self {
            contact_id: contact.ghl_contact_id.clone(),
            who,
            ltv: contact.raw_ltv.map_or_else(|| UNKNOWN.to_owned(), |amount| wording.money(amount)),
            rank: rank.map_or_else(|| UNKNOWN.to_owned(), |rank| rank.get().to_string()),
            value: match (scaled_cap, contact.raw_ltv, rank) {
                (Some(cap), Some(ltv), _) => {
                    let hundredths = SentValues::Scaled { cap }.hundredths(ltv).get();
                    format!("{}.{:02}", hundredths / 100, hundredths % 100)
                }
                (None, _, Some(rank)) => rank.value_for_meta().to_string(),
                _ => UNKNOWN.to_owned(),
            },
        }
    }
}
