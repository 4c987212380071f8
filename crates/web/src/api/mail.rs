//! `POST /api/email/test`.

use super::body::{Nothing, OptionalJsonBody};
use crate::app::App;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

/// Who got the test mail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestMail {
    /// `SMTP_TO_EMAIL`.
    sent_to: Vec<String>,
}

/// Send a test mail.
#[utoipa::path(post, path = path::TEST_MAIL, tag = "email",
    request_body(content = Option<Nothing>, description = "May be left out."),
    responses(
        (status = 200, description = "The mail server took it", body = TestMail),
        (status = 422, description = "E-mail is not set up", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 502, description = "What the mail server said instead", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn send_test(
    app: web::Data<App>,
    _body: OptionalJsonBody<Nothing>,
) -> Result<web::Json<TestMail>, Problem> {
    let sent = app.blocking(|app| {
        let is_set_up = app.installation.mail_addresses().is_some();
        app.installation.send_test_mail().map_err(|explained| {
            if is_set_up { Problem::Service(explained) } else { Problem::Refused(explained) }
        })
    });
    Ok(web::Json(TestMail { sent_to: sent.await? }))
}
