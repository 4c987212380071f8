//! Whom mails come from and go to, and `POST /email/test`.

use super::dashboard::{Remarks, page_with};
use super::layout::Layout;
use super::notice::Notice;
use super::standing::Standing;
use super::{html_with, refusal_status, see_other, wants_fragment};
use crate::app::App;
use crate::csrf::CsrfForm;
use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::de::IgnoredAny;

/// Where the same is posted to a chat.
pub(crate) const WEBHOOK: &str = "NOTIFY_WEBHOOK_URL";

/// The e-mail card.
pub(super) struct MailView {
    pub(super) notice: Option<Notice>,
    /// From and to, for display only; `None` when e-mail is not set up.
    pub(super) addresses: Option<(String, String)>,
    /// Whether the same is posted to a chat.
    pub(super) webhook: bool,
}

#[derive(Template)]
#[template(path = "partials/mail.html")]
struct MailPart {
    layout: Layout,
    mail: MailView,
}

impl MailView {
    pub(super) async fn read(app: &web::Data<App>, notice: Option<Notice>) -> Result<Self, Problem> {
        let read = |app: &App| (app.installation.mail_addresses(), app.installation.is_set(WEBHOOK));
        let (addresses, webhook) = app.blocking(move |app| Ok(read(app))).await?;
        Ok(Self { notice, addresses: addresses.map(|mail| (mail.from, mail.to.join(", "))), webhook })
    }
}

/// Sends one real message on every channel; sending it again sends another.
pub(crate) async fn test(
    app: web::Data<App>,
    request: HttpRequest,
    _form: CsrfForm<IgnoredAny>,
) -> Result<HttpResponse, Problem> {
    let outcome = app.blocking(|app| Ok(app.installation.send_test_mail())).await?;
    let fragment = wants_fragment(&request);
    let taken = outcome
        .and_then(|sent| sent.problem().or_else(|| sent.refusal()).map_or_else(|| Ok(sent.taken()), Err));
    let (status, notice) = match taken {
        Ok(_) if !fragment => return Ok(see_other("/?done=mail#mail")),
        Ok(taken) => (StatusCode::OK, Notice::done(taken)),
        Err(explained) => {
            let problem = Problem::Service(explained);
            (refusal_status(&problem, fragment), Notice::of(&problem))
        }
    };
    if !fragment {
        let remarks = Remarks { mail: Some(notice), ..Remarks::default() };
        return page_with(&app, &request, status, 1, remarks).await;
    }
    let mail = MailView::read(&app, Some(notice)).await?;
    let standing = app.blocking(Standing::read).await?;
    html_with(status, &MailPart { layout: Layout::new(&app, &request, "/", "", &standing), mail })
}
