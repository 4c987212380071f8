//! `POST /api/erase`.

use super::body::JsonBody;
use crate::actions;
use crate::app::App;
use crate::problem::{Problem, ProblemDetails};
use crate::routes::path;
use actix_web::web;
use chrono::{DateTime, Utc};
use domain::Explanation;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sync::{AtMeta, ErasePerson, ErasureReceipt};
use utoipa::ToSchema;

/// Who is to be erased: exactly one of the three.
// Values, not texts, so that what is no text is not quoted in the answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    /// An e-mail address. Everybody with it is erased.
    #[schema(value_type = Option<String>)]
    email: Option<Value>,
    /// A phone number, best with its country code. Everybody with it is erased.
    #[schema(value_type = Option<String>)]
    phone: Option<Value>,
    /// The contact's id in GoHighLevel.
    #[schema(value_type = Option<String>)]
    contact_id: Option<Value>,
}

/// What an erasure did. Nothing in it tells who was erased.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    /// Its number, which the log has too.
    receipt: String,
    /// When it was done.
    erased_at: DateTime<Utc>,
    /// `removed` (Meta took the request and does not tell whether it found anybody), `queued` (it is sent again by
    /// itself) or `nothing_known` (no address and no number of the contact is known here).
    at_meta: &'static str,
    /// Why the removal at Meta waits.
    queued_because: Option<String>,
    /// Contacts with what was given, as far as they are known here; each of them was erased. By a contact id it is one.
    contacts_erased: u64,
    /// Rows of earlier syncs that told of the person.
    records_changed: u64,
    /// Keyed hashes by which later syncs know the person again.
    suppressed_hashes: u64,
    /// Addresses and numbers that another contact has too, which were left alone.
    kept_for_others: u64,
    /// The same for people.
    sentences: Vec<String>,
}

/// Erase a person.
///
/// Takes the person out of every customer list of the Meta ad account and out of what earlier syncs recorded, and leaves
/// the person out of every later sync. GoHighLevel is not changed. Repeating is harmless.
#[utoipa::path(post, path = path::ERASE, tag = "privacy", request_body = Person,
    responses(
        (status = 200, description = "The person was erased here; `at_meta` tells what became of the lists", body = Receipt),
        (status = 422, description = "Nobody can be found by what was given; nothing was changed", body = ProblemDetails, content_type = "application/problem+json"),
    ))]
pub(crate) async fn erase(
    app: web::Data<App>,
    JsonBody(person): JsonBody<Person>,
) -> Result<web::Json<Receipt>, Problem> {
    let who = person.read()?;
    let receipt = app.blocking(move |app| actions::erase(app, &who)).await?;
    Ok(web::Json(Receipt::from(receipt)))
}

impl Person {
    fn read(self) -> Result<ErasePerson, Problem> {
        match (self.email, self.phone, self.contact_id) {
            (Some(Value::String(email)), None, None) => Ok(ErasePerson::Email(email)),
            (None, Some(Value::String(phone)), None) => Ok(ErasePerson::Phone(phone)),
            (None, None, Some(Value::String(id))) => Ok(ErasePerson::Contact(id)),
            _ => Err(Problem::Refused(Explanation::new(
                "Exactly one of email, phone and contact_id is needed, as a text.",
                "Nobody was erased.",
            ))),
        }
    }
}

impl From<ErasureReceipt> for Receipt {
    fn from(receipt: ErasureReceipt) -> Self {
        Self {
            sentences: receipt.sentences(),
            receipt: receipt.number,
            erased_at: receipt.at,
            at_meta: receipt.at_meta.as_str(),
            queued_because: match receipt.at_meta {
                AtMeta::Queued { reason } => Some(reason),
                AtMeta::Removed | AtMeta::NothingKnown => None,
            },
            contacts_erased: receipt.contacts,
            records_changed: receipt.records_changed,
            suppressed_hashes: receipt.suppressed,
            kept_for_others: receipt.kept_for_others,
        }
    }
}
