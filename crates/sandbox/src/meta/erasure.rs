//! `DELETE /act_…/usersofanyaudience`, or `POST` with `method=DELETE`: out of every customer list of the account
//! (meta-api §2.3).

use serde_json::Value;

use super::audience::Kind;
use super::call::Call;
use super::errors::GraphError;
use super::members::Removal;
use super::payload::Upload;
use super::session::{Purpose, SessionParameter};
use super::{Account, MetaState, users};

/// What the reply names as the audience: none in particular.
const ANY: u64 = 0;

/// Removes the people of the payload. Whether anybody was found is not told, and ad sets are not said to learn anew.
///
/// # Errors
/// Terms, and those of the payload.
pub(super) fn erase(state: &MetaState, call: &Call) -> Result<Value, GraphError> {
    state.account().check_terms(false)?;
    let session = SessionParameter::read(call)?;
    let rules = state.account().settings.row_rules();
    let upload = Upload::read(call.required("payload")?, Purpose::Remove, &state.population, &rules)?;
    let account = &mut *state.account();
    account.claim_session(session.session_id, ANY)?;
    let Account { audiences, settings, erased, .. } = account;
    let received = erased.received_by_session.entry(session.session_id).or_default();
    *received += upload.received;
    if settings.removes_from_any_audience {
        let removal = Removal::of(&upload.members);
        for audience in audiences.values_mut() {
            if let Kind::List(list) = &mut audience.kind {
                erased.rows += list.members.retain(|member| !removal.hits(member))? as u64;
            }
        }
    }
    Ok(users::receipt(ANY, session.session_id, *received, &upload, settings))
}
