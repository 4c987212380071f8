//! The form "Erase a person" of the settings page, and `POST /erase`.

use super::layout::PartLayout;
use super::notice::Notice;
use super::settings::page_with_erasure;
use super::{html_with, is_shown_in_place, refusal_status, wants_fragment};
use crate::actions;
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use domain::Explanation;
use serde::Deserialize;
use sync::{ErasePerson, ErasureReceipt};

/// The card of the form. What was typed is never shown again.
#[derive(Default)]
pub(super) struct EraseView {
    pub(super) notice: Option<Notice>,
    pub(super) receipt: Option<ReceiptView>,
}

pub(super) struct ReceiptView {
    pub(super) number: String,
    pub(super) sentences: Vec<String>,
}

#[derive(Template)]
#[template(path = "partials/erase.html")]
struct ErasePart {
    layout: PartLayout,
    erase: EraseView,
}

#[derive(Deserialize)]
pub(crate) struct EraseForm {
    by: By,
    #[serde(default)]
    person: String,
    understood: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    Email,
    Phone,
    ContactId,
}

/// Erases a person. The receipt is the answer itself, not a page to go to: it must not be kept in an address, and sending
/// the form again is harmless.
pub(crate) async fn erase(
    app: web::Data<App>,
    request: HttpRequest,
    CsrfForm(form): CsrfForm<EraseForm>,
) -> Result<HttpResponse, Problem> {
    let fragment = wants_fragment(&request);
    let outcome = match form.read() {
        Ok(who) => app.blocking(move |app| actions::erase(app, &who)).await,
        Err(problem) => Err(problem),
    };
    let (status, erase) = match outcome {
        Ok(receipt) => {
            (StatusCode::OK, EraseView { notice: None, receipt: Some(ReceiptView::new(&receipt)) })
        }
        Err(problem) if is_shown_in_place(&problem) => {
            let notice = Some(Notice::of(&problem));
            (refusal_status(&problem, fragment), EraseView { notice, receipt: None })
        }
        Err(problem) => return Err(problem),
    };
    if fragment {
        return html_with(status, &ErasePart { layout: PartLayout::new(&app, &request), erase });
    }
    page_with_erasure(&app, &request, status, erase).await
}

impl EraseForm {
    fn read(self) -> Result<ErasePerson, Problem> {
        if self.understood.is_none() {
            return Err(Problem::Refused(Explanation::new(
                "Nobody was erased: the box that says that it can not be undone was not ticked.",
                "Enter the person again and tick the box.",
            )));
        }
        Ok(match self.by {
            By::Email => ErasePerson::Email(self.person),
            By::Phone => ErasePerson::Phone(self.person),
            By::ContactId => ErasePerson::Contact(self.person),
        })
    }
}

impl ReceiptView {
    fn new(receipt: &ErasureReceipt) -> Self {
        Self { number: receipt.number.clone(), sentences: receipt.sentences() }
    }
}
