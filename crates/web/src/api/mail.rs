//! `POST /api/email/test`.

use super::body::{Nothing, OptionalJsonBody};
use crate::app::App;
use crate::pages::mail::WEBHOOK;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::web;
use domain::Explanation;
use serde::Serialize;
use utoipa::ToSchema;

/// Where the test message went.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestMail {
    /// Who of `SMTP_TO_EMAIL` got it; empty when e-mail is not set up.
    sent_to: Vec<String>,
    /// Who of them did not, while others did.
    refused: Vec<RefusedRecipient>,
    /// Whether it was posted to the webhook, too.
    posted_to_webhook: bool,
}

/// Somebody whose mail the server did not take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedRecipient {
    /// One of `SMTP_TO_EMAIL`.
    address: String,
    /// What the mail server said.
    reason: String,
}

/// Send a test mail, and the same to the webhook.
#[utoipa::path(post, path = path::TEST_MAIL, tag = "email",
    request_body(content = Option<Nothing>, description = "May be left out."),
    responses(
        (status = 200, description = "It was taken", body = TestMail),
        (status = 422, description = "Neither e-mail nor a webhook is set up", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "At least one did not take it: what it said instead, and whether the other took it", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn send_test(
    app: web::Data<App>,
    _body: OptionalJsonBody<Nothing>,
) -> Result<web::Json<TestMail>, Problem> {
    let sent = app.blocking(|app| {
        let is_set_up = app.installation.mail_addresses().is_some() || app.installation.is_set(WEBHOOK);
        app.installation.send_test_mail().map_err(|explained| {
            if is_set_up { Problem::Service(explained) } else { Problem::Refused(explained) }
        })
    });
    let sent = sent.await?;
    if let Some(problem) = sent.problem() {
        return Err(Problem::Service(problem));
    }
    let mailed = sent.mailed_to.and_then(Result::ok).unwrap_or_default();
    let refused = |(address, why): (String, Explanation)| RefusedRecipient { address, reason: why.message };
    Ok(web::Json(TestMail {
        posted_to_webhook: sent.posted.is_some(),
        sent_to: mailed.to,
        refused: mailed.refused.into_iter().map(refused).collect(),
    }))
}
